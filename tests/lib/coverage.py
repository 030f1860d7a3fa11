#!/usr/bin/python3
"""Branches of core, wire, trust and store that the unit and contract tests, the corpora and some seeds
of the simulator take: builds with gcov's counters, runs them, and counts by folder. A line with
ENSURE is left out: it can only fail by a bug. With --missing, names the lines whose branches nothing
took. Usage: tests/lib/coverage.py [--missing FOLDER]"""

import collections
import glob
import json
import os
import subprocess
import sys

os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
sys.dont_write_bytecode = True
from tally import Tally  # noqa: E402

BUILD = "build/coverage"
SEEDS = "1..20"
LIBRARIES = {"core": "daemon/core", "wire": "proto/wire", "trust": "proto/trust", "store": "daemon/store"}
# These take long and reach nothing here that the others do not.
LONG = "^(test_store_power.*|sim_.*|client_.*)$"


def run(*argv):
    """What is wrong with it. Its output is no part of this step's: it has figures of its own."""
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
    return [] if done.returncode == 0 else [f"exit {done.returncode}", *done.stdout.splitlines()[-40:]]


def measure(tally):
    tally.check("the build with counters", run("cmake", "--preset", "coverage") or
                run("cmake", "--build", "--preset", "coverage"))
    for stale in glob.glob(f"{BUILD}/**/*.gcda", recursive=True):
        os.unlink(stale)
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else "/tmp"
    os.environ["TMPDIR"] = memory  # syncs prove nothing here
    tally.check("the tests with counters",
                run("ctest", "--test-dir", BUILD, "-j", "2", "-E", LONG, "--output-on-failure",
                    "--timeout", "600"))
    tally.check(f"seeds {SEEDS} with counters",
                run(f"{BUILD}/tests/sim/sim", "--seeds", SEEDS, "--jobs", "2"))


def branches_of(library):
    """(file, line) -> how often each branch was taken."""
    found = collections.defaultdict(list)
    counters = glob.glob(f"{BUILD}/CMakeFiles/{library}.dir/**/*.gcda", recursive=True)
    for path in counters:
        done = subprocess.run(["gcov", "--json-format", "--branch-counts", "--branch-probabilities",
                               "--stdout", path], capture_output=True, check=True)
        for text in done.stdout.splitlines():
            for source in json.loads(text)["files"]:
                name = os.path.relpath(os.path.join(os.getcwd(), source["file"]))
                if os.path.dirname(name) != LIBRARIES[library] or not name.endswith(".c"):
                    continue
                for line in source["lines"]:
                    found[name, line["line_number"]] += [b["count"] for b in line["branches"]]
    return found


def without_asserts(found):
    text = {}
    for name in {name for name, _ in found}:
        with open(name, encoding="utf-8") as f:
            text[name] = f.read().splitlines()
    return {(name, line): counts for (name, line), counts in found.items()
            if "ENSURE(" not in text[name][line - 1]}


def count(found):
    counts = [c for line in found.values() for c in line]
    return sum(c > 0 for c in counts), len(counts)


def print_missing(found):
    for (name, line), counts in sorted(found.items()):
        if not all(counts):
            print(f"{name}:{line}: {sum(c > 0 for c in counts)} of {len(counts)}")


def main():
    if sys.argv[1:2] == ["--missing"]:
        print_missing(without_asserts(branches_of(sys.argv[2])))
        return
    tally = Tally()
    measure(tally)
    for library in LIBRARIES:
        taken, total = count(without_asserts(branches_of(library)))
        print(f"        {library:6} {taken} of {total} branches taken, {100 * taken / max(total, 1):.1f} %")
        print(f"ledger taken_{library}={taken} branches_{library}={total}")
        tally.check(f"{library} has counters", [] if taken else ["nothing was counted"])
    tally.self_test("what nothing took is not counted as taken",
                    ["found"] if count({("x", 1): [3, 0]}) == (1, 2) else [])
    tally.end()


main()
