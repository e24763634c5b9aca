"""The trust policy of docs/guides/trust-policy.md, and the signatures it authorises (F13)."""

import base64
import binascii
import hashlib
import json
import re
import struct
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from fault import Fault
from encoding import is_origin, time


class NoVerdict(Exception):
    """We could not look: unreadable, ill-formed from the start, or unsupported."""


# F13: for each spec of KMS the type byte with its name, whether the key stands as SPKI, and the class of the key.
SPECS = {
    "ECC_NIST_EDWARDS25519": (b"\x01", False, ed25519.Ed25519PublicKey),
    "ECC_NIST_P256": (b"\x02", True, ec.EllipticCurvePublicKey),
    "ML_DSA_44": (b"\x06", False, mldsa.MLDSA44PublicKey),
    "ECC_NIST_P384": (b"\xffauditlog/ecdsa-p384-sha384\n", True, ec.EllipticCurvePublicKey),
    "RSA_2048": (b"\xffauditlog/rsa-pkcs1-sha256\n", True, rsa.RSAPublicKey),
    "RSA_3072": (b"\xffauditlog/rsa-pkcs1-sha256\n", True, rsa.RSAPublicKey),
    "RSA_4096": (b"\xffauditlog/rsa-pkcs1-sha256\n", True, rsa.RSAPublicKey),
    "ML_DSA_65": (b"\xffauditlog/ml-dsa-65\n", True, mldsa.MLDSA65PublicKey),
    "ML_DSA_87": (b"\xffauditlog/ml-dsa-87\n", True, mldsa.MLDSA87PublicKey),
}
DETAIL = {
    "ECC_NIST_P256": lambda key: key.curve.name == "secp256r1",
    "ECC_NIST_P384": lambda key: key.curve.name == "secp384r1",
    "RSA_2048": lambda key: key.key_size == 2048,
    "RSA_3072": lambda key: key.key_size == 3072,
    "RSA_4096": lambda key: key.key_size == 4096,
}


@dataclass
class Key:
    spec: str
    spki: bytes
    public: object
    valid_from: int
    retired_at: int
    lost_at: int
    compromised: dict  # None, or {"at": …, "last_good": {origin: (segment, size, root)}}

    def verifier_key(self, origin):
        """F13: the C2SP verifier key of this key for a log."""
        kind, as_spki, _ = SPECS[self.spec]
        raw = self.spki if as_spki else self.public.public_bytes(Encoding.Raw, PublicFormat.Raw)
        hashed = self.spki if kind == b"\x02" else origin + b"\n" + kind + raw
        key_id = hashlib.sha256(hashed).digest()[:4]
        return origin + b"+" + key_id.hex().encode() + b"+" + base64.b64encode(kind + raw)

    def signed(self, segment, signature):
        """F13: whether `signature` is this key's over the checkpoint of `segment`."""
        try:
            self.verify(segment, signature)
        except InvalidSignature:
            return False
        return True

    def verify(self, segment, signature):
        text, key = segment.text, self.public
        if self.spec == "ECC_NIST_EDWARDS25519":
            key.verify(signature, text)
        elif self.spec in ("ECC_NIST_P256", "ECC_NIST_P384"):
            key.verify(signature, text, ec.ECDSA(hashes.SHA256() if self.spec.endswith("256") else hashes.SHA384()))
        elif self.spec.startswith("RSA"):
            key.verify(signature, text, padding.PKCS1v15(), hashes.SHA256())
        elif self.spec == "ML_DSA_44":
            seconds = segment.sealed // 1_000_000
            if signature[:8] != struct.pack(">Q", seconds):
                raise InvalidSignature
            name = bytes([len(segment.origin)]) + segment.origin
            span = struct.pack(">QQ", 0, segment.size)
            message = b"subtree/v1\n\0" + name + struct.pack(">Q", seconds) + name + span + segment.root
            key.verify(signature[8:], message)
        else:
            key.verify(signature, text)


@dataclass
class Log:
    origin: bytes
    prefix: str
    format: int
    began: int
    keys: dict  # verifier key -> Key
    silences: list
    lock: list  # None, or spans in place of the policy's
    ended: object  # None, or Ended


@dataclass
class Span:
    start: int
    retention: int  # microseconds, as all times here


@dataclass
class Silence:
    start: int
    length: int


@dataclass
class Ended:
    segment: int
    size: int
    root: bytes
    sealed: int
    stored: int  # None in a folder


