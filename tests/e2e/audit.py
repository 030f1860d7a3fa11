"""The audit: nothing on what a cluster of daemons holds, and each kind of finding on what was tampered with, in
a bundle by whoever has which keys, or in a node's database."""

import base64
import json
import os
import re
import shutil
import sqlite3
import time

from bundle_file import (COSIGNATURE, EVIDENCE, HEAD, LEAVES, ROSTER, Bundle, Key, fields, head, num, rng, root_of,
                         sha256)
from cluster import DELTACTL, Cluster, run
from tally import run_scenarios

EXIT_INPUT, EXIT_FAILED = 2, 7


def audit(path, cluster_id, *more):
    """(exit status, ids of the findings, what it wrote)"""
    done = run(DELTACTL, "--lang=en", "--json", "audit", "--offline", path, "--cluster-id", "sha256:" + cluster_id,
               *more, check=False)
    if not done.stdout:
        return done.returncode, [], done
    report = json.loads(done.stdout)
    return done.returncode, sorted(f["id"] for f in report["findings"]), report


class Base:
    """A bundle of what three offices hold, and their keys."""

    def __init__(self, c):
        self.c, self.id, self.path = c, c.id, os.path.join(c.folder, "all.bundle")
        c["office"].ctl("bundle", "export", "--all", "-o", self.path)
        self.count = 0

    def key(self, member, what):
        node = self.c[member]
        return Key(os.path.join(node.folder, "operator.key") if what == "operator" else
                   os.path.join(node.keys, f"{what}.key"))

    def bundle(self):
        return Bundle(self.path)

    def findings(self, b, *more):
        path = self.path + str(self.count)
        self.count += 1
        b.write(path)
        return audit(path, self.id, *more)

    def rewritten(self, member, change, b=None):
        """The leaves of a member's log changed, under a head that its own key signs."""
        b = b or self.bundle()
        origin = b.origin(member)
        leaves = change(b.leaves(origin))
        b.set_leaves(origin, leaves, head(self.key(member, "log"), origin, len(leaves), root_of(leaves)))
        return b

    def appended(self, member, *made, b=None):
        """made(index) gives a leaf."""
        def change(leaves):
            for one in made:
                leaves.append(one(len(leaves)))
            return leaves
        return self.rewritten(member, change, b)

    def anchor(self, b, view_root, rules=1, heads=None, ahead_ms=10000):
        """A leaf that says all of what b holds, and this view root."""
        said = heads or [(o, len(b.leaves(o)), root_of(b.leaves(o))) for o in sorted(b.origins())]
        body = b"".join(rng(1, rng(1, o) + num(2, n) + rng(3, r)) for o, n, r in said)
        body += rng(2, view_root) + num(3, rules)
        hlc = (int(time.time() * 1000) + ahead_ms) << 16
        return lambda index: num(1, 1) + num(2, index) + num(3, hlc) + rng(8, body)

    def change(self, key, version=1, **f):
        """A leaf with a change of jiangsu's on 3-05; a keyword sets a field."""
        body = {1: num(1, 1), 2: rng(2, "jiangsu"), 3: rng(3, os.urandom(16)), 4: num(4, 1), 5: rng(5, "3-05"),
                6: num(6, 5), 7: b"", 8: rng(8, rng(1, "x"))}
        body.update({int(n[1:]): v for n, v in f.items()})
        body[7] = body[7] or rng(7, body[3][2:].hex())
        signed = key.body("change", b"".join(body[n] for n in sorted(body)), self.id)
        return lambda index: num(1, version) + num(2, index) + num(3, 1 << 62) + rng(4, signed)

    def bad_signature(self, index):
        operator = self.key("jiangsu", "operator")
        leaf = bytearray(self.change(operator)(index))
        leaf[bytes(leaf).index(rng(1, operator.public)) + 34 + 7] ^= 1
        return bytes(leaf)


def up(c):
    c.up(plan=False)
    c.load_tasks("3-05", "3-06")
    c.wait_converged()
    c["jiangsu"].post("report", "3-05", "--status", "in_progress", "--progress", "40")
    c["shanghai"].post("report", "3-05", "--status", "in_progress", "--progress", "10")
    c["jiangsu"].post("report", "3-05", "--status", "in_progress", "--progress", "60")
    c["jiangsu"].post("note", "3-05", "一")
    c.wait_converged()


