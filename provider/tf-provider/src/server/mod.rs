//! The process: from the start by Terraform to the end at Terraform's word.

mod debug;
mod error;
mod handshake;
mod launcher;
mod log;
#[cfg(test)]
mod tests;
mod tls;

use std::io::{self, Write as _};
use std::os::unix::process::parent_id;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{UnixListener, UnixStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_stream::Stream;
use tokio_stream::wrappers::{ReceiverStream, UnixListenerStream};
use tonic::transport::Server;
use tonic::transport::server::Connected;

use crate::Provider;
use crate::proto::tfplugin6::provider_server::ProviderServer;
use crate::service::Service;
use debug::Start;
use error::ServeError;
use handshake::Launch;
use launcher::Shutdown;
use tls::Connection;

/// Terraform's own limit, both ways.
const MAX_MESSAGE_BYTES: usize = 256 << 20;

/// The socket's name in its folder.
const SOCKET: &str = "socket";

/// A caller that does not finish its handshake in this time is dropped.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long open calls may take to end after Terraform has asked for the end. It kills after two seconds.
const GRACE: Duration = Duration::from_millis(500);

/// How often to look whether the parent is still there.
const PARENT_WATCH: Duration = Duration::from_secs(1);

/// Runs the provider: the whole of a provider's `main`.
///
/// Serves the Terraform that started the process until that says that it is done. A person who starts it by hand sees
/// on stderr what it is, and a start without Terraform's client certificate is refused.
///
/// Started with `--debug <address>`, under a debugger say, it prints the `TF_REATTACH_PROVIDERS` that makes any
/// Terraform of the same user work with this process, and serves until it is interrupted.
pub fn serve<P: Provider>(provider: P) -> ExitCode {
    let address = match debug::start(std::env::args().skip(1)) {
        Ok(Start::Attached { address }) => address,
        Ok(Start::Launched) => return serve_launched(provider),
        Err(usage) => return fail(&usage),
    };
    serve_in_runtime(provider, |service| attached(service, address))
}

fn serve_launched<P: Provider>(provider: P) -> ExitCode {
    match handshake::launch(|name| std::env::var(name).ok(), parent_id()) {
        Ok(launch) => serve_in_runtime(provider, |service| run(service, launch)),
        Err(refusal) => fail(&refusal),
    }
}

fn serve_in_runtime<P: Provider, F>(provider: P, run: impl FnOnce(Service<P>) -> F) -> ExitCode
where
    F: Future<Output = Result<(), ServeError>>,
{
    log::start(|name| std::env::var(name).ok());
    let service = match Service::new(provider) {
        Ok(service) => service,
        Err(problems) => {
            return fail(&format!(
                "The provider's schema has mistakes:\n  {}",
                problems.join("\n  ")
            ));
        }
    };
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("No asynchronous runtime: {error}")),
    };
    let served = runtime.block_on(run(service));
    // What still runs (a blocking read, say) must not hold the process up.
    runtime.shutdown_timeout(GRACE);
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&format!("The provider could not serve: {error}")),
    }
}

fn fail(why: &dyn std::fmt::Display) -> ExitCode {
    // With stderr gone there is nobody to tell.
    drop(writeln!(io::stderr(), "{why}"));
    ExitCode::FAILURE
}

async fn run<P: Provider>(service: Service<P>, launch: Launch) -> Result<(), ServeError> {
    // Ctrl-C reaches the whole process group. Terraform turns it into a call of StopProvider; the process must live
    // on, or a resource that is just being made would be lost.
    let mut interrupts = signal(SignalKind::interrupt()).map_err(ServeError::Signals)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(ServeError::Signals)?;

    let bound = Bound::new(&launch.socket_folder, launch.client_certificate)?;
    let line = bound.line();
    let shutdown = Shutdown::new();
    let stop = service.stop_switch();
    let serving = bound.serve(service, shutdown.clone());
    tokio::pin!(serving);
    say(&line).map_err(ServeError::Stdout)?;

    let mut watch = tokio::time::interval(PARENT_WATCH);
    loop {
        tokio::select! {
            served = &mut serving => return served,
            _ = interrupts.recv() => tracing::debug!("interrupt ignored: Terraform says when to stop"),
            // As much as an interrupt, it may come in the middle of a create.
            _ = terminate.recv() => {
                tracing::debug!("terminated: running operations are asked to end, and waited for");
                stop.send_replace(true);
                shutdown.drain();
            }
            _ = watch.tick() => {
                if parent_id() != launch.parent {
                    tracing::warn!("the process that started the provider is gone");
                    shutdown.fire();
                }
            }
        }
    }
}

