"""Vectors of the trust policy and of pins: what is refused, and what is accepted at each limit."""

import base64
import copy
import re

from cases.absent import YEAR, declared
from cases.vector import ED, fault, good, log_of, no_verdict
from forge import HOUR, ORIGIN, Key, Log, document_bytes, short, silence, span

NOTHING = {".keep": b""}
STORE = {"s3": {"bucket": "acme-audit", "region": "eu-central-1", "account": "123456789012"}}


def all_vectors():
    for group in (fields, stores, spans, retentions, ends, keys, curves, names, times, numbers, pins):
        yield from group()


def bad(name, what, policy_):
    """A policy that must be refused, over a folder in which nothing is."""
    return no_verdict(f"policy-{name}", what, log_of(1), policy_, objects=NOTHING)


def whole():
    """A policy with every field that there is, and its log."""
    log = log_of(4)
    place = {"origin": ORIGIN, **log.position(3)}
    key = log.key.policy(
        arn="arn:aws:kms:eu-central-1:123456789012:key/1",
        retired_at=short(9 * HOUR),
        lost_at=short(9 * HOUR),
        compromised={"at": short(9 * HOUR), "last_good": [place]},
    )
    end = {**log.end(3), "stored": short(4 * HOUR), "successor": "acme.example/audit/next"}
    return log, {
        "trust_policy": 1,
        "store": STORE,
        "lock": [span()],
        "logs": [log.log_policy(lock=[span()], ended=end)],
        "keys": [key],
        "acknowledged": [],
        "declared_prefixes": ["archive/"],
    }


def at(value, path):
    """The object or list that a path of names and numbers leads to."""
    for step in path:
        value = value[step]
    return value


def changed(path, step, value):
    """The whole policy with one value in place of another."""
    document = copy.deepcopy(whole()[1])
    at(document, path)[step] = value
    return document


OBJECTS = {
    "document": (),
    "store": ("store",),
    "s3": ("store", "s3"),
    "lock": ("lock", 0),
    "log": ("logs", 0),
    "log-lock": ("logs", 0, "lock", 0),
    "silence": ("logs", 0, "max_silence", 0),
    "ended": ("logs", 0, "ended"),
    "key": ("keys", 0),
    "compromised": ("keys", 0, "compromised"),
    "last-good": ("keys", 0, "compromised", "last_good", 0),
}
OPTIONAL = {
    "store",
    "acknowledged",
    "declared_prefixes",
    "successor",
    "arn",
    "retired_at",
    "lost_at",
    "compromised",
    "last_good",
}


def fields():
    """Each field of each object: absent, null, an array in place of an object, an unknown one."""
    log, document = whole()
    yield good("policy-with-every-field", "a policy with each field that there is", log, document)
    for place, path in OBJECTS.items():
        for name, value in at(document, path).items():
            called = f"{place}-{name.replace('_', '-')}"
            if name not in OPTIONAL and (place, name) not in (("log", "lock"), ("log", "ended"), ("store", "s3")):
                without_ = copy.deepcopy(document)
                del at(without_, path)[name]
                yield bad(f"without-{called}", f"a policy without `{name}`, which is required", without_)
            yield bad(f"null-{called}", f"null in place of `{name}`", changed(path, name, None))
            if isinstance(value, dict):
                yield bad(
                    f"array-{called}", f"an array in place of the object `{name}`", changed(path, name, list(value.values()))
                )
        if path:
            yield bad(f"unknown-in-{place}", "an unknown field, which could be a condition", changed(path, "unless", True))
            if isinstance(path[-1], int):
                in_order = list(at(document, path).values())
                yield bad(
                    f"array-{place}", "an array of values in place of an object", changed(path[:-1], path[-1], in_order)
                )
    yield bad("mode-as-object", "a mode as an object", changed(("lock", 0), "mode", {"COMPLIANCE": None}))
    yield bad("spec-as-object", "a spec as an object", changed(("keys", 0), "spec", {ED: None}))
    yield bad("lock-as-object", "an object in place of the list of spans", changed((), "lock", {"0": span()}))
    yield bad("text-for-number", "a number as a text", changed(("logs", 0), "format", "1"))
    yield bad("true-for-number", "true in place of a number", changed((), "trust_policy", True))


