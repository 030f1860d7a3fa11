"""Versions of the roster on real daemons: keys that change under way, members that leave, rosters
that stand against each other."""

import json
import os
import shutil
import tempfile

from cluster import DELTACTL, Cluster, epoch_of, run, wait_until
from tally import run_scenarios

PROVINCES = ("shanghai", "jiangsu", "zhejiang", "anhui")


def key(node, name):
    return os.path.join(node.keys, f"{name}.key")


def draft(node, name, *argv):
    """The version after the node's, as a file beside the first."""
    path = os.path.join(node.cluster.folder, name)
    node.ctl("roster", "next", *argv, "-o", path)
    return path


def sign(path, before, *keys):
    for k in keys:
        run(DELTACTL, "--lang=en", "roster", "sign", path, "--key", k, "--after", before, "--yes")


def sign_quorum(c, path, before=None):
    sign(path, before or c.roster, *(key(c[s], "root") for s in ("office", *PROVINCES[:3])))


def missing(path, before):
    """Who is still asked to sign."""
    shown = json.loads(run(DELTACTL, "--json", "roster", "show", path, "--after", before).stdout)
    return sorted(m["signature"] for m in shown["missing_signatures"])


def version(node):
    return node.status()["roster_version"]


def wait_version(c, number, *slugs):
    wait_until(f"version {number} everywhere",
               lambda: all(version(c[s]) == number for s in slugs or c.members), 120)


def agree(c, *slugs):
    """They show the same view and each says so."""
    def same():
        states = [c[s].status() for s in slugs or c.members]
        return len({s["view_root"] for s in states}) == 1 and all(s["converged"] for s in states)
    wait_until("all show the same", same, 120)


def exported(c, node):
    """The names of the files that it writes, and that writing them again changes nothing."""
    folder = os.path.join(c.folder, "all")
    os.mkdir(folder)
    for _ in range(2):
        shown = node.json("roster", "export", folder)["versions"]
        names = sorted(os.listdir(folder))
        assert sorted(v["file"] for v in shown) == [os.path.join(folder, name) for name in names]
    with open(os.path.join(folder, "roster-1"), "rb") as first, open(c.roster, "rb") as given:
        assert first.read() == given.read()
    return names


def a_log_key_is_replaced_while_people_work():
    with Cluster() as c:
        c.up(plan=False)
        node = c["jiangsu"]
        c.load_tasks("1-01")
        c.wait_converged()
        node.post("note", "1-01", "before")
        c.wait_converged()
        node.ctl("key", "rotate", node.keys, "log", "cosign", "noise")
        path = draft(c["office"], "roster-2", os.path.join(node.keys, "member.pub.next"))
        said = run(DELTACTL, "--lang=en", "roster", "sign", path, "--key", key(node, "log") + ".next",
                   "--after", c.roster, "--yes").stderr
        assert "jiangsu: the log key is now" in said and "ends after" in said, said
        sign(path, c.roster, key(node, "cosign") + ".next")
        # Too few: nobody takes it.
        sign(path, c.roster, key(c["office"], "root"), key(c["shanghai"], "root"))
        done = c["office"].ctl("roster", "install", path, check=False)
        assert done.returncode == 7 and "jiangsu root key" in done.stderr, done.stderr
        sign_quorum(c, path)
        node.post("note", "1-01", "while the draft goes round")
        # The node must have its new keys before it is told to use them.
        done = node.ctl("roster", "install", path, check=False)
        assert done.returncode == 1 and "log.key.next" in done.stderr, done.stderr
        node.stop()
        node.start()
        node.ctl("roster", "install", path)
        c["office"].ctl("roster", "install", path)
        wait_version(c, 2)
        node.post("note", "1-01", "after")
        agree(c)
        for n in c:
            old, new = n.logs_of("jiangsu")
            assert epoch_of(new) == epoch_of(old) + 1 and old["retired_at"] is not None
            assert not old["forked"] and not new["forked"]
            assert len(n.values("1-01", "note")) == 3
        # The new keys take the place of the old ones, and nothing changes.
        node.stop()
        for name in ("log", "cosign", "noise"):
            os.replace(key(node, name) + ".next", key(node, name))
        node.start()
        node.post("note", "1-01", "with the new keys alone")
        agree(c)
        assert len(node.logs_of("jiangsu")) == 2
        for n in c:
            n.ctl("wait", "final")
        shown = node.json("roster", "show", "--history")["versions"]
        assert [(v["version"], v["in_force"]) for v in shown] == [(1, False), (2, True)]
        assert exported(c, node) == ["roster-1", "roster-2"]
        with open(os.path.join(c.folder, "all", "roster-2"), "a", encoding="utf-8") as other:
            other.write("another\n")
        done = node.ctl("roster", "export", os.path.join(c.folder, "all"), check=False)
        assert done.returncode == 6 and "roster-2" in done.stderr, done.stderr


