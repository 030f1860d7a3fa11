"""Sweeps on real daemons: one fault after another is put into a node of a cluster of two, and after
each the node must come back with whatever was acknowledged, once, in the same log."""

import collections
import os
import random
import shutil
import statistics
import struct
import threading
import time

from cluster import Cluster, EXIT_UNKNOWN, EXIT_UNREACHABLE, wait_until

POSTS = 4  # in a session
EXIT_FAILED = 1
RESTART_S = 2.0


def mark_of(node):
    """(origin, size) of the newer of the file's two slots that are whole; None: no file."""
    try:
        with open(os.path.join(node.mark, "head"), "rb") as f:
            raw = f.read()
    except FileNotFoundError:
        return None
    slots = []
    for slot in (raw[:512], raw[512:]):
        sequence, size = struct.unpack(">QQ", slot[16:32])
        length = struct.unpack(">H", slot[64:66])[0]
        slots.append((sequence, slot[66:66 + length].decode(), size))
    return max(slots)[1:]


class Figures:
    """Of all lanes together."""

    def __init__(self):
        self.lock = threading.Lock()
        self.covered = collections.Counter()
        self.not_reached = self.acknowledged = self.unknown = self.resurrected = 0
        self.restarts = []

    def count(self, name, reached):
        with self.lock:
            if reached:
                self.covered[name] += 1
            else:
                self.not_reached += 1

    def say(self):
        restarts = sorted(self.restarts)
        p99 = restarts[min(len(restarts) - 1, len(restarts) * 99 // 100)]
        each = ", ".join(f"{name} {n}" for name, n in sorted(self.covered.items()))
        print(f"        points covered {sum(self.covered.values())} ({each}), not reached "
              f"{self.not_reached}\n        acknowledged {self.acknowledged}, lost 0, unknown "
              f"{self.unknown}, of those there after the restart {self.resurrected}\n"
              f"        restart median {statistics.median(restarts):.2f} s, p99 {p99:.2f} s\n"
              f"ledger points_process={sum(self.covered.values())}", flush=True)
        # A machine that is busy with other things only adds to the time.
        assert restarts[len(restarts) // 4] < RESTART_S, restarts


class Lane:
    """One cluster of two in which jiangsu fails again and again."""

    def __init__(self, cluster, figures):
        self.cluster, self.figures = cluster, figures
        self.node, self.peer = cluster["jiangsu"], cluster["office"]
        self.acknowledged, self.unknown, self.refused = set(), [], set()
        self.count = 0

    # ---- sessions ----

    def is_gone(self):
        return self.node.process.poll() is not None

    def answers_or_is_gone(self):
        return self.is_gone() or self.node.ctl("status", check=False).returncode == 0

    def post(self, text):
        done = self.node.post("note", "1-01", text, check=False)
        if done.returncode == 0:
            self.acknowledged.add(text)
            self.figures.acknowledged += 1
        elif done.returncode == EXIT_UNKNOWN:
            self.unknown.append(text)
        elif done.returncode == EXIT_FAILED:
            self.refused.add(text)
        else:
            assert done.returncode == EXIT_UNREACHABLE, f"exit {done.returncode}: {done.stderr}"
        return done.returncode == 0

    def work(self):
        """Posts until one is not acknowledged."""
        for _ in range(POSTS):
            self.count += 1
            if not self.post(f"note {self.count}"):
                return

    def enroll(self, check=True):
        """As cluster.install does it; a log begun anew has no operators."""
        self.node.ctl("roster", "install", self.cluster.roster, check=check)
        if check:
            wait_until("its logs are back, and it writes", self.has_what_the_peer_knows, 120)
        self.node.ctl("operator", "add", "--yes", "--root", os.path.join(self.node.keys, "root.key"),
                      "--operator", os.path.join(self.node.folder, "operator.key.pub"), check=check)

    def has_what_the_peer_knows(self):
        """Begun with an empty disk it hears of its logs from the peer, at any moment, and gets them back
        before it writes."""
        known, here = ({g["origin"] for g in n.logs_of("jiangsu") if g["size"] > 0}
                       for n in (self.peer, self.node))
        return known <= here and self.node.status()["state"] == "running"

    def session(self, *wrapper, first=False):
        """The daemon's exit status: of the fault, or of an orderly end. wrapper: what starts it; first:
        with nothing on its disk."""
        if first:
            for folder in (self.node.data, self.node.mark):
                shutil.rmtree(folder)
                os.mkdir(folder)
        self.node.process = self.node.launch(*wrapper)
        wait_until("it answers or is gone", self.answers_or_is_gone)
        if not self.is_gone():
            self.enroll(check=False) if first else self.work()
        return self.end()

    def end(self):
        if not self.is_gone():
            self.node.process.terminate()
        status = self.node.process.wait(60)
        self.node.process = None
        return status

    # ---- afterwards ----

    @staticmethod
    def notes(node):
        return [v["value"]["text"] for v in node.values("1-01", "note")]

    def mark_covers_what_the_peer_holds(self):
        mark = mark_of(self.node)
        for log in self.peer.logs_of("jiangsu"):
            spoken = log["size"] if mark is None or log["origin"] == mark[0] else 0
            assert spoken <= (mark[1] if mark else 0), f"mark {mark}, the peer holds {log}"

    def restart(self):
        started = time.monotonic()
        self.node.start()
        self.figures.restarts.append(time.monotonic() - started)

    def settle(self, first=False):
        """Started without a fault: nothing acknowledged is lost, and what was unknown comes out once."""
        epochs = len(self.peer.logs_of("jiangsu"))
        if not first:
            self.mark_covers_what_the_peer_holds()
        self.restart()
        if first:
            self.enroll()
        else:
            here = self.notes(self.node)
            self.figures.resurrected += sum(text in here for text in self.unknown)
        for text in self.unknown:
            self.node.post("note", "1-01", text)
        self.cluster.wait_converged()
        for node in (self.node, self.peer):
            self.check(node, epochs if not first else None)
        self.figures.unknown += len(self.unknown)
        self.acknowledged |= set(self.unknown)
        self.unknown = []
        self.node.stop()

    def check(self, node, epochs):
        notes = self.notes(node)
        lost = (self.acknowledged | set(self.unknown)) - set(notes)
        assert not lost, f"{node.slug} lost {sorted(lost)}"
        assert len(notes) == len(set(notes)), f"{node.slug} has some twice: {sorted(notes)}"
        assert not self.refused & set(notes), f"{node.slug} has refused ones"
        logs = node.logs_of("jiangsu")
        assert not any(g["forked"] for g in logs), logs
        assert epochs in (None, len(logs)), f"a new epoch for no reason: {logs}"


def prepare(cluster, figures):
    cluster.up(plan=False)
    cluster.load_tasks("1-01")
    cluster.wait_converged()
    cluster["jiangsu"].stop()
    return Lane(cluster, figures)


class Sweep:
    """Points taken at random by several lanes until the time is over."""

    def __init__(self, seconds, goal=lambda figures: figures.covered):
        """goal(figures): what must have been seen; on a slow machine that takes longer."""
        self.seconds, self.goal = seconds, goal
        self.figures, self.lock = Figures(), threading.Lock()
        self.failures, self.left = [], []
        self.chance = random.Random(seed := random.randrange(2**32))
        print(f"        seed {seed}", flush=True)

    def run(self, list_points, visit):
        """list_points(lane): all points; visit(lane, point): one session with a fault and what comes
        after it, returns whether the fault was reached. A point begins with its name."""
        with Cluster(("jiangsu", "office")) as a, Cluster(("jiangsu", "office")) as b:
            lanes = [prepare(c, self.figures) for c in (a, b)]
            self.left = list_points(lanes[0])
            self.chance.shuffle(self.left)
            end = time.monotonic() + self.seconds
            threads = [threading.Thread(target=self.lane, args=(lane, visit, end), daemon=True)
                       for lane in lanes]
            for t in threads:
                t.start()
            for t in threads:
                t.join()
            assert not self.failures, "\n".join(self.failures)
            assert self.goal(self.figures), "of what was to be seen nothing was reached"
        self.figures.say()

    def take(self, end):
        with self.lock:
            over = time.monotonic() > end and self.goal(self.figures) or self.failures
            return self.left.pop() if self.left and not over else None

    def lane(self, lane, visit, end):
        while point := self.take(end):
            try:
                self.figures.count(point[0], visit(lane, point))
            except Exception as why:
                self.failures.append(f"{point}: {type(why).__name__}: {why}\n{lane.node.tail()}")
