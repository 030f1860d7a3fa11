#!/usr/bin/python3
"""Writes gate/accept.txt and gate/reject.txt: messages as protobuf bytes, built here by hand from the
schema's field numbers, and what the gate of PROTOCOL 2.2 says of them. The gate is part of what is
valid, so a line once written stays: add lines, never change one."""

import os


def varint(n):
    out = b""
    while n > 0x7F:
        out += bytes([n & 0x7F | 0x80])
        n >>= 7
    return out + bytes([n])


def num(field, value):
    return varint(field << 3) + varint(value)


def rng(field, value):
    if isinstance(value, str):
        value = value.encode()
    return varint(field << 3 | 2) + varint(len(value)) + value


def pattern(n, first=0):
    return bytes((first + i) % 256 for i in range(n))


NONCE, KEY, SIG, ID = pattern(16, 1), pattern(32, 2), pattern(64, 3), pattern(32, 4)
ID2, ID3 = pattern(32, 5), pattern(32, 6)
ORIGIN = "yrd-2024-2026/jiangsu/1-9f3a6c0d"
OLD = "yrd-2024-2026/jiangsu/1-00000001"


def change(**f):
    """A report of Jiangsu; a keyword replaces a field (b"" leaves it out)."""
    parts = {
        "version": num(1, 1),
        "member": rng(2, "jiangsu"),
        "nonce": rng(3, NONCE),
        "claimed_ms": num(4, 1735689600000),
        "task": rng(5, "3-05"),
        "slot": num(6, 3),
        "holder": rng(7, "jiangsu"),
        "value": rng(8, REPORT),
        "supersedes": rng(9, ID) + rng(9, ID2),
        "under": rng(10, ID3),
        "reason": rng(11, "因疫情\n推迟"),
    }
    parts.update(f)
    return b"".join(parts.values())


REPORT = num(1, 2) + num(2, 60) + num(3, 20250331) + rng(4, "三省一市联合基金已启动")
REPORT_FULL = (
    num(1, 3) + num(2, 100) + num(3, 20261231) + rng(4, "进展\n情况") + rng(5, "存在问题")
    + rng(6, "下一步打算") + rng(7, ID) + rng(7, ID2) + num(8, 1)
)
TASK = (
    rng(1, "基础研究联合基金") + rng(2, "探索设立长三角基础研究联合基金") + num(3, 1) + rng(4, "shanghai")
    + rng(5, "anhui") + rng(5, "jiangsu") + rng(5, "shanghai") + rng(5, "zhejiang")
    + num(6, 20240725) + num(7, 20261231) + num(8, 1)
)
AREA = rng(1, "加快提升区域市场化水平") + rng(2, "加快提升区域市场一体化水平") + num(3, 23)


def signed(body, key=KEY, sig=SIG):
    return rng(1, key) + rng(2, sig) + rng(3, body)


def leaf(kind, index=7, hlc=1735689600000 << 16):
    return num(1, 1) + (num(2, index) if index else b"") + (num(3, hlc) if hlc else b"") + kind


DELEGATE = (
    num(1, 1) + rng(2, "jiangsu") + rng(3, NONCE) + rng(4, KEY) + rng(5, "王工 (发改委)")
    + rng(6, "3-05") + rng(6, "3-06") + num(7, 900)
)
REVOKE = num(1, 1) + rng(2, "jiangsu") + rng(3, NONCE) + rng(4, KEY) + num(5, 12) + rng(6, "离岗")
OPEN_FIRST = num(1, 1) + num(2, 1)
OPEN_NEXT = num(1, 1) + num(2, 2) + rng(3, OLD) + num(4, 5000) + rng(5, ID)
ANCHOR = rng(1, rng(1, ORIGIN) + num(2, 8) + rng(3, ID)) + rng(1, rng(1, OLD) + rng(3, ID2)) + rng(2, ID3) + num(3, 1)
HELLO = num(1, 1) + num(2, 1) + rng(3, ID) + rng(4, "jiangsu") + rng(5, "deltad 0.1.0") + num(6, 1) + rng(7, b"note1") + rng(7, b"note2")
LEAVES = rng(1, ORIGIN) + num(2, 3) + rng(3, b"leaf3") + rng(3, b"leaf4") + rng(4, b"head")
DIGEST = num(1, 1) + rng(2, rng(1, ORIGIN) + num(2, 8)) + rng(2, rng(1, OLD)) + rng(3, ID)
STATUS = (
    rng(1, "jiangsu") + num(2, 1735689600000) + num(3, 1735689700000) + rng(4, "running") + rng(5, "一切正常")
    + rng(6, ID) + num(7, 1) + num(8, 1284) + num(9, 1) + num(10, 2) + num(11, 3)
    + rng(12, rng(1, ORIGIN) + rng(2, "jiangsu") + num(3, 1) + num(4, 8) + num(5, 9) + num(6, 5) + rng(7, ID) + num(8, 1) + num(9, 1))
    + rng(13, rng(1, "anhui") + rng(2, "10.10.1.5:7420") + num(3, 1) + num(4, 17) + num(5, 1) + num(6, 4) + rng(7, ID)
          + num(8, 2) + num(9, 1) + rng(10, "断开") + rng(11, "3-05") + num(12, 10) + num(13, 11) + rng(14, "deltad 0.1.0"))
    + num(14, 4) + num(15, 4096)
)

