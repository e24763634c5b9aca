//! Vector: `file`, `remap`, `http`. Each event is a request of its own, named by its id.

use super::super::program::{
    EVENT_ID, Fixed, Follows, MAX_LINE_BYTES, Plan, Program, Tunable, Way,
};

pub(super) const PROGRAM: Program = Program {
    name: "vector",
    title: "Vector 0.56 or later",
    tunable: &[
        Tunable {
            name: "request.concurrency",
            usual: 32,
            least: 1,
            most: 500,
        },
        Tunable {
            name: "request.retry_max_duration_secs",
            usual: 30,
            least: 1,
            most: 3600,
        },
    ],
    fixed: &[
        Fixed {
            name: "buffer.type",
            value: "disk",
            why: "a buffer in memory is lost with the process.",
        },
        Fixed {
            name: "buffer.when_full",
            value: "block",
            why: "an event that does not fit a full buffer is lost.",
        },
        Fixed {
            name: "acknowledgements.enabled",
            value: "true",
            why: "Vector forgets a line before it is in the buffer.",
        },
        Fixed {
            name: "retry_strategy.type",
            value: "all",
            why: "Vector drops an event that is answered by a status it does not try again.",
        },
        Fixed {
            name: "request.retry_attempts",
            value: "9223372036854775807",
            why: "Vector drops an event after its last attempt.",
        },
        Fixed {
            name: "batch.max_events",
            value: "1",
            why: "only a request for each event has a name, by which the sealer stores it once.",
        },
        Fixed {
            name: "fingerprint.strategy",
            value: "device_and_inode",
            why: "Vector takes two files with the same first line for one, and leaves out lines of the other.",
        },
        Fixed {
            name: "ignore_older_secs",
            value: "",
            why: "files that were written while Vector was down are left out.",
        },
        Fixed {
            name: "tls.verify_certificate",
            value: "true",
            why: "somebody else could answer that events are safe.",
        },
    ],
    way: Way::Http,
    follows: Follows::Files,
    limits: &[
        "After a crash of Vector, lines of the last second may be read again and stored twice, with two ids: it remembers once a second how far it has read.",
        "Vector syncs its buffer twice a second: a crash of the machine, not of Vector, can lose what it read since.",
        "A new file that gets the inode of one that was removed may be taken for the old one: lines at its beginning are left out then.",
        "A line of more than 512 KiB is left out by Vector, with a warning in Vector's own log.",
        "JSON is read and written again: spaces, repeated keys and the form of numbers may change before the sealer sees them.",
        "Bytes that are not UTF-8 are replaced.",
        "Each event is a request. Names are remembered for 72 hours or 10 million requests.",
    ],
    render,
};

fn render(plan: &Plan<'_>) -> Vec<(&'static str, String)> {
    vec![(
        "vector.toml",
        format!("{}{}{}", plan.head(), input(plan), output(plan)),
    )]
}

fn input(plan: &Plan<'_>) -> String {
    format!(
        r#"
data_dir = "{folder}"

# Vector does not replace variables in this file, so a command hands it the token
[secret.auditlog]
type = "exec"
command = ["/bin/sh", "-c", '''printf '{{"token":{{"value":"%s","error":null}}}}' "$AUDITLOG_TOKEN"''']

[sources.auditlog]
type = "file"
include = [{paths}]
read_from = "beginning"
# files may begin with the same line
fingerprint.strategy = "device_and_inode"
max_line_bytes = {MAX_LINE_BYTES}

# before the buffer, so that the id stays when an event is sent again
[transforms.auditlog_event]
type = "remap"
inputs = ["auditlog"]
source = '''
parsed, error = parse_json(.message)
if error == null && is_object(parsed) {{
  . = object!(parsed)
}} else {{
  . = {{ "message": .message }}
}}
.{EVENT_ID} = uuid_v4()
'''
"#,
        folder = plan.folder,
        paths = plan.quoted_paths(", "),
    )
}

fn output(plan: &Plan<'_>) -> String {
    format!(
        r#"
[sinks.auditlog]
type = "http"
inputs = ["auditlog_event"]
uri = "{uri}"
method = "post"
compression = "none"
encoding.codec = "json"
framing.method = "newline_delimited"
auth.strategy = "bearer"
auth.token = "SECRET[auditlog.token]"
acknowledgements.enabled = true
# a status that does not accept is tried again, whatever it is
retry_strategy.type = "all"
batch.max_events = 1

[sinks.auditlog.request]
concurrency = {concurrency}
retry_attempts = 9223372036854775807
retry_max_duration_secs = {retry}
# the sealer knows an event again by its id, and stores it once
headers.Idempotency-Key = "vector-{{{{ {EVENT_ID} }}}}"

[sinks.auditlog.buffer]
type = "disk"
max_size = {bytes}
# a full buffer stops the reading
when_full = "block"
{tls}"#,
        uri = plan.url.events(),
        concurrency = plan.setting("request.concurrency"),
        retry = plan.setting("request.retry_max_duration_secs"),
        bytes = u64::from(plan.buffer_megabytes).saturating_mul(1 << 20),
        tls = tls(plan),
    )
}

fn tls(plan: &Plan<'_>) -> String {
    if !plan.url.is_encrypted() {
        return String::new();
    }
    let authority = plan.ca_file.map(|file| format!("ca_file = \"{file}\"\n"));
    format!(
        "\n[sinks.auditlog.tls]\nverify_certificate = true\nverify_hostname = true\n{}",
        authority.unwrap_or_default()
    )
}
