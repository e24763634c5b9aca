//! What a verification can find, and where. Three families that never mix: a [`Fault`] (the evidence is wrong), an
//! [`Unread`] (we could not look, or are too old to judge), and a note (true, and no reason to fail).

use auditlog_chain::fault as chain;
use auditlog_chain::origin::Origin;
use auditlog_chain::policy::{LockMode, Position};
use auditlog_chain::timestamp::Timestamp;

/// What is wrong with the evidence. Each has a stable [code](Fault::code) and both sides.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A segment is wrong in itself, or does not go on where its predecessor ended (V7, V8, V12).
    #[error(transparent)]
    Chain(#[from] chain::Fault),
    /// A declared log has no segment at all (V6).
    #[error("the log has no segment under {prefix}/")]
    LogEmpty {
        /// The log's prefix.
        prefix: String,
    },
    /// Segments are absent, and their retention has not run out (V9).
    #[error("{}", missing(*first, *last))]
    SegmentMissing {
        /// Number of the first that is absent.
        first: u64,
        /// Number of the last that is absent.
        last: u64,
        /// Until when the last of them had to be kept, where a later segment shows it.
        kept_until: Option<Timestamp>,
    },
    /// A segment does not have the size and root that the policy names for the end of the log (V10).
    #[error("the log does not end as the policy says it ended")]
    EndMismatch {
        /// What the policy says.
        expected: Position,
        /// What was found.
        found: Position,
    },
    /// A signature, or a key line, is of a key that the policy does not authorise for the log (V11).
    #[error("the policy does not authorise key {found} for this log")]
    KeyUnknown {
        /// Ids of the keys that it does authorise, in hex.
        expected: Vec<String>,
        /// The key: its id in hex, or as a verifier key.
        found: String,
    },
    /// A segment was sealed or stored when its key could not sign, or could sign no more (V14).
    #[error("key {key_id} signed a segment that was {what} at {found}")]
    KeyOutsideSpan {
        /// Id of the key in hex.
        key_id: String,
        /// Which of the segment's times: `sealed` or `stored`.
        what: &'static str,
        /// From when on the key may sign.
        valid_from: Timestamp,
        /// From when on it may not.
        retired_at: Option<Timestamp>,
        /// The time.
        found: Timestamp,
    },
    /// A segment after the last good one is signed by a compromised key (V15).
    #[error(
        "segment {found} is signed by key {key_id}, which counts up to segment {expected} only"
    )]
    KeyCompromised {
        /// Id of the key in hex.
        key_id: String,
        /// Number of the last good segment.
        expected: u64,
        /// Number of the segment.
        found: u64,
    },
    /// The log does not hold the last good segment that the policy names for a compromised key (V15).
    #[error("the last good segment is not what the policy says")]
    LastGoodMismatch {
        /// What the policy says.
        expected: Position,
        /// What was found; `None` where the log ends before it.
        found: Option<Position>,
    },
    /// A segment has more than one version (V17).
    #[error("the object has {found} versions: this one is not its first")]
    SecondVersion {
        /// How many versions the object has.
        found: usize,
    },
    /// A delete marker hides a segment that had to be kept (V17).
    #[error("a delete marker of {found} hides the object")]
    HiddenByDeleteMarker {
        /// Until when the object had to be kept.
        expected: Timestamp,
        /// When the marker was set.
        found: Timestamp,
    },
    /// An object is no segment of a declared log and lies under no declared prefix (V5).
    #[error("the policy declares nothing that this {what} could be")]
    ObjectUnaccounted {
        /// What it is: an object, a delete marker, a file, a folder, a symbolic link.
        what: &'static str,
    },
    /// A version is not locked (V18).
    #[error("the version has no lock")]
    LockMissing {
        /// The declared mode.
        expected: LockMode,
        /// Until when it should be locked.
        until: Timestamp,
    },
    /// A version is locked in a weaker mode than was declared (V18).
    #[error("the version is locked in mode {found}, declared was {expected}")]
    LockModeWeaker {
        /// The declared mode.
        expected: LockMode,
        /// The mode as the store has it.
        found: String,
    },
    /// A version's lock ends before the declared retention does (V18).
    #[error("the version is locked until {found}, declared was until {expected}")]
    LockTooShort {
        /// Until when it should be locked, at least.
        expected: Timestamp,
        /// Until when it is.
        found: Timestamp,
    },
    /// A segment was uploaded in parts: its `LastModified` is the upload's beginning (V19).
    #[error("the object was uploaded in parts (ETag {found})")]
    ObjectMultipart {
        /// Its `ETag`.
        found: String,
    },
    /// A segment is a replica: its `LastModified` is the source's (V19).
    #[error("the object is a replica")]
    ObjectReplica,
    /// The bucket does not keep versions (V20).
    #[error("versioning of the bucket is {found}")]
    BucketVersioning {
        /// Its state.
        found: String,
    },
    /// Object Lock of the bucket is not as declared (V20).
    #[error("Object Lock of the bucket is {found}")]
    BucketLock {
        /// What was declared.
        expected: String,
        /// What is.
        found: String,
    },
    /// A segment says that it was sealed after it was stored (V21).
    #[error("the segment was sealed at {found}, and stored before, at {stored}")]
    SealedAfterStored {
        /// `LastModified`.
        stored: Timestamp,
        /// The latest that `sealed` can be.
        expected: Timestamp,
        /// `sealed`.
        found: Timestamp,
    },
    /// A segment was stored before its predecessor (V22).
    #[error("the segment was stored at {found}, its predecessor at {expected}")]
    StoredOrder {
        /// `LastModified` of the predecessor.
        expected: Timestamp,
        /// `LastModified`.
        found: Timestamp,
    },
    /// A segment says that it was sealed in the future (V23).
    #[error("the segment was sealed in the future, at {found}")]
    SealedInFuture {
        /// The latest that `sealed` can be.
        expected: Timestamp,
        /// `sealed`.
        found: Timestamp,
    },
    /// The log was silent for longer than declared (V24).
    #[error("the log was silent for {found} seconds, {place}")]
    SilenceExceeded {
        /// Where in the log, in words.
        place: Silence,
        /// The declared `max_silence`, in seconds.
        expected: u64,
        /// How long it was, in seconds.
        found: u64,
    },
    /// The log's head lies before the one that an earlier run pinned (V25).
    #[error("the log ends with segment {found}, an earlier run saw segment {}", expected.segment)]
    HeadRolledBack {
        /// The pinned head.
        expected: Position,
        /// Number of the last segment.
        found: u64,
    },
    /// The pinned segment has another size or root than an earlier run saw (V25).
    #[error("segment {} is not the one that an earlier run saw", expected.segment)]
    HeadForked {
        /// The pinned head.
        expected: Position,
        /// What was found.
        found: Position,
    },
}

