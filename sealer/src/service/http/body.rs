//! The body of a request, and the events in it.

use std::fmt::Write as _;
use std::time::Duration;

use auditlog_chain::builder::{Batch as BatchName, StoredBatch};
use aws_lc_rs::digest::{SHA256, digest};
use http_body_util::BodyExt as _;
use hyper::StatusCode;
use hyper::body::Incoming;

use super::head::{Head, MAX_BODY_BYTES};
use super::reply::{Reply, later, refuse, too_large};
use crate::listen::{UnpackError, unpack};
use crate::seal::Naming;
use crate::service::parse::{Parsed, Refused, parse};

/// How much of a larger body is read before its sender is told.
pub(super) const MAX_READ_BYTES: usize = 64 << 20;

/// How long a sender may take for a body.
const BODY_PATIENCE: Duration = Duration::from_mins(1);

/// Receives a body. One that is too slow is to be sent again: some senders drop what is answered by 408.
pub(super) async fn receive(body: Incoming, most: usize) -> Result<Vec<u8>, Box<Reply>> {
    match tokio::time::timeout(BODY_PATIENCE, collect(body, most)).await {
        Err(_) => Err(Box::new(later("the body did not arrive in time"))),
        Ok(received) => received,
    }
}

/// What is too large is read to a point all the same: many senders do not look at an answer before they have sent all.
pub(super) async fn collect(mut body: Incoming, most: usize) -> Result<Vec<u8>, Box<Reply>> {
    let (mut bytes, mut received) = (Vec::new(), 0usize);
    while let Some(frame) = body.frame().await {
        let broke_off = |_| refuse(StatusCode::BAD_REQUEST, "the body broke off");
        let Ok(data) = frame.map_err(broke_off)?.into_data() else {
            continue;
        };
        received = received.saturating_add(data.len());
        if received <= most {
            bytes.extend_from_slice(&data);
        } else if received > MAX_READ_BYTES {
            break;
        }
    }
    if received > most {
        return Err(too_large(most));
    }
    Ok(bytes)
}

/// The events of a body, and the name that its content gives it.
pub(super) fn read(
    head: &Head,
    event_id: Option<&str>,
    body: &[u8],
) -> Result<(StoredBatch, Option<BatchName>, Naming), Box<Reply>> {
    let body = unpack(head.encoding, body, MAX_BODY_BYTES).map_err(|error| match error {
        UnpackError::TooLarge { limit } => too_large(limit),
        UnpackError::Malformed(_) => refuse(StatusCode::BAD_REQUEST, error.to_string()),
    })?;
    let Parsed { events, ids } =
        parse(head.form, &body, head.tag.as_deref(), event_id).map_err(|refused| {
            let status = match refused {
                Refused::TooMany => StatusCode::PAYLOAD_TOO_LARGE,
                Refused::Line { .. }
                | Refused::Array(_)
                | Refused::Kubernetes(_)
                | Refused::NotAList
                | Refused::Otlp(_)
                | Refused::Element { .. }
                | Refused::Entries { .. }
                | Refused::Entry { .. }
                | Refused::Rendered { .. }
                | Refused::Empty => StatusCode::BAD_REQUEST,
            };
            refuse(status, refused.to_string())
        })?;
    Ok(match &head.key {
        Some(key) => (events, Some(key.clone()), Naming::Unique),
        None => (events, content_name(&body), ids.naming()),
    })
}

/// Whoever has no key for a body has its hash.
pub(super) fn content_name(body: &[u8]) -> Option<BatchName> {
    let mut name = "sha256:".to_owned();
    for byte in digest(&SHA256, body).as_ref() {
        // Writing into a string cannot fail.
        _ = write!(name, "{byte:02x}");
    }
    BatchName::parse(&name)
}
