"""A node that stands still for longer than its peers wait, and wakes up (F32)."""
# seconds: 60

import time

from lab import FOUND_SECONDS, SOON_SECONDS, Lab, LabCluster, say
from tally import run_scenarios


def frozen_node_that_wakes_up_makes_no_storm():
    with Lab() as lab, LabCluster(lab) as c:
        c.up()
        frozen = c["zhejiang"]
        others = [m for m in c.members if m != "zhejiang"]
        size = {n.slug: n.log_size() for n in c}
        frozen.freeze()
        began = time.monotonic()
        c["jiangsu"].post("note", "1-01", "while it is frozen")
        meanwhile = c.time_to_converge(*others)
        c.measure("the others notice", lambda: all(c[m].lost("zhejiang", size[m]) for m in others),
                  2 * FOUND_SECONDS)
        time.sleep(5)
        asleep = time.monotonic() - began
        before = lab.bytes_to("zhejiang")
        frozen.thaw()
        seconds = c.time_to_converge()
        c.wait_mesh()
        time.sleep(2)
        moved = lab.bytes_to("zhejiang") - before
        ups = sum(len(n.log_since(size[n.slug], "event=peer-up")) for n in c)
    say(f"F32: frozen for {asleep:.0f} s, which all others notice: they agree in {meanwhile:.2f} s; all "
        f"agree {seconds:.2f} s after it woke; {ups} times a session began at one of its ends, {moved} "
        f"bytes to it")
    assert max(meanwhile, seconds) < SOON_SECONDS, (meanwhile, seconds)
    assert ups <= 40 and moved < 200_000, (ups, moved)


run_scenarios(frozen_node_that_wakes_up_makes_no_storm)
