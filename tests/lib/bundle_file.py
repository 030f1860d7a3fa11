"""Bundles taken apart, changed and put together again, with signatures by the keys of a test's cluster: for
what only somebody with a member's keys could do. Signs with openssl."""

import base64
import hashlib
import os
import subprocess
import tempfile

MAGIC = b"deltad-bundle/1\n"
HELLO, ROSTER, HEAD, LEAVES, COSIGNATURE, EVIDENCE = 1, 2, 3, 5, 6, 7
ORDER = (HELLO, ROSTER, EVIDENCE, LEAVES, HEAD, COSIGNATURE)


def varint(n):
    out = b""
    while n > 0x7F:
        out += bytes([n & 0x7F | 0x80])
        n >>= 7
    return out + bytes([n])


def num(field, value):
    return varint(field << 3) + varint(value) if value else b""


def rng(field, value):
    value = value.encode() if isinstance(value, str) else value
    return varint(field << 3 | 2) + varint(len(value)) + value


def fields(raw):
    """[(number, value)] in their order."""
    out, at = [], 0

    def take():
        nonlocal at
        value = shift = 0
        while True:
            value |= (raw[at] & 127) << shift
            shift, at = shift + 7, at + 1
            if raw[at - 1] < 128:
                return value
    while at < len(raw):
        tag, value = take(), take()
        if tag & 7 == 2:
            value, at = raw[at:at + value], at + value
        out.append((tag >> 3, value))
    return out


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def root_of(leaves):
    """RFC 6962 2.1, by its definition."""
    hashes = [sha256(b"\0", leaf) for leaf in leaves]

    def mth(h):
        if len(h) == 1:
            return h[0]
        k = 1 << (len(h) - 1).bit_length() - 1
        return sha256(b"\1", mth(h[:k]), mth(h[k:]))
    return mth(hashes) if hashes else sha256(b"")


class Key:
    def __init__(self, path):
        with open(path, encoding="utf-8") as f:
            lines = dict(line.rstrip("\n").split(" ", 1) for line in f if " " in line)
        self.public, self.seed = base64.b64decode(lines["public"]), base64.b64decode(lines["secret"])

    def sign(self, message):
        with tempfile.TemporaryDirectory() as folder:
            key, text = os.path.join(folder, "key"), os.path.join(folder, "text")
            with open(key, "wb") as f:
                f.write(bytes.fromhex("302e020100300506032b657004220420") + self.seed)
            with open(text, "wb") as f:
                f.write(message)
            return subprocess.run(["openssl", "pkeyutl", "-sign", "-rawin", "-keyform", "DER", "-inkey", key, "-in",
                                   text], capture_output=True, check=True).stdout

    def line(self, name, text, kind=1, time=1793577600):
        """A signature line of a note."""
        id_ = sha256(name.encode(), b"\n", bytes([kind]), self.public)[:4]
        if kind == 4:
            stamp = time.to_bytes(8, "big")
            blob = id_ + stamp + self.sign(f"cosignature/v1\ntime {time}\n{text}".encode())
        else:
            blob = id_ + self.sign(text.encode())
        return f"— {name} {base64.b64encode(blob).decode()}\n"

    def body(self, what, body, cluster_id):
        """Signed{}."""
        kind = f"application/vnd.deltad.{what}.v1+protobuf; cluster={cluster_id}".encode()
        pae = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(body), body)
        return rng(1, self.public) + rng(2, self.sign(pae)) + rng(3, body)


def head(key, origin, size, root):
    text = f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n"
    return (text + "\n" + key.line(origin, text)).encode()


class Bundle:
    """records: [(kind, body of the envelope's one field)]."""

    def __init__(self, path):
        with open(path, "rb") as f:
            raw = f.read()
        assert raw.startswith(MAGIC)
        at, self.records = len(MAGIC), []
        while (n := int.from_bytes(raw[at:at + 4], "big")) != 0:
            self.records += fields(raw[at + 4:at + 4 + n])
            at += 4 + n

    def of(self, kind):
        return [body for k, body in self.records if k == kind]

    def drop(self, kind):
        self.records = [r for r in self.records if r[0] != kind]

    def add(self, kind, body):
        self.records.append((kind, body))

    def origins(self):
        return list(dict.fromkeys(dict(fields(b))[1].decode() for b in self.of(LEAVES)))

    def origin(self, member):
        return next(o for o in self.origins() if o.split("/")[1] == member)

    def leaves(self, origin):
        return [v for b in self.of(LEAVES) if dict(fields(b))[1].decode() == origin for n, v in fields(b) if n == 3]

    def set_leaves(self, origin, leaves, note):
        """One batch, under this head; other heads of the log are forgotten."""
        self.records = [r for r in self.records if not self.is_of(r, origin)]
        self.add(LEAVES, rng(1, origin) + b"".join(rng(3, leaf) for leaf in leaves) + rng(4, note))

    def is_of(self, record, origin):
        kind, body = record
        note = {HEAD: 1, COSIGNATURE: 1}.get(kind)
        if kind == LEAVES:
            return dict(fields(body))[1].decode() == origin
        return note is not None and dict(fields(body))[note].split(b"\n")[0].decode() == origin

    def sort_key(self, record):
        kind, body = record
        f = dict(fields(body))
        own = {LEAVES: lambda: f[1] + b"\0" + f.get(2, 0).to_bytes(8, "big"), HEAD: lambda: f[1].split(b"\n")[0],
               COSIGNATURE: lambda: f[1], EVIDENCE: lambda: f[1] + f[2],
               ROSTER: lambda: int(f[1].split(b"\n")[2].split()[1]).to_bytes(8, "big")}
        return ORDER.index(kind), own.get(kind, bytes)()

    def write(self, path):
        out, count = MAGIC, 0
        for kind, body in sorted(self.records, key=self.sort_key):
            envelope = rng(kind, body)
            out, count = out + len(envelope).to_bytes(4, "big") + envelope, count + 1
        out += bytes(4) + count.to_bytes(8, "big")
        with open(path, "wb") as f:
            f.write(out + sha256(out))
