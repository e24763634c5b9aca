"""Misreadings of A4: over absent segments, a log grows as logs grow."""

from misreadings.misreading import Misreading


def absence(rule, what, by, old, new):
    return Misreading(rule, what, by, "absence.py", old, new)


FORKED = "head-forked--"
GROWN = "    return size + 2 * segments <= later <= size + MAX_LINES * segments\n"

ALL = [
    absence(
        "A4",
        "a log may grow by one line in a segment",
        "index-mismatch--grown-too-little",
        GROWN,
        GROWN.replace("2 * segments", "segments"),
    ),
    absence(
        "A4",
        "a log grows by three lines in a segment",
        "good--grown-by-empty-segments",
        GROWN,
        GROWN.replace("2 * segments", "3 * segments"),
    ),
    absence(
        "A4",
        "a log may grow by any number of lines",
        "index-mismatch--grown-too-much",
        GROWN,
        "    return size + 2 * segments <= later\n",
    ),
    absence(
        "A4",
        "a log grows by less lines than it can",
        "good--grown-by-full-segments",
        GROWN,
        GROWN.replace("later <= size", "later < size"),
    ),
    absence(
        "A4",
        "the segment after a gap counts as absent too",
        "good--grown-by-empty-segments",
        "if not grown(size, after.number - 1 - number, after.index):",
        "if not grown(size, after.number - number, after.index):",
    ),
    absence(
        "A4",
        "without a segment before it a log begins at nothing",
        "index-mismatch--segment-1-after-nothing",
        "(before.number, before.size) if before else (0, 3)\n    if not grown",
        "(before.number, before.size) if before else (-1, 0)\n    if not grown",
    ),
    absence(
        "A4",
        "sealed_before is not compared over a gap",
        "sealed-before-mismatch--over-absent-segments",
        "if before and after.sealed_before < before.sealed:",
        "if False:",
    ),
    absence(
        "A4",
        "absent segments are sealed after the one before them",
        "good--sealed-before-as-last-sealed",
        "after.sealed_before < before.sealed:",
        "after.sealed_before <= before.sealed:",
    ),
    absence(
        "A4",
        "sealed_before is looked at before the index",
        "index-mismatch--before-sealed-before-over-absent-segments",
        "    if not grown(size, after.number - 1 - number, after.index):",
        "    if before and after.sealed_before < before.sealed:\n        return Fault('sealed-before-mismatch', '', 1, after.index)\n    if not grown(size, after.number - 1 - number, after.index):",
    ),
    absence(
        "A4",
        "an absent pinned segment is not a border",
        FORKED + "before-its-successor-by-root",
        "if pin is not None and gap.first <= pin.segment <= gap.last:\n        if",
        "if False:\n        if",
    ),
    absence(
        "A4",
        "the direct successor of a pinned segment only has to grow",
        FORKED + "before-its-successor-by-root",
        "    if after.number == pin.segment + 1:\n",
        "    if False:\n",
    ),
    absence(
        "A4",
        "the index after a pinned segment is not compared",
        FORKED + "before-its-successor-by-size",
        "(after.index, after.sealed_before, left_root(after)) == (pin.size, pin.sealed, pin.root)",
        "(after.sealed_before, left_root(after)) == (pin.sealed, pin.root)",
    ),
    absence(
        "A4",
        "sealed_before after a pinned segment is not compared",
        FORKED + "before-its-successor-by-time",
        "(after.index, after.sealed_before, left_root(after)) == (pin.size, pin.sealed, pin.root)",
        "(after.index, left_root(after)) == (pin.size, pin.root)",
    ),
    absence(
        "A4",
        "sealed_before after a pinned segment may be later",
        FORKED + "before-its-successor-by-later-time",
        "(after.index, after.sealed_before, left_root(after)) == (pin.size, pin.sealed, pin.root)",
        "(after.index, left_root(after)) == (pin.size, pin.root) and after.sealed_before >= pin.sealed",
    ),
    absence(
        "A4",
        "the growth from a pinned segment is not judged",
        FORKED + "grown-too-little-from-the-pin",
        "return grown(pin.size, after.number - 1 - pin.segment, after.index) and",
        "return",
    ),
    absence(
        "A4",
        "the growth from a pinned segment has no upper bound",
        FORKED + "grown-too-much-from-the-pin",
        "return grown(pin.size, after.number - 1 - pin.segment, after.index) and",
        "return pin.size + 2 * (after.number - 1 - pin.segment) <= after.index and",
    ),
    absence(
        "A4",
        "sealed_before is not compared with an earlier pinned segment",
        FORKED + "pin-sealed-late",
        " and after.sealed_before >= pin.sealed\n",
        "\n",
    ),
    absence(
        "A4",
        "segments are sealed after an absent pinned one",
        "good--pin-sealed-as-the-one-after",
        "after.sealed_before >= pin.sealed\n",
        "after.sealed_before > pin.sealed\n",
    ),
    absence(
        "A4",
        "the growth up to a pinned segment is not judged",
        FORKED + "grown-too-little-to-the-pin",
        "return grown(size, pin.segment - number, pin.size) and",
        "return",
    ),
    absence(
        "A4",
        "the segments up to a pinned one are counted without it",
        FORKED + "grown-too-little-to-the-pin",
        "pin.segment - number, pin.size)",
        "pin.segment - number - 1, pin.size)",
    ),
    absence(
        "A4",
        "without a segment before it a pinned segment may have any size",
        FORKED + "grown-too-little-to-the-pin-from-nothing",
        "and to_pin(before, pin)):",
        "and (not before or to_pin(before, pin))):",
    ),
    absence(
        "A4",
        "a pinned segment may be sealed before the one before it",
        FORKED + "pin-sealed-early",
        "(before is None or pin.sealed >= before.sealed)",
        "True",
    ),
    absence(
        "A4",
        "a pinned segment is sealed after the one before it",
        "good--pin-sealed-as-the-one-before",
        "pin.sealed >= before.sealed)",
        "pin.sealed > before.sealed)",
    ),
]
