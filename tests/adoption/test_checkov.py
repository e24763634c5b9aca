"""The checks of examples/policies/checkov, run by Checkov: on the examples, and on resources in which one thing at a time is wrong."""

import collections
import json
import pathlib
import re
import subprocess
import tempfile
import unittest

from support import FIRST_TRY, OPEN, ROOT, first_use, read

CHECKOV = ROOT / "target/scanners/bin/checkov"
CHECKS = ROOT / "examples/policies/checkov"
RULES = {1, 2, 3, 4, 5, 6, 8, 9, 10, 11}

BUCKET = {
    "bucket": '"acme-audit"',
    "administrators": "[var.administrator]",
    "break_glass": "[]",
    "object_lock": '{ mode = "COMPLIANCE", days = 365, acknowledge_irreversible = "COMPLIANCE 365 days" }',
    "logs": "{ trades = { signing_key = auditlog_signing_key.good.trust, writers = [var.role], readers = [] } }",
}
KEY = {
    "alias": '"alias/acme-audit"',
    "administrators": "[var.administrator]",
    "signers": "[]",
    "rotation": "{ period_in_days = 365 }",
}


def log(more):
    return {"logs": f"{{ trades = {{ signing_key = auditlog_signing_key.good.trust, {more} }} }}"}


def lock(text):
    return {"object_lock": f"{{ {text} }}"}


ARCHIVE = {
    "bucket": "auditlog_bucket.good.bucket",
    "prefix": '"trust-policies/"',
    "trust_policy": "auditlog_bucket.good.trust_policy",
}
PRINCIPALS = "writers = [var.role], readers = []"
# The rules that are broken, and what is set in place of what is good; None leaves it out.
CASES = {
    "auditlog_bucket": [
        (set(), {}),
        ({1}, lock('mode = "GOVERNANCE", days = 400')),
        (set(), lock("mode = var.mode, days = var.days")),
        ({1}, log(PRINCIPALS + ', object_lock = { mode = "GOVERNANCE", days = 400 }')),
        ({2}, lock('mode = "COMPLIANCE", days = 364')),
        (set(), lock('mode = "COMPLIANCE", years = 1')),
        (set(), lock('mode = "COMPLIANCE", preset = "pci-dss-10"')),
        ({2}, log(PRINCIPALS + ', object_lock = { mode = "COMPLIANCE", days = 3 }')),
        (set(), log(PRINCIPALS + ', object_lock = { mode = "COMPLIANCE", days = 400 }')),
        ({3}, {"administrators": None}),
        ({3}, {"break_glass": None}),
        ({4}, log("readers = []")),
        ({4}, log("writers = [var.role]")),
        ({5}, {"on_destroy": '"empty"'}),
        (set(), {"on_destroy": '"forget"'}),
        ({6}, {"allow_weakening": '["retention 2192d -> 365d"]'}),
        (set(), {"allow_weakening": "[]"}),
        (set(), {"allow_weakening": "var.allowed"}),
        ({11}, {"logs": None}),
        (set(), {"logs": "var.logs"}),
        (set(), {"logs": "{ for name in var.names : name => { signing_key = auditlog_signing_key.good.trust } }"}),
    ],
    "auditlog_signing_key": [
        (set(), {}),
        ({8}, {"administrators": None}),
        ({8}, {"signers": None}),
        ({9}, {"on_destroy": '"schedule_deletion"'}),
        (set(), {"on_destroy": '"retain"'}),
        ({10}, {"rotation": None}),
    ],
    "auditlog_trust_policy_archive": [
        (set(), {}),
        (set(), lock('mode = "COMPLIANCE", days = 365')),
        ({1}, lock('mode = "GOVERNANCE", days = 365')),
        ({2}, lock('mode = "COMPLIANCE", days = 364')),
    ],
}


def resource(kind, name, change):
    arguments = {"auditlog_bucket": BUCKET, "auditlog_signing_key": KEY, "auditlog_trust_policy_archive": ARCHIVE}[kind] | change
    lines = [f"  {argument} = {value}" for argument, value in arguments.items() if value is not None]
    return f'resource "{kind}" "{name}" {{\n' + "\n".join(lines) + "\n}\n"


class Checkov(unittest.TestCase):
    """One run over one folder for each example and one for the cases, since most of a run is its start."""

    @classmethod
    def setUpClass(cls):
        assert CHECKOV.exists(), "Checkov is missing: make scanners"
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            cases = "".join(resource(kind, f"case_{at:02}", change)
                            for kind, all in CASES.items() for at, (_, change) in enumerate(all))
            examples = {stack.parent.name: stack.read_text() for stack in (ROOT / "examples/stacks").glob("*/main.tf")}
            for name, text in (examples | {"first_use": first_use(), "cases": cases}).items():
                (folder / name).mkdir()
                (folder / name / "main.tf").write_text(text)
            done = subprocess.run(
                [CHECKOV, "--directory", folder, "--framework", "terraform", "--external-checks-dir", CHECKS, "--check", "CKV_AUDITLOG*",
                 "--output", "json", "--quiet", "--skip-download", "--soft-fail"],
                capture_output=True, text=True, timeout=300,
            )
            assert done.returncode == 0, done.stdout + done.stderr
            cls.failed = collections.defaultdict(set)
            for one in json.loads(done.stdout)["results"]["failed_checks"]:
                example = pathlib.Path(one["file_path"]).parent.name
                cls.failed[example, one["resource"]].add(int(one["check_id"].removeprefix("CKV_AUDITLOG_")))

    def test_each_check_finds_what_is_wrong_and_nothing_else(self):
        for kind, cases in CASES.items():
            for at, (expected, change) in enumerate(cases):
                found = self.failed.get(("cases", f"{kind}.case_{at:02}"), set())
                self.assertEqual(found, expected, f"{kind} with {change}")
        self.assertEqual(set().union(*(rules for cases in CASES.values() for rules, _ in cases)), RULES)

    def test_first_try_is_refused_for_each_thing_that_it_leaves_open(self):
        self.assertEqual(self.failed["first_use", "auditlog_bucket.audit"], {1, 2, 3, 4})
        self.assertEqual(self.failed["first_use", "auditlog_signing_key.audit"], {8, 10})

    def test_records_pass_except_for_the_rotation_as_their_plan_does(self):
        found = {resource: rules for (example, resource), rules in self.failed.items() if example == "records"}
        self.assertEqual(found, {"auditlog_signing_key.records": {10}})

    def test_each_example_is_judged_as_its_plan_is(self):
        stacks = sorted(path.parent.name for path in (ROOT / "examples/stacks").glob("*/main.tf"))
        found = {name: set().union(*(rules for (example, _), rules in self.failed.items() if example == name)) for name in stacks}
        self.assertEqual(found, {name: {rule for kind in OPEN.get(name, FIRST_TRY) for rule in kind} - {7} for name in stacks})

    def test_numbers_are_those_of_the_rules_for_plans(self):
        ours = {int(number) for number in re.findall(r"^Rule\((\d+),", (CHECKS / "auditlog.py").read_text(), re.MULTILINE)}
        plans = {int(number) for number in re.findall(r"\(AUDITLOG_(\d+)\)", read("examples/policies/auditlog.rego"))}
        self.assertEqual(ours, plans - {7})


if __name__ == "__main__":
    unittest.main()
