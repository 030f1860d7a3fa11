"""A full disk: writing is refused in clear words, reading and receiving answers go on, and the node
recovers by itself. Needs a small file system, which needs root."""

import os
import subprocess

from cluster import Cluster, wait_until
from tally import NotPermitted, run_scenarios


class SmallDisk:
    def __init__(self, folder, size):
        self.folder, self.size = folder, size

    def __enter__(self):
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={self.size}", "deltad-test",
                                  self.folder], capture_output=True, text=True, check=False)
        if mounted.returncode != 0:
            raise NotPermitted(f"cannot mount a tmpfs ({mounted.stderr.strip()})")
        return self

    def fill(self):
        with open(os.path.join(self.folder, "filler"), "wb") as f:
            try:
                while True:
                    f.write(bytes(4096))
                    f.flush()
            except OSError:
                pass

    def free(self):
        os.unlink(os.path.join(self.folder, "filler"))

    def __exit__(self, *_):
        subprocess.run(["umount", self.folder], check=False)


def a_full_disk_refuses_writes_and_recovers():
    with Cluster(("jiangsu", "office")) as c:
        node = c["jiangsu"]
        node.write_conf({}, min_free_mib=4)
        with SmallDisk(node.data, "24m") as disk:
            try:
                c.up()
                disk.fill()

                def refused():
                    done = node.post("note", "1-01", "too much", check=False)
                    return done.returncode != 0 and "disk" in done.stderr

                wait_until("a write is refused and the disk is named", refused)
                assert len(node.json("task", "list")["tasks"]) == 165
                assert node.status()["state"] == "degraded", node.status()
                c["office"].ctl("task", "list")
                disk.free()
                wait_until("writes are accepted again",
                           lambda: node.post("note", "1-01", "again", check=False).returncode == 0, 90)
                c.wait_converged()
                assert node.status()["state"] == "running"
            finally:
                if node.process:
                    node.stop()


run_scenarios(a_full_disk_refuses_writes_and_recovers)
