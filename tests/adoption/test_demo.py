"""The demo ends well, leaves a page for an auditor, and is what the README's picture shows."""

import re
import subprocess
import sys
import unittest

from support import ROOT, read

# What differs from run to run: hashes, times, versions of objects, the number of commits, how long Terraform took.
VARIABLE = re.compile(r"(?<=after )\d+s|[0-9a-f]{8,}…?|\d{4}-\d\d-\d\dT[\d:.]*Z?|\d+(?= (?:events|commits))|(?<=entries  )\d+")


def texts(svg):
    return [VARIABLE.sub("*", line) for line in re.findall(r"<text[^>]*>(.*)</text>", svg)]


class Demo(unittest.TestCase):
    def test_picture_shows_what_the_demo_prints(self):
        done = subprocess.run([ROOT / "examples/demo/run"], cwd=ROOT, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        page = read("target/demo-report.html")
        self.assertIn("segment-missing", page)
        with self.subTest("the picture"):
            drawn = subprocess.run([sys.executable, ROOT / "examples/demo/picture.py", "/dev/stdout"], input=done.stdout,
                                   capture_output=True, text=True, check=True).stdout
            shown = texts(read("docs/images/demo.svg"))
            self.assertGreater(len(shown), 20)
            self.assertEqual(shown, texts(drawn), "make pictures")


if __name__ == "__main__":
    unittest.main()
