"""F12 and F13: the form of a checkpoint and of a verifier key. Which keys are good, the policy decides."""

import re

from encoding import is_origin, number, sha256, unbase64
from fault import Fault

MAX_SIGNATURES = 16
MAX_SIGNATURE = 8192


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
    for line in found[5].split(b"\n")[:-1]:
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
