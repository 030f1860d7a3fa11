"""The language of scenarios: one statement a line, or several with `;` between them. README.md lists
the words. Whatever is not understood is an error that names file and line."""

import re
from collections import namedtuple

MEMBERS = ("shanghai", "jiangsu", "zhejiang", "anhui", "office")
PROVINCES = MEMBERS[:-1]
PROMISES = 9
REPORT_STATUSES = ("not_started", "in_progress", "delayed", "suspended", "done_here")
OVERALL_STATUSES = (*REPORT_STATUSES[:4], "pending_closure")
KEYS = ("status", "progress", "summary", "text", "lead")
LIES = ("noise", "head", "leaf", "fork")

# A statement: where it stands, virtual time in ms (None: as before), its word, its arguments, and
# whether it is for the simulator only.
Statement = namedtuple("Statement", "where at word arguments only_sim")
Script = namedtuple("Script", "path promises members statements")

UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "y": 31_557_600_000}
TOKEN = re.compile(r'\s*(?:("(?:[^"\\\t]*)")|(;)|(#.*)|([^\s;"#]+))')


class BadScript(Exception):
    """What is wrong, with file:line in front."""


def tokens(line):
    """Words; a text in quotes keeps its opening quote as a sign of what it is."""
    found, at = [], 0
    line = line.rstrip()
    while at < len(line):
        match = TOKEN.match(line, at)
        if not match:
            raise BadScript(f"this cannot be read: {line[at:].strip()}")
        at = match.end()
        text, separator, comment, word = match.groups()
        if comment is not None:
            break
        found.append(text[:-1] if text is not None else separator or word)
    return found


class Words:
    """The words of one statement, taken one by one."""

    def __init__(self, words):
        self.words = list(words)

    def left(self):
        return len(self.words)

    def peek(self):
        return self.words[0] if self.words else None

    def take(self, what):
        if not self.words:
            raise BadScript(f"{what} is missing")
        return self.words.pop(0)

    def taken(self, word):
        """Takes this very word if it comes next."""
        if self.peek() != word:
            return False
        self.words.pop(0)
        return True

    def end(self):
        if self.words:
            raise BadScript(f"too much: {' '.join(self.words)}")

    def one_of(self, what, choices):
        word = self.take(what)
        if word not in choices:
            raise BadScript(f"{what} is one of {', '.join(choices)}, not {word}")
        return word

    def member(self):
        return self.one_of("a member", MEMBERS)

    def members(self):
        """One or more, or `all`; at the end of what can follow."""
        if self.taken("all"):
            return "all"
        found = [self.member()]
        while self.peek() in MEMBERS:
            found.append(self.member())
        return tuple(found)

    def on(self):
        if not self.taken("on"):
            raise BadScript("`on` and the members are missing")
        return self.members()

    def number(self, what, low, high):
        word = self.take(what)
        if not re.fullmatch(r"0|[1-9][0-9]{0,8}", word) or not low <= int(word) <= high:
            raise BadScript(f"{what} is a number from {low} to {high}, not {word}")
        return int(word)

    def time(self, what, signed=False):
        word = self.take(what)
        match = re.fullmatch(r"([+-])?([0-9]{1,6})(ms|s|m|h|d|y)", word)
        if not match or bool(match[1]) != signed:
            sign = "+ or -, " if signed else ""
            raise BadScript(f"{what} is {sign}digits and ms, s, m, h, d or y, not {word}")
        value = int(match[2]) * UNITS[match[3]]
        return -value if match[1] == "-" else value

    def task(self):
        word = self.take("a task")
        if not re.fullmatch(r"[1-9]-[0-9]{2}", word):
            raise BadScript(f"a task is like 3-05, not {word}")
        return word

    def field(self):
        """(slot, holder): report:jiangsu, overall, task."""
        word = self.take("a field")
        slot, _, holder = word.partition(":")
        if slot == "report" and holder in PROVINCES:
            return slot, holder
        if slot in ("overall", "task") and word == slot:
            return slot, ""
        raise BadScript(f"a field is report:PROVINCE, overall or task, not {word}")

    def text(self, what):
        word = self.take(what)
        if not word.startswith('"'):
            raise BadScript(f'{what} stands in "quotes", not {word}')
        return word[1:]

    def optional_text(self):
        return self.text("a text") if self.left() else ""


