#!/usr/bin/env python3
"""Makes merkle_inclusion.txt, merkle_consistency.txt and ed25519.txt beside this file.

It shares nothing with proto/trust: the tree is the recursive definition of RFC 6962 2.1 on hashlib,
proofs are judged by walking that definition, and Ed25519 is plain integer arithmetic (RFC 8032 5.1).
Deterministic: running it again must leave the files as they are.
"""
import hashlib
import pathlib

HERE = pathlib.Path(__file__).parent


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def made(*what):
    """32 bytes that stand for nothing else."""
    return sha(repr(what).encode())


# --- the tree, recursively ---

def split(n):
    k = 1
    while 2 * k < n:
        k *= 2
    return k


def root_of(leaves):
    if len(leaves) < 2:
        return leaves[0] if leaves else sha()
    k = split(len(leaves))
    return sha(b"\1", root_of(leaves[:k]), root_of(leaves[k:]))


def path(i, leaves):
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if i < k:
        return path(i, leaves[:k]) + [root_of(leaves[k:])]
    return path(i - k, leaves[k:]) + [root_of(leaves[:k])]


def subproof(m, leaves, whole):
    n = len(leaves)
    if m == n:
        return [] if whole else [root_of(leaves)]
    k = split(n)
    if m <= k:
        return subproof(m, leaves[:k], whole) + [root_of(leaves[k:])]
    return subproof(m - k, leaves[k:], False) + [root_of(leaves[:k])]


class Bad(Exception):
    pass


def root_by_path(i, n, leaf, proof):
    """The root that a proof claims, taking it apart from its end, the way it was put together."""
    if n == 1:
        if proof:
            raise Bad
        return leaf
    if not proof:
        raise Bad
    k = split(n)
    if i < k:
        return sha(b"\1", root_by_path(i, k, leaf, proof[:-1]), proof[-1])
    return sha(b"\1", proof[-1], root_by_path(i - k, n - k, leaf, proof[:-1]))


def roots_by_subproof(m, n, proof, known):
    """(root of the first m, root of all n); known is the first root while it is a whole subtree."""
    if m == n:
        if known is not None:
            if proof:
                raise Bad
            return known, known
        if len(proof) != 1:
            raise Bad
        return proof[0], proof[0]
    if not proof:
        raise Bad
    k, last = split(n), proof[-1]
    if m <= k:
        old, new = roots_by_subproof(m, k, proof[:-1], known)
        return old, sha(b"\1", new, last)
    old, new = roots_by_subproof(m - k, n - k, proof[:-1], None)
    return sha(b"\1", last, old), sha(b"\1", last, new)


def inclusion_holds(leaf, i, n, root, proof):
    try:
        return i < n and root_by_path(i, n, leaf, proof) == root
    except Bad:
        return False


def consistency_holds(m, n, root1, root2, proof):
    try:
        return 0 < m <= n and roots_by_subproof(m, n, proof, root1) == (root1, root2)
    except Bad:
        return False


# --- spoilt proofs ---

