//! What a person should look at though the sealer goes on.

use std::fmt;

use auditlog_chain::policy::{Acknowledged, Position};
use auditlog_chain::timestamp::Timestamp;
use auditlog_chain::verifier_key::VerifierKey;

use crate::error::Cause;
use crate::level::Level;
use crate::store::{Oddity, WeakDefault};

/// Something that the sealer noticed and that does not stop it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// An option says that the end of the log is taken on trust.
    HeadUnknown {
        /// Where the log ends.
        head: Position,
    },
    /// Segments are absent, and all of them have expired.
    Expired {
        /// The first one.
        first: u64,
        /// The last one.
        last: u64,
    },
    /// Segments are absent, and the policy acknowledges it.
    Acknowledged {
        /// The first one.
        first: u64,
        /// The last one.
        last: u64,
    },
    /// Delete markers are on older segments.
    Markers(Oddity),
    /// Older segments have more than one version.
    SecondVersions(Oddity),
    /// The bucket's default retention is weaker than the trust policy declares.
    WeakDefault(WeakDefault),
    /// The log was silent for longer than declared.
    Silence {
        /// Its last sign of life.
        from: Timestamp,
        /// The segment that was written now.
        until: Timestamp,
        /// The entry of the policy that acknowledges it.
        entry: Box<Acknowledged>,
    },
    /// A segment cannot be stored now.
    Waits {
        /// Its number.
        segment: u64,
        /// Why.
        reason: String,
        /// Where the cause is.
        cause: Cause,
    },
    /// A segment that could not be stored is stored.
    StoresAgain {
        /// Its number.
        segment: u64,
    },
    /// What waited for a key that may not sign any more was chained again, under the key that signs now.
    ChainedAgain {
        /// The first segment that was chained again.
        first: u64,
        /// The last one now.
        last: u64,
    },
    /// Another key signs from now on.
    Rotated {
        /// Its verifier key.
        key: Box<VerifierKey>,
    },
    /// The policy or the keys were changed, and cannot be used.
    NotRenewed {
        /// Why.
        reason: String,
        /// Where the cause is.
        cause: Cause,
    },
    /// The names of batches were read from the log.
    NamesRead {
        /// How many.
        names: u64,
        /// The first segment that was read.
        first: u64,
    },
    /// A sender gives one name to several batches.
    NameReused {
        /// The name of the last one.
        name: String,
        /// Who sent it, where that is known.
        source: Option<String>,
        /// How many there were since this was said last.
        batches: u64,
    },
    /// The policy and the keys were read again.
    Renewed,
    /// The bucket does not lock what it is given.
    NotLocked {
        /// Why.
        reason: String,
    },
    /// The bucket locks what it is given again.
    LocksAgain,
    /// The bucket's default retention is as the trust policy declares again.
    StrongDefault,
    /// The service takes no batches now.
    Refuses {
        /// Why.
        reason: String,
        /// Where the cause is.
        cause: Cause,
    },
    /// The service takes batches again.
    AcceptsAgain,
}

impl Notice {
    /// How urgent it is: good news is not a warning.
    pub const fn level(&self) -> Level {
        match self {
            Self::StoresAgain { .. }
            | Self::ChainedAgain { .. }
            | Self::Rotated { .. }
            | Self::Renewed
            | Self::LocksAgain
            | Self::StrongDefault
            | Self::AcceptsAgain => Level::Info,
            Self::HeadUnknown { .. }
            | Self::Expired { .. }
            | Self::Acknowledged { .. }
            | Self::Markers(_)
            | Self::SecondVersions(_)
            | Self::WeakDefault(_)
            | Self::Silence { .. }
            | Self::Waits { .. }
            | Self::NotRenewed { .. }
            | Self::NamesRead { .. }
            | Self::NameReused { .. }
            | Self::NotLocked { .. }
            | Self::Refuses { .. } => Level::Warning,
        }
    }

