"""All misreadings, in the order of the guides."""

from misreadings import absences, chain, frames, lines, policies, segments

ALL = [*frames.ALL, *lines.ALL, *segments.ALL, *policies.ALL, *chain.ALL, *absences.ALL]
