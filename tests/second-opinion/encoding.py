"""The parts that lines, checkpoints and policies are made of: numbers, times, base64, origins."""

import base64
import binascii
import hashlib
import re

from fault import Fault

MAX_INDEX = 1 << 53
MAX_SEGMENT = 10**12


def sha256(data):
    return hashlib.sha256(data).digest()


def number(text, bound=MAX_INDEX):
    value = int(text)
    if value >= bound:
        raise Fault("line-form", f"number {value} is not below {bound}")
    return value


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
    plain = re.fullmatch(rb"[\x21\x23-\x2a\x2c-\x5b\x5d-\x7e]{1,255}", text) is not None
    return plain and b"://" not in text
