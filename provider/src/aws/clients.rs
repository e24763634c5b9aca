//! The SDK clients, made once from the provider's configuration.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_sdk_s3::config::{Credentials, ProvideCredentials as _};
use tokio::sync::watch;

use super::tags::Tags;
use crate::error::{AccountRule, Error};

/// What the provider block says. Absent values come from the SDK's standard chain.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The region of every bucket and key.
    pub region: Option<String>,
    /// The named profile of the shared files.
    pub profile: Option<String>,
    /// Access key and secret key, and with temporary ones a session token.
    pub static_credentials: Option<(String, String, Option<String>)>,
    /// Shared configuration files in place of `~/.aws/config`.
    pub shared_config_files: Vec<String>,
    /// Shared credential files in place of `~/.aws/credentials`.
    pub shared_credentials_files: Vec<String>,
    /// Endpoints in place of AWS's own.
    pub endpoints: Endpoints,
    /// Whether the bucket stands in the path of the URL and not in its host.
    pub s3_use_path_style: bool,
    /// Tags for everything that the provider makes.
    pub default_tags: Tags,
    /// Retries after the first attempt of a call.
    pub max_retries: u32,
    /// How long to wait for AWS.
    pub time_outs: TimeOuts,
    /// Leave STS alone; the account id is then unknown.
    pub skip_requesting_account_id: bool,
    /// The accounts to work in; `None` is every one.
    pub allowed_account_ids: Option<Vec<String>>,
    /// Accounts not to work in.
    pub forbidden_account_ids: Vec<String>,
}

/// Endpoint URLs, for each service that the provider calls.
#[derive(Debug, Clone, Default)]
pub struct Endpoints {
    /// Amazon S3.
    pub s3: Option<String>,
    /// AWS KMS.
    pub kms: Option<String>,
    /// AWS STS.
    pub sts: Option<String>,
}

/// Time-outs of calls. The SDK has none but for connecting, and an unanswered request would hang for ever.
#[derive(Debug, Clone, Copy)]
pub struct TimeOuts {
    /// Until a connection stands.
    pub connect: Duration,
    /// For one attempt of a call, its answer included.
    pub attempt: Duration,
    /// For a call with all its retries.
    pub operation: Duration,
}

impl Default for TimeOuts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            attempt: Duration::from_secs(30),
            operation: Duration::from_mins(3),
        }
    }
}

/// Whether Terraform has asked to stop. Cloned freely; all clones tell the same.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<watch::Sender<bool>>);

impl Cancel {
    /// Asks everything that watches to stop at its next safe point.
    pub fn cancel(&self) {
        self.0.send_replace(true);
    }

    /// Whether the stop has been asked for.
    pub fn is_cancelled(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until the stop is asked for.
    pub async fn cancelled(&self) {
        // the sender lives as long as self, so waiting cannot fail
        drop(self.0.subscribe().wait_for(|cancelled| *cancelled).await);
    }
}

/// Clients for one account and region.
#[derive(Debug, Clone)]
pub struct Clients {
    pub(crate) s3: aws_sdk_s3::Client,
    pub(crate) kms: aws_sdk_kms::Client,
    pub(crate) region: String,
    pub(crate) account_id: Option<String>,
    pub(crate) default_tags: Tags,
    pub(crate) patience: Duration,
    pub(crate) cancel: Cancel,
}

impl Clients {
    /// Loads credentials and region, and asks STS for the account.
    ///
    /// # Errors
    /// No region, an identity that STS does not know, or an account that the settings keep out.
    pub async fn connect(settings: &Settings, cancel: Cancel) -> Result<Self, Error> {
        let shared = load(settings).await;
        let region = shared.region().map(ToString::to_string);
        // an empty AWS_REGION is none
        let region = region
            .filter(|region| !region.is_empty())
            .ok_or(Error::NoRegion)?;
        let account_id = if settings.skip_requesting_account_id {
            None
        } else {
            let account = account_id(&shared, settings.endpoints.sts.as_deref()).await?;
            check_account(settings, &account)?;
            Some(account)
        };
        // an endpoint of the environment or the profile is in the builders already
        let mut s3 = aws_sdk_s3::config::Builder::from(&shared);
        s3 = s3.force_path_style(settings.s3_use_path_style);
        if let Some(endpoint) = &settings.endpoints.s3 {
            s3 = s3.endpoint_url(endpoint);
        }
        let mut kms = aws_sdk_kms::config::Builder::from(&shared);
        if let Some(endpoint) = &settings.endpoints.kms {
            kms = kms.endpoint_url(endpoint);
        }
        Ok(Self {
            s3: aws_sdk_s3::Client::from_conf(s3.build()),
            kms: aws_sdk_kms::Client::from_conf(kms.build()),
            region,
            account_id,
            default_tags: settings.default_tags.clone(),
            patience: settings.time_outs.operation,
            cancel,
        })
    }

