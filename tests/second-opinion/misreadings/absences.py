"""Misreadings of A1 to A6, of what an acknowledged finding covers, and of pins."""

from misreadings.misreading import Misreading


def spans(rule, what, by, old, new):
    return Misreading(rule, what, by, "spans.py", old, new)


def absence(rule, what, by, old, new):
    return Misreading(rule, what, by, "absence.py", old, new)


def verify(rule, what, by, old, new):
    return Misreading(rule, what, by, "verify.py", old, new)


MISSING, SILENCE, FORKED = "segment-missing--", "silence-exceeded--", "head-forked--"
ROLLED = "head-rolled-back--"
GROWN = "    return size + 2 * segments <= later <= size + MAX_LINES * segments\n"

ALL = [
    # A1 and V6
    verify("A1.5", "an empty log is a fault from the beginning", "no-verdict--log-has-just-begun",
           "spans.deadline(self.log.silences, self.log.began) >= self.times.now", "False"),
    verify("A1.5", "an empty log has the longest of its silences", "log-empty--silence-tightened",
           "spans.deadline(self.log.silences, self.log.began)", "self.log.began + max(span.length for span in self.log.silences)"),
    verify("A1.5", "a pinned log may be empty as long as an unpinned one", "log-empty--pinned-and-just-begun", "self.pin is None and ", ""),
    verify("V6", "a log may be empty", "log-empty--nothing", "            self.report.fault(None, Fault(\"log-empty\"", "            self.report.undecided and self.report.fault(None, Fault(\"log-empty\""),
    # A2
    spans("A2", "a silence is too long at its deadline", "good--silence-of-just-so-long", "    return due\n", "    return due - 1\n"),
    spans("A2", "a silence may be a second longer", SILENCE + "by-a-microsecond", "    return due\n", "    return due + SECOND - 1\n"),
    spans("A2", "only the smallest silence counts", "good--silence-until-it-was-tightened", "    length = at(silences, last).length\n", "    return last + min(span.length for span in silences)\n    length = 0\n"),
    spans("A2", "only the last span counts", SILENCE + "only-the-last-span-is-long", "    length = at(silences, last).length\n", "    return last + silences[-1].length\n    length = 0\n"),
    spans("A2", "only the first span counts", "good--silence-loosened-before-the-deadline", "    length = at(silences, last).length\n", "    return last + silences[0].length\n    length = 0\n"),
    spans("A2", "the longest silence that was ever allowed counts", SILENCE + "cut-back-to-before-it-was-tightened", "    length = at(silences, last).length\n", "    return last + max(span.length for span in silences)\n    length = 0\n"),
    spans("A2", "only the span of the last sign of life counts", SILENCE + "cut-back-to-before-it-was-tightened", "    for later in silences:\n", "    for later in []:\n"),
    spans("A2", "a span that begins at the deadline moves it", SILENCE + "loosened-after-the-deadline", "if later.start >= due:", "if later.start > due:"),
    spans("A2", "a later span moves a deadline that has passed", SILENCE + "loosened-after-the-deadline", "        if later.start >= due:\n            break\n", ""),
    spans("A2", "a longer silence counts from the beginning of its span", SILENCE + "loosened-and-counted-from-the-last-segment", "due = max(due, last + later.length)", "due = max(due, later.start + later.length)"),
    spans("A2", "a shorter silence counts from the last sign of life", "good--silence-until-it-was-tightened", "due = min(due, later.start + later.length)", "due = min(due, last + later.length)"),
    spans("A2", "a shorter silence begins again with its span", SILENCE + "old-deadline-before-the-new-one", "due = min(due, later.start + later.length)", "due = later.start + later.length"),
    spans("A2", "the silence of the first span is what later ones are compared with", "good--silence-tightened-and-loosened-less", "        length = later.length\n", ""),
    spans("A2", "a span does not count at its first moment", "good--silence-at-the-beginning-of-a-span", "if span.start <= time]", "if span.start < time]"),
    spans("A2", "before the first span the second one counts", SILENCE + "before-the-first-span", "or spans[:1])[-1]", "or spans[1:2])[-1]"),
    verify("V24", "the silence before segment 0 is not judged", SILENCE + "before-the-first", "if before or segment.number == 0:", "if before:"),
    verify("V24", "the silence between segments is not judged", SILENCE + "between", "if before or segment.number == 0:", "if segment.number == 0:"),
    verify("V24", "the silence after the last segment is not judged", SILENCE + "tail", "elif head and not self.log.ended:", "elif False:"),
    verify("V24", "the silence after the end of a log is judged", "good--silent-after-the-end", "elif head and not self.log.ended:", "elif head:"),
    verify("V24", "the silence over absent segments is judged", "good--expired-for-long", "        if before or segment.number == 0:\n            yield from self.silence(before.sealed if before else self.log.began,", "        if self.last or segment.number == 0:\n            yield from self.silence(self.last.sealed if self.last else self.log.began,"),
    verify("V24", "the silence beside a segment that is not sound is judged", "frame-corrupt--before-a-long-silence", "        if before or segment.number == 0:\n            yield from self.silence(before.sealed if before else self.log.began,", "        if before or segment.number <= 1:\n            yield from self.silence(before.sealed if before else self.log.began,"),
    verify("V24", "the silence before a segment is judged by its sealed_before", "sealed-before-mismatch--hides-a-silence", "self.silence(before.sealed if before", "self.silence(segment.sealed_before if before"),
    verify("V24", "the silence after a last segment that is not sound is judged", "frame-corrupt--last-and-silent", "head = self.last if self.last and self.last.number == self.number else None", "head = self.last"),
    # A3
    absence("A3", "absent segments have always expired", MISSING + "middle", "return self.loss is not None or spans.kept_until(log.locks, self.since, self.until) < now", "return True"),
    absence("A3", "absent segments never expire", "good--expired-middle", "spans.kept_until(log.locks, self.since, self.until) < now", "False"),
    spans("A3", "any span that was passed is enough", MISSING + "under-a-longer-retention-for-a-time", "return max(last + span.retention", "return min(last + span.retention"),
    spans("A3", "only the last span counts", MISSING + "under-a-longer-retention-for-a-time", "return max(last + span.retention for span, last in meets)", "return meets[-1][1] + meets[-1][0].retention"),
    spans("A3", "only the first span counts", MISSING + "under-a-longer-retention", "return max(last + span.retention for span, last in meets)", "return meets[0][1] + meets[0][0].retention"),
    spans("A3", "a span that begins with the last absent one does not count", MISSING + "under-a-longer-retention", "if start <= until and", "if start < until and"),
    spans("A3", "a span that ended when the one before was sealed counts", "good--expired-after-a-longer-retention", "end > since]", "end >= since]"),
    spans("A3", "a span's retention counts from its own end although the next one begins later", "good--expired-before-a-span-of-the-future", "(span, min(end, until))", "(span, end if end < FOREVER else until)"),
    absence("A3", "what a segment says of the one before it is enough", MISSING + "forged-after-present-ones", "until = max(since, gap.after.sealed_before if gap.after else log.ended.sealed)", "until = gap.after.sealed_before if gap.after else max(since, log.ended.sealed)\n    since = min(since, until)"),
    absence("A3", "a log may be older than it is", MISSING + "of-a-young-log", "else log.began - skew\n    until = max(since,", "else -1 << 60\n    until = max(since,"),
    absence("A3", "a log has nothing from before it began", MISSING + "within-the-skew-before-it-began", "log.began - skew", "log.began"),
    absence("A3", "the skew before a log began is a second longer", "good--expired-from-the-skew-before-it-began", "log.began - skew", "log.began - skew - spans.SECOND"),
    absence("A3", "absent segments were stored when the last present one was", MISSING + "under-a-longer-retention", "spans.kept_until(log.locks, self.since, self.until)", "spans.kept_until(log.locks, self.since, self.since)"),
    absence("A3", "absent segments were stored when the next one says", "segment-missing--at-the-end-of-a-longer-retention", "spans.kept_until(log.locks, self.since, self.until)", "spans.kept_until(log.locks, self.until, self.until)"),
    absence("A3", "an end was stored when the last present segment was", MISSING + "sealed-at-the-end", "gap.after.sealed_before if gap.after else log.ended.sealed", "gap.after.sealed_before if gap.after else since"),
    absence("A3", "an end counts from now", "good--ended-before-a-longer-retention", "gap.after.sealed_before if gap.after else log.ended.sealed", "gap.after.sealed_before if gap.after else 1 << 60"),
    verify("A3", "an ended log has a segment", "good--ended-and-empty", "if numbers or self.log.ended:", "if numbers:"),
    verify("V9", "an ended log may stop early", MISSING + "end", "            self.gap(self.end, None)\n        elif head", "            pass\n        elif head"),
    verify("A3", "before a segment that is not sound nothing may be absent", "frame-form--after-absent-ones", "self.report.undecided.append(f\"whether segments {gap.first} to {last} may be absent\")", "self.report.fault(self.log.name(gap.first), Fault('segment-missing', ''))"),
    verify("A3", "the last sound segment is the one just before the gap", "frame-form--before-expired-ones", "gap = absence.Gap(self.number + 1, last, self.last, after)", "gap = absence.Gap(self.number + 1, last, self.last if self.last and self.last.number == self.number else None, after)"),
    # A4
    absence("A4", "a log may grow by one line in a segment", "index-mismatch--grown-too-little", GROWN, GROWN.replace("2 * segments", "segments")),
    absence("A4", "a log grows by three lines in a segment", "good--grown-by-empty-segments", GROWN, GROWN.replace("2 * segments", "3 * segments")),
    absence("A4", "a log may grow by any number of lines", "index-mismatch--grown-too-much", GROWN, "    return size + 2 * segments <= later\n"),
    absence("A4", "a log grows by less lines than it can", "good--grown-by-full-segments", GROWN, GROWN.replace("later <= size", "later < size")),
    absence("A4", "the segment after a gap counts as absent too", "good--grown-by-empty-segments", "if not grown(size, after.number - 1 - number, after.index):", "if not grown(size, after.number - number, after.index):"),
    absence("A4", "without a segment before it a log begins at nothing", "index-mismatch--segment-1-after-nothing", "(before.number, before.size) if before else (0, 3)\n    if not grown", "(before.number, before.size) if before else (-1, 0)\n    if not grown"),
    absence("A4", "sealed_before is not compared over a gap", "sealed-before-mismatch--over-absent-segments", "if before and after.sealed_before < before.sealed:", "if False:"),
    absence("A4", "absent segments are sealed after the one before them", "good--sealed-before-as-last-sealed", "after.sealed_before < before.sealed:", "after.sealed_before <= before.sealed:"),
    absence("A4", "sealed_before is looked at before the index", "index-mismatch--before-sealed-before-over-absent-segments", "    if not grown(size, after.number - 1 - number, after.index):", "    if before and after.sealed_before < before.sealed:\n        return Fault('sealed-before-mismatch', '', 1, after.index)\n    if not grown(size, after.number - 1 - number, after.index):"),
    absence("A4", "an absent pinned segment is not a border", FORKED + "before-its-successor-by-root", "if pin is not None and gap.first <= pin.segment <= gap.last:\n        if", "if False:\n        if"),
    absence("A4", "the direct successor of a pinned segment only has to grow", FORKED + "before-its-successor-by-root", "    if after.number == pin.segment + 1:\n", "    if False:\n"),
    absence("A4", "the index after a pinned segment is not compared", FORKED + "before-its-successor-by-size", "(after.index, after.sealed_before, left_root(after)) == (pin.size, pin.sealed, pin.root)", "(after.sealed_before, left_root(after)) == (pin.sealed, pin.root)"),
    absence("A4", "sealed_before after a pinned segment is not compared", FORKED + "before-its-successor-by-time", "(after.index, after.sealed_before, left_root(after)) == (pin.size, pin.sealed, pin.root)", "(after.index, left_root(after)) == (pin.size, pin.root)"),
    absence("A4", "sealed_before after a pinned segment may be later", FORKED + "before-its-successor-by-later-time", "(after.index, after.sealed_before, left_root(after)) == (pin.size, pin.sealed, pin.root)", "(after.index, left_root(after)) == (pin.size, pin.root) and after.sealed_before >= pin.sealed"),
    absence("A4", "the growth from a pinned segment is not judged", FORKED + "grown-too-little-from-the-pin", "return grown(pin.size, after.number - 1 - pin.segment, after.index) and", "return"),
    absence("A4", "the growth from a pinned segment has no upper bound", FORKED + "grown-too-much-from-the-pin", "return grown(pin.size, after.number - 1 - pin.segment, after.index) and", "return pin.size + 2 * (after.number - 1 - pin.segment) <= after.index and"),
    absence("A4", "sealed_before is not compared with an earlier pinned segment", FORKED + "pin-sealed-late", " and after.sealed_before >= pin.sealed\n", "\n"),
    absence("A4", "segments are sealed after an absent pinned one", "good--pin-sealed-as-the-one-after", "after.sealed_before >= pin.sealed\n", "after.sealed_before > pin.sealed\n"),
    absence("A4", "the growth up to a pinned segment is not judged", FORKED + "grown-too-little-to-the-pin", "return grown(size, pin.segment - number, pin.size) and", "return"),
    absence("A4", "the segments up to a pinned one are counted without it", FORKED + "grown-too-little-to-the-pin", "pin.segment - number, pin.size)", "pin.segment - number - 1, pin.size)"),
    absence("A4", "without a segment before it a pinned segment may have any size", FORKED + "grown-too-little-to-the-pin-from-nothing", "and to_pin(before, pin)):", "and (not before or to_pin(before, pin))):"),
    absence("A4", "a pinned segment may be sealed before the one before it", FORKED + "pin-sealed-early", "(before is None or pin.sealed >= before.sealed)", "True"),
    absence("A4", "a pinned segment is sealed after the one before it", "good--pin-sealed-as-the-one-before", "pin.sealed >= before.sealed)", "pin.sealed > before.sealed)"),
    # A5
    verify("A5", "a pin above the end is taken for rollback", "good--pin-above-the-end", "        # A5: a pin above the declared end is disowned.\n        self.pin = None if pin and log.ended and pin.segment > self.end else pin", "        self.pin = pin\n        if pin and log.ended and pin.segment > self.end:\n            self.report.fault(None, Fault('head-rolled-back', ''))"),
    verify("A5", "a pin at the end is disowned", FORKED + "at-the-end", "log.ended and pin.segment > self.end", "log.ended and pin.segment >= self.end"),
    verify("A5", "the size of a pin is not compared", FORKED + "other-size", "place(self.pin) != place(segment)", "self.pin.root != segment.root"),
    verify("A5", "the root of a pin is not compared", FORKED + "other-root", "place(self.pin) != place(segment)", "self.pin.size != segment.size"),
    verify("A5", "the sealed of a present pinned segment is compared", "good--pin-of-another-time", "place(self.pin) != place(segment)", "(place(self.pin), self.pin.sealed) != (place(segment), segment.sealed)"),
    verify("A5", "a log may end before its pin", ROLLED + "tail-cut-off", "            self.pin_above(head)\n", "            pass\n"),
    verify("A5", "a pin never expires", "good--pin-that-has-expired", "elif not absence.pin_expired(self.pin, self.log, self.times.now):", "else:"),
    absence("A5", "a pin expires with the retention of now", ROLLED + "kept-by-an-earlier-span", "log.retention(pin.time())", "log.locks[-1].retention"),
    absence("A5", "a pin expires with the first retention", ROLLED + "kept-by-a-later-span", "log.retention(pin.time())", "log.locks[0].retention"),
    Misreading("A5", "a pin of a bucket counts from when it was sealed", ROLLED + "kept-since-it-was-stored", "pins.py", "return self.sealed if self.stored is None else self.stored", "return self.sealed"),
    absence("A5", "a pinned segment in a gap expires like the others", MISSING + "pinned", "        if pin and self.first <= pin.segment <= self.last and", "        if False and"),
    absence("A5", "a pinned segment in a gap never expires", "good--pin-in-a-gap", "(excused(self.loss, pin) or pin_expired(pin, log, now))", "excused(self.loss, pin)"),
    verify("A5", "pins are of every log", "good--pin-of-another-log", "heads.get(log.origin)", "next(iter(heads.values()), None)"),
    # A6
    absence("A6", "a loss is explained without its pin", MISSING + "acknowledged-without-the-pin-inside", "(excused(self.loss, pin) or pin_expired", "(self.loss or pin_expired"),
    absence("A6", "the root of an explained pin is not compared", ROLLED + "acknowledged-with-another-root", "loss.pin == (pin.segment, pin.size, pin.root)", "loss.pin and loss.pin[:2] == (pin.segment, pin.size)"),
    verify("A6", "an explained loss does not excuse its pin above the head", "good--acknowledged-loss-of-a-pin", "if any(absence.excused(loss, self.pin) for loss in absence.losses(self.log, gap)):", "if False:"),
    verify("A6", "any explained loss excuses a pin above the head", ROLLED + "acknowledged-without-the-pin", "any(absence.excused(loss, self.pin) for loss in absence.losses(self.log, gap))", "absence.losses(self.log, gap)"),
    verify("A6", "a loss of another history excuses a pin above the head", ROLLED + "acknowledged-after-another-history", "for loss in absence.losses(self.log, gap)", "for loss in [entry.found for entry in self.log.acknowledged if entry.code == 'segment-missing']"),
    absence("A6", "a loss explains the whole gap", MISSING + "part-before-the-acknowledged", "        if at < loss.first:\n            yield Part(at, loss.first - 1, since, until)\n", ""),
    absence("A6", "a loss explains all that follows it", MISSING + "part-after-the-acknowledged", "    if at <= gap.last:\n        yield Part(at", "    if at <= gap.last and not losses(log, gap):\n        yield Part(at"),
    absence("A6", "a gap has one explained loss", "good--acknowledged-losses-that-overlap", "for loss in sorted(losses(log, gap), key=lambda loss: loss.first):", "for loss in sorted(losses(log, gap), key=lambda loss: loss.first)[:1]:"),
    absence("A6", "losses are in the order of the policy", "good--acknowledged-losses-in-any-order", "sorted(losses(log, gap), key=lambda loss: loss.first)", "losses(log, gap)"),
    absence("Acknowledged", "a loss is explained wherever it is", MISSING + "earlier-than-the-acknowledged", "return meets and fits_itself", "return fits_itself"),
    absence("Acknowledged", "the log before a loss is not compared", MISSING + "acknowledged-before-another-root", " and fits_left(loss, gap) and", " and"),
    absence("Acknowledged", "the log after a loss is not compared", MISSING + "acknowledged-after-another-root", " and fits_right(loss, gap, ended)", ""),
    absence("Acknowledged", "only the root before a loss is compared", MISSING + "acknowledged-before-another-size", "(loss.first - 1, *loss.before[:2])", "(loss.first - 1, here.size, loss.before[1])"),
    absence("Acknowledged", "only the root after a loss is compared", MISSING + "acknowledged-after-another-size", "return loss.after == (gap.after.index, left_root(gap.after))", "return bool(loss.after) and loss.after[1] == left_root(gap.after)"),
    absence("Acknowledged", "a loss covers only just what was lost, at its beginning", "good--acknowledged-loss-found-again", "    if gap.first > loss.first:\n        return True\n", "    if gap.first > loss.first:\n        return False\n"),
    absence("Acknowledged", "a loss covers only just what was lost, at its end", "good--acknowledged-larger-loss", "    if gap.last < loss.last:\n        return True\n", "    if gap.last < loss.last:\n        return False\n"),
    absence("Acknowledged", "what was before a loss in a larger gap is not compared with anything", MISSING + "acknowledged-in-a-log-that-did-not-grow", "    return grown(begin, number - start, size)\n", "    return True\n"),
    absence("Acknowledged", "what was after a loss in a larger gap is not compared with anything", MISSING + "acknowledged-in-a-log-that-grew-less", "return loss.after is not None and grown(loss.after[0], gap.after.number - 1 - loss.last, gap.after.index)", "return True"),
    absence("Acknowledged", "before and after a loss are not compared with each other", MISSING + "acknowledged-with-sides-that-do-not-fit", "meets and fits_itself(loss) and", "meets and"),
    absence("Acknowledged", "an entry without `after` is of any part before the end", MISSING + "acknowledged-at-the-tail-and-one-more", "return gap.last == loss.last\n    if gap.after is None", "return True\n    if gap.after is None"),
    absence("Acknowledged", "a loss before the end of an ended log has nothing after it", MISSING + "acknowledged-before-the-end", "        return ended is not None and loss.last < ended[0] and grown(loss.after[0], ended[0] - loss.last, ended[1])\n", "        return False\n"),
    absence("Acknowledged", "a loss before the end of an ended log is not compared with its size", MISSING + "acknowledged-before-an-end-of-less", " and grown(loss.after[0], ended[0] - loss.last, ended[1])", ""),
    verify("Acknowledged", "no silence is explained", "good--acknowledged-silence", "if any(start <= since and until <= end for start, end in known):", "if False:"),
    verify("Acknowledged", "an explained silence may begin earlier", SILENCE + "acknowledged-from-later", "start <= since and until <= end", "until <= end"),
    verify("Acknowledged", "an explained silence may go on", SILENCE + "acknowledged-until-earlier", "start <= since and until <= end", "start <= since"),
    verify("Acknowledged", "a silence is explained by just its own ends", "good--acknowledged-longer-silence", "start <= since and until <= end", "start == since and until == end"),
    Misreading("Acknowledged", "an entry is of every log", SILENCE + "acknowledged-for-another-log", "policy.py", "[entry for entry in entries if entry.log == origin]", "entries"),
]
