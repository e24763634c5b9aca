//! The metrics of the service, in Prometheus' text format.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use auditlog_chain::timestamp::Timestamp;

use super::certificates::CertificateState;
use super::secrets::SecretsState;
use super::status::{Status, View};
use super::waiting::Waiting;
use crate::error::Cause;
use crate::follow::Following;
use crate::listen::Table;

/// Name, kind, meaning and value of a metric of each log.
type Metric = (&'static str, &'static str, &'static str, fn(&Status) -> u64);

fn load(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

const METRICS: [Metric; 8] = [
    (
        "ready",
        "gauge",
        "1 while batches are taken and acknowledged",
        |status| u64::from(status.not_ready().is_none()),
    ),
    (
        "accepted_events_total",
        "counter",
        "Events accepted",
        |status| load(&status.events),
    ),
    (
        "accepted_batches_total",
        "counter",
        "Batches accepted",
        |status| load(&status.batches),
    ),
    (
        "accepted_bytes_total",
        "counter",
        "Bytes of accepted events",
        |status| load(&status.bytes),
    ),
    (
        "repeated_batches_total",
        "counter",
        "Batches that had been accepted before",
        |status| load(&status.repeats),
    ),
    (
        "suspected_batches_total",
        "counter",
        "Batches that were kept, and marked as possible repeats",
        |status| load(&status.suspected),
    ),
    (
        "reused_names_total",
        "counter",
        "Batches under the name of another batch with other events: they were kept, and marked",
        |status| load(&status.reused),
    ),
    (
        "sealed_segments_total",
        "counter",
        "Segments stored by this process",
        |status| load(&status.sealed_segments),
    ),
];

/// The same of the end of a log in its store.
type HeadMetric = (
    &'static str,
    &'static str,
    &'static str,
    fn(&Status, &View) -> Option<u64>,
);

/// Before its end is found, a log has none of these.
const HEAD_METRICS: [HeadMetric; 3] = [
    (
        "last_sealed_seconds",
        "gauge",
        "When the last segment in the store was sealed, in seconds since 1970",
        |_, view| view.sealed.map(Timestamp::as_seconds),
    ),
    (
        "next_segment",
        "gauge",
        "Number of the next segment of the log in the store",
        |status, _| Some(load(&status.next_segment)),
    ),
    (
        "log_size",
        "gauge",
        "Lines of the log in the store",
        |status, _| Some(load(&status.size)),
    ),
];

/// Name, kind, meaning and value of a metric of what waits on this machine's disk.
type WaitingMetric = (
    &'static str,
    &'static str,
    &'static str,
    fn(&Waiting) -> u64,
);

/// Where it is not known what waits, a log has none of these.
const WAITING_METRICS: [WaitingMetric; 4] = [
    (
        "waiting_segments",
        "gauge",
        "Closed segments that are not stored yet",
        |waiting| waiting.segments,
    ),
    (
        "waiting_bytes",
        "gauge",
        "Bytes of lines of these segments",
        |waiting| waiting.bytes,
    ),
    (
        "unstored_bytes",
        "gauge",
        "Bytes of lines that are accepted and not stored, in open and closed segments",
        |waiting| waiting.unstored_bytes,
    ),
    (
        "unstored_age_seconds",
        "gauge",
        "For how long the oldest of them have not been stored",
        |waiting| waiting.unstored_seconds().unwrap_or(0),
    ),
];

/// Name, kind, meaning and value of a metric of each input.
type InputMetric<T> = (&'static str, &'static str, &'static str, fn(&T) -> u64);

const REFUSED_METRICS: [InputMetric<u64>; 1] = [(
    "refused_batches_total",
    "counter",
    "Batches that could not be taken",
    |count| *count,
)];

const NOT_LET_IN_METRICS: [InputMetric<u64>; 1] = [(
    "refused_connections_total",
    "counter",
    "Connections whose TLS handshake failed",
    |count| *count,
)];

/// The connections of each listener.
pub(super) type AllTables = BTreeMap<String, Arc<Table>>;

const CONNECTIONS_METRICS: [InputMetric<Arc<Table>>; 2] = [
    ("connections", "gauge", "Open connections", |of| {
        u64::try_from(of.open()).unwrap_or(u64::MAX)
    }),
    (
        "closed_connections_total",
        "counter",
        "Connections that were closed because the input had as many as it may have",
        |of| of.closed(),
    ),
];

/// The certificates of each listener that has any.
pub(super) type AllCertificates = BTreeMap<String, CertificateState>;

const CERTIFICATE_METRICS: [InputMetric<CertificateState>; 2] = [
    (
        "certificate_expires_seconds",
        "gauge",
        "Until when the certificate of the listener is valid, in seconds since 1970",
        |of| of.expires,
    ),
    (
        "certificate_problem",
        "gauge",
        "1 while certificates or keys that have changed cannot be used",
        |of| u64::from(of.has_problem),
    ),
];

/// The secrets of each input that has any in files.
pub(super) type AllSecrets = BTreeMap<String, SecretsState>;

const SECRETS_METRICS: [InputMetric<SecretsState>; 1] = [(
    "secrets_problem",
    "gauge",
    "1 while secrets that have changed cannot be used",
    |of| u64::from(*of == SecretsState::Unusable),
)];

/// How far each input of files is.
pub(super) type AllFollowing = BTreeMap<String, Following>;

const FILES_METRICS: [InputMetric<Following>; 3] = [
    ("followed_files", "gauge", "Files that are followed", |of| {
        of.files
    }),
    (
        "behind_bytes",
        "gauge",
        "Bytes of followed files that are not accepted yet",
        |of| of.behind,
    ),
    (
        "unread_files",
        "gauge",
        "Files and folders that cannot be read now, or not further",
        |of| of.problems,
    ),
];

/// What is known of all inputs.
pub(super) struct Inputs<'i> {
    pub(super) refused: &'i BTreeMap<String, u64>,
    /// Connections that were not let in, by input.
    pub(super) not_let_in: &'i BTreeMap<String, u64>,
    pub(super) tables: &'i AllTables,
    pub(super) certificates: &'i AllCertificates,
    pub(super) secrets: &'i AllSecrets,
    pub(super) following: &'i AllFollowing,
}

/// The metrics of all logs and inputs.
pub(super) fn metrics(logs: &[&Status], inputs: &Inputs<'_>) -> String {
    let mut text = String::new();
    // Writing into a string cannot fail.
    for (name, kind, help, value) in METRICS {
        head(&mut text, name, kind, help);
        for log in logs {
            let (origin, value) = (log.origin(), value(log));
            _ = writeln!(text, "auditlog_sealer_{name}{{log=\"{origin}\"}} {value}");
        }
    }
    heads(&mut text, logs);
    waiting(&mut text, logs);
    clock_differences(&mut text, logs);
    latencies(&mut text, logs);
    problems(&mut text, logs);
    of_inputs(&mut text, &REFUSED_METRICS, inputs.refused);
    of_inputs(&mut text, &NOT_LET_IN_METRICS, inputs.not_let_in);
    of_inputs(&mut text, &CONNECTIONS_METRICS, inputs.tables);
    of_inputs(&mut text, &CERTIFICATE_METRICS, inputs.certificates);
    of_inputs(&mut text, &SECRETS_METRICS, inputs.secrets);
    of_inputs(&mut text, &FILES_METRICS, inputs.following);
    text
}

/// The same metrics of each input that has them.
fn of_inputs<T>(text: &mut String, metrics: &[InputMetric<T>], inputs: &BTreeMap<String, T>) {
    for (name, kind, help, value) in metrics.iter().filter(|_| !inputs.is_empty()) {
        head(text, name, kind, help);
        for (input, of) in inputs {
            let value = value(of);
            _ = writeln!(text, "auditlog_sealer_{name}{{input=\"{input}\"}} {value}");
        }
    }
}

fn heads(text: &mut String, logs: &[&Status]) {
    for (name, kind, help, value) in HEAD_METRICS {
        head(text, name, kind, help);
        for log in logs {
            if let Some(value) = log.view().and_then(|view| value(log, &view)) {
                let origin = log.origin();
                _ = writeln!(text, "auditlog_sealer_{name}{{log=\"{origin}\"}} {value}");
            }
        }
    }
}

fn waiting(text: &mut String, logs: &[&Status]) {
    for (name, kind, help, value) in WAITING_METRICS {
        head(text, name, kind, help);
        for log in logs {
            if let Some(waiting) = log.waiting() {
                let (origin, value) = (log.origin(), value(&waiting));
                _ = writeln!(text, "auditlog_sealer_{name}{{log=\"{origin}\"}} {value}");
            }
        }
    }
}

/// A store that has no clock of its own has no line.
fn clock_differences(text: &mut String, logs: &[&Status]) {
    let help =
        "By how many seconds the clock of this machine is ahead of the store's, by its last answer";
    head(text, "clock_difference_seconds", "gauge", help);
    for log in logs {
        if let Some(seconds) = log.view().and_then(|view| view.clock_difference) {
            let origin = log.origin();
            _ = writeln!(
                text,
                "auditlog_sealer_clock_difference_seconds{{log=\"{origin}\"}} {seconds}"
            );
        }
    }
}

fn latencies(text: &mut String, logs: &[&Status]) {
    let help = "How long batches have waited for their acknowledgement";
    head(text, "ack_seconds", "histogram", help);
    for log in logs {
        let origin = log.origin();
        for (ack, latency) in [("synced", &log.synced), ("stored", &log.stored)] {
            let labels = format!("log=\"{origin}\",ack=\"{ack}\"");
            latency.write(text, "auditlog_sealer_ack_seconds", &labels);
        }
    }
}

/// One line for each cause that there can be, so that an alarm can be tried.
fn problems(text: &mut String, logs: &[&Status]) {
    let help = "1 while something is wrong that somebody must mend";
    head(text, "problem", "gauge", help);
    for log in logs {
        let (origin, troubles) = (log.origin(), log.troubles());
        for cause in Cause::ALL {
            let is_there = troubles.iter().any(|(_, trouble)| trouble.cause == cause);
            let (cause, value) = (cause.as_str(), u8::from(is_there));
            _ = writeln!(
                text,
                "auditlog_sealer_problem{{log=\"{origin}\",cause=\"{cause}\"}} {value}"
            );
        }
    }
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    _ = writeln!(
        text,
        "# HELP auditlog_sealer_{name} {help}.\n# TYPE auditlog_sealer_{name} {kind}"
    );
}
