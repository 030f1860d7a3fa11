"""The control socket under abuse, the configuration reloaded, and limits reached: others are served
meanwhile, and the daemon goes on."""

import os
import select
import signal
import socket
import stat
import struct
import subprocess

from cluster import Cluster, free_ports, wait_until
from tally import NotPermitted, run_scenarios

INFO = b"\x08%c\x12\x00"  # Request{id, info{}}: id below 128


def framed(body):
    return struct.pack(">I", len(body)) + body


def info(number=1):
    return framed(INFO % number)


SUBSCRIBE = framed(b"\x08\x09\x52\x00")
INSTALL = framed(b"\x08\x01\x4a\x03\x0a\x01x")  # a roster of one letter


def connect(node):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    s.settimeout(60)
    s.connect(node.socket)
    return s


def read_exactly(s, n):
    data = b""
    while len(data) < n:
        more = s.recv(n - len(data))
        if not more:
            return None
        data += more
    return data


def read_frame(s):
    """None: the other side hung up."""
    length = read_exactly(s, 4)
    return length and read_exactly(s, struct.unpack(">I", length)[0])


def is_closed(s):
    try:
        return s.recv(1) == b""
    except ConnectionError:
        return True


def lone_node(c):
    c.start("office")
    c.install("office")
    return c["office"]


def rewrite(node, old, new):
    with open(node.conf, encoding="utf-8") as f:
        text = f.read()
    assert old in text, text
    with open(node.conf, "w", encoding="utf-8") as f:
        f.write(text.replace(old, new))


def reload(node, event):
    size = os.path.getsize(node.log)
    node.process.send_signal(signal.SIGHUP)

    def said():
        with open(node.log, encoding="utf-8") as f:
            f.seek(size)
            return f"event={event}" in f.read()

    wait_until(f"{event} is logged", said)


def hostile_requests_are_answered_with_an_error_or_nothing():
    with Cluster(("jiangsu", "office")) as c:
        node = lone_node(c)
        for bad in (b"\xff\xff\xff\xff", b"\x00\x00\x00\x00", b"\x00\x10\x00\x01" + bytes(16),
                    framed(b"\xff" * 64), framed(b"\x08\x01"), framed(b"\x08\x01\x12\x00\x1a\x00"),
                    b"GET / HTTP/1.1\r\n\r\n"):
            with connect(node) as s:
                s.sendall(bad)
                answer = read_frame(s)
                assert answer and b"E" in answer, (bad, answer)
                assert is_closed(s), bad
        with connect(node) as s:
            s.sendall(info()[:5])
            s.shutdown(socket.SHUT_WR)
            assert is_closed(s)
        with connect(node) as s:
            s.sendall(INSTALL)
            assert b"E200" in read_frame(s)
        node.ctl("status")


def thousand_requests_at_once_are_answered_in_their_order():
    with Cluster(("jiangsu", "office")) as c:
        node = lone_node(c)
        with connect(node) as s:
            s.sendall(b"".join(info(1 + i % 100) for i in range(1000)))
            for i in range(1000):
                answer = read_frame(s)
                assert answer[:2] == bytes((8, 1 + i % 100)), (i, answer[:8])
        for _ in range(50):  # who asks and does not wait
            with connect(node) as s:
                s.sendall(info() * 20)
        node.ctl("status")


def join(node, clients):
    """One client more, if there is room for it: the place of one that has gone is soon free."""
    s = connect(node)
    try:
        s.sendall(info())
        answer = read_frame(s)
    except ConnectionError:
        answer = None
    if answer and b"E3001" not in answer:
        clients.append(s)
    else:
        s.close()


def one_client_too_many_is_told_and_the_others_stay():
    with Cluster(("jiangsu", "office")) as c:
        c["office"].write_conf({})
        rewrite(c["office"], "limits {", "limits {\n\tclients = 5")
        node = lone_node(c)
        clients = []
        wait_until("five are served", lambda: join(node, clients) or len(clients) == 5)
        with connect(node) as s:
            assert b"E3001" in read_frame(s)
            assert is_closed(s)
        clients[0].sendall(info())
        assert read_frame(clients[0])
        for s in clients:
            s.close()


