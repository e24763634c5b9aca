"""Vectors with two faults, which show the order of "Which fault"; and limits, from both sides."""

from cases.edits import hash_changed, inflated, left_changed, swap
from cases.vector import ED, edited, entry_of, fault, good, log_of, no_verdict
from forge import HOUR, ORIGIN, Key, Log, Segment, raw_blocks, sha256, when


def all_vectors():
    for group in (forms, events, signatures, first_lines, between_lines, closes):
        yield from group()


def both(*edits):
    """One edit after the other."""

    def edit(value):
        for one in edits:
            value = one(value)
        return value

    return edit


def forms():
    """F4, F12, F13, F15: forms of lines that the other vectors do not have."""

    def form(name, what, edits, line, index=None, **more):
        return edited("line-form", name, what, edits, line, index, **more)

    yield form(
        "open-segment-of-13-digits",
        "an open line with a segment number of 13 digits",
        {"open": swap('"segment":1,', '"segment":1000000000000,')},
        1,
    )
    yield form(
        "upper-case-hex-in-left",
        "a hash of `left` in upper case",
        {"open": lambda line: line[: line.index(b'"left":[') + 9] + upper(line[line.index(b'"left":[') + 9 :])},
        1,
    )
    yield form(
        "entry-without-brace", "an entry that ends in ] in place of }", {"entry 0": lambda line: line[:-1] + b"]"}, 2, 4
    )
    close_time = f'"time":"{when(HOUR + 60)}"'
    for name, what, time in (
        ("year-1969", "a year before 1970", "1969-12-31T23:59:59.000000Z"),
        ("leap-day-of-2100", "a leap day in a year that has none", "2100-02-29T00:00:00.000000Z"),
        ("month-13", "a month that years do not have", "2024-13-01T00:00:00.000000Z"),
        ("day-0", "a day that months do not have", "2024-01-00T00:00:00.000000Z"),
        ("hour-24", "the 24th hour", "2024-01-01T24:00:00.000000Z"),
        ("minute-60", "the 60th minute", "2024-01-01T01:60:00.000000Z"),
    ):
        yield form(name, what, {"close": swap(close_time, f'"time":"{time}"')}, 4, 6)
    yield form("checkpoint-root-base64", "a root in base64 that is not canonical", {"note": loose_root}, 5, 7)
    yield form("checkpoint-no-signature", "a checkpoint without a signature", {}, 5, 7, signers=[])
    yield form("signature-of-no-byte", "a signature that is only a key id", {"signature 0": lambda blob: blob[:4]}, 5, 7)
    log = log_of(2)
    new = Key(ED, "b")
    wrong = lambda line: line.replace(log.key.verifier_key().encode(), log.key.verifier_key().replace(  # noqa: E731
        log.key.key_id().hex(), "00000000").encode())  # fmt: skip
    signers = [new, log.key]
    log.add(change=(new, log.key), signers=signers, edits={"key": wrong})
    yield fault("line-form", "previous-key-id", "a previous key whose id is not its own", log, object=2, line=2, index=8)
    yield edited(
        "line-form",
        "before-line-order",
        "a checkpoint of another form in a frame of its own",
        {"note": lambda note: note[:-1], "last frame": split_last},
        5,
        7,
    )

    log = log_of(1)
    long_ = {**log.policy(), "logs": [log.log_policy(), log_of(1, origin="o" * 256, prefix="logs/o").log_policy()]}
    yield no_verdict("policy-origin-of-256-bytes", "a policy with an origin that is a byte too long", log, long_)
    last = log.policy(keys=[log.key.policy(retired_at="9998-06-01T00:00:00Z")])
    yield good("policy-year-9998", "a policy with a time of the last year that there is", log, last)


def split_last(frame):
    close, checkpoint, _ = inflated(frame).split(b"\n")
    return raw_blocks(close + b"\n") + raw_blocks(checkpoint + b"\n")


def upper(hashes):
    return hashes[:64].upper() + hashes[64:]


def loose_root(note):
    at = note.index("=") - 1
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    return note[:at] + alphabet[alphabet.index(note[at]) + 1] + note[at + 1 :]


