"""What the tests of this folder share: a folder in which a person works, the local endpoint, and the blocks of a guide."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Where the programs are that the tests run.
BINARIES = pathlib.Path(os.environ.get("AUDITLOG_BINARIES", ROOT / "target" / "debug"))
# The AWS command, of `make readers`.
AWS = ROOT / "target" / "readers" / "bin"

# The rules of examples/policies that an example breaks on purpose, since it is a first try, and those that warn; the examples that are not one.
FIRST_TRY = ([1, 2, 3, 4, 8], [10])
OPEN = {"records": ([], [10]), "rotation": ([1, 2, 3, 4, 8], []), "teams": ([1, 2, 3, 8], [10])}


def read(path):
    return (ROOT / path).read_text()


def blocks(path, language, heading=None):
    """The fenced blocks of a language, of one section or of the whole text."""
    text = read(path)
    if heading is not None:
        found = [part for part in text.split("\n## ") if part.startswith(heading)]
        assert len(found) == 1, f"{path}: {len(found)} sections {heading}"
        text = found[0]
    fenced = re.findall(r"^```(\S*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [body for name, body in fenced if name == language]


def first_use():
    """The declaration that the README shows."""
    [main_tf] = [block for block in blocks("README.md", "hcl") if 'resource "auditlog_bucket"' in block]
    return main_tf


class Workplace:
    """An empty folder with an empty home folder, in which the commands are found and nothing of the caller's settings counts."""

    def __init__(self, endpoint=None, **more):
        self._temporary = tempfile.TemporaryDirectory()
        self.root = pathlib.Path(self._temporary.name)
        self.folder = self.root / "work"
        for name in ["work", "home"]:
            (self.root / name).mkdir()
        self.env = {
            "PATH": f"{BINARIES}:{os.environ['PATH']}:{AWS}",
            "HOME": str(self.root / "home"),
            "AWS_EC2_METADATA_DISABLED": "true",
            "CHECKPOINT_DISABLE": "1",
            "TF_IN_AUTOMATION": "1",
            "TF_INPUT": "0",
            "TF_CLI_ARGS_apply": "-auto-approve",
            "TF_CLI_ARGS_destroy": "-auto-approve",
            "NO_COLOR": "1",
            "NO_PROXY": "127.0.0.1",
            "LC_ALL": "C.UTF-8",
        }
        if endpoint is not None:
            self.env |= {
                "AWS_ENDPOINT_URL": endpoint.url,
                "AWS_ACCESS_KEY_ID": "test",
                "AWS_SECRET_ACCESS_KEY": "test",
                "AWS_REGION": "eu-central-1",
                "AWS_DEFAULT_REGION": "eu-central-1",
            }
        self.env |= more

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._temporary.cleanup()

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def copy(self, path, name):
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(ROOT / path, self.folder / name) if (ROOT / path).is_dir() else shutil.copy(ROOT / path, self.folder / name)

    def run(self, lines, status=0, stdin="", **more):
        """Runs lines of bash as a pipeline runs them, and returns what they printed. `status=None` accepts any status."""
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", lines],
            cwd=self.folder, env=self.env | more, input=stdin, capture_output=True, text=True, timeout=300,
        )
        shown = f"{lines}\n-- status {done.returncode}\n{done.stdout}\n-- stderr\n{done.stderr}"
        assert status is None or done.returncode == status, shown
        return done

    def with_provider(self):
        """Puts the provider where `terraform init` of this folder finds it."""
        mirror = self.root / "mirror"
        subprocess.run([ROOT / "provider/place", BINARIES / "terraform-provider-auditlog", mirror], check=True, env=self.env)
        settings = self.root / "terraform.rc"
        settings.write_text(f'provider_installation {{\n  filesystem_mirror {{\n    path = "{mirror}"\n  }}\n}}\n')
        self.env["TF_CLI_CONFIG_FILE"] = str(settings)
        return self


class Endpoint:
    """A local S3 and KMS, which ends with the test."""

    def __init__(self, *arguments):
        self._process = subprocess.Popen(
            [sys.executable, ROOT / "tests/endpoint.py", *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )
        self.url = self._process.stdout.readline().strip()
        assert self.url, "the local endpoint does not start"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(timeout=30)
