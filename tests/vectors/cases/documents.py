"""Trust policies that are refused as documents."""

from cases.pins import bad_pins
from cases.vector import good, log_of, no_verdict
from forge import HOUR, ORIGIN, PREFIX, Key, document_bytes, short, span


def policies():
    """Policies that are refused."""
    log = log_of(2)
    good_ = log.policy()
    bad = lambda name, what, policy_: no_verdict(f"policy-{name}", what, log, policy_)  # noqa: E731
    yield bad("version", "a policy of an unknown version", {**good_, "trust_policy": 2})
    yield bad("unknown-field", "a field that could be a condition", {**good_, "unless": True})
    yield bad(
        "unknown-field-deep",
        "a field of a key that could be a condition",
        {**good_, "keys": [log.key.policy(only_on="monday")]},
    )
    yield bad("no-lock", "a policy without a span", {**good_, "lock": []})
    yield bad("lock-order", "spans that are not in order", {**good_, "lock": [span(10), span(5)]})
    yield bad("retention-0", "a retention of 0 days", {**good_, "lock": [span(days=0)]})
    yield bad("retention-36501", "a retention of a day too many", {**good_, "lock": [span(days=36_501)]})
    yield bad("lock-mode", "a mode that S3 does not have", {**good_, "lock": [span(mode="WEAK")]})
    yield bad("no-logs", "a policy without a log", {**good_, "logs": []})
    yield bad("no-keys", "a log without keys", {**good_, "keys": []})
    yield bad("origin-twice", "two logs of one name", {**good_, "logs": [log.log_policy(), log.log_policy(prefix="other")]})
    yield bad(
        "prefix-overlap",
        "a log in the folder of another",
        {**good_, "logs": [log.log_policy(), {**log_of(1, origin="acme.example/b").log_policy(), "prefix": PREFIX + "/b"}]},
    )
    yield bad("declared-covers-log", "a declared prefix over a log", {**good_, "declared_prefixes": ["logs/"]})
    yield bad("declared-in-log", "a declared prefix in a log", {**good_, "declared_prefixes": [PREFIX + "/x/"]})
    yield bad("declared-without-slash", "a declared prefix without its slash", {**good_, "declared_prefixes": ["archive"]})
    yield bad("spec", "a key that is not of its spec", {**good_, "keys": [{**log.key.policy(), "spec": "ECC_NIST_P256"}]})
    yield bad(
        "unknown-spec",
        "a key of a spec that cannot sign a log",
        {**good_, "keys": [{**log.key.policy(), "spec": "ECC_SECG_P256K1"}]},
    )
    yield bad(
        "verifier-key-id",
        "a verifier key with another key's id",
        {
            **good_,
            "logs": [
                log.log_policy(verifier_keys=[log.key.verifier_key().replace("+" + log.key.key_id().hex(), "+00000000")])
            ],
        },
    )
    yield bad("compressed-point", "a key with a compressed point", compressed_point())
    yield bad("rsa-without-null", "an RSA key without the parameters that RFC 3279 asks for", rsa_without_null())
    yield bad("not-json", "bytes that are not JSON", b"{")
    yield bad(
        "name-twice",
        "a field that appears twice",
        document_bytes(good_).replace(b'"trust_policy": 1,', b'"trust_policy": 1, "trust_policy": 1,'),
    )
    yield bad(
        "retired-before-valid",
        "a key retired before it was valid",
        {**good_, "keys": [log.key.policy(valid_from=short(HOUR), retired_at=short(0))]},
    )
    yield bad("key-twice", "a key that appears twice", {**good_, "keys": [log.key.policy(), log.key.policy()]})
    twice = {"at": short(HOUR), "last_good": [{"origin": ORIGIN, **log.position(number)} for number in (0, 1)]}
    yield bad("last-good-twice", "two last good segments of one log", {**good_, "keys": [log.key.policy(compromised=twice)]})
    for name, time in (
        ("minute", "2024-01-01T00:00Z"),
        ("leap-second", "2023-12-31T23:59:60Z"),
        ("compact", "20240101T000000Z"),
        ("zone-name", "2024-01-01T00:00:00Z[UTC]"),
        ("comma", "2024-01-01T00:00:00,5Z"),
        ("no-zone", "2024-01-01T00:00:00"),
        ("offset-24", "2024-01-01T00:00:00+24:00"),
        ("before-1970", "1970-01-01T00:00:00+00:01"),
        ("lines-form-of-year-9999", "9999-01-01T00:00:00.000000Z"),
    ):
        yield bad(
            f"time-{name}",
            "a time that is not one of RFC 3339 from 1970 to 9998",
            {**good_, "keys": [log.key.policy(valid_from=time)]},
        )
    yield no_verdict(
        "format-2", "a log of a format that is not known yet", log, {**good_, "logs": [log.log_policy(format=2)]}
    )
    s3 = {"bucket": "acme-audit", "region": "eu-central-1", "account": "123456789012"}
    for name, what, value in (
        ("account", "a bucket without an owner", {**s3, "account": ""}),
        ("account-13", "an account of a digit too many", {**s3, "account": "1234567890123"}),
        ("bucket-name", "a bucket with a name that S3 does not have", {**s3, "bucket": "acme/audit"}),
        ("region", "a region that cannot be part of a host name", {**s3, "region": "eu-central-1."}),
        ("bucket-field", "a field of the bucket that could be a condition", {**s3, "partition": "aws"}),
    ):
        yield bad(name, what, {**good_, "store": {"s3": value}})
    yield good("policy-bucket", "a policy that names a bucket, compared with a folder", log, {**good_, "store": {"s3": s3}})
    text = document_bytes(good_)
    for name, what, before, after in (
        ("twice-deep", "a field of a key that appears twice", b'"spec":', b'"spec": "RSA_2048", "spec":'),
        ("twice-escaped", "a field that appears twice, once with an escape", b'"lock":', b'"l\\u006fck": [], "lock":'),
        ("sign", "a number with a sign", b'"format": 1', b'"format": -0'),
        ("decimals", "a whole number with decimals", b'"format": 1', b'"format": 1.0'),
        ("exponent", "a whole number with an exponent", b'"format": 1', b'"format": 1e0'),
        ("not-utf-8", "bytes that are not UTF-8", b'"COMPLIANCE"', b'"COMPLIANCE\xff"'),
        ("byte-order-mark", "a byte order mark before the document", b"{", b"\xef\xbb\xbf{"),
        ("after", "a second document after the first", b"}\n", b"}\n{}"),
    ):
        assert before in text
        at = text.rindex(before) if name == "after" else text.index(before)
        yield bad(name, what, text[:at] + after + text[at + len(before) :])
    yield from bad_pins(log)


def rsa_without_null():
    log = log_of(1, Key("RSA_2048"))
    oid = bytes.fromhex("06092a864886f70d010101")
    log.key.spki = log.key.spki.replace(b"\x30\x0d" + oid + b"\5\0", b"\x30\x0b" + oid).replace(b"\x01\x22", b"\x01\x20", 1)
    return log.policy()


def compressed_point():
    from cryptography.hazmat.primitives import serialization

    log = log_of(1, Key("ECC_NIST_P256"))
    key = log.key
    point = key.public.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint)
    head = bytes.fromhex("3039301306072a8648ce3d020106082a8648ce3d030107032200")
    key.spki = head + point
    return log.policy()
