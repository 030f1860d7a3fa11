"""A file system so small that it can be filled; needs root."""

import os
import subprocess

from tally import NotPermitted


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
        with open(os.path.join(self.folder, "filler"), "wb", buffering=0) as f:
            try:
                while True:
                    f.write(bytes(4096))
            except OSError:
                pass

    def free(self):
        os.unlink(os.path.join(self.folder, "filler"))

    def __exit__(self, *_):
        subprocess.run(["umount", self.folder], check=False)
