//! Spans in a tag, so that an import finds what was declared.
//!
//! A tag holds at most 256 characters of letters, digits, space and `+ - = . _ : / @`. A span is written as
//! `20260301T120000Z=C2192`: the time in the basic form of ISO 8601, the first letter of the mode, and the days. Spans are
//! separated by a space. Whoever may set tags can change them, so an import shows them for somebody to check.

use auditlog_chain::policy::{LockMode, LockSpan, intervals};
use auditlog_chain::timestamp::Timestamp;

use super::{is_in_force, late};

/// The most characters of a tag's value.
pub const MAX_TAG_CHARS: usize = 256;

/// Why spans cannot be written in a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{spans} spans in force do not fit into the {MAX_TAG_CHARS} characters of a tag")]
pub struct TagOverflow {
    /// How many spans are in force.
    pub spans: usize,
}

/// Writes spans for a tag. Where they do not fit, the earliest that are no longer in force become one: it begins with the
/// first of them and asks for the least of what they did, so that nothing that has expired is asked for again.
///
/// # Errors
///
/// Where the spans in force alone do not fit.
pub fn to_tag(spans: &[LockSpan], now: Timestamp) -> Result<String, TagOverflow> {
    let over = intervals(spans)
        .take_while(|one| !is_in_force(one, late(now)))
        .count();
    for folded in 0..=over {
        if let Some(text) = format(&fold(spans, folded)) {
            return Ok(text);
        }
    }
    Err(TagOverflow {
        spans: spans.len().saturating_sub(over),
    })
}

/// The spans with the first ones as one.
fn fold(spans: &[LockSpan], count: usize) -> Vec<LockSpan> {
    let (first, rest) = spans.split_at_checked(count).unwrap_or((&[], spans));
    let weakest = first.iter().copied().reduce(|one, other| LockSpan {
        from: one.from,
        mode: one.mode.min(other.mode),
        retention_days: one.retention_days.min(other.retention_days),
    });
    weakest.into_iter().chain(rest.iter().copied()).collect()
}

fn format(spans: &[LockSpan]) -> Option<String> {
    let written: Vec<_> = spans.iter().map(format_span).collect();
    let text = written.join(" ");
    (text.len() <= MAX_TAG_CHARS).then_some(text)
}

fn format_span(span: &LockSpan) -> String {
    let time = span.from.to_rfc3339().replace(['-', ':'], "");
    let mode = match span.mode {
        LockMode::Governance => 'G',
        LockMode::Compliance => 'C',
    };
    format!("{time}={mode}{}", span.retention_days)
}

/// Reads the spans of a tag; `None` where it is not one that [`to_tag`] writes.
pub fn parse_tag(text: &str) -> Option<Vec<LockSpan>> {
    let spans: Vec<LockSpan> = text.split(' ').map(parse_span).collect::<Option<_>>()?;
    let ordered = spans.is_sorted_by(|one, next| one.from < next.from);
    (ordered && format(&spans).as_deref() == Some(text)).then_some(spans)
}

fn parse_span(text: &str) -> Option<LockSpan> {
    let (time, lock) = text.split_once('=')?;
    let days = lock.get(1..)?.parse().ok()?;
    let mode = match lock.get(..1)? {
        "G" => LockMode::Governance,
        "C" => LockMode::Compliance,
        _ => return None,
    };
    Some(LockSpan {
        from: parse_time(time)?,
        mode,
        retention_days: Some(days).filter(|days| (1..=36_500).contains(days))?,
    })
}

/// `20260301T120000Z` as `2026-03-01T12:00:00Z`.
fn parse_time(text: &str) -> Option<Timestamp> {
    let part = |from: usize, to: usize| text.get(from..to);
    let [year, month, day] = [part(0, 4)?, part(4, 6)?, part(6, 8)?];
    let [hour, minute, rest] = [part(9, 11)?, part(11, 13)?, text.get(13..)?];
    (part(8, 9)? == "T").then_some(())?;
    Timestamp::parse_rfc3339(&format!("{year}-{month}-{day}T{hour}:{minute}:{rest}"))
}
