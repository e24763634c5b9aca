//! Logstash: two pipelines with queues on disk. A filter runs behind the queue of its pipeline, so the first one makes the ids and
//! the queue of the second one keeps them. Each event is a request of its own, named by its id.

use super::super::program::{EVENT_ID, Fixed, Follows, Plan, Program, Tunable, Way, not_accepted};

pub(super) const PROGRAM: Program = Program {
    name: "logstash",
    title: "Logstash 8.12 or later",
    tunable: &[
        Tunable {
            name: "pool_max",
            usual: 50,
            least: 1,
            most: 500,
        },
        Tunable {
            name: "pipeline.workers",
            usual: 1,
            least: 1,
            most: 64,
        },
    ],
    fixed: &[
        Fixed {
            name: "queue.type",
            value: "persisted",
            why: "a queue in memory is lost with the process.",
        },
        Fixed {
            name: "queue.checkpoint.writes",
            value: "1",
            why: "what was read after the last checkpoint is lost in a crash.",
        },
        Fixed {
            name: "retry_failed",
            value: "true",
            why: "Logstash logs an event that was refused, and drops it.",
        },
        Fixed {
            name: "retryable_codes",
            value: "",
            why: "Logstash drops an event that is answered by any other status, so the file lists them all.",
        },
        Fixed {
            name: "ignorable_codes",
            value: "",
            why: "a status that does not accept the event would count as one that does.",
        },
        Fixed {
            name: "format",
            value: "json",
            why: "only a request for each event has a name, by which the sealer stores it once.",
        },
        Fixed {
            name: "ssl_verification_mode",
            value: "full",
            why: "somebody else could answer that events are safe.",
        },
    ],
    way: Way::Http,
    follows: Follows::Files,
    limits: &[
        "Logstash tries again after a timeout, a broken connection, a name that is not resolved and an error of the protocol. After any other failure, it logs the event with will_retry=>false and drops it.",
        "An event of more than 1 MiB is refused by the sealer and tried again until somebody takes it out of the queue: nothing behind it is sent meanwhile.",
        "Logstash forgets a file that is not written to for 14 days: after a restart, all of it may be read again and stored twice, with two ids.",
        "After a crash of Logstash, lines of the last second may be read again and stored twice, with two ids: it remembers once a second how far it has read.",
        "JSON is read and written again, with @timestamp, @version and the path of the file: spaces, repeated keys and the form of numbers may change before the sealer sees them.",
        "Bytes that are not UTF-8 are replaced. A line that is a JSON array becomes one event for each object in it, and none where it is empty.",
        "Each event is a request. Names are remembered for 72 hours or 10 million requests.",
    ],
    render,
};

fn render(plan: &Plan<'_>) -> Vec<(&'static str, String)> {
    vec![
        (
            "pipelines.yml",
            format!("{}{}", plan.head(), pipelines(plan)),
        ),
        ("in.conf", format!("{}{}", plan.head(), input(plan))),
        ("out.conf", format!("{}{}", plan.head(), output(plan))),
    ]
}

fn pipelines(plan: &Plan<'_>) -> String {
    let one = |part: &str| {
        format!(
            r#"- pipeline.id: auditlog-{source}-{part}
  path.config: "/etc/logstash/auditlog/{source}/{part}.conf"
  path.queue: "{folder}/queue"
  pipeline.ecs_compatibility: disabled
  pipeline.workers: {workers}
  queue.type: persisted
  queue.checkpoint.writes: 1
  queue.max_bytes: {megabytes}mb
"#,
            source = plan.source,
            folder = plan.folder,
            workers = plan.setting("pipeline.workers"),
            megabytes = plan.buffer_megabytes,
        )
    };
    format!("{}{}", one("in"), one("out"))
}

fn input(plan: &Plan<'_>) -> String {
    format!(
        r#"
input {{
  file {{
    path => [{paths}]
    start_position => "beginning"
    sincedb_path => "{folder}/positions"
    sincedb_write_interval => 1
    codec => "json"
  }}
}}

# before the queue of the next pipeline, so that the id stays when an event is sent again
filter {{
  uuid {{
    target => "{EVENT_ID}"
    overwrite => true
  }}
}}

output {{
  pipeline {{ send_to => ["auditlog-{source}"] }}
}}
"#,
        paths = plan.quoted_paths(", "),
        folder = plan.folder,
        source = plan.source,
    )
}

fn output(plan: &Plan<'_>) -> String {
    format!(
        r#"
input {{
  pipeline {{ address => "auditlog-{source}" }}
}}

output {{
  http {{
    url => "{url}"
    http_method => "post"
    format => "json"
    headers => {{
      "Authorization" => "Bearer ${{AUDITLOG_TOKEN}}"
      # the sealer knows an event again by its id, and stores it once
      "Idempotency-Key" => "logstash-%{{{EVENT_ID}}}"
    }}
    pool_max => {pool}
    pool_max_per_route => {pool}
    # the sealer answers within 30 seconds
    socket_timeout => 60
    request_timeout => 60
    http_compression => false
    retry_failed => true
    # every status that does not accept: on any other, Logstash drops the event
    retryable_codes => [{codes}]
{tls}  }}
}}
"#,
        source = plan.source,
        url = plan.url.events(),
        pool = plan.setting("pool_max"),
        codes = not_accepted(", "),
        tls = tls(plan),
    )
}

fn tls(plan: &Plan<'_>) -> String {
    if !plan.url.is_encrypted() {
        return String::new();
    }
    let authority = plan
        .ca_file
        .map(|file| format!("    ssl_certificate_authorities => [\"{file}\"]\n"));
    format!(
        "    ssl_verification_mode => \"full\"\n{}",
        authority.unwrap_or_default()
    )
}
