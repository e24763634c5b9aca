"""Vectors of A1.5 and A2: logs that have just begun, and logs that were silent."""

from cases.absent import DAY, YEAR, declared
from cases.vector import fault, good, log_of, made, no_verdict
from forge import HOUR, Log, silence


def all_vectors():
    for group in (beginnings, silences):
        yield from group()


def beginnings():
    """A1.5: a log without a segment."""
    log = log_of(1)
    nothing = {".keep": b""}
    patient = [silence(0, 50 * YEAR)]
    yield no_verdict(
        "log-has-just-begun",
        "a log without a segment, and before its first silence is over",
        log,
        declared(log, max_silence=patient),
        objects=nothing,
    )
    later = [silence(0, 50 * YEAR), silence(1, 2 * HOUR)]
    yield made(
        "log-empty--silence-tightened",
        1,
        "a log without a segment, whose silence was tightened after it began",
        log,
        declared(log, max_silence=later),
        objects=nothing,
        code="log-empty",
    )


def silences():
    """A2."""

    def at(code, name, what, spans, times, at_, object_=None):
        log = Log()
        for opened, sealed in times:
            log.add((), opened=opened, sealed=sealed)
        policy_ = declared(log, max_silence=[silence(*one) for one in spans])
        if code is None:
            return good(name, what, log, policy_, at=at_)
        return fault(code, name, what, log, policy_, at=at_, object=len(times) - 1 if object_ is None else object_)

    one = [(0, 0)]
    exceeded = "silence-exceeded"
    yield at(None, "silence-of-just-so-long", "a silence that lasts until its deadline", [(0, 2 * HOUR)], one, 2 * HOUR)
    yield at(
        exceeded, "by-a-microsecond", "a silence that is a microsecond too long", [(0, 2 * HOUR)], one, 2 * HOUR + 0.000001
    )
    yield at(
        exceeded,
        "cut-back-to-before-it-was-tightened",
        "the silence was tightened from a year to 25 hours, and nothing is there after the change",
        [(0, YEAR), (30 * DAY, 25 * HOUR)],
        [(0, 0), (29 * DAY, 29 * DAY)],
        300 * DAY,
    )
    yield at(
        None,
        "silence-until-it-was-tightened",
        "the old silence counts up to the change, and the new one from then on",
        [(0, YEAR), (30 * DAY, 25 * HOUR)],
        [(0, 0), (10 * DAY, 10 * DAY)],
        30 * DAY + 25 * HOUR,
    )
    yield at(
        exceeded,
        "loosened-after-the-deadline",
        "the silence was loosened after it had lasted for too long",
        [(0, 2 * HOUR), (2 * HOUR, YEAR)],
        one,
        3 * HOUR,
    )
    yield at(
        None,
        "silence-loosened-before-the-deadline",
        "the silence was loosened a microsecond before it had lasted for too long, and counts from the last segment",
        [(0, 2 * HOUR), (2 * HOUR - 0.000001, 9 * HOUR)],
        one,
        9 * HOUR,
    )
    yield at(
        exceeded,
        "loosened-and-counted-from-the-last-segment",
        "a silence that was loosened does not begin again at the change",
        [(0, 2 * HOUR), (HOUR, 9 * HOUR)],
        one,
        9 * HOUR + 0.000001,
    )
    yield at(
        None,
        "silence-tightened-late",
        "the silence was tightened, and the old deadline comes before the new one",
        [(0, 2 * HOUR), (HOUR + 1800, HOUR)],
        one,
        2 * HOUR,
    )
    yield at(
        exceeded,
        "old-deadline-before-the-new-one",
        "the silence was tightened, and does not begin again at the change",
        [(0, 2 * HOUR), (HOUR + 1800, HOUR)],
        one,
        2 * HOUR + 0.000001,
    )
    yield at(
        exceeded,
        "tightened-and-loosened-again",
        "the silence was tightened, and loosened again after the tighter deadline",
        [(0, 9 * HOUR), (HOUR, HOUR), (2 * HOUR, 9 * HOUR)],
        one,
        3 * HOUR,
    )
    yield at(
        None,
        "silence-tightened-and-loosened-in-time",
        "the silence was tightened, and loosened again before the tighter deadline",
        [(0, 9 * HOUR), (HOUR, HOUR), (2 * HOUR - 1, 9 * HOUR)],
        one,
        9 * HOUR,
    )
    yield at(
        exceeded,
        "only-the-last-span-is-long",
        "between two segments the first span counts, although the last one allows more",
        [(0, 2 * HOUR), (7 * HOUR, 9 * HOUR)],
        [(0, 0), (3 * HOUR, 3 * HOUR), (5 * HOUR, 5 * HOUR), (7 * HOUR, 7 * HOUR)],
        8 * HOUR,
        1,
    )
    yield at(
        None,
        "silence-before-the-first-span",
        "before the first span it is the first span that counts",
        [(HOUR, 2 * HOUR), (4 * HOUR, 3 * HOUR)],
        one,
        2 * HOUR,
    )
    yield at(
        exceeded,
        "before-the-first-span",
        "before the first span it is not the second span that counts",
        [(HOUR, 2 * HOUR), (4 * HOUR, 3 * HOUR)],
        one,
        2 * HOUR + 1,
    )
    yield at(
        None,
        "silence-tightened-and-loosened-less",
        "the silence was tightened, and loosened again to less than it was at first",
        [(0, 9 * HOUR), (HOUR, HOUR), (HOUR + 1800, 3 * HOUR)],
        one,
        3 * HOUR,
    )
    yield at(
        None,
        "silence-at-the-beginning-of-a-span",
        "a segment that was sealed when a span began has that span's silence",
        [(0, 2 * HOUR), (HOUR, 9 * HOUR)],
        [(0, 0), (HOUR, HOUR)],
        10 * HOUR,
    )
    log = log_of(1).add((), opened=9 * HOUR, sealed=9 * HOUR)
    broken = {**log.objects, log.name(0): log.objects[log.name(0)][:-1]}
    yield fault(
        "frame-corrupt",
        "before-a-long-silence",
        "beside a segment that is not sound, silence is not judged",
        log,
        object=0,
        index=2,
        objects=broken,
    )
    yield last_and_silent()
    hiding = log_of(1)
    hiding.head.sealed = 9 * HOUR
    hiding.add((), opened=9 * HOUR, sealed=9 * HOUR)
    yield fault(
        "sealed-before-mismatch",
        "hides-a-silence",
        "a forged `sealed_before` does not hide a silence",
        hiding,
        line=1,
        index=3,
        faults=2,
    )
    past = log_of(4)
    yield good("at-in-the-past", "silence is judged at a time before the last segments", past, at=HOUR)
    two = log_of(2)
    other = log_of(2, origin="acme.example/audit/logins", prefix="logs/logins")
    both = two.policy(
        logs=[two.log_policy(max_silence=[silence(0, 9 * HOUR)]), other.log_policy()],
        keys=[two.key.policy()],
    )
    yield fault(
        "silence-exceeded",
        "of-the-second-log",
        "the first log may be silent for longer than the second",
        other,
        both,
        objects={**two.objects, **other.objects},
        at=5 * HOUR,
        object=1,
    )


def last_and_silent():
    log = log_of(2)
    torn = {**log.objects, log.name(1): log.objects[log.name(1)][:-1]}
    return fault(
        "frame-corrupt",
        "last-and-silent",
        "after a segment that is not sound, silence is not judged",
        log,
        objects=torn,
        index=6,
        at=99 * HOUR,
    )
