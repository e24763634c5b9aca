//! `[[http]]`: a listener.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use auditlog_sealer::error::Error;
use auditlog_sealer::listen::{Access, Certificates, Door};
use auditlog_sealer::service::{Bodies, HttpInput, serve};
use serde::Deserialize;

use super::access::{Asks, Senders, TokenFrom, UserFrom, WebhookFrom};
use crate::command::input::{Around, Input, Mistake, Serving, bind_tcp};

/// A listener.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Http {
    #[serde(default = "usual_name")]
    name: String,
    pub(super) listen: SocketAddr,
    source: Option<String>,
    #[serde(default)]
    without_authentication: bool,
    #[serde(default)]
    token: Vec<TokenFrom>,
    #[serde(default)]
    user: Vec<UserFrom>,
    #[serde(default)]
    webhook: Vec<WebhookFrom>,
    tls: Option<Certificates>,
    event_id: Option<String>,
}

fn usual_name() -> String {
    "http".to_owned()
}

impl Http {
    pub(super) const fn has_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// Who may send, and how connections come in.
    fn open(&self, config: &Path) -> Result<(Access, Door), Error> {
        let senders = Senders {
            listen: self.listen,
            source: self.source.as_deref(),
            tokens: &self.token,
            users: &self.user,
            webhooks: &self.webhook,
            tls: self.tls.as_ref(),
            asks: Asks::unless(self.without_authentication),
        };
        senders.open(config, &[b"http/1.1"])
    }
}

impl Input for Http {
    fn name(&self) -> &str {
        &self.name
    }

    fn listen(&self) -> Option<SocketAddr> {
        Some(self.listen)
    }

    /// Where webhooks are signed, nobody sends without a name.
    fn mistake(&self) -> Option<Mistake> {
        let is_open = self.without_authentication && !self.webhook.is_empty();
        let reason = "where webhooks are signed, nobody sends without a signature, a token or a password: remove this line";
        is_open.then(|| ("without_authentication", reason.to_owned()))
    }

    fn access(&self, config: &Path) -> Result<Access, Error> {
        Ok(self.open(config)?.0)
    }

    fn bind(&self, around: &Around) -> Result<Vec<Serving>, Error> {
        let listener = bind_tcp(self.listen)?;
        let (access, door) = self.open(&around.config)?;
        let input = Arc::new(HttpInput {
            name: self.name.clone(),
            access,
            door,
            event_id: self.event_id.clone(),
            bodies: Bodies::default(),
            webhooks: Bodies::default(),
            now: around.now,
            router: Arc::clone(&around.router),
        });
        let serve = move |ending| serve(listener, input, ending);
        Ok(vec![Serving::new(serve)])
    }
}
