//! The head of a request: its path, and what its sender says of the body.

use auditlog_chain::builder::Batch as BatchName;
use auditlog_chain::limits::MAX_EVENT_BYTES;
use hyper::StatusCode;
use hyper::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName};

use super::reply::{Reply, refuse};
use crate::limits::MAX_BATCH_EVENTS;
use crate::listen::Encoding;
use crate::service::batch::EVENT_BYTES;
use crate::service::parse::{Form, MAX_RECORDS_BYTES};

/// Largest body, in bytes. Stops a request that fills the memory.
pub(super) const MAX_BODY_BYTES: usize = 8 << 20;

/// The sender's name for a request, which it keeps when it sends the request again.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

pub(super) const EVENTS: &str = "/events";
pub(super) const OTLP: &str = "/v1/logs";
pub(super) const KUBERNETES: &str = "/kubernetes";

/// The head of a request: what its sender says of the body.
pub(super) struct Head {
    pub(super) tag: Option<String>,
    pub(super) form: Form,
    pub(super) encoding: Encoding,
    pub(super) key: Option<BatchName>,
    length: Option<u64>,
}

impl Head {
    pub(super) fn of(path: &str, headers: &HeaderMap) -> Result<Self, Box<Reply>> {
        let text = |name: HeaderName| {
            let value = headers.get(name);
            value.map(|value| value.to_str().unwrap_or_default())
        };
        // Several headers of a name are one list.
        let encodings = headers.get_all(CONTENT_ENCODING).iter();
        let encodings: Vec<_> = encodings
            .map(|value| value.to_str().unwrap_or("?"))
            .collect();
        let encoding = encodings.join(", ");
        let encoding = Encoding::parse(&encoding).ok_or_else(|| {
            let refused =
                format!("the content encoding {encoding} is not supported: use gzip or zstd");
            refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, refused)
        })?;
        let is_one = headers.get_all(IDEMPOTENCY_KEY).iter().nth(1).is_none();
        let key = text(IDEMPOTENCY_KEY).map(unquoted).map(|key| {
            BatchName::parse(key).filter(|_| is_one).ok_or_else(|| {
                let expected = "an idempotency key is 1 to 255 characters of printable ASCII without quote and backslash, in one header";
                refuse(StatusCode::BAD_REQUEST, expected)
            })
        });
        let length = text(CONTENT_LENGTH).and_then(|length| length.parse().ok());
        Ok(Self {
            tag: tag_of(path).map(str::to_owned),
            form: form_of(path, headers),
            encoding,
            key: key.transpose()?,
            length,
        })
    }

    /// Bytes of the body, at most.
    pub(super) fn bytes(&self) -> usize {
        let length = self.length.and_then(|length| usize::try_from(length).ok());
        length.unwrap_or(MAX_BODY_BYTES).min(MAX_BODY_BYTES)
    }

    /// What comes out of a body of so many bytes, at most: what is decompressed, and its events. Room for that is taken once the body is
    /// there, so that slow senders do not hold it.
    pub(super) fn read_bytes(&self, body: usize) -> usize {
        let (unpacked, text) = match self.encoding {
            Encoding::Identity => (0, body),
            Encoding::Gzip | Encoding::Zstd => (MAX_BODY_BYTES, MAX_BODY_BYTES),
        };
        unpacked.saturating_add(events_bytes(self.form, text))
    }
}

/// What the events of a body of so many bytes take in memory, at most.
fn events_bytes(form: Form, body: usize) -> usize {
    let text = match form {
        Form::Lines | Form::Json | Form::Kubernetes => body,
        // One more is added as long as there is room for any.
        Form::Msgpack | Form::OtlpJson | Form::OtlpProtobuf => {
            MAX_RECORDS_BYTES.saturating_add(MAX_EVENT_BYTES)
        }
    };
    // Each has a byte, and one that ends it.
    let events = text.div_euclid(2).saturating_add(1);
    let beside = events.min(MAX_BATCH_EVENTS).saturating_mul(EVENT_BYTES);
    text.saturating_add(beside)
}

/// The tag that a path names: `/events/TAG`.
pub(super) fn tag_of(path: &str) -> Option<&str> {
    let tag = path.strip_prefix("/events/")?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let is_tag = (1..=255).contains(&tag.len()) && tag.bytes().all(is_plain);
    is_tag.then_some(tag)
}

/// How the body of a request to this path is read.
pub(super) fn form_of(path: &str, headers: &HeaderMap) -> Form {
    let kind = headers.get(CONTENT_TYPE);
    let kind = kind.map(|value| value.to_str().unwrap_or_default());
    match path {
        KUBERNETES => Form::Kubernetes,
        OTLP => Form::of_otlp(kind),
        _ => Form::of(kind),
    }
}

/// The draft of the IETF makes the key a string of RFC 8941, with quotes around it.
fn unquoted(key: &str) -> &str {
    let inner = key
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    inner.unwrap_or(key)
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;
    use crate::service::bodies::{READ_BYTES, WAITING_BYTES};

    #[test]
    fn quotes_around_an_idempotency_key_are_not_a_part_of_it() {
        let key = |keys: &[&str]| {
            let mut headers = HeaderMap::new();
            for key in keys {
                headers.append(IDEMPOTENCY_KEY, HeaderValue::from_str(key).unwrap());
            }
            let head = Head::of(EVENTS, &headers).map_err(|refused| refused.status());
            head.map(|head| head.key.map(|key| key.as_str().to_owned()))
        };
        let one = Ok(Some("8e03978e-40d5".to_owned()));
        assert_eq!(key(&["8e03978e-40d5"]), one);
        assert_eq!(key(&["\"8e03978e-40d5\""]), one);
        assert_eq!(key(&[]), Ok(None));
        for wrong in ["\"", "\"\"", "\"a", "a\"", "\"\"a\"\"", "\"a\\\"\"", ""] {
            assert_eq!(key(&[wrong]), Err(StatusCode::BAD_REQUEST), "{wrong}");
        }
        assert_eq!(key(&["\"a\"", "a"]), Err(StatusCode::BAD_REQUEST));
    }

    #[test]
    fn largest_body_can_be_read_beside_batches_that_wait_for_a_log() {
        let of_one = READ_BYTES.saturating_sub(WAITING_BYTES);
        for path in [EVENTS, KUBERNETES, OTLP] {
            for kind in [
                "application/json",
                "application/x-ndjson",
                "application/msgpack",
                "application/x-protobuf",
            ] {
                for encoding in ["identity", "gzip"] {
                    let mut headers = HeaderMap::new();
                    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
                    headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
                    let Ok(head) = Head::of(path, &headers) else {
                        panic!("{path} {kind} {encoding}");
                    };
                    let bytes = head.read_bytes(MAX_BODY_BYTES);
                    assert!(bytes <= of_one, "{path} {kind} {encoding}: {bytes}");
                }
            }
        }
    }
}
