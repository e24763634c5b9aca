"""Vectors of A6 and of acknowledged findings: what a person has explained, the same or less and never more."""

from cases.absent import GONE, YEAR
from cases.pinned import OTHER_ROOT, pins
from cases.policies import STORE
from cases.vector import fault, good, log_of, no_verdict, without
from forge import HOUR, ORIGIN, short, silence, span


def all_vectors():
    for group in (silences, losses, parts, tails, forms):
        yield from group()


def entry(code, log=ORIGIN, **found):
    more = {"log": log} if log else {}
    return {"code": code, **more, "reason": "the plant was closed", "date": "2024-02-01T00:00:00Z", **found}


def with_entries(log, *entries, **more):
    return log.policy(acknowledged=list(entries), **more)


def silences():
    gap = log_of(2).add((), opened=10 * HOUR, sealed=10 * HOUR + 60)
    since, until = HOUR + 60, 10 * HOUR + 60

    def known(since, until, log=ORIGIN, **more):
        return with_entries(
            gap, entry("silence-exceeded", log, silence={"from": short(since), "until": short(until)}), **more
        )

    yield good("acknowledged-silence", "a silence that a person has explained", gap, known(since, until), acknowledged=1)
    yield good(
        "acknowledged-longer-silence",
        "a longer silence than the one that was found",
        gap,
        known(since - 1, until + 1),
        acknowledged=1,
    )
    for name, what, one, other in (
        (
            "acknowledged-from-later",
            "the silence began a microsecond before the one that was explained",
            since + 0.000001,
            until,
        ),
        (
            "acknowledged-until-earlier",
            "the silence lasted a microsecond longer than the one that was explained",
            since,
            until - 0.000001,
        ),
    ):
        yield fault("silence-exceeded", name, what, gap, known(one, other), object=2)
    two = log_of(2, origin="acme.example/audit/logins", prefix="logs/logins")
    elsewhere = gap.policy(
        logs=[gap.log_policy(), two.log_policy(max_silence=[silence(0, YEAR)])],
        acknowledged=[entry("silence-exceeded", two.origin, silence={"from": short(since), "until": short(until)})],
    )
    yield fault(
        "silence-exceeded",
        "acknowledged-for-another-log",
        "a silence that was explained for another log",
        gap,
        elsewhere,
        objects={**gap.objects, **two.objects},
        object=2,
    )
    at = until + 3 * HOUR
    tail = entry("silence-exceeded", silence={"from": short(until), "until": short(at)})
    both = entry("silence-exceeded", silence={"from": short(since), "until": short(until)})
    yield good(
        "acknowledged-silence-at-the-end",
        "a silence after the last segment that a person has explained",
        gap,
        with_entries(gap, both, tail),
        at=at,
        acknowledged=2,
    )
    yield fault(
        "silence-exceeded",
        "going-on-after-the-acknowledged",
        "a silence that goes on after it was explained",
        gap,
        with_entries(gap, both, tail),
        at=at + 1,
        object=2,
        acknowledged=1,
    )


def before(log, number):
    place = log.position(number)
    return {"size": place["size"], "root": place["root"]}


def loss(log, first, last, **more):
    """What is lost where segments `first` to `last` of a log are."""
    found = {"first": first, "last": last}
    if first:
        found["before"] = before(log, first - 1)
    if last + 1 < len(log.heads):
        found["after"] = before(log, last)
    return {name: value for name, value in {**found, **more}.items() if value is not None}


