//! The configuration of AWS with its timeouts, and the runtime that the calls run on.
//!
//! The sealer has its own set-up, apart from the verifier's, so that no mistake in it can hide in both.

mod profile;

use std::sync::Arc;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use tokio::runtime::Runtime;

use crate::error::{AwsFault, Error, MachineError};

/// How to reach AWS. What is absent comes from the SDK's standard chain: environment, profile, instance.
#[derive(Clone, Debug)]
pub struct AwsSettings {
    /// The region of bucket and key.
    pub region: Option<String>,
    /// The named profile of the shared files.
    pub profile: Option<String>,
    /// Endpoint in place of AWS's own, for S3 and KMS.
    pub endpoint_url: Option<String>,
    /// Whether the bucket is named in the path of the URL and not in its host.
    pub path_style: bool,
    /// For one attempt of a call, its answer included; a call with its retries takes at most three times as long.
    pub attempt_timeout: Duration,
}

impl Default for AwsSettings {
    fn default() -> Self {
        Self {
            region: None,
            profile: None,
            endpoint_url: None,
            path_style: false,
            attempt_timeout: Duration::from_mins(1),
        }
    }
}

/// A loaded configuration and the runtime for its calls.
#[derive(Clone, Debug)]
pub struct Aws {
    pub(crate) runtime: Arc<Runtime>,
    pub(crate) config: SdkConfig,
    pub(crate) path_style: bool,
}

impl Aws {
    /// Loads the configuration. Nothing is called yet but what the credentials need.
    ///
    /// # Errors
    ///
    /// Where no thread can be started, or no region is known.
    pub fn load(settings: &AwsSettings) -> Result<Self, Error> {
        let runtime = runtime()?;
        let attempt = settings.attempt_timeout;
        // An unanswered request would hang for ever: the SDK has no timeouts until they are set.
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(attempt.min(Duration::from_secs(5)))
            .read_timeout(attempt)
            .operation_attempt_timeout(attempt)
            .operation_timeout(attempt.saturating_mul(3))
            .build();
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .retry_config(
                RetryConfig::standard()
                    .with_max_attempts(4)
                    .with_initial_backoff(Duration::from_millis(200)),
            )
            .timeout_config(timeouts);
        if let Some(region) = &settings.region {
            loader = loader.region(Region::new(region.clone()));
        }
        if let Some(profile) = &settings.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(url) = &settings.endpoint_url {
            loader = loader.endpoint_url(url);
        }
        let profile = settings.profile.as_deref();
        let config = runtime.block_on(async {
            profile::check(profile).await?;
            let config = loader.load().await;
            let config = match profile {
                Some(profile) => profile::sign_in(config, profile),
                None => config,
            };
            Ok::<_, AwsFault>(profile::naming_sso(config, profile).await)
        })?;
        Self::new(config, runtime, settings.path_style)
    }

    /// Takes a configuration that somebody else has loaded. It should have timeouts: the SDK has none of its own.
    ///
    /// # Errors
    ///
    /// Where no thread can be started, or no region is known.
    pub fn with_config(config: SdkConfig, path_style: bool) -> Result<Self, Error> {
        Self::new(config, runtime()?, path_style)
    }

    /// How long a call with its repeats may take.
    pub(crate) fn patience(&self) -> Duration {
        let configured = self.config.timeout_config();
        let patience = configured.and_then(TimeoutConfig::operation_timeout);
        patience.unwrap_or_else(|| AwsSettings::default().attempt_timeout.saturating_mul(3))
    }

    fn new(config: SdkConfig, runtime: Runtime, path_style: bool) -> Result<Self, Error> {
        if config.region().is_none() {
            return Err(AwsFault::no_region().into());
        }
        Ok(Self {
            runtime: Arc::new(runtime),
            config,
            path_style,
        })
    }
}

fn runtime() -> Result<Runtime, Error> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|source| MachineError::NoThread(source).into())
}
