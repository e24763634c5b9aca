"""One object of a log, checked from its bytes alone: rules F1 to F18 of docs/guides/chain-format.md.

Written from the guide and not from the Rust, so that a mistake of one is not a mistake of both. `check` gives a
`Segment` or raises the first `Fault`.
"""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass

from fault import Fault
from frames import frames, stored

MAX_INDEX = 1 << 53
MAX_SEGMENT = 10**12
MAX_EVENT = 1 << 20
MAX_DEPTH = 128
MAX_LINE = MAX_EVENT + 4096
MAX_OBJECT = 64 << 20
MAX_SIGNATURES = 16
MAX_SIGNATURE = 8192


def sha256(data):
    return hashlib.sha256(data).digest()


# F4: lines

N = rb"(0|[1-9][0-9]{0,15})"
H = rb"([0-9a-f]{64})"
T = rb"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z)"
S = rb'"([\x20\x21\x23-\x5b\x5d-\x7e]*)"'
HS = rb'\[((?:"[0-9a-f]{64}"(?:,"[0-9a-f]{64}")*)?)\]'
LEAF = rb'"index":' + N + rb',"prev":"' + H + rb'","time":"' + T + rb'",'


def form(pattern):
    return re.compile(pattern, re.DOTALL)


OPEN = form(
    rb'\{"format":'
    + N
    + rb","
    + LEAF
    + rb'"open":\{"origin":'
    + S
    + rb',"segment":'
    + N
    + rb',"left":'
    + HS
    + rb',"sealed_before":"'
    + T
    + rb'"\}\}'
)
KEY = form(rb"\{" + LEAF + rb'"key":\{"verifier_key":' + S + rb'(?:,"previous":' + S + rb")?\}\}")
ENTRY = form(rb"\{" + LEAF + rb'(?:"source":' + S + rb',)?"(event|text|base64)":(.*)(.)')
CLOSE = form(
    rb"\{"
    + LEAF
    + rb'"close":\{"segment":'
    + N
    + rb',"events":'
    + N
    + rb',"sealed":"'
    + T
    + rb'","left":'
    + HS
    + rb',"frames":"'
    + H
    + rb'"\}\}'
)
CHECKPOINT = form(rb'\{"checkpoint":"((?:[^"\\\x00-\x1f]|\\n)*)"\}')
FORMAT = form(rb'\{"format":' + N + rb",")


def number(text, bound=MAX_INDEX):
    value = int(text)
    if value >= bound:
        raise Fault("line-form", f"number {value} is not below {bound}")
    return value


def hashes(text):
    return [bytes.fromhex(part[1:-1].decode()) for part in text.split(b",")] if text else []