def expect(result, status, *ids):
    assert result[0] == status and result[1] == sorted(ids), result


def check_honest(b):
    status, found, report = audit(b.path, b.id)
    assert status == 0 and not found and report["holds"], (status, found, report)
    assert report["view_root"] == b.c["office"].view_root()
    for node in b.c:
        assert node.ctl("audit", check=False).returncode == 0
    expect(b.findings(b.bundle()), 0)
    assert audit(b.path, sha256(b"x").hex())[0] == EXIT_FAILED


def check_logs(b):
    def flip(leaves):
        leaves[2] = leaves[2][:-1] + bytes([leaves[2][-1] ^ 1])
        return leaves

    cut = b.bundle()
    origin = cut.origin("jiangsu")
    leaves, heads = cut.leaves(origin), cut.of(HEAD)
    cut.set_leaves(origin, leaves[:3], head(b.key("jiangsu", "log"), origin, 3, root_of(leaves[:3])))
    for body in heads:
        if cut.is_of((HEAD, body), origin):
            cut.add(HEAD, body)
    expect(b.findings(cut), EXIT_FAILED, "A105")

    forged = b.bundle()
    forged.set_leaves(origin, leaves, head(b.key("shanghai", "log"), origin, len(leaves), root_of(leaves)))
    expect(b.findings(forged), EXIT_FAILED, "A103")

    nobody = b.bundle()
    stranger = "yrd-test/nobody/1-00000000"
    nobody.add(LEAVES, rng(1, stranger) + rng(3, leaves[0]) +
               rng(4, head(b.key("jiangsu", "log"), stranger, 1, root_of(leaves[:1]))))
    status, found, _ = b.findings(nobody)
    assert status == EXIT_FAILED and found == ["A102"], found

    other = b.bundle()
    flipped = flip(list(leaves))
    other.set_leaves(origin, flipped, head(b.key("jiangsu", "log"), origin, len(leaves), root_of(leaves)))
    status, found, _ = b.findings(other)
    assert status == EXIT_FAILED and "A104" in found, found

    begins = b.bundle()
    begins.records = [(k, v.replace(rng(1, origin), rng(1, origin) + num(2, 1), 1)
                       if k == LEAVES and begins.is_of((k, v), origin) else v) for k, v in begins.records]
    status, _, done = b.findings(begins)
    assert status == EXIT_INPUT and re.search(r"record \d+ at byte \d+: ", done.stderr), (status, done)
    empty = b.bundle()
    empty.drop(LEAVES)
    status, _, done = b.findings(empty)
    assert status == EXIT_INPUT and "no entries" in done.stderr, (status, done)
    cut = b.path + ".cut"
    shutil.copy(b.path, cut)
    os.truncate(cut, os.path.getsize(cut) - 1)
    status, _, done = audit(cut, b.id)
    assert status == EXIT_INPUT and re.search(r"E2009: .*record \d+ at byte \d+: ", done.stderr), (status, done)


def check_witnesses(b):
    torn, whole = b.bundle(), b.bundle()
    for bundle, spoil in ((whole, lambda line: line), (torn, lambda line: line[:-20] + "AAAA" + line[-16:])):
        for k, v in b.bundle().records:
            if k == HEAD and bundle.is_of((k, v), bundle.origin("jiangsu")):
                note = dict(fields(v))[1].decode()
                note = note.split("/cosign")[0].rpartition("— ")[0] if "/cosign" in note else note
                text = note.split("\n\n")[0] + "\n"
                note += spoil(b.key("shanghai", "cosign").line("yrd-test/shanghai/cosign", text, kind=4))
                bundle.records[bundle.records.index((k, v))] = (k, rng(1, note))
    expect(b.findings(whole), 0)
    expect(b.findings(torn), EXIT_FAILED, "A201")

    lie = b.bundle()
    origin = lie.origin("jiangsu")
    leaves = lie.leaves(origin)[:2] + [b"x"]
    note = head(b.key("jiangsu", "log"), origin, 3, root_of(leaves)).decode()
    text = note.split("\n\n")[0] + "\n"
    note += b.key("shanghai", "cosign").line("yrd-test/shanghai/cosign", text, kind=4)
    lie.add(COSIGNATURE, rng(1, note))
    status, found, _ = b.findings(lie)
    assert status == EXIT_FAILED and found == ["A104", "A202"], found

    fork = b.bundle()
    log = b.key("jiangsu", "log")
    whole = fork.leaves(origin)
    notes = sorted((head(log, origin, 3, root_of(whole[:3])), head(log, origin, 3, root_of(leaves))))
    fork.add(EVIDENCE, rng(1, notes[0]) + rng(2, notes[1]))
    expect(b.findings(fork), EXIT_FAILED, "A301")

    blank = b.bundle()
    notes = sorted((head(log, origin, 3, root_of(whole[:3])), head(log, origin, 2, root_of(whole[:2]))))
    blank.add(EVIDENCE, rng(1, notes[0]) + rng(2, notes[1]))
    expect(b.findings(blank), EXIT_FAILED, "A302")


