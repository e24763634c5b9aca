//! The events of one request: JSON Lines, JSON values in a row, a JSON array of events, or a list of Kubernetes' audit events.

use auditlog_chain::builder::StoredBatch;
use auditlog_chain::event::EventError;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::member::id_within;
use super::member::{has_attribute, has_member};
use crate::elements::{ElementsError, each_element};
use crate::forward::{Malformed, Rendering, ValueError, Values};
use crate::limits::MAX_BATCH_EVENTS;
use crate::otlp::{OtlpError, records_of_json, records_of_protobuf};
use crate::seal::Naming;

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
    /// The body is not an object.
    #[error("the body is not an EventList of audit.k8s.io: expected a JSON object")]
    NotAList,
    /// The body is not a list of Kubernetes' audit events.
    #[error("the body is not an EventList of audit.k8s.io: {0}")]
    Kubernetes(serde_json::Error),
    /// An element of the array is not an event.
    #[error("element {element} of the array: {source}")]
    Element {
        /// Its number, from 1.
        element: usize,
        /// What is wrong with it.
        source: EventError,
    },
    /// The body is not a request of OpenTelemetry, or a record of it is not an event.
    #[error(transparent)]
    Otlp(#[from] OtlpError<EventError>),
    /// The body is not entries of msgpack in a row.
    #[error("entry {entry}: {source}")]
    Entries {
        /// Number of the entry, from 1.
        entry: usize,
        /// What is wrong with it.
        source: ValueError,
    },
    /// A value of msgpack is not an entry.
    #[error("entry {entry}: {source}")]
    Entry {
        /// Its number, from 1.
        entry: usize,
        /// What is wrong with it.
        source: Malformed,
    },
    /// An entry is not an event.
    #[error("entry {entry}: {source}")]
    Rendered {
        /// Its number, from 1.
        entry: usize,
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
    /// JSON values in a row. The first may be an array of events, and is then the only one.
    Json,
    /// What the API server of Kubernetes sends to its audit webhook: a list whose items are the events.
    Kubernetes,
    /// Entries of a time and a record in msgpack, in a row, as Fluent Bit keeps them.
    Msgpack,
    /// Log records of OpenTelemetry in JSON.
    OtlpJson,
    /// The same in protobuf.
    OtlpProtobuf,
}

/// Records of a request with the resource of each, or entries of msgpack as JSON, in bytes. Stops a large resource with very many records,
/// and bytes that take six times as many.
pub(super) const MAX_RECORDS_BYTES: usize = 16 << 20;

/// The member that is unique among audit events of Kubernetes, together with the stage.
const AUDIT_ID: &str = "auditID";

/// The member of an entry that holds its record.
const RECORD: &str = "record";

/// What a body holds.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) events: StoredBatch,
    pub(super) ids: Ids,
}

/// Where the id of an event is.
#[derive(Clone, Copy)]
enum Id<'n> {
    /// A member of the event.
    Member(&'n str),
    /// A member of the record of an entry.
    Recorded(&'n str),
    /// An attribute of a log record.
    Attribute(&'n str),
}

/// Whether each event has an id that no other event has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ids {
    /// Each has: a body of the same bytes has the same events.
    Each,
    /// Not each.
    NotEach,
}

impl Ids {
    fn of(events: &StoredBatch, id: Option<Id<'_>>) -> Self {
        let each = id.is_some_and(|id| {
            let mut payloads = events.iter();
            payloads.all(|payload| match id {
                Id::Member(name) => has_member(&payload, name),
                Id::Recorded(name) => id_within(&payload, RECORD, name).is_some(),
                Id::Attribute(name) => has_attribute(&payload, name),
            })
        });
        if each { Self::Each } else { Self::NotEach }
    }

    /// What the hash of the body means.
    pub(super) const fn naming(self) -> Naming {
        match self {
            Self::Each => Naming::Unique,
            Self::NotEach => Naming::Content,
        }
    }
}

/// The items alone: each names its version itself.
#[derive(Deserialize)]
struct EventList<'a> {
    #[serde(borrow)]
    items: &'a RawValue,
}

