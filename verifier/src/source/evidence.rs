//! What a store says of a version and of itself, in words that no store has for itself: when it was stored and whether that time counts, until when it is
//! kept, and how strongly. The rules judge this. What a store calls these things, and why it says them, is known to its own source alone.

use auditlog_chain::policy::LockMode;
use auditlog_chain::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

use super::ReadError;

/// What a listing says of one version of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// Its id; `None` in a folder.
    pub id: Option<String>,
    /// When it was stored, in whole seconds; `None` in a folder, where that proves nothing.
    pub stored: Option<Timestamp>,
    /// Bytes of the object.
    pub bytes: u64,
    /// Why `stored` does not count, as far as the listing shows it.
    pub undated: Option<Box<Undated>>,
    /// Whether it is what a reader of the key gets.
    pub is_latest: bool,
}

/// A delete marker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marker {
    /// Its version id.
    pub id: Option<String>,
    /// When it was set.
    pub set: Timestamp,
    /// Whether a reader of the key gets nothing.
    pub is_latest: bool,
}

/// Why the time of a version is not the one at which its bytes were written here (V19).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Undated {
    /// It was uploaded in parts: the time is that of the beginning.
    InParts {
        /// What shows it, as the store writes it.
        shown_by: Box<str>,
    },
    /// It is a copy that a store made: the time is that of the original.
    Replica,
}

/// One version of an object: its bytes, and what the store says of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// The bytes; an error where the store has them and does not hand them out now, as an archive does.
    pub bytes: Result<Vec<u8>, ReadError>,
    /// What the store says of this version; `None` in a folder.
    pub storage: Option<Storage>,
}

/// What the store says of one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Storage {
    /// What keeps the version; `None` where nothing does; an error where the store does not say.
    pub lock: Result<Option<Lock>, ReadError>,
    /// Why its time does not count, where only this answer shows it.
    pub undated: Option<Undated>,
}

/// What keeps one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lock {
    /// How strongly.
    pub strength: Strength,
    /// Until when; `None` where only an event hold keeps the version.
    pub until: Option<Timestamp>,
    /// How long the version is kept once its event hold is lifted, where it is under one (A7).
    pub held_for_seconds: Option<i64>,
}

/// How strongly something is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strength {
    /// As strongly as this mode that a policy declares.
    As(LockMode),
    /// In a way that this program does not know, by the store's name. It counts for nothing.
    Unknown(String),
}

impl Strength {
    /// Whether it is at least as strong as what was declared.
    pub fn is_at_least(&self, declared: LockMode) -> bool {
        matches!(self, Self::As(mode) if *mode >= declared)
    }
}

impl std::fmt::Display for Strength {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::As(mode) => mode.fmt(f),
            Self::Unknown(name) => f.write_str(name),
        }
    }
}

/// How a bucket is configured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    /// What the store says in place of that each version is kept; `None` where it is.
    pub unversioned: Option<String>,
    /// The lock of a new object that does not ask for one.
    pub new_objects: NewObjects,
}

/// The lock of a new object that does not ask for one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NewObjects {
    /// No object can be locked.
    NeverLocked,
    /// None, but objects can be locked.
    NotLocked,
    /// This strong, for so many days.
    Locked {
        /// How strongly.
        strength: Strength,
        /// For how long.
        days: u32,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_weaker_than_everything_that_can_be_declared() {
        use LockMode::{Compliance, Governance};
        for (strength, governance, compliance) in [
            (Strength::As(Compliance), true, true),
            (Strength::As(Governance), true, false),
            (Strength::Unknown("IRREVOCABLE".to_owned()), false, false),
        ] {
            assert_eq!(strength.is_at_least(Governance), governance, "{strength}");
            assert_eq!(strength.is_at_least(Compliance), compliance, "{strength}");
        }
    }
}
