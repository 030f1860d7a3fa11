"""What auditors verify with: deltactl verify, the scripts of client/verify in Python and JavaScript, and
openssl with sha256sum by hand. All must agree on what daemons hand out, and on what was changed."""

import base64
import os
import re
import shutil
import subprocess
import sys
import tempfile

from bundle_file import EVIDENCE, HEAD, ROSTER, Bundle, Key, fields, head, num, rng, root_of, sha256
from cluster import DELTACTL, Cluster, run, wait_until
from tally import run_scenarios

HERE = "client/verify/"
VECTORS = "tests/vectors/"


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


def all_agree(proof, policy, want, what=""):
    for tool in tools():
        holds, said = judge(tool, proof, policy)
        assert holds == want, f"{tool} says {holds}, {what}: {said}"


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


PYTHON_POLICIES = """
import sys
sys.path.insert(0, "client/verify")
import verify
for line in sys.stdin:
    try:
        verify.policy_of(bytes.fromhex(line.strip()))
        print("ok")
    except (ValueError, LookupError, TypeError, AttributeError):
        print("bad")
"""
NODE_POLICIES = """
import { policyOf } from "./client/verify/verify.mjs";
import { readFileSync } from "node:fs";
for (const line of readFileSync(0, "utf8").slice(0, -1).split("\\n")) {
  try {
    policyOf(Buffer.from(line, "hex"));
    console.log("ok");
  } catch {
    console.log("bad");
  }
}
"""


def scripts_agree_with(vectors, n, least, python, node):
    """Lines of n fields and a word, which is what each of the scripts must say of them."""
    cases = []
    with open(VECTORS + vectors, encoding="utf-8") as f:
        for line in f:
            if not line.startswith("#"):
                fields = [w if w != "-" else "" for w in line.split()[:n + 1]]
                cases.append((",".join(fields[:n]), fields[n]))
    assert {word for _, word in cases} == {"ok", "bad"} and len(cases) > least
    commands = [["/usr/bin/python3", "-B", "-c", python]]
    if shutil.which("node"):
        commands.append(["node", "--input-type=module", "-e", node])
    for command in commands:
        done = subprocess.run(command, input="\n".join(c for c, _ in cases) + "\n", text=True,
                              capture_output=True, check=True, timeout=60)
        said = done.stdout.split()
        wrong = [c for (c, word), s in zip(cases, said, strict=True) if s != word]
        assert not wrong, (command[0], wrong[:3])


def signatures_are_judged_by_the_rule_of_the_nodes():
    scripts_agree_with("ed25519.txt", 3, 100, PYTHON, NODE)


def policies_are_read_by_the_rule_of_the_nodes():
    scripts_agree_with("policies.txt", 1, 70, PYTHON_POLICIES, NODE_POLICIES)


def taken(c, slug, *field):
    """A final proof of a value in the log of slug, and its policy."""
    proof, policy = os.path.join(c.folder, "proof"), os.path.join(c.folder, "policy")
    c[slug].ctl("proof", *field, "-o", proof, "--wait")
    c[slug].ctl("policy", slug, "-o", policy)
    return proof, policy


def reported(c):
    """The same of a report by jiangsu, in a cluster that begins with it."""
    c.up(plan=False)
    c.load_tasks("3-05", "3-06")
    c.wait_converged()
    c["jiangsu"].post("report", "3-05", "--status", "in_progress", "--progress", "40")
    return taken(c, "jiangsu", "3-05", "report")


def flipped(path, at):
    with open(path, "rb") as f:
        data = bytearray(f.read())
    data[at] ^= 1
    with open(path, "wb") as f:
        f.write(data)


def around(path, at):
    with open(path, "rb") as f:
        return f.read()[max(0, at - 8):at + 8]


