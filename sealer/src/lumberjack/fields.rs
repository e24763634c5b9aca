//! An event of a sender from before Beats: keys and values, each with its length before it.

use auditlog_chain::limits::MAX_LINE_BYTES;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::limits::MAX_FIELDS;
use super::malformed::Malformed;
use super::number::number_at;

/// How many bytes so many fields have; `None` where they are not whole.
pub(super) fn fields_length(bytes: &[u8], count: u32) -> Result<Option<usize>, Malformed> {
    if count > MAX_FIELDS {
        return Err(Malformed::TooManyFields);
    }
    let mut at = 0usize;
    for _ in 0..count.saturating_mul(2) {
        let Some(length) = number_at(bytes, at) else {
            return Ok(None);
        };
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        at = at.saturating_add(4).saturating_add(length);
        if at > MAX_LINE_BYTES {
            return Err(Malformed::TooLong);
        }
    }
    Ok((bytes.len() >= at).then_some(at))
}

/// The fields as an object. They keep their order. A value that is not UTF-8 is `{"base64":"…"}`, and a key that is not is that as a text.
pub(super) fn object_of(fields: &[u8]) -> Vec<u8> {
    let (mut object, mut rest) = ("{".to_owned(), fields);
    while let (Some(key), Some(value)) = (text(&mut rest), text(&mut rest)) {
        if object.len() > 1 {
            object.push(',');
        }
        let key = std::str::from_utf8(key).map_or_else(|_| in_base64(key), str::to_owned);
        object.push_str(&quoted(&key));
        object.push(':');
        match std::str::from_utf8(value) {
            Ok(value) => object.push_str(&quoted(value)),
            Err(_) => object.push_str(&in_base64(value)),
        }
    }
    object.push('}');
    object.into_bytes()
}

fn in_base64(bytes: &[u8]) -> String {
    format!("{{\"base64\":\"{}\"}}", STANDARD.encode(bytes))
}

fn quoted(text: &str) -> String {
    // A text can always be written.
    serde_json::to_string(text).unwrap_or_default()
}

/// Takes a text from the front.
fn text<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(number_at(bytes, 0)?).ok()?;
    let (text, rest) = bytes.get(4..)?.split_at_checked(length)?;
    *bytes = rest;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_an_object_in_their_order_and_nothing_of_them_is_lost() {
        let fields =
            b"\0\0\0\x04line\0\0\0\x03a\"\n\0\0\0\x01k\0\0\0\x01\xff\0\0\0\x01k\0\0\0\0\0\0\0\x01\xfe\0\0\0\x01b";
        assert_eq!(fields_length(fields, 4), Ok(Some(fields.len())));
        let expected =
            r#"{"line":"a\"\n","k":{"base64":"/w=="},"k":"","{\"base64\":\"/g==\"}":"b"}"#;
        assert_eq!(String::from_utf8(object_of(fields)).unwrap(), expected);
        assert_eq!(object_of(b""), b"{}");
    }
}
