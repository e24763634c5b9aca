"""What is there and what is not, and when."""

import base64

from cases.vector import fault, log_of, made, no_verdict, without
from forge import HOUR, PREFIX, Log, sha256, silence, span


def logs():
    """Listing."""
    log = log_of(4)
    place = log.name(3) + "/x"
    yield no_verdict(
        "folder-in-place-of-a-segment", "a folder in place of a segment's file", log, objects={**without(log, 3), place: b""}
    )
    yield no_verdict("file-in-place-of-the-log", "a file in place of the log's folder", log, objects={PREFIX: b""})
    torn = {**without(log, 3), place: b"", log.name(0): b"torn"}
    yield fault(
        "frame-form",
        "beside-what-cannot-be-read",
        "a fault, and a folder in place of a segment",
        log,
        objects=torn,
        object=0,
    )
    yield made(
        "log-empty--nothing", 1, "a declared log without a segment", log, None, objects={".keep": b""}, code="log-empty"
    )
    yield fault("segment-missing", "middle", "a segment is gone before its time", log, objects=without(log, 2), object=2)
    yield fault(
        "segment-missing",
        "kept-longer-by-an-earlier-span",
        "the retention was shortened after they were sealed",
        log,
        log.policy(lock=[span(), span(HOUR + 1800, days=1)]),
        objects=without(log, 0, 1, 2),
        object=0,
    )
    yield fault("segment-missing", "first", "segment 0 is gone before its time", log, objects=without(log, 0), object=0)
    stray = f"{PREFIX}/000000000001.jsonl.zst.bak"
    yield fault(
        "object-unaccounted",
        "in-prefix",
        "a file between the segments",
        log,
        objects={**log.objects, stray: b"?\n"},
        object=stray,
    )
    for name, what, key in (
        ("13-digits", "a segment's name with a digit too many", f"{PREFIX}/0000000000004.jsonl.zst"),
        ("11-digits", "a segment's name with a digit too few", f"{PREFIX}/00000000004.jsonl.zst"),
        ("plus-sign", "a segment's name with a sign", f"{PREFIX}/+00000000004.jsonl.zst"),
        ("upper-case", "a segment's name in upper case", f"{PREFIX}/000000000004.JSONL.ZST"),
        (
            "unfinished-of-no-segment",
            "an unfinished file without the name of a segment",
            f"{PREFIX}/.notes.txt.0.unfinished",
        ),
        ("unfinished-of-nobody", "an unfinished file without a writer", f"{PREFIX}/.000000000004.jsonl.zst..unfinished"),
    ):
        yield fault(
            "object-unaccounted", name, what, log, objects={**log.objects, key: log.objects[log.name(1)]}, object=key
        )
    below = f"{PREFIX}/old"
    yield fault(
        "object-unaccounted",
        "sub-folder",
        "a folder below the log",
        log,
        object=below,
        objects={**log.objects, below + "/000000000001.jsonl.zst": log.objects[log.name(1)]},
    )
    end = {**log.end(3), "root": base64.b64encode(sha256(b"x")).decode()}
    yield fault(
        "end-mismatch",
        "other-root",
        "the declared end has another root",
        log,
        log.policy(logs=[log.log_policy(ended=end)]),
        object=3,
    )
    size = {**log.end(3), "size": log.position(3)["size"] + 1}
    yield fault(
        "end-mismatch",
        "other-size",
        "the declared end has another size",
        log,
        log.policy(logs=[log.log_policy(ended=size)]),
        object=3,
    )
    beyond = {**log.end(3), "segment": 5}
    yield fault(
        "segment-missing",
        "end",
        "the log stops before its declared end",
        log,
        log.policy(logs=[log.log_policy(ended=beyond)]),
        object=4,
    )


def times():
    log = log_of(3)
    yield fault("silence-exceeded", "tail", "nothing since the last segment", log, at=2 * HOUR + 60 + 2 * HOUR + 1, object=2)
    gap = log_of(2).add(opened=10 * HOUR, sealed=10 * HOUR + 60)
    yield fault("silence-exceeded", "between", "nothing for too long between two segments", gap, object=2)
    late = Log()
    late.add(opened=10 * HOUR, sealed=10 * HOUR + 60)
    yield fault("silence-exceeded", "before-the-first", "nothing for too long before segment 0", late, object=0)
    future = log_of(2).add(opened="2073-01-01T00:00:00.000000Z", sealed="2073-01-01T00:00:01.000000Z")
    yield fault(
        "sealed-in-future",
        "year-2073",
        "sealed in a year that is not yet",
        future,
        future.policy(logs=[future.log_policy(max_silence=[silence(0, 18_250 * 24 * HOUR)])]),
        object=2,
        at=3 * HOUR,
    )
