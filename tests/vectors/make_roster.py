#!/usr/bin/env python3
"""Makes roster.txt beside this file: a first version of a roster, versions that may follow it, and
every way in which one may not.

It shares nothing with proto/trust: the texts are written out here, the signatures are those of
make_trust.py's integers, and roster_judge.py reads each note again by PROTOCOL 5 alone; what it
says must be what the case was made for. Deterministic: running it again must leave the file as it is.
"""
import hashlib
import pathlib

from make_trust import BASE, L, P, challenge, encode, mul
from roster_judge import SIGNING, b64, judge, sha

HERE = pathlib.Path(__file__).parent
CLUSTER = "yrd-vectors"
PROVINCES = ["shanghai", "jiangsu", "zhejiang", "anhui"]
NAMES = {"shanghai": "上海", "jiangsu": "江苏", "zhejiang": "浙江", "anhui": "安徽", "office": "办公室",
         "fujian": "福建"}
PURPOSES = SIGNING + ["noise"]


# --- keys and signatures ---

class Key:
    def __init__(self, slug, purpose, generation):
        self.slug, self.purpose = slug, purpose
        seed = hashlib.sha512(repr(("roster", slug, purpose, generation)).encode()).digest()
        self.prefix = seed[32:]
        self.a = int.from_bytes(seed[:32], "little") & (1 << 254) - 8 | 1 << 254
        point = mul(self.a, BASE)
        self.public = encode(point)
        if purpose == "noise":  # RFC 7748 4.1: the same point on the other curve
            self.public = ((1 + point[1]) * pow(1 - point[1], -1, P) % P).to_bytes(32, "little")

    def name(self):
        return f"{CLUSTER}/{self.slug}/{self.purpose}"

    def key_id(self):
        return sha(self.name().encode() + b"\n\x01" + self.public)[:4]

    def line(self, text, spoil=None):
        r = int.from_bytes(hashlib.sha512(self.prefix + text).digest(), "little") % L
        big_r = encode(mul(r, BASE))
        s = (r + challenge(big_r, self.public, text) * self.a) % L
        signature = bytearray(big_r + s.to_bytes(32, "little"))
        if spoil is not None:
            signature[spoil] ^= 1
        return self.line_of(bytes(signature))

    def line_of(self, signature):
        return f"— {self.name()} {b64(self.key_id() + signature)}\n".encode()


class Keys:
    """Of everybody, made when they are asked for; generation 1 is that of the first version."""

    def __init__(self):
        self.made = {}

    def __call__(self, slug, purpose, generation=1):
        return self.made.setdefault((slug, purpose, generation), Key(slug, purpose, generation))


key = Keys()


# --- texts ---

class Member:
    def __init__(self, slug, **generation):
        self.slug, self.role = slug, "regional" if slug == "office" else "province"
        self.addr = "-"
        self.keys = {p: key(slug, p, generation.get(p, 1)) for p in PURPOSES}

    def with_keys(self, **generation):
        m = Member(self.slug)
        m.role, m.addr, m.keys = self.role, self.addr, dict(self.keys)
        for p, g in generation.items():
            m.keys[p] = key(self.slug, p, g)
        return m

    def line(self):
        root = self.keys["root"]
        vkey = f"{root.name()}+{root.key_id().hex()}+{b64(bytes([1]) + root.public)}"
        rest = " ".join(f"{p}={b64(self.keys[p].public)}" for p in PURPOSES[1:])
        return f"member {self.slug} {self.role} name={NAMES[self.slug]} root={vkey} {rest} addr={self.addr}\n"


