//! The answer to a request that is refused: google.rpc.Status, of which OTLP leaves the code out.

/// As JSON.
pub fn status_json(message: &str) -> Vec<u8> {
    // A string can always be written.
    let message = serde_json::to_string(message).unwrap_or_default();
    format!("{{\"message\":{message}}}").into_bytes()
}

/// As protobuf: the message is field 2.
pub fn status_protobuf(message: &str) -> Vec<u8> {
    let mut bytes = vec![0x12];
    let mut left = message.len();
    loop {
        let digit = u8::try_from(left & 0x7f).unwrap_or(0);
        left >>= 7;
        if left == 0 {
            bytes.push(digit);
            break;
        }
        bytes.push(digit | 0x80);
    }
    bytes.extend_from_slice(message.as_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::super::wire::Fields;
    use super::*;

    #[test]
    fn message_is_what_a_reader_of_protobuf_finds_however_long_it_is() {
        for length in [0, 1, 127, 128, 300, 16_384, 100_000] {
            let message = "m".repeat(length);
            let bytes = status_protobuf(&message);
            let mut fields = Fields(&bytes);
            let (number, value) = fields.next_field().unwrap().unwrap();
            assert_eq!((number, value.bytes()), (2, message.as_bytes()));
            assert!(fields.next_field().unwrap().is_none());
        }
        // As the specification of the encoding has it.
        assert_eq!(status_protobuf("testing"), b"\x12\x07testing");
    }

    #[test]
    fn message_is_quoted_in_json() {
        assert_eq!(status_json("a \"b\""), br#"{"message":"a \"b\""}"#);
    }
}
