"""The versions of formats that the guides name are those that the programs write and read."""

import re
import unittest

from support import ROOT, read

IDENTITY = "sealer/src/spool/identity.rs"


def number(path, pattern):
    """The one number that a source has at this place."""
    found = re.findall(pattern, read(path), re.MULTILINE)
    assert len(found) == 1, f"{path}: {len(found)} of {pattern}"
    return int(found[0])


def constant(path, name):
    return number(path, rf"^(?:pub(?:\(\w+\))? )?const {name}: \w+ = (\d+);")


def stable():
    """The table of the release notes: what each format is now, and what a change does."""
    section = read("docs/guides/install.md").split("\n## What is stable\n")[1].split("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| ")]
    return {re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", row[0]): row[1:] for row in rows if len(row) == 3}


# Each row that names a version, in its words, and the sources that have it.
ROWS = {
    "chain format": ("{}", [constant("chain/src/segment.rs", "FORMAT")]),
    "trust policy, pins, JSON report": ("{} each", [
        constant("chain/src/policy/error.rs", "POLICY_VERSION"), constant("verifier/src/pins/document.rs", "PINS_VERSION"),
        constant("sealer/src/pins.rs", "PINS_VERSION"), constant("verifier/src/report/json.rs", "REPORT_VERSION"),
    ]),
    "rules of the format (F) and of verification (V, A)": ("fixed for format {}", [constant("chain/src/segment.rs", "FORMAT")]),
    "state of the provider": ("schema version {}", [
        constant("provider/src/bucket/schema.rs", "VERSION"), number("provider/src/signing_key/schema.rs", r"^ +\.version\((\d+)\)"),
    ]),
    "plugin protocol": ("{}", [number("provider/tf-provider/build.rs", r"proto/tfplugin(\d+)\.proto")]),
    "format of the spool": ("{}", [constant(IDENTITY, "VERSION")]),
}


class Versions(unittest.TestCase):
    def test_the_table_of_what_is_stable_has_the_numbers_of_the_sources(self):
        table = stable()
        for name, (words, sources) in ROWS.items():
            for source in sources:
                self.assertEqual(table[name][0], words.format(source), name)
        others = {name for name in table if name not in ROWS and re.search(r"(?:^|version |format )\d", table[name][0])}
        self.assertEqual(others, set(), "a row with a number that nothing compares")

    def test_spools_that_the_sealer_goes_on_with_are_those_that_the_guides_name(self):
        newest, oldest = constant(IDENTITY, "VERSION"), constant(IDENTITY, "SAME_FILES")
        self.assertGreater(newest - oldest, 1)
        earlier = f"{oldest} to {newest - 1}"
        self.assertIn(f"goes on with versions {earlier};", stable()["format of the spool"][1])
        one_line = lambda path: re.sub(r"\s+", " ", read(path))
        self.assertIn(f"spool version {newest}, which goes on with spools of versions {earlier}", one_line("CHANGELOG.md"))
        guide = one_line("docs/guides/spool-format.md")
        self.assertIn(f"`spool`, the version of the spool ({newest})", guide)
        self.assertIn(f"spools of versions {earlier} go on as spools of version {newest}.", guide)
        self.assertIn(f"| version of this format: {constant('sealer/src/wal/mod.rs', 'VERSION')} |", guide)

    def test_every_configuration_to_copy_refuses_a_terraform_that_is_too_old(self):
        [oldest] = re.findall(r"^Terraform must be ([\d.]+) or later\.", read("README.md"), re.MULTILINE)
        files = [*ROOT.glob("examples/**/*.tf"), *ROOT.glob("terraform/**/*.tf"), ROOT / "README.md", *ROOT.glob("docs/guides/*.md")]
        heads = [(path, part) for path in files for part in path.read_text().split("terraform {\n")[1:] if "auditlog/auditlog" in part]
        self.assertGreater(len(heads), 10)
        for path, part in heads:
            self.assertTrue(part.startswith(f'  required_version = ">= {oldest}"\n'), path)


if __name__ == "__main__":
    unittest.main()