def silence_ends_by_itself_and_then_there_is_room_again():
    with Cluster(("jiangsu", "office")) as c:
        c["office"].write_conf({})
        rewrite(c["office"], "limits {", "limits {\n\tclients = 5\n\tclient_idle_s = 1")
        node = lone_node(c)
        clients = []
        wait_until("five are served", lambda: join(node, clients) or len(clients) == 5)
        for s in clients:
            assert is_closed(s)
        node.ctl("status")
        for s in clients:
            s.close()


def descriptor_passed_along_is_not_kept():
    with Cluster(("jiangsu", "office")) as c:
        node = lone_node(c)
        ours, passed = os.pipe()
        with connect(node) as s:
            socket.send_fds(s, [info()], [passed] * 4)
            os.close(passed)
            assert read_frame(s)
            # The pipe ends here although the client stays: nobody else has its other side open.
            assert select.select([ours], [], [], 60)[0]
            assert os.read(ours, 1) == b""
        os.close(ours)


def subscriber_hears_of_each_change_and_may_be_slow():
    with Cluster(("jiangsu", "office")) as c:
        node = lone_node(c)
        node.post("plan", "load", "conf/plan-2024-2026.csv")
        with connect(node) as s, connect(node) as slow:
            slow.sendall(SUBSCRIBE)
            s.sendall(SUBSCRIBE)
            assert read_frame(s)
            for i in range(3):
                node.post("note", "1-01", f"note {i}")
                assert read_frame(s)
            assert read_frame(slow)


def client_that_does_not_read_costs_no_memory():
    with Cluster(("jiangsu", "office")) as c:
        node = lone_node(c)
        node.post("plan", "load", "conf/plan-2024-2026.csv")
        query = framed(b"\x08\x01\x32\x06\x08\x01\x20\x01\x30\x01")  # any task, any holder, history
        stalled = []
        for _ in range(20):
            s = connect(node)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            s.settimeout(1)
            try:
                s.sendall(query * 4000)
            except TimeoutError:
                pass  # the node stopped reading, as it should
            stalled.append(s)
        node.ctl("status")
        with open(f"/proc/{node.process.pid}/status", encoding="ascii") as f:
            kib = int(next(line for line in f if line.startswith("VmRSS")).split()[1])
        # Under a sanitizer memory is a multiple; without one this is far below.
        assert kib < 400 * 1024, kib
        for s in stalled:
            s.close()
        node.ctl("task", "list")


def socket_is_for_user_and_group_and_a_stale_one_is_replaced():
    with Cluster(("jiangsu", "office")) as c:
        node = lone_node(c)
        assert stat.S_IMODE(os.stat(node.socket).st_mode) == 0o660
        node.kill()
        assert os.path.exists(node.socket)
        node.start()
        node.stop()
        assert not os.path.exists(node.socket)
        with open(node.socket, "w", encoding="ascii") as f:
            f.write("not a socket")
        assert node.launch().wait(60) == 78, node.tail()
        assert os.path.exists(node.socket)


def reload_takes_good_peers_and_keeps_old_ones_over_bad():
    with Cluster(("jiangsu", "office")) as c:
        wrong = free_ports(1)[0]
        c["jiangsu"].write_conf({"office": wrong})
        c["office"].write_conf({"jiangsu": wrong})
        c.start()
        c.install()
        node = c["jiangsu"]
        peer = lambda: node.status()["peers"][0]
        assert not peer()["connected"]
        rewrite(node, f"127.0.0.1:{wrong}", "office.example:1")
        reload(node, "reload-refused")
        assert peer()["address"] == f"127.0.0.1:{wrong}", peer()
        rewrite(node, "office.example:1", f"127.0.0.1:{c['office'].port}")
        reload(node, "reloaded")
        wait_until("the new address is dialled", lambda: peer()["connected"])
        rewrite(node, f"127.0.0.1:{node.port}", f"127.0.0.1:{wrong}")
        reload(node, "restart-needed")
        assert peer()["connected"]


def client_that_ends_its_side_is_still_answered():
    with Cluster(("jiangsu", "office")) as c:
        node = lone_node(c)
        for _ in range(20):
            with connect(node) as s:
                s.sendall(INSTALL + info(2) * 50)
                s.shutdown(socket.SHUT_WR)
                for _ in range(51):
                    assert read_frame(s)
                assert is_closed(s)


