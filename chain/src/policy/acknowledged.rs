//! Findings that a person has explained.
//!
//! An entry says what was found, so that it covers the same or less and never more: for silence both of its ends, for a
//! version its id and its lock, for missing segments the range with the log's size and root on both sides.

use serde::{Deserialize, Serialize};

use super::object::{only_objects, present};
use super::position::Position;
use crate::hash::Hash;
use crate::origin::Origin;
use crate::timestamp::Timestamp;

/// A finding that a person has explained.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Entry", into = "Entry")]
pub struct Acknowledged {
    /// Code of the finding.
    pub code: AcknowledgedCode,
    /// The log; absent only for an object outside of every log.
    pub log: Option<Origin>,
    /// Why it does not need another look, for people.
    pub reason: String,
    /// When somebody looked into it.
    pub date: Timestamp,
    /// What was found.
    pub found: Found,
}

/// What was found; its shape follows from the code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// The log was silent for too long.
    Silence(FoundSilence),
    /// Segments are absent.
    Missing(FoundMissing),
    /// A version of an object, or its lock, is not as declared.
    Version(FoundVersion),
    /// A segment was stored at a time that does not fit.
    Segment(FoundSegment),
}

/// A silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct FoundSilence {
    /// The last sign of life before it.
    pub from: Timestamp,
    /// The first sign of life after it, or when it was looked into.
    pub until: Timestamp,
}

/// A range of segments that are absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct FoundMissing {
    /// Number of the first absent segment.
    pub first: u64,
    /// Number of the last one.
    pub last: u64,
    /// The last present segment before them; absent where `first` is 0.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub before: Option<BeforeMissing>,
    /// The log as the next present segment claims it to have been; absent at the tail.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub after: Option<AfterMissing>,
    /// A pinned head in the range.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub pin: Option<Position>,
}

/// The end of the last present segment before a range of absent ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct BeforeMissing {
    /// Number of lines up to its end.
    pub size: u64,
    /// RFC 6962 root over them.
    pub root: Hash,
    /// Its `LastModified`; absent for a log in a folder.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub stored: Option<Timestamp>,
}

/// What the next present segment after a range of absent ones claims to continue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct AfterMissing {
    /// Number of lines before it.
    pub size: u64,
    /// RFC 6962 root over them, folded from its `left`.
    pub root: Hash,
}

/// A version of an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct FoundVersion {
    /// Key of the object.
    pub object: String,
    /// Its version id.
    pub version_id: String,
    /// Until when it is locked; absent where it has no lock.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub retain_until: Option<Timestamp>,
}

/// A segment and its times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct FoundSegment {
    /// Number of the segment.
    pub number: u64,
    /// When it was sealed, by its close line.
    pub sealed: Timestamp,
    /// When it was stored: `LastModified`.
    pub stored: Timestamp,
}

/// The codes of the findings that a policy may acknowledge. Codes of the chain, of signatures and of other keys, and those
/// of heads, ends and buckets are not among them: no explanation makes such a log a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AcknowledgedCode {
    /// `silence-exceeded`
    SilenceExceeded,
    /// `segment-missing`
    SegmentMissing,
    /// `second-version`
    SecondVersion,
    /// `hidden-by-delete-marker`
    HiddenByDeleteMarker,
    /// `object-unaccounted`
    ObjectUnaccounted,
    /// `lock-missing`
    LockMissing,
    /// `lock-mode`
    LockMode,
    /// `lock-too-short`
    LockTooShort,
    /// `object-multipart`
    ObjectMultipart,
    /// `object-replica`
    ObjectReplica,
    /// `sealed-after-stored`
    SealedAfterStored,
    /// `stored-order`
    StoredOrder,
    /// `key-outside-span`, where `stored` alone is outside of the span
    KeyOutsideSpan,
}

/// The shapes of what was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Silence,
    Missing,
    Version,
    Segment,
}

impl AcknowledgedCode {
    /// Every code that may be acknowledged.
    pub const ALL: [Self; 13] = [
        Self::SilenceExceeded,
        Self::SegmentMissing,
        Self::SecondVersion,
        Self::HiddenByDeleteMarker,
        Self::ObjectUnaccounted,
        Self::LockMissing,
        Self::LockMode,
        Self::LockTooShort,
        Self::ObjectMultipart,
        Self::ObjectReplica,
        Self::SealedAfterStored,
        Self::StoredOrder,
        Self::KeyOutsideSpan,
    ];

