//! What the provider block says, before anything is called.

use std::time::Duration;

use super::tags::{IgnoredTags, Tags};

/// What the provider block says. Absent values come from the SDK's standard chain.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The region of every bucket and key.
    pub region: Option<String>,
    /// The named profile of the shared files.
    pub profile: Option<String>,
    /// Access key and secret key, and with temporary ones a session token.
    pub static_credentials: Option<(String, String, Option<String>)>,
    /// Shared configuration files in place of `~/.aws/config`.
    pub shared_config_files: Vec<String>,
    /// Shared credential files in place of `~/.aws/credentials`.
    pub shared_credentials_files: Vec<String>,
    /// Endpoints in place of AWS's own.
    pub endpoints: Endpoints,
    /// Whether the bucket is in the path of the URL and not in its host.
    pub s3_use_path_style: bool,
    /// Tags for everything that the provider makes.
    pub default_tags: Tags,
    /// Tags of others, which the provider leaves alone.
    pub ignored_tags: IgnoredTags,
    /// Retries after the first attempt of a call.
    pub max_retries: u32,
    /// How long to wait for AWS.
    pub timeouts: Timeouts,
    /// Leave STS alone; the account id is then unknown.
    pub skip_requesting_account_id: bool,
    /// The accounts to work in; `None` is every one.
    pub allowed_account_ids: Option<Vec<String>>,
    /// Accounts not to work in.
    pub forbidden_account_ids: Vec<String>,
}

/// Endpoint URLs, for each service that the provider calls.
#[derive(Debug, Clone, Default)]
pub struct Endpoints {
    /// Amazon S3.
    pub s3: Option<String>,
    /// AWS KMS.
    pub kms: Option<String>,
    /// AWS STS.
    pub sts: Option<String>,
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
