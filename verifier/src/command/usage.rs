//! Why the command could not look at anything, and what to do about it.

use std::io::{self, Write as _};
use std::path::Path;

use auditlog_chain::origin::Origin;
use auditlog_chain::policy::PolicyError;
use auditlog_verifier::parts::PartsError;
use auditlog_verifier::pins::PinsError;
use auditlog_verifier::report::plain;
use auditlog_verifier::request::RequestError;
use auditlog_verifier::source::ReadError;

/// The hint where a file is not the trust policy.
const RENDERED: &str = "name the file that `terraform output -raw trust_policy` wrote, unchanged";

/// Why the command could not look at anything, and what a person can do about it.
#[derive(Clone, Debug)]
pub(crate) struct Usage {
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

impl Usage {
    pub(crate) fn new(message: impl Into<String>, hint: &str) -> Self {
        Self {
            message: message.into(),
            hint: Some(hint.to_owned()),
        }
    }

    /// Says it on standard error, as an error and a hint.
    pub(crate) fn complain(&self) {
        self.say("error");
    }

    /// Says it on standard error, as a note and a hint: nothing has failed for it.
    pub(crate) fn note(&self) {
        self.say("note");
    }

    fn say(&self, kind: &str) {
        let mut stderr = io::stderr();
        _ = writeln!(stderr, "{kind}: {}", plain(&self.message));
        if let Some(hint) = &self.hint {
            _ = writeln!(stderr, "hint: {}", plain(hint));
        }
    }

    pub(crate) fn unreadable_policy(path: &Path, error: &std::io::Error) -> Self {
        let message = format!("cannot read the trust policy {}: {error}", path.display());
        Self::new(message, RENDERED)
    }

    pub(crate) fn of_policy(path: &Path, error: &PolicyError) -> Self {
        let hint = match error {
            PolicyError::Unsupported { .. } | PolicyError::UnsupportedStore { .. } => {
                "use a newer auditlog-verify"
            }
            PolicyError::TerraformJson => {
                "write the file with `terraform output -raw trust_policy`"
            }
            PolicyError::TooLarge { .. }
            | PolicyError::Malformed { .. }
            | PolicyError::Inconsistent { .. } => RENDERED,
        };
        Self::new(format!("{}: {error}", path.display()), hint)
    }
}

impl From<ReadError> for Usage {
    fn from(error: ReadError) -> Self {
        Self {
            message: error.reason,
            hint: error.hint,
        }
    }
}

impl From<PinsError> for Usage {
    fn from(error: PinsError) -> Self {
        Self::new(error.to_string(), error.hint())
    }
}

impl From<RequestError> for Usage {
    fn from(error: RequestError) -> Self {
        let hint = match &error {
            RequestError::UnknownLog { known, .. } => {
                let known: Vec<&str> = known.iter().map(Origin::as_str).collect();
                format!("it declares {}", known.join(", "))
            }
            RequestError::NothingInScope { .. } => {
                "leave out the prefix to verify the whole bucket".to_owned()
            }
            RequestError::Policy(_) => {
                "lengthen the retention, or shorten max_silence, and apply the configuration again"
                    .to_owned()
            }
        };
        Self::new(error.to_string(), &hint)
    }
}

impl From<PartsError> for Usage {
    fn from(error: PartsError) -> Self {
        let hint = error.hint().map(str::to_owned);
        match error {
            PartsError::Request(error) => error.into(),
            error => Self {
                message: error.to_string(),
                hint,
            },
        }
    }
}
