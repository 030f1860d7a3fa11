"""A node among people: its configuration changes while it runs, its sockets are abused."""

import os
import signal
import socket
import struct
import subprocess
import time

from cluster import DELTAD, Cluster, wait_until
from tally import run_scenarios


def log_of(node):
    with open(node.log, encoding="utf-8", errors="replace") as f:
        return f.read()


def hang_up(node):
    """SIGHUP, and waits for what the node says to it."""
    before = log_of(node).count("event=reload")
    node.process.send_signal(signal.SIGHUP)
    wait_until("the reload is answered in the log",
               lambda: log_of(node).count("event=reload") > before)


def peer(node, slug):
    return next(p for p in node.status()["peers"] if p["member"] == slug)


def a_bad_file_at_reload_changes_nothing():
    with Cluster(("jiangsu", "office")) as c:
        c.up()
        node = c["office"]
        with open(node.conf, encoding="utf-8") as f:
            good = f.read()
        with open(node.conf, "w", encoding="utf-8") as f:
            f.write(good + "limits { }\n")
        hang_up(node)
        assert "event=reload-refused" in log_of(node), node.tail()
        assert "deltad.conf:" in log_of(node), "which line is it"
        node.post("note", "1-01", "still here")
        c.wait_converged()
        with open(node.conf, "w", encoding="utf-8") as f:
            f.write(good)
        hang_up(node)
        assert "event=reloaded" in log_of(node), node.tail()
        node.post("note", "1-01", "and here")
        c.wait_converged()


def a_peer_is_reached_at_its_new_address_after_a_reload():
    with Cluster(("jiangsu", "office"), listens=("office",)) as c:
        node = c["jiangsu"]
        node.write_conf({"office": 1})  # where nobody listens
        c.start()
        c.install()
        c["office"].post("plan", "load", "conf/plan-2024-2026.csv")
        wait_until("the line is down, and why", lambda: peer(node, "office")["last_error"])
        assert not peer(node, "office")["connected"]
        node.write_conf({"office": c["office"].port})
        hang_up(node)
        c.wait_converged()


def silent_strangers_do_not_keep_peers_out():
    """More connections than are served, each saying nothing or one byte: all are closed in the end,
    and the peer, from the same address, comes through."""
    with Cluster(("jiangsu", "office"), listens=("office",)) as c:
        c.start("office")
        c.install("office")
        before = c["office"].status()["strangers"]
        held = []
        for i in range(60):
            s = socket.create_connection(("127.0.0.1", c["office"].port), 60)
            held.append(s)
            if i % 2:
                try:
                    s.send(b"\x00")
                except ConnectionError:
                    pass
        c.start("jiangsu")
        c.install("jiangsu")
        c["office"].post("plan", "load", "conf/plan-2024-2026.csv")
        c.wait_converged()
        started = time.monotonic()
        for s in held:
            try:
                assert s.recv(1) == b""
            except ConnectionError:
                pass
            s.close()
        assert time.monotonic() - started < 30
        assert c["office"].status()["strangers"] >= before + 60


def what_is_said_on_the_control_socket_harms_nobody():
    """Garbage, absurd lengths, half requests, silence, and more clients than are served."""
    with Cluster(("jiangsu", "office")) as c:
        c.up()
        node = c["office"]
        root = node.view_root()

        def open_control():
            s = socket.socket(socket.AF_UNIX)
            s.settimeout(60)
            s.connect(node.socket)
            return s

        for words in (b"GET / HTTP/1.1\r\n\r\n", struct.pack(">I", 0), struct.pack(">I", 2**32 - 1),
                      struct.pack(">I", 4) + b"\xff\xff\xff\xff", struct.pack(">I", 100) + b"x",
                      os.urandom(70000)):
            s = open_control()
            try:
                s.sendall(words)
                s.shutdown(socket.SHUT_WR)
                while s.recv(4096):
                    pass
            except OSError:
                pass
            s.close()
        silent = []
        try:
            for _ in range(80):
                silent.append(open_control())
        except OSError:
            pass
        for s in silent:
            s.close()
        wait_until("clients are served again", lambda: node.ctl("status", check=False).returncode == 0)
        assert node.view_root() == root
        node.post("note", "1-01", "still here")
        c.wait_converged()


def a_file_is_checked_without_the_keys_that_only_the_service_is_shown():
    """The example as it stands: by an administrator, by a reload, and with the credentials there."""
    def check(folder):
        environment = {k: v for k, v in os.environ.items() if k != "CREDENTIALS_DIRECTORY"}
        if folder:
            environment["CREDENTIALS_DIRECTORY"] = folder
        return subprocess.run([DELTAD, "--check", "-c", "conf/deltad.conf.example"], text=True,
                              env=environment, capture_output=True, timeout=60)
    with Cluster(("jiangsu", "office")) as c:
        for folder in (None, "/nonexistent"):
            done = check(folder)
            assert done.returncode == 0 and done.stdout.startswith("ok; the keys"), done
        done = check(c["jiangsu"].keys)
        assert done.returncode == 0 and done.stdout == "ok\n", done
        done = check(c["office"].keys)
        assert done.returncode == 78 and "this node is jiangsu" in done.stderr, done


def a_node_whose_address_is_not_there_yet_works_all_the_same():
    """At boot, or while the office's cable is out: no interface has what it shall listen on."""
    with Cluster(("jiangsu", "office"), listens=("office",)) as c:
        node = c["jiangsu"]
        node.host = "192.0.2.9"
        node.write_conf({"office": c["office"].port})
        c.up()
        assert "event=no-such-address listen=192.0.2.9:" in log_of(node), node.tail()
        node.post("note", "1-01", "written without an address")
        c.wait_converged()


run_scenarios(a_bad_file_at_reload_changes_nothing,
              a_peer_is_reached_at_its_new_address_after_a_reload,
              a_file_is_checked_without_the_keys_that_only_the_service_is_shown,
              a_node_whose_address_is_not_there_yet_works_all_the_same,
              silent_strangers_do_not_keep_peers_out,
              what_is_said_on_the_control_socket_harms_nobody)
