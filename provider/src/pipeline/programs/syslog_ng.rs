//! syslog-ng: `file` or `wildcard-file`, and `http` behind a disk buffer. Each line is a text, byte for byte.

use super::super::program::{
    EVENT_ID, Fixed, Follows, MAX_LINE_BYTES, Plan, Program, Tunable, Way,
};
use super::super::text::split;

/// Statuses that syslog-ng drops an event by, or tries a few times only, unless it is told otherwise. By all others that do not
/// accept, it tries again until one does.
const GIVEN_UP: [u16; 12] = [102, 103, 304, 410, 416, 422, 424, 425, 428, 451, 504, 508];

pub(super) const PROGRAM: Program = Program {
    name: "syslog-ng",
    title: "syslog-ng 3.38 or later",
    tunable: &[
        Tunable {
            name: "batch-lines",
            usual: 500,
            least: 1,
            most: 10_000,
        },
        Tunable {
            name: "batch-timeout",
            usual: 1000,
            least: 1,
            most: 60_000,
        },
        Tunable {
            name: "time-reopen",
            usual: 5,
            least: 1,
            most: 3600,
        },
    ],
    fixed: &[
        Fixed {
            name: "reliable",
            value: "yes",
            why: "the buffer keeps messages in memory, and a crash loses them.",
        },
        Fixed {
            name: "flags",
            value: "flow-control",
            why: "a full buffer drops messages.",
        },
        Fixed {
            name: "response-action",
            value: "",
            why: "a status that is answered by drop or retry loses its messages, so the file answers each by disconnect.",
        },
        Fixed {
            name: "peer-verify",
            value: "yes",
            why: "somebody else could answer that events are safe.",
        },
    ],
    way: Way::Http,
    follows: Follows::Files,
    limits: &[
        "After a restart of syslog-ng, events may be sent again in another batch: they are stored twice then, each time with the same auditlog_event_id.",
        "syslog-ng does not sync its buffer to the disk: a crash of the machine, not of syslog-ng, can lose what it read in the last seconds.",
        "A line of more than 512 KiB is cut.",
        "Each line is one text, in the field message, byte for byte: what is JSON in it stays inside of the text.",
    ],
    render,
};

fn render(plan: &Plan<'_>) -> Vec<(&'static str, String)> {
    let sources: String = plan.paths.iter().map(|path| source(path)).collect();
    let text = format!(
        "@version: 3.38\n{head}\nsource s_auditlog {{\n{sources}}};\n{destination}{log}",
        head = plan.head(),
        destination = destination(plan),
        log = log(),
    );
    vec![("syslog-ng.conf", text)]
}

fn source(path: &str) -> String {
    let options = format!("flags(no-parse) log-msg-size({MAX_LINE_BYTES}) follow-freq(1)");
    match split(path) {
        (folder, name) if name.contains('*') => {
            format!(
                "  wildcard-file(base-dir(\"{folder}/\") filename-pattern(\"{name}\") {options});\n"
            )
        }
        _ => format!("  file(\"{path}\" {options});\n"),
    }
}

fn destination(plan: &Plan<'_>) -> String {
    format!(
        r#"
destination d_auditlog {{
  http(
    url("{url}")
    method("POST")
    headers("Content-Type: application/x-ndjson", "Authorization: Bearer `AUDITLOG_TOKEN`")
    body('$(format-json {EVENT_ID}="${{.auditlog.id}}" message="${{MESSAGE}}")')
    delimiter("\n")
    batch-lines({lines})
    batch-bytes(4194304)
    batch-timeout({timeout})
    timeout(60)
    time-reopen({reopen})
    workers(1)
    # disconnect sends again until it is accepted: others drop
    response-action({actions})
    persist-name("auditlog-{source}")
    disk-buffer(reliable(yes) disk-buf-size({bytes}) mem-buf-size(16777216) dir("{folder}"))
{tls}  );
}};
"#,
        url = plan.url.events(),
        lines = plan.setting("batch-lines"),
        timeout = plan.setting("batch-timeout"),
        reopen = plan.setting("time-reopen"),
        actions = actions(),
        source = plan.source,
        bytes = u64::from(plan.buffer_megabytes).saturating_mul(1 << 20),
        folder = plan.folder,
        tls = tls(plan),
    )
}

fn actions() -> String {
    GIVEN_UP
        .map(|status| format!("{status} => disconnect"))
        .join(", ")
}

/// The id is a value of the message, so the buffer keeps it. What its parser takes for JSON is not always JSON, and the sealer would
/// refuse a batch for one such line. So every line is a text.
const fn log() -> &'static str {
    r#"
log {
  source(s_auditlog);
  # before the buffer, so that the id stays when an event is sent again
  rewrite { set("$(uuid)" value(".auditlog.id")); };
  destination(d_auditlog);
  # a full buffer stops the reading
  flags(flow-control);
};
"#
}

fn tls(plan: &Plan<'_>) -> String {
    if !plan.url.is_encrypted() {
        return String::new();
    }
    let authority = plan.ca_file.map(|file| format!("ca-file(\"{file}\") "));
    format!(
        "    tls({}peer-verify(yes))\n",
        authority.unwrap_or_default()
    )
}
