"""Vectors of A1 to A6: what is not there, as far as a folder can show it.

A folder is judged now, so a retention of one day has always passed for what was sealed in 2024, and one of 36,500 days
never has.
"""

from cases import ED, fault, good, log_of, made, no_verdict, without
from forge import HOUR, ORIGIN, Key, Log, Range, sha256, short, silence, span

DAY = 24 * HOUR
YEAR = 365 * DAY
GONE = [span(days=1)]
MAX_LINES = 2_097_152


def all_vectors():
    for group in (beginnings, silences, expiry, ends, growth):
        yield from group()


def declared(log, lock=None, **more):
    """The policy of a log, with other spans."""
    return log.policy(**({"lock": lock} if lock else {}), logs=[log.log_policy(**more)])


def beginnings():
    """A1.5: a log without a segment."""
    log = log_of(1)
    nothing = {".keep": b""}
    patient = [silence(0, 50 * YEAR)]
    yield no_verdict("log-has-just-begun", "a log without a segment, and before its first silence is over", log, declared(log, max_silence=patient), objects=nothing)
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
    yield at(exceeded, "by-a-microsecond", "a silence that is a microsecond too long", [(0, 2 * HOUR)], one, 2 * HOUR + 0.000001)
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
    yield fault("frame-corrupt", "before-a-long-silence", "beside a segment that is not sound, silence is not judged", log, object=0, index=2, objects=broken)
    yield last_and_silent()
    hiding = log_of(1)
    hiding.head.sealed = 9 * HOUR
    hiding.add((), opened=9 * HOUR, sealed=9 * HOUR)
    yield fault("sealed-before-mismatch", "hides-a-silence", "a forged `sealed_before` does not hide a silence", hiding, line=1, index=3, faults=2)
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
    return fault("frame-corrupt", "last-and-silent", "after a segment that is not sound, silence is not judged", log, objects=torn, index=6, at=99 * HOUR)


def expiry():
    """A3."""
    log = log_of(6)
    rest = without(log, 2, 3)
    yield good("expired-in-an-own-lock", "the log's own spans count in place of the document's", log, log.policy(logs=[log.log_policy(lock=GONE)]), objects=rest)
    yield fault(
        "segment-missing",
        "kept-by-an-own-lock",
        "the log's own spans keep longer than the document's",
        log,
        log.policy(lock=GONE, logs=[log.log_policy(lock=[span()])]),
        objects=rest,
        object=2,
    )
    later = [span(days=1), span(76 * YEAR)]
    yield good("expired-before-a-span-of-the-future", "a retention counts from when the absent ones were sealed, not from the end of its span", log, log.policy(lock=later), objects=rest)
    long_ = log_of(9)
    yield good("expired-for-long", "over absent segments no silence is judged", long_, long_.policy(lock=GONE), objects=without(long_, 2, 3, 4, 5))
    # Segment 1 was sealed at 1:01:00, and segment 4 says that segment 3 was at 3:01:00.
    last, before = HOUR + 60, 3 * HOUR + 60
    for code, name, what, spans in (
        (None, "expired-before-a-longer-retention", "a longer retention that begins after the absent ones were sealed", [span(days=1), span(before + 0.000001)]),
        ("segment-missing", "under-a-longer-retention", "a longer retention that began when the last absent one was sealed", [span(days=1), span(before)]),
        ("segment-missing", "under-a-longer-retention-for-a-time", "a longer retention that lasted for a time between the segments beside them", [span(days=1), span(2 * HOUR), span(2 * HOUR + 1, days=1)]),
        (None, "expired-after-a-longer-retention", "a longer retention that ended when the last one before them was sealed", [span(), span(last, days=1)]),
        ("segment-missing", "at-the-end-of-a-longer-retention", "a longer retention that ended after the last one before them was sealed", [span(), span(last + 0.000001, days=1)]),
    ):
        if code:
            yield fault(code, name, what, log, log.policy(lock=spans), objects=rest, object=2)
        else:
            yield good(name, what, log, log.policy(lock=spans), objects=rest)
    young = log_of(3)
    forged = young.head.copy()
    forged.sealed = -10 * YEAR
    young.head = forged
    young.add()
    yield fault(
        "segment-missing",
        "of-a-young-log",
        "a forged `sealed_before` long before the log began",
        young,
        young.policy(lock=[span(-11 * YEAR, days=1), span(-YEAR)]),
        objects=without(young, 0, 1, 2),
        object=0,
    )
    yield fault(
        "segment-missing",
        "forged-after-present-ones",
        "a forged `sealed_before` from before the segments that are still there",
        young,
        young.policy(lock=[span(-11 * YEAR, days=1), span(-YEAR)]),
        objects=without(young, 1, 2),
        object=1,
        faults=2,
    )
    began = {"began": short(-YEAR)}
    skew = [span(-2 * YEAR, days=36_500), span(-YEAR - 300, days=1)]
    yield good("expired-from-the-skew-before-it-began", "what was absent first is at most as old as the log less the skew", log, log.policy(lock=skew, logs=[log.log_policy(**began)]), objects=without(log, 0))
    wider = [span(-2 * YEAR, days=36_500), span(-YEAR - 299, days=1)]
    yield fault("segment-missing", "within-the-skew-before-it-began", "a longer retention lasted into the skew before the log began", log, log.policy(lock=wider, logs=[log.log_policy(**began)]), objects=without(log, 0), object=0)
    unsound = {**without(log, 2), log.name(3): b"?"}
    yield fault("frame-form", "after-absent-ones", "before a segment that is not sound nobody knows what may be absent", log, objects=unsound, object=3)
    p = {**without(log, 3), log.name(2): b"?"}
    yield fault("frame-form", "before-expired-ones", "the last sound segment is one before the last present one", log, log.policy(lock=[span(), span(last, days=1)]), object=2, objects=p)


