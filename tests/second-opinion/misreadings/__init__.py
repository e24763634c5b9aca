"""All misreadings, in the order of the guides."""

from misreadings import chain, expiry, explained, frames, growth, lines, pins, policies, segments, signing, silences

MODULES = (frames, lines, segments, policies, chain, signing, silences, expiry, growth, pins, explained)
ALL = [misreading for module in MODULES for misreading in module.ALL]
