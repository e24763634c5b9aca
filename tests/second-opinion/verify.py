#!/usr/bin/env python3
"""A second opinion: verifies a folder against a trust policy, from the guides in docs/guides alone.

    verify.py --policy POLICY [--at TIME] [--pins FILE] FOLDER

Prints one JSON document and answers as auditlog-verify does: 0 verified, 1 a fault was found, 2 no verdict. It is
small and slow on purpose, reads `--pins` without writing it, and knows no S3: of the storage it checks only that
each thing in the folder of a log is a segment.
"""

import argparse
import json
import os
import re
import sys
import time as clock
from dataclasses import dataclass

import absence
import spans
from document import NoVerdict, moment
from encoding import MAX_SEGMENT
from fault import Fault
from pins import load_pins
from policy import parse_policy
from segment import MAX_OBJECT, check
from signers import SKEW, Signers


@dataclass
class Report:
    """Faults in the order found, how many of them a person has explained, and what could not be judged."""

    faults: list
    acknowledged: int
    undecided: list

    def fault(self, place, fault):
        self.faults.append(
            {"object": place, "code": fault.code, "line": fault.line, "index": fault.index, "what": fault.what}
        )

    def exit(self):
        return 1 if self.faults else 2 if self.undecided else 0

    def json(self):
        verdict = ("verified", "fault", "no_verdict")[self.exit()]
        return {"verdict": verdict, "exit": self.exit(), **self.__dict__}


@dataclass
class Times:
    """A1: now, which is both of its moments in a folder; and the time at which the last silence is judged."""

    now: int
    at: int


class Walk:
    """One log, segment by segment."""

    def __init__(self, log, folder, times, pin, report):
        self.log, self.folder, self.times, self.report = log, folder, times, report
        self.end = log.ended.position[0] if log.ended else MAX_SEGMENT
        # A5: a pin above the declared end is disowned.
        self.pin = None if pin and log.ended and pin.segment > self.end else pin
        self.signers = Signers(log)
        self.number = -1  # of the last present segment
        self.last = None  # the last sound segment
        self.missing = False  # whether the last gap is missing up to its end

    def all(self):
        if self.log.format != 1:
            self.report.undecided.append(f"format {self.log.format} is unsupported")
            return
        numbers = [number for number in self.listed() if number <= self.end]
        for number in sorted(numbers):
            self.one(number)
        if numbers or self.log.ended:
            self.tail()
        else:
            self.empty()
        self.report.undecided += [f"compromised without a last good segment: {key}" for key in self.signers.undecided]

    def listed(self):
        """The numbers of the segments that are there; all else in the log's folder is a fault (V5)."""
        folder, numbers = self.folder, []
        for part in self.log.prefix.split("/"):
            folder = os.path.join(folder, part)
            if os.path.islink(folder) or os.path.isfile(folder):
                raise NoVerdict(f"{folder} should be a folder")
        for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
            if re.fullmatch(r"[0-9]{12}\.jsonl\.zst", name, re.ASCII):
                numbers.append(int(name[:12]))
            elif not unfinished(os.path.join(folder, name)):
                self.report.fault(f"{self.log.prefix}/{name}", Fault("object-unaccounted", "not a segment of the log"))
        return numbers

    def empty(self):
        """V6 and A1.5: a log has a segment, unless it has just begun."""
        if self.pin is None and spans.deadline(self.log.silences, self.log.began) >= self.times.now:
            self.report.undecided.append(f"{self.log.prefix}: a log that has just begun")
        else:
            self.report.fault(None, Fault("log-empty", f"no segment in {self.log.prefix}"))

    def one(self, number):
        """A segment by itself, then what it says of others."""
        segment = self.read(number)
        if self.number + 1 < number:
            self.gap(number - 1, segment)
        if segment is None or self.number + 1 < number:
            self.signers.active = None
        if segment:
            for fault in self.judge(segment):
                self.report.fault(self.log.name(number), fault)
            self.last = segment
        self.number = number

    def read(self, number):
        """A sound segment; else nothing, and the report says why."""
        path = os.path.join(self.folder, *self.log.name(number).split("/"))
        if os.path.islink(path) or not os.path.isfile(path):
            self.report.undecided.append(f"{self.log.name(number)} is not a file")
            return None
        try:
            with open(path, "rb") as file:
                return check(file.read(MAX_OBJECT + 1), self.log.origin, number, self.log.format)
        except Fault as fault:
            self.report.fault(self.log.name(number), fault)
        except OSError as error:
            self.report.undecided.append(f"{self.log.name(number)}: {error.strerror}")
        return None

    def gap(self, last, after):
        """A3 to A6: absent segments up to `last`."""
        gap = absence.Gap(self.number + 1, last, self.last, after)
        if after is None and last != self.end:
            self.report.undecided.append(f"whether segments {gap.first} to {last} may be absent")
            return
        found = absence.judge(gap, self.log, self.pin, self.times.now, SKEW)
        self.report.acknowledged += found.acknowledged
        self.missing = found.to_the_end
        for number, fault in found.faults:
            self.report.fault(self.log.name(number), fault)

    def judge(self, segment):
        """The faults of a sound segment, in the order of the rules."""
        before = self.last if self.last and self.last.number + 1 == segment.number else None
        yield from self.follows(segment, before)
        if self.log.ended and segment.number == self.end and place(segment) != self.log.ended.position:
            yield Fault("end-mismatch", "the log ended otherwise")
        yield from self.signers.judge(segment)
        if any(good[0] == segment.number and good != place(segment) for good in self.signers.last_good()):
            yield Fault("last-good-mismatch", "another segment than the last good one")
        if segment.sealed > self.times.now + SKEW:
            yield Fault("sealed-in-future", "sealed after now")
        if before or segment.number == 0:
            yield from self.silence(before.sealed if before else self.log.began, segment.sealed)
        if self.pin and self.pin.segment == segment.number and place(self.pin) != place(segment):
            yield Fault("head-forked", "another head than the pinned one")

    def follows(self, segment, before):
        """V8, and A4 over a gap: what a segment says came before it is what did."""
        if before is None:
            gap = absence.Gap(self.number + 1, segment.number - 1, self.last, segment)
            fault = absence.continues(gap, self.pin) if gap.first <= gap.last else None
            if fault:
                yield fault
            return
        for code, mine, theirs in (
            ("index-mismatch", segment.index, before.size),
            ("prev-mismatch", segment.prev, before.last_hash),
            ("left-mismatch", segment.left, before.roots),
            ("sealed-before-mismatch", segment.sealed_before, before.sealed),
        ):
            if mine != theirs:
                yield Fault(code, "differs from the segment before", 1, segment.index)
                return

    def silence(self, since, until):
        """A2, unless a person has explained it."""
        if spans.deadline(self.log.silences, since) >= until:
            return
        known = [entry.found for entry in self.log.acknowledged if entry.code == "silence-exceeded"]
        if any(start <= since and until <= end for start, end in known):
            self.report.acknowledged += 1
        else:
            yield Fault("silence-exceeded", f"{(until - since) // 1_000_000} seconds")

    def tail(self):
        """Where the log ended, how long it has been silent, what was known to be good, what was pinned."""
        head = self.last if self.last and self.last.number == self.number else None
        if self.log.ended and self.number < self.end:
            self.gap(self.end, None)
        elif head and not self.log.ended:
            for fault in self.silence(head.sealed, self.times.at):
                self.report.fault(self.log.name(self.number), fault)
        self.last_good()
        if self.pin and self.number < self.pin.segment and not self.log.ended:
            self.pin_above(head)

    def last_good(self):
        """V15: the log reaches its last good segments, unless what is absent up to its end may be absent."""
        if self.number < 0 or (self.log.ended and not self.missing):
            return
        for good, _, _ in self.signers.last_good():
            if self.number < good <= self.end:
                self.report.fault(self.log.name(good), Fault("last-good-mismatch", "the log ends before it"))

    def pin_above(self, head):
        """A5: a pinned segment above the head of a log that has not ended."""
        gap = absence.Gap(self.number + 1, self.pin.segment, head, None)
        if any(absence.excused(loss, self.pin) for loss in absence.losses(self.log, gap)):
            self.report.acknowledged += 1
        elif not absence.pin_expired(self.pin, self.log, self.times.now):
            fault = Fault("head-rolled-back", f"segment {self.pin.segment} was seen before")
            self.report.fault(self.log.name(self.number), fault)


