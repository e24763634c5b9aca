"""The commands and declarations of guides, run as they are written, one after the other."""

import json
import re
import shlex
import unittest

import formats
from support import ROOT, Endpoint, Workplace, blocks, first_use, read

KEY = 'resource "auditlog_signing_key" "audit" {\n  alias = "alias/acme-audit"\n}\n'
EXPORT = "terraform output -raw trust_policy > trust-policy.json"


def replace_block(main_tf, begin, block):
    """The declaration with one of its blocks replaced."""
    before, rest = main_tf.split(begin, 1)
    return f"{before}{block}{rest.split(chr(10) + '}' + chr(10), 1)[1]}"


class Guides(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.endpoint = Endpoint()

    @classmethod
    def tearDownClass(cls):
        cls.endpoint.__exit__()

    def trail(self, name, main_tf=None):
        """A trail with two segments of events, verified once, as after the README's first use."""
        place = Workplace(self.endpoint).with_provider()
        self.addCleanup(place.__exit__)
        self.named = lambda text: text.replace("acme-audit-8f3a", f"acme-{name}").replace("alias/acme-audit", f"alias/acme-{name}")
        place.write("main.tf", self.named(main_tf or first_use()))
        place.write("events.jsonl", '{"paid":1}\n{"paid":2}\n')
        place.run(f"terraform init\nterraform apply\n{EXPORT}\nauditlog-seal append --policy trust-policy.json"
                  f"{' --log acme-' + name + '/payments' if main_tf else ''} events.jsonl")
        return place

    def run_all(self, place, guide):
        return [place.run(self.named(block)) for block in blocks(guide, "sh")]

    def test_an_auditor_verifies_takes_samples_and_files(self):
        place = self.trail("auditor")
        runs = self.run_all(place, "docs/guides/auditor.md")
        self.assertIn('"origin": "acme-auditor/payments"', runs[0].stdout)
        self.assertIn("\nverified: ", runs[1].stdout)
        self.assertIn("checked: 1 entry ", runs[2].stdout)
        self.assertIn("evidence.zip: OK", runs[3].stdout)
        digest = json.loads((place.folder / "report.json").read_text())["policy"]["digest"].removeprefix("sha256:")
        self.assertIn(f"{digest}  trust-policy.json", (place.folder / "SHA256SUMS").read_text())

    def test_nightly_job_of_kubernetes_keeps_its_pins_in_a_bucket(self):
        place = self.trail("nightly")
        job, merge = (formats.yaml(read(f"verifier/engines/kubernetes/{name}.yaml")) for name in ["nightly", "merge"])
        pods = [job["spec"]["jobTemplate"]["spec"]["template"]["spec"], merge["spec"]["template"]["spec"]]
        [mine], [other] = (pod["containers"] for pod in pods)
        self.assertEqual(pods[0]["securityContext"], pods[1]["securityContext"])
        for key in ["image", "resources", "securityContext"]:
            self.assertEqual(mine[key], other[key], key)
        place.run("aws s3 mb s3://acme-pins > made.txt")
        night = shlex.join(mine["command"] + mine["args"]).replace("=/policy/", "=./")
        first, second = (json.loads(place.run(night).stdout) for _ in range(2))
        notes = lambda report: [note["code"] for note in report["notes"]]
        self.assertEqual([report["verdict"] for report in [first, second]], ["verified"] * 2)
        self.assertEqual(("no-pin" in notes(first), "no-pin" in notes(second)), (True, False))
        place.run("aws s3 cp events.jsonl s3://acme-nightly/stranger > put.txt")
        self.assertEqual(json.loads(place.run(night, 1).stdout)["verdict"], "fault")

    def test_trust_policy_and_pins_are_copied_and_restored(self):
        place = self.trail("backup")
        place.run("auditlog-verify --policy trust-policy.json --pins pins.json")
        copied, restored, continued = blocks("docs/guides/backup.md", "sh")
        place.run(copied)
        place.run("rm pins.json")
        run = place.run(restored)
        self.assertIn("\nverified: ", run.stdout)
        self.assertNotIn("no-pin", run.stdout)
        place.run(continued)
        self.assertTrue(list(place.folder.glob("*.consistency.json")))

    def test_retention_of_a_log_and_a_hold_by_hand(self):
        [declared] = blocks("docs/guides/retention.md", "hcl")
        main_tf = replace_block(first_use(), 'resource "auditlog_bucket" "audit" {\n', declared)
        place = self.trail("retention", main_tf)
        policy = json.loads((place.folder / "trust-policy.json").read_text())
        self.assertEqual([log.get("lock", [{}])[0].get("retention_days") for log in policy["logs"]], [60, None])
        rules = place.run("aws s3api get-bucket-lifecycle-configuration --bucket acme-retention").stdout
        self.assertIn('"Days": 62', rules)
        [hold] = blocks("docs/guides/retention.md", "sh")
        place.run(self.named(hold))
        held = (place.folder / "held.txt").read_text().splitlines()
        self.assertEqual(len(held), 2)
        key, version = held[0].split()
        status = place.run(f"aws s3api get-object-legal-hold --bucket acme-retention --key {key} --version-id {version}").stdout
        self.assertIn('"ON"', status)
        place.run(f"aws s3api delete-object --bypass-governance-retention --bucket acme-retention --key {key} --version-id {version}", None)
        place.run("auditlog-verify --policy trust-policy.json --log acme-retention/payments")

    def test_figures_of_cost_are_printed_by_the_command(self):
        [declared] = blocks("docs/guides/cost.md", "hcl")
        place = Workplace().with_provider()
        self.addCleanup(place.__exit__)
        place.write("main.tf", declared)
        place.run("terraform fmt -check -diff")
        [command] = [block for block in blocks("docs/guides/cost.md", "") if "raw table" in block]
        lines = place.run(command).stdout.splitlines()[-3:]
        self.assertIn("\n".join(lines), read("docs/guides/cost.md"), "\n".join(lines))
        place.write("events.jsonl", '{"paid":1}\n')
        [measure] = blocks("docs/guides/cost.md", "sh")
        self.assertRegex(place.run(measure).stdout, r"\d+\s+\./cost\n$")

    def test_figures_of_the_service_and_of_the_comparison_are_those_of_their_sources(self):
        with Workplace().with_provider() as place:
            place.write("main.tf", first_use())
            asks = ["monthly_cost(10, 1, 0.001, \"1s\", 3, [], null)", "monthly_cost(1, 1, 0.001, \"1m\", 3, [], null)"]
            ask = f"jsonencode([{', '.join(f'provider::auditlog::{one}' for one in asks)}])\n"
            printed = place.run("terraform init > init.txt\nterraform console", stdin=ask).stdout
        ten_a_second, each_minute = json.loads(json.loads(printed))
        month = lambda bill: bill["cost"]["requests"] + bill["cost"]["signatures"]
        guide = read("docs/guides/service.md")
        self.assertIn(f"about ten segments a second, which is {month(ten_a_second):.0f} dollars a month", guide)
        self.assertIn(f"a segment\nevery minute, it is {month(each_minute):.2f} dollars", guide)
        self.assertIn(f"a signature and a PUT, {month(ten_a_second) / ten_a_second['signatures']:.5f} dollars", guide)
        resources = re.findall(r'^resource "aws_', read("docs/guides/upgrade.md").split("\n## The configuration after")[0], re.MULTILINE)
        words = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight"]
        self.assertIn(f"replaces has {words[len(resources)]} resources", read("docs/guides/comparison.md"))

    def test_runbook_of_a_compromise_finds_nothing_and_goes_on(self):
        place = self.trail("incident")
        place.run("auditlog-verify --policy trust-policy.json --pins pins.json")
        keep, without_pins, decide, declare, look, go_on, _, _ = blocks("docs/guides/key-compromise.md", "sh")
        [declared, _] = blocks("docs/guides/key-compromise.md", "hcl")
        place.run(keep + decide)
        # The last segment, by its own checkpoint, is what the pins have.
        place.run(self.named(without_pins).replace("segment=0", "segment=1"))
        pins, by_hand = (json.loads((place.folder / name).read_text())["logs"] for name in ["before-pins.json", "last-good.json"])
        self.assertEqual({log: {key: pin[key] for key in ["segment", "size", "root"]} for log, pin in pins.items()}, by_hand)
        place.write("main.tf", self.named(replace_block(first_use(), KEY.split("  alias")[0], declared)))
        place.run("terraform fmt -check -diff\n" + declare)
        self.assertIn("nothing was signed after the last good segment", place.run(look).stdout)
        self.assertIn("\nverified: ", place.run(go_on).stdout)

    def test_runbook_of_a_compromise_finds_the_thief_and_goes_on_in_a_new_log(self):
        place = self.trail("theft")
        place.run("auditlog-verify --policy trust-policy.json --pins pins.json\ncp pins.json before-pins.json")
        _, _, decide, declare, look, _, end, new_log = blocks("docs/guides/key-compromise.md", "sh")
        [declared, ended] = blocks("docs/guides/key-compromise.md", "hcl")
        place.run(decide)
        # The thief has the right to sign and to write, and a spool of its own.
        place.run("auditlog-seal append --policy trust-policy.json --spool thief --pins pins.json", stdin='{"paid":1000000}\n')
        with_key = replace_block(first_use(), KEY.split("  alias")[0], declared)
        place.write("main.tf", self.named(with_key))
        place.run(declare)
        self.assertIn("key-compromised logs/payments/000000000002.jsonl.zst", place.run(look).stdout)
        place.run(self.named(end))
        place.write("main.tf", self.named(replace_block(with_key, 'resource "auditlog_bucket" "audit" {\n', ended)))
        run = place.run("terraform fmt -check -diff\n" + self.named(new_log))
        self.assertIn("verified: acme-theft/payments-2: ", run.stdout)
        self.assertIn("disowned", run.stdout)

    def test_controls_of_the_page_are_those_of_the_guide_and_each_has_a_source(self):
        of_page = re.findall(r'control\(\s*"([^"]+)",\s*"([^"]+)",', read("verifier/src/report/html/controls.rs"))
        guide = read("docs/guides/controls.md")
        rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \| [^|]+ \| \((\d)\) \|$", guide, re.MULTILINE)
        self.assertGreater(len(of_page), 10)
        self.assertEqual([(name, asks) for name, asks, _ in rows], of_page)
        sources = set(re.findall(r"^(\d)\. ", guide, re.MULTILINE))
        self.assertEqual({source for _, _, source in rows}, sources)

    def test_links_of_guides_and_examples_lead_somewhere(self):
        pages = [*(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("README.md"), *ROOT.glob("terraform/*/README.md"), *ROOT.glob("*.md")]
        for page in pages:
            text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
            for path, anchor in re.findall(r"\]\((?!https?:)([^)#\s]*)#?([^)\s]*)\)", text):
                target = page.parent / path if path else page
                self.assertTrue(target.exists(), f"{page.name} links {path}")
                if anchor and target.suffix == ".md":
                    headings = re.findall(r"^#+ (.*)$", target.read_text(), re.MULTILINE)
                    anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
                    self.assertTrue(anchor in anchors or f'id="{anchor}"' in target.read_text(), f"{page.name} links {path}#{anchor}")


if __name__ == "__main__":
    unittest.main()
