"""Runs floor and subject in turn, several rounds, and prints one table: tests/bench/run."""

import json
import os
import platform
import shutil
import socket
import statistics
import subprocess
import sys
import threading
import time

import cluster
from cluster import Cluster, BUILD, wait_until
from network import Network

FLOOR = os.path.join(BUILD, "tests/bench/bench_floor")
LOAD = os.path.join(BUILD, "tests/bench/bench_load")
PROVINCES = ("shanghai", "jiangsu", "zhejiang", "anhui")
NEWCOMER = "hubei"  # a member that has nothing yet
SQLITE_CACHE_MIB = 16
MEMORY_MIB = 64

FULL = {"rounds": 3, "catch_up": 100_000, "latency": 1_000, "one_client": 2_000,
        "clients": 20_000, "apart": 10_000, "final": 100}
SMOKE = {"rounds": 1, "catch_up": 800, "latency": 30, "one_client": 100, "clients": 640,
         "apart": 300, "final": 10}


def tool(*argv, wait=True):
    """One of our programs; what it prints is one line of JSON."""
    process = subprocess.Popen([str(a) for a in argv], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, text=True,
                               preexec_fn=cluster._die_with_parent)
    return result_of(process) if wait else process


def result_of(process):
    out, _ = process.communicate(timeout=600)
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(process.args)}: exit {process.returncode}")
    return json.loads(out)


def say(text):
    print(f"  {text}", file=sys.stderr, flush=True)


def key_of(node):
    return os.path.join(node.folder, "operator.key")


def fill(node, count):
    return tool(LOAD, "fill", node.socket, key_of(node), count)


def entries_of(node):
    return node.status()["entries"]


def watch(entries, *nodes, wait=True):
    return tool(LOAD, "watch", entries, 300, *[n.socket for n in nodes], wait=wait)


def floor(what, of):
    """The floor's database lies where the nodes' do, so that both ask the same disk."""
    return lambda folder: _floor(what, of, os.path.join(folder, "floor.db"))


def _floor(what, of, database):
    for name in (database, database + "-wal"):
        if os.path.exists(name):
            os.remove(name)
    return tool(FLOOR, what, of, database)


def size_of(folder):
    """Bytes of the files, as ls says; not rounded up to blocks."""
    return sum(os.path.getsize(os.path.join(d, f)) for d, _, files in os.walk(folder) for f in files)


def peak_mib(process):
    with open(f"/proc/{process.pid}/status", encoding="ascii") as f:
        for line in f:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    raise SystemExit("no VmHWM in /proc")


class Others:
    """How busy the processors are with what is not ours, looked at before each measurement."""

    seen = []

    @staticmethod
    def _ticks():
        with open("/proc/stat", encoding="ascii") as f:
            t = [int(x) for x in f.readline().split()[1:9]]
        return sum(t) - t[3] - t[4], sum(t)  # idle and iowait are not busy

    @classmethod
    def look(cls):
        busy, total = cls._ticks()
        time.sleep(0.3)
        busy_now, total_now = cls._ticks()
        cls.seen.append(100 * (busy_now - busy) / max(1, total_now - total))


class Row:
    """One line of the table; goal None: shown for what it explains, not judged."""

    smoke = False

    def __init__(self, name, unit, goal=None, at_least=False):
        self.name, self.unit, self.goal, self.at_least = name, unit, goal, at_least
        self.values = []

    def add(self, value):
        self.values.append(value)

    def reached(self):
        middle = statistics.median(self.values)
        return middle >= self.goal if self.at_least else middle <= self.goal

    def cells(self):
        def number(v):
            return f"{v:,.0f}" if abs(v) >= 100 else f"{v:.2f}"
        goal = "" if self.goal is None else f"{'>=' if self.at_least else '<='} {number(self.goal)}"
        judged = self.goal is not None and not self.smoke
        verdict = ("reached" if self.reached() else "NOT REACHED") if judged else ""
        spread = f"{number(min(self.values))} .. {number(max(self.values))}"
        return (self.name, goal, number(statistics.median(self.values)), spread, self.unit, verdict)


