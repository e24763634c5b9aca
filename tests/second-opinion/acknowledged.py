"""Findings that a person has explained in the policy: their form, and what they cover."""

from dataclasses import dataclass

from document import count, fields, moment, need, optional, origin_of, root_of, string
from keys import parse_position

VERSION = ("second-version", "hidden-by-delete-marker", "object-unaccounted", "lock-missing", "lock-mode",
           "lock-too-short", "object-multipart", "object-replica")  # fmt: skip
SHAPES = {
    "silence-exceeded": "silence",
    "segment-missing": "missing",
    **dict.fromkeys(VERSION, "version"),
    **dict.fromkeys(("sealed-after-stored", "stored-order", "key-outside-span"), "segment"),
}


@dataclass
class Missing:
    """Lost segments `first` to `last`, the log on both sides of them, and a pin that was lost with them."""

    first: int
    last: int
    before: tuple  # None, or (size, root, stored)
    after: tuple  # None, or (size, root)
    pin: tuple  # None, or (segment, size, root)


@dataclass
class Entry:
    """One entry: its code, its log, and what was found (for a silence both ends, for a loss `Missing`)."""

    code: str
    log: bytes
    found: object


def parse_entry(value):
    """An entry; which of the four descriptions it has follows from its code."""
    code = string(value.get("code") if isinstance(value, dict) else None)
    need(code in SHAPES, f"{code} cannot be acknowledged")
    shape = SHAPES[code]
    fields(value, ("code", "reason", "date", shape), ("log",))
    need(string(value["reason"]).strip(), "an empty reason")
    moment(value["date"])
    need("log" in value or code == "object-unaccounted", "an entry without its log")
    return Entry(code, optional(value, "log", origin_of), PARSE[shape](value[shape]))


def parse_silence(value):
    fields(value, ("from", "until"))
    since, until = moment(value["from"]), moment(value["until"])
    need(since < until, "a silence that ends before it begins")
    return since, until


def parse_missing(value):
    fields(value, ("first", "last"), ("before", "after", "pin"))
    missing = Missing(
        count(value["first"]),
        count(value["last"]),
        optional(value, "before", parse_before),
        optional(value, "after", parse_after),
        optional(value, "pin", lambda pin: parse_position(fields(pin, ("segment", "size", "root")))),
    )
    need(missing.first <= missing.last, "a loss that ends before it begins")
    need((missing.first == 0) == (missing.before is None), "`before` belongs there unless `first` is 0")
    need(missing.pin is None or missing.first <= missing.pin[0] <= missing.last, "a pin outside of the loss")
    return missing


def parse_before(value):
    fields(value, ("size", "root"), ("stored",))
    return count(value["size"]), root_of(value["root"]), optional(value, "stored", moment)


def parse_after(value):
    fields(value, ("size", "root"))
    return count(value["size"]), root_of(value["root"])


def parse_version(value):
    fields(value, ("object", "version_id"), ("retain_until",))
    string(value["object"])
    string(value["version_id"])
    optional(value, "retain_until", moment)


def parse_segment(value):
    fields(value, ("number", "sealed", "stored"))
    count(value["number"])
    moment(value["sealed"])
    moment(value["stored"])


PARSE = {"silence": parse_silence, "missing": parse_missing, "version": parse_version, "segment": parse_segment}
