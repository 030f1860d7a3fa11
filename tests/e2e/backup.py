"""Backups of running nodes: taken under load, verified, refused when anybody touched them, and
restored without ever going on in an old log."""

import datetime
import glob
import json
import os
import random
import shutil
import sqlite3
import subprocess
import tempfile
import threading
import time

from cluster import Cluster, DELTACTL, epoch_of, run, wait_until
from disk import SmallDisk
from tally import NotPermitted, run_scenarios

EXIT_FAILED, EXIT_USAGE, EXIT_VERIFY = 1, 2, 7
WAIT_S = 180  # a rebuild waits for whoever may still speak


def folder_of(c):
    folder = os.path.join(c.folder, "backups")
    os.makedirs(folder, exist_ok=True)
    return folder


def back_up(node, folder):
    return node.json("backup", "create", folder)["file"]


def verify(path):
    return run(DELTACTL, "--lang=en", "backup", "verify", path, check=False)


def restore(node, path, check=True, lang="en"):
    return run(DELTACTL, f"--lang={lang}", "--json", "restore", path, "-c", node.conf, check=check)


def backups_under_load_are_consistent_and_verified():
    with Cluster(("jiangsu", "office")) as c:
        c.up()
        node, folder, stop, posted = c["jiangsu"], folder_of(c), threading.Event(), []

        def write():
            while not stop.is_set():
                node.post("note", "1-01", f"note {len(posted)}")
                posted.append(time.monotonic())

        writer = threading.Thread(target=write)
        writer.start()
        try:
            stalls = []
            for _ in range(5):
                made = node.json("backup", "create", folder)
                stalls.append(made.get("stall_ms") or 0)
                done = verify(made["file"])
                assert done.returncode == 0 and "manifest\ttrue" in done.stdout, done
                time.sleep(1 - time.time() % 1)  # names are of seconds
                n = len(posted)
                wait_until("writing goes on", lambda n=n: len(posted) >= n + 2)
        finally:
            stop.set()
            writer.join()
        waits = [b - a for a, b in zip(posted, posted[1:])]
        print(f"        5 backups verified during {len(posted)} posts, longest wait of a writer "
              f"{max(waits) * 1000:.0f} ms, stall of the loop {max(stalls)} ms")
        sizes = [int(next(line for line in open(p + ".manifest", encoding="utf-8")
                          if line.startswith("entries ")).split()[1])
                 for p in sorted(glob.glob(folder + "/*.db"))]
        assert sizes == sorted(sizes) and len(sizes) == 5, sizes
        assert not [f for f in os.listdir(folder) if f.startswith(".")]


def restored_node_gets_the_rest_and_never_goes_on_in_its_old_log():
    with Cluster(("jiangsu", "zhejiang", "office")) as c:
        c.up()
        node = c["jiangsu"]
        node.post("note", "1-01", "before the backup")
        c.wait_converged()
        backup = back_up(node, folder_of(c))
        for i in range(3):
            node.post("note", "1-01", f"after the backup {i}")
        c.wait_converged()
        before = c["office"].logs_of("jiangsu")[0]
        refused = restore(node, backup, check=False)
        assert refused.returncode == EXIT_FAILED and "E1006" in refused.stderr, refused
        node.stop()
        said = json.loads(restore(node, backup).stdout)
        assert said["schema"] == "deltad.restore/1" and said["manifest"] is True, said
        assert said["entries"] > 0 and os.path.exists(said["aside"]), said
        others = (c["zhejiang"], c["office"])
        for other in others:  # for as long as nobody tells it anything it waits
            other.freeze()
        node.start()
        assert node.status()["state"] == "rebuilding"
        late = node.post("note", "1-02", "too early", check=False)
        assert late.returncode == EXIT_FAILED and "E1009" in late.stderr, late
        for other in others:
            other.thaw()
        wait_until("it writes again", lambda: node.status()["state"] == "running", WAIT_S)
        node.post("note", "1-02", "after the restore")
        c.wait_converged()
        for n in c:
            old, new = n.logs_of("jiangsu")
            assert (old["size"], old["root"]) == (before["size"], before["root"]), (old, before)
            assert epoch_of(new) == 2 and not old["forked"] and not new["forked"]
            assert len(n.values("1-01", "note")) == 4 and not n.status()["clones"]
        # The same backup once more: the number that the mark named is not used twice.
        node.stop()
        restore(node, backup)
        node.start()
        wait_until("it writes again", lambda: node.status()["state"] == "running", WAIT_S)
        c.wait_converged()
        for n in c:
            assert [epoch_of(g) for g in n.logs_of("jiangsu")] == [1, 2, 3]
            assert not n.status()["clones"]


NOBODY = 65534


