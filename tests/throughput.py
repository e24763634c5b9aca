#!/usr/bin/env python3
"""throughput.py FOLDER [ENTRIES]: what sealing and verifying a folder cost, printed, and a failure beyond a limit.

FOLDER is where cargo built: target/release, with auditlog-seal and auditlog-verify in it. The yardstick of verifying is
the least that any check costs: `zstd -dc | openssl dgst -sha256` over the same segments, as many at once as there are
cores. Each figure is the best of three runs with the files in the page cache; memory is the largest resident size. Times
of a debug build say nothing, so for target/debug the figures are printed and not judged.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

ENTRIES = 1_000_000
EVENT_BYTES = 200
ROUNDS = 3
SEAL_PER_SECOND = 300_000
VERIFY_PER_SECOND = 1_200_000
VERIFY_OF_YARDSTICK = 0.6
RESIDENT_BYTES = 256 << 20
# Time for ten times the entries, over ten times the time: 1 is linear. Small logs pay for the start.
SLOWER_PER_ENTRY = 1.3


def timed(arguments, **more):
    """Seconds and resident bytes of one command; stops everything where it fails."""
    began = time.monotonic()
    process = subprocess.Popen([str(one) for one in arguments], stdout=subprocess.DEVNULL, **more)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - began
    if status:
        sys.exit(f"{arguments[0]} ended with {os.waitstatus_to_exitcode(status)}")
    return seconds, usage.ru_maxrss * 1024


def best(arguments, **more):
    runs = [timed(arguments, **more) for _ in range(ROUNDS)]
    return min(seconds for seconds, _ in runs), max(resident for _, resident in runs)


def events(path, entries):
    """JSON Lines as an application writes them: an id, a user, an address and a text, no two alike."""
    words = "login logout read write delete grant revoke approve reject export".split()
    with path.open("w") as file:
        for n in range(entries):
            mixed = n * 2654435761 % 4294967296
            line = f'{{"id":{n},"user":"user-{mixed % 10007}","action":"{words[mixed % 10]}",' \
                   f'"address":"10.{mixed % 251}.{mixed % 241}.{mixed % 239}","session":"{mixed:08x}{n:08x}","note":"'
            file.write(line + (f"{mixed:010d} " * 20)[: EVENT_BYTES - len(line) - 2] + '"}\n')


class Log:
    """A log in a folder, sealed by the command under test."""

    def __init__(self, built, folder, entries):
        self.built, self.folder, self.entries = built, folder, entries
        folder.mkdir()
        self.seal_tool = built / "auditlog-seal"
        key = folder / "key.pem"
        timed([self.seal_tool, "keygen", "--spec", "ECC_NIST_P256", "--out", key])
        self.policy = folder / "policy.json"
        origin = "bench.example/log"
        command = [self.seal_tool, "policy", "--origin", origin, "--key-file", key]
        self.policy.write_bytes(subprocess.run(command, check=True, capture_output=True).stdout)
        events(folder / "events.jsonl", entries)
        self.seal_command = [self.seal_tool, "append", "--policy", self.policy, "--key-file", key]

    def seal(self):
        """Best seconds and most memory of sealing everything into a new folder; the last one stays."""
        runs = []
        for _ in range(ROUNDS):
            bucket, spool = self.folder / "bucket", self.folder / "spool"
            shutil.rmtree(bucket, ignore_errors=True)
            shutil.rmtree(spool, ignore_errors=True)
            runs.append(timed([*self.seal_command, "--to", bucket, "--spool", spool, self.folder / "events.jsonl"]))
        return min(seconds for seconds, _ in runs), max(resident for _, resident in runs)

    def verify(self):
        return best([self.built / "auditlog-verify", "--policy", self.policy, self.folder / "bucket"])

    def yardstick(self, cores):
        """As many pipelines of zstd and openssl as there are cores, over the same segments."""
        segments = sorted((self.folder / "bucket").rglob("*.zst"))
        lists = []
        for core in range(cores):
            lists.append(self.folder / f"list-{core}")
            lists[-1].write_text("".join(f"{segment}\0" for segment in segments[core::cores]))
        script = 'for list; do xargs -0 zstd -dcq <"$list" | openssl dgst -sha256 & done; wait'
        return best(["sh", "-c", script, "sh", *lists])[0]


def main():
    built = pathlib.Path(sys.argv[1]).resolve()
    entries = int(sys.argv[2]) if len(sys.argv) > 2 else ENTRIES
    judged = built.name == "release"
    missing = [tool for tool in ("zstd", "openssl") if not shutil.which(tool)]
    if missing:
        sys.exit(f"{missing[0]} is missing: sudo apt-get install zstd openssl")
    cores, failed = len(os.sched_getaffinity(0)), []

    def say(what, figure, limit, holds):
        verdict = "" if holds or not judged else "  BEYOND ITS LIMIT"
        print(f"{what:<44} {figure:<32} {limit}{verdict}", flush=True)
        if verdict:
            failed.append(what)

    with tempfile.TemporaryDirectory(prefix="auditlog-bench-") as folder:
        large = Log(built, pathlib.Path(folder) / "large", entries)
        small = Log(built, pathlib.Path(folder) / "small", entries // 10)
        print(f"{entries:,} entries with events of {EVENT_BYTES} bytes, {cores} cores, best of {ROUNDS}")
        seal, resident = large.seal()
        per_second = entries / seal
        say("seal into a folder", f"{seal:.2f} s, {per_second:,.0f} entries/s", f"at least {SEAL_PER_SECOND:,}/s",
            per_second >= SEAL_PER_SECOND)
        say("  memory", f"{resident / 2**20:.0f} MiB", f"below {RESIDENT_BYTES >> 20} MiB", resident < RESIDENT_BYTES)
        verify, resident = large.verify()
        per_second = entries / verify
        say("verify the folder", f"{verify:.2f} s, {per_second:,.0f} entries/s", f"at least {VERIFY_PER_SECOND:,}/s",
            per_second >= VERIFY_PER_SECOND)
        say("  memory", f"{resident / 2**20:.0f} MiB", f"below {RESIDENT_BYTES >> 20} MiB", resident < RESIDENT_BYTES)
        yardstick = large.yardstick(cores)
        ratio = yardstick / verify
        say("  beside zstd | openssl dgst -sha256", f"{yardstick:.2f} s, ratio {ratio:.2f}",
            f"at least {VERIFY_OF_YARDSTICK}", ratio >= VERIFY_OF_YARDSTICK)
        for name, whole, part in [("seal", seal, small.seal()[0]), ("verify", verify, small.verify()[0])]:
            slower = whole / (10 * part)
            say(f"{name}: ten times the entries", f"{slower:.2f} of ten times the time", f"at most {SLOWER_PER_ENTRY}",
                slower <= SLOWER_PER_ENTRY)
    if failed:
        sys.exit("beyond its limit: " + ", ".join(failed))


main()
