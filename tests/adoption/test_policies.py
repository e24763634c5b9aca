"""The rules of examples/policies/ on plans of the examples, and on a plan in which one thing at a time is wrong."""

import copy
import json
import re
import unittest

import regopy

from support import Endpoint, Workplace, first_use, read

ROOT_USER = "arn:aws:iam::000000000000:root"
BUCKET, KEY = "auditlog_bucket.records", "auditlog_signing_key.records"


def judge(plan):
    """The rules that a plan breaks, with the address of each resource, and the same for warnings."""
    engine = regopy.Interpreter()
    engine.add_module("auditlog.rego", read("examples/policies/auditlog.rego"))
    engine.set_input(plan)
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
            cls.records = cls.planned(endpoint, read("examples/stacks/records/main.tf"), administrator=ROOT_USER)
            cls.module = cls.planned(endpoint, """
                module "trail" {
                  source      = "./audit-trail"
                  bucket      = "acme-audit-module"
                  object_lock = { mode = "GOVERNANCE", days = 400 }
                  logs        = { payments = { writers = ["arn:aws:iam::000000000000:role/sealer"] } }
                }
            """)

    @staticmethod
    def planned(endpoint, main_tf, **variables):
        with Workplace(endpoint).with_provider() as place:
            place.write("main.tf", main_tf)
            place.write("terraform.tfvars.json", json.dumps(variables))
            place.copy("terraform/audit-trail", "audit-trail")
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
            (9, KEY, after("on_destroy", value="delete")),
        ]
        for rule, address, change in cases:
            expected = [] if rule is None else [(rule, address)]
            denied, _ = self.changed(address, change)
            self.assertEqual(denied, expected, f"AUDITLOG_{rule} on {address}")
        rules = {int(number) for number in re.findall(r"\(AUDITLOG_(\d+)\)", read("examples/policies/auditlog.rego"))}
        self.assertEqual(rules, {rule for rule, _, _ in cases if rule} | {10, 11})

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
