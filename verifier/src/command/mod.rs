//! What the command does.

mod arguments;
mod cores;
mod target;
mod usage;

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::time::Instant;

use auditlog_chain::limits::MAX_POLICY_BYTES;
use auditlog_chain::policy::TrustPolicy;
use auditlog_chain::timestamp::Timestamp;
use auditlog_verifier::pins::{self, Pins, PinsError};
use auditlog_verifier::progress::ProgressLine;
use auditlog_verifier::report::{LogReport, Report};
use auditlog_verifier::request::Request;
use auditlog_verifier::verify::verify;

pub(crate) use arguments::{Arguments, Output};
use cores::cores;
pub(crate) use usage::Usage;

/// Verifies what was asked for. `now` is this machine's clock; `None` where it is out of range.
pub(crate) fn run(arguments: &Arguments, now: Option<Timestamp>) -> Result<Report, Usage> {
    let now = now.ok_or_else(|| {
        let message = "the clock of this machine is not between 1970 and 9998";
        Usage::new(message, "set the clock: timedatectl")
    })?;
    let json = read_policy(&arguments.policy)?;
    let policy =
        TrustPolicy::parse(&json).map_err(|error| Usage::of_policy(&arguments.policy, &error))?;
    let pins = arguments
        .pins
        .as_deref()
        .map(pins::load)
        .transpose()?
        .unwrap_or_default();
    let source = target::open(arguments, &policy)?;
    let request = Request {
        policy: &policy,
        policy_digest: TrustPolicy::digest(&json),
        logs: &arguments.logs,
        now,
        at: arguments.at,
        max_skew_seconds: arguments.max_skew_seconds,
        workers: cores(),
    };
    let mut line = ProgressLine::new(Instant::now());
    let report = verify(&*source, &request, &pins, &mut |progress| {
        line.show(progress, Instant::now());
    });
    line.clear();
    let mut report = report?;
    if let Some(path) = &arguments.pins
        && let Err(error) = pin_heads(path, &mut report, &pins)
    {
        report.add_pins_not_kept(&error);
    }
    Ok(report)
}

fn pin_heads(path: &Path, report: &mut Report, seen: &Pins) -> Result<(), PinsError> {
    let heads = report.logs().iter().filter_map(LogReport::verified);
    let heads: Vec<_> = heads.cloned().collect();
    if heads.is_empty() {
        return Ok(());
    }
    let mut taken = Vec::new();
    let updated = pins::update(path, |pins| {
        taken.extend(heads.iter().map(|head| pins.take(head, seen)));
    });
    for (head, taken) in heads.iter().zip(taken) {
        report.take_in(head.origin(), taken);
    }
    updated
}

/// The bytes of the policy, and one more than a policy may have.
fn read_policy(path: &Path) -> Result<Vec<u8>, Usage> {
    let failed = |error: io::Error| Usage::unreadable_policy(path, &error);
    let file = File::open(path).map_err(failed)?;
    let limit = u64::try_from(MAX_POLICY_BYTES)
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    let mut bytes = Vec::new();
    file.take(limit).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}