# ---- W1 and W5: an empty node catches up ----

def leaf_bytes(node, file):
    """Of all changes it holds; the file is what the floor works on."""
    return tool(LOAD, "dump", node.socket, file)


def write_history(c, count):
    """Each province writes its share beside the office, which keeps all of it. Returns bytes on disk
    by bytes of leaves of the first, which holds the plan and what it wrote."""
    per_leaf = None
    office = c["office"]
    office.start()
    c.install("office")
    office.post("plan", "load", "conf/plan-2024-2026.csv")
    for slug in PROVINCES:
        node = c[slug]
        node.start()
        c.install(slug)
        watch(entries_of(office), node, office)
        fill(node, count // len(PROVINCES))
        watch(max(entries_of(node), entries_of(office)), node, office)
        n = leaf_bytes(node, os.path.join(c.folder, "dump")) if per_leaf is None else None
        node.stop()
        per_leaf = per_leaf or size_of(node.data) / n["leaf_bytes"]
    return per_leaf


class Snapshot:
    """What a stopped node has on disk, to begin each round with the same."""

    def __init__(self, node):
        self.node, self.folder = node, node.folder + ".snapshot"
        shutil.copytree(node.data, os.path.join(self.folder, "data"))
        shutil.copytree(node.mark, os.path.join(self.folder, "mark"))

    def restore(self):
        for name, where in (("data", self.node.data), ("mark", self.node.mark)):
            shutil.rmtree(where)
            shutil.copytree(os.path.join(self.folder, name), where)


def catch_up(c, n, kept, rows):
    Others.look()
    floor_s = floor("catchup", os.path.join(c.folder, "dump"))(c.folder)["seconds"]
    office, newcomer = c["office"], c[NEWCOMER]
    kept.restore()
    for folder in (newcomer.data, newcomer.mark):
        shutil.rmtree(folder)
        os.makedirs(folder)
    office.start()
    newcomer.start()
    watching = watch(entries_of(office) + 1, newcomer, office, wait=False)  # 1: its own Open
    newcomer.ctl("roster", "install", c.roster)
    seen = result_of(watching)
    seconds = seen["same_at"] - seen["connected_at"]
    audited = seen["audited_at"] - seen["connected_at"]
    peak = peak_mib(newcomer.process)
    newcomer.stop()
    office.stop()
    rows["ratio"].add(floor_s / seconds)
    rows["seconds"].add(seconds)
    rows["audited"].add(audited)
    rows["floor"].add(floor_s)
    rows["memory"].add(peak)
    rows["wire"].add((seen["bytes_in"] + seen["bytes_out"]) / n["leaf_bytes"])
    rows["disk"].add(size_of(newcomer.data) / n["leaf_bytes"])
    say(f"W1 stored {seconds:.2f} s, audited {audited:.2f} s, floor {floor_s:.2f} s, peak {peak:.0f} MiB")


def w1(sizes):
    count = sizes["catch_up"]
    rows = {
        "ratio": Row(f"W1 catch-up of {count:,} changes: floor / subject", "ratio", 0.7, True),
        "seconds": Row("   seconds of the subject until all is stored and shown", "s"),
        "audited": Row("   seconds until every signature is checked", "s"),
        "floor": Row("   seconds of the floor", "s"),
        "memory": Row(f"W1 peak memory of the receiver ({SQLITE_CACHE_MIB} MiB are SQLite's)",
                      "MiB", MEMORY_MIB + SQLITE_CACHE_MIB),
        "leaf": Row("   bytes of a change's leaf, mean", "bytes"),
        "wire": Row("W5 bytes on the wire, both ways / bytes of leaves", "ratio", 1.2),
        "disk": Row("W5 bytes on disk at the receiver / bytes of leaves", "ratio", 2.5),
        "author disk": Row("W5 bytes on disk at an author / bytes of leaves", "ratio", 2.5),
    }
    cluster.MEMBERS[NEWCOMER] = ("province", "湖北")
    with Cluster((*PROVINCES, "office", NEWCOMER)) as c:
        say(f"writing {count:,} changes")
        rows["author disk"].add(write_history(c, count))
        office = c["office"]
        n = leaf_bytes(office, os.path.join(c.folder, "dump"))
        rows["leaf"].add(n["leaf_bytes"] / n["changes"])
        office.stop()
        kept = Snapshot(office)
        for _ in range(sizes["rounds"]):
            catch_up(c, n, kept, rows)
    return rows.values()


# ---- W2: posted here, readable there ----

def w2(sizes):
    rows = (Row("W2 acknowledged at A to readable at B, p50", "ms", 2),
            Row("W2 the same, p99", "ms", 10),
            Row("   posted at A to readable at B, p50", "ms"),
            Row("   one commit of the floor", "ms"))
    with Cluster(("jiangsu", "office")) as c:
        c.up()
        a, b = c["jiangsu"], c["office"]
        c.wait_converged()
        for _ in range(sizes["rounds"]):
            Others.look()
            single = floor("commits", sizes["one_client"] // 4)(c.folder)
            seen = tool(LOAD, "latency", a.socket, key_of(a), b.socket, sizes["latency"])
            for row, value in zip(rows, (seen["p50_ms"], seen["p99_ms"], seen["from_post_p50_ms"],
                                         1000 / single["per_second"])):
                row.add(value)
            say(f"W2 {seen}")
    return rows


# ---- W3: durable posts ----

def w3(sizes):
    rows = {
        "ratio": Row("W3 one client: posts / commits of one row in a new database", "ratio", 0.5,
                     True),
        "one": Row("   posts of one client", "1/s"),
        "floor": Row("   commits of one row in a new database", "1/s"),
        "grown": Row("   the same over a log that has been long, as a node's is", "1/s"),
        "many": Row("W3 64 clients together", "1/s", 8_000, True),
        "wait": Row("   their wait for an answer, p99", "ms"),
    }
    with Cluster(("jiangsu", "office")) as c:
        c.up()
        c.wait_converged()
        c["office"].stop()
        node = c["jiangsu"]
        fill(node, sizes["one_client"])
        for _ in range(sizes["rounds"]):
            Others.look()
            rows["floor"].add(floor("commits", sizes["one_client"])(c.folder)["per_second"])
            one = tool(LOAD, "clients", node.socket, key_of(node), 1, sizes["one_client"])
            rows["grown"].add(floor("commits-grown", sizes["one_client"])(c.folder)["per_second"])
            many = tool(LOAD, "clients", node.socket, key_of(node), 64, sizes["clients"])
            rows["one"].add(one["per_second"])
            rows["ratio"].add(one["per_second"] / rows["floor"].values[-1])
            rows["many"].add(many["per_second"])
            rows["wait"].add(many["p99_ms"])
            say(f"W3 one {one}, floor {rows['floor'].values[-1]:.0f}, 64 {many}")
    return rows.values()


# ---- W4: two nodes write while cut off ----

class TimedNetwork(Network):
    """Remembers when the first dial after the cut came through."""

    dialled_at = None

    async def _relay(self, wire, reader, writer):
        if not wire.is_cut and self.dialled_at is None:
            self.dialled_at = time.monotonic()
        await super()._relay(wire, reader, writer)


def apart_and_together(sizes):
    """Seconds from the line's return, from the first dial through it, and that it was cut: a dialler
    waits the longer, the longer the line was gone."""
    c = Cluster(("jiangsu", "anhui", "office"), wired=True)
    c.network.close()
    c.network = TimedNetwork()
    with c:
        c.up()
        c.wait_converged()
        c["office"].stop()
        a, b = c["jiangsu"], c["anhui"]
        cut_at = time.monotonic()
        c.network.cut_off("jiangsu")
        wait_until("the line is cut", lambda: not any(p["connected"] for n in (a, b)
                                                      for p in n.status()["peers"]))
        before = entries_of(a)
        writers = [tool(LOAD, "fill", n.socket, key_of(n), sizes["apart"], wait=False)
                   for n in (a, b)]
        for w in writers:
            result_of(w)
        c.network.dialled_at = None
        watching = watch(before + 2 * sizes["apart"], a, b, wait=False)
        healed_at = time.monotonic()
        c.network.heal()
        same_at = result_of(watching)["same_at"]
        return same_at - healed_at, same_at - c.network.dialled_at, healed_at - cut_at


def w4(sizes):
    rows = (Row(f"W4 {sizes['apart']:,} changes each, apart: same after the first dial", "s", 3),
            Row("   same after the line's return, back-off included", "s"),
            Row("   the line was cut for", "s"))
    for _ in range(sizes["rounds"]):
        Others.look()
        healed, dialled, cut = apart_and_together(sizes)
        for row, value in zip(rows, (dialled, healed, cut)):
            row.add(value)
        say(f"W4 {dialled:.2f} s after the dial, {healed:.2f} s after the line's return")
    return rows


# ---- W7: bundles ----

def measured(*argv):
    """Seconds, and the peak of its memory in MiB, looked at every few ms: what the kernel says at
    its end counts what it was before it became this program."""
    started, peak = time.monotonic(), 0
    process = subprocess.Popen([str(a) for a in argv], stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, preexec_fn=cluster._die_with_parent)
    while process.poll() is None:
        with open(f"/proc/{process.pid}/status", encoding="ascii") as f:
            peak = max([peak] + [int(line.split()[1]) for line in f if line.startswith("VmHWM:")])
        time.sleep(0.005)
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(process.args)}: exit {process.returncode}")
    return time.monotonic() - started, peak / 1024


class Asker(threading.Thread):
    """Somebody who asks the node who it is, all the time; the longest that he waited."""

    INFO = b"\0\0\0\x04\x08\x01\x12\0"  # Request{id 1, info{}}

    def __init__(self, node):
        super().__init__()
        self.node, self.longest_ms, self.over = node, 0, threading.Event()
        self.start()

    def run(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
            s.connect(self.node.socket)
            while not self.over.is_set():
                started = time.monotonic()
                s.sendall(self.INFO)
                left = int.from_bytes(s.recv(4, socket.MSG_WAITALL), "big")
                s.recv(left, socket.MSG_WAITALL)
                self.longest_ms = max(self.longest_ms, 1000 * (time.monotonic() - started))
                self.over.wait(0.005)

    def end(self):
        self.over.set()
        self.join()
        return self.longest_ms


def w7(sizes):
    count = sizes["catch_up"]
    rows = {
        "export": Row(f"W7 a bundle of {count:,} changes: written", "s", 10),
        "check": Row("   looked at by a node that has none of them", "s"),
        "import": Row("W7 taken by a node that has none of them", "s", 60),
        "again": Row("   taken once more", "s"),
        "size": Row("   bytes of the file", "MB"),
        "client": Row("W7 peak memory of the client, out and in", "MiB", 16),
        "giver": Row("W7 peak memory of the node that wrote it", "MiB",
                     MEMORY_MIB + SQLITE_CACHE_MIB),
        "taker": Row("W7 peak memory of the node that took it", "MiB",
                     MEMORY_MIB + SQLITE_CACHE_MIB),
        "others": Row("   longest that another client of it waited meanwhile", "ms"),
    }
    with Cluster(("jiangsu", "anhui", "office"), listens=()) as c:
        giver, taker, plan = c["jiangsu"], c["anhui"], os.path.join(c.folder, "plan")
        for slug in ("office", "jiangsu"):
            c[slug].start()
            c.install(slug)
        c["office"].post("plan", "load", "conf/plan-2024-2026.csv")
        c["office"].ctl("bundle", "export", "--all", "-o", plan)
        giver.ctl("bundle", "import", plan)
        c["office"].stop()
        fill(giver, count)
        giver.stop()
        giver.start()
        for round_number in range(sizes["rounds"]):
            Others.look()
            file = os.path.join(c.folder, f"bundle-{round_number}")
            for folder in (taker.data, taker.mark):
                shutil.rmtree(folder)
                os.makedirs(folder)
            taker.start()
            taker.ctl("roster", "install", c.roster)
            seconds, peak = measured(cluster.DELTACTL, "--node", giver.socket, "bundle", "export",
                                     "--all", "-o", file)
            asker = Asker(taker)
            looked, _ = measured(cluster.DELTACTL, "--node", taker.socket, "bundle", "check", file)
            taken, in_peak = measured(cluster.DELTACTL, "--node", taker.socket, "bundle", "import",
                                      file)
            again, _ = measured(cluster.DELTACTL, "--node", taker.socket, "bundle", "import", file)
            waited = asker.end()
            if entries_of(taker) != entries_of(giver) + 1:  # its own Open
                raise SystemExit("not everything came over")
            for name, value in (("export", seconds), ("check", looked), ("import", taken),
                                ("again", again), ("size", os.path.getsize(file) / 1e6),
                                ("client", max(peak, in_peak)), ("giver", peak_mib(giver.process)),
                                ("taker", peak_mib(taker.process)), ("others", waited)):
                rows[name].add(value)
            say(f"W7 written in {seconds:.2f} s, taken in {taken:.2f} s, {peak_mib(taker.process):.0f} MiB")
            taker.stop()
            os.remove(file)
        giver.stop()
    return rows.values()


# ---- the table ----

def print_table(rows, rounds):
    cpu = "unknown processor"
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        for line in f:
            if line.startswith("model name"):
                cpu = line.split(":", 1)[1].strip()
                break
    print(f"{cpu}, {os.cpu_count()} cores, Linux {platform.release()}; {rounds} rounds, floor and "
          "subject in turn")
    print(f"others kept the processors busy to {min(Others.seen):.0f} .. {max(Others.seen):.0f} %, "
          f"median {statistics.median(Others.seen):.0f} %, looked at before each round")
    head = ("figure", "goal", "median", "spread", "unit", "")
    cells = [head] + [r.cells() for r in rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    for row in cells:
        line = "  ".join(x.rjust(w) if i in (2, 3) else x.ljust(w)
                         for i, (x, w) in enumerate(zip(row, widths)))
        print(line.rstrip())


# ---- W6: posted here, cosigned by enough ----

QUIET_MS = 300  # a log is cosigned every 200 ms at most


def w6(sizes):
    rows = (Row("W6 posted at A to final at A, after a quiet moment, p50", "ms", 50),
            Row("   the same, p99", "ms"),
            Row("   posts one after another, each when the one before is final, p50", "ms"))
    with Cluster() as c:
        c.up()
        a = c["jiangsu"]
        a.ctl("wait", "final", "--timeout", "60s")
        for _ in range(sizes["rounds"]):
            Others.look()
            quiet = tool(LOAD, "final", a.socket, key_of(a), a.socket, sizes["final"], QUIET_MS)
            busy = tool(LOAD, "final", a.socket, key_of(a), a.socket, sizes["final"], 1)
            for row, value in zip(rows, (quiet["from_post_p50_ms"], quiet["from_post_p99_ms"],
                                         busy["from_post_p50_ms"])):
                row.add(value)
            say(f"W6 quiet {quiet}, busy {busy}")
    return rows


def main(argv):
    smoke = "--smoke" in argv
    wanted = [a for a in argv if a != "--smoke"]
    parts = {"w1": w1, "w2": w2, "w3": w3, "w4": w4, "w6": w6, "w7": w7}
    if any(w not in parts for w in wanted):
        raise SystemExit("usage: tests/bench/run [--smoke] [w1 w2 w3 w4 w6 w7]...   (w5 comes with w1)")
    sizes = SMOKE if smoke else FULL
    Row.smoke = smoke
    rows = []
    for name in wanted or parts:
        rows += parts[name](sizes)
    print_table(rows, sizes["rounds"])
    missed = [r for r in rows if r.goal is not None and not r.reached()]
    if smoke:
        print("a smoke run: it works, and its figures mean nothing")
        return 0
    print(f"{sum(r.goal is not None for r in rows) - len(missed)} reached, {len(missed)} not")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
