"""Pins: the heads that an earlier run saw, by origin."""

from dataclasses import dataclass

from document import NoVerdict, count, document, fields, integer, moment, need, optional, origin_of, root_of

MAX_PINS = 16 << 20


@dataclass
class Pin:
    segment: int
    size: int
    root: bytes
    sealed: int
    stored: int  # None, where the head was seen in a folder

    def time(self):
        """A5: its time is its `stored`, without that its `sealed`."""
        return self.sealed if self.stored is None else self.stored


def load_pins(path):
    try:
        with open(path, "rb") as file:
            value = fields(document(file.read(MAX_PINS + 1)), ("pins", "logs"))
        integer(value["pins"], 1, 1)
        need(isinstance(value["logs"], dict), "an object is due")
        return {origin_of(origin): parse_pin(pin) for origin, pin in value["logs"].items()}
    except FileNotFoundError:
        return {}
    except NoVerdict as reason:
        raise NoVerdict(f"pins: {reason}") from None


def parse_pin(value):
    fields(value, ("segment", "size", "root", "sealed"), ("stored", "cache"))
    optional(value, "cache", root_of)
    return Pin(
        count(value["segment"]),
        count(value["size"]),
        root_of(value["root"]),
        moment(value["sealed"]),
        optional(value, "stored", moment),
    )
