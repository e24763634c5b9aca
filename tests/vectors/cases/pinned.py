"""Vectors of A5, and of A4 where a pinned segment is absent."""

import base64

from cases.absent import GONE, MAX_LINES, YEAR, declared, range_of
from cases.vector import fault, good, log_of, without
from forge import HOUR, sha256, short, silence, span

OTHER_ROOT = base64.b64encode(sha256(b"x")).decode()


def all_vectors():
    for group in (heads, gaps, borders):
        yield from group()


def pins(log, number, **more):
    return {"pins": 1, "logs": {log.origin: {**log.pin(number), **more}}}


def heads():
    """A pin at or above the head of the log."""
    log = log_of(4)
    last, at = log.heads[3].sealed, log.heads[2].sealed + 600
    cut = without(log, 3)
    yield good(
        "pin-that-has-expired",
        "the pinned head is gone, and its retention has passed",
        log,
        declared(log, GONE),
        pins=pins(log, 3),
        objects=cut,
        at=at,
    )
    yield fault(
        "head-rolled-back",
        "kept-by-a-later-span",
        "the pinned head is gone, and was sealed under a longer retention than the head that is left",
        log,
        log.policy(lock=[span(days=1), span(last)]),
        pins=pins(log, 3),
        objects=cut,
        at=at,
        object=2,
    )
    yield good(
        "pin-that-expired-under-its-own-span",
        "the pinned head is gone, and was sealed under a shorter retention than what is left",
        log,
        log.policy(lock=[span(), span(last, days=1)]),
        pins=pins(log, 3),
        objects=cut,
        at=at,
    )
    stored = pins(log, 3, stored=short(last + 300))
    yield fault(
        "head-rolled-back",
        "kept-since-it-was-stored",
        "a pin of a bucket counts from when it was stored, also where a folder is verified",
        log,
        log.policy(lock=[span(days=1), span(last + 1)]),
        pins=stored,
        objects=cut,
        at=at,
        object=2,
    )
    longer = log_of(6)
    ended = declared(longer, ended=longer.end(3))
    yield good(
        "pin-above-the-end",
        "a pin above the declared end is disowned",
        longer,
        ended,
        pins=pins(longer, 5),
        objects=without(longer, 4, 5),
    )
    yield good(
        "pin-of-a-disowned-segment",
        "a pin above the declared end is not compared",
        longer,
        ended,
        pins=pins(longer, 5, root=OTHER_ROOT),
    )
    yield fault(
        "head-forked",
        "at-the-end",
        "a pin at the declared end has another root",
        longer,
        ended,
        pins=pins(longer, 3, root=OTHER_ROOT),
        object=3,
    )
    yield fault(
        "head-rolled-back",
        "kept-by-an-earlier-span",
        "the pinned head is gone, and was sealed before the retention was shortened",
        log,
        log.policy(lock=[span(), span(last + 1, days=1)]),
        pins=pins(log, 3),
        objects=cut,
        at=at,
        object=2,
    )
    yield good(
        "pin-of-another-time",
        "of a pinned segment that is present only size and root are compared",
        log,
        pins=pins(log, 2, sealed=short(0)),
    )
    patient = declared(log, max_silence=[silence(0, 50 * YEAR)])
    yield fault(
        "log-empty",
        "pinned-and-just-begun",
        "a pinned log of which nothing is left, before its first silence is over",
        log,
        patient,
        pins=pins(log, 3),
        objects={".keep": b""},
        object=None,
    )
    yield fault(
        "log-empty",
        "pinned",
        "a pinned log of which nothing is left",
        log,
        pins=pins(log, 3),
        objects={".keep": b""},
        object=None,
    )
    other = {"pins": 1, "logs": {"acme.example/audit/logins": {**log.pin(3), "root": OTHER_ROOT}}}
    yield good("pin-of-another-log", "a pin of a log that the policy does not have", log, pins=other)
    yield good("pins-of-no-log", "a pins file without a pin", log, pins={"pins": 1, "logs": {}})


def gaps():
    """A pinned segment that is absent between present ones."""
    log = log_of(6)
    rest = without(log, 2, 3)
    yield good(
        "pin-in-a-gap",
        "the pinned segment has expired together with those beside it",
        log,
        declared(log, GONE),
        pins=pins(log, 2),
        objects=rest,
    )
    forged = forged_after(log_of(2), number=4, sealed=HOUR + 60, index=log_of(2).head.range.size + 4)
    yield fault(
        "segment-missing",
        "pinned",
        "what is gone would have expired, if the pinned segment had not been sealed under a longer retention",
        forged,
        forged.policy(lock=[span(days=1), span(2 * HOUR)]),
        pins=pins(log, 2),
        object=2,
        faults=2,
    )
    yield fault(
        "segment-missing",
        "first-and-pinned",
        "the pinned segment is gone before its time",
        log,
        pins=pins(log, 0),
        objects=without(log, 0),
        object=0,
    )


