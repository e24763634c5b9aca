"""What auditlog_pipeline renders: each file has the form of its format, nothing in it loses events, and each event has its id before the buffer.

The files are those that the provider's own tests compare with what it renders. Programs that are there are run elsewhere: syslog-ng and rsyslog by the tests of
the provider, Filebeat and OpenTelemetry's Collector by `make test-senders`.
"""

import json
import re
import subprocess
import unittest

from formats import fluentd, logstash, toml, yaml
from support import ROOT

GOLDEN = ROOT / "provider/src/pipeline/golden"
PIPELINES = ROOT / "docs/guides/pipelines.md"
RUN = {"rsyslog", "rsyslog-tcp", "syslog-ng"}
PARSERS = {".toml": toml, ".yaml": yaml, ".yml": yaml, "hoop": yaml, "logstash": logstash, "fluentd": fluentd}
ID = "auditlog_event_id"
NOT_ACCEPTED = set(range(300, 600))


def text(name):
    return (GOLDEN / name).read_text()


def parser(path):
    return PARSERS.get(path.suffix) or PARSERS.get(path.parent.name)


def parsed(name):
    return parser(GOLDEN / name)(text(name))


def plugins(name):
    """Of each section of a pipeline of Logstash, its plugins and their settings."""
    return {section: [(plugin, {key: value[0] for key, value in settings}) for plugin, settings in found] for section, found in parsed(name)}


class Form(unittest.TestCase):
    def test_each_file_is_parsed_as_its_format_or_run_by_its_program(self):
        files = [path for path in GOLDEN.rglob("*") if path.is_file()]
        self.assertGreater(len(files), 9)
        for path in files:
            with self.subTest(path=path.relative_to(GOLDEN)):
                if path.parent.name not in RUN:
                    self.assertTrue(parser(path)(path.read_text()))

    def test_broken_files_are_refused(self):
        for name, whole, broken in (
            ("vector/vector.toml", "[sources.auditlog]", "[sources.auditlog"),
            ("fluent-bit/fluent-bit.yaml", "  flush: 1\n", "  flush: 1\n  flush: 2\n"),
            ("logstash/in.conf", "  file {", "  file"),
            ("logstash/out.conf", "pool_max => 50", "pool_max = 50"),
            ("fluentd/fluentd.conf", "  </buffer>\n", ""),
            ("fluentd/fluentd.conf", "    retry_forever true\n", "    retry_forever true\n    retry_forever false\n"),
            ("fluentd/fluentd.conf", "    @type json\n  </format>", "    @type\n  </format>"),
        ):
            with self.subTest(name=name, broken=broken):
                text = (GOLDEN / name).read_text()
                self.assertEqual(text.count(whole), 1)
                with self.assertRaises(Exception):
                    parser(GOLDEN / name)(text.replace(whole, broken))


