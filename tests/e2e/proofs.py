"""Proofs: what a node hands out convinces somebody who has two files and the public keys, and nothing
that was changed does."""

import base64
import os

from cluster import DELTACTL, Cluster, run
from tally import run_scenarios

EXIT_INPUT, EXIT_NOT_FOUND, EXIT_VERIFY, EXIT_TIMEOUT, EXIT_PARTLY = 2, 5, 7, 8, 9


def verify(path, policy):
    return run(DELTACTL, "--lang=en", "verify", path, "--policy", policy, check=False)


def reported(c, progress="40"):
    """A proof of a report of Jiangsu's, and a policy that asks for no cosignatures."""
    jiangsu = c["jiangsu"]
    jiangsu.post("report", "3-05", "--status", "in_progress", "--progress", progress)
    path = os.path.join(c.folder, f"proof-{progress}")
    policy = os.path.join(c.folder, f"policy-{progress}")
    taken = jiangsu.ctl("proof", "3-05", "report", "-o", path, check=False)
    jiangsu.ctl("policy", "jiangsu", "--final", "0", "-o", policy)
    return path, policy, taken


def alone():
    """Jiangsu with the office's plan, everybody else away: nothing there is final."""
    c = Cluster(("office", "jiangsu", "anhui"))
    return c


def prepare(c):
    c.start("office", "jiangsu")
    c.install("office", "jiangsu")
    c.load_tasks("3-05")
    c.wait_converged("office", "jiangsu")


def replaced(path, old, new):
    with open(path, "rb") as f:
        data = f.read()
    assert old in data, old
    out = path + ".changed"
    with open(out, "wb") as f:
        f.write(data.replace(old, new, 1))
    with open(path + ".operator", "rb") as f, open(out + ".operator", "wb") as g:
        g.write(f.read())
    return out


def extra_of(path):
    with open(path, encoding="utf-8") as f:
        return f.read().splitlines()[1].removeprefix("extra ")


def a_proof_convinces_whoever_has_the_policy():
    with alone() as c:
        prepare(c)
        c["office"].kill()
        path, policy, taken = reported(c)
        assert taken.returncode == EXIT_PARTLY and "NOT FINAL" in taken.stderr, taken
        shown = run(DELTACTL, "--lang=en", "--json", "verify", path, "--policy", policy)
        assert '"task":"3-05"' in shown.stdout.replace(" ", ""), shown.stdout
        assert '"operator":"测试"' in shown.stdout.replace(" ", ""), shown.stdout
        strict = os.path.join(c.folder, "strict")
        c["jiangsu"].ctl("policy", "jiangsu", "-o", strict)
        refused = verify(path, strict)
        assert refused.returncode == EXIT_VERIFY and "quorum" in refused.stderr, refused


def a_proof_that_was_changed_convinces_nobody():
    with alone() as c:
        prepare(c)
        path, policy, _ = reported(c)
        other, other_policy, _ = reported(c, "60")
        office = os.path.join(c.folder, "office-policy")
        c["office"].ctl("policy", "office", "--final", "0", "-o", office)
        leaf = base64.b64decode(extra_of(path))
        lie = base64.b64encode(leaf.replace(b"\x10\x28", b"\x10\x63")).decode()
        assert lie != extra_of(path)
        for old, new, why in (
                (extra_of(path).encode(), lie.encode(), "does not stand"),
                (extra_of(path).encode(), extra_of(other).encode(), "does not stand"),
                (b"\nindex 2\n", b"\nindex 1\n", "does not stand"),
                ("— ".encode(), "— x".encode(), "no log of the policy")):
            done = verify(replaced(path, old, new), policy)
            assert done.returncode == EXIT_VERIFY and why in done.stderr, (why, done)
        done = verify(path, office)
        assert done.returncode == EXIT_VERIFY, done
        os.unlink(other + ".operator")
        assert verify(other, other_policy).returncode == EXIT_NOT_FOUND
        os.rename(path + ".operator", other + ".operator")
        assert verify(other, other_policy).returncode == 0
        with open(path + ".operator", "wb") as f, open(path, "rb") as g:
            f.write(g.read())
        done = verify(path, policy)
        assert done.returncode == EXIT_VERIFY and "before the change" in done.stderr, done


def a_proof_waits_until_it_is_final():
    with alone() as c:
        prepare(c)
        jiangsu = c["jiangsu"]
        c["office"].kill()
        jiangsu.post("report", "3-05", "--status", "in_progress", "--progress", "40")
        out, policy = os.path.join(c.folder, "out"), os.path.join(c.folder, "policy")
        done = jiangsu.ctl("proof", "3-05", "report", "--wait", "--timeout", "300ms", "-o", out, check=False)
        assert done.returncode == EXIT_TIMEOUT and "NOT FINAL" in done.stderr, done
        c["office"].process = None
        c["office"].start()
        jiangsu.ctl("proof", "3-05", "report", "--wait", "--timeout", "60s", "-o", out + "2")
        jiangsu.ctl("policy", "jiangsu", "-o", policy)
        assert verify(out + "2", policy).returncode == 0
        assert verify(out, policy).returncode == EXIT_VERIFY


def what_is_no_value_is_not_proved():
    with alone() as c:
        prepare(c)
        jiangsu = c["jiangsu"]
        out = os.path.join(c.folder, "none")
        assert jiangsu.ctl("proof", "3-06", "-o", out, check=False).returncode == EXIT_NOT_FOUND
        assert jiangsu.ctl("proof", "3-05", check=False).returncode == EXIT_INPUT
        jiangsu.post("note", "3-05", "一")
        jiangsu.post("note", "3-05", "二")
        done = jiangsu.ctl("proof", "3-05", "-o", out, check=False)
        assert done.returncode == EXIT_INPUT and "3 values" in done.stderr, done
        assert not os.path.exists(out)
        change = jiangsu.values("3-05", "note")[0]["change"]
        done = jiangsu.ctl("proof", "3-05", "--change", change[:12], "-o", out, check=False)
        assert done.returncode in (0, EXIT_PARTLY) and os.path.exists(out), done
        again = jiangsu.ctl("proof", "3-05", "--change", change, "-o", out, check=False)
        assert again.returncode == 6, again
        done = jiangsu.ctl("policy", "nobody", "-o", out + "2", check=False)
        assert done.returncode == EXIT_NOT_FOUND, done


run_scenarios(a_proof_convinces_whoever_has_the_policy, a_proof_that_was_changed_convinces_nobody,
              a_proof_waits_until_it_is_final, what_is_no_value_is_not_proved)
