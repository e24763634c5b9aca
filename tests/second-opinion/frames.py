"""F3: the zstd frames of an object, their headers and blocks read here, since the library hides them (RFC 8878)."""

from dataclasses import dataclass, field

import zstandard

from fault import Fault

MAX_FRAME = 4 << 20
MAX_FRAMES = 1 << 16
MAX_CONTENT = 256 << 20
RAW_BLOCK = 131_072


def frames(data):
    """F3: the frames of an object in order, each as (where it starts, its header, what it holds)."""
    at, total, taken = 0, 0, 0
    while at < len(data):
        if taken == MAX_FRAMES:
            raise Fault("size-limit", "too many frames")
        head, begin = frame_head(data, at)
        total += head.size
        if total > MAX_CONTENT:
            raise Fault("size-limit", "segment content")
        end = frame_blocks(data, begin, head)
        content = inflate(data[at:end], head.size)
        if not content.endswith(b"\n"):
            raise Fault("frame-form", f"frame at byte {at} does not end in LF")
        yield at, head, content
        at, taken = end, taken + 1


@dataclass
class Head:
    size: int
    size_flag: int
    blocks: list = field(default_factory=list)  # (type, size)


MAGIC = b"\x28\xb5\x2f\xfd"


def frame_head(data, at):
    """F3.1: the header of the frame at `at`, and where its blocks begin (RFC 8878 section 3.1.1.1)."""
    if data[at : at + 4] != MAGIC:
        raise Fault("frame-form", f"no zstd frame at byte {at}")
    descriptor = take(data, at + 4, 1, "frame-form")[0]
    if descriptor & 0b0010_0000 == 0 or descriptor & 0b0000_0100 == 0:
        raise Fault("frame-form", f"frame at byte {at} is not a single segment or has no checksum")
    if descriptor & 0b0001_1011:
        raise Fault("frame-form", f"frame at byte {at} has a dictionary, an unused or a reserved bit")
    flag = descriptor >> 6
    width = (1, 2, 4, 8)[flag]
    size = int.from_bytes(take(data, at + 5, width, "frame-form"), "little") + (256 if flag == 1 else 0)
    if size > MAX_FRAME:
        raise Fault("size-limit", f"frame of {size} bytes")
    return Head(size, flag), at + 5 + width


def frame_blocks(data, at, head):
    """Where the frame ends whose blocks begin at `at`; notes the blocks in `head` (RFC 8878 section 3.1.1.2)."""
    last = 0
    while not last:
        block = int.from_bytes(take(data, at, 3, "frame-corrupt"), "little")
        last, kind, length = block & 1, block >> 1 & 3, block >> 3
        if kind == 3:
            raise Fault("frame-corrupt", f"reserved block type at byte {at}")
        head.blocks.append((kind, length))
        stored_length = 1 if kind == 1 else length
        take(data, at + 3, stored_length, "frame-corrupt")
        at += 3 + stored_length
    take(data, at, 4, "frame-corrupt")
    return at + 4


def take(data, at, count, code):
    piece = data[at : at + count]
    if len(piece) < count:
        raise Fault(code, f"the object ends in the frame, at byte {len(data)}")
    return piece


def inflate(frame, size):
    try:
        content = zstandard.ZstdDecompressor(max_window_size=MAX_FRAME).decompress(frame, max_output_size=size)
    except zstandard.ZstdError as error:
        raise Fault("frame-corrupt", str(error)) from None
    if len(content) != size:
        raise Fault("frame-form", "content size")
    return content


def stored(head):
    """F3.4: the last frame is stored, in one way only."""
    sizes = [size for _, size in head.blocks]
    raw = all(kind == 0 for kind, _ in head.blocks)
    full = all(size == RAW_BLOCK for size in sizes[:-1]) and 0 < sizes[-1] <= RAW_BLOCK
    if head.size_flag != 2 or not raw or not full:
        raise Fault("frame-form", "the last frame is not stored")
