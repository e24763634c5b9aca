//! The SDK clients, made once from the provider's configuration.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_config::{Region, SdkConfig};
use aws_sdk_s3::config::retry::{RetryConfig, RetryPartition, TokenBucket};

use super::caller::caller;
use super::cancel::Cancel;
use super::key_memo::KeyMemo;
use super::owner::ExpectedOwner;
use super::place::Place;
use super::settings::{Endpoints, Settings};
use super::shared::load;
use super::stop::NoMoreAttempts;
use super::tags::{IgnoredTags, Tags, is_providers_own, is_reserved};
use crate::error::{Error, NotConnected};

/// Attempts of a call that its caller can do without.
const HASTY_ATTEMPTS: u32 = 2;

/// Clients for one account and region. Clones are cheap and share their connections.
#[derive(Debug, Clone)]
pub struct Clients {
    pub(crate) s3: aws_sdk_s3::Client,
    pub(crate) kms: aws_sdk_kms::Client,
    pub(crate) region: String,
    pub(crate) account_id: Option<String>,
    caller_arn: Option<String>,
    default_tags: Arc<Tags>,
    ignored_tags: Arc<IgnoredTags>,
    pub(crate) patience: Duration,
    pub(crate) cancel: Cancel,
    pub(crate) keys: Arc<KeyMemo>,
    regions: Arc<Regions>,
    claimed: Arc<Mutex<BTreeSet<String>>>,
}

/// What the clients of every region have in common, and those that were made so far.
#[derive(Debug)]
struct Regions {
    shared: SdkConfig,
    endpoints: Endpoints,
    s3_use_path_style: bool,
    account_id: Option<String>,
    retries: RetryPartition,
    cancel: Cancel,
    made: Mutex<BTreeMap<String, (aws_sdk_s3::Client, aws_sdk_kms::Client)>>,
}

impl Regions {
    /// The clients of a region, made when they are first asked for.
    fn clients(&self, region: &str) -> (aws_sdk_s3::Client, aws_sdk_kms::Client) {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || self.make(region);
        made.entry(region.to_owned()).or_insert_with(new).clone()
    }

    fn make(&self, region: &str) -> (aws_sdk_s3::Client, aws_sdk_kms::Client) {
        let place = Region::new(region.to_owned());
        let shared = self.shared.to_builder().region(place).build();
        // an endpoint of the environment or the profile is in the builders already
        let mut s3 = aws_sdk_s3::config::Builder::from(&shared);
        s3 = s3
            .force_path_style(self.s3_use_path_style)
            .retry_partition(self.retries.clone())
            .interceptor(NoMoreAttempts(self.cancel.clone()));
        if let Some(endpoint) = &self.endpoints.s3 {
            s3 = s3.endpoint_url(endpoint);
        }
        if let Some(account) = &self.account_id {
            s3 = s3.interceptor(ExpectedOwner::new(account));
        }
        let mut kms = aws_sdk_kms::config::Builder::from(&shared)
            .retry_partition(self.retries.clone())
            .interceptor(NoMoreAttempts(self.cancel.clone()));
        if let Some(endpoint) = &self.endpoints.kms {
            kms = kms.endpoint_url(endpoint);
        }
        (
            aws_sdk_s3::Client::from_conf(s3.build()),
            aws_sdk_kms::Client::from_conf(kms.build()),
        )
    }
}

impl Clients {
    /// Loads credentials and region, and asks STS for the account.
    ///
    /// # Errors
    /// No region, no usable credentials, or an account that the settings keep out.
    pub async fn connect(settings: &Settings, cancel: Cancel) -> Result<Self, NotConnected> {
        let shared = load(settings, &cancel).await?;
        let region = shared.region().map(ToString::to_string);
        // an empty AWS_REGION does not name one
        let region = region
            .filter(|region| !region.is_empty())
            .ok_or(NotConnected::NoRegion)?;
        let caller = caller(settings, &shared, &cancel).await?;
        let account_id = caller.as_ref().map(|caller| caller.account.clone());
        let regions = Regions {
            shared,
            endpoints: settings.endpoints.clone(),
            s3_use_path_style: settings.s3_use_path_style,
            account_id: account_id.clone(),
            retries: retry_partition(settings),
            cancel: cancel.clone(),
            made: Mutex::default(),
        };
        let (s3, kms) = regions.clients(&region);
        Ok(Self {
            s3,
            kms,
            region,
            account_id,
            caller_arn: caller.and_then(|caller| caller.arn),
            default_tags: Arc::new(default_tags(settings)),
            ignored_tags: Arc::new(settings.ignored_tags.clone()),
            patience: settings.timeouts.operation,
            cancel,
            keys: Arc::default(),
            regions: Arc::new(regions),
            claimed: Arc::default(),
        })
    }

    /// The same account's clients in another region. Nothing is called; each region's clients are made once.
    #[must_use]
    pub fn in_region(&self, region: &str) -> Self {
        let (s3, kms) = self.regions.clients(region);
        Self {
            s3,
            kms,
            region: region.to_owned(),
            ..self.clone()
        }
    }

