"""Real daemons on loopback: a ceremony, configurations, processes that end with the test."""

import csv
import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from network import Network

BUILD = os.environ.get("DELTAD_BUILD", "build/release")
DELTAD = os.path.join(BUILD, "deltad")
DELTACTL = os.path.join(BUILD, "deltactl")
CLUSTER = "yrd-test"
MEMBERS = {
    "shanghai": ("province", "上海"),
    "jiangsu": ("province", "江苏"),
    "zhejiang": ("province", "浙江"),
    "anhui": ("province", "安徽"),
    "office": ("regional", "区域合作办公室"),
}
EXIT_UNREACHABLE = 3
EXIT_NOT_IN_TIME = 8
EXIT_UNKNOWN = 75


def _die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


_kept_ports = []  # sockets that are bound and do not listen


def free_ports(n):
    """n ports that nobody is given as long as this process lives, also while no daemon listens there.

    A daemon may bind one that is taken by a socket which does not listen and, like its own, allows that.
    """
    sockets = [socket.socket() for _ in range(n)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    _kept_ports.extend(sockets)
    return [s.getsockname()[1] for s in sockets]


def wait_until(what, condition, seconds=60.0):
    """Polls; the time is a bound against hanging, not a measure."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds:g} s: {what}")
        time.sleep(0.05)


def epoch_of(log):
    """yrd/jiangsu/2-9f3a6c0d is of epoch 2."""
    return int(log["origin"].rsplit("/", 1)[1].split("-")[0])


def run(*argv, check=True, timeout=120, state=None):
    """state: the folder where the client keeps what it has sent and heard no answer to."""
    environment = {**os.environ, "XDG_STATE_HOME": state or "/nonexistent"}
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=timeout, preexec_fn=_die_with_parent, env=environment)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(argv)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done


class Node:
    host = "127.0.0.1"
    limits = {}  # of deltad.conf, besides those of the disk
    wrapper = ()  # what starts the daemon, such as nsenter

    def __init__(self, cluster, slug, port):
        self.cluster, self.slug, self.port = cluster, slug, port
        self.folder = os.path.join(cluster.folder, slug)
        self.data = os.path.join(self.folder, "data")
        self.mark = os.path.join(self.folder, "mark")
        self.keys = os.path.join(self.folder, "keys")
        self.socket = os.path.join(self.folder, "control")
        self.conf = os.path.join(self.folder, "deltad.conf")
        self.log = os.path.join(self.folder, "log")
        self.process = None
        os.makedirs(self.data)
        os.makedirs(self.mark)

    def write_conf(self, peers, min_free_mib=1):
        """peers: slug -> port to dial."""
        more = "".join(f"\t{name} = {value}\n" for name, value in self.limits.items())
        with open(self.conf, "w", encoding="utf-8") as f:
            f.write(f"""node {{
	member = "{self.slug}"
	data_dir = "{self.data}"
	mark_file = "{self.mark}/head"
	cluster_id = "sha256:{self.cluster.id}"
	listen = "{self.host}:{self.port}"
	control = "{self.socket}"
}}
keys {{
	log = "{self.keys}/log.key"
	cosign = "{self.keys}/cosign.key"
	noise = "{self.keys}/noise.key"
}}
limits {{
	min_free_mib = {min_free_mib}
	min_free_percent = 0
{more}}}
""")
            for slug, port in peers.items():
                f.write(f'peer "{slug}" {{ address = "127.0.0.1:{port}" }}\n')

    def launch(self, *wrapper):
        """Starts the daemon and does not wait for it."""
        log = open(self.log, "ab")
        process = subprocess.Popen([*self.wrapper, *wrapper, DELTAD, "-c", self.conf],
                                   stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                   preexec_fn=_die_with_parent)
        log.close()
        return process

    def start(self):
        assert self.process is None
        self.process = self.launch()
        wait_until(f"{self.slug} answers", self.answers)

    def answers(self):
        if self.process.poll() is not None:
            raise AssertionError(f"{self.slug} ended with {self.process.returncode}:\n{self.tail()}")
        return self.ctl("status", check=False).returncode == 0

    def tail(self):
        with open(self.log, encoding="utf-8", errors="replace") as f:
            return "".join(f.readlines()[-20:])

    def note_memory(self):
        """The most that this run of it had, before it ends."""
        try:
            with open(f"/proc/{self.process.pid}/status", encoding="utf-8") as f:
                kib = [int(line.split()[1]) for line in f if line.startswith("VmHWM:")]
        except FileNotFoundError:
            return
        self.cluster.peak_kib = max([self.cluster.peak_kib, *kib])

    def kill(self):
        self.note_memory()
        self.process.kill()
        self.process.wait()
        self.process = None

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def stop(self, seconds=60):
        """SIGTERM; returns the exit status and how long it took."""
        self.note_memory()
        started = time.monotonic()
        self.process.terminate()
        status = self.process.wait(seconds)
        self.process = None
        return status, time.monotonic() - started

    def ctl(self, *argv, operator=False, check=True, timeout=120):
        more = ["--as", os.path.join(self.folder, "operator.key")] if operator else []
        return run(DELTACTL, "--lang=en", "--node", self.socket, *argv, *more, check=check,
                   timeout=timeout, state=os.path.join(self.folder, "state"))

    def post(self, *argv, check=True):
        return self.ctl(*argv, operator=True, check=check)

    def json(self, *argv):
        return json.loads(self.ctl("--json", *argv).stdout)

    def status(self):
        return self.json("status")

    def view_root(self):
        return self.status()["view_root"]

    def logs_of(self, member):
        """Its epochs, oldest first."""
        logs = [g for g in self.status()["logs"] if g["member"] == member]
        return sorted(logs, key=epoch_of)

    def values(self, task, slot):
        """The current values of a task's registers of one slot, with their members."""
        rows = self.json("task", "show", task)["values"]
        return [r for r in rows if r["field"].split(":")[0] == slot]


def counted(log):
    """How many entries count: what stands beyond the end that the roster gave a log is not sent on."""
    return log["size"] if log["retired_at"] is None else min(log["size"], log["retired_at"])


class Cluster:
    """with Cluster() as c: … — everything is gone afterwards."""

    def __init__(self, members=tuple(MEMBERS), listens=None, wired=False):
        """listens: who has an address in the roster (None: all). wired: through cuttable relays."""
        self.members = members
        self.listens = set(members if listens is None else listens)
        self.network = Network() if wired else None
        self.folder = tempfile.mkdtemp(prefix="deltad-")
        self.nodes = {}
        self.id = None
        self.peak_kib = 0

    def __enter__(self):
        try:
            self.prepare()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind, *_):
        if kind is not None:
            for node in self.nodes.values():
                if os.path.exists(node.log):
                    print(f"--- log of {node.slug}:\n{node.tail()}", flush=True)
        self.close()

    def __getitem__(self, slug):
        return self.nodes[slug]

    def __iter__(self):
        return iter(self.nodes.values())

    def prepare(self):
        ports = free_ports(len(self.members))
        for slug, port in zip(self.members, ports):
            self.nodes[slug] = Node(self, slug, port)
        self.ceremony()
        for node in self:
            node.write_conf(self.peers_of(node))

    def peers_of(self, node):
        if not self.network:
            return {}
        return {other.slug: self.network.add_wire(node.slug, other.slug, other.port)
                for other in self if other is not node and other.slug in self.listens}

    def ceremony(self):
        """As an administrator does it: keys on each machine, one text, signatures in turn."""
        public = []
        for node in self:
            role, name = MEMBERS[node.slug]
            address = ["--addr", f"{node.host}:{node.port}"] if node.slug in self.listens else []
            run(DELTACTL, "key", "init", "--member", node.slug, "--cluster", CLUSTER, "--role", role,
                "--name", name, *address, "--no-passphrase", node.keys)
            run(DELTACTL, "key", "init", "--operator", "测试", "--member", node.slug,
                "--no-passphrase", "-o", os.path.join(node.folder, "operator.key"))
            public.append(os.path.join(node.keys, "member.pub"))
        self.roster = os.path.join(self.folder, "roster")
        run(DELTACTL, "roster", "draft", "--cluster", CLUSTER, "--not-after", "2099-12-31", *public,
            "-o", self.roster)
        for node in self:
            keys = [a for k in ("root", "log", "cosign")
                    for a in ("--key", os.path.join(node.keys, f"{k}.key"))]
            run(DELTACTL, "roster", "sign", self.roster, *keys, "--yes")
        shown = json.loads(run(DELTACTL, "--json", "roster", "show", self.roster).stdout)
        self.id = shown["cluster_id"]

    def start(self, *slugs):
        for slug in slugs or self.members:
            self[slug].start()

    def install(self, *slugs):
        """Roster and one operator each: what a node needs before it can write."""
        for slug in slugs or self.members:
            node = self[slug]
            node.ctl("roster", "install", self.roster)
            node.ctl("operator", "add", "--yes", "--root", os.path.join(node.keys, "root.key"), "--operator",
                     os.path.join(node.folder, "operator.key.pub"))

    def up(self, plan=True):
        """All started and installed, and the office's plan known to all."""
        self.start()
        self.install()
        if plan:
            self["office"].post("plan", "load", "conf/plan-2024-2026.csv")
            self.wait_converged()

    def load_tasks(self, *keys, check=True, **changes):
        """These rows of the plan only, with other words in some columns."""
        with open("conf/plan-2024-2026.csv", encoding="utf-8") as f:
            rows = [{**row, **changes} for row in csv.DictReader(f) if row["key"] in keys]
        assert len(rows) == len(keys), f"not all in the plan: {keys}"
        path = os.path.join(self.folder, "tasks.csv")
        with open(path, "w", encoding="utf-8", newline="") as f:
            writer = csv.DictWriter(f, rows[0].keys(), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        return self["office"].post("plan", "load", path, check=check)

    def wait_converged(self, *slugs, seconds=120):
        """Every one of these nodes says that all of them hold the same."""
        nodes = [self[s] for s in (slugs or self.members)]

        def same():
            states = [n.status() for n in nodes]
            sizes = [sorted((g["origin"], counted(g)) for g in s["logs"]) for s in states]
            roots = {s["view_root"] for s in states}
            return len(roots) == 1 and all(s == sizes[0] for s in sizes)

        wait_until(f"{' '.join(n.slug for n in nodes)} hold the same", same, seconds)

    def close(self):
        for node in self.nodes.values():
            if node.process and node.process.poll() is None:
                node.kill()
        if self.peak_kib:
            print(f"ledger daemon_kib={self.peak_kib}", flush=True)
        if self.network:
            self.network.close()
        shutil.rmtree(self.folder, ignore_errors=True)
