//! From bytes to events. Nothing is refused: a line that is not JSON is a text, and one that is too long for an event is several of them.

use std::str;

use auditlog_chain::builder::{StoredBatch, StoredPayload};

use super::place::Place;
use crate::limits::MAX_INPUT_LINE_BYTES;

/// Events of one batch. Their lines in the log fit into one record of the spool, whatever they are.
const MAX_EVENTS: usize = 1 << 14;

/// Bytes of a part of a line that is too long for an event. As a text, each of them may take six.
pub(super) const PIECE_BYTES: usize = 128 << 10;
const MOST_OF_A_BYTE: usize = 6;
const QUOTES: usize = 2;

/// Bytes of one character, at most.
const LONGEST_CHARACTER: usize = 4;

/// What the end of the bytes is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// More may follow: a line without its line feed is not taken yet.
    Open,
    /// Nothing follows: a last line without a line feed is taken.
    Closed,
}

/// What was taken of bytes.
#[derive(Debug)]
pub struct Taken {
    /// The events.
    pub events: StoredBatch,
    /// Behind them.
    pub after: Place,
    /// Whether a line is too long for one event, and was divided.
    pub is_divided: bool,
}

/// Takes the events of bytes that begin at a place: whole lines, and parts of lines that are too long. Blank lines are passed over. No event
/// has more than `most` bytes.
pub fn take(bytes: &[u8], begin: &Place, end: End, most: usize) -> Taken {
    let (mut events, mut after) = (StoredBatch::default(), begin.clone());
    let mut is_divided = false;
    let mut rest = bytes;
    while !rest.is_empty() && events.len() < MAX_EVENTS {
        let newline = rest.iter().position(|byte| *byte == b'\n');
        let bare = newline.unwrap_or(rest.len());
        let is_whole = newline.is_some() || end == End::Closed;
        let is_part = after.is_in_line() || bare > MAX_INPUT_LINE_BYTES;
        let length = match (is_part, is_whole) {
            (true, _) if bare > PIECE_BYTES => piece(rest, PIECE_BYTES),
            (_, true) => bare,
            (_, false) => break,
        };
        let (line, _) = rest.split_at_checked(length).unwrap_or((rest, &[]));
        is_divided |= is_part && bare > PIECE_BYTES;
        let before = events.len();
        if is_part && line.is_empty() {
            // The line feed of a line that was taken without it.
        } else if is_part {
            push_text(&mut events, line, most);
        } else if !is_blank(line) {
            push(&mut events, line, most);
        }
        let new = u64::try_from(events.len().saturating_sub(before)).unwrap_or(u64::MAX);
        let ends = newline == Some(length);
        let length = length.saturating_add(usize::from(ends));
        let (taken, behind) = rest.split_at_checked(length).unwrap_or((rest, &[]));
        let is_last = end == End::Closed && behind.is_empty();
        after.advance(taken, u64::from(ends || is_last), new);
        rest = behind;
    }
    Taken {
        events,
        after,
        is_divided,
    }
}

/// Whether a line has nothing but the white space of JSON.
fn is_blank(line: &[u8]) -> bool {
    let mut bytes = line.iter();
    bytes.all(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'))
}

fn push(events: &mut StoredBatch, line: &[u8], most: usize) {
    match StoredPayload::json(line) {
        Ok(stored) if stored.size() <= most => events.push(&stored),
        Ok(_) | Err(_) => push_text(events, line, most),
    }
}

/// Keeps bytes as they are: as a text where they are UTF-8, otherwise in base64; in parts where that is too long.
fn push_text(events: &mut StoredBatch, mut bytes: &[u8], most: usize) {
    let stored = stored(bytes).filter(|stored| stored.size() <= most);
    if let Some(stored) = stored {
        return events.push(&stored);
    }
    let most = most.saturating_sub(QUOTES).div_euclid(MOST_OF_A_BYTE);
    while !bytes.is_empty() {
        let length = piece(bytes, most.clamp(LONGEST_CHARACTER, PIECE_BYTES));
        let (part, rest) = bytes.split_at_checked(length).unwrap_or((bytes, &[]));
        if let Some(stored) = self::stored(part) {
            events.push(&stored);
        }
        bytes = rest;
    }
}

fn stored(bytes: &[u8]) -> Option<StoredPayload<'static>> {
    let stored = match str::from_utf8(bytes) {
        Ok(text) => StoredPayload::text(text),
        Err(_) => StoredPayload::bytes(bytes),
    };
    stored.ok()
}

/// Bytes of the next part of a line: no more than may be, and no part of a character at the end.
fn piece(rest: &[u8], most: usize) -> usize {
    let piece = rest.get(..most).unwrap_or(rest);
    match str::from_utf8(piece) {
        Err(error) if error.error_len().is_none() && error.valid_up_to() > 0 => error.valid_up_to(),
        Ok(_) | Err(_) => piece.len(),
    }
}

#[cfg(test)]
mod tests {
    use auditlog_chain::limits::MAX_EVENT_BYTES;
    use auditlog_chain::line::Payload;

    use super::*;