/// Serves every Terraform of the same user that attaches, until it is interrupted.
async fn attached<P: Provider>(service: Service<P>, address: String) -> Result<(), ServeError> {
    let mut interrupts = signal(SignalKind::interrupt()).map_err(ServeError::Signals)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(ServeError::Signals)?;
    let (folder, listener) = socket(&std::env::temp_dir())?;
    let shutdown = Shutdown::new();
    let stop = service.stop_switch();
    let serving = answer(UnixListenerStream::new(listener), service, &shutdown);
    tokio::pin!(serving);
    let socket = folder.path().join(SOCKET);
    say(&debug::instructions(&address, std::process::id(), &socket)).map_err(ServeError::Stdout)?;
    let mut interrupted = false;
    loop {
        tokio::select! {
            served = &mut serving => return served,
            _ = interrupts.recv() => {}
            _ = terminate.recv() => {}
        }
        // The first asks running operations to end, and waits for them; the second does not wait.
        if interrupted {
            shutdown.fire();
        }
        interrupted = true;
        stop.send_replace(true);
        shutdown.drain();
    }
}

/// What the caller reads from stdout, in one piece: who has found what it needs may close its end.
fn say(line: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(format!("{line}\n").as_bytes())?;
    stdout.flush()
}

/// A socket that nobody but the user can reach, and the TLS that nobody but Terraform gets through.
struct Bound {
    // The folder goes when this is dropped.
    folder: TempDir,
    listener: UnixListener,
    acceptor: TlsAcceptor,
    certificate: CertificateDer<'static>,
}

impl Bound {
    fn new(within: &Path, client: CertificateDer<'static>) -> Result<Self, ServeError> {
        let (folder, listener) = socket(within)?;
        let (config, certificate) = tls::server(client)?;
        Ok(Self {
            folder,
            listener,
            acceptor: TlsAcceptor::from(Arc::new(config)),
            certificate,
        })
    }

    /// Version of the launcher's protocol, of Terraform's, where, how, and the certificate to expect.
    fn line(&self) -> String {
        let socket = self.folder.path().join(SOCKET);
        format!(
            "1|6|unix|{}|grpc|{}",
            socket.display(),
            STANDARD_NO_PAD.encode(&self.certificate)
        )
    }

    async fn serve<P: Provider>(
        self,
        service: Service<P>,
        shutdown: Shutdown,
    ) -> Result<(), ServeError> {
        let (ready, connections) = mpsc::channel(1);
        let accepting = tokio::spawn(accept(self.listener, self.acceptor, ready));
        let served = answer(ReceiverStream::new(connections), service, &shutdown).await;
        accepting.abort();
        drop(self.folder);
        served
    }
}

/// A socket in a folder of its own that only the user can enter, and that goes when it is dropped.
fn socket(within: &Path) -> Result<(TempDir, UnixListener), ServeError> {
    use std::os::unix::fs::PermissionsExt as _;
    let failed = |source| ServeError::Socket {
        folder: within.display().to_string(),
        source,
    };
    let folder = tempfile::Builder::new()
        .prefix("plugin-")
        .permissions(std::fs::Permissions::from_mode(0o700))
        .tempdir_in(within)
        .map_err(failed)?;
    let listener = UnixListener::bind(folder.path().join(SOCKET)).map_err(failed)?;
    Ok((folder, listener))
}

/// Answers calls on connections that have passed whatever they had to, until the end.
async fn answer<P: Provider, C>(
    connections: impl Stream<Item = io::Result<C>>,
    service: Service<P>,
    shutdown: &Shutdown,
) -> Result<(), ServeError>
where
    C: AsyncRead + AsyncWrite + Connected + Unpin + Send + 'static,
{
    let provider = ProviderServer::new(service)
        .max_decoding_message_size(MAX_MESSAGE_BYTES)
        .max_encoding_message_size(MAX_MESSAGE_BYTES);
    let serving = launcher::add(Server::builder().add_service(provider), shutdown)
        .serve_with_incoming_shutdown(connections, shutdown.begun());
    let late = async {
        shutdown.fired().await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        served = serving => served.map_err(ServeError::from),
        () = late => Ok(()),
    }
}

/// Takes connections; each handshake has a task of its own, so that a slow or hostile caller holds up no other.
async fn accept(
    listener: UnixListener,
    acceptor: TlsAcceptor,
    ready: mpsc::Sender<io::Result<Connection>>,
) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(tokio::spawn(shake_hands(
                stream,
                acceptor.clone(),
                ready.clone(),
            ))),
            Err(error) => {
                // Out of file descriptors, most likely; some will be free soon.
                tracing::warn!(%error, "no connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn shake_hands(
    stream: UnixStream,
    acceptor: TlsAcceptor,
    ready: mpsc::Sender<io::Result<Connection>>,
) {
    match tokio::time::timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => drop(ready.send(Ok(Connection(stream))).await),
        Ok(Err(error)) => tracing::warn!(%error, "caller refused"),
        Err(_) => tracing::warn!("caller refused: no handshake in time"),
    }
}
