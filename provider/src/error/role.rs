//! A role that cannot be assumed.

use super::call::CallFailure;

/// Why a role of the provider block gives no credentials.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RoleFailure {
    /// STS refused, or did not answer.
    #[error("the role {role} cannot be assumed: {failure}")]
    Refused {
        /// ARN of the role.
        role: String,
        /// What STS said.
        failure: Box<CallFailure>,
    },
    /// The token of the web identity cannot be read.
    #[error("the token file {file} cannot be read: {reason}")]
    TokenFile {
        /// Path of the file.
        file: String,
        /// What the system says.
        reason: String,
    },
}

impl RoleFailure {
    /// What a person can do about it.
    pub(super) fn hint(&self) -> String {
        match self {
            Self::Refused { failure, .. } if failure.operation == "AssumeRole" => {
                "The credentials need the permission sts:AssumeRole for this role, and the role's trust policy must name them. \
                 A policy may also demand an `external_id`, or sts:TagSession for `tags`."
                    .to_owned()
            }
            Self::Refused { .. } => {
                "The role's trust policy must name the identity provider, and the token must not have expired.".to_owned()
            }
            Self::TokenFile { .. } => {
                "`web_identity_token_file` names the file that the identity provider keeps up to date.".to_owned()
            }
        }
    }

    pub(super) fn argument(&self) -> &'static str {
        match self {
            Self::Refused { failure, .. } if failure.operation == "AssumeRole" => "assume_role",
            Self::Refused { .. } | Self::TokenFile { .. } => "assume_role_with_web_identity",
        }
    }
}

/// The failure of a role among the causes of a failed call.
pub(crate) fn role_failure<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> Option<&'a RoleFailure> {
    let mut causes = std::iter::successors(Some(error), |error| error.source());
    causes.find_map(|cause| cause.downcast_ref())
}
