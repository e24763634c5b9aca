//! The profile of the shared files.
//!
//! AWS's own tools refuse a profile that the files do not define. A profile that is named as an argument also wins over
//! key variables in the environment, where the SDK alone would take the variables.

use aws_config::SdkConfig;
use aws_config::ecs::EcsCredentialsProvider;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::profile::{self, ProfileFileCredentialsProvider};
use aws_config::provider_config::ProviderConfig;
use aws_runtime::env_config::file::EnvConfigFiles;
use aws_sdk_s3::config::SharedCredentialsProvider;
use aws_types::os_shim_internal::{Env, Fs};

use crate::error::{AwsFault, AwsFaultKind, chain};

/// Checks that the shared files define the profile: the argument, or else `AWS_PROFILE`.
///
/// # Errors
///
/// Where they do not, or cannot be read.
pub(super) async fn check(argument: Option<&str>) -> Result<(), AwsFault> {
    let of_environment = Env::real().get("AWS_PROFILE").ok();
    let of_environment = of_environment.filter(|name| !name.is_empty());
    let Some(name) = argument.map(str::to_owned).or(of_environment) else {
        return Ok(());
    };
    let fault = |kind| AwsFault {
        call: "AWS",
        target: format!("profile {name}"),
        kind,
    };
    let files = profile::load(&Fs::real(), &Env::real(), &EnvConfigFiles::default(), None)
        .await
        .map_err(|error| fault(AwsFaultKind::NoCredentials(chain(&error))))?;
    match files.get_profile(&name) {
        Some(_) => Ok(()),
        None => Err(fault(AwsFaultKind::UnknownProfile)),
    }
}

/// The configuration with the credentials of this profile; a profile without any is given those of the machine's role.
pub(super) fn sign_in(config: SdkConfig, profile: &str) -> SdkConfig {
    let place = ProviderConfig::without_region().with_region(config.region().cloned());
    let of_profile = ProfileFileCredentialsProvider::builder()
        .configure(&place)
        .profile_name(profile)
        .build();
    let of_container = EcsCredentialsProvider::builder().configure(&place).build();
    let of_machine = ImdsCredentialsProvider::builder().configure(&place).build();
    let chain = CredentialsProviderChain::first_try("Profile", of_profile)
        .or_else("EcsContainer", of_container)
        .or_else("Ec2InstanceMetadata", of_machine);
    config
        .into_builder()
        .credentials_provider(SharedCredentialsProvider::new(chain))
        .build()
}