impl Form {
    /// That of a content type. Whoever gives none sends lines.
    pub(super) fn of(content_type: Option<&str>) -> Self {
        let name = content_type.and_then(|text| text.split(';').next());
        match name.map(|name| name.trim().to_ascii_lowercase()).as_deref() {
            Some("application/json") => Self::Json,
            Some("application/msgpack") => Self::Msgpack,
            Some(_) | None => Self::Lines,
        }
    }

    /// That of a request for logs of OpenTelemetry.
    pub(super) fn of_otlp(content_type: Option<&str>) -> Self {
        match Self::of(content_type) {
            Self::Json => Self::OtlpJson,
            Self::Lines
            | Self::Kubernetes
            | Self::Msgpack
            | Self::OtlpJson
            | Self::OtlpProtobuf => Self::OtlpProtobuf,
        }
    }
}

/// Reads a body. JSON is kept byte for byte; an entry of msgpack is written as JSON, with the tag of the path if there is one. `event_id` is
/// the member of an event or of its record, or the attribute of a log record, that no other event has.
pub(super) fn parse(
    form: Form,
    body: &[u8],
    tag: Option<&str>,
    event_id: Option<&str>,
) -> Result<Parsed, Refused> {
    let mut events = StoredBatch::default();
    let trimmed = body.trim_ascii();
    match form {
        Form::Json if trimmed.starts_with(b"[") => {
            push_all(&mut events, trimmed, Refused::Array)?;
        }
        Form::Json if !trimmed.is_empty() => push_values(&mut events, trimmed)?,
        // An array would be read as the fields in their order.
        Form::Kubernetes if !trimmed.starts_with(b"{") => return Err(Refused::NotAList),
        Form::Kubernetes => {
            let list: EventList<'_> =
                serde_json::from_slice(trimmed).map_err(Refused::Kubernetes)?;
            let items = list.items.get().as_bytes();
            push_all(&mut events, items, Refused::Kubernetes)?;
        }
        Form::Msgpack => push_entries(&mut events, body, tag)?,
        Form::OtlpJson => {
            let push = |record: &[u8]| {
                must_have_room(&events)?;
                events.push_json(record).map_err(Full::Event)
            };
            records_of_json(body, push).map_err(of_otlp)?;
        }
        Form::OtlpProtobuf => {
            let push = |record: &str| {
                must_have_room(&events)?;
                events.push_rendered(record).map_err(Full::Event)
            };
            records_of_protobuf(body, push).map_err(of_otlp)?;
        }
        Form::Json | Form::Lines => push_lines(&mut events, body)?,
    }
    let may_be_empty = matches!(form, Form::OtlpJson | Form::OtlpProtobuf);
    if events.is_empty() && !may_be_empty {
        return Err(Refused::Empty);
    }
    let id = match form {
        Form::Kubernetes => Some(Id::Member(AUDIT_ID)),
        Form::Json | Form::Lines => event_id.map(Id::Member),
        Form::Msgpack => event_id.map(Id::Recorded),
        Form::OtlpJson | Form::OtlpProtobuf => event_id.map(Id::Attribute),
    };
    let ids = Ids::of(&events, id);
    Ok(Parsed { events, ids })
}

/// The elements of an array, which are counted while they are read.
fn push_all(
    events: &mut StoredBatch,
    array: &[u8],
    malformed: fn(serde_json::Error) -> Refused,
) -> Result<(), Refused> {
    let mut element = 0usize;
    let pushed = each_element(array, |value| {
        element = element.saturating_add(1);
        must_be_few(events)?;
        let pushed = events.push_json(value.get().as_bytes());
        pushed.map_err(|source| Refused::Element { element, source })
    });
    pushed.map_err(|error| match error {
        ElementsError::Json(error) => malformed(error),
        ElementsError::Refused(refused) => refused,
    })
}

/// Why a record cannot be added.
enum Full {
    Event(EventError),
    TooMany,
}

/// Each record comes with its resource, so that a small request may be many events.
fn must_have_room(events: &StoredBatch) -> Result<(), Full> {
    if events.bytes() > MAX_RECORDS_BYTES {
        return Err(Full::TooMany);
    }
    must_be_few(events).map_err(|_| Full::TooMany)
}

