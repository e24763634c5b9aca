"""Every fenced block of the guides is run or read here, or in another test that is named, or is listed with the reason why it is not."""

import base64
import contextlib
import json
import os
import pathlib
import re
import socket
import ssl
import struct
import subprocess
import time
import unittest
import warnings

import jsonschema

import formats
from support import BINARIES, ROOT, Endpoint, Workplace, first_use, read

G, S = "docs/guides/", "docs/guides/senders/"
TRAIL, SEALER, POLICIES = "terraform/audit-trail/README.md", "terraform/sealer/README.md", "examples/policies/README.md"

# What this file runs: the guide, and a word that only this block of it has.
HERE = {
    (G + "service.md", '[[http.token]]'), (G + "service.md", 'tag = "shop.pay.**"'), (G + "service.md", "curl --fail"),
    (G + "service.md", "  head       segment 0"), (G + "service.md", "-cf spools.tar"), (G + "service.md", "-xf spools.tar"),
    (G + "service.md", 'pins = "pins.json"'), (G + "service.md", "payments.token.next"),
    (G + "forward.md", "[[forward]]"), (G + "forward.md", '"user":"ada"'), (G + "lumberjack.md", "[[lumberjack]]"),
    (G + "syslog.md", "[[syslog]]"), (G + "syslog.md", '"msg_id":"ID47"'), (S + "hoop.md", "[[http.webhook]]"),
    (S + "opentelemetry.md", '"logRecord"'), (S + "rsyslog.md", 'module(load="omrelp"'), (S + "syslog-ng.md", "d_auditlog"),
    (S + "files.md", "postrotate"),
    (G + "sealing.md", "auditlog-seal keygen"), (G + "sealing.md", "export-events"), (G + "sealing.md", "key-2027.pem"),
    (G + "verification.md", "./copy"), (G + "verification.md", '{ "pins": 1'), (G + "verification.md", "--report report.xml"),
    (G + "verification.md", "auditlog-verify probe"), (G + "past-one-machine.md", "--range 17"),
    (G + "chain-format.md", '{"format":1'), (G + "chain-format.md", "zstdcat"),
    (G + "trust-policy.md", '"trust_policy": 1'), (G + "trust-policy.md", '"silence-exceeded"'),
    (G + "alarms.md", "put-metric-data"), (G + "alarms.md", "put-metric-alarm"),
    (G + "install.md", "filesystem_mirror"), (G + "pipelines.md", 'data "auditlog_pipeline"'), (G + "pipelines.md", "jq -r"),
    (G + "pipelines.md", "sealer_unit > "),
    (TRAIL, "logs        = { payments = {} }\n}"), (TRAIL, "acme-audit-prod"), (TRAIL, "pipelines = {"),
}

# What is only read with a parser of its format, because the program is not here.
PARSED = {
    (S + "fluent-bit.md", "name: forward"): formats.yaml, (S + "fluent-bit.md", "name: http"): formats.yaml,
    (S + "vector.md", "uuid_v7"): formats.yaml, (S + "kubernetes.md", "kind: Config"): formats.yaml,
    (S + "opentelemetry.md", "filelog"): formats.yaml, (S + "filebeat.md", "filebeat.inputs"): formats.yaml,
    (S + "fluentd.md", "@type forward"): formats.fluentd, (S + "fluentd.md", "@type http"): formats.fluentd,
    (S + "logstash.md", "filter {"): formats.logstash,
}

