"""What the policy says of keys."""

import base64

from cases.vector import ED, fault, log_of, made
from forge import HOUR, ORIGIN, Key, Log, sha256, short


def keys():
    """What the policy says of keys."""
    a, b = Key(ED), Key(ED, "b")
    log = log_of(2)
    yield fault(
        "key-unknown",
        "segment-0",
        "signed by a key that the policy does not name",
        log,
        {**log.policy(), "logs": [{**log.log_policy(), "verifier_keys": [b.verifier_key()]}], "keys": [b.policy()]},
        object=0,
        line=2,
        faults=2,
    )
    rotated = log_of(2).add(change=(b, a)).add()
    yield fault(
        "key-unknown",
        "rotation",
        "a rotation to a key that the policy does not name",
        rotated,
        log_of(2).policy(),
        object=2,
        line=2,
        faults=2,
    )
    yield fault(
        "key-outside-span",
        "after-retired",
        "signed long after the key was retired",
        log_of(5),
        log.policy(keys=[a.policy(retired_at=short(2 * HOUR + 1800))]),
        object=3,
        faults=2,
    )
    stolen = Log().name(3)
    yield compromised(
        "key-compromised--after-last-good",
        1,
        "key-compromised",
        "a segment after the last good one of a compromised key",
        object=stolen,
    )
    yield compromised(
        "last-good-mismatch--other-root",
        1,
        "last-good-mismatch",
        "the last good segment is another one",
        last_good=3,
        edit={"root": base64.b64encode(sha256(b"x")).decode()},
        object=stolen,
    )
    tail = log_of(2)
    gone = {"at": short(HOUR), "last_good": [{"origin": ORIGIN, **log_of(4).position(3)}]}
    yield fault(
        "last-good-mismatch",
        "tail-cut-off",
        "the log ends before the last good segment",
        tail,
        tail.policy(keys=[a.policy(compromised=gone)]),
        object=3,
    )
    yield compromised(
        "no-verdict--compromised-without-last-good",
        2,
        None,
        "a compromised key, and nobody says up to where it was good",
        named=False,
    )
    wrong = log_of(2)
    wrong.add(change=(b, Key(ED, "c")))
    wrong.keys.append(Key(ED, "c"))
    yield fault("key-line", "previous-never-signed", "a rotation from a key that never signed", wrong, object=2, line=2)


def compromised(name, exit_, code, what, rotate=False, last_good=2, named=True, edit=None, **more):
    """A key of which somebody else made use after segment 2."""
    log = log_of(3)
    old, new = log.key, Key(ED, "b")
    if rotate:
        log.add(change=(new, old), signers=[new])
    else:
        log.add()
    last = {"origin": ORIGIN, **log.position(last_good), **(edit or {})}
    fact = {"at": short(2 * HOUR + 30 * 60), "last_good": [last] if named else []}
    keys_ = [old.policy(compromised=fact)] + ([new.policy()] if rotate else [])
    return made(name, exit_, what, log, log.policy(keys=keys_), code=code, **more)
