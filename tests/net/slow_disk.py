"""A disk that takes two seconds for every sync (F7): its node answers late, and is not taken for dead."""
# seconds: 35

import shutil
import subprocess
import time

from lab import Lab, LabCluster, say
from tally import NotPermitted, run_scenarios

SYNC_SECONDS = 2
WATCH_SECONDS = 20


def need_strace():
    if not shutil.which("strace") or subprocess.run(
            ["strace", "-qq", "-e", "trace=none", "true"], capture_output=True, check=False).returncode:
        raise NotPermitted("strace or ptrace is not there")


def node_with_a_slow_disk_is_late_and_not_dead():
    need_strace()
    with Lab() as lab, LabCluster(lab) as c:
        c.up()
        slow = c["jiangsu"]
        slow.stop()
        slow.process = slow.launch("strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync",
                                   "-e", f"inject=fdatasync:delay_enter={SYNC_SECONDS}s")
        c.wait_mesh()
        size = {n.slug: n.log_size() for n in c}
        took, end = [], time.monotonic() + WATCH_SECONDS
        while time.monotonic() < end:
            started = time.monotonic()
            slow.ctl("--timeout=60s", "note", "1-01", f"slow {len(took)}", operator=True)
            took.append(time.monotonic() - started)
            c["office"].post("note", "1-02", f"fast {len(took)}")
        others = [m for m in c.members if m != "jiangsu"]
        among_others = c.time_of_a_note("office", "among the others", *others)
        seconds = c.time_to_converge()
        downs = [line for n in c for line in n.log_since(size[n.slug], "event=peer-down")]
        kept = len(c["anhui"].values("1-01", "note"))
    say(f"F7: syncs of {SYNC_SECONDS} s: an acknowledgement after {min(took):.1f} to {max(took):.1f} s, "
        f"{len(downs)} sessions lost; the others agree in {among_others:.2f} s meanwhile, all "
        f"{seconds:.1f} s after the last write; {kept} of {len(took)} + 1 notes kept")
    assert min(took) >= SYNC_SECONDS and not downs, (took, downs)
    assert kept >= len(took), kept


run_scenarios(node_with_a_slow_disk_is_late_and_not_dead)
