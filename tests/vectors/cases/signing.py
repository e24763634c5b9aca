"""Vectors of V11 to V16: who must have signed, and whose signatures count."""

from cases.absent import GONE
from cases.edits import flip
from cases.vector import ED, fault, good, log_of, no_verdict, without
from forge import HOUR, ORIGIN, Key, short

SEALED = 2 * HOUR + 60  # when the segment that rotates was sealed


def all_vectors():
    for group in (required, order, spans, compromised, gaps):
        yield from group()


def rotation(signers, edits=None, **facts):
    """A log in whose segment 2 key b takes the place of key a, of which the policy says `facts`."""
    log = log_of(2)
    old, new = log.key, Key(ED, "b")
    by = {"a": old, "b": new, "c": Key(ED, "c")}
    log.add(change=(new, old), signers=[by[name] for name in signers.split()], edits=edits).add()
    return log, log.policy(keys=[old.policy(**facts), new.policy()])


def good_until(log, number, at, **more):
    return {"compromised": {"at": short(at), "last_good": [{"origin": ORIGIN, **log.position(number), **more}]}}


def required():
    """V12: when the previous key need not sign."""
    before = log_of(2)
    for name, what, facts, needed in (
        ("retired-then", "retired when the segment was sealed", {"retired_at": short(SEALED)}, False),
        (
            "retired-later",
            "retired a microsecond after the segment was sealed",
            {"retired_at": short(SEALED + 0.000001)},
            True,
        ),
        ("lost-then", "lost when the segment was sealed", {"lost_at": short(SEALED)}, False),
        ("lost-later", "lost a microsecond after the segment was sealed", {"lost_at": short(SEALED + 0.000001)}, True),
        (
            "compromised-then",
            "compromised when the segment was sealed, and good up to then",
            good_until(before, 1, SEALED),
            False,
        ),
        ("compromised-later", "compromised later, and good up to the segment that rotates", "later", True),
        (
            "behind-the-last-good",
            "compromised later, and good up to the segment before",
            good_until(before, 1, 9 * HOUR),
            False,
        ),
    ):
        if facts == "later":
            whole, _ = rotation("b a")
            facts = good_until(whole, 2, SEALED + 0.000001)
        log, policy_ = rotation("b", **facts)
        if needed:
            yield fault(
                "signature-count",
                f"previous-{name}",
                f"a rotation without its previous key, which was {what}",
                log,
                policy_,
                object=2,
            )
        else:
            yield good(f"rotation-previous-{name}", f"a rotation without its previous key, which was {what}", log, policy_)
        log, policy_ = rotation("b a", **facts)
        if not needed:
            yield good(
                f"rotation-previous-signs-{name}", f"a rotation that its previous key signed, which was {what}", log, policy_
            )
    log, _ = rotation("b")
    log, policy_ = rotation("b", **good_until(log, 2, SEALED))
    yield good(
        "rotation-previous-compromised-and-good-beyond",
        "a rotation without its previous key, compromised by then, although it was good beyond",
        log,
        policy_,
    )
    lost = {"lost_at": short(SEALED)}
    log, policy_ = rotation("b a", {"signature 1": flip(-1)}, **lost)
    yield fault(
        "signature-invalid",
        "previous-that-need-not-sign",
        "a wrong signature of a previous key that need not sign",
        log,
        policy_,
        object=2,
    )
    log, policy_ = rotation("a b", **lost)
    yield fault(
        "signature-key",
        "previous-that-need-not-sign-first",
        "a previous key that need not sign signs first",
        log,
        policy_,
        object=2,
    )
    log, policy_ = rotation("a", **lost)
    yield fault(
        "signature-key",
        "previous-that-need-not-sign-alone",
        "a previous key that need not sign signs alone",
        log,
        policy_,
        object=2,
    )
    log, policy_ = rotation("b c", **lost)
    yield fault(
        "key-unknown",
        "second-signature",
        "a second signature by a key that the policy does not name",
        log,
        policy_,
        object=2,
    )
    log, policy_ = rotation("b a a", **lost)
    yield fault(
        "signature-count",
        "three-where-one-is-required",
        "three signatures where one is required and two may be",
        log,
        policy_,
        object=2,
    )
    yield unauthorised_previous()


