"""The stage of the simulator: a process that holds the whole cluster, and is told what happens."""

import os
import subprocess

from cluster import BUILD
from player import Broken

WORLD = ("office", "shanghai", "jiangsu", "zhejiang", "anhui")  # whatever a script says of members
SETUP_S = 120  # of virtual time
RUNNER = os.path.join(BUILD, "tests/scenarios/sim_runner")


class Simulated:
    name, is_real = "sim", False

    def __init__(self, members, tasks, seed=1):
        self.members, self.tasks, self.seed = members, tasks, seed
        self.process = None
        self.down = set()

    def __enter__(self):
        self.process = subprocess.Popen([RUNNER, str(self.seed)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        try:
            self.prepare()
        except BaseException:
            self.process.kill()
            raise
        return self

    def prepare(self):
        for task in self.tasks:
            self.post("office", "plan", (task, "", ()))
        for _ in range(SETUP_S):
            self.advance(1000)
            if self.all_have_met():
                return
        raise Broken(f"not everybody has met everybody within {SETUP_S} s")

    def all_have_met(self):
        shown = [self.status(member) for member in WORLD]
        return len({s["view_root"] for s in shown}) == 1 and all(
            p["connected"] and p["lacks"] == 0
            for member, s in zip(WORLD, shown) for slug, p in s["peers"].items() if slug != member)

    def __exit__(self, kind, *_):
        self.process.stdin.close()
        said = self.process.stdout.read()
        self.process.stdout.close()
        if self.process.wait() != 0 and kind is None:
            raise Broken(f"the simulator ended with {self.process.returncode}: {said.strip()}")

    def tell(self, *words):
        """The rows of the answer; (rows, refusal)."""
        try:
            self.process.stdin.write("\t".join(map(str, words)) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        rows = []
        while line := self.process.stdout.readline():
            cells = line.rstrip("\n").split("\t")
            if cells[0] == "ok":
                return rows, None
            if cells[0] == "refused":
                return rows, cells[1]
            if cells[0] == "broken":
                raise Broken(cells[1])
            rows.append(cells)
        raise Broken("the simulator ended: " + "; ".join(" ".join(r) for r in rows))

    # ---- what people post ----

    def post(self, member, word, arguments):
        task, status, progress, text, lead, participants = "", "", 0, "", "", ()
        if word == "plan":
            task, lead, participants = arguments
        elif word == "report":
            _, task, status, progress, text = arguments
        elif word == "overall":
            _, task, status, text = arguments
        elif word == "note":
            _, task, text = arguments
        else:
            _, task, (slot, holder), taken = arguments
            return self.tell("resolve", member, task, slot, holder, taken)[1]
        return self.tell("post", member, word, task, status, progress, text, lead,
                         ",".join(sorted(participants)))[1]

    # ---- what happens to nodes and lines ----

    def advance(self, milliseconds):
        self.tell("advance", milliseconds)

    def is_up(self, member):
        return member not in self.down

    def act(self, word, *arguments):
        if word in ("cut", "heal"):
            self.lines(word, *arguments)
            return
        self.tell(word, *arguments)
        if word in ("crash", "power-off"):
            self.down.add(arguments[0])
        elif word == "restart":
            self.down.discard(arguments[0])

    def lines(self, word, member, others):
        for a in WORLD if member == "all" else [member]:
            for b in WORLD if others == "all" else others:
                if a != b:
                    self.tell(word, a, b)

    # ---- what nodes show ----

    def status(self, member):
        shown = {"view_root": "", "logs": [], "peers": {}}
        for kind, *cells in self.tell("status", member)[0]:
            if kind == "view":
                shown["view_root"] = cells[0]
            elif kind == "log":
                origin, owner, size, seen, forked = cells
                shown["logs"].append({"origin": origin, "member": owner, "size": int(size),
                                      "seen_size": int(seen), "forked": forked == "yes"})
            else:
                slug, connected, lacks, refused = cells
                shown["peers"][slug] = {"connected": connected == "yes", "lacks": int(lacks),
                                        "refused": int(refused)}
        return shown

    def values(self, member, task):
        shown = []
        for _, field, owner, signed, status, progress, text, lead in self.tell(
                "values", member, task)[0]:
            value = {"status": status, "progress": progress, "summary": text, "text": text,
                     "lead": lead}
            shown.append({"field": field, "member": owner, "value": value,
                          "signed": signed == "yes"})
        return shown
