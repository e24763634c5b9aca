"""F5 to F7, F10, F15 and F17: where a line belongs, and what it says of others."""

from cases.edits import hash_changed, inflated, left_changed, swap
from cases.vector import ED, edited, fault, log_of
from forge import EVENTS, HOUR, Key, Log, Segment, compressed, policy, when


def places():
    """F5, F6, F7, F10, F15, F17: where a line belongs, and what it says of others."""
    yield edited(
        "format-mismatch",
        "another-format",
        "a format that the policy does not name",
        {"open": swap('"format":1', '"format":2')},
        1,
        None,
    )
    yield edited(
        "format-mismatch",
        "another-form",
        "a later format, with a field that format 1 does not have",
        {"open": swap('"format":1,', '"format":2,"more":1,')},
        1,
        None,
    )
    other = log_of(2, origin="acme.example/audit/logins")
    yield fault(
        "origin-mismatch",
        "another-log",
        "a segment of another log, signed by the same key",
        log_of(2),
        objects={**log_of(2).objects, log_of(1).name(1): other.objects[other.name(1)]},
        line=1,
    )
    yield edited(
        "origin-mismatch",
        "checkpoint-of-another-log",
        "a checkpoint of another log",
        {"note": lambda note: note.replace("payments", "logins")},
        5,
        7,
    )
    swapped = log_of(4)
    two, three = swapped.objects[swapped.name(2)], swapped.objects[swapped.name(3)]
    yield fault(
        "segment-mismatch",
        "swapped",
        "two segments in each other's place",
        swapped,
        object=2,
        line=1,
        faults=2,
        objects={**swapped.objects, swapped.name(2): three, swapped.name(3): two},
    )
    yield edited(
        "segment-mismatch",
        "close-line",
        "a close line that says another number",
        {"close": swap('"segment":1', '"segment":2')},
        4,
        6,
    )
    yield edited(
        "index-mismatch", "entry", "an entry that says another index", {"entry 1": swap('"index":5', '"index":6')}, 3, 5
    )
    yield entry_removed()
    yield edited(
        "index-mismatch",
        "segment-0",
        "segment 0 begins at another index",
        {
            "open": lambda line: line.replace(b'"index":0', b'"index":1').replace(
                b'"left":[]', b'"left":["' + b"0" * 64 + b'"]'
            )
        },
        1,
        None,
        segment=0,
    )
    yield edited(
        "left-count",
        "segment-0",
        "segment 0 begins at another index, with an empty `left`",
        {"open": lambda line: line.replace(b'"index":0', b'"index":1')},
        1,
        None,
        segment=0,
    )
    yield edited(
        "prev-mismatch", "entry", "an entry with another hash of the line before it", {"entry 1": hash_changed}, 3, 5
    )
    yield edited(
        "prev-mismatch", "segment-0", "segment 0 does not begin with its origin", {"open": hash_changed}, 1, None, segment=0
    )
    yield edited(
        "left-count",
        "one-more",
        "`left` of the open line has a hash too many",
        {"open": lambda line: line.replace(b'"left":[', b'"left":["' + b"0" * 64 + b'",')},
        1,
        None,
    )
    yield edited("left-mismatch", "close-line", "`left` of the close line is not the range", {"close": left_changed}, 4, 6)
    yield edited(
        "left-mismatch", "close-line-one-less", "`left` of the close line has a hash less", {"close": left_shorter}, 4, 6
    )
    yield edited(
        "events-mismatch",
        "one-more",
        "the close line counts an entry too many",
        {"close": swap('"events":2', '"events":3')},
        4,
        6,
    )
    yield edited(
        "frames-mismatch",
        "close-line",
        "the close line names another hash of the frames",
        {"close": lambda line: line[:-67] + b"0" * 64 + line[-3:]},
        index=7,
    )
    yield edited(
        "time-decreased",
        "entry",
        "an entry's time before the line's before it",
        {"entry 1": swap(when(HOUR + 2), when(HOUR))},
        3,
        5,
    )
    yield edited(
        "time-decreased",
        "open-line",
        "an open line's time before `sealed_before`",
        {"open": swap(f'"time":"{when(HOUR)}"', f'"time":"{when(59)}"')},
        1,
        None,
    )
    yield edited(
        "time-decreased",
        "sealed",
        "`sealed` before the close line's time",
        {"close": swap(f'"sealed":"{when(HOUR + 60)}"', f'"sealed":"{when(HOUR + 59)}"')},
        4,
        6,
    )
    yield edited(
        "sealed-before-mismatch",
        "segment-0",
        "`sealed_before` of segment 0 is not its own time",
        {"open": swap(f'"sealed_before":"{when(0)}"', '"sealed_before":"2023-12-31T00:00:00.000000Z"')},
        1,
        None,
        segment=0,
    )
    yield first_not_empty()
    keyless = Log()
    segment = Segment(keyless.head, 0)
    keyless.objects[keyless.name(0)] = segment.close(60, [keyless.key])
    yield fault("key-line-missing", "segment-0", "segment 0 does not announce a key", keyless, object=0, line=2, index=1)
    yield edited(
        "key-line",
        "previous-in-segment-0",
        "segment 0 names a previous key",
        {"key": lambda line: line[:-2] + f',"previous":"{Key(ED, "b").verifier_key()}"}}}}'.encode()},
        2,
        1,
        segment=0,
    )
    yield key_line("no-previous", "a new key without the one until then", Key(ED, "b"), None)
    yield key_line("same-key", "a new key that is the one until then", Key(ED), Key(ED))
    yield edited(
        "key-line",
        "another-log",
        "a key of another log",
        {
            "key": lambda line: line.replace(
                Key(ED).verifier_key().encode(), Key(ED).verifier_key("acme.example/audit/logins").encode()
            )
        },
        2,
        1,
        segment=0,
    )


def left_shorter(line):
    at = line.index(b'"left":[') + 8
    end = line.index(b"]", at)
    kept = line[at:end].split(b",")[:-1]
    return line[:at] + b",".join(kept) + line[end:]


def entry_removed():
    log = log_of(1)
    log.add(
        EVENTS * 2,
        edits={
            "frame 1": lambda frame: compressed(
                b"\n".join(line for at, line in enumerate(inflated(frame).split(b"\n")) if at != 1)
            )
        },
    )
    return fault("index-mismatch", "entry-removed", "an entry cut out, nothing else changed", log, line=3, index=5)


def first_not_empty():
    log = Log()
    segment = Segment(log.head, 0)
    segment.key(0, log.key)
    segment.entry(1, "1")
    log.objects[log.name(0)] = segment.close(60, [log.key])
    return fault("first-segment-not-empty", "entry", "segment 0 holds an entry", log, object=0, line=4, index=3)


def key_line(name, what, key, previous):
    log = log_of(2)
    old = log.key
    log.add(change=(key, previous) if previous else (key,), signers=[key, old] if previous is None else [key])
    return fault("key-line", name, what, log, policy([log]) if key in log.keys else None, object=2, line=2, index=8)