def service_manager_hears_of_every_step():
    with Cluster(("jiangsu", "office")) as c:
        node = c["office"]
        manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        manager.settimeout(60)
        path = os.path.join(c.folder, "notify")
        manager.bind(path)

        def hears(*words):
            said = manager.recv(4096).decode()
            while said.startswith("WATCHDOG=1") and "WATCHDOG=1" not in words:
                said = manager.recv(4096).decode()
            assert all(w in said for w in words), said

        node.process = node.launch("env", f"NOTIFY_SOCKET={path}", "WATCHDOG_USEC=600000")
        hears("READY=1", "STATUS=waiting-roster")
        hears("WATCHDOG=1", "STATUS=waiting-roster")
        node.ctl("roster", "install", c.roster)
        wait_until("its state is told", lambda: "STATUS=running" in manager.recv(4096).decode())
        hears("WATCHDOG=1", "STATUS=running")
        node.process.send_signal(signal.SIGHUP)
        hears("RELOADING=1", "MONOTONIC_USEC=")
        hears("READY=1")
        node.process.send_signal(signal.SIGTERM)
        hears("STOPPING=1")
        assert node.process.wait(60) == 0
        node.process = None


def strangers_are_few_at_a_time_and_peers_still_connect():
    with Cluster(("jiangsu", "office")) as c:
        office = lone_node(c)
        silent = [socket.create_connection(("127.0.0.1", office.port), 60) for _ in range(40)]
        wait_until("those over the limit are closed",
                   lambda: office.status()["strangers"] >= 36)
        c["jiangsu"].write_conf({})
        c.start("jiangsu")
        c.install("jiangsu")
        wait_until("the silent ones are closed", lambda: office.status()["strangers"] >= 40)
        wait_until("the peer is connected",
                   lambda: office.status()["peers"][0]["connected"])
        for s in silent:
            s.close()


def few_file_descriptors_are_survived():
    with Cluster(("jiangsu", "office")) as c:
        node = c["office"]
        node.process = node.launch("prlimit", "--nofile=40")
        wait_until("it answers", node.answers)
        c.install("office")
        # More than it can hold, of both kinds.
        crowd = []
        for _ in range(60):
            s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            s.settimeout(60)
            s.connect(node.socket)
            crowd.append(s)
        for s in crowd:
            s.close()
        wait_until("it answers again", node.answers)
        c.start("jiangsu")
        c.install("jiangsu")
        wait_until("the peer is connected", lambda: node.status()["peers"][0]["connected"])
        assert node.stop()[0] == 0


def sync_error_at_commit_says_unknown_and_ends_with_74():
    if subprocess.run(["strace", "-V"], capture_output=True, check=False).returncode != 0:
        raise NotPermitted("strace is not there")
    with Cluster(("jiangsu", "office")) as c:
        node = lone_node(c)
        node.post("plan", "load", "conf/plan-2024-2026.csv")
        tracer = subprocess.Popen(
            ["strace", "-f", "-o", "/dev/null", "-p", str(node.process.pid), "-e",
             "inject=fdatasync,fsync:error=EIO"], stderr=subprocess.PIPE, text=True)
        said = tracer.stderr.readline()
        if " attached" not in said:
            raise NotPermitted(f"strace cannot attach: {said.strip()}")
        done = node.post("note", "1-01", "perhaps", check=False)
        assert done.returncode == 75, done
        assert node.process.wait(60) == 74, node.tail()
        tracer.communicate(timeout=60)
        node.process = None
        node.start()
        node.post("note", "1-01", "surely")


run_scenarios(hostile_requests_are_answered_with_an_error_or_nothing,
              thousand_requests_at_once_are_answered_in_their_order,
              one_client_too_many_is_told_and_the_others_stay,
              silence_ends_by_itself_and_then_there_is_room_again,
              descriptor_passed_along_is_not_kept,
              subscriber_hears_of_each_change_and_may_be_slow,
              client_that_does_not_read_costs_no_memory,
              socket_is_for_user_and_group_and_a_stale_one_is_replaced,
              reload_takes_good_peers_and_keeps_old_ones_over_bad,
              client_that_ends_its_side_is_still_answered, service_manager_hears_of_every_step,
              strangers_are_few_at_a_time_and_peers_still_connect,
              few_file_descriptors_are_survived,
              sync_error_at_commit_says_unknown_and_ends_with_74)
