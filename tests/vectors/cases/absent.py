"""Vectors of A3: absent segments that have expired, and those that are missing.

A folder is judged now, so a retention of one day has always passed for what was sealed in 2024, and one of 36,500 days
never has.
"""

from cases.vector import fault, good, log_of, without
from forge import HOUR, Range, sha256, short, span

DAY = 24 * HOUR
YEAR = 365 * DAY
GONE = [span(days=1)]
MAX_LINES = 2_097_152


def all_vectors():
    for group in (expiry, ends):
        yield from group()


def declared(log, lock=None, **more):
    """The policy of a log, with other spans."""
    return log.policy(**({"lock": lock} if lock else {}), logs=[log.log_policy(**more)])


def expiry():
    """A3."""
    log = log_of(6)
    rest = without(log, 2, 3)
    yield good(
        "expired-in-an-own-lock",
        "the log's own spans count in place of the document's",
        log,
        log.policy(logs=[log.log_policy(lock=GONE)]),
        objects=rest,
    )
    yield fault(
        "segment-missing",
        "kept-by-an-own-lock",
        "the log's own spans keep longer than the document's",
        log,
        log.policy(lock=GONE, logs=[log.log_policy(lock=[span()])]),
        objects=rest,
        object=2,
    )
    later = [span(days=1), span(76 * YEAR)]
    yield good(
        "expired-before-a-span-of-the-future",
        "a retention counts from when the absent ones were sealed, not from the end of its span",
        log,
        log.policy(lock=later),
        objects=rest,
    )
    long_ = log_of(9)
    yield good(
        "expired-for-long",
        "over absent segments, silence is not judged",
        long_,
        long_.policy(lock=GONE),
        objects=without(long_, 2, 3, 4, 5),
    )
    # Segment 1 was sealed at 1:01:00, and segment 4 says that segment 3 was at 3:01:00.
    last, before = HOUR + 60, 3 * HOUR + 60
    for code, name, what, spans in (
        (
            None,
            "expired-before-a-longer-retention",
            "a longer retention that begins after the absent ones were sealed",
            [span(days=1), span(before + 0.000001)],
        ),
        (
            "segment-missing",
            "under-a-longer-retention",
            "a longer retention that began when the last absent one was sealed",
            [span(days=1), span(before)],
        ),
        (
            "segment-missing",
            "under-a-longer-retention-for-a-time",
            "a longer retention that lasted for a time between the segments beside them",
            [span(days=1), span(2 * HOUR), span(2 * HOUR + 1, days=1)],
        ),
        (
            None,
            "expired-after-a-longer-retention",
            "a longer retention that ended when the last one before them was sealed",
            [span(), span(last, days=1)],
        ),
        (
            "segment-missing",
            "at-the-end-of-a-longer-retention",
            "a longer retention that ended after the last one before them was sealed",
            [span(), span(last + 0.000001, days=1)],
        ),
    ):
        if code:
            yield fault(code, name, what, log, log.policy(lock=spans), objects=rest, object=2)
        else:
            yield good(name, what, log, log.policy(lock=spans), objects=rest)
    young = log_of(3)
    forged = young.head.copy()
    forged.sealed = -10 * YEAR
    young.head = forged
    young.add()
    yield fault(
        "segment-missing",
        "of-a-young-log",
        "a forged `sealed_before` long before the log began",
        young,
        young.policy(lock=[span(-11 * YEAR, days=1), span(-YEAR)]),
        objects=without(young, 0, 1, 2),
        object=0,
    )
    yield fault(
        "segment-missing",
        "forged-after-present-ones",
        "a forged `sealed_before` from before the segments that are still there",
        young,
        young.policy(lock=[span(-11 * YEAR, days=1), span(-YEAR)]),
        objects=without(young, 1, 2),
        object=1,
        faults=2,
    )
    began = {"began": short(-YEAR)}
    skew = [span(-2 * YEAR, days=36_500), span(-YEAR - 300, days=1)]
    yield good(
        "expired-from-the-skew-before-it-began",
        "what was absent first is at most as old as the log less the skew",
        log,
        log.policy(lock=skew, logs=[log.log_policy(**began)]),
        objects=without(log, 0),
    )
    wider = [span(-2 * YEAR, days=36_500), span(-YEAR - 299, days=1)]
    yield fault(
        "segment-missing",
        "within-the-skew-before-it-began",
        "a longer retention lasted into the skew before the log began",
        log,
        log.policy(lock=wider, logs=[log.log_policy(**began)]),
        objects=without(log, 0),
        object=0,
    )
    unsound = {**without(log, 2), log.name(3): b"?"}
    yield fault(
        "frame-form",
        "after-absent-ones",
        "before a segment that is not sound nobody knows what may be absent",
        log,
        objects=unsound,
        object=3,
    )
    p = {**without(log, 3), log.name(2): b"?"}
    yield fault(
        "frame-form",
        "before-expired-ones",
        "the last sound segment is one before the last present one",
        log,
        log.policy(lock=[span(), span(last, days=1)]),
        object=2,
        objects=p,
    )


def ends():
    """A3 and V10: a log that has ended may become empty."""
    log = log_of(4)
    end = {"ended": log.end(3)}
    keep, lose = declared(log, **end), declared(log, GONE, **end)
    yield good("ended-and-empty", "an ended log of which everything has expired", log, lose, objects={".keep": b""})
    yield fault(
        "segment-missing",
        "of-an-ended-log",
        "an ended log of which nothing is there, although nothing has expired",
        log,
        keep,
        objects={".keep": b""},
        object=0,
    )
    yield good(
        "ended-without-its-last-segment",
        "an ended log loses its segments in any order",
        log,
        lose,
        objects=without(log, 1, 3),
    )
    sealed = log.heads[3].sealed
    for code, name, what, spans in (
        (
            "segment-missing",
            "sealed-at-the-end",
            "the end was sealed when a longer retention had begun",
            [span(days=1), span(sealed)],
        ),
        (
            None,
            "ended-before-a-longer-retention",
            "the end was sealed before a longer retention began",
            [span(days=1), span(sealed + 1)],
        ),
    ):
        policy_, objects = declared(log, spans, **end), without(log, 3)
        yield (
            fault(code, name, what, log, policy_, objects=objects, object=3)
            if code
            else good(name, what, log, policy_, objects=objects)
        )
    longer = log_of(6)
    after = {**longer.objects, longer.name(4): b"garbage\n", longer.name(5): b""}
    yield good(
        "garbage-after-the-end",
        "what is stored after the declared end is not judged, whatever it holds",
        longer,
        declared(longer, ended=longer.end(3)),
        objects=after,
    )
    yield good("silent-after-the-end", "an ended log is silent for as long as it likes", log, keep, at=9 * YEAR)


def range_of(size):
    """A compact range of some size, of which nobody knows the leaves."""
    made_up = Range()
    made_up.size = size
    made_up.trees = [(1 << bit, sha256(bytes([bit]))) for bit in range(size.bit_length() - 1, -1, -1) if size >> bit & 1]
    return made_up
