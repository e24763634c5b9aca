//! How long anything may take.

use std::time::{Duration, Instant};

/// Nothing here takes this long unless it hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until something is so.
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "did not happen in time: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
