"""Makes segments, right ones and ones with one thing wrong, for the vectors and for the mangler.

Written from docs/guides/chain-format.md, and with nothing of the second opinion: a mistake there must not make the
vectors that it is checked with. What is edited is edited before it is hashed and signed, unless said
otherwise: so a forged segment is wrong in that one thing and right in all others, as if the writer himself lied.
"""

import base64
import copy
import hashlib
import json
import os
import struct
from dataclasses import dataclass, field

import zstandard
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, padding

HERE = os.path.dirname(os.path.abspath(__file__))
ORIGIN = "acme.example/audit/payments"
PREFIX = "logs/payments"
KEYS = os.path.join(HERE, "keys")
ML_DSA_SIGNATURES = os.path.join(KEYS, "ml-dsa-signatures.json")


def sha256(data):
    return hashlib.sha256(data).digest()


def leaf(line):
    return sha256(b"\0" + line)


# Times: seconds after the beginning of 2024, which is past on every machine.

BEGIN = 1_704_067_200


def when(seconds):
    """RFC 3339 with six decimals, of seconds since BEGIN, or a text as it is."""
    if isinstance(seconds, str):
        return seconds
    micros = round(seconds * 1_000_000)
    days, rest = divmod(micros + BEGIN * 1_000_000, 86_400_000_000)
    import datetime

    day = datetime.date(1970, 1, 1) + datetime.timedelta(days=days)
    s, us = divmod(rest, 1_000_000)
    return f"{day}T{s // 3600:02}:{s // 60 % 60:02}:{s % 60:02}.{us:06}Z"


def short(seconds):
    return when(seconds).replace(".000000Z", "Z")


# Keys: worthless, derived from their names, or checked in where they cannot be.


def seed(name, length=32):
    return hashlib.shake_256(b"auditlog test key, worthless: " + name.encode()).digest(length)


