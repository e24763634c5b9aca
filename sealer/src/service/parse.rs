//! The events of one request: JSON Lines, one JSON value, or a JSON array of events.

use auditlog_chain::builder::StoredBatch;
use auditlog_chain::event::EventError;
use serde_json::value::RawValue;

use crate::limits::MAX_BATCH_EVENTS;

/// Why a body is refused. Nothing of it is accepted then.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    /// A line is not an event.
    #[error("line {line}: {source}")]
    Line {
        /// Number of the line, from 1.
        line: usize,
        /// What is wrong with it.
        source: EventError,
    },
    /// The body is not a JSON array.
    #[error("the body is not a JSON array: {0}")]
    Array(serde_json::Error),
    /// An element of the array is not an event.
    #[error("element {element} of the array: {source}")]
    Element {
        /// Its number, from 1.
        element: usize,
        /// What is wrong with it.
        source: EventError,
    },
    /// There are more events than a batch may have.
    #[error("the body has more than {MAX_BATCH_EVENTS} events: send fewer at a time")]
    TooMany,
    /// There is no event.
    #[error("the body has no event")]
    Empty,
}

/// How a body is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// One JSON value on each line; blank lines are passed over.
    Lines,
    /// One JSON value, which may be an array of events.
    Json,
}

impl Form {
    /// That of a content type. Whoever gives none sends lines.
    pub(super) fn of(content_type: Option<&str>) -> Self {
        let name = content_type.and_then(|text| text.split(';').next());
        match name.map(|name| name.trim().to_ascii_lowercase()).as_deref() {
            Some("application/json") => Self::Json,
            Some(_) | None => Self::Lines,
        }
    }
}

/// Reads a body. JSON is kept byte for byte.
pub(super) fn parse(form: Form, body: &[u8]) -> Result<StoredBatch, Refused> {
    let mut batch = StoredBatch::default();
    let trimmed = body.trim_ascii();
    match form {
        Form::Json if trimmed.starts_with(b"[") => {
            let elements: Vec<&RawValue> =
                serde_json::from_slice(trimmed).map_err(Refused::Array)?;
            for (element, value) in (1..).zip(elements) {
                must_be_few(&batch)?;
                let pushed = batch.push_json(value.get().as_bytes());
                pushed.map_err(|source| Refused::Element { element, source })?;
            }
        }
        Form::Json if !trimmed.is_empty() => {
            let pushed = batch.push_json(trimmed);
            pushed.map_err(|source| Refused::Line { line: 1, source })?;
        }
        Form::Json | Form::Lines => {
            for (line, text) in (1..).zip(body.split(|byte| *byte == b'\n')) {
                if text.trim_ascii().is_empty() {
                    continue;
                }
                must_be_few(&batch)?;
                let pushed = batch.push_json(text);
                pushed.map_err(|source| Refused::Line { line, source })?;
            }
        }
    }
    if batch.is_empty() {
        return Err(Refused::Empty);
    }
    Ok(batch)
}

/// Whether one more event may be added.
fn must_be_few(batch: &StoredBatch) -> Result<(), Refused> {
    if batch.len() < MAX_BATCH_EVENTS {
        return Ok(());
    }
    Err(Refused::TooMany)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(content_type: &str, body: &str) -> Result<Vec<String>, String> {
        let batch = parse(Form::of(Some(content_type)), body.as_bytes());
        let batch = batch.map_err(|refused| refused.to_string())?;
        let text = |payload: auditlog_chain::builder::StoredPayload<'_>| match payload.as_payload()
        {
            auditlog_chain::line::Payload::Event(text)
            | auditlog_chain::line::Payload::Text(text)
            | auditlog_chain::line::Payload::Base64(text) => text.to_owned(),
        };
        Ok(batch.iter().map(text).collect())
    }

    #[test]
    fn lines_arrays_and_single_values_are_kept_byte_for_byte() {
        let lines = "{\"a\": 1}\r\n\n 2 \n[3]";
        assert_eq!(
            parsed("application/x-ndjson", lines).unwrap(),
            ["{\"a\": 1}", "2", "[3]"]
        );
        let array = " [ {\"a\": 1.0} , [2],\"x\"]\n";
        assert_eq!(
            parsed("application/json; charset=utf-8", array).unwrap(),
            ["{\"a\": 1.0}", "[2]", "\"x\""]
        );
        assert_eq!(
            parsed("application/json", "{\n\"a\":1}").unwrap(),
            ["{ \"a\":1}"]
        );
    }

    #[test]
    fn body_of_more_events_than_a_batch_may_have_is_refused() {
        let most = "1\n".repeat(MAX_BATCH_EVENTS);
        assert_eq!(parsed("text/plain", &most).unwrap().len(), MAX_BATCH_EVENTS);
        let expected = "the body has more than 126976 events: send fewer at a time";
        let array = format!("[{}1]", "1,".repeat(MAX_BATCH_EVENTS));
        for (kind, body) in [("text/plain", most + "1"), ("application/json", array)] {
            assert_eq!(parsed(kind, &body).unwrap_err(), expected);
        }
    }

    #[test]
    fn what_is_not_an_event_is_named_and_nothing_is_taken() {
        for (kind, body, expected) in [
            (
                "text/plain",
                "1\n{\n3\n",
                "line 2: the event is not exactly one JSON value",
            ),
            ("text/plain", "\n \n", "the body has no event"),
            ("application/json", "[1,", "the body is not a JSON array: "),
            ("application/json", "[]", "the body has no event"),
            (
                "application/json",
                "1 2",
                "line 1: the event is not exactly one JSON value",
            ),
        ] {
            let refused = parsed(kind, body).unwrap_err();
            assert!(refused.starts_with(expected), "{body}: {refused}");
        }
    }
}
