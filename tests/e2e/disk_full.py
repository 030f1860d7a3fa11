"""A full disk: writing is refused in clear words, reading and receiving answers go on, and the node
recovers by itself. Needs a small file system, which needs root."""

from cluster import Cluster, wait_until
from disk import SmallDisk
from tally import run_scenarios


def full_disk(min_free_mib):
    with Cluster(("jiangsu", "office")) as c:
        node = c["jiangsu"]
        node.write_conf({}, min_free_mib=min_free_mib)
        with SmallDisk(node.data, "24m") as disk:
            try:
                c.up()
                c["office"].stop()
                node.post("note", "1-02", "not sent yet")
                disk.fill()

                def refused():
                    """And the state is shown; after a while it tries again, and is as before."""
                    done = node.post("note", "1-01", "too much", check=False)
                    if done.returncode == 0:
                        return False
                    assert done.returncode == 1 and ("free" in done.stderr or "full" in done.stderr), done
                    state = node.status()
                    return state["state"] == "degraded" and state["state_text"]

                wait_until("a write is refused, and the reason named", refused)
                assert len(node.json("task", "list")["tasks"]) == 165
                c["office"].start()
                wait_until("it still sends what it has", lambda: c["office"].values("1-02", "note"), 120)
                for i in range(40):  # what the peer says does not fit either
                    c["office"].post("note", "2-01", f"{i} " + "x" * 1900)
                assert len(node.json("task", "list")["tasks"]) == 165
                disk.free()
                wait_until("writes are accepted again",
                           lambda: node.post("note", "1-01", "again", check=False).returncode == 0, 180)
                c.wait_converged()
                assert node.status()["state"] == "running"
            finally:
                if node.process:
                    node.stop()


def little_free_space_refuses_writes_until_there_is_more():
    full_disk(4)


def a_write_that_fails_is_refused_and_tried_again_later():
    full_disk(0)


run_scenarios(little_free_space_refuses_writes_until_there_is_more,
              a_write_that_fails_is_refused_and_tried_again_later)
