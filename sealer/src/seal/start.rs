//! Where a log goes on: its head from the store, compared with what this writer knows of it, and every gap below it explained.

use auditlog_chain::policy::{Found, FoundMissing, Position};
use auditlog_chain::segment::{CheckedSegment, Head, check_segment};
use auditlog_chain::timestamp::Timestamp;
use auditlog_chain::verifier_key::VerifierKey;

use super::Setup;
use super::expiry::{Absent, Declared};
use super::known::{KnownHead, position};
use super::notice::Notice;
use crate::error::{Error, KnownFrom, LogError, PinsGiven};
use crate::limits::MAX_SKEW_SECONDS;
use crate::spool::Spool;
use crate::store::{Gap, Listing, Present, list_log};

/// Where a log goes on.
pub(super) struct Start {
    pub(super) head: Head,
    /// The key of the newest segment; `None` for a new log.
    pub(super) log_key: Option<VerifierKey>,
    /// When the newest segment was stored.
    pub(super) stored: Option<Timestamp>,
}

impl Setup {
    /// Finds where the log goes on. Without this, an administrator could remove the newest segments, and an honest sealer would
    /// sign over the gap.
    pub(super) fn find_start(&self, spool: &Spool) -> Result<Start, Error> {
        let anchors = self.anchors(spool)?;
        let Some(listing) = list_log(&*self.store, &self.log)? else {
            return self.start_new(&anchors);
        };
        let newest = listing.newest.number;
        let (head, log_key) = self.read_head(newest)?;
        for anchor in &anchors {
            self.must_reach(*anchor, &listing, &head)?;
        }
        if anchors.is_empty() && !spool.has_finished()? {
            self.may_be_unknown(&head, spool)?;
        }
        for gap in &listing.gaps {
            self.must_be_explained(gap)?;
        }
        let markers = listing.markers.map(Notice::Markers);
        let versions = listing.second_versions.map(Notice::SecondVersions);
        for notice in markers.into_iter().chain(versions) {
            (self.notify)(notice);
        }
        Ok(Start {
            head,
            log_key: Some(log_key),
            stored: listing.newest.stored,
        })
    }

    /// What this writer knows of the log, and from where.
    fn anchors(&self, spool: &Spool) -> Result<Vec<(Position, KnownFrom)>, Error> {
        let spool = spool.stored_head()?.map(|head| (head, KnownFrom::Spool));
        let pinned = match self.known_head {
            KnownHead::Pinned(head) => Some((head, KnownFrom::Pins)),
            KnownHead::Nothing | KnownHead::NotPinned | KnownHead::Unknown => None,
        };
        Ok(spool.into_iter().chain(pinned).collect())
    }

    fn start_new(&self, anchors: &[(Position, KnownFrom)]) -> Result<Start, Error> {
        self.must_not_be_inside_another()?;
        if let Some((expected, known_from)) = anchors.first() {
            return Err(LogError::CutOff {
                origin: self.log.origin.clone(),
                expected: expected.segment,
                found: None,
                known_from: *known_from,
                store: self.store.kind(),
            }
            .into());
        }
        Ok(Start {
            head: Head::of_new_log(self.log.origin.clone()),
            log_key: None,
            stored: None,
        })
    }

    /// A log whose prefix is inside that of another one would be an object that the other one cannot explain. A trust policy
    /// cannot declare that, but one log may have another policy, or none. The first segment of the other log shows it.
    fn must_not_be_inside_another(&self) -> Result<(), Error> {
        let prefix = &self.log.prefix;
        for (end, _) in prefix.match_indices('/') {
            let outer = prefix.get(..end).unwrap_or_default();
            let first = format!("{outer}/{:012}.jsonl.zst", 0);
            if self.store.versions(&first)? > 0 {
                return Err(LogError::InsideAnother {
                    prefix: prefix.clone(),
                    first,
                }
                .into());
            }
        }
        Ok(())
    }

    /// The log must have the segment that this writer knows, with that size and root. Where it has expired meanwhile, what
    /// follows it is all that can be checked.
    fn must_reach(
        &self,
        (expected, known_from): (Position, KnownFrom),
        listing: &Listing,
        head: &Head,
    ) -> Result<(), Error> {
        let newest = listing.newest.number;
        if newest < expected.segment {
            return Err(LogError::CutOff {
                origin: self.log.origin.clone(),
                expected: expected.segment,
                found: Some(newest),
                known_from,
                store: self.store.kind(),
            }
            .into());
        }
        let is_absent = |gap: &Gap| (gap.first..=gap.last).contains(&expected.segment);
        if listing.gaps.iter().any(is_absent) {
            return Ok(());
        }
        let found = if newest == expected.segment {
            position(head)
        } else {
            position(self.read_border(expected.segment)?.head())
        };
        if found == Some(expected) {
            return Ok(());
        }
        Err(LogError::OtherHead {
            key: self.log.segment_key(expected.segment),
            expected: expected.root,
            found: found.map(|found| found.root),
            known_from,
        }
        .into())
    }

