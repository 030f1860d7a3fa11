"""The README's commands: the demo comes up, tells its story, and leaves nothing behind."""

import os
import re
import socket
import subprocess
import threading
import time

from cluster import DELTAD
from tally import run_scenarios


def free_range(n):
    """The first of n ports in a row that nobody listens on at the moment, and that no other run looks at
    now; below those that the kernel gives away by itself."""
    begin = os.getpid() % 200
    for first in (20000 + 50 * ((begin + i) % 200) for i in range(200)):
        sockets = []
        try:
            for port in range(first, first + n):
                s = socket.socket()
                sockets.append(s)
                s.bind(("127.0.0.1", port))
            return first
        except OSError:
            continue
        finally:
            for s in sockets:
                s.close()
    raise AssertionError("no free ports")


FOLDER = "build/demo-test"
ENVIRONMENT = {**os.environ, "DEMO_DIR": FOLDER, "DEMO_PORT": str(free_range(10)), "LANG": "C.UTF-8",
               "DELTACTL_LANG": "en"}


class Crowd(threading.Thread):
    """with Crowd() as crowd: …; then crowd.factor() is how many processes wanted each core meanwhile."""

    def __init__(self):
        super().__init__(daemon=True)
        self.over, self.seen = threading.Event(), []

    def run(self):
        while not self.over.wait(0.05):
            with open("/proc/loadavg", encoding="ascii") as f:
                self.seen.append(int(f.read().split()[3].split("/")[0]))

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join()

    def factor(self):
        return max(1.0, sum(self.seen) / max(1, len(self.seen)) / len(os.sched_getaffinity(0)))


def demo(name):
    started = time.monotonic()
    done = subprocess.run([f"conf/demo/{name}"], env=ENVIRONMENT, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=220, check=False)
    print(f"--- {name}, {time.monotonic() - started:.1f} s", done.stdout, done.stderr, sep="\n")
    assert done.returncode == 0, f"{name}: exit {done.returncode}"
    return done.stdout, time.monotonic() - started


def daemons():
    """Processes of ours whose configuration lies in the demo's folder."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                words = f.read().decode(errors="replace").split("\0")
        except OSError:
            continue
        if words[0].endswith(DELTAD) and any(w.startswith(os.path.abspath(FOLDER) + "/") for w in words):
            found.append(int(pid))
    return found


def alike(text):
    """Without what is new in every run: ids, times and the width they take."""
    text = re.sub(r"\b[0-9a-f]{8}\b", "ID", text)
    return re.sub(r" +", " ", re.sub(r"\d+ (s|min)\b", "TIME", text)).split("\n")


def assert_as_in_readme(shown, begins):
    with open("README.md", encoding="utf-8") as f:
        samples = [s for s in re.findall(r"```\n(.*?)```", f.read(), re.S) if s.startswith(begins)]
    lines = alike(shown)
    for sample in samples:
        missing = [x for x in alike(sample) if x not in lines and x != "..."]
        assert not missing, missing
    assert samples, begins


def up_tour_and_down_do_what_the_readme_says():
    try:
        shown, _ = demo("up")
        assert_as_in_readme(shown, "office$ deltactl status")
        assert "all 4 peers are connected and show the same view" in shown
        assert len(daemons()) == 5, daemons()
        shown, _ = demo("tour")
        assert_as_in_readme(shown.replace(FOLDER, "build/demo"), "== 5.")
        assert "2  delayed" in shown and "no conflicts" in shown
        assert "all 4 peers are connected and show the same view" in shown.rstrip().split("\n")[-3:]
    finally:
        demo("down")
    assert not daemons() and not os.path.exists(FOLDER)


def from_the_second_run_on_up_takes_less_than_10_s():
    try:
        for _ in range(2):
            with Crowd() as crowd:
                _, seconds = demo("up")
            assert seconds < 10 * crowd.factor(), (seconds, crowd.factor())
        demo("tour")
        demo("tour")
    finally:
        demo("down")
    demo("down")
    assert not daemons() and not os.path.exists(FOLDER)


run_scenarios(up_tour_and_down_do_what_the_readme_says, from_the_second_run_on_up_takes_less_than_10_s)
