"""Entries by disk: nodes without a line between them, files that somebody tampered with, and clients
that go away."""

import json
import os
import socket
import struct

from cluster import Cluster, DELTACTL, run, wait_until
from tally import run_scenarios

MAGIC = b"deltad-bundle/1\n"


class Apart:
    """with Apart() as c: nodes that run and know no address of each other; the office has written
    the plan."""

    def __init__(self, members=("jiangsu", "office"), plan=True):
        self.c, self.plan = Cluster(members, listens=()), plan

    def __enter__(self):
        c = self.c.__enter__()
        c.start()
        c.install()
        if self.plan:
            c["office"].post("plan", "load", "conf/plan-2024-2026.csv")
        return c

    def __exit__(self, *why):
        self.c.__exit__(*why)


def path(c, name):
    return os.path.join(c.folder, name)


def export(node, file, *what):
    return json.loads(node.ctl("--json", "bundle", "export", *what, "-o", file).stdout)


def carry(c, giver, taker, *what):
    """By file; what the taker says of it."""
    file = path(c, f"{giver}-{taker}")
    if os.path.exists(file):
        os.remove(file)
    export(c[giver], file, *(what or ("--for", taker)))
    return c[taker].json("bundle", "import", file)


def holds(node):
    s = node.status()
    return s["view_root"], sorted((g["origin"], g["size"], g["seen_size"], g["forked"]) for g in s["logs"])


def records(data):
    """Where each record begins, and the trailer."""
    at, found = len(MAGIC), []
    while True:
        found.append(at)
        n = struct.unpack_from(">I", data, at)[0]
        if n == 0:
            return found
        at += 4 + n


def two_nodes_that_never_meet_converge_by_files_alone():
    with Apart() as c:
        assert carry(c, "office", "jiangsu")["new"] >= 174
        c["jiangsu"].post("note", "1-03", "from jiangsu")
        assert carry(c, "jiangsu", "office")["new"] == 3
        for i in range(3):
            c["jiangsu"].post("note", "1-03", f"again {i}")
            c["office"].post("note", "1-03", f"and {i}")
            carry(c, "jiangsu", "office")
            carry(c, "office", "jiangsu")
        assert holds(c["jiangsu"]) == holds(c["office"])
        why = c["office"].ctl("why", "1-03").stdout
        assert "jiangsu" in why, why
        assert not any(p["connected"] for n in c for p in n.status()["peers"])


def third_node_carries_for_two():
    with Apart(("jiangsu", "anhui", "office")) as c:
        carry(c, "office", "jiangsu")
        c["jiangsu"].post("note", "1-03", "for anhui")
        carry(c, "jiangsu", "office")
        carry(c, "office", "anhui")
        assert len(c["anhui"].logs_of("jiangsu")) == 1
        carry(c, "anhui", "jiangsu")
        carry(c, "jiangsu", "office")
        assert holds(c["anhui"])[0] == holds(c["jiangsu"])[0] == holds(c["office"])[0]


def receipt_that_is_carried_back_makes_the_next_bundle_small():
    with Apart() as c:
        file, receipt, second = path(c, "first"), path(c, "receipt"), path(c, "second")
        first = export(c["office"], file, "--for", "jiangsu")
        c["jiangsu"].ctl("bundle", "import", file, "-o", receipt)
        shown = json.loads(run(DELTACTL, "--json", "bundle", "show", receipt).stdout)
        assert shown["member"] == "jiangsu" and shown["entries"] == 0, shown
        assert any(g["held"] >= 174 for g in shown["logs"]), shown
        assert export(c["office"], second, "--since", receipt)["entries"] == 0
        taken = c["office"].json("bundle", "import", receipt)
        assert taken["entries"] == 0 and max(h["held"] for h in taken["held"]) >= 174, taken
        c["office"].post("note", "1-03", "one more")
        after = export(c["office"], path(c, "third"), "--for", "jiangsu")
        assert after["entries"] == 1 < first["entries"], (first, after)
        assert c["jiangsu"].json("bundle", "import", path(c, "third"))["new"] == 1
        # Not of the receipt's node: the entries before are missing there.
        fourth = path(c, "fourth")
        origin = c["office"].logs_of("office")[0]["origin"]
        export(c["office"], fourth, "--since", f"{origin}:100")
        c["jiangsu"].json("bundle", "import", fourth)


