"""Faults of every kind at random, while all five offices write; after each round everything is
mended, and all must come to hold what was acknowledged, once, with no log forked or begun anew.
CHAOS_SECONDS: for how long; CHAOS_SEED: the order of the faults, printed first."""
# seconds: 35

import os
import random
import threading
import time

from lab import Lab, LabCluster, say
from tally import run_scenarios

SECONDS = int(os.environ.get("CHAOS_SECONDS", "25"))
ROUND_SECONDS = 8
HEAL_SECONDS = 120
KBIT = 256


class Writers:
    """One a node: posts until the round is over, whatever the answers."""

    def __init__(self, cluster, task, number):
        self.task, self.stopping = task, False
        self.acknowledged = set()
        self.threads = [threading.Thread(target=self.write, args=(node, number), daemon=True)
                        for node in cluster]
        for t in self.threads:
            t.start()

    def write(self, node, number):
        n = 0
        while not self.stopping:
            n += 1
            text = f"round {number}: {node.slug} {n}"
            if node.post("note", self.task, text, check=False).returncode == 0:
                self.acknowledged.add(text)
            time.sleep(0.1)

    def stop(self):
        self.stopping = True
        for t in self.threads:
            t.join(180)
            assert not t.is_alive(), "a client hangs"


class Chaos:
    def __init__(self, lab, cluster, chance):
        self.lab, self.cluster, self.chance = lab, cluster, chance
        self.frozen, self.slowed, self.faults = set(), set(), 0

    def any(self):
        return self.chance.choice(list(self.cluster))

    def two(self):
        return self.chance.sample(self.cluster.members, 2)

    # ---- faults ----

    def unplug(self):
        self.lab.unplug(self.any().slug)

    def cut(self):
        self.lab.drop_both(*self.two())

    def cut_one_way(self):
        self.lab.drop(*self.two())

    def part(self):
        members = list(self.cluster.members)
        self.chance.shuffle(members)
        at = self.chance.randrange(1, len(members))
        self.lab.part(members[:at], members[at:])

    def reset(self):
        self.lab.reset_connections(self.any().slug)

    def slow(self):
        slug = self.any().slug
        self.lab.slow(slug, KBIT)
        self.slowed.add(slug)

    def freeze(self):
        node = self.any()
        node.freeze()
        self.frozen.add(node)

    def thaw(self):
        for node in self.frozen:
            node.thaw()
        self.frozen.clear()

    def kill(self):
        node = self.any()
        self.frozen.discard(node)
        node.kill()
        node.process = node.launch()

    def restart(self):
        node = self.any()
        if node in self.frozen:
            return
        status, _ = node.stop()
        assert status in (0, -15), f"{node.slug}: exit {status}\n{node.tail()}"  # -15: before it handled it
        node.process = node.launch()

    def strike(self):
        fault = self.chance.choice((self.unplug, self.cut, self.cut_one_way, self.part, self.reset,
                                    self.slow, self.freeze, self.thaw, self.kill, self.restart,
                                    self.lab.heal))
        fault()
        self.faults += 1

    def mend(self):
        self.thaw()
        self.lab.heal()
        for slug in self.cluster.members:
            self.lab.plug(slug)
        for slug in self.slowed:
            self.lab.fast(slug)
        self.slowed.clear()
        self.cluster.measure("all answer", lambda: all(n.answers() for n in self.cluster), 120)

    # ---- what must hold ----

    def check(self, task, acknowledged):
        for node in self.cluster:
            notes = [v["value"]["text"] for v in node.values(task, "note")]
            lost = acknowledged - set(notes)
            assert not lost, f"{node.slug} lost {sorted(lost)}"
            assert len(notes) == len(set(notes)), f"{node.slug} has some of {task} twice"
            logs = node.status()["logs"]
            assert not any(g["forked"] for g in logs), logs
            assert len(logs) == len(self.cluster.members), f"an epoch for no reason: {logs}"

    def round(self, number, task):
        writers = Writers(self.cluster, task, number)
        end = time.monotonic() + ROUND_SECONDS
        while time.monotonic() < end:
            self.strike()
            time.sleep(self.chance.uniform(0.1, 1.0))
        self.mend()
        writers.stop()
        seconds = self.cluster.time_to_converge(seconds=HEAL_SECONDS)
        self.check(task, writers.acknowledged)
        return seconds, writers.acknowledged


def whatever_happens_what_was_acknowledged_is_on_all_of_them():
    seed = int(os.environ.get("CHAOS_SEED", random.randrange(2**32)))
    say(f"seed {seed}")
    heals, acknowledged = [], {}
    with Lab() as lab, LabCluster(lab) as c:
        c.up()
        chaos = Chaos(lab, c, random.Random(seed))
        end = time.monotonic() + SECONDS
        while not heals or time.monotonic() < end:
            task = f"1-{1 + len(heals) % 20:02}"
            seconds, texts = chaos.round(len(heals), task)
            heals.append(seconds)
            acknowledged.setdefault(task, set()).update(texts)
        for task, texts in acknowledged.items():
            chaos.check(task, texts)
    heals.sort()
    total = sum(len(t) for t in acknowledged.values())
    say(f"{chaos.faults} faults in {len(heals)} rounds, {total} acknowledged, lost 0; the same on all "
        f"{heals[len(heals) // 2]:.1f} s after the mending at the median, {heals[-1]:.1f} s at most")
    assert total > 0, "nothing was written"


run_scenarios(whatever_happens_what_was_acknowledged_is_on_all_of_them)
