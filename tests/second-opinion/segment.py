"""One object of a log, checked from its bytes alone: rules F1 to F18 of docs/guides/chain-format.md.

Written from the guide and not from the Rust, so that a mistake of one is not a mistake of both. `check` gives a
`Segment` or raises the first `Fault`.
"""

from dataclasses import dataclass

from encoding import sha256
from fault import Fault
from frames import frames, stored
from lines import FORMAT, parse_line
from tree import Range

MAX_OBJECT = 64 << 20


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
