"""Plays a script on a stage: the simulator or real daemons. A stage acts and shows; what is expected
is judged here, alike for both.

A stage has: name, is_real, members, post(member, kind, ...) -> None or the code of the refusal, act(word,
*arguments), advance(ms of virtual time), status(member), values(member, task), is_up(member).
status: {"view_root", "logs": [{"origin", "member", "size", "seen_size", "forked"}], "peers": {slug:
{"connected", "lacks", "refused"}}}. values: the current values as {"field", "member", "value": {...}, "signed"}.
"""

import time

from language import POSTS

PATIENCE_S = 60  # on real daemons: a bound against hanging, not a measure
POLL_S = 0.05
SIM_STEP_MS = 20


class Broken(Exception):
    """An expectation that was not met, or an action that could not be done."""


class Said(Broken):
    """What is not so at the moment, and may become so."""


def epoch_of(origin):
    return int(origin.rsplit("/", 1)[1].split("-")[0])


class Player:
    def __init__(self, script, stage, skipped, patience=PATIENCE_S):
        """skipped(where, why) is called for every statement that this stage cannot play."""
        self.script, self.stage, self.skipped = script, stage, skipped
        self.patience = patience
        self.now = 0
        self.refusal = None  # of the last post: (where, code) that nobody has expected yet
        self.met = 0

    def play(self):
        """Returns how many expectations were met; raises Broken."""
        for s in self.script.statements:
            wants_refusal = s.word == "expect" and s.arguments[0] == "refused"
            if not wants_refusal:
                self.no_refusal_left()
            try:
                self.statement(s, wants_refusal)
            except Broken as why:
                raise Broken(f"{s.where}: {why}") from None
        self.no_refusal_left()
        return self.met

    def statement(self, s, wants_refusal):
        if s.at is not None:
            self.reach(s.at)
        if s.only_sim and self.stage.is_real:
            self.skipped(s.where, f"`{s.word}` is for the simulator only")
        elif wants_refusal:
            self.judge_refusal(s.arguments[1][0])
        elif s.word == "expect":
            self.expect(*s.arguments)
        elif s.word in POSTS:
            self.post(s)
        elif s.word != "wait":
            self.act(s)

    def reach(self, at):
        if at < self.now:
            raise Broken(f"it is {self.now} ms already, later than {at} ms")
        self.stage.advance(at - self.now)
        self.now = at

    def act(self, s):
        member = s.arguments[0]
        if s.word not in ("cut", "heal", "lie"):
            needs_up = s.word not in ("restart", "restore", "wipe")
            if self.stage.is_up(member) != needs_up:
                raise Broken(f"{member} is {'down' if needs_up else 'up'}")
        self.stage.act(s.word, *s.arguments)

    def post(self, s):
        poster = "office" if s.word == "plan" else s.arguments[0]
        if not self.stage.is_up(poster):
            raise Broken(f"{poster} is down")
        code = self.stage.post(poster, s.word, s.arguments)
        self.refusal = (s.where, code)

    def no_refusal_left(self):
        if self.refusal and self.refusal[1]:
            where, code = self.refusal
            self.refusal = None
            raise Broken(f"{where}: it was refused with {code}")
        self.refusal = None

    def judge_refusal(self, wanted):
        got = self.refusal[1] if self.refusal else None
        self.refusal = None
        if got != wanted:
            raise Broken(f"refused with {got}" if got else "it was not refused")
        self.met += 1

    # ---- expectations ----

    def expect(self, what, arguments, within):
        judge = getattr(self, "judge_" + what.replace("-", "_"))
        if self.stage.is_real:
            self.poll(judge, arguments)
        else:
            self.run(judge, arguments, within or 0)
        self.met += 1

    def poll(self, judge, arguments):
        end = time.monotonic() + self.patience
        while True:
            try:
                return judge(*arguments)
            except Said as why:
                if time.monotonic() > end:
                    raise Broken(f"{why}, for {self.patience} s") from None
            time.sleep(POLL_S)

    def run(self, judge, arguments, within):
        end = self.now + within
        while True:
            try:
                return judge(*arguments)
            except Said as why:
                if self.now >= end:
                    raise Broken(f"{why}, at {self.now} ms") from None
            step = min(SIM_STEP_MS, end - self.now)
            self.stage.advance(step)
            self.now += step

    def nodes(self, names):
        """Those that are named; `all` are all members. A node that is down shows nothing."""
        for name in self.script.members if names == "all" else names:
            if not self.stage.is_up(name):
                raise Said(f"{name} is down")
            yield name

    def registers(self, name, task, field):
        """The current values of one register on one node."""
        slot, holder = field
        wanted = f"{slot}:{holder}" if holder else slot
        return [v for v in self.stage.values(name, task) if v["field"] == wanted]

    def judge_value(self, task, field, key, wanted, by, on):
        for name in self.nodes(on):
            values = self.registers(name, task, field)
            if by:
                values = [v for v in values if v["member"] == by]
            shown = [str(v["value"].get(key, "")) for v in values]
            if shown != [wanted]:
                raise Said(f"{name} shows {shown or 'nothing'}, not {wanted}")

    def judge_conflicts(self, task, field, count, on):
        for name in self.nodes(on):
            got = len(self.registers(name, task, field))
            if got != count:
                raise Said(f"{name} shows {got} values, not {count}")

    def judge_settled(self, task, field, on):
        self.judge_conflicts(task, field, 1, on)

    def judge_nothing(self, task, field, on):
        self.judge_conflicts(task, field, 0, on)

    def judge_note(self, task, text, on):
        for name in self.nodes(on):
            texts = [v["value"].get("text") for v in self.stage.values(name, task)
                     if v["field"].startswith("note:")]
            if texts.count(text) != 1:
                raise Said(f"{name} shows the note {texts.count(text)} times among {len(texts)}")

    def judge_traced(self, task, field, member, on):
        """Every current value there is a change of this member, and its signature holds."""
        for name in self.nodes(on):
            values = self.registers(name, task, field)
            if not values:
                raise Said(f"{name} shows nothing there")
            for v in values:
                if v["member"] != member:
                    raise Said(f"{name} traces it to {v['member']}")
                if not v["signed"]:
                    raise Broken(f"{name} shows a value whose signature does not hold")

    def sizes_and_root(self, name):
        status = self.stage.status(name)
        return sorted((g["origin"], g["size"]) for g in status["logs"]), status["view_root"]

    def judge_converged(self, on):
        """Everybody holds the same entries, knows of no others, and shows the same view."""
        names = list(self.nodes(on))
        first = self.sizes_and_root(names[0])
        for name in names:
            got = self.sizes_and_root(name)
            if got[0] != first[0]:
                raise Said(f"{name} and {names[0]} hold other entries: {differ(got[0], first[0])}")
            if got[1] != first[1]:
                raise Said(f"{name} and {names[0]} hold the same and show another view")

    def judge_equal_roots(self, on):
        roots = {name: self.stage.status(name)["view_root"] for name in self.nodes(on)}
        if len(set(roots.values())) != 1:
            raise Said("views differ: " + ", ".join(f"{n} {r[:8]}" for n, r in roots.items()))

    def judge_unequal_roots(self, on):
        roots = [self.stage.status(name)["view_root"] for name in self.nodes(on)]
        if len(set(roots)) != len(roots):
            raise Said("two views are equal")

    def logs(self, name, member):
        return [g for g in self.stage.status(name)["logs"]
                if g["member"] == member and g["size"] > 0]

    def judge_epoch(self, member, epoch, on):
        """So many logs of the member, the last of that epoch."""
        for name in self.nodes(on):
            got = sorted(epoch_of(g["origin"]) for g in self.logs(name, member))
            if got != list(range(1, epoch + 1)):
                raise Said(f"{name} holds epochs {got} of {member}")

    def judge_fork(self, member, epoch, on):
        for name in self.nodes(on):
            if not any(g["forked"] for g in self.logs(name, member)
                       if epoch_of(g["origin"]) == epoch):
                raise Said(f"{name} knows of no fork of {member}")

    def judge_no_fork(self, on):
        for name in self.nodes(on):
            forked = [g["origin"] for g in self.stage.status(name)["logs"] if g["forked"]]
            if forked:
                raise Broken(f"{name} says that {forked} forked")

    def judge_line(self, member, state, on):
        for name in self.nodes(on):
            up = self.stage.status(name)["peers"][member]["connected"]
            if up != (state == "up"):
                raise Said(f"{name} says that the line to {member} is {'up' if up else 'down'}")

    def judge_blamed(self, member, on):
        """Something that came from it was refused, and counted."""
        for name in self.nodes(on):
            if self.stage.status(name)["peers"][member]["refused"] == 0:
                raise Said(f"{name} has refused nothing of {member}")

    def judge_missing(self, member, count, on):
        """Entries of the member that the node knows of and does not hold."""
        for name in self.nodes(on):
            got = sum(g["seen_size"] - g["size"] for g in self.stage.status(name)["logs"]
                      if g["member"] == member)
            if got != count:
                raise Said(f"{name} misses {got} entries of {member}, not {count}")

    def judge_lacks(self, member, count, on):
        """Entries that the node holds and the member is known to lack."""
        for name in self.nodes(on):
            got = self.stage.status(name)["peers"][member]["lacks"]
            if got != count:
                raise Said(f"{name} says that {member} lacks {got} entries, not {count}")


def differ(a, b):
    return ", ".join(f"{origin} {size}" for origin, size in sorted(set(a) ^ set(b)))
