"""The vectors: what each is, and what a verifier must say to it. One fault each, named for it."""

import base64
import json
import struct
from dataclasses import dataclass

from forge import (
    EVENTS,
    HOUR,
    ORIGIN,
    PREFIX,
    Key,
    Log,
    Segment,
    compressed,
    checksum,
    document_bytes,
    leaf,
    policy,
    raw_blocks,
    sha256,
    short,
    silence,
    span,
    when,
)

ED = "ECC_NIST_EDWARDS25519"
SPECS = (ED, "ECC_NIST_P256", "ECC_NIST_P384", "RSA_2048", "RSA_3072", "RSA_4096", "ML_DSA_44", "ML_DSA_65", "ML_DSA_87")


@dataclass
class Vector:
    name: str
    exit: int
    what: str
    objects: dict
    policy: object
    at: str
    code: str = None
    object: str = None
    line: int = None
    index: int = None
    pins: object = None
    faults: int = 1
    acknowledged: int = 0

    def expected(self):
        shown = {"what": self.what, "exit": self.exit, "at": self.at}
        for name in ("code", "object", "line", "index"):
            if getattr(self, name) is not None:
                shown[name] = getattr(self, name)
        if self.exit == 1 and self.faults != 1:
            shown["faults"] = self.faults
        if self.acknowledged:
            shown["acknowledged"] = self.acknowledged
        return shown

    def policy_bytes(self):
        return self.policy if isinstance(self.policy, bytes) else document_bytes(self.policy)


def good(name, what, log, policy_=None, **more):
    return made("good--" + name, 0, what, log, policy_, **more)


def no_verdict(name, what, log, policy_=None, **more):
    return made("no-verdict--" + name, 2, what, log, policy_, **more)


def fault(code, name, what, log, policy_=None, object=1, **more):
    place = log.name(object) if isinstance(object, int) else object
    return made(f"{code}--{name}", 1, what, log, policy_, code=code, object=place, **more)


def made(name, exit_, what, log, policy_, at=None, objects=None, **more):
    at = log.head.sealed + 600 if at is None and isinstance(log.head.sealed, (int, float)) else at or 0
    objects = dict(log.objects) if objects is None else objects
    return Vector(name, exit_, what, objects, log.policy() if policy_ is None else policy_, short(at), **more)


def log_of(segments, key=None, **more):
    log = Log(key, **more)
    for _ in range(segments):
        log.add()
    return log


def swap(old, new):
    """Replaces what must be there exactly once."""
    old, new = (part.encode() if isinstance(part, str) else part for part in (old, new))

    def edit(value):
        assert value.count(old) == 1, (old, value)
        return value.replace(old, new)

    return edit


def flip(at, bit=1):
    """Changes one byte; negative places count from the end."""

    def edit(value):
        value = bytearray(value)
        value[at] ^= bit
        return bytes(value)

    return edit


def always(value):
    return lambda _: value


def edited(code, name, what, edits, line=None, index=None, segment=1, **more):
    """A log of which one segment is edited before it is hashed and signed."""
    log = log_of(segment)
    log.add(edits=edits, **more)
    return fault(code, name, what, log, object=segment, line=line, index=index)


def entry_of(code, name, what, value, kind="event", line=2, index=4, **more):
    log = log_of(1).add((value,), kind=kind, **more)
    return fault(code, name, what, log, line=line, index=index)


def all_vectors():
    for group in (goods, frames, lines, events, places, heads, signatures, keys, logs, times, pins, policies):
        yield from group()