@dataclass
class Policy:
    logs: list
    spans: list
    declared: list

    def lock_of(self, log):
        return self.spans if log.lock is None else log.lock

    def kept_until(self, log, since, until):
        """Until when something has to be kept that was made between `since` and `until`, nobody knows when."""
        spans = spans_within(self.lock_of(log), min(since, until), until)
        ends = [span.start for span in spans[1:]] + [until]
        return max(end + span.retention for span, end in zip(spans, ends))


def spans_within(spans, since, until):
    """What was in force at some time from `since` to `until`; before the first span, the first one."""
    started = [span for span in spans if span.start <= since][-1:] or spans[:1]
    return started + [span for span in spans if since < span.start <= until and span not in started]


LAST = time(b"9998-12-31T23:59:59.999999Z") + 1


def need(condition, what):
    if not condition:
        raise NoVerdict(what)


def fields(value, required, optional=()):
    """An object with just these fields; an unknown one could be a condition."""
    need(isinstance(value, dict), "an object is due")
    need(set(required) <= set(value) <= set(required) | set(optional), f"fields {sorted(value)}")
    return value


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
        r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,9}))?([Zz]|[+-][01][0-9]:[0-5][0-9]|[+-]2[0-3]:[0-5][0-9])",
        string(value),
        re.ASCII,
    )
    need(found, f"time {value}")
    try:
        whole = time(f"{found[1]}T{found[2]}.{(found[3] or '').ljust(6, '0')[:6]}Z".encode())
    except (Fault, ValueError):
        raise NoVerdict(f"trust policy: time {value}") from None
    if found[4] not in "Zz":
        minutes = int(found[4][1:3]) * 60 + int(found[4][4:])
        whole -= (minutes if found[4][0] == "+" else -minutes) * 60_000_000
    need(0 <= whole < LAST, f"time {value}")
    return whole


def binary(value):
    try:
        raw = base64.b64decode(string(value), validate=True)
    except (binascii.Error, ValueError):
        raise NoVerdict("trust policy: base64") from None
    need(base64.b64encode(raw).decode() == value, "base64 is not canonical")
    return raw


def origin_of(value):
    origin = string(value).encode()
    need(is_origin(origin), f"origin {value}")
    return origin


def pairs(found):
    value = dict(found)
    need(len(value) == len(found), "a field stands twice")
    return value


def constant(name):
    raise NoVerdict(f"{name} is no number")


def whole(digits):
    need(not digits.startswith("-"), f"{digits} has a sign")
    return int(digits)


def document(data):
    """A JSON object in which no field stands twice and each whole number has one form."""
    need(len(data) <= 16 << 20, "more than 16 MiB")
    try:
        value = json.loads(data.decode("utf-8"), object_pairs_hook=pairs, parse_constant=constant, parse_int=whole)
    except (ValueError, RecursionError) as error:
        raise NoVerdict(str(error)) from None
    need(isinstance(value, dict), "an object is due")
    return value


def parse_policy(data):
    """The whole document, or `NoVerdict`."""
    value = document(data)
    need(value.get("trust_policy") == 1, "unsupported version")
    fields(value, ("trust_policy", "lock", "logs", "keys"), ("store", "acknowledged", "declared_prefixes"))
    integer(value["trust_policy"], 1, 1)
    if "store" in value:
        bucket = fields(fields(value["store"], ("s3",))["s3"], ("bucket", "region", "account"))
        for name, form in (("bucket", "[A-Za-z0-9._-]{3,255}"), ("region", "[A-Za-z0-9-]{1,64}"), ("account", "[0-9]{12}")):
            need(re.fullmatch(form, string(bucket[name])), f"store {name}")
    keys = [parse_key(key) for key in items(value["keys"])]
    policy = Policy(
        logs=[parse_log(log, keys) for log in items(value["logs"])],
        spans=[parse_span(span) for span in items(value["lock"])],
        declared=[string(prefix) for prefix in items(value.get("declared_prefixes", []))],
    )
    consistent(policy, "store" in value)
    need(len({key.spki for key in keys}) == len(keys), "a key stands twice")
    return policy


