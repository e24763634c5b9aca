//! From the arguments to a report.

use std::num::NonZeroU64;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use auditlog_chain::hash::Hash;
use auditlog_chain::origin::Origin;
use auditlog_chain::policy::{Store, TrustPolicy};
use auditlog_chain::timestamp::Timestamp;
use auditlog_verifier::pins::Pins;
use auditlog_verifier::report::Report;
use auditlog_verifier::request::{Request, RequestError};
use auditlog_verifier::source::{Bounded, Folder, Payer, S3, S3Options, Source};
use auditlog_verifier::verify::verify as verify_whole;
use auditlog_verifier::verify_head::verify_head;
use tf_provider::{AttributePath, Diagnostic, Result};
use tokio::runtime::Handle;

use super::model::VerificationModel;
use crate::account::Account;
use crate::aws::Clients;
use crate::trust::duration::parse_duration;
use crate::trust::values::{Misfit, parse_origin, placed};

/// Defaults of the bounds.
const DEFAULT_SEGMENTS: u64 = 4;
const DEFAULT_TIMEOUT_SECONDS: u64 = 60;
const DEFAULT_MEGABYTES: u64 = 256;

/// Seconds by which clocks may differ, as in the command.
const MAX_SKEW_SECONDS: u32 = 300;

/// For how long one answer of the store is waited for. The body of an object has more, by its size.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);

/// Bytes of objects that are in memory at once.
const READ_AHEAD_BYTES: usize = 32 << 20;

/// Segments that are checked at once.
const WORKERS: usize = 2;

/// What was asked for.
pub(super) struct Asked {
    policy: TrustPolicy,
    digest: Hash,
    origins: Vec<Origin>,
    folder: Option<PathBuf>,
    /// How many of the last segments of a log are read; `None` for all.
    last: Option<NonZeroU64>,
    time: Duration,
    bytes: u64,
}

impl Asked {
    pub(super) fn parse(config: &VerificationModel) -> Result<Self, Misfit> {
        let json = config.trust_policy.as_bytes();
        let policy = TrustPolicy::parse(json).map_err(|error| {
            let path = AttributePath::from("trust_policy");
            Misfit::invalid(path, format!("{error}."))
        })?;
        let origins = config.origins.iter().flatten().enumerate();
        let origins = origins.map(|(at, origin)| {
            let path = AttributePath::from("origins").index(at);
            placed(parse_origin(origin), path)
        });
        let seconds = match &config.timeout {
            Some(text) => placed(parse_timeout(text), AttributePath::from("timeout"))?,
            None => DEFAULT_TIMEOUT_SECONDS,
        };
        let segments = config.segments.unwrap_or(DEFAULT_SEGMENTS);
        let is_full = config.depth.as_deref() == Some("full");
        let megabytes = config.max_megabytes.unwrap_or(DEFAULT_MEGABYTES);
        Ok(Self {
            digest: TrustPolicy::digest(json),
            policy,
            origins: origins.collect::<Result<_, _>>()?,
            folder: config.folder.as_ref().map(PathBuf::from),
            last: NonZeroU64::new(segments).filter(|_| !is_full),
            time: Duration::from_secs(seconds),
            bytes: megabytes.saturating_mul(1_000_000),
        })
    }

    fn verify(&self, source: &dyn Source, begun: Instant, now: Timestamp) -> Result<Report> {
        let bounded = Bounded::new(source, begun, self.time, self.bytes);
        let request = Request {
            policy: &self.policy,
            policy_digest: self.digest,
            logs: &self.origins,
            now,
            at: None,
            max_skew_seconds: MAX_SKEW_SECONDS,
            workers: WORKERS,
        };
        let (pins, nobody) = (Pins::default(), &mut |_| {});
        let report = match self.last {
            Some(last) => verify_head(last, &bounded, &request, &pins, nobody),
            None => verify_whole(&bounded, &request, &pins, nobody),
        };
        report.map_err(|error| refused(&error).into())
    }
}

/// The time to read in, in seconds.
///
/// # Errors
/// A sentence for the user, where the text is not a duration, or is one of 0 seconds.
pub(super) fn parse_timeout(text: &str) -> Result<u64, String> {
    match parse_duration(text)? {
        0 => Err(format!(
            "{text:?} leaves no time to read anything: it must be at least one second."
        )),
        seconds => Ok(seconds),
    }
}

fn refused(error: &RequestError) -> Diagnostic {
    let path = match error {
        RequestError::UnknownLog { .. } => "origins",
        RequestError::Policy(_) | RequestError::NothingInScope { .. } => "trust_policy",
    };
    Diagnostic::error("The logs cannot be verified", format!("{error}.")).at(path)
}

/// Where the logs are, and how to get there.
enum Place {
    Folder(PathBuf),
    Bucket(Box<Clients>, S3Options),
}

impl Place {
    fn of(account: &Account, asked: &Asked, begun: Instant) -> Result<Self> {
        if let Some(folder) = &asked.folder {
            return Ok(Self::Folder(folder.clone()));
        }
        let Some(store) = asked.policy.document().store.as_ref().map(Store::s3) else {
            let detail = "The trust policy does not name a bucket: its logs are in a folder, which \"folder\" names.";
            return Err(Diagnostic::error("No place to look at", detail)
                .at("folder")
                .into());
        };
        let clients = account.clients_in(Some(&store.region))?;
        let options = S3Options {
            bucket: store.bucket.clone(),
            prefix: None,
            region: store.region.clone(),
            account: store.account.clone(),
            endpoint_url: None,
            path_style: false,
            profile: None,
            payer: Payer::Owner,
            read_ahead: READ_AHEAD_BYTES,
            timeout: ANSWER_TIMEOUT.min(asked.time),
            deadline: begun.checked_add(asked.time),
            clock: SystemTime::now,
        };
        Ok(Self::Bucket(Box::new(clients), options))
    }

    fn open(self, runtime: Handle) -> Result<Box<dyn Source>> {
        Ok(match self {
            Self::Bucket(clients, options) => {
                Box::new(S3::over(clients.s3.clone(), runtime, options))
            }
            Self::Folder(path) => Box::new(Folder::open(&path).map_err(|error| {
                let detail = format!("{}.", error.reason);
                Diagnostic::error("The folder cannot be read", detail).at("folder")
            })?),
        })
    }
}

/// Verifies what was asked for. Reading blocks, so that it is done beside the threads that answer Terraform.
pub(super) async fn verify(account: &Account, asked: Asked) -> Result<Report> {
    let begun = Instant::now();
    let place = Place::of(account, &asked, begun)?;
    let runtime = Handle::current();
    let now = Timestamp::from_system_time(SystemTime::now()).unwrap_or(Timestamp::MAX);
    let verification = tokio::task::spawn_blocking(move || {
        let source = place.open(runtime)?;
        asked.verify(&*source, begun, now)
    });
    verification.await.map_err(|error| {
        let detail = format!("The verification did not end: {error}.");
        Diagnostic::error("The logs cannot be verified", detail)
    })?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeout_is_at_least_a_second() {
        assert_eq!(parse_timeout("2m"), Ok(120));
        let refused = parse_timeout("0s").unwrap_err();
        assert_eq!(
            refused,
            "\"0s\" leaves no time to read anything: it must be at least one second."
        );
        assert!(
            parse_timeout("soon")
                .unwrap_err()
                .contains("is not a duration")
        );
    }
}
