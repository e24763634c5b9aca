"""The cases of the mangler: good logs, policies and pins, each edited at random."""

import json
import os
import re

from forge import EVENTS, HOUR, PREFIX, Key, Log, document_bytes, short, silence, span
from mangled_history import History, explained

TOKENS = [
    b"0", b"1", b"-1", b"1e9", b"9007199254740992", b"9007199254740991", b"18446744073709551616", b"1000000000000", b"00",
    b" ", b"\t", b"\r", b"\n", b"\0", b'"', b"\\", b"\\n", b"\\u0000", b"\\ud800", b"{", b"}", b"[", b"]", b",", b":", b"null",
    b"true", b"0" * 64, b"f" * 64, b"A" * 64, b"\xff", b"\xc0\x80", b"\xed\xa0\x80", "é".encode(), "\u2028".encode(), b"\x7f", b"=",
    b"+", b"/", b"2024-02-30", b"2023-02-29", b"1969-12-31", b"24:00:00", b"23:59:60", b".0000000Z", b"z", b'"left":[]', b'"source":"a",',
    b'"cipher":1', b'"event":1', b'"text":"a"', b'"base64":"AA=="', b'"previous":"a"', "—".encode(), b"acme.example/audit/payments",
]
JSON_TOKENS = [
    "{", "}", "[", "]", ",", ":", '""', '"a"', '"\\n"', '"\\u00e9"', '"\\ud834\\udd1e"', "0", "-0", "1.5", "1e5", "1E+5", "01", "1.",
    ".5", "-", "+1", "1e", "true", "false", "null", "True", "NaN", "Infinity", " ", "  ", "\t", "\r", "\v", "\f", "\u00a0", "\ufeff",
    "é", "'a'", "//", "/**/", '"\\x"', '"\\u12"', '"\t"', '"\x7f"', '"\\/"', '"\\ud800"', "[" * 127, "]" * 127, "[" * 128, "]" * 128,
    '{"a":', "1,2", '{"a":1}', "[1]", "123456789012345678901234567890", "1e400", '"',
]


def edit_bytes(random_, data):
    """One small edit of some bytes."""
    data = bytearray(data)
    at = random_.randrange(len(data) + 1) if data else 0
    kind = random_.randrange(7)
    if kind == 0 and data:
        data[at - 1] ^= 1 << random_.randrange(8)
    elif kind == 1 and data:
        data[at - 1] = random_.choice(b'0123456789abcdefABCDEF{}[],:"\\ \x00\xff')
    elif kind == 2:
        del data[at : at + random_.choice((1, 1, 2, 3, 64))]
    elif kind == 3:
        data[at:at] = random_.choice(TOKENS)
    elif kind == 4:
        token = random_.choice(TOKENS)
        data[at : at + len(token)] = token
    elif kind == 5:
        piece = data[at : at + random_.randrange(1, 40)]
        data[at:at] = piece
    else:
        digits = [place for place, byte in enumerate(data) if byte in b"0123456789"]
        if digits:
            data[random_.choice(digits)] = random_.choice(b"0123456789")
    return bytes(data)


ODD_VALUES = [
    None, 0, 1, -1, 1.5, True, "", "a", [], {}, 1 << 53, (1 << 63) - 1, 1 << 63, (1 << 64) - 1, 1 << 64, -(1 << 63) - 1, 1e300, "é", "\0", "a b",
    "2024-01-01T01:00:00+01:00", "2024-01-01t00:00:00z", "2024-01-01 00:00:00Z", "1969-12-31T23:59:59Z", "9999-01-01T00:00:00Z",
    "acme.example/audit/payments", "acme.example/audit/payments+00000000+AA==", "A" * 43 + "=", "A" * 44, "logs", "logs/", "..", "COMPLIANCE",
]  # fmt: skip


def places(value):
    """Each place inside of a document: the list or object, and the index or name."""
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in list(steps):
        yield value, step
        yield from places(inner)


