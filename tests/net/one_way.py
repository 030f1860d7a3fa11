"""A line that carries one direction only: nobody takes it for a connection for long (F17)."""
# seconds: 60

import time

from lab import FOUND_SECONDS, SOON_SECONDS, Lab, LabCluster, say
from tally import run_scenarios


def a_line_that_carries_one_direction_is_found_and_gone_around():
    """Jiangsu's packets no longer reach Shanghai; the office hears both."""
    members = ("shanghai", "jiangsu", "office")
    with Lab(members) as lab, LabCluster(lab, members) as c:
        c.up()
        size = {n.slug: n.log_size() for n in c}
        lab.drop("jiangsu", "shanghai")
        cut = time.monotonic()
        c["jiangsu"].post("note", "1-01", "does not go directly")
        around = c.time_to_converge()
        found = {}
        pairs = (("shanghai", "jiangsu"), ("jiangsu", "shanghai"))
        while len(found) < 2 and time.monotonic() - cut < 2 * FOUND_SECONDS:
            for one, other in pairs:
                if (one, other) not in found and c[one].lost(other, size[one]):
                    found[one, other] = time.monotonic() - cut
            time.sleep(0.1)
        again = 0
        watched = time.monotonic() + 4
        while time.monotonic() < watched:
            again += any(c[one].hears(other) for one, other in pairs)
            time.sleep(0.1)
        lab.heal()
        healed = c.wait_mesh()
    say(f"F17: a change goes around in {around:.2f} s; Shanghai, who hears nothing, sees it after "
        f"{found[pairs[0]]:.1f} s, Jiangsu after {found[pairs[1]]:.1f} s; connected again "
        f"{healed:.2f} s after the heal")
    assert len(found) == 2 and max(found.values()) <= FOUND_SECONDS, found
    assert max(around, healed) < SOON_SECONDS, (around, healed)
    assert again == 0, "it was called connected again"


run_scenarios(a_line_that_carries_one_direction_is_found_and_gone_around)
