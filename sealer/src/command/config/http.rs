//! `[[http]]`: a listener.

use std::net::SocketAddr;
use std::path::Path;

use auditlog_sealer::error::Error;
use auditlog_sealer::listen::{Access, Certificates, Door};
use serde::Deserialize;

use super::access::{Asks, Senders, TokenFrom, UserFrom};

/// A listener.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::command) struct Http {
    #[serde(default = "usual_name")]
    name: String,
    pub(in crate::command) listen: SocketAddr,
    source: Option<String>,
    #[serde(default)]
    without_authentication: bool,
    #[serde(default)]
    token: Vec<TokenFrom>,
    #[serde(default)]
    user: Vec<UserFrom>,
    tls: Option<Certificates>,
    pub(in crate::command) event_id: Option<String>,
}

fn usual_name() -> String {
    "http".to_owned()
}

impl Http {
    /// What routes call it.
    pub(in crate::command) fn name(&self) -> &str {
        &self.name
    }

    pub(super) const fn has_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// Who may send, and how connections come in.
    pub(in crate::command) fn open(&self, config: &Path) -> Result<(Access, Door), Error> {
        let senders = Senders {
            listen: self.listen,
            source: self.source.as_deref(),
            tokens: &self.token,
            users: &self.user,
            tls: self.tls.as_ref(),
            asks: Asks::unless(self.without_authentication),
        };
        senders.open(config, &[b"http/1.1"])
    }
}
