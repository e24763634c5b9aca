//! This machine cannot do its part. It says nothing about the log.

use std::io;
use std::net::SocketAddr;

use super::file::FileFault;

/// What this machine lacks.
#[derive(Debug, thiserror::Error)]
pub enum MachineError {
    /// The random number generator gave nothing.
    #[error("this machine has no random numbers")]
    NoRandomness,
    /// A thread could not be started.
    #[error("cannot start a thread: {0}")]
    NoThread(io::Error),
    /// Signal handlers could not be installed.
    #[error("cannot install signal handlers: {0}")]
    NoSignals(io::Error),
    /// A port could not be listened on.
    #[error("cannot listen on {listen}: {source}")]
    NoPort {
        /// The address.
        listen: SocketAddr,
        /// The answer of the system.
        source: io::Error,
    },
    /// No service answers.
    #[error("the service does not answer on {listen}: {source}")]
    NoService {
        /// The address.
        listen: SocketAddr,
        /// What went wrong.
        source: io::Error,
    },
    /// A thread has ended though nobody asked it to.
    #[error("a thread of the service has ended unexpectedly")]
    Stopped,
    /// One of several logs has stopped, and has said why.
    #[error("the log {log} had stopped")]
    LogStopped {
        /// Its name in the configuration.
        log: String,
    },
    /// One of several inputs has ended before its end, and has said why.
    #[error("the input {input} had ended")]
    InputEnded {
        /// Its name in the configuration.
        input: String,
    },
    /// The summary could not be written: nobody has seen what was sealed.
    #[error("standard output: the summary cannot be written: {0}")]
    NoSummary(io::Error),
    /// The manual pages could not be written.
    #[error(transparent)]
    NoPages(FileFault),
    /// Something else could not be written to standard output.
    #[error("standard output cannot be written: {0}")]
    NoOutput(io::Error),
}

impl MachineError {
    pub(super) fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NoSummary(_) => {
                "what was accepted is sealed, or in the spool: do not send it again; the next append reports it as recovered"
            }
            Self::NoService { .. } => {
                "start it with auditlog-seal run; auditlog-seal spool DIR lists what waits in a spool meanwhile"
            }
            Self::LogStopped { .. } | Self::InputEnded { .. } => {
                "correct the cause shown above, and start the service again"
            }
            Self::NoPort { source, .. }
                if source.kind() == std::io::ErrorKind::AddrNotAvailable =>
            {
                "no interface of this machine has the address: write one that it has, or 0.0.0.0 for all"
            }
            Self::NoPort { .. } => "stop the program that uses the port, or configure another one",
            Self::Stopped => "what was accepted is in the spool: start the service again",
            Self::NoPages(_) => "name a folder that can be written to",
            Self::NoThread(_) => {
                "allow more threads, such as with TasksMax= of the unit or the pids limit of the container"
            }
            Self::NoRandomness | Self::NoSignals(_) | Self::NoOutput(_) => {
                return None;
            }
        };
        Some(hint.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn port_that_is_taken_and_address_that_is_not_ours_have_hints_of_their_own() {
        let hint_of = |listen: &str| {
            let listen: std::net::SocketAddr = listen.parse().unwrap();
            let source = std::net::TcpListener::bind(listen).unwrap_err();
            MachineError::NoPort { listen, source }.hint().unwrap()
        };
        // An address of documentation, which no machine has.
        assert!(hint_of("192.0.2.1:9880").contains("no interface of this machine"));
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let taken = taken.local_addr().unwrap().to_string();
        assert!(hint_of(&taken).contains("stop the program"));
    }
}
