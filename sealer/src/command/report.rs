//! What the person reads: one summary at the end, progress on a terminal.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use auditlog_sealer::error::{Error, InputKind, MachineError};
use auditlog_sealer::input::InputName;
use auditlog_sealer::seal::{Notice, Sealer};
use auditlog_sealer::service::Status;
use auditlog_sealer::spool::KnownInput;
use serde::Serialize;

use super::arguments::Output;
use super::journal::{Entry, OfLog, say};
use super::output::write;
use super::words::in_keys;

/// What a summary says of the input.
pub(crate) struct OfInput<'a> {
    /// The input as a person knows it.
    pub(crate) shown: &'a str,
    /// Whether it can be resumed.
    pub(crate) kind: InputKind,
    /// Its events that were passed over, since earlier runs had accepted them.
    pub(crate) skipped: u64,
    /// Events of any input that earlier runs had accepted, and that no summary has reported.
    pub(crate) recovered: Vec<Recovered>,
}

/// Events of an input that earlier runs had accepted, and that no summary has reported. All are sealed.
#[derive(Debug, Serialize)]
pub(crate) struct Recovered {
    input: String,
    events: u64,
}

impl Recovered {
    /// `None` where everything was reported.
    pub(crate) fn of(known: &KnownInput) -> Option<Self> {
        let shown = &known.accepted.shown;
        let input = match known.accepted.name {
            InputName::Unnamed(began) => format!("{shown} of {began}"),
            InputName::Given(_) | InputName::File(_) | InputName::Followed(_) => shown.clone(),
        };
        let events = known.unreported();
        (events > 0).then_some(Self { input, events })
    }
}

/// The summary of one run.
#[derive(Debug, Serialize)]
pub(crate) struct Summary {
    origin: String,
    /// Where the log is stored: `s3://BUCKET/PREFIX` or a folder.
    destination: String,
    /// The input of this run.
    input: String,
    /// Whether the same input can be given again from its beginning, to go on where it was accepted.
    resumable: bool,
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
    /// The inputs that they came from.
    recovered_from: Vec<Recovered>,
    /// Events of the input that were passed over, since earlier runs had accepted them.
    skipped: u64,
    /// Events that are accepted and not sealed: they are in the spool.
    kept: u64,
    /// Events that were accepted and not sealed, and went with the spool.
    lost: u64,
    /// Events of the input that this run accepted.
    #[serde(skip)]
    accepted: u64,
}

impl Summary {
    pub(crate) fn new(sealer: &Sealer, input: OfInput<'_>) -> Self {
        let (written, head) = (sealer.sealed(), sealer.head());
        let unsealed = sealer.accepted().saturating_sub(written.events);
        let is_there = sealer.spool().is_there();
        let (kept, lost) = if is_there {
            (unsealed, 0)
        } else {
            (0, unsealed)
        };
        let recovered = input.recovered.iter().map(|from| from.events);
        Self {
            origin: head.origin.to_string(),
            destination: sealer.destination(),
            input: input.shown.to_owned(),
            resumable: input.kind != InputKind::Unnamed,
            segments: written.segments,
            first_segment: written.first_segment,
            last_segment: written.last_segment,
            events: written.events,
            size: head.range.size(),
            root: head.range.root().to_base64(),
            verifier_key: sealer.log_key().map(|key| key.to_string()),
            recovered: recovered.fold(0, u64::saturating_add),
            recovered_from: input.recovered,
            skipped: input.skipped,
            kept,
            lost,
            accepted: sealer.accepted(),
        }
    }

    /// The same, where so many events of earlier runs wait in the spool.
    pub(crate) fn waiting(self, kept: u64) -> Self {
        Self { kept, ..self }
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
        let (events, segments) = (count(self.events, "event"), count(self.segments, "segment"));
        let origin = &self.origin;
        let sealed = match (self.first_segment, self.last_segment) {
            (Some(first), Some(last)) if first != last => {
                format!("{events} in {segments} ({first} to {last}) of {origin}")
            }
            (Some(only), _) => format!("{events} in {segments} ({only}) of {origin}"),
            (None, _) => format!("{events} of {origin}, and wrote no segment"),
        };
        let first = format!(
            "sealed {sealed}\nsize {}, root {}\nstored in {}\n",
            self.size, self.root, self.destination
        );
        let signed = self.verifier_key.as_ref();
        let signed = signed.map(|key| format!("signed by {key}\n"));
        let unnamed = format!(
            "{} has no name, so it cannot be resumed: --input NAME gives it one\n",
            self.input
        );
        let unnamed = (!self.resumable).then_some(unnamed);
        let recovered = self.recovered_from.iter().map(Recovered::text);
        let skipped = (self.skipped > 0).then(|| self.skipped_text());
        let kept = (self.kept > 0).then(|| {
            let events = count(self.kept, "event");
            format!(
                "kept {events} in the spool: accepted and not sealed, the next append seals them\n"
            )
        });
        let lost = (self.lost > 0).then(|| {
            let events = count(self.lost, "event");
            format!("lost {events} with the spool, which was removed: give them again\n")
        });
        std::iter::once(first)
            .chain(signed)
            .chain(unnamed)
            .chain(recovered)
            .chain(skipped)
            .chain(kept)
            .chain(lost)
            .collect()
    }

    fn skipped_text(&self) -> String {
        let events = count(self.skipped, "event");
        let nothing_new = if self.accepted == 0 {
            ", and it has no new ones"
        } else {
            ""
        };
        format!(
            "skipped {events} of {}: accepted before{nothing_new}\n",
            self.input
        )
    }
}

impl Recovered {
    fn text(&self) -> String {
        let Self { input, events } = self;
        let events = count(*events, "event");
        format!(
            "recovered {events} of an interrupted run ({input}): sealed, do not send them again\n"
        )
    }
}

fn count(number: u64, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

/// Shows what a person should look at though the sealer goes on.
#[expect(clippy::needless_pass_by_value, reason = "the sealer gives it away")]
pub(crate) fn notice(notice: Notice) {
    say(&Entry::of_notice(&notice, &notice.to_string()));
}

/// The same for a log of the service, in its words. The only log has no name.
pub(crate) fn notice_of(
    label: Option<String>,
    status: Arc<Status>,
) -> impl Fn(Notice) + Send + Sync {
    move |notice| {
        let message = in_keys(&notice.to_string());
        let log = OfLog {
            label: label.as_deref(),
            origin: &status.origin(),
        };
        say(&Entry {
            log: Some(log),
            ..Entry::of_notice(&notice, &message)
        });
    }
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
