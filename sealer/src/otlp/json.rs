//! A request in JSON.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::OtlpError;
use crate::elements::{ElementsError, each_element};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    #[serde(borrow)]
    resource_logs: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResourceLogs<'a> {
    #[serde(borrow)]
    resource: Option<&'a RawValue>,
    #[serde(borrow)]
    scope_logs: Option<&'a RawValue>,
    #[serde(borrow)]
    schema_url: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ScopeLogs<'a> {
    #[serde(borrow)]
    scope: Option<&'a RawValue>,
    #[serde(borrow)]
    log_records: Option<&'a RawValue>,
    #[serde(borrow)]
    schema_url: Option<&'a RawValue>,
}

/// Gives each record of a request as one event. Nothing else of the request is in memory at a time, however many parts it has.
///
/// # Errors
///
/// Where the body is something else, or a record is refused.
pub fn records_of_json<E>(
    body: &[u8],
    mut take: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), OtlpError<E>> {
    let request: Request<'_> = object(body)?;
    let mut record = 0usize;
    each(request.resource_logs, |of_resource| {
        let of_resource: ResourceLogs<'_> = object(of_resource.get().as_bytes())?;
        each(of_resource.scope_logs, |of_scope| {
            let of_scope: ScopeLogs<'_> = object(of_scope.get().as_bytes())?;
            // The resource is copied for scopes with records alone: a body may have very many without any.
            let mut begin = None;
            each(of_scope.log_records, |log| {
                record = record.saturating_add(1);
                let begin = begin.get_or_insert_with(|| {
                    beginning(&[
                        ("resource", of_resource.resource.map(RawValue::get)),
                        (
                            "resourceSchemaUrl",
                            of_resource.schema_url.map(RawValue::get),
                        ),
                        ("scope", of_scope.scope.map(RawValue::get)),
                        ("scopeSchemaUrl", of_scope.schema_url.map(RawValue::get)),
                    ])
                });
                let event = format!("{begin}{}}}", log.get());
                take(event.as_bytes()).map_err(|source| OtlpError::Record { record, source })
            })
        })
    })
}

/// An array would be read as the fields in their order.
fn object<'a, T: Deserialize<'a>, E>(text: &'a [u8]) -> Result<T, OtlpError<E>> {
    if !text.trim_ascii_start().starts_with(b"{") {
        return Err(OtlpError::NotAnObject);
    }
    serde_json::from_slice(text).map_err(OtlpError::Json)
}

/// Each element of an array; of none where it is absent.
fn each<E>(
    array: Option<&RawValue>,
    take: impl FnMut(&RawValue) -> Result<(), OtlpError<E>>,
) -> Result<(), OtlpError<E>> {
    let Some(array) = array else {
        return Ok(());
    };
    each_element(array.get().as_bytes(), take).map_err(|error| match error {
        ElementsError::Json(error) => OtlpError::Json(error),
        ElementsError::Refused(refused) => refused,
    })
}

/// What the events of a scope begin with. What is empty is left out.
pub(super) fn beginning(members: &[(&str, Option<&str>)]) -> String {
    let mut begin = "{".to_owned();
    for (name, value) in members {
        let value = value.filter(|value| !matches!(*value, "{}" | "null" | "\"\""));
        if let Some(value) = value {
            begin.push('"');
            begin.push_str(name);
            begin.push_str("\":");
            begin.push_str(value);
            begin.push(',');
        }
    }
    begin.push_str("\"logRecord\":");
    begin
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_record_is_an_event_with_its_resource_and_its_scope_as_they_came() {
        let body = br#"{"resourceLogs":[{"resource":{"attributes":[ ]},"scopeLogs":[
            {"scope":{"name":"s"},"logRecords":[{"timeUnixNano":"1","body":{"stringValue":"a"}},{"flags": 1.0}]},
            {"logRecords":[{}],"unknown":1}]},{"schemaUrl":"https://a/1","scopeLogs":[
            {"schemaUrl": "https://b/\u0031" ,"scope":{},"logRecords":[{"x":1}]},{"schemaUrl":"","logRecords":[{}]}]}]}"#;
        let mut events = Vec::new();
        let taken = records_of_json(body, |event| {
            events.push(String::from_utf8(event.to_vec()).unwrap());
            Ok::<_, ()>(())
        });
        taken.unwrap();
        assert_eq!(
            events,
            [
                r#"{"resource":{"attributes":[ ]},"scope":{"name":"s"},"logRecord":{"timeUnixNano":"1","body":{"stringValue":"a"}}}"#,
                r#"{"resource":{"attributes":[ ]},"scope":{"name":"s"},"logRecord":{"flags": 1.0}}"#,
                r#"{"resource":{"attributes":[ ]},"logRecord":{}}"#,
                r#"{"resourceSchemaUrl":"https://a/1","scopeSchemaUrl":"https://b/\u0031","logRecord":{"x":1}}"#,
                r#"{"resourceSchemaUrl":"https://a/1","logRecord":{}}"#,
            ]
        );
    }

    #[test]
    fn large_resource_is_not_copied_for_scopes_without_records() {
        let resource = format!("{{\"x\":\"{}\"}}", "x".repeat(2 << 20));
        let scopes = "{},".repeat(100_000);
        let body = format!(
            "{{\"resourceLogs\":[{{\"resource\":{resource},\"scopeLogs\":[{scopes}{{\"logRecords\":[{{}}]}}]}}]}}"
        );
        let (begun, mut records) = (std::time::Instant::now(), 0);
        let taken = records_of_json(body.as_bytes(), |_| {
            records += 1;
            Ok::<_, ()>(())
        });
        taken.unwrap();
        assert_eq!(records, 1);
        // Of copies, it would be minutes.
        assert!(begun.elapsed() < std::time::Duration::from_secs(20));
    }

    #[test]
    fn other_bodies_are_refused() {
        for body in [
            &b"[]"[..],
            b"{\"resourceLogs\":1}",
            b"{\"resourceLogs\":[[]]}",
            b"{\"resourceLogs\":[{\"scopeLogs\":[1]}]}",
            b"{",
            b"",
        ] {
            let refused = records_of_json(body, |_| Ok::<_, ()>(()));
            let expected = matches!(refused, Err(OtlpError::Json(_) | OtlpError::NotAnObject));
            assert!(expected, "{body:?}");
        }
    }
}
