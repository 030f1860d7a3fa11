"""Old copies of a node's disk: never a second history under the same name."""

import os
import shutil

from cluster import Cluster, epoch_of, wait_until
from tally import run_scenarios


def write(node, n):
    for i in range(n):
        node.post("note", "1-01", f"{node.slug} {i}")


def restored_after(copy, what):
    """Copies folders, writes on, puts the old ones back; the old log must not go on."""
    with Cluster(("jiangsu", "zhejiang", "office")) as c:
        c.up()
        node = c["jiangsu"]
        write(node, 2)
        c.wait_converged()
        node.stop()
        for folder in copy(node):
            shutil.copytree(folder, folder + ".old")
        node.start()
        write(node, 3)
        c.wait_converged()
        before = c["office"].logs_of("jiangsu")[0]
        node.stop()
        for folder in copy(node):
            shutil.rmtree(folder)
            os.rename(folder + ".old", folder)
        node.start()
        c.wait_converged()
        wait_until("a new epoch is open", lambda: len(c["office"].logs_of("jiangsu")) == 2)
        write(node, 1)
        c.wait_converged()
        for n in c:
            old, new = n.logs_of("jiangsu")
            assert old["size"] == before["size"] and old["root"] == before["root"], what
            assert epoch_of(new) == 2 and not old["forked"] and not new["forked"]
            assert len(n.values("1-01", "note")) == 6


def an_old_database_under_a_newer_mark_opens_a_new_epoch():
    restored_after(lambda node: [node.data], "database restored")


def a_whole_machine_put_back_learns_it_from_a_peer():
    restored_after(lambda node: [node.data, node.mark], "database and mark restored")


def a_lost_disk_is_filled_by_its_peers():
    with Cluster(("jiangsu", "zhejiang", "office")) as c:
        c.up()
        node = c["jiangsu"]
        write(node, 3)
        c.wait_converged()
        node.stop()
        for folder in (node.data, node.mark):
            shutil.rmtree(folder)
            os.mkdir(folder)
        node.start()
        node.ctl("roster", "install", c.roster)
        c.wait_converged()
        assert len(node.values("1-01", "note")) == 3


run_scenarios(an_old_database_under_a_newer_mark_opens_a_new_epoch,
              a_whole_machine_put_back_learns_it_from_a_peer, a_lost_disk_is_filled_by_its_peers)
