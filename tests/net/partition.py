"""Parts of the network that do not hear each other, while all of them write (F15, F16)."""
# seconds: 10

import csv
import os

from lab import SOON_SECONDS, Lab, LabCluster, say
from tally import run_scenarios


def name_lead(cluster, task, lead):
    """The office loads one row of the plan again, with a lead."""
    with open("conf/plan-2024-2026.csv", encoding="utf-8") as f:
        rows = [{**row, "source": "amendment", "lead": lead} for row in csv.DictReader(f)
                if row["key"] == task]
    path = os.path.join(cluster.folder, f"lead-{lead}.csv")
    with open(path, "w", encoding="utf-8", newline="") as f:
        writer = csv.DictWriter(f, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    cluster["office"].post("plan", "load", path)


def two_halves_write_one_cell_and_both_values_are_kept():
    """F15. The office is with the new lead; the old one writes the same register meanwhile."""
    old_side, new_side = ("jiangsu", "anhui"), ("shanghai", "zhejiang", "office")
    with Lab() as lab, LabCluster(lab) as c:
        c.up()
        name_lead(c, "3-05", "jiangsu")
        c.wait_converged()
        lab.part(old_side, new_side)
        c["jiangsu"].post("overall", "3-05", "--status", "in_progress", "--summary", "old lead")
        name_lead(c, "3-05", "zhejiang")
        c.wait_converged(*new_side)
        c["zhejiang"].post("overall", "3-05", "--status", "delayed", "--summary", "new lead")
        c.wait_converged(*old_side)
        c.wait_converged(*new_side)
        assert c["anhui"].view_root() != c["shanghai"].view_root()
        lab.heal()
        seconds = c.time_to_converge()
        roots = {n.view_root() for n in c}
        conflicts = [n.status()["conflicts"] for n in c]
        assert conflicts == [1] * 5 and len(roots) == 1, (conflicts, roots)
        for node in c:
            why = node.ctl("why", "3-05", "overall").stdout
            assert "old lead" in why and "new lead" in why, why
        say(f"F15: converged {seconds:.2f} s after the heal; conflicts shown 1 on each of 5; "
            f"{len(roots)} view root")


def two_that_do_not_meet_agree_through_a_third():
    """F16. Jiangsu and Zhejiang lose each other; both reach the rest."""
    with Lab() as lab, LabCluster(lab) as c:
        c.up()

        def time_of(n):
            c["jiangsu"].post("note", "1-01", f"{n} over the wire")
            return c.time_to_converge()

        direct = [time_of(i) for i in range(3)]
        lab.drop_both("jiangsu", "zhejiang")
        around = [time_of(i) for i in range(3, 6)]
        c["zhejiang"].post("note", "1-01", "the other way")
        around.append(c.time_to_converge())
        say(f"F16: all hold a write after {max(direct):.2f} s with the line, {max(around):.2f} s "
            f"through a third: extra delay {max(around) - min(direct):.2f} s")
        assert max(around) < SOON_SECONDS, (around, direct)


if __name__ == "__main__":
    run_scenarios(two_halves_write_one_cell_and_both_values_are_kept,
                  two_that_do_not_meet_agree_through_a_third)
