"""The form of the files that auditlog_pipeline renders. Those of rsyslog and syslog-ng are run by tests in Rust."""

import unittest

from formats import fluentd, logstash, toml, yaml
from support import ROOT

GOLDEN = ROOT / "provider/src/pipeline/golden"
RUN = {"rsyslog", "rsyslog-tcp", "syslog-ng"}
PARSERS = {".toml": toml, ".yaml": yaml, ".yml": yaml, "hoop": yaml, "logstash": logstash, "fluentd": fluentd}


def parser(path):
    return PARSERS.get(path.suffix) or PARSERS.get(path.parent.name)


def parsed(name):
    path = GOLDEN / name
    return parser(path)(path.read_text())


class Rendered(unittest.TestCase):
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

    def test_settings_that_keep_events_are_where_the_program_reads_them(self):
        vector = parsed("vector/vector.toml")
        self.assertEqual(vector["sources"]["auditlog"]["fingerprint"], {"strategy": "device_and_inode"})
        sink = vector["sinks"]["auditlog"]
        self.assertEqual((sink["buffer"]["type"], sink["buffer"]["when_full"]), ("disk", "block"))
        self.assertIs(sink["acknowledgements"]["enabled"], True)
        self.assertEqual((sink["retry_strategy"]["type"], sink["batch"]["max_events"]), ("all", 1))
        self.assertEqual(sink["request"]["headers"], {"Idempotency-Key": "vector-{{ auditlog_event_id }}"})

        bit = parsed("fluent-bit/fluent-bit.yaml")
        self.assertEqual(bit["service"]["storage.keep.rejected"], "on")
        tail, http = bit["pipeline"]["inputs"][0], bit["pipeline"]["outputs"][0]
        self.assertEqual((tail["storage.type"], tail["rotate_wait"]), ("filesystem", 2592000))
        self.assertEqual(http["retry_limit"], "no_limits")

        for pipeline in parsed("logstash/pipelines.yml"):
            self.assertEqual((pipeline["queue.type"], pipeline["queue.checkpoint.writes"]), ("persisted", 1))
        ((_, _), (_, ((name, settings),))) = parsed("logstash/out.conf")
        self.assertEqual(name, "http")
        settings = {key: value[0] for key, value in settings}
        self.assertIs(settings["retry_failed"], True)
        self.assertTrue({400, 401, 413, 429, 503} <= set(settings["retryable_codes"]))

        match = parsed("fluentd/fluentd.conf")["match auditlog"]
        buffer = match["buffer"]
        self.assertEqual((buffer["@type"], buffer["retry_forever"], buffer["overflow_action"]), ("file", "true", "block"))
        self.assertTrue({"400", "401", "413", "429", "503"} <= set(match["retryable_response_codes"].split(",")))
