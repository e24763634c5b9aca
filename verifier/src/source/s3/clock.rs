//! The store's clock, as the `Date` of its answers has it, beside this machine's (A1, V29).
//!
//! *What this proves.* It finds a clock of ours that is wrong by accident, which the SDK would hide: it signs with the store's
//! time once it sees that the two differ. It proves nothing against a hostile store, which knows our time from the signature
//! and can send it back. The moments of a listing are the store's, so that its times are compared with its own clock; but a
//! store that moves them by more than the skew, to hide its silence or to let its segments expire, gets no verdict.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use auditlog_chain::timestamp::Timestamp;
use aws_sdk_s3::config::interceptors::{
    BeforeDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
};
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_sdk_s3::primitives::{DateTime, DateTimeFormat};

use super::seconds::whole_seconds;
use crate::source::ClockReading;

/// The answer whose `Date` was furthest from this machine's clock.
#[derive(Clone, Debug)]
pub(super) struct StoreClock {
    ours: fn() -> SystemTime,
    furthest: Arc<Mutex<Option<ClockReading>>>,
}

impl StoreClock {
    pub(super) fn new(ours: fn() -> SystemTime) -> Self {
        Self {
            ours,
            furthest: Arc::default(),
        }
    }

    /// Watches one request, over all of its attempts.
    pub(super) fn watch(&self) -> Watch {
        Watch {
            clock: self.clone(),
            sent: Mutex::new(None),
            date: LastDate::default(),
        }
    }

    pub(super) fn furthest(&self) -> Option<ClockReading> {
        *locked(&self.furthest)
    }

    fn whole_seconds(&self) -> Option<Timestamp> {
        whole_seconds(Some(&DateTime::from((self.ours)())))
    }

    fn now(&self) -> Option<Timestamp> {
        Timestamp::from_system_time((self.ours)())
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The `Date` of the last answer to one request; without one, when it arrived by this machine's clock. A listing may take longer
/// than the skew, so the start of the run would not do: what was stored meanwhile would be in the future.
#[derive(Clone, Debug, Default)]
pub(super) struct LastDate(Arc<Mutex<Option<Timestamp>>>);

impl LastDate {
    pub(super) fn last(&self) -> Option<Timestamp> {
        *locked(&self.0)
    }
}

/// Reads this machine's clock before and after an attempt, and the store's in between.
#[derive(Debug)]
pub(super) struct Watch {
    clock: StoreClock,
    sent: Mutex<Option<Timestamp>>,
    date: LastDate,
}

impl Watch {
    /// Where the `Date` of the last answer will be.
    pub(super) fn date(&self) -> LastDate {
        self.date.clone()
    }
}

impl Intercept for Watch {
    fn name(&self) -> &'static str {
        "Watch"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        *locked(&self.sent) = self.clock.now();
        Ok(())
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date");
        let date = date.and_then(|date| DateTime::from_str(date, DateTimeFormat::HttpDate).ok());
        let ours = locked(&self.sent).zip(self.clock.now());
        let theirs = whole_seconds(date.as_ref());
        *locked(&self.date.0) = theirs.or_else(|| self.clock.whole_seconds());
        if let Some((theirs, (sent, received))) = theirs.zip(ours) {
            let reading = ClockReading::between(sent, theirs, received);
            let mut furthest = locked(&self.clock.furthest);
            if furthest.is_none_or(|other| other.apart_seconds < reading.apart_seconds) {
                *furthest = Some(reading);
            }
        }
        Ok(())
    }
}
