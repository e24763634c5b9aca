//! A segment that comes later than `max_silence` allows.

use auditlog_chain::policy::{Acknowledged, AcknowledgedCode, Found, FoundSilence};
use auditlog_chain::segment::Head;

use super::notice::Notice;
use super::ship::Shipper;
use super::silence::deadline;

impl Shipper {
    /// Says if the segment that was written now comes too late, with the entry that acknowledges it. The segment is written in
    /// any case: a log that stays silent would be worse.
    pub(super) fn note_silence(&mut self, written: &Head) {
        // The answer's time has whole seconds, as `LastModified` has: the entry must reach as far as either.
        let answered = self.setup.store.time();
        let stored = answered.map(|time| time.saturating_add_seconds(1));
        let from = self.stored.into_iter().chain(self.head.sealed).min();
        let until = stored.into_iter().chain(written.sealed).max();
        self.stored = answered.map(|time| time.saturating_add_seconds(-1));
        let spans = &self.setup.log.max_silence;
        if let Some((from, until)) = from.zip(until)
            && !spans.is_empty()
            && deadline(spans, from) < until
        {
            let entry = Box::new(self.acknowledged(FoundSilence { from, until }));
            (self.setup.notify)(Notice::Silence { from, until, entry });
        }
    }

    fn acknowledged(&self, silence: FoundSilence) -> Acknowledged {
        Acknowledged {
            code: AcknowledgedCode::SilenceExceeded,
            log: Some(self.setup.log.origin.clone()),
            reason: "write here why the log was silent".to_owned(),
            date: silence.until,
            found: Found::Silence(silence),
        }
    }
}