def losses():
    log = log_of(8)
    rest = without(log, 3, 4)

    def known(objects, name, what, code=None, object_=3, lock=None, pins=None, known_=0, **more):
        missing = loss(log, more.pop("first", 3), more.pop("last", 4), **more)
        policy_ = with_entries(log, entry("segment-missing", missing=missing), **({"lock": lock} if lock else {}))
        if code:
            return fault(code, name, what, log, policy_, objects=objects, object=object_, pins=pins, acknowledged=known_)
        return good(name, what, log, policy_, objects=objects, pins=pins, acknowledged=1)

    missing = "segment-missing"
    wrong = {"size": log.position(2)["size"], "root": OTHER_ROOT}
    yield known(rest, "acknowledged-loss", "lost segments that a person has explained")
    yield known(without(log, 3), "acknowledged-larger-loss", "a part of what was lost is back at the end", last=4)
    yield known(
        without(log, 4), "acknowledged-loss-found-again", "a part of what was lost is back at the beginning", object_=4
    )
    yield known(
        rest,
        "acknowledged-before-another-root",
        "the log before the loss has another root than the one that was explained",
        missing,
        before=wrong,
    )
    wrong = {**before(log, 2), "size": before(log, 2)["size"] + 1}
    yield known(
        rest,
        "acknowledged-before-another-size",
        "the log before the loss has another size than the one that was explained",
        missing,
        before=wrong,
    )
    yield known(
        rest,
        "acknowledged-after-another-root",
        "the log after the loss has another root than the one that was explained",
        missing,
        after={**before(log, 4), "root": OTHER_ROOT},
    )
    wrong = {**before(log, 4), "size": before(log, 4)["size"] + 1}
    yield known(
        rest,
        "acknowledged-after-another-size",
        "the log after the loss has another size than the one that was explained",
        missing,
        after=wrong,
    )
    yield known(
        without(log, 2, 3, 4),
        "one-before-the-acknowledged",
        "a segment before the loss is gone too",
        missing,
        object_=2,
        known_=1,
    )
    yield known(
        without(log, 3, 4, 5),
        "one-after-the-acknowledged",
        "a segment after the loss is gone too",
        missing,
        object_=5,
        known_=1,
    )
    yield known(
        without(log, 6),
        "elsewhere-than-the-acknowledged",
        "other segments are gone than those that were explained",
        missing,
        object_=6,
    )
    yield known(
        without(log, 1),
        "earlier-than-the-acknowledged",
        "other segments are gone than the later ones that were explained",
        missing,
        object_=1,
    )
    beginning = without(log, 0, 1)
    yield known(
        beginning, "acknowledged-loss-of-the-beginning", "lost first segments that a person has explained", first=0, last=1
    )
    tail = without(log, 6, 7)
    at_pin = {"segment": 7, "size": log.position(7)["size"], "root": log.position(7)["root"]}
    cut = entry(missing, missing=loss(log, 6, 7, after=None, pin=at_pin))
    at = log.heads[5].sealed + 600
    yield good(
        "acknowledged-loss-of-a-pin",
        "a lost tail, with the pin that was lost with it",
        log,
        with_entries(log, cut),
        objects=tail,
        pins=pins(log, 7),
        at=at,
        acknowledged=1,
    )
    other = entry(missing, missing=loss(log, 6, 7, after=None, pin={**at_pin, "root": OTHER_ROOT}))
    yield fault(
        "head-rolled-back",
        "acknowledged-with-another-root",
        "a lost tail, explained with another root of the pin",
        log,
        with_entries(log, other),
        objects=tail,
        pins=pins(log, 7),
        at=at,
        object=5,
    )
    none = entry(missing, missing=loss(log, 6, 7, after=None))
    yield fault(
        "head-rolled-back",
        "acknowledged-without-the-pin",
        "a lost tail that was explained without the pin",
        log,
        with_entries(log, none),
        objects=tail,
        pins=pins(log, 7),
        at=at,
        object=5,
    )
    inside = {"segment": 3, "size": log.position(3)["size"], "root": log.position(3)["root"]}
    yield known(
        rest,
        "acknowledged-loss-with-a-pin-inside",
        "lost segments with the pin that was lost with them",
        pin=inside,
        pins=pins(log, 3),
    )
    yield known(
        rest,
        "acknowledged-without-the-pin-inside",
        "lost segments, explained without the pin among them",
        missing,
        pins=pins(log, 3),
    )


def parts():
    """A6: an acknowledged loss divides the gap that it is in."""
    log = log_of(10)
    wide = without(log, 2, 3, 4, 5, 6)
    middle = entry("segment-missing", missing=loss(log, 4, 5))
    # Segment 1 was sealed at 1:01:00, and segment 7 says that segment 6 was at 6:01:00.
    yield good(
        "parts-that-have-expired",
        "an explained loss in a gap that has expired otherwise",
        log,
        with_entries(log, middle, lock=GONE),
        objects=wide,
        acknowledged=1,
    )
    kept = with_entries(log, middle)
    yield fault(
        "segment-missing",
        "part-before-the-acknowledged",
        "an explained loss in a gap that has not expired otherwise",
        log,
        kept,
        objects=wide,
        object=2,
        faults=2,
        acknowledged=1,
    )
    yield fault(
        "segment-missing",
        "part-after-the-acknowledged",
        "an explained loss at the beginning of a gap",
        log,
        kept,
        objects=without(log, 4, 5, 6),
        object=6,
        acknowledged=1,
    )
    two = with_entries(
        log, entry("segment-missing", missing=loss(log, 2, 3)), entry("segment-missing", missing=loss(log, 5, 6))
    )
    yield fault(
        "segment-missing",
        "part-between-the-acknowledged",
        "two explained losses and what is between them",
        log,
        two,
        objects=wide,
        object=4,
        acknowledged=2,
    )
    all_ = with_entries(
        log, entry("segment-missing", missing=loss(log, 2, 4)), entry("segment-missing", missing=loss(log, 4, 6))
    )
    yield good(
        "acknowledged-losses-that-overlap", "two explained losses that overlap", log, all_, objects=wide, acknowledged=2
    )

    turned = with_entries(
        log, entry("segment-missing", missing=loss(log, 5, 6)), entry("segment-missing", missing=loss(log, 2, 4))
    )
    yield good(
        "acknowledged-losses-in-any-order",
        "two explained losses, the later one first",
        log,
        turned,
        objects=wide,
        acknowledged=2,
    )
    small = {"size": log.position(1)["size"] + 3, "root": OTHER_ROOT}
    stuck = with_entries(log, entry("segment-missing", missing=loss(log, 4, 5, before=small)))
    yield fault(
        "segment-missing",
        "acknowledged-in-a-log-that-did-not-grow",
        "an explained loss before which the log cannot have grown so little",
        log,
        stuck,
        objects=wide,
        object=2,
    )
    great = {"size": log.position(6)["size"] - 1, "root": OTHER_ROOT}
    stuck = with_entries(log, entry("segment-missing", missing=loss(log, 4, 5, after=great)))
    yield fault(
        "segment-missing",
        "acknowledged-in-a-log-that-grew-less",
        "an explained loss after which the log cannot have grown so little",
        log,
        stuck,
        objects=wide,
        object=2,
    )


