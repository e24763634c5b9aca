"""All misreadings, in the order of the guides."""

import pkgutil

from misreadings import chain, expiry, explained, frames, growth, lines, pins, policies, segments, signing, silences

MODULES = (frames, lines, segments, policies, chain, signing, silences, expiry, growth, pins, explained)
BESIDE = {"loader", "misreading"}
assert {module.name for module in pkgutil.iter_modules(__path__)} - BESIDE == {module.__name__.split(".")[-1] for module in MODULES}
ALL = [misreading for module in MODULES for misreading in module.ALL]
