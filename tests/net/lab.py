"""Five hosts on one switch, in network namespaces of their own: lines that are unplugged, filtered,
slow or bad, and real daemons at their ends. Nothing of it touches this machine's own network."""

import json
import os
import re
import shutil
import subprocess
import time

from cluster import BUILD, MEMBERS, Cluster, Node, run, wait_until

PORT = 7420
# What takes half a second on a machine that has nothing else to do. A busy one needs more, and less than
# any time-out after which the daemon tries something else by itself.
SOON_SECONDS = 20
# A peer that is silent for 45 s is dead; the rest is for a machine that is busy.
FOUND_SECONDS = 55
TEMPLATE = os.environ.get("NET_TEMPLATE")
PEER = os.path.join(BUILD, "tests/net/net_peer")
TUN = os.path.join(BUILD, "tests/net/net_tun")


def address(slug):
    """Members in their order, then whoever else a test adds."""
    return f"10.77.0.{1 + list(MEMBERS).index(slug)}" if slug in MEMBERS else "10.77.0.99"


def say(text):
    """A measured figure, shown below the check it belongs to."""
    print(f"        {text}", flush=True)


class Lab:
    """with Lab() as lab: … — the namespaces are gone afterwards."""

    made = 0

    def __init__(self, hosts=tuple(MEMBERS)):
        Lab.made += 1
        self.prefix = f"deltad-{os.getpid()}-{Lab.made}"
        self.hosts = []
        self.wanted = hosts
        self.rules = {}  # name: lines of nft in the switch's chain
        self.helpers = []

    def __enter__(self):
        try:
            self.make_namespace("switch")
            self.ip("switch", "link", "add", "bridge", "type", "bridge")
            self.ip("switch", "link", "set", "dev", "bridge", "up")
            for slug in self.wanted:
                self.add_host(slug)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def namespace(self, host):
        return f"{self.prefix}-{host}"

    def inside(self, host):
        """What a command is started with, to run on that host."""
        return ("nsenter", f"--net=/run/netns/{self.namespace(host)}")

    def make_namespace(self, host):
        run("ip", "netns", "add", self.namespace(host))
        self.hosts.append(host)

    def ip(self, host, *argv):
        run("ip", "-n", self.namespace(host), *argv)

    def add_host(self, slug):
        self.make_namespace(slug)
        self.ip(slug, "link", "set", "dev", "lo", "up")
        run("ip", "link", "add", "eth0", "netns", self.namespace(slug), "type", "veth", "peer", "name",
            self.port(slug), "netns", self.namespace("switch"))
        self.join_switch(slug)

    def join_switch(self, slug):
        self.ip("switch", "link", "set", "dev", self.port(slug), "master", "bridge")
        self.ip("switch", "link", "set", "dev", self.port(slug), "up")
        self.ip(slug, "address", "add", f"{address(slug)}/24", "dev", "eth0")
        self.ip(slug, "link", "set", "dev", "eth0", "up")

    @staticmethod
    def port(slug):
        """The switch's end of the host's cable."""
        return f"to-{slug}"

    def unplug(self, slug):
        """The cable is out: both ends see it."""
        self.ip("switch", "link", "set", "dev", self.port(slug), "down")

    def plug(self, slug):
        self.ip("switch", "link", "set", "dev", self.port(slug), "up")

    def drop(self, source, target, also=""):
        """One direction, seen by nobody; also: more of nft's conditions."""
        self.rules[source, target] = (f'iifname "{self.port(source)}" oifname "{self.port(target)}" '
                                      f"{also} counter drop")
        self.apply_rules()

    def drop_both(self, one, other, also=""):
        self.drop(one, other, also)
        self.drop(other, one, also)

    def part(self, these, those):
        """Two groups that do not hear each other."""
        for one in these:
            for other in those:
                self.drop_both(one, other)

    def heal(self):
        self.rules.clear()
        self.apply_rules()

    def apply_rules(self):
        lines = "\n".join(self.rules.values())
        text = ("table bridge lab\ndelete table bridge lab\ntable bridge lab {\n chain wire {\n"
                f"  type filter hook forward priority 0\n{lines}\n }}\n}}\n")
        subprocess.run([*self.inside("switch"), "nft", "-f", "-"], input=text, text=True, check=True)

    def slow(self, slug, kbit, queue_ms=2000):
        """Both directions of a host's line; two seconds of queue are what a cheap router has."""
        for host, device in ((slug, "eth0"), ("switch", self.port(slug))):
            run(*self.inside(host), "tc", "qdisc", "replace", "dev", device, "root", "tbf", "rate",
                f"{kbit}kbit", "burst", "3000", "latency", f"{queue_ms}ms")

    def fast(self, slug):
        for host, device in ((slug, "eth0"), ("switch", self.port(slug))):
            run(*self.inside(host), "tc", "qdisc", "del", "dev", device, "root")

    def reset_connections(self, slug, port=PORT):
        """RST into every connection of this host's deltad."""
        for end in ("sport", "dport"):
            run(*self.inside(slug), "ss", "-K", "-t", end, "=", str(port), check=False)

    def bytes_to(self, slug):
        """Bytes that the switch has sent to the host so far."""
        table = run(*self.inside("switch"), "cat", "/proc/net/dev").stdout
        return int(re.search(rf"{self.port(slug)}:(?:\s+\d+){{8}}\s+(\d+)", table).group(1))

    def established(self, slug):
        """How many connections the host's kernel holds."""
        out = run(*self.inside(slug), "ss", "-Htn", "state", "established").stdout
        return len(out.splitlines())

    def start(self, host, *argv, **more):
        """A helper process on a host; it ends with the lab."""
        p = subprocess.Popen([*self.inside(host), *argv], **more)
        self.helpers.append(p)
        return p

    def bad_line(self, slug, *options):
        """Puts the emulator between the host and the switch, in place of the cable."""
        self.ip(slug, "link", "del", "dev", "eth0")
        p = self.start("switch", TUN, "--names", f"{self.port(slug)},eth0", "--far",
                       f"/run/netns/{self.namespace(slug)}", *options, stdout=subprocess.PIPE, text=True)
        if p.stdout.readline() != "ready\n":
            raise AssertionError("the emulator did not start")
        self.join_switch(slug)
        return p

    def close(self):
        for p in self.helpers:
            if p.poll() is None:
                p.kill()
            p.wait()
            for pipe in (p.stdin, p.stdout):
                if pipe:
                    pipe.close()
        for host in self.hosts:
            subprocess.run(["ip", "netns", "del", self.namespace(host)], check=False)
        self.hosts.clear()


