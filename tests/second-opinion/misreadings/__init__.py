"""All misreadings, in the order of the guides."""

from misreadings import frames, lines, segments

ALL = [*frames.ALL, *lines.ALL, *segments.ALL]