def tails():
    """Losses up to the end of what is there: of a log that goes on, and of one that has ended."""
    log = log_of(10)
    tail, at = without(log, 6, 7, 8, 9), log.heads[5].sealed + 600
    pin = {name: log.pin(9)[name] for name in ("segment", "size", "root")}
    other = {"size": log.position(5)["size"], "root": OTHER_ROOT}
    policy_ = with_entries(log, entry("segment-missing", missing=loss(log, 6, 9, after=None, pin=pin, before=other)))
    what = "a lost tail with its pin, after a log with another root"
    yield fault(
        "head-rolled-back",
        "acknowledged-after-another-history",
        what,
        log,
        policy_,
        objects=tail,
        pins=pins(log, 9),
        at=at,
        object=5,
    )
    ended = [log.log_policy(ended=log.end(9))]

    def known(first, last, **more):
        return with_entries(log, entry("segment-missing", missing=loss(log, first, last, **more)), logs=ended)

    what = "a lost end of a log that has ended"
    yield good("acknowledged-loss-of-the-end", what, log, known(6, 9), objects=tail, acknowledged=1)
    what = "a lost end of a log that has ended, of which less was explained, and that is kept"
    yield fault(
        "segment-missing", "acknowledged-before-the-end", what, log, known(6, 8), objects=tail, object=9, acknowledged=1
    )
    what = "a loss before the end of a log that has ended, of which the end has come back"
    yield good("acknowledged-loss-before-the-end", what, log, known(6, 8), objects=without(log, 6, 7, 8), acknowledged=1)
    great = {"size": log.position(9)["size"] - 1, "root": OTHER_ROOT}
    what = "a loss after which the log cannot have grown to its declared end"
    yield fault(
        "segment-missing", "acknowledged-before-an-end-of-less", what, log, known(6, 8, after=great), objects=tail, object=6
    )
    what = "a lost end of a log that has ended, and one segment more"
    yield fault(
        "segment-missing",
        "acknowledged-at-the-tail-and-one-more",
        what,
        log,
        known(6, 8, after=None),
        objects=tail,
        object=6,
    )
    what = "a loss between two sizes between which it cannot have been"
    apart = {"size": log.position(5)["size"] + 3 * 2_097_152 + 1, "root": OTHER_ROOT}
    yield fault(
        "segment-missing",
        "acknowledged-with-sides-that-do-not-fit",
        what,
        log,
        with_entries(log, entry("segment-missing", missing=loss(log, 6, 8, after=apart))),
        objects=without(log, 6, 7),
        object=6,
    )
    what = "a pinned segment below the end of a log that has ended"
    within = {name: log.pin(7)[name] for name in pin}
    yield good(
        "acknowledged-loss-of-a-pin-before-the-end",
        what,
        log,
        known(6, 9, pin=within),
        objects=tail,
        pins=pins(log, 7),
        acknowledged=1,
    )
    what = "a pinned segment that was explained, below an end that was not"
    policy_ = known(6, 7, pin=within)
    yield fault(
        "segment-missing",
        "above-an-acknowledged-pin",
        what,
        log,
        policy_,
        objects=tail,
        object=8,
        pins=pins(log, 7),
        acknowledged=1,
    )
    what = "a pinned end of a log that has ended, and that has gone"
    policy_ = log.policy(logs=ended)
    yield fault("segment-missing", "pinned-end", what, log, policy_, objects=tail, object=6, pins=pins(log, 9))
    what = "a pinned segment below the end of a log that has ended, of which nothing is left"
    yield fault(
        "segment-missing",
        "pinned-before-the-end",
        what,
        log,
        log.policy(logs=ended, lock=[span(days=1), span(log.heads[7].sealed), span(log.heads[7].sealed + 1, days=1)]),
        objects={".keep": b""},
        pins=pins(log, 7),
        object=0,
    )
    good_ = [{"origin": ORIGIN, **log.position(8)}]
    keys = [log.key.policy(compromised={"at": short(99 * HOUR), "last_good": good_})]
    until = [log.log_policy(ended=log.end(8))]
    what = "a last good segment that has expired together with the end of its log"
    yield good(
        "last-good-expired-at-the-end",
        what,
        log,
        log.policy(logs=until, keys=keys, lock=GONE),
        objects=without(log, 7, 8, 9),
    )
    what = "a last good segment that is missing together with the end of its log"
    yield fault(
        "segment-missing",
        "with-the-last-good-one",
        what,
        log,
        log.policy(logs=until, keys=keys),
        objects=without(log, 7, 8, 9),
        object=7,
        faults=2,
    )


