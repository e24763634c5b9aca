"""Pinned heads, and files of pins."""

import base64
import json

from cases.vector import fault, good, log_of, no_verdict, without
from forge import HOUR, ORIGIN, sha256


def pins():
    """Pinned heads."""
    log = log_of(4)

    def pinned(number, of=log, **more):
        return {"pins": 1, "logs": {ORIGIN: {**of.pin(number), **more}}}

    yield good("pinned-head", "the head that an earlier run pinned", log, pins=pinned(3))
    yield good("grown-since-pinned", "the log has grown since", log, pins=pinned(2))
    yield fault(
        "head-rolled-back",
        "tail-cut-off",
        "the log ends before the pinned head",
        log,
        objects=without(log, 3),
        pins=pinned(3),
        at=2 * HOUR + 600,
        object=2,
    )
    yield fault(
        "head-forked",
        "other-root",
        "the pinned segment has another root",
        log,
        pins=pinned(3, root=base64.b64encode(sha256(b"x")).decode()),
        object=3,
    )
    yield fault("head-forked", "other-size", "the pinned segment has another size", log, pins=pinned(3, size=5), object=3)


def bad_pins(log):
    """Pins that are refused."""
    pin = json.dumps({log.origin: log.pin(1)})[1:-1]
    for name, what, value in (
        ("version", "pins of a version that is not known", {"pins": 2, "logs": {}}),
        ("unknown-field", "pins with a field that could be a condition", {"pins": 1, "logs": {}, "unless": True}),
        (
            "log-twice",
            "a log that is named twice, first with the pin that hides the other",
            f'{{"pins": 1, "logs": {{{pin}, {pin}}}}}',
        ),
        ("field-twice", "logs that are given twice", f'{{"pins": 1, "logs": {{{pin}}}, "logs": {{}}}}'),
        ("no-version", "pins without a version", {"logs": {}}),
        ("empty", "an empty file in place of pins", ""),
        ("torn", "pins that were cut off", f'{{"pins": 1, "logs": {{{pin}'),
        ("after", "a second document after the first", f'{{"pins": 1, "logs": {{{pin}}}}}\n{{}}'),
        ("byte-order-mark", "a byte order mark before the pins", f'\ufeff{{"pins": 1, "logs": {{{pin}}}}}'),
        ("sign", "a number with a sign", {"pins": 1, "logs": {log.origin: {**log.pin(1), "segment": -1}}}),
        ("root", "a root of a byte too few", {"pins": 1, "logs": {log.origin: {**log.pin(1), "root": "AAAA"}}}),
        ("array", "a pin that is an array and not an object", {"pins": 1, "logs": {log.origin: list(log.pin(1).values())}}),
        ("null", "a time that is null", {"pins": 1, "logs": {log.origin: {**log.pin(1), "stored": None}}}),
        ("no-sealed", "a pin without the time when it was sealed", {"pins": 1, "logs": {log.origin: log.position(1)}}),
        ("origin", "a log whose name is not an origin", {"pins": 1, "logs": {"a b": log.pin(1)}}),
    ):
        yield no_verdict(f"pins-{name}", what, log, pins=value)
