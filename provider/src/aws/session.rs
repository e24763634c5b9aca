//! Roles and their sessions, as the provider block names them.

use std::fmt;
use std::time::Duration;

use super::tags::Tags;

/// One `assume_role` block.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AssumeRole {
    /// The role and what its session is.
    pub session: Session,
    /// The identifier that the role's trust policy may demand.
    pub external_id: Option<String>,
    /// Who asks, as `CloudTrail` records it.
    pub source_identity: Option<String>,
    /// Tags of the session.
    pub tags: Tags,
    /// Keys of the tags that the next role's session keeps.
    pub transitive_tag_keys: Vec<String>,
}

/// The `assume_role_with_web_identity` block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebIdentity {
    /// The role and what its session is.
    pub session: Session,
    /// The identity provider's token.
    pub token: Token,
}

/// Where the token of a web identity is.
#[derive(Clone, PartialEq, Eq)]
pub enum Token {
    /// In the configuration.
    Given(String),
    /// In a file, which is read again each time that credentials are asked for.
    File(String),
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given(_) => f.write_str("Given"),
            Self::File(file) => f.debug_tuple("File").field(file).finish(),
        }
    }
}

/// What both kinds of roles have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Session {
    /// ARN of the role.
    pub role_arn: String,
    /// Name of the session in `CloudTrail`.
    pub session_name: Option<String>,
    /// How long the credentials last; the role's default is an hour.
    pub duration: Option<Duration>,
    /// A policy that narrows the role's rights, JSON.
    pub policy: Option<String>,
    /// Managed policies that narrow the role's rights.
    pub policy_arns: Vec<String>,
}
