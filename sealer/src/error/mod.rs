//! What can go wrong, sorted by who is at fault: each in a module of its own, with its hint.

use std::io::{self, ErrorKind};

use auditlog_chain::builder::BuildError;

mod aws;
mod file;
mod input;
mod key;
mod log;
mod machine;
mod pins;
mod policy;
mod spool;
mod store;
mod trouble;
mod usage;

pub(crate) use aws::SsoSignIn;
pub(crate) use aws::chain;
pub use aws::{AwsFault, AwsFaultKind};
pub use file::FileFault;
pub use input::{InputError, InputKind};
pub use key::{KeyError, KeyFileFault, KmsProperty};
pub use log::{KnownFrom, LogError, PinsGiven, StoreKind};
pub use machine::MachineError;
pub use pins::PinsError;
pub use policy::PolicyError;
pub use spool::{SpoolError, SpoolRecord};
pub use store::StoreError;
pub use trouble::{Cause, Trouble};
pub use usage::UsageError;

/// What goes on after an error: a hint for one is wrong for the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    /// A person runs the command again.
    Again,
    /// The service, or what goes on in the background, tries it again by itself.
    ByItself,
}

impl Then {
    /// What to do about a file that the sealer itself writes.
    const fn of_disk(self) -> &'static str {
        match self {
            Self::Again => {
                "make sure that the disk has room and can be written; what was accepted before is in the spool, and the next append seals it"
            }
            Self::ByItself => {
                "make sure that the disk has room and can be written; what was accepted before is in the spool, and is sealed later"
            }
        }
    }
}

/// What to do about a clock.
const CLOCK: &str = "set this machine's clock (timedatectl status); a time in the future would stay a fault for as long as the object is locked";

