//! What is wrong with what a log of the service names: its policy, its destination, its spool, its pins and its keys. Nothing is written, and
//! the bucket is not asked.

use std::path::Path;

use auditlog_chain::policy::{self, LogPolicy, TrustPolicy};
use auditlog_sealer::error::{Error, PolicyError, UsageError};
use auditlog_sealer::seal::may_sign;
use auditlog_sealer::signer::LocalKey;
use auditlog_sealer::target::read_policy;

use super::append::{known_head, must_be_elsewhere, target};
use super::arguments::{AppendArguments, Now};
use super::input::Wrong;
use super::keys::Signers;

/// All that is wrong with what one log names.
#[derive(Default)]
pub(super) struct Faults {
    /// What is in the configuration, or in a file that it names.
    pub(super) wrong: Vec<Wrong>,
    /// What is elsewhere, such as a key service that does not answer.
    pub(super) failed: Vec<Error>,
}

/// Whether the options name the keys that sign.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Keys {
    /// They do.
    Known,
    /// Another option is wrong, and it may be that of a key.
    Unknown,
}

impl Faults {
    /// Looks at what the options of a log name.
    pub(super) fn of(arguments: &AppendArguments, keys: Keys, now: Now) -> Self {
        let mut faults = Self::default();
        faults.of_spool(arguments.spool.as_deref());
        let keys_are_there = faults.of_key_files(arguments);
        let policy = arguments
            .policy
            .as_deref()
            .map(|path| read_policy(path, now()));
        let policy = policy.transpose();
        if let Some(Some(policy)) = faults.keep("policy", policy) {
            let log = faults.of_log(arguments, &policy);
            let log = log.filter(|_| keys_are_there && keys == Keys::Known);
            if let Some(log) = log {
                faults.of_keys(arguments, &policy, &log, now);
            }
        }
        faults
    }

    /// Notes what is wrong.
    fn keep<T>(&mut self, key: &str, found: Result<T, Error>) -> Option<T> {
        found.map_err(|error| self.add(key, error)).ok()
    }

    fn add(&mut self, key: &str, error: Error) {
        if error.is_of_the_call() {
            let remedy = error.hint_of_service().unwrap_or_default();
            self.wrong.push(Wrong::new(key, error.to_string(), remedy));
        } else {
            self.failed.push(error);
        }
    }

    /// What is at its path, or above it, must be a folder.
    fn of_spool(&mut self, spool: Option<&Path>) {
        let there = spool.and_then(|spool| spool.ancestors().find(|path| path.exists()));
        if let Some(path) = there.filter(|path| !path.is_dir()) {
            let what = format!("{} is not a folder", path.display());
            let remedy = "name a folder, which need not exist";
            self.wrong.push(Wrong::new("spool", what, remedy));
        }
    }

    /// Whether the keys in files can be used.
    fn of_key_files(&mut self, arguments: &AppendArguments) -> bool {
        let before = self.wrong.len().saturating_add(self.failed.len());
        for (key, file) in [
            ("key_file", &arguments.key.key_file),
            ("previous_key_file", &arguments.previous_key_file),
        ] {
            if let Some(path) = file {
                self.keep(key, LocalKey::read(path));
            }
        }
        self.wrong.len().saturating_add(self.failed.len()) == before
    }

    fn of_log(&mut self, arguments: &AppendArguments, policy: &TrustPolicy) -> Option<LogPolicy> {
        let (log, destination) = match target(arguments, Some(policy)) {
            Ok(found) => found,
            Err(error) => {
                self.add(key_of_target(&error), error);
                return None;
            }
        };
        let spool = arguments.spool.as_deref();
        self.keep("spool", must_be_elsewhere(spool, &log, &destination));
        self.keep("pins", known_head(arguments, &log));
        Some(log)
    }

    fn of_keys(
        &mut self,
        arguments: &AppendArguments,
        policy: &TrustPolicy,
        log: &LogPolicy,
        now: Now,
    ) {
        let store = policy.document().store.as_ref().map(policy::Store::s3);
        let mut aws = arguments.aws.lazy(store.map(|store| store.region.as_str()));
        let key = if arguments.key.kms_key.is_some() {
            "kms_key"
        } else {
            "key_file"
        };
        let signers = Signers::of(arguments, Some(policy), log, &mut aws, now);
        if let Some(signers) = self.keep(key, signers) {
            let verifier_key = signers.now.verifier_key(&log.origin);
            self.keep(key, may_sign(policy, log, &verifier_key, now()));
        }
    }
}

/// The key that says which log is meant, and where it is.
const fn key_of_target(error: &Error) -> &'static str {
    match error {
        Error::Policy(PolicyError::UnknownLog { .. } | PolicyError::LogNotNamed { .. }) => "origin",
        Error::Usage(
            UsageError::NotADestination { .. }
            | UsageError::NoDestination
            | UsageError::OtherDestination { .. }
            | UsageError::BucketForFolder { .. }
            | UsageError::FolderForBucket { .. },
        ) => "to",
        _ => "policy",
    }
}
