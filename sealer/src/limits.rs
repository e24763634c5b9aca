//! Every size of the sealer has a limit (P11). All of them are here, and each names the attack or the accident that it stops. Those
//! of the format are in [`auditlog_chain::limits`].

use auditlog_chain::limits::{MAX_LINE_BYTES, MAX_OBJECT_BYTES};

use crate::wal::MAX_BODY_BYTES;

/// How far ahead of our clock the head of a log may be, and how much our clock may differ from the store's, in seconds. Stops a
/// wrong clock from sealing segments whose time is a fault for as long as they are locked.
pub const MAX_SKEW_SECONDS: i64 = 300;

/// Most versions of one listing. Stops a listing without end; a log that seals a segment a second for three years has fewer.
pub(crate) const MAX_LISTED_VERSIONS: usize = 100_000_000;

/// A page of a listing with fewer entries that is not the last one is short. S3 fills its pages, with 1,000 entries.
pub(crate) const SHORT_PAGE: usize = 100;

/// Most short pages of one listing. Stops a store that goes on and on with pages that hold nothing.
pub(crate) const MAX_SHORT_PAGES: u64 = 256;

/// Most gaps of one log. Stops a listing of every second number from filling the memory.
pub(crate) const MAX_GAPS: usize = 10_000;

/// Largest body of an answer of the store, in bytes: a segment, or a page of a listing, which is smaller. The SDK reads listings
/// and errors whole, so an answer without end would fill the memory.
pub(crate) const MAX_ANSWER_BYTES: usize = MAX_OBJECT_BYTES.saturating_add(1);

/// Largest pins file that is read, in bytes. Stops a file without pins from filling the memory.
pub(crate) const MAX_PINS_BYTES: usize = 16 << 20;

/// Largest key file that is read, in bytes. Stops a log given as its own key from being read whole.
pub(crate) const MAX_KEY_FILE_BYTES: usize = 64 << 10;

/// The longest line that is taken in, in bytes. An event in it may have at most
/// [`MAX_EVENT_BYTES`](auditlog_chain::limits::MAX_EVENT_BYTES); the rest is for white space around it. Stops the endless line.
pub const MAX_INPUT_LINE_BYTES: usize = MAX_LINE_BYTES;

/// Inputs that are remembered. The one that was used least recently is forgotten first. Stops a name for each day from filling the
/// spool's record.
pub const MAX_INPUTS: usize = 1000;

/// Longest record of the spool that is read, in bytes: a thousand inputs with the longest names, each character of them escaped.
pub(crate) const MAX_RECORD_BYTES: usize = 8 << 20;

/// Lines that wait for a sync, in bytes. More are synced at once, so that a flood of tiny events has bounded memory.
pub(crate) const MAX_PENDING_BYTES: usize = 4 << 20;

/// Size of a write-ahead file from which its segment is closed, in bytes. Stops batches with long names from filling the disk.
pub(crate) const MAX_WAL_BYTES: u64 = 256 << 20;

/// Lines of one batch, in bytes: a batch is in one record of the spool, and the rest of that is for its names. Stops a body of tiny
/// events, each of which takes a hundred times its size as a line, from making a record that nobody reads.
pub(crate) const MAX_BATCH_BYTES: usize = MAX_BODY_BYTES.saturating_sub(1 << 20);

/// What a line has beside its payload, its source and the name of its batch, in bytes, at most.
pub(crate) const ENVELOPE_BYTES: usize = 256;

/// Events of one batch, which take no less than their envelopes. Stops a body of tiny events from filling the memory.
pub(crate) const MAX_BATCH_EVENTS: usize = MAX_BATCH_BYTES.div_euclid(ENVELOPE_BYTES);
