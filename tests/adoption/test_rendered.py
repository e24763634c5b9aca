"""What auditlog_pipeline renders, read by a parser of each format: nothing in it loses events, and each event has its id before the buffer.

The files are those that the provider's own tests compare with what it renders. Programs that are there are run elsewhere: syslog-ng and rsyslog by the tests of
the provider, Filebeat and OpenTelemetry's Collector by `make test-senders`.
"""

import re
import tomllib
import unittest

import yaml

from support import ROOT

GOLDEN = ROOT / "provider/src/pipeline/golden"
ID = "auditlog_event_id"
NOT_ACCEPTED = {300, 308, 400, 401, 403, 404, 413, 415, 422, 429, 451, 500, 502, 503, 504, 511}


class NoRepeats(yaml.SafeLoader):
    """YAML in which no key comes twice: the last one would count, and nobody would notice."""

    def construct_mapping(self, node, deep=False):
        keys = [key.value for key, _ in node.value]
        assert len(keys) == len(set(keys)), keys
        return super().construct_mapping(node, deep)


def text(name):
    return (GOLDEN / name).read_text()


def read_yaml(name):
    return yaml.load(text(name), NoRepeats)


def read_fluentd(name):
    """Sections as [name, argument, settings, sections]."""
    open_sections = [["", "", {}, []]]
    for line in text(name).splitlines():
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        if end := re.fullmatch(r"</(\w+)>", line):
            closed = open_sections.pop()
            assert closed[0] == end[1], line
            open_sections[-1][3].append(closed)
        elif begin := re.fullmatch(r"<(\w+)(?: ([\w.*]+))?>", line):
            open_sections.append([begin[1], begin[2], {}, []])
        else:
            key, value = line.split(" ", 1)
            assert key not in open_sections[-1][2], line
            open_sections[-1][2][key] = value
    [root] = open_sections
    return root[3]


LOGSTASH = re.compile(r'\s+|#[^\n]*|(=>)|("(?:[^"\\]|\\.)*")|([\w.]+)|([{}\[\],])')


def read_logstash(name):
    """Sections as {name: [(plugin, settings)]}."""
    tokens, at, source = [], 0, text(name)
    while at < len(source):
        token = LOGSTASH.match(source, at)
        assert token, source[at:at + 40]
        at = token.end()
        tokens += [part for part in token.groups() if part]
    tokens.reverse()

    def value():
        token = tokens.pop()
        if token == "[":
            items = []
            while tokens[-1] != "]":
                items.append(value())
                if tokens[-1] == ",":
                    tokens.pop()
            tokens.pop()
            return items
        if token == "{":
            return block()
        return token[1:-1] if token.startswith('"') else {"true": True, "false": False}.get(token, token)

    def block():
        settings = {}
        while tokens[-1] != "}":
            key = value()
            assert tokens.pop() == "=>" and key not in settings, key
            settings[key] = value()
        tokens.pop()
        return settings

    sections = {}
    while tokens:
        section = sections.setdefault(tokens.pop(), [])
        assert tokens.pop() == "{"
        while tokens[-1] != "}":
            plugin = tokens.pop()
            assert tokens.pop() == "{"
            section.append((plugin, block()))
        tokens.pop()
    return sections


