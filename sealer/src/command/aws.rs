//! The way to AWS, from the options.

use std::time::Duration;

use auditlog_sealer::aws::{Aws, AwsSettings};
use auditlog_sealer::error::Error;

use super::arguments::AwsArguments;

/// AWS, loaded by whoever needs it first: a folder and a key file need nothing of it.
pub(super) struct LazyAws {
    settings: AwsSettings,
    loaded: Option<Aws>,
}

impl LazyAws {
    pub(super) fn load(&mut self) -> Result<&Aws, Error> {
        let aws = match self.loaded.take() {
            Some(aws) => aws,
            None => Aws::load(&self.settings)?,
        };
        Ok(self.loaded.insert(aws))
    }
}

impl AwsArguments {
    pub(super) fn lazy(&self, policy_region: Option<&str>) -> LazyAws {
        let region = self.region.as_deref().or(policy_region);
        LazyAws {
            settings: AwsSettings {
                region: region.map(str::to_owned),
                profile: self.profile.clone(),
                endpoint_url: self.endpoint_url.clone(),
                path_style: self.path_style,
                attempt_timeout: Duration::from_secs(self.timeout),
            },
            loaded: None,
        }
    }
}
