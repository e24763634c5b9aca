#!/usr/bin/env python3
"""engines.py FOLDER PYTHON [ENTRIES]: what an engine costs beside one machine, and from which size on it is worthwhile.

FOLDER is where cargo built, PYTHON the one with Spark (make engines). A log of ENTRIES (1,000,000) is verified at once, then by a plan of as many
ranges as it has segments: in a loop on this machine, and on Spark (`local-cluster`, as many executors as cores). Both use the same cores, so Spark
cannot win here. What is printed is what it adds, and the size from which machines like this one would be faster together than one alone.
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import time

EVENTS_A_SEGMENT = 20_000
MACHINES = [2, 4, 16, 64]
SPARK = pathlib.Path(__file__).parents[2] / "verifier/engines/spark/parts.py"


def seconds_of(command, **options):
    began = time.monotonic()
    run = subprocess.run([str(one) for one in command], capture_output=True, text=True, **options)
    if run.returncode:
        sys.exit(f"{command[0]} ended with {run.returncode}: {run.stderr}")
    return time.monotonic() - began, run.stdout


def say(what, figure):
    print(f"{what:<52} {figure}", flush=True)


def sealed(built, folder, entries):
    """A log in a folder; the arguments that verify it."""
    key, policy, events, bucket = (folder / name for name in ("key.pem", "policy.json", "events.jsonl", "bucket"))
    seal = built / "auditlog-seal"
    seconds_of([seal, "keygen", "--spec", "ECC_NIST_P256", "--out", key])
    _, document = seconds_of([seal, "policy", "--origin", "bench.example/log", "--key-file", key])
    policy.write_text(document)
    with events.open("w") as file:
        for n in range(entries):
            mixed = n * 2654435761 % 4294967296
            file.write(f'{{"id":{n},"user":"user-{mixed % 10007}","session":"{mixed:08x}","note":"{f"{mixed:010d} " * 13}"}}\n')
    seconds_of([seal, "append", "--policy", policy, "--key-file", key, "--to", bucket, "--spool", folder / "spool",
                "--max-segment-events", str(EVENTS_A_SEGMENT), events])
    events.unlink()
    return ["--policy", policy], bucket


def in_ranges(verifier, policy, bucket, folder, ranges):
    """Seconds of a plan, of all parts one after the other, and of their merge."""
    plan, _ = seconds_of([verifier, "plan", *policy, "--ranges", str(ranges), "--out", folder / "plan", bucket])
    part = [verifier, "part", "--plan", folder / "plan", "--out", folder / "parts", "--range"]
    loop = sum(seconds_of([*part, str(number)])[0] for number in range(ranges))
    merge, _ = seconds_of([verifier, "merge", *policy, "--plan", folder / "plan", folder / "parts"])
    return plan, loop, merge


def spark(python, verifier, folder):
    """Seconds of the session's start and of the whole job."""
    master = f"local-cluster[{len(os.sched_getaffinity(0))},1,1024]"
    command = [python.with_name("spark-submit"), "--master", master, SPARK, "--plan", folder / "plan", "--out", folder / "spark"]
    environment = os.environ | {"PYSPARK_PYTHON": str(python), "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_LOCAL_DIRS": str(folder)}
    whole, said = seconds_of([*command, "--verifier", verifier], env=environment)
    ranges = float(said.split("ranges looked at in ")[1].split(" s")[0])
    return whole - ranges, ranges


def main():
    built, python = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).absolute()
    entries = int(sys.argv[3]) if len(sys.argv) > 3 else 1_000_000
    with tempfile.TemporaryDirectory() as name:
        folder, verifier = pathlib.Path(name), built / "auditlog-verify"
        policy, bucket = sealed(built, folder, entries)
        ranges = len(list(bucket.rglob("*.zst")))
        alone = min(seconds_of([verifier, *policy, bucket])[0] for _ in range(5))
        rate = entries / alone
        say(f"one machine, {entries:,} entries in {ranges} segments", f"{alone:.2f} s, {rate:,.0f} entries/s")
        for fewer in sorted({1, max(1, ranges // 4)}):
            _, _, merge = in_ranges(verifier, policy, bucket, folder / f"of-{fewer}", fewer)
            say(f"merge of the same log, parts: {fewer}", f"{merge:.2f} s")
        plan, loop, merge = in_ranges(verifier, policy, bucket, folder, ranges)
        say("plan", f"{plan:.2f} s")
        say(f"part, {ranges} ranges one after the other", f"{loop:.2f} s, {loop / ranges * 1000:.0f} ms a range")
        say(f"merge of {ranges} parts", f"{merge:.2f} s")
        start, looked = spark(python, verifier, folder)
        say("Spark, start and end of the session", f"{start:.1f} s")
        say(f"Spark, {ranges} ranges on {len(os.sched_getaffinity(0))} cores", f"{looked:.1f} s")
        fixed = plan + start + merge
        for machines in MACHINES:
            least = fixed * rate * machines / (machines - 1)
            say(f"  {machines} machines are as fast as one at", f"{least / 1e6:,.0f} million entries, {least / rate:.0f} s")


if __name__ == "__main__":
    main()
