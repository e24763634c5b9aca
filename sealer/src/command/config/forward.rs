//! `[[forward]]`: a listener for Fluentd's Forward protocol.

use std::net::SocketAddr;
use std::path::Path;

use auditlog_sealer::error::Error;
use auditlog_sealer::listen::{Access, Certificates, Door};
use serde::Deserialize;

use super::access::{Asks, SecretFrom, Senders, UserFrom};

/// A listener.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::command) struct Forward {
    #[serde(default = "usual_name")]
    name: String,
    pub(in crate::command) listen: SocketAddr,
    source: Option<String>,
    #[serde(default)]
    without_authentication: bool,
    shared_key: Option<SecretFrom>,
    #[serde(default)]
    user: Vec<UserFrom>,
    tls: Option<Certificates>,
    /// Whether heartbeats over UDP are answered.
    #[serde(default)]
    pub(in crate::command) udp_heartbeat: bool,
}

fn usual_name() -> String {
    "forward".to_owned()
}

/// What a listener asks its senders for.
pub(in crate::command) struct Opened {
    pub(in crate::command) access: Access,
    pub(in crate::command) door: Door,
    pub(in crate::command) shared_key: Option<Vec<u8>>,
}

impl Forward {
    /// What routes call it.
    pub(in crate::command) fn name(&self) -> &str {
        &self.name
    }

    /// Users are asked for in the handshake, which needs a key.
    pub(super) fn mistake(&self) -> Option<&'static str> {
        let lacks_key = !self.user.is_empty() && self.shared_key.is_none();
        lacks_key.then_some("users need a shared_key")
    }

    /// Who may send, and how connections come in.
    pub(in crate::command) fn open(&self, config: &Path) -> Result<Opened, Error> {
        let key = self.shared_key.as_ref();
        let senders = Senders {
            listen: self.listen,
            source: self.source.as_deref(),
            tokens: &[],
            users: &self.user,
            tls: self.tls.as_ref(),
            asks: Asks::unless(self.without_authentication || key.is_some()),
        };
        let (access, door) = senders.open(config, &[])?;
        let read = |key: &SecretFrom| key.read(config, "the shared key");
        Ok(Opened {
            access,
            door,
            shared_key: key.map(read).transpose()?,
        })
    }
}
