"""Edits of segments before they are hashed and signed."""

import zstandard


def swap(old, new):
    """Replaces what must be there exactly once."""
    old, new = (part.encode() if isinstance(part, str) else part for part in (old, new))

    def edit(value):
        assert value.count(old) == 1, (old, value)
        return value.replace(old, new)

    return edit


def flip(at, bit=1):
    """Changes one byte; negative places count from the end."""

    def edit(value):
        value = bytearray(value)
        value[at] ^= bit
        return bytes(value)

    return edit


def always(value):
    return lambda _: value


def inflated(frame):
    return zstandard.ZstdDecompressor().decompress(frame)


def first_frame(data):
    reader = zstandard.ZstdDecompressor().decompressobj()
    reader.decompress(data)
    return data[: len(data) - len(reader.unused_data)]


def hash_changed(line):
    at = line.index(b'"prev":"') + 8
    return line[:at] + b"0" * 64 + line[at + 64 :]


def left_changed(line):
    at = line.index(b'"left":["') + 9
    return line[:at] + b"0" * 64 + line[at + 64 :]
