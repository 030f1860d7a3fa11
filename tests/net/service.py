"""Starting, stopping and starting twice (F33, F37, F40)."""
# seconds: 10

import threading
import time

from cluster import wait_until
from lab import SOON_SECONDS, Lab, LabCluster, say
from tally import run_scenarios

STOP_SECONDS = 5
EXIT_RUNNING = 75


class Writer(threading.Thread):
    """Posts one note after the other until it is told to stop, or its node does."""

    def __init__(self, node):
        super().__init__(daemon=True)
        self.node, self.acknowledged, self.stopping = node, [], False

    def run(self):
        while not self.stopping:
            text = f"load {len(self.acknowledged)}"
            if self.node.post("note", "1-01", text, check=False).returncode != 0:
                return
            self.acknowledged.append(text)


def four_nodes_that_start_at_once_are_soon_connected():
    """F33, three times over; five of them, with the office."""
    with Lab() as lab, LabCluster(lab) as c:
        mesh, agreed = [], []
        for round_number in range(3):
            started = time.monotonic()
            c.launch_all()
            c.wait_mesh()
            mesh.append(time.monotonic() - started)
            c.wait_converged()
            agreed.append(time.monotonic() - started)
            sessions = {n.slug: len(n.log_since(0, "event=peer-up")) for n in c}
            for node in c:
                assert node.stop()[0] == 0, node.tail()
    say(f"F33: full mesh of five after {', '.join(f'{s:.2f}' for s in mesh)} s; the same view after "
        f"{max(agreed):.2f} s; at most {max(sessions.values()) / 3:.1f} sessions a start and node")
    assert max(mesh) < SOON_SECONDS and max(sessions.values()) <= 3 * 12, (mesh, sessions)


def second_daemon_on_the_same_data_ends_and_the_first_goes_on():
    """F37."""
    members = ("jiangsu", "office")
    with Lab(members) as lab, LabCluster(lab, members) as c:
        c.up()
        first = c["jiangsu"]
        began = time.monotonic()
        status = first.launch().wait(60)
        seconds = time.monotonic() - began
        first.post("note", "1-01", "the first is still there")
        c.wait_converged()
        assert all(n.status()["state"] == "running" for n in c)
        said = [line for line in first.log_since(0) if line.startswith("deltad: ")]
    say(f"F37: exit {status} after {seconds:.2f} s: {said}")
    assert status == EXIT_RUNNING and len(said) == 1, said


def stop_under_load_is_quick_and_loses_nothing():
    """F40."""
    times = []
    with Lab() as lab, LabCluster(lab) as c:
        c.up()
        node = c["jiangsu"]
        done = []
        for _ in range(5):
            writers = [Writer(c["jiangsu"]), Writer(c["office"])]
            for w in writers:
                w.start()
            wait_until("both are at work", lambda ws=writers: all(len(w.acknowledged) >= 10 for w in ws))
            status, seconds = node.stop()
            assert status == 0, f"exit {status}\n{node.tail()}"
            times.append(seconds)
            for w in writers:
                w.stopping = True
                w.join(180)
                done += [f"{w.node.slug} {t}" for t in w.acknowledged]
            node.start()
        c.wait_mesh()
        c.wait_converged()
        kept = len(c["anhui"].values("1-01", "note"))
    say(f"F40: stopped after at most {max(times):.2f} s of {len(times)}; {len(done)} acknowledged, "
        f"{kept} on another node")
    assert max(times) < STOP_SECONDS and kept >= len(done), (times, kept, len(done))


run_scenarios(four_nodes_that_start_at_once_are_soon_connected,
              second_daemon_on_the_same_data_ends_and_the_first_goes_on,
              stop_under_load_is_quick_and_loses_nothing)
