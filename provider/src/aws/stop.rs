//! What Terraform's wish to stop does to a call that the SDK repeats: the running attempt may end, and there is no other.
//!
//! A call that hangs or is refused would otherwise go on for as long as `operation_timeout_seconds` allows. An attempt that
//! is under way is not thrown away at once, because it may have created something: its answer has ten seconds.

use std::time::Duration;

use aws_sdk_s3::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_s3::config::{AsyncSleep, ConfigBag, Intercept, RuntimeComponents, Sleep};
use aws_sdk_s3::error::BoxError;
use aws_smithy_runtime_api::client::retries::RequestAttempts;

use super::cancel::Cancel;
use super::settings::Timeouts;
use crate::error::Stopped;

/// How long an attempt may go on once Terraform asked to stop.
pub(super) const LAST_ATTEMPT: Duration = Duration::from_secs(10);

/// Refuses every attempt but the first once Terraform asked to stop. Reads that follow a failure are first attempts.
#[derive(Debug, Clone)]
pub(super) struct NoMoreAttempts(pub(super) Cancel);

impl Intercept for NoMoreAttempts {
    fn name(&self) -> &'static str {
        "NoMoreAttempts"
    }

    fn read_before_attempt(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let attempt = config
            .load::<RequestAttempts>()
            .map_or(1, RequestAttempts::attempts);
        if attempt > 1 && self.0.is_cancelled() {
            let attempts = attempt.saturating_sub(1);
            return Err(Stopped { attempts }.into());
        }
        Ok(())
    }
}

/// Ends the pause before another attempt when Terraform asks to stop.
///
/// The SDK sleeps for its timeouts too. Those are known by their length, and are not cut short.
#[derive(Debug, Clone)]
pub(super) struct Pauses {
    timeouts: [Duration; 3],
    cancel: Cancel,
}

impl Pauses {
    pub(super) fn new(timeouts: &Timeouts, cancel: Cancel) -> Self {
        Self {
            timeouts: [timeouts.connect, timeouts.attempt, timeouts.operation],
            cancel,
        }
    }
}

impl AsyncSleep for Pauses {
    fn sleep(&self, duration: Duration) -> Sleep {
        if self.timeouts.contains(&duration) {
            return Sleep::new(tokio::time::sleep(duration));
        }
        let cancel = self.cancel.clone();
        Sleep::new(async move {
            tokio::select! {
                () = tokio::time::sleep(duration) => {}
                () = cancel.cancelled() => {}
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn pause_ends_with_the_wish_to_stop_and_a_timeout_does_not() {
        let cancel = Cancel::default();
        let timeouts = Timeouts {
            operation: Duration::from_millis(200),
            ..Timeouts::default()
        };
        let pauses = Pauses::new(&timeouts, cancel.clone());
        cancel.cancel();
        pauses.sleep(Duration::from_hours(1)).await;
        let started = std::time::Instant::now();
        pauses.sleep(timeouts.operation).await;
        assert!(started.elapsed() >= timeouts.operation);
    }
}
