#!/usr/bin/env python3
"""Makes policies.txt beside this file: policies (PROTOCOL 13.2; C2SP tlog-policy) that every verifier
reads, and such that every one refuses. The keys are made up, and sign nothing.
Deterministic: running it again must leave the file as it is."""
import base64
import hashlib
import pathlib

OK, BAD = "ok", "bad"


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def vkey(name, kind, n=0, size=32):
    raw = bytes([kind]) + sha(b"a key", bytes([kind, n]))[:size]
    id_ = sha(name.encode(), b"\n", raw)[:4].hex()
    return f"{name}+{id_}+{base64.b64encode(raw).decode()}"


ORIGIN = "c/jiangsu/1-00000000"
LOG = f"log {vkey(ORIGIN, 1)}\n"
WITNESSES = "".join(f"witness w{n} {vkey(f'c/w{n}/cosign', 4, n)}\n" for n in range(3))
KEYS = LOG + WITNESSES
CLUSTER = f"#deltad cluster {'0a' * 32}\n"
ROOT = f"#deltad root {vkey('c/jiangsu/root', 1, 1)}\n"
EARLIER = f"#deltad log {vkey('c/jiangsu/1-11111111', 1, 2)}\n"
NONE = "quorum none\n"
ONE = vkey("c/one/cosign", 4, 9)