ACCEPT = [
    ("change", change(), "every field"),
    ("change", num(1, 1) + rng(2, "ah") + rng(3, NONCE) + num(6, 1), "the fewest fields"),
    ("change", change(slot=num(6, 999)), "a slot of a newer version"),
    ("change", change(supersedes=b"".join(rng(9, pattern(32, i)) for i in range(64))), "64 superseded"),
    ("change", change(claimed_ms=num(4, 2**64 - 1)), "a claimed time beyond all calendars is only a claim"),
    ("change", change(holder=rng(7, "h" * 64)), "the longest holder"),
    ("change", change(reason=rng(11, "a" + "\u0301" * 8)), "eight combining marks"),
    ("change", num(1, 2) + b"\xff\xff\xff", "another version: nothing else is looked at"),
    ("change", num(1, 2**32 - 1), "the last version"),
    ("delegate", DELEGATE, "every field"),
    ("delegate", num(1, 1) + rng(2, "jiangsu") + rng(3, NONCE) + rng(4, KEY), "all tasks, no end"),
    ("delegate", num(1, 2), "another version"),
    ("revoke", REVOKE, "every field"),
    ("revoke", num(1, 1) + rng(2, "jiangsu") + rng(3, NONCE) + rng(4, KEY), "valid below 0"),
    ("area", AREA, "every field"),
    ("area", b"", "empty: the form is right; what is missing is for the value's rules"),
    ("task", TASK, "every field"),
    ("task", rng(5, "b2") + rng(5, "a2"), "order of participants is for the value's rules"),
    ("report", REPORT, "a plain one"),
    ("report", REPORT_FULL, "every field"),
    ("report", num(1, 999), "a status that is none is for the value's rules"),
    ("overall", num(1, 8) + rng(2, "已调整出清单") + num(3, 1), "every field"),
    ("note", rng(1, "请补充\n佐证材料") + num(3, 1), "text"),
    ("note", num(2, 1), "a strike-out"),
    ("leaf", leaf(rng(4, signed(change()))), "a change"),
    ("leaf", leaf(rng(5, signed(DELEGATE))), "a delegation"),
    ("leaf", leaf(rng(6, signed(REVOKE))), "a revocation"),
    ("leaf", leaf(rng(7, OPEN_FIRST), index=0), "the first leaf of a first epoch"),
    ("leaf", leaf(rng(7, OPEN_NEXT), index=0), "the first leaf after a restore"),
    ("leaf", leaf(rng(8, ANCHOR)), "an anchor"),
    ("leaf", leaf(rng(8, rng(2, ID) + num(3, 1))), "an anchor of no logs"),
    ("leaf", leaf(rng(9, rng(1, ORIGIN))), "a close"),
    ("leaf", leaf(rng(9, b"")), "a close without a successor"),
    ("leaf", leaf(rng(9, b""), index=0, hlc=0), "index and hlc of zero are left out"),
    ("leaf", leaf(rng(4, signed(b"\xff")), index=2**64 - 1, hlc=2**64 - 1), "the largest numbers; the body is judged by itself"),
    ("leaf", leaf(rng(10, b"\xff\xff")), "a kind of a newer version"),
    ("leaf", leaf(num(11, 5)), "a newer kind that is a number"),
    ("leaf", num(1, 2) + num(2, 7) + num(3, 9) + b"\xff", "another version"),
    ("envelope", rng(1, HELLO), "hello"),
    ("envelope", rng(2, rng(1, b"deltad-roster\n")), "roster"),
    ("envelope", rng(3, rng(1, b"head")), "head"),
    ("envelope", rng(4, rng(1, ORIGIN) + num(2, 3) + num(3, 9)), "want"),
    ("envelope", rng(4, rng(1, ORIGIN) + num(3, 9)), "want from 0"),
    ("envelope", rng(5, LEAVES), "leaves"),
    ("envelope", rng(6, rng(1, b"note")), "cosignature"),
    ("envelope", rng(7, rng(1, b"first") + rng(2, b"second") + rng(3, ID) + rng(3, ID2)), "evidence"),
    ("envelope", rng(8, DIGEST), "view digest"),
    ("envelope", rng(9, num(1, 2**64 - 1)), "ping"),
    ("envelope", rng(9, b""), "ping with token 0"),
    ("envelope", rng(10, num(1, 1)), "pong"),
    ("envelope", rng(11, rng(1, "E1103") + rng(2, "早到的消息")), "bye"),
    ("envelope", rng(11, b""), "goodbye"),
    ("request", num(1, 1) + rng(2, b""), "info"),
    ("request", rng(3, b""), "status with id 0"),
    ("request", num(1, 2**32 - 1) + rng(4, rng(1, signed(change())) + rng(1, signed(change()))), "post"),
    ("request", num(1, 4) + rng(5, num(1, 5) + rng(2, signed(DELEGATE))), "post a delegation"),
    ("request", num(1, 4) + rng(5, num(1, 6) + rng(2, signed(REVOKE))), "post a revocation"),
    ("request", num(1, 5) + rng(6, num(1, 1) + rng(2, "3-05") + num(3, 3) + num(4, 1) + rng(5, "jiangsu") + num(6, 1) + num(7, 1)), "query"),
    ("request", num(1, 5) + rng(6, b""), "query of the plan-wide registers without a holder"),
    ("request", num(1, 6) + rng(7, b""), "operators"),
    ("request", num(1, 7) + rng(8, b""), "findings"),
    ("request", num(1, 8) + rng(9, rng(1, b"deltad-roster\n")), "install a roster"),
    ("request", num(1, 9) + rng(10, b""), "subscribe"),
    ("request", num(1, 10) + rng(11, rng(1, ORIGIN) + num(2, 7)), "a proof"),
    ("reply", b"", "done, to request 0"),
    ("reply", num(1, 7) + rng(3, "E6003") + rng(4, "只有本省市可以填报"), "an error"),
    ("reply", num(1, 1) + rng(5, rng(1, "jiangsu") + rng(2, "deltad 0.1.0") + rng(3, b"note") + rng(4, "running")), "info"),
    ("reply", num(1, 1) + rng(6, STATUS), "status"),
    ("reply", num(1, 1) + rng(7, rng(1, rng(1, ORIGIN) + num(2, 7) + rng(3, ID))), "posted"),
    ("reply", num(1, 1) + num(2, 1) + rng(8, rng(1, rng(1, ORIGIN) + num(2, 7) + rng(3, ID) + num(4, 3) + num(5, 11) + num(6, 1) + rng(7, b"leaf"))), "entries, more follow"),
    ("reply", num(1, 1) + rng(9, rng(1, rng(1, "jiangsu") + rng(2, KEY) + rng(3, "王工") + rng(4, "3-05") + rng(4, "3-06") + rng(5, ORIGIN) + num(6, 3) + num(7, 9))), "operators"),
    ("reply", num(1, 1) + rng(10, num(1, 77)), "event"),
    ("reply", num(1, 1) + rng(11, rng(1, "head") + rng(2, ID + ID2) + rng(3, b"leaf") + num(4, 1)), "a proof"),
]

