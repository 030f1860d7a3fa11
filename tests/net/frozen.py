"""A node that stands still for longer than its peers wait, and wakes up (F32)."""
# seconds: 62

import time

from lab import Lab, LabCluster, say
from tally import run_scenarios

FREEZE_SECONDS = 52  # past the 45 s after which a silent peer is dead


def frozen_node_that_wakes_up_makes_no_storm():
    with Lab() as lab, LabCluster(lab) as c:
        c.up()
        soon = c.soon()
        frozen = c["zhejiang"]
        others = [m for m in c.members if m != "zhejiang"]
        size = {n.slug: n.log_size() for n in c}
        frozen.freeze()
        c["jiangsu"].post("note", "1-01", "while it is frozen")
        meanwhile = c.time_to_converge(*others)
        time.sleep(FREEZE_SECONDS)
        noticed = sum(not c[slug].hears("zhejiang") for slug in others)
        before = lab.bytes_to("zhejiang")
        frozen.thaw()
        seconds = c.time_to_converge()
        c.wait_mesh()
        time.sleep(2)
        moved = lab.bytes_to("zhejiang") - before
        ups = sum("event=peer-up" in line for n in c for line in n.log_since(size[n.slug]))
    say(f"F32: frozen for {FREEZE_SECONDS} s: others agree in {meanwhile:.2f} s, {noticed} of 4 notice; "
        f"all agree {seconds:.2f} s after it woke; {ups} times a session began at one of its ends, "
        f"{moved} bytes to it")
    assert meanwhile < soon and seconds < soon and noticed == 4, (meanwhile, seconds, noticed)
    assert ups <= 24 and moved < 200_000, (ups, moved)


run_scenarios(frozen_node_that_wakes_up_makes_no_storm)
