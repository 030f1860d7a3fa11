"""Nodes that start empty come to hold the same, and can be asked about it."""

from cluster import Cluster, EXIT_NOT_IN_TIME, EXIT_UNREACHABLE, DELTACTL, run
from tally import run_scenarios


def five_nodes_converge_from_empty():
    with Cluster() as c:
        c.up()
        c["jiangsu"].post("report", "1-03", "--status", "in_progress", "--progress", "40", "--as-of",
                          "2024-09-30", "--note", "进展", "--demo")
        c.wait_converged()
        for node in c:
            node.ctl("wait", "converged", "--timeout", "60s")
            tasks = node.json("task", "list")["tasks"]
            assert len(tasks) == 165, len(tasks)
            shown = node.ctl("task", "show", "1-03").stdout
            assert "40" in shown, shown
            assert node.status()["conflicts"] == 0


def each_value_is_traced_to_who_wrote_it():
    with Cluster(("jiangsu", "office")) as c:
        c.up()
        c["jiangsu"].post("report", "1-03", "--status", "in_progress", "--progress", "40", "--as-of",
                          "2024-09-30")
        c.wait_converged()
        why = c["office"].ctl("why", "1-03").stdout
        assert "测试" in why and "jiangsu" in why, why


def a_client_without_a_node_says_so_with_3():
    done = run(DELTACTL, "--node", "/nonexistent/control", "status", check=False)
    assert done.returncode == EXIT_UNREACHABLE, done
    assert done.stderr, "says nothing"


def waiting_for_a_lone_node_ends_with_8():
    with Cluster(("jiangsu", "office")) as c:
        c.start("office")
        c.install("office")
        done = c["office"].ctl("wait", "converged", "--timeout", "1s", check=False)
        assert done.returncode == EXIT_NOT_IN_TIME, done


run_scenarios(five_nodes_converge_from_empty, each_value_is_traced_to_who_wrote_it,
              a_client_without_a_node_says_so_with_3, waiting_for_a_lone_node_ends_with_8)