def check_rosters(b):
    late = b.bundle()
    first = dict(fields(late.of(ROSTER)[0]))[1].decode()
    text = first.split("\n\n")[0] + "\n"
    text = text.replace("version 1", "version 2").replace("prev -", "prev " + sha256(text.encode()).hex())
    note = text + "\n" + b.key("office", "root").line("yrd-test/office/root", text)
    late.add(ROSTER, rng(1, note))
    expect(b.findings(late), EXIT_FAILED, "A101")
    # All roots sign a version that ends jiangsu's log: where its leaves give that root, and where not.
    log = late.origin("jiangsu")
    leaves = late.leaves(log)
    for root, status, ids in ((root_of(leaves[:3]), 0, {"A403"}), (sha256(b"x"), EXIT_FAILED, {"A107", "A403"})):
        ended = b.bundle()
        more = text + (f"retire origin={log} valid-below=3 root={base64.b64encode(root).decode()} "
                       f"log={base64.b64encode(b.key('jiangsu', 'log').public).decode()} "
                       f"authority={base64.b64encode(b.key('jiangsu', 'root').public).decode()} reason=lost\n")
        lines = [b.key(m, "root").line(f"yrd-test/{m}/root", more) for m in ("office", "shanghai", "jiangsu")]
        ended.add(ROSTER, rng(1, more + "\n" + "".join(lines)))
        got = b.findings(ended)
        assert got[0] == status and set(got[1]) == ids and got[1].count("A403") == len(leaves) - 3, got
    none = b.bundle()
    none.drop(ROSTER)
    assert b.findings(none)[0] == EXIT_INPUT


def check_leaves(b):
    operator, root = b.key("jiangsu", "operator"), b.key("jiangsu", "root")
    expect(b.findings(b.appended("jiangsu", b.change(operator))), 0)
    expect(b.findings(b.appended("jiangsu", b.bad_signature)), EXIT_FAILED, "A401")
    for broken in (lambda index: b.change(operator)(index + 1), lambda index: b"\xff", b.change(operator, _8=rng(8, b"")),
                   b.change(operator, _2=rng(2, "shanghai")), b.change(operator, _7=rng(7, "00" * 16)),
                   lambda index: num(1, 1) + num(2, index) + num(3, 1 << 62) + rng(7, num(1, 1) + num(2, 1)),
                   lambda index: num(1, 1) + num(2, index) + num(3, 1) + rng(9, b"")):
        expect(b.findings(b.appended("jiangsu", broken)), EXIT_FAILED, "A402")
    expect(b.findings(b.appended("jiangsu", b.change(root))), 0, "A403")
    once = b.change(operator)
    expect(b.findings(b.appended("jiangsu", once, once)), 0, "A403")
    waiting = b.change(operator, _6=num(6, 3), _7=rng(7, "jiangsu"), _8=rng(8, num(1, 2) + num(2, 1) + num(3, 20260101)),
                       _10=rng(10, sha256(b"nothing")))
    expect(b.findings(b.appended("jiangsu", waiting)), 0, "A404")
    expect(b.findings(b.appended("jiangsu", b.change(operator, version=2))), 0, "A405")
    expect(b.findings(b.appended("jiangsu", b.change(operator, _6=num(6, 77)))), 0, "A405")


def check_epochs(b):
    """A second epoch of jiangsu's that builds on the first as it is, and on a history that never was."""
    for root, ids in ((None, ()), (sha256(b"x"), ("A106",))):
        more = b.bundle()
        origin = more.origin("jiangsu")
        leaves = more.leaves(origin)
        second = "yrd-test/jiangsu/2-00000001"
        begun = num(1, 1) + num(3, 1 << 62) + rng(7, num(1, 1) + num(2, 2) + rng(3, origin) + num(4, 3) +
                                                  rng(5, root or root_of(leaves[:3])))
        more.add(LEAVES, rng(1, second) + rng(3, begun) +
                 rng(4, head(b.key("jiangsu", "log"), second, 1, root_of([begun]))))
        expect(b.findings(more), EXIT_FAILED if ids else 0, *ids)


