//! Events over HTTP: `POST /events`, and what an operator asks for: `/healthz`, `/readyz` and `/metrics`.

mod body;
mod head;
mod reply;

use std::convert::Infallible;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use auditlog_chain::builder::{Source, StoredBatch};
use auditlog_chain::limits::MAX_LINE_BYTES;
use auditlog_chain::timestamp::Timestamp;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue, WWW_AUTHENTICATE,
};
use hyper::service::service_fn;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::spawn_blocking;

use self::body::{MAX_READ_BYTES, read, receive};
use self::head::{EVENTS, Head, KUBERNETES, MAX_BODY_BYTES, OTLP, form_of, tag_of};
use self::reply::{
    Reply, Why, done, later, no_room, not_taken, refuse, refused_as, reply, too_large,
    too_much_arrives, too_slow,
};
use super::batch::{Batch, NotTaken, kept_bytes};
use super::bodies::{Bodies, Held};
use super::doors::{enter, keep};
use super::refusals::{Refusal, Refused};
use super::router::Router;
use super::webhooks::{self, FREE_WEBHOOK_BYTES, NoRoom, Webhooks};
use crate::listen::{Claim, Denied, Door, Guard, NotSigned, Seat, ended, serve_each};
use crate::seal::Naming;

/// Largest webhook, which is one event, in bytes. Nobody knows who sends it before all of it is there.
const MAX_WEBHOOK_BYTES: usize = MAX_LINE_BYTES;

/// Larger bodies are read on a thread of their own, so that others need not wait.
const READ_AT_ONCE_BYTES: usize = 64 << 10;

/// Connections at a time. Stops idle ones from taking all file handles.
const MAX_CONNECTIONS: usize = 1000;

/// Bytes of a connection that are read ahead, which the head of a request must fit into. Stops long heads from filling the memory before
/// anybody has shown who it is.
const MAX_HEAD_BYTES: usize = 64 << 10;

/// How long a sender may take for the head of a request. Stops slow senders from holding connections.
const HEAD_PATIENCE: Duration = Duration::from_secs(10);

/// How long a sender may take for the body of a webhook, whose sender is not known before all of it is there. Svix waits for 15 seconds.
const WEBHOOK_PATIENCE: Duration = Duration::from_secs(10);

/// How long a connection may be open that has asked for nothing yet, when the service ends.
const LAST_PATIENCE: Duration = Duration::from_secs(1);

/// How long a request waits for room before its sender is asked to come again later.
const ROOM_PATIENCE: Duration = Duration::from_secs(2);

/// How long a request waits until its events are safe. Stops a store that does not answer from holding all connections.
const SAFE_PATIENCE: Duration = Duration::from_secs(30);

/// One listener.
pub struct HttpInput {
    /// What routes call it.
    pub name: String,
    /// Who may send.
    pub guard: Guard,
    /// Where connections come in.
    pub door: Door,
    /// The member of each event that no other event has. Where it is known, a body that comes again is a repeat.
    pub event_id: Option<String>,
    /// Where events go.
    pub router: Arc<Router>,
    /// Bytes of bodies that may be in memory.
    pub bodies: Bodies,
    /// The same of webhooks, so that whoever cannot sign takes no room from others.
    pub webhooks: Webhooks,
    /// What time it is.
    pub now: fn() -> Timestamp,
}

/// Answers requests until `ending` is true, and then lets open ones finish.
pub async fn serve(listener: TcpListener, input: Arc<HttpInput>, ending: watch::Receiver<bool>) {
    let seats = input.router.seats(&input.name, MAX_CONNECTIONS);
    let converse = |stream, ending, seat| converse(Arc::clone(&input), stream, ending, seat);
    let keep = keep(&input.router, &input.name, &input.door, ending.clone());
    tokio::join!(serve_each(listener, seats, ending, converse), keep);
}