CASES = [
    (OK, "as deltactl writes it", f"# heads\n{CLUSTER}{ROOT}{EARLIER}{KEYS}group others 2 w0 w1 w2\nquorum others\n"),
    (OK, "tabs, URLs, comments, empty lines", f"# a\n\n \t \n\t#b\n{LOG[:-1]} https://x/\n\twitness  a\t{ONE} u \n quorum\ta \n"),
    (OK, "no log", NONE),
    (OK, "a witness alone", f"{KEYS}quorum w0\n"),
    (OK, "groups of groups", f"{KEYS}group a any w0 w1\ngroup b all a w2\nquorum b\n"),
    (OK, "a group that does not count", f"{KEYS}group a 2 w0 w1\nquorum w2\n"),
    (OK, "names that are not ASCII", f"witness 上海 {ONE}\ngroup 组 1 上海\nquorum 组\n"),
    (OK, "a fact that is not at the beginning of its line is a comment", f" #deltad root x\n\t#deltad cluster\n{NONE}"),
    (OK, "a fact after a tab is a comment", f"#deltad\troot x\n{NONE}"),
    (OK, "a fact of another kind", f"#deltad tree x\n#deltad\n#deltadroot x\n{NONE}"),
    (OK, "words after a fact", f"{ROOT[:-1]} and more\n{NONE}"),
    (OK, "a root key twice", f"{ROOT}{ROOT}{NONE}"),
    (BAD, "empty", ""),
    (BAD, "no quorum", KEYS),
    (BAD, "no end of the line", "quorum none"),
    (BAD, "no end of the last line", f"{NONE}# a"),
    (BAD, "a second quorum", NONE + NONE),
    (BAD, "a second quorum that is another", f"{KEYS}quorum w0\nquorum w1\n"),
    (BAD, "a quorum of nobody", "quorum nobody\n"),
    (BAD, "a quorum of nothing", "quorum\n"),
    (BAD, "a quorum of two names", f"{KEYS}quorum w0 w1\n"),
    (BAD, "a quorum before its group", f"{KEYS}quorum a\ngroup a any w0\n"),
    (BAD, "a quorum that is a log", f"{LOG}quorum {ORIGIN}\n"),
    (BAD, "a line of another kind", f"tree 1\n{NONE}"),
    (BAD, "a word in capitals", f"QUORUM none\n{NONE}"),
    (BAD, "a carriage return", "quorum none\r\n"),
    (BAD, "a carriage return alone", f"# a\r{NONE}{NONE}"),
    (BAD, "a form feed", f"\f{NONE}"),
    (BAD, "a control character in a comment", f"# \x01\n{NONE}"),
    (BAD, "a zero", f"# \0\n{NONE}"),
    (BAD, "DEL", f"\x7f\n{NONE}"),
    (BAD, "a space that is not ASCII parts no words", f"witness a\u00a0{ONE}\n{NONE}"),
    (BAD, "a log without a key", f"log\n{NONE}"),
    (BAD, "a log's key that is none", f"log x\n{NONE}"),
    (BAD, "a log twice", f"{LOG}{LOG}{NONE}"),
    (BAD, "a log's key under two names", f"{LOG}log {vkey('another', 1)}\n{NONE}"),
    (BAD, "a log with two URLs", f"{LOG[:-1]} a b\n{NONE}"),
    (BAD, "a log's key of a witness's type", f"log {vkey(ORIGIN, 4)}\n{NONE}"),
    (BAD, "a key of another type", f"log {vkey(ORIGIN, 2)}\n{NONE}"),
    (BAD, "a key that is too short", f"log {vkey(ORIGIN, 1, 0, 31)}\n{NONE}"),
    (BAD, "a key without its name", f"log {vkey('', 1)}\n{NONE}"),
    (BAD, "a key whose name has a space that is not ASCII", f"log {vkey('a' + chr(0x3000) + 'b', 1)}\n{NONE}"),
    (BAD, "a key's id in capitals", LOG.replace(vkey(ORIGIN, 1)[21:29], vkey(ORIGIN, 1)[21:29].upper()) + NONE),
    (BAD, "a key's id of another name", LOG.replace("jiangsu", "anhui") + NONE),
    (BAD, "a key that is no base64", f"{LOG[:-2]}*\n{NONE}"),
    (BAD, "a key without its padding", f"log {vkey(ORIGIN, 1)}=\n{NONE}"),
    (BAD, "a witness without a name", f"witness\n{NONE}"),
    (BAD, "a witness without a key", f"witness a\n{NONE}"),
    (BAD, "a witness called none", f"witness none {ONE}\n{NONE}"),
    (BAD, "a witness's name twice", f"{WITNESSES}witness w0 {ONE}\n{NONE}"),
    (BAD, "a witness's key twice", f"witness a {ONE}\nwitness b {ONE}\n{NONE}"),
    (BAD, "a witness's key twice under two names", f"witness a {ONE}\nwitness b {vkey('other', 4, 9)}\n{NONE}"),
    (BAD, "a witness with two URLs", f"witness a {ONE} b c\n{NONE}"),
    (BAD, "a witness's key of a log's type", f"witness a {vkey('c/a/cosign', 1)}\n{NONE}"),
    (BAD, "a group without a name", f"{KEYS}group\n{NONE}"),
    (BAD, "a group without a number", f"{KEYS}group g\n{NONE}"),
    (BAD, "a group of nobody", f"{KEYS}group g all\n{NONE}"),
    (BAD, "a group of any of nobody", f"{KEYS}group g any\n{NONE}"),
    (BAD, "a group that needs none", f"{KEYS}group g 0 w0\n{NONE}"),
    (BAD, "a group that needs more than it has", f"{KEYS}group g 2 w0\n{NONE}"),
    (BAD, "a group that needs 01", f"{KEYS}group g 01 w0\n{NONE}"),
    (BAD, "a group that needs +1", f"{KEYS}group g +1 w0\n{NONE}"),
    (BAD, "a group that needs another digit's one", f"{KEYS}group g \u0661 w0\n{NONE}"),
    (BAD, "a group of somebody who is not there", f"{KEYS}group g any w9\n{NONE}"),
    (BAD, "a group of none", f"{KEYS}group g any none\n{NONE}"),
    (BAD, "a group of itself", f"{KEYS}group g any g\n{NONE}"),
    (BAD, "a group of somebody who comes after it", f"group g any w0\n{KEYS}{NONE}"),
    (BAD, "a group with somebody twice", f"{KEYS}group g 1 w0 w0\n{NONE}"),
    (BAD, "somebody in two groups", f"{KEYS}group a any w0\ngroup b any w0 w1\n{NONE}"),
    (BAD, "a group with a witness's name", f"{KEYS}group w0 any w1\n{NONE}"),
    (BAD, "a group's name twice", f"{KEYS}group a any w0\ngroup a any w1\n{NONE}"),
    (BAD, "a group called none", f"{KEYS}group none any w0\n{NONE}"),
    (BAD, "a cluster that is too short", f"#deltad cluster 00\n{NONE}"),
    (BAD, "a cluster in capitals", f"#deltad cluster {'0A' * 32}\n{NONE}"),
    (BAD, "a cluster that is missing", f"#deltad cluster\n{NONE}"),
    (BAD, "a cluster twice", CLUSTER + CLUSTER + NONE),
    (BAD, "a root key that is none", f"#deltad root x\n{NONE}"),
    (BAD, "a root key that is missing", f"#deltad root\n{NONE}"),
    (BAD, "a root key of a witness's type", f"#deltad root {vkey('c/jiangsu/root', 4)}\n{NONE}"),
    (BAD, "an earlier log's key of a witness's type", f"#deltad log {vkey('c/jiangsu/1-11111111', 4)}\n{NONE}"),
]


def main():
    lines = [f"{text.encode().hex() or '-'} {word} # {what}\n" for word, what, text in CASES]
    head = "# A policy in hex, whether every verifier reads it, and what it is.\n# Made by make_policies.py; do not edit.\n"
    pathlib.Path(__file__).with_name("policies.txt").write_text(head + "".join(lines), encoding="utf-8")


main()
