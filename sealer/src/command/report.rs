//! What the person reads: one summary at the end, progress on a terminal.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use auditlog_sealer::error::{Error, MachineError};
use auditlog_sealer::seal::Sealer;
use serde::Serialize;

use super::{Output, write};

/// The summary of one run.
#[derive(Debug, Serialize)]
pub(crate) struct Summary {
    origin: String,
    /// Where the log is stored: `s3://BUCKET/PREFIX` or a folder.
    destination: String,
    /// Segments that this run wrote.
    segments: u64,
    first_segment: Option<u64>,
    last_segment: Option<u64>,
    /// Events of this run's input that are sealed.
    events: u64,
    /// Lines of the log, as the newest segment signs them.
    size: u64,
    root: String,
    verifier_key: Option<String>,
    /// Events that interrupted runs had accepted; all are sealed.
    recovered: u64,
    /// Events of the input that were passed over, since an interrupted run had accepted them.
    skipped: u64,
    /// Events that are accepted and not sealed: they are in the spool.
    kept: u64,
}

impl Summary {
    pub(crate) fn new(sealer: &Sealer<'_>, skipped: u64) -> Self {
        let (written, head) = (sealer.sealed(), sealer.head());
        Self {
            origin: head.origin.to_string(),
            destination: sealer.destination(),
            segments: written.segments,
            first_segment: written.first_segment,
            last_segment: written.last_segment,
            events: written.events,
            size: head.range.size(),
            root: head.range.root().to_base64(),
            verifier_key: sealer.log_key().map(ToString::to_string),
            recovered: written.recovered,
            skipped,
            kept: sealer.accepted().saturating_sub(written.events),
        }
    }

    pub(crate) const fn kept(&self) -> u64 {
        self.kept
    }

    pub(crate) fn print(&self, output: Output) -> Result<(), Error> {
        write(&self.format(output)).map_err(|source| MachineError::NoSummary(source).into())
    }

    fn format(&self, output: Output) -> String {
        match output {
            // Numbers and strings can always be written.
            Output::Json => serde_json::to_string(self).unwrap_or_default() + "\n",
            Output::Text => self.text(),
        }
    }

    fn text(&self) -> String {
        let segments = match (self.first_segment, self.last_segment) {
            (Some(first), Some(last)) if first != last => {
                format!("{} ({first} to {last})", count(self.segments, "segment"))
            }
            (Some(only), _) => format!("{} ({only})", count(self.segments, "segment")),
            (None, _) => "no segment".to_owned(),
        };
        let first = format!(
            "sealed {} in {segments} of {}\nsize {}, root {}\nstored in {}\n",
            count(self.events, "event"),
            self.origin,
            self.size,
            self.root,
            self.destination
        );
        let signed = self.verifier_key.as_ref();
        let signed = signed.map(|key| format!("signed by {key}\n"));
        let some = |number: u64, before: &str, after: &str| {
            (number > 0).then(|| format!("{before} {} {after}\n", count(number, "event")))
        };
        let rest = [
            signed,
            some(
                self.recovered,
                "recovered",
                "of an interrupted run: sealed, do not send them again",
            ),
            some(self.skipped, "skipped", "of the input"),
            some(
                self.kept,
                "kept",
                "in the spool: accepted and not sealed, the next append seals them",
            ),
        ];
        std::iter::once(first)
            .chain(rest.into_iter().flatten())
            .collect()
    }
}

fn count(number: u64, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

/// One line on a terminal, renewed a few times a second.
pub(crate) struct Progress {
    on: bool,
    started: Instant,
    shown: Option<Instant>,
}

impl Progress {
    pub(crate) fn new() -> Self {
        Self {
            on: io::stderr().is_terminal(),
            started: Instant::now(),
            shown: None,
        }
    }

    pub(crate) fn show(&mut self, events: u64) {
        let recently = |shown: Instant| shown.elapsed() < Duration::from_millis(200);
        if !self.on || self.shown.is_some_and(recently) {
            return;
        }
        self.shown = Some(Instant::now());
        let millis = self.started.elapsed().as_millis().max(1);
        let rate = u128::from(events).saturating_mul(1000) / millis;
        // A terminal that has gone away shows nothing.
        _ = write!(
            io::stderr(),
            "\r\x1b[K{} accepted, {rate} a second",
            count(events, "event")
        );
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown.is_some() {
            _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