def consistent(policy, in_store):
    ordered(policy.spans)
    for log in policy.logs:
        need(log.ended is None or log.ended.stored is not None or not in_store, "an end without its time in the store")
        spans = log.lock if log.lock is not None else policy.spans
        need(spans[-1].retention >= 2 * log.silences[-1].length, "a retention shorter than twice the silence")
    need(policy.logs, "no logs")
    need(len({log.origin for log in policy.logs}) == len(policy.logs), "an origin stands twice")
    places = [log.prefix + "/" for log in policy.logs]
    for at, place in enumerate(places):
        others = places[:at] + places[at + 1 :] + policy.declared
        need(not any(place.startswith(other) or other.startswith(place) for other in others), f"{place} overlaps")
    need(all(prefix.endswith("/") for prefix in policy.declared), "a declared prefix does not end in /")
    prefixes = [log.prefix for log in policy.logs] + [prefix[:-1] for prefix in policy.declared]
    need(all(is_prefix(prefix) for prefix in prefixes), "a prefix has another form")


def ordered(spans):
    starts = [span.start for span in spans]
    need(0 < len(spans) <= 1000, "no span, or too many")
    need(all(a < b for a, b in zip(starts, starts[1:])), "spans are not in order")
    return spans


def is_prefix(prefix):
    parts = prefix.split("/")
    form = all(re.fullmatch(r"[A-Za-z0-9._=@~-]+", part) and part not in (".", "..") for part in parts)
    return form and len(prefix) <= 512


def parse_span(value):
    fields(value, ("from", "mode", "retention_days"))
    need(value["mode"] in ("COMPLIANCE", "GOVERNANCE"), "mode")
    days = integer(value["retention_days"], 1, 36_500)
    return Span(moment(value["from"]), days * 86_400_000_000)


def parse_silence(value):
    fields(value, ("from", "seconds"))
    return Silence(moment(value["from"]), integer(value["seconds"], 1, (1 << 63) - 1) * 1_000_000)


def parse_key(value):
    fields(value, ("spec", "spki", "valid_from"), ("arn", "retired_at", "lost_at", "compromised"))
    need(string(value["spec"]) in SPECS, f"unsupported key spec {value['spec']}")
    spki = binary(value["spki"])
    optional(value, "arn", string)
    key = Key(
        value["spec"],
        spki,
        public_key(value["spec"], spki),
        moment(value["valid_from"]),
        optional(value, "retired_at", moment),
        optional(value, "lost_at", moment),
        optional(value, "compromised", parse_compromised),
    )
    need(key.retired_at is None or key.retired_at >= key.valid_from, "a key retired before it was valid")
    return key


def optional(value, name, parse):
    """`null` is no absent value."""
    return parse(value[name]) if name in value else None


def public_key(spec, spki):
    """F13: canonical DER of a key of just this spec."""
    try:
        key = load_der_public_key(spki)
    except UnsupportedAlgorithm as error:
        raise NoVerdict(f"unsupported: {error}") from None
    except ValueError as error:
        raise NoVerdict(f"trust policy: {error}") from None
    need(isinstance(key, SPECS[spec][2]) and DETAIL.get(spec, lambda _: True)(key), f"the key is no {spec}")
    need(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) == spki, "spki is not canonical DER")
    return key


def parse_compromised(value):
    fields(value, ("at",), ("last_good",))
    good = {}
    for head in items(value.get("last_good", [])):
        fields(head, ("origin", "segment", "size", "root"))
        origin = origin_of(head["origin"])
        need(origin not in good, "last_good names an origin twice")
        good[origin] = parse_head(head)
    return {"at": moment(value["at"]), "last_good": good}


def parse_head(value):
    root = binary(value["root"])
    need(len(root) == 32, "root")
    return integer(value["segment"], 0, (1 << 64) - 1), integer(value["size"], 0, (1 << 64) - 1), root


def parse_log(value, keys):
    fields(value, ("origin", "prefix", "format", "began", "max_silence", "verifier_keys"), ("lock", "ended"))
    origin, prefix = origin_of(value["origin"]), string(value["prefix"])
    known = {key.verifier_key(origin): key for key in keys}
    named = [string(key).encode() for key in items(value["verifier_keys"])]
    need(named and all(key in known for key in named), f"a verifier key of {value['origin']} is of no key")
    ended = optional(value, "ended", parse_ended)
    number = integer(value["format"], 0, (1 << 64) - 1)
    silences = ordered([parse_silence(span) for span in items(value["max_silence"])])
    lock = ordered([parse_span(span) for span in items(value["lock"])]) if "lock" in value else None
    return Log(origin, prefix, number, moment(value["began"]), {key: known[key] for key in named}, silences, lock, ended)


def parse_ended(value):
    fields(value, ("segment", "size", "root", "sealed"), ("stored", "successor"))
    optional(value, "successor", origin_of)
    return Ended(*parse_head(value), moment(value["sealed"]), optional(value, "stored", moment))
