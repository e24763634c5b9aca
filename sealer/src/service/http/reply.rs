//! What a request is answered.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{CONNECTION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::{Response, StatusCode};

use crate::otlp::{status_json, status_protobuf};
use crate::service::batch::NotTaken;
use crate::service::parse::Form;
use crate::service::webhooks::NoRoom;

pub(super) type Reply = Response<Full<Bytes>>;

pub(super) fn reply(status: StatusCode, text: impl Into<String>) -> Reply {
    let mut text: String = text.into();
    text.push('\n');
    let why = Why(text.trim_end().to_owned());
    let mut reply = Response::new(Full::new(Bytes::from(text)));
    *reply.status_mut() = status;
    reply.extensions_mut().insert(why);
    reply
}

/// What a reply says, for whoever runs the service.
#[derive(Clone)]
pub(super) struct Why(pub(super) String);

pub(super) fn refuse(status: StatusCode, text: impl Into<String>) -> Box<Reply> {
    Box::new(reply(status, text))
}

/// The same where others have the room: nothing else says so.
pub(super) fn no_room(why: &str) -> Box<Reply> {
    let mut later = later(why);
    later.extensions_mut().insert(NoRoom);
    Box::new(later)
}

pub(super) fn too_much_arrives() -> Box<Reply> {
    no_room("too much is being received: come again later")
}

pub(super) fn too_slow() -> Box<Reply> {
    no_room("the body arrived too slowly while all room was taken: come again later")
}

/// 503 is the one status that every sender answers with another attempt.
pub(super) fn later(why: &str) -> Reply {
    let mut later = reply(StatusCode::SERVICE_UNAVAILABLE, why);
    later.headers_mut().insert(RETRY_AFTER, 1.into());
    later
}

pub(super) fn not_taken(why: &NotTaken) -> Box<Reply> {
    match why {
        NotTaken::NoRoute { .. } => refuse(StatusCode::UNPROCESSABLE_ENTITY, why.to_string()),
        NotTaken::TooLarge | NotTaken::EventTooLong { .. } => {
            refuse(StatusCode::PAYLOAD_TOO_LARGE, why.to_string())
        }
        NotTaken::Later { .. } => {
            let mut later = later(&why.to_string());
            // Meanwhile, its connection is somebody else's.
            let close = HeaderValue::from_static("close");
            later.headers_mut().insert(CONNECTION, close);
            Box::new(later)
        }
    }
}

pub(super) fn too_large(most: usize) -> Box<Reply> {
    let limit = format!("the body has more than {most} bytes: send fewer events at a time");
    refuse(StatusCode::PAYLOAD_TOO_LARGE, limit)
}

/// Says that a request was taken. Senders of OpenTelemetry expect an answer in the form of their request.
pub(super) fn done(form: Form, taken: Reply) -> Reply {
    let (kind, body) = match form {
        Form::OtlpJson => ("application/json", "{}"),
        Form::OtlpProtobuf => ("application/x-protobuf", ""),
        Form::Json | Form::Lines | Form::Msgpack | Form::Kubernetes => return taken,
    };
    let mut done = Response::new(Full::new(Bytes::from(body)));
    let kind = HeaderValue::from_static(kind);
    done.headers_mut().insert(CONTENT_TYPE, kind);
    done
}

/// What is refused, as senders of OpenTelemetry expect it: a `Status` with a message, in the form of the request (the specification of OTLP,
/// "OTLP/HTTP Response").
pub(super) fn refused_as(form: Form, refused: Reply) -> Reply {
    let why = refused.extensions().get::<Why>();
    let why = why.map_or("", |why| &why.0);
    let (kind, body) = match form {
        Form::OtlpJson => ("application/json", status_json(why)),
        Form::OtlpProtobuf => ("application/x-protobuf", status_protobuf(why)),
        Form::Json | Form::Lines | Form::Msgpack | Form::Kubernetes => return refused,
    };
    let (mut head, _) = refused.into_parts();
    let kind = HeaderValue::from_static(kind);
    head.headers.insert(CONTENT_TYPE, kind);
    Response::from_parts(head, Full::new(Bytes::from(body)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused_over_otlp_is_a_status_in_the_form_of_the_request() {
        let refused = |form| refused_as(form, *no_room("come \"later\""));
        let kind = |reply: &Reply| reply.headers().get(CONTENT_TYPE).cloned();
        for (form, expected) in [
            (Form::OtlpJson, Some("application/json")),
            (Form::OtlpProtobuf, Some("application/x-protobuf")),
            (Form::Lines, None),
        ] {
            let reply = refused(form);
            assert_eq!(kind(&reply), expected.map(HeaderValue::from_static));
            assert_eq!(reply.status(), StatusCode::SERVICE_UNAVAILABLE);
            assert!(reply.headers().contains_key(RETRY_AFTER));
        }
    }
}
