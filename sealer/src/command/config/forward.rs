//! `[[forward]]`: a listener for Fluentd's Forward protocol.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use auditlog_sealer::error::Error;
use auditlog_sealer::listen::{Access, Certificates, Door};
use auditlog_sealer::service::{ForwardInput, Room, serve_forward, serve_heartbeats};
use serde::Deserialize;

use super::access::{Asks, SecretFrom, Senders, UserFrom};
use crate::command::input::{Around, Input, Serving, Wrong, bind_tcp, bind_udp};

/// A listener.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Forward {
    #[serde(default = "usual_name")]
    name: String,
    listen: SocketAddr,
    source: Option<String>,
    #[serde(default)]
    without_authentication: bool,
    shared_key: Option<SecretFrom>,
    #[serde(default)]
    user: Vec<UserFrom>,
    tls: Option<Certificates>,
    /// Whether heartbeats over UDP are answered.
    #[serde(default)]
    udp_heartbeat: bool,
}

fn usual_name() -> String {
    "forward".to_owned()
}

impl Forward {
    fn senders(&self) -> Senders<'_> {
        Senders {
            listen: self.listen,
            source: self.source.as_deref(),
            tokens: &[],
            users: &self.user,
            webhooks: &[],
            shared_key: self.shared_key.as_ref(),
            tls: self.tls.as_ref(),
            asks: Asks::unless(self.without_authentication),
            ways: &["a shared_key"],
        }
    }

    /// Who may send, and how connections come in.
    fn open(&self) -> Result<(Access, Door), Vec<Wrong>> {
        self.senders().open(&[])
    }
}

impl Input for Forward {
    fn name(&self) -> &str {
        &self.name
    }

    fn listen(&self) -> Option<SocketAddr> {
        Some(self.listen)
    }

    /// Users are asked for in the handshake, which needs a key.
    fn mistakes(&self) -> Vec<Wrong> {
        let lacks_key = !self.user.is_empty() && self.shared_key.is_none();
        let remedy = "add shared_key = { file = … } or { env = … }";
        let wrong = lacks_key.then(|| Wrong::new("user", "users need a shared_key", remedy));
        wrong.into_iter().collect()
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
        let mut serving = Vec::new();
        if self.udp_heartbeat {
            let socket = bind_udp(self.listen)?;
            serving.push(Serving::new(move |ending| serve_heartbeats(socket, ending)));
        }
        let (access, door) = self.open().map_err(|wrong| around.wrong(wrong))?;
        let input = Arc::new(ForwardInput {
            name: self.name.clone(),
            guard: around.guard(&self.name, access),
            door,
            host: host(),
            router: Arc::clone(&around.router),
            room: Room::default(),
            scratch: around.scratch.clone(),
            notify: around.warn_once_a_second(&self.name),
        });
        serving.push(Serving::new(move |ending| {
            serve_forward(listener, input, ending)
        }));
        Ok(serving)
    }
}

/// The name of this machine.
fn host() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname");
    let name = name.unwrap_or_default().trim().to_owned();
    if name.is_empty() {
        "auditlog-seal".to_owned()
    } else {
        name
    }
}
