//! Which log is meant and where it is stored, from the trust policy and the options.

use std::path::{Path, PathBuf};

use auditlog_chain::limits::MAX_POLICY_BYTES;
use auditlog_chain::origin::Origin;
use auditlog_chain::policy::{KeyPolicy, LogPolicy, TrustPolicy, is_prefix};
use auditlog_chain::segment::FORMAT;
use auditlog_chain::timestamp::Timestamp;
use auditlog_chain::verifier_key::VerifierKey;

use crate::error::{Error, PolicyError, UsageError};

/// Where a log is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// A folder in place of the root of a bucket.
    Folder(PathBuf),
    /// A bucket, and the key prefix that was given with it.
    Bucket {
        /// Its name.
        name: String,
        /// Without `/` at either end.
        prefix: Option<String>,
    },
}

impl Destination {
    /// Parses `--to`: `s3://BUCKET[/PREFIX]`, or a folder that begins with `.` or `/`, so that a bucket's name without its
    /// scheme is never taken for a folder.
    ///
    /// # Errors
    ///
    /// Where it has another form, or no bucket.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let malformed = || UsageError::NotADestination {
            found: text.to_owned(),
        };
        let Some(rest) = text.strip_prefix("s3://") else {
            let is_folder = text.starts_with('/')
                || matches!(text, "." | "..")
                || text.starts_with("./")
                || text.starts_with("../");
            return if is_folder {
                Ok(Self::Folder(PathBuf::from(text)))
            } else {
                Err(malformed().into())
            };
        };
        let (name, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if name.is_empty() {
            return Err(malformed().into());
        }
        let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
        Ok(Self::Bucket {
            name: name.to_owned(),
            prefix: (!prefix.is_empty()).then(|| prefix.to_owned()),
        })
    }
}

/// Reads a trust policy.
///
/// # Errors
///
/// Where it cannot be read, or is not a trust policy.
pub fn read_policy(path: &Path, now: Timestamp) -> Result<TrustPolicy, Error> {
    let bytes = crate::read_at_most("the trust policy cannot be read", path, MAX_POLICY_BYTES)
        .map_err(PolicyError::Unreadable)?;
    let invalid = |source| {
        let path = path.to_owned();
        PolicyError::Invalid { path, source }
    };
    let policy = TrustPolicy::parse(&bytes).map_err(invalid)?;
    let short = |source| {
        let path = path.to_owned();
        PolicyError::ShortRetention { path, source }
    };
    policy.check_spans_at(now).map_err(short)?;
    Ok(policy)
}

/// Parses an origin.
///
/// # Errors
///
/// Where it is not an origin.
pub fn parse_origin(text: &str) -> Result<Origin, Error> {
    Origin::parse(text).ok_or_else(|| {
        UsageError::Malformed {
            expected: "an origin of 1 to 255 printable ASCII characters without space, quote, backslash, plus and `://`",
            found: text.to_owned(),
        }
        .into()
    })
}

/// The log of a policy that is meant: the one with this origin, or the only one.
///
/// # Errors
///
/// Where there is no such log, or several and no origin is given; where it has ended, or is of a format that we do not write.
pub fn log_of_policy(policy: &TrustPolicy, origin: Option<&str>) -> Result<LogPolicy, Error> {
    let logs = &policy.document().logs;
    let known = || logs.iter().map(|log| log.origin.to_string()).collect();
    let found = match (origin, logs.as_slice()) {
        (None, [only]) => only,
        (None, _) => return Err(PolicyError::LogNotNamed { known: known() }.into()),
        (Some(origin), logs) => logs
            .iter()
            .find(|log| log.origin.as_str() == origin)
            .ok_or_else(|| PolicyError::UnknownLog {
                origin: origin.to_owned(),
                known: known(),
            })?,
    };
    if let Some(ended) = &found.ended {
        return Err(PolicyError::LogEnded {
            origin: found.origin.clone(),
            segment: ended.segment,
            successor: ended.successor.clone(),
        }
        .into());
    }
    if found.format != FORMAT {
        return Err(PolicyError::UnsupportedFormat {
            expected: FORMAT,
            found: found.format,
        }
        .into());
    }
    Ok(found.clone())
}

/// A log that no policy describes. Its prefix is the one given, or the last part of its origin.
///
/// # Errors
///
/// Where origin or prefix do not have the form that they must have.
pub fn log_without_policy(origin: &str, prefix: Option<&str>) -> Result<LogPolicy, Error> {
    let origin = parse_origin(origin)?;
    let prefix = prefix.unwrap_or_else(|| origin.last_part()).to_owned();
    if !is_prefix(&prefix) {
        return Err(UsageError::Malformed {
            expected: "a prefix of parts of letters, digits and -_.=@~, with a single / between them",
            found: prefix,
        }
        .into());
    }
    Ok(LogPolicy {
        origin,
        prefix,
        format: FORMAT,
        began: Timestamp::EPOCH,
        max_silence: Vec::new(),
        lock: None,
        verifier_keys: Vec::new(),
        ended: None,
    })
}

