//! The command was called for something that is not possible: the caller can put it right.

use std::path::PathBuf;

/// Options that cannot be used as they are.
#[derive(Debug, thiserror::Error)]
pub enum UsageError {
    /// A text does not have the form that it must have.
    #[error("expected {expected}, found {found:?}")]
    Malformed {
        /// The form, with its article.
        expected: &'static str,
        /// What was given.
        found: String,
    },
    /// `--to` is neither a folder nor a bucket.
    #[error(
        "expected a folder that begins with . or / (such as ./audit), or s3://BUCKET[/PREFIX], found {found:?}"
    )]
    NotADestination {
        /// What was given.
        found: String,
    },
    /// Neither the policy nor an option names the destination.
    #[error("the destination is unknown: the trust policy names no store, and --to is absent")]
    NoDestination,
    /// No key was given.
    #[error("no signing key was given")]
    NoKey,
    /// The configuration cannot be used.
    #[error("{}:{} {what}", path.display(), line.map_or_else(String::new, |line| format!("{line}:")))]
    Configuration {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: Option<usize>,
        /// What is wrong.
        what: String,
        /// What to do about it.
        remedy: String,
    },
    /// The spool is where the segments of the log are stored, or around them.
    #[error("the spool {} cannot be in the folder of the log, {}, or around it", spool.display(), folder.display())]
    SpoolInLog {
        /// The folder of the spool.
        spool: PathBuf,
        /// The folder of the log.
        folder: PathBuf,
    },
    /// No folder for the spool is known.
    #[error("the folder for the spool is unknown: neither HOME nor XDG_STATE_HOME is set")]
    NoSpool,
    /// `--to` names something else than the policy.
    #[error("--to names the {what} {found}, but the trust policy names {expected}")]
    OtherDestination {
        /// The part that differs.
        what: &'static str,
        /// What the policy has.
        expected: String,
        /// What was given.
        found: String,
    },
    /// `--to` names a bucket, and the policy is for a log in a folder.
    #[error(
        "--to names the bucket {bucket}, but the trust policy has no store: its logs are in folders"
    )]
    BucketForFolder {
        /// The bucket.
        bucket: String,
    },
    /// `--to` names a folder, and the policy declares a bucket: what is sealed there, no verifier of the bucket would see.
    #[error("--to names the folder {}, but the trust policy names the bucket {bucket}", folder.display())]
    FolderForBucket {
        /// The folder.
        folder: PathBuf,
        /// The bucket.
        bucket: String,
    },
    /// The policy names another log, or another place for it, than the one that runs.
    #[error("the trust policy names the log {found}, but the one that runs is {expected}")]
    OtherPlace {
        /// The log that runs.
        expected: String,
        /// The log of the policy.
        found: String,
    },
    /// The policy names another bucket than the one that segments are stored in.
    #[error("the trust policy names {found}, but segments are stored in {expected}")]
    OtherStore {
        /// The bucket in use.
        expected: String,
        /// The one of the policy.
        found: String,
    },
    /// Neither a policy nor an option names the owner of the bucket.
    #[error(
        "the owner of the bucket {bucket} is unknown: without a trust policy, --account names it"
    )]
    NoAccount {
        /// The bucket.
        bucket: String,
    },
    /// Two options name different prefixes.
    #[error("--to names the prefix {to}, but --prefix names {prefix}")]
    TwoPrefixes {
        /// The one of `--to`.
        to: String,
        /// The one of `--prefix`.
        prefix: String,
    },
    /// Neither a policy nor the options nor the bucket say for how long a new object is to be locked.
    #[error(
        "no retention is declared for the bucket {bucket}: neither by options nor by the bucket's default"
    )]
    LockNotDeclared {
        /// The bucket.
        bucket: String,
    },
}

impl UsageError {
    pub(super) fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NotADestination { found } => return of_destination(found),
            Self::NoDestination => "add --to ./DIR or --to s3://BUCKET",
            Self::NoKey => "add --key-file FILE or --kms-key KEY",
            Self::NoSpool => "add --spool DIR",
            Self::Configuration { remedy, .. } => remedy.as_str(),
            Self::SpoolInLog { .. } => "name a folder elsewhere with --spool DIR",
            Self::OtherDestination { .. } => {
                "omit --to, or give the trust policy that was made for that destination"
            }
            Self::BucketForFolder { .. } => {
                "give the trust policy that was made for the bucket (terraform output -raw trust_policy)"
            }
            Self::FolderForBucket { .. } => {
                "omit --to to seal into the bucket; a log in a folder needs a trust policy without a store, such as auditlog-seal policy writes"
            }
            Self::NoAccount { .. } => {
                "add --account with the twelve digits of the AWS account that owns the bucket; aws sts get-caller-identity shows yours"
            }
            Self::OtherPlace { .. } => {
                "give the trust policy of the log that runs, or start the service again with a spool of its own for the other one"
            }
            Self::OtherStore { .. } => {
                "give the trust policy of the bucket in use; to store the log elsewhere, stop the service once nothing waits, and start it with that policy and with a spool of its own for the other bucket"
            }
            Self::TwoPrefixes { .. } => "omit one of them",
            Self::LockNotDeclared { .. } => {
                "give --policy, or --lock-mode and --retention-days, or set the bucket's default retention"
            }
            Self::Malformed { .. } => return None,
        };
        Some(hint.to_owned())
    }
}

fn of_destination(found: &str) -> Option<String> {
    let hint = if let Some(rest) = found.strip_prefix("~/") {
        format!(
            "the shell expands ~ only without quotes and at the beginning of a word: --to \"$HOME/{rest}\""
        )
    } else if let Some(name) = bucket_of(found) {
        format!("to seal into a bucket: --to s3://{name}")
    } else if found.is_empty() || found.starts_with('~') || found.contains(':') {
        return None;
    } else {
        format!("to seal into a bucket: --to s3://{found}; into a folder: --to ./{found}")
    };
    Some(hint)
}

/// The bucket that a URL with too few slashes names.
fn bucket_of(found: &str) -> Option<&str> {
    let name = found.strip_prefix("s3:")?.trim_start_matches('/');
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suggested_destination_is_one() {
        for (found, expected) in [
            (
                "audit",
                Some("to seal into a bucket: --to s3://audit; into a folder: --to ./audit"),
            ),
            ("s3:audit", Some("to seal into a bucket: --to s3://audit")),
            (
                "s3:/audit/x",
                Some("to seal into a bucket: --to s3://audit/x"),
            ),
            (
                "~/audit",
                Some(
                    "the shell expands ~ only without quotes and at the beginning of a word: --to \"$HOME/audit\"",
                ),
            ),
            ("~ada/audit", None),
            ("gs://audit", None),
            ("s3://", None),
            ("", None),
        ] {
            assert_eq!(of_destination(found).as_deref(), expected, "{found}");
        }
    }
}
