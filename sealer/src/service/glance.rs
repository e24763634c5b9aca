//! Each log at a glance: what `GET /status` answers, and `auditlog-seal status` shows.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use super::destination::Destination;

/// What is shown of a spool that could not be looked at.
const NOT_KNOWN: &str = "not known";

/// One log at a glance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Glance {
    /// Its name in the configuration.
    pub name: String,
    /// Its origin.
    pub origin: String,
    /// Whether batches are taken.
    pub accepting: bool,
    /// All that somebody must mend.
    pub troubles: Vec<GlanceTrouble>,
    /// Events accepted since the service was started.
    pub accepted_events: u64,
    /// Batches accepted since then.
    pub accepted_batches: u64,
    /// Batches that had been accepted before.
    pub repeated_batches: u64,
    /// Closed segments that are not stored yet; `None` where nobody knows what is in the spool.
    pub waiting_segments: Option<u64>,
    /// Bytes of their lines.
    pub waiting_bytes: Option<u64>,
    /// Bytes of lines that are accepted and not stored, in open and closed segments.
    pub unstored_bytes: Option<u64>,
    /// For how many seconds the oldest of them have not been stored; `None` where all is stored, too.
    pub unstored_seconds: Option<u64>,
    /// By how many seconds this machine's clock is ahead of the store's; `None` where the store has none.
    pub clock_difference_seconds: Option<i64>,
    /// Segments stored since the service was started.
    pub sealed_segments: u64,
    /// The last segment in the store.
    pub segment: Option<u64>,
    /// Lines of the log up to that.
    pub size: Option<u64>,
    /// Their root, in base64.
    pub root: Option<String>,
    /// When it was sealed.
    pub sealed: Option<String>,
    /// The verifier key of the key that signed it.
    pub key: Option<String>,
    /// When the next segment is closed at the latest, though nothing comes.
    pub next_heartbeat: Option<String>,
    /// Names of batches that are remembered; `None` before the head of the log is found.
    pub names: Option<u64>,
    /// Names that are remembered at most.
    pub names_most: Option<u64>,
    /// Seconds for which a name is remembered.
    pub names_seconds: Option<i64>,
    /// Since when all names are known, where that is later: the spool was lost, and names were read from the log only so far.
    pub names_since: Option<String>,
}

/// Something that somebody must mend.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GlanceTrouble {
    /// What does not work: accepting, storing, locking or renewing.
    pub part: String,
    /// Where the cause is, as in the metrics.
    pub cause: String,
    /// What happened.
    pub reason: String,
}

impl Glance {
    pub(super) fn of(log: &Destination) -> Self {
        let (status, view) = (&log.status, log.status.view());
        let names = view.as_ref().map(|view| view.names);
        let view = view.unwrap_or_default();
        let waiting = status.waiting();
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let troubles = status.troubles().into_iter();
        let troubles = troubles.map(|(part, trouble)| GlanceTrouble {
            part: part.as_str().to_owned(),
            cause: trouble.cause.as_str().to_owned(),
            reason: trouble.reason,
        });
        Self {
            name: log.name.clone(),
            origin: status.origin(),
            accepting: status.trouble().is_none(),
            troubles: troubles.collect(),
            accepted_events: load(&status.events),
            accepted_batches: load(&status.batches),
            repeated_batches: load(&status.repeats),
            waiting_segments: waiting.map(|waiting| waiting.segments),
            waiting_bytes: waiting.map(|waiting| waiting.bytes),
            unstored_bytes: waiting.map(|waiting| waiting.unstored_bytes),
            unstored_seconds: waiting.and_then(|waiting| waiting.unstored_seconds()),
            clock_difference_seconds: view.clock_difference,
            sealed_segments: load(&status.sealed_segments),
            segment: view.head.map(|head| head.segment),
            size: view.head.map(|head| head.size),
            root: view.head.map(|head| head.root.to_base64()),
            sealed: view.sealed.map(|time| time.to_string()),
            key: view.key,
            next_heartbeat: view.next_heartbeat.map(|time| time.to_string()),
            names: names.map(|of| of.names),
            names_most: names.map(|of| of.most),
            names_seconds: names.map(|of| of.seconds),
            names_since: view.names_since.map(|time| time.to_string()),
        }
    }