def root_restores_with_the_rights_of_the_nodes_user():
    if os.geteuid() != 0:
        raise NotPermitted("only root can be another user")
    with Cluster(("jiangsu", "zhejiang", "office")) as c:
        c.up()
        node = c["jiangsu"]
        backup = back_up(node, folder_of(c))
        node.stop()
        for folder in (c.folder, node.folder):
            os.chmod(folder, 0o711)
        os.chmod(folder_of(c), 0o700)  # where the backup stands only root can look
        for name in (node.data, *glob.glob(node.data + "/*")):
            os.chown(name, NOBODY, NOBODY)
        done = restore(node, backup, check=False)
        assert done.returncode == EXIT_FAILED and "mark" in done.stderr, done  # root could remove it
        assert not glob.glob(node.data + "/*.before-*") and not glob.glob(node.data + "/restore*")
        os.chown(node.mark, NOBODY, NOBODY)
        restore(node, backup)
        assert os.stat(node.data + "/replica.db").st_uid == NOBODY
        assert not os.path.exists(node.mark + "/head")


def what_was_moved_aside_before_is_never_replaced():
    """Two restores within one second: every name of the next minutes is taken already."""
    with Cluster(("jiangsu", "office")) as c:
        c.up()
        node = c["jiangsu"]
        backup = back_up(node, folder_of(c))
        node.stop()
        now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
        taken = [f"{node.data}/replica.db.before-{now + datetime.timedelta(seconds=s):%Y-%m-%dT%H:%M:%SZ}"
                 for s in range(180)]
        for name in taken:
            with open(name, "w", encoding="utf-8") as f:
                f.write("older")
        said = json.loads(restore(node, backup).stdout)
        assert said["aside"] not in taken and os.path.getsize(said["aside"]) > 4096, said
        assert all(os.path.getsize(name) == len("older") for name in taken)


def restored_node_that_is_cut_off_writes_alone_after_a_minute():
    with Cluster(("jiangsu", "office")) as c:
        c.up()
        node = c["jiangsu"]
        node.post("note", "1-01", "kept")
        c.wait_converged()
        backup = back_up(node, folder_of(c))
        c["office"].stop()
        node.stop()
        restore(node, backup)
        node.start()
        wait_until("it writes alone", lambda: node.status()["state"] == "running", WAIT_S)
        node.post("note", "1-01", "alone")
        c["office"].start()
        c.wait_converged()
        assert len(c["office"].values("1-01", "note")) == 2


def full_disk_of_the_backups_leaves_nothing_there_and_the_node_alone():
    with Cluster(("jiangsu", "office")) as c:
        c.up()
        node, folder = c["jiangsu"], folder_of(c)
        with SmallDisk(folder, "128k"):
            done = node.ctl("backup", "create", folder, check=False)
            assert done.returncode == EXIT_FAILED and "E1004" in done.stderr, done
            assert os.listdir(folder) == []
            assert node.status()["state"] == "running"
            node.post("note", "1-01", "goes on")
        back_up(node, folder)


def is_named_to_a_process(folder):
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            with open(path, "rb") as f:
                if folder.encode() in f.read():
                    return True
        except OSError:  # it has ended meanwhile
            pass
    return False


