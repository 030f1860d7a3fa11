"""A node that is killed, or whose disk fails, at every write of a session: SIGKILL and EIO are put in by
strace at the n-th call on each file. Whatever was acknowledged is there afterwards, once."""

import collections
import os
import random
import re
import shutil
import statistics
import struct
import subprocess
import threading
import time

from cluster import Cluster, EXIT_UNKNOWN, EXIT_UNREACHABLE, wait_until
from tally import NotPermitted, run_scenarios

FULL = os.environ.get("TESTS_MODE") == "full"
KILL_SECONDS = 600 if FULL else 16  # points are taken at random until the time is over
EIO_SECONDS = 300 if FULL else 7
LANES = 2
POSTS = 4
RESTART_S = 2.0
EXIT_FAILED, EXIT_OS, EXIT_IO, EXIT_LOADER = 1, 71, 74, 127
MEMORY_MIB = range(4, 45, 1 if FULL else 4)  # of address space: from none at all to enough
CALLS = "fdatasync,fsync,pwrite64,rename,renameat,renameat2"

# Where a fault is put in: the n-th `call` on `file`, of the n-th such call of any one thread.
Point = collections.namedtuple("Point", "session file call n")


def need_strace():
    if not shutil.which("strace"):
        raise NotPermitted("strace is not installed")
    done = subprocess.run(["strace", "-qq", "-e", "trace=none", "true"], capture_output=True,
                          text=True, check=False)
    if done.returncode != 0:
        raise NotPermitted(f"ptrace is not permitted: {done.stderr.strip()}")


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

    def count(self, point, reached):
        with self.lock:
            if reached:
                file = os.path.basename(point.file or "") or "first start"
                self.covered[f"{file} {point.call}"] += 1
            else:
                self.not_reached += 1

    def say(self):
        restarts = sorted(self.restarts)
        p99 = restarts[min(len(restarts) - 1, len(restarts) * 99 // 100)]
        each = ", ".join(f"{name} {n}" for name, n in sorted(self.covered.items()))
        print(f"        points covered {sum(self.covered.values())} ({each}), not reached "
              f"{self.not_reached}\n        acknowledged {self.acknowledged}, lost 0, unknown "
              f"{self.unknown}, of those there after the restart {self.resurrected}\n"
              f"        restart median {statistics.median(restarts):.2f} s, p99 {p99:.2f} s",
              flush=True)


class Lane:
    """One cluster of two in which jiangsu fails again and again."""

    def __init__(self, cluster, figures):
        self.cluster, self.figures = cluster, figures
        self.node, self.peer = cluster["jiangsu"], cluster["office"]
        self.acknowledged, self.unknown, self.refused = set(), [], set()
        self.count = 0
        self.trace = os.path.join(cluster.folder, "trace")

    # ---- sessions ----

    def launch(self, point, fault):
        """strace as a grandchild (-D), so that the process is the daemon itself."""
        words = ["strace", "-D", "-f", "-qq", "-y", "-o", self.trace, "-e", f"trace={CALLS}"]
        if fault:
            words += ["-e", f"inject={point.call}:{fault}"]
        if point.file:
            words += ["-P", os.path.join(self.node.folder, point.file)]
        self.node.process = self.node.launch(*words)

    def is_gone(self):
        return self.node.process.poll() is not None

    def answers_or_is_gone(self):
        return self.is_gone() or self.node.ctl("status", check=False).returncode == 0

    def post(self, text):
        done = self.node.post("note", "1-01", text, check=False)
        if done.returncode == 0:
            self.acknowledged.add(text)
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
        self.node.ctl("operator", "add", "--root", os.path.join(self.node.keys, "root.key"),
                      "--operator", os.path.join(self.node.folder, "operator.key.pub"), check=check)

    def session(self, point, fault):
        """The daemon's exit status: of the fault, or of an orderly end."""
        first = point.session == "first"
        if first:
            for folder in (self.node.data, self.node.mark):
                shutil.rmtree(folder)
                os.mkdir(folder)
        self.launch(point, fault)
        wait_until("it answers or is gone", self.answers_or_is_gone)
        if not self.is_gone():
            self.enroll(check=False) if first else self.work()
        return self.end()

    def limited_session(self, limit):
        """With so many bytes of address space."""
        self.node.process = self.node.launch("prlimit", f"--as={limit}", "--core=0")
        wait_until("it answers or is gone", self.answers_or_is_gone)
        if not self.is_gone():
            self.work()
        return self.end()

    def end(self):
        if not self.is_gone():
            self.node.process.terminate()
        status = self.node.process.wait(20)
        self.node.process = None
        return status

    def points(self, session, calls):
        """Every such call of a session without a fault, on each file. A first start makes the files:
        there the calls on all of them are counted together."""
        self.session(Point(session, None, None, 0), None)
        seen = collections.Counter()
        with open(self.trace, encoding="utf-8") as f:
            for thread, call, path in re.findall(r"^(\d+) +(\w+)\((?:\d+<(.*?)>)?", f.read(), re.M):
                file = None if session == "first" else os.path.relpath(path, self.node.folder)
                seen[thread, call, file] += 1
        self.settle(session)
        most = collections.Counter()
        for (_, call, file), n in seen.items():
            most[call, file] = max(most[call, file], n)
        return [Point(session, file, call, i + 1) for (call, file), n in most.items()
                if call in calls for i in range(n)]

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

    def settle(self, session):
        """Started without a fault: nothing acknowledged is lost, and what was unknown comes out once."""
        first = session == "first"
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
        self.figures.acknowledged = len(self.acknowledged)
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

    def __init__(self, seconds, exits):
        self.seconds, self.exits = seconds, exits
        self.figures, self.lock = Figures(), threading.Lock()
        self.failures, self.left = [], []
        self.chance = random.Random(seed := random.randrange(2**32))
        print(f"        seed {seed}", flush=True)

    def run(self, list_points, fault):
        """list_points(lane): the points; fault(point): how strace is told."""
        with Cluster(("jiangsu", "office")) as a, Cluster(("jiangsu", "office")) as b:
            lanes = [prepare(c, self.figures) for c in (a, b)]
            self.left = list_points(lanes[0])
            self.chance.shuffle(self.left)
            end = time.monotonic() + self.seconds
            threads = [threading.Thread(target=self.lane, args=(lane, fault, end), daemon=True)
                       for lane in lanes]
            for t in threads:
                t.start()
            for t in threads:
                t.join()
            assert not self.failures, "\n".join(self.failures)
        self.figures.say()

    def take(self, end):
        with self.lock:
            over = time.monotonic() > end or self.failures
            return self.left.pop() if self.left and not over else None

    def lane(self, lane, fault, end):
        while point := self.take(end):
            try:
                status = lane.session(point, fault(point))
                assert status in (0, self.exits), f"exit {status}\n{lane.node.tail()}"
                lane.settle(point.session)
                self.figures.count(point, status != 0)
            except Exception as why:
                self.failures.append(f"{point}: {type(why).__name__}: {why}\n{lane.node.tail()}")


def nothing_acknowledged_is_lost_by_a_kill_at_any_write():
    need_strace()
    sweep = Sweep(KILL_SECONDS, -9)
    sweep.run(lambda lane: lane.points("working", ("pwrite64", "fdatasync")) +
              lane.points("first", ("rename", "fsync", "fdatasync")),
              lambda p: f"signal=SIGKILL:when={p.n}")


def a_sync_that_fails_is_an_unknown_outcome():
    need_strace()
    sweep = Sweep(EIO_SECONDS, EXIT_IO)
    sweep.run(lambda lane: lane.points("working", ("fdatasync",)),
              lambda p: f"error=EIO:when={p.n}")
    assert sweep.figures.unknown > 0, "no commit failed"


def a_disk_that_never_syncs_again_acknowledges_nothing():
    need_strace()
    with Cluster(("jiangsu", "office")) as c:
        lane = prepare(c, Figures())
        starts = 6
        for i in range(starts):
            point = Point("working", None, "fdatasync", 1)
            status = lane.session(point, "error=EIO:when=1+")
            assert status == EXIT_IO, f"exit {status}\n{lane.node.tail()}"
            assert not lane.acknowledged, lane.acknowledged
            c["office"].post("note", "1-01", f"from the office {i}")
        unknown = len(lane.unknown)
        lane.settle("working")
        print(f"        {starts} starts, {unknown} posts unknown, 0 acknowledged", flush=True)


def too_little_memory_ends_with_71_and_loses_nothing():
    with Cluster(("jiangsu", "office")) as c:
        lane = prepare(c, Figures())
        ends = collections.Counter()
        for mib in MEMORY_MIB:
            status = lane.limited_session(mib << 20)
            if status == EXIT_LOADER:
                continue  # not even the libraries: before our first line
            assert status in (0, EXIT_OS), f"{mib} MiB: exit {status}\n{lane.node.tail()}"
            ends["served" if status == 0 else "exit 71"] += 1
            lane.settle("working")
        print(f"        {dict(ends)}, acknowledged {len(lane.acknowledged)}, lost 0", flush=True)
        assert ends["served"] and ends["exit 71"], ends


run_scenarios(nothing_acknowledged_is_lost_by_a_kill_at_any_write,
              a_sync_that_fails_is_an_unknown_outcome,
              a_disk_that_never_syncs_again_acknowledges_nothing,
              too_little_memory_ends_with_71_and_loses_nothing)
