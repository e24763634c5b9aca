//! Fluent Bit: `tail`, `record_modifier`, `http`.

use super::super::program::{
    EVENT_ID, Fixed, Follows, MAX_LINE_BYTES, Plan, Program, Tunable, Way,
};

/// What one chunk takes at most.
const CHUNK_MEGABYTES: u32 = 2;

pub(super) const PROGRAM: Program = Program {
    name: "fluent-bit",
    title: "Fluent Bit 4.2 or later",
    tunable: &[
        Tunable {
            name: "flush",
            usual: 1,
            least: 1,
            most: 60,
        },
        Tunable {
            name: "scheduler.cap",
            usual: 30,
            least: 1,
            most: 3600,
        },
    ],
    fixed: &[
        Fixed {
            name: "retry_limit",
            value: "no_limits",
            why: "Fluent Bit drops a chunk after its last attempt.",
        },
        Fixed {
            name: "storage.type",
            value: "filesystem",
            why: "a buffer in memory is lost with the process.",
        },
        Fixed {
            name: "storage.pause_on_chunks_overlimit",
            value: "on",
            why: "only a pause of the input keeps what does not fit the buffer.",
        },
        Fixed {
            name: "storage.total_limit_size",
            value: "",
            why: "Fluent Bit deletes its oldest chunks when it is reached.",
        },
        Fixed {
            name: "storage.keep.rejected",
            value: "on",
            why: "otherwise a refused chunk is dropped.",
        },
        Fixed {
            name: "rotate_wait",
            value: "2592000",
            why: "Fluent Bit leaves a rotated file after so many seconds, read or not, also while it waits for the sealer.",
        },
        Fixed {
            name: "skip_long_lines",
            value: "off",
            why: "a line that is too long is left out; otherwise Fluent Bit stops following the file, with an error.",
        },
        Fixed {
            name: "tls.verify",
            value: "on",
            why: "somebody else could answer that events are safe.",
        },
    ],
    way: Way::Http,
    follows: Follows::Files,
    limits: &[
        "A file that is removed before it was read to its end is lost from there on, also while Fluent Bit waits for the sealer. So is a rotated file after 30 days.",
        "A line of more than 512 KiB stops its file: Fluent Bit logs an error and reads nothing behind it.",
        "After a crash of Fluent Bit, lines of its last read may be read again and stored twice, with two ids: it notes how far it has read after they are in its buffer.",
        "The buffer may take as much memory as buffer_megabytes. On the disk it may become larger: chunks that are tried again are not counted, so a long outage of the sealer can fill the disk.",
        "What the sealer refuses for good, for example because of a wrong token, is kept in the folder rejected of the buffer and not sent again by itself. Before 4.2, Fluent Bit drops it.",
        "With a full buffer, Fluent Bit has one open file for every 2 MB of buffer_megabytes: allow it that many (LimitNOFILE in its unit).",
        "JSON is read and written again: spaces, repeated keys and the form of numbers may change before the sealer sees them. Bytes that are not UTF-8 are replaced.",
    ],
    render,
};

fn render(plan: &Plan<'_>) -> Vec<(&'static str, String)> {
    vec![(
        "fluent-bit.yaml",
        format!("{}{}{}", plan.head(), service(plan), pipeline(plan)),
    )]
}

fn service(plan: &Plan<'_>) -> String {
    format!(
        r#"service:
  flush: {flush}
  grace: 30
  scheduler.base: 1
  scheduler.cap: {cap}
  storage.path: "{folder}/buffer"
  storage.sync: full
  storage.checksum: on
  storage.max_chunks_up: {chunks}
  storage.delete_irrecoverable_chunks: off
  storage.keep.rejected: on
  storage.rejected.path: rejected

parsers:
  - name: auditlog
    format: json

"#,
        flush = plan.setting("flush"),
        cap = plan.setting("scheduler.cap"),
        folder = plan.folder,
        chunks = plan.buffer_megabytes.div_euclid(CHUNK_MEGABYTES),
    )
}

fn pipeline(plan: &Plan<'_>) -> String {
    format!(
        r#"pipeline:
  inputs:
    - name: tail
      tag: auditlog
      path: "{paths}"
      db: "{folder}/positions.db"
      db.sync: full
      read_from_head: on
      parser: auditlog
      buffer_max_size: {MAX_LINE_BYTES}
      # a line that is longer stops the file, and is not left out
      skip_long_lines: off
      storage.type: filesystem
      # a full buffer stops the reading, as far as Fluent Bit counts it
      storage.pause_on_chunks_overlimit: on
      # a rotated file is read on for 30 days
      rotate_wait: 2592000

  # before the buffer, so that the id stays when a chunk is sent again
  filters:
    - name: record_modifier
      match: auditlog
      uuid_key: {EVENT_ID}

  outputs:
    - name: http
      match: auditlog
      host: "{host}"
      port: {port}
      uri: /events
      format: json_lines
      json_date_key: false
      header:
        - Authorization Bearer ${{AUDITLOG_TOKEN}}
      retry_limit: no_limits
{tls}"#,
        paths = plan.paths.join(","),
        folder = plan.folder,
        host = plan.url.host,
        port = plan.url.port,
        tls = tls(plan),
    )
}

fn tls(plan: &Plan<'_>) -> String {
    if !plan.url.is_encrypted() {
        return "      tls: off\n".to_owned();
    }
    let authority = plan
        .ca_file
        .map(|file| format!("      tls.ca_file: \"{file}\"\n"));
    format!(
        "      tls: on\n      tls.verify: on\n      tls.verify_hostname: on\n{}",
        authority.unwrap_or_default()
    )
}