def a_lost_office_root_is_replaced_by_all_provinces():
    with Cluster() as c:
        c.up(plan=False)
        office = c["office"]
        c.load_tasks("1-01")
        c.wait_converged()
        office.ctl("key", "rotate", office.keys, "root", "--no-passphrase")
        path = draft(c["jiangsu"], "roster-2", os.path.join(office.keys, "member.pub.next"),
                     "--reason", "lost")
        sign(path, c.roster, key(office, "root") + ".next",
             *(key(c[s], "root") for s in PROVINCES[:3]))
        assert c["jiangsu"].ctl("roster", "install", path, check=False).returncode == 7
        sign(path, c.roster, key(c["anhui"], "root"))
        c["jiangsu"].ctl("roster", "install", path)
        wait_version(c, 2)
        agree(c)
        # From now on the new root governs the office.
        os.replace(key(office, "root") + ".next", key(office, "root"))
        run(DELTACTL, "key", "init", "--operator", "新人", "--member", "office", "--no-passphrase",
            "-o", os.path.join(office.folder, "second.key"))
        office.ctl("operator", "add", "--yes", "--root", key(office, "root"), "--operator",
                   os.path.join(office.folder, "second.key.pub"))
        done = office.ctl("operator", "re-endorse", "--root", key(office, "root"), check=False)
        assert done.returncode == 2 and "测试" in done.stderr, done.stderr
        office.ctl("operator", "re-endorse", "--root", key(office, "root"), "--yes")
        office.post("note", "1-01", "the operators stay")
        agree(c)
        assert all(len(n.values("1-01", "note")) == 1 for n in c)


def a_removed_member_is_refused_and_what_it_wrote_stays():
    with Cluster() as c:
        c.up(plan=False)
        gone = c["anhui"]
        c.load_tasks("1-01")
        c.wait_converged()
        gone.post("note", "1-01", "farewell")
        c.wait_converged()
        c["office"].ctl("wait", "final")
        # Numbers that were right for five are said where four are left.
        tight = draft(c["office"], "tight", "--remove", "anhui")
        said = run(DELTACTL, "--lang=en", "roster", "sign", tight, "--key", key(c["office"], "root"),
                   "--after", c.roster, "--yes").stderr
        assert "final needs 3 of 3 other members" in said and "--final 2" in said, said
        assert "needs 3 of 3 provinces" in said and "--quorum 2" in said, said
        for option in ("--final", "--quorum"):
            done = c["office"].ctl("roster", "next", "--remove", "anhui", option, "4", "-o",
                                   os.path.join(c.folder, "none"), check=False)
            assert done.returncode == 2 and f"how many with {option}" in done.stderr, done.stderr
        path = draft(c["office"], "roster-2", "--remove", "anhui", "--final", "2", "--quorum", "2")
        done = c["office"].ctl("roster", "install", path, check=False)
        assert done.returncode == 7 and f"nobody has signed; deltactl roster sign {path}" in done.stderr, done.stderr
        assert missing(path, c.roster) == [f"{s} root key" for s in ("jiangsu", "office", "shanghai", "zhejiang")]
        sign_quorum(c, path)
        assert missing(path, c.roster) == []
        again = ("roster", "sign", path, "--key", key(c["office"], "root"), "--after", c.roster, "--yes")
        said = run(DELTACTL, "--lang=en", *again).stderr
        assert f"deltactl roster install {path}" in said, said
        said = run(DELTACTL, "-q", *again)
        assert said.stderr + said.stdout == "", said
        c["office"].ctl("roster", "install", path)
        rest = [s for s in c.members if s != "anhui"]
        wait_version(c, 2, *rest)
        agree(c, *rest)
        for s in rest:
            assert [v["value"] for v in c[s].values("1-01", "note")]
            assert "anhui" not in [p["member"] for p in c[s].status()["peers"]]
        ended = c["office"].logs_of("anhui")[0]
        shown = [g for g in c["office"].json("audit")["logs"] if g["origin"] == ended["origin"]]
        assert shown[0]["final"] == ended["final_size"] == ended["size"], (shown, ended)
        # Its own node writes on until it is told, and nobody hears of it.
        gone.post("note", "1-01", "after the end")
        wait_until("it is refused", lambda: c["office"].status()["strangers"] > 0, 120)
        done = gone.ctl("roster", "install", path, check=False)
        assert done.returncode == 6 and "removes this member" in done.stderr, done.stderr
        assert gone.post("note", "1-01", "no more", check=False).returncode == 4
        assert "removes this member" in gone.status()["roster_conflict"]
        assert all(len(c[s].values("1-01", "note")) == 1 for s in rest)
        # Nobody comes back under its name.
        done = c["office"].ctl("roster", "next", os.path.join(gone.keys, "member.pub"), "-o",
                               os.path.join(c.folder, "back"), check=False)
        assert done.returncode == 2 and "anhui" in done.stderr, done.stderr


