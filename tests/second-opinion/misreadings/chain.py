"""Misreadings of V2 to V10, V15, V23 and V27: what is looked at, neighbours, ends and time."""

from misreadings.misreading import Misreading


def verify(rule, what, by, old, new):
    return Misreading(rule, what, by, "verify.py", old, new)


def neighbours(one, other, by):
    """Two rules about neighbours, in the other order."""
    both = "            " + one + "            " + other
    return verify(
        "V8",
        f"{other.split(chr(34))[1]} is looked at before {one.split(chr(34))[1]}",
        by,
        both,
        "            " + other + "            " + one,
    )


INDEX = '("index-mismatch", segment.index, before.size),\n'
PREV = '("prev-mismatch", segment.prev, before.last_hash),\n'
LEFT = '("left-mismatch", segment.left, before.roots),\n'
BEFORE = '("sealed-before-mismatch", segment.sealed_before, before.sealed),\n'

ALL = [
    verify(
        "V4",
        "a folder in place of a segment is passed over",
        "no-verdict--folder-in-place-of-a-segment",
        '            self.report.undecided.append(f"{self.log.name(number)} is not a file")\n            return None\n',
        "            return None\n",
    ),
    verify(
        "V4",
        "a file in place of a log is an empty log",
        "no-verdict--file-in-place-of-the-log",
        '                raise NoVerdict(f"{folder} should be a folder")\n',
        "                return []\n",
    ),
    verify(
        "V27",
        "no verdict goes before a fault",
        "frame-form--beside-what-cannot-be-read",
        "return 1 if self.faults else 2 if self.undecided else 0",
        "return 2 if self.undecided else 1 if self.faults else 0",
    ),
    verify("V2", "another format is read like this one", "no-verdict--format-2", "if self.log.format != 1:", "if False:"),
    verify(
        "V5",
        "what is not a segment is passed over",
        "object-unaccounted--in-prefix",
        'self.report.fault(f"{self.log.prefix}/{name}"',
        'name or self.report.fault(f"{self.log.prefix}/{name}"',
    ),
    verify(
        "V5",
        "a segment's name may have 13 digits",
        "object-unaccounted--13-digits",
        '[0-9]{12}\\.jsonl\\.zst", name',
        '[0-9]{12,13}\\.jsonl\\.zst", name',
    ),
    verify(
        "V5",
        "a segment's name may have 11 digits",
        "object-unaccounted--11-digits",
        "numbers.append(int(name[:12]))\n",
        "numbers.append(int(name[:12]))\n            elif re.fullmatch(r'[0-9]{11}\\.jsonl\\.zst', name):\n                numbers.append(int(name[:11]))\n",
    ),
    verify(
        "V5",
        "a name may be in upper case",
        "object-unaccounted--upper-case",
        "name, re.ASCII",
        "name, re.ASCII | re.IGNORECASE",
    ),
    verify(
        "V5",
        "an unfinished file is not accounted for",
        "good--unfinished-file",
        "elif not unfinished(",
        "elif True or unfinished(",
    ),
    verify(
        "V5",
        "an unfinished file may be of nobody",
        "object-unaccounted--unfinished-of-nobody",
        "[ -~]+\\.unfinished",
        "[ -~]*\\.unfinished",
    ),
    verify(
        "V5",
        "an unfinished file may be of anything",
        "object-unaccounted--unfinished-of-no-segment",
        "\\.[0-9]{12}\\.jsonl\\.zst\\.[ -~]+",
        "\\.[ -~]+\\.[ -~]+",
    ),
    verify(
        "V5",
        "what is beside the logs is not accounted for",
        "good--file-beside-the-logs",
        "        for log in logs:\n",
        "        if any(os.path.isfile(os.path.join(folder, name)) for name in os.listdir(folder)):\n            raise NoVerdict('')\n        for log in logs:\n",
    ),
    verify(
        "V7",
        "a number that another segment has is right",
        "segment-mismatch--swapped",
        "self.log.origin, number, self.log.format)",
        "self.log.origin, 3 if number == 2 else number, self.log.format)",
    ),
    verify("V8", "index is not compared", "index-mismatch--neighbour", INDEX, ""),
    verify("V8", "prev is not compared", "prev-mismatch--neighbour", PREV, ""),
    verify("V8", "left is not compared", "left-mismatch--neighbour", LEFT, ""),
    verify("V8", "sealed_before is not compared", "sealed-before-mismatch--neighbour", BEFORE, ""),
    neighbours(INDEX, PREV, "index-mismatch--neighbour-before-prev"),
    neighbours(PREV, LEFT, "prev-mismatch--neighbour-before-left"),
    neighbours(LEFT, BEFORE, "left-mismatch--neighbour-before-sealed-before"),
    verify(
        "V8",
        "a neighbour may have several faults",
        "index-mismatch--neighbour-before-prev",
        '                yield Fault(code, "differs from the segment before", 1, segment.index)\n                return\n',
        '                yield Fault(code, "differs from the segment before", 1, segment.index)\n',
    ),
    verify(
        "V8",
        "a segment is compared with the last sound one",
        "frame-form--between-sound-ones",
        "before = self.last if self.last and self.last.number + 1 == segment.number else None",
        "before = self.last",
    ),
    verify(
        "V10",
        "the end's root is not compared",
        "end-mismatch--other-root",
        "place(segment) != self.log.ended.position",
        "place(segment)[:2] != self.log.ended.position[:2]",
    ),
    verify(
        "V10",
        "the end's size is not compared",
        "end-mismatch--other-size",
        "place(segment) != self.log.ended.position",
        "place(segment)[2] != self.log.ended.position[2]",
    ),
    verify(
        "V10",
        "what is after the end is judged",
        "good--garbage-after-the-end",
        "[number for number in self.listed() if number <= self.end]",
        "self.listed()",
    ),
    verify(
        "V10",
        "the end itself is disowned",
        "end-mismatch--other-root",
        "for number in self.listed() if number <= self.end]",
        "for number in self.listed() if number < self.end]",
    ),
    verify(
        "Keys",
        "the active key is known after a gap",
        "good--rotation-in-a-gap",
        "if segment is None or self.number + 1 < number:",
        "if segment is None:",
    ),
    verify(
        "Keys",
        "the active key is known after a segment that is not sound",
        "frame-corrupt--before-another-key",
        "if segment is None or self.number + 1 < number:",
        "if self.number + 1 < number:",
    ),
    verify(
        "V15",
        "the last good segment is not compared",
        "last-good-mismatch--other-root",
        "and good != place(segment) for",
        "and False for",
    ),
    verify(
        "V15",
        "the size of the last good segment is not compared",
        "last-good-mismatch--other-size",
        "and good != place(segment) for",
        "and good[2] != place(segment)[2] for",
    ),
    verify(
        "V15",
        "a log need not reach the last good segment",
        "last-good-mismatch--tail-cut-off",
        "if self.number < good <= self.end:",
        "if False:",
    ),
    verify(
        "V15",
        "a log reaches the last good segment although it ended before",
        "good--last-good-above-the-end",
        "        if self.number < 0 or (self.log.ended and not self.missing):\n            return\n        for good, _, _ in self.signers.last_good():\n            if self.number < good <= self.end:",
        "        for good, _, _ in self.signers.last_good():\n            if self.number < good:",
    ),
    verify(
        "V15",
        "a log reaches the last good segment although it has expired up to its end",
        "good--last-good-expired-at-the-end",
        "        if self.number < 0 or (self.log.ended and not self.missing):\n            return\n",
        "",
    ),
    verify(
        "V23",
        "segments of the future are good",
        "sealed-in-future--year-2073",
        "if segment.sealed > self.times.now + SKEW:",
        "if False:",
    ),
    verify(
        "V23",
        "the future begins at --at",
        "good--at-in-the-past",
        "if segment.sealed > self.times.now + SKEW:",
        "if segment.sealed > self.times.at + SKEW:",
    ),
    verify(
        "V24",
        "--at is not looked at",
        "silence-exceeded--tail",
        "self.silence(head.sealed, self.times.at)",
        "self.silence(head.sealed, min(self.times.now, self.times.at, head.sealed))",
    ),
]
