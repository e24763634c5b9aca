"""Misreadings of V1 to V23: what is looked at, neighbours, ends, keys and time."""

from misreadings.misreading import Misreading


def verify(rule, what, by, old, new):
    return Misreading(rule, what, by, "verify.py", old, new)


def signers(rule, what, by, old, new):
    return Misreading(rule, what, by, "signers.py", old, new)


def neighbours(one, other, by):
    """Two rules about neighbours, in the other order."""
    both = "            " + one + "            " + other
    return verify("V8", f"{other.split(chr(34))[1]} is looked at before {one.split(chr(34))[1]}", by, both, "            " + other + "            " + one)


INDEX = '("index-mismatch", segment.index, before.size),\n'
PREV = '("prev-mismatch", segment.prev, before.last_hash),\n'
LEFT = '("left-mismatch", segment.left, before.roots),\n'
BEFORE = '("sealed-before-mismatch", segment.sealed_before, before.sealed),\n'
GONE = "gone = [key.retired_at, key.lost_at, key.compromised and key.compromised[\"at\"]]"

ALL = [
    verify("V4", "a folder in place of a segment is passed over", "no-verdict--folder-in-place-of-a-segment", "            self.report.undecided.append(f\"{self.log.name(number)} is not a file\")\n            return None\n", "            return None\n"),
    verify("V4", "a file in place of a log is an empty log", "no-verdict--file-in-place-of-the-log", "                raise NoVerdict(f\"{folder} should be a folder\")\n", "                return []\n"),
    verify("V27", "no verdict goes before a fault", "frame-form--beside-what-cannot-be-read", "return 1 if self.faults else 2 if self.undecided else 0", "return 2 if self.undecided else 1 if self.faults else 0"),
    verify("V2", "another format is read like this one", "no-verdict--format-2", "if self.log.format != 1:", "if False:"),
    verify("V5", "what is not a segment is passed over", "object-unaccounted--in-prefix",
           "self.report.fault(f\"{self.log.prefix}/{name}\"", "name or self.report.fault(f\"{self.log.prefix}/{name}\""),
    verify("V5", "a segment's name may have 13 digits", "object-unaccounted--13-digits", "[0-9]{12}\\.jsonl\\.zst\", name", "[0-9]{12,13}\\.jsonl\\.zst\", name"),
    verify("V5", "a segment's name may have 11 digits", "object-unaccounted--11-digits", "numbers.append(int(name[:12]))\n",
           "numbers.append(int(name[:12]))\n            elif re.fullmatch(r'[0-9]{11}\\.jsonl\\.zst', name):\n                numbers.append(int(name[:11]))\n"),
    verify("V5", "a name may be in upper case", "object-unaccounted--upper-case", "name, re.ASCII", "name, re.ASCII | re.IGNORECASE"),
    verify("V5", "an unfinished file is not accounted for", "good--unfinished-file", "elif not unfinished(", "elif True or unfinished("),
    verify("V5", "an unfinished file may be of nobody", "object-unaccounted--unfinished-of-nobody", "[ -~]+\\.unfinished", "[ -~]*\\.unfinished"),
    verify("V5", "an unfinished file may be of anything", "object-unaccounted--unfinished-of-no-segment", "\\.[0-9]{12}\\.jsonl\\.zst\\.[ -~]+", "\\.[ -~]+\\.[ -~]+"),
    verify("V5", "what is beside the logs is not accounted for", "good--file-beside-the-logs", "        for log in logs:\n",
           "        if any(os.path.isfile(os.path.join(folder, name)) for name in os.listdir(folder)):\n            raise NoVerdict('')\n        for log in logs:\n"),
    verify("V7", "a number that another segment has is right", "segment-mismatch--swapped", "self.log.origin, number, self.log.format)", "self.log.origin, 3 if number == 2 else number, self.log.format)"),
    verify("V8", "index is not compared", "index-mismatch--neighbour", INDEX, ""),
    verify("V8", "prev is not compared", "prev-mismatch--neighbour", PREV, ""),
    verify("V8", "left is not compared", "left-mismatch--neighbour", LEFT, ""),
    verify("V8", "sealed_before is not compared", "sealed-before-mismatch--neighbour", BEFORE, ""),
    neighbours(INDEX, PREV, "index-mismatch--neighbour-before-prev"),
    neighbours(PREV, LEFT, "prev-mismatch--neighbour-before-left"),
    neighbours(LEFT, BEFORE, "left-mismatch--neighbour-before-sealed-before"),
    verify("V8", "a neighbour may have several faults", "index-mismatch--neighbour-before-prev",
           "                yield Fault(code, \"differs from the segment before\", 1, segment.index)\n                return\n",
           "                yield Fault(code, \"differs from the segment before\", 1, segment.index)\n"),
    verify("V8", "a segment is compared with the last sound one", "frame-form--between-sound-ones",
           "before = self.last if self.last and self.last.number + 1 == segment.number else None", "before = self.last"),
    verify("V10", "the end's root is not compared", "end-mismatch--other-root", "place(segment) != self.log.ended.position", "place(segment)[:2] != self.log.ended.position[:2]"),
    verify("V10", "the end's size is not compared", "end-mismatch--other-size", "place(segment) != self.log.ended.position", "place(segment)[2] != self.log.ended.position[2]"),
    verify("V10", "what is after the end is judged", "good--garbage-after-the-end", "[number for number in self.listed() if number <= self.end]", "self.listed()"),
    verify("V10", "the end itself is disowned", "end-mismatch--other-root", "for number in self.listed() if number <= self.end]", "for number in self.listed() if number < self.end]"),
    signers("V11", "a key line may name any key", "key-unknown--previous-of-a-rotation", "if any(key not in self.log.keys for key in named):\n                raise", "named = [key for key in named if key in self.log.keys]\n            if not named:\n                raise"),
    signers("V11", "only the new key must be authorised", "key-unknown--previous-of-a-rotation", "if any(key not in self.log.keys for key in named):\n                raise", "named = named[:1] + [key for key in named[1:] if key in self.log.keys]\n            if named[0] not in self.log.keys:\n                raise"),
    signers("V11", "a signature of an unknown key is only one too many", "key-unknown--before-signature-count", "        if any(one not in known for one, _ in segment.signatures):\n            raise Fault(\"key-unknown\", \"a signature of a key that the policy does not name\")\n        self.used(known[one] for one, _ in segment.signatures)\n", ""),
    signers("V12", "the previous key always signs", "good--rotation-from-lost", "spared = len(keys) == 2 and self.need_not_sign(keys[1], segment)", "spared = False"),
    signers("V12", "the previous key never needs to sign", "signature-count--rotation-one-signature", "spared = len(keys) == 2 and self.need_not_sign(keys[1], segment)", "spared = len(keys) == 2"),
    signers("V12", "a previous key that need not sign must not", "good--rotation-previous-signs-lost-then", "((1, 2) if spared else", "((1,) if spared else"),
    signers("V12", "the date of lost_at is ignored", "signature-count--previous-lost-later", GONE, GONE.replace("key.lost_at", "key.lost_at and 0")),
    signers("V12", "the date of compromised is ignored", "signature-count--previous-compromised-later", GONE, GONE.replace('key.compromised["at"]', "0")),
    signers("V12", "the date of retired_at is ignored", "signature-count--previous-retired-later", GONE, GONE.replace("key.retired_at", "key.retired_at and 0")),
    signers("V12", "a lost key signs", "good--rotation-previous-lost-then", GONE, GONE.replace("key.lost_at, ", "")),
    signers("V12", "a compromised key signs", "good--rotation-previous-compromised-and-good-beyond", GONE, GONE.replace(', key.compromised and key.compromised["at"]', "")),
    signers("V12", "a retired key signs", "good--rotation-previous-retired-then", GONE, GONE.replace("key.retired_at, ", "")),
    signers("V12", "a key need not sign only after it was lost", "good--rotation-previous-lost-then", "time <= segment.sealed for time", "time < segment.sealed for time"),
    signers("V12", "the last good segment does not count", "good--rotation-previous-behind-the-last-good", "return good is not None and good[0] < segment.number", "return False"),
    signers("V12", "the last good segment need not have the previous key's signature", "signature-count--previous-compromised-later", "good[0] < segment.number\n\n    def used", "good[0] <= segment.number\n\n    def used"),
    signers("V12", "signatures may be in any order", "signature-key--rotation-order", "        for name, key, (one, signature) in zip(required, keys, segment.signatures):", "        for name, key, (one, signature) in zip(sorted(required, key=key_id), sorted(keys, key=lambda key: key_id(key.verifier_key(self.log.origin))), sorted(segment.signatures)):"),
    signers("V12", "the signature of a previous key that need not sign is not checked", "signature-invalid--previous-that-need-not-sign", "zip(required, keys, segment.signatures):", "list(zip(required, keys, segment.signatures))[: 1 if spared else 2]:"),
    signers("V12", "signatures are not checked", "signature-invalid--changed", "if not key.signed(segment, signature):", "if False:"),
    signers("V12", "the number of signatures is looked at after the keys", "signature-count--before-signature-key", "        if len(segment.signatures) not in", "        if segment.signatures[0][0] != key_id(required[0]):\n            raise Fault('signature-key', '')\n        if len(segment.signatures) not in"),
    signers("V12", "a signature is checked before its key", "signature-key--before-signature-invalid", "            if one != key_id(name):\n                raise", "            if one != key_id(name) and self.log.keys[known[one]].signed(segment, signature):\n                raise"),
    signers("V13", "previous is not compared", "key-line--previous-never-signed", "if self.active and len(named) == 2 and named[1] != self.active:", "if False:"),
    signers("V13", "a key that is not authorised is found before the active one is compared", "key-line--before-key-unknown", "            if self.active and len(named) == 2", "            if any(key not in self.log.keys for key in named):\n                raise Fault('key-unknown', '', 2)\n            if self.active and len(named) == 2"),
    verify("Keys", "the active key is known after a gap", "good--rotation-in-a-gap", "if segment is None or self.number + 1 < number:", "if segment is None:"),
    verify("Keys", "the active key is known after a segment that is not sound", "frame-corrupt--before-another-key", "if segment is None or self.number + 1 < number:", "if self.number + 1 < number:"),
    signers("Keys", "the active key is known after a fault of the keys", "signature-invalid--before-another-key", "        except Fault as fault:\n            self.active = None\n", "        except Fault as fault:\n"),
    signers("Keys", "after a gap nothing says which key is active", "signature-key--active-since-a-gap", "        if self.active:\n            return [self.active]\n", ""),
    signers("V14", "sealed is not before valid_from", "good--sealed-before-the-key-was-valid", "return key.retired_at is None or sealed <= key.retired_at + SKEW", "return sealed >= key.valid_from - SKEW and (key.retired_at is None or sealed <= key.retired_at + SKEW)"),
    signers("V14", "when a key is retired is not looked at", "key-outside-span--after-retired", "return key.retired_at is None or sealed <= key.retired_at + SKEW", "return True"),
    signers("V14", "there is no skew after a key is retired", "good--300-seconds-after-retired", "key.retired_at + SKEW", "key.retired_at"),
    signers("V14", "the skew after a key is retired is a second longer", "key-outside-span--after-retired-by-a-microsecond", "key.retired_at + SKEW", "key.retired_at + SKEW + 1_000_000"),
    signers("V14", "a previous key that need not sign has a span", "good--previous-key-outside-of-its-span", "due = required[:1] if spared else required", "due = required"),
    signers("V15", "a compromised key signs on", "key-compromised--after-last-good", "if good is not None and segment.number > good[0]:", "if False:"),
    signers("V15", "a compromised key does not sign its last good segment", "good--compromised-after-the-last-segment", "segment.number > good[0]:", "segment.number >= good[0]:"),
    signers("V15", "a key is compromised from its date on", "key-compromised--after-the-last-good-and-before-its-date", "segment.number > good[0]:", "segment.number > good[0] and segment.sealed >= self.log.keys[self.active].compromised['at']:"),
    verify("V15", "the last good segment is not compared", "last-good-mismatch--other-root", "and good != place(segment) for", "and False for"),
    verify("V15", "the size of the last good segment is not compared", "last-good-mismatch--other-size", "and good != place(segment) for", "and good[2] != place(segment)[2] for"),
    verify("V15", "a log need not reach the last good segment", "last-good-mismatch--tail-cut-off", "if self.number < good <= self.end:", "if False:"),
    verify("V15", "a log reaches the last good segment although it ended before", "good--last-good-above-the-end", "        if self.number < 0 or (self.log.ended and not self.missing):\n            return\n        for good, _, _ in self.signers.last_good():\n            if self.number < good <= self.end:", "        for good, _, _ in self.signers.last_good():\n            if self.number < good:"),
    verify("V15", "a log reaches the last good segment although it has expired up to its end", "good--last-good-expired-at-the-end", "        if self.number < 0 or (self.log.ended and not self.missing):\n            return\n", ""),
    signers("V16", "a compromised key without a last good segment is good", "no-verdict--compromised-without-last-good", "self.undecided.add(name)", "pass"),
    signers("V16", "a compromised key that signed nothing gives no verdict", "good--compromised-key-that-never-signed", "        self.undecided = set()", "        self.undecided = {name for name, key in log.keys.items() if key.compromised and key.last_good(log.origin) is None}"),
    signers("V16", "a key that had to sign and did not is passed over", "no-verdict--compromised-before-a-rotation", "        self.used(required)\n", ""),
    signers("V16", "only the new key of a rotation counts", "no-verdict--compromised-before-a-rotation", "        self.used(required)\n        keys =", "        self.used(required[:1])\n        keys ="),
    signers("V16", "a last good segment of another log is one of this", "no-verdict--compromised-with-a-last-good-of-another-log", "if key.compromised and key.last_good(self.log.origin) is None:", "if key.compromised and not key.compromised['last_good']:"),
    verify("V23", "segments of the future are good", "sealed-in-future--year-2073", "if segment.sealed > self.times.now + SKEW:", "if False:"),
    verify("V23", "the future begins at --at", "good--at-in-the-past", "if segment.sealed > self.times.now + SKEW:", "if segment.sealed > self.times.at + SKEW:"),
    verify("V24", "--at is not looked at", "silence-exceeded--tail", "self.silence(head.sealed, self.times.at)", "self.silence(head.sealed, min(self.times.now, self.times.at, head.sealed))"),
]
