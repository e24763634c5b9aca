"""F11, F12, and what neighbours say of each other."""

from cases.edits import inflated
from cases.vector import edited, fault, log_of
from forge import EVENTS, compressed, sha256


def heads():
    """F11, F12 and what neighbours say of each other."""
    yield edited(
        "size-mismatch", "one-more", "a checkpoint over a line more", {"head": lambda head: (head[0] + 1, head[1])}, 5, 7
    )
    yield edited(
        "root-mismatch",
        "other-root",
        "a checkpoint with another root",
        {"head": lambda head: (head[0], sha256(b"x"))},
        5,
        7,
    )
    log = log_of(1).add(edits={"frame 1": lambda frame: compressed(inflated(frame).replace(b"bob", b"eve"))})
    yield fault("prev-mismatch", "entry-edited", "an entry edited, nothing else changed", log, line=4, index=6)
    for code, name, what, change in (
        (
            "prev-mismatch",
            "neighbour",
            "a segment that follows another past",
            lambda head: setattr(head, "last", sha256(b"x")),
        ),
        ("left-mismatch", "neighbour", "a segment whose `left` holds a forged subtree, signed", forged_subtree),
        (
            "sealed-before-mismatch",
            "neighbour",
            "a segment that says another `sealed_before`",
            lambda head: setattr(head, "sealed", 30),
        ),
    ):
        forked = log_of(2)
        change(forked.head)
        forked.add()
        yield fault(code, name, what, forked, object=2, line=1, index=7)
    for code, name, what, changes in (
        (
            "index-mismatch",
            "neighbour-before-prev",
            "another index and another `prev` than the predecessor's",
            (one_less, other_last),
        ),
        (
            "prev-mismatch",
            "neighbour-before-left",
            "another `prev` and another `left` than the predecessor's",
            (other_last, forged_subtree),
        ),
        (
            "left-mismatch",
            "neighbour-before-sealed-before",
            "another `left` and another `sealed_before` than the predecessor's",
            (forged_subtree, other_sealed),
        ),
    ):
        forked = log_of(2)
        for change in changes:
            change(forked.head)
        forked.add()
        yield fault(code, name, what, forked, object=2, line=1, index=6 if code == "index-mismatch" else 7)
    unsound = log_of(4)
    unsound.objects[unsound.name(1)] = b"garbage"
    yield fault("frame-form", "between-sound-ones", "a segment is not compared with one that is not its neighbour", unsound)
    shorter = log_of(2)
    shorter.head.range = log_of(1).add((EVENTS[0],)).head.range
    shorter.add()
    yield fault(
        "index-mismatch",
        "neighbour",
        "a segment that begins before its predecessor ends",
        shorter,
        object=2,
        line=1,
        index=6,
    )
    longer = log_of(1).add().add()
    replaced = log_of(1).add(("1", "2", "3"))
    yield fault(
        "index-mismatch",
        "predecessor-replaced",
        "a good segment of another history in the place of one",
        longer,
        object=2,
        objects={**longer.objects, longer.name(1): replaced.objects[replaced.name(1)]},
        line=1,
        index=7,
    )


def one_less(head):
    head.range = log_of(1).add((EVENTS[0],)).head.range


def other_last(head):
    head.last = sha256(b"x")


def other_sealed(head):
    head.sealed = 30


def forged_subtree(head):
    head.range.trees[0] = (head.range.trees[0][0], sha256(b"forged"))
