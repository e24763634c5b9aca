"""Logs that must verify."""

from cases.edits import inflated, swap
from cases.keys import compromised
from cases.vector import ED, SPECS, good, log_of, without
from forge import EVENTS, HOUR, PREFIX, Key, policy, raw_blocks, short, silence, span


def goods():
    yield good("segment-0", "a log with segment 0 alone", log_of(1))
    yield good("several-segments", "a log of five segments", log_of(5))
    yield good("empty-segments", "segments without entries, as a silent log writes them", log_of(2).add(()).add(()).add())
    for spec in SPECS:
        name = spec.lower().replace("_", "-")
        yield good(f"key-{name}", f"signed by a key of the spec {spec}", log_of(2, Key(spec)))
    yield good(
        "text",
        "lines that are not JSON, with each escape that a text has",
        log_of(1).add(('"no json: \\"a\\\\\\b\\t\\n\\f\\r\\u0000\\u001f\x7f/é\u2028🦀"', '""'), kind="text"),
    )
    yield good("base64", "bytes that are not UTF-8", log_of(1).add(('"AP/+"', '""', '"//8="'), kind="base64"))
    yield good(
        "json-values",
        "each kind of JSON value as an event",
        log_of(1).add(
            (
                "{}",
                "[]",
                '""',
                "0",
                "-0.0e-1",
                "1E308",
                f"{2**1024 - 2**970 - 1}",
                "0e999",
                "1e-400",
                "true",
                "false",
                "null",
                "123456789012345678901",
            )
        ),
    )
    yield good(
        "spaces-in-event",
        "spaces and tabs between the tokens, where CR LF was too",
        log_of(1).add(('{  "a" :\t[ 1 ,2 ] , "b":{ } }',)),
    )
    yield good(
        "repeated-names",
        "an event that says a name twice, and names an entry's keys",
        log_of(1).add(('{"a":1,"a":2,"index":99,"close":{"segment":1}}',)),
    )
    yield good(
        "awkward-json-as-text",
        "JSON that everyday readers stop at, as text: half of a surrogate pair, a number that is infinite as a double",
        log_of(1).add(('"{\\"a\\":\\"\\\\ud800\\"}"', '"[1e400]"'), kind="text"),
    )
    yield good(
        "surrogate-pairs",
        "whole pairs, and a backslash before what looks like half of one",
        log_of(1).add(('"\\ud834\\uDD1E\\\\ud800"', '"9e9999"')),
    )
    yield good(
        "depth-128",
        "an event with as many levels as there may be",
        log_of(1).add(("[" * 128 + "]" * 128, '{"a":' * 127 + "[]" + "}" * 127)),
    )
    yield good("brackets-in-string", "brackets in a string are not levels", log_of(1).add(('"' + "[{" * 500 + '"',)))
    yield good(
        "event-of-1-mib",
        "an event of just as many bytes as there may be",
        log_of(1).add(('"' + "x" * ((1 << 20) - 2) + '"',)),
    )
    yield good(
        "source",
        "who sent the event, of one and of 255 bytes",
        log_of(1).add(EVENTS, source="a b/c~'").add(EVENTS, source="s" * 255),
    )
    named = {
        "entry 0": swap('"event"', '"batch":"chunk 7","repeat":"suspected","event"'),
        "entry 1": swap('"source":"vector","event"', f'"source":"vector","batch":"{"b" * 255}","event"'),
        "entry 2": swap('"event"', '"repeat":"suspected","event"'),
    }
    yield good(
        "batch-and-repeat",
        "batches that were given names, and an event that may be a repeat",
        log_of(1).add((*EVENTS, "3"), source="vector", edits=named),
    )
    yield good("several-frames", "entries in three frames", log_of(1).add(EVENTS * 5, frames=3))
    yield good(
        "frames-of-another-writer",
        "frames in raw blocks, with content sizes of one, two and eight bytes",
        log_of(1).add(
            EVENTS * 9,
            frames=3,
            edits={
                "frame 0": lambda frame: raw_blocks(inflated(frame), width=2),
                "frame 1": lambda frame: raw_blocks(inflated(frame), block=100, width=8),
            },
        ),
    )
    yield good(
        "microseconds",
        "times to the microsecond, and equal ones",
        log_of(1).add(("1",), opened=HOUR + 0.000001, sealed=HOUR + 1.000001),
    )
    yield good("origin-of-255-bytes", "the longest origin", log_of(2, origin="o" * 255))
    yield good("two-logs", "two logs with prefixes that are alike", *two_logs())
    yield rotation()
    yield lost_key()
    yield compromised(
        "good--rotation-from-compromised", 0, None, "what follows the last good segment is signed by a new key", rotate=True
    )
    ended = log_of(3)
    yield good(
        "ended",
        "a log that was declared ended is silent ever since",
        ended,
        ended.policy(logs=[ended.log_policy(ended={**ended.end(2), "successor": "acme.example/audit/next"})]),
        at=1000 * HOUR,
    )
    disowned = log_of(4)
    yield good(
        "disowned-after-end",
        "a segment after the declared end is not the log's",
        disowned,
        disowned.policy(logs=[disowned.log_policy(ended=disowned.end(2))]),
    )
    yield good(
        "declared-prefix",
        "an object under a declared prefix is accounted for",
        log_of(2),
        log_of(2).policy(declared_prefixes=["archive/"]),
        objects={**log_of(2).objects, "archive/2023/policy.json": b"{}\n"},
    )
    expired = log_of(4)
    yield good(
        "expired-beginning",
        "the first segments are gone, and their retention has passed",
        expired,
        expired.policy(lock=[span(days=1)]),
        objects=without(expired, 0, 1),
    )
    yield good(
        "expired-middle",
        "a segment in the middle is gone, and its retention has passed",
        expired,
        expired.policy(lock=[span(days=1)]),
        objects=without(expired, 1),
    )
    shorter = expired.policy(lock=[span(days=10), span(HOUR + 30, days=1)])
    yield good(
        "expired-under-two-spans",
        "each absent segment has outlived the span under which it was sealed",
        expired,
        shorter,
        objects=without(expired, 0, 1, 2),
    )
    yield good(
        "file-beside-the-logs",
        "in a folder, files beside the logs are not looked at",
        log_of(2),
        objects={**log_of(2).objects, "notes.txt": b"?\n"},
    )
    unfinished = f"{PREFIX}/.000000000002.jsonl.zst.0123456789abcdef.fedcba9876543210.unfinished"
    yield good(
        "unfinished-file",
        "in a folder, a file that a sealer has not finished is not a segment yet",
        log_of(2),
        objects={**log_of(2).objects, unfinished: b"half\n"},
    )
    spans = log_of(4)
    yield good(
        "longer-silence-from-later-span",
        "a later span allows a longer silence",
        spans,
        spans.policy(logs=[spans.log_policy(max_silence=[silence(), silence(3 * HOUR + 30, 10 * HOUR)])]),
        at=12 * HOUR,
    )
    yield good(
        "fractions-in-policy",
        "times of the policy with decimals and an offset",
        log_of(2),
        log_of(2).policy(keys=[{**log_of(1).key.policy(), "valid_from": "2023-12-31T23:59:59.5Z"}]),
    )


def two_logs():
    one, two = log_of(2), log_of(2, origin="acme.example/audit/logins", prefix="logs/payments-eu")
    both = log_of(2)
    both.objects.update(two.objects)
    return both, policy([one, two])


def rotation():
    log = log_of(2)
    new = Key("ECC_NIST_P256", "b")
    log.add(change=(new, log.key)).add()
    return good("rotation", "a new key announced, and signed by both", log)


def lost_key():
    log = log_of(2)
    old, new = log.key, Key(ED, "b")
    log.add(change=(new, old), signers=[new]).add()
    return good(
        "rotation-from-lost",
        "the previous key is lost and does not sign",
        log,
        log.policy(keys=[old.policy(lost_at=short(HOUR + 30 * 60)), new.policy()]),
    )
