//! A request in protobuf.

use super::OtlpError;
use super::json::beginning;
use super::record::{log_record, push_text, resource, scope};
use super::wire::Fields;

/// Gives each record of a request as one event, as the JSON of OTLP.
///
/// # Errors
///
/// Where the body is something else, or a record is refused.
pub fn records_of_protobuf<E>(
    body: &[u8],
    mut take: impl FnMut(&str) -> Result<(), E>,
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
        let resource_schema = schema_url(of_resource).map_err(wrong)?;
        let mut scopes = Fields(of_resource);
        while let Some((number, of_scope)) = scopes.next_field().map_err(wrong)? {
            if number != 2 {
                continue;
            }
            let of_scope = of_scope.bytes();
            let scope = scope(last(of_scope, 1).map_err(wrong)?).map_err(wrong)?;
            let scope_schema = schema_url(of_scope).map_err(wrong)?;
            // The resource is copied for scopes with records alone: a body may have very many without any.
            let mut begin = None;
            let mut records = Fields(of_scope);
            while let Some((number, log)) = records.next_field().map_err(wrong)? {
                if number != 2 {
                    continue;
                }
                record = record.saturating_add(1);
                let begin = begin.get_or_insert_with(|| {
                    beginning(&[
                        ("resource", Some(&resource)),
                        ("resourceSchemaUrl", Some(&resource_schema)),
                        ("scope", Some(&scope)),
                        ("scopeSchemaUrl", Some(&scope_schema)),
                    ])
                });
                let mut event = begin.clone();
                log_record(&mut event, log.bytes()).map_err(wrong)?;
                event.push('}');
                take(&event).map_err(|source| OtlpError::Record { record, source })?;
            }
        }
    }
    Ok(())
}

/// The URL of the schema that a resource or a scope names, as JSON.
fn schema_url(message: &[u8]) -> Result<String, &'static str> {
    let mut json = String::new();
    push_text(&mut json, last(message, 3)?)?;
    Ok(json)
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
            events.push(event.to_owned());
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
    }

    /// A field of any length.
    fn long(number: u8, bytes: &[u8]) -> Vec<u8> {
        let mut field = vec![(number << 3) | 2];
        let mut length = bytes.len();
        while length >= 0x80 {
            field.push(u8::try_from(length & 0x7f).unwrap() | 0x80);
            length >>= 7;
        }
        field.push(u8::try_from(length).unwrap());
        field.extend(bytes);
        field
    }

    #[test]
    fn value_that_is_nested_too_deep_is_refused_and_one_less_is_an_event() {
        // As arrays, and as lists of keys and values.
        let array: fn(&[u8]) -> Vec<u8> = |value| long(5, &long(1, value));
        let list: fn(&[u8]) -> Vec<u8> = |value| long(6, &long(1, &long(2, value)));
        for (around, levels) in [(array, 39), (list, 30)] {
            let nested = |levels: usize| {
                let value = (0..levels).fold(field(1, b"x"), |value, _| around(&value));
                let record = long(5, &value);
                events(&long(1, &long(2, &long(2, &record))))
            };
            let event = nested(levels).unwrap();
            assert_eq!(event[0].matches('x').count(), 1);
            auditlog_chain::event::check_event(&event[0]).unwrap();
        }
        let too_deep = |levels| {
            let value = (0..levels).fold(field(1, b"x"), |value, _| array(&value));
            events(&long(1, &long(2, &long(2, &long(5, &value)))))
        };
        for levels in [40, 2000] {
            let expected =
                "the body is not an ExportLogsServiceRequest: a value is nested too deep";
            assert_eq!(too_deep(levels).unwrap_err(), expected, "{levels}");
        }
    }

    #[test]
    fn large_resource_is_not_copied_for_scopes_without_records() {
        let resource = long(1, &long(1, &long(1, &vec![b'x'; 2 << 20])));
        let scopes = field(2, b"").repeat(100_000);
        let with_record = field(2, &field(2, b""));
        let body = long(1, &[resource, scopes, with_record].concat());
        let begun = std::time::Instant::now();
        assert_eq!(events(&body).unwrap().len(), 1);
        // Of copies, it would be minutes.
        assert!(begun.elapsed() < std::time::Duration::from_secs(20));
    }

    #[test]
    fn schema_urls_are_kept_with_what_they_are_of() {
        let record = field(2, b"");
        let scope = [field(3, b"https://b/\"2\""), record.clone(), record.clone()].concat();
        let resource = [
            field(2, &scope),
            field(3, b"https://a/1"),
            field(2, &record),
        ]
        .concat();
        let with = r#"{"resourceSchemaUrl":"https://a/1","scopeSchemaUrl":"https://b/\"2\"","logRecord":{}}"#;
        let without = r#"{"resourceSchemaUrl":"https://a/1","logRecord":{}}"#;
        assert_eq!(events(&field(1, &resource)).unwrap(), [with, with, without]);
    }
}