    /// The region of everything that these clients make.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The account, unless STS was to be left alone.
    pub fn account_id(&self) -> Option<&str> {
        self.account_id.as_deref()
    }

    /// The tags that everything gets.
    pub fn default_tags(&self) -> &Tags {
        &self.default_tags
    }

    /// That a resource of the state is looked for where it is: elsewhere it would not be found, and be made anew.
    ///
    /// # Errors
    /// [`Error::OtherRegion`] and [`Error::OtherAccount`].
    pub(crate) fn check_place(&self, resource: &str, place: Place<'_>) -> Result<(), Error> {
        if let Some(region) = place.region.filter(|region| *region != self.region) {
            return Err(Error::OtherRegion {
                resource: resource.to_owned(),
                region: region.to_owned(),
                configured: self.region.clone(),
            });
        }
        match (place.account, self.account_id()) {
            (Some(account), Some(caller)) if account != caller => Err(Error::OtherAccount {
                resource: resource.to_owned(),
                account: account.to_owned(),
                caller: caller.to_owned(),
            }),
            _ => Ok(()),
        }
    }

    /// Repeats a step while AWS says that the resource is busy, or does not know yet what it has just made.
    ///
    /// Settings of a new bucket race with its creation (409 `OperationAborted`), a new key is not at once known to
    /// every node of KMS (`NotFoundException`). `passing` says which codes pass by themselves.
    pub(crate) async fn settle<T, F, Fut>(
        &self,
        operation: &'static str,
        target: &str,
        passing: &[&str],
        mut step: F,
    ) -> Result<T, Error>
    where
        F: FnMut() -> Fut,
        Fut: Future<Output = Result<T, Error>>,
    {
        let started = tokio::time::Instant::now();
        let mut pause = Duration::from_millis(100);
        loop {
            if self.cancel.is_cancelled() {
                return Err(Error::Cancelled {
                    operation,
                    target: target.to_owned(),
                });
            }
            match step().await {
                Err(error)
                    if error.code().is_some_and(|code| passing.contains(&code))
                        && started.elapsed() < self.patience =>
                {
                    tracing::debug!(
                        operation,
                        target,
                        code = error.code(),
                        "not settled yet, trying again"
                    );
                }
                done => return done,
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.cancel.cancelled() => {}
            }
            pause = pause.saturating_mul(2).min(Duration::from_secs(5));
        }
    }
}

/// Where a resource is, as far as that is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Place<'a> {
    pub(crate) region: Option<&'a str>,
    pub(crate) account: Option<&'a str>,
}

impl<'a> Place<'a> {
    /// What an ARN says of it: `arn:<partition>:<service>:<region>:<account>:<resource>`.
    pub(crate) fn of_arn(arn: &'a str) -> Self {
        let part = |number| arn.split(':').nth(number).filter(|part| !part.is_empty());
        if !arn.starts_with("arn:") {
            return Self::default();
        }
        Self {
            region: part(3),
            account: part(4),
        }
    }
}

