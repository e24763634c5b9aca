//! A message as an event: its parts under their names, and all of its bytes under `raw`.

use auditlog_chain::builder::{StoredBatch, StoredPayload};
use auditlog_chain::event::EventError;
use serde::Serialize;

use super::data::{Bytes, Data};
use super::message::Message;

#[derive(Serialize)]
struct Event<'a> {
    facility: &'static str,
    severity: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hostname: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    app_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    proc_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    msg_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Data::is_empty")]
    structured_data: &'a Data<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Bytes<'a>>,
    raw: Bytes<'a>,
}

/// Adds a message. What is not one, or is too long with its parts beside it, is added as it is: as a text, or as base64. No event has more
/// than `most` bytes: what is longer as a text, too, is several of them.
///
/// # Errors
///
/// Where it is longer than [`MAX_MESSAGE_BYTES`](super::MAX_MESSAGE_BYTES).
pub fn push(
    to: &mut StoredBatch,
    raw: &[u8],
    message: Option<&Message<'_>>,
    most: usize,
) -> Result<(), EventError> {
    if let Some(json) = message.and_then(|message| json(raw, message))
        && let Ok(event) = StoredPayload::event(&json)
        && event.size() <= most
    {
        to.push(&event);
        return Ok(());
    }
    let payload = unparsed(raw)?;
    if payload.size() <= most {
        to.push(&payload);
        return Ok(());
    }
    let longest = most.saturating_sub(QUOTES).div_euclid(MOST_OF_A_BYTE);
    let (mut rest, longest) = (raw, longest.max(LONGEST_CHARACTER));
    while !rest.is_empty() {
        let (part, behind) = divided(rest, longest);
        to.push(&unparsed(part)?);
        rest = behind;
    }
    Ok(())
}

/// A message as it came: as a text where it is UTF-8 and not too long so, otherwise in base64.
fn unparsed(raw: &[u8]) -> Result<StoredPayload<'static>, EventError> {
    let text = std::str::from_utf8(raw).ok();
    let text = text.and_then(|text| StoredPayload::text(text).ok());
    text.map_or_else(|| StoredPayload::bytes(raw), Ok)
}

/// The first part, of at most so many bytes and without a part of a character at its end, and the rest.
fn divided(bytes: &[u8], longest: usize) -> (&[u8], &[u8]) {
    let part = bytes.get(..longest).unwrap_or(bytes);
    let length = match std::str::from_utf8(part) {
        Err(error) if error.error_len().is_none() && error.valid_up_to() > 0 => error.valid_up_to(),
        Ok(_) | Err(_) => part.len(),
    };
    bytes.split_at_checked(length).unwrap_or((bytes, &[]))
}

/// What a text takes beside its bytes, each of which takes six at most, and the longest character.
const QUOTES: usize = 2;
const MOST_OF_A_BYTE: usize = 6;
const LONGEST_CHARACTER: usize = 4;

fn json(raw: &[u8], message: &Message<'_>) -> Option<Vec<u8>> {
    let event = Event {
        facility: message.facility(),
        severity: message.severity(),
        version: message.version,
        timestamp: message.timestamp,
        hostname: message.hostname,
        app_name: message.app_name,
        proc_id: message.proc_id,
        msg_id: message.msg_id,
        structured_data: &message.data,
        message: message.text.map(Bytes),
        raw: Bytes(raw),
    };
    serde_json::to_vec(&event).ok()
}

#[cfg(test)]
mod tests {
    use auditlog_chain::line::Payload;

    use auditlog_chain::limits::MAX_EVENT_BYTES;

    use super::*;
    use crate::syslog::{MAX_MESSAGE_BYTES, parse};

    fn stored(raw: &[u8]) -> (&'static str, String) {
        let mut batch = StoredBatch::default();
        push(&mut batch, raw, parse(raw).as_ref(), MAX_EVENT_BYTES).unwrap();
        let payload = batch.iter().next().unwrap();
        match payload.as_payload() {
            Payload::Event(text) => ("event", text.to_owned()),
            Payload::Text(text) => ("text", text.to_owned()),
            Payload::Base64(text) => ("base64", text.to_owned()),
        }
    }

    #[test]
    fn event_has_the_parts_under_their_names_and_the_message_as_it_came() {
        let raw =
            b"<34>1 2026-07-01T12:00:00Z web su 7 ID47 [a@1 id=\"x\"] \xef\xbb\xbf\"hello\"\r";
        let expected = r#"{"facility":"auth","severity":"crit","version":"1","timestamp":"2026-07-01T12:00:00Z","hostname":"web","app_name":"su","proc_id":"7","msg_id":"ID47","structured_data":{"a@1":{"id":"x"}},"message":"\"hello\"","raw":"<34>1 2026-07-01T12:00:00Z web su 7 ID47 [a@1 id=\"x\"] "#.to_owned()
            + "\u{feff}"
            + r#"\"hello\"\r"}"#;
        assert_eq!(stored(raw), ("event", expected));
        let expected =
            r#"{"facility":"user","severity":"notice","message":"hello","raw":"<13>hello"}"#;
        assert_eq!(stored(b"<13>hello"), ("event", expected.to_owned()));
    }

    #[test]
    fn bytes_that_are_not_text_are_kept() {
        let expected = r#"{"facility":"user","severity":"notice","app_name":"a","message":{"base64":"/w=="},"raw":{"base64":"PDEzPmE6IP8="}}"#;
        assert_eq!(stored(b"<13>a: \xff"), ("event", expected.to_owned()));
        assert_eq!(stored(b"\xff"), ("base64", "\"/w==\"".to_owned()));
    }

    #[test]
    fn what_is_not_a_message_or_too_long_as_one_is_kept_as_it_is() {
        assert_eq!(
            stored(b"{\"a\": 1}"),
            ("text", r#""{\"a\": 1}""#.to_owned())
        );
        let long = [b"<13>a: ".as_slice(), &vec![b'x'; MAX_MESSAGE_BYTES - 7]].concat();
        let (kind, text) = stored(&long);
        assert_eq!((kind, text.len()), ("text", MAX_MESSAGE_BYTES + 2));
        let controls = [b"<13>a: ".as_slice(), &vec![1; MAX_MESSAGE_BYTES - 7]].concat();
        assert_eq!(stored(&controls).0, "base64");
    }

    #[test]
    fn message_that_is_longer_than_an_event_of_its_log_is_kept_as_text_in_parts() {
        let raw = format!("<13>1 - web app - - - {}", "é".repeat(2000));
        let parts = |most| {
            let mut batch = StoredBatch::default();
            let message = parse(raw.as_bytes());
            push(&mut batch, raw.as_bytes(), message.as_ref(), most).unwrap();
            let mut all = String::new();
            for payload in batch.iter() {
                assert!(payload.size() <= most);
                match payload.as_payload() {
                    Payload::Event(text) => all.push_str(text),
                    Payload::Text(text) => all += &serde_json::from_str::<String>(text).unwrap(),
                    Payload::Base64(_) => unreachable!("it is a text"),
                }
            }
            (batch.len(), all)
        };
        let (count, event) = parts(65_100);
        assert!(count == 1 && event.starts_with('{'), "{event}");
        assert_eq!(parts(5000), (1, raw.clone()));
        // Of 170 bytes each, without half of a character.
        assert_eq!(parts(1024), (24, raw.clone()));
    }
}