def ends():
    """A3 and V10: a log that has ended may become empty."""
    log = log_of(4)
    end = {"ended": log.end(3)}
    keep, lose = declared(log, **end), declared(log, GONE, **end)
    yield good("ended-and-empty", "an ended log of which everything has expired", log, lose, objects={".keep": b""})
    yield fault("segment-missing", "of-an-ended-log", "an ended log of which nothing is there, although nothing has expired", log, keep, objects={".keep": b""}, object=0)
    yield good("ended-without-its-last-segment", "an ended log loses its segments in any order", log, lose, objects=without(log, 1, 3))
    sealed = log.heads[3].sealed
    for code, name, what, spans in (
        ("segment-missing", "sealed-at-the-end", "the end was sealed when a longer retention had begun", [span(days=1), span(sealed)]),
        (None, "ended-before-a-longer-retention", "the end was sealed before a longer retention began", [span(days=1), span(sealed + 1)]),
    ):
        policy_, objects = declared(log, spans, **end), without(log, 3)
        yield fault(code, name, what, log, policy_, objects=objects, object=3) if code else good(name, what, log, policy_, objects=objects)
    longer = log_of(6)
    after = {**longer.objects, longer.name(4): b"garbage\n", longer.name(5): b""}
    yield good("garbage-after-the-end", "what is stored after the declared end is not judged, whatever it holds", longer, declared(longer, ended=longer.end(3)), objects=after)
    yield good("silent-after-the-end", "an ended log is silent for as long as it likes", log, keep, at=9 * YEAR)


def growth():
    """A4: over a gap the log must have grown as logs grow."""
    log = log_of(2)
    size = log.head.range.size

    def over(index, sealed=HOUR * 3, number=4):
        """The log with segments 2 to 3 absent and segment 4 beginning at `index`."""
        forged = log_of(2)
        forged.head.number, forged.head.sealed = number, sealed
        forged.head.range = range_of(index)
        forged.heads += [forged.head] * (number - 2)
        return forged.add()

    for code, name, what, index in (
        (None, "grown-by-empty-segments", "two absent segments of two lines", size + 4),
        ("index-mismatch", "grown-too-little", "two absent segments with a line less than two segments have", size + 3),
        (None, "grown-by-full-segments", "two absent segments with as many lines as they can have", size + 2 * MAX_LINES),
        ("index-mismatch", "grown-too-much", "two absent segments with a line more than they can have", size + 2 * MAX_LINES + 1),
        ("index-mismatch", "not-grown", "a segment after absent ones begins where the one before them ended", size),
    ):
        forged = over(index)
        policy_ = declared(forged, GONE)
        if code:
            yield fault(code, name, what, forged, policy_, object=4, line=1, index=index)
        else:
            yield good(name, what, forged, policy_)
    early = over(size + 4, sealed=HOUR + 59)
    yield fault("sealed-before-mismatch", "over-absent-segments", "a `sealed_before` before `sealed` of the last present segment", early, declared(early, GONE), object=4, line=1, index=size + 4)
    same = over(size + 4, sealed=HOUR + 60)
    yield good("sealed-before-as-last-sealed", "absent segments that were sealed together with the one before them", same, declared(same, GONE))
    less = over(size + 3, sealed=HOUR + 59)
    yield fault("index-mismatch", "before-sealed-before-over-absent-segments", "an index and a `sealed_before` that cannot follow", less, declared(less, GONE), object=4, line=1, index=size + 3)
    for code, name, what, number, index in (
        ("index-mismatch", "segment-1-after-nothing", "segment 1 begins at 4, and segment 0 has expired", 1, 4),
        (None, "segment-3-after-nothing", "segment 3 after two empty segments, and nothing is left before it", 3, 7),
        ("index-mismatch", "segment-3-after-nothing", "segment 3 begins too early, and nothing is left before it", 3, 6),
        ("index-mismatch", "segment-3-too-late", "segment 3 begins too late, and nothing is left before it", 3, 3 + 2 * MAX_LINES + 1),
    ):
        forged = log_of(1)
        forged.head.number, forged.head.sealed, forged.head.range = number, 60, range_of(index)
        forged.heads += [forged.head] * (number - 1)
        forged.add()
        policy_, objects = declared(forged, GONE), without(forged, 0)
        if code:
            yield fault(code, name, what, forged, policy_, objects=objects, object=number, line=1, index=index)
        else:
            yield good(name, what, forged, policy_, objects=objects)


def range_of(size):
    """A compact range of some size, of which nobody knows the leaves."""
    made_up = Range()
    made_up.size = size
    made_up.trees = [(1 << bit, sha256(bytes([bit]))) for bit in range(size.bit_length() - 1, -1, -1) if size >> bit & 1]
    return made_up
