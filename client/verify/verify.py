#!/usr/bin/env python3
"""Verifies deltad's proofs and bundles with Python's standard library alone, independently of deltad.
  verify.py proof FILE POLICY         a value, by the public keys in POLICY; FILE.operator stands beside FILE
  verify.py bundle FILE CLUSTER_ID    all that a node holds: deltactl bundle export --all
Exit 0: everything holds. 1: something does not, a log is forked, or a file cannot be read. 2: wrong usage.
What is checked and what is not: README.md beside this file. The rules: proto/PROTOCOL.md."""
import base64
import hashlib
import sys

# ---- Ed25519: RFC 8032 5.1.7 without the cofactor; small order and non-canonical forms are refused ----
P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D, ROOT_OF_MINUS_1 = -121665 * pow(121666, -1, P) % P, pow(2, (P - 1) // 4, P)
ORDER_8 = 55188659117513257062467267217118295137698188065244968500265048394206261417927
SMALL_ORDER = {0, 1, ORDER_8, P - ORDER_8, P - 1, P, P + 1}

def require(condition, what):
    if not condition:
        raise ValueError(what)

def decode_point(b):
    sign, y = divmod(int.from_bytes(b, "little"), 2**255)
    u, v = (y * y - 1) % P, (D * y * y + 1) % P
    x = u * v**3 * pow(u * v**7, (P - 5) // 8, P) % P
    if (v * x * x - u) % P != 0:
        x = x * ROOT_OF_MINUS_1 % P
    if y >= P or y in SMALL_ORDER or (v * x * x - u) % P != 0:
        return None
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P

def add(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]), (p[1] + p[0]) * (q[1] + q[0])
    c, d = 2 * p[3] * q[3] * D, 2 * p[2] * q[2]
    e, f, g, h = (b - a) % P, (d - c) % P, (d + c) % P, (b + a) % P
    return e * f % P, g * h % P, f * g % P, e * h % P

def ed25519_verify(key, message, signature):
    base, a = decode_point(bytes([0x58] + [0x66] * 31)), decode_point(key)
    r, s = signature[:32], int.from_bytes(signature[32:], "little")
    if (len(key), len(signature)) != (32, 64) or a is None or s >= L or \
            int.from_bytes(r, "little") & (2**255 - 1) in SMALL_ORDER:
        return False
    k = int.from_bytes(hashlib.sha512(r + key + message).digest(), "little") % L
    minus_a = (P - a[0], a[1], 1, P - a[3])
    table, total = ((0, 1, 1, 0), base, minus_a, add(base, minus_a)), (0, 1, 1, 0)
    for i in range(252, -1, -1):  # total = sB - kA
        total = add(add(total, total), table[(s >> i & 1) + 2 * (k >> i & 1)])
    x, y = (c * pow(total[2], -1, P) % P for c in total[:2])
    return (y | (x & 1) << 255).to_bytes(32, "little") == r

# ---- hashes, base64, signed notes: C2SP signed-note, tlog-checkpoint, tlog-cosignature ----
def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()

def unbase64(text, size=None):
    raw = base64.b64decode(text, validate=True)
    require(base64.b64encode(raw).decode() == text and size in (None, len(raw)), f"not base64: {text[:40]!r}")
    return raw

def number(text):
    require(text.isascii() and text.isdigit() and str(int(text)) == text, f"not a number: {text[:40]!r}")
    return int(text)

def note_of(raw):  # (text, [(name, id, signature)])
    text, blank, lines = raw.decode("utf-8").rpartition("\n\n")
    require(text and blank and lines.endswith("\n"), "a note without signatures")
    parts = [line.split(" ") for line in lines.split("\n")[:-1]]
    require(all(len(p) == 3 and p[0] == "—" for p in parts), "a note with a line that is no signature")
    return text + "\n", [(name, unbase64(b)[:4], unbase64(b)[4:]) for _, name, b in parts]

def signed(note, name, kind, key):  # is there a line of this key? one that does not verify is an error
    own = [s for n, i, s in note[1] if (n, i) == (name, sha256(name.encode(), b"\n", bytes([kind]), key)[:4])]
    for signature in own:
        time = int.from_bytes(signature[:8], "big") if kind == 4 else 1
        message = (b"cosignature/v1\ntime %d\n" % time if kind == 4 else b"") + note[0].encode()
        require(0 < time < 2**63 and ed25519_verify(key, message, signature[8 if kind == 4 else 0:]),
                f"the signature of {name} does not verify")
    return bool(own)

def checkpoint_of(note):  # (origin, size, root)
    lines = note[0].split("\n")
    require(len(lines) == 4 and lines[0], "a head is an origin, a size and a root")
    return lines[0], number(lines[1]), unbase64(lines[2], 32)

def vkey_of(text, kind=1):  # (name, kind, key)
    name, id_, key = text.split("+", 2)
    raw = unbase64(key, 33)
    require((sha256(name.encode(), b"\n", raw)[:4].hex(), raw[0], name.split()) == (id_, kind, [name]), f"key {name}")
    return name, kind, raw[1:]

# ---- Merkle trees: RFC 6962 2.1 ----
def climb(h, m, n, path):  # roots over m and n leaves by a path from leaf m - 1 (its hash h), or of consistency
    if n == 1 or m == n and not h:
        return (h or path.pop(),) * 2
    k, top = 1 << (n - 1).bit_length() - 1, path.pop()
    old, new = climb(h, m, k, path) if m <= k else climb(h, m - k, n - k, path)
    return (old, sha256(b"\1", new, top)) if m <= k else (sha256(b"\1", top, old), sha256(b"\1", top, new))

def append(frontier, leaf):  # frontier: (level, root) of the complete subtrees, largest first
    h, level = sha256(b"\0", leaf), 0
    while frontier and frontier[-1][0] == level:
        h, level = sha256(b"\1", frontier.pop()[1], h), level + 1
    frontier.append((level, h))

def size_of(frontier):
    return sum(1 << level for level, _ in frontier)

def root_of(frontier):
    *left, (_, root) = frontier
    for _, h in reversed(left):
        root = sha256(b"\1", h, root)
    return root

# ---- messages (protobuf) and signed bodies (DSSE's PAE), PROTOCOL 2 ----
def varint(raw, at):
    value = shift = 0
    while raw[at] >= 128 and shift < 63:
        value, shift, at = value | (raw[at] & 127) << shift, shift + 7, at + 1
    return value | raw[at] << shift, at + 1

def fields(raw):  # {number: [values]}
    out, at = {}, 0
    while at < len(raw):
        tag, at = varint(raw, at)
        value, at = varint(raw, at)
        if tag & 7 == 2:
            value, at = raw[at:at + value], at + value
        require(tag & 7 in (0, 2) and at <= len(raw), "a message that is cut off")
        out.setdefault(tag >> 3, []).append(value)
    return out

def one(message, n, default=b""):
    return message.get(n, [default])[-1]

def body_of(part, what, cluster_id):  # (key, fields of the body), its signature verified
    key, signature, body = one(part, 1), one(part, 2), one(part, 3)
    kind = f"application/vnd.deltad.{what}.v1+protobuf; cluster={cluster_id}".encode()
    pae = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(body), body)
    require(ed25519_verify(key, pae, signature), f"the signature of a {what} does not verify")
    return key, fields(body)