/// Answers the requests of one connection.
async fn converse(
    input: Arc<HttpInput>,
    stream: TcpStream,
    mut ending: watch::Receiver<bool>,
    seat: Seat,
) {
    let peer = stream.peer_addr().ok().map(|peer| peer.ip());
    let entered = enter(&input.router, &input.name, &input.door, stream).await;
    let Some((stream, subject)) = entered else {
        return;
    };
    if subject.is_some() {
        seat.keep();
    }
    let from = From {
        peer,
        subject,
        seat: Arc::new(seat),
        has_asked: Arc::default(),
    };
    let has_asked = Arc::clone(&from.has_asked);
    let answer = service_fn(|request| answer(Arc::clone(&input), from.clone(), request));
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_PATIENCE)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), answer);
    tokio::pin!(connection);
    tokio::select! {
        // A sender that breaks off sends again.
        _ = connection.as_mut() => {}
        () = ended(&mut ending) => {
            connection.as_mut().graceful_shutdown();
            if has_asked.load(Ordering::Relaxed) {
                _ = connection.await;
            } else {
                // Its first request may be on its way. Otherwise, it would be waited for as long as a slow sender is.
                _ = tokio::time::timeout(LAST_PATIENCE, connection.as_mut()).await;
                if has_asked.load(Ordering::Relaxed) {
                    _ = connection.await;
                }
            }
        }
    }
}

/// Where a connection comes from.
#[derive(Clone)]
struct From {
    peer: Option<IpAddr>,
    /// The subject of its certificate.
    subject: Option<Source>,
    seat: Arc<Seat>,
    /// Whether a request has come.
    has_asked: Arc<AtomicBool>,
}

async fn answer(
    input: Arc<HttpInput>,
    from: From,
    request: Request<Incoming>,
) -> Result<Reply, Infallible> {
    from.has_asked.store(true, Ordering::Relaxed);
    let path = request.uri().path();
    let is_events = path == EVENTS || path == KUBERNETES || path == OTLP || tag_of(path).is_some();
    // A balancer may ask with HEAD, and gets no body.
    let method = match *request.method() {
        Method::HEAD => &Method::GET,
        ref method => method,
    };
    Ok(match *method {
        Method::GET if path == "/healthz" => reply(StatusCode::OK, "ok"),
        Method::GET if path == READY => input.ready(),
        Method::GET if path.starts_with(READY_OF) => input.ready_of(path),
        Method::GET if path == "/metrics" => reply(StatusCode::OK, input.router.metrics()),
        Method::GET if path == "/status" => input.glances(),
        Method::POST if is_events => input.events(&from, request).await,
        Method::POST if path == WEBHOOK => input.webhook(&from, request).await,
        _ if is_events || matches!(path, WEBHOOK | "/healthz" | READY | "/metrics" | "/status") => {
            reply(
                StatusCode::METHOD_NOT_ALLOWED,
                "this method is not allowed here",
            )
        }
        _ => reply(StatusCode::NOT_FOUND, NOTHING),
    })
}

const WEBHOOK: &str = "/webhook";
const READY: &str = "/readyz";
const READY_OF: &str = "/readyz/";
const NOTHING: &str = "nothing is here; events go to POST /events or POST /events/TAG";

/// The value of a header that is there once.
fn only<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

