"""A cable is pulled while nobody says anything: both sides close what they hold (F22)."""
# seconds: 55

import time

from lab import FOUND_SECONDS, SOON_SECONDS, Lab, LabCluster, say
from tally import run_scenarios


def half_open_sessions_are_closed_after_the_cable_was_pulled():
    members = ("jiangsu", "zhejiang", "office")
    with Lab(members) as lab, LabCluster(lab, members) as c:
        c.up()
        size = {n.slug: n.log_size() for n in c}
        lab.unplug("jiangsu")
        pulled = time.monotonic()
        found = {}
        while len(found) < 4 and time.monotonic() - pulled < 2 * FOUND_SECONDS:
            for one, other in (("jiangsu", "office"), ("jiangsu", "zhejiang"), ("office", "jiangsu"),
                               ("zhejiang", "jiangsu")):
                if (one, other) not in found and c[one].lost(other, size[one]):
                    found[one, other] = time.monotonic() - pulled
            time.sleep(0.1)
        connected = [pair for pair in found if c[pair[0]].hears(pair[1])]
        kernel = lab.established("office")
        together = c["office"].hears("zhejiang")
        lab.plug("jiangsu")
        healed = c.wait_mesh()
    say("F22: found after " + ", ".join(f"{s:.1f}" for s in found.values())
        + f" s on the four ends; {healed:.2f} s after the cable is back all are connected")
    assert len(found) == 4 and max(found.values()) <= FOUND_SECONDS, found
    assert together and kernel == 1 and not connected, (together, kernel, connected)
    assert healed < SOON_SECONDS, healed


run_scenarios(half_open_sessions_are_closed_after_the_cable_was_pulled)