def flip(b, bit):
    out = bytearray(b)
    out[bit // 8] ^= 1 << bit % 8
    return bytes(out)


def spoilt_proofs(proof, extra):
    junk = made("junk")
    yield "trailing junk", proof + [junk]
    yield "preceding junk", [junk] + proof
    for name, node in extra:
        yield "trailing " + name, proof + [node]
        yield "preceding " + name, [node] + proof
    if proof:
        yield "empty proof", []
        yield "truncated", proof[:-1]
        yield "first node removed", proof[1:]
        yield "first node twice", proof[:1] + proof
        yield "flipped first", [flip(proof[0], 3)] + proof[1:]
        yield "flipped last", proof[:-1] + [flip(proof[-1], 255)]
    if len(proof) > 1:
        yield "swapped", [proof[1], proof[0]] + proof[2:]
        yield "reversed", proof[::-1]
        yield "junk inside", proof[:1] + [junk] + proof[1:]


def tree(n):
    return [sha(b"\0", made("leaf", n, j)) for j in range(n)]


def inclusion_cases():
    for n, i in [(8, 0), (9, 8), (33, 0), (1000, 0), (1000, 777), (1000, 999), (1024, 1023)]:
        leaves = tree(n)
        yield "honest", leaves[i], i, n, root_of(leaves), path(i, leaves)
    for n, i in [(1, 0), (2, 1), (3, 2), (5, 2), (7, 6), (8, 5), (13, 11)]:
        leaves = tree(n)
        leaf, root, proof = leaves[i], root_of(leaves), path(i, leaves)
        yield "honest", leaf, i, n, root, proof
        for name, p in spoilt_proofs(proof, [("root", root)]):
            yield name, leaf, i, n, root, p
        for name, index in [("index + 1", i + 1), ("index - 1", i - 1), ("index ^ 2", i ^ 2),
                            ("index + size", i + n)]:
            if index >= 0:
                yield name, leaf, index, n, root, proof
        for name, size in [("size * 2", 2 * n), ("size / 2", n // 2), ("size + 1", n + 1),
                           ("size 0", 0), ("size 2^64-1", 2**64 - 1)]:
            yield name, leaf, i, size, root, proof
        yield "wrong leaf", flip(leaf, 9), i, n, root, proof
        yield "leaf = root", root, i, n, root, proof
        yield "leaf = root, no proof", root, i, n, root, []
        yield "wrong root", leaf, i, n, flip(root, 100), proof
        yield "empty tree's root", leaf, i, n, sha(), proof
    yield "root at the largest sizes", made(1), 2**64 - 2, 2**64 - 1, made(1), []


def consistency_cases():
    for m, n in [(1, 8), (7, 8), (8, 8), (8, 9), (32, 33), (255, 1000), (512, 1000), (1000, 1000), (1000, 1024)]:
        leaves = tree(n)
        yield "honest", m, n, root_of(leaves[:m]), root_of(leaves), subproof(m, leaves, True)
    for m, n in [(1, 1), (1, 2), (2, 3), (3, 7), (4, 8), (6, 8)]:
        leaves = tree(n)
        r1, r2, proof = root_of(leaves[:m]), root_of(leaves), subproof(m, leaves, True)
        yield "honest", m, n, r1, r2, proof
        for name, p in spoilt_proofs(proof, [("root1", r1), ("root2", r2)]):
            yield name, m, n, r1, r2, p
        for name, a, b in [("size1 + 1", m + 1, n), ("size1 - 1", m - 1, n), ("size1 ^ 2", m ^ 2, n),
                           ("size2 * 2", m, 2 * n), ("size2 / 2", m, n // 2), ("sizes swapped", n, m),
                           ("size1 0", 0, n), ("size2 2^64-1", m, 2**64 - 1)]:
            yield name, a, b, r1, r2, proof
        yield "roots swapped", m, n, r2, r1, proof
        yield "wrong root1", m, n, flip(r1, 17), r2, proof
        yield "wrong root2", m, n, r1, flip(r2, 200), proof
        yield "old root for both", m, n, r1, r1, proof
    yield "empty trees", 0, 0, sha(), sha(), []


# --- Ed25519 ---

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P


def add(a, b):
    k = D * a[0] * b[0] * a[1] * b[1] % P
    return ((a[0] * b[1] + b[0] * a[1]) * pow(1 + k, -1, P) % P,
            (a[1] * b[1] + a[0] * b[0]) * pow(1 - k, -1, P) % P)


def mul(n, a):
    r = (0, 1)
    while n:
        if n & 1:
            r = add(r, a)
        a, n = add(a, a), n >> 1
    return r


def with_y(y, odd):
    xx = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(xx, (P + 3) // 8, P)
    if (x * x - xx) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if (x * x - xx) % P:
        return None
    return ((P - x) % P if x & 1 != odd else x, y)


BASE = with_y(4 * pow(5, -1, P) % P, 0)
T8 = next(t for t in (mul(L, q) for q in map(lambda y: with_y(y, 0), range(2, 99)) if q)
          if mul(4, t) != (0, 1))


def encode(a):
    return (a[1] | (a[0] & 1) << 255).to_bytes(32, "little")


def other_encodings(a):
    """What decoders that do not check also take for a: y + p, and the sign bit on x = 0."""
    signs = [0, 1] if a[0] == 0 else [a[0] & 1]
    ys = [y for y in (a[1], a[1] + P) if y < 2**255]
    every = [(y | s << 255).to_bytes(32, "little") for y in ys for s in signs]
    return [e for e in every if e != encode(a)]


def challenge(r, a, msg):
    return int.from_bytes(hashlib.sha512(r + a + msg).digest(), "little") % L


def secret(*what):
    return int.from_bytes(hashlib.sha512(repr(what).encode()).digest(), "little") % L


def s_bytes(s):
    return s.to_bytes(32, "little")


def rfc8032_cases():
    for name, seed, msg in [
            ("RFC 8032 TEST 1", "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", ""),
            ("RFC 8032 TEST 2", "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", "72"),
            ("RFC 8032 TEST 3", "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7", "af82")]:
        h, m = hashlib.sha512(bytes.fromhex(seed)).digest(), bytes.fromhex(msg)
        a = int.from_bytes(h[:32], "little") & (1 << 254) - 8 | 1 << 254
        r = int.from_bytes(hashlib.sha512(h[32:] + m).digest(), "little") % L
        pub, big_r = encode(mul(a, BASE)), encode(mul(r, BASE))
        s = (r + challenge(big_r, pub, m) * a) % L
        yield name, pub, m, big_r + s_bytes(s), True
        if name.endswith("3"):
            yield "S + L", pub, m, big_r + s_bytes(s + L), False
            for times in range(2, 16):
                if s + times * L < 2**256:
                    yield f"S + {times} L", pub, m, big_r + s_bytes(s + times * L), False
            yield "L - S", pub, m, big_r + s_bytes(L - s), False
            yield "S = L", pub, m, big_r + s_bytes(L), False
            yield "S = 0", pub, m, big_r + s_bytes(0), False
            yield "R = 0", pub, m, bytes(32) + s_bytes(s), False
            yield "all zero", pub, m, bytes(64), False
            yield "all ones", pub, m, b"\xff" * 64, False
            yield "other message", pub, m + b"\0", big_r + s_bytes(s), False
            yield "empty message", pub, b"", big_r + s_bytes(s), False
            for bit in (0, 100, 255, 256, 400, 507, 508, 511):
                yield f"bit {bit} flipped", pub, m, flip(big_r + s_bytes(s), bit), False
            yield "sign of A flipped", flip(pub, 255), m, big_r + s_bytes(s), False
            yield "A is no point", next(made("A", i) for i in range(99) if with_y(
                int.from_bytes(made("A", i), "little") % 2**255 % P, 0) is None), m, big_r + s_bytes(s), False


def torsion_cases():
    """A = aB + tA T8, R = rB + tR T8, S = r + ka: the equation holds iff 8 divides tR + k tA."""
    for a in (0, secret("a")):
        for r in (0, secret("r")):
            for ta in (0, 1, 2, 4, 7):
                for tr in (0, 1, 2, 4):
                    pub = encode(add(mul(a, BASE), mul(ta, T8)))
                    big_r = encode(add(mul(r, BASE), mul(tr, T8)))
                    seen = set()
                    for i in range(64):
                        msg = bytes([i])
                        k = challenge(big_r, pub, msg)
                        residue = (tr + k * ta) % 8 != 0
                        if residue in seen:
                            continue
                        seen.add(residue)
                        flags = [f for f, on in (("A of small order", a == 0), ("R of small order", r == 0),
                                                 ("torsion in A", a and ta), ("torsion in R", r and tr),
                                                 ("residue", residue)) if on]
                        yield (", ".join(flags) or "plain", pub, msg, big_r + s_bytes((r + k * a) % L),
                               a != 0 and r != 0 and not residue)


def non_canonical_cases():
    """Every other encoding of a small-order point, as A and as R; the hash takes the bytes as sent."""
    a, r = secret("a"), secret("r")
    for t in range(8):
        point = mul(t, T8)
        for e in other_encodings(point):
            good_r = encode(mul(r, BASE))
            yield "A not canonical", e, b"", good_r + s_bytes(r), False
            pub = encode(mul(a, BASE))
            yield "R not canonical", pub, b"", e + s_bytes(challenge(e, pub, b"") * a % L), False


# --- files ---

def verdict(ok):
    return "ok" if ok else "bad"


def line_of_proof(proof):
    return ",".join(h.hex() for h in proof) or "-"


def write(name, head, lines):
    text = f"# {head}\n# Made by make_trust.py; do not edit.\n" + "".join(line + "\n" for line in lines)
    (HERE / name).write_text(text)


def main():
    write("merkle_inclusion.txt", "leaf-hash index size root proof ok|bad # what was done to it",
          (f"{leaf.hex()} {i} {n} {root.hex()} {line_of_proof(p)} "
           f"{verdict(inclusion_holds(leaf, i, n, root, p))} # {name}"
           for name, leaf, i, n, root, p in inclusion_cases()))
    write("merkle_consistency.txt", "size1 size2 root1 root2 proof ok|bad # what was done to it",
          (f"{m} {n} {r1.hex()} {r2.hex()} {line_of_proof(p)} {verdict(consistency_holds(m, n, r1, r2, p))} # {name}"
           for name, m, n, r1, r2, p in consistency_cases()))
    write("ed25519.txt", "public-key message signature ok|bad # what is special",
          (f"{pub.hex()} {msg.hex() or '-'} {sig.hex()} {verdict(ok)} # {name}"
           for cases in (rfc8032_cases, torsion_cases, non_canonical_cases)
           for name, pub, msg, sig, ok in cases()))


if __name__ == "__main__":
    main()