def unauthorised_previous():
    """Segments 0 and 1 have expired, so nothing shows that the previous key signed them."""
    log, policy_ = rotation("b", lost_at=short(SEALED))
    named = [Key(ED, "b").verifier_key()]
    policy_ = {**policy_, "lock": GONE, "logs": [log.log_policy(verifier_keys=named)]}
    what = "a previous key that need not sign, and that may not sign this log"
    return fault("key-unknown", "previous-of-a-rotation", what, log, policy_, objects=without(log, 0, 1), object=2, line=2)


def order():
    """V11 to V13: of several faults of the keys the first."""
    log = log_of(2)
    b, c = Key(ED, "b"), Key(ED, "c")
    log.add(change=(b, c), signers=[b, c])
    only = [Key(ED), b]
    policy_ = log.policy(
        keys=[key.policy() for key in only], logs=[log.log_policy(verifier_keys=[key.verifier_key() for key in only])]
    )
    yield fault(
        "key-line",
        "before-key-unknown",
        "a previous key that is not active and not authorised",
        log,
        policy_,
        object=2,
        line=2,
    )
    log, policy_ = rotation("a c c")
    yield fault(
        "key-unknown",
        "before-signature-count",
        "three signatures, two of them of a key that the policy does not name",
        log,
        policy_,
        object=2,
    )
    log, policy_ = rotation("a a b")
    yield fault(
        "signature-count", "before-signature-key", "three signatures that begin with the wrong one", log, policy_, object=2
    )
    log, policy_ = rotation("a b", {"signature 0": flip(-1)})
    yield fault("signature-key", "before-signature-invalid", "a wrong signature of the wrong key", log, policy_, object=2)
    log, policy_ = rotation("b a", {"signature 0": flip(-1)})
    yield fault("signature-invalid", "new-key", "a wrong signature of the new key", log, policy_, object=2)


def spans():
    """V14: in a folder a key has only an end, and the skew is 300 seconds."""
    log = log_of(3)
    a, last = log.key, log.heads[2].sealed
    early = log.policy(keys=[a.policy(valid_from=short(1000 * HOUR))])
    yield good("sealed-before-the-key-was-valid", "sealed before the key was valid, as a queue may be", log, early)
    just = log.policy(keys=[a.policy(retired_at=short(last - 300))])
    yield good("300-seconds-after-retired", "sealed 300 seconds after the key was retired", log, just)
    what = "sealed 300 seconds and a microsecond after the key was retired"
    late = log.policy(keys=[a.policy(retired_at=short(last - 300.000001))])
    yield fault("key-outside-span", "after-retired-by-a-microsecond", what, log, late, object=2)
    rotated, _ = rotation("b a")
    keys = [a.policy(), Key(ED, "b").policy(retired_at=short(SEALED - 301))]
    what = "the new key of a rotation was retired before"
    policy_ = rotated.policy(keys=keys)
    yield fault("key-outside-span", "new-key-of-a-rotation", what, rotated, policy_, object=2, faults=2)
    retired = rotated.policy(keys=[a.policy(retired_at=short(SEALED - 301)), Key(ED, "b").policy()])
    what = "the span of a previous key that need not sign is not looked at"
    yield good("previous-key-outside-of-its-span", what, rotated, retired)


