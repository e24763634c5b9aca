//! The records of `open.jsonl`: lines of the open segment, and behind them a line that says whose they are.
//!
//! ```text
//! {"index":4,…}
//! {"index":5,…}
//! {"record":{"name":…,"shown":…,"position":{"events":2,"lines":2,"bytes":4,"hash":"…"}},"sum":"…"}
//! ```
//!
//! A record is written with one write and synced with one sync. `sum` is the SHA-256 of its lines and of what `record` holds.
//! So after a crash a record is there whole, or it is not there at all: how much of an input was accepted and the events
//! themselves cannot disagree. What is behind the last whole record was never accepted.

use auditlog_chain::hash::Hash;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::inputs::Accepted;
use crate::input::Running;

/// How the last line of a record begins. No line of a segment begins so.
const BEGINNING: &[u8] = b"{\"record\":";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LastLine<'a> {
    #[serde(borrow)]
    record: &'a RawValue,
    sum: Hash,
}

#[derive(Serialize)]
struct NewLastLine<'a> {
    record: &'a RawValue,
    sum: Hash,
}

/// What `open.jsonl` held when it was found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct WriteAhead {
    /// The lines of the segment.
    pub(super) lines: Vec<u8>,
    /// What was accepted of inputs, in order.
    pub(super) accepted: Vec<Accepted>,
    /// Length of all whole records.
    pub(super) whole: u64,
}

/// The last line of a record.
pub(super) fn last_line(
    lines: &[u8],
    accepted: Option<&Accepted>,
) -> Result<Vec<u8>, serde_json::Error> {
    let record = serde_json::value::to_raw_value(&accepted)?;
    let sum = sum(lines, &record);
    let mut line = serde_json::to_vec(&NewLastLine {
        record: &record,
        sum,
    })?;
    line.push(b'\n');
    Ok(line)
}

fn sum(lines: &[u8], record: &RawValue) -> Hash {
    let mut running = Running::new();
    running.update(lines);
    running.update(record.get().as_bytes());
    running.hash()
}

/// Reads all whole records. A record that is not as it was written is an error: its line, from 1.
pub(super) fn parse(bytes: &[u8]) -> Result<WriteAhead, u64> {
    let mut found = WriteAhead::default();
    let (mut begun, mut end) = (0usize, 0usize);
    for (number, line) in (1u64..).zip(bytes.split_inclusive(|byte| *byte == b'\n')) {
        let lines = bytes.get(begun..end).unwrap_or_default();
        end = end.saturating_add(line.len());
        if !line.starts_with(BEGINNING) || !line.ends_with(b"\n") {
            continue;
        }
        let Ok(accepted) = parse_last_line(lines, line) else {
            let rest = bytes.get(begun..).unwrap_or_default();
            let is_last = end == bytes.len();
            let unwritten = is_last && is_unwritten(rest, line);
            return if unwritten { Ok(found) } else { Err(number) };
        };
        found.lines.extend_from_slice(lines);
        found.accepted.extend(accepted);
        found.whole = u64::try_from(end).unwrap_or(u64::MAX);
        begun = end;
    }
    Ok(found)
}

/// Whether the last record of the file, with this last line, was never synced: where a machine lost its power before a sync,
/// parts of a file may read as zeros. A record is written after the one before it was synced. So zeros that a whole record
/// follows are in a record that was synced, and the disk has lost it.
fn is_unwritten(rest: &[u8], last_line: &[u8]) -> bool {
    let Some(zero) = rest.iter().rposition(|byte| *byte == 0) else {
        return false;
    };
    let after = zero.saturating_add(1);
    let tail = rest.get(after..).unwrap_or_default();
    let next_line = tail.iter().position(|byte| *byte == b'\n');
    let next_line = next_line.map(|at| after.saturating_add(at).saturating_add(1));
    let is_whole_from = |begin: usize| {
        let end = rest.len().saturating_sub(last_line.len());
        let lines = rest.get(begin..end);
        lines.is_some_and(|lines| parse_last_line(lines, last_line).is_ok())
    };
    !is_whole_from(after) && !next_line.is_some_and(is_whole_from)
}