# Guides whose blocks of a language another test runs. The test names the guide.
ELSEWHERE = {
    ("README.md", ""): "tests/tests/e2e/readme.rs", ("README.md", "hcl"): "tests/tests/e2e/readme.rs",
    ("ARCHITECTURE.md", "text"): "tests/tests/e2e/modules/mod.rs",
    (G + "auditor.md", "sh"): "tests/adoption/test_guides.py", (G + "backup.md", "sh"): "tests/adoption/test_guides.py",
    (G + "cost.md", "hcl"): "tests/adoption/test_guides.py", (G + "cost.md", ""): "tests/adoption/test_guides.py",
    (G + "cost.md", "sh"): "tests/adoption/test_guides.py", (G + "key-compromise.md", "sh"): "tests/adoption/test_guides.py",
    (G + "key-compromise.md", "hcl"): "tests/adoption/test_guides.py", (G + "retention.md", "hcl"): "tests/adoption/test_guides.py",
    (G + "retention.md", "sh"): "tests/adoption/test_guides.py", (G + "alarms.md", "hcl"): "tests/adoption/test_alarms.py",
    (G + "first-hour.md", "sh"): "tests/adoption/test_first_hour.py", (G + "first-hour.md", "console"): "tests/adoption/test_first_hour.py",
    (G + "operations.md", "sh"): "tests/tests/e2e/operations.rs", (G + "operations.md", "hcl"): "tests/tests/e2e/operations.rs",
    (G + "proofs.md", "sh"): "tests/tests/e2e/verify/proofs.rs", (G + "upgrade.md", "terraform"): "tests/tests/e2e/upgrade.rs",
    (G + "reading.md", "regex"): "tests/tests/e2e/reading.rs", (G + "reading.md", "sh"): "tests/tests/e2e/reading.rs",
    (G + "reading.md", "python"): "tests/tests/e2e/reading.rs", (G + "reading.md", "sql"): "tests/tests/e2e/reading.rs",
    (S + "files.md", "toml"): "tests/tests/e2e/seal/follow.rs", ("examples/ci/README.md", "hcl"): "tests/adoption/test_pipelines.py",
    (SEALER, "hcl"): "tests/tests/engines/sealer.rs", (S + "fluent-logger.md", "toml"): "tests/tests/senders/pages.rs",
    (S + "fluent-logger.md", "python"): "tests/tests/senders/pages.rs", (S + "fluent-org-logger.md", "toml"): "tests/tests/senders/pages.rs",
    (S + "fluent-org-logger.md", "js"): "tests/tests/senders/pages.rs", (S + "curl.md", "toml"): "tests/tests/senders/pages.rs",
    (S + "curl.md", "sh"): "tests/tests/senders/pages.rs", (G + "service.md", "json"): "tests/tests/e2e/seal/keeper.rs",
}

# Single blocks that another test runs.
HELD = {
    (G + "verification.md", "--policy payments.json"): "tests/tests/e2e/verify/several.rs",
    (G + "install.md", "gpg --verify"): "tests/adoption/test_dist.py", (G + "install.md", "tar --extract"): "tests/adoption/test_dist.py",
    (G + "install.md", "mirror/registry.terraform.io"): "tests/adoption/test_dist.py",
}

# What nothing runs, and why.
NOT_RUN = {
    (G + "service.md", "useradd"): "needs root; the unit is checked by systemd-analyze in tests/tests/e2e/seal/operate.rs",
    (G + "service.md", "systemctl enable"): "needs root and systemd",
    (G + "pipelines.md", "-o vector"): "needs a user named vector",
    (G + "pipelines.md", "useradd"): "needs root and systemd; its files are checked in tests/tests/e2e/provider/pipeline.rs",
    (G + "past-one-machine.md", "spark-submit"): "needs Spark: tests/tests/engines runs the same job",
    (G + "past-one-machine.md", "kubectl"): "needs a cluster: tests/tests/engines checks the manifests",
    (G + "reading.md", "CREATE EXTERNAL TABLE"): "needs Athena, and the guide says that it was not tried",
    (G + "install.md", "git clone"): "takes two release builds: .github/workflows/reproducible.yml",
    (G + "install.md", "make dist SIGN"): "takes a release build: .github/workflows/release.yml; test_dist.py signs",
    (G + "pipelines.md", "client_max_body_size"): "nginx is not here",
    (SEALER, "kubectl"): "needs a cluster: tests/tests/engines/sealer.rs checks the manifest",
    (POLICIES, "conftest"): "neither conftest nor opa is here: test_policies.py runs the rules with regopy",
    (POLICIES, "checkov --directory"): "test_checkov.py runs Checkov with these options",
}


def pages():
    names = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md"]
    found = [*(ROOT / "docs/guides").rglob("*.md"), *(ROOT / "examples").rglob("README.md"), *ROOT.glob("terraform/*/README.md")]
    return names + sorted(path.relative_to(ROOT).as_posix() for path in found)


