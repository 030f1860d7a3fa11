"""A machine that was copied with its keys runs twice, on two hosts (F12)."""
# seconds: 5

import os
import shutil
import time

from cluster import MEMBERS
from lab import PORT, Lab, LabCluster, LabNode, address, say
from tally import run_scenarios

SECONDS = 150


class Copy(LabNode):
    """Everything of another node, at an address that is in no roster: it dials the others."""

    def __init__(self, original, lab):
        super().__init__(original.cluster, "copy", PORT)
        self.host = address("copy")
        self.slug = original.slug
        self.wrapper = lab.inside("copy")
        for part in (self.data, self.mark):
            shutil.rmtree(part)
        for part in ("data", "mark", "keys"):
            shutil.copytree(os.path.join(original.folder, part), os.path.join(self.folder, part))
        shutil.copy(os.path.join(original.folder, "operator.key"), self.folder)
        self.write_conf({})


def copied_machine_is_noticed_by_all_and_nothing_is_lost():
    with Lab((*MEMBERS, "copy")) as lab, LabCluster(lab) as c:
        c.up()
        original = c["jiangsu"]
        original.post("note", "1-01", "before")
        c.wait_converged()
        original.stop()
        copy = Copy(original, lab)
        c.nodes["copy"] = copy
        others = [n for n in c if n.slug != "jiangsu"]
        original.process = original.launch()
        copy.process = copy.launch()
        for node in (original, copy):
            c.measure("it answers", node.answers, SECONDS)

        def both_write():
            """As people do who know nothing of it; a node that has just heard of the other may refuse."""
            for node, name in ((original, "original"), (copy, "copy")):
                node.post("note", "1-01", f"from the {name} {time.monotonic()}", check=False)
            time.sleep(0.5)

        def alarmed(node):
            """Of two histories of one log, or of two logs that go on at once."""
            status = node.status()
            return any(g["forked"] for g in status["logs"]) or bool(status.get("clones"))

        def alarmed_all(*nodes):
            both_write()
            return all(map(alarmed, nodes))

        noticed = c.measure("all others raise the alarm", lambda: alarmed_all(*others), SECONDS)
        itself = c.measure("so do both machines", lambda: alarmed_all(original, copy), SECONDS)
        # The others write as before, and what any of them said stays.
        for i, node in enumerate(others):
            node.post("note", "1-02", f"{node.slug} {i}")
        around = c.measure("the others hold what they wrote", lambda: all(
            len(n.values("1-02", "note")) == len(others) for n in others), SECONDS)
        kept = {v["value"]["text"] for n in others for v in n.values("1-01", "note")}
        epochs = max(len(n.logs_of("jiangsu")) for n in others)
    say(f"F12: an alarm at the other four {noticed:.1f} s after both began to write, at both machines "
        f"{noticed + itself:.1f} s; what the others write is around after {around:.1f} s; "
        f"{epochs} epochs of the copied member, {len(kept)} of its notes are around")
    assert "before" in kept, kept


run_scenarios(copied_machine_is_noticed_by_all_and_nothing_is_lost)
