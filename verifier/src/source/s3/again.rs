//! Sends a request, and sends it again as long as the store asks for fewer requests.

use std::hash::{BuildHasher as _, RandomState};
use std::time::{Duration, Instant};

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::SdkError;

use super::patience::{Pauses, is_throttled};
use super::store::S3;

impl S3 {
    /// Sends a request, and sends it again as long as the store asks for patience.
    pub(super) async fn patiently<T, E, F>(
        &self,
        send: impl Fn() -> F,
    ) -> Result<T, SdkError<E, HttpResponse>>
    where
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    {
        let mut pauses = Pauses::new();
        loop {
            let answer = send().await;
            let is_refused = answer.as_ref().err().is_some_and(is_throttled);
            if !is_refused {
                self.patience.answered();
                return answer;
            }
            let now = Instant::now();
            self.turns.refused(now);
            self.looks.refused(now);
            match pauses.after_refusal(now, &self.patience) {
                Some(pause) => tokio::time::sleep(spread(pause)).await,
                None => return answer,
            }
        }
    }
}

/// Half of a pause up to all of it, so that requests that were refused together do not come back together.
fn spread(pause: Duration) -> Duration {
    let half = pause.checked_div(2).unwrap_or(pause);
    let share = u32::try_from(RandomState::new().hash_one(0) % 1000).unwrap_or(0);
    let more = half.saturating_mul(share).checked_div(1000);
    half.saturating_add(more.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn pauses_are_spread_over_their_second_half() {
        let pauses: Vec<Duration> = (0..200).map(|_| spread(SECOND)).collect();
        assert!(
            pauses
                .iter()
                .all(|pause| (SECOND / 2..=SECOND).contains(pause))
        );
        let distinct: std::collections::BTreeSet<&Duration> = pauses.iter().collect();
        assert!(distinct.len() > 50, "{}", distinct.len());
    }
}
