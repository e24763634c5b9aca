"""The rules of examples/policies/ on plans of the examples, and on a plan in which one thing at a time is wrong."""

import copy
import json
import re
import unittest

import regopy

from support import FIRST_TRY, OPEN, ROOT, Endpoint, Workplace, first_use, read

ROOT_USER = "arn:aws:iam::000000000000:root"
BUCKET, KEY = "auditlog_bucket.records", "auditlog_signing_key.records"
VARIABLES = {"records": {"administrator": ROOT_USER}}
BUCKET_TO_IMPORT = ("aws s3api create-bucket --bucket acme-existing --create-bucket-configuration LocationConstraint=eu-central-1\n"
                    "aws s3api put-bucket-versioning --bucket acme-existing --versioning-configuration Status=Enabled")


def judge(plan):
    """The rules that a plan breaks, with the address of each resource, and the same for warnings."""
    engine = regopy.Interpreter()
    engine.add_module("auditlog.rego", read("examples/policies/auditlog.rego"))
    # regopy 1.5 prints a quote in a text as it is, which is not JSON: `team["payments"]` becomes `team['payments']`.
    engine.set_input(json.loads(re.sub(r'\[\\"([^"\\]*)\\"\]', r"['\1']", json.dumps(plan))))
    found = []
    for kind in ["deny", "warn"]:
        [[messages]] = [one["expressions"] for one in [json.loads(str(engine.query(f"data.auditlog.{kind}")))]]
        pairs = [(re.search(r"\(AUDITLOG_(\d+)\)$", message), message.split(":")[0]) for message in messages]
        found.append(sorted({(int(rule.group(1)), address) for rule, address in pairs}))
    return tuple(found)


