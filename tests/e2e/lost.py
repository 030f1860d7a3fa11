"""A node whose disk is gone, whose machine was copied or put back, or whose mark is not what it was:
it never goes on in a log that others may know further, and nothing is lost."""

import os
import shutil
import subprocess
import time

from cluster import BUILD, Cluster, DELTACTL, DELTAD, Node, epoch_of, free_ports, run, wait_until
from tally import run_scenarios

EXIT_IO = 74
CHANGES = int(os.environ.get("REBUILD_CHANGES", "4000"))
LOAD = os.path.join(BUILD, "tests", "bench", "bench_load")
WAIT_S = 600
FORK_S = 180  # a node reads a log from its beginning for a peer once a minute


def wipe(*folders):
    for folder in folders:
        shutil.rmtree(folder)
        os.mkdir(folder)


def rebuilt(node):
    return node.status()["state"] == "running"


def write(node, n, what="note"):
    for i in range(n):
        node.post("note", "1-01", f"{what} {i}")


def entries(node):
    return sum(g["size"] for g in node.status()["logs"])


def a_lost_disk_is_rebuilt_with_its_operators_and_its_whole_log():
    with Cluster(("jiangsu", "zhejiang", "office")) as c:
        c.up()
        node = c["jiangsu"]
        if os.path.exists(LOAD):
            run(LOAD, "fill", node.socket, os.path.join(node.folder, "operator.key"), str(CHANGES),
                timeout=WAIT_S)
        write(node, 3)
        c.wait_converged(seconds=WAIT_S)
        old, all_entries = c["office"].logs_of("jiangsu")[0], entries(c["office"])
        node.stop()
        wipe(node.data, node.mark)
        node.start()
        refused = node.ctl("rebuild", "--from-peers", check=False)
        assert refused.returncode == 2 and "E2002" in refused.stderr, refused
        others = (c["zhejiang"], c["office"])
        for other in others:
            other.freeze()
        node.ctl("rebuild", "--from-peers", c.roster)
        state = node.status()
        assert state["state"] == "rebuilding" and "rebuild_own_here" in state, state
        assert node.ctl("status", "--check", check=False).returncode == 8
        late = node.post("note", "1-02", "too early", check=False)
        assert late.returncode != 0, late  # E1009, or E5001 while the plan is not back
        began = time.monotonic()
        for other in others:
            other.thaw()
        wait_until("all entries are back", lambda: entries(node) >= all_entries, WAIT_S)
        seconds = time.monotonic() - began
        wait_until("it writes again", lambda: rebuilt(node), WAIT_S)
        print(f"        {all_entries} entries back in {seconds:.1f} s ({all_entries / seconds:.0f} a "
              f"second); writes again after {time.monotonic() - began:.1f} s")
        write(node, 1, "after")  # by an operator who was added before the disk was lost
        c.wait_converged(seconds=WAIT_S)
        for n in c:
            logs = n.logs_of("jiangsu")
            assert [epoch_of(g) for g in logs] == [1, 2], logs
            assert (logs[0]["size"], logs[0]["root"]) == (old["size"], old["root"]), (logs, old)
            assert len(n.values("1-01", "note")) >= 4
            assert not n.status()["clones"] and not n.status()["forked"]
        again = node.ctl("rebuild", "--from-peers", check=False)
        assert again.returncode == 6 and "E6001" in again.stderr, again


def replace_keys(c, node, number, before):
    """A version of the roster that gives the node new keys, in force everywhere; its file."""
    names, path = ("log", "cosign", "noise"), os.path.join(c.folder, f"roster-{number}")
    key = lambda n, name: os.path.join(n.keys, f"{name}.key")
    c.wait_converged()  # the office drafts where the log ends by what it holds
    node.ctl("key", "rotate", node.keys, *names)
    c["office"].ctl("roster", "next", os.path.join(node.keys, "member.pub.next"), "-o", path)
    signers = [key(node, "log") + ".next", key(node, "cosign") + ".next"]
    signers += [key(c[s], "root") for s in ("office", "shanghai", "jiangsu", "zhejiang")]
    for k in signers:
        run(DELTACTL, "roster", "sign", path, "--key", k, "--after", before, "--yes")
    node.stop()
    node.start()
    for n in (node, c["office"]):
        n.ctl("roster", "install", path)
    wait_until(f"version {number} everywhere",
               lambda: all(n.status()["roster_version"] == number for n in c), 60)
    node.stop()
    for name in names:
        os.replace(key(node, name) + ".next", key(node, name))
    os.replace(os.path.join(node.keys, "member.pub.next"), os.path.join(node.keys, "member.pub"))
    node.start()
    return path


