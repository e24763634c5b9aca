"""What the files for GitHub Actions and GitLab CI run, against the local endpoint."""

import json
import unittest

import yaml

from support import ROOT, Endpoint, Workplace, blocks, first_use

GITHUB = "examples/ci/github/auditlog.yml"
GITLAB = "examples/ci/gitlab/gitlab-ci.yml"


def github_steps(job):
    """What a job of the workflow runs. Other people's actions are left out, and so is the installation: the programs are here."""
    steps = yaml.safe_load((ROOT / GITHUB).read_text())["jobs"][job]["steps"]
    lines = [step["run"] for step in steps if "run" in step]
    assert lines[0] == "ci/install", lines
    return lines[1:]


def gitlab_steps(job):
    document = yaml.safe_load((ROOT / GITLAB).read_text())
    base = document[".with-aws"]
    lines = base["before_script"] + document[job]["script"] + base["after_script"]
    assert lines[1] == "ci/install", lines
    return lines[2:]


class Runs(unittest.TestCase):
    """A pull request, its merge, two nights, and a night after a segment was deleted, by the lines of each file."""

    @classmethod
    def setUpClass(cls):
        cls.endpoint = Endpoint()

    @classmethod
    def tearDownClass(cls):
        cls.endpoint.__exit__()

    def work(self, name):
        pins = f"acme-pins-{name}"
        place = Workplace(self.endpoint, AUDITLOG_PINS=f"s3://{pins}/pins.json").with_provider()
        self.addCleanup(place.__exit__)
        place.env |= {
            "GITHUB_STEP_SUMMARY": str(place.root / "summary.md"),
            "CI_PROJECT_DIR": str(place.folder),
            "AWS_TOKEN": "a.token",
            "AWS_WEB_IDENTITY_TOKEN_FILE": str(place.folder / ".aws-token"),
        }
        place.copy("examples/ci/scripts", "ci")
        bucket = f"acme-audit-{name}"
        [permissions] = blocks("examples/ci/README.md", "hcl")
        place.write("main.tf", f"{first_use()}\n{permissions}".replace("acme-audit-8f3a", bucket).replace("alias/acme-audit", f"alias/{bucket}"))
        place.run(f"aws s3api create-bucket --bucket {pins} --create-bucket-configuration LocationConstraint=eu-central-1\n"
                  f"aws s3api put-bucket-versioning --bucket {pins} --versioning-configuration Status=Enabled")
        return place, bucket

    def test_lines_of_both_files_work(self):
        place, bucket = self.work("trail")
        github = lambda job, status=0: place.run("\n".join(github_steps(job)), status)
        gitlab = lambda job, status=0: place.run("\n".join(gitlab_steps(job)), status)
        self.assertIn("2 to add", github("plan").stdout)
        self.assertIn("2 to add", (place.root / "summary.md").read_text())
        # The policy is not in git before somebody has read it.
        self.assertIn("commit reports/trust-policy.json", github("apply", 1).stderr)
        place.run("cp reports/trust-policy.json .")
        policy = json.loads(place.run("terraform output -raw plan_json").stdout)
        actions = [action for statement in policy["Statement"] for action in statement["Action"]]
        self.assertIn("s3:GetBucketObjectLockConfiguration", actions)
        self.assertTrue(all(action.split(":")[1].startswith(("Get", "List", "Describe")) for action in actions), actions)
        self.assertIn("No changes", gitlab("plan").stdout)
        self.assertIn("0 added", gitlab("apply").stdout)
        for event in ['{"paid":1}\n', '{"paid":2}\n']:
            place.run("auditlog-seal append --policy trust-policy.json", stdin=event)
        self.assertIn("\nverified: ", github("verify").stdout)
        for form in ["html", "xml", "json"]:
            self.assertTrue((place.folder / f"reports/report.{form}").stat().st_size, form)
        last = f"--bucket {bucket} --key logs/payments/000000000001.jsonl.zst"
        place.run(f"version=$(aws s3api head-object {last} --query VersionId --output text)\n"
                  f"aws s3api delete-object --bypass-governance-retention {last} --version-id $version")
        night = gitlab("verify", 1)
        self.assertIn("fault segment-missing", night.stdout)
        self.assertIn("keep the report", night.stderr)
        self.assertIn("segment-missing", (place.folder / "reports/report.xml").read_text())

    def test_without_pins_the_job_says_what_to_set(self):
        place, _ = self.work("unset")
        del place.env["AUDITLOG_PINS"]
        self.assertIn("AUDITLOG_PINS: is not set: where the pins are kept", place.run("ci/verify", 1).stderr)

    def test_a_commit_that_can_move_is_refused(self):
        place, _ = self.work("moved")
        run = place.run("ci/install", 2, AUDITLOG_GIT="https://example.com/auditlog.git", AUDITLOG_COMMIT="main")
        self.assertIn("expected the 40 digits", run.stderr)


if __name__ == "__main__":
    unittest.main()
