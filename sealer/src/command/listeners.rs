//! The inputs of the service. Their ports are taken before anything is written.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use auditlog_sealer::error::{Error, MachineError};
use auditlog_sealer::service::{
    Bodies, ForwardInput, HttpInput, Room, Router, serve, serve_forward, serve_heartbeats,
};
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::arguments::Now;
use super::config::{Config, Forward, Http, Opened};

/// Listeners that are bound.
pub(super) struct Listeners {
    http: Vec<(TcpListener, Arc<HttpInput>)>,
    forward: Vec<(TcpListener, Arc<ForwardInput>)>,
    heartbeats: Vec<UdpSocket>,
}

impl Listeners {
    pub(super) async fn bind(
        config: &Config,
        router: &Arc<Router>,
        now: Now,
    ) -> Result<Self, Error> {
        let mut listeners = Self {
            http: Vec::new(),
            forward: Vec::new(),
            heartbeats: Vec::new(),
        };
        for http in &config.http {
            let listener = bind(http.listen).await?;
            let input = http_input(http, config.path(), router)?;
            listeners.http.push((listener, Arc::new(input)));
        }
        for forward in &config.forward {
            let listener = bind(forward.listen).await?;
            if forward.udp_heartbeat {
                let socket = UdpSocket::bind(forward.listen).await;
                listeners
                    .heartbeats
                    .push(socket.map_err(no_port(forward.listen))?);
            }
            let input = forward_input(forward, config, router, now)?;
            listeners.forward.push((listener, Arc::new(input)));
        }
        Ok(listeners)
    }

    /// Serves until `ending` is true.
    pub(super) fn serve(self, ending: &watch::Receiver<bool>) -> JoinSet<()> {
        let mut serving = JoinSet::new();
        for (listener, input) in self.http {
            serving.spawn(serve(listener, input, ending.clone()));
        }
        for (listener, input) in self.forward {
            serving.spawn(serve_forward(listener, input, ending.clone()));
        }
        for socket in self.heartbeats {
            serving.spawn(serve_heartbeats(socket, ending.clone()));
        }
        serving
    }
}

async fn bind(listen: SocketAddr) -> Result<TcpListener, Error> {
    Ok(TcpListener::bind(listen).await.map_err(no_port(listen))?)
}

fn no_port(listen: SocketAddr) -> impl Fn(std::io::Error) -> MachineError {
    move |source| MachineError::NoPort { listen, source }
}

fn http_input(http: &Http, config: &Path, router: &Arc<Router>) -> Result<HttpInput, Error> {
    let (access, door) = http.open(config)?;
    Ok(HttpInput {
        name: http.name().to_owned(),
        access,
        door,
        event_id: http.event_id.clone(),
        bodies: Bodies::default(),
        router: Arc::clone(router),
    })
}

fn forward_input(
    forward: &Forward,
    config: &Config,
    router: &Arc<Router>,
    now: Now,
) -> Result<ForwardInput, Error> {
    let Opened {
        access,
        door,
        shared_key,
    } = forward.open(config.path())?;
    // Where the spools are, there is room for what is to be written into them.
    let scratch = config.logs.first().map(|log| log.spool().to_owned());
    Ok(ForwardInput {
        name: forward.name().to_owned(),
        access,
        door,
        shared_key,
        host: host(),
        router: Arc::clone(router),
        room: Room::default(),
        scratch: scratch.unwrap_or_else(std::env::temp_dir),
        notify: Arc::new(warn_once_a_second(forward.name(), now)),
    })
}

/// The name of this machine.
fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname");
    let name = name.unwrap_or_default().trim().to_owned();
    if name.is_empty() {
        "auditlog-seal".to_owned()
    } else {
        name
    }
}

/// Says why a connection was closed, so that a sender that tries over and over does not fill a journal.
fn warn_once_a_second(name: &str, now: Now) -> impl Fn(&str) + Send + Sync + use<> {
    let (name, last) = (name.to_owned(), AtomicI64::new(i64::MIN));
    move |why| {
        let second = now().as_micros().div_euclid(1_000_000);
        if last.swap(second, Ordering::Relaxed) != second {
            eprintln!("warning: the input {name} has closed a connection: {why}");
        }
    }
}
