//! A request in protobuf.

use super::OtlpError;
use super::json::beginning;
use super::record::{log_record, resource, scope};
use super::wire::Fields;

/// Gives each record of a request as one event, as the JSON of OTLP.
///
/// # Errors
///
/// Where the body is something else, or a record is refused.
pub fn records_of_protobuf<E>(
    body: &[u8],
    mut take: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), OtlpError<E>> {
    let wrong = OtlpError::Protobuf;
    let mut record = 0usize;
    let mut request = Fields(body);
    while let Some((number, of_resource)) = request.next_field().map_err(wrong)? {
        if number != 1 {
            continue;
        }
        let of_resource = of_resource.bytes();
        let resource = resource(last(of_resource, 1).map_err(wrong)?).map_err(wrong)?;
        let mut scopes = Fields(of_resource);
        while let Some((number, of_scope)) = scopes.next_field().map_err(wrong)? {
            if number != 2 {
                continue;
            }
            let of_scope = of_scope.bytes();
            let scope = scope(last(of_scope, 1).map_err(wrong)?).map_err(wrong)?;
            let begin = beginning(Some(&resource), Some(&scope));
            let mut records = Fields(of_scope);
            while let Some((number, log)) = records.next_field().map_err(wrong)? {
                if number != 2 {
                    continue;
                }
                record = record.saturating_add(1);
                let mut event = begin.clone();
                log_record(&mut event, log.bytes()).map_err(wrong)?;
                event.push('}');
                take(event.as_bytes()).map_err(|source| OtlpError::Record { record, source })?;
            }
        }
    }
    Ok(())
}

/// The last field of this number: where there are several, it counts.
fn last(message: &[u8], wanted: u64) -> Result<&[u8], &'static str> {
    let mut fields = Fields(message);
    let mut found: &[u8] = &[];
    while let Some((number, value)) = fields.next_field()? {
        if number == wanted {
            found = value.bytes();
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        let length = u8::try_from(bytes.len()).unwrap();
        assert!(length < 0x80);
        [&[(number << 3) | 2, length], bytes].concat()
    }

    fn attribute(key: &str, value: &[u8]) -> Vec<u8> {
        [field(1, key.as_bytes()), field(2, value)].concat()
    }

    fn events(body: &[u8]) -> Result<Vec<String>, String> {
        let mut events = Vec::new();
        let taken = records_of_protobuf(body, |event| {
            events.push(String::from_utf8(event.to_vec()).unwrap());
            match events.len() {
                0..9 => Ok(()),
                _ => Err("too many"),
            }
        });
        taken.map_err(|error| error.to_string())?;
        Ok(events)
    }

    #[test]
    fn record_is_written_as_the_json_of_otlp() {
        let log = [
            b"\x09\x15\xcd\x5b\x07\0\0\0\0".to_vec(),
            b"\x10\x09".to_vec(),
            field(3, b"INFO"),
            field(5, &field(1, b"a \"b\"")),
            field(
                6,
                &attribute("i", b"\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
            ),
            field(6, &attribute("b", b"\x10\x01")),
            field(6, &attribute("d", b"\x21\0\0\0\0\0\0\xf8\x3f")),
            field(6, &attribute("raw", &field(7, b"\x00\xff"))),
            field(
                6,
                &attribute(
                    "list",
                    &field(5, &[field(1, b""), field(1, b"\x10\x00")].concat()),
                ),
            ),
            b"\x38\x03".to_vec(),
            field(9, &[0xab; 16]),
            field(10, &[0xcd; 8]),
            b"\x59\x16\xcd\x5b\x07\0\0\0\0".to_vec(),
        ];
        let scope = field(1, &field(1, b"lib"));
        let resource = field(1, &attribute("service", &field(1, b"shop")));
        // Longer than a byte says, so it is put together by hand.
        let of_two_bytes = |number: u8, bytes: &[u8]| {
            let (low, high) = (
                u8::try_from(bytes.len() & 0x7f).unwrap() | 0x80,
                u8::try_from(bytes.len() >> 7).unwrap(),
            );
            [&[(number << 3) | 2, low, high], bytes].concat()
        };
        let scope_logs = [of_two_bytes(2, &log.concat()), scope].concat();
        let resource_logs = [of_two_bytes(2, &scope_logs), field(1, &resource)].concat();
        let found = events(&of_two_bytes(1, &resource_logs)).unwrap();
        let expected = concat!(
            r#"{"resource":{"attributes":[{"key":"service","value":{"stringValue":"shop"}}]},"scope":{"name":"lib"},"#,
            r#""logRecord":{"timeUnixNano":"123456789","observedTimeUnixNano":"123456790","severityNumber":9,"severityText":"INFO","#,
            r#""body":{"stringValue":"a \"b\""},"attributes":[{"key":"i","value":{"intValue":"-1"}},{"key":"b","value":{"boolValue":true}},"#,
            r#"{"key":"d","value":{"doubleValue":1.5}},{"key":"raw","value":{"bytesValue":"AP8="}},"#,
            r#"{"key":"list","value":{"arrayValue":{"values":[{},{"boolValue":false}]}}}],"droppedAttributesCount":3,"#,
            r#""traceId":"abababababababababababababababab","spanId":"cdcdcdcdcdcdcdcd"}}"#
        );
        assert_eq!(found, [expected]);
        auditlog_chain::event::check_event(expected).unwrap();
    }

    #[test]
    fn empty_parts_are_left_out_and_what_is_not_a_request_is_refused() {
        let record = field(1, &field(2, &field(2, b"")));
        assert_eq!(
            events(&record.repeat(2)).unwrap(),
            [r#"{"logRecord":{}}"#, r#"{"logRecord":{}}"#]
        );
        assert_eq!(events(b"").unwrap(), Vec::<String>::new());
        let expected =
            "the body is not an ExportLogsServiceRequest: it ends in the middle of a field";
        assert_eq!(events(b"\x0a\x05\x12").unwrap_err(), expected);
        assert_eq!(events(&record.repeat(9)).unwrap_err(), "record 9: too many");
        // A body that is nested a thousand times.
        let mut value = field(1, b"x");
        for _ in 0..20 {
            value = field(5, &field(1, &value));
        }
        let body = field(5, &value);
        assert!(events(&field(1, &field(2, &field(2, &body)))).is_ok());
    }
}
