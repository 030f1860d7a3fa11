#!/usr/bin/python3
"""Writes the small inputs of corpus/wire_*: the lines of tests/vectors/gate that are no longer than
700 bytes, one of each kind of refusal, and frames and packets made here."""

import os
import re

HERE = os.path.dirname(os.path.abspath(__file__))
LEAF = ["leaf", "change", "delegate", "revoke", "area", "task", "report", "overall", "note"]
CTL = ["request", "reply"]


def write(target, name, data):
    folder = os.path.join(HERE, "corpus", target)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as f:
        f.write(data)


def name_of(table, why):
    return table + "_" + re.sub(r"[^a-z0-9]+", "_", why.lower()).strip("_")


def lines(name):
    with open(os.path.join(HERE, "..", "vectors", "gate", name), encoding="utf-8") as f:
        for line in f:
            if line.startswith("#"):
                continue
            table, data, why = line.rstrip("\n").split(" ", 2)
            yield table, b"" if data == "-" else bytes.fromhex(data), why[2:]


def add(table, data, why):
    if table in LEAF:
        write("wire_leaf", name_of(table, why), bytes([LEAF.index(table)]) + data)
    elif table in CTL:
        write("wire_ctl", name_of(table, why), bytes([CTL.index(table)]) + data)
    else:
        write("wire_message", name_of(table, why), data)


def packet(flags, data, pad=0):
    plain = bytes([flags]) + len(data).to_bytes(2, "big") + data
    plain += bytes([pad]) * (-len(plain) % 256)
    return len(plain).to_bytes(2, "big") + plain


for table, data, why in lines("accept.txt"):
    if len(data) <= 700:
        add(table, data, why)
for table, data, why in lines("reject.txt"):
    if len(data) <= 700 and why.startswith("H"):
        add(table, data, why)

write("wire_packet", "one", packet(2, b"abc"))
write("wire_packet", "two_in_one_envelope", packet(1, b"abc") + packet(2, b"de"))
write("wire_packet", "two_envelopes", packet(2, b"abc") + packet(2, b"de"))
write("wire_packet", "full_253", packet(2, b"x" * 253))
write("wire_packet", "padding_not_zero", packet(2, b"abc", 1))
write("wire_packet", "flags_3", packet(3, b"abc"))
write("wire_packet", "empty_data", packet(1, b""))
write("wire_packet", "n_beyond_the_end", b"\x01\x00\x02\xff\xff" + b"\0" * 253)
write("wire_packet", "h1_length_0", b"\0\0\0\0")
write("wire_packet", "h2_length_largest", b"\xff\xff\xff\xff")
write("wire_packet", "h8_garbage_after", packet(2, b"abc") + b"\xff\xff\xff")
write("wire_packet", "long_frame", b"\0\0\0\x03abc")