def stores():
    log = log_of(1)
    yield good(
        "policy-governance", "the mode that an administrator can lift", log, log.policy(lock=[span(mode="GOVERNANCE")])
    )
    yield bad("store-of-another-kind", "a kind of store that is not known yet", changed((), "store", {"gcs": STORE["s3"]}))
    yield bad("store-of-two-kinds", "two stores", changed((), "store", {**STORE, "gcs": {}}))
    yield bad("store-of-no-kind", "a store without a kind", changed((), "store", {}))
    for name, what, field, value in (
        ("bucket-of-2", "a bucket's name of two characters", "bucket", "ab"),
        ("bucket-of-256", "a bucket's name of 256 characters", "bucket", "a" * 256),
        ("region-of-65", "a region of 65 characters", "region", "r" * 65),
        ("region-empty", "a region without a character", "region", ""),
        ("account-letters", "an account with a letter", "account", "12345678901x"),
    ):
        yield bad(f"store-{name}", what, changed(("store", "s3"), field, value))


def spans():
    log = log_of(1)
    many = [span(second) for second in range(1001)]
    yield bad("1001-spans", "a span more than there may be", declared(log, many))
    yield good("policy-1000-spans", "as many spans as there may be", log, declared(log, many[:1000]))
    for name, what, value in (
        ("empty", "a log without a silence", []),
        ("order", "silences that are not in order", [silence(10), silence(5)]),
        ("together", "two silences that begin together", [silence(0), silence(0)]),
        ("0", "a silence of 0 seconds", [silence(0, 0)]),
        ("2-63", "a silence of 2^63 seconds", [silence(0, 1 << 63)]),
    ):
        yield bad(f"silence-{name}", what, declared(log, max_silence=value))
    for name, what, value in (
        ("empty", "an own lock without a span", []),
        ("order", "own spans that are not in order", [span(10), span(5)]),
        ("retention-0", "an own span with a retention of 0 days", [span(days=0)]),
        ("mode", "an own span with a mode that S3 does not have", [span(mode="WEAK")]),
    ):
        yield bad(f"own-lock-{name}", what, log.policy(logs=[log.log_policy(lock=value)]))
    yield bad("lock-together", "two spans that begin together", declared(log, [span(0), span(0, days=1)]))


