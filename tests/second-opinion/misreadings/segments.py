"""Misreadings of F5 to F7, F10, F11, F14 to F18, and of the order in which lines are looked at."""

from misreadings.misreading import Misreading


def misread(rule, what, by, old, new, file="segment.py"):
    return Misreading(rule, what, by, file, old, new)


def tree(rule, what, by, old, new):
    return Misreading(rule, what, by, "tree.py", old, new)


FOLLOW = {
    "index": '        if leaf.index != self.index:\n            raise Fault("index-mismatch", f"{leaf.index}, not {self.index}")\n',
    "prev": '        if leaf.prev != self.previous_hash:\n            raise Fault("prev-mismatch", "prev is not the hash of the line before")\n',
    "time": '        if leaf.time < self.previous_time:\n            raise Fault("time-decreased", "time decreases")\n',
}


def follow(first, second, by):
    """Two rules about each line, in the other order."""
    one, other = FOLLOW[first], FOLLOW[second]
    return misread("Which fault", f"{second} is looked at before {first}", by, one + other, other + one)


ALL = [
    misread(
        "F18",
        "the format is not compared",
        "format-mismatch--another-format",
        "and int(found[1]) != self.format:",
        "and False:",
    ),
    misread(
        "F18",
        "the form of another format is looked at first",
        "format-mismatch--another-form",
        "        if self.lines == 1 and (found",
        "        parse_line(raw) if self.lines == 1 else None\n        if self.lines == 1 and (found",
    ),
    misread("F5", "index is not compared", "index-mismatch--entry", FOLLOW["index"], ""),
    misread("F5", "prev is not compared", "prev-mismatch--entry", FOLLOW["prev"], ""),
    misread("F15", "time is not compared", "time-decreased--entry", FOLLOW["time"], ""),
    misread(
        "F15",
        "times of two lines are never equal",
        "good--microseconds",
        "leaf.time < self.previous_time",
        "leaf.time <= self.previous_time",
    ),
    follow("index", "prev", "index-mismatch--before-prev"),
    follow("prev", "time", "prev-mismatch--before-time"),
    misread(
        "Which fault",
        "the place of a line is looked at before index, prev and time",
        "index-mismatch--before-line-order",
        '        if kind != "checkpoint" and self.kinds and not self.close:\n            self.follow(leaf)\n        due = (',
        "        due = (",
    ),
    misread(
        "F4",
        "any number of key lines",
        "line-order--two-key-lines",
        '"key": ("entry", "close"),',
        '"key": ("key", "entry", "close"),',
    ),
    misread(
        "F4",
        "an open line may come again",
        "line-order--two-open-lines",
        '"open": ("key", "entry", "close"),',
        '"open": ("open", "key", "entry", "close"),',
    ),
    misread(
        "F3.3",
        "the key line may be in a frame of its own",
        "line-order--key-line-in-second-frame",
        '"key": in_first_frame,',
        '"key": True,',
    ),
    misread(
        "F3.3",
        "entries may be in the first frame",
        "line-order--entry-in-first-frame",
        '"entry": not in_first_frame,',
        '"entry": True,',
    ),
    misread(
        "F3.3",
        "the close line may be in the first frame",
        "line-order--close-line-in-first-frame",
        '"close": not in_first_frame and begins_frame,',
        '"close": begins_frame or in_first_frame,',
    ),
    misread(
        "F3.3",
        "the close line may be in the frame of the entries",
        "line-order--close-line-in-entry-frame",
        '"close": not in_first_frame and begins_frame,',
        '"close": not in_first_frame,',
    ),
    misread(
        "F3.3",
        "the checkpoint may be in a frame of its own",
        "line-order--checkpoint-alone",
        '"checkpoint": not begins_frame,',
        '"checkpoint": True,',
    ),
    misread(
        "F4",
        "what follows the checkpoint must have a form",
        "line-order--line-after-checkpoint",
        "        if self.note:",
        "        if parse_line(raw) and self.note:",
    ),
    misread(
        "F6",
        "origin is not compared",
        "origin-mismatch--another-log",
        'if origin != self.origin:\n            raise Fault("origin-mismatch", f"{origin!r}")',
        "if False:\n            pass",
    ),
    misread(
        "F6",
        "the number is not compared",
        "segment-mismatch--swapped",
        'if segment != self.number:\n            raise Fault("segment-mismatch", f"{segment}")\n        self.range',
        "self.range",
    ),
    misread(
        "Which fault",
        "segment is looked at before origin",
        "origin-mismatch--before-segment",
        "        origin, segment, left, sealed_before = leaf.parts\n",
        "        origin, segment, left, sealed_before = leaf.parts\n"
        "        if segment != self.number:\n            raise Fault('segment-mismatch', '')\n",
    ),
    misread(
        "Which fault",
        "left is looked at before segment",
        "segment-mismatch--before-left-count",
        "        origin, segment, left, sealed_before = leaf.parts\n",
        "        origin, segment, left, sealed_before = leaf.parts\n        Range(leaf.index, left)\n",
    ),
    tree("F11", "left may have any number of hashes", "left-count--one-more", "if len(bits) != len(roots):", "if False:"),
    misread(
        "F17",
        "segment 0 may begin at any index",
        "index-mismatch--segment-0",
        "if segment == 0 and leaf.index != 0:",
        "if False:",
    ),
    misread(
        "F17",
        "segment 0 may begin at any hash",
        "prev-mismatch--segment-0",
        "if segment == 0 and leaf.prev != ",
        "if False and leaf.prev != ",
    ),
    misread("F17", "the log's first prev is of nothing", "good--segment-0", 'sha256(b"\\0" + origin)', 'sha256(b"\\0")'),
    misread(
        "F17",
        "sealed_before of segment 0 is any time",
        "sealed-before-mismatch--segment-0",
        "if segment == 0 and sealed_before != leaf.time:",
        "if False:",
    ),
    misread(
        "F15",
        "an open line may be before sealed_before",
        "time-decreased--open-line",
        "if leaf.time < sealed_before:",
        "if False:",
    ),
    misread(
        "F15",
        "an open line is after sealed_before",
        "good--opened-when-sealed",
        "if leaf.time < sealed_before:",
        "if leaf.time <= sealed_before and segment:",
    ),
    misread(
        "Which fault",
        "the time of an open line is looked at before left",
        "left-count--before-time-decreased",
        "        self.range = Range(leaf.index, left)\n",
        "        if leaf.time < sealed_before:\n            raise Fault('time-decreased', '')\n        self.range = Range(leaf.index, left)\n",
    ),
    misread(
        "Which fault",
        "F17's prev is looked at before its index",
        "index-mismatch--segment-0-before-prev",
        "        self.range = Range(leaf.index, left)\n",
        "        self.range = Range(leaf.index, left)\n        if segment == 0 and leaf.prev != sha256(b'\\0' + origin):\n            raise Fault('prev-mismatch', '')\n",
    ),
    misread(
        "Which fault",
        "F17's sealed_before is looked at before its prev",
        "prev-mismatch--segment-0-before-sealed-before",
        "        self.range = Range(leaf.index, left)\n",
        "        self.range = Range(leaf.index, left)\n        if segment == 0 and leaf.index == 0 and sealed_before != leaf.time:\n            raise Fault('sealed-before-mismatch', '')\n",
    ),
    misread(
        "Which fault",
        "the time of an open line is looked at before F17's sealed_before",
        "sealed-before-mismatch--segment-0-before-time-decreased",
        "        self.range = Range(leaf.index, left)\n",
        "        self.range = Range(leaf.index, left)\n        if leaf.time < sealed_before:\n            raise Fault('time-decreased', '')\n",
    ),
    misread(
        "Which fault",
        "the checkpoint's size is looked at before its origin",
        "origin-mismatch--checkpoint-before-size",
        "        origin, size, root, _, _ = note\n",
        "        origin, size, root, _, _ = note\n        if size != self.range.size:\n            raise Fault('size-mismatch', '')\n",
    ),
    misread(
        "Which fault",
        "the place of a line is looked at before its time",
        "time-decreased--before-line-order",
        FOLLOW["time"],
        "        if leaf.kind == 'open':\n            raise Fault('line-order', '')\n" + FOLLOW["time"],
    ),
    misread(
        "Which fault",
        "the place of a checkpoint is looked at before its form",
        "line-form--before-line-order",
        "        kind, leaf = parse_line(raw)\n",
        "        if self.close and begins_frame:\n            raise Fault('line-order', '')\n        kind, leaf = parse_line(raw)\n",
    ),
    misread(
        "Which fault",
        "F17's index is looked at before left",
        "left-count--segment-0",
        "        self.range = Range(leaf.index, left)\n",
        "        if segment == 0 and leaf.index:\n            raise Fault('index-mismatch', '')\n        self.range = Range(leaf.index, left)\n",
    ),
    misread(
        "F7",
        "previous may be absent",
        "key-line--no-previous",
        "if (previous is None) != (self.number == 0):",
        "if previous is not None and self.number == 0:",
    ),
    misread(
        "F7",
        "segment 0 may have previous",
        "key-line--previous-in-segment-0",
        "if (previous is None) != (self.number == 0):",
        "if previous is None and self.number:",
    ),
    misread(
        "F7",
        "a key line may name a key of another log",
        "key-line--another-log",
        "any(one is not None and not one.startswith",
        "any(False and not one.startswith",
    ),
    misread(
        "F7",
        "only the new key must be of the log",
        "key-line--previous-of-another-log",
        "for one in (key, previous))",
        "for one in (key,))",
    ),
    misread("F7", "a key may follow itself", "key-line--same-key", "if key == previous:", "if False:"),
    misread(
        "F10",
        "the close line's segment is not compared",
        "segment-mismatch--close-line",
        'if segment != self.number:\n            raise Fault("segment-mismatch", f"{segment}")\n        if events',
        "if events",
    ),
    misread("F10", "events is not compared", "events-mismatch--one-more", "if events != self.events:", "if False:"),
    misread(
        "Which fault",
        "events is looked at before segment",
        "segment-mismatch--close-line-before-events",
        "        segment, events, sealed, left, _ = leaf.parts\n",
        "        segment, events, sealed, left, _ = leaf.parts\n        if events != self.events:\n            raise Fault('events-mismatch', '')\n",
    ),
    misread(
        "F17",
        "segment 0 may have entries",
        "first-segment-not-empty--entry",
        "if self.number == 0 and self.events:",
        "if False:",
    ),
    misread(
        "F17",
        "segment 0 may be without a key line",
        "key-line-missing--segment-0",
        "if self.number == 0 and self.key is None:",
        "if False:",
    ),
    misread(
        "Which fault",
        "the missing key line is found before the entries",
        "first-segment-not-empty--without-key-line",
        "        if self.number == 0 and self.events:",
        "        if self.number == 0 and self.key is None:\n            raise Fault('key-line-missing', '')\n        if self.number == 0 and self.events:",
    ),
    misread(
        "Which fault",
        "F17 is looked at before events",
        "events-mismatch--before-first-segment-not-empty",
        "        if events != self.events:\n",
        "        if self.number == 0 and self.events:\n            raise Fault('first-segment-not-empty', '')\n        if events != self.events:\n",
    ),
    misread(
        "Which fault",
        "sealed is looked at before F17",
        "key-line-missing--before-sealed",
        "        if self.number == 0 and self.events:\n",
        "        if sealed < leaf.time:\n            raise Fault('time-decreased', '')\n        if self.number == 0 and self.events:\n",
    ),
    misread("F15", "sealed may be before the close line", "time-decreased--sealed", "if sealed < leaf.time:", "if False:"),
    misread("F10", "close.left is not compared", "left-mismatch--close-line", "if left != self.range.roots():", "if False:"),
    misread(
        "F10",
        "close.left is the range with the close line",
        "good--several-segments",
        '        if leaf.kind == "close":\n            self.close_line(leaf)\n        self.range.push(leaf.hash)',
        '        self.range.push(leaf.hash)\n        if leaf.kind == "close":\n            self.close_line(leaf)',
    ),
    misread(
        "F10",
        "another number of hashes in close.left is left-count",
        "left-mismatch--close-line-one-less",
        "        if left != self.range.roots():",
        "        Range(self.range.size, left)\n        if left != self.range.roots():",
    ),
    misread(
        "Which fault",
        "left is looked at before sealed",
        "time-decreased--sealed-before-left",
        "        if sealed < leaf.time:\n",
        "        if left != self.range.roots():\n            raise Fault('left-mismatch', '')\n        if sealed < leaf.time:\n",
    ),
    misread(
        "F12",
        "the checkpoint's origin is not compared",
        "origin-mismatch--checkpoint-of-another-log",
        'if origin != self.origin:\n            raise Fault("origin-mismatch", "checkpoint of another origin")',
        "if False:\n            pass",
    ),
    misread(
        "F12", "the checkpoint's size is not compared", "size-mismatch--one-more", "if size != self.range.size:", "if False:"
    ),
    misread(
        "F12",
        "the checkpoint's root is not compared",
        "root-mismatch--other-root",
        "if root != self.range.root():",
        "if False:",
    ),
    misread(
        "Which fault",
        "root is looked at before size",
        "size-mismatch--before-root",
        "        if size != self.range.size:\n",
        "        if root != self.range.root():\n            raise Fault('root-mismatch', '')\n        if size != self.range.size:\n",
    ),
    misread(
        "F10", "frames is not compared", "frames-mismatch--close-line", "if self.close.parts[4] != frames_hash:", "if False:"
    ),
    misread("F10", "frames is the hash of all frames", "good--several-segments", "sha256(data[:at])", "sha256(data)"),
    misread(
        "Which fault",
        "frames is looked at before F3.4",
        "frame-form--before-frames-mismatch",
        "        stored(last_frame)\n",
        "        if self.close.parts[4] != frames_hash:\n            raise Fault('frames-mismatch', '')\n        stored(last_frame)\n",
    ),
    misread(
        "Which fault",
        "an object without a checkpoint has no lines",
        "segment-truncated--last-frame-missing",
        'raise Fault("segment-truncated", f"ends after {self.kinds[-1:]}")',
        'raise Fault("line-order", "")',
    ),
    tree(
        "F11",
        "inner nodes are hashed like leaves",
        "good--several-segments",
        'leaf = sha256(b"\\1" + self.trees.pop()[1] + leaf)',
        'leaf = sha256(b"\\0" + self.trees.pop()[1] + leaf)',
    ),
    tree(
        "F11",
        "the range is the smallest tree first",
        "good--several-segments",
        "return [root for _, root in self.trees]",
        "return [root for _, root in reversed(self.trees)]",
    ),
    tree(
        "F11",
        "the root is folded from the left",
        "good--several-segments",
        '        folded = self.trees[-1][1]\n        for _, root in reversed(self.trees[:-1]):\n            folded = sha256(b"\\1" + root + folded)',
        '        folded = self.trees[0][1]\n        for _, root in self.trees[1:]:\n            folded = sha256(b"\\1" + folded + root)',
    ),
]
