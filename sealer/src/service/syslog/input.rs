//! What both transports have in common: the settings of a listener, and the way of a message to a log.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use auditlog_chain::builder::{Batch as BatchName, Source, StoredBatch};
use auditlog_chain::event::EventError;
use aws_lc_rs::digest::{SHA256, digest};
use tokio::sync::Semaphore;

use super::wire::{Ending, WireError};
use crate::listen::{Access, Door};
use crate::seal::Naming;
use crate::service::batch::{Batch, NotTaken};
use crate::service::router::{Pending, Router};
use crate::syslog::{Message, RelpError, TooLong, push};

/// Connections with a large message at a time. Stops many large messages from filling the memory.
const MAX_LARGE: usize = 64;

/// Between two offers of what a log does not take now.
const RETRY: Duration = Duration::from_millis(100);

/// What carries the messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// A TCP connection. Nothing says to the sender what has arrived.
    Tcp,
    /// RELP, which answers each message.
    Relp,
}

/// One listener.
pub struct SyslogInput {
    /// What routes call it.
    pub name: String,
    /// What carries the messages.
    pub transport: Transport,
    /// Who may send.
    pub access: Access,
    /// Where connections come in.
    pub door: Door,
    /// The parameter of structured data that no other message has: its element, `/`, and its name.
    pub event_id: Option<String>,
    /// Where events go.
    pub router: Arc<Router>,
    /// Connections that may have a large message.
    pub room: LargeMessages,
    /// Called with why a connection was closed.
    pub notify: Arc<dyn Fn(&str) + Send + Sync>,
}

/// Room for large messages, which all connections of a listener share.
#[derive(Clone)]
pub struct LargeMessages(pub(super) Arc<Semaphore>);

impl Default for LargeMessages {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MAX_LARGE)))
    }
}

/// Why a connection is closed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Closed {
    #[error(transparent)]
    Wire(#[from] WireError),
    #[error(transparent)]
    TooLong(#[from] TooLong),
    #[error(transparent)]
    Relp(#[from] RelpError),
    #[error("{0}")]
    Session(&'static str),
    #[error("a message cannot be stored: {0}")]
    Event(#[from] EventError),
    #[error(transparent)]
    NotTaken(#[from] NotTaken),
    /// The service ends. Only over TCP is it said: what is not answered over RELP comes again.
    #[error("the service ended before the log took what was read: it is lost")]
    Ending,
}

impl SyslogInput {
    /// Offers a batch, for as long as it takes: meanwhile nothing is read from this sender.
    pub(super) async fn offer(&self, batch: Batch, ending: &Ending) -> Result<Pending, Closed> {
        loop {
            match self.router.offer(&self.name, batch.clone()).await {
                Err(NotTaken::Later { .. }) if ending.is_there() => return Err(Closed::Ending),
                Err(NotTaken::Later { .. }) => tokio::time::sleep(RETRY).await,
                offered => return Ok(offered?),
            }
        }
    }

    /// A message as a batch of its own, with the name that a repeat of it has too.
    pub(super) fn single(
        &self,
        raw: &[u8],
        message: Option<&Message<'_>>,
        source: Option<&Source>,
    ) -> Result<Batch, EventError> {
        let mut lines = StoredBatch::default();
        let tag = tag_of(message);
        push(&mut lines, raw, message, self.most(tag.as_deref()))?;
        Ok(Batch {
            source: source.cloned(),
            name: name_of(raw),
            naming: if self.has_id(message) {
                Naming::Unique
            } else {
                Naming::Content
            },
            tag,
            reached: None,
            lines,
        })
    }

    /// Bytes of an event, at most, in the logs that messages of this tag may be for.
    pub(super) fn most(&self, tag: Option<&str>) -> usize {
        self.router.max_event_bytes(&self.name, tag)
    }

    /// Whether no other message has the same bytes.
    pub(super) fn has_id(&self, message: Option<&Message<'_>>) -> bool {
        let id = self.event_id.as_deref();
        id.zip(message)
            .is_some_and(|(id, message)| message.has_parameter(id))
    }
}

/// Bytes of a tag. A warning has the tag that no route takes.
const MAX_TAG_BYTES: usize = 255;

/// The name of the program is the kind of its messages, where it is not longer than a name.
pub(super) fn tag_of(message: Option<&Message<'_>>) -> Option<String> {
    message
        .and_then(|message| message.app_name)
        .filter(|name| name.len() <= MAX_TAG_BYTES)
        .map(str::to_owned)
}

/// Bytes of a hash that are in a name. Each message of RELP has one, so that it is short.
const HASH_BYTES: usize = 16;

/// A message has no name but its content.
fn name_of(raw: &[u8]) -> Option<BatchName> {
    let mut name = "syslog:".to_owned();
    for byte in digest(&SHA256, raw).as_ref().iter().take(HASH_BYTES) {
        // Writing into a string cannot fail.
        _ = write!(name, "{byte:02x}");
    }
    BatchName::parse(&name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syslog::parse;

    #[test]
    fn name_of_a_program_is_its_tag_unless_it_is_longer_than_a_name() {
        for (bytes, has_tag) in [(1, true), (255, true), (256, false), (500 << 10, false)] {
            let name = "a".repeat(bytes);
            let message = format!("<13>1 - web {name} - - - hello");
            let message = parse(message.as_bytes());
            let tag = tag_of(message.as_ref());
            assert_eq!(tag, has_tag.then_some(name), "{bytes}");
        }
        assert_eq!(tag_of(None), None);
    }
}
