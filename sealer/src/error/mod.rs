//! What can go wrong, sorted by who can put it right.

use std::io;
use std::path::{Path, PathBuf};

use auditlog_chain::builder::BuildError;
use auditlog_chain::event::EventError;
use auditlog_chain::fault::SegmentFault;
use auditlog_chain::hash::Hash;
use auditlog_chain::keys::{KeyError, VerifierKey};
use auditlog_chain::origin::Origin;
use auditlog_chain::policy::PolicyError;
use auditlog_chain::timestamp::Timestamp;

use crate::aws::AwsFault;

mod hint;
mod key_file;

pub use key_file::KeyFileFault;

/// What was tried, where the events themselves cannot be read.
pub const INPUT_UNREADABLE: &str = "the events cannot be read";

/// What was tried, where the trust policy cannot be read.
pub(crate) const POLICY_UNREADABLE: &str = "the trust policy cannot be read";

/// What was tried, where a key file cannot be read.
pub(crate) const KEY_UNREADABLE: &str = "the key cannot be read";

/// Who can put it right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// The command was called for something that cannot be: the caller.
    Usage,
    /// An event cannot be sealed as it is: its sender.
    Event,
    /// A key, the bucket or the policy is not as it must be: who set them up.
    Setup,
    /// What lies in the store is not a log that can be continued: a person, after looking.
    Evidence,
    /// The store, the key service or the disk did not do its work: often it is enough to try again.
    Io,
}