/// A last line does not belong to the lines before it.
struct Torn;

fn parse_last_line(lines: &[u8], line: &[u8]) -> Result<Option<Accepted>, Torn> {
    let last: LastLine<'_> = serde_json::from_slice(line).map_err(|_| Torn)?;
    if sum(lines, last.record) != last.sum {
        return Err(Torn);
    }
    serde_json::from_str(last.record.get()).map_err(|_| Torn)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::{GivenName, InputName, Position};

    fn accepted(events: u64) -> Accepted {
        Accepted {
            name: InputName::Given(GivenName::parse("payments").unwrap()),
            shown: "payments.jsonl".to_owned(),
            place: None,
            position: Position {
                events,
                lines: events,
                bytes: events,
                hash: Running::of(b"1"),
            },
        }
    }

    fn record(lines: &[u8], accepted: Option<&Accepted>) -> Vec<u8> {
        [lines, &last_line(lines, accepted).unwrap()].concat()
    }

    #[test]
    fn a_file_that_is_cut_anywhere_gives_back_its_whole_records() {
        let records = [
            record(b"{1}\n", Some(&accepted(1))),
            record(b"{2}\n{3}\n", Some(&accepted(3))),
            record(b"{4}\n", None),
        ];
        let all = records.concat();
        let ends = [0, 1, 2, 3].map(|count| records[..count].concat().len());
        for length in 0..=all.len() {
            let found = parse(&all[..length]).unwrap();
            let whole = ends.iter().rposition(|end| *end <= length).unwrap();
            assert_eq!(
                found.whole,
                u64::try_from(ends[whole]).unwrap(),
                "at {length}"
            );
            let lines: &[&[u8]] = &[b"", b"{1}\n", b"{1}\n{2}\n{3}\n", b"{1}\n{2}\n{3}\n{4}\n"];
            assert_eq!(found.lines, lines[whole]);
            let expected = [accepted(1), accepted(3)];
            assert_eq!(found.accepted, expected[..whole.min(2)]);
        }
    }

    #[test]
    fn a_record_that_was_changed_is_named_by_its_line() {
        let all = [
            record(b"{1}\n", Some(&accepted(1))),
            record(b"{2}\n", Some(&accepted(2))),
        ]
        .concat();
        for at in 0..all.len() {
            let mut changed = all.clone();
            changed[at] ^= 1;
            let Ok(found) = parse(&changed) else {
                continue;
            };
            // Without the beginning or the end of its last line, the last record is not there at all.
            let last_line = all[..all.len() - 1].iter().rposition(|byte| *byte == b'\n');
            let is_last = at >= last_line.unwrap();
            assert!(is_last && found.accepted == [accepted(1)], "at {at}");
        }
        let text = String::from_utf8(all).unwrap();
        let changed = text.replace("{1}", "{9}");
        assert_eq!(parse(changed.as_bytes()), Err(2));
    }

    #[test]
    fn zeros_that_a_whole_record_follows_are_damage() {
        let first = record(b"{1}\n", Some(&accepted(1)));
        let second = record(b"{2}\n{3}\n", Some(&accepted(3)));
        for at in 0..first.len() {
            let mut all = [first.clone(), second.clone()].concat();
            all[at] = 0;
            assert!(parse(&all).is_err(), "at {at}");
        }
        let third = record(b"{4}\n", None);
        let mut all = [first, second, third].concat();
        all[..4].fill(0);
        assert!(parse(&all).is_err());
    }

    #[test]
    fn zeros_in_the_last_record_were_never_synced() {
        let first = record(b"{1}\n", Some(&accepted(1)));
        let mut second = record(b"{2}\n{3}\n", Some(&accepted(3)));
        second[..4].fill(0);
        let found = parse(&[first.clone(), second].concat()).unwrap();
        assert_eq!(found.whole, u64::try_from(first.len()).unwrap());
        assert_eq!(found.accepted, [accepted(1)]);
    }
}
