//! `[[syslog]]`: a listener for syslog over TCP or RELP.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use auditlog_sealer::error::Error;
use auditlog_sealer::listen::{Access, Certificates, Door};
use auditlog_sealer::service::{LargeMessages, SyslogInput, Transport, serve_syslog};
use serde::Deserialize;

use super::access::{Asks, Senders};
use crate::command::input::{Around, Input, Mistake, Serving, bind_tcp};

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
    fn open(&self, config: &Path) -> Result<(Access, Door), Error> {
        let senders = Senders {
            listen: self.listen,
            source: self.source.as_deref(),
            tokens: &[],
            users: &[],
            webhooks: &[],
            tls: self.tls.as_ref(),
            asks: Asks::unless(self.without_authentication),
        };
        senders.open(config, &[])
    }
}

impl Input for Syslog {
    fn name(&self) -> &str {
        &self.name
    }

    fn listen(&self) -> Option<SocketAddr> {
        Some(self.listen)
    }

    fn mistake(&self) -> Option<Mistake> {
        let id = self.event_id.as_deref()?;
        let is_path = id
            .split_once('/')
            .is_some_and(|(element, name)| is_name(element) && is_name(name));
        let expected = "expected an element of structured data, / and a parameter of it, such as auditlog@32473/id";
        (!is_path).then(|| ("event_id", expected.to_owned()))
    }

    fn access(&self, config: &Path) -> Result<Access, Error> {
        Ok(self.open(config)?.0)
    }

    fn bind(&self, around: &Around) -> Result<Vec<Serving>, Error> {
        let listener = bind_tcp(self.listen)?;
        let (access, door) = self.open(&around.config)?;
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
