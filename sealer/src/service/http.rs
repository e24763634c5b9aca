//! Events over HTTP: `POST /events`, and what an operator asks for: `/healthz`, `/readyz` and `/metrics`.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use auditlog_chain::builder::{Batch as BatchName, Source};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER,
};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};

use super::batch::{Batch, NotTaken};
use super::parse::{Form, Refused, parse};
use super::router::Router;

/// Largest body, in bytes. Stops a request that fills the memory.
const MAX_BODY_BYTES: usize = 8 << 20;

/// Connections at a time. Stops idle ones from taking all file handles.
const MAX_CONNECTIONS: usize = 1000;

/// How long a sender may take for the head of a request. Stops slow senders from holding connections.
const HEAD_PATIENCE: Duration = Duration::from_secs(10);

/// The same for a body.
const BODY_PATIENCE: Duration = Duration::from_mins(1);

/// How long open requests may take when the service ends.
const END_PATIENCE: Duration = Duration::from_secs(20);

/// The sender's name for a request, which it keeps when it sends the request again.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Who may send, and as whom.
#[derive(Clone)]
pub struct Token {
    /// What the log says who sent an event.
    pub source: Source,
    /// The secret.
    pub secret: Vec<u8>,
}

/// One listener.
pub struct HttpInput {
    /// What routes call it.
    pub name: String,
    /// Who may send. Without any token, everybody may who reaches the port.
    pub tokens: Vec<Token>,
    /// Where events go.
    pub router: Arc<Router>,
}

/// Answers requests until `ending` is true, and then lets open ones finish.
///
/// # Errors
///
/// Where no more connections can be taken.
pub async fn serve(
    listener: TcpListener,
    input: Arc<HttpInput>,
    mut ending: watch::Receiver<bool>,
) -> std::io::Result<()> {
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let permit = tokio::select! {
            permit = Arc::clone(&room).acquire_owned() => permit,
            () = ended(&mut ending) => break,
        };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = ended(&mut ending) => break,
        };
        let Ok((stream, _)) = accepted else {
            // Such as too many open files: others end meanwhile.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let (input, mut ending) = (Arc::clone(&input), ending.clone());
        tokio::spawn(async move {
            let answer = service_fn(|request| answer(Arc::clone(&input), request));
            let connection = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD_PATIENCE)
                .serve_connection(TokioIo::new(stream), answer);
            tokio::pin!(connection);
            tokio::select! {
                // A sender that breaks off sends again.
                _ = connection.as_mut() => {}
                () = ended(&mut ending) => {
                    connection.as_mut().graceful_shutdown();
                    _ = tokio::time::timeout(END_PATIENCE, connection).await;
                }
            }
            drop(permit);
        });
    }
    let most = u32::try_from(MAX_CONNECTIONS).unwrap_or(u32::MAX);
    _ = tokio::time::timeout(END_PATIENCE, room.acquire_many(most)).await;
    Ok(())
}

async fn ended(ending: &mut watch::Receiver<bool>) {
    // Where nobody can say so any more, the service has ended.
    _ = ending.wait_for(|ending| *ending).await;
}

type Reply = Response<Full<Bytes>>;

fn reply(status: StatusCode, text: impl Into<String>) -> Reply {
    let mut text: String = text.into();
    text.push('\n');
    let mut reply = Response::new(Full::new(Bytes::from(text)));
    *reply.status_mut() = status;
    reply
}

fn refuse(status: StatusCode, text: impl Into<String>) -> Box<Reply> {
    Box::new(reply(status, text))
}

/// 503 is the one status that every sender answers with another attempt.
fn later(why: &str) -> Reply {
    let mut later = reply(StatusCode::SERVICE_UNAVAILABLE, why);
    later.headers_mut().insert(RETRY_AFTER, 1.into());
    later
}

fn not_taken(why: &NotTaken) -> Box<Reply> {
    match why {
        NotTaken::NoRoute { .. } => refuse(StatusCode::UNPROCESSABLE_ENTITY, why.to_string()),
        NotTaken::TooLarge => refuse(StatusCode::PAYLOAD_TOO_LARGE, why.to_string()),
        NotTaken::Later { .. } => Box::new(later(&why.to_string())),
    }
}

async fn answer(input: Arc<HttpInput>, request: Request<Incoming>) -> Result<Reply, Infallible> {
    let path = request.uri().path();
    let is_events = path == EVENTS || tag_of(path).is_some();
    Ok(match *request.method() {
        Method::GET if path == "/healthz" => reply(StatusCode::OK, "ok"),
        Method::GET if path == READY => input.ready(),
        Method::GET if path.starts_with(READY_OF) => input.ready_of(path),
        Method::GET if path == "/metrics" => reply(StatusCode::OK, input.router.metrics()),
        Method::GET if path == "/status" => input.glances(),
        Method::POST if is_events => input.events(request).await,
        _ if is_events || matches!(path, "/healthz" | READY | "/metrics" | "/status") => reply(
            StatusCode::METHOD_NOT_ALLOWED,
            "this method is not allowed here",
        ),
        _ => reply(StatusCode::NOT_FOUND, NOTHING),
    })
}

const EVENTS: &str = "/events";
const READY: &str = "/readyz";
const READY_OF: &str = "/readyz/";
const NOTHING: &str = "nothing is here; events go to POST /events or POST /events/TAG";

