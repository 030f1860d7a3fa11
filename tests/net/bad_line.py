"""A line of 300 ms round trip that loses three packets in ten, and reorders and doubles others
(F18)."""
# seconds: 10

import random

from lab import Lab, LabCluster, say
from tally import run_scenarios

BACKLOG = 30
LEAF = 2100  # bytes of such a note


def a_very_bad_line_converges():
    seed = random.randrange(1, 2**32)
    with Lab() as lab, LabCluster(lab) as c:
        rest = [m for m in c.members if m != "anhui"]
        c.launch_all(*rest)
        c.wait_mesh(*rest)
        for i in range(BACKLOG):
            c["jiangsu"].post("note", "1-01", f"{i} " + "x" * 1900)
        c.wait_converged(*rest)
        line = lab.bad_line("anhui", "--delay", "150", "--jitter", "30", "--loss", "30", "--reorder", "10",
                            "--duplicate", "5", "--seed", str(seed))
        before = lab.bytes_to("anhui")
        c.launch_all("anhui")
        seconds = c.time_to_converge(seconds=200)
        moved = lab.bytes_to("anhui") - before
        line.terminate()
        what = line.communicate(timeout=60)[0].strip()
        ups = len(c["anhui"].log_since(0, "event=peer-up"))
    missing = BACKLOG * LEAF
    say(f"F18 (seed {seed}): converged in {seconds:.1f} s: goodput {missing / seconds / 1000:.1f} kB/s, "
        f"{moved / missing:.1f} bytes sent for each byte missing; {ups} sessions; {what}")
    assert moved <= 15 * missing + 65536, moved


run_scenarios(a_very_bad_line_converges)