class Rendered(unittest.TestCase):
    def test_every_folder_is_looked_at(self):
        looked_at = {"filebeat", "fluent-bit", "fluentd", "kubernetes", "logstash", "opentelemetry", "vector"}
        elsewhere = {"hoop", "rsyslog", "rsyslog-tcp", "syslog-ng"}
        self.assertEqual({path.name for path in GOLDEN.iterdir() if path.is_dir()}, looked_at | elsewhere)

    def test_guides_name_the_same_versions(self):
        rows = PIPELINES.read_text().splitlines()
        for folder in (path for path in GOLDEN.iterdir() if path.is_dir()):
            head = next(path for path in folder.iterdir()).read_text()
            version = re.search(r"([\d.]+ or later)[^\n]*, the source ", head)
            [row] = [row for row in rows if row.startswith(f"| `{folder.name}`")]
            self.assertEqual("or later" in row, version is not None, row)
            if version:
                self.assertIn(version[1], row)

    def test_each_file_names_the_folder_that_it_needs(self):
        for path in GOLDEN.glob("*/*"):
            if path.parent.name not in {"hoop", "kubernetes"}:
                self.assertIn(f"# Create the folder /var/lib/auditlog-{path.parent.name} first.", path.read_text(), path)

    def test_filebeat(self):
        file = parsed("filebeat/filebeat.yml")
        [made] = file["processors"]
        self.assertEqual((made["fingerprint"]["target_field"], made["fingerprint"]["method"]), (ID, "sha256"))
        self.assertEqual(list(file["queue.disk"]), ["path", "max_size"])
        out = file["output.logstash"]
        self.assertEqual((out["max_retries"], out["pipelining"], out["slow_start"], out["worker"]), (-1, 0, False, 1))
        self.assertEqual(out["ssl"]["verification_mode"], "full")
        [read] = file["filebeat.inputs"]
        self.assertEqual((read["ignore_older"], read["close.reader.after_interval"]), (0, 0))
        self.assertEqual((read["file_identity.native"], read["prospector.scanner.fingerprint.enabled"]), (None, False))

    def test_fluent_bit(self):
        file = parsed("fluent-bit/fluent-bit.yaml")
        [read], [made], [out] = (file["pipeline"][part] for part in ["inputs", "filters", "outputs"])
        self.assertEqual(made["uuid_key"], ID)
        self.assertEqual((read["storage.type"], read["storage.pause_on_chunks_overlimit"]), ("filesystem", "on"))
        self.assertEqual((out["retry_limit"], out["tls"], out["tls.verify"]), ("no_limits", "on", "on"))
        self.assertNotIn("storage.total_limit_size", out)
        self.assertEqual((file["service"]["storage.keep.rejected"], read["rotate_wait"]), ("on", 2592000))

    def test_fluentd(self):
        file = parsed("fluentd/fluentd.conf")
        self.assertEqual(list(file), ["source", "filter auditlog", "match auditlog"])
        source, made, out = file.values()
        self.assertEqual(list(made["record"]), [ID])
        self.assertIn('record["unmatched_line"].force_encoding("UTF-8").scrub!', made["record"][ID])
        self.assertEqual((source["follow_inodes"], source["max_line_size"], source["parse"]["json_parser"]), ("true", "3m", "yajl"))
        self.assertEqual({int(status) for status in out["retryable_response_codes"].split(",")}, NOT_ACCEPTED)
        self.assertEqual((out["tls_verify_mode"], out["endpoint"][:8]), ("peer", "https://"))
        buffer = out["buffer"]
        self.assertEqual((buffer["@type"], buffer["retry_forever"], buffer["overflow_action"]), ("file", "true", "block"))

    def test_kubernetes(self):
        file = parsed("kubernetes/audit-webhook.yaml")
        [cluster], [user], [context] = file["clusters"], file["users"], file["contexts"]
        self.assertEqual(cluster["cluster"]["server"], "https://sealer.acme.example:9880/kubernetes")
        self.assertNotIn("insecure-skip-tls-verify", cluster["cluster"])
        self.assertEqual(context["context"], {"cluster": cluster["name"], "user": user["name"]})
        self.assertEqual((file["current-context"], list(user["user"])), (context["name"], ["tokenFile"]))

    def test_logstash(self):
        read, write = plugins("logstash/in.conf"), plugins("logstash/out.conf")
        [(plugin, made)] = read["filter"]
        self.assertEqual((plugin, made["target"]), ("uuid", ID))
        [(_, out)] = write["output"]
        self.assertEqual(set(out["retryable_codes"]), NOT_ACCEPTED)
        self.assertEqual((out["retry_failed"], out["ssl_verification_mode"]), (True, "full"))
        self.assertEqual((out["socket_timeout"], out["pool_max_per_route"]), (60, out["pool_max"]))
        [(_, sent)], [(_, taken)] = read["output"], write["input"]
        self.assertEqual(sent["send_to"], [taken["address"]])
        for pipeline in parsed("logstash/pipelines.yml"):
            self.assertEqual((pipeline["queue.type"], pipeline["queue.checkpoint.writes"]), ("persisted", 1))

    def test_opentelemetry(self):
        file = parsed("opentelemetry/otelcol.yaml")
        [pipeline] = file["service"]["pipelines"].values()
        [read], [out] = ([file[kind + "s"][name] for name in pipeline[kind + "s"]] for kind in ["receiver", "exporter"])
        [made] = read["operators"]
        self.assertEqual((made["type"], made["field"]), ("add", f'attributes["{ID}"]'))
        queue = out["sending_queue"]
        [store] = file["service"]["extensions"]
        self.assertEqual({store}, {queue["storage"], read["storage"]})
        self.assertTrue(file["extensions"][store]["fsync"])
        self.assertTrue(queue["block_on_overflow"])
        for retry in [read["retry_on_failure"], out["retry_on_failure"]]:
            self.assertEqual((retry["enabled"], retry["max_elapsed_time"]), (True, "0s"))
        self.assertFalse(out["tls"]["insecure_skip_verify"])
        self.assertEqual(read["fingerprint_size"], "16kb")
        self.assertEqual((read["start_at"], out["headers"]["Authorization"]), ("beginning", "Bearer ${env:AUDITLOG_TOKEN}"))

    def test_vector(self):
        file = parsed("vector/vector.toml")
        [out], [made] = file["sinks"].values(), file["transforms"].values()
        self.assertIn(f".{ID} = uuid_v4()", made["source"])
        self.assertEqual(out["inputs"], list(file["transforms"]))
        self.assertEqual((out["buffer"]["type"], out["buffer"]["when_full"]), ("disk", "block"))
        self.assertEqual((out["retry_strategy"]["type"], out["acknowledgements"]["enabled"]), ("all", True))
        self.assertTrue(out["tls"]["verify_certificate"])
        self.assertNotIn("ignore_older_secs", file["sources"]["auditlog"])
        self.assertEqual(file["sources"]["auditlog"]["fingerprint"], {"strategy": "device_and_inode"})
        self.assertEqual(out["batch"]["max_events"], 1)
        self.assertEqual(out["request"]["headers"], {"Idempotency-Key": f"vector-{{{{ {ID} }}}}"})

    def test_vector_gets_its_token_without_a_variable_in_the_file(self):
        self.assertNotIn("${", text("vector/vector.toml"))
        file = parsed("vector/vector.toml")
        [out], [[backend, secret]] = file["sinks"].values(), file["secret"].items()
        self.assertEqual((secret["type"], out["auth"]["token"]), ("exec", f"SECRET[{backend}.token]"))
        query = b'{"version":"1.0","secrets":["token"]}'
        answer = subprocess.run(secret["command"], input=query, env={"AUDITLOG_TOKEN": "5f0a"}, capture_output=True, check=True)
        self.assertEqual(json.loads(answer.stdout), {"token": {"value": "5f0a", "error": None}})


if __name__ == "__main__":
    unittest.main()