    /// Where the cause is, as in the metrics, where it is about something that does not work now.
    pub const fn cause(&self) -> Option<Cause> {
        match self {
            Self::Waits { cause, .. }
            | Self::NotRenewed { cause, .. }
            | Self::Refuses { cause, .. } => Some(*cause),
            Self::WeakDefault(_) | Self::NotLocked { .. } => Some(Cause::Lock),
            Self::StoresAgain { .. }
            | Self::ChainedAgain { .. }
            | Self::Rotated { .. }
            | Self::Renewed
            | Self::LocksAgain
            | Self::StrongDefault
            | Self::AcceptsAgain
            | Self::HeadUnknown { .. }
            | Self::Expired { .. }
            | Self::Acknowledged { .. }
            | Self::Markers(_)
            | Self::SecondVersions(_)
            | Self::Silence { .. }
            | Self::NamesRead { .. }
            | Self::NameReused { .. } => None,
        }
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HeadUnknown { head } => write!(
                f,
                "the log goes on after segment {}, size {}, root {}, on trust (--head-unknown): a tail that was removed before would go unnoticed here",
                head.segment,
                head.size,
                head.root.to_base64()
            ),
            Self::Expired { first, last } => {
                write!(
                    f,
                    "segments {first} to {last} are absent; their retention has ended"
                )
            }
            Self::Acknowledged { first, last } => write!(
                f,
                "segments {first} to {last} are absent; the trust policy acknowledges it, or their retention has ended"
            ),
            Self::Markers(oddity) => write!(
                f,
                "older segments have delete markers: {}{}",
                oddity.key,
                more(oddity.objects)
            ),
            Self::SecondVersions(oddity) => write!(
                f,
                "older segments have more than one version: {}{}",
                oddity.key,
                more(oddity.objects)
            ),
            Self::WeakDefault(weak) => write!(f, "{weak}"),
            Self::Waits {
                segment, reason, ..
            } => write!(
                f,
                "segment {segment} cannot be stored now and waits in the spool; storing it is tried again and again: {reason}"
            ),
            Self::StoresAgain { segment } => {
                write!(f, "segment {segment} is stored; segments are stored again")
            }
            Self::ChainedAgain { first, last } => write!(
                f,
                "segments {first} to {last} were chained again under the key that signs now: the key that they waited for may not sign any more"
            ),
            Self::Rotated { key } => write!(f, "from now on, segments are signed by {key}"),
            Self::NotRenewed { reason, .. } => write!(
                f,
                "the trust policy or the keys have changed and cannot be used; those from before count until that is corrected: {reason}"
            ),
            Self::NotLocked { reason } => write!(
                f,
                "the bucket does not lock what it is given, and nothing is stored until it does; segments wait in the spool: {reason}"
            ),
            Self::LocksAgain => f.write_str("the bucket locks what it is given again"),
            Self::StrongDefault => f.write_str(
                "the default retention of the bucket is as the trust policy declares again",
            ),
            Self::NamesRead { names, first } => write!(
                f,
                "the spool has not seen the log: {} read from its segments, from segment {first} on; a batch from before that would be taken again",
                match names {
                    1 => "1 name of a batch was".to_owned(),
                    _ => format!("{names} names of batches were"),
                }
            ),
            Self::NameReused {
                name,
                source,
                batches,
            } => {
                let plural = if *batches == 1 { "batch" } else { "batches" };
                let of = source
                    .as_ref()
                    .map_or_else(String::new, |source| format!(" of {source}"));
                write!(
                    f,
                    "{batches} {plural} came under the name of another one, with other events; the last name was {name}{of}. They were kept, and are marked as possible repeats: each batch needs a name of its own, which its sender keeps for that batch alone"
                )
            }
            Self::Renewed => f.write_str("the trust policy and the keys were read again"),
            Self::Refuses { reason, .. } => write!(
                f,
                "no events are accepted now, and senders are asked to come again later: {reason}"
            ),
            Self::AcceptsAgain => f.write_str("events are accepted again"),
            Self::Silence { from, until, entry } => {
                // Strings and times can always be written.
                let entry = serde_json::to_string(entry).unwrap_or_default();
                write!(
                    f,
                    "the log was silent from {from} until {until}, which is longer than its max_silence: verification will find silence-exceeded. Once the reason is known, add this entry to `acknowledged` of the trust policy:\n{entry}"
                )
            }
        }
    }
}

fn more(objects: u64) -> String {
    match objects.saturating_sub(1) {
        0 => String::new(),
        more => format!(" and {more} more"),
    }
}
