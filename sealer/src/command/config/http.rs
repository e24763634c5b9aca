//! `[[http]]`: a listener.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use auditlog_sealer::error::Error;
use auditlog_sealer::listen::{Access, Certificates, Door};
use auditlog_sealer::service::{Bodies, HttpInput, Webhooks, serve};
use serde::Deserialize;

use super::access::{Asks, Senders, TokenFrom, UserFrom, WebhookFrom};
use crate::command::input::{Around, Input, Serving, Wrong, bind_tcp};

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

/// What is wrong with the name of the member that has the identifier of an event.
pub(super) fn event_id_mistake(name: Option<&str>) -> Option<Wrong> {
    let name = name.filter(|name| name.is_empty() || name.starts_with('/'))?;
    let what = format!("{name:?} is not the name of a member of an event");
    let remedy = "write the name alone, such as event_id = \"id\"";
    Some(Wrong::new("event_id", what, remedy))
}

impl Http {
    pub(super) const fn has_tls(&self) -> bool {
        self.tls.is_some()
    }

    fn senders(&self) -> Senders<'_> {
        Senders {
            listen: self.listen,
            source: self.source.as_deref(),
            tokens: &self.token,
            users: &self.user,
            webhooks: &self.webhook,
            shared_key: None,
            tls: self.tls.as_ref(),
            asks: Asks::unless(self.without_authentication),
            ways: &["tokens", "users"],
        }
    }

    /// Who may send, and how connections come in.
    fn open(&self) -> Result<(Access, Door), Vec<Wrong>> {
        self.senders().open(&[b"http/1.1"])
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
    fn mistakes(&self) -> Vec<Wrong> {
        let is_open = self.without_authentication && !self.webhook.is_empty();
        let what =
            "where webhooks are signed, nobody sends without a signature, a token or a password";
        let wrong = is_open.then(|| Wrong::new("without_authentication", what, "remove this line"));
        let users = self.user.iter().enumerate();
        let users = users.filter(|(_, user)| user.name().contains(':'));
        let users = users.map(|(number, user)| {
            Wrong::new(
                format!("user.{number}.name"),
                format!(
                    "{:?} cannot be sent: in HTTP, a name ends at the first :",
                    user.name()
                ),
                "give the user a name without :",
            )
        });
        let id = event_id_mistake(self.event_id.as_deref());
        wrong.into_iter().chain(users).chain(id).collect()
    }

    fn access(&self) -> Result<Access, Vec<Wrong>> {
        Ok(self.open()?.0)
    }

    fn secret_files(&self) -> Vec<&Path> {
        self.senders().files()
    }

    fn secrets(&self) -> Result<Access, Vec<Wrong>> {
        self.senders().access()
    }

    fn bind(&self, around: &Around) -> Result<Vec<Serving>, Error> {
        let listener = bind_tcp(&self.name, self.listen)?;
        let (access, door) = self.open().map_err(|wrong| around.wrong(wrong))?;
        let input = Arc::new(HttpInput {
            name: self.name.clone(),
            guard: around.guard(&self.name, access),
            door,
            event_id: self.event_id.clone(),
            bodies: Bodies::for_logs(around.router.logs().len()),
            webhooks: Webhooks::default(),
            now: around.now,
            router: Arc::clone(&around.router),
        });
        let serve = move |ending| serve(listener, input, ending);
        Ok(vec![Serving::new(serve)])
    }
}