def place(head):
    """What a segment and a pin of it have in common."""
    number = head.number if hasattr(head, "number") else head.segment
    return number, head.size, head.root


def unfinished(path):
    """What a sealer writes before it gives it the name of a segment."""
    name = re.fullmatch(r"\.[0-9]{12}\.jsonl\.zst\.[ -~]+\.unfinished", os.path.basename(path))
    return name and not os.path.islink(path) and os.path.isfile(path)


def opinion(policy_path, folder, at=None, pins=None):
    """The whole verification: a report, which never raises."""
    report = Report([], 0, [])
    try:
        now = clock.time_ns() // 1000
        with open(policy_path, "rb") as file:
            logs = parse_policy(file.read(), now)
        heads = load_pins(pins) if pins else {}
        if not os.path.isdir(folder):
            raise NoVerdict(f"{folder} is not a folder")
        for log in logs:
            Walk(log, folder, Times(now, moment(at) if at else now), heads.get(log.origin), report).all()
    except (NoVerdict, OSError) as reason:
        report.undecided.append(str(reason))
    return report


def each():
    """Answers {policy, folder, at, pins} from each line of the input."""
    for line in sys.stdin:
        asked = json.loads(line)
        report = opinion(asked["policy"], asked["folder"], asked.get("at"), asked.get("pins"))
        print(json.dumps(report.json()), flush=True)
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--policy")
    parser.add_argument("--at", help="judge the silence after the last segment at this time")
    parser.add_argument("--pins", help="heads that an earlier run pinned")
    parser.add_argument("--each", action="store_true", help=each.__doc__)
    parser.add_argument("folder", nargs="?")
    arguments = parser.parse_args()
    if arguments.each:
        return each()
    if not arguments.policy or not arguments.folder:
        parser.error("a policy and a folder are due")
    report = opinion(arguments.policy, arguments.folder, arguments.at, arguments.pins)
    print(json.dumps(report.json(), indent=1))
    return report.exit()


if __name__ == "__main__":
    sys.exit(main())