    /// The code as reports and policies write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SilenceExceeded => "silence-exceeded",
            Self::SegmentMissing => "segment-missing",
            Self::SecondVersion => "second-version",
            Self::HiddenByDeleteMarker => "hidden-by-delete-marker",
            Self::ObjectUnaccounted => "object-unaccounted",
            Self::LockMissing => "lock-missing",
            Self::LockMode => "lock-mode",
            Self::LockTooShort => "lock-too-short",
            Self::ObjectMultipart => "object-multipart",
            Self::ObjectReplica => "object-replica",
            Self::SealedAfterStored => "sealed-after-stored",
            Self::StoredOrder => "stored-order",
            Self::KeyOutsideSpan => "key-outside-span",
        }
    }

    /// The code with this name; `None` where it may not be acknowledged.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.as_str() == name)
    }

    const fn shape(self) -> Shape {
        match self {
            Self::SilenceExceeded => Shape::Silence,
            Self::SegmentMissing => Shape::Missing,
            Self::SecondVersion
            | Self::HiddenByDeleteMarker
            | Self::ObjectUnaccounted
            | Self::LockMissing
            | Self::LockMode
            | Self::LockTooShort
            | Self::ObjectMultipart
            | Self::ObjectReplica => Shape::Version,
            Self::SealedAfterStored | Self::StoredOrder | Self::KeyOutsideSpan => Shape::Segment,
        }
    }
}

impl std::fmt::Display for AcknowledgedCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for AcknowledgedCode {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for AcknowledgedCode {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::parse(&name).ok_or_else(|| {
            serde::de::Error::custom(format_args!(
                "`{name}` is not the code of a finding that can be acknowledged"
            ))
        })
    }
}

/// An entry as it is written: one of its last four fields is present, by its code.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
struct Entry {
    code: AcknowledgedCode,
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    log: Option<Origin>,
    reason: String,
    date: Timestamp,
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    silence: Option<FoundSilence>,
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    missing: Option<FoundMissing>,
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    version: Option<FoundVersion>,
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    segment: Option<FoundSegment>,
}

only_objects!(
    FoundSilence,
    FoundMissing,
    BeforeMissing,
    AfterMissing,
    FoundVersion,
    FoundSegment,
    Entry,
);

/// Why an entry is not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum EntryError {
    #[error(
        "an acknowledged `{code}` needs `{expected}` and no other description of what was found"
    )]
    OtherShape {
        code: AcknowledgedCode,
        expected: &'static str,
    },
    #[error("an acknowledged `{code}` needs `log`")]
    NoLog { code: AcknowledgedCode },
}

impl TryFrom<Entry> for Acknowledged {
    type Error = EntryError;

    fn try_from(entry: Entry) -> Result<Self, EntryError> {
        let code = entry.code;
        if entry.log.is_none() && code != AcknowledgedCode::ObjectUnaccounted {
            return Err(EntryError::NoLog { code });
        }
        let shape = code.shape();
        let found = match (
            shape,
            entry.silence,
            entry.missing,
            entry.version,
            entry.segment,
        ) {
            (Shape::Silence, Some(silence), None, None, None) => Found::Silence(silence),
            (Shape::Missing, None, Some(missing), None, None) => Found::Missing(missing),
            (Shape::Version, None, None, Some(version), None) => Found::Version(version),
            (Shape::Segment, None, None, None, Some(segment)) => Found::Segment(segment),
            _ => {
                let expected = shape.field();
                return Err(EntryError::OtherShape { code, expected });
            }
        };
        Ok(Self {
            code,
            log: entry.log,
            reason: entry.reason,
            date: entry.date,
            found,
        })
    }
}

impl Shape {
    const fn field(self) -> &'static str {
        match self {
            Self::Silence => "silence",
            Self::Missing => "missing",
            Self::Version => "version",
            Self::Segment => "segment",
        }
    }
}

impl From<Acknowledged> for Entry {
    fn from(acknowledged: Acknowledged) -> Self {
        let mut entry = Self {
            code: acknowledged.code,
            log: acknowledged.log,
            reason: acknowledged.reason,
            date: acknowledged.date,
            silence: None,
            missing: None,
            version: None,
            segment: None,
        };
        match acknowledged.found {
            Found::Silence(silence) => entry.silence = Some(silence),
            Found::Missing(missing) => entry.missing = Some(missing),
            Found::Version(version) => entry.version = Some(version),
            Found::Segment(segment) => entry.segment = Some(segment),
        }
        entry
    }
}
