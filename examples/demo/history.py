"""Prints a repository's history as JSON Lines, oldest first, one event a commit: history.py FOLDER

An unpacked archive has no history. Its files and their hashes are printed instead, so that there is something real to seal.
Standard error says what was read.
"""

import hashlib
import json
import os
import pathlib
import subprocess
import sys

FIELDS = {"commit": "%H", "parents": "%P", "time": "%cI", "author": "%an", "subject": "%s"}
# Built or installed, not the repository's own.
NOT_OURS = {".git", "target", ".terraform"}


def main():
    folder = pathlib.Path(sys.argv[1]).resolve()
    if git(folder, "rev-parse", "--show-toplevel").rstrip(b"\n") == os.fsencode(folder):
        events = list(commits(folder))
        shallow = git(folder, "rev-parse", "--is-shallow-repository").strip() == b"true"
        what = f"{len(events)} commit{'s' * (len(events) != 1)}" + (" (the clone is shallow, older ones are not here)" if shallow else "")
    else:
        events = list(files(folder))
        what = f"no git history here, so the repository's {len(events)} files and their hashes are used instead"
    for event in events:
        print(json.dumps(event))
    print(what, file=sys.stderr)


def commits(folder):
    # Fields and commits both end in NUL, which no commit can hold.
    log = git(folder, "log", "--reverse", "-z", "--encoding=UTF-8", "--format=" + "%x00".join(FIELDS.values()))
    values = log.decode(errors="replace").split("\0")
    for begin in range(0, len(values) - len(FIELDS) + 1, len(FIELDS)):
        yield dict(zip(FIELDS, values[begin : begin + len(FIELDS)]))


def files(folder):
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(set(folders) - NOT_OURS)
        for name in sorted(names):
            path = pathlib.Path(parent, name)
            if path.is_file():
                digest = hashlib.sha256(path.read_bytes()).hexdigest()
                name = os.fsencode(path.relative_to(folder)).decode(errors="replace")
                yield {"path": name, "sha256": digest}


def git(folder, *arguments):
    """What git prints; nothing where git, or what was asked for, is missing."""
    # A checkout may belong to another user than the one who runs the demo, as in CI.
    command = ["git", "-c", "safe.directory=*", "-C", str(folder), *arguments]
    try:
        return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False).stdout
    except FileNotFoundError:
        return b""


if __name__ == "__main__":
    main()
