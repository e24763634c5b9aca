//! Where the logs are: the folder or the bucket that the target names.

use std::ffi::OsStr;
#[cfg(feature = "s3")]
use std::time::{Duration, SystemTime};

#[cfg(feature = "s3")]
use auditlog_chain::policy::Store;
use auditlog_chain::policy::TrustPolicy;
use auditlog_verifier::source::{Folder, Source};
#[cfg(feature = "s3")]
use auditlog_verifier::source::{S3, S3Options};

use super::groups::PlaceArguments;
#[cfg(feature = "s3")]
use super::groups::S3Arguments;
use super::usage::Usage;

/// The source that the target names; the policy's bucket where there is no target.
pub(super) fn open(
    arguments: &PlaceArguments,
    policy: &TrustPolicy,
) -> Result<Box<dyn Source>, Usage> {
    open_within(arguments, policy, None)
}

/// The same for one log: nothing of a bucket is listed but what is under its prefix, unless the target names a prefix.
pub(super) fn open_within(
    arguments: &PlaceArguments,
    policy: &TrustPolicy,
    log_prefix: Option<&str>,
) -> Result<Box<dyn Source>, Usage> {
    let text = arguments.target.as_deref().and_then(OsStr::to_str);
    match (&arguments.target, text) {
        (_, Some(target)) if target.starts_with("s3://") => {
            open_bucket(arguments, policy, Some(target), log_prefix)
        }
        (Some(folder), _) if names_a_folder(folder) => Ok(Box::new(Folder::open(folder)?)),
        (Some(word), _) => Err(Usage::new(
            format!(
                "expected a folder such as ./audit or s3://BUCKET[/PREFIX], not {}",
                word.display()
            ),
            "write ./ before the name of a folder; a subcommand comes before all options",
        )),
        (None, _) if policy.document().store.is_some() => {
            open_bucket(arguments, policy, None, log_prefix)
        }
        (None, _) => Err(Usage::new(
            "the trust policy does not name a bucket, and no target was given",
            "name the folder that holds the logs",
        )),
    }
}

/// Whether a target is a path. A bare word is kept free for a subcommand.
fn names_a_folder(target: &OsStr) -> bool {
    let bytes = target.as_encoded_bytes();
    bytes.iter().any(|byte| matches!(byte, b'/' | b'.'))
}

#[cfg(not(feature = "s3"))]
fn open_bucket(
    _: &PlaceArguments,
    _: &TrustPolicy,
    _: Option<&str>,
    _: Option<&str>,
) -> Result<Box<dyn Source>, Usage> {
    Err(Usage::new(
        "this program was built without S3",
        "copy the bucket with `aws s3 sync` and name the folder",
    ))
}

#[cfg(feature = "s3")]
fn open_bucket(
    arguments: &PlaceArguments,
    policy: &TrustPolicy,
    target: Option<&str>,
    log_prefix: Option<&str>,
) -> Result<Box<dyn Source>, Usage> {
    let mut options = bucket_options(&arguments.s3, policy, target)?;
    options.prefix = options.prefix.or_else(|| log_prefix.map(str::to_owned));
    Ok(Box::new(S3::open(options)?))
}

/// The policy's bucket, as the target names it, and how to get there.
#[cfg(feature = "s3")]
pub(super) fn bucket_options(
    arguments: &S3Arguments,
    policy: &TrustPolicy,
    target: Option<&str>,
) -> Result<S3Options, Usage> {
    let Some(declared) = policy.document().store.as_ref().map(Store::s3) else {
        let message =
            "the trust policy does not name a bucket, so no bucket can be verified against it";
        return Err(Usage::new(
            message,
            "verify a folder, or give the policy of this bucket",
        ));
    };
    let place = target.and_then(|target| target.strip_prefix("s3://"));
    let (bucket, prefix) = match place.map(|place| place.split_once('/').unwrap_or((place, ""))) {
        Some((bucket, prefix)) => (bucket, (!prefix.is_empty()).then(|| prefix.to_owned())),
        None => (declared.bucket.as_str(), None),
    };
    let region = arguments.region.as_ref().unwrap_or(&declared.region);
    for (what, asked, named) in [
        ("bucket", bucket, &declared.bucket),
        ("region", region.as_str(), &declared.region),
    ] {
        if asked != named {
            let message = format!("the trust policy names {what} {named}, not {asked}");
            return Err(Usage::new(
                message,
                "give the policy of this bucket, or the bucket of this policy",
            ));
        }
    }
    Ok(S3Options {
        bucket: bucket.to_owned(),
        prefix,
        region: region.clone(),
        account: declared.account.clone(),
        endpoint_url: arguments.endpoint.endpoint_url.clone(),
        path_style: arguments.endpoint.path_style,
        profile: arguments.endpoint.profile.clone(),
        payer: arguments.payer(),
        read_ahead: usize::try_from(arguments.read_ahead).unwrap_or(usize::MAX),
        timeout: Duration::from_secs(arguments.endpoint.timeout.into()),
        deadline: None,
        clock: SystemTime::now,
    })
}