impl HttpInput {
    /// Whether any log is ready. Those that are not are named with their reasons in any case.
    fn ready(&self) -> Reply {
        let mut text = String::new();
        let mut any = false;
        for log in self.router.logs() {
            match log.status.not_ready() {
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
        match log.map(|log| log.status.not_ready()) {
            None => reply(StatusCode::NOT_FOUND, "no log has this name"),
            Some(None) => reply(StatusCode::OK, "ready"),
            Some(Some(trouble)) => later(&trouble),
        }
    }

    async fn events(&self, from: &From, request: Request<Incoming>) -> Reply {
        let source = self.source(request.headers(), from.subject.as_ref());
        let sender = source.as_ref().ok().cloned().flatten();
        let form = form_of(request.uri().path(), request.headers());
        let taken = match source {
            Ok(source) => {
                from.seat.keep();
                self.taken(source, request).await
            }
            Err(refused) => Err(refused),
        };
        taken.unwrap_or_else(|refused| {
            self.say_refused(sender.as_ref(), from, &refused);
            refused_as(form, *refused)
        })
    }

    /// Who must come again later hears so, and the log has said why.
    fn say_refused(&self, sender: Option<&Source>, from: &From, refused: &Reply) {
        let status = refused.status();
        let is_said = refused.extensions().get::<NoRoom>().is_none();
        if status == StatusCode::SERVICE_UNAVAILABLE && is_said {
            return self.router.count_refused(&self.name);
        }
        let peer = || {
            from.peer.map_or_else(
                || "a sender".to_owned(),
                |peer| format!("a sender at {peer}"),
            )
        };
        let sender = sender.map(Source::as_str);
        let shown = sender.map_or_else(peer, str::to_owned);
        let why = refused.extensions().get::<Why>();
        self.router.refused(&Refusal {
            what: Refused::Batch,
            input: &self.name,
            sender,
            from: &shown,
            kind: status.as_str(),
            reason: why.map_or("", |why| &why.0),
        });
    }

    async fn taken(
        &self,
        source: Option<Source>,
        request: Request<Incoming>,
    ) -> Result<Reply, Box<Reply>> {
        let head = Head::of(request.uri().path(), request.headers())?;
        let arriving = self.bodies.to_arrive(head.bytes(), ROOM_PATIENCE);
        let mut packed = arriving.await.ok_or_else(too_much_arrives)?;
        let body = receive(request.into_body(), MAX_BODY_BYTES).await?;
        packed.keep(body.len());
        let reading = self
            .bodies
            .to_read(head.read_bytes(body.len()), ROOM_PATIENCE);
        let room = reading.await.ok_or_else(too_much_arrives)?;
        let (id, tag, form) = (self.event_id.clone(), head.tag.clone(), head.form);
        let read = if body.len() > READ_AT_ONCE_BYTES {
            let read = spawn_blocking(move || read(&head, id.as_deref(), &body));
            let failed = |_| Err(Box::new(later("the body could not be read")));
            read.await.unwrap_or_else(failed)
        } else {
            let read = read(&head, id.as_deref(), &body);
            drop(body);
            read
        };
        drop(packed);
        let (lines, name, naming) = read?;
        if lines.is_empty() {
            return Ok(done(form, reply(StatusCode::OK, "{}")));
        }
        let batch = Batch {
            source,
            name,
            naming,
            tag,
            lines,
            reached: None,
        };
        let taken = self.offer(batch, room).await;
        let taken = taken.map_err(|why| not_taken(&why))?;
        Ok(done(form, taken))
    }

    async fn webhook(&self, from: &From, request: Request<Incoming>) -> Reply {
        self.signed(from, request).await.unwrap_or_else(|refused| {
            self.say_refused(None, from, &refused);
            *refused
        })
    }

    /// Takes a message that its sender has signed. What is not signed decides nothing: neither a tag, nor a name, nor an encoding.
    async fn signed(&self, from: &From, request: Request<Incoming>) -> Result<Reply, Box<Reply>> {
        let access = self.guard.access();
        let webhooks = &access.webhooks;
        if webhooks.is_empty() {
            let missing = "no webhook is configured here: add [[http.webhook]]";
            return Err(refuse(StatusCode::NOT_FOUND, missing));
        }
        let unsigned = |why: NotSigned| refuse(StatusCode::UNAUTHORIZED, why.to_string());
        let headers = request.headers();
        let claim = Claim::of(|name| only(headers, name), (self.now)()).map_err(unsigned)?;
        if headers.contains_key(CONTENT_ENCODING) {
            let refused = "a webhook is not compressed: the signature is over what arrives";
            return Err(refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, refused));
        }
        let arriving = self.webhook_body(from, request.into_body());
        let arrived = tokio::time::timeout(WEBHOOK_PATIENCE, arriving).await;
        let late = |_| Box::new(later("the body did not arrive in time"));
        let (body, room) = arrived.map_err(late)??;
        let webhook = claim.signed_by(webhooks, &body).map_err(unsigned)?;
        from.seat.keep();
        let mut lines = StoredBatch::default();
        let pushed = lines.push_json(&body);
        pushed.map_err(|error| refuse(StatusCode::BAD_REQUEST, error.to_string()))?;
        drop(body);
        let reading = self.bodies.to_read(kept_bytes(&lines), ROOM_PATIENCE);
        let read = reading.await.ok_or_else(too_much_arrives)?;
        drop(room);
        let batch = Batch {
            source: Some(webhook.source.clone()),
            name: Some(claim.id),
            naming: Naming::Unique,
            tag: webhook.tag.clone(),
            lines,
            reached: None,
        };
        let taken = self.offer(batch, read).await;
        taken.map_err(|why| not_taken(&why))
    }

    /// Receives the body of a webhook. Most are small, and need no room that others could have taken.
    async fn webhook_body(
        &self,
        from: &From,
        mut body: Incoming,
    ) -> Result<(Vec<u8>, Option<webhooks::Held<'_>>), Box<Reply>> {
        let (mut bytes, mut received, mut held) = (Vec::new(), 0usize, None);
        loop {
            let frame = match &mut held {
                None => body.frame().await,
                Some(held) => {
                    let more = webhooks::Held::while_fast(held, received, body.frame());
                    more.await.ok_or_else(too_slow)?
                }
            };
            let Some(frame) = frame else { break };
            let broke_off = |_| refuse(StatusCode::BAD_REQUEST, "the body broke off");
            let Ok(data) = frame.map_err(broke_off)?.into_data() else {
                continue;
            };
            received = received.saturating_add(data.len());
            if received > FREE_WEBHOOK_BYTES && held.is_none() {
                let room = self.webhooks.take(from.peer, ROOM_PATIENCE).await;
                held = Some(room.ok_or_else(|| {
                    no_room("too many large webhooks are being received: come again later")
                })?);
            }
            if received <= MAX_WEBHOOK_BYTES {
                bytes.extend_from_slice(&data);
            } else if received > MAX_READ_BYTES {
                break;
            }
        }
        if received > MAX_WEBHOOK_BYTES {
            return Err(too_large(MAX_WEBHOOK_BYTES));
        }
        Ok((bytes, held))
    }

    /// Offers a batch. Its room is held until it is counted among what is on its way to its log.
    async fn offer(&self, batch: Batch, mut room: Held<'_>) -> Result<Reply, NotTaken> {
        let bytes = kept_bytes(&batch.lines);
        room.keep(bytes);
        let pending = match self.bodies.to_wait(bytes) {
            Some(waiting) => {
                let offered = self.router.offer(&self.name, batch).await;
                drop(waiting);
                offered?
            }
            // Those that wait for one log leave room to the others.
            None => self.router.offer_at_once(&self.name, batch).await?,
        };
        drop(room);
        let taken = pending.answer_within(SAFE_PATIENCE).await?;
        let repeat = if taken.accepted == 0 {
            ",\"repeat\":true"
        } else {
            ""
        };
        let text = format!("{{\"accepted\":{}{repeat}}}", taken.accepted);
        Ok(reply(StatusCode::OK, text))
    }

    /// Who sends.
    fn source(
        &self,
        headers: &HeaderMap,
        subject: Option<&Source>,
    ) -> Result<Option<Source>, Box<Reply>> {
        let given = headers.get(AUTHORIZATION).map(HeaderValue::as_bytes);
        let access = self.guard.access();
        access.of_request(given, subject).map_err(|Denied| {
            let missing = "a token or a password is needed: Authorization: Bearer TOKEN";
            let mut refused = refuse(StatusCode::UNAUTHORIZED, missing);
            let asks = HeaderValue::from_static("Bearer, Basic realm=\"auditlog\"");
            refused.headers_mut().insert(WWW_AUTHENTICATE, asks);
            refused
        })
    }
}
