//! Filebeat: `filestream`, a queue on disk, and `output.logstash`. It writes the members of an event in another order each time, and the sealer
//! knows a window again all the same, as long as the same events are in it. So the size of windows is fixed.

use super::super::program::{
    EVENT_ID, Fixed, Follows, Plan, Program, SHORT_LINE_BYTES, Tunable, Way,
};

pub(super) const PROGRAM: Program = Program {
    name: "filebeat",
    title: "Filebeat 8.1 or later",
    way: Way::Lumberjack,
    follows: Follows::Files,
    tunable: &[
        Tunable {
            name: "bulk_max_size",
            usual: 64,
            least: 1,
            most: 2048,
        },
        Tunable {
            name: "backoff.max",
            usual: 30,
            least: 1,
            most: 3600,
        },
        Tunable {
            name: "compression_level",
            usual: 3,
            least: 0,
            most: 9,
        },
    ],
    fixed: &[
        Fixed {
            name: "max_retries",
            value: "-1",
            why: "events are dropped after the last attempt.",
        },
        Fixed {
            name: "ignore_older",
            value: "0",
            why: "a file that has not been written to for that long is not read.",
        },
        Fixed {
            name: "file_identity",
            value: "native",
            why: "Filebeat 9 reads a file only from 1,024 bytes on, and takes two files that begin alike for one.",
        },
        Fixed {
            name: "close.reader.after_interval",
            value: "0",
            why: "the rest of a file is not read if the file is removed meanwhile.",
        },
        Fixed {
            name: "verification_mode",
            value: "full",
            why: "somebody else could answer that events are safe.",
        },
        Fixed {
            name: "queue.mem",
            value: "",
            why: "lines that are only in memory are lost when their file is removed and Filebeat ends.",
        },
        Fixed {
            name: "pipelining",
            value: "0",
            why: "a window that is sent again has other events in it then, and the sealer cannot know it again.",
        },
        Fixed {
            name: "slow_start",
            value: "false",
            why: "a window that is sent again has other events in it then, and the sealer cannot know it again.",
        },
    ],
    limits: &[
        "After a restart of Filebeat, events may be sent again in another window: they are stored twice then, each time with the same auditlog_event_id.",
        "A file that is removed before it was read is not read to its end: keep rotated files for as long as the buffer may be full.",
        "A new file that gets the inode of one that was removed may be taken for the old one: lines at its beginning are left out then.",
        "A line of more than 128 KiB is cut, and a line that is empty is left out.",
        "Each line is one text, in the field message, and what is JSON in it stays inside of the text. Bytes that are not UTF-8 are replaced.",
        "With a bulk_max_size above 64, a window of very long lines may be larger than the sealer accepts: it is then sent again and again until somebody sets a smaller one.",
    ],
    render,
};

fn render(plan: &Plan<'_>) -> Vec<(&'static str, String)> {
    let text = format!("{}{}{}", plan.head(), input(plan), output(plan));
    vec![("filebeat.yml", text)]
}

fn input(plan: &Plan<'_>) -> String {
    format!(
        r#"
path.data: "{folder}"

filebeat.inputs:
  - type: filestream
    id: "auditlog-{source}"
    paths:
      - {paths}
    message_max_bytes: {SHORT_LINE_BYTES}
    ignore_older: 0
    close.reader.after_interval: 0
    prospector.scanner.check_interval: 1s
    # a file is known by its inode: by its first bytes, a short file is not read, and two that begin alike are one
    file_identity.native: ~
    prospector.scanner.fingerprint.enabled: false

# before the queue, so that the id stays when an event is sent again; and the same for a line that is read again
processors:
  - fingerprint:
      fields: ["log.file.path", "log.offset", "message"]
      target_field: "{EVENT_ID}"
      method: sha256
      ignore_missing: true

# a full queue stops the reading
queue.disk:
  path: "{folder}/queue"
  max_size: {megabytes}MB
"#,
        folder = plan.folder,
        source = plan.source,
        paths = plan.quoted_paths("\n      - "),
        megabytes = plan.buffer_megabytes,
    )
}

fn output(plan: &Plan<'_>) -> String {
    format!(
        r#"
output.logstash:
  hosts: ["{host}:{port}"]
  worker: 1
  # one window at a time, always of the same events
  pipelining: 0
  slow_start: false
  bulk_max_size: {bulk}
  compression_level: {level}
  timeout: 60
  ttl: 300s
  max_retries: -1
  backoff.init: 1s
  backoff.max: {backoff}s
{tls}"#,
        host = plan.url.host,
        port = plan.ports.lumberjack,
        bulk = plan.setting("bulk_max_size"),
        level = plan.setting("compression_level"),
        backoff = plan.setting("backoff.max"),
        tls = tls(plan),
    )
}

fn tls(plan: &Plan<'_>) -> String {
    let Some((certificate, key)) = plan.certificate else {
        return String::new();
    };
    let authority = plan
        .ca_file
        .map(|file| format!("    certificate_authorities: [\"{file}\"]\n"));
    format!(
        "  ssl:\n    enabled: true\n    verification_mode: full\n    certificate: \"{certificate}\"\n    key: \"{key}\"\n{}",
        authority.unwrap_or_default()
    )
}
