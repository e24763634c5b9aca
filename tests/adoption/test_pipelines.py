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

    def test_plan_needs_no_more_than_the_permissions_that_only_read(self):
        with Endpoint("ministack", "guarded") as endpoint, Workplace(endpoint).with_provider() as place:
            place.copy("examples/ci/scripts", "ci")
            [permissions] = blocks("examples/ci/README.md", "hcl")
            who = 'administrators = ["arn:aws:iam::000000000000:root"]\n  verifiers      = ["arn:aws:iam::000000000000:user/plan"]'
            key = 'resource "auditlog_signing_key" "audit" {'
            declared = first_use().replace(key, f"{key}\n  {who}\n")
            self.assertIn(who, declared)
            place.write("main.tf", f"{declared}\n{permissions}")
            place.run("terraform init\nterraform apply\nterraform output -raw plan_json > plan.json")
            policy = json.loads((place.folder / "plan.json").read_text())
            # The local endpoint does not know this condition, and denies what has it.
            conditions = [statement.pop("Condition", None) for statement in policy["Statement"]]
            self.assertEqual([one for one in conditions if one], [{"StringEquals": {"kms:KeyUsage": "SIGN_VERIFY"}}])
            place.write("plan.json", json.dumps(policy))
            # It asks the key's policy about this action, too, which AWS does not, and it speaks HTTP, which the bucket's policy denies. So
            # both policies are changed, and the plan must show it.
            place.run("aws kms get-key-policy --key-id alias/acme-audit --policy-name default --query Policy --output text "
                      """| jq '.Statement += [{Effect: "Allow", Principal: {AWS: "000000000000"}, Action: "kms:ListAliases", Resource: "*"}]' > key.json\n"""
                      "key=$(aws kms describe-key --key-id alias/acme-audit --query KeyMetadata.KeyId --output text)\necho $key > key.id\n"
                      "aws kms put-key-policy --key-id $key --policy-name default --policy file://key.json\n"
                      "aws s3api delete-bucket-policy --bucket acme-audit-8f3a")
            place.run("aws iam create-user --user-name plan\n"
                      "aws iam put-user-policy --user-name plan --policy-name plan --policy-document file://plan.json")
            key = json.loads(place.run("aws iam create-access-key --user-name plan").stdout)["AccessKey"]
            place.env |= {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
            self.assertIn("0 to add, 2 to change, 0 to destroy", place.run("ci/plan").stdout)
            refused = place.run("terraform apply -no-color", 1)
            self.assertIn("Terraform would lock itself out", refused.stderr)
            for change in ["s3api put-bucket-versioning --bucket acme-audit-8f3a --versioning-configuration Status=Suspended",
                           "kms disable-key --key-id $(cat key.id)"]:
                self.assertIn("AccessDenied", place.run(f"aws {change}", 255).stderr)

    def test_installation_takes_one_commit_and_then_the_cache(self):
        place = Workplace()
        self.addCleanup(place.__exit__)
        place.copy("examples/ci/scripts", "ci")
        place.write("sources/Makefile", "install:\n\tmkdir -p $(HOME)/.local/bin\n\techo one >> $(HOME)/.local/bin/made\n")
        git = "git -c user.name=a -c user.email=a@example.com -C sources"
        place.run(f"git init -q sources\n{git} add Makefile\n{git} commit -qm one")
        first = place.run("git -C sources rev-parse HEAD").stdout.strip()
        place.write("sources/Makefile", "install:\n\tfalse\n")
        place.run(f"{git} commit -qam two")
        which = {"AUDITLOG_GIT": str(place.folder / "sources"), "AUDITLOG_COMMIT": first, "GITHUB_PATH": str(place.folder / "path")}
        place.run("ci/install", **which)
        self.assertIn("comes from the cache", place.run("ci/install", **which).stdout)
        self.assertEqual((place.root / "home/.local/bin/made").read_text(), "one\n")
        self.assertEqual((place.folder / "path").read_text(), f"{place.root}/home/.local/bin\n" * 2)

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
