//! What the clients of all services have in common: region, credentials, network, patience.

use std::fs;

use aws_config::identity::IdentityCache;
use aws_config::imds;
use aws_config::imds::region::ImdsRegionProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::config::SharedHttpClient;

use super::cancel::Cancel;
use super::credentials::{first_credentials, metadata_client};
use super::network::Network;
use super::profile::{Profile, profile_files, variable};
use super::proxies::Proxies;
use super::roles::assume;
use super::settings::{RetryMode, Settings};
use super::stop::Pauses;
use crate::error::NotConnected;

/// Loads what every client needs. Nothing is called but what the region needs.
///
/// # Errors
/// A profile that the shared files do not define, files that cannot be read, or an argument that has no meaning.
pub(super) async fn load(settings: &Settings, cancel: &Cancel) -> Result<SdkConfig, NotConnected> {
    let profile = Profile::read(settings).await?;
    let http = network(settings, &profile, cancel)?;
    let place = ProviderConfig::without_region().with_http_client(http.clone());
    let machine = metadata_client(&settings.metadata, &place)?;
    let region = region(settings, &profile, machine.clone()).await;
    let place = place.with_region(region.clone());
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .region(region)
        .http_client(http)
        .profile_files(profile_files(settings))
        .retry_config(retries(settings, &profile))
        .timeout_config(timeouts(settings))
        // an answer is read as a whole, within the timeout of its attempt
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .sleep_impl(Pauses::new(&settings.timeouts, cancel.clone()))
        .identity_cache(
            IdentityCache::lazy()
                .load_timeout(settings.timeouts.operation)
                .build(),
        )
        .credentials_provider(first_credentials(settings, &place, machine));
    if let Some(profile) = &settings.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(use_fips) = settings.use_fips_endpoint {
        loader = loader.use_fips(use_fips);
    }
    if let Some(use_dual_stack) = settings.use_dualstack_endpoint {
        loader = loader.use_dual_stack(use_dual_stack);
    }
    Ok(assume(loader.load().await, settings, cancel))
}

/// The region of the provider block, the environment, the profile or the machine.
async fn region(
    settings: &Settings,
    profile: &Profile,
    machine: Option<imds::Client>,
) -> Option<Region> {
    let configured = settings
        .region
        .clone()
        .or_else(|| variable("AWS_REGION"))
        .or_else(|| variable("AWS_DEFAULT_REGION"))
        .or_else(|| profile.get("region"));
    match (configured, machine) {
        (Some(region), _) => Some(Region::new(region)),
        (None, Some(machine)) => {
            let of_machine = ImdsRegionProvider::builder().imds_client(machine).build();
            of_machine.region().await
        }
        (None, None) => None,
    }
}

fn network(
    settings: &Settings,
    profile: &Profile,
    cancel: &Cancel,
) -> Result<SharedHttpClient, NotConnected> {
    let proxies =
        Proxies::new(&settings.proxies.or_environment(variable)).map_err(|(argument, error)| {
            NotConnected::Argument {
                argument,
                reason: error.to_string(),
            }
        })?;
    let file = settings
        .custom_ca_bundle
        .clone()
        .or_else(|| variable("AWS_CA_BUNDLE"))
        .or_else(|| profile.get("ca_bundle"));
    let unusable = |reason: String| NotConnected::Argument {
        argument: "custom_ca_bundle",
        reason,
    };
    let Some(file) = file else {
        return Network::client(None, proxies, cancel.clone()).map_err(unusable);
    };
    let unusable = |reason: String| unusable(format!("{file}: {reason}"));
    let bundle = fs::read(&file).map_err(|error| unusable(error.to_string()))?;
    Network::client(Some(bundle), proxies, cancel.clone()).map_err(unusable)
}

fn retries(settings: &Settings, profile: &Profile) -> RetryConfig {
    let (attempts, mode) = settings.retries.resolve(variable, |key| profile.get(key));
    let config = match mode {
        RetryMode::Standard => RetryConfig::standard(),
        RetryMode::Adaptive => RetryConfig::adaptive(),
    };
    config.with_max_attempts(attempts)
}

fn timeouts(settings: &Settings) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(settings.timeouts.connect)
        .operation_attempt_timeout(settings.timeouts.attempt)
        .operation_timeout(settings.timeouts.operation)
        .build()
}
