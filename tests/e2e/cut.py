"""Lines that fail: who is cut off goes on working, and nothing is lost when the line comes back."""

from cluster import Cluster
from tally import run_scenarios

PROVINCES = ("shanghai", "jiangsu", "zhejiang", "anhui")


def report(node, task, progress):
    node.post("report", task, "--status", "in_progress", "--progress", str(progress), "--as-of",
              "2024-09-30")


def progress_on(node, task):
    """What this node shows of every province's report on a task."""
    shown = node.json("task", "show", task)
    return {r["holder"]: r["progress"] for r in shown["reports"]}


def one_cut_off_while_all_write_is_made_whole():
    with Cluster(wired=True) as c:
        c.up()
        c.wait_converged()
        c.network.cut_off("anhui")
        for i, slug in enumerate(PROVINCES):
            report(c[slug], "1-01", 10 + i)
        rest = [m for m in c.members if m != "anhui"]
        c.wait_converged(*rest)
        assert c["anhui"].view_root() != c["office"].view_root()
        assert progress_on(c["anhui"], "1-01") == {"anhui": 13}
        c.network.heal()
        c.wait_converged()
        for node in c:
            assert progress_on(node, "1-01") == {s: 10 + i for i, s in enumerate(PROVINCES)}


def four_provinces_converge_through_one_neighbour():
    with Cluster(listens=("office",)) as c:
        c.up()
        for i, slug in enumerate(PROVINCES):
            report(c[slug], "2-01", 20 + i)
        c.wait_converged()
        for node in c:
            assert len(progress_on(node, "2-01")) == 4


def two_leads_who_did_not_see_each_other_are_both_kept():
    """The office changes the lead while the old lead is cut off; both write OVERALL."""
    with Cluster(wired=True) as c:
        c.up()
        office, old, new = c["office"], c["jiangsu"], c["zhejiang"]
        office.post("plan", "amend", "3-05", "--lead", "jiangsu")
        c.wait_converged()
        c.network.cut_off("jiangsu")
        old.post("overall", "3-05", "--status", "in_progress", "--summary", "old lead")
        office.post("plan", "amend", "3-05", "--lead", "zhejiang")
        c.wait_converged("office", "zhejiang", "shanghai", "anhui")
        new.post("overall", "3-05", "--status", "delayed", "--summary", "new lead")
        c.network.heal()
        c.wait_converged()
        for node in c:
            assert node.status()["conflicts"] == 1, node.status()
            why = node.ctl("why", "3-05", "overall").stdout
            assert "old lead" in why and "new lead" in why, why
        new.post("conflicts", "resolve", "3-05", "--take", "zhejiang")
        c.wait_converged()
        for node in c:
            assert node.status()["conflicts"] == 0


run_scenarios(one_cut_off_while_all_write_is_made_whole,
              four_provinces_converge_through_one_neighbour,
              two_leads_who_did_not_see_each_other_are_both_kept)
