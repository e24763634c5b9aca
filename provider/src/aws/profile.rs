//! The shared files and their profiles.

use std::env;

use aws_config::profile::{self, ProfileSet};
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_types::os_shim_internal::{Env, Fs};

use super::settings::Settings;
use crate::error::{NotConnected, ProfileSource, chain};

/// What the shared files say of the profile in use; nothing where they cannot be read.
#[derive(Debug)]
pub(super) struct Profile(Option<ProfileSet>);

impl Profile {
    /// Reads the files, and checks that they define a profile that somebody named.
    ///
    /// # Errors
    /// A profile that the shared files do not define, or files that cannot be read although a profile was named.
    pub(super) async fn read(settings: &Settings) -> Result<Self, NotConnected> {
        let files = read_files(settings).await;
        let Some((name, named_by)) = asked_profile(settings) else {
            return Ok(Self(files.ok()));
        };
        let files = files?;
        if files.get_profile(&name).is_some() {
            return Ok(Self(Some(files)));
        }
        let mut defined: Vec<String> = files.profiles().map(str::to_owned).collect();
        defined.sort();
        Err(NotConnected::UnknownProfile {
            profile: name,
            named_by,
            defined,
        })
    }

    /// A setting of the profile.
    pub(super) fn get(&self, key: &str) -> Option<String> {
        let found = self.0.as_ref().and_then(|files| files.get(key));
        found.filter(|value| !value.is_empty()).map(str::to_owned)
    }
}

/// A variable of the environment; an empty one does not name anything.
pub(super) fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// The profile that somebody named, if anybody did.
fn asked_profile(settings: &Settings) -> Option<(String, ProfileSource)> {
    let argument = settings.profile.clone();
    let of_environment = || {
        let name = variable("AWS_PROFILE");
        name.filter(|_| settings.static_credentials.is_none())
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

pub(super) fn profile_files(settings: &Settings) -> EnvConfigFiles {
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
