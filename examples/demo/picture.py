"""Draws what the demo prints as the picture of the README: picture.py FILE.svg < the demo's output.

Chosen lines only, in their order, each as it was printed; a long one is cut and ends with an ellipsis.
"""

import re
import sys
from html import escape

WIDTH = 106
# Each finds one line, after the one before it. One that finds none is an error: the picture shows nothing that was not printed.
CHOSEN = [
    r"\d\. Apply the declaration",
    r"   plan ",
    r"   apply ",
    r"   ✓ The bucket",
    r"",
    r"\d\. Seal real events",
    r"   This repository's history",
    r"   │ sealed ",
    r"   │ stored in ",
    r"   ✓ Each event",
    r"",
    r"\d\. Verify the bucket",
    r"   │ log ",
    r"   │   segments ",
    r"   │   entries ",
    r"   ✓ Exit 0",
    r"",
    r"\d\. Ask the store to delete",
    r"   │ DELETE ",
    r"   ✓ Refused",
    r"",
    r"\d\. Tamper with copies",
    r"   In \d+",
    r"   │ fault prev-mismatch",
    r"   │   at: ",
    r"   ✓ Exit 1, prev-mismatch",
    r"",
    r"\d\. Delete it",
    r"   │ fault segment-missing",
    r"   │   expected: ",
    r"   │   found: ",
    r"   ✓ Exit 1, segment-missing",
]
COLOURS = {"✓": "#3fb950", "│ fault": "#ff7b72", "│": "#9da7b1"}
LINE, LETTER, EDGE = 19, 8.05, 18


def chosen(output):
    """The lines of the picture."""
    rest = iter(output.splitlines())
    for pattern in CHOSEN:
        line = next((line for line in rest if re.match(pattern, line) and (pattern or not line)), None)
        if line is None:
            raise SystemExit(f"the demo has not printed {pattern!r}, or in another order")
        yield line if len(line) <= WIDTH else line[: WIDTH - 1] + "…"


def drawn(line, at):
    """A line of text: a step is bold, what is proven green, a fault red, what else a program printed grey."""
    if not line:
        return ""
    weight = ' font-weight="bold"' if line[0].isdigit() else ""
    colour = next((colour for start, colour in COLOURS.items() if line.lstrip().startswith(start)), "#e6edf3")
    return f'<text x="{EDGE}" y="{at}" fill="{colour}"{weight} xml:space="preserve">{escape(line)}</text>\n'


def picture(output):
    lines = ["$ make demo", "", *chosen(output)]
    width, height = round(WIDTH * LETTER) + 2 * EDGE, (len(lines) + 1) * LINE + EDGE
    texts = "".join(drawn(line, EDGE + LINE * (at + 1)) for at, line in enumerate(lines))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">\n'
        "<title>make demo: apply, seal, verify, tamper, and verify again</title>\n"
        f'<rect width="{width}" height="{height}" rx="8" fill="#0d1117"/>\n'
        '<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, DejaVu Sans Mono, monospace" font-size="13">\n'
        f"{texts}</g>\n</svg>\n"
    )


if __name__ == "__main__":
    drawing = picture(sys.stdin.read())
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        file.write(drawing)
