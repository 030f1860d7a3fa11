"""Daemons that end in the middle of something: what was acknowledged stays."""

import os
import random
import threading
import time

from cluster import Cluster, EXIT_UNKNOWN, EXIT_UNREACHABLE, wait_until
from tally import run_scenarios

KILLS = {"full": 200}.get(os.environ.get("TESTS_MODE"), 50)


class Writer(threading.Thread):
    """Posts notes one after the other; runs a command again until it is acknowledged."""

    def __init__(self, node):
        super().__init__(daemon=True)
        self.node, self.acknowledged, self.unknown, self.stopping = node, [], 0, False
        self.failure = None

    def run(self):
        while not self.stopping:
            text = f"note {len(self.acknowledged)}"
            done = self.node.post("note", "1-01", text, check=False)
            if done.returncode == 0:
                self.acknowledged.append(text)
            elif done.returncode == EXIT_UNKNOWN:
                self.unknown += 1
            elif done.returncode == EXIT_UNREACHABLE:
                time.sleep(0.01)
            else:
                self.failure = f"exit {done.returncode}: {done.stderr}"
                return

    def finish(self):
        self.stopping = True
        self.join(120)
        assert not self.failure and not self.is_alive(), self.failure


def check_notes(node, writer):
    """Each acknowledged note is there, and once: a command that was run again posted nothing new."""
    notes = [n["value"]["text"] for n in node.values("1-01", "note")]
    lost = set(writer.acknowledged) - set(notes)
    assert not lost, f"{node.slug} lost {sorted(lost)}"
    assert len(notes) == len(set(notes)), f"{node.slug} has some twice: {sorted(notes)}"


def nothing_acknowledged_is_lost_by_kill_9():
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    print(f"seed {seed}, {KILLS} kills", flush=True)
    with Cluster() as c:
        c.up()
        writer = Writer(c["jiangsu"])
        writer.start()
        for i in range(KILLS):
            if i % 5 == 0:
                n = len(writer.acknowledged)
                wait_until("something is acknowledged", lambda n=n: len(writer.acknowledged) > n)
            time.sleep(chance.uniform(0.0, 0.12))
            c["jiangsu"].kill()
            c["jiangsu"].start()
        writer.finish()
        c.wait_converged()
        print(f"{len(writer.acknowledged)} acknowledged, {writer.unknown} unknown", flush=True)
        assert len(writer.acknowledged) >= KILLS / 5
        for node in c:
            check_notes(node, writer)
        assert [g["forked"] for g in c["office"].logs_of("jiangsu")] == [False]


def sigterm_under_load_ends_within_5_seconds():
    with Cluster(("jiangsu", "office")) as c:
        c.up()
        writer = Writer(c["jiangsu"])
        writer.start()
        for _ in range(5):
            time.sleep(0.3)
            status, seconds = c["jiangsu"].stop()
            assert status == 0, f"exit {status}\n{c['jiangsu'].tail()}"
            assert seconds < 5, seconds
            c["jiangsu"].start()
        writer.finish()
        c.wait_converged()
        check_notes(c["office"], writer)


run_scenarios(nothing_acknowledged_is_lost_by_kill_9, sigterm_under_load_ends_within_5_seconds)
