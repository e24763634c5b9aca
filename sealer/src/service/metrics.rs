//! The metrics of the service, in Prometheus' text format.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

use auditlog_chain::timestamp::Timestamp;

use super::status::Status;
use crate::error::Cause;
use crate::follow::Following;

/// Name, kind, meaning and value of a metric of each log.
type Metric = (&'static str, &'static str, &'static str, fn(&Status) -> u64);

fn load(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

const METRICS: [Metric; 13] = [
    ("ready", "gauge", "1 while batches are taken", |status| {
        u64::from(status.trouble().is_none())
    }),
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
    (
        "waiting_segments",
        "gauge",
        "Closed segments that are not stored yet",
        |status| load(&status.waiting_segments),
    ),
    (
        "waiting_bytes",
        "gauge",
        "Bytes of lines of these segments",
        |status| load(&status.waiting_bytes),
    ),
    (
        "last_sealed_seconds",
        "gauge",
        "When the last segment in the store was sealed, in seconds since 1970",
        |status| status.view().sealed.map_or(0, Timestamp::as_seconds),
    ),
    (
        "next_segment",
        "gauge",
        "Number of the next segment of the log in the store",
        |status| load(&status.next_segment),
    ),
    (
        "log_size",
        "gauge",
        "Lines of the log in the store",
        |status| load(&status.size),
    ),
];

/// How far each input of files is.
pub(super) type AllFollowing = BTreeMap<String, Following>;

/// Name, meaning and value of a metric of each input of files.
type FilesMetric = (&'static str, &'static str, fn(&Following) -> u64);

const FILES_METRICS: [FilesMetric; 3] = [
    ("followed_files", "Files that are followed", |of| of.files),
    (
        "behind_bytes",
        "Bytes of followed files that are not accepted yet",
        |of| of.behind,
    ),
    (
        "unread_files",
        "Files and folders that cannot be read now, or not further",
        |of| of.problems,
    ),
];

/// The metrics of all logs and inputs.
pub(super) fn metrics(
    logs: &[&Status],
    refused: &BTreeMap<String, u64>,
    following: &AllFollowing,
) -> String {
    let mut text = String::new();
    // Writing into a string cannot fail.
    for (name, kind, help, value) in METRICS {
        head(&mut text, name, kind, help);
        for log in logs {
            let (origin, value) = (log.origin(), value(log));
            _ = writeln!(text, "auditlog_sealer_{name}{{log=\"{origin}\"}} {value}");
        }
    }
    problems(&mut text, logs);
    let name = "refused_batches_total";
    head(
        &mut text,
        name,
        "counter",
        "Batches that could not be taken",
    );
    for (input, value) in refused {
        _ = writeln!(text, "auditlog_sealer_{name}{{input=\"{input}\"}} {value}");
    }
    for (name, help, value) in FILES_METRICS.iter().filter(|_| !following.is_empty()) {
        head(&mut text, name, "gauge", help);
        for (input, following) in following {
            let value = value(following);
            _ = writeln!(text, "auditlog_sealer_{name}{{input=\"{input}\"}} {value}");
        }
    }
    text
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
