//! The events of a window, in parts that fit into a batch.

use std::fmt::Write as _;

use auditlog_chain::builder::{Batch as BatchName, StoredBatch, StoredPayload};
use auditlog_chain::event::EventError;
use aws_lc_rs::digest::{Context, SHA256};

use crate::lumberjack::{Version, canonical};
use crate::seal::Naming;
use crate::service::batch::EVENT_BYTES;
use crate::service::member::{id, id_within};

/// Events of a part, in bytes and in number.
const PART_BYTES: usize = 4 << 20;
const PART_EVENTS: usize = 1 << 15;

/// Events of a window, in bytes and in number. Stops a window that fills the memory.
const MAX_WINDOW_BYTES: usize = 64 << 20;
const MAX_WINDOW_EVENTS: usize = 1 << 17;

/// Why a window is refused. Nothing of it is accepted then.
#[derive(Debug, thiserror::Error)]
pub(super) enum WindowError {
    #[error("event {event} of the window: {source}")]
    Event { event: usize, source: EventError },
    #[error("the window has more than {MAX_WINDOW_BYTES} bytes: set a smaller bulk_max_size")]
    TooLarge,
    #[error("the window has more than {MAX_WINDOW_EVENTS} events: set a smaller bulk_max_size")]
    TooMany,
}

/// What a sender waits for an acknowledgement of.
pub(super) struct Window {
    pub(super) version: Version,
    /// The sender's number for the last event.
    pub(super) sequence: u32,
    announced: usize,
    events: usize,
    bytes: usize,
    parts: Vec<StoredBatch>,
    sum: Context,
    each_has_id: bool,
}

impl Window {
    /// A window of so many events.
    pub(super) fn new(version: Version, announced: u32) -> Self {
        Self {
            version,
            sequence: 0,
            announced: usize::try_from(announced).unwrap_or(usize::MAX),
            events: 0,
            bytes: 0,
            parts: Vec::new(),
            sum: Context::new(&SHA256),
            each_has_id: true,
        }
    }

    /// Adds an event. `event_id` is the member that no other event has, beside that of Beats.
    pub(super) fn push(
        &mut self,
        sequence: u32,
        json: &[u8],
        event_id: Option<&str>,
    ) -> Result<(), WindowError> {
        self.events = self.events.saturating_add(1);
        let event = self.events;
        let payload = StoredPayload::json(json);
        let payload = payload.map_err(|source| WindowError::Event { event, source })?;
        self.bytes = self.bytes.saturating_add(json.len());
        if self.bytes > MAX_WINDOW_BYTES {
            return Err(WindowError::TooLarge);
        }
        if self.events > MAX_WINDOW_EVENTS {
            return Err(WindowError::TooMany);
        }
        self.sequence = sequence;
        self.sum(&canonical(json));
        let of_beats = id_within(&payload, "@metadata", "_id");
        let own = event_id.and_then(|member| id(&payload, member));
        self.each_has_id &= of_beats.or(own).is_some();
        // As they were written: two long numbers may be equal as a double.
        self.sum(of_beats.unwrap_or_default().as_bytes());
        self.sum(own.unwrap_or_default().as_bytes());
        self.add(&payload);
        Ok(())
    }

    fn sum(&mut self, bytes: &[u8]) {
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.sum.update(&length.to_be_bytes());
        self.sum.update(bytes);
    }

    fn add(&mut self, payload: &StoredPayload<'_>) {
        let has_room = |part: &StoredBatch| part.bytes() < PART_BYTES && part.len() < PART_EVENTS;
        match self.parts.last_mut() {
            Some(part) if has_room(part) => part.push(payload),
            Some(_) | None => {
                let mut part = StoredBatch::default();
                part.push(payload);
                self.parts.push(part);
            }
        }
    }

    /// Whether all that was announced is there.
    pub(super) const fn is_whole(&self) -> bool {
        self.events >= self.announced
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.events == 0
    }

    /// What it takes in memory.
    pub(super) const fn kept_bytes(&self) -> usize {
        self.bytes
            .saturating_add(self.events.saturating_mul(EVENT_BYTES))
    }

    /// What it means that the name of the window comes again.
    pub(super) const fn naming(&self) -> Naming {
        if self.each_has_id {
            Naming::EventIds
        } else {
            Naming::Content
        }
    }

