//! A request in JSON.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::OtlpError;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    #[serde(borrow, default)]
    resource_logs: Vec<ResourceLogs<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResourceLogs<'a> {
    #[serde(borrow)]
    resource: Option<&'a RawValue>,
    #[serde(borrow, default)]
    scope_logs: Vec<ScopeLogs<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ScopeLogs<'a> {
    #[serde(borrow)]
    scope: Option<&'a RawValue>,
    #[serde(borrow, default)]
    log_records: Vec<&'a RawValue>,
}

/// Gives each record of a request as one event.
///
/// # Errors
///
/// Where the body is something else, or a record is refused.
pub fn records_of_json<E>(
    body: &[u8],
    mut take: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), OtlpError<E>> {
    if !body.trim_ascii_start().starts_with(b"{") {
        // An array would be read as the fields in their order.
        return Err(OtlpError::NotAnObject);
    }
    let request: Request<'_> = serde_json::from_slice(body).map_err(OtlpError::Json)?;
    let mut record = 0usize;
    for of_resource in &request.resource_logs {
        for of_scope in &of_resource.scope_logs {
            let begin = beginning(
                of_resource.resource.map(RawValue::get),
                of_scope.scope.map(RawValue::get),
            );
            for log in &of_scope.log_records {
                record = record.saturating_add(1);
                let event = format!("{begin}{}}}", log.get());
                take(event.as_bytes()).map_err(|source| OtlpError::Record { record, source })?;
            }
        }
    }
    Ok(())
}

/// What the events of a scope begin with. What is empty is left out.
pub(super) fn beginning(resource: Option<&str>, scope: Option<&str>) -> String {
    let mut begin = "{".to_owned();
    for (name, value) in [("resource", resource), ("scope", scope)] {
        if let Some(value) = value.filter(|value| !matches!(*value, "{}" | "null")) {
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
            {"logRecords":[{}],"unknown":1}]},{"scopeLogs":[{"scope":{},"logRecords":[{"x":1}]}]}]}"#;
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
                r#"{"logRecord":{"x":1}}"#,
            ]
        );
    }

    #[test]
    fn other_bodies_are_refused() {
        for body in [&b"[]"[..], b"{\"resourceLogs\":1}", b"{", b""] {
            let refused = records_of_json(body, |_| Ok::<_, ()>(()));
            let expected = matches!(refused, Err(OtlpError::Json(_) | OtlpError::NotAnObject));
            assert!(expected, "{body:?}");
        }
    }
}
