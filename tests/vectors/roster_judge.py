"""Reads rosters by PROTOCOL 5 alone, for make_roster.py: may this note be the first version, or
follow that one? It shares nothing with proto/trust.
"""
import base64
import functools
import hashlib
import re

from make_trust import BASE, L, P, add, challenge, encode, mul, with_y


def sha(b):
    return hashlib.sha256(b).digest()


def b64(b):
    return base64.b64encode(b).decode()


class Bad(Exception):
    pass


class Unsigned(Exception):
    pass


def must(holds):
    if not holds:
        raise Bad


@functools.cache
def point_of(public):
    n = int.from_bytes(public, "little")
    y, odd = n & (1 << 255) - 1, n >> 255
    must(y < P)
    a = with_y(y, odd)
    must(a is not None and encode(a) == public)
    return a


@functools.cache
def enrollable(public, purpose):
    if purpose == "noise":
        u = int.from_bytes(public, "little") % 2**255 % P
        must(u not in (0, 1, P - 1))  # that other points of small order are not tried here
        return
    a = point_of(public)
    must(a != (0, 1) and mul(L, a) == (0, 1))


def exactly_32(text):
    raw = base64.b64decode(text, validate=True)
    must(len(raw) == 32 and b64(raw) == text)
    return raw


SIGNING = ["root", "log", "cosign"]
SLUG = r"[a-z][a-z0-9-]{1,19}"
B64 = r"[A-Za-z0-9+/=]+"
MEMBER = re.compile(rf"member ({SLUG}) (province|regional) name=([^\s+]{{1,127}}) root=(\S+) log=({B64}) "
                    rf"cosign=({B64}) noise=({B64}) addr=(\S+)")
FORMER = re.compile(rf"former ({SLUG}) (province|regional) name=([^\s+]{{1,127}})")
RETIRE = re.compile(rf"retire origin=(([a-z0-9.-]+)/({SLUG})/([1-9][0-9]*)-([0-9a-f]{{8}})) "
                    rf"valid-below=(0|[1-9][0-9]*) root=({B64}) log=({B64}) authority=({B64}) reason=({SLUG})")


class Read:
    """A text taken apart; Bad where it is none."""

    def __init__(self, text):
        must(text.endswith(b"\n"))
        lines = text.decode().split("\n")[:-1]
        self.id, self.lines = sha(text), lines
        self.member, self.former, self.retired = {}, {}, {}
        must(self.take() == "deltad-roster")
        self.cluster = self.field("cluster", r"[a-z][a-z0-9.-]{1,39}")
        self.version = int(self.field("version", r"[1-9][0-9]{0,9}"))
        self.prev = self.field("prev", r"-" if self.version == 1 else r"[0-9a-f]{64}")
        self.field("not-after", r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])")
        while self.peek("member "):
            self.add_member(self.take())
        while self.version > 1 and self.peek("former "):
            self.add_former(self.take())
        roles = [m["role"] for m in self.member.values()]
        must(roles.count("regional") == 1 and roles.count("province") >= 1 and len(roles) <= 16)
        self.final = int(self.field("final", r"[1-9][0-9]*"))
        must(self.final < len(roles))
        self.quorum = int(self.field("quorum", r"office\+[1-9][0-9]*")[7:])
        must(self.quorum <= roles.count("province"))
        while self.version > 1 and self.peek("retire "):
            self.add_retired(self.take())
        must(not self.lines)
        used = [k for m in self.member.values() for k in m["keys"].values()]
        must(len(set(used)) == len(used))

    def take(self):
        must(self.lines)
        return self.lines.pop(0)

    def peek(self, word):
        return bool(self.lines) and self.lines[0].startswith(word)

    def field(self, word, form):
        m = re.fullmatch(f"{word} ({form})", self.take())
        must(m)
        return m[1]

    def add_member(self, line):
        m = MEMBER.fullmatch(line)
        must(m and m[1] not in self.member)
        must(m[8] == "-" or re.fullmatch(r"[0-9.]+:[1-9][0-9]*", m[8]))
        name = f"{self.cluster}/{m[1]}/root"
        must(m[4].startswith(name + "+"))
        key_id, _, raw = m[4][len(name) + 1:].partition("+")
        raw = base64.b64decode(raw, validate=True)
        must(len(raw) == 33 and raw[0] == 1 and sha(name.encode() + b"\n" + raw)[:4].hex() == key_id)
        keys = {"root": raw[1:], "log": exactly_32(m[5]), "cosign": exactly_32(m[6]),
                "noise": exactly_32(m[7])}
        for p, public in keys.items():
            enrollable(public, p)
        self.member[m[1]] = {"role": m[2], "keys": keys}

    def add_former(self, line):
        m = FORMER.fullmatch(line)
        must(m and m[1] not in self.member and m[1] not in self.former)
        self.former[m[1]] = (m[2], line)

    def add_retired(self, line):
        m = RETIRE.fullmatch(line)
        must(m and m[2] == self.cluster and m[3] in {**self.member, **self.former})
        must(all(m[1].encode() > origin.encode() for origin in self.retired))
        root = exactly_32(m[7])
        must(m[6] != "0" or root == sha(b""))
        self.retired[m[1]] = {"member": m[3], "log": exactly_32(m[8]), "authority": exactly_32(m[9]),
                              "line": line}


