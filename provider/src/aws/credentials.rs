//! Credentials and region, from the provider block, the shared files and the environment.

use std::env;

use aws_config::ecs::EcsCredentialsProvider;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::profile::{self, ProfileFileCredentialsProvider, ProfileSet};
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_sdk_s3::config::{Credentials, SharedCredentialsProvider};
use aws_types::os_shim_internal::{Env, Fs};

use super::settings::Settings;
use crate::error::{NotConnected, ProfileSource, chain};

/// Loads what every client needs. Nothing is called but what the credentials need.
///
/// # Errors
/// A profile that the shared files do not define, or files that cannot be read.
pub(super) async fn load(settings: &Settings) -> Result<SdkConfig, NotConnected> {
    check_profile(settings).await?;
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .retry_config(
            RetryConfig::standard().with_max_attempts(settings.max_retries.saturating_add(1)),
        )
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(settings.timeouts.connect)
                .operation_attempt_timeout(settings.timeouts.attempt)
                .operation_timeout(settings.timeouts.operation)
                .build(),
        )
        .profile_files(profile_files(settings));
    if let Some(region) = &settings.region {
        loader = loader.region(Region::new(region.clone()));
    }
    if let Some(profile) = &settings.profile {
        loader = loader.profile_name(profile);
    }
    if let Some((access_key, secret_key, token)) = &settings.static_credentials {
        loader = loader.credentials_provider(Credentials::new(
            access_key,
            secret_key,
            token.clone(),
            None,
            "the provider block",
        ));
    }
    let shared = loader.load().await;
    Ok(match &settings.profile {
        Some(profile) if settings.static_credentials.is_none() => {
            sign_in(shared, profile, profile_files(settings))
        }
        _ => shared,
    })
}

/// The configuration with the credentials of this profile, as AWS's own tools read an explicit profile: key variables of
/// the environment do not count. A profile without credentials gets those of the container's or machine's role.
fn sign_in(shared: SdkConfig, profile: &str, files: EnvConfigFiles) -> SdkConfig {
    let place = ProviderConfig::without_region().with_region(shared.region().cloned());
    let of_profile = ProfileFileCredentialsProvider::builder()
        .configure(&place)
        .profile_files(files)
        .profile_name(profile)
        .build();
    let of_container = EcsCredentialsProvider::builder().configure(&place).build();
    let of_machine = ImdsCredentialsProvider::builder().configure(&place).build();
    let chain = CredentialsProviderChain::first_try("Profile", of_profile)
        .or_else("EcsContainer", of_container)
        .or_else("Ec2InstanceMetadata", of_machine);
    shared
        .into_builder()
        .credentials_provider(SharedCredentialsProvider::new(chain))
        .build()
}

/// Checks that the shared files define the profile that is in use.
async fn check_profile(settings: &Settings) -> Result<(), NotConnected> {
    let Some((name, named_by)) = asked_profile(settings) else {
        return Ok(());
    };
    let files = read_files(settings).await?;
    if files.get_profile(&name).is_some() {
        return Ok(());
    }
    let mut defined: Vec<String> = files.profiles().map(str::to_owned).collect();
    defined.sort();
    Err(NotConnected::UnknownProfile {
        profile: name,
        named_by,
        defined,
    })
}

/// The profile that somebody named, if anybody did.
fn asked_profile(settings: &Settings) -> Option<(String, ProfileSource)> {
    let argument = settings.profile.clone();
    let of_environment = || {
        let name = env::var("AWS_PROFILE").ok();
        name.filter(|name| !name.is_empty() && settings.static_credentials.is_none())
    };
    argument
        .map(|name| (name, ProfileSource::Argument))
        .or_else(|| of_environment().map(|name| (name, ProfileSource::Environment)))
}

async fn read_files(settings: &Settings) -> Result<ProfileSet, NotConnected> {
    let name = settings.profile.clone().map(Into::into);
    profile::load(&Fs::real(), &Env::real(), &profile_files(settings), name)
        .await
        .map_err(|error| {
            let reason = chain(&error);
            NotConnected::SharedFiles { reason }
        })
}

/// The profile in use, if it, or one that it takes its credentials from, signs in through IAM Identity Center (SSO).
pub(super) async fn sso_profile(settings: &Settings) -> Option<String> {
    /// More profiles than anybody chains.
    const MAX_SOURCES: usize = 16;
    if settings.static_credentials.is_some() {
        return None;
    }
    let files = read_files(settings).await.ok()?;
    let mut name = files.selected_profile();
    for _ in 0..MAX_SOURCES {
        let profile = files.get_profile(name)?;
        if profile
            .get("sso_session")
            .or(profile.get("sso_start_url"))
            .is_some()
        {
            return Some(name.to_owned());
        }
        name = profile.get("source_profile")?;
    }
    None
}

fn profile_files(settings: &Settings) -> EnvConfigFiles {
    let mut files = EnvConfigFiles::builder();
    // a kind that is not named keeps its default file
    if settings.shared_config_files.is_empty() {
        files = files.include_default_config_file(true);
    }
    if settings.shared_credentials_files.is_empty() {
        files = files.include_default_credentials_file(true);
    }
    for file in &settings.shared_config_files {
        files = files.with_file(EnvConfigFileKind::Config, file);
    }
    for file in &settings.shared_credentials_files {
        files = files.with_file(EnvConfigFileKind::Credentials, file);
    }
    files.build()
}
