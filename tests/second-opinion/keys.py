"""F13: the keys of a policy, their verifier keys and their signatures."""

import base64
import hashlib
import struct
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

import curve
from document import NoVerdict, binary, count, fields, items, moment, need, optional, origin_of, root_of, string

# For each spec of KMS the type byte with its name, whether the key appears as SPKI, and the class of the key.
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
    "ECC_NIST_EDWARDS25519": lambda key: curve.is_sound(key.public_bytes(Encoding.Raw, PublicFormat.Raw)),
    "ECC_NIST_P256": lambda key: key.curve.name == "secp256r1",
    "ECC_NIST_P384": lambda key: key.curve.name == "secp384r1",
    "RSA_2048": lambda key: key.key_size == 2048,
    "RSA_3072": lambda key: key.key_size == 3072,
    "RSA_4096": lambda key: key.key_size == 4096,
}


@dataclass
class Key:
    """A key, and what the policy says of it."""

    spec: str
    spki: bytes
    public: object
    valid_from: int
    retired_at: int
    lost_at: int
    compromised: dict  # None, or {"at": …, "last_good": {origin: (segment, size, root)}}

    def verifier_key(self, origin):
        """The C2SP verifier key of this key for a log."""
        kind, as_spki, _ = SPECS[self.spec]
        raw = self.spki if as_spki else self.public.public_bytes(Encoding.Raw, PublicFormat.Raw)
        hashed = self.spki if kind == b"\x02" else origin + b"\n" + kind + raw
        key_id = hashlib.sha256(hashed).digest()[:4]
        return origin + b"+" + key_id.hex().encode() + b"+" + base64.b64encode(kind + raw)

    def last_good(self, origin):
        """The last good segment of a log, as (segment, size, root), where the key was compromised and one is named."""
        return self.compromised["last_good"].get(origin) if self.compromised else None

    def signed(self, segment, signature):
        """Whether `signature` is this key's over the checkpoint of `segment`."""
        try:
            self.verify(segment, signature)
        except InvalidSignature:
            return False
        return True

    def verify(self, segment, signature):
        text, key = segment.text, self.public
        if self.spec in ("ECC_NIST_P256", "ECC_NIST_P384"):
            key.verify(signature, text, ec.ECDSA(hashes.SHA256() if self.spec.endswith("256") else hashes.SHA384()))
        elif self.spec.startswith("RSA"):
            key.verify(signature, text, padding.PKCS1v15(), hashes.SHA256())
        elif self.spec == "ML_DSA_44":
            if signature[:8] != struct.pack(">Q", segment.sealed // 1_000_000):
                raise InvalidSignature
            key.verify(signature[8:], cosigned_message(segment))
        else:
            key.verify(signature, text)


def cosigned_message(segment):
    """The message of C2SP tlog-cosignature: label, name, time, log, start, end and root."""
    name = bytes([len(segment.origin)]) + segment.origin
    span = struct.pack(">QQ", 0, segment.size)
    return b"subtree/v1\n\0" + name + struct.pack(">Q", segment.sealed // 1_000_000) + name + span + segment.root


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


def public_key(spec, spki):
    """Canonical DER of a key of just this spec."""
    try:
        key = load_der_public_key(spki)
    except (UnsupportedAlgorithm, ValueError) as error:
        raise NoVerdict(str(error)) from None
    need(isinstance(key, SPECS[spec][2]) and DETAIL.get(spec, lambda _: True)(key), f"the key is not a good {spec}")
    need(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) == spki, "spki is not canonical DER")
    return key


def parse_compromised(value):
    fields(value, ("at",), ("last_good",))
    good = {}
    for head in items(value.get("last_good", [])):
        fields(head, ("origin", "segment", "size", "root"))
        origin = origin_of(head["origin"])
        need(origin not in good, "last_good names an origin twice")
        good[origin] = parse_position(head)
    return {"at": moment(value["at"]), "last_good": good}


def parse_position(value):
    return count(value["segment"]), count(value["size"]), root_of(value["root"])
