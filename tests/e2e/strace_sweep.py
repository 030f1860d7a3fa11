"""A node that is killed, or whose disk fails, at every write of a session: SIGKILL and EIO are put in by
strace at the n-th call on each file. And a node with too little memory."""

import collections
import os
import re
import shutil
import subprocess

from cluster import Cluster
from sweep import Figures, Sweep, prepare
from tally import NotPermitted, run_scenarios

FULL = os.environ.get("TESTS_MODE") == "full"
KILL_SECONDS = 60 if FULL else 16  # points are taken at random until the time is over
EIO_SECONDS = 30 if FULL else 7
MEMORY_MIB = range(4, 45, 2 if FULL else 4)  # of address space: from none at all to enough
EXIT_OS, EXIT_IO, EXIT_LOADER = 71, 74, 127
CALLS = "fdatasync,fsync,pwrite64,rename,renameat,renameat2"

# The n-th `call` on `file` (None: on any), of one thread.
Point = collections.namedtuple("Point", "name first file call n")


def need_strace():
    if not shutil.which("strace"):
        raise NotPermitted("strace is not installed")
    done = subprocess.run(["strace", "-qq", "-e", "trace=none", "true"], capture_output=True,
                          text=True, check=False)
    if done.returncode != 0:
        raise NotPermitted(f"ptrace is not permitted: {done.stderr.strip()}")


def trace_of(lane):
    return os.path.join(lane.cluster.folder, "trace")


def wrapper(lane, fault=None, file=None):
    """strace as a grandchild (-D), so that the process is the daemon itself."""
    words = ["strace", "-D", "-f", "-qq", "-y", "-o", trace_of(lane), "-e", f"trace={CALLS}"]
    if fault:
        words += ["-e", f"inject={fault}"]
    if file:
        words += ["-P", os.path.join(lane.node.folder, file)]
    return words


def list_points(lane, calls, first=False):
    """Every such call of a session without a fault, on each file. A first start makes the files: there
    the calls on all of them are counted together."""
    lane.session(*wrapper(lane), first=first)
    seen, most = collections.Counter(), collections.Counter()
    with open(trace_of(lane), encoding="utf-8") as f:
        for thread, call, path in re.findall(r"^(\d+) +(\w+)\((?:\d+<(.*?)>)?", f.read(), re.M):
            seen[thread, call, None if first else os.path.relpath(path, lane.node.folder)] += 1
    lane.settle(first)
    for (_, call, file), n in seen.items():
        most[call, file] = max(most[call, file], n)
    return [Point(f"{os.path.basename(file or 'first start')} {call}", first, file, call, i + 1)
            for (call, file), n in most.items() if call in calls for i in range(n)]


def visit(fault, end):
    """fault: of the call, at the n-th; end: how the process then ends."""
    def one(lane, p):
        status = lane.session(*wrapper(lane, f"{p.call}:{fault}:when={p.n}", p.file), first=p.first)
        assert status in (0, end), f"exit {status}"
        lane.settle(p.first)
        return status != 0

    return one


def nothing_acknowledged_is_lost_by_a_kill_at_any_write():
    need_strace()
    Sweep(KILL_SECONDS).run(lambda lane: list_points(lane, ("pwrite64", "fdatasync")) +
                            list_points(lane, ("rename", "fsync", "fdatasync"), first=True),
                            visit("signal=SIGKILL", -9))


def a_sync_that_fails_is_an_unknown_outcome():
    need_strace()
    Sweep(EIO_SECONDS, goal=lambda figures: figures.unknown > 0).run(
        lambda lane: list_points(lane, ("fdatasync",)), visit("error=EIO", EXIT_IO))


def a_write_that_fails_loses_nothing():
    need_strace()
    Sweep(EIO_SECONDS).run(lambda lane: list_points(lane, ("pwrite64",)) +
                           list_points(lane, ("rename", "fsync", "fdatasync"), first=True),
                           visit("error=EIO", EXIT_IO))


def a_disk_that_never_syncs_again_acknowledges_nothing():
    need_strace()
    with Cluster(("jiangsu", "office")) as c:
        lane = prepare(c, Figures())
        starts = 6
        for i in range(starts):
            status = lane.session(*wrapper(lane, "fdatasync:error=EIO:when=1+"))
            assert status == EXIT_IO, f"exit {status}\n{lane.node.tail()}"
            assert not lane.acknowledged, lane.acknowledged
            c["office"].post("note", "1-01", f"from the office {i}")
        unknown = len(lane.unknown)
        lane.settle()
        print(f"        {starts} starts, {unknown} posts unknown, 0 acknowledged", flush=True)


def too_little_memory_ends_with_71_and_loses_nothing():
    with Cluster(("jiangsu", "office")) as c:
        lane = prepare(c, Figures())
        ends = collections.Counter()
        for mib in MEMORY_MIB:
            status = lane.session("prlimit", f"--as={mib << 20}", "--core=0")
            if status == EXIT_LOADER:
                continue  # not even the libraries: before our first line
            assert status in (0, EXIT_OS), f"{mib} MiB: exit {status}\n{lane.node.tail()}"
            ends["served" if status == 0 else "exit 71"] += 1
            lane.settle()
        print(f"        {dict(ends)}, acknowledged {len(lane.acknowledged)}, lost 0\n"
              f"ledger points_memory={ends['exit 71']}", flush=True)
        assert ends["served"] and ends["exit 71"], ends
        a_loss_would_be_found(lane)


def a_loss_would_be_found(lane):
    lane.acknowledged.add("never posted")
    try:
        lane.settle()
    except AssertionError as why:
        assert "lost ['never posted']" in str(why), why
        return
    raise AssertionError("self-test: a lost note was not found")


run_scenarios(nothing_acknowledged_is_lost_by_a_kill_at_any_write,
              a_sync_that_fails_is_an_unknown_outcome,
              a_write_that_fails_loses_nothing,
              a_disk_that_never_syncs_again_acknowledges_nothing,
              too_little_memory_ends_with_71_and_loses_nothing)