def edit_document(random_, value):
    """One small edit of a document, as a value or as text; returns its bytes, and what was done."""
    holder, step = random_.choice(list(places(value)))
    kind = random_.randrange(8)
    if kind == 0:
        return edit_bytes(random_, document_bytes(value)), "bytes"
    if kind == 1:
        # A field that appears twice, at any depth and with any value, now and then under another spelling of its name.
        text = document_bytes(value).decode()
        at = random_.choice([found.start() for found in re.finditer(r'"[a-z_]+": ', text)])
        name, end = text[at:].split(": ")[0], at
        spelled = name if random_.random() < 0.7 else f'"\\u{ord(name[1]):04x}{name[2:]}'
        again = json.dumps(random_.choice(ODD_VALUES)) if random_.random() < 0.5 else text[at:].split(": ", 1)[1].split("\n")[0].rstrip(",[{")
        return f"{text[:end]}{spelled}: {again or 0}, {text[end:]}".encode(), f"{name} twice"
    if kind == 2:
        del holder[step]
    elif kind == 3:
        other, place = random_.choice(list(places(value)))
        holder[step], other[place] = other[place], holder[step]
    elif kind == 4 and isinstance(holder, list):
        holder.insert(step, holder[step])
    elif kind == 4:
        holder[random_.choice(("unless", step.upper(), step + " "))] = holder[step]
    elif kind == 5 and type(holder[step]) is int:
        holder[step] += random_.choice((1, -1, 1 << 32, 1 << 64, 0.0))
    elif kind == 6 and isinstance(holder[step], str):
        holder[step] = edit_bytes(random_, holder[step].encode()).decode("utf-8", "surrogateescape")
    else:
        holder[step] = random_.choice(ODD_VALUES)
    try:
        return document_bytes(value), f"{step!r}, kind {kind}"
    except (ValueError, RecursionError):  # two places that were swapped into each other
        return b"{}", "a circle"


def payload(random_):
    """Something like JSON."""
    if random_.random() < 0.3:
        return edit_bytes(random_, random_.choice(EVENTS).encode())
    return "".join(random_.choice(JSON_TOKENS) for _ in range(random_.randrange(1, 7))).encode()