def borders():
    """A4: a log goes on from an absent segment that is pinned."""
    log = log_of(6)
    rest = without(log, 2)
    lock = declared(log, GONE)
    for name, what, more in (
        (
            "before-its-successor-by-size",
            "the segment after an absent pinned one begins at another index",
            {"size": log.pin(2)["size"] + 1},
        ),
        (
            "before-its-successor-by-root",
            "`left` of the segment after an absent pinned one has another root",
            {"root": OTHER_ROOT},
        ),
        (
            "before-its-successor-by-time",
            "`sealed_before` of the segment after an absent pinned one is earlier",
            {"sealed": short(2 * HOUR + 61)},
        ),
        (
            "before-its-successor-by-later-time",
            "`sealed_before` of the segment after an absent pinned one is later",
            {"sealed": short(2 * HOUR + 59)},
        ),
    ):
        yield fault(
            "head-forked",
            name,
            what,
            log,
            lock,
            pins=pins(log, 2, **more),
            objects=rest,
            object=3,
            line=1,
            index=log.pin(2)["size"],
        )
    end, size = log.pin(4)["size"], log.pin(3)["size"]
    wide = without(log, 2, 3, 4)
    for name, what, number, more, good_ in (
        (
            "grown-from-the-pin-by-empty-segments",
            "two lines in the segment after an absent pinned one",
            3,
            {"size": end - 2},
            True,
        ),
        ("grown-too-little-from-the-pin", "a line in the segment after an absent pinned one", 3, {"size": end - 1}, False),
        (
            "grown-to-the-pin-by-empty-segments",
            "two lines in each segment up to an absent pinned one",
            3,
            {"size": log.pin(1)["size"] + 4},
            True,
        ),
        (
            "grown-too-little-to-the-pin",
            "a line too few up to an absent pinned one",
            3,
            {"size": log.pin(1)["size"] + 3},
            False,
        ),
        (
            "pin-sealed-as-the-one-before",
            "an absent pinned segment that was sealed together with the one before it",
            3,
            {"sealed": short(HOUR + 60)},
            True,
        ),
        (
            "pin-sealed-early",
            "an absent pinned segment that was sealed before the one before it",
            3,
            {"sealed": short(HOUR + 59)},
            False,
        ),
        (
            "pin-sealed-as-the-one-after",
            "an absent pinned segment that was sealed together with the one after it",
            3,
            {"sealed": short(4 * HOUR + 60)},
            True,
        ),
        (
            "pin-sealed-late",
            "an absent pinned segment that was sealed after the one after it",
            3,
            {"sealed": short(4 * HOUR + 61)},
            False,
        ),
        (
            "other-root-deep-in-a-gap",
            "the root of an absent pinned segment that nothing follows is not compared",
            3,
            {"root": OTHER_ROOT},
            True,
        ),
    ):
        pin = pins(log, number, **more)
        if good_:
            yield good(name, what, log, lock, pins=pin, objects=wide)
        else:
            yield fault("head-forked", name, what, log, lock, pins=pin, objects=wide, object=5, line=1, index=end)
    for name, what, index, good_ in (
        (
            "grown-from-the-pin-by-a-full-segment",
            "as many lines as a segment can have after an absent pinned one",
            size + MAX_LINES,
            True,
        ),
        ("grown-too-much-from-the-pin", "a line too many after an absent pinned one", size + MAX_LINES + 1, False),
    ):
        forged = forged_after(log_of(2), number=5, sealed=4 * HOUR + 60, index=index)
        if good_:
            yield good(name, what, forged, lock, pins=pins(log, 3))
        else:
            yield fault("head-forked", name, what, forged, lock, pins=pins(log, 3), object=5, line=1, index=index)
    yield fault(
        "head-forked",
        "grown-too-little-to-the-pin-from-nothing",
        "an absent pinned segment 1 with a line less than two segments have, and nothing before it",
        log,
        lock,
        pins=pins(log, 1, size=4),
        objects=without(log, 0, 1, 2),
        object=3,
        line=1,
        index=log.pin(2)["size"],
    )
    first = without(log, 0, 1)
    yield good(
        "pin-without-a-segment-before-it",
        "a pinned segment with nothing before it",
        log,
        lock,
        pins=pins(log, 0),
        objects=first,
    )
    yield fault(
        "head-forked",
        "segment-0-of-another-size",
        "a log in which an absent segment 0 is pinned with more lines than segment 1 begins at",
        log,
        lock,
        pins=pins(log, 0, size=4),
        objects=without(log, 0),
        object=1,
        line=1,
        index=3,
    )


def forged_after(log, number, sealed, index):
    """A log that goes on at a later number, from a head that nobody saw."""
    log.head.number, log.head.sealed, log.head.range = number, sealed, range_of(index)
    log.heads += [log.head] * (number - len(log.heads))
    return log.add()