def events():
    """F9, and what of an entry is looked at before its event."""
    yield entry_of(
        "line-form", "source-before-event", "an empty source before an event that is not JSON", "nothing",
        edits={"entry 0": swap('"event"', '"source":"","event"')},
    )  # fmt: skip
    yield entry_of(
        "line-form", "index-before-event", "an index of 2^53 before an event that is not JSON", "nothing",
        edits={"entry 0": swap('"index":4,', '"index":9007199254740992,')},
    )  # fmt: skip
    yield entry_of(
        "event-form", "before-index-mismatch", "an event that is not JSON in a line with another index", "nothing",
        edits={"entry 0": swap('"index":4,', '"index":5,')},
    )  # fmt: skip
    yield entry_of("event-form", "text-not-utf-8", "a text that is not UTF-8", b'"\xff"', kind="text")
    yield good(
        "text-that-is-an-event", "a text that could have been an event", log_of(1).add(('"1"', '"null"'), kind="text")
    )
    yield good("base64-of-utf-8", "base64 of bytes that are UTF-8", log_of(1).add(('"aGVsbG8="',), kind="base64"))


def signatures():
    """F13, F16: limits of signatures."""
    key = Key(ED)
    yield edited("signature-count", "16", "as many signatures as a checkpoint may have", {}, signers=[key] * 16)
    yield edited(
        "signature-invalid",
        "of-8192-bytes",
        "a signature of as many bytes as it may have",
        {"signature 0": lambda blob: blob + bytes(8192 - 64)},
    )


def first_lines():
    """F5 to F7, F17: what the open line and the key line say, in the order of their fields."""
    other = log_of(2, origin="acme.example/audit/logins")
    yield fault(
        "origin-mismatch",
        "before-segment",
        "a segment of another log and with another number",
        log_of(2),
        objects={**log_of(2).objects, Log().name(1): other.objects[other.name(0)]},
        line=1,
    )
    yield edited(
        "segment-mismatch",
        "before-left-count",
        "an open line with another number and with a hash too many in `left`",
        {"open": both(swap('"segment":1,', '"segment":2,'), more_left)},
        1,
    )
    yield edited(
        "left-count",
        "before-time-decreased",
        "an open line with a hash too many in `left` and with a time before `sealed_before`",
        {"open": both(more_left, swap(f'"time":"{when(HOUR)}"', f'"time":"{when(59)}"'))},
        1,
    )
    no_origin = both(other_index, hash_changed)
    yield edited(
        "index-mismatch",
        "segment-0-before-prev",
        "segment 0 with another index and another `prev`",
        {"open": no_origin},
        1,
        segment=0,
    )
    yield edited(
        "prev-mismatch",
        "segment-0-before-sealed-before",
        "segment 0 with another `prev` and another `sealed_before`",
        {"open": both(hash_changed, other_sealed_before)},
        1,
        segment=0,
    )
    yield edited(
        "sealed-before-mismatch",
        "segment-0-before-time-decreased",
        "segment 0 with a `sealed_before` after its own time",
        {"open": swap(f'"sealed_before":"{when(0)}"', f'"sealed_before":"{when(1)}"')},
        1,
        segment=0,
    )
    yield good(
        "opened-when-sealed",
        "a segment opened at the moment at which the one before was sealed",
        log_of(2).add(opened=HOUR + 60),
    )
    log = log_of(2)
    new = Key(ED, "b")
    theirs = lambda line: line.replace(  # noqa: E731
        log.key.verifier_key().encode(), log.key.verifier_key("acme.example/audit/logins").encode())  # fmt: skip
    signers = [new, log.key]
    log.add(change=(new, log.key), signers=signers, edits={"key": theirs})
    yield fault("key-line", "previous-of-another-log", "a previous key of another log", log, object=2, line=2, index=8)


def more_left(line):
    return line.replace(b'"left":[', b'"left":["' + b"0" * 64 + b'",')


def other_index(line):
    return line.replace(b'"index":0', b'"index":1').replace(b'"left":[]', b'"left":["' + b"0" * 64 + b'"]')


def other_sealed_before(line):
    return line.replace(b'"sealed_before":"2024', b'"sealed_before":"2023')


