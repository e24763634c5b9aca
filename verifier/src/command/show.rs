//! `auditlog-verify show`: explains a segment or an entry to a person.

use std::fmt::Write as _;

use auditlog_chain::line::{Body, Entry, Payload, parse_line};
use auditlog_chain::verifier_key::VerifierKey;
use auditlog_verifier::report::plain;
use auditlog_verifier::search::shape::summary;
use auditlog_verifier::trail::{Segment, Trail};
use auditlog_verifier::verdict::Verdict;

use super::log::{LogArguments, OpenLog, Stop, disowned, ended};
use super::outcome::Outcome;
use super::usage::Usage;

/// Explain a segment or an entry. What is read of the log is verified with the trust policy.
///
/// Exit codes: 0 shown; 1 a fault was found in what was read; 2 nothing was shown.
#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    log: LogArguments,
    #[command(flatten)]
    which: Which,
}

#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct Which {
    /// The entry with this index
    #[arg(long, value_name = "INDEX")]
    index: Option<u64>,
    /// The segment with this number
    #[arg(long, value_name = "NUMBER")]
    segment: Option<u64>,
}

pub(super) fn run(arguments: &Arguments) -> Result<Outcome, Usage> {
    ended(show(arguments))
}

fn show(arguments: &Arguments) -> Result<Outcome, Stop> {
    let open = OpenLog::open(&arguments.log)?;
    let trail = open.trail()?;
    let output = match (arguments.which.index, arguments.which.segment) {
        (Some(index), _) => {
            let segment = trail.segment_of_index(index)?;
            let line = segment
                .as_ref()
                .and_then(|segment| Some((segment, segment.line(index)?)));
            let Some((segment, (bytes, number))) = line else {
                let message = format!("no segment that is there has a line with index {index}");
                return Err(Usage::new(message, "look for it with `auditlog-verify find`").into());
            };
            line_text(&trail, segment, &bytes, number)
        }
        (None, number) => segment_text(&trail, &trail.read(number.unwrap_or_default())?),
    };
    let disowned = disowned(&trail).map(|what| format!("disowned: {what}\n"));
    Ok(Outcome {
        output: output + &disowned.unwrap_or_default(),
        verdict: Verdict::Verified,
    })
}

/// The lines of a segment, in words.
fn segment_text(trail: &Trail<'_>, segment: &Segment) -> String {
    let checked = segment.checked();
    let (number, first) = (checked.number(), checked.first_index());
    let last = checked.size().saturating_sub(1);
    let mut out = format!(
        "segment {number} of {}, in {}\n",
        trail.origin(),
        trail.key_of(number)
    );
    let mut put = |label: &str, value: String| _ = writeln!(out, "  {label:<10}{value}");
    put(
        "lines",
        format!(
            "index {first} to {last}, {} of them entries",
            checked.events()
        ),
    );
    put("opened", checked.opened().to_string());
    put("sealed", checked.sealed().to_string());
    put(
        "size",
        format!("{} lines of the log up to its end", checked.size()),
    );
    put("root", checked.root().to_base64());
    put(
        "stored as",
        format!(
            "{} bytes, {} decompressed",
            segment.object().len(),
            checked.bytes()
        ),
    );
    for key in segment.signers() {
        put("signed by", key_text(key));
    }
    if let Some(change) = checked.key_change() {
        put("key line", format!("announces {}", change.verifier_key));
        if let Some(previous) = &change.previous {
            put("", format!("in place of {previous}"));
        }
    }
    out
}

fn key_text(key: &VerifierKey) -> String {
    let id = u32::from_be_bytes(key.key_id());
    format!("key {id:08x} ({})", key.public_key().spec())
}

fn line_text(trail: &Trail<'_>, segment: &Segment, bytes: &[u8], number: u64) -> String {
    let Ok(line) = parse_line(bytes) else {
        // Every line of a segment that was verified parses.
        return String::new();
    };
    let segment_number = segment.checked().number();
    let kind = match line.body {
        Body::Entry(_) => "entry",
        Body::Open(_) => "open line",
        Body::Key(_) => "key line",
        Body::Close(_) => "close line",
    };
    let index = line.index;
    let mut out = format!("{kind} {index} of {}\n", trail.origin());
    let mut put = |label: &str, value: &str| _ = writeln!(out, "  {label:<10}{}", plain(value));
    put(
        "in",
        &format!(
            "segment {segment_number}, line {number}, {}",
            trail.key_of(segment_number)
        ),
    );
    put("written", &format!("{}, by the writer's clock", line.time));
    let before = if index == 0 {
        format!("no line; {} is the hash of the origin", line.prev)
    } else {
        format!("the line with hash {}", line.prev)
    };
    put("follows", &before);
    for key in segment.signers() {
        put("signed by", &key_text(key));
    }
    if let Body::Entry(entry) = &line.body {
        entry_text(&mut put, entry);
    }
    _ = writeln!(out, "{}", plain(&String::from_utf8_lossy(bytes)));
    out
}

fn entry_text(put: &mut dyn FnMut(&str, &str), entry: &Entry<'_>) {
    for (label, value) in [("sent by", entry.source), ("batch", entry.batch)] {
        if let Some(value) = value {
            put(label, value);
        }
    }
    if entry.repeat.is_some() {
        put("repeat", "suspected: an earlier batch has the same name");
    }
    match entry.payload {
        Payload::Event(json) => {
            if let Some(summary) = summary(json) {
                put("shape", summary.shape);
                for (label, value) in &summary.parts {
                    put(label, value);
                }
            }
        }
        Payload::Text(_) => put(
            "payload",
            "text that is not JSON, or that everyday readers cannot read as JSON",
        ),
        Payload::Base64(_) => put("payload", "bytes that are not text"),
    }
}
