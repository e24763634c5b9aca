#!/usr/bin/env python3
"""provider.py FOLDER: what a provider on tf-provider costs, printed, and a failure beyond a limit.

FOLDER is where cargo built: target/release, with terraform-provider-auditlog and examples/fs in it. Times and memory
of a debug build say nothing, so for target/debug the figures are printed and not judged, and less is run.
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import time
import typing

START_OVER_SECONDS = 0.1
BINARY_BYTES = 25_000_000
RESIDENT_BYTES = 40_000_000
ROOT = pathlib.Path(__file__).parents[2]


class Sizes(typing.NamedTuple):
    rounds: int
    resources: int
    trails: int


JUDGED, PRINTED = Sizes(12, 200, 50), Sizes(2, 20, 5)

FS = """
terraform {
  required_providers {
    fs = { source = "example/fs" }
  }
}
provider "fs" { root = "data" }
resource "fs_file" "many" {
  count   = %d
  path    = "${count.index}.txt"
  content = "file ${count.index}"
  tags    = ["${count.index}", "b"]
  owner   = { team = "x" }
}
"""

# Against a local endpoint: a bucket and a key for each trail.
TRAIL = """
terraform {
  required_providers {
    auditlog = { source = "auditlog/auditlog" }
  }
}
resource "auditlog_signing_key" "many" {
  count = %(trails)d
  alias = "alias/bench-${count.index}"
}
resource "auditlog_bucket" "many" {
  count       = %(trails)d
  bucket      = "bench-${count.index}"
  object_lock = { mode = "GOVERNANCE", days = 1 }
}
"""


class Endpoint:
    """A local S3 and KMS endpoint, which ends with its standard input."""

    def __init__(self, folder):
        python = ROOT / "target/venv/bin/python"
        folder.mkdir()
        self.process = subprocess.Popen(
            [python, ROOT / "tests/endpoint.py", "ministack", "open"],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        url = self.process.stdout.readline().strip()
        self.environment = {
            "AWS_ENDPOINT_URL": url,
            "AWS_REGION": "eu-central-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()


class Terraform:
    """A working folder of the real Terraform, which finds the providers in a mirror."""

    def __init__(self, folder, mirror, configuration, environment=None):
        folder.mkdir()
        self.folder = folder
        rc = folder / "cli.tfrc"
        rc.write_text(f'provider_installation {{\n  filesystem_mirror {{\n    path = "{mirror}"\n  }}\n}}\n')
        (folder / "main.tf").write_text(configuration)
        (folder / "data").mkdir()
        quiet = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
        self.environment = {**quiet, **(environment or {}), "CHECKPOINT_DISABLE": "1", "TF_CLI_CONFIG_FILE": str(rc), "TF_IN_AUTOMATION": "1"}
        self.run("init")

    def start(self, log, *arguments):
        return subprocess.Popen(
            ["terraform", *arguments],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )

    def run(self, *arguments):
        """Runs to the end and gives the seconds that it took."""
        with tempfile.TemporaryFile() as log:
            began = time.monotonic()
            status = self.start(log, *arguments).wait()
            took = time.monotonic() - began
            fail_with(log, status, arguments)
        return took

    def watched(self, *arguments):
        """Runs to the end and gives what its provider has needed: resident bytes at most, seconds of a processor."""
        resident, busy = {}, {}
        with tempfile.TemporaryFile() as log:
            process = self.start(log, *arguments)
            while process.poll() is None:
                for child in children(process.pid):
                    try:
                        resident[child] = peak_resident_bytes(child)
                        busy[child] = processor_seconds(child)
                    except (OSError, StopIteration):
                        pass  # It has just ended; the figures before count.
                time.sleep(0.001)
            fail_with(log, process.returncode, arguments)
        if not resident:
            sys.exit(f"terraform {' '.join(arguments)}: its provider was not seen")
        return max(resident.values()), sum(busy.values())


def fail_with(log, status, arguments):
    if status:
        log.seek(0)
        sys.exit(f"terraform {' '.join(arguments)}: status {status}\n{log.read().decode()}")


def stat(process):
    """The fields of /proc/<pid>/stat after the name, which may hold anything."""
    return pathlib.Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()


def children(parent):
    found = []
    for process in filter(str.isdigit, os.listdir("/proc")):
        try:
            if int(process) > parent and int(stat(process)[1]) == parent:
                found.append(process)
        except OSError:
            pass
    return found


def peak_resident_bytes(process):
    # Until exec has happened, the memory is still that of Terraform.
    if "terraform-provider" not in os.readlink(f"/proc/{process}/exe"):
        raise StopIteration
    lines = pathlib.Path(f"/proc/{process}/status").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith("VmHWM")).split()[1])


def processor_seconds(process):
    user, system = stat(process)[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


class Report:
    def __init__(self, judged):
        self.judged = judged
        self.sizes = JUDGED if judged else PRINTED
        self.exceeded = 0

    def line(self, what, figure, limit=None, over=False):
        verdict = ""
        if limit:
            verdict = f"limit {limit}: " + ("exceeded" if over else "kept")
            if not self.judged:
                verdict += " (debug build: not judged)"
            self.exceeded += over and self.judged
        print(f"  {what:<74} {figure:>8}  {verdict}".rstrip())


def start(report, terraforms):
    """The schema of a provider against Terraform's own start, in turns. The shortest of each counts: what else the
    machine does only ever adds, and the limit is about the provider."""
    some = next(iter(terraforms.values()))
    own, with_provider = [], {name: [] for name in terraforms}
    for _ in range(report.sizes.rounds):
        own.append(some.run("version"))
        for name, terraform in terraforms.items():
            with_provider[name].append(terraform.run("providers", "schema", "-json"))
    own = min(own)
    report.line("terraform version", f"{own:.3f} s")
    for name, times in with_provider.items():
        took = min(times)
        report.line(
            f"terraform providers schema -json, {name} ({took / own:.2f} times as long)",
            f"{took:.3f} s",
            f"{own:.3f} s + {START_OVER_SECONDS} s",
            took - own > START_OVER_SECONDS,
        )


def size(report, binary, folder):
    stripped = folder / "stripped"
    subprocess.run(["strip", "-o", stripped, binary], check=True)
    size = stripped.stat().st_size
    report.line("terraform-provider-auditlog, stripped", f"{size / 1e6:.1f} MB", f"{BINARY_BYTES / 1e6:.0f} MB", size > BINARY_BYTES)


def memory(report, terraform):
    resident, _ = terraform.watched("plan")
    report.line(
        "terraform-provider-auditlog, resident at most in a plan",
        f"{resident / 1e6:.1f} MB",
        f"{RESIDENT_BYTES / 1e6:.0f} MB",
        resident > RESIDENT_BYTES,
    )


def plan(report, terraform):
    terraform.run("apply", "-auto-approve")
    took = min(terraform.run("plan", "-detailed-exitcode") for _ in range(3))
    resident, busy = terraform.watched("plan", "-detailed-exitcode")
    report.line(f"terraform plan, {report.sizes.resources} unchanged resources of the example", f"{took:.3f} s")
    report.line(f"  of it the provider at work ({busy / took:.0%} of that time)", f"{busy:.3f} s")
    report.line("  its resident memory at most", f"{resident / 1e6:.1f} MB")


def trails(report, terraform):
    """One clean apply, and a second plan without changes: status 0 of -detailed-exitcode."""
    took = terraform.run("apply", "-auto-approve")
    report.line(f"terraform apply, {report.sizes.trails} buckets and as many keys on a local endpoint", f"{took:.1f} s")
    took = terraform.run("plan", "-detailed-exitcode")
    report.line("  a plan of them afterwards, without changes", f"{took:.1f} s")
    resident, _ = terraform.watched("plan", "-detailed-exitcode")
    report.line("  resident memory of the provider at most", f"{resident / 1e6:.1f} MB")


def placed(built, mirror):
    """A mirror with both providers."""
    place = ROOT / "provider/place"
    subprocess.run([place, built / "terraform-provider-auditlog", mirror], check=True)
    # The platform's name is a folder below the version's.
    system = next(mirror.glob("*/auditlog/auditlog/*/*")).name
    package = mirror / "registry.terraform.io/example/fs/0.1.0" / system
    package.mkdir(parents=True)
    subprocess.run(["strip", "-o", package / "terraform-provider-fs_v0.1.0", built / "examples/fs"], check=True)
    return mirror


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    built = pathlib.Path(sys.argv[1])
    for binary in [built / "terraform-provider-auditlog", built / "examples/fs"]:
        if not binary.exists():
            sys.exit(f"{binary} is missing: make bench builds it")
    report = Report(judged=built.name == "release")
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        mirror = placed(built, folder / "mirror")
        fs = Terraform(folder / "fs", mirror, FS % report.sizes.resources)
        with Endpoint(folder / "endpoint") as endpoint:
            one, many = (
                Terraform(folder / f"trails-{trails}", mirror, TRAIL % {"trails": trails}, endpoint.environment)
                for trails in (1, report.sizes.trails)
            )
            print(f"what a provider costs, the shortest of {report.sizes.rounds} runs in turns")
            start(report, {"the example": fs, "auditlog": one})
            size(report, built / "terraform-provider-auditlog", folder)
            memory(report, one)
            plan(report, fs)
            trails(report, many)
    if report.exceeded:
        sys.exit(f"{report.exceeded} limits exceeded")


if __name__ == "__main__":
    main()