def receipts_of_three_witnesses_make_a_report_final():
    with Apart(("jiangsu", "shanghai", "zhejiang", "anhui", "office")) as c:
        # Who is new cosigns some seconds after it first heard of others: all of them begin to wait now.
        carry(c, "office", "jiangsu")
        carry(c, "jiangsu", "office")
        for witness in ("shanghai", "anhui"):
            carry(c, "office", witness)
        for i in range(20):
            c["jiangsu"].post("note", "1-03", f"note {i}")

        def final():
            return c["jiangsu"].logs_of("jiangsu")[0]["final_size"]

        for witness in ("shanghai", "office", "anhui"):
            assert final() == 0
            out, back = path(c, f"to-{witness}"), path(c, f"from-{witness}")
            export(c["jiangsu"], out, "--for", witness)
            c[witness].ctl("bundle", "import", out, "-o", back)
            assert c["jiangsu"].json("bundle", "import", back)["new"] == 0
        assert final() == 22, c["jiangsu"].status()["logs"]


def bundle_that_begins_too_late_is_refused_with_what_to_do():
    with Apart() as c:
        file = path(c, "late")
        origin = c["office"].logs_of("office")[0]["origin"]
        export(c["office"], file, "--since", f"{origin}:100")
        before = holds(c["jiangsu"])
        done = c["jiangsu"].ctl("bundle", "import", file, check=False)
        assert done.returncode == 6 and "E6008" in done.stderr and "--all" in done.stderr, done
        assert holds(c["jiangsu"]) == before


def looking_at_a_bundle_takes_nothing():
    with Apart() as c:
        file = path(c, "all")
        export(c["office"], file, "--all")
        before = holds(c["jiangsu"])
        said = c["jiangsu"].json("bundle", "check", file)
        assert said["good"] and said["new"] >= 174, said
        assert holds(c["jiangsu"]) == before
        shown = run(DELTACTL, "--lang=zh", "bundle", "show", file).stdout
        assert "office" in shown, shown
        # One that is there is not overwritten.
        done = c["office"].ctl("bundle", "export", "--all", "-o", file, check=False)
        assert done.returncode == 6, done
        assert c["jiangsu"].json("bundle", "import", file)["new"] == said["new"]
        assert c["jiangsu"].json("bundle", "import", file)["new"] == 0


def tampered_files_are_refused_at_the_first_fault():
    with Apart() as c:
        node, file = c["jiangsu"], path(c, "good")
        export(c["office"], file, "--all")
        with open(file, "rb") as f:
            good = f.read()
        starts = records(good)
        before = holds(node)

        def refused(name, data, record, offset):
            bad = path(c, "bad")
            with open(bad, "wb") as f:
                f.write(data)
            for word in ("check", "import"):
                done = node.ctl("--json", "bundle", word, bad, check=False)
                said = json.loads(done.stdout)
                assert done.returncode != 0 and not said["good"], (name, done)
                assert said["error"] in done.stderr, (name, done)
                assert (said["record"], said["offset"]) == (record, offset), (name, said)
            assert holds(node) == before, name

        refused("first line", b"deltad-bundle/2" + good[15:], 0, 0)
        last = len(starts)
        refused("cut in the sum", good[:-1], last, starts[-1])
        refused("cut in a record", good[:starts[3] + 9], 4, starts[3])
        refused("length", good[:starts[2]] + b"\xff" * 4 + good[starts[2] + 4:], 3, starts[2])
        refused("count", good[:starts[-1] + 11] + b"\x99" + good[starts[-1] + 12:], last, starts[-1])
        flip = starts[2] + 4 + 2000
        refused("a bit of an entry", good[:flip] + bytes((good[flip] ^ 4,)) + good[flip + 1:],
                3, starts[2])
        twice = good[:starts[3]] + good[starts[2]:]
        refused("twice", twice, 4, starts[3])
        refused("left out", good[:starts[0]] + good[starts[1]:], 1, starts[0])
        refused("longer", good + b"\0", last + 1, len(good))
        empty = path(c, "empty")
        open(empty, "wb").close()
        done = node.ctl("bundle", "import", empty, check=False)
        assert done.returncode == 2 and "E2009" in done.stderr, done


def bundle_of_another_cluster_is_refused():
    with Apart() as c, Apart() as other:
        file = path(c, "theirs")
        export(other["office"], file, "--all")
        before = holds(c["jiangsu"])
        done = c["jiangsu"].ctl("bundle", "import", file, check=False)
        assert done.returncode == 1 and "E1106" in done.stderr and "record 1 " in done.stderr, done
        assert "peer is" not in done.stderr, done
        assert holds(c["jiangsu"]) == before


