"""A3 to A6 in a folder: which absent segments have expired, were explained, or are missing."""

from dataclasses import dataclass

import spans
from fault import Fault
from tree import Range

MAX_LINES = 2_097_152  # F16: a segment has 256 MiB of content, and each line more than 128 bytes


@dataclass
class Gap:
    """Absent segments `first` to `last`; the last sound segment before them; the next one, which is sound."""

    first: int
    last: int
    before: object  # a Segment, or None
    after: object  # a Segment, or None


@dataclass
class Part:
    """Absent segments that are judged together: explained by `loss`, or stored at some time from `since` to `until`."""

    first: int
    last: int
    since: int
    until: int
    loss: object = None

    def may_be_absent(self, log, pin, now):
        """A3, A5 and A6: a pinned segment has to have expired itself, or to be named in the loss."""
        if pin and self.first <= pin.segment <= self.last and not (excused(self.loss, pin) or pin_expired(pin, log, now)):
            return False
        return self.loss is not None or spans.kept_until(log.locks, self.since, self.until) < now


@dataclass
class Absence:
    """What is missing, what is explained, and what contradicts itself."""

    faults: list  # (number, Fault)
    acknowledged: int
    to_the_end: bool  # whether the last of the absent segments is missing


def losses(log, gap):
    """The losses that a person has explained and that are of this gap."""
    ended = log.ended and log.ended.position
    found = [entry.found for entry in log.acknowledged if entry.code == "segment-missing"]
    return [loss for loss in found if covers(loss, gap, ended)]


def judge(gap, log, pin, now, skew):
    """All that a gap shows."""
    found = Absence([], 0, False)
    for part in parts(gap, log, skew):
        found.to_the_end = not part.may_be_absent(log, pin, now)
        if found.to_the_end:
            found.faults.append((part.first, Fault("segment-missing", f"{part.first} to {part.last}")))
        elif part.loss:
            found.acknowledged += 1
    return found


def excused(loss, pin):
    """A6: whether an explained loss names the pin."""
    return loss is not None and loss.pin == (pin.segment, pin.size, pin.root)


def pin_expired(pin, log, now):
    """A5: whether the pinned segment may be absent."""
    return pin.time() + log.retention(pin.time()) < now


def parts(gap, log, skew):
    """A3 and A6: a gap, divided by the losses in it that a person has explained."""
    since = gap.before.sealed if gap.before else log.began - skew
    until = max(since, gap.after.sealed_before if gap.after else log.ended.sealed)
    at = gap.first
    for loss in sorted(losses(log, gap), key=lambda loss: loss.first):
        if at < loss.first:
            yield Part(at, loss.first - 1, since, until)
        if at <= loss.last:
            yield Part(max(at, loss.first), min(gap.last, loss.last), since, until, loss)
            at = loss.last + 1
    if at <= gap.last:
        yield Part(at, gap.last, since, until)


def covers(loss, gap, ended):
    """Whether an acknowledged loss is of segments of this gap, with the log as it is on both sides."""
    meets = loss.first <= gap.last and gap.first <= loss.last
    return meets and fits_itself(loss) and fits_left(loss, gap) and fits_right(loss, gap, ended)


def border(loss):
    """The segment before a loss and the size of the log there; segment 0 has three lines."""
    return (loss.first - 1, loss.before[0]) if loss.before else (0, 3)


def fits_itself(loss):
    number, size = border(loss)
    return loss.after is None or grown(size, loss.last - number, loss.after[0])


def fits_left(loss, gap):
    if gap.first > loss.first:
        return True
    here = gap.before
    if gap.first == loss.first:
        there = (loss.first - 1, *loss.before[:2]) if loss.before else None
        return there == ((here.number, here.size, here.root) if here else None)
    number, size = border(loss)
    start, begin = (here.number, here.size) if here else (0, 3)
    return grown(begin, number - start, size)


def fits_right(loss, gap, ended):
    if gap.last < loss.last:
        return True
    if gap.after is None and loss.after is None:
        return gap.last == loss.last
    if gap.after is None:
        return ended is not None and loss.last < ended[0] and grown(loss.after[0], ended[0] - loss.last, ended[1])
    if gap.last == loss.last:
        return loss.after == (gap.after.index, left_root(gap.after))
    return loss.after is not None and grown(loss.after[0], gap.after.number - 1 - loss.last, gap.after.index)


def left_root(segment):
    return Range(segment.index, segment.left).root()


def grown(size, segments, later):
    """A4: whether a log can have grown from `size` to `later` in this many segments."""
    return size + 2 * segments <= later <= size + MAX_LINES * segments


def continues(gap, pin):
    """A4: what the segment after a gap says of the log before it."""
    after, before = gap.after, gap.before
    if pin is not None and gap.first <= pin.segment <= gap.last:
        if not (from_pin(after, pin) and to_pin(before, pin)):
            return Fault("head-forked", "does not continue from the pinned head", 1, after.index)
        return None
    number, size = (before.number, before.size) if before else (0, 3)
    if not grown(size, after.number - 1 - number, after.index):
        return Fault("index-mismatch", "the log cannot have grown to this index", 1, after.index)
    if before and after.sealed_before < before.sealed:
        return Fault("sealed-before-mismatch", "sealed_before is before the last sealed", 1, after.index)
    return None


def to_pin(before, pin):
    number, size = (before.number, before.size) if before else (0, 3)
    return grown(size, pin.segment - number, pin.size) and (before is None or pin.sealed >= before.sealed)


def from_pin(after, pin):
    if after.number == pin.segment + 1:
        return (after.index, after.sealed_before, left_root(after)) == (pin.size, pin.sealed, pin.root)
    return grown(pin.size, after.number - 1 - pin.segment, after.index) and after.sealed_before >= pin.sealed
