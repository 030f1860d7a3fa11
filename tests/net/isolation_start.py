"""An office whose line is out from the start: after a minute of dialling in vain on both sides it is
plugged in, and everybody agrees (F14)."""
# seconds: 70

import time

from cluster import MEMBERS
from lab import SOON_SECONDS, Lab, LabCluster, say
from tally import run_scenarios

CUT_SECONDS = 60


def a_line_that_comes_after_a_minute_is_used_at_once():
    with Lab() as lab, LabCluster(lab) as c:
        rest = [m for m in MEMBERS if m != "anhui"]
        lab.unplug("anhui")
        c.launch_all()
        started = time.monotonic()
        c.wait_mesh(*rest)
        c["anhui"].post("note", "1-01", "alone")
        c["jiangsu"].post("note", "1-01", "without anhui")
        c.wait_converged(*rest)
        time.sleep(max(0, started + CUT_SECONDS - time.monotonic()))
        lab.plug("anhui")
        healed = time.monotonic()
        seconds = c.time_to_converge()
        c.wait_mesh()
        mesh = time.monotonic() - healed
    say(f"F14: no line for {CUT_SECONDS} s, then converged after {seconds:.2f} s, all connected after "
        f"{mesh:.2f} s")
    assert max(seconds, mesh) < SOON_SECONDS, (seconds, mesh)


run_scenarios(a_line_that_comes_after_a_minute_is_used_at_once)
