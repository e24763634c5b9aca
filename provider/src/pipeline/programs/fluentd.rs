//! Fluentd: `tail`, `record_transformer`, `http`. The id of a chunk is unique and stays over its retries, so it names the request.

use super::super::program::{EVENT_ID, Fixed, Follows, Plan, Program, Tunable, Way, not_accepted};

pub(super) const PROGRAM: Program = Program {
    name: "fluentd",
    title: "Fluentd 1.16.3 or later",
    tunable: &[
        Tunable {
            name: "flush_interval",
            usual: 1,
            least: 1,
            most: 60,
        },
        Tunable {
            name: "flush_thread_count",
            usual: 1,
            least: 1,
            most: 16,
        },
        Tunable {
            name: "retry_max_interval",
            usual: 30,
            least: 1,
            most: 3600,
        },
    ],
    fixed: &[
        Fixed {
            name: "retry_forever",
            value: "true",
            why: "Fluentd discards a chunk after its last attempt.",
        },
        Fixed {
            name: "overflow_action",
            value: "block",
            why: "an event that does not fit a full buffer is lost.",
        },
        Fixed {
            name: "@type",
            value: "file",
            why: "a buffer in memory is lost with the process.",
        },
        Fixed {
            name: "retryable_response_codes",
            value: "",
            why: "Fluentd discards a chunk that is answered by any other status, so the file lists them all.",
        },
        Fixed {
            name: "json_array",
            value: "false",
            why: "Fluentd cuts an array when it sends it again.",
        },
        Fixed {
            name: "tls_verify_mode",
            value: "peer",
            why: "somebody else could answer that events are safe.",
        },
        Fixed {
            name: "follow_inodes",
            value: "true",
            why: "a file that is renamed within paths is read a second time.",
        },
    ],
    way: Way::Http,
    follows: Follows::Files,
    limits: &[
        "After a crash of Fluentd, lines of its last read may be read again and stored twice, with two ids: it notes how far it has read after they are in its buffer.",
        "Fluentd does not sync its buffer to the disk: a crash of the machine, not of Fluentd, can lose what it read in the last seconds.",
        "JSON is read and written again: spaces, repeated keys and the form of numbers may change before the sealer sees them.",
        "A line that is appended to a file in the first 5 seconds after its rotation may be stored twice, with two ids.",
        "Bytes that are not UTF-8 are replaced. A line that is a JSON array becomes one event for each object in it, and none where it is empty.",
        "A line of more than 3 MiB is left out by Fluentd, with a warning in Fluentd's own log.",
        "What Fluentd reads while the disk of its buffer is full is lost. Fluentd says so in its own log alone.",
        "An event of more than 1 MiB is refused by the sealer and tried again until somebody takes its chunk out of the buffer.",
    ],
    render,
};

fn render(plan: &Plan<'_>) -> Vec<(&'static str, String)> {
    vec![(
        "fluentd.conf",
        format!("{}{}{}", plan.head(), input(plan), output(plan)),
    )]
}

fn input(plan: &Plan<'_>) -> String {
    format!(
        r#"
<source>
  @type tail
  tag auditlog
  path {paths}
  pos_file {folder}/positions
  read_from_head true
  # a rotated file is the same file
  follow_inodes true
  # a line that does not fit a chunk would be lost together with those that are read with it
  max_line_size 3m
  # a line that is not JSON is kept as text
  emit_unmatched_lines true
  <parse>
    @type json
    # this one checks that a line is UTF-8
    json_parser yajl
    # no field is taken out as the time
    time_key auditlog_no_time
  </parse>
</source>

# before the buffer, so that the id stays when a chunk is sent again; what is not UTF-8 in a line that is not JSON is replaced
<filter auditlog>
  @type record_transformer
  enable_ruby true
  <record>
    {EVENT_ID} ${{require 'securerandom'; record["unmatched_line"].force_encoding("UTF-8").scrub! if record["unmatched_line"].is_a?(String); SecureRandom.uuid}}
  </record>
</filter>
"#,
        paths = plan.paths.join(","),
        folder = plan.folder,
    )
}

fn output(plan: &Plan<'_>) -> String {
    format!(
        r#"
<match auditlog>
  @type http
  endpoint {endpoint}
  content_type application/x-ndjson
  headers "{{\"Authorization\":\"Bearer #{{ENV['AUDITLOG_TOKEN']}}\"}}"
  # the sealer knows a chunk again by its id, and stores it once
  headers_from_placeholders {{"Idempotency-Key":"fluentd-${{chunk_id}}"}}
  open_timeout 10
  read_timeout 60
  # every status that does not accept: on any other, Fluentd discards the chunk
  retryable_response_codes {codes}
{tls}  <format>
    @type json
  </format>
  <buffer>
    @type file
    path {folder}/buffer
    chunk_limit_size 4m
    total_limit_size {megabytes}m
    flush_mode interval
    flush_interval {flush}s
    flush_thread_count {threads}
    flush_at_shutdown true
    retry_forever true
    retry_wait 1s
    retry_max_interval {retry}s
    # a full buffer stops the reading
    overflow_action block
  </buffer>
</match>
"#,
        endpoint = plan.url.events(),
        codes = not_accepted(","),
        tls = tls(plan),
        folder = plan.folder,
        megabytes = plan.buffer_megabytes,
        flush = plan.setting("flush_interval"),
        threads = plan.setting("flush_thread_count"),
        retry = plan.setting("retry_max_interval"),
    )
}

fn tls(plan: &Plan<'_>) -> String {
    if !plan.url.is_encrypted() {
        return String::new();
    }
    let authority = plan
        .ca_file
        .map(|file| format!("  tls_ca_cert_path {file}\n"));
    format!("  tls_verify_mode peer\n{}", authority.unwrap_or_default())
}
