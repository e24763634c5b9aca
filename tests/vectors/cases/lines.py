"""F4 to F8, F10 and F12: the forms of lines, and their order."""

from cases.edits import always, first_frame, inflated, swap
from cases.vector import ED, edited, fault, log_of
from forge import HOUR, ORIGIN, Key, Segment, compressed, leaf, raw_blocks, when


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
    for name, what, words in (
        ("empty-batch", "a batch without a character", '"batch":"",'),
        ("batch-of-256-bytes", "a name of a batch that is too long", f'"batch":"{"b" * 256}",'),
        ("batch-escape", "an escape in the name of a batch", '"batch":"\\u0061",'),
        ("batch-before-source", "a batch before the source", '"batch":"b","source":"s",'),
        ("repeat-before-batch", "a repeat before the batch", '"repeat":"suspected","batch":"b",'),
        ("repeat-other-word", "another word for a repeat", '"repeat":"certain",'),
        ("repeat-true", "a repeat that is not a word", '"repeat":true,'),
    ):
        yield form(name, what, {"entry 0": swap('"event"', words + '"event"')}, 2, 4)
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
        "a year that times do not have",
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
    """The last character before the padding has bits without a meaning."""
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
    """The close line is in the frame of the entries; its `frames` is over the first frame."""
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