def goods():
    yield good("segment-0", "a log of which nothing was asked yet: segment 0 alone", log_of(1))
    yield good("several-segments", "a log of five segments", log_of(5))
    yield good("empty-segments", "segments without entries, as a silent log writes them", log_of(2).add(()).add(()).add())
    for spec in SPECS:
        name = spec.lower().replace("_", "-")
        yield good(f"key-{name}", f"signed by a key of the spec {spec}", log_of(2, Key(spec)))
    yield good(
        "text",
        "lines that are no JSON, with each escape that a text has",
        log_of(1).add(('"no json: \\"a\\\\\\b\\t\\n\\f\\r\\u0000\\u001f\x7f/é\u2028🦀"', '""'), kind="text"),
    )
    yield good("base64", "bytes that are no UTF-8", log_of(1).add(('"AP/+"', '""', '"//8="'), kind="base64"))
    yield good(
        "json-values",
        "each kind of JSON value as an event",
        log_of(1).add(("{}", "[]", '""', "0", "-0.0e-1", "1E400", "true", "false", "null", "123456789012345678901")),
    )
    yield good(
        "spaces-in-event",
        "spaces and tabs between the tokens, where CR LF stood too",
        log_of(1).add(('{  "a" :\t[ 1 ,2 ] , "b":{ } }',)),
    )
    yield good(
        "repeated-names",
        "an event that says a name twice, and names an entry's keys",
        log_of(1).add(('{"a":1,"a":2,"index":99,"close":{"segment":1}}',)),
    )
    yield good(
        "lone-surrogate",
        "an escape of half a character, which RFC 8259 allows",
        log_of(1).add(('"\\ud800"', '"\\uDC00\\ud800"')),
    )
    yield good(
        "depth-128",
        "an event with as many levels as there may be",
        log_of(1).add(("[" * 128 + "]" * 128, '{"a":' * 127 + "[]" + "}" * 127)),
    )
    yield good("brackets-in-string", "brackets in a string are no levels", log_of(1).add(('"' + "[{" * 500 + '"',)))
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
        "what lies under a declared prefix is nobody's fault",
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
        "in a folder, what lies beside the logs is not looked at",
        log_of(2),
        objects={**log_of(2).objects, "notes.txt": b"?\n"},
    )
    unfinished = f"{PREFIX}/.000000000002.jsonl.zst.0123456789abcdef.fedcba9876543210.unfinished"
    yield good(
        "unfinished-file",
        "in a folder, what a sealer has not finished is no segment yet",
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


def inflated(frame):
    import zstandard

    return zstandard.ZstdDecompressor().decompress(frame)


def without(log, *numbers):
    gone = [log.name(number) for number in numbers]
    return {key: data for key, data in log.objects.items() if key not in gone}


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


def compromised(name, exit_, code, what, rotate=False, last_good=2, named=True, edit=None, **more):
    """A key of which somebody else made use after segment 2."""
    log = log_of(3)
    old, new = log.key, Key(ED, "b")
    if rotate:
        log.add(change=(new, old), signers=[new])
    else:
        log.add()
    last = {"origin": ORIGIN, **log.position(last_good), **(edit or {})}
    fact = {"at": short(2 * HOUR + 30 * 60), "last_good": [last] if named else []}
    keys_ = [old.policy(compromised=fact)] + ([new.policy()] if rotate else [])
    return made(name, exit_, what, log, log.policy(keys=keys_), code=code, **more)


def frames():
    """F3."""

    def frame(code, name, what, edits, line=None, index=None):
        due = {"frames": None, "object": None, "frame 1": 4, "last frame": 7}[next(iter(edits))]
        return edited(code, name, what, edits, line=line, index=due if index is None else index)

    yield frame(
        "frame-form",
        "skippable-frame",
        "a skippable frame before the first",
        {"frames": lambda data: b"\x50\x2a\x4d\x18\x04\0\0\0hide" + data},
    )
    yield frame("frame-form", "not-zstd", "the lines as they are, not compressed", {"object": lambda _: b'{"format":1}\n'})
    yield frame(
        "frame-form", "bytes-after-the-end", "a byte after the last frame", {"object": lambda data: data + b"\n"}, index=7
    )
    yield frame(
        "line-order",
        "frame-after-the-end",
        "another good frame after the last, not signed",
        {"object": lambda data: data + compressed(b"{}\n")},
        line=6,
        index=7,
    )
    yield frame(
        "frame-form",
        "no-content-size",
        "a window instead of a single segment",
        {"frame 1": lambda data: windowed(inflated(data))},
    )
    yield frame("frame-form", "no-checksum", "a frame without its checksum", {"frame 1": unchecked})
    yield frame("frame-form", "dictionary-id", "a frame that names a dictionary", {"frame 1": flip(4, 1)})
    yield frame("frame-form", "unused-bit", "the unused bit of the header is set", {"frame 1": flip(4, 0x10)})
    yield frame("frame-form", "reserved-bit", "the reserved bit of the header is set", {"frame 1": flip(4, 0x08)})
    yield frame("frame-form", "empty-frame", "a frame without content", {"frame 1": lambda data: empty_frame() + data})
    yield frame(
        "frame-form",
        "frame-ends-in-a-line",
        "a line that goes over the border of two frames",
        {"frame 1": lambda data: compressed(inflated(data)[:50]) + compressed(inflated(data)[50:])},
    )
    yield frame(
        "frame-form",
        "last-frame-compressed",
        "the last frame is compressed",
        {"last frame": lambda data: compressed(inflated(data))},
    )
    yield frame(
        "frame-form",
        "last-frame-in-small-blocks",
        "the last frame's blocks are not full",
        {"last frame": lambda data: raw_blocks(inflated(data), block=100)},
    )
    yield frame(
        "frame-form",
        "last-frame-with-empty-block",
        "an empty block after the last frame's only one",
        {"last frame": empty_block},
    )
    yield frame(
        "frame-form",
        "last-frame-size-in-two-bytes",
        "the last frame's content size in two bytes",
        {"last frame": lambda data: raw_blocks(inflated(data), width=2)},
    )
    yield frame(
        "frame-form",
        "last-frame-size-in-eight-bytes",
        "the last frame's content size in eight bytes",
        {"last frame": lambda data: raw_blocks(inflated(data), width=8)},
    )
    yield frame("frame-corrupt", "checksum", "a frame's checksum is wrong", {"frame 1": flip(-1)})
    yield frame("frame-corrupt", "block", "a byte of a compressed block is changed", {"frame 1": flip(20, 0xFF)})
    yield frame("frame-corrupt", "last-checksum", "the last frame's checksum is wrong", {"last frame": flip(-1)}, index=6)
    yield frame(
        "frame-corrupt",
        "cut-in-a-frame",
        "the object is cut in its last frame",
        {"object": lambda data: data[:-40]},
        index=6,
    )
    yield frame(
        "frame-form",
        "cut-in-a-header",
        "the object is cut in the header of its last frame",
        {"last frame": lambda data: data[:7]},
        index=6,
    )
    yield frame(
        "segment-truncated", "last-frame-missing", "the last frame is cut off", {"last frame": always(b"")}, line=3, index=6
    )
    yield frame(
        "segment-truncated",
        "entry-frame-missing-too",
        "all but the first frame is cut off",
        {"object": first_frame},
        line=1,
        index=4,
    )
    yield frame("segment-truncated", "no-byte", "an object without a byte", {"object": always(b"")})
    yield frame(
        "frames-mismatch", "compressed-again", "a frame compressed again after signing", {"object": raw_again}, index=7
    )
    yield frame(
        "size-limit",
        "bomb",
        "a frame that says that it holds 4 MiB and a byte",
        {"frame 1": always(b"\x28\xb5\x2f\xfd\xa4" + struct.pack("<I", (4 << 20) + 1) + b"\1\0\0" + bytes(4))},
        line=1,
        index=4,
    )
    yield frame(
        "size-limit",
        "64-bit-bomb",
        "a frame that says that it holds 2^63 bytes",
        {"frame 1": always(b"\x28\xb5\x2f\xfd\xe4" + struct.pack("<Q", 1 << 63) + b"\1\0\0" + bytes(4))},
        line=1,
        index=4,
    )


def empty_frame():
    return b"\x28\xb5\x2f\xfd\x24\0\1\0\0" + checksum(b"")


def windowed(content):
    return b"\x28\xb5\x2f\xfd\x04\x58" + (len(content) << 3 | 1).to_bytes(3, "little") + content + checksum(content)


def unchecked(frame):
    return frame[:4] + bytes([frame[4] & ~4]) + frame[5:-4]


def empty_block(frame):
    content = inflated(frame)
    head = frame[:9]
    return head + (len(content) << 3).to_bytes(3, "little") + content + b"\1\0\0" + frame[-4:]


def first_frame(data):
    import zstandard

    reader = zstandard.ZstdDecompressor().decompressobj()
    reader.decompress(data)
    return data[: len(data) - len(reader.unused_data)]


def raw_again(data):
    first = first_frame(data)
    content = inflated(first)
    return raw_blocks(content, width=2) + data[len(first) :]


def lines():
    """F4 to F8, F10, F12."""
    form = lambda name, what, edits, line, index, **more: edited(
        "line-form", name, what, edits, line, index, **more
    )  # noqa: E731
    order = lambda name, what, edits, line, index, **more: edited(
        "line-order", name, what, edits, line, index, **more
    )  # noqa: E731
    yield form("space", "a space in the envelope", {"open": swap('"format":1', '"format": 1')}, 1, None)
    yield form(
        "key-order",
        "the keys of a line in another order",
        {"entry 0": lambda line: line.replace(b'{"index":4,', b"{", 1).replace(b',"event"', b',"index":4,"event"', 1)},
        2,
        4,
    )
    yield form(
        "upper-case-hex",
        "a hash in upper case",
        {"entry 1": lambda line: line[:19] + line[19:83].upper() + line[83:]},
        3,
        5,
    )
    yield form("leading-zero", "an index with a zero before it", {"entry 0": swap('"index":4,', '"index":04,')}, 2, 4)
    yield form("number-as-float", "a number with a decimal point", {"close": swap('"events":2', '"events":2.0')}, 4, 6)
    yield form("index-2-53", "an index of 2^53", {"entry 0": swap('"index":4,', '"index":9007199254740992,')}, 2, 4)
    yield form(
        "segment-of-13-digits",
        "a segment number of 13 digits",
        {"close": swap('"segment":1,', '"segment":1000000000000,')},
        4,
        6,
    )
    yield form(
        "escape-in-source", "an escape in the envelope", {"entry 0": swap('"event"', '"source":"\\u0061","event"')}, 2, 4
    )
    yield form("empty-source", "a source without a character", {"entry 0": swap('"event"', '"source":"","event"')}, 2, 4)
    yield form(
        "source-of-256-bytes",
        "a source that is too long",
        {"entry 0": swap('"event"', f'"source":"{"s" * 256}","event"')},
        2,
        4,
    )
    yield form("source-not-ascii", "a source that is not ASCII", {"entry 0": swap('"event"', '"source":"é","event"')}, 2, 4)
    yield form("cipher", "the reserved key `cipher`", {"entry 0": swap('"event"', '"cipher"')}, 2, 4)
    yield form("field-more", "a field that the form does not have", {"close": swap('"frames"', '"note":1,"frames"')}, 4, 6)
    yield form(
        "origin-with-plus",
        "an origin with a character that it may not have",
        {"open": swap("audit/payments", "audit+payments")},
        1,
        None,
    )
    yield form(
        "line-too-long",
        "a line of more than 1 MiB and 4 KiB",
        {"entry 0": lambda line: line[:-1] + b" " * ((1 << 20) + 4097 - len(line)) + b"}"},
        2,
        4,
    )
    yield form("cr-lf", "a line that ends in CR LF", {"close": lambda line: line + b"\r"}, 4, 6)
    yield form("empty-line", "an empty line", {"entry 0": always(b"")}, 2, 4)
    yield form(
        "no-leap-day",
        "a day that the year does not have",
        {"open": swap(f'"time":"{when(HOUR)}"', '"time":"2023-02-29T01:00:00.000000Z"')},
        1,
        None,
    )
    yield form(
        "leap-second",
        "a leap second",
        {"close": swap(f'"time":"{when(HOUR + 60)}"', '"time":"2024-01-01T01:00:60.000000Z"')},
        4,
        6,
    )
    yield form("time-without-decimals", "a time without decimals", {"entry 0": swap(".000000Z", "Z")}, 2, 4)
    yield form(
        "year-9999",
        "a year that no time has",
        {"close": swap(f'"sealed":"{when(HOUR + 60)}"', '"sealed":"9999-01-01T00:00:00.000000Z"')},
        4,
        6,
    )
    yield form(
        "verifier-key-id",
        "a verifier key whose id is not its own",
        {"key": lambda line: line.replace(b"+" + Key(ED).key_id().hex().encode(), b"+00000000")},
        2,
        1,
        segment=0,
    )
    yield form(
        "checkpoint-extension",
        "a checkpoint with an extension line",
        {"note": lambda note: note.replace("\n\n", "\nmore\n\n")},
        5,
        7,
    )
    yield form(
        "checkpoint-size-zero",
        "a checkpoint's size with a zero before it",
        {"note": lambda note: note.replace("\n7\n", "\n07\n")},
        5,
        7,
    )
    yield form(
        "checkpoint-other-name",
        "a signature under another key name",
        {"note": lambda note: note.replace("\u2014 acme", "\u2014 bcme")},
        5,
        7,
    )
    yield form(
        "checkpoint-escaped-dash",
        "the em dash as an escape",
        {"checkpoint": lambda line: line.replace("\u2014".encode(), b"\\u2014")},
        5,
        7,
    )
    yield form("checkpoint-base64", "a signature in base64 that is not canonical", {"note": loose_base64}, 5, 7)
    yield form("checkpoint-no-last-newline", "a note that does not end in LF", {"note": lambda note: note[:-1]}, 5, 7)
    yield form("17-signatures", "a checkpoint with 17 signatures", {}, 5, 7, signers=[Key(ED)] * 17)
    yield form(
        "signature-of-8193-bytes",
        "a signature that is too long",
        {"signature 0": lambda blob: blob + bytes(8192 - 63)},
        5,
        7,
    )
    yield order("two-open-lines", "a second open line", {"entry 0": again_open}, 2, 4)
    yield order("entry-in-first-frame", "an entry in the frame of the open line", {"frames": joined}, 2, 4)
    yield order("entry-first", "a segment that begins with an entry", {"open": first_as_entry}, 1, None)
    yield close_joined()
    yield order("checkpoint-alone", "the checkpoint in a frame of its own", {"last frame": split_last}, 5, 7)
    yield order("no-close-line", "the checkpoint where the close line belongs", {"close": always(None)}, 4, 6)
    yield order(
        "entry-after-close",
        "an entry after the close line",
        {
            "last content": lambda content: content.replace(
                b"\n",
                b'\n{"index":7,"prev":"'
                + leaf(content.split(b"\n")[0]).hex().encode()
                + b'","time":"2024-01-01T01:01:00.000000Z","event":1}\n',
                1,
            )
        },
        5,
        7,
    )
    yield order(
        "line-after-checkpoint", "a line after the checkpoint", {"last content": lambda content: content + b"{}\n"}, 6, 7
    )
    yield late_key()


def loose_base64(note):
    """The last character before the padding has bits that mean nothing."""
    at = note.rindex("=") - (2 if note.endswith("==\n") else 1)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    return note[:at] + alphabet[alphabet.index(note[at]) + 1] + note[at + 1 :]


def again_open(line):
    index, prev, time = line.split(b",")[:3]
    return (
        b'{"format":1,'
        + index[1:]
        + b","
        + prev
        + b","
        + time
        + (f',"open":{{"origin":"{ORIGIN}","segment":1,"left":[],"sealed_before":"{when(60)}"}}}}').encode()
    )


def first_as_entry(line):
    body = line.index(b'"open"')
    return b"{" + line[len(b'{"format":1,') : body] + b'"event":1}'


def joined(data):
    """The first two frames as one."""
    first_ = first_frame(data)
    second_ = first_frame(data[len(first_) :])
    rest = data[len(first_) + len(second_) :]
    return compressed(inflated(first_) + inflated(second_)) + rest


def split_last(frame):
    close, checkpoint, _ = inflated(frame).split(b"\n")
    return raw_blocks(close + b"\n") + raw_blocks(checkpoint + b"\n")


def close_joined():
    """The close line stands in the frame of the entries; its `frames` is over the first frame."""
    log = log_of(1)
    held = {}

    def take(frame):
        held["entries"] = inflated(frame)
        return b""

    edits = {"frame 1": take, "last content": lambda content: held["entries"] + content}
    log.add(edits=edits)
    return fault(
        "line-order", "close-line-in-entry-frame", "the close line in the frame of the entries", log, line=4, index=6
    )


def late_key():
    log = log_of(2)
    old, new = log.key, Key(ED, "b")
    segment = Segment(log.head, 2 * HOUR)
    segment.entry(2 * HOUR, "1")
    segment.key(2 * HOUR, new, old)
    log.keys.append(new)
    log.objects[log.name(2)] = segment.close(2 * HOUR + 60, [new, old])
    return fault("line-order", "key-line-late", "a key line after an entry", log, object=2, line=3, index=9)


def events():
    """F9."""
    bad = lambda name, what, value, **more: entry_of("event-form", name, what, value, **more)  # noqa: E731
    yield bad(
        "closes-the-line", "an event that ends its line early for other readers", '1},"index":99,"close":{"segment":1}'
    )
    yield bad("two-values", "two values", "1 2")
    yield bad("comma", "two values with a comma", "1,2")
    yield bad("empty", "no value", "")
    yield bad("space-before", "a space before the value", " 1")
    yield bad("space-after", "a space after the value", "1 ")
    yield bad("cr-inside", "a CR between the tokens", '{"a":\r1}')
    yield bad("not-utf-8", "bytes that are no UTF-8", b'"\xff"')
    yield bad("utf-8-surrogate", "half a character as UTF-8", b'"\xed\xa0\x80"')
    yield bad("overlong-utf-8", "a character in more bytes than it needs", b'"\xc0\xaf"')
    yield bad("byte-order-mark", "a byte order mark before the value", "\ufeff1")
    yield bad("nan", "NaN is no JSON", "NaN")
    yield bad("leading-zero", "a number with a zero before it", "01")
    yield bad("plus", "a number with a plus", "+1")
    yield bad("bare-point", "a number that ends in its point", "1.")
    yield bad("trailing-comma", "a comma after the last element", "[1,]")
    yield bad("single-quotes", "a string in single quotes", "'a'")
    yield bad("control-character", "a tab in a string", '"\t"')
    yield bad("unknown-escape", "an escape that JSON does not have", '"\\x41"')
    yield bad("short-escape", "an escape with three digits", '"\\u041"')
    yield bad("unclosed", "an object that is not closed", '{"a":1')
    yield bad("mismatched", "an array closed as an object", "[1}")
    yield bad("no-break-space", "white space that is none in JSON", "[\u00a01]")
    yield bad("depth-129", "one level too many", "[" * 129 + "]" * 129)
    yield bad("too-long", "an event of 1 MiB and a byte", '"' + "x" * ((1 << 20) - 1) + '"')
    yield bad("field-after-event", "a field after the event", '1,"note":1')
    yield bad("text-slash", "a text that escapes what needs no escape", '"a\\/b"', kind="text")
    yield bad("text-long-escape", "a text with the long form of a short escape", '"\\u000a"', kind="text")
    yield bad("text-upper-case-escape", "a text with an escape in upper case", '"\\u001F"', kind="text")
    yield bad("text-escaped-letter", "a text that escapes a letter", '"\\u0041"', kind="text")
    yield bad("text-no-string", "a text that is a number", "1", kind="text")
    yield bad("text-two-strings", "a text of two strings", '"a""b"', kind="text")
    yield bad("base64-not-canonical", "base64 with bits that mean nothing", '"AB=="', kind="base64")
    yield bad("base64-no-padding", "base64 without its padding", '"AA"', kind="base64")
    yield bad("base64-url", "base64 of the other alphabet", '"-_=="', kind="base64")
    yield bad("base64-line-break", "base64 with a space in it", '"AAAA AAAA"', kind="base64")
    yield bad("base64-half-string", "base64 without its last quote", '"AA==', kind="base64")


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
    yield fault("key-line-missing", "segment-0", "segment 0 announces no key", keyless, object=0, line=2, index=1)
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


def hash_changed(line):
    at = line.index(b'"prev":"') + 8
    return line[:at] + b"0" * 64 + line[at + 64 :]


def left_changed(line):
    at = line.index(b'"left":["') + 9
    return line[:at] + b"0" * 64 + line[at + 64 :]


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


def heads():
    """F11, F12 and what neighbours say of each other."""
    yield edited(
        "size-mismatch", "one-more", "a checkpoint over a line more", {"head": lambda head: (head[0] + 1, head[1])}, 5, 7
    )
    yield edited(
        "root-mismatch",
        "other-root",
        "a checkpoint with another root",
        {"head": lambda head: (head[0], sha256(b"x"))},
        5,
        7,
    )
    log = log_of(1).add(edits={"frame 1": lambda frame: compressed(inflated(frame).replace(b"bob", b"eve"))})
    yield fault("prev-mismatch", "entry-edited", "an entry edited, nothing else changed", log, line=4, index=6)
    for code, name, what, change in (
        (
            "prev-mismatch",
            "neighbour",
            "a segment that follows another past",
            lambda head: setattr(head, "last", sha256(b"x")),
        ),
        ("left-mismatch", "neighbour", "a segment whose `left` holds a forged subtree, signed", forged_subtree),
        (
            "sealed-before-mismatch",
            "neighbour",
            "a segment that says another `sealed_before`",
            lambda head: setattr(head, "sealed", 30),
        ),
    ):
        forked = log_of(2)
        change(forked.head)
        forked.add()
        yield fault(code, name, what, forked, object=2, line=1, index=7)
    for code, name, what, changes in (
        ("index-mismatch", "neighbour-before-prev", "another index and another `prev` than the predecessor's", (one_less, other_last)),
        ("prev-mismatch", "neighbour-before-left", "another `prev` and another `left` than the predecessor's", (other_last, forged_subtree)),
        ("left-mismatch", "neighbour-before-sealed-before", "another `left` and another `sealed_before` than the predecessor's", (forged_subtree, other_sealed)),
    ):
        forked = log_of(2)
        for change in changes:
            change(forked.head)
        forked.add()
        yield fault(code, name, what, forked, object=2, line=1, index=6 if code == "index-mismatch" else 7)
    unsound = log_of(4)
    unsound.objects[unsound.name(1)] = b"garbage"
    yield fault("frame-form", "between-sound-ones", "a segment is not compared with one that is not its neighbour", unsound)
    shorter = log_of(2)
    shorter.head.range = log_of(1).add((EVENTS[0],)).head.range
    shorter.add()
    yield fault(
        "index-mismatch",
        "neighbour",
        "a segment that begins before its predecessor ends",
        shorter,
        object=2,
        line=1,
        index=6,
    )
    longer = log_of(1).add().add()
    replaced = log_of(1).add(("1", "2", "3"))
    yield fault(
        "index-mismatch",
        "predecessor-replaced",
        "a good segment of another history in the place of one",
        longer,
        object=2,
        objects={**longer.objects, longer.name(1): replaced.objects[replaced.name(1)]},
        line=1,
        index=7,
    )


def one_less(head):
    head.range = log_of(1).add((EVENTS[0],)).head.range


def other_last(head):
    head.last = sha256(b"x")


def other_sealed(head):
    head.sealed = 30


def forged_subtree(head):
    head.range.trees[0] = (head.range.trees[0][0], sha256(b"forged"))


def signatures():
    """F13, F14."""
    case = lambda code, name, what, edits=None, **more: edited(code, name, what, edits or {}, **more)  # noqa: E731
    a, b = Key(ED), Key(ED, "b")
    yield case("signature-count", "two", "two signatures where one is required", signers=[a, a])
    yield case("key-unknown", "key-id", "another key id before a good signature", {"signature 0": flip(0)})
    yield case("signature-invalid", "changed", "a signature with a byte changed", {"signature 0": flip(-1)})
    yield case(
        "signature-invalid",
        "of-another-text",
        "a good signature over another checkpoint",
        {"signature 0": lambda _: a.key_id() + a.sign(ORIGIN, 7, sha256(b"x"), 0)},
    )
    yield case("signature-invalid", "short", "a signature cut off", {"signature 0": lambda blob: blob[:-1]})
    yield case("signature-invalid", "long", "a byte after the signature", {"signature 0": lambda blob: blob + b"\0"})
    unannounced = log_of(2)
    unannounced.keys.append(b)
    unannounced.add(signers=[b])
    yield fault(
        "signature-key", "not-announced", "a key that the policy names signs without a key line", unannounced, object=2
    )
    for name, what, signers, code in (
        (
            "rotation-one-signature",
            "a new key without the signature of the previous one",
            lambda old, new: [new],
            "signature-count",
        ),
        (
            "rotation-order",
            "the two signatures of a rotation in the wrong order",
            lambda old, new: [old, new],
            "signature-key",
        ),
        (
            "rotation-three-signatures",
            "a third signature in a rotation",
            lambda old, new: [new, old, old],
            "signature-count",
        ),
    ):
        log = log_of(2)
        log.add(change=(b, log.key), signers=signers(log.key, b)).add()
        yield fault(code, name, what, log, object=2)
    for spec in SPECS[1:]:
        name = spec.lower().replace("_", "-")
        log = log_of(1, Key(spec)).add(edits={"signature 0": flip(-1)})
        yield fault("signature-invalid", name, f"a signature of a key of the spec {spec} with a byte changed", log)
    stamp = log_of(1, Key("ML_DSA_44")).add(edits={"signature 0": flip(11)})
    yield fault("signature-invalid", "ml-dsa-44-time", "an ML-DSA-44 signature with another time than `sealed`", stamp)
    yield fault(
        "signature-invalid",
        "previous-key",
        "the previous key's signature of a rotation with a byte changed",
        log_of(2).add(change=(b, a), edits={"signature 1": flip(-1)}),
        object=2,
    )


def keys():
    """What the policy says of keys."""
    a, b = Key(ED), Key(ED, "b")
    log = log_of(2)
    yield fault(
        "key-unknown",
        "segment-0",
        "signed by a key that the policy does not name",
        log,
        {**log.policy(), "logs": [{**log.log_policy(), "verifier_keys": [b.verifier_key()]}], "keys": [b.policy()]},
        object=0,
        line=2,
        faults=2,
    )
    rotated = log_of(2).add(change=(b, a)).add()
    yield fault(
        "key-unknown",
        "rotation",
        "a rotation to a key that the policy does not name",
        rotated,
        log_of(2).policy(),
        object=2,
        line=2,
        faults=2,
    )
    yield fault(
        "key-outside-span",
        "before-valid",
        "signed long before the key was valid",
        log,
        log.policy(keys=[a.policy(valid_from=short(1000 * HOUR))]),
        object=0,
        faults=2,
    )
    yield fault(
        "key-outside-span",
        "after-retired",
        "signed long after the key was retired",
        log_of(5),
        log.policy(keys=[a.policy(retired_at=short(2 * HOUR + 1800))]),
        object=3,
        faults=2,
    )
    stolen = Log().name(3)
    yield compromised(
        "key-compromised--after-last-good",
        1,
        "key-compromised",
        "a segment after the last good one of a compromised key",
        object=stolen,
    )
    yield compromised(
        "last-good-mismatch--other-root",
        1,
        "last-good-mismatch",
        "the last good segment is another one",
        last_good=3,
        edit={"root": base64.b64encode(sha256(b"x")).decode()},
        object=stolen,
    )
    tail = log_of(2)
    gone = {"at": short(HOUR), "last_good": [{"origin": ORIGIN, **log_of(4).position(3)}]}
    yield fault(
        "last-good-mismatch",
        "tail-cut-off",
        "the log ends before the last good segment",
        tail,
        tail.policy(keys=[a.policy(compromised=gone)]),
        object=3,
    )
    yield compromised(
        "no-verdict--compromised-without-last-good",
        2,
        None,
        "a compromised key, and nobody says up to where it was good",
        named=False,
    )
    wrong = log_of(2)
    wrong.add(change=(b, Key(ED, "c")))
    wrong.keys.append(Key(ED, "c"))
    yield fault("key-line", "previous-never-signed", "a rotation from a key that never signed", wrong, object=2, line=2)


def logs():
    """Listing."""
    log = log_of(4)
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
        ("unfinished-of-no-segment", "an unfinished file of no segment's name", f"{PREFIX}/.notes.txt.0.unfinished"),
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
    yield fault(
        "silence-exceeded", "tail", "nothing since the last segment", log, at=2 * HOUR + 60 + 2 * HOUR + 1, object=2
    )
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


def policies():
    """What is no verdict: the policy."""
    log = log_of(2)
    good_ = log.policy()
    bad = lambda name, what, policy_: no_verdict(f"policy-{name}", what, log, policy_)  # noqa: E731
    yield bad("version", "a policy of a version that is not known", {**good_, "trust_policy": 2})
    yield bad("unknown-field", "a field that could be a condition", {**good_, "unless": True})
    yield bad(
        "unknown-field-deep",
        "a field of a key that could be a condition",
        {**good_, "keys": [log.key.policy(only_on="monday")]},
    )
    yield bad("no-lock", "a policy without a span", {**good_, "lock": []})
    yield bad("lock-order", "spans that are not in order", {**good_, "lock": [span(10), span(5)]})
    yield bad("retention-0", "a retention of no day", {**good_, "lock": [span(days=0)]})
    yield bad("retention-36501", "a retention of a day too many", {**good_, "lock": [span(days=36_501)]})
    yield bad("lock-mode", "a mode that S3 does not have", {**good_, "lock": [span(mode="WEAK")]})
    yield bad("no-logs", "a policy without a log", {**good_, "logs": []})
    yield bad("no-keys", "a log of whose keys nothing is said", {**good_, "keys": []})
    yield bad("origin-twice", "two logs of one name", {**good_, "logs": [log.log_policy(), log.log_policy(prefix="other")]})
    yield bad(
        "prefix-overlap",
        "a log in the folder of another",
        {**good_, "logs": [log.log_policy(), {**log_of(1, origin="acme.example/b").log_policy(), "prefix": PREFIX + "/b"}]},
    )
    yield bad("declared-covers-log", "a declared prefix over a log", {**good_, "declared_prefixes": ["logs/"]})
    yield bad("declared-in-log", "a declared prefix in a log", {**good_, "declared_prefixes": [PREFIX + "/x/"]})
    yield bad("declared-without-slash", "a declared prefix without its slash", {**good_, "declared_prefixes": ["archive"]})
    yield bad("spec", "a key that is not of its spec", {**good_, "keys": [{**log.key.policy(), "spec": "ECC_NIST_P256"}]})
    yield bad(
        "unknown-spec",
        "a key of a spec that signs no log",
        {**good_, "keys": [{**log.key.policy(), "spec": "ECC_SECG_P256K1"}]},
    )
    yield bad(
        "verifier-key-id",
        "a verifier key with another key's id",
        {
            **good_,
            "logs": [
                log.log_policy(verifier_keys=[log.key.verifier_key().replace("+" + log.key.key_id().hex(), "+00000000")])
            ],
        },
    )
    yield bad("compressed-point", "a key with a compressed point", compressed_point())
    yield bad("rsa-without-null", "an RSA key without the parameters that RFC 3279 asks for", rsa_without_null())
    yield bad("not-json", "no JSON", b"{")
    yield bad(
        "name-twice",
        "a field that stands twice",
        document_bytes(good_).replace(b'"trust_policy": 1,', b'"trust_policy": 1, "trust_policy": 1,'),
    )
    yield bad(
        "retired-before-valid",
        "a key retired before it was valid",
        {**good_, "keys": [log.key.policy(valid_from=short(HOUR), retired_at=short(0))]},
    )
    yield bad("key-twice", "a key that stands twice", {**good_, "keys": [log.key.policy(), log.key.policy()]})
    twice = {"at": short(HOUR), "last_good": [{"origin": ORIGIN, **log.position(number)} for number in (0, 1)]}
    yield bad(
        "last-good-twice", "two last good segments of one log", {**good_, "keys": [log.key.policy(compromised=twice)]}
    )
    for name, time in (
        ("minute", "2024-01-01T00:00Z"),
        ("leap-second", "2023-12-31T23:59:60Z"),
        ("compact", "20240101T000000Z"),
        ("zone-name", "2024-01-01T00:00:00Z[UTC]"),
        ("comma", "2024-01-01T00:00:00,5Z"),
        ("no-zone", "2024-01-01T00:00:00"),
        ("offset-24", "2024-01-01T00:00:00+24:00"),
        ("before-1970", "1970-01-01T00:00:00+00:01"),
        ("lines-form-of-year-9999", "9999-01-01T00:00:00.000000Z"),
    ):
        yield bad(
            f"time-{name}",
            "a time that is not one of RFC 3339 from 1970 to 9998",
            {**good_, "keys": [log.key.policy(valid_from=time)]},
        )
    yield no_verdict(
        "format-2", "a log of a format that is not known yet", log, {**good_, "logs": [log.log_policy(format=2)]}
    )
    s3 = {"bucket": "acme-audit", "region": "eu-central-1", "account": "123456789012"}
    for name, what, value in (
        ("account", "a bucket whose owner nobody named", {**s3, "account": ""}),
        ("account-13", "an account of a digit too many", {**s3, "account": "1234567890123"}),
        ("bucket-name", "a bucket whose name is none", {**s3, "bucket": "acme/audit"}),
        ("region", "a region that is no part of a host name", {**s3, "region": "eu-central-1."}),
        ("bucket-field", "a field of the bucket that could be a condition", {**s3, "partition": "aws"}),
    ):
        yield bad(name, what, {**good_, "store": {"s3": value}})
    yield good("policy-bucket", "a policy that names a bucket, held against a folder", log, {**good_, "store": {"s3": s3}})
    text = document_bytes(good_)
    for name, what, before, after in (
        ("twice-deep", "a field of a key that stands twice", b'"spec":', b'"spec": "RSA_2048", "spec":'),
        ("twice-escaped", "a field that stands twice, once with an escape", b'"lock":', b'"l\\u006fck": [], "lock":'),
        ("sign", "a number with a sign", b'"format": 1', b'"format": -0'),
        ("decimals", "a whole number with decimals", b'"format": 1', b'"format": 1.0'),
        ("exponent", "a whole number with an exponent", b'"format": 1', b'"format": 1e0'),
        ("not-utf-8", "bytes that are no UTF-8", b'"COMPLIANCE"', b'"COMPLIANCE\xff"'),
        ("byte-order-mark", "a byte order mark before the document", b"{", b"\xef\xbb\xbf{"),
        ("after", "a second document after the first", b"}\n", b"}\n{}"),
    ):
        assert before in text
        at = text.rindex(before) if name == "after" else text.index(before)
        yield bad(name, what, text[:at] + after + text[at + len(before) :])
    yield from bad_pins(log)


def bad_pins(log):
    """What is no verdict: the pins."""
    pin = json.dumps({log.origin: log.pin(1)})[1:-1]
    for name, what, value in (
        ("version", "pins of a version that is not known", {"pins": 2, "logs": {}}),
        ("unknown-field", "pins with a field that could be a condition", {"pins": 1, "logs": {}, "unless": True}),
        ("log-twice", "a log that is named twice, first with the pin that hides the other", f'{{"pins": 1, "logs": {{{pin}, {pin}}}}}'),
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


def rsa_without_null():
    log = log_of(1, Key("RSA_2048"))
    oid = bytes.fromhex("06092a864886f70d010101")
    log.key.spki = log.key.spki.replace(b"\x30\x0d" + oid + b"\5\0", b"\x30\x0b" + oid).replace(b"\x01\x22", b"\x01\x20", 1)
    return log.policy()


def compressed_point():
    from cryptography.hazmat.primitives import serialization

    log = log_of(1, Key("ECC_NIST_P256"))
    key = log.key
    point = key.public.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint)
    head = bytes.fromhex("3039301306072a8648ce3d020106082a8648ce3d030107032200")
    key.spki = head + point
    return log.policy()
