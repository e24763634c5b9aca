//! What a key of KMS should be, and what it is.

use auditlog_chain::keys::{KeySpec, PublicKey};

use crate::aws::tags::Tags;

/// The usage that a signing key has.
pub const KEY_USAGE: &str = "SIGN_VERIFY";

/// A key that is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewKey {
    /// A key never changes it.
    pub spec: KeySpec,
    /// Free text.
    pub description: String,
    /// All tags.
    pub tags: Tags,
    /// The key policy that it is made with. KMS's default would let every IAM administrator sign.
    pub policy: String,
}

/// Whether a key may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Usability {
    /// It may.
    Enabled,
    /// Nobody can use it, not even to read its public key.
    Disabled,
}

/// Whether somebody may sign with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signing {
    /// The signers may.
    Allowed,
    /// Nobody may.
    Denied,
}

/// What a key should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySettings {
    /// Free text.
    pub description: String,
    /// All tags, the provider's defaults and its own included.
    pub tags: Tags,
    /// The key policy.
    pub policy: String,
    /// Whether that policy lets somebody sign.
    pub signing: Signing,
    /// Whether it may be used.
    pub usability: Usability,
}

/// What a key is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyParts {
    /// KMS's id of the key.
    pub key_id: String,
    /// Its ARN.
    pub arn: String,
    /// Its spec.
    pub spec: KeySpec,
    /// Free text.
    pub description: String,
    /// Whether it may be used.
    pub usability: Usability,
    /// When KMS deletes it, RFC 3339, if somebody scheduled its deletion.
    pub deletion: Option<Deletion>,
    /// RFC 3339 in whole seconds.
    pub creation_date: String,
    /// Every alias that points at it, sorted.
    pub aliases: Vec<String>,
    /// All tags but those that the provider leaves alone.
    pub tags: Tags,
    /// The number of tags that `ignore_tags` names. They count for the limit of KMS.
    pub others_tags: usize,
    /// The key policy.
    pub policy: String,
    /// Grants by which others may use the key.
    pub grants: Vec<Grant>,
    /// The public key; `None` while KMS refuses it because the key is disabled or will be deleted.
    pub public_key: Option<PublicKey>,
}

/// A deletion that was scheduled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deletion {
    /// When KMS deletes the key, RFC 3339, where it says so.
    pub date: Option<String>,
}

/// A right to use a key that its policy does not show.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Grant {
    /// Its id.
    pub id: String,
    /// Who has it.
    pub grantee: String,
    /// What it allows, sorted.
    pub operations: Vec<String>,
}
