"""The vectors: what each is, and what a verifier must say to it. One thing wrong in each, named for it."""

from cases import absent, explained, growth, order, order_frames, pinned, policies, signing, silences
from cases.documents import policies as documents
from cases.events import events
from cases.frames import frames
from cases.good import goods
from cases.heads import heads
from cases.keys import keys
from cases.lines import lines
from cases.listing import logs, times
from cases.pins import pins
from cases.places import places
from cases.signatures import signatures

GROUPS = (goods, frames, lines, events, places, heads, signatures, keys, logs, times, pins, documents)
MODULES = (order_frames, order, silences, absent, growth, pinned, explained, signing, policies)


def all_vectors():
    for group in (*GROUPS, *(module.all_vectors for module in MODULES)):
        yield from group()