class Draft:
    """A text in parts that a case can change before it is put together."""

    def __init__(self, version=1, prev=None):
        self.cluster, self.version = CLUSTER, version
        self.prev = prev.hex() if prev else "-"
        self.not_after, self.final, self.quorum = "2027-12-31", "3", "office+3"
        self.members, self.former, self.retired = [], [], []

    def after(self):
        d = Draft(self.version + 1, sha(self.text()))
        d.members = [m.with_keys() for m in self.members]
        d.former, d.retired = list(self.former), list(self.retired)
        d.final, d.quorum = self.final, self.quorum
        return d

    def at(self, slug):
        return next(i for i, m in enumerate(self.members) if m.slug == slug)

    def new_keys(self, slug, **generation):
        i = self.at(slug)
        self.members[i] = self.members[i].with_keys(**generation)

    def remove(self, slug):
        m = self.members.pop(self.at(slug))
        self.former.append(f"former {slug} {m.role} name={NAMES[slug]}\n")

    def retire(self, slug, epoch="1-00000001", below=7, root=None, log=None, authority=None,
               reason="rotated"):
        root = root if root is not None else sha(b"root of these leaves")
        log, authority = log or key(slug, "log"), authority or key(slug, "root")
        self.retired.append(
            f"retire origin={CLUSTER}/{slug}/{epoch} valid-below={below} root={b64(root)} "
            f"log={b64(log.public)} authority={b64(authority.public)} reason={reason}\n")
        self.retired.sort()

    def text(self):
        return "".join(
            ["deltad-roster\n", f"cluster {self.cluster}\n", f"version {self.version}\n",
             f"prev {self.prev}\n", f"not-after {self.not_after}\n"] +
            [m.line() for m in self.members] + self.former +
            [f"final {self.final}\n", f"quorum {self.quorum}\n"] + self.retired).encode()


def note(text, keys):
    return text + b"\n" + b"".join(k.line(text) for k in keys)


def roots(*slugs):
    return [key(s, "root") for s in slugs]


QUORUM = roots("office", "shanghai", "jiangsu", "zhejiang")
EVERYBODY = QUORUM + roots("anhui")


# --- cases ---

def first():
    d = Draft()
    d.members = [Member(s) for s in PROVINCES + ["office"]]
    d.members[0].addr = "192.0.2.1:7420"
    return d


def possession(d):
    return [m.keys[p] for m in d.members for p in ("log", "cosign")]


ONE = first()


def first_cases():
    text = ONE.text()
    yield "first", "ok", note(text, QUORUM + possession(ONE)), "the office, three provinces, and every key"
    yield "-", "ok", note(text, EVERYBODY + possession(ONE)), "everybody"
    yield "-", "signatures", note(text, EVERYBODY + possession(ONE)[1:]), "a log key is not shown to be held"
    yield "-", "signatures", note(text, EVERYBODY + possession(ONE)[:-1]), "a cosign key is not shown to be held"
    yield "-", "signatures", note(text, EVERYBODY[1:] + possession(ONE)), \
        "all provinces without the office: no way for a first version"
    yield "-", "signatures", note(text, QUORUM[:3] + possession(ONE)), "two provinces"
    d = first()
    d.former.append("former fujian province name=福建\n")
    yield "-", "text", note(d.text(), EVERYBODY + possession(d)), "a former member in the first version"
    d = first()
    d.retire("anhui")
    yield "-", "text", note(d.text(), EVERYBODY + possession(d)), "a retired log in the first version"


def addr_changed():
    d = ONE.after()
    d.members[1].addr = "192.0.2.2:7420"
    return d


def rotated():
    d = ONE.after()
    d.new_keys("jiangsu", root=2, log=2, cosign=2, noise=2)
    d.retire("jiangsu")
    return d


ROTATED_PROOFS = [key("jiangsu", p, 2) for p in SIGNING]


def removed():
    d = ONE.after()
    d.remove("anhui")
    d.retire("anhui", reason="left")
    return d


def joined():
    d = ONE.after()
    d.members.append(Member("fujian"))
    return d


JOINED_PROOFS = [key("fujian", p) for p in SIGNING]


