#!/usr/bin/env python3
"""Looks at every range of a plan on Spark, and writes the partial results for `auditlog-verify merge`.

    auditlog-verify plan --policy trust-policy.json --ranges 256 --out plan/
    spark-submit verifier/engines/spark/parts.py --plan plan/ --out parts/
    auditlog-verify merge --policy trust-policy.json --plan plan/ parts/

One task looks at one range. The plan and the command travel to the executors with the job, and the partial results travel back to the driver, so
executors need neither a shared folder nor anything installed. They read the objects with the AWS credentials of their own machine: none are sent.

Spark may run a task again or twice; it hands over one result of each. A range that has a partial result in the folder is not run again. Ends with 0
where every range was looked at, whatever was found, and with 2 otherwise: only `merge` gives a verdict.
"""

import argparse
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

try:
    from pyspark import SparkConf, SparkContext, SparkFiles
except ImportError:
    print("pyspark is missing: pip install --require-hashes --requirement tests/engines/requirements.txt", file=sys.stderr)
    sys.exit(2)

COMMAND = "auditlog-verify"
OF_EVERY_RANGE = ["plan.json", "policy.json"]


def look(verifier, task):
    """Runs in an executor: the bytes of the partial result of one range."""
    number, listed = task
    with tempfile.TemporaryDirectory(prefix="auditlog-") as folder:
        plan, parts = pathlib.Path(folder, "plan"), pathlib.Path(folder, "parts")
        plan.mkdir()
        for name in OF_EVERY_RANGE:
            (plan / name).symlink_to(SparkFiles.get(name))
        (plan / f"range-{number:06}.json").write_bytes(listed)
        command = [SparkFiles.get(verifier), "part", "--plan", plan, "--range", str(number), "--out", parts]
        run = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if run.returncode:
            raise RuntimeError(f"range {number}: {COMMAND} part ended with {run.returncode}: {run.stderr.strip()}")
        return number, (parts / f"part-{number:06}.json").read_bytes()


def arguments():
    parser = argparse.ArgumentParser(description="Look at every range of a plan on Spark.")
    parser.add_argument("--plan", required=True, type=pathlib.Path, help="folder of the plan")
    parser.add_argument("--out", required=True, type=pathlib.Path, help="folder for the partial results")
    parser.add_argument("--verifier", default=shutil.which(COMMAND), help=f"the {COMMAND} to run [default: the one on PATH]")
    given = parser.parse_args()
    if not given.verifier:
        parser.error(f"{COMMAND} is not on PATH: make install, or give --verifier")
    if not (given.plan / "plan.json").is_file():
        parser.error(f"{given.plan} has no plan: auditlog-verify plan … --out {given.plan}")
    return given


def tasks(plan, out):
    """The ranges without a partial result: their numbers and lists."""
    for path in sorted(plan.glob("range-*.json")):
        number = int(path.stem.removeprefix("range-"))
        if not (out / f"part-{number:06}.json").exists():
            yield number, path.read_bytes()


def keep(out, number, part):
    """Writes a partial result at once or not at all."""
    beside = out / f".part-{number:06}.tmp"
    beside.write_bytes(part)
    beside.rename(out / f"part-{number:06}.json")


def main():
    given = arguments()
    given.out.mkdir(parents=True, exist_ok=True)
    to_do = list(tasks(given.plan, given.out))
    if not to_do:
        return print("every range has a partial result")
    verifier = pathlib.Path(given.verifier).resolve()
    began = time.monotonic()
    context = SparkContext(conf=SparkConf().setAppName("auditlog-verify"))
    started = time.monotonic()
    try:
        context.setLogLevel("ERROR")
        for path in [verifier, *(given.plan / name for name in OF_EVERY_RANGE)]:
            context.addFile(str(path.resolve()))
        name = verifier.name
        looked_at = context.parallelize(to_do, len(to_do)).map(lambda task: look(name, task)).collect()
    finally:
        context.stop()
    for number, part in looked_at:
        keep(given.out, number, part)
    seconds = f"session started in {started - began:.1f} s, ranges looked at in {time.monotonic() - started:.1f} s"
    print(f"{len(looked_at)} ranges: {given.out} ({seconds})")


if __name__ == "__main__":
    try:
        main()
    except Exception as error:  # Spark's own errors hold the reason of the task that failed last.
        print(error, file=sys.stderr)
        sys.exit(2)  # 1 would say that a fault was found
