//! A store that asks for fewer requests (HTTP 503 and 429) gets fewer, and is asked again.
//!
//! The SDK tries three times, within a second or two. A bucket with many readers is throttled for longer, and a verification must then become
//! slower, not end without a verdict. It ends where the store has nothing else to say for long.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::SdkError;

/// The first pause after the SDK's own attempts, and the longest one.
const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(8);

/// For how many times the timeout of an answer a request is sent again.
const TIMEOUTS: u32 = 6;

/// How long a store is asked again that asks for fewer requests.
#[derive(Debug)]
pub(super) struct Patience {
    most: Duration,
    /// Since when the store has answered nothing else.
    refusing: Mutex<Option<Instant>>,
}

impl Patience {
    pub(super) fn of_timeout(timeout: Duration) -> Self {
        Self {
            most: timeout.saturating_mul(TIMEOUTS),
            refusing: Mutex::new(None),
        }
    }

    pub(super) fn answered(&self) {
        *self.refusing.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Since when the store has answered nothing else, this refusal included.
    fn refused(&self, now: Instant) -> Instant {
        let mut refusing = self.refusing.lock().unwrap_or_else(PoisonError::into_inner);
        *refusing.get_or_insert(now)
    }
}

/// The pauses of one request.
#[derive(Debug)]
pub(super) struct Pauses {
    refused: Option<Instant>,
    next: Duration,
}

impl Pauses {
    pub(super) const fn new() -> Self {
        Self {
            refused: None,
            next: FIRST,
        }
    }

    /// How long to wait before the request is sent again; `None` where this request, or every one, was refused for too long.
    pub(super) fn after_refusal(&mut self, now: Instant, patience: &Patience) -> Option<Duration> {
        let first = *self.refused.get_or_insert(now);
        let since = first.min(patience.refused(now));
        if now.saturating_duration_since(since) >= patience.most {
            return None;
        }
        let pause = self.next;
        self.next = pause.saturating_mul(2).min(LONGEST);
        Some(pause)
    }
}

/// Whether the store asks for fewer requests. A 503 without a word says the same: the answer to `HeadObject` has no body.
pub(super) fn is_throttled<E>(error: &SdkError<E, HttpResponse>) -> bool {
    let status = error.raw_response().map(|answer| answer.status().as_u16());
    matches!(status, Some(429 | 503))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn pauses_become_twice_as_long_and_end_with_the_patience() {
        let (patience, start) = (Patience::of_timeout(SECOND * 5), Instant::now());
        let mut pauses = Pauses::new();
        let (mut now, mut all) = (start, Vec::new());
        while let Some(pause) = pauses.after_refusal(now, &patience) {
            all.push(pause.as_millis());
            now += pause;
            assert!(all.len() < 20);
        }
        assert_eq!(all, [250, 500, 1000, 2000, 4000, 8000, 8000, 8000]);
    }

    #[test]
    fn a_store_that_says_nothing_else_is_given_up_on_for_all_requests() {
        let (patience, start) = (Patience::of_timeout(SECOND), Instant::now());
        let refused = |at: u32| Pauses::new().after_refusal(start + SECOND * at, &patience);
        assert!(refused(0).is_some());
        assert!(refused(5).is_some());
        assert_eq!(refused(6), None);
        assert_eq!(refused(60), None);
        patience.answered();
        assert!(refused(61).is_some());
    }

    #[test]
    fn a_request_that_is_always_refused_is_given_up_on_although_others_are_answered() {
        let (patience, start) = (Patience::of_timeout(SECOND), Instant::now());
        let mut pauses = Pauses::new();
        for at in 0..6 {
            patience.answered();
            assert!(
                pauses
                    .after_refusal(start + SECOND * at, &patience)
                    .is_some()
            );
        }
        patience.answered();
        assert_eq!(pauses.after_refusal(start + SECOND * 6, &patience), None);
    }
}
