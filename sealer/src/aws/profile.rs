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
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, future};
use aws_runtime::env_config::file::EnvConfigFiles;
use aws_sdk_s3::config::SharedCredentialsProvider;
use aws_types::os_shim_internal::{Env, Fs};

use crate::error::{AwsFault, AwsFaultKind, SsoSignIn, chain};

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
        .map_err(|error| {
            fault(AwsFaultKind::NoCredentials {
                why: chain(&error),
                sso_profile: None,
            })
        })?;
    match files.get_profile(&name) {
        Some(_) => Ok(()),
        None => Err(fault(AwsFaultKind::UnknownProfile)),
    }
}

/// The profile in use, if it, or one that it takes its credentials from, signs in through IAM Identity Center (SSO).
async fn with_sso(argument: Option<&str>) -> Option<String> {
    /// More profiles than anybody chains.
    const MAX_SOURCES: usize = 16;
    let argument = argument.map(|name| name.to_owned().into());
    let files = EnvConfigFiles::default();
    let files = profile::load(&Fs::real(), &Env::real(), &files, argument).await;
    let files = files.ok()?;
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

/// Credentials of a profile that signs in through SSO. Where there are none, the error names the profile.
#[derive(Debug)]
struct OfSso {
    inner: SharedCredentialsProvider,
    profile: String,
}

impl ProvideCredentials for OfSso {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async move {
            let found = self.inner.provide_credentials().await;
            found.map_err(|source| {
                let profile = self.profile.clone();
                CredentialsError::provider_error(SsoSignIn { profile, source })
            })
        })
    }
}

/// The configuration, with errors that name the profile of SSO whose session must be renewed.
pub(super) async fn naming_sso(config: SdkConfig, argument: Option<&str>) -> SdkConfig {
    let (Some(profile), Some(inner)) = (with_sso(argument).await, config.credentials_provider())
    else {
        return config;
    };
    let provider = SharedCredentialsProvider::new(OfSso { inner, profile });
    config.into_builder().credentials_provider(provider).build()
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
