"""A second plan of other content over the first (H70): the office's takes its place everywhere, with
the first in the history; another office's is refused."""

import os

from cluster import Cluster
from tally import run_scenarios


def title(node):
    values = [v["value"]["title"] for v in node.values("1-01", "task")]
    assert len(values) == 1, values
    return values[0]


def plan_of_other_content_takes_the_place_of_the_first():
    with Cluster(("jiangsu", "office")) as c:
        c.up(plan=False)
        c.load_tasks("1-01", "1-02")
        c.wait_converged()
        first = title(c["jiangsu"])
        c.load_tasks("1-01", title="另一题目", source="amendment")
        c.wait_converged()
        assert [title(n) for n in c] == ["另一题目"] * 2
        assert [n.status()["conflicts"] for n in c] == [0, 0]
        history = c["jiangsu"].ctl("task", "show", "1-01", "--history").stdout
        assert first in history and "另一题目" in history, history
        sizes = [g["size"] for g in c["office"].status()["logs"]]
        c.load_tasks("1-01", title="另一题目", source="amendment")
        assert [g["size"] for g in c["office"].status()["logs"]] == sizes, "the same again is nothing new"


def plan_by_another_office_is_refused():
    with Cluster(("jiangsu", "office")) as c:
        c.up(plan=False)
        c.load_tasks("1-01")
        c.wait_converged()
        before = c["jiangsu"].view_root()
        done = c["jiangsu"].post("plan", "load", os.path.join(c.folder, "tasks.csv"), check=False)
        assert done.returncode in (0, 4, 6), done
        c.load_tasks("1-01", title="另一题目", source="amendment")
        c.wait_converged()
        done = c["jiangsu"].post("plan", "load", "conf/plan-2024-2026.csv", check=False)
        assert done.returncode in (4, 6) and done.stderr, done
        assert [title(n) for n in c] == ["另一题目"] * 2
        assert c["jiangsu"].view_root() != before


run_scenarios(plan_of_other_content_takes_the_place_of_the_first, plan_by_another_office_is_refused)