    /// The same clients for a look that somebody waits for and can do without: S3 is asked twice at the most.
    #[must_use]
    pub(crate) fn hasty(&self) -> Self {
        let config = self.s3.config();
        let retries = config.retry_config().cloned();
        let retries = retries.unwrap_or_else(RetryConfig::standard);
        let attempts = retries.max_attempts().min(HASTY_ATTEMPTS);
        let config = config.to_builder();
        let config = config.retry_config(retries.with_max_attempts(attempts));
        Self {
            s3: aws_sdk_s3::Client::from_conf(config.build()),
            ..self.clone()
        }
    }

    /// Notes that a bucket is created by this run; false where another resource of the configuration has created it.
    pub(crate) fn claim(&self, bucket: &str) -> bool {
        let mut claimed = self.claimed.lock().unwrap_or_else(PoisonError::into_inner);
        claimed.insert(bucket.to_owned())
    }

    /// Whether this run has created the bucket, or is about to.
    pub(crate) fn is_claimed(&self, bucket: &str) -> bool {
        let claimed = self.claimed.lock().unwrap_or_else(PoisonError::into_inner);
        claimed.contains(bucket)
    }

    /// Forgets a claim: the bucket is gone.
    pub(crate) fn release(&self, bucket: &str) {
        let mut claimed = self.claimed.lock().unwrap_or_else(PoisonError::into_inner);
        claimed.remove(bucket);
    }

    /// The region of everything that these clients make.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The account, unless STS was to be left alone.
    pub fn account_id(&self) -> Option<&str> {
        self.account_id.as_deref()
    }

    /// ARN of the caller, as STS returns it, unless STS was to be left alone.
    pub fn caller_arn(&self) -> Option<&str> {
        self.caller_arn.as_deref()
    }

    /// The tags that everything gets.
    pub fn default_tags(&self) -> &Tags {
        &self.default_tags
    }

    /// The endpoint of S3 Control, where the provider block names one.
    pub(crate) fn s3control_endpoint(&self) -> Option<&str> {
        self.regions.endpoints.s3control.as_deref()
    }

    /// Whether a tag is not ours to show or to change: AWS set it, or `ignore_tags` names it. The provider's own bookkeeping is always
    /// ours: without it, what was declared would never agree with what is found.
    pub(crate) fn leaves_alone(&self, key: &str) -> bool {
        is_reserved(key) || self.ignores(key)
    }

    /// Whether `ignore_tags` names the tag.
    pub(crate) fn ignores(&self, key: &str) -> bool {
        !is_reserved(key) && !is_providers_own(key) && self.ignored_tags.contains(key)
    }

    /// Checks that a resource of the state is looked up in its own region and account: elsewhere it would not be found,
    /// and would be made again.
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

/// The SDK's own bucket of 500 tokens would end retries early where many resources are throttled at once.
fn retry_partition(settings: &Settings) -> RetryPartition {
    let bucket = settings
        .retries
        .bucket_capacity
        .map_or_else(TokenBucket::unlimited, |tokens| {
            TokenBucket::new(usize::try_from(tokens).unwrap_or(usize::MAX))
        });
    RetryPartition::custom("auditlog")
        .token_bucket(bucket)
        .build()
}

/// A default that is to be ignored is not set.
fn default_tags(settings: &Settings) -> Tags {
    let defaults = settings.default_tags.iter();
    defaults
        .filter(|(key, _)| !settings.ignored_tags.contains(key))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::aws::Timeouts;

    async fn offline(patience: Duration, cancel: Cancel) -> Clients {
        let settings = Settings {
            region: Some("eu-central-1".to_owned()),
            skip_requesting_account_id: true,
            timeouts: Timeouts {
                operation: patience,
                ..Timeouts::default()
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
    async fn clients_of_a_region_are_made_once() {
        let clients = offline(Duration::ZERO, Cancel::default()).await;
        let region =
            |client: &aws_sdk_s3::Client| client.config().region().map(ToString::to_string);
        let there = clients.in_region("eu-west-1");
        assert_eq!(there.region(), "eu-west-1");
        assert_eq!(region(&there.s3).as_deref(), Some("eu-west-1"));
        assert_eq!(
            region(&there.in_region("eu-central-1").s3),
            region(&clients.s3)
        );
        assert_eq!(clients.regions.made.lock().unwrap().len(), 2);
    }

    #[tokio::test]
    async fn bookkeeping_of_the_provider_cannot_be_ignored() {
        let offline = offline(Duration::ZERO, Cancel::default()).await;
        let prefixes = ["auditlog:".to_owned(), "team:".to_owned()];
        let ignored = IgnoredTags {
            key_prefixes: prefixes.into(),
            ..IgnoredTags::default()
        };
        let clients = Clients {
            ignored_tags: Arc::new(ignored),
            ..offline
        };
        assert!(clients.leaves_alone("team:a") && clients.leaves_alone("aws:x"));
        assert!(!clients.leaves_alone("auditlog:lock"));
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
}
