//! The words for faults.

use std::fmt;

use auditlog_chain::policy::Position;

use crate::fault::{Fault, Silence};

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Chain(fault) => write!(f, "{fault}"),
            Self::Told(told) => write!(f, "{told}"),
            Self::LogEmpty { prefix } => write!(f, "the log has no segment under {prefix}/"),
            Self::SegmentMissing { first, last, .. } if first == last => {
                write!(f, "segment {first} is missing")
            }
            Self::SegmentMissing { first, last, .. } => {
                write!(f, "segments {first} to {last} are missing")
            }
            Self::EndMismatch { .. } => f.write_str("the log does not end where the policy says"),
            Self::KeyUnknown { found, .. } => {
                write!(f, "the policy does not authorise key {found} for this log")
            }
            Self::KeyOutsideSpan {
                key_id,
                what,
                found,
                ..
            } => write!(
                f,
                "key {key_id} signed a segment that was {what} at {found}"
            ),
            Self::KeyCompromised {
                key_id,
                expected,
                found,
            } => write!(
                f,
                "segment {found} is signed by key {key_id}, which counts up to segment {expected} only"
            ),
            Self::LastGoodMismatch { .. } => {
                f.write_str("the last good segment is not the one that the policy names")
            }
            Self::SecondVersion { found } => {
                write!(
                    f,
                    "the object has {found} versions, and this is not its first"
                )
            }
            Self::HiddenByDeleteMarker { found, .. } => {
                write!(f, "a delete marker of {found} hides the object")
            }
            Self::ObjectUnaccounted { what } => {
                write!(f, "the policy does not declare {what} here")
            }
            Self::LockMissing { .. } => f.write_str("the version has no lock"),
            Self::LockModeWeaker {
                expected, found, ..
            } => write!(
                f,
                "the version is locked in mode {found}, but {expected} was declared"
            ),
            Self::LockTooShort { expected, found } => write!(
                f,
                "the version is locked until {found}, but until {expected} was declared"
            ),
            Self::ObjectMultipart { found } => {
                write!(f, "the object was uploaded in parts (ETag {found})")
            }
            Self::ObjectReplica => f.write_str("the object is a replica"),
            Self::BucketVersioning { found } => write!(f, "versioning of the bucket is {found}"),
            Self::BucketLock { found, .. } => write!(f, "Object Lock of the bucket is {found}"),
            Self::SealedAfterStored { stored, found, .. } => write!(
                f,
                "the segment was sealed at {found}, after it was stored at {stored}"
            ),
            Self::StoredOrder { found, .. } => write!(
                f,
                "the segment was stored at {found}, before its predecessor"
            ),
            Self::StoredInFuture { found, .. } => {
                write!(f, "the object has a time in the future: {found}")
            }
            Self::SealedInFuture { found, .. } => {
                write!(f, "the segment was sealed in the future, at {found}")
            }
            Self::SilenceExceeded {
                place, from, until, ..
            } => {
                let seconds = until.seconds_since(*from);
                write!(f, "the log was silent for {seconds} seconds, {place}")
            }
            Self::HeadRolledBack {
                expected, found, ..
            } => write!(
                f,
                "the log ends with segment {found}, but an earlier run saw segment {}",
                expected.segment
            ),
            Self::HeadForked { expected, .. } => write!(
                f,
                "segment {} is not the one that an earlier run saw",
                expected.segment
            ),
        }
    }
}

impl fmt::Display for Silence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::First => "from its declared beginning to its first segment",
            Self::Between => "before this segment",
            Self::Last => "after its last segment",
        })
    }
}

fn position(at: &Position) -> String {
    let Position {
        segment,
        size,
        root,
    } = at;
    format!("segment {segment}, size {size}, root {}", root.to_base64())
}

impl Fault {
    /// What was expected and what was found, as a report shows them side by side.
    pub fn sides(&self) -> (String, String) {
        let both = |e: &dyn ToString, f: &dyn ToString| (e.to_string(), f.to_string());
        match self {
            Self::Chain(fault) => fault.sides(),
            Self::Told(told) => told.sides(),
            Self::LogEmpty { .. } => both(&"at least one segment", &"none"),
            Self::SegmentMissing { kept_until, .. } => {
                let until = kept_until.map(|time| format!(", kept until {time}"));
                (
                    format!("the object{}", until.unwrap_or_default()),
                    "nothing".to_owned(),
                )
            }
            Self::EndMismatch { expected, found } | Self::HeadForked { expected, found } => {
                (position(expected), position(found))
            }
            Self::LastGoodMismatch { expected, found } => {
                let none = || "a log that ends before it".to_owned();
                (
                    position(expected),
                    found.as_ref().map_or_else(none, position),
                )
            }
            Self::KeyUnknown { expected, found } => {
                (format!("one of {}", expected.join(", ")), found.clone())
            }
            Self::KeyOutsideSpan {
                valid_from,
                retired_at,
                found,
                ..
            } => {
                let until = retired_at
                    .map(|time| format!(" to {time}"))
                    .unwrap_or_default();
                (
                    format!("a time from {valid_from}{until}"),
                    found.to_string(),
                )
            }
            Self::KeyCompromised {
                expected, found, ..
            } => (
                format!("no segment after {expected} under this key"),
                format!("segment {found}"),
            ),
            Self::SecondVersion { found } => both(&"one version", found),
            Self::HiddenByDeleteMarker { expected, found } => {
                (format!("no marker before {expected}"), found.to_string())
            }
            Self::ObjectUnaccounted { what } => {
                both(&"a segment of a declared log, or a declared prefix", what)
            }
            Self::LockMissing { expected, until } => {
                (format!("{expected} until {until}"), "no lock".to_owned())
            }
            Self::LockModeWeaker {
                expected, found, ..
            } => both(expected, found),
            Self::LockTooShort { expected, found }
            | Self::StoredOrder {
                expected, found, ..
            } => (format!("{expected} or later"), found.to_string()),
            Self::ObjectMultipart { found } => both(&"an object uploaded in one piece", found),
            Self::ObjectReplica => both(&"an object that was written here", &"a replica"),
            Self::BucketVersioning { found } => both(&"Enabled", found),
            Self::BucketLock { expected, found } => both(expected, found),
            Self::SealedAfterStored {
                expected, found, ..
            }
            | Self::SealedInFuture { expected, found }
            | Self::StoredInFuture { expected, found } => {
                (format!("{expected} or earlier"), found.to_string())
            }
            Self::SilenceExceeded {
                from,
                until,
                deadline,
                ..
            } => (
                format!("at most {} seconds", deadline.seconds_since(*from)),
                format!("{} seconds", until.seconds_since(*from)),
            ),
            Self::HeadRolledBack {
                expected, found, ..
            } => (position(expected), format!("segment {found}")),
        }
    }
}