def two_successors_are_shown_on_both_sides_and_end_by_all_signatures():
    with Cluster() as c:
        c.up(plan=False)
        c.load_tasks("1-01")
        c.wait_converged()
        for slug in ("shanghai", "jiangsu", "zhejiang"):
            c[slug].stop()
        one = draft(c["office"], "roster-a", "--not-after", "2098-12-31")
        other = draft(c["office"], "roster-b", "--not-after", "2097-12-31")
        both = draft(c["office"], "roster-all", "--not-after", "2096-12-31")
        for path in (one, other, both):
            sign_quorum(c, path)
        sign(both, c.roster, key(c["anhui"], "root"))
        c["office"].ctl("roster", "install", one)
        wait_version(c, 2, "office", "anhui")
        for slug in ("office", "anhui"):
            c[slug].stop()
        c["shanghai"].start()
        c["shanghai"].ctl("roster", "install", other)
        assert version(c["shanghai"]) == 2
        for slug in ("jiangsu", "zhejiang", "office", "anhui"):
            c[slug].start()
        wait_until("all show that two stand against each other",
                   lambda: all(n.status()["roster_conflict"] and version(n) == 1 for n in c), 120)
        shown = c["jiangsu"].json("roster", "show", "--history")["versions"]
        assert [v["in_force"] for v in shown] == [True, False, False]
        names = exported(c, c["jiangsu"])
        assert names == ["roster-1", *sorted(f"roster-2-{v['id'][:8]}" for v in shown[1:])], names
        c["jiangsu"].post("note", "1-01", "meanwhile work goes on")
        agree(c)
        c["zhejiang"].ctl("roster", "install", both)
        wait_version(c, 2)
        wait_until("nothing stands against it",
                   lambda: not any(n.status()["roster_conflict"] for n in c))
        agree(c)