fn of_otlp(error: OtlpError<Full>) -> Refused {
    match error {
        OtlpError::Record {
            source: Full::TooMany,
            ..
        } => Refused::TooMany,
        OtlpError::Record {
            record,
            source: Full::Event(source),
        } => OtlpError::Record { record, source }.into(),
        OtlpError::Json(error) => OtlpError::Json(error).into(),
        OtlpError::NotAnObject => OtlpError::NotAnObject.into(),
        OtlpError::Protobuf(error) => OtlpError::Protobuf(error).into(),
    }
}

/// Entries in a row, each written as one of Forward is.
fn push_entries(events: &mut StoredBatch, body: &[u8], tag: Option<&str>) -> Result<(), Refused> {
    let mut rendering =
        tag.map_or_else(Rendering::without_tag, |tag| Rendering::new(tag.as_bytes()));
    let mut values = Values::new(body);
    for entry in 1usize.. {
        let value = values.next_value();
        let Some(value) = value.map_err(|source| Refused::Entries { entry, source })? else {
            break;
        };
        must_have_room(events).map_err(|_| Refused::TooMany)?;
        let json = rendering.entry(value);
        let json = json.map_err(|source| Refused::Entry { entry, source })?;
        let pushed = events.push_rendered(json);
        pushed.map_err(|source| Refused::Rendered { entry, source })?;
    }
    Ok(())
}

fn push_lines(events: &mut StoredBatch, body: &[u8]) -> Result<(), Refused> {
    for (line, text) in (1..).zip(body.split(|byte| *byte == b'\n')) {
        if text.trim_ascii().is_empty() {
            continue;
        }
        must_be_few(events)?;
        let pushed = events.push_json(text);
        pushed.map_err(|source| Refused::Line { line, source })?;
    }
    Ok(())
}