def a_disk_that_was_lost_after_several_versions_of_the_roster_is_rebuilt():
    with Cluster() as c:
        c.up()
        node, other = c["jiangsu"], c["zhejiang"]
        second = replace_keys(c, node, 2, c.roster)
        write(node, 1)
        third = replace_keys(c, node, 3, second)
        write(node, 1)
        c.wait_converged()
        for n in (node, other):
            n.stop()
            wipe(n.data, n.mark)
            n.start()
        refused = node.ctl("rebuild", "--from-peers", c.roster, check=False)
        assert refused.returncode != 0 and "later version" in refused.stderr, refused
        node.ctl("rebuild", "--from-peers", third, c.roster, second)
        other.ctl("rebuild", "--from-peers", c.roster)  # it hears of the others
        for n in (node, other):
            wait_until("it writes again", lambda n=n: rebuilt(n), 180)
        write(node, 1)
        write(other, 1)
        c.wait_converged()
        for n in c:
            assert n.status()["roster_version"] == 3
            assert [epoch_of(g) for g in n.logs_of("jiangsu")] == [1, 2, 3, 4]
            assert [epoch_of(g) for g in n.logs_of("zhejiang")] == [1, 2]
            assert len(n.values("1-01", "note")) == 4 and not n.status()["forked"]


def a_rebuild_survives_kills_and_waits_for_its_peers():
    with Cluster(("jiangsu", "office")) as c:
        c.up()
        node = c["jiangsu"]
        write(node, 5)
        c.wait_converged()
        c["office"].stop()
        node.stop()
        wipe(node.data, node.mark)
        node.start()
        node.ctl("rebuild", "--from-peers", c.roster)
        for _ in range(3):
            node.kill()
            node.start()
            assert not rebuilt(node)
        time.sleep(4)
        assert not rebuilt(node), "it did not wait for the only one who knows"
        c["office"].start()
        wait_until("it writes again", lambda: rebuilt(node), 180)
        write(node, 1)
        c.wait_converged()
        assert [epoch_of(g) for g in c["office"].logs_of("jiangsu")] == [1, 2]


def with_nobody_left_it_begins_alone_when_told_to():
    with Cluster(("jiangsu", "office")) as c:
        c.up()
        node = c["jiangsu"]
        c["office"].stop()
        node.stop()
        wipe(node.data, node.mark)
        node.start()
        node.ctl("rebuild", "--from-peers", c.roster)
        node.ctl("rebuild", "--alone")
        assert rebuilt(node)
        # Its operators are in the log that is lost, until a peer brings it.
        late = node.post("note", "1-01", "nobody knows me", check=False)
        assert late.returncode != 0
        c["office"].start()
        wait_until("the old log is back", lambda: len(node.logs_of("jiangsu")) >= 2)


def an_empty_node_that_was_only_given_the_roster_notices_its_old_log():
    with Cluster(("jiangsu", "office")) as c:
        c.up()
        node = c["jiangsu"]
        write(node, 2)
        c.wait_converged()
        node.stop()
        wipe(node.data, node.mark)
        node.start()
        node.ctl("roster", "install", c.roster)
        wait_until("it fetches first", lambda: len(node.logs_of("jiangsu")) >= 2, 180)
        wait_until("it writes again", lambda: rebuilt(node), 180)
        write(node, 1)
        c.wait_converged()
        assert len(c["office"].values("1-01", "note")) == 3


class Twin(Node):
    """The same machine once more: disk, mark and keys copied, on another port."""

    def __init__(self, of, port):
        super().__init__(of.cluster, of.slug + "-twin", port)
        self.slug = of.slug
        for folder in ("data", "mark", "keys"):
            shutil.rmtree(os.path.join(self.folder, folder), ignore_errors=True)
            shutil.copytree(os.path.join(of.folder, folder), os.path.join(self.folder, folder))
        shutil.copy(os.path.join(of.folder, "operator.key"), self.folder)
        self.write_conf({})


