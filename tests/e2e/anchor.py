"""Anchors: what deltactl anchor writes, that every node takes it for what it is, and that an audit holds the view to
it."""

from cluster import Cluster
from tally import run_scenarios


def an_anchor_is_written_spread_and_audited():
    with Cluster(("jiangsu", "office", "shanghai")) as c:
        c.up()
        before = c["office"].view_root()
        anchor = c["office"].json("anchor")
        log = c["office"].logs_of("office")[-1]
        assert (anchor["origin"], anchor["index"]) == (log["origin"], log["size"] - 1), (anchor, log)
        assert len(anchor["leaf_hash"]) == 64
        c.wait_converged()
        for node in c:
            assert node.view_root() == before
            assert node.logs_of("office")[-1]["size"] == log["size"]
            assert not node.json("missing")["findings"]
            node.ctl("audit")
            node.ctl("audit", "--since", "anchor")


def another_anchor_and_a_change_after_it():
    with Cluster(("jiangsu", "office")) as c:
        c.up()
        first = c["jiangsu"].json("anchor")
        c["jiangsu"].post("report", "1-03", "--status", "in_progress", "--progress", "40", "--as-of", "2024-09-30")
        second = c["jiangsu"].json("anchor")
        assert second["index"] == first["index"] + 2
        c.wait_converged()
        c["office"].ctl("audit")


run_scenarios(an_anchor_is_written_spread_and_audited, another_anchor_and_a_change_after_it)
