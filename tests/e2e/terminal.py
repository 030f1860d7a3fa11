"""What a person sees on a terminal, whatever its width and language, and what a program reads."""

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import termios
import unicodedata

from cluster import DELTACTL, Cluster, run
from tally import run_scenarios

FINGERPRINT = re.compile(r"[0-9a-f]{4}(?:-[0-9a-f]{4}){3}")
SHOWN = (("status",), ("task", "list"), ("task", "show", "1-02"), ("why", "1-02"), ("peers",),
         ("operator", "list"), ("evidence", "list"), ("roster", "show"), ("roster", "show", "--history"),
         ("missing",), ("conflicts",), ("plan", "show"))


def on_terminal(columns, *argv, answer=b""):
    """What the program writes on a terminal of so many columns, and its exit code."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with subprocess.Popen(argv, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True) as p:
        os.close(theirs)
        if answer:
            os.write(ours, answer)
        text = b""
        try:
            while more := os.read(ours, 65536):
                text += more
        except OSError:  # the other side is closed
            pass
        p.wait(timeout=60)
    os.close(ours)
    return text.decode().replace("\r\n", "\n"), p.returncode


def width(line):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)


def reported(c):
    c.up()
    c["jiangsu"].post("report", "1-02", "--status", "delayed", "--progress", "15",
                      "--note", "创建方案在改,征求意见稿已发各单位", "--problem", "两地口径未统一",
                      "--next", "十二月会商")
    c.wait_converged()


def tables_fit_the_terminal_and_no_fingerprint_is_cut():
    with Cluster() as c:
        reported(c)
        node = ("--node", c["office"].socket, "--color=never")
        keys = set(FINGERPRINT.findall(c["office"].ctl("roster", "show").stdout))
        assert len(keys) == 4 * len(c.members), keys
        for columns in (80, 100, 120, 200):
            for lang in ("en", "zh"):
                for command in SHOWN:
                    text, code = on_terminal(columns, DELTACTL, *node, f"--lang={lang}", *command)
                    assert code == 0, (command, text)
                    # Sentences are left to the terminal, which breaks and copies them as one line.
                    wide = [x for x in text.split("\n") if width(x) > columns and "  " in x.strip()]
                    assert not wide, (columns, lang, command, wide)
                text, _ = on_terminal(columns, DELTACTL, *node, f"--lang={lang}", "roster", "show")
                assert set(FINGERPRINT.findall(text)) == keys, text


def one_who_says_no_is_told_that_nothing_changed():
    with Cluster(("jiangsu", "office")) as c:
        text, code = on_terminal(80, DELTACTL, "--lang=en", "roster", "sign", c.roster, "--key",
                                 os.path.join(c["office"].keys, "root.key"), answer=b"n\n")
        assert code == 6 and text.endswith("not signed; nothing was changed\n"), text


def what_one_is_asked_to_sign_is_shown_even_to_the_quiet():
    with Cluster(("jiangsu", "office")) as c:
        text, code = on_terminal(80, DELTACTL, "--lang=en", "-q", "roster", "sign", c.roster, "--key",
                                 os.path.join(c["office"].keys, "root.key"), answer=b"n\n")
        assert code == 6 and "version 1" in text, text


def what_was_done_is_said_in_words():
    with Cluster(("jiangsu", "office")) as c:
        c.up(plan=False)
        c.load_tasks("3-05")
        c.wait_converged()
        jiangsu, office = c["jiangsu"], c["office"]
        jiangsu.post("report", "3-05", "--status", "in_progress", "--progress", "40", "--note", "begun")
        os.environ["XDG_STATE_HOME"] = c.folder
        text, code = on_terminal(80, DELTACTL, "--lang=en", "--node", jiangsu.socket, "--as",
                                 os.path.join(jiangsu.folder, "operator.key"), "report", "3-05",
                                 "--progress", "50")
        assert code == 0 and "in progress 50 %" in text and "begun" in text, text
        receipt = os.path.join(c.folder, "receipt")
        jiangsu.ctl("bundle", "export", "--receipt", "-o", receipt)
        text, code = on_terminal(80, DELTACTL, "--lang=en", "--node", office.socket, "bundle", "import",
                                 receipt)
        assert code == 0 and "knows now what its maker holds" in text, text


def programs_read_the_same_whatever_the_language_and_the_terminal():
    with Cluster() as c:
        reported(c)
        office = c["office"]
        for command in SHOWN[1:]:
            first, other, again = (read(office, lang, command) for lang in ("en", "zh", "en"))
            while first != again:  # something came in meanwhile
                first, other, again = again, read(office, "zh", command), read(office, "en", command)
            assert other == first, (command, first, other)
        text, _ = on_terminal(40, DELTACTL, "--node", office.socket, "--json", "roster", "show")
        assert json.loads(text)["schema"] == "deltad.roster/1"
        environment = {**os.environ, "NO_COLOR": "1"}
        done = subprocess.run(["bash", "-o", "pipefail", "-c",
                               f"{DELTACTL} --node {office.socket} task list | head -n 1"],
                              env=environment, capture_output=True, text=True, check=True)
        assert done.stdout.startswith("1-01\t") and not done.stderr, done


def read(node, lang, command):
    return without_times(json.loads(
        run(DELTACTL, "--node", node.socket, f"--lang={lang}", "--json", *command).stdout))


def without_times(value):
    """Two answers a moment apart differ in these."""
    if isinstance(value, dict):
        return {k: without_times(v) for k, v in value.items()
                if not k.endswith("_ms") and k not in ("bytes_in", "bytes_out")}
    return [without_times(v) for v in value] if isinstance(value, list) else value


run_scenarios(tables_fit_the_terminal_and_no_fingerprint_is_cut,
              one_who_says_no_is_told_that_nothing_changed,
              what_one_is_asked_to_sign_is_shown_even_to_the_quiet, what_was_done_is_said_in_words,
              programs_read_the_same_whatever_the_language_and_the_terminal)
