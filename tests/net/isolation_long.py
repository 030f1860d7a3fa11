"""An office is cut off for longer than a session lives: its line's return is noticed, not waited
for (F14)."""
# seconds: 80

import time

from cluster import MEMBERS
from lab import Lab, LabCluster, say
from tally import run_scenarios

CUT_SECONDS = 65  # past the 45 s after which a silent peer is dead


def an_office_cut_off_for_a_minute_agrees_when_its_line_is_back():
    with Lab() as lab, LabCluster(lab) as c:
        c.up()
        soon = c.soon()
        rest = [m for m in MEMBERS if m != "anhui"]
        cut = time.monotonic()
        lab.unplug("anhui")
        c["anhui"].post("note", "1-01", "alone")
        c["jiangsu"].post("note", "1-01", "without anhui")
        c.wait_converged(*rest)
        lost = c.measure("all of them noticed", lambda: not any(
            p["connected"] for p in c["anhui"].status()["peers"]), 60)
        time.sleep(max(0, cut + CUT_SECONDS - time.monotonic()))
        lab.plug("anhui")
        healed = time.monotonic()
        seconds = c.time_to_converge(seconds=60)
        c.wait_mesh(seconds=60)
        mesh = time.monotonic() - healed
    say(f"F14: cut for {CUT_SECONDS} s (found dead after {lost:.1f} s), then converged after "
        f"{seconds:.2f} s, all connected after {mesh:.2f} s")
    assert seconds <= soon, (seconds, soon)


run_scenarios(an_office_cut_off_for_a_minute_agrees_when_its_line_is_back)