def follows(now, new):
    must(new.cluster == now.cluster and new.version == now.version + 1 and new.prev == now.id.hex())
    fresh = [r for origin, r in new.retired.items() if origin not in now.retired]
    for slug, m in now.member.items():
        after = new.member.get(slug)
        must(after or slug in new.former)
        must((after["role"] if after else new.former[slug][0]) == m["role"])
        if not after or any(after["keys"][p] != m["keys"][p] for p in ("root", "log")):
            must(any(r["member"] == slug for r in fresh))
    for slug, (_, line) in now.former.items():
        must(slug in new.former and new.former[slug][1] == line)
    must(all(slug in now.member or slug in now.former for slug in new.former))
    must(all(slug not in now.former for slug in new.member))
    old = {k for m in now.member.values() for k in m["keys"].values()}
    old |= {r[k] for r in {**now.retired, **new.retired}.values() for k in ("log", "authority")}
    for slug, m in new.member.items():
        for p, public in m["keys"].items():
            must(now.member.get(slug, {"keys": {}})["keys"].get(p) == public or public not in old)
    for origin, r in now.retired.items():
        must(origin in new.retired and new.retired[origin]["line"] == r["line"])
    for r in fresh:
        m = now.member.get(r["member"])
        must(m and r["log"] == m["keys"]["log"] and r["authority"] == m["keys"]["root"])


@functools.cache
def verifies(public, text, signature):
    big_r, s = signature[:32], int.from_bytes(signature[32:], "little")
    if s >= L:
        return False
    a = point_of(public)
    k = challenge(big_r, public, text)
    return encode(add(mul(s, BASE), mul(L - k, a))) == big_r


def has_signed(cluster, text, lines, slug, purpose, public):
    name = f"{cluster}/{slug}/{purpose}"
    key_id = sha(name.encode() + b"\n\x01" + public)[:4]
    of_it = [raw[4:] for n, raw in lines if n == name and raw[:4] == key_id]
    return bool(of_it) and all(len(s) == 64 and verifies(public, text, s) for s in of_it)


def judge(before, raw):
    """ok, or text or signatures: what stands against it. before is the text of the version before,
    None for a first one."""
    try:
        text, _, block = raw.rpartition(b"\n\n")
        text += b"\n"
        lines = []
        must(block.endswith(b"\n"))
        for line in block.decode().splitlines():
            m = re.fullmatch(rf"— (\S+) ({B64})", line)
            must(m)
            lines.append((m[1], base64.b64decode(m[2], validate=True)))
        must(1 <= len(lines) <= 64)
        new = Read(text)
        must((new.version == 1) == (before is None))
        now = new
        if before is not None:
            now = Read(before)
            follows(now, new)

        def signed(slug, purpose, member):
            return has_signed(new.cluster, text, lines, slug, purpose, member["keys"][purpose])
        provinces = {s: m for s, m in now.member.items() if m["role"] == "province"}
        votes = sum(signed(s, "root", m) for s, m in provinces.items())
        office = all(signed(s, "root", m) for s, m in now.member.items() if s not in provinces)
        if not (office and votes >= now.quorum) and not (before and votes == len(provinces)):
            raise Unsigned
        for slug, m in new.member.items():
            had = now.member.get(slug, {"keys": {}})["keys"] if before else {"root": m["keys"]["root"]}
            for p in SIGNING:
                if had.get(p) != m["keys"][p] and not signed(slug, p, m):
                    raise Unsigned
        return "ok"
    except (Bad, ValueError):
        return "text"
    except Unsigned:
        return "signatures"
