//! Which bucket, and how to get there.

use std::time::{Duration, Instant, SystemTime};

/// Who pays for requests to a bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Payer {
    /// Its owner.
    #[default]
    Owner,
    /// Whoever sends them: S3 refuses requests that do not say so.
    Requester,
}

/// Which bucket, and how to get there.
#[derive(Clone, Debug)]
pub struct S3Options {
    /// Name of the bucket.
    pub bucket: String,
    /// Only what is stored under this prefix; `None` for the whole bucket.
    pub prefix: Option<String>,
    /// Region of the bucket.
    pub region: String,
    /// Account that owns the bucket, twelve digits.
    pub account: String,
    /// Endpoint other than that of AWS; `None` for that of `AWS_ENDPOINT_URL` or of the shared files.
    pub endpoint_url: Option<String>,
    /// Whether the bucket is named in the path and not in the host.
    pub path_style: bool,
    /// Profile of the shared AWS configuration.
    pub profile: Option<String>,
    /// Who pays for requests.
    pub payer: Payer,
    /// Bytes of objects that may be in memory at once, read and not checked yet.
    pub read_ahead: usize,
    /// For how long one attempt waits for an answer; the body of an object has more, by its size.
    pub timeout: Duration,
    /// When nothing is waited for any more, whatever it is; `None` for no such moment.
    pub deadline: Option<Instant>,
    /// This machine's clock, compared with the store's.
    pub clock: fn() -> SystemTime,
}
