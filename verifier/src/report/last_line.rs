//! The last line of the text: what was verified, from where to where, under which key, and what was not checked.

use super::plain::plain;
use super::words::{entries_word, plural, shadowed};
use super::{LogReport, Report};
use crate::holes::{Hole, Holes, WhyAbsent};
use crate::not_checked::NotChecked;
use crate::verdict::Verdict;

/// Holes that the last line names; the rest is counted.
const MAX_HOLES: usize = 3;

pub(super) fn last_line(report: &Report) -> String {
    let mut parts = counts(report);
    match report.logs.as_slice() {
        [] => parts.push("nothing was verified".to_owned()),
        [log] if log.verdict == Verdict::Verified => parts.push(summary(log)),
        [log] => parts.push(log_line(log)),
        logs => parts.push(summary_of_all(logs)),
    }
    if expiry_is_claimed(report) {
        parts.push("expiry is the signer's word".to_owned());
    }
    if report.is_asked_for {
        parts.push(format!("silence judged at {}", report.at.to_rfc3339()));
    }
    let not_checked = report.not_checked.iter();
    parts.extend(not_checked.map(|what| format!("{} not checked", plain(&what.to_string()))));
    format!("{}: {}", report.verdict(), parts.join("; "))
}

/// In a folder, nothing but the signer's times shows that what is absent has expired.
fn expiry_is_claimed(report: &Report) -> bool {
    let expired = |hole: &Hole| hole.why == WhyAbsent::Expired;
    let mut holes = report.logs.iter().flat_map(|log| log.holes.listed());
    report.not_checked.contains(&NotChecked::Storage) && holes.any(expired)
}

fn counts(report: &Report) -> Vec<String> {
    let record = &report.record;
    let (faults, acknowledged) = (record.faults.count(), record.acknowledged.count());
    let counts = [
        (faults, plural(faults, "fault")),
        (acknowledged, plural(acknowledged, "acknowledged fault")),
        (record.undecided.count(), "undecided".to_owned()),
    ];
    let found = counts.into_iter().filter(|(count, _)| *count > 0);
    found
        .map(|(count, what)| format!("{count} {what}"))
        .collect()
}

/// The line of one log among several.
pub(super) fn log_line(log: &LogReport) -> String {
    format!("{}: {}", log.verdict, summary(log))
}

/// How many logs have which verdict, and what they hold.
fn summary_of_all(logs: &[LogReport]) -> String {
    let with = |verdict: Verdict| logs.iter().filter(|log| log.verdict == verdict).count();
    let sum = |of: fn(&LogReport) -> u64| logs.iter().map(of).fold(0, u64::saturating_add);
    let verdicts = [Verdict::Verified, Verdict::Fault, Verdict::NoVerdict];
    let verdicts = verdicts.into_iter().filter(|verdict| with(*verdict) > 0);
    let verdicts: Vec<_> = verdicts
        .map(|verdict| format!("{} {verdict}", with(verdict)))
        .collect();
    let (entries, segments) = (sum(|log| log.entries), sum(|log| log.segments));
    let (count, verdicts) = (logs.len(), verdicts.join(", "));
    let (of_entries, of_segments) = (entries_word(entries), plural(segments, "segment"));
    format!("{count} logs: {verdicts}, {entries} {of_entries} in {segments} {of_segments}")
}

fn summary(log: &LogReport) -> String {
    let origin = &log.origin;
    let (Some(first), Some(opened), Some(head)) = (log.first_segment, log.opened, log.head) else {
        let nothing = match log.verdict {
            Verdict::Verified => "ended, and nothing is left",
            Verdict::Fault | Verdict::NoVerdict => "nothing was verified",
        };
        let absent = named(&log.holes).map(|holes| format!(": {holes}"));
        return format!("{origin}: {nothing}{}", absent.unwrap_or_default());
    };
    let keys = if log.keys.is_empty() {
        "no key".to_owned()
    } else {
        format!("key {}", plain(&log.keys.join(", ")))
    };
    let (entries, last, but) = (log.entries, head.position.segment, except(&log.holes));
    let (from, to) = (opened.to_rfc3339(), head.sealed.to_rfc3339());
    let shadowed = match log.shadowed {
        0 => String::new(),
        count => format!(", {}", shadowed(count)),
    };
    let word = entries_word(entries);
    format!(
        "{origin}: {entries} {word} in segments {first} to {last}{but}, {from} to {to}, under {keys}{shadowed}"
    )
}

/// What is absent between the first segment and the last.
fn except(holes: &Holes) -> String {
    named(holes).map_or_else(String::new, |holes| format!(" except {holes}"))
}

fn named(holes: &Holes) -> Option<String> {
    let named = holes.listed().iter().take(MAX_HOLES);
    let named: Vec<String> = named.map(ToString::to_string).collect();
    if named.is_empty() {
        return None;
    }
    let listed = u64::try_from(named.len()).unwrap_or(u64::MAX);
    let more = match holes.count().saturating_sub(listed) {
        0 => String::new(),
        more => format!(" and {more} more {}", plural(more, "range")),
    };
    Some(format!("{}{more}", named.join(", ")))
}
