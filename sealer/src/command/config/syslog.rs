//! `[[syslog]]`: a listener for syslog over TCP or RELP.

use std::net::SocketAddr;
use std::sync::Arc;

use auditlog_sealer::error::Error;
use auditlog_sealer::listen::{Access, Certificates, Door};
use auditlog_sealer::service::{LargeMessages, SyslogInput, Transport, serve_syslog};
use serde::Deserialize;

use super::access::{Asks, Senders};
use crate::command::input::{Around, Input, Serving, Wrong, bind_tcp};

/// A listener.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Syslog {
    #[serde(default = "usual_name")]
    name: String,
    listen: SocketAddr,
    transport: Transport,
    source: Option<String>,
    #[serde(default)]
    without_authentication: bool,
    tls: Option<Certificates>,
    event_id: Option<String>,
}

fn usual_name() -> String {
    "syslog".to_owned()
}

impl Syslog {
    /// Who may send, and how connections come in.
    fn open(&self) -> Result<(Access, Door), Vec<Wrong>> {
        let asks = Asks::unless(self.without_authentication);
        Senders::by_certificate(self.listen, self.source.as_deref(), self.tls.as_ref(), asks)
            .open(&[])
    }
}

impl Input for Syslog {
    fn name(&self) -> &str {
        &self.name
    }

    fn listen(&self) -> Option<SocketAddr> {
        Some(self.listen)
    }

    fn mistakes(&self) -> Vec<Wrong> {
        let is_path = |id: &str| {
            let parts = id.split_once('/');
            parts.is_some_and(|(element, name)| is_name(element) && is_name(name))
        };
        let id = self.event_id.as_deref().filter(|id| !is_path(id));
        let remedy = "write an element of structured data, / and a parameter of it, such as auditlog@32473/id";
        let wrong = id.map(|id| {
            Wrong::new(
                "event_id",
                format!("{id:?} is not a place in structured data"),
                remedy,
            )
        });
        wrong.into_iter().collect()
    }

    fn access(&self) -> Result<Access, Vec<Wrong>> {
        Ok(self.open()?.0)
    }

    fn bind(&self, around: &Around) -> Result<Vec<Serving>, Error> {
        let listener = bind_tcp(&self.name, self.listen)?;
        let (access, door) = self.open().map_err(|wrong| around.wrong(wrong))?;
        let input = Arc::new(SyslogInput {
            name: self.name.clone(),
            transport: self.transport,
            access,
            door,
            event_id: self.event_id.clone(),
            router: Arc::clone(&around.router),
            room: LargeMessages::default(),
            notify: around.warn_once_a_second(&self.name),
        });
        let serve = move |ending| serve_syslog(listener, input, ending);
        Ok(vec![Serving::new(serve)])
    }
}

/// A name of structured data (RFC 5424, section 6.3).
fn is_name(text: &str) -> bool {
    let is_of_name = |byte: u8| byte.is_ascii_graphic() && !b"=]\"".contains(&byte);
    !text.is_empty() && text.bytes().all(is_of_name)
}
