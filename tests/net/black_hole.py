"""A line that swallows large packets and says nothing: small ones still pass, so that it looks alive
(F20)."""
# seconds: 15

import time

from lab import FOUND_SECONDS, SOON_SECONDS, Lab, LabCluster, say
from tally import run_scenarios

SMALLEST_LINE = 1280  # bytes of a packet that every line of IPv6 takes
LARGE = 1000


def a_line_that_takes_as_little_as_any_may_is_used():
    members = ("zhejiang", "office")
    with Lab(members) as lab, LabCluster(lab, members) as c:
        lab.drop_both("zhejiang", "office", f"ip length > {SMALLEST_LINE}")
        c.up()
        for slug in members:
            c[slug].post("note", "1-01", "large " + "x" * 1900)
        seconds = c.time_to_converge()
        ups = sum(len(n.log_since(0, "event=peer-up")) for n in c)
    say(f"F20: with packets over {SMALLEST_LINE} bytes swallowed, large changes arrive in {seconds:.2f} "
        f"s; {ups} sessions")
    assert seconds < SOON_SECONDS, seconds


def a_line_that_swallows_large_packets_is_found_and_others_are_fine():
    members = ("shanghai", "zhejiang", "office")
    with Lab(members) as lab, LabCluster(lab, members) as c:
        c.up()
        for i in range(3):
            c["zhejiang"].post("note", "1-01", f"{i} " + "x" * 1900)
        c.wait_converged()
        size = {n.slug: n.log_size() for n in c}
        lab.drop_both("zhejiang", "office", f"ip length > {LARGE}")
        cut = time.monotonic()
        c["zhejiang"].post("note", "1-01", "large " + "x" * 1900)
        around = c.time_to_converge()
        c["office"].post("note", "1-01", "large " + "x" * 1900)
        around = max(around, c.time_to_converge())
        c.measure("both see that the line is no good", lambda: c["zhejiang"].lost(
            "office", size["zhejiang"]) and c["office"].lost("zhejiang", size["office"]), 2 * FOUND_SECONDS)
        found = time.monotonic() - cut
        size = {n.slug: n.log_size() for n in c}
        time.sleep(5)
        ups = sum(len(n.log_since(size[n.slug], "event=peer-up")) for n in c)
        meanwhile = c.time_of_a_note("shanghai", "to both")
        lab.heal()
        healed = c.wait_mesh()
        roots = {n.view_root() for n in c}
    say(f"F20: a change goes around in {around:.2f} s; found after {found:.1f} s; {ups} sessions began "
        f"in the next 5 s; others' changes take {meanwhile:.2f} s; connected {healed:.1f} s after the "
        f"heal")
    assert found <= FOUND_SECONDS, found
    assert ups <= 20 and len(roots) == 1, (ups, roots)
    assert max(around, meanwhile, healed) < SOON_SECONDS, (around, meanwhile, healed)


run_scenarios(a_line_that_takes_as_little_as_any_may_is_used,
              a_line_that_swallows_large_packets_is_found_and_others_are_fine)