class Key:
    """A signing key of the tests."""

    def __init__(self, spec, name="a"):
        self.spec, self.name = spec, name
        self.private = private_key(spec, name)
        self.public = self.private.public_key()
        self.spki = self.public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)

    def material(self):
        raw = lambda: self.public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)  # noqa: E731
        if self.spec == "ECC_NIST_EDWARDS25519":
            return b"\x01" + raw()
        if self.spec == "ECC_NIST_P256":
            return b"\x02" + self.spki
        if self.spec == "ML_DSA_44":
            return b"\x06" + raw()
        name = {"ECC_NIST_P384": b"ecdsa-p384-sha384", "ML_DSA_65": b"ml-dsa-65", "ML_DSA_87": b"ml-dsa-87"}
        return b"\xffauditlog/" + name.get(self.spec, b"rsa-pkcs1-sha256") + b"\n" + self.spki

    def key_id(self, origin=ORIGIN):
        hashed = self.spki if self.spec == "ECC_NIST_P256" else origin.encode() + b"\n" + self.material()
        return sha256(hashed)[:4]

    def verifier_key(self, origin=ORIGIN):
        return f"{origin}+{self.key_id(origin).hex()}+{base64.b64encode(self.material()).decode()}"

    def sign(self, origin, size, root, sealed_seconds):
        """The signature over a checkpoint as it is written after the key id."""
        note = f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n".encode()
        if self.spec == "ECC_NIST_EDWARDS25519":
            return self.private.sign(note)
        if self.spec == "ECC_NIST_P256":
            return self.private.sign(note, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
        if self.spec == "ECC_NIST_P384":
            return self.private.sign(note, ec.ECDSA(hashes.SHA384(), deterministic_signing=True))
        if self.spec.startswith("RSA"):
            return self.private.sign(note, padding.PKCS1v15(), hashes.SHA256())
        if self.spec == "ML_DSA_44":
            name = bytes([len(origin)]) + origin.encode()
            stamp = struct.pack(">Q", sealed_seconds)
            span = struct.pack(">QQ", 0, size)
            return stamp + ml_dsa_once(self, b"subtree/v1\n\0" + name + stamp + name + span + root)
        return ml_dsa_once(self, note)

    def policy(self, **more):
        return {
            "spec": self.spec,
            "spki": base64.b64encode(self.spki).decode(),
            "valid_from": short(0),
            **more,
        }


def private_key(spec, name):
    if spec == "ECC_NIST_EDWARDS25519":
        return ed25519.Ed25519PrivateKey.from_private_bytes(seed(f"{spec} {name}"))
    if spec == "ECC_NIST_P256":
        return ec.derive_private_key(int.from_bytes(seed(f"{spec} {name}", 31), "big"), ec.SECP256R1())
    if spec == "ECC_NIST_P384":
        return ec.derive_private_key(int.from_bytes(seed(f"{spec} {name}", 47), "big"), ec.SECP384R1())
    if spec.startswith("ML_DSA"):
        kind = getattr(mldsa, f"MLDSA{spec[-2:]}PrivateKey")
        return kind.from_seed_bytes(seed(f"{spec} {name}"))
    path = os.path.join(KEYS, f"test-only-{spec.lower().replace('_', '-')}.pem")
    with open(path, "rb") as file:
        return serialization.load_pem_private_key(file.read(), None)


def ml_dsa_once(key, message):
    """ML-DSA signatures differ each time; the first one made over a message is kept in a file and used again."""
    try:
        with open(ML_DSA_SIGNATURES, encoding="utf-8") as file:
            known = json.load(file)
    except FileNotFoundError:
        known = {}
    name = sha256(key.spki + message).hex()
    if name not in known:
        known[name] = base64.b64encode(key.private.sign(message)).decode()
        with open(ML_DSA_SIGNATURES, "w", encoding="utf-8") as file:
            json.dump(known, file, indent=1, sort_keys=True)
            file.write("\n")
    return base64.b64decode(known[name])


# Frames


def compressed(content):
    """One frame of a single segment, with content size and checksum (F3.1)."""
    parameters = zstandard.ZstdCompressionParameters(
        compression_level=3, window_log=22, write_content_size=True, write_checksum=True, write_dict_id=False
    )
    return zstandard.ZstdCompressor(compression_params=parameters).compress(content)


def checksum(content):
    return compressed(content)[-4:]


def raw_blocks(content, block=131_072, width=4):
    """A frame in raw blocks; with the defaults the stored form of F3.4."""
    flag = {1: 0, 2: 1, 4: 2, 8: 3}[width]
    size = len(content) - (256 if width == 2 else 0)
    frame = b"\x28\xb5\x2f\xfd" + bytes([0b0010_0100 | flag << 6]) + size.to_bytes(width, "little")
    pieces = [content[at : at + block] for at in range(0, len(content), block)]
    for at, piece in enumerate(pieces):
        frame += (len(piece) << 3 | (at == len(pieces) - 1)).to_bytes(3, "little") + piece
    return frame + checksum(content)


# Trees


class Range:
    """F11: a compact range, as the full subtrees (size, root) of the leaves so far, largest first."""

    def __init__(self):
        self.size, self.trees = 0, []

    def push(self, leaf_hash):
        self.size += 1
        self.trees.append((1, leaf_hash))
        while len(self.trees) > 1 and self.trees[-1][0] == self.trees[-2][0]:
            (size, left), (_, right) = self.trees[-2:]
            self.trees[-2:] = [(2 * size, node(left, right))]

    def roots(self):
        return [root for _, root in self.trees]

    def root(self):
        """The RFC 6962 root: the range folded from its right end."""
        folded = None
        for root in reversed(self.roots()):
            folded = root if folded is None else node(root, folded)
        return sha256(b"") if folded is None else folded


def node(left, right):
    return sha256(b"\1" + left + right)


# Segments


@dataclass
class Head:
    """How far a log has come."""

    origin: str = ORIGIN
    number: int = 0
    range: Range = field(default_factory=Range)
    last: bytes = None
    sealed: object = None

    def __post_init__(self):
        if self.last is None:
            self.last = leaf(self.origin.encode())

    def copy(self):
        return copy.deepcopy(self)


def same(value):
    return value


def roots(range_):
    return ",".join(f'"{root.hex()}"' for root in range_.roots())


class Segment:
    """One segment in the making. `edits` maps the name of a part to a function of its bytes."""

    def __init__(self, head, opened, edits=None):
        self.head, self.edits = head, dict(edits or {})
        self.number, self.events = head.number, 0
        self.frames, self.frame, self.last_frame = [], [], compressed
        sealed_before = head.sealed if head.sealed is not None else opened
        body = (
            f'"open":{{"origin":"{head.origin}","segment":{self.number},"left":[{roots(head.range)}],'
            f'"sealed_before":"{when(sealed_before)}"}}'
        )
        self.leaf("open", opened, body.encode(), b'"format":1,')

    def edit(self, name, value):
        return self.edits.get(name, same)(value)

    def leaf(self, name, time, rest, first=b""):
        index, prev = self.head.range.size, self.head.last.hex()
        envelope = f'"index":{index},"prev":"{prev}","time":"{when(time)}",'.encode()
        line = self.edit(name, b"{" + first + envelope + rest + b"}")
        if line is None:
            return
        self.frame.append(line)
        self.head.last = leaf(line)
        self.head.range.push(self.head.last)

    def key(self, time, key, previous=None):
        old = f',"previous":"{previous.verifier_key(self.head.origin)}"' if previous else ""
        body = f'"key":{{"verifier_key":"{key.verifier_key(self.head.origin)}"{old}}}'
        self.leaf("key", time, body.encode())

    def cut(self):
        """Ends a frame."""
        if self.frame:
            self.frames.append(b"".join(line + b"\n" for line in self.frame))
            self.frame = []

    def entry(self, time, value, kind="event", source=None):
        if self.events == 0:
            self.cut()
        name = f'"source":"{source}",' if source else ""
        value = value.encode() if isinstance(value, str) else value
        self.leaf(f"entry {self.events}", time, f'{name}"{kind}":'.encode() + value)
        self.events += 1

    def close(self, sealed, signers, time=None):
        """Closes and signs; gives the object. `signers` sign in this order."""
        self.cut()
        stored = [self.edit(f"frame {at}", compressed(content)) for at, content in enumerate(self.frames)]
        before = self.edit("frames", b"".join(stored))
        body = (
            f'"close":{{"segment":{self.number},"events":{self.events},"sealed":"{when(sealed)}",'
            f'"left":[{roots(self.head.range)}],"frames":"{sha256(before).hex()}"}}'
        )
        self.leaf("close", sealed if time is None else time, body.encode())
        self.head.sealed, self.head.number = sealed, self.number + 1
        self.frame.append(self.edit("checkpoint", self.checkpoint(sealed, signers)))
        last = self.edit("last content", b"".join(line + b"\n" for line in self.frame))
        return self.edit("object", before + self.edit("last frame", raw_blocks(last)))

    def checkpoint(self, sealed, signers):
        size, root = self.edit("head", (self.head.range.size, self.head.range.root()))
        seconds = BEGIN + int(sealed) if not isinstance(sealed, str) else 0
        origin = self.head.origin
        note = f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n\n"
        for at, key in enumerate(signers):
            blob = key.key_id(origin) + key.sign(origin, size, root, seconds)
            blob = self.edit(f"signature {at}", blob)
            note += f"\u2014 {origin} {base64.b64encode(blob).decode()}\n"
        note = self.edit("note", note)
        return b'{"checkpoint":"' + note.replace("\n", "\\n").encode() + b'"}'


HOUR = 3600
EVENTS = ('{"user":"ada","action":"login"}', '{"user":"bob","action":"pay","amount":1.50}')


class Log:
    """A log that grows by one segment an hour, and its policy."""

    def __init__(self, key=None, origin=ORIGIN, prefix=PREFIX):
        self.origin, self.prefix = origin, prefix
        self.key = key or Key("ECC_NIST_EDWARDS25519")
        self.keys, self.objects, self.heads = [self.key], {}, []
        self.head = Head(origin)

    def name(self, number):
        return f"{self.prefix}/{number:012}.jsonl.zst"

    def add(
        self,
        entries=EVENTS,
        edits=None,
        change=None,
        signers=None,
        opened=None,
        sealed=None,
        kind="event",
        source=None,
        frames=1,
    ):
        """One more segment. `change` is (key, previous), of which `previous` may be absent."""
        number = self.head.number
        opened = number * HOUR if opened is None else opened
        sealed = number * HOUR + 60 if sealed is None else sealed
        if number == 0 and change is None:
            change, entries = (self.key,), ()
        segment = Segment(self.head, opened, edits)
        if change:
            segment.key(opened, *change)
            self.key = change[0]
            if self.key.spki not in [known.spki for known in self.keys]:
                self.keys.append(self.key)
        for at, value in enumerate(entries):
            if frames > 1 and at and at % -(-len(entries) // frames) == 0:
                segment.cut()
            segment.entry(opened + at + 1 if not isinstance(opened, str) else opened, value, kind, source)
        signers = signers if signers is not None else list(change or (self.key,))
        self.objects[self.name(number)] = segment.close(sealed, signers)
        self.heads.append(self.head.copy())
        return self

    def position(self, number):
        head = self.heads[number]
        root = base64.b64encode(head.range.root()).decode()
        return {"segment": number, "size": head.range.size, "root": root}

    def end(self, number):
        """The end of the log as a policy declares it."""
        return {**self.position(number), "sealed": short(self.heads[number].sealed)}

    def pin(self, number):
        return {**self.position(number), "sealed": when(self.heads[number].sealed)}

    def log_policy(self, **more):
        return {
            "origin": self.origin,
            "prefix": self.prefix,
            "format": 1,
            "began": short(0),
            "max_silence": [silence()],
            "verifier_keys": [key.verifier_key(self.origin) for key in self.keys],
            **more,
        }

    def policy(self, **more):
        return policy([self], **more)


def policy(logs_, /, **more):
    keys = []
    for log in logs_:
        keys += [key for key in log.keys if key.spki not in [known.spki for known in keys]]
    return {
        "trust_policy": 1,
        "lock": [span()],
        "logs": [log.log_policy() for log in logs_],
        "keys": [key.policy() for key in keys],
        **more,
    }


def span(start=0, days=36_500, mode="COMPLIANCE"):
    return {"from": short(start), "mode": mode, "retention_days": days}


def silence(start=0, seconds=2 * HOUR):
    return {"from": short(start), "seconds": seconds}


def document_bytes(value):
    """A policy as bytes of a file."""
    return (json.dumps(value, indent=2) + "\n").encode()