REJECT = [
    ("change", b"", "empty"),
    ("change", num(1, 0) + change()[2:], "version 0 on the wire"),
    ("change", change(version=b""), "no version"),
    ("change", num(1, 2**32) , "H30: version of 33 bits"),
    ("change", b"\x88\x00\x01" + change()[2:], "H26: overlong tag"),
    ("change", b"\x88\x80\x80\x80\x00\x01" + change()[2:], "H27: tag of 5 bytes"),
    ("change", b"\x08\x81\x00" + change()[2:], "version as a varint that is not minimal"),
    ("change", b"\x80\x00" + change(), "H26: tag 0"),
    ("change", change() + b"\x63\x64", "H28: a group"),
    ("change", change(claimed_ms=b"\x20" + b"\xff" * 9 + b"\x02"), "H29: varint beyond 64 bits"),
    ("change", change(slot=b"\x30\x83\x80\x80\x80\x10"), "H30: slot of 33 bits"),
    ("change", change(slot=b"\x35\x03\0\0\0"), "H31: slot as fixed32"),
    ("change", change(slot=rng(6, b"\x03")), "H40: slot packed"),
    ("change", change(nonce=num(3, 1)), "H31: nonce as a number"),
    ("change", change() + rng(12, b""), "H33: an unknown field"),
    ("change", change() + num(12, 0), "H33: an unknown number"),
    ("change", change(member=b""), "H36: no member"),
    ("change", change(nonce=b""), "H36: no nonce"),
    ("change", change(nonce=rng(3, pattern(15))), "H36: nonce of 15 bytes"),
    ("change", change(nonce=rng(3, pattern(17))), "H36: nonce of 17 bytes"),
    ("change", change(under=rng(10, pattern(31))), "H36: id of 31 bytes"),
    ("change", change(under=rng(10, pattern(33))), "H36: id of 33 bytes"),
    ("change", change(supersedes=rng(9, pattern(31))), "H36: id of 31 bytes"),
    ("change", change(supersedes=rng(9, b"")), "H36: empty id in a list"),
    ("change", change(supersedes=rng(9, ID) + rng(9, pattern(33))), "H36: id of 33 bytes"),
    ("change", change(supersedes=b"".join(rng(9, pattern(32, i)) for i in range(65))), "65 superseded"),
    ("change", change(supersedes=num(9, 1) + rng(9, ID)), "H40: mixed wire types in a list"),
    ("change", change(supersedes=rng(9, ID2) + rng(9, ID)), "superseded ids in descending order"),
    ("change", change(supersedes=rng(9, ID) + rng(9, ID)), "a superseded id twice"),
    ("change", change(supersedes=rng(9, ID) + rng(9, ID3) + rng(9, ID2)), "the last two superseded ids out of order"),
    ("change", change(member=rng(2, b"jiang\xff")), "H37: not UTF-8"),
    ("change", change(member=rng(2, b"jiang\0su")), "H37: NUL"),
    ("change", change(reason=rng(11, b"\xed\xa0\x80")), "H37: lone surrogate"),
    ("change", change(reason=rng(11, "a\u202eb")), "H37: bidi override"),
    ("change", change(reason=rng(11, "a\u2066b")), "H37: bidi isolate"),
    ("change", change(reason=rng(11, "a\u0085b")), "H37: C1 control"),
    ("change", change(reason=rng(11, "a\x1b[31m")), "H37: terminal escape"),
    ("change", change(reason=rng(11, "a\r\nb")), "H37: carriage return"),
    ("change", change(reason=rng(11, b"\xc0\x80")), "H37: overlong NUL"),
    ("change", change(reason=rng(11, b"\xf4\x90\x80\x80")), "H37: beyond U+10FFFF"),
    ("change", change(reason=rng(11, "a" + "\u0301" * 9)), "H37: combining flood"),
    ("change", change(holder=rng(7, "a\nb")), "line feed in a name"),
    ("change", change(slot=b""), "H38: no slot"),
    ("change", change(slot=num(6, 0)), "H38: slot 0 on the wire"),
    ("change", change(member=b"") + rng(2, "jiangsu"), "H39: member last"),
    ("change", change(task=rng(5, "3-05") + rng(5, "3-05")), "H39: a scalar twice"),
    ("change", change(version=num(1, 1) + num(1, 1)), "H39: version twice"),
    ("change", change(task=rng(5, "")), "an empty string on the wire"),
    ("change", change(value=rng(8, b"")), "empty bytes on the wire"),
    ("change", change(claimed_ms=num(4, 0)), "a zero on the wire"),
    ("change", change()[:-1], "H41: the last length past the end by one"),
    ("change", change(reason=b"\x5a\x05abcd"), "H41: length past the end by one"),
    ("change", change(reason=b"\x5a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01abcd"), "H41: length of 64 bits"),
    ("change", change(reason=b"\x5a\x84\x00abcd"), "length that is not minimal"),
    ("change", change(holder=rng(7, "h" * 65)), "holder of 65 bytes"),
    ("change", change(task=rng(5, "99-99999")), "task key of 8 bytes"),
    ("change", change(member=rng(2, "m" * 21)), "slug of 21 bytes"),
    ("delegate", b"", "empty"),
    ("delegate", DELEGATE + num(8, 1), "unknown field"),
    ("delegate", DELEGATE.replace(rng(4, KEY), rng(4, KEY[:31])), "H36: key of 31 bytes"),
    ("delegate", DELEGATE.replace(rng(4, KEY), b""), "H36: no key"),
    ("delegate", DELEGATE.replace(num(7, 900), num(7, 0)), "a zero on the wire"),
    ("delegate", DELEGATE.replace(rng(6, "3-06"), rng(6, "3-06" * 2)), "task key of 8 bytes"),
    ("revoke", REVOKE + rng(7, b""), "unknown field"),
    ("revoke", REVOKE.replace(rng(4, KEY), rng(4, KEY + b"\0")), "H36: key of 33 bytes"),
    ("revoke", REVOKE[:-1], "cut short"),
    ("area", AREA + num(4, 1), "unknown field"),
    ("area", num(3, 0), "a zero on the wire"),
    ("area", rng(1, "a\nb"), "line feed in a title"),
    ("task", TASK + rng(9, b""), "unknown field"),
    ("task", b"".join(rng(5, "m%02d" % i) for i in range(17)), "17 participants"),
    ("task", num(8, 2), "a truth value of 2"),
    ("report", REPORT_FULL + num(9, 1), "unknown field"),
    ("report", num(1, 0), "H38: status 0 on the wire"),
    ("report", b"".join(rng(7, pattern(32, i)) for i in range(17)), "17 pieces of evidence"),
    ("report", rng(7, pattern(20)), "H36: a hash of 20 bytes"),
    ("report", num(2, 60) + num(1, 2), "H39: out of order"),
    ("overall", num(1, 1) + num(2, 1), "H31: a text as a number"),
    ("note", num(2, 0), "false on the wire"),
    ("leaf", b"", "empty"),
    ("leaf", num(1, 1), "none of the kinds"),
    ("leaf", num(1, 1) + num(2, 3) + num(3, 4), "none of the kinds"),
    ("leaf", leaf(rng(4, signed(change())))[2:], "no version"),
    ("leaf", leaf(rng(4, signed(change())) + rng(5, signed(DELEGATE))), "two kinds"),
    ("leaf", leaf(rng(4, signed(change())) + rng(10, b"")), "a known and a newer kind"),
    ("leaf", leaf(rng(10, b"") + rng(11, b"")), "two newer kinds"),
    ("leaf", leaf(rng(4, signed(change())) * 2), "H34: a kind twice"),
    ("leaf", leaf(rng(4, rng(1, KEY) + rng(2, SIG))), "H36: no body"),
    ("leaf", leaf(rng(4, signed(b""))), "an empty body on the wire"),
    ("leaf", leaf(rng(4, signed(b"b", key=KEY[:31]))), "H36: key of 31 bytes"),
    ("leaf", leaf(rng(4, signed(b"b", sig=SIG + b"\0"))), "H36: signature of 65 bytes"),
    ("leaf", leaf(rng(4, signed(b"b") + num(4, 1))), "unknown field beside the body"),
    ("leaf", leaf(rng(7, b""), index=0), "H36: open without suite and reason"),
    ("leaf", leaf(rng(7, num(1, 1)), index=0), "H36: open without a reason"),
    ("leaf", leaf(rng(7, OPEN_NEXT.replace(rng(5, ID), rng(5, ID[:31])))), "H36: root of 31 bytes"),
    ("leaf", leaf(rng(8, b"")), "H36: anchor without a view root"),
    ("leaf", leaf(rng(8, rng(1, b"") + rng(2, ID) + num(3, 1))), "H36: anchor of a log without a name"),
    ("leaf", leaf(rng(8, rng(1, rng(1, ORIGIN) + rng(3, ID) + num(4, 1)) + rng(2, ID) + num(3, 1))), "unknown field in an anchor"),
    ("leaf", leaf(rng(9, rng(1, ""))), "an empty string on the wire"),
    ("leaf", num(2, 7) + num(1, 1) + rng(9, b""), "H39: version second"),
    ("envelope", b"", "empty"),
    ("envelope", rng(9, b"") + rng(10, b""), "two kinds"),
    ("envelope", rng(9, b"") + rng(9, b""), "H34: one kind twice"),
    ("envelope", rng(9, b"") + rng(12, b""), "a known and a newer kind"),
    ("envelope", num(9, 1), "H31: ping as a number"),
    ("envelope", b"\x4b\x4c", "H28: ping as a group"),
    ("envelope", rng(1, HELLO.replace(rng(3, ID), b"")), "H36: hello without a cluster"),
    ("envelope", rng(1, HELLO.replace(rng(3, ID), rng(3, ID[:31]))), "H36: cluster of 31 bytes"),
    ("envelope", rng(1, HELLO + num(9, 1) * 65), "H33: hello with 65 unknown fields"),
    ("envelope", rng(1, num(1, 1) + num(2, 1) + rng(3, ID) + rng(4, "jiangsu") + rng(7, b"n") * 257), "257 heads"),
    ("envelope", rng(2, b""), "H36: roster without a note"),
    ("envelope", rng(3, rng(1, b"head") + num(2, 1)), "unknown field"),
    ("envelope", rng(4, rng(1, ORIGIN) + num(2, 3)), "H36: want without an end"),
    ("envelope", rng(5, LEAVES.replace(rng(4, b"head"), b"")), "H36: leaves without a head"),
    ("envelope", rng(5, rng(1, ORIGIN) + rng(4, b"head")), "H36: leaves without leaves"),
    ("envelope", rng(5, rng(1, ORIGIN) + rng(3, b"") + rng(4, b"head")), "an empty leaf"),
    ("envelope", rng(7, rng(1, b"f") + rng(2, b"s") + rng(3, ID[:31])), "H36: proof with a hash of 31 bytes"),
    ("envelope", rng(8, num(1, 1) + rng(2, b"") + rng(3, ID)), "H36: a log's size without its name"),
    ("envelope", rng(8, num(1, 1) + rng(2, rng(1, "o")) * 257 + rng(3, ID)), "257 sizes"),
    ("envelope", rng(11, rng(1, "E" * 16)), "code of 16 bytes"),
    ("request", b"", "empty"),
    ("request", num(1, 1), "nothing is asked"),
    ("request", rng(2, b"") + rng(3, b""), "two questions"),
    ("request", rng(11, b""), "a question that is not known"),
    ("request", rng(2, num(1, 1)), "unknown field in an empty message"),
    ("request", rng(4, b""), "H36: post without changes"),
    ("request", rng(4, rng(1, b"")), "H36: an unsigned change"),
    ("request", rng(5, num(1, 4) + rng(2, signed(b"b"))), "a change is no event"),
    ("request", rng(5, num(1, 5)), "H36: event without a body"),
    ("request", rng(9, b""), "H36: roster without a note"),
    ("reply", rng(5, b"") + rng(6, b""), "two answers"),
    ("reply", rng(11, b""), "an answer that is not known"),
    ("reply", rng(8, rng(1, b"")), "H36: an entry without its log"),
    ("reply", num(1, 0), "a zero on the wire"),
]


def write(name, lines):
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "gate", name)
    with open(path, "w", encoding="utf-8") as f:
        f.write("# message, bytes in hex (- = none), why; made by make_gate.py\n")
        for table, data, why in lines:
            f.write(f"{table} {data.hex() or '-'} # {why}\n")


write("accept.txt", ACCEPT)
write("reject.txt", REJECT)
