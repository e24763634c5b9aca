"""Misreadings of F3 and of the limits of frames (F16)."""

from misreadings.misreading import Misreading


def misread(rule, what, by, old, new, file="frames.py"):
    return Misreading(rule, what, by, file, old, new)


ALL = [
    misread(
        "F3.1",
        "a window may be declared instead of a single segment",
        "frame-form--no-content-size",
        "descriptor & 0b0010_0000 == 0 or ",
        "",
    ),
    misread(
        "F3.1", "a frame may be without its checksum", "frame-form--no-checksum", " or descriptor & 0b0000_0100 == 0", ""
    ),
    misread("F3.1", "a frame may name a dictionary", "frame-form--dictionary-id", "0b0001_1011", "0b0001_1000"),
    misread("F3.1", "the reserved bit may be set", "frame-form--reserved-bit", "0b0001_1011", "0b0001_0011"),
    misread("F3.1", "the unused bit may be set", "frame-form--unused-bit", "0b0001_1011", "0b0000_1011"),
    misread(
        "F3",
        "a skippable frame is passed over",
        "frame-form--skippable-frame",
        "        head, begin = frame_head(data, at)",
        "        if data[at + 1 : at + 4] == b'\\x2a\\x4d\\x18':\n"
        "            at += 8 + int.from_bytes(data[at + 4 : at + 8], 'little')\n"
        "        head, begin = frame_head(data, at)",
    ),
    misread(
        "F3",
        "bytes after the last frame are passed over",
        "frame-form--bytes-after-the-end",
        "    while at < len(data):",
        "    while at < len(data) and (not at or data[at : at + 4] == MAGIC):",
    ),
    misread(
        "F3.2",
        "a frame may be empty",
        "frame-form--empty-frame",
        'if not content.endswith(b"\\n"):',
        'if content and not content.endswith(b"\\n"):',
    ),
    misread(
        "F3.2",
        "a line may go over the border of two frames",
        "frame-form--frame-ends-in-a-line",
        'if not content.endswith(b"\\n"):',
        "if not content:",
    ),
    misread(
        "F3.4",
        "the last frame may be compressed",
        "frame-form--last-frame-compressed-under-a-wide-size",
        "raw = all(kind == 0 for kind, _ in head.blocks)\n    full = all(",
        "raw = True\n    full = not sizes or head.blocks[0][0] or all(",
    ),
    misread(
        "F3.4",
        "the blocks of the last frame may have any size",
        "frame-form--last-frame-in-small-blocks",
        "all(size == RAW_BLOCK for size in sizes[:-1])",
        "True",
    ),
    misread(
        "F3.4",
        "the last block may be empty",
        "frame-form--last-frame-with-empty-block",
        "all(size == RAW_BLOCK for size in sizes[:-1]) and 0 < sizes[-1]",
        "all(size == RAW_BLOCK for size in sizes[:-2]) and 0 <= sizes[-1]",
    ),
    misread(
        "F3.4",
        "the last block is not full",
        "signature-count--last-frame-of-a-full-block",
        "sizes[-1] <= RAW_BLOCK",
        "sizes[-1] < RAW_BLOCK",
    ),
    misread(
        "F3.4",
        "the last frame's only blocks are full ones",
        "signature-count--last-frame-of-two-blocks",
        "full = all(",
        "full = len(sizes) == 1 and all(",
    ),
    misread(
        "F3.4",
        "the content size of the last frame may have two bytes",
        "frame-form--last-frame-size-in-two-bytes",
        "head.size_flag != 2",
        "head.size_flag not in (1, 2)",
    ),
    misread(
        "F3.4",
        "the content size of the last frame may have eight bytes",
        "frame-form--last-frame-size-in-eight-bytes",
        "head.size_flag != 2",
        "head.size_flag not in (2, 3)",
    ),
    misread(
        "F3.4",
        "every frame is stored",
        "good--several-segments",
        "                walk.line(",
        "                stored(head) if not nr else None\n                walk.line(",
        "segment.py",
    ),
    misread(
        "F3.4",
        "the last frame is looked at before its lines",
        "line-form--before-stored",
        "            for place, raw in",
        "            stored(head) if b'checkpoint' in content else None\n            for place, raw in",
        "segment.py",
    ),
    misread(
        "F3",
        "checksums are not checked",
        "frame-corrupt--checksum",
        "content = inflate(data[at:end], head.size)",
        "content = inflate(data[at : at + 4] + bytes([data[at + 4] & ~4]) + data[at + 5 : end - 4], head.size)",
    ),
    misread(
        "F3",
        "a reserved type of a block is passed over",
        "frame-corrupt--reserved-block",
        'raise Fault("frame-corrupt", f"reserved block type at byte {at}")',
        'raise Fault("frame-form", "")',
    ),
    misread(
        "F16", "a frame may hold more than 4 MiB", "size-limit--bomb", "if size > MAX_FRAME:", "if size > MAX_FRAME + 1:"
    ),
    misread("F16", "a frame holds less than 4 MiB", "good--frame-of-4-mib", "if size > MAX_FRAME:", "if size >= MAX_FRAME:"),
    misread(
        "Which fault",
        "a frame's header is found wrong before the lines before it",
        "line-form--before-a-frame",
        "enumerate(frames(data))",
        "enumerate(list(frames(data)))",
        "segment.py",
    ),
    misread(
        "Which fault",
        "a limit is looked at before the header's bits",
        "frame-form--before-size-limit",
        "    if descriptor & 0b0010_0000 == 0",
        "    if int.from_bytes(data[at + 5 : at + 5 + (1, 2, 4, 8)[descriptor >> 6]], 'little') > MAX_FRAME:\n"
        "        raise Fault('size-limit', '')\n    if descriptor & 0b0010_0000 == 0",
    ),
    misread(
        "Which fault",
        "a frame's end is looked at before its checksum",
        "frame-corrupt--before-the-end-of-a-line",
        "        content = inflate(data[at:end], head.size)",
        "        try:\n            content = inflate(data[at:end], head.size)\n"
        "        except Fault:\n            raise Fault('frame-form' if data[end - 5] != 10 else 'frame-corrupt', '')",
    ),
    misread(
        "Which fault",
        "an object cut in a header is corrupt",
        "frame-form--cut-before-the-descriptor",
        'take(data, at + 4, 1, "frame-form")',
        'take(data, at + 4, 1, "frame-corrupt")',
    ),
    misread(
        "Which fault",
        "an object cut in a size is corrupt",
        "frame-form--cut-in-a-header",
        'take(data, at + 5, width, "frame-form")',
        'take(data, at + 5, width, "frame-corrupt")',
    ),
    misread(
        "Which fault",
        "an object cut in its blocks has another form",
        "frame-corrupt--cut-in-a-frame",
        'take(data, at + 3, stored_length, "frame-corrupt")',
        'take(data, at + 3, stored_length, "frame-form")',
    ),
    misread(
        "Which fault",
        "an object cut in a block's header has another form",
        "frame-corrupt--cut-in-a-block-header",
        'take(data, at, 3, "frame-corrupt")',
        'take(data, at, 3, "frame-form")',
    ),
    misread(
        "Which fault",
        "an object cut in a checksum has another form",
        "frame-corrupt--cut-in-a-checksum",
        'take(data, at, 4, "frame-corrupt")',
        'take(data, at, 4, "frame-form")',
    ),
    misread(
        "Which fault",
        "a fault of a frame has the line before it",
        "frame-corrupt--block",
        'if not fault.code.startswith("frame"):',
        "if True:",
        "segment.py",
    ),
]