    /// The parts, each with its name. A window that is sent again has the same ones.
    pub(super) fn into_parts(self) -> Vec<(Option<BatchName>, StoredBatch)> {
        let mut name = "sha256:".to_owned();
        for byte in self.sum.finish().as_ref() {
            // Writing into a string cannot fail.
            _ = write!(name, "{byte:02x}");
        }
        let is_one = self.parts.len() == 1;
        let named = (1..).zip(self.parts).map(|(number, part)| {
            let name = if is_one {
                name.clone()
            } else {
                format!("{name}:{number}")
            };
            (BatchName::parse(&name), part)
        });
        named.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(events: &[&str], event_id: Option<&str>) -> Window {
        let mut window = Window::new(Version::Two, 2);
        for (sequence, json) in (1..).zip(events) {
            window.push(sequence, json.as_bytes(), event_id).unwrap();
        }
        window
    }

    fn names(window: Window) -> Vec<String> {
        let parts = window.into_parts().into_iter();
        parts
            .map(|(name, _)| name.unwrap().as_str().to_owned())
            .collect()
    }

    #[test]
    fn name_is_that_of_the_events_and_their_borders_and_not_of_the_order_of_members() {
        let one = names(window(&["1", "23"], None));
        assert_eq!(one, names(window(&["1", "23"], None)));
        assert_ne!(one, names(window(&["12", "3"], None)));
        assert_ne!(one, names(window(&["1", "23", "4"], None)));
        let ordered = |json| names(window(&[json], None));
        assert_eq!(ordered(r#"{"a":1,"b":2}"#), ordered(r#"{"b":2,"a":1}"#));
        assert!(one[0].starts_with("sha256:") && one[0].len() == 7 + 64);
    }

    #[test]
    fn windows_have_different_names_where_an_id_differs_in_any_digit() {
        let own = |id: &str| names(window(&[&format!("{{\"n\":1,\"id\":{id}}}")], Some("id")));
        let of_beats = |id: &str| {
            let event = format!("{{\"@metadata\":{{\"_id\":{id}}}}}");
            names(window(&[&event], None))
        };
        for (one, other) in [
            ("18446744073709551616", "18446744073709551617"),
            ("0.10000000000000000", "0.10000000000000001"),
            ("\"a\"", "\"b\""),
        ] {
            assert_eq!(own(one), own(one));
            assert_ne!(own(one), own(other), "{one}");
            assert_ne!(of_beats(one), of_beats(other), "{one}");
        }
    }

    #[test]
    fn window_is_unique_where_each_event_has_an_id() {
        let beats = "{\"@metadata\":{\"beat\":\"x\",\"_id\":\"a\"}}";
        let own = "{\"id\":7}";
        assert_eq!(window(&[beats, beats], None).naming(), Naming::EventIds);
        assert_eq!(window(&[beats, own], None).naming(), Naming::Content);
        assert_eq!(window(&[beats, own], Some("id")).naming(), Naming::EventIds);
        for without in [
            "{\"_id\":\"a\"}",
            "{\"@metadata\":{\"_id\":\"\"}}",
            "{\"@metadata\":{\"_id\":null}}",
            "{\"@metadata\":[\"_id\"]}",
            "{\"x\":{\"@metadata\":{\"_id\":\"a\"}}}",
            "3",
        ] {
            let naming = window(&[beats, without], Some("id")).naming();
            assert_eq!(naming, Naming::Content, "{without}");
        }
    }

    #[test]
    fn large_window_is_in_numbered_parts() {
        let large = format!("\"{}\"", "x".repeat(1_000_000));
        let window = window(&[large.as_str(); 12], None);
        assert!(window.is_whole());
        let names = names(window);
        assert_eq!(names.len(), 3);
        assert!(names[2].ends_with(":3"), "{names:?}");
    }

    #[test]
    fn window_that_is_too_large_or_has_something_else_than_events_is_refused() {
        let mut window = Window::new(Version::Two, 100);
        let large = format!("\"{}\"", "x".repeat(1_000_000));
        for sequence in 1..=67 {
            window.push(sequence, large.as_bytes(), None).unwrap();
        }
        let refused = window.push(68, large.as_bytes(), None).unwrap_err();
        assert!(refused.to_string().ends_with("set a smaller bulk_max_size"));
        let refused = Window::new(Version::Two, 1).push(1, b"{", None);
        let refused = refused.unwrap_err().to_string();
        assert!(
            refused.starts_with("event 1 of the window: the event is not"),
            "{refused}"
        );
    }
}
