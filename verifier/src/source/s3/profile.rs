//! The profile of the shared AWS configuration.
//!
//! AWS's own tools refuse a profile that the files do not define. A profile that is named as an argument also wins over
//! key variables in the environment, where the SDK alone would take the variables.

use std::env;

use aws_config::SdkConfig;
use aws_config::ecs::EcsCredentialsProvider;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::profile::{self, ProfileFileCredentialsProvider};
use aws_config::provider_config::ProviderConfig;
use aws_runtime::env_config::file::EnvConfigFiles;
use aws_sdk_s3::config::SharedCredentialsProvider;
use aws_types::os_shim_internal::{Env, Fs};

use super::causes::causes;
use crate::source::ReadError;

const LIST: &str =
    "`aws configure list-profiles` lists them; set AWS_PROFILE or --profile to one of them";

/// Checks that the shared files define the profile that was asked for, as an argument or by `AWS_PROFILE`.
pub(super) async fn check(argument: Option<&str>) -> Result<(), ReadError> {
    let of_environment = env::var("AWS_PROFILE").ok().filter(|name| !name.is_empty());
    let Some(name) = argument.map(str::to_owned).or(of_environment) else {
        return Ok(());
    };
    let files = profile::load(&Fs::real(), &Env::real(), &EnvConfigFiles::default(), None)
        .await
        .map_err(|error| {
            ReadError::new(format!(
                "cannot read the profile {name}: {}",
                causes(&error)
            ))
        })?;
    if files.get_profile(&name).is_some() {
        return Ok(());
    }
    let reason = format!("the shared AWS configuration does not define the profile {name}");
    Err(ReadError::new(reason).with_hint(LIST.to_owned()))
}

/// The profile in use, if it, or one that it takes its credentials from, signs in through IAM Identity Center (SSO).
pub(super) async fn with_sso(argument: Option<&str>) -> Option<String> {
    /// More profiles than anybody chains.
    const MAX_SOURCES: usize = 16;
    let argument = argument.map(|name| name.to_owned().into());
    let files = EnvConfigFiles::default();
    let files = profile::load(&Fs::real(), &Env::real(), &files, argument)
        .await
        .ok()?;
    let mut name = files.selected_profile();
    for _ in 0..MAX_SOURCES {
        let profile = files.get_profile(name)?;
        let sso = profile.get("sso_session").or(profile.get("sso_start_url"));
        if sso.is_some() {
            return Some(name.to_owned());
        }
        name = profile.get("source_profile")?;
    }
    None
}

/// The configuration with the profile's credentials, or where it has none, with those of the machine's role.
pub(super) fn sign_in(config: SdkConfig, profile: &str) -> SdkConfig {
    let place = ProviderConfig::without_region().with_region(config.region().cloned());
    let chain = CredentialsProviderChain::first_try(
        "Profile",
        ProfileFileCredentialsProvider::builder()
            .configure(&place)
            .profile_name(profile)
            .build(),
    )
    .or_else(
        "EcsContainer",
        EcsCredentialsProvider::builder().configure(&place).build(),
    )
    .or_else(
        "Ec2InstanceMetadata",
        ImdsCredentialsProvider::builder().configure(&place).build(),
    );
    config
        .into_builder()
        .credentials_provider(SharedCredentialsProvider::new(chain))
        .build()
}