def time(text):
    """F15: microseconds since 1970."""
    year, month, day, hour, minute, second, micro = (int(part) for part in re.findall(rb"[0-9]+", text))
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    days = (31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
    if not (1970 <= year <= 9998 and 1 <= month <= 12 and 1 <= day <= days[month - 1]):
        raise Fault("line-form", f"no date: {text!r}")
    if hour > 23 or minute > 59 or second > 59:
        raise Fault("line-form", f"no time of day: {text!r}")
    past = (year - 1) * 365 + (year - 1) // 4 - (year - 1) // 100 + (year - 1) // 400
    ordinal = past + sum(days[: month - 1]) + day - 719_163
    return ((ordinal * 24 + hour) * 60 + minute) * 60_000_000 + second * 1_000_000 + micro


def unbase64(text, code="line-form"):
    """Canonical base64 with padding."""
    try:
        value = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Fault(code, "no base64") from None
    if base64.b64encode(value) != bytes(text):
        raise Fault(code, "base64 is not canonical")
    return value


def is_origin(text):
    """F1."""
    return re.fullmatch(rb"[\x21\x23-\x2a\x2c-\x5b\x5d-\x7e]{1,255}", text) is not None


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


def entry_parts(source, kind, value, last):
    if source is not None and not 1 <= len(source) <= 255:
        raise Fault("line-form", "length of source")
    if len(value) > MAX_EVENT:
        raise Fault("event-form", f"event of {len(value)} bytes")
    {b"event": event, b"text": text, b"base64": base64_event}[kind](value)
    if last != b"}":
        raise Fault("line-form", "an entry does not end in }")
    return ()


def close_parts(segment, events, sealed, left, frames_hash):
    return number(segment, MAX_SEGMENT), number(events), time(sealed), hashes(left), bytes.fromhex(frames_hash.decode())


PARTS = {"open": open_parts, "key": key_parts, "entry": entry_parts, "close": close_parts}

# F9: events

TOKEN = re.compile(
    rb'[ \t]*(?:("(?:[^"\\\x00-\x1f]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*")'
    rb"|(-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null)|([\[\]{},:]))",
    re.DOTALL,
)


def event(value):
    """F9: exactly one JSON value of RFC 8259, in UTF-8, at most 128 levels deep; no recursion."""
    try:
        value.decode("utf-8")
    except UnicodeDecodeError:
        raise Fault("event-form", "not UTF-8") from None
    if value[:1] in b" \t" or value[-1:] in b" \t":
        raise Fault("event-form", "white space around the event")
    stack, expect, at = [], "value", 0
    while at < len(value):
        token = TOKEN.match(value, at)
        if token is None:
            raise Fault("event-form", f"no JSON token at byte {at}")
        at = token.end()
        expect = advance(stack, expect, "string" if token[1] else "scalar" if token[2] else token[3].decode())
    if expect != "end" or stack:
        raise Fault("event-form", "no whole JSON value")


def advance(stack, expect, token):
    """One step of the grammar: what may come after `token` where `expect` was due."""
    done = {"[": "comma-array", "{": "comma-object"}
    if expect in ("value", "value-or-end"):
        if token in ("string", "scalar"):
            return done[stack[-1]] if stack else "end"
        if token in "[{":
            stack.append(token)
            if len(stack) > MAX_DEPTH:
                raise Fault("event-form", "nested too deep")
            return "value-or-end" if token == "[" else "name-or-end"
    if token == "string" and expect in ("name", "name-or-end"):
        return "colon"
    if token == ":" and expect == "colon":
        return "value"
    if token == "," and expect == "comma-array":
        return "value"
    if token == "," and expect == "comma-object":
        return "name"
    closes = {"]": ("value-or-end", "comma-array"), "}": ("name-or-end", "comma-object")}
    if expect in closes.get(token, ()):
        stack.pop()
        return done[stack[-1]] if stack else "end"
    raise Fault("event-form", f"{token} where {expect} was due")


ESCAPES = rb'\\["\\btnfr]|\\u00(?:0[0-7bef]|1[0-9a-f])'
TEXT = re.compile(rb'"(?:[^"\\\x00-\x1f]|' + ESCAPES + rb')*"', re.DOTALL)


def text(value):
    """F9: a JSON string with the least escapes."""
    try:
        value.decode("utf-8")
    except UnicodeDecodeError:
        raise Fault("event-form", "not UTF-8") from None
    if not TEXT.fullmatch(value):
        raise Fault("event-form", "text has another form")


def base64_event(value):
    if len(value) < 2 or value[:1] != b'"' or value[-1:] != b'"':
        raise Fault("event-form", "base64 is no string")
    unbase64(value[1:-1], "event-form")


# F11: compact range


class Range:
    """F11: the roots of the full subtrees, largest first, with their sizes."""

    def __init__(self, size, roots):
        bits = [1 << bit for bit in range(size.bit_length() - 1, -1, -1) if size >> bit & 1]
        if len(bits) != len(roots):
            raise Fault("left-count", f"{len(roots)} hashes for {size} leaves")
        self.size, self.trees = size, list(zip(bits, roots))

    def push(self, leaf):
        size = 1
        while self.trees and self.trees[-1][0] == size:
            leaf = sha256(b"\1" + self.trees.pop()[1] + leaf)
            size *= 2
        self.trees.append((size, leaf))
        self.size += 1

    def roots(self):
        return [root for _, root in self.trees]

    def root(self):
        if not self.trees:
            return sha256(b"")
        folded = self.trees[-1][1]
        for _, root in reversed(self.trees[:-1]):
            folded = sha256(b"\1" + root + folded)
        return folded


# The segment


@dataclass
class Segment:
    """What a segment says of itself, proven against its root; its signatures are not checked yet."""

    origin: bytes
    number: int
    index: int
    prev: bytes
    left: list
    time: int
    sealed_before: int
    sealed: int
    last_hash: bytes
    size: int
    roots: list
    root: bytes
    key: tuple  # (verifier key, previous), or None
    text: bytes  # what is signed
    signatures: list  # (key id, signature)
    signer: bytes = None  # the verifier key that signed it, once that is checked


def check(data, origin, number_, format_):
    """F3 to F18 for the object `number_` of the log `origin`; raises the first fault in reading order."""
    walk = Walk(origin, number_, format_)
    try:
        if len(data) > MAX_OBJECT:
            raise Fault("size-limit", f"object of {len(data)} bytes")
        at, head = 0, None
        for nr, (at, head, content) in enumerate(frames(data)):
            for place, raw in enumerate(content[:-1].split(b"\n")):
                walk.line(raw, nr == 0, place == 0)
        return walk.finish(head, sha256(data[:at]))
    except Fault as fault:
        if not fault.code.startswith("frame"):
            fault.line = walk.lines or None
        fault.index = walk.index
        raise


class Walk:
    """The lines of one segment, one after the other."""

    def __init__(self, origin, number_, format_):
        self.origin, self.number, self.format = origin, number_, format_
        self.kinds, self.range, self.head, self.lines = [], None, None, 0
        self.previous_hash, self.previous_time, self.index = None, None, None
        self.key, self.events, self.close, self.note = None, 0, None, None

    def line(self, raw, in_first_frame, begins_frame):
        """One line: its form, then its place, then what it says."""
        self.lines += 1
        if self.note:
            raise Fault("line-order", "a line after the checkpoint")
        if self.lines == 1 and (found := FORMAT.match(raw)) and int(found[1]) != self.format:
            raise Fault("format-mismatch", f"{int(found[1])}, not {self.format}")
        kind, leaf = parse_line(raw)
        if kind != "checkpoint" and self.kinds and not self.close:
            self.follow(leaf)
        due = (
            ("open",)
            if not self.kinds
            else {
                "open": ("key", "entry", "close"),
                "key": ("entry", "close"),
                "entry": ("entry", "close"),
                "close": ("checkpoint",),
            }[self.kinds[-1]]
        )
        if kind not in due:
            raise Fault("line-order", f"{kind} where {due} is due")
        frame_right = {
            "open": True,
            "key": in_first_frame,
            "entry": not in_first_frame,
            "close": not in_first_frame and begins_frame,
            "checkpoint": not begins_frame,
        }[kind]
        if not frame_right:
            raise Fault("line-order", f"{kind} in the wrong frame")
        if kind == "checkpoint":
            self.checkpoint(leaf)
        else:
            self.leaf(leaf)
        self.kinds.append(kind)

    def leaf(self, leaf):
        if leaf.kind == "open":
            self.open(leaf)
        if leaf.kind == "entry":
            self.events += 1
        if leaf.kind == "key":
            self.key_line(leaf)
        if leaf.kind == "close":
            self.close_line(leaf)
        self.range.push(leaf.hash)
        self.previous_hash, self.previous_time, self.index = leaf.hash, leaf.time, leaf.index + 1

    def open(self, leaf):
        origin, segment, left, sealed_before = leaf.parts
        if origin != self.origin:
            raise Fault("origin-mismatch", f"{origin!r}")
        if segment != self.number:
            raise Fault("segment-mismatch", f"{segment}")
        self.range = Range(leaf.index, left)
        if segment == 0 and leaf.index != 0:
            raise Fault("index-mismatch", f"{leaf.index} in segment 0")
        if segment == 0 and leaf.prev != sha256(b"\0" + origin):
            raise Fault("prev-mismatch", "segment 0 does not begin at its origin")
        if segment == 0 and sealed_before != leaf.time:
            raise Fault("sealed-before-mismatch", "segment 0")
        if leaf.time < sealed_before:
            raise Fault("time-decreased", "the open line is before sealed_before")
        self.head = leaf

    def follow(self, leaf):
        if leaf.index != self.index:
            raise Fault("index-mismatch", f"{leaf.index}, not {self.index}")
        if leaf.prev != self.previous_hash:
            raise Fault("prev-mismatch", "prev is not the hash of the line before")
        if leaf.time < self.previous_time:
            raise Fault("time-decreased", "time decreases")

    def key_line(self, leaf):
        key, previous = leaf.parts
        if (previous is None) != (self.number == 0):
            raise Fault("key-line", "previous, in segment 0 and only there, is absent")
        if any(one is not None and not one.startswith(self.origin + b"+") for one in (key, previous)):
            raise Fault("key-line", "a key of another log")
        if key == previous:
            raise Fault("key-line", "the new key is the previous key")
        self.key = (key, previous)

    def close_line(self, leaf):
        segment, events, sealed, left, _ = leaf.parts
        if segment != self.number:
            raise Fault("segment-mismatch", f"{segment}")
        if events != self.events:
            raise Fault("events-mismatch", f"{events}, counted {self.events}")
        if self.number == 0 and self.events:
            raise Fault("first-segment-not-empty", f"{self.events} entries")
        if self.number == 0 and self.key is None:
            raise Fault("key-line-missing", "segment 0 has no key line")
        if sealed < leaf.time:
            raise Fault("time-decreased", "sealed is before the close line's time")
        if left != self.range.roots():
            raise Fault("left-mismatch", "close.left is not the compact range")
        self.close = leaf

    def checkpoint(self, note):
        origin, size, root, _, _ = note
        if origin != self.origin:
            raise Fault("origin-mismatch", "checkpoint of another origin")
        if size != self.range.size:
            raise Fault("size-mismatch", f"checkpoint says {size}, counted {self.range.size}")
        if root != self.range.root():
            raise Fault("root-mismatch", "checkpoint's root")
        self.note = note

    def finish(self, last_frame, frames_hash):
        """At the end of the object: F3.4 and F10's `frames`."""
        if not self.note:
            raise Fault("segment-truncated", f"ends after {self.kinds[-1:]}")
        stored(last_frame)
        if self.close.parts[4] != frames_hash:
            raise Fault("frames-mismatch", "close.frames is not the hash of the frames before")
        _, _, left, sealed_before = self.head.parts
        _, size, root, text_, signatures = self.note
        return Segment(
            self.origin,
            self.number,
            self.head.index,
            self.head.prev,
            left,
            self.head.time,
            sealed_before,
            self.close.parts[2],
            self.close.hash,
            size,
            self.range.roots(),
            root,
            self.key,
            text_,
            signatures,
        )


def parse_verifier_key(value):
    """F13: the form of a verifier key; which keys are good, the policy decides."""
    found = re.fullmatch(rb"([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)", value)
    if not found or not is_origin(found[1]):
        raise Fault("line-form", "no verifier key")
    material = unbase64(found[3])
    hashed = material[1:] if material[:1] == b"\x02" else found[1] + b"\n" + material
    if sha256(hashed)[:4].hex().encode() != found[2]:
        raise Fault("line-form", "key id")


def parse_note(body):
    """F12: the checkpoint's origin, size, root, signed text and signatures."""
    found = re.fullmatch(rb"(([^\n]+)\n(0|[1-9][0-9]{0,15})\n([A-Za-z0-9+/]{43}=)\n)\n((?:[^\n]+\n)+)", body)
    if not found:
        raise Fault("line-form", "no checkpoint")
    if not is_origin(found[2]):
        raise Fault("line-form", "no origin")
    signatures = []
    for line in found[5][:-1].split(b"\n"):
        one = re.fullmatch("— ".encode() + rb"([^ ]+) ([A-Za-z0-9+/=]+)", line)
        if not one or one[1] != found[2]:
            raise Fault("line-form", "no signature line of this origin")
        raw = unbase64(one[2])
        if len(raw) <= 4:
            raise Fault("line-form", "signature is too short")
        if len(raw) > MAX_SIGNATURE + 4:
            raise Fault("line-form", "signature is too long")
        signatures.append((raw[:4], raw[4:]))
    if len(signatures) > MAX_SIGNATURES:
        raise Fault("line-form", "too many signatures")
    return found[2], number(found[3]), unbase64(found[4]), found[1], signatures
