//! What the provider block says, before anything is called.

use std::fmt;
use std::time::Duration;

use super::proxies::ProxySettings;
use super::session::{AssumeRole, WebIdentity};
use super::tags::{IgnoredTags, Tags};

/// What the provider block says. Absent values come from the SDK's standard chain.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The region of every bucket and key.
    pub region: Option<String>,
    /// The named profile of the shared files.
    pub profile: Option<String>,
    /// Keys in the provider block itself.
    pub static_credentials: Option<StaticCredentials>,
    /// The role that a token of another identity provider gives, in place of all other credentials.
    pub web_identity: Option<WebIdentity>,
    /// Roles to assume one after the other, each with the credentials of the one before.
    pub assume_roles: Vec<AssumeRole>,
    /// Shared configuration files in place of `~/.aws/config`.
    pub shared_config_files: Vec<String>,
    /// Shared credential files in place of `~/.aws/credentials`.
    pub shared_credentials_files: Vec<String>,
    /// Endpoints in place of AWS's own.
    pub endpoints: Endpoints,
    /// The region whose STS is asked, if it is another.
    pub sts_region: Option<String>,
    /// Whether the FIPS endpoints are used.
    pub use_fips_endpoint: Option<bool>,
    /// Whether the endpoints with IPv6 are used.
    pub use_dualstack_endpoint: Option<bool>,
    /// Whether the bucket is in the path of the URL and not in its host.
    pub s3_use_path_style: bool,
    /// A PEM file with the certificates to trust, in place of those of the system.
    pub custom_ca_bundle: Option<String>,
    /// The proxies between this machine and AWS.
    pub proxies: ProxySettings,
    /// Where a machine or its role is asked for credentials.
    pub metadata: Metadata,
    /// Tags for everything that the provider makes.
    pub default_tags: Tags,
    /// Tags of others, which the provider leaves alone.
    pub ignored_tags: IgnoredTags,
    /// How failed attempts are repeated.
    pub retries: Retries,
    /// How long to wait for AWS.
    pub timeouts: Timeouts,
    /// Whether an STS that does not answer is an error.
    pub validation: Validation,
    /// Leave STS alone; the account id is then unknown.
    pub skip_requesting_account_id: bool,
    /// The accounts to work in; `None` is every one.
    pub allowed_account_ids: Option<Vec<String>>,
    /// Accounts not to work in.
    pub forbidden_account_ids: Vec<String>,
}

/// Access key and secret key, and with temporary ones a session token.
#[derive(Clone)]
pub struct StaticCredentials {
    /// The access key.
    pub access_key: String,
    /// The secret key.
    pub secret_key: String,
    /// The session token.
    pub token: Option<String>,
}

impl fmt::Debug for StaticCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StaticCredentials")
            .field("access_key", &self.access_key)
            .finish_non_exhaustive()
    }
}

/// Whether credentials that STS does not confirm are an error.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Validation {
    /// STS must say whose they are.
    #[default]
    Required,
    /// Without an answer of STS, the account is not known.
    Skipped,
}

/// Endpoint URLs, for each service that the provider calls.
#[derive(Debug, Clone, Default)]
pub struct Endpoints {
    /// Amazon S3.
    pub s3: Option<String>,
    /// Amazon S3 Control, which tags buckets with attribute-based access control.
    pub s3control: Option<String>,
    /// AWS KMS.
    pub kms: Option<String>,
    /// AWS STS.
    pub sts: Option<String>,
}

/// The metadata service of a machine.
#[derive(Debug, Clone, Default)]
pub struct Metadata {
    /// Its URL in place of the usual one.
    pub endpoint: Option<String>,
    /// `IPv4` or `IPv6`.
    pub endpoint_mode: Option<String>,
    /// Whether it is left alone.
    pub skip: bool,
}

/// How failed attempts are repeated. Absent values come from the environment, then from the profile.
#[derive(Debug, Clone, Default)]
pub struct Retries {
    /// Retries after the first attempt of a call.
    pub max: Option<u32>,
    /// `standard` or `adaptive`.
    pub mode: Option<String>,
    /// Tokens that retries spend and successes give back; without a number, there is no such limit.
    pub bucket_capacity: Option<u32>,
}

/// Retries of a call after its first attempt, where nothing says another number.
const DEFAULT_MAX_RETRIES: u32 = 5;

impl Retries {
    /// Attempts and mode, completed from the environment and the profile, which count attempts.
    pub(super) fn resolve(
        &self,
        variable: impl Fn(&str) -> Option<String>,
        of_profile: impl Fn(&str) -> Option<String>,
    ) -> (u32, RetryMode) {
        let configured = |name: &str, key: &str| {
            variable(name)
                .filter(|value| !value.is_empty())
                .or_else(|| of_profile(key))
        };
        let attempts = configured("AWS_MAX_ATTEMPTS", "max_attempts");
        let attempts = attempts.and_then(|attempts| attempts.parse().ok());
        let mode = configured("AWS_RETRY_MODE", "retry_mode");
        let attempts = match self.max {
            Some(retries) => retries.saturating_add(1),
            None => attempts
                .filter(|attempts| *attempts > 0)
                .unwrap_or(DEFAULT_MAX_RETRIES.saturating_add(1)),
        };
        match self.mode.clone().or(mode).as_deref() {
            Some("adaptive") => (attempts, RetryMode::Adaptive),
            _ => (attempts, RetryMode::Standard),
        }
    }
}

/// What happens between attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RetryMode {
    /// A pause that grows.
    Standard,
    /// That, and a rate that follows what AWS accepts.
    Adaptive,
}

/// Timeouts of calls. The SDK has one for connecting only, and an unanswered request would hang for ever.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// Until a connection is made.
    pub connect: Duration,
    /// For one attempt of a call, its answer included.
    pub attempt: Duration,
    /// For a call with all its retries.
    pub operation: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            attempt: Duration::from_secs(30),
            operation: Duration::from_mins(3),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn resolved(retries: &Retries, variables: &[(&str, &str)]) -> (u32, RetryMode) {
        let set: BTreeMap<&str, &str> = variables.iter().copied().collect();
        let profile = BTreeMap::from([("max_attempts", "9"), ("retry_mode", "adaptive")]);
        let find = |map: &BTreeMap<&str, &str>, name: &str| map.get(name).map(ToString::to_string);
        retries.resolve(|name| find(&set, name), |key| find(&profile, key))
    }

    #[test]
    fn retries_come_from_the_block_then_the_environment_then_the_profile() {
        let block = Retries {
            max: Some(2),
            mode: Some("standard".to_owned()),
            bucket_capacity: None,
        };
        let variables = [("AWS_MAX_ATTEMPTS", "4"), ("AWS_RETRY_MODE", "standard")];
        assert_eq!(resolved(&block, &variables), (3, RetryMode::Standard));
        let nothing = Retries::default();
        assert_eq!(resolved(&nothing, &variables), (4, RetryMode::Standard));
        assert_eq!(resolved(&nothing, &[]), (9, RetryMode::Adaptive));
        let unset = nothing.resolve(|_| None, |_| None);
        assert_eq!(unset, (6, RetryMode::Standard));
    }

    #[test]
    fn secret_key_is_not_written_out() {
        let keys = StaticCredentials {
            access_key: "AKIA".to_owned(),
            secret_key: "hidden".to_owned(),
            token: Some("hidden".to_owned()),
        };
        assert!(!format!("{keys:?}").contains("hidden"));
    }
}
