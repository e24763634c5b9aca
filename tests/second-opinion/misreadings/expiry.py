"""Misreadings of A3 and V9: what has expired."""

from misreadings.misreading import Misreading


def spans(rule, what, by, old, new):
    return Misreading(rule, what, by, "spans.py", old, new)


def absence(rule, what, by, old, new):
    return Misreading(rule, what, by, "absence.py", old, new)


def verify(rule, what, by, old, new):
    return Misreading(rule, what, by, "verify.py", old, new)


MISSING = "segment-missing--"

ALL = [
    absence(
        "A3",
        "absent segments have always expired",
        MISSING + "middle",
        "return self.loss is not None or spans.kept_until(log.locks, self.since, self.until) < now",
        "return True",
    ),
    absence(
        "A3",
        "absent segments never expire",
        "good--expired-middle",
        "spans.kept_until(log.locks, self.since, self.until) < now",
        "False",
    ),
    spans(
        "A3",
        "any span that was passed is enough",
        MISSING + "under-a-longer-retention-for-a-time",
        "return max(last + span.retention",
        "return min(last + span.retention",
    ),
    spans(
        "A3",
        "only the last span counts",
        MISSING + "under-a-longer-retention-for-a-time",
        "return max(last + span.retention for span, last in meets)",
        "return meets[-1][1] + meets[-1][0].retention",
    ),
    spans(
        "A3",
        "only the first span counts",
        MISSING + "under-a-longer-retention",
        "return max(last + span.retention for span, last in meets)",
        "return meets[0][1] + meets[0][0].retention",
    ),
    spans(
        "A3",
        "a span that begins with the last absent one does not count",
        MISSING + "under-a-longer-retention",
        "if start <= until and",
        "if start < until and",
    ),
    spans(
        "A3",
        "a span that ended when the one before was sealed counts",
        "good--expired-after-a-longer-retention",
        "end > since]",
        "end >= since]",
    ),
    spans(
        "A3",
        "a span's retention counts from its own end although the next one begins later",
        "good--expired-before-a-span-of-the-future",
        "(span, min(end, until))",
        "(span, end if end < FOREVER else until)",
    ),
    absence(
        "A3",
        "what a segment says of the one before it is enough",
        MISSING + "forged-after-present-ones",
        "until = max(since, gap.after.sealed_before if gap.after else log.ended.sealed)",
        "until = gap.after.sealed_before if gap.after else max(since, log.ended.sealed)\n    since = min(since, until)",
    ),
    absence(
        "A3",
        "a log may be older than it is",
        MISSING + "of-a-young-log",
        "else log.began - skew\n    until = max(since,",
        "else -1 << 60\n    until = max(since,",
    ),
    absence(
        "A3",
        "a log has nothing from before it began",
        MISSING + "within-the-skew-before-it-began",
        "log.began - skew",
        "log.began",
    ),
    absence(
        "A3",
        "the skew before a log began is a second longer",
        "good--expired-from-the-skew-before-it-began",
        "log.began - skew",
        "log.began - skew - spans.SECOND",
    ),
    absence(
        "A3",
        "absent segments were stored when the last present one was",
        MISSING + "under-a-longer-retention",
        "spans.kept_until(log.locks, self.since, self.until)",
        "spans.kept_until(log.locks, self.since, self.since)",
    ),
    absence(
        "A3",
        "absent segments were stored when the next one says",
        "segment-missing--at-the-end-of-a-longer-retention",
        "spans.kept_until(log.locks, self.since, self.until)",
        "spans.kept_until(log.locks, self.until, self.until)",
    ),
    absence(
        "A3",
        "an end was stored when the last present segment was",
        MISSING + "sealed-at-the-end",
        "gap.after.sealed_before if gap.after else log.ended.sealed",
        "gap.after.sealed_before if gap.after else since",
    ),
    absence(
        "A3",
        "an end counts from now",
        "good--ended-before-a-longer-retention",
        "gap.after.sealed_before if gap.after else log.ended.sealed",
        "gap.after.sealed_before if gap.after else 1 << 60",
    ),
    verify("A3", "an ended log has a segment", "good--ended-and-empty", "if numbers or self.log.ended:", "if numbers:"),
    verify(
        "V9",
        "an ended log may stop early",
        MISSING + "end",
        "            self.gap(self.end, None)\n        elif head",
        "            pass\n        elif head",
    ),
    verify(
        "A3",
        "before a segment that is not sound nothing may be absent",
        "frame-form--after-absent-ones",
        'self.report.undecided.append(f"whether segments {gap.first} to {last} may be absent")',
        "self.report.fault(self.log.name(gap.first), Fault('segment-missing', ''))",
    ),
    verify(
        "A3",
        "the last sound segment is the one just before the gap",
        "frame-form--before-expired-ones",
        "gap = absence.Gap(self.number + 1, last, self.last, after)",
        "gap = absence.Gap(self.number + 1, last, self.last if self.last and self.last.number == self.number else None, after)",
    ),
]
