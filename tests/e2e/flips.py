"""A disk that changes bits of a stopped node's database: it is noticed before anything is shown."""

import os
import random
import subprocess
import time

from cluster import Cluster, DELTAD
from tally import run_scenarios

FLIPS = int(os.environ.get("FLIPS", "1000" if os.environ.get("TESTS_MODE") == "full" else "300"))
SEED = int(os.environ.get("FLIPS_SEED", "1"))
EXIT_IO = 74


def flip(f, bit):
    f.seek(bit // 8)
    byte = f.read(1)[0] ^ (1 << bit % 8)
    f.seek(bit // 8)
    f.write(bytes([byte]))
    f.flush()


def what_a_start_does(node, shown):
    """"detected", "harmless", or what it showed instead."""
    process = subprocess.Popen([DELTAD, "-c", node.conf], stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    node.process = process
    try:
        while process.poll() is None:
            if node.ctl("status", check=False).returncode == 0:
                return "harmless" if show(node) == shown else "another view"
            time.sleep(0.01)
        said = process.stderr.read()
        detected = process.returncode == EXIT_IO and "E1005" in said
        return "detected" if detected else f"exit {process.returncode}: {said[-200:]}"
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(60)
        process.stderr.close()
        node.process = None


def show(node):
    tasks = node.json("task", "list")
    notes = node.json("task", "show", "1-01", "--history")
    return tasks["tasks"], notes["values"], node.view_root()


def every_flipped_bit_is_detected_or_harmless():
    with Cluster(("jiangsu", "office")) as c:
        c.up()
        node = c["jiangsu"]
        for i in range(20):
            node.post("note", "1-01", f"note {i}")
        c.wait_converged()
        c["office"].stop()
        shown = show(node)
        node.stop()
        path = os.path.join(node.data, "replica.db")
        bits = os.path.getsize(path) * 8
        dice, seen = random.Random(SEED), {}
        for _ in range(FLIPS):
            bit = dice.randrange(bits)
            with open(path, "r+b") as f:
                flip(f, bit)
            came = what_a_start_does(node, shown)
            assert came in ("detected", "harmless"), f"bit {bit} (FLIPS_SEED={SEED}): {came}"
            seen[came] = seen.get(came, 0) + 1
            if came == "detected":
                with open(path, "r+b") as f:
                    flip(f, bit)
        print(f"        {FLIPS} bits flipped: {seen}")
        node.start()
        assert show(node) == shown
        node.stop()


def a_database_that_was_replaced_is_named():
    with Cluster(("jiangsu", "office")) as c:
        c.up()
        node = c["jiangsu"]
        node.stop()
        path = os.path.join(node.data, "replica.db")
        with open(path, "ab") as f:
            f.write(b"more")
        done = subprocess.run([DELTAD, "-c", node.conf], capture_output=True, text=True, timeout=60,
                              check=False)
        assert done.returncode == EXIT_IO and "not the one that this node closed" in done.stderr, done


run_scenarios(every_flipped_bit_is_detected_or_harmless, a_database_that_was_replaced_is_named)
