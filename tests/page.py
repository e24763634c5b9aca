#!/usr/bin/env python3
"""What headless Chromium makes of a page: its elements once it is loaded, how it looks in light and in dark, and on paper.

usage: page.py PAGE.html [SCREENSHOT.png]
"""

import collections
import html.parser
import json
import os
import struct
import subprocess
import sys
import tempfile
import zlib


def browse(page, *arguments):
    """Standard output of the browser."""
    with tempfile.TemporaryDirectory() as profile:
        command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars"]
        command += [f"--user-data-dir={profile}", *arguments, "file://" + os.path.abspath(page)]
        return subprocess.run(command, check=True, capture_output=True, timeout=120).stdout.decode()


class Elements(html.parser.HTMLParser):
    """Counts elements, and collects the names of attributes and the addresses that links have."""

    def __init__(self):
        super().__init__()
        self.count = collections.Counter()
        self.attributes, self.links = set(), set()

    def handle_starttag(self, tag, attrs):
        self.count[tag] += 1
        self.attributes |= {name for name, _ in attrs}
        self.links |= {value for name, value in attrs if name in ("href", "src")}


def pixels(path):
    """Width, and the rows of an 8-bit PNG as bytes, with the number of bytes of a pixel."""
    with open(path, "rb") as file:
        data = file.read()
    at, packed = 8, b""
    while at < len(data):
        (length,), kind = struct.unpack(">I", data[at : at + 4]), data[at + 4 : at + 8]
        body = data[at + 8 : at + 8 + length]
        if kind == b"IHDR":
            width, height, depth, colour, *_ = struct.unpack(">IIBBBBB", body)
        if kind == b"IDAT":
            packed += body
        at += 12 + length
    assert depth == 8 and colour in (2, 6), (depth, colour)
    size = 3 if colour == 2 else 4
    raw, stride = zlib.decompress(packed), width * size + 1
    rows, above = [], bytearray(width * size)
    for number in range(height):
        kind, line = raw[number * stride], bytearray(raw[number * stride + 1 : (number + 1) * stride])
        for i in range(len(line)):
            left = line[i - size] if i >= size else 0
            corner = above[i - size] if i >= size else 0
            if kind == 1:
                add = left
            elif kind == 2:
                add = above[i]
            elif kind == 3:
                add = (left + above[i]) // 2
            elif kind == 4:
                guess = left + above[i] - corner
                near = (abs(guess - left), 0, left), (abs(guess - above[i]), 1, above[i]), (abs(guess - corner), 2, corner)
                add = min(near)[2]
            else:
                add = 0
            line[i] = (line[i] + add) & 255
        rows.append(bytes(line))
        above = line
    return size, rows


def look(page, path, *arguments):
    """The colour of the first pixel, and how many pixels there are of each of the other colours."""
    browse(page, f"--screenshot={path}", "--window-size=1200,1500", *arguments)
    size, rows = pixels(path)
    counts = collections.Counter(row[at : at + 3].hex() for row in rows for at in range(0, len(row), size))
    return {"first": rows[0][:3].hex(), "colours": dict(counts.most_common(12))}


def main():
    page = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        picture = sys.argv[2] if len(sys.argv) > 2 else os.path.join(folder, "light.png")
        paper = os.path.join(folder, "page.pdf")
        elements = Elements()
        elements.feed(browse(page, "--dump-dom"))
        browse(page, f"--print-to-pdf={paper}", "--no-pdf-header-footer")
        with open(paper, "rb") as file:
            pages = file.read().count(b"/Type /Page\n")
        found = {
            "elements": elements.count,
            "attributes": sorted(elements.attributes),
            "links": sorted(elements.links),
            "light": look(page, picture, "--blink-settings=preferredColorScheme=1"),
            "dark": look(page, os.path.join(folder, "dark.png"), "--blink-settings=preferredColorScheme=0"),
            "pages": pages,
        }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
