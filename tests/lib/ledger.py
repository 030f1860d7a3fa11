#!/usr/bin/python3
"""The table at the end of a run: what was done, in one place. Any step may print lines
`ledger key=number key=number …` (at the beginning of a line of its output); this adds them up, or
takes the largest. A row without a figure says "not run", which is a failure where the row is
required; so is a key that no row knows.
Usage: tests/lib/ledger.py MODE FOLDER_OF_LOGS      (MODE: quick, normal or full)"""

import collections
import glob
import os
import re
import sys

LINE = re.compile(r"^ledger((?: \w+=[0-9]+(?:\.[0-9]+)?)+)$", re.M)
LIKE = re.compile(r"^ledger\b", re.M)
IMAGES = 20000  # a normal run opens at least so many
CORE = 90  # percent of its branches: the aim
QUICK, NORMAL, FULL = "quick", "normal", "full"

Row = collections.namedtuple("Row", "name sums maxima show modes")


def number(x):
    return f"{x:,.0f}"


def total(prefix):
    """Of all keys that begin so, with each."""
    def show(figures):
        parts = {k[len(prefix):]: v for k, v in figures.items() if k.startswith(prefix)}
        if not parts:
            return None
        each = ", ".join(f"{k} {number(v)}" for k, v in sorted(parts.items()))
        return number(sum(parts.values())) + (f" ({each})" if len(parts) > 1 else "")
    return show


def ratio(figures):
    hours, real = figures["sim_s"] / 3600, figures["sim_real_s"]
    return f"{hours:,.1f} hours of a cluster, {figures['sim_s'] / max(real, 1):,.0f} times as fast as time"


def percent(what):
    def show(figures):
        taken, all_of_them = figures[f"taken_{what}"], figures[f"branches_{what}"]
        return f"{100 * taken / max(all_of_them, 1):.1f} % of {number(all_of_them)}"
    return show


ROWS = [
    Row("seeds", ["seeds"], [], lambda f: number(f["seeds"]), (QUICK, NORMAL, FULL)),
    Row("simulated time", ["sim_s", "sim_real_s"], [], ratio, (QUICK, NORMAL, FULL)),
    Row("converged after a heal", [], ["heal_p50_s", "heal_p99_s"],
        lambda f: f"half within {f['heal_p50_s']:g} s, 99 % within {f['heal_p99_s']:g} s",
        (QUICK, NORMAL, FULL)),
    Row("mutants killed", ["mutants_killed", "mutants_planted"],
        ["mutant_seeds_p50", "mutant_seeds_max"],
        lambda f: f"{number(f['mutants_killed'])} of {number(f['mutants_planted'])}, by the simulator "
                  f"half within {f['mutant_seeds_p50']:g} seeds, all within {f['mutant_seeds_max']:g}",
        (NORMAL, FULL)),
    Row("crash images opened", ["images_.*"], [], total("images_"), (NORMAL, FULL)),
    Row("points swept", ["points_.*"], [], total("points_"), (NORMAL, FULL)),
    Row("fuzz executions", ["fuzz_executions", "fuzz_targets"], [],
        lambda f: f"{number(f['fuzz_executions'])} of {number(f['fuzz_targets'])} targets",
        (NORMAL, FULL)),
    Row("peak memory", [], ["daemon_kib", "heap_sim_mib"],
        lambda f: f"{f['daemon_kib'] / 1024:.1f} MiB of a daemon, {f['heap_sim_mib']:g} MiB of a "
                  "process that simulates", (QUICK, NORMAL, FULL)),
] + [Row(f"branches taken, {what}", [f"taken_{what}", f"branches_{what}"], [], percent(what),
         (NORMAL, FULL)) for what in ("core", "wire", "trust", "store")]


def rule_of(key):
    for row in ROWS:
        for fold, keys in ((lambda a, b: a + b, row.sums), (max, row.maxima)):
            if any(re.fullmatch(k, key) for k in keys):
                return fold
    return None


def read(text, figures):
    """Adds the lines of one log; yields what is wrong with them."""
    lines = LINE.findall(text)
    if len(lines) != len(LIKE.findall(text)):
        yield "a line that begins with `ledger` has another form"
    for line in lines:
        for word in line.split():
            key, _, value = word.partition("=")
            fold = rule_of(key)
            if fold is None:
                yield f"no row knows {key}"
                continue
            figures[key] = fold(figures[key], float(value)) if key in figures else float(value)


def show(row, figures):
    try:
        return row.show(figures)
    except KeyError:
        return None


def table(figures, mode):
    """(lines, what is wrong)"""
    lines, problems = [], []
    for row in ROWS:
        said = show(row, figures)
        lines.append(f"{row.name:24} {said or 'not run'}")
        if said is None and mode in row.modes:
            problems.append(f"{row.name}: not run")
    images = sum(v for k, v in figures.items() if k.startswith("images_"))
    if mode != QUICK and images < IMAGES:
        problems.append(f"{number(images)} crash images, at least {number(IMAGES)} are due")
    return lines, problems


def main(mode, folder):
    figures, problems = {}, []
    for path in sorted(glob.glob(os.path.join(folder, "*.log"))):
        with open(path, encoding="utf-8", errors="replace") as f:
            problems += [f"{os.path.basename(path)}: {p}" for p in read(f.read(), figures)]
    lines, missing = table(figures, mode)
    problems += missing
    print("\n".join(lines))
    for p in problems:
        print(f"FAILED  ledger: {p}")
    print(f"{len(lines) - len(missing)} passed, {len(problems)} failed")
    return 1 if problems else 0


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in (QUICK, NORMAL, FULL):
        sys.exit("usage: tests/lib/ledger.py quick|normal|full FOLDER_OF_LOGS")
    sys.exit(main(*sys.argv[1:]))