class Case:
    """A good log in which one thing is edited."""

    def __init__(self, random_):
        self.random = random_
        self.log = Log()
        for _ in range(random_.randrange(1, 4)):
            self.log.add()
        self.policy, self.pinned, self.more, self.made = None, None, {}, []
        self.at = None
        random_.choice((self.stored, self.lines, self.lines, self.lines, self.event, self.event, self.declared, self.listing,
                        self.rotation, self.clocks, self.document, self.document, self.pins, self.pins, self.history, self.history))()
        self.policy = self.policy or document_bytes(self.log.policy(**self.more))
        self.at = self.log.head.sealed + 600 if self.at is None else self.at

    def note(self, what):
        self.made.append(what)

    def stored(self):
        """Bytes of an object, after signing."""
        self.log.add()
        name = self.random.choice(list(self.log.objects))
        for _ in range(self.random.choice((1, 1, 1, 2))):
            self.log.objects[name] = edit_bytes(self.random, self.log.objects[name])
        self.note(f"bytes of {name}")

    def lines(self):
        """A part of a segment, before hashing and signing."""
        part = self.random.choice(("open", "entry 0", "entry 1", "close", "checkpoint", "frame 0", "frame 1", "frames",
                                   "last content", "last frame", "signature 0", "key"))
        edits = {part: lambda value: edit_bytes(self.random, value)}
        self.note(part)
        if part == "key":
            self.log = Log().add(edits=edits).add()
        else:
            self.log.add(edits=edits)
        if self.random.random() < 0.5:
            self.log.add()

    def event(self):
        kind = self.random.choice(("event", "event", "event", "text", "base64"))
        value = payload(self.random)
        if kind != "event" and self.random.random() < 0.7:
            value = b'"' + value.replace(b'"', b"") + b'"'
        self.note(f"{kind} {value!r}")
        self.log.add((EVENTS[0], value.replace(b"\n", b""), EVENTS[1]), kind=kind if kind == "event" else "event")
        if kind != "event":
            self.log.add((value.replace(b"\n", b""),), kind=kind)

    def declared(self):
        """The policy, as text or as a value."""
        if self.random.random() < 0.5:
            self.policy = edit_bytes(self.random, document_bytes(self.log.policy()))
            self.note("bytes of the policy")
            return
        value = self.log.policy()
        place = self.random.choice((value, value["lock"][0], value["logs"][0], value["keys"][0]))
        name = self.random.choice(list(place))
        place[name] = self.random.choice((None, 0, 1, -1, 1.5, True, "", "a", [], {}, [place[name]], 1 << 53, 1 << 64, short(HOUR),
                                          "2024-01-01T01:00:00+01:00", "2024-01-01t00:00:00z", "2024-01-01 00:00:00Z"))
        self.note(f"policy: {name} = {place[name]!r}")
        self.policy = document_bytes(value)

    def document(self):
        """A policy with all the fields that there are."""
        log, key = self.log, self.log.key
        place = log.position(len(log.heads) - 1)
        store = {"s3": {"bucket": "acme-audit", "region": "eu-central-1", "account": "123456789012"}}
        good = {"origin": "acme.example/other", **log.position(0)}
        value = log.policy(
            store=store,
            lock=[span(), span(HOUR, mode="GOVERNANCE")],
            acknowledged=explained(log),
            logs=[log.log_policy(lock=[span(), span(1)], max_silence=[silence(), silence(1, 60)], ended={**log.end(len(log.heads) - 1), "stored": short(9 * HOUR), "successor": "acme.example/next"})],
            keys=[key.policy(arn="arn:aws:kms:x", retired_at=short(9 * HOUR), lost_at=short(9 * HOUR), compromised={"at": short(8 * HOUR), "last_good": [good, {**good, "origin": log.origin, **place}]})],
            declared_prefixes=["archive/", "other/x/"],
        )
        self.policy, what = edit_document(self.random, value)
        self.note(f"full policy: {what}")

    def pins(self):
        """Pins of this log and of another."""
        place = self.log.pin(self.random.randrange(len(self.log.heads)))
        value = {"pins": 1, "logs": {self.log.origin: place, "acme.example/other": {**self.log.pin(0), "stored": short(HOUR)}}}
        if self.random.random() < 0.2:
            value["logs"][self.log.origin]["segment"] += self.random.choice((-1, 1, 1 << 60))
            value["logs"][self.log.origin]["segment"] = max(0, value["logs"][self.log.origin]["segment"])
        self.pinned, what = edit_document(self.random, value)
        self.note(f"pins: {what}")

    def listing(self):
        """Objects gone, swapped, renamed or more."""
        objects, names = self.log.objects, list(self.log.objects)
        one, two = self.random.choice(names), self.random.choice(names)
        kind = self.random.randrange(4)
        if kind == 0:
            del objects[one]
        elif kind == 1:
            objects[one], objects[two] = objects[two], objects[one]
        elif kind == 2:
            objects[f"{PREFIX}/{self.random.choice(('x', '000000000009.jsonl.zst', '9.jsonl.zst', '00000000000a.jsonl.zst'))}"] = objects[one]
        else:
            place = self.log.position(self.random.randrange(len(self.log.heads)))
            self.more["logs"] = [self.log.log_policy(ended={**place, "sealed": short(HOUR)})]
        days, later = self.random.choice((1, 36_500)), self.random.choice((1, 36_500))
        self.more["lock"] = [span(days=days), span(self.random.randrange(4 * HOUR), days=later)]
        self.note(f"listing {kind} {one} {two} {days} {later}")

    def rotation(self):
        """Keys come and go."""
        old, new = self.log.key, Key("ECC_NIST_EDWARDS25519", "b")
        signers = self.random.choice(([new, old], [old, new], [new], [old], [new, new], [new, old, old]))
        previous = self.random.choice((old, old, None, new))
        self.log.add(change=(new, previous) if previous else (new,), signers=signers).add()
        facts = {}
        for name in ("valid_from", "retired_at", "lost_at"):
            if self.random.random() < 0.3:
                facts[name] = short(self.random.randrange(5 * HOUR))
        if self.random.random() < 0.3:
            place = self.log.position(self.random.randrange(len(self.log.heads)))
            named = [{"origin": self.log.origin, **place}] if self.random.random() < 0.8 else []
            facts["compromised"] = {"at": short(self.random.randrange(5 * HOUR)), "last_good": named}
        keys = [key.policy(**(facts if key is old else {})) for key in self.log.keys]
        self.more["keys"] = keys if self.random.random() < 0.9 else keys[:1]
        self.note(f"rotation {[key.name for key in signers]} {facts}")

    def clocks(self):
        """Times that go back or stay the same, and pins."""
        number = self.log.head.number
        opened = number * HOUR + self.random.choice((0, -HOUR, -3 * HOUR, HOUR, 2 * HOUR, -3540, -3541))
        self.log.add(opened=opened, sealed=opened + self.random.choice((0, 1, 2, 60, -1)))
        place = self.log.pin(self.random.randrange(len(self.log.heads)))
        if self.random.random() < 0.5:
            place["segment"] += self.random.choice((0, 0, 1, -1))
            place["segment"] = max(0, place["segment"])
            self.pinned = {"pins": 1, "logs": {self.log.origin: place}}
        seconds = self.random.choice((1, 60, 3600, 3660, 7200, 1 << 30))
        self.more["logs"] = [self.log.log_policy(max_silence=[silence(0, seconds)])]
        self.note(f"clocks {opened} {self.pinned}")

    def history(self):
        """Silences, absent segments, ends, rotations, pins and explanations."""
        history = History(self.random)
        self.log, self.at, self.pinned = history.log, history.at, history.pins
        self.policy = document_bytes(history.policy)
        self.note(f"history {history.made}")

    def write(self, folder):
        for key, data in self.log.objects.items():
            path = os.path.join(folder, "bucket", key)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(data)
        os.makedirs(os.path.join(folder, "bucket"), exist_ok=True)
        with open(os.path.join(folder, "policy.json"), "wb") as file:
            file.write(self.policy)
        if self.pinned is not None:
            with open(os.path.join(folder, "pins.json"), "wb") as file:
                file.write(self.pinned if isinstance(self.pinned, bytes) else document_bytes(self.pinned))