def a_member_that_was_away_walks_every_version():
    with Cluster() as c:
        c.up(plan=False)
        c.load_tasks("1-01")
        c.wait_converged()
        away = c["zhejiang"]
        away.stop()
        node = c["jiangsu"]
        node.ctl("key", "rotate", node.keys, "log")
        node.stop()
        node.start()
        two = draft(c["office"], "roster-2", os.path.join(node.keys, "member.pub.next"))
        sign(two, c.roster, key(node, "log") + ".next")
        sign_quorum(c, two)
        c["office"].ctl("roster", "install", two)
        rest = [s for s in c.members if s != "zhejiang"]
        wait_version(c, 2, *rest)
        three = draft(c["office"], "roster-3", "--not-after", "2020-01-31")
        sign_quorum(c, three, before=two)
        c["office"].ctl("roster", "install", three)
        wait_version(c, 3, *rest)
        node.post("note", "1-01", "while zhejiang was away")
        away.start()
        wait_version(c, 3)
        agree(c)
        # A reminder for people, and nothing else.
        state = away.json("status")
        assert state["roster_not_after"] == "2020-01-31"
        away.post("note", "1-01", "past the date")
        agree(c)
        # A node with an empty disk takes all versions at once.
        fresh = c["anhui"]
        fresh.stop()
        for folder in (fresh.data, fresh.mark):
            shutil.rmtree(folder)
            os.makedirs(folder)
        fresh.start()
        fresh.ctl("roster", "install", c.roster, two, three)
        agree(c)
        assert json.loads(fresh.ctl("--json", "roster", "show").stdout)["version"] == 3


def a_stolen_operators_key_is_revoked_from_a_past_index():
    with Cluster(("jiangsu", "zhejiang", "office")) as c:
        c.up(plan=False)
        node = c["jiangsu"]
        c.load_tasks("1-01")
        c.wait_converged()
        node.post("note", "1-01", "by its owner")
        stolen_from = node.logs_of("jiangsu")[0]["size"]
        node.post("note", "1-01", "by a thief")
        agree(c)
        fingerprint = next(o["fingerprint"] for o in node.json("operator", "list")["operators"]
                           if o["member"] == "jiangsu")
        revoke = ("operator", "revoke", fingerprint, "--root", key(node, "root"), "--below", str(stolen_from),
                  "--reason", "stolen")
        size = node.logs_of("jiangsu")[0]["size"]
        said = node.ctl(*revoke, "-n").stderr
        assert f"测试, {fingerprint}" in said and f"entries {stolen_from} to {size - 1}" in said, said
        add = ("operator", "add", "--yes", "--root", key(node, "root"), "--operator",
               os.path.join(node.folder, "operator.key.pub"))
        said = node.ctl(*add)
        assert "already" in node.json(*add) and "is an operator" not in said.stderr, said
        said = node.ctl(*add, "--scope", "1-01", "-n").stderr
        assert "测试" in said and said.rstrip().endswith(": 1-01"), said
        assert node.logs_of("jiangsu")[0]["size"] == size, "nothing of this was posted"
        node.ctl(*revoke, "--yes")
        agree(c)
        for n in c:
            assert len(n.values("1-01", "note")) == 1, "what the thief wrote counts nowhere"
        assert node.post("note", "1-01", "again", check=False).returncode == 4


def a_passphrase_encrypts_what_people_keep_and_it_is_said():
    with tempfile.TemporaryDirectory() as folder:
        secret, keys = os.path.join(folder, "passphrase"), os.path.join(folder, "keys")
        with open(secret, "w", encoding="utf-8") as f:
            f.write("correct horse battery\n")
        made = run(DELTACTL, "--json", "key", "init", "--member", "jiangsu", "--cluster", "yrd", "--role", "province",
                   "--name", "江苏", "--passphrase-file", secret, keys)
        said = {os.path.basename(f["file"]): f["encrypted"] for f in json.loads(made.stdout)["files"]}
        assert said == {"root.key": True, "log.key": False, "cosign.key": False, "noise.key": False,
                        "member.pub": None}, said
        shown = json.loads(run(DELTACTL, "--json", "key", "show", *(os.path.join(keys, n) for n in said)).stdout)
        told = {os.path.basename(k["file"]): k["encrypted"] for k in shown["keys"]}
        assert told == said, told
        done = run(DELTACTL, "key", "show", os.path.join(keys, "root.key"), "--passphrase-file", secret)
        assert done.returncode == 0, done


run_scenarios(a_passphrase_encrypts_what_people_keep_and_it_is_said,
              a_log_key_is_replaced_while_people_work,
              a_lost_office_root_is_replaced_by_all_provinces,
              a_removed_member_is_refused_and_what_it_wrote_stays,
              two_successors_are_shown_on_both_sides_and_end_by_all_signatures,
              a_member_that_was_away_walks_every_version,
              a_stolen_operators_key_is_revoked_from_a_past_index)
