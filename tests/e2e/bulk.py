"""A long history that a newcomer takes in bulk, with a change deep in it that no operator signed: found by the
audit, void on every node alike, shown against the log's owner, and never shown as a value."""

import base64
import os

from cluster import BUILD, Cluster, run, wait_until
from tally import run_scenarios

LOAD = os.path.join(BUILD, "tests/bench/bench_load")
PLANT = os.path.join(BUILD, "tests/e2e/plant_leaf")
DEEP, MORE = 10_000, 10_000
TASK = "1-03"


def operator_public(node):
    with open(os.path.join(node.folder, "operator.key.pub"), encoding="utf-8") as f:
        return base64.b64decode(f.read().split()[2]).hex()


def fill(node, count):
    run(LOAD, "fill", node.socket, os.path.join(node.folder, "operator.key"), str(count), timeout=120)


def plant(node):
    """(origin, index) of a note in its log that nobody signed."""
    database = os.path.join(node.data, "replica.db")
    os.remove(database + ".seal")
    done = run(PLANT, database, os.path.join(node.keys, "log.key"),
               operator_public(node), node.slug, TASK)
    origin, index = done.stdout.split()
    return origin, int(index)


def audited(node):
    status = node.status()
    return not status["provisional"] and all(g["audited"] == g["size"] for g in status["logs"])


def log_of(node, origin):
    return next(g for g in node.status()["logs"] if g["origin"] == origin)


def write_history(c):
    """Jiangsu writes, beside the office; half way something is put into its database."""
    c.start("office", "jiangsu")
    c.install("office", "jiangsu")
    c["office"].post("plan", "load", "conf/plan-2024-2026.csv")
    c.wait_converged("office", "jiangsu")
    fill(c["jiangsu"], DEEP)
    c["jiangsu"].stop()
    planted = plant(c["jiangsu"])
    c["jiangsu"].start()
    fill(c["jiangsu"], MORE)
    c.wait_converged("office", "jiangsu")
    return planted


def a_bad_signature_deep_in_history_is_found_and_shown():
    with Cluster(("jiangsu", "office", "shanghai")) as c:
        origin, index = write_history(c)
        size = log_of(c["office"], origin)["size"]
        assert index < size - MORE / 2 and size > DEEP + MORE, (index, size)

        c.start("shanghai")
        c["shanghai"].ctl("roster", "install", c.roster)
        wait_until("all is stored", lambda: log_of_or_none(c["shanghai"], origin, size), 120)
        # In the middle of its audit or after it: it goes on where it was.
        before = log_of(c["shanghai"], origin)["audited"]
        c["shanghai"].kill()
        c["shanghai"].start()
        assert log_of(c["shanghai"], origin)["audited"] >= before
        for node in c:
            wait_until(f"{node.slug} has audited all", lambda n=node: audited(n), 120)
        c["shanghai"].ctl("wait", "converged", "--timeout", "60s")

        for slug in ("office", "shanghai"):
            found = [f for f in c[slug].json("missing")["findings"] if f["verdict"] == "void:signature"]
            assert [(f["origin"], f["index"]) for f in found] == [(origin, index)], found
            assert log_of(c[slug], origin)["void"] == 1
        assert len({n.view_root() for n in c}) == 1
        for node in c:
            assert "nobody wrote this" not in node.ctl("task", "show", TASK).stdout


def log_of_or_none(node, origin, size):
    return any(g["origin"] == origin and g["size"] >= size for g in node.status()["logs"])


run_scenarios(a_bad_signature_deep_in_history_is_found_and_shown)