def retentions():
    """Retention is at least twice the silence, in all spans that have an effect still."""
    log = log_of(1)
    day = 24 * HOUR
    own = lambda lock, silences: log.policy(logs=[log.log_policy(lock=lock, max_silence=silences)])  # noqa: E731
    forever = 36_500
    yield good(
        "retention-twice-the-silence", "a retention of just twice the silence", log, own([span(days=2)], [silence(0, day)])
    )
    yield bad(
        "retention-short",
        "a retention that is a second shorter than twice the silence",
        own([span(days=2)], [silence(0, day + 1)]),
    )
    yield bad(
        "retention-short-of-the-document",
        "the document's retention is shorter than twice the silence",
        declared(log, [span(days=1)], max_silence=[silence(0, day)]),
    )
    yield good(
        "retention-of-the-own-lock",
        "the own retention counts, not the document's",
        log,
        log.policy(lock=[span(days=1)], logs=[log.log_policy(lock=[span()], max_silence=[silence(0, day)])]),
    )
    yield good(
        "retention-was-short",
        "a retention that was too short, and of which everything has expired",
        log,
        own([span(days=1), span(HOUR)], [silence(0, day)]),
    )
    yield bad(
        "retention-was-short-and-lasts",
        "a silence that was too long, and under which something is still kept",
        own([span()], [silence(0, 51 * YEAR), silence(HOUR)]),
    )
    yield good(
        "retention-and-silence-in-turn",
        "a long silence and a short retention, one after the other",
        log,
        own([span(), span(HOUR, days=forever - 10_000)], [silence(0, 40 * YEAR), silence(HOUR)]),
    )
    yield bad(
        "retention-and-silence-overlap",
        "a long silence and a short retention, which overlap",
        own([span(), span(HOUR, days=forever - 10_000)], [silence(0, 40 * YEAR), silence(HOUR + 1)]),
    )
    early = own([span(days=forever // 2), span(5 * HOUR)], [silence(0, 26 * YEAR), silence(5 * HOUR)])
    yield bad("retention-short-in-the-middle", "a retention that was too short for a time, and still keeps something", early)


def ends():
    log, document = whole()
    yield bad(
        "ended-not-stored",
        "an end in a store without the time at which it was stored",
        {**document, "logs": [log.log_policy(ended=log.end(3))]},
    )
    yield bad(
        "ended-root-of-31-bytes",
        "an end with a root of 31 bytes",
        changed(("logs", 0, "ended"), "root", base64.b64encode(bytes(31)).decode()),
    )
    yield bad(
        "ended-successor", "an end with a successor that is not an origin", changed(("logs", 0, "ended"), "successor", "a b")
    )
    yield bad(
        "last-good-root-of-33-bytes",
        "a last good segment with a root of 33 bytes",
        changed(("keys", 0, "compromised", "last_good", 0), "root", base64.b64encode(bytes(33)).decode()),
    )
    yield bad(
        "last-good-origin",
        "a last good segment of something that is not an origin",
        changed(("keys", 0, "compromised", "last_good", 0), "origin", "a+b"),
    )
    of_folder = {**document, "logs": [log.log_policy(ended=log.end(3))]}
    del of_folder["store"]
    yield good("policy-ended-in-a-folder", "an end in a folder, which has no time of storage", log, of_folder)


def keys():
    log = log_of(1)
    a, b = Key(ED), Key(ED, "b")
    yield bad("no-verifier-key", "a log without a key", declared(log, verifier_keys=[]))
    yield bad(
        "verifier-key-of-another-origin",
        "a verifier key of another log",
        declared(log, verifier_keys=[a.verifier_key("acme.example/x")]),
    )
    yield bad(
        "verifier-key-without-its-key",
        "a verifier key whose key the policy does not have",
        declared(log, verifier_keys=[a.verifier_key(), b.verifier_key()]),
    )
    yield good(
        "policy-retired-when-valid",
        "a key that was retired when it became valid",
        log_of(1),
        log.policy(keys=[a.policy(valid_from=short(0), retired_at=short(0))]),
    )
    yield good("policy-key-without-a-log", "a key that does not sign a log", log, log.policy(keys=[a.policy(), b.policy()]))
    loose = a.policy()["spki"]
    yield bad(
        "spki-base64",
        "a key in base64 that is not canonical",
        log.policy(keys=[{**a.policy(), "spki": loose[:-2] + chr(ord(loose[-2]) + 1) + "="}]),
    )
    long_ = base64.b64encode(a.spki + b"\0").decode()
    yield bad("spki-and-a-byte", "a key with a byte after it", log.policy(keys=[{**a.policy(), "spki": long_}]))
    for spec, other in (
        ("ECC_NIST_P256", "ECC_NIST_P384"),
        ("ECC_NIST_P384", "ECC_NIST_P256"),
        ("RSA_2048", "RSA_4096"),
        ("RSA_3072", "RSA_2048"),
        ("RSA_4096", "RSA_3072"),
        ("ML_DSA_44", "ML_DSA_65"),
        ("ML_DSA_65", "ML_DSA_87"),
        ("ML_DSA_87", "ML_DSA_44"),
    ):
        name = spec.lower().replace("_", "-")
        yield bad(f"{name}-as-another", f"a key of {spec} under another spec", as_another(spec, other))


def as_another(spec, other):
    """A policy that has a key and its verifier key under another spec."""
    log = log_of(1, Key(spec))
    log.key.spec = other
    return log.policy()


def curves():
    """F13: Ed25519 keys with which more verifies than its holder signed."""
    prime = 2**255 - 19
    for name, what, number in (
        ("of-small-order", "the neutral element, with which any signature verifies", 1),
        ("of-order-2", "a point of order 2", prime - 1),
        ("of-order-4", "a point of order 4", 0),
        ("of-order-8", "a point of order 8", 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7),
        ("off-the-curve", "not on the curve", 2),
        ("not-canonical", "a point whose number is above the prime", prime + 3),
        ("with-a-sign-of-zero", "a point whose x is zero, with a sign", 1 | 1 << 255),
    ):
        yield bad(f"ed25519-{name}", f"an Ed25519 key that is {what}", policy_of(number.to_bytes(32, "little")))


def policy_of(raw):
    """A policy whose only key has these bytes."""
    key = Key(ED)
    key.spki = key.spki[:-32] + raw
    key.material = lambda: b"\1" + raw
    return log_of(1).policy(keys=[key.policy()], logs=[log_of(1).log_policy(verifier_keys=[key.verifier_key()])])


def names():
    log = log_of(1)
    for name, what, prefix in (
        ("empty", "without a character", ""),
        ("slash-first", "that begins with a slash", "/logs"),
        ("slash-last", "that ends in a slash", "logs/"),
        ("two-slashes", "with an empty part", "logs//a"),
        ("dot", "with a part that is a dot", "logs/./a"),
        ("dot-dot", "with a part that leads out of the folder", "logs/../a"),
        ("space", "with a space", "logs/a b"),
        ("513-bytes", "of 513 bytes", "/".join(["p" * 127] * 4) + "/q"),
    ):
        yield bad(f"prefix-{name}", f"a prefix {what}", declared(log, prefix=prefix))
    deep = log_of(1, prefix="/".join(["p" * 127] * 4) + "q")
    yield good("prefix-of-512-bytes", "the longest prefix", deep)
    yield good(
        "prefix-of-each-character", "a prefix with each character that it may have", log_of(1, prefix="Az09-_.=@~/...")
    )
    for name, what, origin in (
        ("empty", "without a character", ""),
        ("space", "with a space", "a b"),
        ("plus", "with a plus", "a+b"),
        ("quote", "with a quote", 'a"b'),
        ("not-ascii", "that is not ASCII", "é"),
        ("scheme", "with a scheme", "https://acme.example/audit"),
    ):
        yield bad(f"origin-{name}", f"an origin {what}", Log(origin=origin).policy())
    two = [log.log_policy(), log_of(1, origin="acme.example/b", prefix="logs").log_policy()]
    yield bad("prefix-above-another", "a log above the folder of another", log.policy(logs=two))
    same = [log.log_policy(), log_of(1, origin="acme.example/b").log_policy()]
    yield bad("prefix-twice", "two logs in one folder", log.policy(logs=same))
    yield bad("declared-of-a-log", "a declared prefix that is a log's", log.policy(declared_prefixes=["logs/payments/"]))
    yield bad("declared-empty", "a declared prefix that is everything", log.policy(declared_prefixes=["/"]))


def times():
    """Each form of a time: a key that was retired then signs 300 seconds later, and not a microsecond more."""
    log = Log().add(opened=4 * HOUR, sealed=4 * HOUR + 300)
    patient = [silence(0, 9 * HOUR)]

    def retired(time):
        key = log.key.policy(valid_from="2023-01-01T00:00:00Z", retired_at=time)
        return log.policy(keys=[key], logs=[log.log_policy(max_silence=patient)])

    for name, what, time in (
        ("offset", "a time with an offset", "2024-01-01T06:00:00+02:00"),
        ("negative-offset", "a time with a negative offset", "2024-01-01T01:30:00-02:30"),
        ("small-letters", "a time with small letters", "2024-01-01t04:00:00z"),
        ("with-a-space", "a time with a space", "2024-01-01 04:00:00Z"),
        ("9-decimals", "a time with nine decimals", "2024-01-01T04:00:00.000000000Z"),
    ):
        yield good(f"policy-time-{name}", what, log, retired(time))
        before = re.sub(r":00(\.0+)?(?=[Zz+-])", ":00", time.replace(":00:00", ":59:59").replace(":30:00", ":29:59"))
        before = before.replace("T06", "T05").replace("t04", "t03").replace(" 04", " 03").replace("T04", "T03")
        what = f"{what}, a second earlier"
        yield fault("key-outside-span", f"policy-time-{name}", what, log, retired(before), object=0)
    cut = retired("2024-01-01T03:59:59.999999999Z")
    yield fault(
        "key-outside-span",
        "policy-time-cut-off",
        "a time with nine decimals, of which three are cut off",
        log,
        cut,
        object=0,
    )
    for name, what, time in (
        ("10-decimals", "a time with ten decimals", "2024-01-01T00:00:00.0000000000Z"),
        ("no-decimal", "a time with a point and without a decimal", "2024-01-01T00:00:00.Z"),
        ("offset-without-colon", "a time with an offset without a colon", "2024-01-01T00:00:00+0100"),
        ("day-32", "a day that months do not have", "2024-01-32T00:00:00Z"),
        ("hour-24", "the 24th hour", "2024-01-01T24:00:00Z"),
        ("year-9999", "a year that times do not have", "9999-01-01T00:00:00Z"),
        ("number", "a number in place of a time", 1704067200),
    ):
        yield bad(f"time-{name}", what, log.policy(keys=[log.key.policy(valid_from=time)]))


def numbers():
    log, document = whole()
    yield bad("size-2-64", "a size of 2^64", changed(("logs", 0, "ended"), "size", 1 << 64))
    largest = changed(("keys", 0, "compromised", "last_good", 0), "size", (1 << 64) - 1)
    largest["keys"][0]["compromised"]["last_good"][0]["origin"] = "acme.example/x"
    yield no_verdict(
        "policy-size-of-just-below-2-64", "a last good segment of another log with the largest size", log, largest
    )
    nan = document_bytes(log.policy()).replace(b'"retention_days": 36500', b'"retention_days": NaN')
    yield bad("days-nan", "days that are not a number", nan)
    yield bad("days-with-decimals", "days with decimals", changed(("lock", 0), "retention_days", 1.5))


def pins():
    log = log_of(3)
    pin = log.pin(2)

    def refused(name, what, value):
        return no_verdict(f"pins-{name}", what, log, pins=value)

    def one(**more):
        return {"pins": 1, "logs": {ORIGIN: {name: value for name, value in {**pin, **more}.items() if value is not ...}}}

    for name in pin:
        yield refused(f"without-{name}", f"a pin without `{name}`", one(**{name: ...}))
        yield refused(f"null-{name}", f"a pin with null in place of `{name}`", one(**{name: None}))
    yield refused("null-stored", "a pin with null in place of `stored`", one(stored=None))
    yield refused("unknown-in-a-pin", "a pin with a field that could be a condition", one(unless=1))
    yield refused("pin-as-array", "an array in place of a pin", {"pins": 1, "logs": {ORIGIN: list(pin.values())}})
    yield refused("logs-as-array", "an array in place of the pins", {"pins": 1, "logs": [pin]})
    yield refused("root-of-33-bytes", "a root of 33 bytes", one(root=base64.b64encode(bytes(33)).decode()))
    zero = document_bytes({"pins": 1, "logs": {ORIGIN: log.pin(0)}}).replace(b'"segment": 0', b'"segment": -0')
    yield refused("minus-zero", "a pin of segment -0", zero.decode())
    yield refused("time", "a pin with a day in place of a time", one(sealed="2024-01-01"))
    yield refused("origin-of-256-bytes", "pins of an origin that is too long", {"pins": 1, "logs": {"o" * 256: pin}})
    yield refused("without-logs", "pins without `logs`", {"pins": 1})
    yield good("pin-with-stored", "a pin from a bucket, compared with a folder", log, pins=one(stored=short(9 * HOUR)))
