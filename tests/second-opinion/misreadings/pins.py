"""Misreadings of A5: pins."""

from misreadings.misreading import Misreading


def absence(rule, what, by, old, new):
    return Misreading(rule, what, by, "absence.py", old, new)


def verify(rule, what, by, old, new):
    return Misreading(rule, what, by, "verify.py", old, new)


MISSING = "segment-missing--"
FORKED = "head-forked--"
ROLLED = "head-rolled-back--"

ALL = [
    verify(
        "A5",
        "a pin above the end is taken for rollback",
        "good--pin-above-the-end",
        "        # A5: a pin above the declared end is disowned.\n        self.pin = None if pin and log.ended and pin.segment > self.end else pin",
        "        self.pin = pin\n        if pin and log.ended and pin.segment > self.end:\n            self.report.fault(None, Fault('head-rolled-back', ''))",
    ),
    verify(
        "A5",
        "a pin at the end is disowned",
        FORKED + "at-the-end",
        "log.ended and pin.segment > self.end",
        "log.ended and pin.segment >= self.end",
    ),
    verify(
        "A5",
        "the size of a pin is not compared",
        FORKED + "other-size",
        "place(self.pin) != place(segment)",
        "self.pin.root != segment.root",
    ),
    verify(
        "A5",
        "the root of a pin is not compared",
        FORKED + "other-root",
        "place(self.pin) != place(segment)",
        "self.pin.size != segment.size",
    ),
    verify(
        "A5",
        "the sealed of a present pinned segment is compared",
        "good--pin-of-another-time",
        "place(self.pin) != place(segment)",
        "(place(self.pin), self.pin.sealed) != (place(segment), segment.sealed)",
    ),
    verify(
        "A5",
        "a log may end before its pin",
        ROLLED + "tail-cut-off",
        "            self.pin_above(head)\n",
        "            pass\n",
    ),
    verify(
        "A5",
        "a pin never expires",
        "good--pin-that-has-expired",
        "elif not absence.pin_expired(self.pin, self.log, self.times.now):",
        "else:",
    ),
    absence(
        "A5",
        "a pin expires with the retention of now",
        ROLLED + "kept-by-an-earlier-span",
        "log.retention(pin.time())",
        "log.locks[-1].retention",
    ),
    absence(
        "A5",
        "a pin expires with the first retention",
        ROLLED + "kept-by-a-later-span",
        "log.retention(pin.time())",
        "log.locks[0].retention",
    ),
    Misreading(
        "A5",
        "a pin of a bucket counts from when it was sealed",
        ROLLED + "kept-since-it-was-stored",
        "pins.py",
        "return self.sealed if self.stored is None else self.stored",
        "return self.sealed",
    ),
    absence(
        "A5",
        "a pinned segment in a gap expires like the others",
        MISSING + "pinned",
        "        if pin and self.first <= pin.segment <= self.last and",
        "        if False and",
    ),
    absence(
        "A5",
        "a pinned segment in a gap never expires",
        "good--pin-in-a-gap",
        "(excused(self.loss, pin) or pin_expired(pin, log, now))",
        "excused(self.loss, pin)",
    ),
    verify(
        "A5",
        "pins are of every log",
        "good--pin-of-another-log",
        "heads.get(log.origin)",
        "next(iter(heads.values()), None)",
    ),
]
