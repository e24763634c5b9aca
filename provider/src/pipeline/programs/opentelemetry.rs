//! The Collector of OpenTelemetry: `filelog`, and `otlphttp` behind a queue in `file_storage`. The id is made in the receiver, so that no
//! processor is needed: path, place and time of a line are unique.

use super::super::program::{
    EVENT_ID, Fixed, Follows, Plan, Program, SHORT_LINE_BYTES, Tunable, Way,
};

/// Largest request. As JSON, a byte is at most six, and the sealer accepts 16 MiB of that.
const REQUEST_BYTES: u32 = 2 << 20;

pub(super) const PROGRAM: Program = Program {
    name: "opentelemetry",
    title: "OpenTelemetry Collector Contrib 0.135 or later",
    tunable: &[
        Tunable {
            name: "sending_queue.num_consumers",
            usual: 1,
            least: 1,
            most: 100,
        },
        Tunable {
            name: "retry_on_failure.max_interval",
            usual: 30,
            least: 1,
            most: 3600,
        },
    ],
    fixed: &[
        Fixed {
            name: "sending_queue.storage",
            value: "file_storage/auditlog",
            why: "a queue in memory is lost with the process.",
        },
        Fixed {
            name: "sending_queue.enabled",
            value: "true",
            why: "a line is forgotten before it is safe.",
        },
        Fixed {
            name: "sending_queue.block_on_overflow",
            value: "true",
            why: "what does not fit a full queue is dropped.",
        },
        Fixed {
            name: "sending_queue.batch.max_size",
            value: "2097152",
            why: "the sealer refuses a larger request, and the Collector drops it.",
        },
        Fixed {
            name: "retry_on_failure.enabled",
            value: "true",
            why: "the Collector drops a request after its first attempt.",
        },
        Fixed {
            name: "retry_on_failure.max_elapsed_time",
            value: "0s",
            why: "the Collector drops a request that was not accepted after that time.",
        },
        Fixed {
            name: "storage",
            value: "file_storage/auditlog",
            why: "the Collector forgets how far it has read.",
        },
        Fixed {
            name: "fingerprint_size",
            value: "16kb",
            why: "two files that begin alike for that long are taken for one, and one of them is not read.",
        },
        Fixed {
            name: "start_at",
            value: "beginning",
            why: "lines of a new file that are written before it is found are left out.",
        },
        Fixed {
            name: "tls.insecure_skip_verify",
            value: "false",
            why: "somebody else could answer that events are safe.",
        },
    ],
    way: Way::Http,
    follows: Follows::Files,
    limits: &[
        "What the sealer refuses for good, for example because of a wrong token, is dropped by the Collector, which says so in its own log alone: it tries again for 429, 502, 503, 504 and no answer. Set an alarm for otelcol_exporter_send_failed_log_records.",
        "Start it with --feature-gates=stanza.synchronousLogEmitter. Without it, a crash of the Collector loses up to 100 lines that it has read, and nobody learns of it.",
        "After a crash of the Collector, lines that it was reading may be read again and stored twice, with two ids, and requests may be sent again in another form: their events are stored twice then, each time with the same auditlog_event_id.",
        "A file that is removed before it was read is not read to its end: keep rotated files for as long as the queue may be full.",
        "Two files whose first 16 KiB are the same are taken for one, and one of them is not read. So are shorter files, where one begins with the whole of the other.",
        "A line of more than 128 KiB is divided into several events, and a line that is empty is left out.",
        "Each line is one text, in logRecord.body.stringValue, and what is JSON in it stays inside of the text. Bytes that are not UTF-8 are replaced.",
    ],
    render,
};

fn render(plan: &Plan<'_>) -> Vec<(&'static str, String)> {
    let text = format!(
        "{}{}{}{}",
        plan.head(),
        receiver(plan),
        exporter(plan),
        service(plan)
    );
    vec![("otelcol.yaml", text)]
}

fn receiver(plan: &Plan<'_>) -> String {
    format!(
        r#"
receivers:
  filelog/auditlog:
    include:
      - {paths}
    start_at: beginning
    storage: file_storage/auditlog
    # files may begin alike
    fingerprint_size: 16kb
    max_log_size: {SHORT_LINE_BYTES}
    # a line that is not ended yet waits
    force_flush_period: 0s
    preserve_leading_whitespaces: true
    preserve_trailing_whitespaces: true
    # what the queue does not take is read again
    retry_on_failure:
      enabled: true
      max_elapsed_time: 0s
    include_file_path: true
    include_file_record_offset: true
    # before the queue, so that the id stays when a request is sent again
    operators:
      - type: add
        field: attributes["{EVENT_ID}"]
        value: 'EXPR(attributes["log.file.path"] + ":" + string(attributes["log.file.record_offset"]) + ":" + string(now().UnixNano()))'
"#,
        paths = plan.quoted_paths("\n      - "),
    )
}

fn exporter(plan: &Plan<'_>) -> String {
    format!(
        r#"
exporters:
  otlphttp/auditlog:
    logs_endpoint: "{url}"
    encoding: proto
    compression: gzip
    timeout: 60s
    headers:
      Authorization: "Bearer ${{env:AUDITLOG_TOKEN}}"
{tls}    retry_on_failure:
      enabled: true
      initial_interval: 1s
      max_interval: {interval}s
      max_elapsed_time: 0s
    sending_queue:
      enabled: true
      storage: file_storage/auditlog
      num_consumers: {consumers}
      sizer: bytes
      queue_size: {bytes}
      # a full queue stops the reading
      block_on_overflow: true
      batch:
        sizer: bytes
        min_size: 0
        max_size: {REQUEST_BYTES}
        flush_timeout: 200ms
"#,
        url = plan.url.otlp_logs(),
        interval = plan.setting("retry_on_failure.max_interval"),
        consumers = plan.setting("sending_queue.num_consumers"),
        bytes = u64::from(plan.buffer_megabytes).saturating_mul(1 << 20),
        tls = tls(plan),
    )
}

fn service(plan: &Plan<'_>) -> String {
    format!(
        r#"
extensions:
  file_storage/auditlog:
    directory: "{folder}"
    create_directory: true
    fsync: true

service:
  extensions: [file_storage/auditlog]
  pipelines:
    logs/auditlog:
      receivers: [filelog/auditlog]
      exporters: [otlphttp/auditlog]
"#,
        folder = plan.folder,
    )
}

fn tls(plan: &Plan<'_>) -> String {
    if !plan.url.is_encrypted() {
        return String::new();
    }
    let authority = plan
        .ca_file
        .map(|file| format!("      ca_file: \"{file}\"\n"));
    format!(
        "    tls:\n      insecure_skip_verify: false\n{}",
        authority.unwrap_or_default()
    )
}
