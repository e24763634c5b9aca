#!/usr/bin/env python3
"""throughput.py FOLDER [LARGEST]: what sealing and verifying a folder cost, printed, and a failure beyond a limit.

FOLDER is where cargo built: target/release, with auditlog-seal and auditlog-verify in it. Logs of 10,000 entries up to
LARGEST (10,000,000, which takes 5 GB under TMPDIR for a while), ten times as many each time, are sealed and verified. The
rates are judged at 1,000,000 entries, memory at each size, and from size to size time may grow as the log does. Then
memory is judged once more, of a log of a few segments that are as large as the sealer makes them.

The yardstick of verifying is the least that any check costs: `zstd -dc | openssl dgst -sha256` over the same segments, as
many at once as there are cores, in turn with the verifier. Each figure is the best of a few runs with the files in the
page cache; memory is the largest resident size. Times of a debug build say nothing, so for target/debug the figures are
printed and not judged.
"""

import base64
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

SMALLEST, RATED, LARGEST = 10_000, 1_000_000, 10_000_000
EVENT_BYTES = 200
SEALINGS, VERIFICATIONS = 5, 15
SEAL_PER_SECOND = 300_000
VERIFY_PER_SECOND = 1_200_000
VERIFY_OF_YARDSTICK = 0.6
RESIDENT_BYTES = 256 << 20
LARGE_EVENTS, LARGE_EVENT_BYTES, LARGEST_SEGMENT_BYTES = 260, 700_000, 56 << 20
# Time for ten times the entries, over ten times the time: 1 is linear. Less is the start, which small logs pay for too.
SLOWER_PER_ENTRY = 1.3


