//! Why the provider cannot begin: no region, no credentials, no answer, or not the right account.

use super::call::CallFailure;
use super::role::RoleFailure;

/// Why the provider has no account and region to work in.
#[derive(Debug, thiserror::Error)]
pub enum NotConnected {
    /// No region is configured.
    #[error("no AWS region is configured")]
    NoRegion,
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
    /// The settings make no request: no endpoint follows from them, say.
    #[error("no request for {operation} can be made from the settings: {reason}")]
    NoRequest {
        /// The API operation.
        operation: &'static str,
        /// What the SDK says.
        reason: String,
    },
    /// The request was sent, and nothing came back.
    #[error("{operation} at {endpoint} was not answered: {reason}")]
    NoAnswer {
        /// The API operation.
        operation: &'static str,
        /// The URL that the request was for.
        endpoint: String,
        /// What the network says.
        reason: String,
    },
    /// STS answered, and not with the account.
    #[error("{0}")]
    Refused(Box<CallFailure>),
    /// STS answered with success, and left the account out.
    #[error("{operation} answered without the account")]
    NoAccount {
        /// The API operation.
        operation: &'static str,
    },
    /// A role of the provider block cannot be assumed.
    #[error("{0}")]
    Role(RoleFailure),
    /// An argument, or the variable in its place, has no use.
    #[error("`{argument}` cannot be used: {reason}")]
    Argument {
        /// The argument of the provider block.
        argument: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The provider block does not let this account in.
    #[error("the credentials belong to the account {account}, which {}", .rule.reason())]
    AccountRefused {
        /// The account.
        account: String,
        /// The rule that keeps it out.
        rule: AccountRule,
    },
}

/// Which accounts the provider block lets in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountRule {
    /// `allowed_account_ids`
    Allowed,
    /// `forbidden_account_ids`
    Forbidden,
}

impl AccountRule {
    /// The argument of the provider block.
    pub fn argument(self) -> &'static str {
        match self {
            Self::Allowed => "allowed_account_ids",
            Self::Forbidden => "forbidden_account_ids",
        }
    }

    fn reason(self) -> String {
        let is = match self {
            Self::Allowed => "is not one of",
            Self::Forbidden => "is one of",
        };
        format!("{is} {}", self.argument())
    }
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

impl NotConnected {
    /// The argument of the provider block that the failure is about, if it is about one.
    pub(crate) fn argument(&self) -> Option<&'static str> {
        match self {
            Self::NoRegion => Some("region"),
            Self::UnknownProfile {
                named_by: ProfileSource::Argument,
                ..
            } => Some("profile"),
            Self::AccountRefused { rule, .. } => Some(rule.argument()),
            Self::Role(failure) => Some(failure.argument()),
            Self::Argument { argument, .. } => Some(argument),
            Self::UnknownProfile { .. }
            | Self::SharedFiles { .. }
            | Self::NoCredentials { .. }
            | Self::NoRequest { .. }
            | Self::NoAnswer { .. }
            | Self::Refused(_)
            | Self::NoAccount { .. } => None,
        }
    }

    /// The failure in a few words.
    pub(crate) fn summary(&self) -> &'static str {
        match self {
            Self::NoRegion => "No AWS region",
            Self::UnknownProfile { .. } => "Unknown AWS profile",
            Self::SharedFiles { .. } => "Unreadable AWS configuration files",
            Self::NoCredentials { .. } => "No AWS credentials",
            Self::NoRequest { .. } => "Settings that do not fit together",
            Self::NoAnswer { .. } => "AWS STS cannot be reached",
            Self::Refused(failure) if failure.code.is_some() => "AWS refused the credentials",
            Self::Refused(_) | Self::NoAccount { .. } => {
                "AWS STS did not say whose the credentials are"
            }
            Self::Role(_) => "Role not assumed",
            Self::Argument { .. } => "Unusable argument of the provider block",
            Self::AccountRefused { .. } => "Account not allowed",
        }
    }

    /// What a person can do about it.
    pub(crate) fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::UnknownProfile { defined, .. } if !defined.is_empty() => {
                format!("They define: {}.", defined.join(", "))
            }
            Self::NoCredentials {
                sso_profile: Some(profile),
                ..
            } => format!(
                "The profile {profile:?} signs in with SSO. Sign in again: `{}`.",
                sso_login(profile)
            ),
            Self::AccountRefused { rule, .. } => format!(
                "Use credentials of an allowed account (`profile`, the environment), or change {} of the provider \
                 block.",
                rule.argument()
            ),
            Self::Refused(failure) => return failure.hint(),
            Self::Role(failure) => failure.hint(),
            Self::NoRegion
            | Self::UnknownProfile { .. }
            | Self::SharedFiles { .. }
            | Self::NoCredentials { .. }
            | Self::NoRequest { .. }
            | Self::NoAnswer { .. }
            | Self::Argument { .. }
            | Self::NoAccount { .. } => self.fixed_hint().to_owned(),
        };
        Some(hint)
    }

    fn fixed_hint(&self) -> &'static str {
        match self {
            Self::NoRegion => {
                "Set `region` in the provider block, the environment variable AWS_REGION, or `region` in the profile."
            }
            Self::UnknownProfile { .. } => {
                "They define no profile at all: `aws configure` or `aws configure sso` writes one."
            }
            Self::SharedFiles { .. } => {
                "`aws configure list` shows which files AWS's own tools read."
            }
            Self::NoCredentials { .. } => {
                "Set `profile` of the provider block, AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. \
                 `aws sts get-caller-identity` shows which credentials AWS's own tools find."
            }
            Self::Argument { .. } => {
                "It comes from the provider block, or from the environment variable or the setting of the profile that \
                 docs/index.md names for it."
            }
            Self::NoRequest { .. } => {
                "Nothing was sent. Check `region`, `endpoints`, `use_fips_endpoint` and `use_dualstack_endpoint` of the provider \
                 block, and the environment variables and the settings of the profile that docs/index.md names for them: a FIPS \
                 or dual-stack endpoint and an endpoint of your own exclude each other."
            }
            Self::NoAnswer { .. }
            | Self::NoAccount { .. }
            | Self::Refused(_)
            | Self::Role(_)
            | Self::AccountRefused { .. } => {
                "The provider asks STS for the account before anything else. Check the network, its proxy (HTTPS_PROXY) \
                 and the certificates that it needs (`custom_ca_bundle`), that `region` is a region of AWS, and `endpoints`. \
                 For an endpoint without STS, set skip_requesting_account_id = true."
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
        let unknown = |defined: &[&str]| NotConnected::UnknownProfile {
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
            unknown(&["audit", "dev"]).hint().as_deref(),
            Some("They define: audit, dev.")
        );
        let none = unknown(&[]).hint();
        assert!(none.is_some_and(|hint| hint.contains("`aws configure`")));
    }

    #[test]
    fn sso_session_is_renewed_by_the_command_of_its_profile() {
        let expired = |profile: Option<&str>| {
            NotConnected::NoCredentials {
                reason: "the session has expired".to_owned(),
                sso_profile: profile.map(str::to_owned),
            }
            .hint()
            .unwrap_or_default()
        };
        assert!(expired(Some("audit")).ends_with("`aws sso login --profile audit`."));
        assert!(expired(Some("default")).ends_with("`aws sso login`."));
        assert!(!expired(None).contains("sso"));
    }
}
