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

from fault import Fault
from policy import NoVerdict, document, fields, integer, moment, need, origin_of, parse_head, parse_policy, spans_within
from encoding import MAX_SEGMENT
from segment import check

SKEW = 300 * 1_000_000


@dataclass
class Report:
    """Faults in the order found, and what could not be looked at."""

    faults: list
    unread: list

    def fault(self, place, fault):
        self.faults.append(
            {"object": place, "code": fault.code, "line": fault.line, "index": fault.index, "what": fault.what}
        )

    def exit(self):
        return 1 if self.faults else 2 if self.unread else 0

    def json(self):
        verdict = ("verified", "fault", "no_verdict")[self.exit()]
        return {"verdict": verdict, "exit": self.exit(), "faults": self.faults, "unread": self.unread}


@dataclass
class Times:
    """Now, and the time at which the silence after the last segment is judged."""

    now: int
    at: int


def verify(policy, folder, times, pins, report):
    """Each log that is declared. What lies beside the logs is a matter of storage, and not looked at in a folder."""
    if not os.path.isdir(folder):
        raise NoVerdict(f"{folder} is no folder")
    for log in policy.logs:
        Walk(policy, log, folder, times, pins.get(log.origin), report).all()


class Walk:
    """One log, segment by segment."""

    def __init__(self, policy, log, folder, times, pin, report):
        self.policy, self.log, self.folder, self.times, self.pin, self.report = policy, log, folder, times, pin, report
        self.before = None  # (number, segment) of the last present one; the segment is None where it is faulty
        self.key = None  # the verifier key that signs, where that is known

    def name(self, number):
        return f"{self.log.prefix}/{number:012}.jsonl.zst"

    def all(self):
        if self.log.format != 1:
            self.report.unread.append(f"format {self.log.format} is unsupported")
            return
        numbers = self.listed()
        if not numbers:
            self.report.fault(None, Fault("log-empty", f"no segment in {self.log.prefix}"))
            return
        end = self.log.ended.segment if self.log.ended else MAX_SEGMENT
        for number in sorted(number for number in numbers if number <= end):
            self.one(number)
        if self.before:
            self.tail()

    def listed(self):
        """The numbers of the segments that are there; all else in the log's folder is a fault."""
        folder, numbers = self.folder, []
        for part in self.log.prefix.split("/"):
            folder = os.path.join(folder, part)
            if os.path.islink(folder) or os.path.isfile(folder):
                raise NoVerdict(f"{folder} should be a folder")
        for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
            if re.fullmatch(r"[0-9]{12}\.jsonl\.zst", name, re.ASCII):
                numbers.append(int(name[:12]))
            elif not self.unfinished(os.path.join(folder, name)):
                fault = Fault("object-unaccounted", "no segment of the log")
                self.report.fault(f"{self.log.prefix}/{name}", fault)
        return numbers

    def unfinished(self, path):
        """What a sealer writes before it gives it the name of a segment."""
        name = re.fullmatch(r"\.[0-9]{12}\.jsonl\.zst\.[ -~]+\.unfinished", os.path.basename(path))
        return name and not os.path.islink(path) and os.path.isfile(path)

    def one(self, number):
        """A segment by itself, then what it says of others."""
        segment, unread = None, False
        try:
            segment = self.read(number)
        except Fault as fault:
            self.report.fault(self.name(number), fault)
        except OSError as error:
            self.report.unread.append(f"{self.name(number)}: {error.strerror}")
            unread = True
        first = self.before[0] + 1 if self.before else 0
        if first < number:
            self.key = None
            self.gap(first, number, segment, unread)
        if segment is None:
            self.key = None
        else:
            neighbour = self.before[1] if self.before and self.before[0] + 1 == number else None
            for check_ in (self.neighbour, self.end, self.keys, self.last_good, self.time, self.pinned):
                try:
                    check_(segment, neighbour)
                except Fault as fault:
                    self.report.fault(self.name(number), fault)
        self.before = (number, segment)

    def read(self, number):
        path = os.path.join(self.folder, *self.name(number).split("/"))
        if os.path.islink(path) or not os.path.isfile(path):
            raise OSError(0, "no file")
        with open(path, "rb") as file:
            return check(file.read((64 << 20) + 1), self.log.origin, number, self.log.format)

    def gap(self, first, number, segment, unread):
        """Absent segments have expired once the retention has passed that was in force when they were sealed."""
        if unread:
            self.report.unread.append(f"whether segments {first} to {number - 1} may be absent")
            return
        if segment:
            since = self.before[1].sealed if self.before and self.before[1] else self.log.began
            if self.policy.kept_until(self.log, since, segment.sealed_before) < self.times.now:
                return
        self.report.fault(self.name(first), Fault("segment-missing", f"{first} to {number - 1}"))

    def neighbour(self, segment, neighbour):
        """F11: what a segment says came before it is what did."""
        if neighbour is None:
            return
        for code, mine, theirs in (
            ("index-mismatch", segment.index, neighbour.size),
            ("prev-mismatch", segment.prev, neighbour.last_hash),
            ("left-mismatch", segment.left, neighbour.roots),
            ("sealed-before-mismatch", segment.sealed_before, neighbour.sealed),
        ):
            if mine != theirs:
                raise Fault(code, "differs from the segment before", 1, segment.index)

    def end(self, segment, _):
        ended = self.log.ended
        if ended and segment.number == ended.segment and (ended.size, ended.root) != (segment.size, segment.root):
            raise Fault("end-mismatch", "the log ended otherwise")

    def keys(self, segment, _):
        """F14: exactly the required signatures, in order, by keys that the policy authorises."""
        active, self.key = self.key, None
        required = self.required(segment, active)
        keys = [self.log.keys[key] for key in required]
        spared = len(keys) == 2 and self.spared(keys[1], segment)
        ids = [key_id(key) for key in self.log.keys]
        if any(one not in ids for one, _ in segment.signatures):
            raise Fault("key-unknown", "a signature of a key that the policy does not name")
        if len(segment.signatures) not in ((1, 2) if spared else (len(keys),)):
            raise Fault("signature-count", f"{len(segment.signatures)} signatures")
        for name, key, (one, signature) in zip(required, keys, segment.signatures):
            if one != key_id(name):
                raise Fault("signature-key", "the signature is of another key")
            if not key.signed(segment, signature):
                raise Fault("signature-invalid", "the signature is wrong")
        self.key = required[0]
        for key in keys[:1] if spared else keys:
            if segment.sealed < key.valid_from - SKEW or (key.retired_at and segment.sealed > key.retired_at + SKEW):
                raise Fault("key-outside-span", "the key was not valid when the segment was sealed")
        if keys[0].compromised:
            good = keys[0].compromised["last_good"].get(self.log.origin)
            if good is None:
                self.report.unread.append(f"{self.log.origin.decode()}: a compromised key, and no last good segment")
            elif segment.number > good[0]:
                raise Fault("key-compromised", "signed after the last good segment")

    def required(self, segment, active):
        """The verifier keys that must have signed: of the key line, or the one that signed until now."""
        if segment.key:
            named = [key for key in segment.key if key is not None]
            if active and len(named) == 2 and named[1] != active:
                raise Fault("key-line", "previous is not the key until then", 2)
            if any(key not in self.log.keys for key in named):
                raise Fault("key-unknown", "a key line names a key that the policy does not name", 2)
            return named
        if active:
            return [active]
        claimed = [key for key in self.log.keys if key_id(key) == segment.signatures[0][0]]
        if not claimed:
            raise Fault("key-unknown", "a signature of a key that the policy does not name")
        return claimed[:1]

    def spared(self, key, segment):
        """Whether a rotation away from this key does without its signature."""
        if key.lost_at is not None and key.lost_at <= segment.sealed:
            return True
        if key.compromised is None:
            return False
        good = key.compromised["last_good"].get(self.log.origin)
        return key.compromised["at"] <= segment.sealed or (good is not None and good[0] < segment.number)

    def last_good(self, segment, _):
        for number, size, root in self.good_heads():
            if number == segment.number and (size, root) != (segment.size, segment.root):
                raise Fault("last-good-mismatch", "another segment than the last good one")

    def good_heads(self):
        facts = [key.compromised for key in self.log.keys.values() if key.compromised]
        return [fact["last_good"][self.log.origin] for fact in facts if self.log.origin in fact["last_good"]]

    def time(self, segment, _):
        if segment.sealed > self.times.now + SKEW:
            self.report.fault(self.name(segment.number), Fault("sealed-in-future", "sealed after now"))
        self.silence(self.log.began if segment.number == 0 else segment.sealed_before, segment.sealed)

    def silence(self, since, until):
        """The longest silence that was allowed at some time meanwhile."""
        if until - since > max(span.length for span in spans_within(self.log.silences, since, until)):
            raise Fault("silence-exceeded", f"{(until - since) // 1_000_000} seconds")

    def pinned(self, segment, _):
        if self.pin and self.pin[0] == segment.number and self.pin[1:] != (segment.size, segment.root):
            raise Fault("head-forked", "another head than the pinned one")

    def tail(self):
        """Where the log ended, what was pinned, how long it has been silent."""
        number, segment = self.before
        end = self.log.ended.segment if self.log.ended else None
        if end is not None and number < end:
            self.report.fault(self.name(number + 1), Fault("segment-missing", "the log ended later"))
        for good, _, _ in self.good_heads():
            if number < good and (end is None or good <= end):
                self.report.fault(self.name(good), Fault("last-good-mismatch", "the log ends before it"))
        try:
            if segment and end is None:
                self.silence(segment.sealed, self.times.at)
        except Fault as fault:
            self.report.fault(self.name(number), fault)
        if self.pin and number < self.pin[0] and (end is None or self.pin[0] <= end):
            self.report.fault(self.name(number), Fault("head-rolled-back", f"segment {self.pin[0]} was seen before"))