/// Where a log of a policy is stored: in the policy's bucket, or for a policy without a store in the folder of `--to`.
///
/// A folder is not accepted in place of the policy's bucket: what is sealed there would be in no bucket, and the status 0.
///
/// # Errors
///
/// Where no destination is named, or policy and option differ.
pub fn destination_of_policy(
    policy: &TrustPolicy,
    log: &LogPolicy,
    to: Option<Destination>,
) -> Result<Destination, Error> {
    let declared = declared_bucket(policy);
    let (name, prefix) = match (to, declared) {
        (None, None) => return Err(UsageError::NoDestination.into()),
        (Some(folder @ Destination::Folder(_)), None) => return Ok(folder),
        (Some(Destination::Folder(folder)), Some(bucket)) => {
            let bucket = bucket.to_owned();
            return Err(UsageError::FolderForBucket { folder, bucket }.into());
        }
        (Some(Destination::Bucket { name, .. }), None) => {
            return Err(UsageError::BucketForFolder { bucket: name }.into());
        }
        (None, Some(bucket)) => (bucket.to_owned(), None),
        (Some(Destination::Bucket { name, prefix }), Some(bucket)) => {
            must_be("bucket", bucket, &name)?;
            (name, prefix)
        }
    };
    if let Some(prefix) = &prefix {
        must_be("prefix", &log.prefix, prefix)?;
    }
    Ok(Destination::Bucket { name, prefix: None })
}

/// The ARNs of the log's keys that may sign now, the newest first.
pub fn declared_kms_keys<'p>(
    policy: &'p TrustPolicy,
    log: &LogPolicy,
    now: Timestamp,
) -> Vec<&'p str> {
    let is_of_log = |key: &KeyPolicy| {
        let mut keys = log.verifier_keys.iter();
        keys.any(|known| *known.public_key() == key.spki)
    };
    let may_sign = |key: &KeyPolicy| {
        let ended = [key.retired_at, key.lost_at].into_iter().flatten();
        key.valid_from <= now
            && ended.min().is_none_or(|end| end > now)
            && key.compromised.is_none()
    };
    let keys = policy.document().keys.iter();
    let mut usable: Vec<_> = keys.filter(|key| is_of_log(key) && may_sign(key)).collect();
    usable.sort_by_key(|key| std::cmp::Reverse(key.valid_from));
    usable
        .into_iter()
        .filter_map(|key| key.arn.as_deref())
        .collect()
}

/// The newest key of the log that is in KMS, whether or not it may sign now.
pub fn newest_kms_key<'l>(policy: &TrustPolicy, log: &'l LogPolicy) -> Option<&'l VerifierKey> {
    let declared = |key: &&VerifierKey| policy.key(key).is_some_and(|said| said.arn.is_some());
    let keys = log.verifier_keys.iter().filter(declared);
    keys.max_by_key(|key| policy.key(key).map(|said| said.valid_from))
}

fn declared_bucket(policy: &TrustPolicy) -> Option<&str> {
    let store = policy.document().store.as_ref()?;
    Some(&store.s3().bucket)
}

fn must_be(what: &'static str, expected: &str, found: &str) -> Result<(), Error> {
    if expected == found {
        return Ok(());
    }
    Err(UsageError::OtherDestination {
        what,
        expected: expected.to_owned(),
        found: found.to_owned(),
    }
    .into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_destination_is_a_bucket_or_a_folder() {
        let bucket = |name: &str, prefix: Option<&str>| Destination::Bucket {
            name: name.to_owned(),
            prefix: prefix.map(str::to_owned),
        };
        for (text, expected) in [
            ("s3://audit", bucket("audit", None)),
            ("s3://audit/", bucket("audit", None)),
            (
                "s3://audit/logs/payments/",
                bucket("audit", Some("logs/payments")),
            ),
            ("./audit", Destination::Folder(PathBuf::from("./audit"))),
            ("../audit", Destination::Folder(PathBuf::from("../audit"))),
            ("/audit", Destination::Folder(PathBuf::from("/audit"))),
            (".", Destination::Folder(PathBuf::from("."))),
        ] {
            assert_eq!(Destination::parse(text).unwrap(), expected, "{text}");
        }
        for bad in [
            "",
            "audit",
            "s3://",
            "s3:///x",
            "https://audit",
            "gs://audit",
            "S3://audit",
            "~/audit",
            ".audit",
        ] {
            assert!(Destination::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn without_a_prefix_a_log_is_stored_under_the_last_part_of_its_origin() {
        let log = log_without_policy("acme.example/audit/payments", None).unwrap();
        assert_eq!(log.segment_key(7), "payments/000000000007.jsonl.zst");
        let log = log_without_policy("acme.example/x", Some("logs/x")).unwrap();
        assert_eq!(log.prefix, "logs/x");
        assert!(log_without_policy("acme.example/x", Some("../x")).is_err());
        assert!(log_without_policy("acme example", None).is_err());
    }
}