    /// Neither the spool nor pins know the log.
    fn may_be_unknown(&self, head: &Head, spool: &Spool) -> Result<(), Error> {
        let Some(head) = position(head) else {
            return Ok(());
        };
        if self.known_head == KnownHead::Unknown {
            (self.notify)(Notice::HeadUnknown { head });
            return Ok(());
        }
        Err(LogError::HeadNotKnown {
            origin: self.log.origin.clone(),
            segment: head.segment,
            spool: spool.folder().to_owned(),
            pins: match self.known_head {
                KnownHead::NotPinned => PinsGiven::WithoutTheLog,
                KnownHead::Nothing | KnownHead::Pinned(_) | KnownHead::Unknown => PinsGiven::None,
            },
        }
        .into())
    }

    /// Reads a segment below the newest one: the border of a gap, or one that this writer knows.
    fn read_border(&self, number: u64) -> Result<CheckedSegment, Error> {
        let key = self.log.segment_key(number);
        let Some(object) = self.store.read(&key)? else {
            return Err(LogError::Gap { key }.into());
        };
        let checked = check_segment(&object, self.expected(number));
        checked.map_err(|source| {
            let source = Box::new(source);
            LogError::BadSegment { key, source }.into()
        })
    }

    fn must_be_explained(&self, gap: &Gap) -> Result<(), Error> {
        let unexplained = || {
            Error::from(LogError::Gap {
                key: self.log.segment_key(gap.first),
            })
        };
        let policy = self.policy.as_ref().ok_or_else(unexplained)?;
        let after = self.read_border(gap.after.number)?;
        let before = gap.before.map(|before| self.read_border(before.number));
        let before = before.transpose()?;
        let facts = Facts {
            before: before.as_ref().zip(gap.before),
            after: (&after, gap.after),
            began: self.log.began,
        };
        let entries: Vec<&Found> = policy
            .document()
            .acknowledged
            .iter()
            .filter(|entry| entry.log.as_ref() == Some(&self.log.origin))
            .map(|entry| &entry.found)
            .collect();
        let silences: Vec<_> = entries
            .iter()
            .filter_map(|found| match found {
                Found::Silence(silence) => Some((silence.from, silence.until)),
                Found::Missing(_) | Found::Version(_) | Found::Segment(_) => None,
            })
            .collect();
        let mut losses: Vec<&FoundMissing> = entries
            .iter()
            .filter_map(|found| match found {
                Found::Missing(missing) => facts.has(gap, missing).then_some(missing),
                Found::Silence(_) | Found::Version(_) | Found::Segment(_) => None,
            })
            .collect();
        losses.sort_by_key(|loss| loss.first);
        let declared = Declared {
            lock: policy.lock_of(&self.log),
            silence: &self.log.max_silence,
            silences: &silences,
        };
        let now = (self.clock)();
        if !facts.is_explained(gap, &losses, &declared, now) {
            return Err(unexplained());
        }
        let (first, last) = (gap.first, gap.last);
        (self.notify)(if losses.is_empty() {
            Notice::Expired { first, last }
        } else {
            Notice::Acknowledged { first, last }
        });
        Ok(())
    }
}

/// What is known of a gap.
struct Facts<'a> {
    before: Option<(&'a CheckedSegment, Present)>,
    after: (&'a CheckedSegment, Present),
    began: Timestamp,
}

impl Facts<'_> {
    /// Whether an acknowledged loss can be in this gap: what it says of its borders is so where they are those of the gap.
    fn has(&self, gap: &Gap, loss: &FoundMissing) -> bool {
        let within = gap.first <= loss.first && loss.first <= loss.last && loss.last <= gap.last;
        let begins = loss.first != gap.first
            || match (loss.before, self.before) {
                (Some(said), Some((segment, _))) => {
                    (said.size, said.root) == (segment.size(), segment.root())
                }
                (None, None) => true,
                (Some(_), None) | (None, Some(_)) => false,
            };
        let range = &self.after.0.before().range;
        let ends = loss.last != gap.last
            || loss
                .after
                .is_some_and(|said| (said.size, said.root) == (range.size(), range.root()));
        within && begins && ends
    }

    /// Whether each absent segment is in an acknowledged loss, or has expired. A loss divides the gap: what is absent before
    /// it was stored by then, what is absent after it from then on.
    fn is_explained(
        &self,
        gap: &Gap,
        losses: &[&FoundMissing],
        declared: &Declared<'_>,
        now: Timestamp,
    ) -> bool {
        let (mut next, mut since) = (gap.first, self.since());
        for loss in losses {
            let stored = loss.before.and_then(|before| before.stored);
            if loss.first > next {
                let absent = Absent {
                    since,
                    sealed_before: stored.unwrap_or_else(|| self.after.0.sealed_before()),
                    heard: None,
                };
                if !declared.has_expired(absent, now) {
                    return false;
                }
            }
            next = next.max(loss.last.saturating_add(1));
            since = stored.map_or(since, |stored| since.max(stored));
        }
        let (after, present) = self.after;
        let absent = Absent {
            since,
            sealed_before: after.sealed_before(),
            heard: present.stored,
        };
        next > gap.last || declared.has_expired(absent, now)
    }

    /// No absent segment was stored before. Of the two times of the segment before them, the earlier one counts.
    fn since(&self) -> Timestamp {
        let earlier = |(segment, present): (&CheckedSegment, Present)| {
            let sealed = segment.sealed();
            present.stored.map_or(sealed, |stored| stored.min(sealed))
        };
        let skew = MAX_SKEW_SECONDS.saturating_neg();
        let beginning = || self.began.saturating_add_seconds(skew);
        self.before.map_or_else(beginning, earlier)
    }
}
