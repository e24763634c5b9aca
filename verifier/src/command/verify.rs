//! `auditlog-verify TARGET --policy FILE`: verifies logs.

use std::path::Path;
use std::time::Instant;

use auditlog_chain::timestamp::Timestamp;
use auditlog_verifier::pins::{self, Pins, PinsError};
use auditlog_verifier::progress::ProgressLine;
use auditlog_verifier::report::{LogReport, PageContext, Report};
use auditlog_verifier::verify::verify;

use super::declaration::Declaration;
use super::files::{OpenReport, ReportPath};
use super::form::Output;
use super::groups::{ReportArguments, VerifyArguments};
use super::outcome::Outcome;
use super::target;
use super::usage::Usage;
use super::version::VERSION;

/// Verifies what was asked for, by this machine's clock.
pub(super) fn run(arguments: &VerifyArguments, now: Timestamp) -> Result<Outcome, Usage> {
    let declared = Declaration::read(arguments.what.policy()?)?;
    write(&arguments.report, &declared, || {
        report(arguments, &declared, now)
    })
}

/// Makes a report and writes it to where it was asked for.
pub(super) fn write(
    arguments: &ReportArguments,
    declared: &Declaration,
    make: impl FnOnce() -> Result<Report, Usage>,
) -> Result<Outcome, Usage> {
    let files = arguments.reports.iter().map(ReportPath::open);
    let files: Vec<OpenReport> = files.collect::<Result<_, _>>()?;
    let report = make()?;
    let mut verdict = report.verdict();
    for file in files {
        let text = written(&report, file.of.form, declared);
        if let Err(usage) = file.write(&text) {
            usage.complain();
            verdict = verdict.unread();
        }
    }
    Ok(Outcome {
        output: written(&report, arguments.output, declared),
        verdict,
    })
}

/// The report in a form.
fn written(report: &Report, form: Output, declared: &Declaration) -> String {
    match form {
        Output::Text => report.to_text(),
        Output::Json => report.to_json(),
        Output::Junit => report.to_junit(),
        Output::Html => report.to_html(&PageContext {
            policy: &declared.policy,
            program: &format!("auditlog-verify {VERSION}"),
        }),
    }
}

fn report(
    arguments: &VerifyArguments,
    declared: &Declaration,
    now: Timestamp,
) -> Result<Report, Usage> {
    let pins = arguments.what.pins.as_deref().map(pins::load);
    let pins = pins.transpose()?.unwrap_or_default();
    let source = target::open(&arguments.place, &declared.policy)?;
    let request = arguments.what.request(declared, now);
    let mut line = ProgressLine::new(Instant::now());
    let report = verify(&*source, &request, &pins, &mut |progress| {
        line.show(progress, Instant::now());
    });
    line.clear();
    let mut report = report?;
    if let Some(path) = &arguments.what.pins {
        keep_heads(path, &mut report, &pins);
    }
    Ok(report)
}

/// Pins the head of each log that verified. The report takes in what comes of it.
pub(super) fn keep_heads(path: &Path, report: &mut Report, seen: &Pins) {
    if let Err(error) = pin_heads(path, report, seen) {
        report.add_pins_not_kept(&error);
    }
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
