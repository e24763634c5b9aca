//! What inputs could not hand on: counted for the metrics, and said to whoever runs the service, but not over and over.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Between two lines about the same sender and the same kind of refusal.
const PAUSE: Duration = Duration::from_mins(1);

/// Senders and kinds that are told apart. Stops strangers from filling the memory, and a journal.
const MOST: usize = 256;

/// A batch that was refused.
pub struct Refusal<'r> {
    /// Name of the input.
    pub input: &'r str,
    /// Who sent it, or from where it came.
    pub from: &'r str,
    /// Refusals of one kind are reported together.
    pub kind: &'r str,
    /// Why it was refused.
    pub reason: &'r str,
}

/// What was refused so far.
#[derive(Default)]
pub(super) struct Refusals {
    counts: BTreeMap<String, u64>,
    said: BTreeMap<[String; 3], Said>,
}

/// When it was said last, and how often it has happened since.
struct Said {
    at: Instant,
    since: u64,
}

impl Refusals {
    pub(super) const fn counts(&self) -> &BTreeMap<String, u64> {
        &self.counts
    }

    pub(super) fn count(&mut self, input: &str) {
        let counter = self.counts.entry(input.to_owned()).or_default();
        *counter = counter.saturating_add(1);
    }

    /// Counts one. Returns a line for people, where there is something new to say.
    pub(super) fn add(&mut self, refusal: &Refusal<'_>, now: Instant) -> Option<String> {
        self.count(refusal.input);
        let Refusal {
            input,
            from,
            kind,
            reason,
        } = refusal;
        let key = [input, from, kind].map(|text| (*text).to_owned());
        let line = format!("the input {input} has refused a batch of {from}: {reason}");
        let Some(said) = self.said.get_mut(&key) else {
            return self.make_room(now).then(|| {
                self.said.insert(key, Said { at: now, since: 0 });
                line
            });
        };
        said.since = said.since.saturating_add(1);
        if now.saturating_duration_since(said.at) < PAUSE {
            return None;
        }
        let (since, seconds) = (said.since, now.saturating_duration_since(said.at).as_secs());
        (said.at, said.since) = (now, 0);
        Some(match since {
            1 => line,
            more => format!(
                "the input {input} has refused {more} more batches of {from} within {seconds} seconds, the last one because: {reason}"
            ),
        })
    }

    /// Forgets what has not happened for long.
    fn make_room(&mut self, now: Instant) -> bool {
        if self.said.len() >= MOST {
            self.said
                .retain(|_, said| now.saturating_duration_since(said.at) < PAUSE);
        }
        self.said.len() < MOST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sender_and_kind_has_one_line_a_minute_with_its_count() {
        let mut refusals = Refusals::default();
        let begun = Instant::now();
        let mut add = |from, kind, seconds| {
            let refusal = Refusal {
                input: "http",
                from,
                kind,
                reason: "why",
            };
            refusals.add(&refusal, begun + Duration::from_secs(seconds))
        };
        let once = |from: &str| Some(format!("the input http has refused a batch of {from}: why"));
        assert_eq!(add("a", "400", 0), once("a"));
        assert_eq!(add("a", "400", 1), None);
        assert_eq!(add("a", "422", 1), once("a"));
        assert_eq!(add("b", "400", 2), once("b"));
        assert_eq!(add("a", "400", 59), None);
        let more = "the input http has refused 3 more batches of a within 60 seconds, the last one because: why";
        assert_eq!(add("a", "400", 60).as_deref(), Some(more));
        assert_eq!(add("a", "400", 119), None);
        assert_eq!(add("b", "400", 62), once("b"));
        assert_eq!(refusals.counts()["http"], 8);
    }

    #[test]
    fn strangers_without_end_are_counted_and_not_all_said() {
        let mut refusals = Refusals::default();
        let begun = Instant::now();
        let mut lines = 0;
        for number in 0..1000_u32 {
            let refusal = Refusal {
                input: "http",
                from: &number.to_string(),
                kind: "401",
                reason: "why",
            };
            lines += usize::from(refusals.add(&refusal, begun).is_some());
        }
        assert_eq!((lines, refusals.said.len()), (MOST, MOST));
        assert_eq!(refusals.counts()["http"], 1000);
        let later = Refusal {
            input: "http",
            from: "another",
            kind: "401",
            reason: "why",
        };
        assert!(refusals.add(&later, begun + PAUSE).is_some());
        assert_eq!(refusals.said.len(), 1);
    }
}
