//! `auditlog-verify find`: lists entries with their places.

use std::fmt::Write as _;

use auditlog_chain::timestamp::Timestamp;
use auditlog_verifier::report::{entries_word, plain};
use auditlog_verifier::search::{Found, Match, NothingRead, Query, Wanted, find};
use auditlog_verifier::trail::{Trail, TrailError};
use auditlog_verifier::verdict::Verdict;
use serde_json::json;

use super::absent;
use super::cores::cores;
use super::groups::time;
use super::log::{LogArguments, OpenLog, Stop, disowned, ended};
use super::outcome::Outcome;
use super::usage::Usage;

/// List entries with their places. Everything that is read is verified with the trust policy.
///
/// Exit codes: 0 all was read, whether or not an entry matches; 1 a fault was found in what was read; 2 something could not be read, or is not there.
#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    log: LogArguments,
    #[command(flatten)]
    span: SpanArguments,
    /// Maximum number of entries to show; the others are only counted
    #[arg(long, value_name = "COUNT", default_value_t = 1000)]
    limit: usize,
    /// Form of the result on standard output
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

#[derive(clap::Args)]
pub(super) struct SpanArguments {
    /// Entries of this time or later (RFC 3339)
    #[arg(long, value_name = "TIME", value_parser = time)]
    from: Option<Timestamp>,
    /// Entries before this time (RFC 3339)
    #[arg(long, value_name = "TIME", value_parser = time)]
    to: Option<Timestamp>,
    /// Entries with this value at this JSON pointer of the event, such as /user/name=ada; may be given more than once
    #[arg(long = "where", value_name = "POINTER=VALUE")]
    wanted: Vec<Wanted>,
}

impl SpanArguments {
    pub(super) fn query(&self) -> Result<Query, Usage> {
        if let Some((from, to)) = self.from.zip(self.to)
            && from >= to
        {
            let message =
                format!("--from {from} is not before --to {to}, so nothing is in between");
            return Err(Usage::new(
                message,
                "name a later --to or an earlier --from",
            ));
        }
        Ok(Query {
            from: self.from,
            to: self.to,
            wanted: self.wanted.clone(),
        })
    }
}

/// The form of a result.
#[derive(Clone, Copy, clap::ValueEnum)]
enum Output {
    /// Lines for people
    Text,
    /// One JSON document
    Json,
}

pub(super) fn run(arguments: &Arguments) -> Result<Outcome, Usage> {
    ended(search(arguments))
}

fn search(arguments: &Arguments) -> Result<Outcome, Stop> {
    let query = arguments.span.query()?;
    let open = OpenLog::open(&arguments.log)?;
    let trail = open.trail()?;
    let found = find(&trail, &query, cores(), arguments.limit);
    Ok(Outcome {
        output: match arguments.output {
            Output::Text => text(&trail, &found),
            Output::Json => json_of(&trail, &found),
        },
        verdict: verdict(&found),
    })
}

/// A search over something that is not there has not found everything.
pub(super) fn verdict(found: &Found) -> Verdict {
    let wrong = found
        .refused
        .iter()
        .any(|(_, error)| error.verdict() == Verdict::Fault);
    if wrong {
        Verdict::Fault
    } else if found.refused.is_empty() && found.gaps.is_empty() && found.segments.is_some() {
        Verdict::Verified
    } else {
        Verdict::NoVerdict
    }
}

fn text(trail: &Trail<'_>, found: &Found) -> String {
    let mut out = String::new();
    for one in &found.matches {
        let Match {
            index,
            segment,
            line,
            time,
            bytes,
        } = one;
        let entry = plain(&String::from_utf8_lossy(bytes));
        _ = writeln!(
            out,
            "index {index}, {time}, segment {segment}, line {line}\n  {entry}"
        );
    }
    out.push_str(&summary(trail, found));
    out
}

/// What was read, and what was not.
pub(super) fn summary(trail: &Trail<'_>, found: &Found) -> String {
    let mut out = String::new();
    for (segment, error) in &found.refused {
        let word = if error.verdict() == Verdict::Fault {
            "fault "
        } else {
            "not read: "
        };
        _ = writeln!(
            out,
            "{word}{}",
            plain(&format!("{error} (segment {segment})"))
        );
    }
    let gaps = found.gaps.iter();
    for line in absent::lines(gaps, "not searched") {
        _ = writeln!(out, "absent: {line}");
    }
    if let Some(disowned) = disowned(trail) {
        _ = writeln!(out, "disowned: {disowned}");
    }
    if let Some(nothing) = &found.nothing {
        _ = writeln!(out, "not searched: {}", why(nothing));
    }
    let read = match found.segments {
        Some((first, last)) => {
            let (entries, word) = (found.entries, entries_word(found.entries));
            format!("{entries} {word} in segments {first} to {last}")
        }
        None => "no segment".to_owned(),
    };
    let shown = found.matches.len();
    let count = found.count;
    let others = if u64::try_from(shown) == Ok(count) {
        String::new()
    } else {
        format!(" ({shown} shown)")
    };
    _ = writeln!(
        out,
        "found: {count} {}{others} of {} in {read}",
        entries_word(count),
        trail.origin()
    );
    let limit = "whether the log is complete up to its end is not checked here; verify it for that";
    _ = writeln!(out, "limit: {limit}");
    out
}

/// Why no segment was read.
fn why(nothing: &NothingRead) -> String {
    match nothing {
        NothingRead::NoSegment => "the log does not have a segment here".to_owned(),
        NothingRead::Earlier => "all segments were sealed before --from".to_owned(),
        NothingRead::Later { number, opened } => {
            format!(
                "segment {number}, the first one that is there, was opened at {opened}, which is not before --to"
            )
        }
    }
}

fn json_of(trail: &Trail<'_>, found: &Found) -> String {
    let matches = found.matches.iter().map(|one| {
        json!({
            "index": one.index,
            "time": one.time.to_string(),
            "segment": one.segment,
            "line": one.line,
            "object": trail.key_of(one.segment),
            "entry": String::from_utf8_lossy(&one.bytes),
        })
    });
    let refused = |(segment, error): &(u64, TrailError)| json!({ "segment": segment, "reason": error.to_string() });
    let document = json!({
        "find": 1,
        "log": trail.origin().as_str(),
        "verdict": verdict(found).to_string(),
        "count": found.count,
        "matches": matches.collect::<Vec<_>>(),
        "entries_read": found.entries,
        "segments_read": found.segments.map(|(first, last)| [first, last]),
        "absent": found.gaps.iter().map(|(first, last)| [first, last]).collect::<Vec<_>>(),
        "disowned": trail.disowned(),
        "not_searched": found.nothing.as_ref().map(why),
        "refused": found.refused.iter().map(refused).collect::<Vec<_>>(),
    });
    format!("{document:#}\n")
}