# ---- a proof, PROTOCOL 13.1, by a policy: C2SP tlog-policy, PROTOCOL 13.2 ----
def policy_of(raw):
    require(len(raw) <= 2**16 and raw[-1:] == b"\n" and all(c in b"\t\n" or 32 <= c != 127 for c in raw), "no policy")
    p, free, seen = {"log": {}, "node": {}, "root": {}, "quorum": None, "cluster": None}, set(), ["none"]
    for line in raw.decode("utf-8", "surrogateescape").split("\n"):
        what, *rest = [w for w in line.replace("\t", " ").split(" ") if w] or ["#"]
        fact, fits = line[:8] == "#deltad " and rest[:1], what[0] == "#"
        if fact == ["cluster"]:
            fits, p["cluster"] = not p["cluster"] and bytes.fromhex(rest[1]).hex() == rest[1].zfill(64)[:64], rest[1]
        elif fact in (["root"], ["log"]):  # by member, and by origin of an earlier log
            p["root"].setdefault(rest[1].split("+")[0].removesuffix("root"), vkey_of(rest[1])[2])
        elif what == "log":
            (name, *key), fits = vkey_of(rest[0]), len(rest) < 3
            seen, p["log"][name] = seen + [tuple(key)], key[1]
        elif what == "witness":
            p["node"][rest[0]], fits, free = vkey_of(rest[1], 4), len(rest) < 4, free | {rest[0]}
            seen += [rest[0], p["node"][rest[0]][1:]]
        elif what == "group":
            name, need, *of = rest
            k = {"any": 1, "all": len(of)}.get(need) or number(need)
            fits = set(of) <= free and 1 <= k <= len(of) == len(set(of))
            p["node"][name], free, seen = (k, of), free - set(of) | {name}, seen + [name]
        elif what == "quorum":
            fits, p["quorum"] = p["quorum"] is None and rest[0] in ("none", *p["node"]) and len(rest) == 1, rest[0]
        require(fits and len(set(seen)) == len(seen), f"the policy says {line}")
    require(p["quorum"] and len(p["log"]) <= 64 and len(p["node"]) <= 96, "a policy has a quorum, and no end of keys")
    return p