class Policies(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with Endpoint() as endpoint:
            cls.first_use = cls.planned(endpoint, first_use())
            with Workplace(endpoint) as place:
                place.run(BUCKET_TO_IMPORT)
            cls.stacks = {path.parent.name: cls.planned(endpoint, path.read_text(), **VARIABLES.get(path.parent.name, {}))
                          for path in sorted((ROOT / "examples/stacks").glob("*/main.tf"))}
            cls.records = cls.stacks["records"]
            cls.module = cls.planned(endpoint, """
                module "trail" {
                  source      = "../../../terraform/audit-trail"
                  bucket      = "acme-audit-module"
                  object_lock = { mode = "GOVERNANCE", days = 400 }
                  logs        = { payments = { writers = ["arn:aws:iam::000000000000:role/sealer"] } }
                }
            """)

    @staticmethod
    def planned(endpoint, main_tf, **variables):
        with Workplace(endpoint).with_provider() as place:
            # As deep as an example, which names modules of the repository.
            place.copy("terraform", "terraform")
            place.folder = place.folder / "examples/stacks/planned"
            place.write("main.tf", main_tf)
            place.write("terraform.tfvars.json", json.dumps(variables))
            return json.loads(place.run(
                "terraform init >&2\nterraform plan -out=planned >&2\nterraform show -json planned").stdout)

    def changed(self, address, change):
        plan = copy.deepcopy(self.records)
        [resource] = [one for one in plan["resource_changes"] if one["address"] == address]
        change(resource["change"])
        return judge(plan)

    def test_first_try_is_refused_for_each_thing_that_it_leaves_open(self):
        key, bucket = "auditlog_signing_key.audit", "auditlog_bucket.audit"
        self.assertEqual(judge(self.first_use), ([(1, bucket), (2, bucket), (3, bucket), (4, bucket), (8, key)], [(10, key)]))

    def test_records_pass(self):
        self.assertEqual(judge(self.records), ([], [(10, KEY)]))

    def test_each_example_is_judged_as_it_says(self):
        judged = {name: tuple(sorted({rule for rule, _ in found}) for found in judge(plan)) for name, plan in self.stacks.items()}
        self.assertEqual(judged, {name: OPEN.get(name, FIRST_TRY) for name in self.stacks})

    def test_days_of_presets_are_those_of_the_provider(self):
        presets = dict(re.findall(r'name: "([^"]+)",\s*days: ([0-9_]+|[A-Z_]+)', read("provider/src/trust/preset.rs")))
        guide = dict(re.findall(r"^\| `([a-z0-9-]+)` \| (\d+) \|", read("docs/guides/retention-presets.md"), re.MULTILINE))
        self.assertEqual(set(presets), set(guide), "the guide has the days of preset.rs, as a test there says")
        for path in ["examples/policies/auditlog.rego", "examples/policies/checkov/auditlog.py"]:
            [copied] = re.findall(r"(?i)preset_days :?= \{(.*)\}", read(path))
            self.assertEqual(dict(re.findall(r'"([^"]+)": (\d+)', copied)), guide, path)

    def test_module_is_looked_into(self):
        key, bucket = "module.trail.auditlog_signing_key.this", "module.trail.auditlog_bucket.this"
        self.assertEqual(judge(self.module), ([(1, bucket), (3, bucket), (4, bucket), (8, key)], [(10, key)]))

    def test_each_rule_finds_what_is_wrong_and_nothing_else(self):
        def after(*path, value):
            def change(change):
                place = change["after"]
                for name in path[:-1]:
                    place = place[name]
                place[path[-1]] = value
            return change

        def deleted(change):
            change["actions"], change["after"] = ["delete"], None

        def replaced(change):
            change["actions"] = ["delete", "create"]

        nothing = {"mode": "COMPLIANCE", "days": None, "years": None, "preset": None}
        lock = lambda **more: after("object_lock", value=nothing | more)
        lock_of_log = lambda **more: after("logs", "trades", "object_lock", value=nothing | more)
        cases = [
            (1, BUCKET, lock(mode="GOVERNANCE", days=365)),
            (2, BUCKET, lock(days=364)),
            (None, BUCKET, lock(days=365)),
            (None, BUCKET, lock(years=1)),
            (None, BUCKET, lock(preset="pci-dss-10")),
            (1, BUCKET, lock_of_log(mode="GOVERNANCE", days=400)),
            (2, BUCKET, lock_of_log(days=3)),
            (None, BUCKET, lock_of_log(days=400)),
            (3, BUCKET, after("administrators", value=None)),
            (3, BUCKET, after("break_glass", value=None)),
            (4, BUCKET, after("logs", "trades", "writers", value=None)),
            (4, BUCKET, after("logs", "trades", "readers", value=None)),
            (5, BUCKET, after("on_destroy", value="empty")),
            (6, BUCKET, after("allow_weakening", value=["retention 2192d -> 365d"])),
            (7, BUCKET, deleted),
            (7, BUCKET, replaced),
            (7, KEY, deleted),
            (8, KEY, after("administrators", value=None)),
            (8, KEY, after("signers", value=None)),
            (9, KEY, after("on_destroy", value="schedule_deletion")),
            (None, KEY, after("on_destroy", value="retain")),
        ]
        for rule, address, change in cases:
            expected = [] if rule is None else [(rule, address)]
            denied, _ = self.changed(address, change)
            self.assertEqual(denied, expected, f"AUDITLOG_{rule} on {address}")
        rules = {int(number) for number in re.findall(r"\(AUDITLOG_(\d+)\)", read("examples/policies/auditlog.rego"))}
        self.assertEqual(rules, {rule for rule, _, _ in cases if rule} | {10, 11})

    def test_lock_of_an_archive_is_judged(self):
        for rules, lock in [([], None), ([], {"mode": "COMPLIANCE", "days": 365}), ([1], {"mode": "GOVERNANCE", "days": 365}),
                            ([2], {"mode": "COMPLIANCE", "days": 364})]:
            plan = copy.deepcopy(self.records)
            address = "auditlog_trust_policy_archive.records"
            plan["resource_changes"].append({
                "address": address, "mode": "managed", "type": "auditlog_trust_policy_archive",
                "change": {"actions": ["create"], "after": {"prefix": "trust-policies/", "object_lock": lock}, "after_unknown": {}},
            })
            self.assertEqual(judge(plan)[0], [(rule, address) for rule in rules])

    def test_rules_that_warn(self):
        def set_rotation(change):
            change["after"]["rotation"] = {"period_in_days": 365}

        def remove_logs(change):
            change["after"]["logs"] = None
            change["after_unknown"]["logs"] = False

        self.assertEqual(self.changed(KEY, set_rotation), ([], []))
        self.assertEqual(self.changed(BUCKET, remove_logs), ([], [(10, KEY), (11, BUCKET)]))

    def test_value_that_is_known_only_later_passes(self):
        def roles_later(change):
            for name in ["writers", "readers"]:
                del change["after"]["logs"]["trades"][name]
                change["after_unknown"]["logs"]["trades"][name] = True
            del change["after"]["administrators"]
            change["after_unknown"]["administrators"] = True

        self.assertEqual(self.changed(BUCKET, roles_later)[0], [])

    def test_readme_names_each_rule(self):
        for number in range(1, 12):
            self.assertIn(f"| AUDITLOG_{number} |", read("examples/policies/README.md"))


if __name__ == "__main__":
    unittest.main()
