//! Certificates of the listeners, which are read again when their files change.

use std::time::Duration;

use auditlog_chain::builder::Source;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::spawn_blocking;

use super::certificates::CertificateState;
use super::refusals::{Refusal, Refused};
use super::router::Router;
use crate::level::{Level, Line};
use crate::listen::{Door, NotLetIn, Stream, ended};

/// Between two looks at the files.
const LOOK: Duration = Duration::from_secs(1);

/// Lets a connection of an input in; `None` where it is refused, which is counted and reported from time to time. A sender whose certificate has run
/// out would be found nowhere else.
pub(super) async fn enter(
    router: &Router,
    input: &str,
    door: &Door,
    stream: TcpStream,
) -> Option<(Stream, Option<Source>)> {
    let peer = stream.peer_addr().ok();
    let why = match door.enter(stream).await {
        Ok(entered) => return Some(entered),
        Err(NotLetIn::BrokeOff) => return None,
        Err(why) => why.to_string(),
    };
    let from = peer.map_or_else(
        || "a sender".to_owned(),
        |peer| format!("a sender at {}", peer.ip()),
    );
    router.refused(&Refusal {
        what: Refused::Connection,
        input,
        sender: None,
        from: &from,
        kind: "tls",
        reason: &why,
    });
    None
}

/// Keeps the certificates of an input up to date until `ending` is true.
pub(super) async fn keep(
    router: &Router,
    input: &str,
    door: &Door,
    mut ending: watch::Receiver<bool>,
) {
    if !door.is_encrypted() {
        return;
    }
    let mut state = CertificateState {
        expires: door.expires().unwrap_or_default(),
        has_problem: false,
    };
    loop {
        router.set_certificate(input, state);
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            () = ended(&mut ending) => return,
        }
        let looking = door.clone();
        // A file may be on a disk that does not answer.
        let Ok(Some(renewed)) = spawn_blocking(move || looking.renew()).await else {
            continue;
        };
        state.expires = door.expires().unwrap_or_default();
        state.has_problem = renewed.is_err();
        let (level, text) = match renewed {
            Ok(()) => (
                Level::Info,
                format!(
                    "the input {input} has read its certificates again, and uses them for new connections"
                ),
            ),
            Err(error) => (
                Level::Warning,
                format!(
                    "the certificates of the input {input} have changed and cannot be used; those from before are used until that is corrected: {error}"
                ),
            ),
        };
        router.say(&Line {
            level,
            input: Some(input),
            text: &text,
        });
    }
}
