"""JSON documents (trust policies and pins): strict JSON, and the values that both are made of."""

import base64
import binascii
import json
import re

from encoding import is_origin, time
from fault import Fault

MAX_DOCUMENT = 16 << 20
LAST = time(b"9998-12-31T23:59:59.999999Z") + 1


class NoVerdict(Exception):
    """We could not look: unreadable, ill-formed from the start, or unsupported."""


def need(condition, what):
    if not condition:
        raise NoVerdict(what)


def document(data):
    """A JSON object in which no field appears twice and each whole number has one form."""
    need(len(data) <= MAX_DOCUMENT, "more than 16 MiB")
    try:
        value = json.loads(data.decode("utf-8"), object_pairs_hook=pairs, parse_constant=constant, parse_int=whole)
    except (ValueError, RecursionError) as error:
        raise NoVerdict(str(error)) from None
    need(isinstance(value, dict), "an object is due")
    return value


def pairs(found):
    value = dict(found)
    need(len(value) == len(found), "a field appears twice")
    return value


def constant(name):
    raise NoVerdict(f"{name} is not a number")


def whole(digits):
    need(not digits.startswith("-"), f"{digits} has a sign")
    return int(digits)


def fields(value, required, optional=()):
    """An object with just these fields; an unknown one could be a condition."""
    need(isinstance(value, dict), "an object is due")
    need(set(required) <= set(value) <= set(required) | set(optional), f"fields {sorted(value)}")
    return value


def optional(value, name, parse):
    """A field that may be absent; `null` is not the same as absent."""
    return parse(value[name]) if name in value else None


def string(value):
    need(isinstance(value, str), "a string is due")
    need(not re.search("[\ud800-\udfff]", value), "half a character")
    return value


def integer(value, low, high):
    need(type(value) is int and low <= value <= high, f"a number from {low} to {high} is due")
    return value


def items(value):
    need(isinstance(value, list), "a list is due")
    return value


def moment(value):
    """A time of RFC 3339 with any offset and any decimals, cut off to the microsecond."""
    found = re.fullmatch(
        r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,9}))?"
        r"([Zz]|[+-][01][0-9]:[0-5][0-9]|[+-]2[0-3]:[0-5][0-9])",
        string(value),
        re.ASCII,
    )
    need(found, f"time {value}")
    try:
        whole_ = time(f"{found[1]}T{found[2]}.{(found[3] or '').ljust(6, '0')[:6]}Z".encode())
    except (Fault, ValueError):
        raise NoVerdict(f"time {value}") from None
    if found[4] not in "Zz":
        minutes = int(found[4][1:3]) * 60 + int(found[4][4:])
        whole_ -= (minutes if found[4][0] == "+" else -minutes) * 60_000_000
    need(0 <= whole_ < LAST, f"time {value}")
    return whole_


def binary(value):
    try:
        raw = base64.b64decode(string(value), validate=True)
    except (binascii.Error, ValueError):
        raise NoVerdict("not base64") from None
    need(base64.b64encode(raw).decode() == value, "base64 is not canonical")
    return raw


def root_of(value):
    root = binary(value)
    need(len(root) == 32, "a root of 32 bytes is due")
    return root


def origin_of(value):
    origin = string(value).encode()
    need(is_origin(origin), f"origin {value}")
    return origin


def count(value):
    """A whole number below 2^64."""
    return integer(value, 0, (1 << 64) - 1)