class LabNode(Node):
    def __init__(self, cluster, slug, port):
        super().__init__(cluster, slug, port)
        self.host = address(slug)

    def pid(self):
        return self.process.pid

    def stands_still(self):
        """Has every thread come to a stop, after it was frozen?"""
        states = []
        for thread in os.listdir(f"/proc/{self.pid()}/task"):
            with open(f"/proc/{self.pid()}/task/{thread}/stat", encoding="ascii") as f:
                states.append(f.read().rsplit(")", 1)[1].split()[0])
        return set(states) == {"T"}

    def memory_kib(self, field="VmRSS"):
        """VmRSS, or VmHWM for the most it ever was."""
        with open(f"/proc/{self.pid()}/status", encoding="ascii") as f:
            return int(next(line for line in f if line.startswith(field + ":")).split()[1])

    def peer(self, slug):
        return next(p for p in self.status()["peers"] if p["member"] == slug)

    def hears(self, slug):
        return self.peer(slug)["connected"]

    def log_size(self):
        return os.path.getsize(self.log)

    def log_since(self, size, *words):
        """Its lines since then that have all of these words."""
        with open(self.log, encoding="utf-8", errors="replace") as f:
            f.seek(size)
            return [line for line in f.read().splitlines() if all(w in line for w in words)]

    def lost(self, slug, size):
        """Has it given up a session with this one, since its log was so long? Then it ended, or another
        one took its place."""
        return bool(self.log_since(size, "event=peer-", f" peer={slug} "))


class LabCluster(Cluster):
    """The cluster of the template, started on the hosts of a lab: keys, roster, operators and the
    plan are there, and all nodes hold the same."""

    def __init__(self, lab, members=tuple(MEMBERS), limits=None):
        super().__init__(members)
        self.lab, self.limits = lab, limits or {}

    def prepare(self):
        for slug in self.members:
            self.nodes[slug] = node = LabNode(self, slug, PORT)
            node.wrapper = self.lab.inside(slug)
            node.limits = self.limits
        if TEMPLATE:
            self.take_template()
        else:
            self.ceremony()
        for node in self:
            node.write_conf({})

    def take_template(self):
        for node in self:
            for part in (node.data, node.mark, node.keys):
                shutil.copytree(os.path.join(TEMPLATE, node.slug, os.path.basename(part)), part,
                                dirs_exist_ok=True)
            shutil.copy(os.path.join(TEMPLATE, node.slug, "operator.key"), node.folder)
        self.roster = os.path.join(TEMPLATE, "roster")
        with open(os.path.join(TEMPLATE, "cluster-id"), encoding="ascii") as f:
            self.id = f.read()

    def launch_all(self, *slugs):
        """Starts them at once, and waits until all answer; faster than start, which waits for each."""
        for slug in slugs or self.members:
            self[slug].process = self[slug].launch()
        for slug in slugs or self.members:
            wait_until(f"{slug} answers", self[slug].answers)

    def up(self, *slugs):
        self.launch_all(*slugs)
        self.wait_mesh(*slugs)
        self.wait_converged(*slugs)
        return self

    def is_same(self, *slugs):
        """Do these show the same at the moment? A node that does not answer yet shows nothing."""
        shown = set()
        for slug in slugs or self.members:
            done = self[slug].ctl("--json", "status", check=False)
            shown.add(json.loads(done.stdout)["view_root"] if done.returncode == 0 else slug)
        return len(shown) == 1

    def is_mesh(self, *slugs):
        slugs = slugs or self.members
        return all(self[slug].answers() and self.hears_all(slug, slugs) for slug in slugs)

    def hears_all(self, slug, slugs):
        up = {p["member"] for p in self[slug].status()["peers"] if p["connected"]}
        return len(up & set(slugs)) == len(slugs) - 1

    def wait_mesh(self, *slugs, seconds=120):
        """Every one of these has a session with every other; returns after how long."""
        return self.measure(f"{' '.join(slugs or self.members)} are all connected",
                            lambda: self.is_mesh(*slugs), seconds)

    def time_to_converge(self, *slugs, seconds=120):
        started = time.monotonic()
        self.wait_converged(*slugs, seconds=seconds)
        return time.monotonic() - started

    def time_of_a_note(self, slug, text, *slugs):
        """How long until all of these (default: all) hold what one of them writes."""
        self[slug].post("note", "1-01", text)
        return self.time_to_converge(*slugs)

    @staticmethod
    def measure(what, condition, seconds):
        started = time.monotonic()
        while not condition():
            if time.monotonic() - started > seconds:
                raise AssertionError(f"not within {seconds:g} s: {what}")
            time.sleep(0.02)
        return time.monotonic() - started
