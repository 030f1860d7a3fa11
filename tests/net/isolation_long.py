"""An office is cut off for longer than a session lives: its line's return is noticed, not waited
for (F14)."""
# seconds: 65

import time

from cluster import MEMBERS
from lab import FOUND_SECONDS, SOON_SECONDS, Lab, LabCluster, say
from tally import run_scenarios

IN_VAIN_SECONDS = 10  # of dialling, when the sessions are given up


def an_office_cut_off_for_a_minute_agrees_when_its_line_is_back():
    with Lab() as lab, LabCluster(lab) as c:
        c.up()
        rest = [m for m in MEMBERS if m != "anhui"]
        cut = time.monotonic()
        lab.unplug("anhui")
        c["anhui"].post("note", "1-01", "alone")
        c["jiangsu"].post("note", "1-01", "without anhui")
        c.wait_converged(*rest)
        lost = c.measure("all of them noticed", lambda: not any(
            p["connected"] for p in c["anhui"].status()["peers"]), 2 * FOUND_SECONDS)
        time.sleep(IN_VAIN_SECONDS)
        lab.plug("anhui")
        healed = time.monotonic()
        seconds = c.time_to_converge()
        c.wait_mesh()
        mesh = time.monotonic() - healed
    say(f"F14: cut for {healed - cut:.0f} s (found dead after {lost:.1f} s), then converged after "
        f"{seconds:.2f} s, all connected after {mesh:.2f} s")
    assert max(seconds, mesh) < SOON_SECONDS, (seconds, mesh)


run_scenarios(an_office_cut_off_for_a_minute_agrees_when_its_line_is_back)