def valid_cases():
    """(name, draft, keys, remark); what each follows is ONE."""
    yield "-", addr_changed(), QUORUM, "an address, by the office and three provinces"
    yield "-", addr_changed(), EVERYBODY, "by everybody"
    yield "-", addr_changed(), EVERYBODY[1:], "the office's root is lost: by all provinces"
    yield "-", addr_changed(), QUORUM + [Key("nobody", "root", 1)], "a line by nobody's key is passed over"
    yield "rotated", rotated(), QUORUM + ROTATED_PROOFS, "all keys of a member, and its log ends"
    d = ONE.after()
    d.new_keys("jiangsu", cosign=2, noise=2)
    yield "-", d, QUORUM + [key("jiangsu", "cosign", 2)], "cosign and noise keys: no log ends"
    d = ONE.after()
    d.new_keys("jiangsu", noise=2)
    yield "-", d, QUORUM, "a noise key signs nothing"
    d = ONE.after()
    d.new_keys("office", root=2)
    d.retire("office")
    yield "-", d, EVERYBODY[1:] + [key("office", "root", 2)], "the office's root is lost and replaced"
    yield "removed", removed(), QUORUM, "a member leaves"
    yield "-", removed(), roots("office", "anhui", "jiangsu", "zhejiang"), "who is removed may vote for it"
    d = joined()
    yield "joined", d, QUORUM + JOINED_PROOFS, "a member joins"
    d = ONE.after()
    d.quorum, d.final = "office+1", "1"
    yield "-", d, QUORUM, "other numbers"
    d = ONE.after()
    d.retire("anhui", below=0, root=sha(b""))
    yield "-", d, QUORUM, "a log that ends before it began"
    d = ONE.after()
    for epoch in ("1-00000001", "1-00000002", "2-00000001", "10-00000001"):
        d.retire("anhui", epoch)
    yield "-", d, QUORUM, "several logs, in the order of their bytes"


def no_successors():
    """(draft or text, remark): everybody has signed, and it does not follow ONE all the same."""
    def case(remark, *changes, **fields):
        d = ONE.after()
        for c in changes:
            c(d)
        vars(d).update(fields)
        return d, remark
    yield case("two versions on", version=3)
    yield case("the same version again", version=1, prev="-")
    yield case("version 0", version=0)
    yield case("built on another text", prev=sha(b"another").hex())
    yield case("prev in capitals", prev=sha(ONE.text()).hex().upper())
    yield case("another cluster", cluster="yrd-other")
    yield case("a day that is none", not_after="2027-13-01")
    yield case("somebody is gone without a line", lambda d: d.members.pop(3))
    yield case("somebody is a former member who never was one",
               lambda d: d.former.append("former fujian province name=福建\n"))
    yield case("a former and present member at once",
               lambda d: d.former.append("former anhui province name=安徽\n"), lambda d: d.retire("anhui"))
    yield case("removed, and none of its logs ends", lambda d: d.remove("anhui"))
    yield case("removed in another role", lambda d: (d.members.pop(3), d.retire("anhui")),
               lambda d: d.former.append("former anhui regional name=安徽\n"))
    yield case("a log key changes, and none of its logs ends", lambda d: d.new_keys("jiangsu", log=2))
    yield case("a root key changes, and none of its logs ends", lambda d: d.new_keys("jiangsu", root=2))
    yield case("another member's log ends for it", lambda d: d.new_keys("jiangsu", log=2),
               lambda d: d.retire("anhui"))

    def swap_roles(d):
        d.members[0].role, d.members[4].role = "regional", "province"
    yield case("roles change", swap_roles)

    def swap_keys(d):
        a, b = d.members[0].keys, d.members[1].keys
        a["cosign"], b["cosign"] = b["cosign"], a["cosign"]
    yield case("keys change hands", swap_keys)

    def other_purpose(d):
        d.members[0].keys["cosign"] = d.members[0].keys["log"]
    yield case("one key for two purposes", other_purpose)

    def no_point(d):
        d.members[0].keys["cosign"] = key("shanghai", "cosign", 3)
        d.members[0].keys["cosign"].public = bytes(32)
    yield case("a key of small order", no_point)
    yield case("two regional members", lambda d: setattr(d.members[0], "role", "regional"))
    yield case("the log of somebody unknown", lambda d: d.retire("fujian"))
    yield case("a log ends under another log key", lambda d: d.retire("anhui", log=key("anhui", "log", 2)))
    yield case("a log ends under another root", lambda d: d.retire("anhui", authority=key("jiangsu", "root")))
    yield case("a log ends after no leaf, with a root", lambda d: d.retire("anhui", below=0))
    yield case("a size with a leading zero", lambda d: d.retire("anhui", below="07"))
    yield case("a negative size", lambda d: d.retire("anhui", below=-1))
    yield case("a reason that is no word", lambda d: d.retire("anhui", reason="Rotated"))
    yield case("no reason", lambda d: d.retire("anhui", reason=""))
    yield case("an epoch 0", lambda d: d.retire("anhui", "0-00000001"))
    yield case("retired twice", lambda d: d.retire("anhui"), lambda d: d.retire("anhui"))
    yield case("retired out of order", lambda d: d.retire("anhui"), lambda d: d.retire("jiangsu"),
               lambda d: d.retired.reverse())
    yield case("final by more than there are", final="5")
    yield case("final by nobody", final="0")
    yield case("a quorum of more provinces than there are", quorum="office+5")
    yield case("a quorum of no province", quorum="office+0")
    text = addr_changed().text()
    yield text + b"more\n", "a line after the last"
    yield text.replace(b"final 3\nquorum office+3\n", b"quorum office+3\nfinal 3\n"), "lines in another order"
    yield text.replace(b"final 3", b"final 03"), "a number with a leading zero"
    yield text.replace(b"final 3", b"final  3"), "two spaces"
    yield text.replace(b"\nmember jiangsu", b"\r\nmember jiangsu"), "a carriage return"
    yield text.replace(b"/jiangsu/root+", b"/anhui/root+", 1), "a root key that is named for another"
    d = rotated()
    d.retired, moved = [], d.retired
    yield d.text().replace(b"final 3\n", moved[0].encode() + b"final 3\n"), "an ended log before the quorum"


