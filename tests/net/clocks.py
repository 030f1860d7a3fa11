"""Wall clocks that are years off, run backwards or stand still (F31), and a machine that slept for
five minutes without noticing (F32), by libfaketime between the daemon and its clock."""
# seconds: 15

import glob
import os
import time

from lab import Lab, LabCluster, say
from tally import NotPermitted, run_scenarios

LIBRARY = "/usr/lib/*/faketime/libfaketimeMT.so.1"
SLEPT_SECONDS = 300
STUCK = "2026-11-23 09:00:00"


def library():
    found = glob.glob(LIBRARY)
    if not found:
        raise NotPermitted("libfaketime is not installed")
    return found[0]


class Clock:
    """What one node takes for the time, from a file that the check rewrites."""

    def __init__(self, node):
        self.node, self.path = node, os.path.join(node.folder, "clock")
        self.set("+0")

    def set(self, words):
        """Written beside and put in place: the daemon reads it at every look at its clock."""
        with open(self.path + ".new", "w", encoding="ascii") as f:
            f.write(words + "\n")
        os.rename(self.path + ".new", self.path)

    def start(self, also_monotonic=False):
        more = [] if also_monotonic else ["FAKETIME_DONT_FAKE_MONOTONIC=1"]
        self.node.process = self.node.launch(
            "env", f"LD_PRELOAD={library()}", f"FAKETIME_TIMESTAMP_FILE={self.path}", "FAKETIME_NO_CACHE=1",
            "FAKETIME_DONT_RESET=1", *more)


    def off_by(self):
        """Seconds between what the node says and what it is: that the fault is there at all."""
        return abs(self.node.status()["now_ms"] / 1000 - time.time())


def agree(c, text):
    """Every office writes; how long until all hold the same."""
    for node in c:
        node.post("note", "1-01", f"{text} {node.slug}")
    return c.time_to_converge()


def no_wall_clock_changes_what_holds():
    library()
    with Lab() as lab, LabCluster(lab) as c:
        clocks = {node.slug: Clock(node) for node in c}
        for clock in clocks.values():
            clock.start()
        c.wait_mesh()
        right = agree(c, "all right")
        took = []
        for slug, words in (("shanghai", "+3650d"), ("jiangsu", "-3650d"),
                            ("zhejiang", STUCK), ("anhui", "+40h")):
            clocks[slug].set(words)
            took.append(agree(c, f"{slug} {words}"))
            assert clocks[slug].off_by() > (1 if words == STUCK else 3600), (slug, words)
        clocks["shanghai"].set("-3650d")  # ten years ahead, then twenty back
        clocks["jiangsu"].set("+3650d")
        took.append(agree(c, "turned round"))
        for slug in ("shanghai", "zhejiang"):
            c[slug].stop()
            clocks[slug].start()
        c.wait_mesh()
        took.append(agree(c, "started anew"))
        expected = 5 * (1 + len(took))
        for node in c:
            assert len(node.values("1-01", "note")) == expected, node.slug
            logs = node.status()["logs"]
            assert len(logs) == 5 and not any(g["forked"] for g in logs), logs
    say(f"F31: clocks 10 years ahead and back, 40 hours ahead, and stuck: {expected} notes on each of 5, "
        f"one view; all agree after {max(took):.2f} s, {right:.2f} s with right clocks")


def machine_that_slept_wakes_up_without_a_storm():
    library()
    with Lab() as lab, LabCluster(lab) as c:
        c.launch_all(*(m for m in c.members if m != "zhejiang"))
        clock = Clock(c["zhejiang"])
        clock.start(also_monotonic=True)
        c.wait_mesh()
        c.wait_converged()
        size = {n.slug: n.log_size() for n in c}
        before = lab.bytes_to("zhejiang")
        clock.set(f"+{SLEPT_SECONDS}")
        time.sleep(2)
        assert clock.off_by() > SLEPT_SECONDS - 60
        seconds = agree(c, "after it slept")
        c.wait_mesh()
        time.sleep(2)
        moved = lab.bytes_to("zhejiang") - before
        ups = sum(len(n.log_since(size[n.slug], "event=peer-up")) for n in c)
    say(f"F32: {SLEPT_SECONDS} s pass at once: {ups} times a session began at one of its ends, {moved} "
        f"bytes to it, all agree {seconds:.2f} s after the next writes")
    assert ups <= 40 and moved < 400_000, (ups, moved)


run_scenarios(no_wall_clock_changes_what_holds, machine_that_slept_wakes_up_without_a_storm)
