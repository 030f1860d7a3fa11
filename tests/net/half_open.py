"""A cable is pulled while nobody says anything: both sides close what they hold (F22)."""
# seconds: 60

import time

from lab import Lab, LabCluster, say
from tally import run_scenarios

FOUND_SECONDS = 47  # 45 in the protocol, and what it takes to look


def half_open_sessions_are_closed_after_the_cable_was_pulled():
    members = ("jiangsu", "zhejiang", "office")
    with Lab(members) as lab, LabCluster(lab, members) as c:
        c.up()
        lab.unplug("jiangsu")
        pulled = time.monotonic()
        found = {}
        while len(found) < 4 and time.monotonic() - pulled < 2 * FOUND_SECONDS:
            for one, other in (("jiangsu", "office"), ("jiangsu", "zhejiang"), ("office", "jiangsu"),
                               ("zhejiang", "jiangsu")):
                if (one, other) not in found and not c[one].hears(other):
                    found[one, other] = time.monotonic() - pulled
            time.sleep(0.1)
        kernel = lab.established("office")
        together = c["office"].hears("zhejiang")
        lab.plug("jiangsu")
        healed = c.wait_mesh(seconds=10)
    say("F22: found after " + ", ".join(f"{s:.1f}" for s in found.values())
        + f" s on the four ends; {healed:.2f} s after the cable is back all are connected")
    assert len(found) == 4 and max(found.values()) <= FOUND_SECONDS, found
    assert together and kernel == 1, (together, kernel)


run_scenarios(half_open_sessions_are_closed_after_the_cable_was_pulled)
