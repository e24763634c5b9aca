//! A point in a log, as the policy and the verifier name it.

use serde::{Deserialize, Serialize};

use super::object::only_objects;
use crate::hash::Hash;

/// A point in a log that can be recognised: the end of one of its segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct Position {
    /// Number of the segment.
    pub segment: u64,
    /// Number of lines up to its end.
    pub size: u64,
    /// RFC 6962 root over them, base64.
    pub root: Hash,
}

only_objects!(Position);
