"""Lines that fail: who is cut off goes on working, and nothing is lost when the line comes back."""

import csv
import os

from cluster import Cluster
from tally import run_scenarios

PROVINCES = ("shanghai", "jiangsu", "zhejiang", "anhui")


def report(node, task, progress):
    node.post("report", task, "--status", "in_progress", "--progress", str(progress), "--as-of",
              "2024-09-30")


def name_lead(cluster, task, lead):
    """The office loads one row of the plan again, with a lead."""
    rows = []
    with open("conf/plan-2024-2026.csv", encoding="utf-8") as f:
        for row in csv.DictReader(f):
            if row["key"] == task:
                rows.append({**row, "source": "amendment", "lead": lead})
    path = os.path.join(cluster.folder, f"lead-{lead}.csv")
    with open(path, "w", encoding="utf-8", newline="") as f:
        writer = csv.DictWriter(f, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    cluster["office"].post("plan", "load", path)


def progress_on(node, task):
    """What this node shows of every province's report on a task."""
    return {r["member"]: r["value"]["progress"] for r in node.values(task, "report")}


def one_cut_off_while_all_write_is_made_whole():
    with Cluster(wired=True) as c:
        c.up()
        c.network.cut_off("anhui")
        for i, slug in enumerate(PROVINCES):
            report(c[slug], "1-03", 10 + i)
        rest = [m for m in c.members if m != "anhui"]
        c.wait_converged(*rest)
        assert c["anhui"].view_root() != c["office"].view_root()
        assert progress_on(c["anhui"], "1-03") == {"anhui": 13}
        c.network.heal()
        c.wait_converged()
        for node in c:
            assert progress_on(node, "1-03") == {s: 10 + i for i, s in enumerate(PROVINCES)}


def four_provinces_converge_through_one_neighbour():
    with Cluster(listens=("office",)) as c:
        c.up()
        for i, slug in enumerate(PROVINCES):
            report(c[slug], "1-04", 20 + i)
        c.wait_converged()
        for node in c:
            assert len(progress_on(node, "1-04")) == 4


def two_leads_who_did_not_see_each_other_are_both_kept():
    """The office changes the lead while the old lead is cut off; both write OVERALL."""
    with Cluster(wired=True) as c:
        c.up()
        old, new = c["jiangsu"], c["zhejiang"]
        name_lead(c, "3-05", "jiangsu")
        c.wait_converged()
        c.network.cut_off("jiangsu")
        old.post("overall", "3-05", "--status", "in_progress", "--summary", "old lead")
        name_lead(c, "3-05", "zhejiang")
        c.wait_converged("office", "zhejiang", "shanghai", "anhui")
        new.post("overall", "3-05", "--status", "delayed", "--summary", "new lead")
        c.network.heal()
        c.wait_converged()
        for node in c:
            assert node.status()["conflicts"] == 1, node.status()
            why = node.ctl("why", "3-05", "overall").stdout
            assert "old lead" in why and "new lead" in why, why
        mine = [v["change"] for v in new.json("conflicts", "show", "3-05", "overall")["values"]
                if v["member"] == "zhejiang"]
        new.post("conflicts", "resolve", "3-05", "overall", "--take", mine[0])
        c.wait_converged()
        for node in c:
            assert node.status()["conflicts"] == 0


run_scenarios(one_cut_off_while_all_write_is_made_whole,
              four_provinces_converge_through_one_neighbour,
              two_leads_who_did_not_see_each_other_are_both_kept)
