"""One office after the other is cut off for some seconds, shorter than any time-out; it and the
others go on writing, and all agree soon after its line is back (F14)."""
# seconds: 50

import time

from cluster import MEMBERS
from lab import SOON_SECONDS, Lab, LabCluster, say
from tally import run_scenarios

CUT_SECONDS = 7  # TCP by itself tries again 6 s after this
NOTICED_SECONDS = 4


def each_office_in_turn_is_cut_off_and_agrees_when_its_line_is_back():
    measured, plain = {}, []
    with Lab() as lab, LabCluster(lab) as c:
        c.up()
        for i, slug in enumerate(MEMBERS):
            rest = [m for m in MEMBERS if m != slug]
            cut = time.monotonic()
            lab.unplug(slug)
            c[slug].post("note", "1-01", f"{slug} alone")
            c[rest[i % 4]].post("note", "1-01", f"without {slug}")
            c.wait_converged(*rest)
            assert c[slug].view_root() != c[rest[0]].view_root()
            time.sleep(max(0, cut + CUT_SECONDS - time.monotonic()))
            lab.plug(slug)
            measured[slug] = c.time_to_converge()
            plain.append(c.time_of_a_note(slug, f"plain {slug}"))
        notes = [len(n.values("1-01", "note")) for n in c]
    say(f"F14: cut for {CUT_SECONDS} s, then converged after "
        + ", ".join(f"{slug} {seconds:.2f}" for slug, seconds in measured.items())
        + f"; at most {max(measured.values()):.2f} s")
    assert notes == [15] * 5, notes
    # A busy machine only adds to what it takes: the shortest shows that nobody waits for TCP.
    assert min(measured.values()) < NOTICED_SECONDS + min(plain), (measured, plain)
    assert max(measured.values()) < SOON_SECONDS, measured


run_scenarios(each_office_in_turn_is_cut_off_and_agrees_when_its_line_is_back)
