//! Which rules a finding is about, and what became of each group of rules: the rows of the page, and the cases of `JUnit`.

use auditlog_chain::origin::Origin;

use super::Report;
use crate::fault::Fault;
use crate::not_checked::NotChecked;
use crate::note::Note;
use crate::place::Placed;
use crate::undecided::{Undecided, Unreadable};

/// Rules that are judged together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rules {
    Declaration,
    Accounted,
    Segments,
    Neighbours,
    Keys,
    Absence,
    Locks,
    Time,
    Pins,
    Bucket,
    Clock,
}

impl Rules {
    /// The groups that are judged of each log, in order.
    pub(super) const OF_A_LOG: [Self; 9] = [
        Self::Declaration,
        Self::Accounted,
        Self::Segments,
        Self::Neighbours,
        Self::Keys,
        Self::Absence,
        Self::Locks,
        Self::Time,
        Self::Pins,
    ];

    /// The groups that are judged of the bucket as a whole.
    pub(super) const OF_THE_BUCKET: [Self; 5] = [
        Self::Declaration,
        Self::Accounted,
        Self::Pins,
        Self::Bucket,
        Self::Clock,
    ];

    /// A short name that never changes.
    pub(super) const fn id(self) -> &'static str {
        match self {
            Self::Declaration => "declaration",
            Self::Accounted => "accounted",
            Self::Segments => "segments",
            Self::Neighbours => "neighbours",
            Self::Keys => "keys",
            Self::Absence => "absence",
            Self::Locks => "locks",
            Self::Time => "time",
            Self::Pins => "pins",
            Self::Bucket => "bucket",
            Self::Clock => "clock",
        }
    }

    /// Their numbers in `docs/guides/verification.md`.
    pub(super) const fn numbers(self) -> &'static str {
        match self {
            Self::Declaration => "V1 to V3",
            Self::Accounted => "V4, V5, A1, A8",
            Self::Segments => "V7",
            Self::Neighbours => "V8",
            Self::Keys => "V11 to V16",
            Self::Absence => "V6, V9, V10, A3, A4, A6",
            Self::Locks => "V17 to V19, A7, A8",
            Self::Time => "V21 to V24, A2",
            Self::Pins => "V25, V26, A5",
            Self::Bucket => "V20",
            Self::Clock => "V29",
        }
    }

    /// What holds if nothing is found.
    pub(super) const fn promise(self) -> &'static str {
        match self {
            Self::Declaration => "The declaration can be judged by, and its formats are known.",
            Self::Accounted => {
                "Every object that was listed is a segment of a declared log, or under a declared prefix."
            }
            Self::Segments => {
                "Each segment proves itself: its form, its hashes, the root over its lines, and its place in the log."
            }
            Self::Neighbours => "Each segment continues exactly where the one before it ended.",
            Self::Keys => {
                "Each checkpoint has the signatures that are required, by keys that the declaration authorises at that time."
            }
            Self::Absence => {
                "What is absent has expired, and the log ends where it was declared to."
            }
            Self::Locks => {
                "Each segment has one version, locked in the declared mode for at least the declared retention."
            }
            Self::Time => {
                "Times agree with the store's, and no log was silent for longer than declared."
            }
            Self::Pins => "No log went back behind the head that an earlier run saw.",
            Self::Bucket => {
                "The bucket keeps versions, and locks new objects at least as declared."
            }
            Self::Clock => "The clock by which all of this was judged agrees with the store's.",
        }
    }
}

impl Fault {
    pub(super) fn rules(&self) -> Rules {
        match self {
            Self::Chain(fault) => of_chain(fault.code()),
            Self::Told(told) => of_chain(told.code()),
            Self::ObjectUnaccounted { .. } => Rules::Accounted,
            Self::LogEmpty { .. } | Self::SegmentMissing { .. } | Self::EndMismatch { .. } => {
                Rules::Absence
            }
            Self::KeyUnknown { .. }
            | Self::KeyOutsideSpan { .. }
            | Self::KeyCompromised { .. }
            | Self::LastGoodMismatch { .. } => Rules::Keys,
            Self::SecondVersion { .. }
            | Self::HiddenByDeleteMarker { .. }
            | Self::LockMissing { .. }
            | Self::LockModeWeaker { .. }
            | Self::LockTooShort { .. }
            | Self::ObjectMultipart { .. }
            | Self::ObjectReplica => Rules::Locks,
            Self::BucketVersioning { .. } | Self::BucketLock { .. } => Rules::Bucket,
            Self::SealedAfterStored { .. }
            | Self::StoredOrder { .. }
            | Self::SealedInFuture { .. }
            | Self::StoredInFuture { .. }
            | Self::SilenceExceeded { .. } => Rules::Time,
            Self::HeadRolledBack { .. } | Self::HeadForked { .. } => Rules::Pins,
        }
    }
}

/// The rules that a fault of the chain is about, by its code: what another machine found has nothing else.
fn of_chain(code: &str) -> Rules {
    match code {
        "index-mismatch" | "prev-mismatch" | "left-mismatch" | "sealed-before-mismatch" => {
            Rules::Neighbours
        }
        "key-line-missing" | "key-line" | "signature-count" | "signature-key"
        | "signature-invalid" => Rules::Keys,
        _ => Rules::Segments,
    }
}