/// Why the sealer stopped. What it had accepted is then sealed, or in the spool.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The command was called for something that is not possible.
    #[error(transparent)]
    Usage(#[from] UsageError),
    /// The trust policy cannot be used.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The pins cannot be used.
    #[error(transparent)]
    Pins(#[from] PinsError),
    /// A signing key cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The events cannot be taken as they come.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The bucket or the folder cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What the store holds is not a log that can be continued.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The spool cannot be used.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// This machine cannot do its part.
    #[error(transparent)]
    Machine(#[from] MachineError),
    /// The chain takes no more.
    #[error(transparent)]
    Chain(#[from] BuildError),
    /// AWS, or what is in its place, refused a call or did not answer.
    #[error(transparent)]
    Aws(#[from] AwsFault),
}

impl Error {
    /// What to do about it: a command, an option or a file.
    pub fn hint(&self) -> Option<String> {
        self.hint_before(Then::Again)
    }

    /// The same for a log of the service, which tries again by itself.
    pub fn hint_of_service(&self) -> Option<String> {
        self.hint_before(Then::ByItself)
    }

    fn hint_before(&self, then: Then) -> Option<String> {
        match self {
            Self::Usage(error) => error.hint(),
            Self::Policy(error) => Some(error.hint()),
            Self::Pins(error) => Some(error.hint().to_owned()),
            Self::Key(error) => error.hint(),
            Self::Input(error) => Some(error.hint(then)),
            Self::Store(error) => Some(error.hint(then)),
            Self::Log(error) => Some(error.hint(then)),
            Self::Spool(error) => Some(error.hint(then)),
            Self::Machine(error) => error.hint(),
            Self::Aws(fault) => Some(fault.hint(then)),
            Self::Chain(_) => None,
        }
    }

    /// Whether the command cannot be carried out as it was called: options, or the files that they name.
    pub const fn is_of_the_call(&self) -> bool {
        match self {
            Self::Usage(_) | Self::Policy(_) | Self::Pins(_) => true,
            Self::Key(error) => error.is_of_the_call(),
            Self::Spool(error) => matches!(error, SpoolError::OfAnother { .. }),
            Self::Input(_)
            | Self::Store(_)
            | Self::Log(_)
            | Self::Machine(_)
            | Self::Chain(_)
            | Self::Aws(_) => false,
        }
    }

    /// Whether what the spool holds is sealed by the next run that finds its way to the store and the key.
    pub const fn leaves_events_waiting(&self) -> bool {
        match self {
            Self::Store(_) | Self::Aws(_) | Self::Spool(SpoolError::File(_)) => true,
            Self::Usage(_)
            | Self::Policy(_)
            | Self::Pins(_)
            | Self::Key(_)
            | Self::Input(_)
            | Self::Log(_)
            | Self::Spool(_)
            | Self::Machine(_)
            | Self::Chain(_) => false,
        }
    }

    /// Whether the same attempt can succeed later though nobody does anything about what is accepted: the store, the key or the disk
    /// may come back.
    pub const fn may_pass(&self) -> bool {
        match self {
            Self::Aws(_)
            | Self::Store(StoreError::File(_) | StoreError::Contradiction { .. })
            | Self::Spool(SpoolError::File(_)) => true,
            Self::Usage(_)
            | Self::Policy(_)
            | Self::Pins(_)
            | Self::Key(_)
            | Self::Input(_)
            | Self::Store(_)
            | Self::Log(_)
            | Self::Spool(_)
            | Self::Machine(_)
            | Self::Chain(_) => false,
        }
    }

    /// Whether the same attempt can succeed once somebody has mended something else than the log: the store or its lock, the key or the
    /// policy, the disk, the clock. A spool that another process uses is free once that has ended. The disk under a folder may be mounted.
    pub const fn can_be_mended(&self) -> bool {
        match self {
            Self::Key(error) => error.can_be_mended(),
            Self::Store(error) => {
                error.is_of_the_lock() || self.may_pass() || self.is_of_the_clock()
            }
            Self::Policy(error) => error.depends_on_the_time(),
            Self::Spool(SpoolError::Busy { .. })
            | Self::Log(LogError::CutOff { store: StoreKind::Folder, .. })
            // Other processes have taken what there was for a moment.
            | Self::Machine(MachineError::NoThread(_)) => true,
            Self::Usage(_)
            | Self::Pins(_)
            | Self::Input(_)
            | Self::Log(_)
            | Self::Spool(_)
            | Self::Machine(_)
            | Self::Chain(_)
            | Self::Aws(_) => self.may_pass() || self.is_of_the_clock(),
        }
    }

    /// Whether the bucket does not lock what it is given.
    pub const fn is_of_the_lock(&self) -> bool {
        match self {
            Self::Store(error) => error.is_of_the_lock(),
            Self::Usage(_)
            | Self::Policy(_)
            | Self::Pins(_)
            | Self::Key(_)
            | Self::Input(_)
            | Self::Log(_)
            | Self::Spool(_)
            | Self::Machine(_)
            | Self::Chain(_)
            | Self::Aws(_) => false,
        }
    }

    /// Whether a clock is wrong. It passes once somebody has set it; what is accepted until then would have a wrong time.
    pub const fn is_of_the_clock(&self) -> bool {
        matches!(
            self,
            Self::Store(StoreError::ClockSkew { .. })
                | Self::Spool(SpoolError::InFuture { .. })
                | Self::Log(LogError::HeadInFuture { .. })
        )
    }

    /// Whether the disk of the spool has no room.
    pub fn is_full_disk(&self) -> bool {
        matches!(self, Self::Spool(SpoolError::File(fault)) if is_full(&fault.source))
    }

    /// Whether it is the input that ended the run: the sealer itself can go on.
    pub const fn is_of_the_input(&self) -> bool {
        matches!(self, Self::Input(_))
    }
}

/// Whether a call has failed because the disk is full, or the quota of its user.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded
    )
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn service_asks_nobody_to_run_a_command_again() {
        let disk = || FileFault::of("the spool cannot be written", Path::new("x"));
        let file = || disk()(ErrorKind::StorageFull.into());
        let fault = |kind| AwsFault {
            call: "S3 PutObject",
            target: "s3://audit/log".to_owned(),
            kind,
        };
        let answered = |status, code: &str| {
            fault(AwsFaultKind::Answered {
                status,
                code: code.into(),
                message: "".into(),
                region: None,
                owner: None,
            })
        };
        let path = Path::new("spool").to_owned();
        let of_inputs = SpoolError::NoInputs {
            path: path.join("inputs.json"),
        };
        let input = || "daily".to_owned();
        let errors: [Error; 11] = [
            SpoolError::File(file()).into(),
            StoreError::File(file()).into(),
            SpoolError::Finished { path, found: 1 }.into(),
            of_inputs.into(),
            fault(AwsFaultKind::TimedOut).into(),
            answered(409, "ConditionalRequestConflict").into(),
            answered(503, "SlowDown").into(),
            answered(403, "InvalidObjectState").into(),
            InputError::Unreadable(file()).into(),
            InputError::TooShort {
                input: input(),
                expected: 2,
                found: 1,
            }
            .into(),
            LogError::InsideAnother {
                prefix: "a/b".to_owned(),
                first: "a/000000000000.jsonl.zst".to_owned(),
            }
            .into(),
        ];
        for error in errors {
            let (command, service) = (error.hint().unwrap(), error.hint_of_service().unwrap());
            assert_ne!(command, service);
            for of_a_command in ["run the command", "append", "--input", "--prefix"] {
                assert!(!service.contains(of_a_command), "{error}: {service}");
            }
        }
    }

    #[test]
    fn thread_that_cannot_be_started_now_may_be_started_later() {
        let error = Error::from(MachineError::NoThread(ErrorKind::WouldBlock.into()));
        assert!(error.can_be_mended());
        let hint = error.hint_of_service().unwrap();
        assert!(hint.contains("TasksMax="), "{hint}");
        assert!(!Error::from(MachineError::Stopped).can_be_mended());
    }

    #[test]
    fn disk_is_full_also_where_a_user_may_have_no_more() {
        for (kind, expected) in [
            (ErrorKind::StorageFull, true),
            (ErrorKind::QuotaExceeded, true),
            (ErrorKind::PermissionDenied, false),
        ] {
            let fault = FileFault::of("the spool cannot be written", Path::new("x"));
            let error = Error::from(SpoolError::File(fault(kind.into())));
            assert_eq!(error.is_full_disk(), expected, "{kind}");
        }
    }
}