fn check_account(settings: &Settings, account: &str) -> Result<(), Error> {
    let listed = |accounts: &[String]| accounts.iter().any(|listed| listed == account);
    let refused = |rule| {
        Err(Error::AccountRefused {
            account: account.to_owned(),
            rule,
        })
    };
    if listed(&settings.forbidden_account_ids) {
        return refused(AccountRule::Forbidden);
    }
    match &settings.allowed_account_ids {
        Some(allowed) if !listed(allowed) => refused(AccountRule::Allowed),
        _ => Ok(()),
    }
}

async fn load(settings: &Settings) -> SdkConfig {
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .retry_config(
            RetryConfig::standard().with_max_attempts(settings.max_retries.saturating_add(1)),
        )
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(settings.time_outs.connect)
                .operation_attempt_timeout(settings.time_outs.attempt)
                .operation_timeout(settings.time_outs.operation)
                .build(),
        );
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
    if !settings.shared_config_files.is_empty() || !settings.shared_credentials_files.is_empty() {
        loader = loader.profile_files(profile_files(settings));
    }
    loader.load().await
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

const CREDENTIALS: &str = "the provider's credentials";

async fn account_id(shared: &SdkConfig, endpoint: Option<&str>) -> Result<String, Error> {
    const OPERATION: &str = "GetCallerIdentity";
    let mut sts = aws_sdk_sts::config::Builder::from(shared);
    if let Some(endpoint) = endpoint {
        sts = sts.endpoint_url(endpoint);
    }
    let answer = aws_sdk_sts::Client::from_conf(sts.build())
        .get_caller_identity()
        .send()
        .await;
    let identity = match answer {
        Ok(identity) => identity,
        Err(error) => {
            let target = match error.raw_response() {
                Some(_) => credentials_in_use(shared).await,
                None => CREDENTIALS.to_owned(),
            };
            return Err(Error::call(OPERATION, &target, &error));
        }
    };
    identity.account.ok_or_else(|| Error::Incomplete {
        operation: OPERATION,
        target: CREDENTIALS.to_owned(),
        missing: "the account",
    })
}

/// The credentials by what is no secret in them: the chain may have found others than a person thinks of.
async fn credentials_in_use(shared: &SdkConfig) -> String {
    let Some(provider) = shared.credentials_provider() else {
        return CREDENTIALS.to_owned();
    };
    match provider.provide_credentials().await {
        Ok(found) => format!("the access key {}", found.access_key_id()),
        Err(_) => CREDENTIALS.to_owned(),
    }
}

