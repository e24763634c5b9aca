//! What a person can do about an error.

use super::{Error, KeyFileFault};

impl Error {
    /// What to do about it: a command, an option or a file.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::UnknownLog { .. } | Self::LogNotNamed { .. } => {
                "name one of them with --log ORIGIN"
            }
            Self::NoDestination => "say --to DIR or --to s3://BUCKET",
            Self::NoKey => "say --key-file FILE or --kms-key KEY",
            Self::NoSpool => "say --spool DIR",
            Self::OtherDestination { .. } => {
                "leave --to out, or give the trust policy that was made for it"
            }
            Self::LockNotDeclared { .. } => {
                "give --policy, or --lock-mode and --retention-days, or set the bucket's default retention"
            }
            Self::LogEnded {
                successor: Some(next),
                ..
            } => return Some(format!("seal into its successor: --log {next}")),
            Self::LogEnded { .. } => "declare a successor log and seal into that",
            Self::KeyFile {
                reason: KeyFileFault::NotPkcs8,
                ..
            } => "openssl pkcs8 -topk8 -nocrypt -in KEY -out key.pem",
            Self::KeyFile { .. } => "auditlog-seal keygen --out key.pem makes one",
            Self::KeyNotInPolicy { .. } => {
                "apply the Terraform configuration with this key and give the trust policy that comes out, or give the log's key"
            }
            Self::KeyNotValid { .. } => "give the key that is valid now, or a newer trust policy",
            Self::OtherKey { .. } => {
                "to rotate, give the old key too: --previous-key-file or --previous-kms-key"
            }
            Self::KmsKey { what, .. } => match *what {
                "state" => "aws kms enable-key, or aws kms cancel-key-deletion and then enable-key",
                _ => "make a key with the usage SIGN_VERIFY: the resource auditlog_signing_key",
            },
            Self::BadSignature { .. } => {
                "the key service answered with a wrong signature; nothing was written"
            }
            Self::BucketNotVersioned { .. } => {
                "aws s3api put-bucket-versioning --versioning-configuration Status=Enabled, or the resource auditlog_bucket"
            }
            Self::BucketNotLocked { .. } => {
                "make the bucket with the resource auditlog_bucket, or aws s3api put-object-lock-configuration"
            }
            Self::BucketLockTooWeak { .. } => {
                "apply the Terraform configuration again, or aws s3api put-object-lock-configuration"
            }
            Self::ClockSkew { .. } | Self::HeadInFuture { .. } => {
                "set this machine's clock (timedatectl status); a time in the future would poison the log"
            }
            Self::Hidden { .. } => {
                "find out who deleted it; aws s3api delete-object --version-id MARKER brings it back"
            }
            Self::SecondVersion { .. } | Self::Gap { .. } | Self::Foreign { .. } => {
                "nothing was written; see what lies there with auditlog-verify"
            }
            Self::BadHead { .. } => "see all that is wrong with auditlog-verify",
            Self::UnknownSigner { .. } => {
                "give the trust policy, or the old key: --previous-key-file or --previous-kms-key"
            }
            Self::ConditionIgnored { .. } => {
                "begin the log under another prefix with --fenced, which lists the versions after each create"
            }
            Self::AnotherWriter { spool, .. } => {
                return Some(format!(
                    "stop one of the two writers. Our events stay in {}: move that folder away, see them with zstdcat (or cat open.jsonl), and append those that the log does not have",
                    spool.display()
                ));
            }
            Self::SpoolAhead { .. } | Self::SpoolFault { .. } => {
                "see that --to names the right place; else move the spool away, and append what it holds again"
            }
            Self::SpoolOfAnother { .. } => "give each log and destination its own --spool",
            Self::SpoolBusy { .. } => "wait for the other auditlog-seal to end, or stop it",
            Self::Refused { line, .. } | Self::LineTooLong { line, .. } => {
                return Some(format!(
                    "every event before line {line} is sealed, nothing from line {line} on: correct it, and go on with it"
                ));
            }
            Self::InputTooShort { .. } => {
                "give the input of the interrupted run from its beginning, or leave --skip-recovered out"
            }
            Self::Interrupted { .. } => {
                "every event up to that line is sealed: go on with the next"
            }
            Self::File { operation, .. } if is_of_sealing(operation) => {
                "what was accepted before is in the spool; the next append seals it"
            }
            Self::Aws(fault) => return fault.hint(),
            Self::Malformed { .. }
            | Self::Policy { .. }
            | Self::NoSpan { .. }
            | Self::UnsupportedFormat { .. }
            | Self::PublicKey { .. }
            | Self::SigningFailed { .. }
            | Self::File { .. }
            | Self::Build(_) => return None,
        };
        Some(hint.to_owned())
    }
}

/// Whether a file failed that the sealer writes, and not one that it was given.
fn is_of_sealing(operation: &str) -> bool {
    ["the spool", "the segment", "the sent segment"]
        .iter()
        .any(|what| operation.starts_with(what))
}