/// Why the sealer stopped. What it had accepted is then sealed, or in the spool.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The policy has no log of this origin.
    #[error("the trust policy has no log {origin}; it has {}", known.join(", "))]
    UnknownLog {
        /// The origin that was asked for.
        origin: String,
        /// The origins that the policy has.
        known: Vec<String>,
    },
    /// The policy has several logs and none was named.
    #[error("the trust policy has {} logs and none was named: {}", known.len(), known.join(", "))]
    LogNotNamed {
        /// The origins that the policy has.
        known: Vec<String>,
    },
    /// A text is not what it must be.
    #[error("{found:?} is no {expected}")]
    Malformed {
        /// What it must be.
        expected: &'static str,
        /// What was given.
        found: String,
    },
    /// Nothing says where the log lies.
    #[error("nothing says where the log lies: the trust policy names no bucket and --to is absent")]
    NoDestination,
    /// No key was given.
    #[error("no signing key is given")]
    NoKey,
    /// Nothing says where the spool may be.
    #[error("nothing says where the spool may be: neither HOME nor XDG_STATE_HOME is set")]
    NoSpool,
    /// `--to` names something else than the policy.
    #[error("--to names the {what} {found}, the trust policy {expected}")]
    OtherDestination {
        /// The part that differs.
        what: &'static str,
        /// What the policy has.
        expected: String,
        /// What was given.
        found: String,
    },
    /// Neither a policy nor the options say how long a new object is to be locked, nor does the bucket.
    #[error("nothing declares how long objects of the bucket {bucket} are locked")]
    LockNotDeclared {
        /// The bucket.
        bucket: String,
    },
    /// The trust policy is not one.
    #[error("{}: {source}", path.display())]
    Policy {
        /// Its file.
        path: PathBuf,
        /// What is wrong.
        source: PolicyError,
    },
    /// The policy says that the log has ended.
    #[error("the log {origin} has ended with segment {segment}")]
    LogEnded {
        /// The log.
        origin: Origin,
        /// Its last segment.
        segment: u64,
        /// The log that continues it.
        successor: Option<Origin>,
    },
    /// The policy's first span of retention begins later than now.
    #[error("the trust policy declares no lock for {now}; its first span begins at {first}")]
    NoSpan {
        /// Now.
        now: Timestamp,
        /// When it begins.
        first: Timestamp,
    },
    /// The policy names a format that this program does not write.
    #[error("the trust policy names format {found} for the log, this program writes {expected}")]
    UnsupportedFormat {
        /// What it writes.
        expected: u64,
        /// What is named.
        found: u64,
    },

    /// A file holds no private key that can sign a log.
    #[error("{}: {reason}", path.display())]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: KeyFileFault,
    },
    /// The key is none that the policy names for the log.
    #[error("the signing key {found} is none of the log's keys: {}", keys(known))]
    KeyNotInPolicy {
        /// The key as it was given.
        found: Box<VerifierKey>,
        /// The keys of the log.
        known: Vec<VerifierKey>,
    },
    /// The policy does not let the key sign now.
    #[error("the signing key {key} {reason} {at}, it is now {now}")]
    KeyNotValid {
        /// The key.
        key: Box<VerifierKey>,
        /// Such as "is valid only from".
        reason: &'static str,
        /// Since or until when.
        at: Timestamp,
        /// Now.
        now: Timestamp,
    },
    /// The log is signed by another key than the given one.
    #[error("the log is signed by {expected}, the given key is {found}")]
    OtherKey {
        /// The log's key.
        expected: Box<VerifierKey>,
        /// The given one.
        found: Box<VerifierKey>,
    },
    /// A KMS key cannot sign.
    #[error("the KMS key {key} cannot sign a log: its {what} is {found}, not {expected}")]
    KmsKey {
        /// The key.
        key: String,
        /// What of it.
        what: &'static str,
        /// What it must be.
        expected: &'static str,
        /// What it is.
        found: String,
    },
    /// A public key is none that can sign a log.
    #[error("the public key of {key}: {source}")]
    PublicKey {
        /// The key.
        key: String,
        /// What is wrong.
        source: KeyError,
    },
    /// A signature does not verify under the key that should have made it.
    #[error("the signature of {key} does not verify under its own public key")]
    BadSignature {
        /// The key.
        key: String,
    },
    /// The key could not sign.
    #[error("{key} could not sign")]
    SigningFailed {
        /// The key.
        key: String,
    },

    /// Versioning of the bucket is not enabled.
    #[error("versioning of the bucket {bucket} is not enabled")]
    BucketNotVersioned {
        /// The bucket.
        bucket: String,
    },
    /// Object Lock of the bucket is not enabled.
    #[error("Object Lock of the bucket {bucket} is not enabled")]
    BucketNotLocked {
        /// The bucket.
        bucket: String,
    },
    /// The bucket's default lock is weaker than declared.
    #[error("the bucket {bucket} locks by default with {found}, declared is {expected}")]
    BucketLockTooWeak {
        /// The bucket.
        bucket: String,
        /// What is declared.
        expected: String,
        /// What the bucket has.
        found: String,
    },
    /// The two clocks differ too much.
    #[error(
        "the clock of {place} says {theirs}, ours says {ours}; at most {allowed_seconds} seconds are allowed"
    )]
    ClockSkew {
        /// The store.
        place: String,
        /// Its time.
        theirs: Timestamp,
        /// Our time.
        ours: Timestamp,
        /// The limit.
        allowed_seconds: i64,
    },

    /// A delete marker hides something under the log's prefix.
    #[error("{key} is hidden by a delete marker")]
    Hidden {
        /// The object.
        key: String,
    },
    /// A segment has more than one version.
    #[error("{key} has {versions} versions or more")]
    SecondVersion {
        /// The object.
        key: String,
        /// How many were seen.
        versions: usize,
    },
    /// A segment is missing between others.
    #[error("{key} is missing, though later segments are there")]
    Gap {
        /// The missing object.
        key: String,
    },
    /// Something lies under the log's prefix that is no segment of it.
    #[error("{key} lies under the log's prefix and is no segment")]
    Foreign {
        /// The object.
        key: String,
    },
    /// The newest segment is not valid.
    #[error("{key}, the newest segment, is not valid: {source}")]
    BadHead {
        /// The object.
        key: String,
        /// What is wrong.
        source: Box<SegmentFault>,
    },
    /// The newest segment is signed by a key that nobody named.
    #[error("{key}, the newest segment, is signed by an unknown key with the id {key_id:08x}")]
    UnknownSigner {
        /// The object.
        key: String,
        /// Its key id.
        key_id: u32,
    },
    /// The newest segment was sealed in the future.
    #[error("{key}, the newest segment, was sealed at {sealed}; it is now {now}")]
    HeadInFuture {
        /// The object.
        key: String,
        /// When.
        sealed: Timestamp,
        /// Now.
        now: Timestamp,
    },
    /// The store creates an object that is there already.
    #[error("{place} does not honour If-None-Match: it wrote {key} a second time")]
    ConditionIgnored {
        /// The store.
        place: String,
        /// The object.
        key: String,
    },
    /// Another writer has written the segment that we were about to write.
    #[error("another writer has the log: {key} has the root {}, ours has {}", text(*found), expected.to_base64())]
    AnotherWriter {
        /// The object.
        key: String,
        /// Our root.
        expected: Hash,
        /// The other's, where it is a segment at all.
        found: Option<Hash>,
        /// Where our events are kept.
        spool: PathBuf,
    },
    /// The spool goes on behind the end of the log.
    #[error("the spool {} holds segment {found}, the log in the store ends before {expected}", path.display())]
    SpoolAhead {
        /// The spool.
        path: PathBuf,
        /// The next segment of the log.
        expected: u64,
        /// The segment in the spool.
        found: u64,
    },
    /// What the spool holds does not continue the log.
    #[error("the spool {} does not continue the log: {source}", path.display())]
    SpoolFault {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: Box<SegmentFault>,
    },
    /// What the spool holds was accepted under a clock that was wrong.
    #[error("the spool {} holds segment {segment}, sealed at {sealed}; it is now {now}", path.display())]
    SpoolInFuture {
        /// The spool.
        path: PathBuf,
        /// The segment.
        segment: u64,
        /// Its time.
        sealed: Timestamp,
        /// Now.
        now: Timestamp,
    },
    /// A record in the spool is not one.
    #[error("{}: the record of the spool is not whole: {source}", path.display())]
    SpoolRecord {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// The spool is another log's.
    #[error("the spool {} belongs to {found}, not to {expected}", path.display())]
    SpoolOfAnother {
        /// The spool.
        path: PathBuf,
        /// What was asked for.
        expected: String,
        /// What it says.
        found: String,
    },
    /// Another process has the spool.
    #[error("another process is using the spool {}", path.display())]
    SpoolBusy {
        /// The spool.
        path: PathBuf,
    },

    /// A line of the input is no event.
    #[error("line {line}: {source}")]
    Refused {
        /// Number of the line, from 1.
        line: u64,
        /// What is wrong with it.
        source: EventError,
    },
    /// A line of the input is longer than a line may be.
    #[error("line {line}: longer than {limit} bytes")]
    LineTooLong {
        /// Number of the line, from 1.
        line: u64,
        /// The limit.
        limit: usize,
    },
    /// The input has fewer events than the interrupted runs had accepted.
    #[error("the input has {found} events, the interrupted run had accepted {expected}")]
    InputTooShort {
        /// How many were to be skipped.
        expected: u64,
        /// How many there are.
        found: u64,
    },
    /// The person asked to stop.
    #[error("interrupted: reading stopped after line {line}")]
    Interrupted {
        /// Number of the last line that was taken.
        line: u64,
    },
    /// The person asked to stop before all was passed over that interrupted runs had accepted.
    #[error("interrupted: {found} of {expected} events of an interrupted run were passed over")]
    InterruptedEarly {
        /// How many were to be skipped.
        expected: u64,
        /// How many were.
        found: u64,
    },
    /// The chain takes no more.
    #[error(transparent)]
    Build(#[from] BuildError),

    /// The summary could not be written.
    #[error("standard output: the summary cannot be written: {source}")]
    Untold {
        /// What the system says.
        source: io::Error,
    },
    /// A file or folder could not be used.
    #[error("{}: {operation}: {source}", path.display())]
    File {
        /// What was tried.
        operation: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// AWS, or what stands in its place, refused a call or did not answer.
    #[error(transparent)]
    Aws(#[from] AwsFault),
}

fn keys(all: &[VerifierKey]) -> String {
    let all: Vec<String> = all.iter().map(ToString::to_string).collect();
    all.join(", ")
}

fn text(root: Option<Hash>) -> String {
    root.map_or_else(|| "none".to_owned(), Hash::to_base64)
}

impl Error {
    /// A [`Error::File`] from what the system said.
    pub(crate) fn file(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File {
            operation,
            path,
            source,
        }
    }

    /// Whether it is the input that ended the run: the sealer itself can go on.
    pub fn is_of_the_input(&self) -> bool {
        self.family() == Family::Event
            || matches!(self, Self::File { operation, .. } if *operation == INPUT_UNREADABLE)
    }

    /// Whether the run was interrupted, by a person or by an input that broke off: the same input may be given again.
    pub fn is_interruption(&self) -> bool {
        matches!(
            self,
            Self::Interrupted { .. } | Self::InterruptedEarly { .. } | Self::File { .. }
        )
    }

    /// Who can put it right.
    pub const fn family(&self) -> Family {
        match self {
            Self::UnknownLog { .. }
            | Self::LogNotNamed { .. }
            | Self::Malformed { .. }
            | Self::NoDestination
            | Self::NoKey
            | Self::NoSpool
            | Self::OtherDestination { .. }
            | Self::LockNotDeclared { .. } => Family::Usage,
            Self::Refused { .. }
            | Self::LineTooLong { .. }
            | Self::InputTooShort { .. }
            | Self::Interrupted { .. }
            | Self::InterruptedEarly { .. } => Family::Event,
            Self::Policy { .. }
            | Self::LogEnded { .. }
            | Self::NoSpan { .. }
            | Self::UnsupportedFormat { .. }
            | Self::KeyFile { .. }
            | Self::KeyNotInPolicy { .. }
            | Self::KeyNotValid { .. }
            | Self::OtherKey { .. }
            | Self::KmsKey { .. }
            | Self::PublicKey { .. }
            | Self::BadSignature { .. }
            | Self::BucketNotVersioned { .. }
            | Self::BucketNotLocked { .. }
            | Self::BucketLockTooWeak { .. }
            | Self::ClockSkew { .. }
            | Self::ConditionIgnored { .. }
            | Self::SpoolOfAnother { .. } => Family::Setup,
            Self::Hidden { .. }
            | Self::SecondVersion { .. }
            | Self::Gap { .. }
            | Self::Foreign { .. }
            | Self::BadHead { .. }
            | Self::UnknownSigner { .. }
            | Self::HeadInFuture { .. }
            | Self::AnotherWriter { .. }
            | Self::SpoolAhead { .. }
            | Self::SpoolFault { .. }
            | Self::SpoolInFuture { .. }
            | Self::SpoolRecord { .. } => Family::Evidence,
            Self::SigningFailed { .. }
            | Self::SpoolBusy { .. }
            | Self::Build(_)
            | Self::Untold { .. }
            | Self::File { .. }
            | Self::Aws(_) => Family::Io,
        }
    }
}
