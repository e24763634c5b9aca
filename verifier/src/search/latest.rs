//! The last entries of a log that was verified.

use std::collections::VecDeque;

use auditlog_chain::line::{Body, Entry, Payload, parse_line};
use auditlog_chain::policy::Position;
use auditlog_chain::timestamp::Timestamp;

use super::shape::summary;
use crate::latest::{Latest, LatestEntry, LatestEvent};
use crate::trail::{Segment, Trail, TrailError};

/// Entries of a log that are shown.
const MAX_ENTRIES: usize = 10;

/// Segments that are read to find them. A log that is silent has segments without any.
const MAX_SEGMENTS: usize = 5;

/// The longest value or text that is kept, in characters.
const MAX_CHARACTERS: usize = 200;

/// Reads the last entries up to a head that was verified. Each segment is verified by itself again, and the last one must be that of the
/// head.
pub fn latest(trail: &Trail<'_>, head: &Position) -> Latest {
    let mut latest = Latest::default();
    let numbers = trail
        .numbers()
        .rev()
        .filter(|number| *number <= head.segment);
    for number in numbers.take(MAX_SEGMENTS) {
        match read(trail, number, head) {
            Ok(Some(segment)) => latest.entries.extend(last_of(&segment)),
            Ok(None) => latest.unread = Some("the last segment has changed since".to_owned()),
            Err(error) => latest.unread = Some(error.to_string()),
        }
        if latest.unread.is_some() || latest.entries.len() >= MAX_ENTRIES {
            break;
        }
    }
    latest.entries.truncate(MAX_ENTRIES);
    latest
}

/// A segment; `None` where it is not the one that was verified.
fn read(trail: &Trail<'_>, number: u64, head: &Position) -> Result<Option<Segment>, TrailError> {
    let segment = trail.read(number)?;
    let checked = segment.checked();
    let is_head = checked.root() == head.root && checked.size() == head.size;
    Ok((is_head || number != head.segment).then_some(segment))
}

/// The last entries of a segment, from the newest.
fn last_of(segment: &Segment) -> Vec<LatestEntry> {
    let mut last = VecDeque::new();
    segment.visit(&mut |line| {
        if let Body::Entry(_) = line.line.body {
            if last.len() == MAX_ENTRIES {
                last.pop_front();
            }
            last.push_back(line.bytes.to_vec());
        }
    });
    let mut entries = Vec::new();
    for bytes in last.iter().rev() {
        // Every line of a segment that was verified parses.
        if let Ok(line) = parse_line(bytes)
            && let Body::Entry(entry) = &line.body
        {
            entries.push(shown(line.index, line.time, entry));
        }
    }
    entries
}

fn shown(index: u64, written: Timestamp, entry: &Entry<'_>) -> LatestEntry {
    LatestEntry {
        index,
        written,
        source: entry.source.map(shortened),
        event: event(&entry.payload),
    }
}

fn event(payload: &Payload<'_>) -> LatestEvent {
    let text = match *payload {
        Payload::Event(text) | Payload::Text(text) => text,
        Payload::Base64(_) => "bytes that are not text",
    };
    let known = match payload {
        Payload::Event(json) => summary(json),
        Payload::Text(_) | Payload::Base64(_) => None,
    };
    match known {
        Some(known) => LatestEvent::Known {
            shape: known.shape,
            parts: known
                .parts
                .into_iter()
                .map(|(label, value)| (label, shortened(&value)))
                .collect(),
        },
        None => LatestEvent::Other(shortened(text)),
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(MAX_CHARACTERS) {
        Some((end, _)) => text.get(..end).unwrap_or_default().to_owned() + "…",
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(payload: Payload<'_>) -> Entry<'_> {
        Entry {
            source: None,
            batch: None,
            repeat: None,
            payload,
        }
    }

    #[test]
    fn long_values_are_shortened_at_a_character() {
        let long = "é".repeat(MAX_CHARACTERS + 1);
        let expected = "é".repeat(MAX_CHARACTERS) + "…";
        let json = format!(
            r#"{{"specversion":"1.0","id":"1","source":"{long}","type":"t","time":"now"}}"#
        );
        let shown = |payload| shown(7, Timestamp::EPOCH, &entry(payload)).event;
        let event = shown(Payload::Event(&json));
        assert_eq!(event.part("actor"), Some(expected.as_str()));
        assert_eq!(event.part("time"), Some("now"));
        assert_eq!(event.part("outcome"), None);
        assert_eq!(shown(Payload::Text(&long)), LatestEvent::Other(expected));
        let bytes = LatestEvent::Other("bytes that are not text".to_owned());
        assert_eq!(shown(Payload::Base64("AAAA")), bytes);
    }
}
