//! Something that somebody can mend while the sealer runs.

use super::{Error, KeyError, LogError, SpoolError, StoreKind};

/// Where the cause is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A clock is wrong.
    Clock,
    /// The disk of the spool is full, or fails.
    Disk,
    /// A key is disabled or not valid, or its service refuses to use it or asks to slow down.
    Key,
    /// The service of the keys does not answer, or cannot be asked.
    Kms,
    /// The bucket does not lock what it is given.
    Lock,
    /// The trust policy or the keys were changed, and cannot be used.
    Policy,
    /// The queue is full.
    Queue,
    /// The log was not looked at yet.
    Start,
    /// The store does not answer, or refuses.
    Store,
    /// Something else.
    Other,
}

impl Cause {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Clock,
        Self::Disk,
        Self::Key,
        Self::Kms,
        Self::Lock,
        Self::Policy,
        Self::Queue,
        Self::Start,
        Self::Store,
        Self::Other,
    ];

    /// Its name in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Clock => "clock",
            Self::Disk => "disk",
            Self::Key => "key",
            Self::Kms => "kms",
            Self::Lock => "lock",
            Self::Policy => "policy",
            Self::Queue => "queue",
            Self::Start => "start",
            Self::Store => "store",
            Self::Other => "other",
        }
    }

    fn of(error: &Error) -> Self {
        match error {
            error if error.is_of_the_clock() => Self::Clock,
            error if error.is_of_the_lock() => Self::Lock,
            Error::Key(_) => Self::Key,
            Error::Aws(fault) if fault.call.starts_with("KMS") => {
                if error.is_refusal() {
                    Self::Key
                } else {
                    Self::Kms
                }
            }
            Error::Aws(_)
            | Error::Store(_)
            | Error::Log(LogError::CutOff {
                store: StoreKind::Folder,
                ..
            }) => Self::Store,
            Error::Spool(SpoolError::File(_)) => Self::Disk,
            Error::Policy(_) | Error::Usage(_) | Error::Pins(_) => Self::Policy,
            Error::Spool(_)
            | Error::Input(_)
            | Error::Log(_)
            | Error::Machine(_)
            | Error::Chain(_) => Self::Other,
        }
    }
}

/// Something that somebody can mend while the sealer runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// Where the cause is.
    pub cause: Cause,
    /// What happened.
    pub reason: String,
}

impl Trouble {
    /// What an error says.
    pub fn of(error: &Error) -> Self {
        Self {
            cause: Cause::of(error),
            reason: error.to_string(),
        }
    }
}

impl Error {
    /// What happened, and what to do about it, where it is tried again.
    pub fn with_hint(&self) -> String {
        match self.hint_of_service() {
            Some(hint) => format!("{self}; {hint}"),
            None => self.to_string(),
        }
    }

    /// Whether a segment waits for a key that may not sign any more.
    pub const fn is_of_an_old_key(&self) -> bool {
        matches!(self, Self::Key(KeyError::Unsigned { .. }))
    }

    /// Whether a service has refused: what was asked for was not done.
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::Aws(fault) => (400..500).contains(&fault.status()),
            Self::Key(KeyError::SigningFailed { .. } | KeyError::Kms { .. }) => true,
            Self::Key(_)
            | Self::Usage(_)
            | Self::Policy(_)
            | Self::Pins(_)
            | Self::Input(_)
            | Self::Store(_)
            | Self::Log(_)
            | Self::Spool(_)
            | Self::Machine(_)
            | Self::Chain(_) => false,
        }
    }
}
