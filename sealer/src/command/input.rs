//! What all kinds of inputs have in common: a table of the configuration that is checked, and bound before anything is written.
//!
//! A new kind is a file of its own in `config/` that implements [`Input`], and its line in `Config::kinds`.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::Metadata;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use auditlog_sealer::error::{Error, MachineError, UsageError};
use auditlog_sealer::follow::Own;
use auditlog_sealer::level::Level;
use auditlog_sealer::listen::{Access, Guard};
use auditlog_sealer::service::Router;
use tokio::net::{TcpListener, TcpSocket, UdpSocket};
use tokio::sync::watch;

use super::arguments::Now;
use super::journal::say_of_input;

/// Something that is wrong with a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    /// Which key of it: `listen`, or `token.0.file` for one of its first token.
    pub(super) at: String,
    /// What is wrong. It has no secret.
    pub(super) what: String,
    /// What to do about it.
    pub(super) remedy: String,
}

impl Wrong {
    pub(super) fn new(
        at: impl Into<String>,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            at: at.into(),
            what: what.into(),
            remedy: remedy.into(),
        }
    }
}

/// A table of the configuration that says where events come from.
pub(super) trait Input {
    /// What routes call it.
    fn name(&self) -> &str;

    /// Where it listens, if it does.
    fn listen(&self) -> Option<SocketAddr>;

    /// What is wrong with the table alone.
    fn mistakes(&self) -> Vec<Wrong> {
        Vec::new()
    }

    /// Which tags its batches have.
    fn tags(&self) -> Tags<'_> {
        Tags::OfSenders
    }

    /// Who may send. All files that the table names are read.
    ///
    /// # Errors
    ///
    /// All that is wrong with these files, or with who may send.
    fn access(&self) -> Result<Access, Vec<Wrong>>;

    /// The files of secrets that the table names.
    fn secret_files(&self) -> Vec<&Path> {
        Vec::new()
    }

    /// Who may send, by the secrets alone: they are read again while the service runs.
    ///
    /// # Errors
    ///
    /// All that is wrong with their files and variables.
    fn secrets(&self) -> Result<Access, Vec<Wrong>> {
        Ok(Access::default())
    }

    /// Looks at what it is to read, for a person who asks whether all is right. Nothing is opened for longer.
    fn look(&self) -> Looked {
        Looked::default()
    }

    /// Takes its ports, or opens what it reads. It must be called inside the runtime.
    fn bind(&self, around: &Around) -> Result<Vec<Serving>, Error>;
}

/// Which tags batches of an input have.
pub(super) enum Tags<'i> {
    /// Those that the senders give.
    OfSenders,
    /// This one or none, whoever sends.
    Always(Option<&'i str>),
}

/// What an input will read.
#[derive(Default)]
pub(super) struct Looked {
    /// The files that are there, and the key that names each.
    pub(super) files: Vec<(String, PathBuf, Metadata)>,
    /// What is as it should not be, though the service goes on.
    pub(super) warnings: Vec<String>,
    /// What is there and cannot be read.
    pub(super) wrong: Vec<Wrong>,
}

/// What the service has for each input.
pub(super) struct Around {
    /// The file of the configuration.
    pub(super) config: PathBuf,
    /// Where events go.
    pub(super) router: Arc<Router>,
    /// The spools of all logs: where they are, there is room for what is to be written into them.
    pub(super) scratch: Vec<PathBuf>,
    /// How many inputs follow files.
    pub(super) file_inputs: usize,
    /// What no input follows.
    pub(super) own: Own,
    /// Who may send to each input that is bound.
    pub(super) guards: RefCell<Guards>,
    /// The clock.
    pub(super) now: Now,
}

/// Who may send to each input, by its name.
pub(super) type Guards = BTreeMap<String, Guard>;

type Served = Pin<Box<dyn Future<Output = Result<(), Box<FailedInput>>> + Send>>;