def compromised():
    """V15 and V16."""
    log = log_of(3)
    a, b = log.key, Key(ED, "b")
    unnamed = {"compromised": {"at": short(HOUR)}}
    early = {"compromised": {"at": short(0), "last_good": [{"origin": ORIGIN, **log.position(2)}]}}
    yield good(
        "compromised-after-the-last-segment",
        "a compromised key whose last good segment is the last one",
        log,
        log.policy(keys=[a.policy(**early)]),
    )
    yield fault(
        "key-compromised",
        "after-the-last-good-and-before-its-date",
        "a key signs after its last good segment and before it was compromised",
        log,
        log.policy(keys=[a.policy(**good_until(log, 1, 1000 * HOUR))]),
        object=2,
    )
    size = good_until(log, 2, HOUR, size=log.position(2)["size"] + 1)
    yield fault(
        "last-good-mismatch",
        "other-size",
        "the last good segment has another size",
        log,
        log.policy(keys=[a.policy(**size)]),
        object=2,
    )
    spare = log.log_policy(verifier_keys=[a.verifier_key(), b.verifier_key()])
    yield good(
        "compromised-key-that-never-signed",
        "a compromised key without a last good segment, which signed nothing",
        log,
        log.policy(keys=[a.policy(), b.policy(**unnamed)], logs=[spare]),
    )
    elsewhere = {
        "compromised": {"at": short(HOUR), "last_good": [{"origin": "acme.example/audit/logins", **log.position(1)}]}
    }
    yield no_verdict(
        "compromised-with-a-last-good-of-another-log",
        "a compromised key, good up to a segment of another log",
        log,
        log.policy(keys=[a.policy(**elsewhere)]),
    )
    rotated, policy_ = rotation("b", **unnamed)
    yield no_verdict(
        "compromised-before-a-rotation",
        "a compromised key whose own segments have expired, and a rotation away from it",
        rotated,
        {**policy_, "lock": GONE},
        objects=without(rotated, 0, 1),
    )
    yield no_verdict(
        "compromised-and-signed-a-rotation",
        "a compromised key whose own segments have expired, and a rotation that it signed",
        rotation("b a")[0],
        {**policy_, "lock": GONE},
        objects=without(rotation("b a")[0], 0, 1),
    )
    yield good(
        "compromised-key-of-which-nothing-is-left",
        "a compromised key of which neither a segment nor a rotation is left",
        rotated,
        {**policy_, "lock": GONE},
        objects=without(rotated, 0, 1, 2),
    )
    turned = log_of(2).add(change=(b, a)).add()
    into = turned.policy(keys=[a.policy(), b.policy(**unnamed)])
    yield no_verdict(
        "compromised-after-a-rotation", "a rotation to a compromised key without a last good segment", turned, into
    )
    ended = log.log_policy(ended=log.end(1))
    beyond = good_until(log, 2, HOUR)
    yield good(
        "last-good-above-the-end",
        "a last good segment above the declared end is not reached, nor compared",
        log,
        log.policy(keys=[a.policy(**beyond)], logs=[ended]),
        objects=without(log, 2),
    )
    yield last_good_in_a_gap()


def last_good_in_a_gap():
    log, policy_ = rotation("b", **good_until(log_of(2), 1, SEALED))
    return good(
        "last-good-in-a-gap",
        "a last good segment that has expired",
        log,
        {**policy_, "lock": GONE},
        objects=without(log, 0, 1),
    )


def gaps():
    """V13: the active key is not known after what is absent or not sound."""
    a, b = Key(ED), Key(ED, "b")
    log, policy_ = rotation("b a")
    lost = without(log, 2)
    yield good(
        "rotation-in-a-gap", "the rotation has expired, and the new key signs", log, {**policy_, "lock": GONE}, objects=lost
    )
    unsound = {**log.objects, log.name(2): log.objects[log.name(2)][:-1]}
    yield fault(
        "frame-corrupt",
        "before-another-key",
        "after a segment that is not sound, another key signs",
        log,
        policy_,
        objects=unsound,
        object=2,
        index=11,
    )
    broken = log_of(2).add(edits={"signature 0": flip(-1)})
    broken.keys.append(b)
    broken.add(signers=[b])
    yield fault(
        "signature-invalid",
        "before-another-key",
        "after a segment with a wrong signature, another key signs",
        broken,
        object=2,
    )
    twice = log_of(2)
    c = Key(ED, "c")
    twice.add(change=(b, a)).add(change=(c, b)).add()
    hidden = twice.policy(lock=GONE)
    yield good(
        "key-line-after-a-gap",
        "after a gap, nothing shows which key was active before a rotation",
        twice,
        hidden,
        objects=without(twice, 2),
    )
    forged = log_of(3)
    forged.keys.append(b)
    forged.add(signers=[b])
    yield good(
        "another-key-after-a-gap",
        "after a gap, the key that signs first is taken for the active one",
        forged,
        forged.policy(lock=GONE),
        objects=without(forged, 2),
    )
    forged.add(signers=[a])
    yield fault(
        "signature-key",
        "active-since-a-gap",
        "after a gap, the key that signs first is the active one from then on",
        forged,
        forged.policy(lock=GONE),
        objects=without(forged, 2),
        object=4,
    )
    unknown = log_of(3)
    unknown.add(signers=[b])
    named = unknown.policy(lock=GONE)
    yield fault(
        "key-unknown",
        "after-a-gap",
        "after a gap, a key signs that the policy does not name",
        unknown,
        named,
        objects=without(unknown, 2),
        object=3,
    )
