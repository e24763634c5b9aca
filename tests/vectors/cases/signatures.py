"""F13 and F14."""

from cases.edits import flip
from cases.vector import ED, SPECS, edited, fault, log_of
from forge import ORIGIN, Key, sha256


def signatures():
    """F13, F14."""
    case = lambda code, name, what, edits=None, **more: edited(code, name, what, edits or {}, **more)  # noqa: E731
    a, b = Key(ED), Key(ED, "b")
    yield case("signature-count", "two", "two signatures where one is required", signers=[a, a])
    yield case("key-unknown", "key-id", "another key id before a good signature", {"signature 0": flip(0)})
    yield case("signature-invalid", "changed", "a signature with a byte changed", {"signature 0": flip(-1)})
    yield case(
        "signature-invalid",
        "of-another-text",
        "a good signature over another checkpoint",
        {"signature 0": lambda _: a.key_id() + a.sign(ORIGIN, 7, sha256(b"x"), 0)},
    )
    yield case("signature-invalid", "short", "a signature cut off", {"signature 0": lambda blob: blob[:-1]})
    yield case("signature-invalid", "long", "a byte after the signature", {"signature 0": lambda blob: blob + b"\0"})
    unannounced = log_of(2)
    unannounced.keys.append(b)
    unannounced.add(signers=[b])
    yield fault(
        "signature-key", "not-announced", "a key that the policy names signs without a key line", unannounced, object=2
    )
    for name, what, signers, code in (
        (
            "rotation-one-signature",
            "a new key without the signature of the previous one",
            lambda old, new: [new],
            "signature-count",
        ),
        (
            "rotation-order",
            "the two signatures of a rotation in the wrong order",
            lambda old, new: [old, new],
            "signature-key",
        ),
        (
            "rotation-three-signatures",
            "a third signature in a rotation",
            lambda old, new: [new, old, old],
            "signature-count",
        ),
    ):
        log = log_of(2)
        log.add(change=(b, log.key), signers=signers(log.key, b)).add()
        yield fault(code, name, what, log, object=2)
    for spec in SPECS[1:]:
        name = spec.lower().replace("_", "-")
        log = log_of(1, Key(spec)).add(edits={"signature 0": flip(-1)})
        yield fault("signature-invalid", name, f"a signature of a key of the spec {spec} with a byte changed", log)
    stamp = log_of(1, Key("ML_DSA_44")).add(edits={"signature 0": flip(11)})
    yield fault("signature-invalid", "ml-dsa-44-time", "an ML-DSA-44 signature with another time than `sealed`", stamp)
    yield fault(
        "signature-invalid",
        "previous-key",
        "the previous key's signature of a rotation with a byte changed",
        log_of(2).add(change=(b, a), edits={"signature 1": flip(-1)}),
        object=2,
    )