impl Undecided {
    pub(super) const fn rules(&self) -> Rules {
        match self {
            Self::Unreadable { what, .. } => match what {
                Unreadable::Listing => Rules::Accounted,
                Unreadable::Bucket => Rules::Bucket,
                Unreadable::Segment => Rules::Segments,
                Unreadable::Lock => Rules::Locks,
            },
            Self::Unsupported { .. } => Rules::Declaration,
            Self::AbsenceUnknown { .. } | Self::OnlyPassedOver | Self::JustBegun => Rules::Absence,
            Self::PinNotSeen { .. } | Self::PinsNotKept { .. } => Rules::Pins,
            Self::NoLastGood { .. } => Rules::Keys,
            Self::ClockDiffers { .. } | Self::PlanOutdated { .. } => Rules::Clock,
        }
    }

    /// Whether nothing else can be said of its log, or of any log where it has no place.
    const fn leaves_nothing_judged(&self) -> bool {
        match self {
            Self::Unreadable { what, .. } => matches!(what, Unreadable::Listing),
            Self::Unsupported { .. } | Self::OnlyPassedOver | Self::JustBegun => true,
            Self::AbsenceUnknown { .. }
            | Self::PinNotSeen { .. }
            | Self::NoLastGood { .. }
            | Self::ClockDiffers { .. }
            | Self::PlanOutdated { .. }
            | Self::PinsNotKept { .. } => false,
        }
    }
}

/// What the findings are about: one log, or the bucket as a whole.
pub(super) type Scope<'r> = Option<&'r Origin>;

/// What became of a group of rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Nothing was found, not even something that the policy acknowledges.
    Clean,
    /// Faults, and they are all acknowledged.
    Acknowledged(usize),
    /// Faults that nobody has explained.
    Faults(usize),
    /// What could not be decided.
    Undecided(usize),
    /// It was not judged; why.
    NotJudged(&'static str),
}

const IN_A_FOLDER: &str = "a folder has no versions, locks and times of storage";
const NOTHING_JUDGED: &str = "nothing could be judged";
const NO_PIN: &str = "a pin of an earlier run is missing";
const NO_CLOCK: &str = "the store did not send its time";

impl Report {
    pub(super) fn faults_of<'r>(
        &'r self,
        scope: Scope<'r>,
    ) -> impl Iterator<Item = &'r Placed<Fault>> {
        let of_scope = move |one: &&Placed<Fault>| one.place.log.as_ref() == scope;
        self.faults().iter().filter(of_scope)
    }

    pub(super) fn undecided_of<'r>(
        &'r self,
        scope: Scope<'r>,
    ) -> impl Iterator<Item = &'r Placed<Undecided>> {
        let of_scope = move |one: &&Placed<Undecided>| one.place.log.as_ref() == scope;
        self.undecided().iter().filter(of_scope)
    }

    pub(super) fn notes_of<'r>(
        &'r self,
        scope: Scope<'r>,
    ) -> impl Iterator<Item = &'r Placed<Note>> {
        let of_scope = move |one: &&Placed<Note>| one.place.log.as_ref() == scope;
        self.notes().iter().filter(of_scope)
    }

    /// What became of a group of rules, of one log or of the bucket.
    pub(super) fn outcome(&self, scope: Scope<'_>, rules: Rules) -> Outcome {
        let faults = self
            .faults_of(scope)
            .filter(|one| one.what.rules() == rules);
        let undecided = self.undecided_of(scope);
        let undecided = undecided.filter(|one| one.what.rules() == rules);
        let acknowledged = self.acknowledged().iter();
        let acknowledged = acknowledged.filter(|one| one.place.log.as_ref() == scope);
        let acknowledged = acknowledged.filter(|one| one.what.fault.rules() == rules);
        match (faults.count(), undecided.count(), acknowledged.count()) {
            (0, 0, found) => self.outcome_without_faults(scope, rules, found),
            (0, found, _) => Outcome::Undecided(found),
            (found, _, _) => Outcome::Faults(found),
        }
    }

    fn outcome_without_faults(
        &self,
        scope: Scope<'_>,
        rules: Rules,
        acknowledged: usize,
    ) -> Outcome {
        if let Some(why) = self.why_not_judged(scope, rules) {
            return Outcome::NotJudged(why);
        }
        match acknowledged {
            0 => Outcome::Clean,
            found => Outcome::Acknowledged(found),
        }
    }

    fn why_not_judged(&self, scope: Scope<'_>, rules: Rules) -> Option<&'static str> {
        let nothing = |one: &Placed<Undecided>| {
            one.what.leaves_nothing_judged()
                && (one.place.log.is_none() || one.place.log.as_ref() == scope)
        };
        if self.undecided().iter().any(nothing) {
            return Some(NOTHING_JUDGED);
        }
        let not_checked = |what: &NotChecked| self.not_checked().contains(what);
        let of_storage = matches!(rules, Rules::Locks | Rules::Bucket | Rules::Clock);
        let no_pin =
            |one: &Placed<Note>| matches!(one.what, Note::NoPin | Note::PinDisowned { .. });
        if of_storage && not_checked(&NotChecked::Storage) {
            Some(IN_A_FOLDER)
        } else if rules == Rules::Clock && not_checked(&NotChecked::Clock) {
            Some(NO_CLOCK)
        } else if rules == Rules::Pins && scope.is_some() && self.notes_of(scope).any(no_pin) {
            Some(NO_PIN)
        } else {
            None
        }
    }
}
