//! What a source says of itself, besides its objects: how the bucket is configured (V20), and its clock (V29).

use std::panic::resume_unwind;
use std::thread;

use auditlog_chain::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

use crate::place::Place;
use crate::record::Record;
use crate::request::Request;
use crate::source::{Bucket, ClockReading, ReadError, Source};
use crate::storage::check_bucket;
use crate::time::check_clock;
use crate::undecided::Unreadable;

/// The clock of a source where it differs from ours by more than the skew. One that does not is not recorded: it is another one each
/// time, and the same work must have the same result.
pub(crate) fn clock_beyond(source: &dyn Source, request: &Request<'_>) -> Option<ClockReading> {
    let skew_seconds = i64::from(request.max_skew_seconds);
    let reading = source.clock()?;
    check_clock(skew_seconds, reading).map(|_| reading)
}

/// What a source says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    /// How the bucket is configured; `None` in a folder.
    pub(crate) bucket: Result<Option<Bucket>, ReadError>,
    /// The reading of its clock that was furthest from ours.
    pub(crate) clock: Option<ClockReading>,
}

impl State {
    /// Asks the source.
    pub(crate) fn of(source: &dyn Source) -> Self {
        Self::beside(source, || ()).0
    }

    /// Asks the source while `work` is done, whose answers count for the clock too.
    pub(crate) fn beside<T>(source: &dyn Source, work: impl FnOnce() -> T) -> (Self, T) {
        let (bucket, done) = thread::scope(|scope| {
            let bucket = thread::Builder::new().spawn_scoped(scope, || source.bucket());
            let done = work();
            let bucket = match bucket {
                // A panic over there goes on here.
                Ok(bucket) => bucket.join().unwrap_or_else(|panic| resume_unwind(panic)),
                // A limit of the system leaves no room for a thread.
                Err(_) => source.bucket(),
            };
            (bucket, done)
        });
        // Last, since each answer has a reading.
        let clock = source.clock();
        (Self { bucket, clock }, done)
    }

    /// Takes in what another machine's answers said of the clock.
    pub(crate) fn see(&mut self, clock: Option<ClockReading>) {
        let all = self.clock.into_iter().chain(clock);
        self.clock = all.max_by_key(|reading| reading.apart_seconds);
    }

    /// V20, V29.
    pub(crate) fn judge(&self, request: &Request<'_>, ended: Timestamp, record: &mut Record) {
        self.judge_bucket(request, ended, record);
        let skew_seconds = i64::from(request.max_skew_seconds);
        let differs = self
            .clock
            .and_then(|reading| check_clock(skew_seconds, reading));
        if let Some(undecided) = differs {
            record.undecided(undecided, Place::default());
        }
    }

    fn judge_bucket(&self, request: &Request<'_>, ended: Timestamp, record: &mut Record) {
        match &self.bucket {
            Ok(None) => {}
            Ok(Some(bucket)) => {
                for fault in check_bucket(&request.policy.document().lock, bucket, ended) {
                    record.fault(fault, Place::default());
                }
            }
            Err(error) => {
                let (what, error) = (Unreadable::Bucket, error.clone());
                record.unreadable(what, error, Place::default());
            }
        }
    }
}