def forms():
    """The form of entries."""
    log = log_of(8)
    loss_, quiet = loss(log, 3, 4), {"from": short(HOUR), "until": short(2 * HOUR)}
    version = {"object": "archive/x", "version_id": "1"}
    segment = {"number": 3, "sealed": short(HOUR), "stored": short(HOUR)}
    good_ = [
        entry("silence-exceeded", silence=quiet),
        entry("segment-missing", missing=loss_),
        entry("object-unaccounted", None, version=version),
        *[entry(code, version={**version, "retain_until": short(YEAR)}) for code in (
            "second-version", "hidden-by-delete-marker", "object-unaccounted", "lock-missing", "lock-mode", "lock-too-short",
            "object-multipart", "object-replica")],
        *[entry(code, segment=segment) for code in ("sealed-after-stored", "stored-order", "key-outside-span")],
    ]  # fmt: skip
    what = "a loss as the report about a folder names it, under the policy of a bucket"
    in_store = with_entries(log, entry("segment-missing", missing=loss_), store=STORE)
    yield good("acknowledged-loss-not-stored", what, log, in_store, objects=without(log, 3, 4), acknowledged=1)
    yield good("acknowledged-of-each-code", "an entry of each code that may be acknowledged", log, with_entries(log, *good_))
    for name, what, one in (
        ("code", "a fault of the chain, which nobody can explain", entry("prev-mismatch", segment=segment)),
        ("shape", "another description than the code's", entry("silence-exceeded", segment=segment)),
        ("two-shapes", "two descriptions of one finding", entry("silence-exceeded", silence=quiet, segment=segment)),
        ("no-shape", "an entry that does not say what was found", entry("silence-exceeded")),
        ("no-log", "an entry without its log", entry("silence-exceeded", None, silence=quiet)),
        ("log", "an entry of a log that is not declared", entry("silence-exceeded", "acme.example/x", silence=quiet)),
        ("reason", "an entry with an empty reason", {**entry("silence-exceeded", silence=quiet), "reason": " "}),
        ("date", "an entry with a date that is not a time", {**entry("silence-exceeded", silence=quiet), "date": "2024-02-01"}),
        ("field", "an entry with a field that could be a condition", {**entry("silence-exceeded", silence=quiet), "unless": 1}),
        ("silence-order", "a silence that ends when it begins", entry("silence-exceeded", silence={"from": short(1), "until": short(1)})),
        ("loss-order", "a loss that ends before it begins", entry("segment-missing", missing={**loss_, "last": 2})),
        ("loss-without-before", "a loss that does not say what was before it", entry("segment-missing", missing=loss(log, 3, 4, before=None))),
        ("loss-from-0-with-before", "a loss from segment 0 with something before it", entry("segment-missing", missing=loss(log, 0, 4, before=before(log, 3)))),
        ("loss-stored", "a loss with a time of storage, where nothing is stored", entry("segment-missing", missing={**loss_, "before": {**before(log, 2), "stored": short(0)}})),
        ("loss-pin", "a loss with a pin outside of it", entry("segment-missing", missing=loss(log, 3, 4, pin=log.position(5)))),
        ("version", "a version without its id", entry("lock-mode", version={"object": "archive/x"})),
        ("segment", "a segment without its times", entry("stored-order", segment={"number": 3})),
        ("null", "null in place of a log", {**entry("object-unaccounted", version=version), "log": None}),
    ):  # fmt: skip
        yield no_verdict(f"acknowledged-{name}", f"an acknowledged finding: {what}", log, with_entries(log, one))
