//! The clock of a store beside ours.

use std::sync::{Arc, Mutex, PoisonError};

use auditlog_chain::timestamp::Timestamp;
use aws_sdk_s3::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_sdk_s3::primitives::{DateTime, DateTimeFormat};

use crate::limits::MAX_SKEW_SECONDS;

/// A clock that other threads may read.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// By how much our clock may have moved since a reading that is relied on.
const FRESH_SECONDS: i64 = 60;

/// The same of one that stops the log: it goes on soon after somebody has set the store's clock.
const FRESH_SKEWED_SECONDS: i64 = 5;

/// The store's time and ours, read together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    pub(super) theirs: Timestamp,
    pub(super) ours: Timestamp,
}

impl Reading {
    /// Whether the two clocks differ by more than they may.
    pub(super) fn is_skewed(&self) -> bool {
        self.theirs.seconds_since(self.ours).abs() > MAX_SKEW_SECONDS
    }

    /// Whether our clock has neither gone on for long since, nor been set.
    pub(super) fn is_fresh(&self, now: Timestamp) -> bool {
        let most = if self.is_skewed() {
            FRESH_SKEWED_SECONDS
        } else {
            FRESH_SECONDS
        };
        (0..=most).contains(&now.seconds_since(self.ours))
    }
}

/// Reads the `Date` of every answer, and our clock with it.
#[derive(Clone)]
pub(super) struct Dates {
    clock: Clock,
    seen: Arc<Mutex<Option<Reading>>>,
}

impl Dates {
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            clock,
            seen: Arc::default(),
        }
    }

    /// The last reading; `None` where no answer has said its time.
    pub(super) fn seen(&self) -> Option<Reading> {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Dates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Dates")
    }
}

impl Intercept for Dates {
    fn name(&self) -> &'static str {
        "Dates"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date");
        let date = date.and_then(|date| DateTime::from_str(date, DateTimeFormat::HttpDate).ok());
        if let Some(theirs) = date.as_ref().and_then(timestamp) {
            let ours = (self.clock)();
            *self.seen.lock().unwrap_or_else(PoisonError::into_inner) =
                Some(Reading { theirs, ours });
        }
        Ok(())
    }
}

pub(super) fn timestamp(time: &DateTime) -> Option<Timestamp> {
    let micros = time.as_nanos().checked_div(1000)?;
    Timestamp::from_micros(i64::try_from(micros).ok()?)
}
