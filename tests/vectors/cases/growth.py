"""Vectors of A4: over absent segments, a log must have grown as logs grow."""

from cases.absent import GONE, MAX_LINES, declared, range_of
from cases.vector import fault, good, log_of, without
from forge import HOUR


def all_vectors():
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
        (
            "index-mismatch",
            "grown-too-much",
            "two absent segments with a line more than they can have",
            size + 2 * MAX_LINES + 1,
        ),
        ("index-mismatch", "not-grown", "a segment after absent ones begins where the one before them ended", size),
    ):
        forged = over(index)
        policy_ = declared(forged, GONE)
        if code:
            yield fault(code, name, what, forged, policy_, object=4, line=1, index=index)
        else:
            yield good(name, what, forged, policy_)
    early = over(size + 4, sealed=HOUR + 59)
    yield fault(
        "sealed-before-mismatch",
        "over-absent-segments",
        "a `sealed_before` before `sealed` of the last present segment",
        early,
        declared(early, GONE),
        object=4,
        line=1,
        index=size + 4,
    )
    same = over(size + 4, sealed=HOUR + 60)
    yield good(
        "sealed-before-as-last-sealed",
        "absent segments that were sealed together with the one before them",
        same,
        declared(same, GONE),
    )
    less = over(size + 3, sealed=HOUR + 59)
    yield fault(
        "index-mismatch",
        "before-sealed-before-over-absent-segments",
        "an index and a `sealed_before` that cannot follow",
        less,
        declared(less, GONE),
        object=4,
        line=1,
        index=size + 3,
    )
    for code, name, what, number, index in (
        ("index-mismatch", "segment-1-after-nothing", "segment 1 begins at 4, and segment 0 has expired", 1, 4),
        (None, "segment-3-after-nothing", "segment 3 after two empty segments, and nothing is left before it", 3, 7),
        ("index-mismatch", "segment-3-after-nothing", "segment 3 begins too early, and nothing is left before it", 3, 6),
        (
            "index-mismatch",
            "segment-3-too-late",
            "segment 3 begins too late, and nothing is left before it",
            3,
            3 + 2 * MAX_LINES + 1,
        ),
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
