"""Ctrl-C at every phase of deltactl (H75): SIGINT is put in by strace at the n-th system call of a
command. What it did not say it has done, the same command again does, once; and no half file has a
file's name."""

import collections
import os
import random
import re
import shutil
import subprocess
import time

from cluster import DELTACTL, Cluster
from tally import NotPermitted, run_scenarios

SECONDS = 40 if os.environ.get("TESTS_MODE") == "full" else 8
CALLS = ("openat,connect,write,writev,sendto,sendmsg,read,recvfrom,recvmsg,poll,fsync,fdatasync,"
         "rename,renameat,unlink,unlinkat,mkdir,close,flock,exit_group")
INTERRUPTED = -2


def need_strace():
    if not shutil.which("strace") or subprocess.run(
            ["strace", "-qq", "-e", "trace=none", "true"], capture_output=True, check=False).returncode:
        raise NotPermitted("strace or ptrace is not there")


def interrupted(argv, trace, fault, state):
    """How the command ended; strace stays out of its way (-D)."""
    more = ["-e", f"inject={fault}"] if fault else []
    return subprocess.run(["strace", "-D", "-qq", "-o", trace, "-e", f"trace={CALLS}", *more, *argv],
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=30, check=False,
                          env={**os.environ, "XDG_STATE_HOME": state})


def points_of(argv, trace, state):
    """Every such call of an undisturbed run."""
    assert interrupted(argv, trace, None, state).returncode == 0, argv
    with open(trace, encoding="utf-8", errors="replace") as f:
        calls = collections.Counter(re.findall(r"^(\w+)\(", f.read(), re.M))
    return [(call, n + 1) for call, count in calls.items() for n in range(count)]


def sweep(make, check, trace, state):
    """make(n): the n-th command; check(n): whether what it was to do is done, once."""
    chance = random.Random(seed := random.randrange(2**32))
    print(f"        seed {seed}", flush=True)
    left = points_of(make(0), trace, state)
    total, done, struck = len(left), 0, collections.Counter()
    chance.shuffle(left)
    end = time.monotonic() + SECONDS
    while left and time.monotonic() < end:
        call, n = left.pop()
        done += 1
        first = interrupted(make(done), trace, f"{call}:signal=INT:when={n}", state)
        status = first.returncode
        assert status in (0, INTERRUPTED), f"{call} {n}: exit {status}"
        struck[call] += status == INTERRUPTED
        if status == INTERRUPTED and not first.stdout:
            again = subprocess.run(make(done), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                   timeout=30, check=False, env={**os.environ, "XDG_STATE_HOME": state})
            problem = check(done, again)
            assert not problem, f"{call} {n}: {problem}\n{again.stdout}{again.stderr}"
    each = ", ".join(f"{call} {n}" for call, n in sorted(struck.items()) if n)
    print(f"        {done} of {total} points, interrupted at {sum(struck.values())} ({each})\n"
          f"ledger points_interrupt={sum(struck.values())}", flush=True)
    assert sum(struck.values()) > 0, "nothing was interrupted"


def a_post_that_is_interrupted_is_posted_once_by_the_same_command():
    need_strace()
    with Cluster(("jiangsu", "office")) as c:
        c.up(plan=False)
        c.load_tasks("1-01")
        c.wait_converged()
        node = c["jiangsu"]
        state = os.path.join(node.folder, "state")

        def make(n):
            return [DELTACTL, "--node", node.socket, "note", "1-01", f"note {n}", "--as",
                    os.path.join(node.folder, "operator.key")]

        def check(n, again):
            if again.returncode != 0:
                return f"exit {again.returncode} the second time"
            notes = [v["value"]["text"] for v in node.values("1-01", "note")]
            return None if notes.count(f"note {n}") == 1 else f"it is there {notes.count(f'note {n}')} times"

        sweep(make, check, os.path.join(c.folder, "trace"), state)


def a_key_that_is_interrupted_is_whole_or_not_there():
    need_strace()
    with Cluster(("jiangsu", "office")) as c:
        def path(n):
            return os.path.join(c.folder, f"{n}.key")

        def make(n):
            return [DELTACTL, "key", "init", "--operator", "测试", "--member", "jiangsu", "--no-passphrase",
                    "-o", path(n)]

        def check(n, again):
            """The second time it is made, or was there and is not touched."""
            shown = subprocess.run([DELTACTL, "key", "show", path(n)], capture_output=True, check=False)
            if shown.returncode != 0 or again.returncode not in (0, 6):
                return f"exit {again.returncode} the second time, show {shown.returncode}"
            return None

        sweep(make, check, os.path.join(c.folder, "trace"), os.path.join(c.folder, "state"))


run_scenarios(a_post_that_is_interrupted_is_posted_once_by_the_same_command,
              a_key_that_is_interrupted_is_whole_or_not_there)