    fn waiting_text(&self) -> String {
        match (self.waiting_segments, self.waiting_bytes) {
            (Some(segments), Some(bytes)) => format!("segments {segments}, bytes {bytes}"),
            (None, _) | (_, None) => NOT_KNOWN.to_owned(),
        }
    }

    fn unstored_text(&self) -> String {
        let Some(bytes) = self.unstored_bytes else {
            return NOT_KNOWN.to_owned();
        };
        let age = self.unstored_seconds;
        let age = age.map_or_else(String::new, |age| format!(", for {age} seconds"));
        format!("bytes {bytes}{age}")
    }

    /// A few lines for people.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let state = if self.accepting {
            "accepts events"
        } else {
            "does not accept events"
        };
        let (events, batches) = (self.accepted_events, self.accepted_batches);
        let (repeats, segments) = (self.repeated_batches, self.sealed_segments);
        // Writing into a string cannot fail.
        _ = writeln!(text, "{} ({}): {state}", self.name, self.origin);
        for trouble in &self.troubles {
            let GlanceTrouble {
                part,
                cause,
                reason,
            } = trouble;
            _ = writeln!(text, "  trouble    {part} ({cause}): {reason}");
        }
        _ = writeln!(
            text,
            "  accepted   events {events}, batches {batches}, repeats {repeats}"
        );
        _ = writeln!(text, "  waiting    {}", self.waiting_text());
        _ = writeln!(text, "  unstored   {}", self.unstored_text());
        _ = writeln!(text, "  sealed     segments {segments}");
        if let (Some(segment), Some(size), Some(root)) = (self.segment, self.size, &self.root) {
            _ = writeln!(
                text,
                "  head       segment {segment}, size {size}, root {root}"
            );
        }
        for (name, value) in [
            ("sealed at ", &self.sealed),
            ("key       ", &self.key),
            ("heartbeat ", &self.next_heartbeat),
        ] {
            if let Some(value) = value {
                _ = writeln!(text, "  {name} {value}");
            }
        }
        _ = writeln!(text, "  names      {}", self.names_text());
        text
    }

    fn names_text(&self) -> String {
        let (Some(names), Some(most), Some(seconds)) =
            (self.names, self.names_most, self.names_seconds)
        else {
            return NOT_KNOWN.to_owned();
        };
        let hours = seconds.div_euclid(3600);
        let since = self.names_since.as_ref();
        let since = since.map_or_else(String::new, |since| format!(" since {since}"));
        format!("{names} remembered{since}, for {hours} hours, {most} at most")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use auditlog_chain::timestamp::Timestamp;

    use super::super::offer::Intake;
    use super::super::status::{Status, View};
    use super::*;
    use crate::names::Remembered;

    #[test]
    fn window_of_names_is_shown_as_it_is() {
        let (intake, _offers) = Intake::new();
        let status = Arc::new(Status::new("log"));
        let log = Destination {
            max_event_bytes: auditlog_chain::limits::MAX_EVENT_BYTES,
            name: "log".to_owned(),
            intake,
            status: Arc::clone(&status),
            stored: None,
        };
        let text = Glance::of(&log).text();
        assert!(text.contains("  names      not known\n"), "{text}");
        for (names_since, expected) in [
            (None, "7 remembered, for 72 hours, 9 at most"),
            (
                Some(Timestamp::EPOCH),
                "7 remembered since 1970-01-01T00:00:00.000000Z, for 72 hours, 9 at most",
            ),
        ] {
            status.set_view(View {
                names: Remembered {
                    names: 7,
                    seconds: 72 * 3600,
                    most: 9,
                    in_memory: 7,
                },
                names_since,
                ..View::default()
            });
            let text = Glance::of(&log).text();
            assert!(
                text.contains(&format!("  names      {expected}\n")),
                "{text}"
            );
        }
    }
}
