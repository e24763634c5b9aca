//! Which log is meant and where it lies, from the trust policy and the options.

use std::path::{Path, PathBuf};

use auditlog_chain::limits::MAX_POLICY_BYTES;
use auditlog_chain::origin::Origin;
use auditlog_chain::policy::{LogPolicy, TrustPolicy, is_prefix};
use auditlog_chain::segment::FORMAT;
use auditlog_chain::timestamp::Timestamp;

use crate::error::{Error, POLICY_UNREADABLE};

/// Where a log lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// A folder that stands for the root of a bucket.
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
    /// Parses `--to`: `s3://BUCKET[/PREFIX]` or a folder.
    ///
    /// # Errors
    ///
    /// Where a URL has another scheme, or no bucket.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let Some(rest) = text.strip_prefix("s3://") else {
            if text.is_empty() || text.contains("://") {
                return Err(Error::Malformed {
                    expected: "folder and no s3://BUCKET[/PREFIX]",
                    found: text.to_owned(),
                });
            }
            return Ok(Self::Folder(PathBuf::from(text)));
        };
        let (name, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if name.is_empty() {
            return Err(Error::Malformed {
                expected: "s3://BUCKET[/PREFIX]",
                found: text.to_owned(),
            });
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
/// Where it cannot be read, or is none.
pub fn read_policy(path: &Path) -> Result<TrustPolicy, Error> {
    let bytes = crate::read_at_most(POLICY_UNREADABLE, path, MAX_POLICY_BYTES)?;
    TrustPolicy::parse(&bytes).map_err(|source| Error::Policy {
        path: path.to_owned(),
        source,
    })
}

/// Parses an origin.
///
/// # Errors
///
/// Where it is none.
pub fn parse_origin(text: &str) -> Result<Origin, Error> {
    Origin::parse(text).ok_or_else(|| Error::Malformed {
        expected: "origin: 1 to 255 printable ASCII characters without space, quote, backslash and plus",
        found: text.to_owned(),
    })
}

/// The log of a policy that is meant: the one with this origin, or the only one.
///
/// # Errors
///
/// Where there is none, or several and none was named; where it has ended, or is of a format that we do not write.
pub fn log_of_policy(policy: &TrustPolicy, origin: Option<&str>) -> Result<LogPolicy, Error> {
    let logs = &policy.document().logs;
    let known = || logs.iter().map(|log| log.origin.to_string()).collect();
    let found = match (origin, logs.as_slice()) {
        (None, [only]) => only,
        (None, _) => return Err(Error::LogNotNamed { known: known() }),
        (Some(origin), logs) => logs
            .iter()
            .find(|log| log.origin.as_str() == origin)
            .ok_or_else(|| Error::UnknownLog {
                origin: origin.to_owned(),
                known: known(),
            })?,
    };
    if let Some(ended) = &found.ended {
        return Err(Error::LogEnded {
            origin: found.origin.clone(),
            segment: ended.segment,
            successor: ended.successor.clone(),
        });
    }
    if found.format != FORMAT {
        return Err(Error::UnsupportedFormat {
            expected: FORMAT,
            found: found.format,
        });
    }
    Ok(found.clone())
}

/// A log that no policy describes. Its prefix is the one given, or the last part of its origin.
///
/// # Errors
///
/// Where origin or prefix cannot be.
pub fn log_without_policy(origin: &str, prefix: Option<&str>) -> Result<LogPolicy, Error> {
    let origin = parse_origin(origin)?;
    let prefix = prefix.unwrap_or_else(|| origin.last_part()).to_owned();
    if !is_prefix(&prefix) {
        return Err(Error::Malformed {
            expected: "prefix: parts of letters, digits and -_.=@~, with a single / between them",
            found: prefix,
        });
    }
    Ok(LogPolicy {
        origin,
        prefix,
        format: FORMAT,
        began: Timestamp::EPOCH,
        verifier_keys: Vec::new(),
        ended: None,
    })
}

/// Where a log of a policy lies: in the policy's bucket, or where `--to` says. A folder may stand for any bucket.
///
/// # Errors
///
/// Where nothing says it, or both say it and differ.
pub fn destination_of_policy(
    policy: &TrustPolicy,
    log: &LogPolicy,
    to: Option<Destination>,
) -> Result<Destination, Error> {
    let bucket = policy.document().bucket.as_ref();
    let (name, prefix) = match (to, bucket) {
        (None, None) => return Err(Error::NoDestination),
        (None, Some(bucket)) => {
            return Ok(Destination::Bucket {
                name: bucket.name.clone(),
                prefix: None,
            });
        }
        (Some(Destination::Folder(path)), _) => return Ok(Destination::Folder(path)),
        (Some(Destination::Bucket { name, prefix }), _) => (name, prefix),
    };
    let differs = |what, expected: &str, found: &str| {
        Err(Error::OtherDestination {
            what,
            expected: expected.to_owned(),
            found: found.to_owned(),
        })
    };
    match bucket {
        None => return differs("bucket", "names none", &name),
        Some(bucket) if bucket.name != name => return differs("bucket", &bucket.name, &name),
        Some(_) => {}
    }
    match &prefix {
        Some(prefix) if *prefix != log.prefix => differs("prefix", &log.prefix, prefix),
        _ => Ok(Destination::Bucket { name, prefix: None }),
    }
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
        ] {
            assert_eq!(Destination::parse(text).unwrap(), expected, "{text}");
        }
        for bad in ["", "s3://", "s3:///x", "https://audit", "gs://audit"] {
            assert!(Destination::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn without_a_prefix_a_log_lies_under_the_last_part_of_its_origin() {
        let log = log_without_policy("acme.example/audit/payments", None).unwrap();
        assert_eq!(log.segment_key(7), "payments/000000000007.jsonl.zst");
        let log = log_without_policy("acme.example/x", Some("logs/x")).unwrap();
        assert_eq!(log.prefix, "logs/x");
        assert!(log_without_policy("acme.example/x", Some("../x")).is_err());
        assert!(log_without_policy("acme example", None).is_err());
    }
}
