"""Sends that fail: the n-th one of a session is reset, for every n that a session has; and a
network that takes three bytes at a time."""

import os
import re

from cluster import BUILD
from sweep import Sweep
from tally import run_scenarios

SECONDS = 90 if os.environ.get("TESTS_MODE") == "full" else 14
SHIM = os.path.abspath(os.path.join(BUILD, "tests/e2e/fail_send.so"))
SAID = re.compile(r"^fail_send: (\d+) sends, (\d+) failed$", re.M)


def session(lane, value):
    """How many sends there were, and how many failed."""
    status = lane.session("env", f"LD_PRELOAD={SHIM}", f"FAIL_SEND={value}")
    assert status == 0, f"exit {status}"
    said = SAID.findall(lane.node.tail())[-1]
    lane.settle()
    return int(said[0]), int(said[1])


def list_sends(lane):
    return [("reset", n) for n in range(1, session(lane, 0)[0] + 1)]


def a_send_that_fails_loses_nothing():
    Sweep(SECONDS).run(list_sends, lambda lane, point: session(lane, point[1])[1] > 0)


def three_bytes_at_a_time_are_enough():
    sweep = Sweep(SECONDS)
    sweep.run(lambda _: [("three bytes", -3)], lambda lane, point: session(lane, point[1])[1] > 0)
    assert sweep.figures.covered["three bytes"] == 1


run_scenarios(a_send_that_fails_loses_nothing, three_bytes_at_a_time_are_enough)
