"""Whoever takes his time, with a member's key or without one, is not waited for. On hosts of their own
tests/net looks at the same with many of them at once."""

import os
import re
import socket
import time

from cluster import BUILD, Cluster, run
from tally import run_scenarios

HANDSHAKE_MS = 1500
STALL_MS = 2000
PATIENCE_S = 15  # less than a first message takes that comes as slowly as below


class HurriedCluster(Cluster):
    def prepare(self):
        super().prepare()
        for node in self:
            node.limits = {"handshake_ms": HANDSHAKE_MS, "write_stall_ms": STALL_MS,
                           "write_pause_kib": 64}
            node.write_conf({})


def drip(port, seconds):
    """A byte of a first message each 0.4 s: how long the other side keeps the line, None: to the end."""
    started = time.monotonic()
    message = iter(b"\0\x30" + bytes(48))
    with socket.create_connection(("127.0.0.1", port), 60) as s:
        s.settimeout(0.4)
        while time.monotonic() - started < seconds:
            try:
                s.sendall(bytes([next(message)]))
                if s.recv(1) == b"":
                    return time.monotonic() - started
            except TimeoutError:
                continue
            except ConnectionError:
                return time.monotonic() - started
    return None


def a_handshake_has_one_deadline_however_often_a_byte_comes():
    with HurriedCluster(("jiangsu", "office")) as c:
        c.start("office")
        c.install("office")
        kept = drip(c["office"].port, PATIENCE_S)
        assert kept is not None, "who sends a byte now and then is kept for ever"
        assert HANDSHAKE_MS / 2000 < kept < HANDSHAKE_MS / 200, kept


def a_peer_that_reads_nothing_is_closed():
    with HurriedCluster(("anhui", "office")) as c:
        c.start("office")
        c.install("office")
        c.load_tasks("1-01")
        for i in range(100):
            c["office"].post("note", "1-01", f"{i} " + "长" * 1900)
        peer = run(os.path.join(BUILD, "tests/net/net_peer"), "--roster", c.roster, "--key",
                   os.path.join(c["anhui"].keys, "noise.key"), "--to", "office", "--seconds",
                   str(PATIENCE_S), "--mode", "stall").stdout
        closed = re.search(r"^closed after (\d+) ms", peer, re.M)
        assert closed, f"who takes nothing is kept: {peer}"
        c["office"].post("note", "1-01", "others are served")


run_scenarios(a_handshake_has_one_deadline_however_often_a_byte_comes,
              a_peer_that_reads_nothing_is_closed)
