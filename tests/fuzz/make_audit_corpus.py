#!/usr/bin/python3
"""Writes corpus/client_audit: logs that say something of each kind, by hand from the schema's field numbers. The
keys are those of fz_client_audit.c, and nothing is signed: signatures count as good there."""

import hashlib
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
sys.dont_write_bytecode = True
from bundle_file import num, rng, sha256  # noqa: E402

JIANGSU, SECOND, OFFICE = 0, 1, 2
ROOT = {JIANGSU: b"\x11" * 32, SECOND: b"\x11" * 32, OFFICE: b"\x33" * 32}
SLUG = {JIANGSU: "jiangsu", SECOND: "jiangsu", OFFICE: "office"}
OPERATOR = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
FIRST = "yrd/jiangsu/1-00000001"


def entry(log, leaf):
    return bytes([log]) + len(leaf).to_bytes(2, "big") + leaf


def leaf(index, *kind):
    return num(1, 1) + num(2, index) + num(3, 1000 + index) + rng(*kind)


def signed(key, body):
    return rng(1, key) + rng(2, b"\x05" * 64) + rng(3, body)


def opened(log, before=b""):
    return entry(log, leaf(0, 7, num(1, 1) + num(2, 1) + before))


def delegate(log, index, scope=b""):
    body = num(1, 1) + rng(2, SLUG[log]) + rng(3, b"\x01" * 16) + rng(4, OPERATOR) + rng(5, "x") + scope
    return entry(log, leaf(index, 5, signed(ROOT[log], body)))


def revoke(log, index, below):
    body = num(1, 1) + rng(2, SLUG[log]) + rng(3, b"\x02" * 16) + rng(4, OPERATOR) + num(5, below)
    return entry(log, leaf(index, 6, signed(ROOT[log], body)))


def change_body(log, slot, holder, value, n=1, supersedes=(), under=b""):
    return (num(1, 1) + rng(2, SLUG[log]) + rng(3, bytes([n]) * 16) + num(4, 1) + rng(5, "3-05") + num(6, slot) +
            (rng(7, holder) if holder else b"") + rng(8, value) + b"".join(rng(9, s) for s in sorted(supersedes)) +
            (rng(10, under) if under else b""))


def id_of(body):
    kind = b"application/vnd.deltad.change.v1+protobuf; cluster=" + b"0" * 64
    return sha256(b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(body), body))


def change(log, index, body):
    return entry(log, leaf(index, 4, signed(OPERATOR, body)))


def write(name, *entries):
    folder = os.path.join(HERE, "corpus", "client_audit")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as f:
        f.write(b"".join(entries))


TASK = change_body(OFFICE, 2, "", rng(1, "t") + num(3, 1))
NEWER = change_body(OFFICE, 2, "", rng(1, "u") + num(3, 1), n=2, supersedes=(id_of(TASK),))
REPORT = change_body(JIANGSU, 3, "jiangsu", num(1, 2) + num(2, 40) + num(3, 20260101), under=id_of(TASK))
OTHER = change_body(JIANGSU, 3, "jiangsu", num(1, 2) + num(2, 60) + num(3, 20260101), n=3, under=id_of(TASK))
LATER = change_body(JIANGSU, 3, "jiangsu", num(1, 2) + num(2, 50) + num(3, 20260101), n=4, under=id_of(TASK),
                    supersedes=(id_of(REPORT), id_of(OTHER)))
NOTE = change_body(JIANGSU, 5, "05" * 16, rng(1, "n"), n=5)
STRIKE = change_body(JIANGSU, 5, "05" * 16, num(2, 1), n=6, under=id_of(NOTE), supersedes=(id_of(NOTE),))
OFFICE_LOG = (opened(OFFICE), delegate(OFFICE, 1), change(OFFICE, 2, TASK), change(OFFICE, 3, NEWER))
JIANGSU_LOG = (opened(JIANGSU), delegate(JIANGSU, 1), change(JIANGSU, 2, REPORT), change(JIANGSU, 3, OTHER))
HEADS = b"".join(rng(1, rng(1, o) + num(2, n) + rng(3, hashlib.sha256(o.encode()).digest()))
                 for o, n in ((FIRST, 4), ("yrd/office/1-00000003", 4)))

write("empty")
write("plan", *OFFICE_LOG)
write("conflict", *OFFICE_LOG, *JIANGSU_LOG)
write("resolved", *JIANGSU_LOG, change(JIANGSU, 4, LATER), *OFFICE_LOG)
write("pending", *JIANGSU_LOG)
write("struck", *JIANGSU_LOG[:2], change(JIANGSU, 2, STRIKE), change(JIANGSU, 3, NOTE))
write("revoked", *OFFICE_LOG, *JIANGSU_LOG, revoke(JIANGSU, 4, 3))
write("scope", *OFFICE_LOG, opened(JIANGSU), delegate(JIANGSU, 1, rng(6, "3-06")), change(JIANGSU, 2, REPORT))
write("repeat", *OFFICE_LOG, *JIANGSU_LOG, change(JIANGSU, 4, REPORT))
write("epoch", *OFFICE_LOG, *JIANGSU_LOG, opened(SECOND, rng(3, FIRST) + num(4, 3) + rng(5, bytes(32))),
      change(SECOND, 1, REPORT), change(SECOND, 2, LATER))
write("anchor", *OFFICE_LOG, *JIANGSU_LOG, entry(JIANGSU, leaf(4, 8, HEADS + rng(2, bytes(32)) + num(3, 1))))
write("newer", *OFFICE_LOG, entry(JIANGSU, num(1, 2)), entry(JIANGSU, leaf(1, 12, b"x")), entry(JIANGSU, b"\xff"))