def later_cases():
    """What follows a second version: (name of it, draft of it, draft or None, signers, verdict, remark)."""
    by = roots("office", "shanghai", "jiangsu", "zhejiang")
    r = removed()
    yield "removed", r, r.after(), by, "ok", "former member and ended log stay"
    d = r.after()
    d.former = []
    yield "removed", r, d, by, "text", "a former member is forgotten"
    d = r.after()
    d.former = ["former anhui province name=others\n"]
    yield "removed", r, d, by, "text", "a former member's line changes"
    d = r.after()
    d.former, d.members = [], d.members + [Member("anhui", root=2, log=2, cosign=2, noise=2)]
    yield "removed", r, d, by + [key("anhui", p, 2) for p in SIGNING], "text", "a former member is one again"
    d = r.after()
    d.retired = []
    yield "removed", r, d, by, "text", "an ended log's line is gone"
    d = r.after()
    d.retired = [d.retired[0].replace("valid-below=7", "valid-below=8")]
    yield "removed", r, d, by, "text", "an ended log ends elsewhere"
    d = r.after()
    d.retire("anhui", "2-00000001")
    yield "removed", r, d, by, "text", "one more log of a former member"
    d = r.after()
    d.new_keys("jiangsu", cosign=2)
    d.members[d.at("jiangsu")].keys["cosign"] = key("anhui", "log")
    yield "removed", r, d, by, "text", "a key of an ended log as a new one"
    yield "removed", r, r.after(), by[1:], "ok", "all provinces that are left, without the office"
    yield "removed", r, r.after(), roots("office", "anhui", "jiangsu", "zhejiang"), "signatures", \
        "a former member votes"
    r = rotated()
    new = [key("jiangsu", "root", 2)]
    by = roots("office", "shanghai", "zhejiang")
    yield "rotated", r, r.after(), by + new, "ok", "the new root votes"
    yield "rotated", r, r.after(), by + roots("jiangsu"), "signatures", "the old root votes"
    d = r.after()
    d.new_keys("jiangsu", root=1)
    d.retire("jiangsu", "2-00000001", log=key("jiangsu", "log", 2), authority=new[0])
    yield "rotated", r, d, by + new + roots("anhui", "jiangsu"), "text", "back to a root that ended logs had"
    r = joined()
    yield "joined", r, r.after(), roots("office", "shanghai", "jiangsu", "fujian"), "ok", \
        "who has joined votes from the next version on"


