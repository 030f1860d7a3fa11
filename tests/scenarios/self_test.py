"""What is wrong in a script is found: words that do not exist, arguments that make no sense, and, kind by
kind, expectations that do not hold."""

from daemons import Daemons
from language import BadScript, EXPECTATIONS, Reader, tasks
from player import Broken, Player
from simulated import Simulated

PLAIN = "promise 1\nexpect no-fork\n"

# (script, line of the error, words of it)
BAD = [
    ("promise 1\nplan 3-05 led jiangsu\n", 2, "too much: led"),
    ("promise 1\nreprot jiangsu 3-05 in_progress 4\n", 2, "unknown word reprot"),
    ("promise 1\nreport office 3-05 in_progress 4\n", 2, "a province is one of"),
    ("promise 1\nreport jiangsu 305 in_progress 4\n", 2, "a task is like 3-05, not 305"),
    ("promise 1\nreport jiangsu 3-05 fine 4\n", 2, "a status is one of"),
    ("promise 1\nreport jiangsu 3-05 in_progress 101\n", 2, "a number from 0 to 100"),
    ("promise 1\nreport jiangsu 3-05 in_progress\n", 2, "progress is missing"),
    ("promise 1\nnote jiangsu 3-05 unquoted\n", 2, 'stands in "quotes"'),
    ('promise 1\nnote jiangsu 3-05 "open\n', 2, "cannot be read"),
    ("promise 1\ncut beijing\n", 2, "a member is one of"),
    ("promise 1\nclock anhui 9y\n", 2, "+ or -"),
    ("promise 1\nat 10 cut anhui\n", 2, "a time is digits and"),
    ("promise 1\nat 10s cut anhui\nat 9s heal anhui\n", 3, "time goes back"),
    ("promise 1; cut anhui; heel anhui\n", 1, "unknown word heel"),
    ("promise 10\n", 1, "a number from 1 to 9"),
    ("promise 1\nmembers jiangsu zhejiang\n", 2, "must be a member"),
    ("promise 1\nmembers jiangsu office\ncut anhui\n", 3, "anhui is no member of this script"),
    ("promise 1\nexpect happiness\n", 2, "what is expected is one of"),
    ("promise 1\nexpect value 3-05 report:office progress 4 on all\n", 2, "a field is"),
    ("promise 1\nexpect value 3-05 overall status closed\n", 2, "`on` and the members"),
    ("promise 1\ncut anhui\nexpect refused E6003\n", 3, "follows what is to be refused"),
    ("promise 1\nreport anhui 3-05 delayed 4\nexpect refused 6003\n", 3, "a code is like"),
    ("promise 1\nlie anhui well to office\n", 2, "a lie is one of"),
    ("promise 1\ncarry anhui office\n", 2, "`to` and a member are missing"),
    ("expect no-fork\n", 1, "no `promise N`"),
    ("promise 1\ncut anhui\n", 1, "nothing can fail"),
]

# (statements before, an expectation that does not hold); the last line is the one that fails.
UNMET = [
    ("plan 3-05 lead anhui", "refused E6003"),
    ("report anhui 3-05 in_progress 4", "value 3-05 report:anhui progress 5 on anhui"),
    ("report anhui 3-05 in_progress 4", "value 3-05 report:anhui progress 4 by office on anhui"),
    ("report anhui 3-05 in_progress 4", "conflicts 3-05 report:anhui 2 on anhui"),
    ("", "settled 3-05 overall on all"),
    ("report anhui 3-05 in_progress 4", "nothing 3-05 report:anhui on anhui"),
    ('note anhui 3-05 "a"', 'note 3-05 "b" on anhui'),
    ('note anhui 3-05 "a"; note anhui 3-05 "a"', 'note 3-05 "a" on anhui'),
    ("report anhui 3-05 in_progress 4", "traced 3-05 report:anhui to office on anhui"),
    ("cut anhui; report anhui 3-05 in_progress 4", "converged within 60s"),
    ("crash anhui", "converged within 5s"),
    ("cut anhui; report anhui 3-05 in_progress 4", "equal-roots"),
    ("", "unequal-roots on anhui office"),
    ("", "epoch anhui 2 on all"),
    ("", "fork anhui 1 on all"),
    ("lie anhui fork to office", "no-fork"),
    ("", "line anhui down on office"),
    ("cut anhui", "line anhui up on office within 5s"),
    ("", "blamed anhui on all"),
    ("", "missing anhui 1 on office"),
    ("", "lacks anhui 1 on office"),
    # Not an expectation, but nothing that may pass in silence.
    ("overall jiangsu 3-05 in_progress", None),
    ("crash anhui; crash anhui", None),
    ("restart anhui", None),
]


def error_of(text):
    try:
        Reader("x.scn").read(text)
    except BadScript as why:
        return str(why)
    return "nothing"


def bad_scripts():
    for text, line, words in BAD:
        said = error_of(text)
        if not said.startswith(f"x.scn:{line}: ") or words not in said:
            yield f"{text!r}: {said}"
    if error_of(PLAIN) != "nothing":
        yield f"a good script: {error_of(PLAIN)}"


def failure_of(text, stage, patience=1):
    script = Reader("x.scn").read(text)
    with stage(script.members, tasks(script)) as on:
        try:
            Player(script, on, lambda *_: None, patience).play()
        except Broken as why:
            return str(why)
    return "nothing"


def unmet_expectations():
    for before, expected in UNMET:
        last = f"expect {expected}" if expected else "expect no-fork"
        text = f"promise 1\nplan 3-05 lead anhui\nexpect converged within 5s\n{before}\n{last}\n"
        said = failure_of(text, Simulated)
        if not said.startswith("x.scn:5: " if expected else "x.scn:4: "):
            yield f"{before}; {last}: {said}"
    shown = {expected.split()[0] for _, expected in UNMET if expected}
    yield from sorted(set(EXPECTATIONS) - shown)


def unmet_on_daemons():
    text = ("promise 1\nmembers jiangsu office\nreport jiangsu 3-05 in_progress 4\n"
            "expect value 3-05 report:jiangsu progress 5 on jiangsu\n")
    said = failure_of(text, Daemons)
    if not said.startswith("x.scn:4: jiangsu shows ['4'], not 5"):
        yield said


def self_test(tally, stages):
    tally.check("self-test: errors name file and line", bad_scripts())
    if "sim" in stages:
        tally.check("self-test: what is not so fails in the simulator", unmet_expectations())
    if "real" in stages:
        tally.check("self-test: what is not so fails on daemons", unmet_on_daemons())
