//! What only the whole log shows: its end, its silence since, and whether its head has gone back (V9, V10, V15, V24, V25).

use auditlog_chain::segment::FORMAT;
use auditlog_chain::timestamp::Timestamp;

use super::{VerifiedHead, Walk};
use crate::finding::{Fault, Place, Silence};
use crate::record::Record;
use crate::report::{LogReport, Verdict};
use crate::source::{ReadError, Version};
use crate::time::check_silence;

impl Walk<'_> {
    /// What only the whole log shows, and the log's verdict.
    pub(crate) fn finish(mut self) -> (LogReport, Record) {
        let log = self.plan.log;
        if log.format == FORMAT {
            match &self.previous {
                // V6: nothing found is never success.
                None => {
                    let place = Place {
                        log: Some(log.origin.clone()),
                        ..Place::default()
                    };
                    self.record.fault(
                        Fault::LogEmpty {
                            prefix: log.prefix.clone(),
                        },
                        place,
                    );
                }
                Some(previous) => self.check_tail(previous.number, previous.stored),
            }
        } else {
            let reason = format!(
                "the log has format {}, this program knows {FORMAT}",
                log.format
            );
            let error = ReadError::new(reason).with_hint("use a newer auditlog-verify");
            self.record
                .unread(log.origin.as_str(), Some(&log.origin), error);
        }
        let verdict = self.record.verdict();
        let verified = match (verdict, self.last) {
            (Verdict::Verified, Some((position, _))) => Some(VerifiedHead {
                origin: log.origin.clone(),
                position,
            }),
            _ => None,
        };
        let report = LogReport {
            origin: log.origin.clone(),
            prefix: log.prefix.clone(),
            verdict,
            segments: self.segments,
            entries: self.entries,
            size: self.last.map(|(last, _)| last.size),
            root: self.last.map(|(last, _)| last.root),
            first_segment: self.first.map(|(number, _)| number),
            last_segment: self.last.map(|(last, _)| last.segment),
            opened: self.first.map(|(_, opened)| opened),
            sealed: self.last.map(|(_, sealed)| sealed),
            keys: self.signed_by,
            verified,
        };
        (report, self.record)
    }

    fn check_tail(&mut self, last: u64, stored: Option<Timestamp>) {
        let log = self.plan.log;
        let end = log.ended.as_ref().map(|ended| ended.segment);
        // V9, V10: what the declared end, or a delete marker, shows to have been there.
        let shown = self
            .plan
            .slots
            .range(..=end.unwrap_or(u64::MAX))
            .next_back()
            .map(|(number, _)| *number);
        if let Some(shown) = end.or(shown).filter(|shown| *shown > last) {
            let first = last.saturating_add(1);
            let place = self.place(first);
            self.record.fault(
                Fault::SegmentMissing {
                    first,
                    last: shown,
                    kept_until: None,
                },
                place,
            );
        }
        // V15: a log that ends before its last good segment has lost it.
        for expected in self.last_good_positions() {
            if expected.segment > last && end.is_none_or(|end| expected.segment <= end) {
                let place = self.place(expected.segment);
                self.record.fault(
                    Fault::LastGoodMismatch {
                        expected,
                        found: None,
                    },
                    place,
                );
            }
        }
        // V24: silence until now.
        let sealed = self
            .last
            .filter(|(at, _)| at.segment == last)
            .map(|(_, sealed)| sealed);
        let heard = if self.has_storage { stored } else { sealed };
        if let Some(since) = heard.filter(|_| end.is_none()) {
            let place = self.place(last);
            if let Some(fault) =
                check_silence(self.request.policy, since, self.request.at, Silence::Last)
            {
                self.record.fault(fault, place);
            }
        }
        self.check_head(last, end);
        self.note_disowned();
    }

    /// V25: the head has not gone back behind the pinned one.
    fn check_head(&mut self, last: u64, end: Option<u64>) {
        let origin = &self.plan.log.origin;
        match self.pin {
            None => self.record.note(format!(
                "{origin}: no pinned head, so nothing is claimed about rollback"
            )),
            Some(pin) if end.is_some_and(|end| pin.segment > end) => {
                let at = pin.segment;
                self.record.note(format!("{origin}: the pinned head, segment {at}, lies behind the declared end and is disowned"));
            }
            Some(expected) if expected.segment > last => {
                let place = self.place(last);
                self.record.fault(
                    Fault::HeadRolledBack {
                        expected,
                        found: last,
                    },
                    place,
                );
            }
            Some(_) => {}
        }
    }

    /// V10: what was written after the declared end is reported, and judged no further.
    fn note_disowned(&mut self) {
        let Some(ended) = &self.plan.log.ended else {
            return;
        };
        let later = |version: &&Version| {
            version
                .stored
                .zip(self.ended_at)
                .is_some_and(|(s, end)| s > end)
        };
        let slots = &self.plan.slots;
        let behind = slots
            .range(ended.segment.saturating_add(1)..)
            .map(|(_, slot)| slot.versions.len());
        let within = slots
            .range(..=ended.segment)
            .map(|(_, slot)| slot.versions.iter().filter(later).count());
        let disowned = behind.chain(within).fold(0usize, usize::saturating_add);
        if disowned > 0 {
            let origin = &self.plan.log.origin;
            let last = ended.segment;
            self.record.note(format!(
                "{origin}: ended with segment {last}; {disowned} later versions are disowned"
            ));
        }
    }
}
