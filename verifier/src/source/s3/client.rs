//! The client: where it sends requests, how it signs them, and for how long it waits.

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::{RetryConfig, RetryPartition, TokenBucket};
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{Region, StalledStreamProtectionConfig};

use super::options::S3Options;
use super::profile;
use crate::source::ReadError;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// For how long a body may stop, at most.
const STALL_TIMEOUT: Duration = Duration::from_secs(10);

/// How often a request is tried.
pub(super) const ATTEMPTS: u32 = 3;

pub(super) async fn client(options: &S3Options) -> Result<Client, ReadError> {
    profile::check(options.profile.as_deref()).await?;
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT.min(options.timeout))
        .read_timeout(options.timeout)
        .operation_attempt_timeout(options.timeout)
        .build();
    let mut loader = aws_config::defaults(aws_config::BehaviorVersion::latest())
        .region(Region::new(options.region.clone()))
        .timeout_config(timeouts)
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
        .stalled_stream_protection(
            StalledStreamProtectionConfig::enabled()
                .grace_period(STALL_TIMEOUT.min(options.timeout))
                .build(),
        );
    if let Some(url) = &options.endpoint_url {
        loader = loader.endpoint_url(url);
    }
    if let Some(profile) = &options.profile {
        loader = loader.profile_name(profile);
    }
    let mut shared = loader.load().await;
    if let Some(profile) = &options.profile {
        shared = profile::sign_in(shared, profile);
    }
    let config = aws_sdk_s3::config::Builder::from(&shared)
        .force_path_style(options.path_style)
        .retry_partition(unlimited())
        .build();
    Ok(Client::from_conf(config))
}

/// The SDK's own budget ends after a hundred retries, from then on each request has one attempt. How many requests are sent is bounded by
/// the turns and by the failures in a row.
fn unlimited() -> RetryPartition {
    RetryPartition::custom("auditlog-verify")
        .token_bucket(TokenBucket::unlimited())
        .build()
}
