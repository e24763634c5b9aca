"""F4: one line in its one form."""

import re
from dataclasses import dataclass

from encoding import MAX_SEGMENT, is_origin, number, sha256, time
from events import MAX_EVENT, base64_event, event, text
from fault import Fault
from note import parse_note, parse_verifier_key

MAX_LINE = MAX_EVENT + 4096
PAYLOADS = {b"event": event, b"text": text, b"base64": base64_event}

PARTS_OF_FORMS = {
    b"NUMBER": rb"(0|[1-9][0-9]{0,15})",
    b"HASHES": rb'\[((?:"[0-9a-f]{64}"(?:,"[0-9a-f]{64}")*)?)\]',
    b"HASH": rb'"([0-9a-f]{64})"',
    b"TIME": rb'"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z)"',
    b"STRING": rb'"([\x20\x21\x23-\x5b\x5d-\x7e]*)"',
}


def form(text, **options):
    """The form of a line, in which the words in capitals are replaced by values."""
    pattern = re.escape(text.encode())
    for word, values in PARTS_OF_FORMS.items():
        pattern = pattern.replace(word, values)
    for word, optional in options.items():
        pattern = pattern.replace(word.encode(), b"(?:" + form(optional).pattern + b")?")
    pattern = pattern.replace(b"KIND", b"(" + b"|".join(PAYLOADS) + b")").replace(b"VALUE", b"(.*)(.)")
    return re.compile(pattern, re.DOTALL)


LEAF = '"index":NUMBER,"prev":HASH,"time":TIME,'
OPEN = form('{"format":NUMBER,' + LEAF + '"open":{"origin":STRING,"segment":NUMBER,"left":HASHES,"sealed_before":TIME}}')
KEY = form("{" + LEAF + '"key":{"verifier_key":STRINGPREVIOUS}}', PREVIOUS=',"previous":STRING')
ENTRY = form(
    "{" + LEAF + 'SOURCEBATCHREPEAT"KIND":VALUE',
    SOURCE='"source":STRING,',
    BATCH='"batch":STRING,',
    REPEAT='"repeat":"suspected",',
)
CLOSE = form("{" + LEAF + '"close":{"segment":NUMBER,"events":NUMBER,"sealed":TIME,"left":HASHES,"frames":HASH}}')
FORMAT = form('{"format":NUMBER,')
CHECKPOINT = re.compile(rb'\{"checkpoint":"((?:[^"\\\x00-\x1f]|\\n)*)"\}', re.DOTALL)


def hashes(text):
    return [bytes.fromhex(part[1:-1].decode()) for part in text.split(b",")] if text else []


@dataclass
class Leaf:
    kind: str
    index: int
    prev: bytes
    time: int
    hash: bytes
    parts: tuple


def parse_line(raw):
    """F4: one line in its one form, or `line-form`; an event's own form is `event-form`."""
    if len(raw) > MAX_LINE:
        raise Fault("line-form", f"line of {len(raw)} bytes")
    if found := CHECKPOINT.fullmatch(raw):
        return "checkpoint", parse_note(found[1].replace(b"\\n", b"\n"))
    for kind, pattern, skip in (("open", OPEN, 1), ("key", KEY, 0), ("close", CLOSE, 0), ("entry", ENTRY, 0)):
        found = pattern.fullmatch(raw)
        if found:
            groups = found.groups()[skip:]
            leaf = Leaf(
                kind,
                number(groups[0]),
                bytes.fromhex(groups[1].decode()),
                time(groups[2]),
                sha256(b"\0" + raw),
                PARTS[kind](*groups[3:]),
            )
            return kind, leaf
    raise Fault("line-form", f"{raw[:80]!r}")


def open_parts(origin, segment, left, sealed_before):
    if not is_origin(origin):
        raise Fault("line-form", "no origin")
    return origin, number(segment, MAX_SEGMENT), hashes(left), time(sealed_before)


def key_parts(key, previous):
    parse_verifier_key(key)
    if previous is not None:
        parse_verifier_key(previous)
    return key, previous


def entry_parts(source, batch, kind, value, last):
    for name in (source, batch):
        if name is not None and not 1 <= len(name) <= 255:
            raise Fault("line-form", "length of a name")
    if len(value) > MAX_EVENT:
        raise Fault("event-form", f"event of {len(value)} bytes")
    PAYLOADS[kind](value)
    if last != b"}":
        raise Fault("line-form", "an entry does not end in }")
    return ()


def close_parts(segment, events, sealed, left, frames_hash):
    return number(segment, MAX_SEGMENT), number(events), time(sealed), hashes(left), bytes.fromhex(frames_hash.decode())


PARTS = {"open": open_parts, "key": key_parts, "entry": entry_parts, "close": close_parts}
