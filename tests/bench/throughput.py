#!/usr/bin/env python3
"""throughput.py FOLDER [LARGEST]: what sealing and verifying a folder cost, printed, and a failure beyond a limit.

FOLDER is where cargo built: target/release, with auditlog-seal and auditlog-verify in it. Logs of 10,000 entries up to
LARGEST (10,000,000, which takes 5 GB under TMPDIR for a while), ten times as many each time, are sealed and verified. The
rates are judged at 1,000,000 entries, memory at each size, and from size to size time may grow as the log does. Then
memory is judged once more, of a log of a few segments that are as large as the sealer makes them.

The yardstick of verifying is the least that any check costs: `zstd -dc | openssl dgst -sha256` over the same segments, as
many at once as there are cores, in turn with the verifier. The verifier is measured with each kind of hashing that the
processor has, and once more with events of 64 KiB. Each figure is the best of a few runs with the files in the
page cache; memory is the largest resident size. Processor time is printed too: on a busy machine it says more. Times of a debug build say nothing, so for target/debug the figures are
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
# Three million and more on a machine like that of the guide; here a floor for any machine.
VERIFY_PER_SECOND = 1_500_000
# The least that is accepted beside the yardstick, with each kind of hashing. The first one that is present is the default.
VERIFY_OF_YARDSTICK = {"avx512": 0.95, "sha-ni": 0.87, "avx2": None, "portable": None}
FEW_EVENTS, FEW_EVENT_BYTES, FEW_OF_YARDSTICK = 3_000, 64 << 10, 1.0
RESIDENT_BYTES = 256 << 20
LARGE_EVENTS, LARGE_EVENT_BYTES, LARGEST_SEGMENT_BYTES = 260, 700_000, 56 << 20
# Time for ten times the entries, over ten times the time: 1 is linear. Less is the start, which small logs pay for too.
SLOWER_PER_ENTRY = 1.3


def timed(arguments, **environment):
    """Seconds, resident bytes and seconds of processor time of one command; stops everything where it fails."""
    began = time.monotonic()
    process = subprocess.Popen([str(one) for one in arguments], stdout=subprocess.DEVNULL, env=os.environ | environment)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - began
    if status:
        sys.exit(f"{arguments[0]} ended with {os.waitstatus_to_exitcode(status)}")
    return seconds, usage.ru_maxrss * 1024, usage.ru_utime + usage.ru_stime


def best(runs):
    """The least seconds, the most memory, and the least processor time."""
    seconds, resident, used = zip(*runs)
    return min(seconds), max(resident), min(used)


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


def write_large_events(path, events, noise_bytes):
    """What cannot be compressed, so that objects are as large as their lines."""
    noise = random.Random(1)
    with path.open("w") as file:
        for _ in range(events):
            file.write(f'"{base64.b64encode(noise.randbytes(noise_bytes)).decode()}"\n')


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

    def verify_command(self):
        return [self.verify_tool, "--policy", self.policy, self.folder / "bucket"]

    def verify(self, kind=""):
        return timed(self.verify_command(), AUDITLOG_SHA256=kind)

    def can_hash_with(self, kind):
        """Whether this processor has that kind; the verifier says so and ends with 2 where not."""
        tried = subprocess.run(self.verify_command(), env=os.environ | {"AUDITLOG_SHA256": kind}, capture_output=True, text=True)
        return not (tried.returncode == 2 and "cannot hash" in tried.stderr)

    def yardstick(self, cores):
        """As many pipelines of zstd and openssl as there are cores, over the same segments."""
        segments = sorted((self.folder / "bucket").rglob("*.zst"))
        lists = [self.folder / f"list-{core}" for core in range(cores)]
        for core, names in enumerate(lists):
            names.write_text("".join(f"{segment}\0" for segment in segments[core::cores]))
        script = 'for list; do xargs -0 zstd -dcq <"$list" | openssl dgst -sha256 & done; wait'
        return timed(["sh", "-c", script, "sh", *lists])


class Judge:
    """Prints each figure beside its limit and remembers each that is beyond it."""

    def __init__(self, judged):
        self.judged, self.failed = judged, []

    def say(self, what, figure, limit="", holds=True):
        beyond = self.judged and not holds
        print(f"{what:<44} {figure:<32} {limit}{'  BEYOND ITS LIMIT' if beyond else ''}", flush=True)
        if beyond:
            self.failed.append(what)

    def time(self, what, entries, run, floor):
        """One operation on a log of one size; its rate is judged at one size, its memory at each."""
        seconds, resident, used = run
        per_second, rated = entries / seconds, entries == RATED
        self.say(what, f"{seconds:.2f} s, {per_second:,.0f} entries/s", f"at least {floor:,}/s" if rated else "",
                 per_second >= floor or not rated)
        self.say("  processor time", f"{used:.2f} s, {used / entries * 1e9:,.0f} ns an entry")
        self.memory("  memory", resident)

    def memory(self, what, resident):
        self.say(what, f"{resident / 2**20:.0f} MiB", f"below {RESIDENT_BYTES >> 20} MiB", resident < RESIDENT_BYTES)

    def growth(self, seconds, before):
        if before:
            slower = seconds / (10 * before)
            self.say("  beside a tenth of the entries", f"{slower:.2f} of ten times the time",
                     f"at most {SLOWER_PER_ENTRY}", slower <= SLOWER_PER_ENTRY)

    def ratio(self, what, yardstick, verify, floor):
        ratio, of_processor = yardstick[0] / verify[0], yardstick[2] / verify[2]
        self.say(f"  {what}", f"{verify[0]:.3f} s, ratio {ratio:.2f} ({of_processor:.2f})",
                 f"at least {floor}" if floor else "", not floor or ratio >= floor)


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
        beside_yardstick(log, judge, cores, VERIFY_OF_YARDSTICK)
    return seal[0], verify[0]


def beside_yardstick(log, judge, cores, floors):
    """Each kind of hashing that there is, beside zstd and openssl over the same segments; processor time in brackets."""
    print(f"  beside {cores} streams of zstd | openssl dgst -sha256:")
    for kind, floor in floors.items():
        if not log.can_hash_with(kind):
            print(f"  {kind}: this processor does not have it")
            continue
        in_turn = [(log.verify(kind), log.yardstick(cores)) for _ in range(VERIFICATIONS)]
        verify, yardstick = (best(figures) for figures in zip(*in_turn))
        judge.ratio(kind, yardstick, verify, floor)


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
        few = Log(built, folder / "log", FEW_EVENTS)
        # Base64 takes four bytes for three.
        write_large_events(few.events, FEW_EVENTS, FEW_EVENT_BYTES * 3 // 4)
        few.seal()
        print(f"verify {FEW_EVENTS:,} entries of {FEW_EVENT_BYTES >> 10} KiB")
        beside_yardstick(few, judge, len(os.sched_getaffinity(0)), dict.fromkeys(VERIFY_OF_YARDSTICK, None)
                         | dict.fromkeys(("avx512", "sha-ni"), FEW_OF_YARDSTICK))
        shutil.rmtree(few.folder)
        large = Log(built, folder / "log", LARGE_EVENTS)
        write_large_events(large.events, LARGE_EVENTS, LARGE_EVENT_BYTES)
        judge.memory("seal segments of 56 MiB: memory", large.seal("--max-segment-bytes", LARGEST_SEGMENT_BYTES)[1])
        judge.memory("verify them: memory", large.verify()[1])
    if judge.failed:
        sys.exit("beyond its limit: " + ", ".join(judge.failed))


main()
