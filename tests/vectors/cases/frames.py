"""F3."""

import struct

from cases.edits import always, first_frame, flip, inflated
from cases.vector import edited
from forge import checksum, compressed, raw_blocks


def frames():
    """F3."""

    def frame(code, name, what, edits, line=None, index=None):
        due = {"frames": None, "object": None, "frame 1": 4, "last frame": 7}[next(iter(edits))]
        return edited(code, name, what, edits, line=line, index=due if index is None else index)

    yield frame(
        "frame-form",
        "skippable-frame",
        "a skippable frame before the first",
        {"frames": lambda data: b"\x50\x2a\x4d\x18\x04\0\0\0hide" + data},
    )
    yield frame("frame-form", "not-zstd", "the lines as they are, not compressed", {"object": lambda _: b'{"format":1}\n'})
    yield frame(
        "frame-form", "bytes-after-the-end", "a byte after the last frame", {"object": lambda data: data + b"\n"}, index=7
    )
    yield frame(
        "line-order",
        "frame-after-the-end",
        "another good frame after the last, not signed",
        {"object": lambda data: data + compressed(b"{}\n")},
        line=6,
        index=7,
    )
    yield frame(
        "frame-form",
        "no-content-size",
        "a window instead of a single segment",
        {"frame 1": lambda data: windowed(inflated(data))},
    )
    yield frame("frame-form", "no-checksum", "a frame without its checksum", {"frame 1": unchecked})
    yield frame("frame-form", "dictionary-id", "a frame that names a dictionary", {"frame 1": flip(4, 1)})
    yield frame("frame-form", "unused-bit", "the unused bit of the header is set", {"frame 1": flip(4, 0x10)})
    yield frame("frame-form", "reserved-bit", "the reserved bit of the header is set", {"frame 1": flip(4, 0x08)})
    yield frame("frame-form", "empty-frame", "a frame without content", {"frame 1": lambda data: empty_frame() + data})
    yield frame(
        "frame-form",
        "frame-ends-in-a-line",
        "a line that goes over the border of two frames",
        {"frame 1": lambda data: compressed(inflated(data)[:50]) + compressed(inflated(data)[50:])},
    )
    yield frame(
        "frame-form",
        "last-frame-compressed",
        "the last frame is compressed",
        {"last frame": lambda data: compressed(inflated(data))},
    )
    yield frame(
        "frame-form",
        "last-frame-in-small-blocks",
        "the last frame's blocks are not full",
        {"last frame": lambda data: raw_blocks(inflated(data), block=100)},
    )
    yield frame(
        "frame-form",
        "last-frame-with-empty-block",
        "an empty block after the last frame's only one",
        {"last frame": empty_block},
    )
    yield frame(
        "frame-form",
        "last-frame-size-in-two-bytes",
        "the last frame's content size in two bytes",
        {"last frame": lambda data: raw_blocks(inflated(data), width=2)},
    )
    yield frame(
        "frame-form",
        "last-frame-size-in-eight-bytes",
        "the last frame's content size in eight bytes",
        {"last frame": lambda data: raw_blocks(inflated(data), width=8)},
    )
    yield frame("frame-corrupt", "checksum", "a frame's checksum is wrong", {"frame 1": flip(-1)})
    yield frame("frame-corrupt", "block", "a byte of a compressed block is changed", {"frame 1": flip(20, 0xFF)})
    yield frame("frame-corrupt", "last-checksum", "the last frame's checksum is wrong", {"last frame": flip(-1)}, index=6)
    yield frame(
        "frame-corrupt",
        "cut-in-a-frame",
        "the object is cut in its last frame",
        {"object": lambda data: data[:-40]},
        index=6,
    )
    yield frame(
        "frame-form",
        "cut-in-a-header",
        "the object is cut in the header of its last frame",
        {"last frame": lambda data: data[:7]},
        index=6,
    )
    yield frame(
        "segment-truncated", "last-frame-missing", "the last frame is cut off", {"last frame": always(b"")}, line=3, index=6
    )
    yield frame(
        "segment-truncated",
        "entry-frame-missing-too",
        "all but the first frame is cut off",
        {"object": first_frame},
        line=1,
        index=4,
    )
    yield frame("segment-truncated", "no-byte", "an object without a byte", {"object": always(b"")})
    yield frame(
        "frames-mismatch", "compressed-again", "a frame compressed again after signing", {"object": raw_again}, index=7
    )
    yield frame(
        "size-limit",
        "bomb",
        "a frame that says that it holds 4 MiB and a byte",
        {"frame 1": always(b"\x28\xb5\x2f\xfd\xa4" + struct.pack("<I", (4 << 20) + 1) + b"\1\0\0" + bytes(4))},
        line=1,
        index=4,
    )
    yield frame(
        "size-limit",
        "64-bit-bomb",
        "a frame that says that it holds 2^63 bytes",
        {"frame 1": always(b"\x28\xb5\x2f\xfd\xe4" + struct.pack("<Q", 1 << 63) + b"\1\0\0" + bytes(4))},
        line=1,
        index=4,
    )


def empty_frame():
    return b"\x28\xb5\x2f\xfd\x24\0\1\0\0" + checksum(b"")


def windowed(content):
    return b"\x28\xb5\x2f\xfd\x04\x58" + (len(content) << 3 | 1).to_bytes(3, "little") + content + checksum(content)


def unchecked(frame):
    return frame[:4] + bytes([frame[4] & ~4]) + frame[5:-4]


def empty_block(frame):
    content = inflated(frame)
    head = frame[:9]
    return head + (len(content) << 3).to_bytes(3, "little") + content + b"\1\0\0" + frame[-4:]


def raw_again(data):
    first = first_frame(data)
    content = inflated(first)
    return raw_blocks(content, width=2) + data[len(first) :]