/// Where a log was silent for too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silence {
    /// From its declared beginning to its first segment.
    First,
    /// Between two segments.
    Between,
    /// From its last segment until now.
    Last,
}

impl std::fmt::Display for Silence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::First => "from its declared beginning to its first segment",
            Self::Between => "before this segment",
            Self::Last => "after its last segment",
        })
    }
}

fn missing(first: u64, last: u64) -> String {
    if first == last {
        format!("segment {first} is missing")
    } else {
        format!("segments {first} to {last} are missing")
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
    /// The stable name of the fault, also the name of its section in `docs/guides/faults.md`.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Chain(fault) => fault.code(),
            Self::LogEmpty { .. } => "log-empty",
            Self::SegmentMissing { .. } => "segment-missing",
            Self::EndMismatch { .. } => "end-mismatch",
            Self::KeyUnknown { .. } => "key-unknown",
            Self::KeyOutsideSpan { .. } => "key-outside-span",
            Self::KeyCompromised { .. } => "key-compromised",
            Self::LastGoodMismatch { .. } => "last-good-mismatch",
            Self::SecondVersion { .. } => "second-version",
            Self::HiddenByDeleteMarker { .. } => "hidden-by-delete-marker",
            Self::ObjectUnaccounted { .. } => "object-unaccounted",
            Self::LockMissing { .. } => "lock-missing",
            Self::LockModeWeaker { .. } => "lock-mode",
            Self::LockTooShort { .. } => "lock-too-short",
            Self::ObjectMultipart { .. } => "object-multipart",
            Self::ObjectReplica => "object-replica",
            Self::BucketVersioning { .. } => "bucket-versioning",
            Self::BucketLock { .. } => "bucket-lock",
            Self::SealedAfterStored { .. } => "sealed-after-stored",
            Self::StoredOrder { .. } => "stored-order",
            Self::SealedInFuture { .. } => "sealed-in-future",
            Self::SilenceExceeded { .. } => "silence-exceeded",
            Self::HeadRolledBack { .. } => "head-rolled-back",
            Self::HeadForked { .. } => "head-forked",
        }
    }

    /// What was expected and what was found, as a report shows them side by side.
    pub fn sides(&self) -> (String, String) {
        let both = |e: &dyn ToString, f: &dyn ToString| (e.to_string(), f.to_string());
        match self {
            Self::Chain(fault) => fault.sides(),
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
            Self::LockModeWeaker { expected, found } => both(expected, found),
            Self::LockTooShort { expected, found } | Self::StoredOrder { expected, found } => {
                (format!("{expected} or later"), found.to_string())
            }
            Self::ObjectMultipart { found } => both(&"an object uploaded in one piece", found),
            Self::ObjectReplica => both(&"an object that was written here", &"a replica"),
            Self::BucketVersioning { found } => both(&"Enabled", found),
            Self::BucketLock { expected, found } => both(expected, found),
            Self::SealedAfterStored {
                expected, found, ..
            }
            | Self::SealedInFuture { expected, found } => {
                (format!("{expected} or earlier"), found.to_string())
            }
            Self::SilenceExceeded {
                expected, found, ..
            } => (
                format!("at most {expected} seconds"),
                format!("{found} seconds"),
            ),
            Self::HeadRolledBack { expected, found } => {
                (position(expected), format!("segment {found}"))
            }
        }
    }
}