def between_lines():
    """F4, F5, F15: index, then prev, then time, then the place of a line."""
    yield edited(
        "index-mismatch",
        "before-prev",
        "an entry with another index and another `prev`",
        {"entry 1": both(swap('"index":5,', '"index":6,'), hash_changed)},
        3,
        5,
    )
    earlier = swap(f'"time":"{when(HOUR + 2)}"', f'"time":"{when(HOUR)}"')
    yield edited(
        "prev-mismatch",
        "before-time",
        "an entry with another `prev` and a time before the line's before it",
        {"entry 1": both(hash_changed, earlier)},
        3,
        5,
    )
    yield edited(
        "index-mismatch",
        "before-line-order",
        "a second open line with another index",
        {"entry 0": lambda line: swap('"index":4', '"index":5')(again_open(line))},
        2,
        4,
    )
    yield edited(
        "time-decreased", "before-line-order", "a second open line before the first", {"entry 0": earlier_open}, 2, 4
    )
    yield key_lines("two-key-lines", "a second key line", 3, 9, cut=False)
    yield key_lines("key-line-in-second-frame", "the key line in a frame of its own", 2, 8, cut=True)
    log = log_of(1)
    kept = []
    edits = {
        "frame 0": lambda frame: kept.append(inflated(frame)) or b"",
        "last content": lambda content: kept[0] + content,
    }
    log.add((), edits=edits)
    yield fault(
        "line-order", "close-line-in-first-frame", "the close line in the frame of the open line", log, line=2, index=4
    )


def again_open(line):
    body = f',"open":{{"origin":"{ORIGIN}","segment":1,"left":[],"sealed_before":"{when(60)}"}}}}'
    return b'{"format":1,' + b",".join(line.split(b",")[:3])[1:] + body.encode()


def earlier_open(line):
    return swap(f'"time":"{when(HOUR + 1)}"', f'"time":"{when(HOUR - 1)}"')(again_open(line))


def key_lines(name, what, line, index, cut):
    """A segment with a key line that is in the wrong place."""
    log = log_of(2)
    old, new = log.key, Key(ED, "b")
    segment = Segment(log.head, 2 * HOUR)
    if cut:
        segment.cut()
    else:
        segment.key(2 * HOUR, new, old)
    segment.key(2 * HOUR, new, old)
    log.keys.append(new)
    log.objects[log.name(2)] = segment.close(2 * HOUR + 60, [new, old])
    return fault("line-order", name, what, log, object=2, line=line, index=index)


def closes():
    """F10, F12, F17: what the close line and the checkpoint say, in the order of their fields."""
    more = swap('"events":2', '"events":3')
    yield edited(
        "segment-mismatch",
        "close-line-before-events",
        "a close line with another number and another count",
        {"close": both(swap('"segment":1,', '"segment":2,'), more)},
        4,
        6,
    )
    early = swap(f'"sealed":"{when(HOUR + 60)}"', f'"sealed":"{when(HOUR + 59)}"')
    yield edited(
        "time-decreased",
        "sealed-before-left",
        "a close line with an early `sealed` and another `left`",
        {"close": both(early, left_changed)},
        4,
        6,
    )
    yield edited(
        "size-mismatch",
        "before-root",
        "a checkpoint with another size and another root",
        {"head": lambda head: (head[0] + 1, sha256(b"x"))},
        5,
        7,
    )
    yield edited(
        "origin-mismatch",
        "checkpoint-before-size",
        "a checkpoint of another log with another size",
        {"head": lambda head: (head[0] + 1, head[1]), "note": lambda note: note.replace("payments", "logins")},
        5,
        7,
    )
    yield first(
        "first-segment-not-empty",
        "without-key-line",
        "segment 0 with an entry and without a key line",
        entry=True,
        line=3,
        index=2,
    )
    yield first(
        "events-mismatch",
        "before-first-segment-not-empty",
        "segment 0 with an entry that its close line does not count",
        entry=True,
        key=True,
        edits={"close": swap('"events":1', '"events":0')},
        line=4,
        index=3,
    )
    yield first(
        "key-line-missing",
        "before-sealed",
        "segment 0 without a key line and with an early `sealed`",
        edits={"close": swap(f'"sealed":"{when(60)}"', f'"sealed":"{when(59)}"')},
        line=2,
        index=1,
    )


def first(code, name, what, entry=False, key=False, edits=None, line=None, index=None):
    """A segment 0 with or without an entry and a key line."""
    log = Log()
    segment = Segment(log.head, 0, edits)
    if key:
        segment.key(0, log.key)
    if entry:
        segment.entry(1, "1")
    log.objects[log.name(0)] = segment.close(60, [log.key])
    return fault(code, name, what, log, object=0, line=line, index=index)
