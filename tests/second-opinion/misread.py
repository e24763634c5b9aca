#!/usr/bin/env python3
"""Checks that the vectors notice each misreading of the guides that is listed in misreadings/.

    misread.py                run each misreading over the vector that is named with it, which must then get another answer
    misread.py --find TEXT    name the vectors that notice the misreadings whose rule or text contains TEXT

A verifier that misreads one rule must fail at one vector at least; otherwise the vectors do not show that rule.
"""

import argparse
import json
import os
import sys

from misreadings import ALL
from misreadings.loader import load

VECTORS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "vectors")
PLACE = ("code", "object", "line", "index")


class Vector:
    """One vector: what is asked, and the answer that is expected."""

    def __init__(self, name):
        self.name, self.folder = name, os.path.join(VECTORS, name)
        with open(os.path.join(self.folder, "vector.json"), encoding="utf-8") as file:
            self.expected = json.load(file)

    def path(self, name):
        return os.path.join(self.folder, name)

    def notices(self, opinion):
        """Whether `opinion` gives another answer than the expected one."""
        pins = self.path("pins.json")
        pins = pins if os.path.exists(pins) else None
        answer = opinion(self.path("policy.json"), self.path("bucket"), self.expected["at"], pins).json()
        first = answer["faults"][0] if answer["faults"] else {}
        counted = self.expected.get("faults", 1 if self.expected["exit"] == 1 else 0)
        explained = self.expected.get("acknowledged", 0)
        same = (
            len(answer["faults"]) == counted
            and answer["acknowledged"] == explained
            and all(self.expected.get(part) == first.get(part) for part in PLACE)
        )
        return answer["exit"] != self.expected["exit"] or not same


def vectors():
    names = sorted(name for name in os.listdir(VECTORS) if os.path.exists(os.path.join(VECTORS, name, "vector.json")))
    return {name: Vector(name) for name in names}


def complaint(misreading, known):
    """What is wrong with a misreading; nothing where its vector notices it."""
    if misreading.by not in known:
        return f"{misreading}: there is no vector {misreading.by!r}"
    try:
        noticed = known[misreading.by].notices(load(misreading))
    except Exception as error:
        return f"{misreading}: {type(error).__name__}: {error}"
    return None if noticed else f"{misreading}: {misreading.by} does not notice it"


def find(text, known):
    """Prints the vectors that notice the misreadings whose rule or text contains `text`."""
    for misreading in ALL:
        if text in str(misreading):
            opinion = load(misreading)
            print(f"{misreading}: {[name for name, vector in known.items() if vector.notices(opinion)]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--find", metavar="TEXT")
    arguments = parser.parse_args()
    known = vectors()
    if arguments.find is not None:
        find(arguments.find, known)
        return 0
    found = [text for text in (complaint(misreading, known) for misreading in ALL) if text]
    print(*found, f"{len(ALL)} misreadings, {len(found)} unnoticed", sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