/// Where a fault is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The log.
    pub log: Option<Origin>,
    /// The object's key.
    pub object: Option<String>,
    /// The version of the object.
    pub version_id: Option<String>,
    /// Number of the line in the segment, from 1.
    pub line: Option<u64>,
    /// Index of the line in the log.
    pub index: Option<u64>,
}

/// A fault and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What is wrong.
    pub fault: Fault,
    /// Where.
    pub place: Place,
}

/// Something that could not be looked at, or not be judged: the reason for "no verdict".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// What it is: an object's key, a log, the bucket.
    pub what: String,
    /// The log that it belongs to, where it belongs to one.
    pub log: Option<Origin>,
    /// Why.
    pub reason: String,
    /// What a person can do about it, if there is something to say.
    pub hint: Option<String>,
}

#[cfg(test)]
mod tests {
    /// The codes that a source file's `code()` returns.
    fn codes(source: &str) -> Vec<&str> {
        let body = source.split_once("fn code(&self)").unwrap().1;
        let body = body.split_once("\n    }\n").unwrap().0;
        body.split('"').skip(1).step_by(2).collect()
    }

    #[test]
    fn every_code_has_its_section_in_the_guide() {
        let guide = include_str!("../../docs/guides/faults.md");
        let mut all = codes(include_str!("finding.rs"));
        all.extend(codes(include_str!("../../chain/src/fault.rs")));
        assert!(all.len() > 40, "{all:?}");
        for code in &all {
            assert!(
                guide.contains(&format!("\n## {code}\n")),
                "docs/guides/faults.md has no section {code}"
            );
        }
        for section in guide.lines().filter_map(|line| line.strip_prefix("## ")) {
            assert!(
                all.contains(&section),
                "docs/guides/faults.md describes {section}, which no fault has"
            );
        }
    }
}
