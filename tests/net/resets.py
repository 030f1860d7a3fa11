"""Connections that are reset in the middle of a catch-up, again and again (F21)."""
# seconds: 35

import csv
import os
import random
import time

from lab import Lab, LabCluster, say
from tally import run_scenarios

LOADS = 6
RESETS = 6
KBIT = 400
BATCH_BYTES = 512 * 1024


def load_plan_again(c, n):
    """All tasks with another lead: 165 changes at once."""
    with open("conf/plan-2024-2026.csv", encoding="utf-8") as f:
        rows = [{**row, "source": "amendment", "lead": ("jiangsu", "zhejiang")[n % 2]}
                for row in csv.DictReader(f) if row["kind"] == "task"]
    path = os.path.join(c.folder, f"plan-{n}.csv")
    with open(path, "w", encoding="utf-8", newline="") as f:
        writer = csv.DictWriter(f, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    c["office"].post("plan", "load", path)


def catch_up_is_resumed_after_each_reset():
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    members = ("jiangsu", "zhejiang", "anhui", "office")
    with Lab(members) as lab, LabCluster(lab, members) as c:
        c.launch_all("jiangsu", "office")
        c.wait_mesh("jiangsu", "office")
        for n in range(LOADS):
            load_plan_again(c, n)
        c.wait_converged("jiangsu", "office")
        entries = c["office"].status()["entries"]
        for slug in ("zhejiang", "anhui"):
            lab.slow(slug, KBIT, queue_ms=50)
        undisturbed = lab.bytes_to("zhejiang")
        c.launch_all("zhejiang")
        c.wait_mesh("jiangsu", "zhejiang", "office")
        c.wait_converged("jiangsu", "zhejiang", "office")
        undisturbed = lab.bytes_to("zhejiang") - undisturbed

        before = lab.bytes_to("anhui")
        started = time.monotonic()
        c.launch_all("anhui")
        in_the_middle = 0
        lacks = lambda: c["anhui"].status()["entries"] < entries
        for _ in range(RESETS):
            moved = lab.bytes_to("anhui")
            c.measure("bytes move again", lambda m=moved: lab.bytes_to("anhui") - m > 20_000
                      or not lacks(), 120)
            time.sleep(chance.uniform(0, 0.2))
            lab.reset_connections("anhui")
            in_the_middle += lacks()
        c.time_to_converge()
        seconds = time.monotonic() - started
        moved = lab.bytes_to("anhui") - before
    wasted = moved - undisturbed
    say(f"F21 (seed {seed}): {RESETS} resets, {in_the_middle} of them in the middle; {seconds:.1f} s; "
        f"{undisturbed // 1000} kB undisturbed, {moved // 1000} kB with resets: "
        f"{100 * wasted / undisturbed:.0f} % wasted")
    assert in_the_middle >= 1, in_the_middle
    assert wasted <= (in_the_middle + 1) * BATCH_BYTES, wasted  # one may have been close to the end


run_scenarios(catch_up_is_resumed_after_each_reset)
