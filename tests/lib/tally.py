"""Counting for checks written in Python; the bash twin is tally.sh."""

import os
import signal
import sys
import time
import traceback


class NotPermitted(Exception):
    """This machine does not let the check do what it must: skipped, loudly."""


class Tally:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def check(self, name, problems):
        """problems: what is wrong, as lines; none of them means the check passed."""
        problems = list(problems)
        if problems:
            self.failed += 1
            print(f"FAILED  {name}")
            for line in problems:
                print(f"        {line}")
        else:
            self.passed += 1
            print(f"ok      {name}")
        sys.stdout.flush()

    def self_test(self, name, problems):
        """The check was fed something bad: it must have found it."""
        self.check(f"self-test: {name}", [] if list(problems) else ["nothing was found"])

    def skip(self, name, why):
        self.skipped += 1
        print(f"SKIPPED {name}: {why}")

    def end(self):
        if self.passed + self.failed + self.skipped == 0:
            self.check("something was run", ["no check was run"])
        last = f"{self.passed} passed, {self.failed} failed"
        print(last + (f", {self.skipped} skipped" if self.skipped else ""))
        sys.exit(1 if self.failed else 0)


def run_scenarios(*functions):
    """Each function is one check, named by its own name; ends the process. When the runner's limit
    is over, what a scenario started is still cleaned up."""
    tally = Tally()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(124))
    for function in functions:
        name = function.__name__.replace("_", " ")
        started = time.monotonic()
        try:
            function()
            tally.check(f"{name} ({time.monotonic() - started:.1f} s)", [])
        except NotPermitted as why:
            tally.skip(name, why)
        except Exception:
            tally.check(name, traceback.format_exc().splitlines())
    tally.end()


def source_files(*suffixes, folders=("proto", "daemon", "client", "tests")):
    """Paths from the root of the tree, sorted."""
    found = []
    for folder in folders:
        for where, _, names in os.walk(folder):
            found += [os.path.join(where, n) for n in names if n.endswith(suffixes)]
    return sorted(found)
