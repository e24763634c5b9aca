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

/// Adds a message. What is not one, or is too long with its parts beside it, is added as it is: as a text, or as base64.
///
/// # Errors
///
/// Where it is longer than [`MAX_MESSAGE_BYTES`](super::MAX_MESSAGE_BYTES).
pub fn push(
    to: &mut StoredBatch,
    raw: &[u8],
    message: Option<&Message<'_>>,
) -> Result<(), EventError> {
    if let Some(json) = message.and_then(|message| json(raw, message))
        && let Ok(event) = StoredPayload::event(&json)
    {
        to.push(&event);
        return Ok(());
    }
    let text = std::str::from_utf8(raw).ok();
    let text = text.and_then(|text| StoredPayload::text(text).ok());
    let payload = text.map_or_else(|| StoredPayload::bytes(raw), Ok)?;
    to.push(&payload);
    Ok(())
}

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

    use super::*;
    use crate::syslog::{MAX_MESSAGE_BYTES, parse};

    fn stored(raw: &[u8]) -> (&'static str, String) {
        let mut batch = StoredBatch::default();
        push(&mut batch, raw, parse(raw).as_ref()).unwrap();
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
}
