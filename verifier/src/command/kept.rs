//! Opens where a run keeps what the next one needs. Nothing is kept in a bucket that is verified.

#[cfg(feature = "s3")]
use std::time::{Duration, SystemTime};

use auditlog_chain::policy::{S3Store, Store};
use auditlog_verifier::cache::{CacheError, CacheFolder, KeptCache};
use auditlog_verifier::pins::{KeptPins, PinsFile};

#[cfg(feature = "s3")]
use auditlog_verifier::cache::CacheBucket;
#[cfg(feature = "s3")]
use auditlog_verifier::pins::PinsObject;
#[cfg(feature = "s3")]
use auditlog_verifier::source::{Payer, S3Objects, S3Options};

use super::declaration::Declaration;
#[cfg(feature = "s3")]
use super::groups::{EndpointArguments, PinsBucketArguments};
use super::kept_place::KeptPlace;
use super::usage::Usage;

/// Bytes of objects that are read ahead of their checks: pins and caches are read one at a time.
#[cfg(feature = "s3")]
const NOTHING_AHEAD: usize = 0;

/// How to get to where something is kept.
#[derive(Clone, Copy)]
pub(super) struct Way<'a> {
    /// What is verified: nothing is written to its buckets.
    pub(super) declared: &'a [&'a Declaration],
    #[cfg(feature = "s3")]
    pub(super) endpoint: &'a EndpointArguments,
    #[cfg(feature = "s3")]
    pub(super) pins_bucket: &'a PinsBucketArguments,
}

impl Way<'_> {
    /// The pins that `--pins` names.
    pub(super) fn pins(&self, place: &KeptPlace) -> Result<Box<dyn KeptPins>, Usage> {
        match place {
            KeptPlace::Path(path) => Ok(Box::new(PinsFile(path.clone()))),
            KeptPlace::Bucket { bucket, key } => self.pins_object(bucket, key),
        }
    }

    /// The cache that `--cache` names.
    pub(super) fn cache(&self, place: &KeptPlace) -> Result<Box<dyn KeptCache>, Usage> {
        let failed = |error: CacheError| {
            Usage::new(
                error.to_string(),
                "name a folder that can be written to with --cache",
            )
        };
        match place {
            KeptPlace::Path(path) => Ok(Box::new(CacheFolder::open(path).map_err(failed)?)),
            KeptPlace::Bucket { bucket, key } => self.cache_bucket(bucket, key),
        }
    }

    /// The buckets that are verified.
    fn stores(&self) -> impl Iterator<Item = &S3Store> {
        let stores = self.declared.iter();
        stores.filter_map(|one| one.policy.document().store.as_ref().map(Store::s3))
    }
}

#[cfg(not(feature = "s3"))]
impl Way<'_> {
    fn pins_object(&self, bucket: &str, _: &str) -> Result<Box<dyn KeptPins>, Usage> {
        Err(self.without_s3(bucket))
    }

    fn cache_bucket(&self, bucket: &str, _: &str) -> Result<Box<dyn KeptCache>, Usage> {
        Err(self.without_s3(bucket))
    }

    fn without_s3(&self, bucket: &str) -> Usage {
        let verified = self.stores().any(|store| store.bucket == bucket);
        let hint = if verified {
            "name a file, outside of the bucket"
        } else {
            "name a file"
        };
        Usage::new("this program was built without S3", hint)
    }
}

#[cfg(feature = "s3")]
impl Way<'_> {
    fn pins_object(&self, bucket: &str, key: &str) -> Result<Box<dyn KeptPins>, Usage> {
        let opened = self.bucket(bucket, "--pins")?;
        Ok(Box::new(PinsObject::new(opened, key.to_owned())))
    }

    fn cache_bucket(&self, bucket: &str, prefix: &str) -> Result<Box<dyn KeptCache>, Usage> {
        let opened = self.bucket(bucket, "--cache")?;
        Ok(Box::new(CacheBucket::new(opened, prefix)))
    }

    fn bucket(&self, bucket: &str, option: &str) -> Result<S3Objects, Usage> {
        if self.stores().any(|store| store.bucket == bucket) {
            let message =
                format!("{option} names the bucket that is verified: nothing is written to it");
            let hint = "name a bucket that the writers of the logs cannot change";
            return Err(Usage::new(message, hint));
        }
        let declared = self.stores().next().map(|store| store.region.clone());
        let region = self
            .pins_bucket
            .pins_region
            .clone()
            .or(declared)
            .ok_or_else(|| {
                let message = format!("the region of bucket {bucket} is not known");
                Usage::new(message, "name it with --pins-region")
            })?;
        Ok(S3Objects::open(S3Options {
            bucket: bucket.to_owned(),
            prefix: None,
            region,
            account: self.pins_bucket.pins_account.clone().unwrap_or_default(),
            endpoint_url: self.endpoint.endpoint_url.clone(),
            path_style: self.endpoint.path_style,
            profile: self.endpoint.profile.clone(),
            payer: Payer::Owner,
            read_ahead: NOTHING_AHEAD,
            timeout: Duration::from_secs(self.endpoint.timeout.into()),
            deadline: None,
            clock: SystemTime::now,
        })?)
    }
}
