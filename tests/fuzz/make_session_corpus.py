#!/usr/bin/python3
"""Makes tests/fuzz/corpus/core_session: runs that a fuzzer finds slowly, as fz_core_session.c reads them.
What fuzzing found since stands beside them under a hash. Usage: tests/fuzz/make_session_corpus.py"""

import os

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus", "core_session")
OFFICE, JIANGSU = 0, 1


def op(number, side=0, *operands):
    return bytes([number << 1 | side, *operands])


def deliver(side):
    return op(2, side)


def write(side, what, named=0):
    return op(9, side, what, named)


TALK = (deliver(OFFICE) + deliver(JIANGSU)) * 3
WAIT = op(12, 0, 200)
SYNC = TALK + WAIT + TALK
PLAN = write(OFFICE, 0)
REPORT = write(JIANGSU, 0x51)
GREET = op(18, OFFICE) + op(18, JIANGSU)
HEAD, COSIGNATURE, EVIDENCE, LEAVES = 4, 5, 6, 7


def lie(side, what, *operands, how=0, branch=0):
    return op(19, side, how, what, branch, *operands)


def show(side, branch=0, to=255):
    """All leaves of a branch, as they are: to is taken modulo their number, so it is tried in turn."""
    return b"".join(lie(side, LEAVES, to - i, 0, 0, branch=branch) for i in range(4))


def liar_note(branch=0):
    return op(22, 0, branch, 0, 0, 0, 0, 2)


def liar_report(branch=0):
    return op(22, 0, branch, 0, 0, 1, 2, 1, 40, 0)


RUNS = {
    "plan_and_report": SYNC + PLAN + SYNC + REPORT + SYNC,
    "both_sides_of_a_cut": SYNC + op(8, 0) + op(8, 1) + PLAN + REPORT + write(JIANGSU, 2) + op(7) + SYNC,
    "operators": PLAN + op(11, JIANGSU, 1, 0) + op(11, JIANGSU, 2, 3) + REPORT + SYNC,
    "restarts": PLAN + TALK + op(15, OFFICE) + op(15, JIANGSU) + op(7) + SYNC + REPORT + SYNC,
    "clocks": op(14, 0, 100) + PLAN + SYNC + op(14, 1, 156) + REPORT + SYNC,
    "silence": SYNC + op(13, 0, 20) + TALK + op(13, 0, 60) + TALK,
    "reordered": PLAN + REPORT + op(3, 0, 2) + op(3, 1, 1) + op(6, 0, 2) + op(6, 1, 4) + TALK,
    "changed": op(4, 0, 0, 5, 1) + op(7) + PLAN + op(4, 1, 0, 40, 128) + op(5, 0, 0, 3, 2) + op(5, 1, 0, 0, 8),
    "replayed": SYNC + PLAN + TALK + op(16, 0, 0) + op(16, 1, 0) + TALK + op(16, 0, 1),
    "injected": SYNC + op(17, 0, 0, 4, 0x4A, 2, 8, 1) + op(17, 1, 0, 4, 0x4A, 2, 8, 1) + TALK,
    "liar_logs": GREET + PLAN + liar_note() + liar_report() + show(OFFICE) + SYNC,
    "liar_forks": GREET + liar_note() + op(29, 0, 0) + liar_note(0) + liar_report(1) + show(OFFICE, 0) +
                  show(JIANGSU, 1) + SYNC,
    "liar_epochs": GREET + liar_note() + op(29, 0, 1, 4) + liar_note(2) + show(OFFICE, 2) + show(JIANGSU, 0) + SYNC,
    "liar_twists": GREET + liar_note() + op(26, 0, 0, 2, 0, 0, 30, 1) + op(28, 0, 0, 5, 1, 4, 1) +
                   op(25, 0, 0, 1, 1, 2) + show(OFFICE) + SYNC,
    "liar_heads": GREET + lie(OFFICE, HEAD, 250) + lie(JIANGSU, HEAD, 201) + lie(OFFICE, HEAD, 1, how=1) + SYNC,
    "liar_in_anothers_name": SYNC + liar_note() + b"".join(
        lie(side, LEAVES, i, 0, 0, how=1) for side in (0, 1) for i in range(3)) + SYNC,
    "liar_digests": GREET + PLAN + SYNC + lie(OFFICE, 1, 3, 1, 1) + lie(JIANGSU, 1, 3, 1, 0, how=1) + SYNC,
    "liar_cosigns": GREET + PLAN + SYNC + lie(OFFICE, COSIGNATURE, 1, 9) + lie(JIANGSU, COSIGNATURE, 1, 9) +
                    lie(OFFICE, COSIGNATURE, 3, 9) + lie(JIANGSU, COSIGNATURE, 0, 1, 9) + SYNC,
    "liar_proves": GREET + liar_note() + op(29, 0, 0) + liar_note(0) + liar_report(1) + show(OFFICE, 0) +
                   lie(OFFICE, EVIDENCE, 1, 3, 3) + lie(JIANGSU, EVIDENCE, 1, 3, 3) + lie(OFFICE, EVIDENCE, 4, 1, 2) + SYNC,
    "liar_names_what_is_not_here": GREET + PLAN + op(22, 0, 0, 0, 0, 2, 0x12, 1, 9, 0, 0) + show(JIANGSU) + SYNC,
}

os.makedirs(FOLDER, exist_ok=True)
for name, run in RUNS.items():
    with open(os.path.join(FOLDER, name), "wb") as f:
        f.write(run)
