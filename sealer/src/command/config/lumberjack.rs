//! `[[lumberjack]]`: a listener for Beats and Logstash.

use std::net::SocketAddr;
use std::sync::Arc;

use auditlog_sealer::error::Error;
use auditlog_sealer::listen::{Access, Certificates, Door};
use auditlog_sealer::service::{LumberjackInput, WindowRoom, serve_lumberjack};
use serde::Deserialize;

use super::access::{Asks, Senders};
use super::http::event_id_mistake;
use crate::command::input::{Around, Input, Serving, Tags, Wrong, bind_tcp};

/// A listener.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Lumberjack {
    #[serde(default = "usual_name")]
    name: String,
    listen: SocketAddr,
    source: Option<String>,
    #[serde(default)]
    without_authentication: bool,
    tls: Option<Certificates>,
    event_id: Option<String>,
}

fn usual_name() -> String {
    "lumberjack".to_owned()
}

impl Lumberjack {
    /// Who may send, and how connections come in.
    fn open(&self) -> Result<(Access, Door), Vec<Wrong>> {
        let asks = Asks::unless(self.without_authentication);
        Senders::by_certificate(self.listen, self.source.as_deref(), self.tls.as_ref(), asks)
            .open(&[])
    }
}

impl Input for Lumberjack {
    fn name(&self) -> &str {
        &self.name
    }

    fn listen(&self) -> Option<SocketAddr> {
        Some(self.listen)
    }

    fn mistakes(&self) -> Vec<Wrong> {
        event_id_mistake(self.event_id.as_deref())
            .into_iter()
            .collect()
    }

    fn tags(&self) -> Tags<'_> {
        Tags::Always(None)
    }

    fn access(&self) -> Result<Access, Vec<Wrong>> {
        Ok(self.open()?.0)
    }

    fn bind(&self, around: &Around) -> Result<Vec<Serving>, Error> {
        let listener = bind_tcp(&self.name, self.listen)?;
        let (access, door) = self.open().map_err(|wrong| around.wrong(wrong))?;
        let input = Arc::new(LumberjackInput {
            name: self.name.clone(),
            source: access.source,
            door,
            event_id: self.event_id.clone(),
            router: Arc::clone(&around.router),
            room: WindowRoom::default(),
            notify: around.warn_once_a_second(&self.name),
        });
        let serve = move |ending| serve_lumberjack(listener, input, ending);
        Ok(vec![Serving::new(serve)])
    }
}