def fenced(path):
    return re.findall(r"^```(\S*)\n(.*?)^```$", read(path), re.MULTILINE | re.DOTALL)


taken = set()


def block(path, word):
    """The one block of a guide that has a word, which is run by whoever asks for it."""
    found = [body for _, body in fenced(path) if word in body]
    assert len(found) == 1, f"{path}: {len(found)} blocks with {word}"
    assert (path, word) in HERE | PARSED.keys(), f"{path}: {word} is not listed"
    taken.add((path, word))
    return found[0]


def commands(text):
    """The commands of a transcript, without their comments."""
    return "\n".join(line.removeprefix("$ ") for line in text.splitlines() if line.startswith("$ "))


def certificates(place):
    """One certificate under each name that guides have for one."""
    (place.folder / "etc").mkdir()
    place.run("umask 077\nopenssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=sealer.example "
              "-keyout etc/server.key -out etc/server.pem 2> made.txt\n"
              "cd etc\ncp server.key sender.key\nfor name in senders sender ca; do cp server.pem $name.pem; done")


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class List(unittest.TestCase):
    def test_each_block_is_run_or_listed_once(self):
        used = set()
        for path in pages():
            for at, (language, body) in enumerate(fenced(path), 1):
                one = f"{path}, block {at}: {body.splitlines()[0] if body else ''}"
                mine = [key for key in [*HERE, *PARSED, *HELD, *NOT_RUN] if key[0] == path and key[1] in body]
                elsewhere = (path, language) in ELSEWHERE
                used |= set(mine) | ({(path, language)} if elsewhere else set())
                # An entry of its own goes before those of its language.
                self.assertTrue(len(mine) == 1 or (not mine and (elsewhere or language == "mermaid")), f"{one}\nis listed {len(mine)} times")
        self.assertEqual(used, {*HERE, *PARSED, *HELD, *NOT_RUN, *ELSEWHERE}, "an entry without a block")

    def test_a_test_elsewhere_names_the_guide(self):
        for (_, word), test in HELD.items():
            self.assertIn(word, read(test))
        for (path, _), test in (ELSEWHERE | HELD).items():
            self.assertIn(path.removeprefix(G).removeprefix("senders/"), read(test), test)


