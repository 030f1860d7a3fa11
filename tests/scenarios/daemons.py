"""The stage of real daemons: processes on loopback, lines through relays that can be cut, and deltactl
for what people do. Virtual time is only an order of events here: pauses are cut short."""

import json
import os
import re
import shutil
import time

from cluster import BUILD, Cluster, Node, free_ports, run
from player import Broken

PAUSE_S = 0.3  # the longest that a pause of virtual time lasts
PAUSE_PART = 100  # of virtual time otherwise
AS_OF = "2026-03-31"
PEER = os.path.join(BUILD, "tests/net/net_peer")
NOISES = ("garbage", "garbled")  # no frames at all, and frames of messages of chance
REFUSED = re.compile(r"^deltactl: (E[0-9]{4}): ", re.M)


class Daemons:
    name, is_real = "real", True

    def __init__(self, members, tasks):
        self.cluster = Cluster(members, wired=True)
        self.members, self.tasks = members, tasks
        self.apart = set()  # whose lines are cut until they have posted something

    def __enter__(self):
        self.cluster.__enter__()
        try:
            self.cluster.up(plan=False)
            self.cluster.load_tasks(*self.tasks, participants="")
            self.cluster.wait_converged()
        except BaseException:
            self.cluster.close()
            raise
        return self

    def __exit__(self, *_):
        self.cluster.close()

    # ---- what people post ----

    def post(self, member, word, arguments):
        """None, or the code of the refusal."""
        done = getattr(self, "post_" + word)(self.cluster[member], *arguments)
        if member in self.apart:
            self.apart.remove(member)
            self.act_heal(member, "all")
        if done.returncode == 0:
            return None
        refused = REFUSED.search(done.stderr)
        if not refused or done.returncode not in (1, 2, 4, 5, 6, 7):
            raise Broken(f"deltactl: exit {done.returncode}: {done.stderr.strip()}")
        return refused[1]

    def post_plan(self, _, task, lead, participants):
        return self.cluster.load_tasks(task, source="amendment", lead=lead, check=False,
                                       participants=";".join(sorted(participants)))

    @staticmethod
    def post_report(node, _, task, status, progress, text):
        more = ["--reason", text] if text else []
        if status == "delayed":
            more += ["--problem", text, "--next", text]
        return node.post("report", task, "--status", status, "--progress", str(progress), "--as-of",
                         AS_OF, *more, check=False)

    @staticmethod
    def post_overall(node, _, task, status, text):
        return node.post("overall", task, "--status", status, "--summary", text, check=False)

    @staticmethod
    def post_note(node, _, task, text):
        return node.post("note", task, text, check=False)

    def post_resolve(self, node, _, task, field, taken):
        name = ":".join(part for part in field if part)
        mine = [v["change"] for v in self.values(node.slug, task)
                if v["field"] == name and v["member"] == taken]
        if len(mine) != 1:
            raise Broken(f"{taken} has {len(mine)} values there")
        return node.post("conflicts", "resolve", task, name, "--take", mine[0], check=False)

    # ---- what happens to nodes and lines ----

    @staticmethod
    def advance(milliseconds):
        time.sleep(min(milliseconds / 1000 / PAUSE_PART, PAUSE_S))

    def is_up(self, member):
        return self.cluster[member].process is not None

    def act(self, word, *arguments):
        getattr(self, "act_" + word.replace("-", "_"))(*arguments)

    def pairs(self, member, others):
        everybody = [m for m in self.members if m != member]
        return [(member, o) for o in (everybody if others == "all" else others)]

    def act_cut(self, member, others):
        for pair in self.pairs(member, others):
            self.cluster.network.cut(*pair)

    def act_heal(self, member, others):
        if member == "all":
            self.cluster.network.heal()
            return
        for pair in self.pairs(member, others):
            self.cluster.network.mend(*pair)

    def act_crash(self, member):
        self.cluster[member].kill()

    def act_power_off(self, member):
        """The nearest to it: the kernel keeps what was not synced."""
        self.cluster[member].kill()

    def act_restart(self, member):
        self.cluster[member].start()

    def act_backup(self, member):
        """What a careful administrator copies: of a node that stands still."""
        node = self.cluster[member]
        node.stop()
        for folder in (node.data, node.mark):
            shutil.rmtree(folder + ".backup", ignore_errors=True)
            shutil.copytree(folder, folder + ".backup")
        node.start()

    def act_restore(self, member, what):
        node = self.cluster[member]
        for folder in (node.data, node.mark) if what == "machine" else (node.data,):
            if not os.path.isdir(folder + ".backup"):
                raise Broken(f"there is no backup of {member}")
            shutil.rmtree(folder)
            shutil.copytree(folder + ".backup", folder)

    def act_wipe(self, member):
        node = self.cluster[member]
        for folder in (node.data, node.mark):
            shutil.rmtree(folder)
            os.mkdir(folder)

    def act_install(self, member):
        self.cluster[member].ctl("roster", "install", self.cluster.roster)

    def act_clone(self, member, task, text):
        """A copy of the machine as it stood still for a moment; its lines cannot be cut. Both write
        before either hears of the other."""
        node = self.cluster[member]
        twin = Node(self.cluster, "twin", free_ports(1)[0])
        twin.slug, twin.keys = member, node.keys
        shutil.copy(os.path.join(node.folder, "operator.key"), twin.folder)
        node.stop()
        for folder, copied in ((node.data, twin.data), (node.mark, twin.mark)):
            shutil.copytree(folder, copied, dirs_exist_ok=True)
        self.act_cut(member, "all")
        self.apart.add(member)
        node.start()
        twin.write_conf({o: self.cluster[o].port for o in self.members if o != member})
        self.cluster.nodes["twin"] = twin
        twin.start()
        twin.post("note", task, text)

    def act_carry(self, giver, taker):
        file = os.path.join(self.cluster.folder, "bundle")
        self.cluster[giver].ctl("bundle", "export", "--for", taker, "-o", file)
        self.cluster[taker].ctl("bundle", "import", file)
        os.remove(file)

    def act_lie(self, liar, kind, to):
        """The liar's key in the hands of tests/net/peer.c, while its own node is down."""
        if self.is_up(liar):
            raise Broken(f"{liar} is up: its key can have one session only")
        key = os.path.join(self.cluster[liar].keys, "noise.key")
        for mode in NOISES:
            done = run(PEER, "--roster", self.cluster.roster, "--key", key, "--to", to, "--seconds",
                       "60", "--mode", mode, check=False)
            if "closed after" not in done.stdout:
                raise Broken(f"{mode} was taken: {done.stdout}{done.stderr}")

    # ---- what nodes show ----

    def status(self, member):
        status = self.cluster[member].status()
        peers = {p["member"]: {"connected": p["connected"], "lacks": p["behind"],
                               "refused": p["refused"]} for p in status.get("peers", [])}
        return {"view_root": status.get("view_root", ""), "logs": status.get("logs", []),
                "peers": peers}

    def values(self, member, task):
        done = self.cluster[member].ctl("--json", "task", "show", task, check=False)
        if done.returncode == 5:
            return []
        if done.returncode != 0:
            raise Broken(f"task show: exit {done.returncode}: {done.stderr.strip()}")
        rows = json.loads(done.stdout)["values"]
        return [{"field": r["field"], "member": r["member"], "value": r["value"] or {},
                 "change": r["change"], "signed": r["signature_ok"]}
                for r in rows if r["state"] in ("current", "conflict")]