def key_id(verifier_key):
    """The four bytes of a verifier key; its base64 may have a + too."""
    return bytes.fromhex(verifier_key.split(b"+", 2)[1].decode())


def load_pins(path):
    """The heads that an earlier run saw, by origin."""
    if path is None or not os.path.exists(path):
        return {}
    try:
        with open(path, "rb") as file:
            value = fields(document(file.read((16 << 20) + 1)), ("pins", "logs"))
        integer(value["pins"], 1, 1)
        need(isinstance(value["logs"], dict), "an object is due")
        return {
            origin_of(origin): parse_pin(fields(pin, ("segment", "size", "root", "sealed"), ("stored",)))
            for origin, pin in value["logs"].items()
        }
    except NoVerdict as reason:
        raise NoVerdict(f"pins file: {reason}") from None


def parse_pin(value):
    moment(value["sealed"])
    if "stored" in value:
        moment(value["stored"])
    return parse_head(value)


def opinion(policy_path, folder, at=None, pins=None):
    """The whole verification: a report, which never raises."""
    report = Report([], [])
    try:
        with open(policy_path, "rb") as file:
            policy = parse_policy(file.read())
        now = clock.time_ns() // 1000
        pinned = load_pins(pins)
        verify(policy, folder, Times(now, moment(at) if at else now), pinned, report)
    except (NoVerdict, OSError) as reason:
        report.unread.append(str(reason))
    return report


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--policy")
    parser.add_argument("--at", help="judge the silence after the last segment at this time")
    parser.add_argument("--pins", help="heads that an earlier run pinned")
    parser.add_argument("--each", action="store_true", help="read {policy, folder, at, pins} from each line of the input")
    parser.add_argument("folder", nargs="?")
    arguments = parser.parse_args()
    if arguments.each:
        for line in sys.stdin:
            asked = json.loads(line)
            report = opinion(asked["policy"], asked["folder"], asked.get("at"), asked.get("pins"))
            print(json.dumps(report.json()), flush=True)
        return 0
    if not arguments.policy or not arguments.folder:
        parser.error("a policy and a folder are due")
    report = opinion(arguments.policy, arguments.folder, arguments.at, arguments.pins)
    print(json.dumps(report.json(), indent=1))
    return report.exit()


if __name__ == "__main__":
    sys.exit(main())
