"""The table of planted bugs, tests/sim/mutants.def, read."""

import re
from collections import namedtuple

TABLE = "tests/sim/mutants.def"

Mutant = namedtuple("Mutant", "id name where killer sentence")

PLANTED = re.compile(r'^PLANTED\((\d+), (\w+), "([^"]+)", "([^"]+)",\s+"([^"]+)"\)$', re.M)
NOT_BUILT = re.compile(r'^NOT_BUILT\((\w+), "([^"]+)"\)$', re.M)


def read_table():
    with open(TABLE, encoding="utf-8") as f:
        return f.read()


def planted(text=None):
    found = PLANTED.findall(text if text is not None else read_table())
    return [Mutant(int(number), *rest) for number, *rest in found]


def unplanted(text=None):
    return NOT_BUILT.findall(text if text is not None else read_table())
