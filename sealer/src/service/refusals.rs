//! What inputs could not hand on: counted for the metrics, and said to whoever runs the service, but not over and over.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Between two lines about the same sender and the same kind of refusal.
const PAUSE: Duration = Duration::from_mins(1);

/// Senders and kinds that are told apart. Stops strangers from filling the memory, and a journal.
const MOST: usize = 256;

/// Characters of a reason that are reported: it may quote a request.
const MOST_OF_REASON: usize = 300;

/// What was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// A batch.
    Batch,
    /// A connection that brought nothing yet.
    Connection,
}

impl Refused {
    const fn one(self) -> &'static str {
        match self {
            Self::Batch => "batch",
            Self::Connection => "connection",
        }
    }

    const fn many(self) -> &'static str {
        match self {
            Self::Batch => "batches",
            Self::Connection => "connections",
        }
    }
}

/// Something that was refused.
pub struct Refusal<'r> {
    /// What.
    pub what: Refused,
    /// Name of the input.
    pub input: &'r str,
    /// Who sent it, where that is known. All others are reported together: they could have any number of addresses.
    pub sender: Option<&'r str>,
    /// Who sent it, or from where it came, for people.
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
    connections: BTreeMap<String, u64>,
    said: BTreeMap<[String; 3], Said>,
    /// When it was said that there are too many to be told apart.
    said_full: Option<Instant>,
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

    /// Connections that were not let in, by input.
    pub(super) const fn connections(&self) -> &BTreeMap<String, u64> {
        &self.connections
    }

    pub(super) fn count(&mut self, what: Refused, input: &str) {
        let counts = match what {
            Refused::Batch => &mut self.counts,
            Refused::Connection => &mut self.connections,
        };
        let counter = counts.entry(input.to_owned()).or_default();
        *counter = counter.saturating_add(1);
    }

    /// Counts one. Returns a line for people, where there is something new to say.
    pub(super) fn add(&mut self, refusal: &Refusal<'_>, now: Instant) -> Option<String> {
        self.count(refusal.what, refusal.input);
        let Refusal {
            what,
            input,
            sender,
            from,
            kind,
            reason,
        } = refusal;
        let reason = shortened(reason);
        let key = [*input, sender.unwrap_or_default(), kind].map(str::to_owned);
        let line = format!(
            "the input {input} has refused a {} of {from}: {reason}",
            what.one()
        );
        let Some(said) = self.said.get_mut(&key) else {
            if !self.make_room(now) {
                return self.say_full(now);
            }
            self.said.insert(key, Said { at: now, since: 0 });
            return Some(line);
        };
        said.since = said.since.saturating_add(1);
        if now.saturating_duration_since(said.at) < PAUSE {
            return None;
        }
        let (since, seconds) = (said.since, now.saturating_duration_since(said.at).as_secs());
        (said.at, said.since) = (now, 0);
        Some(match since {
            1 => line,
            more => {
                let (senders, last) = match sender {
                    Some(sender) => (*sender, String::new()),
                    None => ("senders without a name", format!(" of {from}")),
                };
                format!(
                    "the input {input} has refused {more} more {} of {senders} within {seconds} seconds, the last one{last} because: {reason}",
                    what.many()
                )
            }
        })
    }

    /// Some are not said. Says that, once a minute.
    fn say_full(&mut self, now: Instant) -> Option<String> {
        let said = self.said_full;
        if said.is_some_and(|said| now.saturating_duration_since(said) < PAUSE) {
            return None;
        }
        self.said_full = Some(now);
        let line =
            "more senders are refused than can be named; see auditlog_sealer_refused_batches_total";
        Some(line.to_owned())
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

fn shortened(reason: &str) -> String {
    match reason.char_indices().nth(MOST_OF_REASON) {
        None => reason.to_owned(),
        Some((end, _)) => format!("{}…", reason.get(..end).unwrap_or_default()),
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
                what: Refused::Batch,
                input: "http",
                sender: Some(from),
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

    /// A refusal of 401, at this second.
    fn add(
        refusals: &mut Refusals,
        sender: Option<&str>,
        from: &str,
        at: Instant,
    ) -> Option<String> {
        let refusal = Refusal {
            what: Refused::Batch,
            input: "http",
            sender,
            from,
            kind: "401",
            reason: "why",
        };
        refusals.add(&refusal, at)
    }

    #[test]
    fn senders_without_end_are_counted_and_one_line_reports_that_not_all_are_named() {
        let mut refusals = Refusals::default();
        let begun = Instant::now();
        let mut lines = Vec::new();
        for number in 0..1000_u32 {
            let name = number.to_string();
            lines.extend(add(&mut refusals, Some(&name), &name, begun));
        }
        let full =
            "more senders are refused than can be named; see auditlog_sealer_refused_batches_total";
        assert_eq!((lines.len(), refusals.said.len()), (MOST + 1, MOST));
        assert_eq!(lines.last().unwrap(), full);
        assert_eq!(refusals.counts()["http"], 1000);
        assert!(add(&mut refusals, Some("another"), "another", begun + PAUSE).is_some());
        assert_eq!(refusals.said.len(), 1);
    }

    #[test]
    fn strangers_at_any_number_of_addresses_silence_nobody() {
        let mut refusals = Refusals::default();
        let begun = Instant::now();
        let mut lines = Vec::new();
        for number in 0..1000_u32 {
            let from = format!("a sender at {number}");
            lines.extend(add(&mut refusals, None, &from, begun));
        }
        assert_eq!(
            lines,
            ["the input http has refused a batch of a sender at 0: why"]
        );
        assert!(add(&mut refusals, Some("shop"), "shop", begun).is_some());
        let more = "the input http has refused 1000 more batches of senders without a name within 60 seconds, the last one of a sender at x because: why";
        let said = add(&mut refusals, None, "a sender at x", begun + PAUSE);
        assert_eq!(said.as_deref(), Some(more));
    }

    #[test]
    fn long_reason_is_cut() {
        let refusal = Refusal {
            what: Refused::Batch,
            input: "http",
            sender: None,
            from: "a sender",
            kind: "400",
            reason: &"é".repeat(1 << 20),
        };
        let line = Refusals::default().add(&refusal, Instant::now()).unwrap();
        assert!(line.ends_with("éé…"), "{line}");
        assert!(line.chars().count() < 400, "{line}");
    }
}
