"""Vectors with two faults, and limits, of frames."""

from cases.edits import always, flip, inflated, swap
from cases.vector import ED, edited, fault, good, log_of
from forge import Key, compressed, raw_blocks


def all_vectors():
    """F3: a frame is looked at as a whole before its lines, and each frame before the next."""
    yield edited(
        "line-form",
        "before-a-frame",
        "a space in the open line, and a later frame without a checksum",
        {"open": swap('"format":1,"index"', '"format":1, "index"'), "frame 1": flip(4, 4)},
        1,
    )
    yield edited(
        "line-form",
        "before-stored",
        "a checkpoint of another form in a last frame that is compressed",
        {"note": lambda note: note[:-1], "last frame": lambda frame: compressed(inflated(frame))},
        5,
        7,
    )
    yield edited(
        "frame-form",
        "before-size-limit",
        "a frame without a checksum that declares more than 4 MiB",
        {"frame 1": always(b"\x28\xb5\x2f\xfd\xa0\1\0\x40\0\1\0\0")},
        index=4,
    )
    yield edited(
        "frame-corrupt",
        "before-the-end-of-a-line",
        "a frame that does not end in LF and whose checksum is wrong",
        {"frame 1": lambda frame: raw_blocks(inflated(frame)[:-1])[:-1] + b"?"},
        index=4,
    )
    for code, name, what, edit in (
        ("frame-form", "cut-in-the-magic-number", "in the magic number of its last frame", lambda frame: frame[:3]),
        ("frame-form", "cut-before-the-descriptor", "after the magic number of its last frame", lambda frame: frame[:4]),
        ("frame-corrupt", "cut-in-a-block-header", "in the header of a block", lambda frame: frame[:10]),
        ("frame-corrupt", "cut-in-a-checksum", "in the checksum of its last frame", lambda frame: frame[:-1]),
    ):
        yield edited(code, name, f"the object is cut {what}", {"last frame": edit}, index=6)
    yield edited(
        "frame-corrupt",
        "reserved-block",
        "a block of the type that is reserved",
        {"frame 1": lambda frame: raw_blocks(inflated(frame)[:100], width=1)[:6] + b"\x27\3\0" + frame},
        index=4,
    )
    yield edited(
        "frame-form",
        "before-frames-mismatch",
        "a last frame that is compressed, under a close line with another hash of the frames",
        {"close": other_frames, "last frame": lambda frame: compressed(inflated(frame))},
        index=7,
    )
    yield edited(
        "signature-count",
        "last-frame-of-two-blocks",
        "a last frame of two raw blocks, since its checkpoint has 16 long signatures",
        {f"signature {at}": lambda blob: blob + bytes(8192 - 64) for at in range(16)},
        signers=[Key(ED)] * 16,
    )
    yield edited(
        "frame-form",
        "last-frame-compressed-under-a-wide-size",
        "a last frame that is compressed, with its content size in four bytes",
        {"last frame": wide},
        index=7,
    )
    yield full_block()
    yield good("frame-of-4-mib", "a frame with as much content as a frame may have", frame_of(4 << 20))


def other_frames(line):
    return line[:-67] + b"0" * 64 + line[-3:]


def wide(frame):
    content = inflated(frame)
    small = compressed(content)
    assert small[4] >> 6 == 1
    return small[:4] + bytes([0b1010_0100]) + len(content).to_bytes(4, "little") + small[7:]


def full_block():
    """A last frame of just one full block."""
    for entries in range(2, 12):
        for count in (15, 16):
            log = log_of(1).add(("1",) * entries, signers=[Key(ED)] * count)
            missing = 131_072 - len(last_frame(log.objects[log.name(1)]))
            if missing % 4 == 0:
                longer = [missing // 4 * 3 // count // 3 * 3] * count
                longer[0] += missing // 4 * 3 - sum(longer)
                edits = {f"signature {at}": lambda blob, more=more: blob + bytes(more) for at, more in enumerate(longer)}
                log = log_of(1).add(("1",) * entries, edits=edits, signers=[Key(ED)] * count)
                assert len(last_frame(log.objects[log.name(1)])) == 131_072
                return fault("signature-count", "last-frame-of-a-full-block", "a last frame of 131,072 bytes", log)
    raise AssertionError("no such frame")


def last_frame(data):
    return inflated(data[data.rindex(b"\x28\xb5\x2f\xfd") :])


def frame_of(size):
    """A log whose second segment has one frame of entries, of `size` bytes."""

    def entries(last):
        return tuple('"' + "x" * length + '"' for length in (1_000_000, 1_000_000, 1_000_000, 1_000_000, last))

    contents = []
    log_of(1).add(entries(0), edits={"frame 1": lambda frame: contents.append(inflated(frame)) or frame})
    return log_of(1).add(entries(size - len(contents[0])))