def place_of(raw):  # (origin, index, leaf, note): the leaf stands under the head; who signed it is open
    lines, _, note = raw.partition(b"\n\n")
    first, extra, index, *path = lines.decode("ascii").split("\n")
    require((first, extra[:6], index[:6]) == ("c2sp.org/tlog-proof@v1", "extra ", "index "), "not a proof with a leaf")
    leaf, index, path, note = unbase64(extra[6:]), number(index[6:]), [unbase64(h, 32) for h in path], note_of(note)
    origin, size, root = checkpoint_of(note)
    require(index < size and climb(sha256(b"\0", leaf), index + 1, size, path)[1] == root and not path,
            "the leaf does not stand under the head")
    require(one(leaf := fields(leaf), 1, 0) == 1 and one(leaf, 2, 0) == index, "the leaf states another index")
    return origin, index, leaf, note

def check_proof(raw, raw_operator, policy):
    origin, index, leaf, note = place_of(raw)
    require(origin in policy["log"], f"the proof is of the log {origin}, the policy of {' '.join(policy['log'])}")
    require(signed(note, origin, 1, policy["log"][origin]), f"the log {origin} did not sign the head")
    met = {"none": True}
    for name, n in policy["node"].items():
        met[name] = signed(note, n[0], 4, n[2]) if len(n) == 3 else sum(met[w] for w in n[1]) >= n[0]
    require(met[policy["quorum"]], "the policy's quorum is not met")
    owner = origin.rpartition("/")[0] + "/"
    require(policy["cluster"] and owner in policy["root"], "the policy names no cluster or root key")
    key, change = body_of(fields(one(leaf, 4)), "change", policy["cluster"])
    member, task = one(change, 2), one(change, 5)
    require(owner.split("/")[1] == member.decode(), "the change was signed for another member's log")
    began, at, delegation, head = place_of(raw_operator)
    require(began.startswith(owner) and any(signed(head, began, 1, k) for k in (
        *policy["log"].values(), policy["root"].get(began, b""))), "the delegation is of no log of the policy")
    epochs = [int(o[len(owner):].split("-")[0]) for o in (began, origin)]
    require(at < index if began == origin else epochs[0] < epochs[1], "the delegation stands after the change")
    root, d = body_of(fields(one(delegation, 5)), "delegate", policy["cluster"])
    require(root == policy["root"][owner], "the delegation is not signed by the root key")
    require((one(d, 2), one(d, 4)) == (member, key), "the delegation is of another key or member")
    require(6 not in d or task in d[6], "the delegation does not cover the task")
    require(7 not in d or began == origin and index <= d[7][-1], "the delegation had ended")
    return f"{member.decode()} on {task.decode() or 'plan'}, signed by {one(d, 5).decode()}, leaf {index} of {origin}"

# ---- a bundle, PROTOCOL 10: every signature and root; what follows from them is for deltactl audit ----
def records_of(raw):
    at, count = 16, 0
    while n := int.from_bytes(raw[at:at + 4], "big"):
        require(n <= 2**20, f"record {count + 1} is too long")
        yield fields(raw[at + 4:at + 4 + n])
        at, count = at + 4 + n, count + 1
    require(raw[:16] == b"deltad-bundle/1\n" and raw[at + 4:] == count.to_bytes(8, "big") + sha256(raw[:at + 12]),
            "the bundle is cut off, or its count or SHA-256 is another")

