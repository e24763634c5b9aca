//! `auditlog-verify evidence`: packs entries and all that is needed to check them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use auditlog_chain::timestamp::Timestamp;
use auditlog_verifier::evidence::{MAX_PACK_BYTES, Pack, Segments};
use auditlog_verifier::pins::Pins;
use auditlog_verifier::report::{Report, entries_word};
use auditlog_verifier::request::Request;
use auditlog_verifier::search::{Found, find};
use auditlog_verifier::trail::Trail;
use auditlog_verifier::verdict::Verdict;
use auditlog_verifier::verify::verify;

use super::cores::cores;
use super::find::{SpanArguments, summary, verdict};
use super::log::{LogArguments, OpenLog, Stop, ended};
use super::outcome::Outcome;
use super::proof_files::write_new;
use super::usage::Usage;

/// Pack entries of a log with their proofs, the checkpoints, the trust policy, the report of a verification, and instructions.
///
/// Without --index, the pack has the entries that --from, --to and --where choose. The log is verified as a whole for the report. Exit codes: as for a
/// verification, and as for `find` where segments that it looked for are absent or were not read; a pack is written also where the report has faults,
/// and says so.
#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    log: LogArguments,
    /// The entry with this index; may be given more than once
    #[arg(long = "index", value_name = "INDEX", conflicts_with_all = ["from", "to", "wanted"])]
    indexes: Vec<u64>,
    #[command(flatten)]
    span: SpanArguments,
    /// Include the whole segments, which hold other entries too
    #[arg(long)]
    with_segments: bool,
    /// New file to write to
    #[arg(long, value_name = "ZIP")]
    out: PathBuf,
}

/// Most entries of a pack. Each is three files.
const MAX_ENTRIES: usize = 100_000;

pub(super) fn run(arguments: &Arguments, now: Timestamp) -> Result<Outcome, Usage> {
    ended(pack(arguments, now))
}

fn pack(arguments: &Arguments, now: Timestamp) -> Result<Outcome, Stop> {
    arguments.log.check_apart(&arguments.out)?;
    let query = arguments.span.query()?;
    let open = OpenLog::open_whole(&arguments.log)?;
    let trail = open.trail()?;
    let mut said = String::new();
    let mut found_verdict = Verdict::Verified;
    let chosen = if arguments.indexes.is_empty() {
        let found = find(&trail, &query, cores(), MAX_ENTRIES);
        said = summary(&trail, &found);
        found_verdict = verdict(&found);
        match by_segment(&found) {
            Ok(chosen) => chosen,
            // What was read has a fault, whether or not it has entries to pack.
            Err(why) if found_verdict == Verdict::Fault => {
                return Ok(Outcome {
                    output: format!("{said}packed: nothing, because {}\n", why.message),
                    verdict: found_verdict,
                });
            }
            Err(why) => return Err(why.into()),
        }
    } else {
        indexes_by_segment(&trail, &arguments.indexes)?
    };
    let report = report(&open, now)?;
    let segments = if arguments.with_segments {
        Segments::Included
    } else {
        Segments::LeftOut
    };
    let mut pack = Pack::new(open.log()?, segments);
    pack.describe(&open.declared.json, &report.to_text(), &report.to_json());
    trail.read_each(chosen.keys().copied(), cores(), |segment| {
        let number = segment.checked().number();
        let indexes = chosen.get(&number).map_or(&[][..], Vec::as_slice);
        pack.add(&segment, indexes).ok_or_else(|| {
            let message = format!("segment {number} changed while it was read");
            Stop::from(Usage::new(message, "read a copy that nobody writes to"))
        })
    })?;
    let zip = pack.finish().ok_or_else(|| {
        let message = format!("the pack would have more than {MAX_PACK_BYTES} bytes");
        Usage::new(
            message,
            "choose fewer entries, or leave out --with-segments",
        )
    })?;
    write_new(&arguments.out, &zip, "file")?;
    let count: usize = chosen.values().map(Vec::len).sum();
    let (out, policy) = (arguments.out.display(), arguments.log.policy.display());
    let report_verdict = report.verdict();
    let search = search_line(report_verdict, found_verdict);
    Ok(Outcome {
        output: format!(
            "{said}packed: {count} {} of {} in {out}\nreport: {report_verdict}\n{search}check:  auditlog-verify check --policy {policy} {out}\n",
            entries_word(u64::try_from(count).unwrap_or(u64::MAX)),
            trail.origin()
        ),
        verdict: report_verdict.worst(found_verdict),
    })
}

/// Why the exit code is not that of the report: the search has read segments behind those that are absent, and a verification judges them later.
fn search_line(report: Verdict, found: Verdict) -> String {
    if report.worst(found) == report {
        return String::new();
    }
    format!("search: {found}, for what is named above\n")
}

fn by_segment(found: &Found) -> Result<BTreeMap<u64, Vec<u64>>, Usage> {
    if found.count == 0 {
        let message = "no entry that is there is in this span with these values";
        return Err(Usage::new(
            message,
            "look for entries with `auditlog-verify find`",
        ));
    }
    if usize::try_from(found.count) != Ok(found.matches.len()) {
        let message = format!(
            "{} entries match, and a pack has at most {MAX_ENTRIES}",
            found.count
        );
        return Err(Usage::new(message, "choose a shorter span"));
    }
    let mut chosen = BTreeMap::<u64, Vec<u64>>::new();
    for one in &found.matches {
        chosen.entry(one.segment).or_default().push(one.index);
    }
    Ok(chosen)
}

fn indexes_by_segment(trail: &Trail<'_>, indexes: &[u64]) -> Result<BTreeMap<u64, Vec<u64>>, Stop> {
    let mut chosen = BTreeMap::<u64, Vec<u64>>::new();
    for index in indexes {
        let Some(segment) = trail.segment_of_index(*index)? else {
            let message = format!("no segment that is there has an entry with index {index}");
            return Err(
                Usage::new(message, "look for the entry with `auditlog-verify find`").into(),
            );
        };
        let all = chosen.entry(segment.checked().number()).or_default();
        if !all.contains(index) {
            all.push(*index);
        }
    }
    Ok(chosen)
}

fn report(open: &OpenLog, now: Timestamp) -> Result<Report, Usage> {
    let request = Request {
        policy: &open.declared.policy,
        policy_digest: open.declared.digest,
        logs: std::slice::from_ref(&open.log()?.origin),
        now,
        at: None,
        max_skew_seconds: 300,
        workers: cores(),
    };
    Ok(verify(
        open.source(),
        &request,
        &Pins::default(),
        &mut |_| {},
    )?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reason_of_the_exit_code_that_the_report_does_not_give_is_printed() {
        let (good, fault, none) = (Verdict::Verified, Verdict::Fault, Verdict::NoVerdict);
        for (report, found) in [(good, good), (fault, none), (fault, good), (none, good)] {
            assert_eq!(search_line(report, found), "");
        }
        let expected = "search: no verdict, for what is named above\n";
        assert_eq!(search_line(good, none), expected);
        assert!(search_line(none, fault).starts_with("search: fault"));
    }
}