def check_anchors(b):
    view = bytes.fromhex(audit(b.path, b.id)[2]["view_root"])
    base = b.bundle()
    expect(b.findings(b.appended("office", b.anchor(base, view))), 0)
    expect(b.findings(b.appended("office", b.anchor(base, sha256(b"x")))), EXIT_FAILED, "A602")
    origin = base.origin("jiangsu")
    lie = [(o, len(base.leaves(o)), root_of(base.leaves(o)) if o != origin else sha256(b"x"))
           for o in sorted(base.origins())]
    expect(b.findings(b.appended("office", b.anchor(base, view, heads=lie))), EXIT_FAILED, "A601")
    expect(b.findings(b.appended("office", b.anchor(base, view, rules=9))), 0, "A603")
    more = [*lie, ("yrd-test/shanghai/9-00000000", 1, sha256(b"x"))]
    status, found, _ = b.findings(b.appended("office", b.anchor(base, view, heads=more)))
    assert status == EXIT_FAILED and found == ["A601", "A603"], found
    # At half of jiangsu's log the view was another one.
    half = [(o, n - (o == origin), root_of(base.leaves(o)[:n - (o == origin)])) for o, n, _ in lie]
    expect(b.findings(b.appended("office", b.anchor(base, view, heads=half))), EXIT_FAILED, "A602")


def check_since(b):
    """What an audit has looked at before an anchor is not looked at again; without --since it is."""
    view = bytes.fromhex(audit(b.path, b.id)[2]["view_root"])
    bad = b.appended("jiangsu", b.bad_signature)
    with_anchor = b.appended("office", b.anchor(bad, view), b=bad)
    expect(b.findings(with_anchor), EXIT_FAILED, "A401")
    status, found, report = b.findings(with_anchor, "--since", "anchor")
    assert "A401" not in found and report["since"].split("#")[0] == with_anchor.origin("office"), (status, found, report)
    expect(b.findings(with_anchor, "--since", "2024-01-01"), EXIT_FAILED, "A401")
    assert "A401" not in b.findings(with_anchor, "--since", "2999-01-01")[1]
    assert b.findings(with_anchor, "--since", "yesterday")[0] == EXIT_INPUT
    after = b.appended("jiangsu", b.bad_signature, b=b.appended("office", b.anchor(b.bundle(), view)))
    status, found, _ = b.findings(after, "--since", "anchor")
    assert status == EXIT_FAILED and found == ["A401"], (status, found)


def every_kind_of_finding_has_its_tampering():
    with Cluster(("office", "shanghai", "jiangsu")) as c:
        up(c)
        b = Base(c)
        for check in (check_honest, check_logs, check_witnesses, check_rosters, check_leaves, check_epochs,
                      check_anchors, check_since):
            print(f"        {check.__name__}")
            check(b)


def database_of(node):
    (path,) = [os.path.join(node.data, n) for n in os.listdir(node.data) if n.endswith(".db")]
    return path


def a_node_whose_database_was_edited_is_found_out():
    with Cluster(("office", "shanghai", "jiangsu")) as c:
        up(c)
        node = c["office"]
        node.kill()  # one that closed its database would know it again
        kept = node.data + ".kept"
        shutil.copytree(node.data, kept)
        for edit, ids in (("UPDATE change SET superseded = 0", {"A502", "A503"}),
                          ("UPDATE change SET superseded = 1", {"A502", "A503"}),
                          ("UPDATE change SET verdict = 3, code = 9", {"A501", "A502", "A503"})):
            with sqlite3.connect(database_of(node)) as db:
                assert db.execute(edit).rowcount > 0
            db.close()
            node.start()
            done = node.ctl("--json", "audit", check=False)
            found = {f["id"] for f in json.loads(done.stdout)["findings"]}
            assert done.returncode == EXIT_FAILED and found == ids, (edit, done.returncode, found)
            node.kill()
            shutil.rmtree(node.data)
            shutil.copytree(kept, node.data)


run_scenarios(every_kind_of_finding_has_its_tampering, a_node_whose_database_was_edited_is_found_out)