/// The partition that a region belongs to, as ARNs name it.
pub fn partition(region: &str) -> &'static str {
    const PREFIXES: [(&str, &str); 8] = [
        ("cn-", "aws-cn"),
        ("us-gov-", "aws-us-gov"),
        ("us-isob-", "aws-iso-b"),
        ("us-isof-", "aws-iso-f"),
        ("us-iso-", "aws-iso"),
        ("eu-isoe-", "aws-iso-e"),
        ("eusc-", "aws-eusc"),
        ("", "aws"),
    ];
    PREFIXES
        .iter()
        .find(|(prefix, _)| region.starts_with(prefix))
        .map_or("aws", |(_, partition)| partition)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    async fn offline(patience: Duration, cancel: Cancel) -> Clients {
        let settings = Settings {
            region: Some("eu-central-1".to_owned()),
            skip_requesting_account_id: true,
            time_outs: TimeOuts {
                operation: patience,
                ..TimeOuts::default()
            },
            ..Settings::default()
        };
        Clients::connect(&settings, cancel).await.unwrap()
    }

    /// Fails so many times with `NoSuchBucket`; how often it was asked is in the counter.
    async fn ask(
        clients: &Clients,
        passing: &[&str],
        failures: u32,
        asked: &Cell<u32>,
    ) -> Result<(), Error> {
        clients
            .settle("PutBucketPolicy", "trail", passing, || {
                asked.set(asked.get().saturating_add(1));
                let failed = asked.get() <= failures;
                async move {
                    if failed {
                        Err(Error::no_such_bucket("PutBucketPolicy", "trail"))
                    } else {
                        Ok(())
                    }
                }
            })
            .await
    }

    #[tokio::test]
    async fn what_passes_by_itself_is_asked_again() {
        let clients = offline(Duration::from_mins(1), Cancel::default()).await;
        let asked = Cell::new(0);
        ask(&clients, &["NoSuchBucket"], 2, &asked).await.unwrap();
        assert_eq!(asked.get(), 3);
    }

    #[tokio::test]
    async fn what_does_not_pass_is_asked_once() {
        let clients = offline(Duration::from_mins(1), Cancel::default()).await;
        let asked = Cell::new(0);
        let error = ask(&clients, &["OperationAborted"], 2, &asked)
            .await
            .unwrap_err();
        assert_eq!((asked.get(), error.code()), (1, Some("NoSuchBucket")));
    }

    #[tokio::test]
    async fn patience_ends() {
        let clients = offline(Duration::ZERO, Cancel::default()).await;
        let asked = Cell::new(0);
        assert!(ask(&clients, &["NoSuchBucket"], 2, &asked).await.is_err());
        assert_eq!(asked.get(), 1);
    }

    #[tokio::test]
    async fn cancellation_ends_the_waiting() {
        let cancel = Cancel::default();
        let clients = offline(Duration::from_mins(1), cancel.clone()).await;
        let asked = Cell::new(0);
        let (error, ()) = tokio::join!(ask(&clients, &["NoSuchBucket"], u32::MAX, &asked), async {
            tokio::task::yield_now().await;
            cancel.cancel();
        });
        assert!(matches!(error, Err(Error::Cancelled { .. })), "{error:?}");
    }

    #[tokio::test]
    async fn nothing_is_done_after_a_cancellation() {
        let cancel = Cancel::default();
        let clients = offline(Duration::from_mins(1), cancel.clone()).await;
        cancel.cancel();
        let asked = Cell::new(0);
        let error = ask(&clients, &[], 0, &asked).await.unwrap_err();
        assert_eq!(asked.get(), 0);
        assert_eq!(
            error.to_string(),
            "PutBucketPolicy on trail was not done: Terraform asked the provider to stop"
        );
    }

    #[test]
    fn partition_follows_the_region() {
        assert_eq!(partition("eu-central-1"), "aws");
        assert_eq!(partition("cn-north-1"), "aws-cn");
        assert_eq!(partition("us-gov-west-1"), "aws-us-gov");
        assert_eq!(partition("us-isob-east-1"), "aws-iso-b");
        assert_eq!(partition("us-iso-east-1"), "aws-iso");
    }

    #[test]
    fn place_is_what_an_arn_says() {
        let key = Place::of_arn("arn:aws:kms:eu-central-1:123456789012:key/1");
        assert_eq!(
            (key.region, key.account),
            (Some("eu-central-1"), Some("123456789012"))
        );
        for placeless in ["arn:aws:s3:::trail", "alias/x:y:z:a:b", "1234", ""] {
            assert_eq!(Place::of_arn(placeless), Place::default(), "{placeless}");
        }
    }

    #[test]
    fn account_is_let_in_by_both_lists() {
        let let_in = |allowed: Option<&[&str]>, forbidden: &[&str]| {
            let list = |accounts: &[&str]| accounts.iter().map(ToString::to_string).collect();
            let settings = Settings {
                allowed_account_ids: allowed.map(list),
                forbidden_account_ids: list(forbidden),
                ..Settings::default()
            };
            check_account(&settings, "111111111111").is_ok()
        };
        assert!(let_in(None, &[]));
        assert!(let_in(
            Some(&["222222222222", "111111111111"]),
            &["333333333333"]
        ));
        assert!(!let_in(Some(&["222222222222"]), &[]));
        // a list without an entry was written to let nobody in
        assert!(!let_in(Some(&[]), &[]));
        assert!(!let_in(Some(&["111111111111"]), &["111111111111"]));
    }
}
