//! The provider cannot work as anybody: no profile, no credentials, or nobody who knows them.

/// Why the provider has no account to work in.
#[derive(Debug, thiserror::Error)]
pub enum NotSignedIn {
    /// The shared files do not define the profile.
    #[error("the shared configuration files do not define the profile {profile:?}, which {} names", .named_by.name())]
    UnknownProfile {
        /// The profile.
        profile: String,
        /// Who named it.
        named_by: ProfileSource,
        /// The profiles that the files define, sorted.
        defined: Vec<String>,
    },
    /// The shared files cannot be read.
    #[error("the shared configuration files cannot be read: {reason}")]
    SharedFiles {
        /// What the SDK says.
        reason: String,
    },
    /// Nothing gives credentials.
    #[error("there are no credentials: {reason}")]
    NoCredentials {
        /// Why they could not be loaded.
        reason: String,
        /// The profile that signs in with SSO, if the credentials come from one.
        sso_profile: Option<String>,
    },
    /// The request was sent, or should have been, and nothing came back.
    #[error("{operation} at {endpoint} was not answered: {reason}")]
    NoAnswer {
        /// The API operation.
        operation: &'static str,
        /// The URL that the request was for.
        endpoint: String,
        /// What the network says.
        reason: String,
    },
}

/// Who named a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProfileSource {
    /// `profile` of the provider block.
    Argument,
    /// The environment.
    Environment,
}

impl ProfileSource {
    fn name(self) -> &'static str {
        match self {
            Self::Argument => "`profile` of the provider block",
            Self::Environment => "the environment variable AWS_PROFILE",
        }
    }
}

impl NotSignedIn {
    pub(crate) fn summary(&self) -> &'static str {
        match self {
            Self::UnknownProfile { .. } => "Unknown AWS profile",
            Self::SharedFiles { .. } => "Unreadable AWS configuration files",
            Self::NoCredentials { .. } => "No AWS credentials",
            Self::NoAnswer { .. } => "AWS STS cannot be reached",
        }
    }

    pub(super) fn hint(&self) -> String {
        match self {
            Self::UnknownProfile { defined, .. } if defined.is_empty() => {
                "They define no profile at all: `aws configure` or `aws configure sso` writes one.".to_owned()
            }
            Self::UnknownProfile { defined, .. } => {
                format!("They define: {}.", defined.join(", "))
            }
            Self::SharedFiles { .. } => {
                "`aws configure list` shows which files AWS's own tools read.".to_owned()
            }
            Self::NoCredentials { sso_profile: Some(profile), .. } => {
                format!("The profile {profile:?} signs in with SSO. Sign in again: `{}`.", sso_login(profile))
            }
            Self::NoCredentials { sso_profile: None, .. } => {
                "Set `profile` of the provider block, AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. \
                 `aws sts get-caller-identity` shows which credentials AWS's own tools find."
                    .to_owned()
            }
            Self::NoAnswer { .. } => {
                "The provider asks STS for the account before anything else. Check the network and its proxy \
                 (HTTPS_PROXY), that `region` is a region of AWS, and `endpoints`. For an endpoint without STS, set \
                 skip_requesting_account_id = true."
                    .to_owned()
            }
        }
    }
}

fn sso_login(profile: &str) -> String {
    match profile {
        "default" => "aws sso login".to_owned(),
        named => format!("aws sso login --profile {named}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_profile_is_shown_beside_those_that_exist() {
        let unknown = |defined: &[&str]| NotSignedIn::UnknownProfile {
            profile: "adit".to_owned(),
            named_by: ProfileSource::Environment,
            defined: defined.iter().map(ToString::to_string).collect(),
        };
        assert_eq!(
            unknown(&[]).to_string(),
            "the shared configuration files do not define the profile \"adit\", which the environment variable \
             AWS_PROFILE names"
        );
        assert_eq!(
            unknown(&["audit", "dev"]).hint(),
            "They define: audit, dev."
        );
        assert!(unknown(&[]).hint().contains("`aws configure`"));
    }

    #[test]
    fn sso_session_is_renewed_by_the_command_of_its_profile() {
        let expired = |profile: Option<&str>| {
            NotSignedIn::NoCredentials {
                reason: "the session has expired".to_owned(),
                sso_profile: profile.map(str::to_owned),
            }
            .hint()
        };
        assert!(expired(Some("audit")).ends_with("`aws sso login --profile audit`."));
        assert!(expired(Some("default")).ends_with("`aws sso login`."));
        assert!(!expired(None).contains("sso"));
    }
}
