"""Who has no business here is refused, counted, and leaves nothing behind."""

import os
import socket
import threading

from cluster import Cluster, wait_until
from tally import run_scenarios


def speak(port, data, wait=False):
    """Connects, says it, reads until the other side closes; true if it closed."""
    with socket.create_connection(("127.0.0.1", port), 60) as s:
        try:
            s.sendall(data)
            if not wait:
                s.shutdown(socket.SHUT_WR)
            while s.recv(4096):
                pass
        except ConnectionError:
            pass
        return True


def what_counts(status):
    """What strangers must not change; cosignatures come in by themselves."""
    return sorted((g["origin"], g["size"], g["root"]) for g in status["logs"]), status["view_root"]


def refused(cluster, at_least):
    return cluster["office"].status()["strangers"] >= at_least


def noise_is_spoken_or_nothing():
    """HTTP, garbage, a wrong length, silence and half a message."""
    with Cluster(("jiangsu", "office")) as c:
        c.up()
        before = c["office"].status()
        port = c["office"].port
        speak(port, b"GET / HTTP/1.1\r\nHost: office\r\n\r\n")
        speak(port, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100))
        speak(port, bytes(2))
        speak(port, b"\xff\xff" + bytes(70000), wait=True)
        speak(port, b"\x00\x30" + os.urandom(48), wait=True)
        speak(port, b"\x00\x30" + bytes(48), wait=True)
        speak(port, b"\x00")
        speak(port, b"", wait=True)
        wait_until("eight strangers are counted", lambda: refused(c, before["strangers"] + 8))
        after = c["office"].status()
        assert what_counts(after) == what_counts(before), (after, before)
        c["jiangsu"].post("note", "1-01", "still here")
        c.wait_converged()


def a_key_of_nobody_and_another_cluster_are_refused():
    with Cluster(("jiangsu", "office")) as c, Cluster(("jiangsu", "office")) as other:
        c.start("office")
        c.install("office")
        other.start("jiangsu")
        other.install("jiangsu")
        before = c["office"].status()
        # The other cluster's node dials this office: its roster names another office key, its
        # prologue another cluster.
        stranger = other["jiangsu"]
        stranger.stop()
        stranger.write_conf({"office": c["office"].port})
        stranger.start()
        wait_until("the stranger is counted", lambda: refused(c, before["strangers"] + 1))
        after = c["office"].status()
        assert what_counts(after) == what_counts(before), (after, before)
        assert not any(p["connected"] for p in after["peers"])


def a_second_daemon_on_one_folder_exits_75():
    with Cluster(("jiangsu", "office")) as c:
        c.start("office")
        c.install("office")
        root = c["office"].view_root()
        second = c["office"].launch()
        assert second.wait(60) == 75, c["office"].tail()
        assert c["office"].view_root() == root


class Holder(threading.Thread):
    """Holds a connection without saying a word; opens another when it is closed."""

    def __init__(self, port, stop):
        super().__init__(daemon=True)
        self.port, self.stop = port, stop

    def run(self):
        while not self.stop.wait(0.3):
            with socket.create_connection(("127.0.0.1", self.port), 60) as s:
                try:
                    s.recv(1)
                except OSError:
                    pass


def who_holds_connections_keeps_no_member_of_the_same_address_out():
    with Cluster(("jiangsu", "office"), listens=("office",)) as c:
        c.up()
        c["jiangsu"].stop()
        stop = threading.Event()
        holders = [Holder(c["office"].port, stop) for _ in range(12)]
        for h in holders:
            h.start()
        wait_until("somebody had to give way", lambda: refused(c, 1))
        c["jiangsu"].start()
        c["jiangsu"].post("note", "1-01", "in spite of them")
        c.wait_converged()
        stop.set()
        c["office"].stop()
        for h in holders:
            h.join(60)


def a_damaged_configuration_is_refused_with_78():
    with Cluster(("jiangsu", "office")) as c:
        node = c["office"]
        with open(node.conf, "a", encoding="utf-8") as f:
            f.write('no_such_option = 1\n')
        process = node.launch()
        assert process.wait(60) == 78, node.tail()
        assert "deltad.conf:" in node.tail(), node.tail()


run_scenarios(noise_is_spoken_or_nothing, a_key_of_nobody_and_another_cluster_are_refused,
              a_second_daemon_on_one_folder_exits_75,
              who_holds_connections_keeps_no_member_of_the_same_address_out,
              a_damaged_configuration_is_refused_with_78)