def timed(arguments):
    """Seconds and resident bytes of one command; stops everything where it fails."""
    began = time.monotonic()
    process = subprocess.Popen([str(one) for one in arguments], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - began
    if status:
        sys.exit(f"{arguments[0]} ended with {os.waitstatus_to_exitcode(status)}")
    return seconds, usage.ru_maxrss * 1024


def best(runs):
    """The least seconds and the most memory."""
    seconds, resident = zip(*runs)
    return min(seconds), max(resident)


def rounds(entries, of_a_second):
    """Short runs vary more than long ones."""
    return 2 if entries > RATED else of_a_second


def write_events(path, entries):
    """JSON Lines as an application writes them: an id, a user, an address and a text, no two alike, all of one length."""
    words = "login logout read write delete grant revoke approve reject export".split()
    with path.open("w") as file:
        for n in range(entries):
            mixed = n * 2654435761 % 4294967296
            line = f'{{"id":{n},"user":"user-{mixed % 10007}","action":"{words[mixed % 10]}",' \
                   f'"address":"10.{mixed % 251}.{mixed % 241}.{mixed % 239}","session":"{mixed:08x}{n:08x}","note":"'
            file.write(line + (f"{mixed:010d} " * 20)[: EVENT_BYTES - len(line) - 2] + '"}\n')


def write_large_events(path):
    """What cannot be compressed, so that objects are as large as their lines."""
    noise = random.Random(1)
    with path.open("w") as file:
        for _ in range(LARGE_EVENTS):
            file.write(f'"{base64.b64encode(noise.randbytes(LARGE_EVENT_BYTES)).decode()}"\n')


def first_events(source, target, entries):
    with source.open("rb") as whole, target.open("wb") as head:
        left = entries * (EVENT_BYTES + 1)
        while left:
            left -= head.write(whole.read(min(left, 1 << 20)))


class Log:
    """A log in a folder, sealed by the command under test."""

    def __init__(self, built, folder, entries):
        folder.mkdir()
        self.folder, self.entries = folder, entries
        self.seal_tool, self.verify_tool = built / "auditlog-seal", built / "auditlog-verify"
        self.key, self.policy = folder / "key.pem", folder / "policy.json"
        timed([self.seal_tool, "keygen", "--spec", "ECC_NIST_P256", "--out", self.key])
        command = [self.seal_tool, "policy", "--origin", "bench.example/log", "--key-file", self.key]
        self.policy.write_bytes(subprocess.run(command, check=True, capture_output=True).stdout)
        self.events = folder / "events.jsonl"

    def seal(self, *options):
        """Seals everything into a new folder; the one of the last run stays."""
        bucket, spool = self.folder / "bucket", self.folder / "spool"
        shutil.rmtree(bucket, ignore_errors=True)
        shutil.rmtree(spool, ignore_errors=True)
        return timed([self.seal_tool, "append", "--policy", self.policy, "--key-file", self.key,
                      "--to", bucket, "--spool", spool, *options, self.events])

    def verify(self):
        return timed([self.verify_tool, "--policy", self.policy, self.folder / "bucket"])

    def yardstick(self, cores):
        """As many pipelines of zstd and openssl as there are cores, over the same segments."""
        segments = sorted((self.folder / "bucket").rglob("*.zst"))
        lists = [self.folder / f"list-{core}" for core in range(cores)]
        for core, names in enumerate(lists):
            names.write_text("".join(f"{segment}\0" for segment in segments[core::cores]))
        script = 'for list; do xargs -0 zstd -dcq <"$list" | openssl dgst -sha256 & done; wait'
        return timed(["sh", "-c", script, "sh", *lists])


class Judge:
    """Prints each figure beside its limit and remembers what was beyond."""

    def __init__(self, judged):
        self.judged, self.failed = judged, []

    def say(self, what, figure, limit="", holds=True):
        beyond = self.judged and not holds
        print(f"{what:<44} {figure:<32} {limit}{'  BEYOND ITS LIMIT' if beyond else ''}", flush=True)
        if beyond:
            self.failed.append(what)

    def time(self, what, entries, run, floor):
        """One operation on a log of one size; its rate is judged at one size, its memory at each."""
        seconds, resident = run
        per_second, rated = entries / seconds, entries == RATED
        self.say(what, f"{seconds:.2f} s, {per_second:,.0f} entries/s", f"at least {floor:,}/s" if rated else "",
                 per_second >= floor or not rated)
        self.memory("  memory", resident)

    def memory(self, what, resident):
        self.say(what, f"{resident / 2**20:.0f} MiB", f"below {RESIDENT_BYTES >> 20} MiB", resident < RESIDENT_BYTES)

    def growth(self, seconds, before):
        if before:
            slower = seconds / (10 * before)
            self.say("  beside a tenth of the entries", f"{slower:.2f} of ten times the time",
                     f"at most {SLOWER_PER_ENTRY}", slower <= SLOWER_PER_ENTRY)

    def ratio(self, yardstick, verify):
        ratio = yardstick / verify
        self.say("  beside zstd | openssl dgst -sha256", f"{yardstick:.2f} s, ratio {ratio:.2f}",
                 f"at least {VERIFY_OF_YARDSTICK}", ratio >= VERIFY_OF_YARDSTICK)


def measure(log, judge, before):
    """All figures of a log of one size; returns the seconds of sealing and of verifying."""
    cores = len(os.sched_getaffinity(0))
    seal = best([log.seal() for _ in range(rounds(log.entries, SEALINGS))])
    judge.time(f"seal {log.entries:,} entries", log.entries, seal, SEAL_PER_SECOND)
    judge.growth(seal[0], before and before[0])
    # In turn, so that both meet the machine as it is.
    in_turn = [(log.verify(), log.yardstick(cores)) for _ in range(rounds(log.entries, VERIFICATIONS))]
    verify, yardstick = (best(figures) for figures in zip(*in_turn))
    judge.time(f"verify {log.entries:,} entries", log.entries, verify, VERIFY_PER_SECOND)
    judge.growth(verify[0], before and before[1])
    if log.entries == RATED:
        judge.ratio(yardstick[0], verify[0])
    return seal[0], verify[0]


def main():
    built = pathlib.Path(sys.argv[1]).resolve()
    largest = int(sys.argv[2]) if len(sys.argv) > 2 else LARGEST
    missing = [tool for tool in ("zstd", "openssl") if not shutil.which(tool)]
    if missing:
        sys.exit(f"{missing[0]} is missing: sudo apt-get install zstd openssl")
    judge, before, entries = Judge(built.name == "release"), None, SMALLEST
    print(f"events of {EVENT_BYTES} bytes, {len(os.sched_getaffinity(0))} cores, sealed into a folder, the best of a few runs")
    with tempfile.TemporaryDirectory(prefix="auditlog-bench-") as folder:
        folder = pathlib.Path(folder)
        write_events(folder / "events.jsonl", largest)
        while entries <= largest:
            log = Log(built, folder / "log", entries)
            first_events(folder / "events.jsonl", log.events, entries)
            before = measure(log, judge, before)
            shutil.rmtree(log.folder)
            entries *= 10
        large = Log(built, folder / "log", LARGE_EVENTS)
        write_large_events(large.events)
        judge.memory("seal segments of 56 MiB: memory", large.seal("--max-segment-bytes", LARGEST_SEGMENT_BYTES)[1])
        judge.memory("verify them: memory", large.verify()[1])
    if judge.failed:
        sys.exit("beyond its limit: " + ", ".join(judge.failed))


main()