def unsigned_cases():
    """(note, remark): the text would do."""
    text = addr_changed().text()
    yield note(text, QUORUM[:3]), "the office and two provinces"
    yield note(text, QUORUM[1:]), "three provinces without the office"
    yield note(text, QUORUM[:3] + QUORUM[2:3]), "one province twice"
    yield note(text, QUORUM[:3] + [key("zhejiang", "log")]), "a log key in place of a root"
    yield note(text, QUORUM[:3] + [key("zhejiang", "root", 2)]), "a root that this version does not name"
    yield note(text, QUORUM[:3]) + QUORUM[3].line(ONE.text()), "a signature of the version before"
    for i in (0, 31, 32, 62):
        yield note(text, QUORUM[:3]) + QUORUM[3].line(text, spoil=i), f"byte {i} of a signature is another"
    yield note(text, QUORUM) + QUORUM[3].line(text, spoil=5), "a good and a bad line of one key"
    yield note(text, QUORUM[:3]) + QUORUM[3].line_of(bytes(64)), "a signature of zeros"
    wrong_id = f"— {QUORUM[3].name()} {b64(QUORUM[2].key_id() + bytes(64))}\n".encode()
    yield note(text, QUORUM[:3]) + wrong_id, "the key id of another key"
    d = ONE.after()
    d.quorum = "office+1"
    yield note(d.text(), QUORUM[:2]), "the quorum that it brings in itself"
    d = joined()
    yield note(d.text(), QUORUM[:3] + JOINED_PROOFS), "who joins does not vote for it"
    for i, p in enumerate(SIGNING):
        proofs = ROTATED_PROOFS[:i] + ROTATED_PROOFS[i + 1:]
        yield note(rotated().text(), EVERYBODY + proofs), f"a new {p} key is not shown to be held"
        proofs = JOINED_PROOFS[:i] + JOINED_PROOFS[i + 1:]
        yield note(d.text(), EVERYBODY + proofs), f"the {p} key of who joins is not shown to be held"
    yield note(rotated().text(), [k for k in QUORUM if k.slug != "jiangsu"] + ROTATED_PROOFS), \
        "a new root votes for itself"


def cases():
    """(name, what it follows, its draft, verdict, note, remark)"""
    for name, verdict, raw, remark in first_cases():
        yield name, "-", None, verdict, raw, remark
    for name, d, keys, remark in valid_cases():
        yield name, "first", ONE, "ok", note(d.text(), keys), remark
    everything = EVERYBODY + ROTATED_PROOFS + JOINED_PROOFS
    for d, remark in no_successors():
        text = d if isinstance(d, bytes) else d.text()
        yield "-", "first", ONE, "text", note(text, everything), remark
    for raw, remark in unsigned_cases():
        yield "-", "first", ONE, "signatures", raw, remark
    for before, now, d, keys, verdict, remark in later_cases():
        yield "-", before, now, verdict, note(d.text(), keys), remark


def main():
    out = ["# Rosters: a line `== NAME after NAME ok|text|signatures: what is special`, then the note.\n"
           "# Made by make_roster.py; do not edit.\n"]
    for name, before, now, verdict, raw, remark in cases():
        judged = judge(now.text() if now else None, raw)
        if judged != verdict:
            raise SystemExit(f"{remark}: made as {verdict}, judged as {judged}")
        out.append(f"== {name} after {before} {verdict}: {remark}\n" + raw.decode())
    (HERE / "roster.txt").write_text("".join(out), newline="")


if __name__ == "__main__":
    main()