/// One value, or several of which each begins where the one before it ends.
fn push_values(events: &mut StoredBatch, body: &[u8]) -> Result<(), Refused> {
    let one = match events.push_json(body) {
        Ok(()) => return Ok(()),
        Err(one) => one,
    };
    let mut values = StoredBatch::default();
    let stream = serde_json::Deserializer::from_slice(body).into_iter::<&RawValue>();
    for value in stream {
        must_be_few(&values)?;
        let pushed = value
            .ok()
            .map(|value| values.push_json(value.get().as_bytes()));
        if !matches!(pushed, Some(Ok(()))) {
            // What is wrong with the body as one value says more.
            return Err(Refused::Line {
                line: 1,
                source: one,
            });
        }
    }
    *events = values;
    Ok(())
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

    fn text(payload: &auditlog_chain::builder::StoredPayload<'_>) -> String {
        match payload.as_payload() {
            auditlog_chain::line::Payload::Event(text)
            | auditlog_chain::line::Payload::Text(text)
            | auditlog_chain::line::Payload::Base64(text) => text.to_owned(),
        }
    }

    fn parsed(content_type: &str, body: &str) -> Result<Vec<String>, String> {
        let form = match content_type {
            "kubernetes" => Form::Kubernetes,
            content_type => Form::of(Some(content_type)),
        };
        let parsed = parse(form, body.as_bytes(), None, None);
        let batch = parsed.map_err(|refused| refused.to_string())?.events;
        Ok(batch.iter().map(|payload| text(&payload)).collect())
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
    fn values_in_a_row_are_events_as_the_stream_of_fluent_bit_has_them() {
        let expected = ["{\"a\":1}", "{\"b\":[2]}"];
        for body in ["{\"a\":1}{\"b\":[2]}", "{\"a\":1}\n{\"b\":[2]}\n"] {
            assert_eq!(
                parsed("application/json", body).unwrap(),
                expected,
                "{body}"
            );
        }
    }

    /// The first one as versions of Fluent Bit before 2.1 have it, the others as later ones do.
    #[test]
    fn entries_of_msgpack_are_events_as_fluent_bit_sends_them_by_default() {
        let entries = [
            &b"\x92\xd7\x00\x65\x53\xf1\x00\x07\x5b\xcd\x15\x82\xa3log\xa1a\xa8event_id\xa1x"[..],
            b"\x92\x92\xd7\x00\x65\x53\xf1\x01\x00\x00\x00\x00\x80\x82\xa3log\xa1b\xa8event_id\xa1y",
            b"\x92\x92\xd7\x00\x65\x53\xf1\x02\x00\x00\x00\x00\x81\xa1m\x01\x81\xa8event_id\xa1z",
        ];
        let form = Form::of(Some("application/msgpack"));
        let all = entries.concat();
        let texts = |tag| {
            let parsed = parse(form, &all, tag, Some("event_id")).unwrap();
            assert_eq!(parsed.ids, Ids::Each);
            let texts: Vec<String> = parsed.events.iter().map(|payload| text(&payload)).collect();
            texts
        };
        let first =
            r#""time":"2023-11-14T22:13:20.123456789Z","record":{"log":"a","event_id":"x"}}"#;
        let second =
            r#""time":"2023-11-14T22:13:21.000000000Z","record":{"log":"b","event_id":"y"}}"#;
        let third = r#""time":"2023-11-14T22:13:22.000000000Z","metadata":{"m":1},"record":{"event_id":"z"}}"#;
        let expected = |begin: &str| [first, second, third].map(|rest| format!("{begin}{rest}"));
        assert_eq!(texts(None), expected("{"));
        assert_eq!(texts(Some("app.login")), expected(r#"{"tag":"app.login","#));
        let ids = |id| parse(form, &all, None, id).unwrap().ids;
        assert_eq!(ids(Some("log")), Ids::NotEach);
        assert_eq!(ids(None), Ids::NotEach);
        for (body, expected) in [
            (&b""[..], "the body has no event"),
            (
                &all[..all.len() - 1],
                "entry 3: the message ends in the middle of a value",
            ),
            (
                b"\x92\x00\x80\x81\xa1a\x01",
                "entry 2: expected an entry: an array of time and record",
            ),
            (
                b"{}",
                "entry 1: expected an entry: an array of time and record",
            ),
            (b"\xc1", "entry 1: a byte is not msgpack (0xc1)"),
        ] {
            let refused = parse(form, body, None, None).unwrap_err();
            assert_eq!(refused.to_string(), expected);
        }
        // Each byte of it takes six.
        let low = [&b"\x92\x00\xdb\x00\x02\x80\x00"[..], &vec![1; 0x28000]].concat();
        let refused = parse(form, &low.repeat(19), None, None);
        assert!(matches!(refused, Err(Refused::TooMany)));
    }

    #[test]
    fn items_of_a_list_of_kubernetes_are_events() {
        let list = r#"{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},
            "items":[{"auditID":"1", "stage":"ResponseComplete"},{"auditID":"2"}]}"#;
        assert_eq!(
            parsed("kubernetes", list).unwrap(),
            [
                r#"{"auditID":"1", "stage":"ResponseComplete"}"#,
                r#"{"auditID":"2"}"#
            ]
        );
    }

    #[test]
    fn request_of_opentelemetry_is_an_event_for_each_record() {
        let record = "{\"body\":{\"stringValue\":\"a\"}}";
        let request = |records: &str| {
            format!("{{\"resourceLogs\":[{{\"scopeLogs\":[{{\"logRecords\":[{records}]}}]}}]}}")
        };
        let form = Form::of_otlp(Some("application/json"));
        assert_eq!(form, Form::OtlpJson);
        let two = request(&format!("{record},{record}"));
        let found = parse(form, two.as_bytes(), None, None).unwrap().events;
        assert_eq!(found.len(), 2);
        assert!(
            parse(form, request("").as_bytes(), None, None)
                .unwrap()
                .events
                .is_empty()
        );
        let wrong = parse(Form::of_otlp(None), b"\xff", None, None).unwrap_err();
        let expected = "the body is not an ExportLogsServiceRequest: ";
        assert!(wrong.to_string().starts_with(expected), "{wrong}");
        // A large resource with each of many records.
        let resource = format!("\"resource\":{{\"a\":\"{}\"}},", "x".repeat(900_000));
        let records = vec![record; 100].join(",");
        let large =
            request(&records).replacen("\"scopeLogs\"", &format!("{resource}\"scopeLogs\""), 1);
        let refused = parse(form, large.as_bytes(), None, None).unwrap_err();
        assert!(matches!(refused, Refused::TooMany));
    }

    #[test]
    fn hash_of_a_body_is_unique_where_each_event_has_an_id() {
        let ids =
            |form, body: &str, member| parse(form, body.as_bytes(), None, member).unwrap().ids;
        let lines = "{\"id\":1}\n{\"x\":{},\"id\":\"2\"}\n";
        assert_eq!(ids(Form::Lines, lines, Some("id")), Ids::Each);
        assert_eq!(ids(Form::Lines, lines, None), Ids::NotEach);
        for missing in [
            "3",
            "{\"x\":{\"id\":3}}",
            "{\"id\":null}",
            "{\"id\":\"\"}",
            "[\"id\"]",
        ] {
            let body = format!("{lines}{missing}");
            assert_eq!(
                ids(Form::Lines, &body, Some("id")),
                Ids::NotEach,
                "{missing}"
            );
        }
        let list = "{\"items\":[{\"auditID\":\"a\"}]}";
        assert_eq!(ids(Form::Kubernetes, list, Some("id")), Ids::Each);
    }

    #[test]
    fn hash_of_a_request_of_opentelemetry_is_unique_where_each_record_has_the_attribute() {
        let ids = |attributes: &[&str], name| {
            let records: Vec<String> = attributes
                .iter()
                .map(|attributes| format!("{{\"attributes\":{attributes}}}"))
                .collect();
            let body = format!(
                "{{\"resourceLogs\":[{{\"scopeLogs\":[{{\"logRecords\":[{}]}}]}}]}}",
                records.join(",")
            );
            parse(Form::OtlpJson, body.as_bytes(), None, name)
                .unwrap()
                .ids
        };
        let text =
            r#"[{"key":"a","value":{"boolValue":true}},{"key":"id","value":{"stringValue":"x"}}]"#;
        let number = r#"[{"key":"id","value":{"intValue":"7"}}]"#;
        assert_eq!(ids(&[text, number], Some("id")), Ids::Each);
        assert_eq!(ids(&[text, number], None), Ids::NotEach);
        for missing in [
            "[]",
            "null",
            "{}",
            r#"[{"key":"a","value":{"stringValue":"id"}}]"#,
            r#"[{"key":"id"}]"#,
            r#"[{"key":"id","value":{"stringValue":""}}]"#,
            r#"[{"key":"id","value":{"boolValue":true}}]"#,
        ] {
            assert_eq!(ids(&[text, missing], Some("id")), Ids::NotEach, "{missing}");
        }
        // A member of a record is not an attribute of it.
        let body = r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"id":"x"}]}]}]}"#;
        let parsed = parse(Form::OtlpJson, body.as_bytes(), None, Some("id")).unwrap();
        assert_eq!(parsed.ids, Ids::NotEach);
    }

    #[test]
    fn body_of_more_events_than_a_batch_may_have_is_refused() {
        let most = "1\n".repeat(MAX_BATCH_EVENTS);
        assert_eq!(parsed("text/plain", &most).unwrap().len(), MAX_BATCH_EVENTS);
        let expected = "the body has more than 126976 events: send fewer at a time";
        let array = format!("[{}1]", "1,".repeat(MAX_BATCH_EVENTS));
        // They are counted while they are read: what follows does not matter.
        let cut = array.replace("1]", "1,");
        let items = format!("{{\"items\":{array}}}");
        for (kind, body) in [
            ("text/plain", most + "1"),
            ("application/json", array),
            ("application/json", cut),
            ("kubernetes", items),
        ] {
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
            ("kubernetes", "{\"items\":[]}", "the body has no event"),
            (
                "kubernetes",
                "[[1]]",
                "the body is not an EventList of audit.k8s.io: ",
            ),
            (
                "kubernetes",
                "{\"items\":1}",
                "the body is not an EventList of audit.k8s.io: ",
            ),
            (
                "kubernetes",
                "{\"items\":[1,{]}",
                "the body is not an EventList of audit.k8s.io: ",
            ),
            (
                "application/json",
                "1 2 }",
                "line 1: the event is not exactly one JSON value",
            ),
        ] {
            let refused = parsed(kind, body).unwrap_err();
            assert!(refused.starts_with(expected), "{body}: {refused}");
        }
    }
}
