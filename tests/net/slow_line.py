"""A line of 64 kbit/s with a backlog: it gets through, and what an operator writes meanwhile does not
wait for all of it (F19)."""
# seconds: 65

import time

from lab import Lab, LabCluster, say
from tally import run_scenarios

KBIT = 64
BACKLOG = 150  # notes of about 2 kB: 39 s of this line
URGENT_PART = 0.75  # of the time that all of it takes; who waits for all of it takes five sixths


def an_update_overtakes_the_backlog_of_a_slow_line():
    """Anhui comes back behind a slow line, and has missed what Jiangsu wrote."""
    with Lab() as lab, LabCluster(lab) as c:
        c.up()
        rest = [m for m in c.members if m != "anhui"]
        c["anhui"].stop()
        for i in range(BACKLOG):
            c["jiangsu"].post("note", "1-01", f"{i} " + "x" * 1900)
        c.wait_converged(*rest)
        missing = BACKLOG * 2100
        lab.slow("anhui", KBIT)
        before = lab.bytes_to("anhui")
        started = time.monotonic()
        c.launch_all("anhui")
        c.measure("the backlog is moving", lambda: lab.bytes_to("anhui") - before > missing / 6, 120)
        c["office"].post("note", "2-01", "urgent")
        urgent = c.measure("the urgent note is there", lambda: c["anhui"].values("2-01", "note"), 200)
        had = len(c["anhui"].values("1-01", "note"))
        c.time_to_converge(seconds=280)
        seconds = time.monotonic() - started
        moved = lab.bytes_to("anhui") - before
        ups = len(c["anhui"].log_since(0, "event=peer-up"))
    say(f"F19: {missing // 1000} kB over {KBIT} kbit/s in {seconds:.0f} s, {moved / missing:.2f} bytes "
        f"for each byte missing; an urgent note took {urgent:.1f} s, with {had} of {BACKLOG} of the "
        f"backlog there; {ups} sessions in all")
    assert urgent < URGENT_PART * seconds and had < BACKLOG, (urgent, seconds, had)
    # A session that is given up for a new one takes with it what it had of a batch.
    assert moved <= 8 * missing, moved


run_scenarios(an_update_overtakes_the_backlog_of_a_slow_line)
