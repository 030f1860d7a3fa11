"""Foreign implementations against ours; tests/foreign/run builds them first."""

import os
import re
import subprocess

from bundle_file import Key, fields, num, rng
from cluster import Cluster, free_ports, run, wait_until
from tally import run_scenarios

NOTE, NOISE = "build/foreign/note", "build/foreign/noise"
GOLDEN = "tests/vectors/golden.tlog-proof"


def protocol_values():
    """The verifier keys, and the proof from 5 to 8, of PROTOCOL 11."""
    with open("proto/PROTOCOL.md", encoding="utf-8") as f:
        text = f.read().split("## 11 Golden values")[1]
    keys = {k.split("+")[0]: k for k in re.findall(r"^ +(yrd\S+\+[0-9a-f]{8}\+\S+)$", text, re.M)}
    root = re.search(r"Root of all 8: `([0-9a-f]{64})`", text).group(1)
    return keys, root, re.findall(r"^ +([0-9a-f]{64})$", text, re.M)


def golden_values_are_those_of_go():
    keys, root, proof = protocol_values()
    wanted = [keys["yrd.example/log/shanghai/e1"], keys["yrd.example/witness/jiangsu"]]
    assert run(NOTE, "note", GOLDEN, "40414243", *wanted).stdout == "holds\n"
    assert run(NOTE, "note", GOLDEN, "40414244", *wanted, check=False).returncode == 1
    # The root of the first five leaves is what the test of the tree says it is.
    five = run("/usr/bin/python3", "-c", "import sys; sys.path.insert(0, 'tests/lib'); import bundle_file as b; "
               "print(b.root_of([bytes.fromhex(x) for x in ['', '00', '10', '2021', '3031']]).hex())").stdout.strip()
    assert run(NOTE, "consistency", "5", "8", five, root, *proof[:4]).stdout == "holds\n"
    assert run(NOTE, "consistency", "5", "8", root, root, *proof[:4], check=False).returncode == 1


def proofs_of_a_daemon_hold_for_go():
    with Cluster(("office", "jiangsu", "anhui")) as c:
        c.up(plan=False)
        c.load_tasks("3-05", "3-06")
        c.wait_converged()
        proof, policy = os.path.join(c.folder, "proof"), os.path.join(c.folder, "policy")
        for percent in ("10", "20", "30"):
            c["jiangsu"].post("report", "3-05", "--status", "in_progress", "--progress", percent)
        c["jiangsu"].ctl("proof", "3-05", "report", "--wait", "-o", proof)
        c["jiangsu"].ctl("policy", "jiangsu", "-o", policy)
        with open(policy, encoding="utf-8") as f:
            lines = [line.split() for line in f]
        log = [w[1] for w in lines if w[:1] == ["log"]]
        with open(proof, encoding="utf-8") as f:
            text = f.read()
        signers = [w[2] for w in lines if w[:1] == ["witness"] and f"— {w[1]} " in text]
        assert signers
        assert run(NOTE, "note", proof, "-", *log, *signers).stdout == "holds\n"
        assert run(NOTE, "note", proof + ".operator", "-", *log).stdout == "holds\n"
        assert run(NOTE, "note", proof, "00", *log, *signers, check=False).returncode == 1


class Peer:
    """Shanghai, whose daemon is away: its key in a foreign program's hands."""

    def __init__(self, c):
        self.c, self.prologue = c, b"DELTAD/1\0" + bytes.fromhex(c.id)
        self.noise, self.jiangsu = (Key(os.path.join(c[s].keys, "noise.key")) for s in ("shanghai", "jiangsu"))
        self.hello = rng(1, num(1, 1) + num(2, 1) + rng(3, bytes.fromhex(c.id)) + rng(4, "shanghai") +
                         rng(5, "foreign 1"))

    def dial(self, prologue=None, secret=None, remote=None, hello=None):
        return run(NOISE, "dial", f"127.0.0.1:{self.c['jiangsu'].port}", (prologue or self.prologue).hex(),
                   (secret or self.noise.seed).hex(), (remote or self.jiangsu.public).hex(), (hello or self.hello).hex(),
                   check=False)


def a_daemon_and_flynn_noise_greet_each_other():
    with Cluster(("office", "shanghai", "jiangsu"), listens=("jiangsu",)) as c:
        c.start("jiangsu")
        c.install("jiangsu")
        peer = Peer(c)
        done = peer.dial()
        assert done.returncode == 0, done
        (kind, hello), = fields(bytes.fromhex(done.stdout.strip()))
        said = dict(fields(hello))
        assert kind == 1 and said[3].hex() == c.id and said[4] == b"jiangsu", said
        assert any(p["software"] == "foreign 1" for p in c["jiangsu"].status()["peers"]), c["jiangsu"].status()

        refused = {
            "another cluster": peer.dial(prologue=b"DELTAD/1\0" + bytes(32)),
            "another protocol": peer.dial(prologue=b"DELTAD/2\0" + bytes.fromhex(c.id)),
            "a key of nobody": peer.dial(secret=bytes(range(32))),
            "the daemon's own key": peer.dial(secret=peer.jiangsu.seed),
            "meant for somebody else": peer.dial(remote=peer.noise.public),
        }
        for what, done in refused.items():
            assert done.returncode == 1, (what, done)
        assert refused["a key of nobody"].stdout.startswith("transport"), refused  # it is known only by message 3
        assert refused["another cluster"].stdout.startswith("handshake"), refused
        assert c["jiangsu"].status()["strangers"] >= 1
        liar = peer.dial(hello=rng(1, num(1, 1) + num(2, 1) + rng(3, bytes.fromhex(c.id)) + rng(4, "office")))
        assert liar.returncode in (0, 1)  # the daemon's own Hello may be on its way
        wait_until("jiangsu refused a Hello in another's name",
                   lambda: any(p["refused"] for p in c["jiangsu"].status()["peers"]))
        assert peer.dial().returncode == 0


def a_daemon_dials_flynn_noise():
    with Cluster(("office", "shanghai", "jiangsu"), listens=("jiangsu",)) as c:
        (port,) = free_ports(1)
        c["jiangsu"].write_conf({"shanghai": port})
        peer = Peer(c)
        listening = subprocess.Popen(
            [NOISE, "listen", f"127.0.0.1:{port}", peer.prologue.hex(), peer.noise.seed.hex(), peer.jiangsu.public.hex(),
             peer.hello.hex()], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert listening.stderr.readline() == "listening\n"
        c.start("jiangsu")
        c.install("jiangsu")
        said, _ = listening.communicate(timeout=60)
        assert listening.returncode == 0, said
        (kind, hello), = fields(bytes.fromhex(said.strip()))
        assert kind == 1 and dict(fields(hello))[4] == b"jiangsu"


run_scenarios(golden_values_are_those_of_go, proofs_of_a_daemon_hold_for_go, a_daemon_and_flynn_noise_greet_each_other,
              a_daemon_dials_flynn_noise)
