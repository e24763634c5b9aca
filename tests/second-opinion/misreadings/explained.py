"""Misreadings of A6 and of acknowledged findings."""

from misreadings.misreading import Misreading


def absence(rule, what, by, old, new):
    return Misreading(rule, what, by, "absence.py", old, new)


def verify(rule, what, by, old, new):
    return Misreading(rule, what, by, "verify.py", old, new)


MISSING = "segment-missing--"
SILENCE = "silence-exceeded--"
ROLLED = "head-rolled-back--"

ALL = [
    absence(
        "A6",
        "a loss is explained without its pin",
        MISSING + "acknowledged-without-the-pin-inside",
        "(excused(self.loss, pin) or pin_expired",
        "(self.loss or pin_expired",
    ),
    absence(
        "A6",
        "the root of an explained pin is not compared",
        ROLLED + "acknowledged-with-another-root",
        "loss.pin == (pin.segment, pin.size, pin.root)",
        "loss.pin and loss.pin[:2] == (pin.segment, pin.size)",
    ),
    verify(
        "A6",
        "an explained loss does not excuse its pin above the head",
        "good--acknowledged-loss-of-a-pin",
        "if any(absence.excused(loss, self.pin) for loss in absence.losses(self.log, gap)):",
        "if False:",
    ),
    verify(
        "A6",
        "any explained loss excuses a pin above the head",
        ROLLED + "acknowledged-without-the-pin",
        "any(absence.excused(loss, self.pin) for loss in absence.losses(self.log, gap))",
        "absence.losses(self.log, gap)",
    ),
    verify(
        "A6",
        "a loss of another history excuses a pin above the head",
        ROLLED + "acknowledged-after-another-history",
        "for loss in absence.losses(self.log, gap)",
        "for loss in [entry.found for entry in self.log.acknowledged if entry.code == 'segment-missing']",
    ),
    absence(
        "A6",
        "a loss explains the whole gap",
        MISSING + "part-before-the-acknowledged",
        "        if at < loss.first:\n            yield Part(at, loss.first - 1, since, until)\n",
        "",
    ),
    absence(
        "A6",
        "a loss explains all that follows it",
        MISSING + "part-after-the-acknowledged",
        "    if at <= gap.last:\n        yield Part(at",
        "    if at <= gap.last and not losses(log, gap):\n        yield Part(at",
    ),
    absence(
        "A6",
        "a gap has one explained loss",
        "good--acknowledged-losses-that-overlap",
        "for loss in sorted(losses(log, gap), key=lambda loss: loss.first):",
        "for loss in sorted(losses(log, gap), key=lambda loss: loss.first)[:1]:",
    ),
    absence(
        "A6",
        "losses are in the order of the policy",
        "good--acknowledged-losses-in-any-order",
        "sorted(losses(log, gap), key=lambda loss: loss.first)",
        "losses(log, gap)",
    ),
    absence(
        "Acknowledged",
        "a loss is explained wherever it is",
        MISSING + "earlier-than-the-acknowledged",
        "return meets and fits_itself",
        "return fits_itself",
    ),
    absence(
        "Acknowledged",
        "the log before a loss is not compared",
        MISSING + "acknowledged-before-another-root",
        " and fits_left(loss, gap) and",
        " and",
    ),
    absence(
        "Acknowledged",
        "the log after a loss is not compared",
        MISSING + "acknowledged-after-another-root",
        " and fits_right(loss, gap, ended)",
        "",
    ),
    absence(
        "Acknowledged",
        "only the root before a loss is compared",
        MISSING + "acknowledged-before-another-size",
        "(loss.first - 1, *loss.before[:2])",
        "(loss.first - 1, here.size, loss.before[1])",
    ),
    absence(
        "Acknowledged",
        "only the root after a loss is compared",
        MISSING + "acknowledged-after-another-size",
        "return loss.after == (gap.after.index, left_root(gap.after))",
        "return bool(loss.after) and loss.after[1] == left_root(gap.after)",
    ),
    absence(
        "Acknowledged",
        "a loss covers only just what was lost, at its beginning",
        "good--acknowledged-loss-found-again",
        "    if gap.first > loss.first:\n        return True\n",
        "    if gap.first > loss.first:\n        return False\n",
    ),
    absence(
        "Acknowledged",
        "a loss covers only just what was lost, at its end",
        "good--acknowledged-larger-loss",
        "    if gap.last < loss.last:\n        return True\n",
        "    if gap.last < loss.last:\n        return False\n",
    ),
    absence(
        "Acknowledged",
        "what was before a loss in a larger gap is not compared with anything",
        MISSING + "acknowledged-in-a-log-that-did-not-grow",
        "    return grown(begin, number - start, size)\n",
        "    return True\n",
    ),
    absence(
        "Acknowledged",
        "what was after a loss in a larger gap is not compared with anything",
        MISSING + "acknowledged-in-a-log-that-grew-less",
        "return loss.after is not None and grown(loss.after[0], gap.after.number - 1 - loss.last, gap.after.index)",
        "return True",
    ),
    absence(
        "Acknowledged",
        "before and after a loss are not compared with each other",
        MISSING + "acknowledged-with-sides-that-do-not-fit",
        "meets and fits_itself(loss) and",
        "meets and",
    ),
    absence(
        "Acknowledged",
        "an entry without `after` is of any part before the end",
        MISSING + "acknowledged-at-the-tail-and-one-more",
        "return gap.last == loss.last\n    if gap.after is None",
        "return True\n    if gap.after is None",
    ),
    absence(
        "Acknowledged",
        "a loss before the end of an ended log has nothing after it",
        MISSING + "acknowledged-before-the-end",
        "        return ended is not None and loss.last < ended[0] and grown(loss.after[0], ended[0] - loss.last, ended[1])\n",
        "        return False\n",
    ),
    absence(
        "Acknowledged",
        "a loss before the end of an ended log is not compared with its size",
        MISSING + "acknowledged-before-an-end-of-less",
        " and grown(loss.after[0], ended[0] - loss.last, ended[1])",
        "",
    ),
    verify(
        "Acknowledged",
        "no silence is explained",
        "good--acknowledged-silence",
        "if any(start <= since and until <= end for start, end in known):",
        "if False:",
    ),
    verify(
        "Acknowledged",
        "an explained silence may begin earlier",
        SILENCE + "acknowledged-from-later",
        "start <= since and until <= end",
        "until <= end",
    ),
    verify(
        "Acknowledged",
        "an explained silence may go on",
        SILENCE + "acknowledged-until-earlier",
        "start <= since and until <= end",
        "start <= since",
    ),
    verify(
        "Acknowledged",
        "a silence is explained by just its own ends",
        "good--acknowledged-longer-silence",
        "start <= since and until <= end",
        "start == since and until == end",
    ),
    Misreading(
        "Acknowledged",
        "an entry is of every log",
        SILENCE + "acknowledged-for-another-log",
        "policy.py",
        "[entry for entry in entries if entry.log == origin]",
        "entries",
    ),
]
