//! Where the credentials come from: the provider block, the environment, the shared files, the role of a container or machine.

use aws_config::ecs::EcsCredentialsProvider;
use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::imds;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::web_identity_token::WebIdentityTokenCredentialsProvider;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;

use super::profile::profile_files;
use super::settings::{Metadata, Settings};
use crate::error::{NotConnected, chain};

/// The provider of the credentials that the first role is assumed with.
///
/// With an explicit profile, key variables of the environment do not count, as for AWS's own tools. Otherwise the order is
/// that of the SDK.
pub(super) fn first_credentials(
    settings: &Settings,
    place: &ProviderConfig,
    machine: Option<imds::Client>,
) -> SharedCredentialsProvider {
    if let Some(keys) = &settings.static_credentials {
        return SharedCredentialsProvider::new(Credentials::new(
            &keys.access_key,
            &keys.secret_key,
            keys.token.clone(),
            None,
            "the provider block",
        ));
    }
    let mut of_profile = ProfileFileCredentialsProvider::builder()
        .configure(place)
        .profile_files(profile_files(settings));
    let chain = if let Some(profile) = &settings.profile {
        of_profile = of_profile.profile_name(profile);
        CredentialsProviderChain::first_try("Profile", of_profile.build())
    } else {
        let of_environment = EnvironmentVariableCredentialsProvider::new();
        let of_token = WebIdentityTokenCredentialsProvider::builder().configure(place);
        CredentialsProviderChain::first_try("Environment", of_environment)
            .or_else("Profile", of_profile.build())
            .or_else("WebIdentityToken", of_token.build())
    };
    let of_container = EcsCredentialsProvider::builder().configure(place).build();
    let mut chain = chain.or_else("EcsContainer", of_container);
    if let Some(machine) = machine {
        let of_machine = ImdsCredentialsProvider::builder().configure(place);
        chain = chain.or_else(
            "Ec2InstanceMetadata",
            of_machine.imds_client(machine).build(),
        );
    }
    SharedCredentialsProvider::new(chain)
}

/// A client of the machine's metadata service, unless it is to be left alone.
///
/// # Errors
/// Its endpoint is not a URL.
pub(super) fn metadata_client(
    metadata: &Metadata,
    place: &ProviderConfig,
) -> Result<Option<imds::Client>, NotConnected> {
    if metadata.skip {
        return Ok(None);
    }
    let mut client = imds::Client::builder().configure(place);
    if let Some(endpoint) = &metadata.endpoint {
        client = client
            .endpoint(endpoint)
            .map_err(|error| NotConnected::Argument {
                argument: "ec2_metadata_service_endpoint",
                reason: chain(error.as_ref()),
            })?;
    }
    match metadata.endpoint_mode.as_deref() {
        Some("IPv6") => client = client.endpoint_mode(imds::client::EndpointMode::IpV6),
        Some(_) => client = client.endpoint_mode(imds::client::EndpointMode::IpV4),
        None => {}
    }
    Ok(Some(client.build()))
}
