"""F9: what an entry may hold: one JSON value, a text, or bytes in base64."""

import json
import math
import re

from encoding import unbase64
from fault import Fault

MAX_EVENT = 1 << 20
MAX_DEPTH = 128

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
        readable(token)
        expect = advance(stack, expect, "string" if token[1] else "scalar" if token[2] else token[3].decode())
    if expect != "end" or stack:
        raise Fault("event-form", "no whole JSON value")


HALF = re.compile("[\ud800-\udfff]")


def readable(token):
    """F9: nothing at which everyday readers stop."""
    if token[1] and HALF.search(json.loads(token[1])):
        raise Fault("event-form", "half of a surrogate pair")
    if token[2] and token[2][:1] in b"-0123456789" and math.isinf(float(token[2])):
        raise Fault("event-form", "a number that rounds to infinity")


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
        raise Fault("event-form", "base64 is not a string")
    unbase64(value[1:-1], "event-form")