    fn shown(events: &StoredBatch) -> Vec<String> {
        let show = |payload: StoredPayload<'_>| match payload.as_payload() {
            Payload::Event(text) => format!("event {text}"),
            Payload::Text(text) => format!("text {text}"),
            Payload::Base64(text) => format!("base64 {text}"),
        };
        events.iter().map(show).collect()
    }

    #[test]
    fn only_a_line_that_is_too_long_is_divided() {
        let is_divided =
            |bytes: &[u8], end| take(bytes, &Place::default(), end, MAX_EVENT_BYTES).is_divided;
        assert!(!is_divided(b"one\nthe end of it", End::Closed));
        let mut long = vec![b'x'; MAX_INPUT_LINE_BYTES];
        assert!(!is_divided(&[&long, b"\n".as_slice()].concat(), End::Open));
        long.extend(b"x\n");
        assert!(is_divided(&long, End::Open));
    }

    #[test]
    fn no_event_is_longer_than_the_limit_of_its_log_and_nothing_is_lost() {
        let low = "\u{1}".repeat(5000);
        for (line, most, parts) in [
            ("{\"a\":\"é\"}".to_owned(), 1024, 1),
            (format!("\"{}\"", "x".repeat(1022)), 1024, 1),
            (format!("\"{}\"", "é".repeat(600)), 1024, 8),
            (low.clone(), 65_100, 1),
            (low, 1024, 30),
            ("{}".to_owned(), 1, 1),
        ] {
            let bytes = format!("{line}\nnext\n");
            let taken = take(bytes.as_bytes(), &Place::default(), End::Open, most);
            assert_eq!(taken.events.len(), parts + 1, "{line}");
            assert!(!taken.is_divided);
            let mut all = String::new();
            for payload in taken.events.iter().take(parts) {
                assert!(payload.size() <= most.max(26));
                match payload.as_payload() {
                    Payload::Event(text) => all.push_str(text),
                    Payload::Text(text) => all += &serde_json::from_str::<String>(text).unwrap(),
                    Payload::Base64(_) => unreachable!("it is a text"),
                }
            }
            assert_eq!(all, line);
        }
    }

    #[test]
    fn each_line_is_an_event_and_what_is_not_json_is_kept_as_it_is() {
        let bytes = b"{\"a\":1}\r\n\n 2 \nplain \"text\"\n\xff\n{\"b\"";
        let taken = take(bytes, &Place::default(), End::Open, MAX_EVENT_BYTES);
        let expected = [
            "event {\"a\":1}",
            "event 2",
            "text \"plain \\\"text\\\"\"",
            "base64 \"/w==\"",
        ];
        assert_eq!(shown(&taken.events), expected);
        let position = taken.after.position();
        assert_eq!((position.lines, position.events), (5, 4));
        let rest = &bytes[usize::try_from(position.bytes).unwrap()..];
        assert_eq!(rest, b"{\"b\"");
        let last = take(rest, &taken.after, End::Closed, MAX_EVENT_BYTES);
        assert_eq!(shown(&last.events), ["text \"{\\\"b\\\"\""]);
        assert_eq!(last.after.position().lines, 6);
        // It grows after all: the rest of the line is an event of its own.
        let grown = take(b":2}\n3\n", &last.after, End::Open, MAX_EVENT_BYTES);
        assert_eq!(shown(&grown.events), ["text \":2}\"", "event 3"]);
    }

    /// All bytes of texts, in order.
    fn texts(events: &StoredBatch) -> String {
        let text = |payload: StoredPayload<'_>| match payload.as_payload() {
            Payload::Text(text) => serde_json::from_str::<String>(text).unwrap(),
            other @ (Payload::Event(_) | Payload::Base64(_)) => panic!("{other:?}"),
        };
        events.iter().map(text).collect()
    }

    #[test]
    fn line_that_is_too_long_is_kept_in_parts_however_it_is_read() {
        // Two bytes each, so that a part could end in one of them.
        let long = format!("x{}", "ä".repeat(MAX_INPUT_LINE_BYTES));
        let bytes = format!("{long}\n{{}}\n").into_bytes();
        for step in [bytes.len(), MAX_INPUT_LINE_BYTES + 1, 1_300_000] {
            let (mut place, mut found) = (Place::default(), Vec::new());
            let mut all = StoredBatch::default();
            for end in (1..).map(|n| n * step) {
                let at = usize::try_from(place.bytes()).unwrap();
                let taken = take(
                    &bytes[at..end.min(bytes.len())],
                    &place,
                    End::Open,
                    MAX_EVENT_BYTES,
                );
                found.extend(shown(&taken.events));
                taken.events.iter().for_each(|event| all.push(&event));
                place = taken.after;
                if end >= bytes.len() {
                    break;
                }
            }
            assert_eq!(usize::try_from(place.bytes()).unwrap(), bytes.len());
            assert_eq!(found.pop().unwrap(), "event {}");
            let mut parts = StoredBatch::default();
            let last = all.len() - 1;
            all.iter().take(last).for_each(|part| parts.push(&part));
            assert!(texts(&parts) == long, "step {step}");
        }
    }

    #[test]
    fn any_part_of_a_line_fits_into_an_event() {
        for byte in [0x01, 0x7f, b'"', 0xff] {
            let mut events = StoredBatch::default();
            push_text(&mut events, &vec![byte; PIECE_BYTES], MAX_EVENT_BYTES);
            assert_eq!(events.len(), 1, "{byte}");
            // A line that is an event by its length, but not as a text.
            let mut events = StoredBatch::default();
            push(
                &mut events,
                &vec![byte; MAX_INPUT_LINE_BYTES],
                MAX_EVENT_BYTES,
            );
            let kept: usize = events.len();
            assert!(kept >= 1, "{byte}");
        }
    }

    #[test]
    fn batch_of_the_shortest_lines_has_a_bound() {
        let bytes = "1\n".repeat(MAX_EVENTS + 1);
        let taken = take(
            bytes.as_bytes(),
            &Place::default(),
            End::Open,
            MAX_EVENT_BYTES,
        );
        assert_eq!(taken.events.len(), MAX_EVENTS);
        let again = take(
            &bytes.as_bytes()[2 * MAX_EVENTS..],
            &taken.after,
            End::Open,
            MAX_EVENT_BYTES,
        );
        assert_eq!(again.events.len(), 1);
    }
}