# ---- statements: each reads its arguments, as they are handed to the player ----

def read_plan(w):
    task, lead, participants = w.task(), "", ()
    if w.taken("lead"):
        lead = w.member()
    if w.taken("participants"):
        participants = w.members()
    return task, lead, participants


def read_report(w):
    member = w.one_of("a province", PROVINCES)
    task, status = w.task(), w.one_of("a status", REPORT_STATUSES)
    return member, task, status, w.number("progress", 0, 100), w.optional_text()


def read_overall(w):
    return w.member(), w.task(), w.one_of("a status", OVERALL_STATUSES), w.optional_text()


def read_note(w):
    return w.member(), w.task(), w.text("the note")


def read_resolve(w):
    member, task, field = w.member(), w.task(), w.field()
    if field != ("overall", ""):
        raise BadScript("what is resolved is overall")
    if not w.taken("take"):
        raise BadScript("`take` and a member are missing")
    return member, task, field, w.member()


def read_line(w):
    member = w.member()
    return member, w.members() if w.taken("from") else "all"


def read_heal(w):
    return ("all", "all") if w.taken("all") else read_line(w)


def read_member(w):
    return (w.member(),)


def read_restore(w):
    return w.member(), w.one_of("what is restored", ("database", "machine"))


def read_clock(w):
    return w.member(), w.time("a shift", signed=True)


def read_slow(w):
    return w.member(), w.time("a delay")


def read_lie(w):
    liar, kind = w.member(), w.one_of("a lie", LIES)
    if not w.taken("to"):
        raise BadScript("`to` and a member are missing")
    return liar, kind, w.member()


def read_carry(w):
    member = w.member()
    if not w.taken("to"):
        raise BadScript("`to` and a member are missing")
    return member, w.member()


def read_nothing(_):
    return ()


Word = namedtuple("Word", "read only_sim")
ACTIONS = {
    "plan": Word(read_plan, False),
    "report": Word(read_report, False),
    "overall": Word(read_overall, False),
    "note": Word(read_note, False),
    "resolve": Word(read_resolve, False),
    "cut": Word(read_line, False),
    "heal": Word(read_heal, False),
    "crash": Word(read_member, False),
    "power-off": Word(read_member, False),
    "restart": Word(read_member, False),
    "backup": Word(read_member, False),
    "restore": Word(read_restore, False),
    "wipe": Word(read_member, False),
    "install": Word(read_member, False),
    "wait": Word(read_nothing, False),
    "clone": Word(read_note, False),
    "clock": Word(read_clock, True),
    "slow": Word(read_slow, True),
    "lie": Word(read_lie, False),
    "carry": Word(read_carry, False),
}


# ---- expectations ----

def expect_refused(w):
    word = w.take("a code")
    if not re.fullmatch(r"E[0-9]{4}", word):
        raise BadScript(f"a code is like E6003, not {word}")
    return (word,)


def expect_value(w):
    task, field = w.task(), w.field()
    key = w.one_of("a key", KEYS)
    wanted = w.take("what is wanted").removeprefix('"')
    by = w.member() if w.taken("by") else None
    return task, field, key, wanted, by, w.on()


def expect_count(w):
    return w.task(), w.field(), w.number("how many", 2, 64), w.on()


def expect_register(w):
    return w.task(), w.field(), w.on()


def expect_note(w):
    return w.task(), w.text("the note"), w.on()


def expect_traced(w):
    task, field = w.task(), w.field()
    if not w.taken("to"):
        raise BadScript("`to` and a member are missing")
    return task, field, w.member(), w.on()


def expect_nodes(w):
    return (w.on() if w.left() and w.peek() != "within" else "all",)


def expect_epoch(w):
    return w.member(), w.number("an epoch", 1, 99), w.on()


def expect_line(w):
    return w.member(), w.one_of("a line", ("up", "down")), w.on()


def expect_blamed(w):
    return w.member(), w.on()


def expect_missing(w):
    return w.member(), w.number("how many", 0, 10_000), w.on()


