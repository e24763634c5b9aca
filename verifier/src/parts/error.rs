//! Why a step beyond one machine cannot be done. None of these is evidence against a log.

use auditlog_chain::hash::Hash;
use auditlog_chain::origin::Origin;

use crate::request::RequestError;
use crate::source::ReadError;

/// Why a plan, a part or a merge cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PartsError {
    /// The request does not fit the policy or the source.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The listing is not complete.
    #[error("{}", .0.reason)]
    Unlisted(ReadError),
    /// Another number of ranges than a plan may have was asked for.
    #[error("a plan has 1 to {limit} ranges, not {found}")]
    Ranges {
        /// What was asked for.
        found: u64,
        /// The limit.
        limit: u64,
    },
    /// A document is not in its form.
    #[error("{name} is not what a step of this program wrote: {reason}")]
    Malformed {
        /// Its name.
        name: String,
        /// Why.
        reason: String,
    },
    /// A document has a version, or is judged by rules, that this program does not know.
    #[error("{name} has version {found}, this program knows {known}")]
    Unsupported {
        /// Its name, and which of its versions.
        name: String,
        /// The version.
        found: u64,
        /// The one that is known.
        known: u64,
    },
    /// The trust policy is not the one that the plan was made with.
    #[error("the trust policy has digest {found}, the plan was made with {expected}")]
    OtherPolicy {
        /// The plan's.
        expected: Hash,
        /// That of the policy.
        found: Hash,
    },
    /// The pin of a log is not the one that the plan was made with.
    #[error("the plan was made without the present pin of log {log}")]
    OtherPins {
        /// The log.
        log: Origin,
    },
    /// The plan has no such range.
    #[error("the plan has ranges 0 to {last}, not {found}")]
    NoSuchRange {
        /// The last one.
        last: u64,
        /// The range.
        found: u64,
    },
    /// The list of a range is not the one that the plan was made with.
    #[error("the list of range {range} is not the one of this plan")]
    OtherList {
        /// The range.
        range: u64,
    },
    /// The source is not the one that the plan was made of.
    #[error("the plan is of {expected}, not of {found}")]
    OtherSource {
        /// What the plan is of.
        expected: String,
        /// The source.
        found: String,
    },
    /// A partial result is of another plan.
    #[error("{name} is of another plan: {found}, not {expected}")]
    Foreign {
        /// Its name.
        name: String,
        /// Digest of this plan.
        expected: Hash,
        /// Digest of the other one.
        found: Hash,
    },
    /// A range has no partial result.
    #[error("range {range} has no partial result")]
    Missing {
        /// The range.
        range: u64,
    },
    /// A range has two partial results that differ.
    #[error("{one} and {other} are partial results of one range, and differ")]
    Differ {
        /// The name of one.
        one: String,
        /// The name of the other.
        other: String,
    },
    /// A partial result contradicts itself or its plan.
    #[error("the partial result of range {range} cannot be right: {why}")]
    Contradicts {
        /// The range.
        range: u64,
        /// How.
        why: &'static str,
    },
}

impl PartsError {
    /// What a person can do about it.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Request(_) => None,
            Self::Unlisted(error) => error.hint.as_deref(),
            Self::Ranges { .. } => Some("give --ranges another number"),
            Self::Malformed { .. } => {
                Some("make the plan or the part again; nothing but these steps may write to it")
            }
            Self::Unsupported { .. } => Some("use one version of auditlog-verify for all steps"),
            Self::OtherPolicy { .. } | Self::OtherList { .. } => {
                Some("make the plan again with `auditlog-verify plan`")
            }
            Self::OtherPins { .. } => Some("make the plan again with --pins, and then its parts"),
            Self::NoSuchRange { .. } => Some("start as many tasks as the plan has ranges"),
            Self::OtherSource { .. } => Some("name the target that the plan was made of"),
            Self::Foreign { .. } => Some("keep the parts of each plan in a folder of their own"),
            Self::Missing { .. } => Some("run `auditlog-verify part` for it"),
            Self::Differ { .. } => {
                Some("remove both and run `auditlog-verify part` for that range again")
            }
            Self::Contradicts { .. } => {
                Some("run `auditlog-verify part` for it again, on a machine that you trust")
            }
        }
    }
}
