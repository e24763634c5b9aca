//! A segment that was closed, and is not yet in the store.

use auditlog_chain::builder::ClosedLines;
use auditlog_chain::line::KeyChange;
use auditlog_chain::segment::{CheckedSegment, Head};
use auditlog_chain::timestamp::Timestamp;

use crate::names::Fingerprint;

/// A segment that was closed, and is not yet in the store. All of it is on the disk.
pub(super) struct Waiting {
    pub(super) number: u64,
    pub(super) events: u64,
    /// Bytes of its lines, or of the object.
    pub(super) bytes: u64,
    pub(super) head: Head,
    pub(super) opened: Timestamp,
    pub(super) sealed: Timestamp,
    pub(super) key_change: Option<KeyChange>,
    /// The names of its batches.
    pub(super) names: Vec<Fingerprint>,
    pub(super) form: Form,
    pub(super) put: Put,
}

/// Whether its object was put.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Put {
    Never,
    /// An attempt that failed, or an earlier run, may have put it.
    Perhaps,
}

/// How far it has come.
pub(super) enum Form {
    /// It was closed. What its lines were compressed to may still be in memory.
    Closed {
        lines: Box<ClosedLines>,
        frames: Option<Vec<u8>>,
    },
    /// It was signed.
    Finished(Vec<u8>),
}

impl Waiting {
    pub(super) fn closed(
        lines: ClosedLines,
        opened: Timestamp,
        key_change: Option<KeyChange>,
        frames: Option<Vec<u8>>,
        names: Vec<Fingerprint>,
    ) -> Self {
        Self {
            names,
            number: lines.number(),
            events: lines.events(),
            bytes: u64::try_from(lines.bytes()).unwrap_or(u64::MAX),
            head: lines.head().clone(),
            opened,
            sealed: lines.sealed(),
            key_change,
            form: Form::Closed {
                lines: Box::new(lines),
                frames,
            },
            put: Put::Never,
        }
    }

    pub(super) fn finished(
        checked: &CheckedSegment,
        object: Vec<u8>,
        names: Vec<Fingerprint>,
    ) -> Self {
        Self {
            names,
            number: checked.number(),
            events: checked.events(),
            bytes: checked.bytes(),
            head: checked.head().clone(),
            opened: checked.opened(),
            sealed: checked.sealed(),
            key_change: checked.key_change().cloned(),
            form: Form::Finished(object),
            put: Put::Perhaps,
        }
    }

    /// Bytes that it takes in memory and that are on the disk too.
    pub(super) fn forget_frames(&mut self) {
        if let Form::Closed { frames, .. } = &mut self.form {
            *frames = None;
        }
    }
}
