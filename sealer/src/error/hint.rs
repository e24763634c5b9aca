//! What a person can do about an error.

use std::path::Path;

use super::{Error, INPUT_UNREADABLE, KEY_UNREADABLE, KeyFileFault, POLICY_UNREADABLE};

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
            Self::AnotherWriter { spool, .. } => return Some(of_another_writer(spool)),
            Self::SpoolAhead { .. } | Self::SpoolFault { .. } => {
                "see that --to names the right place, and that the spool is no old copy; else move it away, and append those of its events that the log does not have"
            }
            Self::SpoolInFuture { .. } => {
                "a time in the future would poison the log: set this machine's clock (timedatectl status), or run it again after that time; nothing in the spool is lost"
            }
            Self::SpoolRecord { path, .. } => return Some(of_record(path)),
            Self::SpoolOfAnother { .. } => "give each log and destination its own --spool",
            Self::SpoolBusy { .. } => "wait for the other auditlog-seal to end, or stop it",
            Self::Refused { line, .. } | Self::LineTooLong { line, .. } => {
                return Some(of_line(*line));
            }
            Self::InputTooShort { .. } => {
                "give the input of the interrupted run from its beginning, or leave --skip-recovered out"
            }
            Self::Interrupted { .. } => {
                "every event up to that line is sealed: go on with the next, or give the same input again from its beginning with --skip-recovered"
            }
            Self::InterruptedEarly { .. } => {
                "nothing new was taken: give the same input again from its beginning, with --skip-recovered"
            }
            Self::Untold { .. } => {
                "what was accepted is sealed, or in the spool: do not send it again; the next append reports it as recovered"
            }
            Self::File { operation, .. } => return of_file(operation),
            Self::Aws(fault) => return fault.hint(),
            Self::Policy { .. } => TERRAFORM,
            Self::NoSpan { .. } => "set this machine's clock, or give the trust policy of today",
            Self::UnsupportedFormat { .. } => "seal it with a newer auditlog-seal",
            Self::PublicKey { .. } => "auditlog-seal keygen --help lists the kinds of keys",
            Self::Malformed { .. } | Self::SigningFailed { .. } | Self::Build(_) => return None,
        };
        Some(hint.to_owned())
    }
}

const TERRAFORM: &str = "give the file that terraform output -raw trust_policy writes, or for a first try that of auditlog-seal policy";

/// What to do about a file, by what was tried with it.
fn of_file(operation: &str) -> Option<String> {
    let hint = match operation {
        INPUT_UNREADABLE => {
            "give a file of JSON Lines that can be read, or - for standard input; what was read of it before is sealed, so begin it again with --skip-recovered"
        }
        POLICY_UNREADABLE => TERRAFORM,
        KEY_UNREADABLE => {
            "give the private key's own file; auditlog-seal keygen --out key.pem makes one"
        }
        _ if is_of_sealing(operation) => {
            "see that the disk has room and can be written; what was accepted before is in the spool, and the next append seals it"
        }
        _ => return None,
    };
    Some(hint.to_owned())
}

/// Whether it is a file that the sealer writes, and not one that it was given.
fn is_of_sealing(operation: &str) -> bool {
    [
        "the spool",
        "the segment",
        "the sent segment",
        "the folder",
        "the unfinished file",
    ]
    .iter()
    .any(|what| operation.starts_with(what))
}

/// What to do about a record of the spool that is not whole. Which of the two it is, is in its name.
fn of_record(path: &Path) -> String {
    let what = if path.ends_with("run.json") {
        "it counts what interrupted runs have sealed: remove it, and append without --skip-recovered what the log does not have"
    } else {
        "it says which log the spool belongs to: put back the one that it had, or give an empty folder with --spool and append what the log does not have"
    };
    format!("nothing was written. {what}")
}

fn of_another_writer(spool: &Path) -> String {
    format!(
        "stop one of the two writers. Our events stay in {}: move that folder away, see them with zstdcat (or cat open.jsonl), and append those that the log does not have",
        spool.display()
    )
}

fn of_line(line: u64) -> String {
    format!(
        "every event before line {line} is sealed, nothing from line {line} on: correct it, and go on with it"
    )
}
