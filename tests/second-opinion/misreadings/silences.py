"""Misreadings of A1, A2, V6 and V24: logs that have just begun, and silence."""

from misreadings.misreading import Misreading


def spans(rule, what, by, old, new):
    return Misreading(rule, what, by, "spans.py", old, new)


def verify(rule, what, by, old, new):
    return Misreading(rule, what, by, "verify.py", old, new)


SILENCE = "silence-exceeded--"

ALL = [
    verify(
        "A1.5",
        "an empty log is a fault from the beginning",
        "no-verdict--log-has-just-begun",
        "spans.deadline(self.log.silences, self.log.began) >= self.times.now",
        "False",
    ),
    verify(
        "A1.5",
        "an empty log has the longest of its silences",
        "log-empty--silence-tightened",
        "spans.deadline(self.log.silences, self.log.began)",
        "self.log.began + max(span.length for span in self.log.silences)",
    ),
    verify(
        "A1.5",
        "a pinned log may be empty as long as an unpinned one",
        "log-empty--pinned-and-just-begun",
        "self.pin is None and ",
        "",
    ),
    verify(
        "V6",
        "a log may be empty",
        "log-empty--nothing",
        '            self.report.fault(None, Fault("log-empty"',
        '            self.report.undecided and self.report.fault(None, Fault("log-empty"',
    ),
    spans(
        "A2",
        "a silence is too long at its deadline",
        "good--silence-of-just-so-long",
        "    return due\n",
        "    return due - 1\n",
    ),
    spans(
        "A2",
        "a silence may be a second longer",
        SILENCE + "by-a-microsecond",
        "    return due\n",
        "    return due + SECOND - 1\n",
    ),
    spans(
        "A2",
        "only the smallest silence counts",
        "good--silence-until-it-was-tightened",
        "    length = at(silences, last).length\n",
        "    return last + min(span.length for span in silences)\n    length = 0\n",
    ),
    spans(
        "A2",
        "only the last span counts",
        SILENCE + "only-the-last-span-is-long",
        "    length = at(silences, last).length\n",
        "    return last + silences[-1].length\n    length = 0\n",
    ),
    spans(
        "A2",
        "only the first span counts",
        "good--silence-loosened-before-the-deadline",
        "    length = at(silences, last).length\n",
        "    return last + silences[0].length\n    length = 0\n",
    ),
    spans(
        "A2",
        "the longest silence that was ever allowed counts",
        SILENCE + "cut-back-to-before-it-was-tightened",
        "    length = at(silences, last).length\n",
        "    return last + max(span.length for span in silences)\n    length = 0\n",
    ),
    spans(
        "A2",
        "only the span of the last sign of life counts",
        SILENCE + "cut-back-to-before-it-was-tightened",
        "    for later in silences:\n",
        "    for later in []:\n",
    ),
    spans(
        "A2",
        "a span that begins at the deadline moves it",
        SILENCE + "loosened-after-the-deadline",
        "if later.start >= due:",
        "if later.start > due:",
    ),
    spans(
        "A2",
        "a later span moves a deadline that has passed",
        SILENCE + "loosened-after-the-deadline",
        "        if later.start >= due:\n            break\n",
        "",
    ),
    spans(
        "A2",
        "a longer silence counts from the beginning of its span",
        SILENCE + "loosened-and-counted-from-the-last-segment",
        "due = max(due, last + later.length)",
        "due = max(due, later.start + later.length)",
    ),
    spans(
        "A2",
        "a shorter silence counts from the last sign of life",
        "good--silence-until-it-was-tightened",
        "due = min(due, later.start + later.length)",
        "due = min(due, last + later.length)",
    ),
    spans(
        "A2",
        "a shorter silence begins again with its span",
        SILENCE + "old-deadline-before-the-new-one",
        "due = min(due, later.start + later.length)",
        "due = later.start + later.length",
    ),
    spans(
        "A2",
        "the silence of the first span is what later ones are compared with",
        "good--silence-tightened-and-loosened-less",
        "        length = later.length\n",
        "",
    ),
    spans(
        "A2",
        "a span does not count at its first moment",
        "good--silence-at-the-beginning-of-a-span",
        "if span.start <= time]",
        "if span.start < time]",
    ),
    spans(
        "A2",
        "before the first span the second one counts",
        SILENCE + "before-the-first-span",
        "or spans[:1])[-1]",
        "or spans[1:2])[-1]",
    ),
    verify(
        "V24",
        "the silence before segment 0 is not judged",
        SILENCE + "before-the-first",
        "if before or segment.number == 0:",
        "if before:",
    ),
    verify(
        "V24",
        "the silence between segments is not judged",
        SILENCE + "between",
        "if before or segment.number == 0:",
        "if segment.number == 0:",
    ),
    verify(
        "V24",
        "the silence after the last segment is not judged",
        SILENCE + "tail",
        "elif head and not self.log.ended:",
        "elif False:",
    ),
    verify(
        "V24",
        "the silence after the end of a log is judged",
        "good--silent-after-the-end",
        "elif head and not self.log.ended:",
        "elif head:",
    ),
    verify(
        "V24",
        "the silence over absent segments is judged",
        "good--expired-for-long",
        "        if before or segment.number == 0:\n            yield from self.silence(before.sealed if before else self.log.began,",
        "        if self.last or segment.number == 0:\n            yield from self.silence(self.last.sealed if self.last else self.log.began,",
    ),
    verify(
        "V24",
        "the silence beside a segment that is not sound is judged",
        "frame-corrupt--before-a-long-silence",
        "        if before or segment.number == 0:\n            yield from self.silence(before.sealed if before else self.log.began,",
        "        if before or segment.number <= 1:\n            yield from self.silence(before.sealed if before else self.log.began,",
    ),
    verify(
        "V24",
        "the silence before a segment is judged by its sealed_before",
        "sealed-before-mismatch--hides-a-silence",
        "self.silence(before.sealed if before",
        "self.silence(segment.sealed_before if before",
    ),
    verify(
        "V24",
        "the silence after a last segment that is not sound is judged",
        "frame-corrupt--last-and-silent",
        "head = self.last if self.last and self.last.number == self.number else None",
        "head = self.last",
    ),
]