def node_that_dies_while_it_makes_one_leaves_nothing_that_looks_good():
    with Cluster(("jiangsu", "office")) as c:
        c.up()
        node, folder = c["jiangsu"], folder_of(c)
        asks = subprocess.Popen([DELTACTL, "--node", node.socket, "backup", "create", folder],
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until("a copy is there", lambda: os.listdir(folder))
        node.kill()
        asks.wait(60)
        # A service manager ends what the node had begun; here it comes to its own end.
        wait_until("nobody is at work on it", lambda: not is_named_to_a_process(folder))
        for name in os.listdir(folder):  # a copy this small may be whole before the kill
            if os.path.exists(os.path.join(folder, name + ".manifest")):
                assert verify(os.path.join(folder, name)).returncode == 0
                for made in (name, name + ".manifest"):
                    os.remove(os.path.join(folder, made))
        # What may be left of others that came to such an end, and what is not of this node.
        for name in (".db.new", ".db.new-journal", ".db.new.manifest", ".db.new.manifest.new"):
            for member in ("jiangsu", "anhui"):
                open(f"{folder}/.{member}-20260101T000000Z{name}", "wb").close()
        node.start()
        back_up(node, folder)
        hidden = [f for f in os.listdir(folder) if f.startswith(".")]
        assert len(hidden) == 4 and all(f.startswith(".anhui-") for f in hidden), hidden


def hostile(path, sql):
    """As a hand with any SQLite would change it."""
    database = sqlite3.connect(path)
    database.executescript(sql)
    database.commit()
    database.close()


def flip(path, at):
    with open(path, "r+b") as f:
        f.seek(at)
        byte = f.read(1)
        f.seek(at)
        f.write(bytes([byte[0] ^ 0x10]))


def overwrite(path, at, content):
    with open(path, "r+b") as f:
        f.seek(at)
        f.write(content)


def truncate(path, keep):
    with open(path, "r+b") as f:
        f.truncate(keep)


HOSTILE = {
    "another trigger": lambda p: hostile(
        p, "CREATE TRIGGER t AFTER INSERT ON entry BEGIN DELETE FROM entry; END"),
    "another view": lambda p: hostile(p, "CREATE VIEW v AS SELECT * FROM entry"),
    "another program's id": lambda p: overwrite(p, 68, b"evil"),
    "a huge page count": lambda p: overwrite(p, 28, b"\x7f\xff\xff\xff"),
    "half a file": lambda p: truncate(p, os.path.getsize(p) // 8192 * 4096),
    "a page of noise": lambda p: overwrite(p, 3 * 4096, os.urandom(4096)),
    "a leaf changed": lambda p: hostile(
        p, "UPDATE entry SET leaf = CAST(leaf || x'00' AS BLOB) WHERE idx = 5"),
    "a leaf missing": lambda p: hostile(p, "DELETE FROM entry WHERE idx = 5"),
    "the last leaf missing": lambda p: hostile(
        p, "DELETE FROM entry WHERE (log, idx) = (SELECT log, max(idx) FROM entry WHERE log = 1)"),
    "a leaf too many": lambda p: hostile(
        p, "INSERT INTO entry SELECT log, 999999, leaf FROM entry WHERE idx = 1 LIMIT 1"),
    "two leaves exchanged": lambda p: hostile(
        p, "UPDATE entry SET idx = -1 WHERE log = 1 AND idx = 1;"
           "UPDATE entry SET idx = 1 WHERE log = 1 AND idx = 0;"
           "UPDATE entry SET idx = 0 WHERE log = 1 AND idx = -1"),
    "a head of another size": lambda p: hostile(p, "UPDATE head SET size = size + 1"),
    "no roster": lambda p: hostile(p, "DELETE FROM roster"),
    "another roster's text": lambda p: hostile(
        p, "UPDATE roster SET note = CAST(replace(CAST(note AS TEXT), 'prev', 'perv') AS BLOB)"),
    "a value that is hidden": lambda p: hostile(
        p, "UPDATE change SET superseded = superseded + 1"),
    "a verdict": lambda p: hostile(p, "UPDATE change SET verdict = 2"),
}


def every_hostile_image_is_refused_and_restores_nothing():
    with Cluster(("jiangsu", "office")) as c:
        c.up()
        node = c["jiangsu"]
        good = back_up(node, folder_of(c))
        node.stop()
        database = os.path.join(node.data, "replica.db")
        kept = open(database, "rb").read()
        for name, spoil in HOSTILE.items():
            bad = os.path.join(c.folder, "bad.db")
            shutil.copyfile(good, bad)
            spoil(bad)
            done = verify(bad)
            assert done.returncode in (EXIT_FAILED, EXIT_USAGE, EXIT_VERIFY), (name, done)
            assert done.stderr.startswith("deltactl: E"), (name, done)
            print(f"        {name}: {done.stderr.strip()[:150]}")
            # With the good one's manifest it is not what that describes, either.
            shutil.copyfile(good + ".manifest", bad + ".manifest")
            done = restore(node, bad, check=False)
            assert done.returncode != 0 and done.stderr.startswith("deltactl: E"), (name, done)
            os.unlink(bad)
            os.unlink(bad + ".manifest")
            assert open(database, "rb").read() == kept, name
            assert os.path.exists(os.path.join(node.mark, "head")), name
            assert not glob.glob(node.data + "/restore*"), name
        assert verify(good).returncode == 0


def things_that_are_no_backup_are_refused():
    with Cluster(("jiangsu", "office")) as c:
        c.up()
        node = c["jiangsu"]
        good = back_up(node, folder_of(c))
        odd = {"link": lambda p: os.symlink(good, p), "fifo": os.mkfifo, "folder": os.mkdir,
               "nothing": lambda p: None, "empty": lambda p: open(p, "wb").close()}
        for name, make in odd.items():
            path = os.path.join(c.folder, name)
            make(path)
            assert verify(path).returncode != 0, name
        done = run(DELTACTL, "--lang=en", "--cluster-id", "0" * 64, "backup", "verify", good,
                   check=False)
        assert done.returncode == EXIT_USAGE and "another cluster" in done.stderr, done
        run(DELTACTL, "--cluster-id", c.id, "backup", "verify", good)
        seen = json.loads(run(DELTACTL, "--json", "backup", "verify", good).stdout)
        with open(good + ".manifest", encoding="utf-8") as f:
            manifest = f.read()
        assert seen["manifest"] is True and seen["member"] == "jiangsu", seen
        for word in (f"cluster-id {seen['cluster_id']}", f"taken {seen['taken']}",
                     f"sha256 {seen['sha256']}", f"entries {seen['entries']}",
                     f"view {seen['view_root']}", f"roster {seen['roster_version']} "):
            assert f"\n{word}" in manifest, (word, manifest)
        assert [f"log {x['log']} {x['size']} " in manifest for x in seen["logs"]] == [True, True]
        # Somebody else's, and a manifest that somebody else signed.
        other = back_up(c["office"], folder_of(c))
        node.stop()
        done = restore(node, other, check=False)
        assert done.returncode == EXIT_USAGE and "E2006" in done.stderr, done
        done = restore(node, other, check=False, lang="zh")
        assert "deltactl: E2006: 名册" in done.stderr, done
        shutil.copyfile(other + ".manifest", good + ".manifest")
        done = verify(good)
        assert done.returncode == EXIT_VERIFY and "E7001" in done.stderr, done
    with Cluster(("jiangsu", "office")) as stranger:
        stranger.up()
        path = back_up(stranger["jiangsu"], folder_of(stranger))
        with Cluster(("jiangsu", "office")) as c:
            done = restore(c["jiangsu"], path, check=False)
            assert done.returncode == EXIT_USAGE and "another cluster" in done.stderr, done


def only_who_administers_may_make_one_and_not_beside_the_database():
    with Cluster(("jiangsu", "office")) as c:
        c.up()
        node = c["jiangsu"]
        for folder, code in ((node.data, "E2001"), ("/nonexistent", "E5001"), (node.conf, "E2001")):
            done = node.ctl("backup", "create", folder, check=False)
            assert done.returncode == int(code[1]) and code in done.stderr, done


def kept_by_rule(stamps):
    """Of each of the newest 14 days, 8 weeks and 12 months that have any: the newest."""
    kept = set()
    for count, period in ((14, lambda d: d.date()), (8, lambda d: d.isocalendar()[:2]),
                          (12, lambda d: (d.year, d.month))):
        newest = {}
        for stamp in sorted(stamps):
            newest[period(stamp)] = stamp
        kept.update(newest[p] for p in sorted(newest)[-count:])
    return kept


def old_backups_go_and_14_days_8_weeks_12_months_stay():
    with tempfile.TemporaryDirectory() as folder:
        dice = random.Random(4)
        start = datetime.datetime(2026, 11, 23, 3, 0, 0)
        stamps = {start - datetime.timedelta(days=dice.randrange(700), hours=dice.randrange(24))
                  for _ in range(500)}
        name = lambda d, who="jiangsu": f"{who}-{d:%Y%m%dT%H%M%SZ}.db"
        others = ["jiangsu-20200101T000000Z.db", "notes.txt", "x-20261332T000000Z.db.manifest",
                  name(start, "anhui"), name(start, "anhui") + ".manifest"]
        for stamp in stamps:
            open(os.path.join(folder, name(stamp)), "w").close()
            open(os.path.join(folder, name(stamp) + ".manifest"), "w").close()
        for other in others:  # one that was never verified among them
            open(os.path.join(folder, other), "w").close()
        before = set(os.listdir(folder))
        run(DELTACTL, "backup", "prune", folder, "-n")
        assert set(os.listdir(folder)) == before
        shown = json.loads(run(DELTACTL, "--json", "backup", "prune", folder).stdout)
        kept = kept_by_rule(stamps)
        assert set(os.listdir(folder)) == set(others) | {
            name(d) + end for d in kept for end in ("", ".manifest")}
        assert len([b for b in shown["backups"] if b["kept"]]) == len(kept) + 1
        assert run(DELTACTL, "backup", "prune", folder + "/none", check=False).returncode == 5


scenarios = [
    backups_under_load_are_consistent_and_verified,
    restored_node_gets_the_rest_and_never_goes_on_in_its_old_log,
    root_restores_with_the_rights_of_the_nodes_user,
    what_was_moved_aside_before_is_never_replaced,
    full_disk_of_the_backups_leaves_nothing_there_and_the_node_alone,
    node_that_dies_while_it_makes_one_leaves_nothing_that_looks_good,
    every_hostile_image_is_refused_and_restores_nothing,
    things_that_are_no_backup_are_refused,
    old_backups_go_and_14_days_8_weeks_12_months_stay,
    only_who_administers_may_make_one_and_not_beside_the_database,
]
if os.environ.get("TESTS_MODE") == "full":  # it waits for a minute
    scenarios.append(restored_node_that_is_cut_off_writes_alone_after_a_minute)
run_scenarios(*scenarios)
