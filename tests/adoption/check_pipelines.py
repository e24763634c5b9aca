"""The form of the files for GitHub Actions and GitLab CI, and of the scripts beside them."""

import pathlib
import subprocess
import sys
import unittest

from support import ROOT

TOOLS = pathlib.Path(sys.executable).parent
GITHUB = "examples/ci/github/auditlog.yml"
GITLAB = "examples/ci/gitlab/gitlab-ci.yml"


class Form(unittest.TestCase):
    def check(self, *command):
        done = subprocess.run([TOOLS / command[0], *command[1:]], cwd=ROOT, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_workflows_have_the_form_that_github_accepts(self):
        workflows = sorted(str(path) for path in (ROOT / ".github/workflows").glob("*.yml"))
        self.check("check-jsonschema", "--builtin-schema", "vendor.github-workflows", GITHUB, *workflows)

    def test_pipeline_has_the_form_that_gitlab_accepts(self):
        self.check("check-jsonschema", "--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci", GITLAB)

    def test_workflows_pass_the_auditor_of_workflows(self):
        workflows = sorted(str(path) for path in (ROOT / ".github/workflows").glob("*.yml"))
        self.check("zizmor", "--offline", "--no-progress", "--persona", "pedantic", GITHUB, *workflows)

    def test_scripts_pass_the_auditor_of_scripts(self):
        scripts = sorted(str(path) for path in (ROOT / "examples/ci/scripts").iterdir())
        self.check("shellcheck", *scripts, "release/build", "release/notes", "release/sums", "release/twice")