/// An input that cannot go on.
pub(super) struct FailedInput {
    /// What routes call it.
    pub(super) name: String,
    /// Why.
    pub(super) error: Error,
}

/// Something that is bound, and is served until the service ends.
pub(super) struct Serving(Box<dyn FnOnce(watch::Receiver<bool>) -> Served + Send>);

impl Serving {
    pub(super) fn new<F>(serve: impl FnOnce(watch::Receiver<bool>) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let serve = move |ending| {
            let served = serve(ending);
            async move {
                served.await;
                Ok(())
            }
        };
        Self(Box::new(move |ending| Box::pin(serve(ending))))
    }

    /// The same for an input that may end by itself, well or not.
    pub(super) fn that_may_fail<F>(
        name: String,
        serve: impl FnOnce(watch::Receiver<bool>) -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = Result<(), Error>> + Send + 'static,
    {
        let serve = move |ending| {
            let served = serve(ending);
            async move {
                served
                    .await
                    .map_err(|error| Box::new(FailedInput { name, error }))
            }
        };
        Self(Box::new(move |ending| Box::pin(serve(ending))))
    }

    /// Serves until `ending` is true, or the input has ended.
    pub(super) async fn until(self, ending: watch::Receiver<bool>) -> Result<(), Box<FailedInput>> {
        (self.0)(ending).await
    }
}

/// Connections that the system accepts before the listener does.
const BACKLOG: u32 = 1024;

/// Takes a port. Where the configuration names none, it says which one.
pub(super) fn bind_tcp(name: &str, listen: SocketAddr) -> Result<TcpListener, Error> {
    let bind = || {
        let socket = match listen {
            SocketAddr::V4(_) => TcpSocket::new_v4(),
            SocketAddr::V6(_) => TcpSocket::new_v6(),
        }?;
        socket.set_reuseaddr(true)?;
        socket.bind(listen)?;
        socket.listen(BACKLOG)
    };
    let listener = bind().map_err(no_port(listen))?;
    if listen.port() == 0 {
        let at = listener.local_addr().map_err(no_port(listen))?;
        let message = format!("the input {name} listens on {at}");
        say_of_input(Level::Info, name, &message);
    }
    Ok(listener)
}

pub(super) fn bind_udp(listen: SocketAddr) -> Result<UdpSocket, Error> {
    let bind = || {
        let socket = std::net::UdpSocket::bind(listen)?;
        socket.set_nonblocking(true)?;
        UdpSocket::from_std(socket)
    };
    Ok(bind().map_err(no_port(listen))?)
}

fn no_port(listen: SocketAddr) -> impl Fn(std::io::Error) -> MachineError {
    move |source| MachineError::NoPort { listen, source }
}

impl Around {
    /// Who may send to an input now.
    pub(super) fn guard(&self, name: &str, access: Access) -> Guard {
        let guard = Guard::from(access);
        let mut guards = self.guards.borrow_mut();
        guards.insert(name.to_owned(), guard.clone());
        guard
    }

    /// What has gone wrong with a table since it was checked.
    pub(super) fn wrong(&self, wrong: Vec<Wrong>) -> Error {
        let first = wrong.into_iter().next();
        let Wrong { what, remedy, .. } = first.unwrap_or_else(|| Wrong::new("", "", ""));
        let (path, line) = (self.config.clone(), None);
        UsageError::Configuration {
            path,
            line,
            what,
            remedy,
        }
        .into()
    }

    /// Says why a connection was closed, so that a sender that tries over and over does not fill a journal.
    pub(super) fn warn_once_a_second(&self, name: &str) -> Arc<dyn Fn(&str) + Send + Sync> {
        let (name, last, now) = (name.to_owned(), AtomicI64::new(i64::MIN), self.now);
        Arc::new(move |why| {
            let second = now().as_micros().div_euclid(1_000_000);
            if last.swap(second, Ordering::Relaxed) != second {
                let message = format!("the input {name} has closed a connection: {why}");
                say_of_input(Level::Warning, &name, &message);
            }
        })
    }
}