EXPECTATIONS = {
    "refused": expect_refused,
    "value": expect_value,
    "conflicts": expect_count,
    "settled": expect_register,
    "nothing": expect_register,
    "note": expect_note,
    "traced": expect_traced,
    "converged": expect_nodes,
    "equal-roots": expect_nodes,
    "unequal-roots": expect_nodes,
    "no-fork": expect_nodes,
    "fork": expect_epoch,
    "epoch": expect_epoch,
    "line": expect_line,
    "blamed": expect_blamed,
    "missing": expect_missing,
    "lacks": expect_missing,
}


def read_expect(w):
    """(what, its arguments, within ms or None)."""
    what = w.one_of("what is expected", tuple(EXPECTATIONS))
    arguments = EXPECTATIONS[what](w)
    within = w.time("a bound") if w.taken("within") else None
    return what, arguments, within


# ---- whole scripts ----

class Reader:
    def __init__(self, path):
        self.path = path
        self.promises, self.members, self.statements = [], MEMBERS, []
        self.now = 0

    def read(self, text):
        for number, line in enumerate(text.splitlines(), 1):
            where = f"{self.path}:{number}"
            try:
                self.line(where, tokens(line))
            except BadScript as why:
                raise BadScript(f"{where}: {why}") from None
        if not self.promises:
            raise BadScript(f"{self.path}:1: no `promise N`: which promise does it hold to account?")
        if not any(s.word == "expect" for s in self.statements):
            raise BadScript(f"{self.path}:1: nothing is expected, so nothing can fail")
        return Script(self.path, tuple(self.promises), self.members, tuple(self.statements))

    def line(self, where, words):
        statement = []
        for word in [*words, ";"]:
            if word != ";":
                statement.append(word)
            elif statement:
                self.statement(where, Words(statement))
                statement = []

    def statement(self, where, w):
        only_sim = w.taken("sim")
        at = None
        if w.taken("at"):
            at = w.time("a time")
            if at < self.now:
                raise BadScript("time goes back")
            self.now = at
            if not w.left():
                w.words.append("wait")
        word = w.take("a word")
        if word in ("promise", "members") and not self.statements and at is None and not only_sim:
            self.head(word, w)
        elif word == "expect":
            self.put(where, at, word, read_expect(w), only_sim)
        elif word in ACTIONS:
            action = ACTIONS[word]
            arguments = action.read(w)
            only_sim = only_sim or action.only_sim or word == "lie" and arguments[1] != "noise"
            self.put(where, at, word, arguments, only_sim)
        else:
            raise BadScript(f"unknown word {word}")
        w.end()

    def head(self, word, w):
        if word == "promise":
            self.promises.append(w.number("a promise", 1, PROMISES))
        else:
            self.members = w.members()
            if self.members != "all" and "office" not in self.members:
                raise BadScript("the office publishes the plan: it must be a member")
            self.members = MEMBERS if self.members == "all" else self.members

    def put(self, where, at, word, arguments, only_sim):
        for name in named(arguments):
            if name not in self.members:
                raise BadScript(f"{name} is no member of this script")
        if word == "expect" and arguments[0] == "refused":
            last = self.statements[-1].word if self.statements else None
            if last not in POSTS:
                raise BadScript("`expect refused` follows what is to be refused")
        self.statements.append(Statement(where, at, word, arguments, only_sim))


POSTS = ("plan", "report", "overall", "note", "resolve")


def named(arguments):
    """The members among the arguments, however deep."""
    for a in arguments:
        if isinstance(a, tuple):
            yield from named(a)
        elif a in MEMBERS:
            yield a


def tasks(script):
    """Every task that the script names, once."""
    found = {}
    for s in script.statements:
        for a in flat(s.arguments):
            if isinstance(a, str) and re.fullmatch(r"[1-9]-[0-9]{2}", a):
                found[a] = True
    return list(found)


def flat(arguments):
    for a in arguments:
        if isinstance(a, tuple):
            yield from flat(a)
        else:
            yield a


def read_script(path):
    with open(path, encoding="utf-8") as f:
        return Reader(path).read(f.read())
