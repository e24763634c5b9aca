"""Dated spans: what was in force when, how long a log could be silent (A2), and what must still be there (A3)."""

from dataclasses import dataclass

SECOND = 1_000_000
DAY = 86_400 * SECOND
FOREVER = float("inf")


@dataclass
class Lock:
    """From when on objects are kept for how long, in microseconds like all times here."""

    start: int
    retention: int


@dataclass
class Silence:
    """From when on a log may be silent for how long."""

    start: int
    length: int


def at(spans, time):
    """The last span that began by `time`, or the first one where none had begun."""
    return ([span for span in spans if span.start <= time] or spans[:1])[-1]


def lasting(spans):
    """Each span, from when and until when it lasts: the first one from the beginning of time, the last one for ever."""
    starts = [-FOREVER, *[span.start for span in spans[1:]], FOREVER]
    return list(zip(spans, starts, starts[1:]))


def deadline(silences, last):
    """A2: until when the sign of life at `last` may be the last one."""
    length = at(silences, last).length
    due = last + length
    for later in silences:
        if later.start <= last or later is at(silences, last):
            continue
        if later.start >= due:
            break
        if later.length >= length:
            due = max(due, last + later.length)
        else:
            due = min(due, later.start + later.length)
        length = later.length
    return due


def kept_until(locks, since, until):
    """A3: until when something must be kept that was stored at some time from `since` to `until`."""
    meets = [(span, min(end, until)) for span, start, end in lasting(locks) if start <= until and end > since]
    return max(last + span.retention for span, last in meets)


def short_retentions(locks, silences):
    """Each overlap of two spans in which the retention is less than twice the silence, as (lock, end of the overlap)."""
    for lock, lock_start, lock_end in lasting(locks):
        for silence, start, end in lasting(silences):
            overlap = min(lock_end, end)
            if max(lock_start, start) < overlap and lock.retention < 2 * silence.length:
                yield lock, overlap
