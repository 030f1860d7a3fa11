"""What auditors verify with: deltactl verify, the scripts of client/verify in Python and JavaScript, and
openssl with sha256sum by hand. All must agree on what daemons hand out, and on what was changed."""

import os
import re
import shutil
import subprocess
import sys

from cluster import DELTACTL, Cluster, run
from tally import run_scenarios

HERE = "client/verify/"
VECTORS = "tests/vectors/ed25519.txt"


def tools():
    found = {"deltactl": [DELTACTL, "--lang=en", "verify"],
             "python": ["/usr/bin/python3", HERE + "verify.py", "proof"],
             "by hand": ["bash", HERE + "by_hand"]}
    if shutil.which("node"):
        found["node"] = ["node", HERE + "verify.mjs", "proof"]
    else:
        print("SKIPPED verify.mjs: there is no node on this machine")
    return found


def judge(tool, proof, policy):
    """Does this tool accept the proof? Its words."""
    command = tools()[tool]
    last = ["--policy", policy] if tool == "deltactl" else [policy]
    done = run(*command, proof, *last, check=False)
    assert done.returncode in (0, 1, 2, 7), (tool, done)
    return done.returncode == 0, done.stdout + done.stderr


def all_agree(proof, policy, want):
    for tool in tools():
        holds, said = judge(tool, proof, policy)
        assert holds == want, f"{tool} says {holds} of {proof}: {said}"


def every_length_of_the_verifiers_is_bounded():
    for name in ("verify.py", "verify.mjs"):
        with open(HERE + name, encoding="utf-8") as f:
            lines = f.read().split("\n")
        assert len(lines) <= 300 and max(map(len, lines)) <= 120, name
    with open(HERE + "verify.mjs", encoding="utf-8") as f:
        assert set(re.findall(r'from "([^"]+)"', f.read())) <= {"node:crypto", "node:fs", "node:url"}
    with open(HERE + "verify.py", encoding="utf-8") as f:
        assert set(re.findall(r"^import (\w+)$", f.read(), re.M)) == {"base64", "hashlib", "sys"}


PYTHON = """
import sys
sys.path.insert(0, "client/verify")
import verify
for line in sys.stdin:
    key, message, signature = (bytes.fromhex(x) for x in line.strip().split(","))
    print("ok" if verify.ed25519_verify(key, message, signature) else "bad")
"""
NODE = """
import { ed25519Verify } from "./client/verify/verify.mjs";
import { readFileSync } from "node:fs";
for (const line of readFileSync(0, "utf8").trim().split("\\n")) {
  const [key, message, signature] = line.split(",").map((x) => Buffer.from(x, "hex"));
  console.log(ed25519Verify(key, message, signature) ? "ok" : "bad");
}
"""


def signatures_are_judged_by_the_rule_of_the_nodes():
    cases = []
    with open(VECTORS, encoding="utf-8") as f:
        for line in f:
            if not line.startswith("#"):
                fields = [w if w != "-" else "" for w in line.split()[:4]]
                cases.append((",".join(fields[:3]), fields[3]))
    assert {word for _, word in cases} == {"ok", "bad"} and len(cases) > 100
    commands = [["/usr/bin/python3", "-B", "-c", PYTHON]]
    if shutil.which("node"):
        commands.append(["node", "--input-type=module", "-e", NODE])
    for command in commands:
        done = subprocess.run(command, input="\n".join(c for c, _ in cases) + "\n", text=True,
                              capture_output=True, check=True, timeout=60)
        said = done.stdout.split()
        wrong = [c for (c, word), s in zip(cases, said, strict=True) if s != word]
        assert not wrong, (command[0], wrong[:3])


def taken(c, slug, *field, final=None):
    """Proof and policy of a value in the log of slug."""
    proof, policy = os.path.join(c.folder, "proof"), os.path.join(c.folder, "policy")
    for old in (proof, proof + ".operator", policy):
        if os.path.exists(old):
            os.unlink(old)
    c[slug].ctl("proof", *field, "-o", proof, *([] if final is not None else ["--wait"]), check=final is None)
    c[slug].ctl("policy", slug, *([] if final is None else ["--final", str(final)]), "-o", policy)
    return proof, policy


def flipped(path, at):
    with open(path, "rb") as f:
        data = bytearray(f.read())
    data[at] ^= 1
    with open(path, "wb") as f:
        f.write(data)


def places_that_count(path):
    """Every so often a byte up to the end of the log's own signature."""
    with open(path, "rb") as f:
        data = f.read()
    end = data.index(b"\n", data.index("\n— ".encode()) + 1)
    return [*range(0, end, max(1, end // 6)), end - 4]


def what_a_node_hands_out_is_taken_and_what_was_changed_is_not():
    with Cluster(("office", "jiangsu", "anhui")) as c:
        c.up(plan=False)
        c.load_tasks("3-05", "3-06")
        c.wait_converged()
        c["jiangsu"].post("report", "3-05", "--status", "in_progress", "--progress", "40")
        proof, policy = taken(c, "jiangsu", "3-05", "report", final=0)
        all_agree(proof, policy, True)
        for file in (proof, proof + ".operator"):
            for at in places_that_count(file):
                flipped(file, at)
                all_agree(proof, policy, False)
                flipped(file, at)
        all_agree(proof, policy, True)
        other = os.path.join(c.folder, "other")
        c["office"].ctl("policy", "office", "--final", "0", "-o", other)
        all_agree(proof, other, False)
        with open(policy, encoding="utf-8") as f:
            text = f.read()
        for old, new in (("quorum none", "group others 2 yrd-test/office/cosign yrd-test/nobody/cosign\nquorum others"),
                         ("#deltad cluster ", "#deltad cluster 00"), ("/root+", "/toot+"), ("\nlog ", "\nlag ")):
            with open(policy, "w", encoding="utf-8") as f:
                f.write(text.replace(old, new))
            all_agree(proof, policy, False)


sys.stdout.reconfigure(line_buffering=True)
run_scenarios(every_length_of_the_verifiers_is_bounded, signatures_are_judged_by_the_rule_of_the_nodes,
              what_a_node_hands_out_is_taken_and_what_was_changed_is_not)