def copied(c):
    """jiangsu's machine as it was copied, and how many notes were written before and after."""
    c.up()
    node = c["jiangsu"]
    write(node, 2)
    c.wait_converged()
    node.stop()
    twin = Twin(node, free_ports(1)[0])
    c.nodes["twin"] = twin
    node.start()
    c.wait_converged("jiangsu", "zhejiang", "office")
    write(node, 3, "original")
    return node, twin


def alarmed(node):
    return any(x["member"] == "jiangsu" for x in node.status()["clones"])


def notes_of(node):
    return sum(len(node.values(key, "note")) for key in ("1-01", "1-02", "1-03"))


def a_copied_machine_is_noticed_by_everybody_and_nothing_is_lost():
    with Cluster(("jiangsu", "zhejiang", "office")) as c:
        node, twin = copied(c)
        posted, began = 5, time.monotonic()
        twin.start()

        def seen():
            # Whoever is dropped for the other dials again: both come through in turn.
            nonlocal posted
            posted += node.post("note", "1-03", "goes on", check=False).returncode == 0
            return all(alarmed(n) for n in (c["zhejiang"], c["office"]))

        wait_until("every other node raises the alarm", seen, 180)
        print(f"        alarm on every other node after {time.monotonic() - began:.1f} s")
        wait_until("and so do both", lambda: alarmed(node) and alarmed(twin), 180)
        with open(c["office"].log, encoding="utf-8") as log:
            assert "event=clone" in log.read()
        twin.stop()
        c.nodes.pop("twin")
        c.wait_converged()
        assert notes_of(c["office"]) == posted, (notes_of(c["office"]), posted)


def a_copied_machine_that_writes_forks_its_log_and_both_go_on():
    with Cluster(("jiangsu", "zhejiang", "office")) as c:
        node, twin = copied(c)
        for other in ("zhejiang", "office"):
            c[other].stop()
        twin.start()
        twin.post("note", "1-02", "by the twin")  # in the same log, where the original wrote
        for other in ("zhejiang", "office"):
            c[other].start()
        wait_until("every other node shows it", lambda: all(
            alarmed(n) or n.status()["forked"] for n in (c["zhejiang"], c["office"])), 180)
        twin.stop()
        c.nodes.pop("twin")
        # What it writes from now on stands in a log that is not frozen.
        wait_until("the original has left the forked log",
                   lambda: len(node.logs_of("jiangsu")) > 1 and node.post(
                       "note", "1-03", "goes on", check=False).returncode == 0 and
                   c["office"].values("1-03", "note"), FORK_S)


def marks_that_cannot_be_refuse_the_start_and_none_opens_an_epoch():
    with Cluster(("jiangsu", "office")) as c:
        c.up()
        node = c["jiangsu"]
        write(node, 1)
        c.wait_converged()
        node.stop()
        c["office"].stop()
        path = os.path.join(node.mark, "head")
        good = open(path, "rb").read()
        foreign = open(os.path.join(c["office"].mark, "head"), "rb").read()
        torn = bytes([good[0]]) + bytes(511) + bytes([good[512]]) + bytes(511)
        for what, content in (("empty", b""), ("half", good[:700]), ("torn", torn),
                              ("another node's", foreign)):
            with open(path, "wb") as f:
                f.write(content)
            done = subprocess.run([DELTAD, "-c", node.conf], capture_output=True, text=True,
                                  timeout=60, check=False)
            assert done.returncode == EXIT_IO and "E1005" in done.stderr, (what, done)
        os.unlink(path)
        node.start()
        c["office"].start()
        write(node, 1)
        c.wait_converged()
        assert [epoch_of(g) for g in c["office"].logs_of("jiangsu")] == [1, 2]


run_scenarios(a_lost_disk_is_rebuilt_with_its_operators_and_its_whole_log,
              a_disk_that_was_lost_after_several_versions_of_the_roster_is_rebuilt,
              a_rebuild_survives_kills_and_waits_for_its_peers,
              with_nobody_left_it_begins_alone_when_told_to,
              an_empty_node_that_was_only_given_the_roster_notices_its_old_log,
              a_copied_machine_is_noticed_by_everybody_and_nothing_is_lost,
              a_copied_machine_that_writes_forks_its_log_and_both_go_on,
              marks_that_cannot_be_refuse_the_start_and_none_opens_an_epoch)