class Bundle:
    def __init__(self, cluster_id):
        self.id, self.text, self.logs, self.by, self.signatures, self.forks = cluster_id, None, {}, {}, 0, []
    def roster(self, note):  # each version by the one before it, the first by the cluster id
        lines = [line.split(" ") for line in note[0].split("\n")]
        facts = {w[0]: w[1] for w in lines if w[0] in ("cluster", "version", "prev", "final", "quorum")}
        new = {w[1]: dict(f.split("=", 1) for f in w[3:]) | {"role": w[2]} for w in lines if w[0] == "member"}
        for m in new.values():
            m.update(root=vkey_of(m["root"])[2], **{k: unbase64(m[k], 32) for k in ("log", "cosign")})
        old, rule = (self.members, self.facts["quorum"]) if self.text else (new, facts["quorum"])
        require(facts["prev"] == sha256(self.text).hex() if self.text else sha256(note[0].encode()).hex() == self.id,
                "the roster does not follow the one before it, or is of another cluster")
        for s, m in new.items():
            for what in ("root", "log", "cosign") if self.text else ("log", "cosign"):
                require(self.text and m[what] == old.get(s, m | {what: 0})[what] or
                        signed(note, f"{facts['cluster']}/{s}/{what}", 1, m[what]), f"{s}: its {what} key did not sign")
        by = [(m["role"], signed(note, f"{facts['cluster']}/{s}/root", 1, m["root"])) for s, m in old.items()]
        provinces = [yes for role, yes in by if role == "province"]
        require(sum(provinces) >= int(rule.split("+")[1]) and ("regional", True) in by or self.text and all(provinces),
                "too few have signed the roster")
        self.facts, self.members, self.text = facts, new, note[0].encode()
        gone = [dict(f.split("=", 1) for f in w[1:]) for w in lines if w[0] == "retire"]
        self.gone = {g["origin"]: {"log": unbase64(g["log"], 32), "root": unbase64(g["authority"], 32),
                                   "end": (number(g["valid-below"]), unbase64(g["root"], 32))} for g in gone}
    def head(self, raw, in_evidence=False):  # (origin, size, root, its owner's root key), as signed by the owner
        require(self.text, "a head stands before the first roster")
        origin, size, root = checkpoint_of(note := note_of(raw))
        cluster, owner, _ = origin.split("/")
        gone = self.gone.get(origin)  # at the end of a retired log the roster's line is the head
        keys, at_end = gone or self.members[owner], gone and gone["end"] == (size, root) and not in_evidence
        require(cluster == self.facts["cluster"] and (at_end or signed(note, origin, 1, keys["log"])),
                f"{origin}: not its owner's head")
        by = self.by.setdefault((origin, size, root), set())
        by.update(s for s, m in self.members.items() if s != owner and not in_evidence
                  and signed(note, f"{cluster}/{s}/cosign", 4, m["cosign"]))
        return origin, size, root, keys["root"]
    def evidence(self, m):  # PROTOCOL 4.3: two heads by the owner that cannot both be
        (origin, a, old, _), (other, b, new, _), path = *(self.head(one(m, n), True) for n in (1, 2)), m.get(3, [])
        require(origin == other and 0 < a <= b and all(len(h) == 32 for h in path), f"{origin}: evidence of nothing")
        was, now = climb(None, a, b, path) if a < b else (new, new)
        require(now == new and was != old and not path, f"{origin}: evidence of nothing")
        self.forks.append(f"the log {origin} is forked: its owner signed sizes {a} and {b} of two histories")
    def leaves(self, batch):
        origin, size, root, root_key = self.head(one(batch, 4))
        frontier = self.logs.setdefault(origin, [])
        require(size_of(frontier) == one(batch, 2, 0), f"{origin}: not from its beginning")
        for raw in batch[3]:
            append(frontier, raw)
            for kind, what in ((4, "change"), (5, "delegate"), (6, "revoke")):
                for part in fields(raw).get(kind, []):
                    key, _ = body_of(fields(part), what, self.id)
                    require(kind == 4 or key == root_key, f"{origin}: a {what} that is not by the member's root key")
                    self.signatures += 1
        require(size_of(frontier) == size and root_of(frontier) == root,
                f"{origin}: the leaves do not give the root of the head")

def check_bundle(raw, cluster_id):
    b = Bundle(cluster_id)
    takers = {2: lambda m: b.roster(note_of(one(m, 1))), 3: lambda m: b.head(one(m, 1)),
              5: b.leaves, 6: lambda m: b.head(one(m, 1)), 7: b.evidence}
    for record in records_of(raw):
        for kind, messages in record.items():
            takers.get(kind, len)(fields(messages[-1]))
    final = {o: s for (o, s, _), by in sorted(b.by.items()) if len(by) >= int(b.facts["final"])}
    logs = [f"{o}: {size_of(f)} leaves, final below {final.get(o, 0)}" for o, f in sorted(b.logs.items())]
    said = "\n".join([f"{len(b.by)} heads, {len(b.logs)} roots, {b.signatures} signatures in leaves", *logs])
    require(not b.forks, "\n".join([*b.forks, f"all the rest holds: {said}"]))
    return said

def main(argv):
    if len(argv) != 4 or argv[1] not in ("proof", "bundle"):
        return print(__doc__, file=sys.stderr) or 2
    try:
        file = open(argv[2], "rb").read()
        said = "holds: " + (check_bundle(file, argv[3].removeprefix("sha256:")) if argv[1] == "bundle" else check_proof(
            file, open(argv[2] + ".operator", "rb").read(), policy_of(open(argv[3], "rb").read())))
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as e:
        said = f"DOES NOT HOLD: {e}"
    print("".join(c if c.isprintable() or c == "\n" else "?" for c in said))
    return 0 if said.startswith("holds") else 1

if __name__ == "__main__":
    sys.exit(main(sys.argv))