class Rendered(unittest.TestCase):
    def test_every_folder_is_looked_at(self):
        looked_at = {"filebeat", "fluent-bit", "fluentd", "kubernetes", "logstash", "opentelemetry", "vector"}
        elsewhere = {"hoop", "rsyslog", "rsyslog-tcp", "syslog-ng"}
        self.assertEqual({path.name for path in GOLDEN.iterdir() if path.is_dir()}, looked_at | elsewhere)

    def test_filebeat(self):
        file = read_yaml("filebeat/filebeat.yml")
        [made] = file["processors"]
        self.assertEqual((made["fingerprint"]["target_field"], made["fingerprint"]["method"]), (ID, "sha256"))
        self.assertEqual(list(file["queue.disk"]), ["path", "max_size"])
        out = file["output.logstash"]
        self.assertEqual((out["max_retries"], out["pipelining"], out["slow_start"], out["worker"]), (-1, 0, False, 1))
        self.assertEqual(out["ssl"]["verification_mode"], "full")
        [read] = file["filebeat.inputs"]
        self.assertEqual((read["ignore_older"], read["close.reader.after_interval"]), (0, 0))

    def test_fluent_bit(self):
        file = read_yaml("fluent-bit/fluent-bit.yaml")
        [read], [made], [out] = (file["pipeline"][part] for part in ["inputs", "filters", "outputs"])
        self.assertEqual(made["uuid_key"], ID)
        self.assertEqual((read["storage.type"], read["storage.pause_on_chunks_overlimit"]), ("filesystem", True))
        self.assertEqual((out["retry_limit"], out["tls"], out["tls.verify"]), ("no_limits", True, True))
        self.assertNotIn("storage.total_limit_size", out)
        self.assertTrue(file["service"]["storage.keep.rejected"])

    def test_fluentd(self):
        source, made, out = read_fluentd("fluentd/fluentd.conf")
        self.assertEqual([source[0], made[0], out[0]], ["source", "filter", "match"])
        [record] = made[3]
        self.assertEqual(list(record[2]), [ID])
        self.assertLessEqual(NOT_ACCEPTED, {int(status) for status in out[2]["retryable_response_codes"].split(",")})
        self.assertEqual((out[2]["tls_verify_mode"], out[2]["endpoint"][:8]), ("peer", "https://"))
        buffer = {section[0]: section[2] for section in out[3]}["buffer"]
        self.assertEqual((buffer["@type"], buffer["retry_forever"], buffer["overflow_action"]), ("file", "true", "block"))

    def test_kubernetes(self):
        file = read_yaml("kubernetes/audit-webhook.yaml")
        [cluster], [user], [context] = file["clusters"], file["users"], file["contexts"]
        self.assertEqual(cluster["cluster"]["server"], "https://sealer.acme.example:9880/kubernetes")
        self.assertNotIn("insecure-skip-tls-verify", cluster["cluster"])
        self.assertEqual(context["context"], {"cluster": cluster["name"], "user": user["name"]})
        self.assertEqual((file["current-context"], list(user["user"])), (context["name"], ["tokenFile"]))

    def test_logstash(self):
        read, write = read_logstash("logstash/in.conf"), read_logstash("logstash/out.conf")
        [(plugin, made)] = read["filter"]
        self.assertEqual((plugin, made["target"]), ("uuid", ID))
        [(_, out)] = write["output"]
        self.assertLessEqual(NOT_ACCEPTED, {int(status) for status in out["retryable_codes"]})
        self.assertEqual((out["retry_failed"], out["ssl_verification_mode"]), (True, "full"))
        [(_, sent)], [(_, taken)] = read["output"], write["input"]
        self.assertEqual(sent["send_to"], [taken["address"]])
        for pipeline in read_yaml("logstash/pipelines.yml"):
            self.assertEqual((pipeline["queue.type"], pipeline["queue.checkpoint.writes"]), ("persisted", 1))

    def test_opentelemetry(self):
        file = read_yaml("opentelemetry/otelcol.yaml")
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
        self.assertEqual((read["start_at"], out["headers"]["Authorization"]), ("beginning", "Bearer ${env:AUDITLOG_TOKEN}"))

    def test_vector(self):
        file = tomllib.loads(text("vector/vector.toml"))
        [out], [made] = file["sinks"].values(), file["transforms"].values()
        self.assertIn(f".{ID} = uuid_v4()", made["source"])
        self.assertEqual(out["inputs"], list(file["transforms"]))
        self.assertEqual((out["buffer"]["type"], out["buffer"]["when_full"]), ("disk", "block"))
        self.assertEqual((out["retry_strategy"]["type"], out["acknowledgements"]["enabled"]), ("all", True))
        self.assertTrue(out["tls"]["verify_certificate"])
        self.assertNotIn("ignore_older_secs", file["sources"]["auditlog"])


if __name__ == "__main__":
    unittest.main()
