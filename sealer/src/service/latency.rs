//! How long batches wait for their acknowledgement: a histogram that the thread of the log fills without a lock.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper ends of the buckets, in microseconds, and in seconds as Prometheus writes them.
const ENDS: [(u64, &str); 14] = [
    (1_000, "0.001"),
    (2_500, "0.0025"),
    (5_000, "0.005"),
    (10_000, "0.01"),
    (25_000, "0.025"),
    (50_000, "0.05"),
    (100_000, "0.1"),
    (250_000, "0.25"),
    (500_000, "0.5"),
    (1_000_000, "1"),
    (2_500_000, "2.5"),
    (5_000_000, "5"),
    (10_000_000, "10"),
    (30_000_000, "30"),
];

/// How long each of some batches has waited.
#[derive(Debug, Default)]
pub(super) struct Latency {
    /// Those in each bucket alone.
    within: [AtomicU64; ENDS.len()],
    beyond: AtomicU64,
    micros: AtomicU64,
}

impl Latency {
    /// Counts one batch.
    pub(super) fn add(&self, waited: Duration) {
        let micros = u64::try_from(waited.as_micros()).unwrap_or(u64::MAX);
        let place = ENDS.partition_point(|(end, _)| *end < micros);
        let bucket = self.within.get(place).unwrap_or(&self.beyond);
        bucket.fetch_add(1, Ordering::Relaxed);
        self.micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// Its lines, as Prometheus reads them.
    pub(super) fn write(&self, text: &mut String, name: &str, labels: &str) {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let mut count = 0u64;
        // Writing into a string cannot fail.
        for ((_, end), bucket) in ENDS.iter().zip(&self.within) {
            count = count.saturating_add(load(bucket));
            _ = writeln!(text, "{name}_bucket{{{labels},le=\"{end}\"}} {count}");
        }
        count = count.saturating_add(load(&self.beyond));
        let micros = load(&self.micros);
        let (seconds, rest) = (micros / 1_000_000, micros % 1_000_000);
        _ = writeln!(text, "{name}_bucket{{{labels},le=\"+Inf\"}} {count}");
        _ = writeln!(text, "{name}_sum{{{labels}}} {seconds}.{rest:06}");
        _ = writeln!(text, "{name}_count{{{labels}}} {count}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_batch_is_in_all_buckets_from_its_own_on() {
        let latency = Latency::default();
        for micros in [0, 1_000, 1_001, 30_000_000, 30_000_001] {
            latency.add(Duration::from_micros(micros));
        }
        let mut text = String::new();
        latency.write(&mut text, "ack_seconds", "log=\"a\"");
        let value = |line: &str| {
            let line = format!("ack_seconds_{line} ");
            let found = text.lines().find_map(|found| found.strip_prefix(&line));
            found.unwrap_or_default().to_owned()
        };
        for (end, expected) in [
            ("0.001", "2"),
            ("0.0025", "3"),
            ("10", "3"),
            ("30", "4"),
            ("+Inf", "5"),
        ] {
            let bucket = format!("bucket{{log=\"a\",le=\"{end}\"}}");
            assert_eq!(value(&bucket), expected, "{text}");
        }
        assert_eq!(value("sum{log=\"a\"}"), "60.002002");
        assert_eq!(value("count{log=\"a\"}"), "5");
        assert_eq!(text.lines().count(), ENDS.len() + 3);
    }
}