class Blocks(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        """One trail of the first use, with a prefix to try the store under, and one bucket with two logs."""
        cls.endpoint = Endpoint()
        cls.place = cls.enterClassContext(Workplace(cls.endpoint).with_provider())
        one = first_use().replace("days = 3 }\n", 'days = 3 }\n  declared_prefixes = ["probe/"]\n')
        two = """
            resource "auditlog_bucket" "two" {
              bucket      = "acme-two"
              object_lock = { mode = "GOVERNANCE", days = 3 }
              logs = {
                payments = { signing_key = auditlog_signing_key.audit.trust, origin = "acme.example/audit/payments" }
                orders   = { signing_key = auditlog_signing_key.audit.trust, origin = "acme.example/audit/orders" }
              }
            }
            output "two" { value = auditlog_bucket.two.trust_policy }
        """
        pipeline = block(G + "pipelines.md", 'data "auditlog_pipeline"')
        cls.place.write("main.tf", one + two + pipeline)
        cls.place.write("events.jsonl", '{"paid":1}\n{"paid":2}\n')
        cls.place.run("terraform init\nterraform apply\nterraform output -raw trust_policy > trust-policy.json\n"
                      "terraform output -raw two > two.json")

    @classmethod
    def tearDownClass(cls):
        cls.endpoint.__exit__()

    def folder(self, name):
        """A folder of its own in the work place, with the events and a log in a folder under a key file."""
        place = Workplace(self.endpoint)
        self.addCleanup(place.__exit__)
        place.write("events.jsonl", '{"paid":1}\n{"paid":2}\n')
        place.run("auditlog-seal keygen --out key.pem > key.pub\n"
                  f"auditlog-seal policy --origin acme.example/audit/{name} --key-file key.pem > trust-policy.json")
        place.log = f'[[logs]]\npolicy = "trust-policy.json"\nkey_file = "key.pem"\nto = "./audit"\nspool = "{place.folder}/spool"\n'
        return place

    def on_machine(self, place, text):
        """The paths of a machine become those of the work place."""
        return text.replace("/etc/auditlog", f"{place.folder}/etc").replace("/var/lib/auditlog", f"{place.folder}/lib")

    @contextlib.contextmanager
    def service(self, place, port):
        process = subprocess.Popen([BINARIES / "auditlog-seal", "run", "--config", "sealer.toml"], cwd=place.folder, env=place.env,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            ready = f"curl --silent --fail --output /dev/null http://127.0.0.1:{port}/readyz"
            until = time.monotonic() + 60
            while subprocess.run(["bash", "-c", ready], env=place.env).returncode:
                assert process.poll() is None, process.stderr.read()
                assert time.monotonic() < until, "the service is not ready"
                time.sleep(0.05)
            yield
            process.terminate()
            _, said = process.communicate(timeout=60)
            self.assertEqual(process.returncode, 0, said)
        finally:
            process.kill()
            process.wait()

    def events(self, place):
        """The events of the log in a folder."""
        lines = place.run("zstdcat audit/*/*.jsonl.zst").stdout.splitlines()
        return [line for line in lines if re.match(r'\{"index":\d+,"prev":"\w+","time":"[^"]+",("\w+":"[^"]*",)*"event":', line)]

    # The service

    def test_token_is_replaced_while_both_are_accepted(self):
        place = Workplace(self.endpoint)
        self.addCleanup(place.__exit__)
        token = place.folder / "etc/payments.token"
        # Without an end of line, as printf writes it.
        place.write("etc/payments.token", "the old one")
        script = self.on_machine(place, block(G + "service.md", "payments.token.next"))
        first, last = script.split("mv payments.token.next", 1)
        place.run(first)
        old, new = token.read_text().splitlines()
        self.assertEqual((old, len(new)), ("the old one", 48))
        place.run(f"cd {token.parent}\nmv payments.token.next" + last)
        self.assertEqual(token.read_text().splitlines(), [new])

    def test_service_of_two_logs_takes_what_the_guide_sends_and_moves(self):
        place = Workplace(self.endpoint)
        self.addCleanup(place.__exit__)
        port = free_port()
        place.write("trust-policy.json", (self.place.folder / "two.json").read_text())
        place.write("etc/payments.token", "a secret of payments-api")
        (place.folder / "lib").mkdir()
        guide = G + "service.md"
        config = block(guide, "[[http.token]]") + "\n" + block(guide, 'tag = "shop.pay.**"')
        place.write("sealer.toml", self.on_machine(place, config).replace("9880", str(port)))
        self.assertEqual(place.run("auditlog-seal check-config --config sealer.toml").stdout, "the configuration is valid\n")
        place.write("events.jsonl", '{"kind":"order","id":1}\n{"kind":"order","id":2}\n')
        with self.service(place, port):
            send = block(guide, "curl --fail").replace("9880", str(port))
            self.assertEqual(json.loads(place.run(send, TOKEN="a secret of payments-api").stdout), {"accepted": 2})
            self.assertEqual(json.loads(place.run(send, TOKEN="a secret of payments-api").stdout)["repeat"], True)
            status = place.run("auditlog-seal status --config sealer.toml").stdout
            shown = block(guide, "  head       segment 0")
            labels = lambda text: set(re.findall(r"^  (\w+(?: at)?) ", text, re.MULTILINE))
            self.assertEqual(labels(shown) - labels(status), set(), status)
            self.assertRegex(status, r"(?m)^orders \(acme.example/audit/orders\): accepts events$")
        place.run(self.on_machine(place, block(guide, "-cf spools.tar")) + f"rm -r {place.folder}/lib\n"
                  + self.on_machine(place, block(guide, "-xf spools.tar")))
        with self.service(place, port):
            again = place.run(send, TOKEN="a secret of payments-api").stdout
            self.assertEqual(json.loads(again), {"accepted": 0, "repeat": True}, "the names moved with the spools")
        found = place.run("auditlog-verify --policy trust-policy.json --log acme.example/audit/orders --pins pins.json").stdout
        self.assertIn("2 entries", found)
        # Another machine without the spools: the pins say where the log ended.
        place.run(f"rm -r {place.folder}/lib")
        [pins, *_] = block(guide, 'pins = "pins.json"').splitlines()
        text = (place.folder / "sealer.toml").read_text().replace('/orders"\n', f'/orders"\n{pins}\n', 1)
        place.write("sealer.toml", text)
        place.run("auditlog-seal check-config --config sealer.toml")

    def test_listeners_of_the_guides_are_configurations(self):
        place = self.folder("listeners")
        certificates(place)
        for name in ["forward.key", "web.password"]:
            place.write(f"etc/{name}", "a secret of the test")
        place.write("etc/hoop.secret", "whsec_" + base64.b64encode(bytes(range(32))).decode())
        for path, word in [(G + "forward.md", "[[forward]]"), (G + "lumberjack.md", "[[lumberjack]]"), (G + "syslog.md", "[[syslog]]"),
                           (S + "hoop.md", "[[http.webhook]]")]:
            place.write("sealer.toml", place.log + self.on_machine(place, block(path, word)))
            self.assertEqual(place.run("auditlog-seal check-config --config sealer.toml").stdout, "the configuration is valid\n", path)

    def handshake(self, port, version, ciphers):
        """The version and the suite of a connection, or why the listener refuses it."""
        client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
        client.set_ciphers(f"{ciphers}:@SECLEVEL=0")
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
            client.minimum_version = client.maximum_version = version
        try:
            with socket.create_connection(("127.0.0.1", port)) as one, client.wrap_socket(one) as stream:
                return stream.version(), stream.cipher()[0]
        except ssl.SSLError as error:
            return error.reason

    def test_listeners_take_the_versions_and_suites_of_tls_that_the_guide_names(self):
        said = "takes TLS 1.2 and 1.3 and nothing older, with AES-256-GCM, AES-128-GCM and ChaCha20-Poly1305, under TLS 1.2 with\nECDHE only."
        self.assertIn(said, read(G + "service.md"))
        every = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        every.set_ciphers("ALL:!PSK:!SRP:!aNULL:@SECLEVEL=0")
        known = [suite["name"] for suite in every.get_ciphers() if not suite["name"].startswith("TLS_")]
        self.assertLess({"AES128-SHA", "ECDHE-ECDSA-AES256-SHA384", "ECDHE-RSA-AES256-SHA384", "DHE-RSA-AES128-GCM-SHA256"}, set(known))
        place = self.folder("tls")
        certificates(place)
        place.run("openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=sealer.example -keyout etc/rsa.key -out etc/rsa.pem 2> made.txt")
        plain, *ports = (free_port() for _ in range(3))
        config = place.log + f'[[http]]\nname = "plain"\nlisten = "127.0.0.1:{plain}"\n'
        for name, port in zip(["server", "rsa"], ports):
            config += (f'[[http]]\nname = "{name}"\nlisten = "127.0.0.1:{port}"\n'
                       f'tls = {{ certificate = "{place.folder}/etc/{name}.pem", key = "{place.folder}/etc/{name}.key" }}\n')
        place.write("sealer.toml", config)
        with self.service(place, plain):
            for of_key, port in zip(["ECDSA", "RSA"], ports):
                version, suite = self.handshake(port, ssl.TLSVersion.TLSv1_3, "ALL")
                self.assertEqual((version, suite[:8]), ("TLSv1.3", "TLS_AES_"))
                for old in [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1]:
                    # The answer of the listener, not a refusal by this client.
                    self.assertRegex(self.handshake(port, old, "ALL"), "_ALERT_(PROTOCOL_VERSION|HANDSHAKE_FAILURE)$")
                tried = {suite: self.handshake(port, ssl.TLSVersion.TLSv1_2, suite) for suite in known}
                taken = {suite for suite, came in tried.items() if came == ("TLSv1.2", suite)}
                self.assertEqual(taken, {f"ECDHE-{of_key}-{cipher}" for cipher in ["AES256-GCM-SHA384", "AES128-GCM-SHA256", "CHACHA20-POLY1305"]})
                refused = {came for suite, came in tried.items() if suite not in taken}
                self.assertEqual(refused, {"SSLV3_ALERT_HANDSHAKE_FAILURE"}, tried)

    def test_events_are_in_the_log_as_the_guides_show_them(self):
        place = self.folder("shown")
        http, syslog, forward = free_port(), free_port(), free_port()
        place.write("sealer.toml", place.log + f"""
            [[http]]
            listen = "127.0.0.1:{http}"
            source = "vector-1"
            [[syslog]]
            transport = "tcp"
            listen = "127.0.0.1:{syslog}"
            [[forward]]
            listen = "127.0.0.1:{forward}"
            without_authentication = true
        """)
        of_forward = block(G + "forward.md", '"user":"ada"').strip()
        of_syslog = block(G + "syslog.md", '"msg_id":"ID47"').strip()
        of_otlp = block(S + "opentelemetry.md", '"logRecord"').strip()
        resource, record = re.fullmatch(r'\{"resource":(.*),"logRecord":(.*)\}', of_otlp).groups()
        place.write("otlp.json", f'{{"resourceLogs":[{{"resource":{resource},"scopeLogs":[{{"logRecords":[{record}]}}]}}]}}')
        place.write("one.json", '{"user":"ada","action":"login"}\n')
        text = lambda value: bytes([0xa0 + len(value)]) + value.encode()
        entry = b"\x93" + text("shop.login") + b"\xd7\x00" + struct.pack(">II", 1795688100, 123456789)
        entry += b"\x82" + text("user") + text("ada") + text("ok") + b"\xc3"
        with self.service(place, http):
            url = f"http://127.0.0.1:{http}"
            place.run(f"curl --fail -H 'Idempotency-Key: chunk-7f3a' --data-binary @one.json {url}/events\n"
                      f"curl --fail -H 'Content-Type: application/json' --data-binary @otlp.json {url}/v1/logs")
            for port, message in [(syslog, json.loads(of_syslog)["raw"].encode() + b"\n"), (forward, entry)]:
                with socket.create_connection(("127.0.0.1", port)) as sender:
                    sender.sendall(message)
            count = f"curl --silent {url}/metrics | awk '/^auditlog_sealer_accepted_events_total/ {{ sum += $2 }} END {{ print sum + 0 }}'"
            until = time.monotonic() + 30
            while place.run(count).stdout.strip() != "4":
                self.assertLess(time.monotonic(), until, place.run(f"curl --silent {url}/metrics").stdout)
                time.sleep(0.05)
        stored = [line.split('"event":', 1)[1][:-1] for line in self.events(place)]
        for shown in [of_forward, of_syslog, of_otlp]:
            self.assertIn(shown, stored)
        self.lines_have_the_form_of_the_guide(place)

    def lines_have_the_form_of_the_guide(self, place):
        shown = [json.loads(line) for line in block(G + "chain-format.md", '{"format":1').splitlines()]
        lines = [json.loads(line) for line in place.run("zstdcat audit/*/000000000001.jsonl.zst").stdout.splitlines()]
        form = lambda value: {key: form(one) for key, one in value.items()} if isinstance(value, dict) else type(value)
        keys = lambda value: json.dumps(value, default=lambda kind: kind.__name__)
        own = [keys(form(line)) for line in lines]
        for line in shown:
            self.assertIn(keys(form(line)), own)
        [first] = list(place.folder.glob("audit/*/000000000001.jsonl.zst"))
        hashes = place.run(f"cd {first.parent}\n" + commands(block(G + "chain-format.md", "zstdcat"))).stdout
        hashes = [line.split()[0] for line in hashes.splitlines()]
        self.assertEqual([line["prev"] for line in lines[1:-1]], hashes[:-1])

    # Sealing and verifying

    def test_sealing_works_as_written(self):
        place = Workplace(self.endpoint)
        self.addCleanup(place.__exit__)
        place.write("events.jsonl", '{"paid":1}\n{"paid":2}\n')
        place.write("trust-policy.json", (self.place.folder / "trust-policy.json").read_text())
        place.env["HOME"] = self.place.env["HOME"]  # where the spool of this log is
        guide = G + "sealing.md"
        # An export that a person has, and the same trail again: the file was taken before, and the pipe was not.
        place.write("bin/export-events", "#!/bin/sh\necho '{\"paid\":3}'\n")
        (place.folder / "bin/export-events").chmod(0o755)
        place.env["PATH"] = f"{place.folder}/bin:{place.env['PATH']}"
        twice = block(guide, "export-events")
        self.assertIn("sealed 2 events", place.run(twice).stdout)
        self.assertIn("accepted before", place.run(twice).stdout)
        # The first command of it goes on in the bucket, and the others make a log in a folder.
        self.assertIn("\nverified: ", place.run(block(guide, "auditlog-seal keygen")).stdout)
        old = json.loads((place.folder / "trust-policy.json").read_text())
        new = json.loads(place.run("auditlog-seal keygen --out key-2027.pem > new.pub\n"
                                   "auditlog-seal policy --origin acme.example/audit/payments --key-file key-2027.pem").stdout)
        old["keys"] += new["keys"]
        old["logs"][0]["verifier_keys"] += new["logs"][0]["verifier_keys"]
        place.write("trust-policy.json", json.dumps(old))
        place.write("events.jsonl", '{"paid":4}\n')
        place.run(block(guide, "key-2027.pem"))
        self.assertIn("under key", place.run("auditlog-verify --policy trust-policy.json ./audit").stdout)

    def test_verification_works_as_written(self):
        place, guide = self.place, G + "verification.md"
        place.run("auditlog-seal append --policy trust-policy.json < /dev/null\naws s3 cp --recursive --quiet s3://acme-audit-8f3a ./copy")
        named = lambda text: commands(text).replace("s3://acme-audit/", "s3://acme-audit-8f3a/")
        self.assertEqual(place.run(named(block(guide, "./copy"))).stdout.count("\nverified: "), 3)
        pins = json.loads((place.folder / "pins.json").read_text())
        shown = json.loads(block(guide, '{ "pins": 1'))
        keys = lambda pins: [set(log) for log in pins["logs"].values()]
        self.assertEqual((keys(pins), pins["pins"]), (keys(shown), shown["pins"]))
        place.run(named(block(guide, "--report report.xml")))
        self.assertTrue((place.folder / "report.html").exists())
        self.assertIn("all promises held", place.run(named(block(guide, "auditlog-verify probe"))).stdout)
        # Three ranges in place of 256, each of them run.
        lines = commands(block(G + "past-one-machine.md", "--range 17")).replace("256", "3").splitlines()
        [part] = [line.split("#")[0] for line in lines if "--range 17" in line]
        lines[lines.index(next(line for line in lines if "--range 17" in line))] = f"for range in 0 1 2; do {part.replace('17', '$range')}; done"
        self.assertIn("\nverified: ", place.run("\n".join(lines)).stdout)

    def test_alarms_of_silence_are_accepted(self):
        self.place.copy("examples/alarms/silence.json", "silence.json")
        self.place.run("auditlog-seal append --policy trust-policy.json < /dev/null")
        with Endpoint("moto") as moto:
            cloudwatch = {"AWS_ENDPOINT_URL_CLOUDWATCH": moto.url}
            self.place.run(block(G + "alarms.md", "put-metric-data") + block(G + "alarms.md", "put-metric-alarm"), **cloudwatch)
            alarms = json.loads(self.place.run("aws cloudwatch describe-alarms", **cloudwatch).stdout)["MetricAlarms"]
        declared = json.loads(read("examples/alarms/silence.json"))
        [alarm] = [alarm for alarm in alarms if alarm["AlarmName"] == declared["AlarmName"]]
        self.assertEqual({key: alarm.get(key) for key in declared}, declared)

    def test_trust_policy_of_the_guide_is_one(self):
        place = self.folder("payments")
        real = json.loads((place.folder / "trust-policy.json").read_text())
        shown = json.loads(block(G + "trust-policy.md", '"trust_policy": 1'))
        shown["logs"][0]["verifier_keys"] = real["logs"][0]["verifier_keys"]
        for name in ["spec", "spki"]:
            shown["keys"][0][name] = real["keys"][0][name]
        shown["keys"][0]["arn"] = shown["keys"][0]["arn"].replace("…", "1234abcd-12ab-34cd-56ef-1234567890ab")
        shown["acknowledged"] = [json.loads(block(G + "trust-policy.md", '"silence-exceeded"'))]
        jsonschema.validate(shown, json.loads(read("docs/trust-policy.schema.json")))
        place.write("shown.json", json.dumps(shown))
        (place.folder / "empty").mkdir()
        # The policy is read, so what comes is a report.
        self.assertIn("log acme.example/audit/payments", place.run("auditlog-verify --policy shown.json ./empty", None).stdout)

    # Terraform

    def test_modules_and_pipelines_are_valid(self):
        for at, word in enumerate(["logs        = { payments = {} }\n}", "acme-audit-prod", "pipelines = {"]):
            text = re.sub(r"aws_iam_role\.(\w+)\.arn", r'"arn:aws:iam::123456789012:role/\1"', block(TRAIL, word))
            self.place.write(f"trail-{at}/main.tf", text)
            self.place.copy("terraform", f"trail-{at}/terraform")
            self.place.run(f"cd trail-{at}\nterraform fmt -check -diff main.tf\nterraform init\nterraform validate")
        rendered = self.place.run(block(G + "pipelines.md", "jq -r")).stdout
        self.assertIn("@type http", rendered)
        self.place.run(block(G + "pipelines.md", "sealer_unit > "))
        for name, part in [("sealer.toml", "[[http.token]]"), ("auditlog-sealer.service", "ExecStart="), ("trust-policy.json", '"trust_policy"')]:
            self.assertIn(part, (self.place.folder / name).read_text())

    def test_mirror_of_the_guide_installs_the_provider(self):
        with Workplace().with_provider() as place:
            text = block(G + "install.md", "filesystem_mirror").replace("/srv/terraform/mirror", str(place.root / "mirror"))
            pathlib.Path(place.env["TF_CLI_CONFIG_FILE"]).write_text(text)
            place.write("main.tf", first_use())
            self.assertIn("Installed auditlog/auditlog", place.run("terraform init").stdout)

    # Senders

    def test_files_of_senders_are_parsed_as_their_formats(self):
        for (path, word), parse in PARSED.items():
            self.assertTrue(parse(block(path, word)), path)

    def test_files_of_rsyslog_syslog_ng_and_logrotate_are_read_by_them(self):
        unpacked = ROOT / "target/senders/root"
        libraries = unpacked / "usr/lib/x86_64-linux-gnu"
        own = unpacked / "usr/lib/syslog-ng"
        assert (unpacked / "usr/sbin/rsyslogd").exists(), "rsyslog is missing: make senders"
        [modules] = [path for path in own.iterdir() if path.is_dir()]
        with Workplace() as place:
            certificates(place)
            text = self.on_machine(place, block(S + "rsyslog.md", 'module(load="omrelp"'))
            place.write("rsyslog.conf", f'global(workDirectory="{place.folder}")\n{text}')
            place.run(f"{unpacked}/usr/sbin/rsyslogd -N1 -M {libraries}/rsyslog -f rsyslog.conf", LD_LIBRARY_PATH=str(libraries))
            place.write("syslog-ng.conf", "@version: 3.38\n" + self.on_machine(place, block(S + "syslog-ng.md", "d_auditlog"))
                        + "source s_none { internal(); };\nlog { source(s_none); destination(d_auditlog); };\n")
            place.run(f"{unpacked}/usr/sbin/syslog-ng --module-path={modules} --syntax-only --no-caps -f syslog-ng.conf",
                      LD_LIBRARY_PATH=f"{own}:{modules}:{libraries}:{unpacked}/lib/x86_64-linux-gnu")
            text = block(S + "files.md", "postrotate")
            self.assertEqual(text.count("{"), text.count("}"))
            if os.access("/usr/sbin/logrotate", os.X_OK):
                place.write("rotate.conf", text.replace("/var/log/app", str(place.folder)))
                place.write("web.log", "{}\n")
                place.run("chmod 644 rotate.conf\n/usr/sbin/logrotate --debug --state state rotate.conf")

    def test_zz_what_is_listed_as_run_was_run(self):
        if len(taken) > 20:
            self.assertEqual(taken, HERE | set(PARSED))


if __name__ == "__main__":
    unittest.main()