def what_is_no_file_is_not_read():
    with Apart(plan=False) as c:
        node = c["jiangsu"]
        good = path(c, "good")
        export(node, good, "--all")
        link, pipe, huge = path(c, "link"), path(c, "pipe"), path(c, "huge")
        os.symlink(good, link)
        os.mkfifo(pipe)
        with open(huge, "wb") as f:
            f.truncate(10 << 30)
        for bad, code in ((link, "E2001"), (pipe, "E2001"), (c.folder, "E2001"), ("/dev/zero", "E2001"),
                          (huge, "E2004"), (path(c, "none"), "E5001")):
            for word in ("check", "import", "show"):
                done = node.ctl("bundle", word, bad, check=False)
                assert code in done.stderr, (bad, word, done)
        # As large as is allowed, and nothing but zeros: refused at the first byte.
        with open(huge, "wb") as f:
            f.truncate(1 << 30)
        done = node.ctl("bundle", "check", huge, check=False)
        assert "E2009" in done.stderr and "record 0 at byte 0" in done.stderr, done


def varint(n):
    out = b""
    while n > 127:
        out, n = out + bytes((n & 127 | 128,)), n >> 7
    return out + bytes((n,))


def field(number, body):
    return varint(number << 3 | 2) + varint(len(body)) + body


def piece(data, size, number=1):
    """Request{id, import_bundle{size, piece}}."""
    body = b"\x10" + varint(size) + field(3, data)
    request = b"\x08" + varint(number) + field(13, body)
    return struct.pack(">I", len(request)) + request


def connect(node):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    s.settimeout(60)
    s.connect(node.socket)
    return s


def read_frame(s):
    data = b""
    while len(data) < 4 or len(data) < 4 + struct.unpack(">I", data[:4])[0]:
        more = s.recv(65536)
        assert more, "the node hung up"
        data += more
    return data[4:]


def client_that_vanishes_in_the_middle_changes_nothing():
    with Apart() as c:
        node, file = c["jiangsu"], path(c, "all")
        export(c["office"], file, "--all")
        with open(file, "rb") as f:
            good = f.read()
        before = holds(node)
        # Nothing, half, all but the last byte; and more often than there are places for bundles.
        for cut in (1, len(good) // 2, len(good) - 1) * 4:
            with connect(node) as s:
                s.sendall(piece(good[:cut], len(good)))
                read_frame(s)
        assert holds(node) == before
        # Who goes after the last byte, without waiting: it was whole, so it is taken.
        with connect(node) as s:
            s.sendall(piece(good, len(good)))
        wait_until("the whole bundle is taken", lambda: holds(node)[1] == holds(c["office"])[1] or
                   len(node.logs_of("office")) == 1 and node.logs_of("office")[0]["size"] >= 174)


def pieces_that_do_not_fit_are_refused():
    with Apart(plan=False) as c:
        node, file = c["jiangsu"], path(c, "all")
        export(c["office"], file, "--all")
        with open(file, "rb") as f:
            good = f.read()
        before = holds(node)
        with connect(node) as s:
            s.sendall(piece(good[:100], len(good)))
            assert b"E" not in read_frame(s)[:8]
            s.sendall(piece(good[100:], len(good) + 1, 2))
            assert b"E2001" in read_frame(s)
            s.sendall(piece(good + b"x", len(good), 3))
            assert b"E2001" in read_frame(s)
            s.sendall(piece(b"x", 1 << 40, 4))
            assert b"E2004" in read_frame(s)
        assert holds(node) == before
        crowd = []
        for _ in range(4):
            crowd.append(connect(node))
            crowd[-1].sendall(piece(good[:100], len(good)))
            read_frame(crowd[-1])
        done = node.ctl("bundle", "check", file, check=False)
        assert done.returncode == 1 and "E1006" in done.stderr, done
        node.ctl("status")
        for s in crowd:
            s.close()
        node.json("bundle", "import", file)


def node_that_stops_in_the_middle_starts_again_and_takes_it():
    with Apart() as c:
        node, file = c["jiangsu"], path(c, "all")
        export(c["office"], file, "--all")
        with open(file, "rb") as f:
            good = f.read()
        with connect(node) as s:
            s.sendall(piece(good[:-1], len(good)))
            read_frame(s)
            assert node.stop()[0] == 0
        assert not [n for n in os.listdir(node.data) if n.startswith("bundle")]
        node.start()
        for _ in range(3):
            with connect(node) as s:
                s.sendall(piece(good, len(good)))
                node.kill()
            node.start()
        node.json("bundle", "import", file)
        assert node.logs_of("office")[0]["size"] >= 174


run_scenarios(two_nodes_that_never_meet_converge_by_files_alone, third_node_carries_for_two,
              receipt_that_is_carried_back_makes_the_next_bundle_small,
              receipts_of_three_witnesses_make_a_report_final,
              bundle_that_begins_too_late_is_refused_with_what_to_do,
              looking_at_a_bundle_takes_nothing, tampered_files_are_refused_at_the_first_fault,
              bundle_of_another_cluster_is_refused, what_is_no_file_is_not_read,
              client_that_vanishes_in_the_middle_changes_nothing, pieces_that_do_not_fit_are_refused,
              node_that_stops_in_the_middle_starts_again_and_takes_it)
