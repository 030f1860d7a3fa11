"""What was cosigned by enough offices is final, however they are connected; two histories of one log
are proven to everybody."""

import os
import shutil

from cluster import EXIT_NOT_IN_TIME, Cluster, wait_until
from tally import run_scenarios

EXIT_NOT_FOUND = 5
LOOK_BACK_S = 180  # a node reads a log from its beginning for a peer once a minute


def finals(node):
    return {g["origin"]: (g["final_size"], g["size"]) for g in node.status()["logs"]}


def all_reach_final_through_one_common_neighbour():
    """Only Zhejiang can be dialled: the four others never speak to each other."""
    with Cluster(listens=("zhejiang",)) as c:
        c.start()
        c.install()
        c.load_tasks("3-05")
        c.wait_converged()
        c["jiangsu"].post("report", "3-05", "--status", "in_progress", "--progress", "40")
        c.wait_converged()
        for node in c:
            node.ctl("wait", "final", "--timeout", "60s")
            node.ctl("wait", "final", "3-05", "--timeout", "60s")
            assert all(final == size for final, size in finals(node).values()), finals(node)
            assert all(v["final"] for v in node.values("3-05", "report"))
            assert node.status()["final_entries"] == node.status()["entries"]
            assert all(x["final"] for x in node.json("why", "3-05", "report:jiangsu")["changes"])
            # Fewer than all were enough for that.
            wait_until(f"{node.slug} has all cosignatures", lambda n=node: set(
                n.logs_of("jiangsu")[0]["cosigned"]) == set(c.members) - {"jiangsu"})


def nothing_is_final_without_enough_offices():
    with Cluster() as c:
        some = ("office", "jiangsu", "anhui")
        c.start(*some)
        c.install(*some)
        c.load_tasks("3-05")
        c.wait_converged(*some)
        done = c["office"].ctl("wait", "final", "--timeout", "1s", check=False)
        assert done.returncode == EXIT_NOT_IN_TIME, done
        assert "0 of" in done.stderr, done.stderr
        assert not any(v["final"] for v in c["office"].values("3-05", "task"))
        c.start("zhejiang")
        c["zhejiang"].ctl("roster", "install", c.roster)
        c["office"].ctl("wait", "final", "3-05", "--timeout", "60s")


def forked(node):
    """A log of which this node has and shows the proof; else None."""
    rows = node.json("evidence", "list")["evidence"]
    return rows[0]["origin"] if rows else None


def two_histories_are_proven_on_every_node_and_the_others_flow():
    """Jiangsu's machine is put back, and writes on among others than before."""
    with Cluster() as c:
        c.up(plan=False)
        jiangsu = c["jiangsu"]
        c.load_tasks("3-05")
        c.wait_converged()
        c["office"].ctl("wait", "final", "--timeout", "60s")
        for slug in ("zhejiang", "anhui", "office", "jiangsu"):
            c[slug].stop()
        folders = (jiangsu.data, jiangsu.mark)
        for folder in folders:
            shutil.copytree(folder, folder + ".old")
        jiangsu.start()
        jiangsu.post("note", "3-05", "one history")
        c.wait_converged("jiangsu", "shanghai")
        jiangsu.stop()
        c["shanghai"].stop()
        for folder in folders:
            shutil.rmtree(folder)
            os.rename(folder + ".old", folder)
        jiangsu.start()
        jiangsu.post("note", "3-05", "another history")
        jiangsu.post("note", "3-05", "that is longer")
        c["zhejiang"].start()
        c.wait_converged("jiangsu", "zhejiang")
        c.start("shanghai", "anhui", "office")
        for node in c:
            wait_until(f"{node.slug} has the proof", lambda n=node: forked(n), LOOK_BACK_S)
        assert len({forked(node) for node in c}) == 1
        for node in c:
            origin = forked(node)
            status = node.status()
            assert status["forked"] and status["evidence"] == 1, status
            path = os.path.join(c.folder, f"evidence-{node.slug}")
            node.ctl("evidence", "show", "jiangsu", "-o", path)
            with open(path, encoding="utf-8") as f:
                text = f.read()
            assert text.count("\n" + origin + "\n") >= 2, text
            assert node.ctl("evidence", "show", "anhui", check=False).returncode == EXIT_NOT_FOUND
        c["anhui"].post("note", "3-05", "goes on")
        wait_until("jiangsu writes a new epoch", lambda: len(c["office"].logs_of("jiangsu")) == 2,
                   LOOK_BACK_S)
        jiangsu.post("note", "3-05", "goes on too")
        for node in c:
            wait_until(f"{node.slug} has what others wrote", lambda n=node: {
                v["value"]["text"] for v in n.values("3-05", "note")} >= {"goes on", "goes on too"}, LOOK_BACK_S)
        assert all(node.process.poll() is None for node in c)


run_scenarios(all_reach_final_through_one_common_neighbour, nothing_is_final_without_enough_offices,
              two_histories_are_proven_on_every_node_and_the_others_flow)