/// The tag that a path names: `/events/TAG`.
fn tag_of(path: &str) -> Option<&str> {
    let tag = path.strip_prefix("/events/")?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let is_tag = (1..=255).contains(&tag.len()) && tag.bytes().all(is_plain);
    is_tag.then_some(tag)
}

impl HttpInput {
    /// Whether any log takes events. Those that do not are named with their reasons in any case.
    fn ready(&self) -> Reply {
        let mut text = String::new();
        let mut any = false;
        for log in self.router.logs() {
            match log.status.trouble() {
                None => any = true,
                Some(trouble) if self.router.logs().len() == 1 => return later(&trouble),
                // Writing into a string cannot fail.
                Some(trouble) => _ = writeln!(text, "{}: {trouble}", log.name),
            }
        }
        if any {
            return reply(StatusCode::OK, text + "ready");
        }
        later(text.trim_end())
    }

    fn glances(&self) -> Reply {
        // Numbers and strings can always be written.
        let text = serde_json::to_string(&self.router.glances()).unwrap_or_default();
        let mut reply = reply(StatusCode::OK, text);
        let json = HeaderValue::from_static("application/json");
        reply.headers_mut().insert(CONTENT_TYPE, json);
        reply
    }

    /// The same of one log.
    fn ready_of(&self, path: &str) -> Reply {
        let name = path.strip_prefix(READY_OF).unwrap_or_default();
        let log = self.router.logs().iter().find(|log| log.name == name);
        match log.map(|log| log.status.trouble()) {
            None => reply(StatusCode::NOT_FOUND, "no log has this name"),
            Some(None) => reply(StatusCode::OK, "ready"),
            Some(Some(trouble)) => later(&trouble),
        }
    }

    async fn events(&self, request: Request<Incoming>) -> Reply {
        match self.taken(request).await {
            Ok(reply) => reply,
            Err(refused) => {
                self.router.count_refused(&self.name);
                *refused
            }
        }
    }

    async fn taken(&self, request: Request<Incoming>) -> Result<Reply, Box<Reply>> {
        let source = self.source(&request)?;
        let text = |name: &HeaderName| {
            let value = request.headers().get(name);
            value.map(|value| value.to_str().unwrap_or_default().to_owned())
        };
        if let Some(encoding) = text(&CONTENT_ENCODING).filter(|text| text != "identity") {
            let refused = format!("the content encoding {encoding} is not supported");
            return Err(refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, refused));
        }
        let tag = tag_of(request.uri().path()).map(str::to_owned);
        let form = Form::of(text(&CONTENT_TYPE).as_deref());
        let name = match text(&IDEMPOTENCY_KEY) {
            None => None,
            Some(text) => Some(BatchName::parse(&text).ok_or_else(|| {
                let expected = "an idempotency key is 1 to 255 characters of printable ASCII without quote and backslash";
                refuse(StatusCode::BAD_REQUEST, expected)
            })?),
        };
        let body = Limited::new(request.into_body(), MAX_BODY_BYTES).collect();
        let body = tokio::time::timeout(BODY_PATIENCE, body).await;
        let body = match body {
            Err(_) => {
                return Err(refuse(
                    StatusCode::REQUEST_TIMEOUT,
                    "the body did not arrive in time",
                ));
            }
            Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
                let limit = format!(
                    "the body has more than {MAX_BODY_BYTES} bytes: send fewer events at a time"
                );
                return Err(refuse(StatusCode::PAYLOAD_TOO_LARGE, limit));
            }
            Ok(Err(_)) => return Err(refuse(StatusCode::BAD_REQUEST, "the body broke off")),
            Ok(Ok(body)) => body.to_bytes(),
        };
        let events = parse(form, &body);
        let events = events.map_err(|refused| {
            let status = match refused {
                Refused::TooMany => StatusCode::PAYLOAD_TOO_LARGE,
                Refused::Line { .. }
                | Refused::Array(_)
                | Refused::Element { .. }
                | Refused::Empty => StatusCode::BAD_REQUEST,
            };
            refuse(status, refused.to_string())
        })?;
        let batch = Batch {
            source,
            name,
            tag,
            lines: events,
        };
        self.offer(batch).await.map_err(|why| not_taken(&why))
    }

    async fn offer(&self, batch: Batch) -> Result<Reply, NotTaken> {
        let pending = self.router.offer(&self.name, batch).await?;
        let taken = pending.answer().await?;
        let repeat = if taken.accepted == 0 {
            ",\"repeat\":true"
        } else {
            ""
        };
        let text = format!("{{\"accepted\":{}{repeat}}}", taken.accepted);
        Ok(reply(StatusCode::OK, text))
    }

    /// Who sends, by its token.
    fn source(&self, request: &Request<Incoming>) -> Result<Option<Source>, Box<Reply>> {
        if self.tokens.is_empty() {
            return Ok(None);
        }
        let given = request.headers().get(AUTHORIZATION);
        let given = given.and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
        let given = given.unwrap_or_default();
        // The time of a comparison says nothing about how much of the token is right.
        let mut matching = self.tokens.iter().filter(|token| {
            verify_slices_are_equal(&token.secret, given).is_ok() && !given.is_empty()
        });
        matching
            .next_back()
            .map(|token| Some(token.source.clone()))
            .ok_or_else(|| {
                let missing = "a token is needed: Authorization: Bearer TOKEN";
                refuse(StatusCode::UNAUTHORIZED, missing)
            })
    }
}