def places_that_count(path):
    """Every so often a byte up to the end of the log's own signature, and each cosignature."""
    with open(path, "rb") as f:
        data = f.read()
    lines = [m.end() for m in re.finditer("— [^\n]*".encode(), data)]
    return [*range(0, lines[0], max(1, lines[0] // 3)), *(end - 20 for end in lines)]


def what_a_node_hands_out_is_taken_and_what_was_changed_is_not():
    with Cluster(("office", "jiangsu", "anhui")) as c:
        proof, policy = reported(c)
        all_agree(proof, policy, True)
        for file in (proof, proof + ".operator"):
            places = places_that_count(file)
            # Who cosigned the head over a delegation does not matter.
            for at in places if file == proof else places[:-2]:
                flipped(file, at)
                all_agree(proof, policy, False, f"byte {at} of {os.path.basename(file)}: {around(file, at)}")
                flipped(file, at)
        starred = proof + ".starred"
        shutil.copy(proof + ".operator", starred + ".operator")
        with open(proof, "rb") as f:
            data = f.read()
        for at in places_that_count(proof)[-2:]:  # a cosignature too many, but no base64
            with open(starred, "wb") as f:
                f.write(data[:at] + b"*" + data[at + 1:])
            all_agree(starred, policy, False, "a star in a cosignature")
        all_agree(proof, policy, True)
        other = os.path.join(c.folder, "other")
        c["office"].ctl("policy", "office", "--final", "0", "-o", other)
        all_agree(proof, other, False)
        with open(policy, encoding="utf-8") as f:
            text = f.read()
        for old, new in (("/anhui/cosign\nquorum", "/nobody/cosign\nquorum"), ("group others 1 ", "group others 3 "),
                         ("#deltad cluster ", "#deltad cluster 00"), ("/root+", "/toot+"), ("\nlog ", "\nlag ")):
            assert old in text, old
            with open(policy, "w", encoding="utf-8") as f:
                f.write(text.replace(old, new))
            all_agree(proof, policy, False, f"{old} became {new}")


def written_anew(text):
    """(name, does it hold, the same policy in other words)"""
    lines = text.split("\n")
    keys = [line.split(" ")[1:] for line in lines if line.startswith("witness ")]  # [name, vkey]
    rest = "\n".join(line for line in lines if line.split(" ")[0] not in ("witness", "group", "quorum"))
    witnesses = "".join(f"witness w{i} {vkey}\n" for i, (_, vkey) in enumerate(keys))
    assert len(keys) == 2 and lines[-1] == ""
    spaced = [re.sub("^(group|quorum) | ", "\t \\1\t ", n) + " \t" if n[:1] in ("g", "q") else
              n + "\t https://example.org/" if n[:1] in ("l", "w") else n for n in lines]
    yield "tabs, URLs, comments, empty lines", True, "\n \t# quorum nobody\n" + "\n".join(spaced)
    for quorum, holds in (("quorum none", True), ("quorum w0", True), ("group g any w0 w1\nquorum g", True),
                          ("group g all w0 w1\nquorum g", True), ("group g 2 w1 w0\nquorum g", True),
                          ("group a 1 w0\ngroup 上海 any w1\ngroup c all a 上海\nquorum c", True),
                          ("group g 0 w0\nquorum g", False), ("group g 3 w0 w1\nquorum g", False),
                          ("group g 2 w0 w0\nquorum g", False), ("group a 1 w0\ngroup b 2 a w0\nquorum b", False),
                          ("group g any nobody\nquorum g", False), ("group g any g\nquorum g", False),
                          ("quorum nobody", False), ("quorum none\nquorum none", False), ("", False)):
        yield quorum, holds, f"{rest}{witnesses}{quorum}\n"
    missing = f"witness w0 {keys[0][1]}\nwitness w1 c2sp.org/x+abcdef01+BA==\n"
    yield "a witness's key that is none", False, f"{rest}{missing}quorum w0\n"
    none = "\n".join(line for line in lines if not line.startswith("#deltad"))
    yield "without the lines of this project", False, none
    yield "of no log", False, "\n".join(line for line in lines if not line.startswith("log "))
    yield "a line of another kind", False, text + "tree 1\n"


def policies_in_other_words_mean_the_same():
    with Cluster(("office", "jiangsu", "anhui")) as c:
        proof, policy = reported(c)
        wait_until("all have cosigned", lambda: cosigned_by(c, proof) == 2)
        with open(policy, encoding="utf-8") as f:
            text = f.read()
        for name, holds, other in written_anew(text):
            with open(policy, "w", encoding="utf-8") as f:
                f.write(other)
            all_agree(proof, policy, holds, f"{name}: {other}")


def a_proof_under_a_new_log_key_rests_on_a_delegation_under_the_old_one():
    with Cluster(("office", "jiangsu", "anhui")) as c:
        c.up(plan=False)
        c.load_tasks("3-05", "3-06")
        c.wait_converged()
        node, path = c["jiangsu"], os.path.join(c.folder, "roster-2")
        node.ctl("key", "rotate", node.keys, "log")
        node.stop()
        node.start()
        c.wait_converged()
        c["office"].ctl("roster", "next", os.path.join(node.keys, "member.pub.next"), "-o", path)
        for key in (os.path.join(node.keys, "log.key.next"), *(os.path.join(n.keys, "root.key") for n in c)):
            run(DELTACTL, "roster", "sign", path, "--key", key, "--after", c.roster, "--yes")
        c["office"].ctl("roster", "install", path)
        wait_until("it is in force", lambda: all(n.status()["roster_version"] == 2 for n in c))
        c.wait_converged()
        node.post("report", "3-05", "--status", "in_progress", "--progress", "40")
        proof, policy = taken(c, "jiangsu", "3-05", "report")
        all_agree(proof, policy, True)
        with open(policy, encoding="utf-8") as f:
            text = f.read()
        for other in (re.sub("#deltad log .*\n", "", text), text.replace("#deltad log ", "#deltad lag ")):
            assert other != text
            with open(policy, "w", encoding="utf-8") as f:
                f.write(other)
            all_agree(proof, policy, False, "a policy that does not name the earlier key")


def cosigned_by(c, proof):
    """Takes the proof again; how many have cosigned its head?"""
    for name in (proof, proof + ".operator"):
        os.remove(name)
    c["jiangsu"].ctl("proof", "3-05", "report", "-o", proof, "--wait")
    with open(proof, encoding="utf-8") as f:
        return f.read().count("/cosign ")


def a_hostile_proof_runs_nothing_and_moves_no_cursor():
    """What stands in a proof comes from anybody, and three of the verifiers are scripts."""
    with tempfile.TemporaryDirectory() as folder:
        sign = os.path.join(folder, "sign")
        policy = os.path.join(folder, "policy")
        with open(policy, "w", encoding="utf-8") as f:
            f.write("quorum none\n")
        with open("tests/vectors/golden.tlog-proof", encoding="utf-8") as f:
            good = f.read().replace("index 5", "extra QEFCQw==\nindex 5")
        touch = f"touch {sign}"
        for old, new in (("yrd.example/log/shanghai/e1\n8", f"\\)|x|;e {touch};s|\\(\n8"),
                         ("yrd.example/log/shanghai/e1\n8", "\x1b[2J/x/1-00000000\n8"),
                         ("e1\n8\n", f"e1\npolicy[$({touch})]\n"), ("e1\n8\n", f"e1\n$({touch})\n"),
                         ("index 5", f"index policy[$({touch})]"), ("index 5", "index 05"), ("index 5", "index \x1b[2J"),
                         ("extra QEFCQw==", f"extra $({touch})"), ("— yrd", f"— $({touch})")):
            path = os.path.join(folder, "proof")
            for name in (path, path + ".operator"):
                with open(name, "w", encoding="utf-8") as f:
                    f.write(good.replace(old, new))
            for tool in tools():
                holds, said = judge(tool, path, policy)
                assert not holds and "\x1b" not in said, (tool, new, said)
                assert not os.path.exists(sign), (tool, new)


def bundles_judged(path, cluster_id):
    """Do the scripts take the bundle? They must agree."""
    commands = {"python": ["/usr/bin/python3", HERE + "verify.py"]}
    if shutil.which("node"):
        commands["node"] = ["node", HERE + "verify.mjs"]
    said = {name: run(*command, "bundle", path, cluster_id, check=False) for name, command in commands.items()}
    codes = {done.returncode for done in said.values()}
    assert len(codes) == 1 and codes <= {0, 1}, said
    return codes == {0}, "\n".join(done.stdout + done.stderr for done in said.values())


def tear(note):
    """Another letter in the middle of each cosignature's base64."""
    lines = note.decode().split("\n")
    return "\n".join(n[:-20] + ("x" if n[-20] != "x" else "y") + n[-19:] if "/cosign " in n else n for n in lines)


def variants(b, c):
    """(name, does it hold, the bundle changed)"""
    log = Key(os.path.join(c["jiangsu"].keys, "log.key"))
    operator = Key(os.path.join(c["jiangsu"].folder, "operator.key"))
    origin = b.origin("jiangsu")
    leaves = b.leaves(origin)

    def signed_leaf(index, signer, what=4):
        kind = {4: "change", 5: "delegate"}[what]
        return num(1, 1) + num(2, index) + num(3, 1 << 62) + rng(what, signer.body(kind, b"\x08\x01", c.id))

    def rewritten(new, signer=log):
        copy = Bundle(b.path)
        copy.set_leaves(origin, new, head(signer, origin, len(new), root_of(new)))
        return copy

    yield "as it is", True, Bundle(b.path)
    yield "with one more change", True, rewritten(leaves + [signed_leaf(len(leaves), operator)])
    broken = bytearray(signed_leaf(len(leaves), operator))
    broken[-1] ^= 1
    yield "a signature that does not verify", False, rewritten(leaves + [bytes(broken)])
    yield "a delegation that the root key did not sign", False, rewritten(leaves + [signed_leaf(len(leaves), operator, 5)])
    yield "a head by another key", False, rewritten(leaves, operator)
    other = Bundle(b.path)
    other.set_leaves(origin, leaves, head(log, origin, len(leaves), root_of(leaves[1:])))
    yield "leaves that do not give the root", False, other
    for kind, name in ((ROSTER, "no roster"),):
        none = Bundle(b.path)
        none.drop(kind)
        yield name, False, none
    torn = Bundle(b.path)
    torn.records = [(k, rng(1, tear(dict(fields(v))[1])) if k == HEAD else v) for k, v in torn.records]
    yield "a cosignature that was torn", False, torn
    unsigned = Bundle(b.path)
    note = dict(fields(unsigned.of(ROSTER)[0]))[1].split(b"\n")
    unsigned.drop(ROSTER)
    unsigned.add(ROSTER, rng(1, b"\n".join(n for n in note if b"jiangsu/log" not in n or b"log=" in n)))
    yield "a roster that somebody did not sign", False, unsigned
    first = dict(fields(b.of(ROSTER)[0]))[1].decode().split("\n\n")[0] + "\n"
    text = first.replace("version 1", "version 2").replace("prev -", "prev " + sha256(first.encode()).hex())
    public = [base64.b64encode(k.public).decode() for k in (log, Key(os.path.join(c["jiangsu"].keys, "root.key")))]
    text += (f"retire origin={origin} valid-below={len(leaves)} root={base64.b64encode(root_of(leaves)).decode()} "
             f"log={public[0]} authority={public[1]} reason=lost\n")
    for signers, holds in ((("office", "jiangsu", "anhui"), True), (("jiangsu",), False)):
        later = Bundle(b.path)
        lines = [Key(os.path.join(c[m].keys, "root.key")).line(f"yrd-test/{m}/root", text) for m in signers]
        later.add(ROSTER, rng(1, text + "\n" + "".join(lines)))
        yield f"a second roster, signed by {' '.join(signers)}", holds, later


def consistency(leaves, m):
    """RFC 6962 2.1.2, and always with the node it begins with (PROTOCOL 4.3)."""
    n = len(leaves)
    if m == n:
        return [root_of(leaves)]
    k = 1 << (n - 1).bit_length() - 1
    if m <= k:
        return consistency(leaves[:k], m) + [root_of(leaves[k:])]
    return consistency(leaves[k:], m - k) + [root_of(leaves[:k])]


def evidence(b, c):
    """(name, is it a fork, the bundle with this evidence)"""
    log = Key(os.path.join(c["jiangsu"].keys, "log.key"))
    operator = Key(os.path.join(c["jiangsu"].folder, "operator.key"))
    origin = b.origin("jiangsu")
    ours = b.leaves(origin)
    theirs = [b"\1" + leaf for leaf in ours]

    def with_evidence(first, second, path=(), key=log):
        """first, second: (size, leaves) of the heads."""
        copy = Bundle(b.path)
        notes = [head(key, origin, n, root_of(leaves[:n])) for n, leaves in (first, second)]
        copy.add(EVIDENCE, b"".join([rng(1, notes[0]), rng(2, notes[1]), *(rng(3, h) for h in path)]))
        return copy

    n = len(ours)
    assert n >= 4, n
    yield "two roots of one size", True, with_evidence((2, ours), (2, theirs))
    for m in range(1, n):
        path = consistency(theirs, m)
        yield f"the larger one does not go on from the first {m}", True, with_evidence((m, ours), (n, theirs), path)
        yield f"the larger one goes on from the first {m}", False, with_evidence((m, theirs), (n, theirs), path)
    path = consistency(theirs, 2)
    both = path[0] + path[1]
    other = [both[:31], both[31:], *path[2:]]
    yield "a path with hashes of other lengths", False, with_evidence((2, theirs), (n, theirs), other)
    yield "a path of another tree", False, with_evidence((2, ours), (n, theirs), consistency(ours, 2))
    yield "a path that is too long", False, with_evidence((2, ours), (n, theirs), path + path[:1])
    yield "a path that is cut off", False, with_evidence((2, ours), (n, theirs), path[:-1])
    yield "the same head twice", False, with_evidence((2, ours), (2, ours))
    yield "the larger head first", False, with_evidence((n, theirs), (2, ours), path)
    yield "heads that somebody else signed", False, with_evidence((2, ours), (2, theirs), key=operator)


def told_of_a_fork(c, b, path):
    """A node that is brought another history of jiangsu's log exports what shows it."""
    origin, log = b.origin("jiangsu"), Key(os.path.join(c["jiangsu"].keys, "log.key"))
    leaves = b.leaves(origin)
    theirs = leaves[:-1] + [num(1, 1) + num(2, len(leaves) - 1) + num(3, 1 << 62) + rng(
        4, Key(os.path.join(c["jiangsu"].folder, "operator.key")).body("change", b"\x08\x01", c.id))]
    other = Bundle(path)
    other.set_leaves(origin, theirs, head(log, origin, len(theirs), root_of(theirs)))
    other.write(path + ".theirs")
    c["office"].ctl("bundle", "import", path + ".theirs")
    c["office"].ctl("bundle", "export", "--all", "-o", path + ".forked")
    holds, said = bundles_judged(path + ".forked", c.id)
    assert not holds and f"the log {origin} is forked" in said and "all the rest holds" in said, said
    offline = run(DELTACTL, "audit", "--offline", path + ".forked", check=False)
    for done in (offline, c["office"].ctl("audit", check=False)):
        assert done.returncode == 7 and "A301" in done.stdout and "A302" not in done.stdout, done


def evidence_of_a_fork_is_verified_and_the_log_is_named():
    with Cluster(("office", "jiangsu", "anhui")) as c:
        c.up(plan=False)
        c.load_tasks("3-05", "3-06")
        c.wait_converged()
        for text in "一二三":
            c["jiangsu"].post("note", "3-05", text)
        c.wait_converged()
        path = os.path.join(c.folder, "all.bundle")
        c["jiangsu"].ctl("bundle", "export", "--all", "-o", path)
        b = Bundle(path)
        b.path = path
        origin = b.origin("jiangsu")
        for name, forked, changed in evidence(b, c):
            changed.write(path + ".changed")
            holds, said = bundles_judged(path + ".changed", c.id)
            assert not holds, name
            for words in said.strip().split("DOES NOT HOLD: ")[1:]:
                assert words.startswith(f"the log {origin} is forked") == forked, (name, said)
                assert forked == ("signatures in leaves" in words), (name, said)  # the rest was verified too
        told_of_a_fork(c, b, path)
        broken = Bundle(path)
        broken.records = changed.records = [*next(evidence(b, c))[2].records]
        log = Key(os.path.join(c["anhui"].keys, "log.key"))
        other = b.origin("anhui")
        broken.set_leaves(other, b.leaves(other), head(log, other, len(b.leaves(other)), bytes(32)))
        broken.write(path + ".changed")
        holds, said = bundles_judged(path + ".changed", c.id)
        assert not holds and "forked" not in said and other in said, said  # what is wrong comes before what is forked


def bundles_hold_or_do_not():
    with Cluster(("office", "jiangsu", "anhui")) as c:
        c.up(plan=False)
        c.load_tasks("3-05", "3-06")
        c.wait_converged()
        c["jiangsu"].post("note", "3-05", "一")
        c.wait_converged()
        path = os.path.join(c.folder, "all.bundle")
        c["jiangsu"].ctl("bundle", "export", "--all", "-o", path)
        b = Bundle(path)
        b.path = path
        for name, want, changed in variants(b, c):
            changed.write(path + ".changed")
            holds, said = bundles_judged(path + ".changed", c.id)
            assert holds == want, (name, said)
            assert name != "no roster" or "before the first roster" in said, said
        assert not bundles_judged(path, "00" * 32)[0]
        with open(path, "rb") as f:
            size = len(f.read())
        for at in range(0, size, size // 4):
            flipped(path, at)
            assert not bundles_judged(path, c.id)[0], at
            flipped(path, at)
        os.truncate(path, size - 1)
        assert not bundles_judged(path, c.id)[0]


sys.stdout.reconfigure(line_buffering=True)
run_scenarios(every_length_of_the_verifiers_is_bounded, signatures_are_judged_by_the_rule_of_the_nodes,
              policies_are_read_by_the_rule_of_the_nodes,
              a_hostile_proof_runs_nothing_and_moves_no_cursor,
              what_a_node_hands_out_is_taken_and_what_was_changed_is_not,
              policies_in_other_words_mean_the_same,
              a_proof_under_a_new_log_key_rests_on_a_delegation_under_the_old_one, bundles_hold_or_do_not,
              evidence_of_a_fork_is_verified_and_the_log_is_named)
