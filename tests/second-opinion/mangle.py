#!/usr/bin/env python3
"""Edits good logs, policies and pins at random and asks both verifiers, which must agree on the exit code and on code and
object of each fault.

    mangle.py --verifier target/debug/auditlog-verify [--seed N] [--cases N] [--keep FOLDER]

Some edits are to bytes that were signed; some are made before hashing and signing, with the test keys, so that only
the edited rule can refuse them; some are to the policy, some to the pins; some make another history. A case on which the two
differ is kept as a folder and named.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "vectors"))

from forge import short  # noqa: E402
from mangled import Case  # noqa: E402
from verify import opinion  # noqa: E402


def both(case, folder, verifier, at):
    """The answers of both: exit code, and code and object of each fault."""
    case.write(folder)
    policy, bucket, pins = (os.path.join(folder, name) for name in ("policy.json", "bucket", "pins.json"))
    ours = opinion(policy, bucket, at, pins).json()
    asked = [verifier, "--policy", policy, "--at", at, "--output", "json"]
    if case.pinned is not None:
        asked += ["--pins", pins]
    run = subprocess.run([*asked, bucket], capture_output=True, check=False)
    try:
        faults = json.loads(run.stdout)["faults"]
    except ValueError:
        faults = []
    answer = lambda status, found: (status, sorted((one["code"], one["object"] or "") for one in found))  # noqa: E731
    return answer(ours["exit"], ours["faults"]), answer(run.returncode, faults), ours, run


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--verifier", required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cases", type=int, default=200)
    parser.add_argument("--keep", default="target/mangled")
    arguments = parser.parse_args()
    tally, differ = {0: 0, 1: 0, 2: 0}, 0
    for number in range(arguments.cases):
        seed = arguments.seed * 1_000_000 + number
        case = Case(random.Random(seed))
        with tempfile.TemporaryDirectory() as folder:
            at = short(case.at)
            python, rust, ours, run = both(case, folder, os.path.abspath(arguments.verifier), at)
            tally[rust[0]] = tally.get(rust[0], 0) + 1
            if python != rust:
                differ += 1
                kept = os.path.join(arguments.keep, str(seed))
                shutil.rmtree(kept, ignore_errors=True)
                shutil.copytree(folder, kept)
                print(f"case {seed}: second opinion {python}, auditlog-verify {rust}: {case.made} --at {at}")
                print(f"  {ours}\n  {run.stdout.decode()[-600:]}\n  {run.stderr.decode()}\n  kept in {kept}")
    print(f"{arguments.cases} cases from seed {arguments.seed}: {tally[0]} verified, {tally[1]} faulty, {tally[2]} without verdict; "
          f"{differ} on which the two differ")
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
