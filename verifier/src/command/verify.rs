//! `auditlog-verify TARGET --policy FILE`: verifies logs.

use std::path::Path;
use std::time::Instant;

use auditlog_chain::timestamp::Timestamp;
use auditlog_verifier::cache::{CacheError, CacheFolder, NoCache};
use auditlog_verifier::head::VerifiedHead;
use auditlog_verifier::pins::{self, Pins, PinsError};
use auditlog_verifier::progress::ProgressLine;
use auditlog_verifier::report::{LogReport, PageContext, Report};
use auditlog_verifier::source::Source;
use auditlog_verifier::verify::{verify, verify_with_cache};

use super::apart;
use super::declaration::Declaration;
use super::files::{OpenReport, ReportPath};
use super::form::Output;
use super::groups::{CacheArguments, ReportArguments, VerifyArguments};
use super::outcome::Outcome;
use super::target;
use super::usage::Usage;
use super::version::VERSION;

/// Verifies what was asked for, by this machine's clock.
pub(super) fn run(arguments: &VerifyArguments, now: Timestamp) -> Result<Outcome, Usage> {
    let declared = Declaration::read(arguments.what.policy()?)?;
    let target = arguments.place.target.as_deref();
    apart::check(target, "--pins", arguments.what.pins.as_deref())?;
    apart::check(target, "--cache", arguments.cache.folder.as_deref())?;
    arguments.report.check_apart_from(target)?;
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
    let cache = cache_of(&arguments.cache, &*source)?;
    let mut line = ProgressLine::new(Instant::now());
    let mut progress = |progress| line.show(progress, Instant::now());
    let report = match &cache {
        None => verify(&*source, &request, &pins, &mut progress),
        Some(_) if arguments.cache.full => {
            verify_with_cache(&*source, &request, &pins, &NoCache, &mut progress)
        }
        Some(cache) => verify_with_cache(&*source, &request, &pins, cache, &mut progress),
    };
    line.clear();
    let mut report = report?;
    if let Some(path) = &arguments.what.pins {
        keep_heads(path, &mut report, &pins, cache.as_ref());
    }
    Ok(report)
}

/// The cache that was asked for. Only versions of a bucket cannot change under their names.
fn cache_of(arguments: &CacheArguments, source: &dyn Source) -> Result<Option<CacheFolder>, Usage> {
    let Some(path) = &arguments.folder else {
        return Ok(None);
    };
    if !source.has_storage() {
        let message = "--cache needs a bucket: a file can change under its name";
        return Err(Usage::new(message, "leave out --cache to verify a folder"));
    }
    let opened = CacheFolder::open(path);
    let failed = |error: CacheError| {
        Usage::new(
            error.to_string(),
            "name a folder that can be written to with --cache",
        )
    };
    opened.map(Some).map_err(failed)
}

/// Pins the head of each log that verified. The report takes in what comes of it.
pub(super) fn keep_heads(
    path: &Path,
    report: &mut Report,
    seen: &Pins,
    cache: Option<&CacheFolder>,
) {
    if let Err(error) = pin_heads(path, report, seen, cache) {
        report.add_pins_not_kept(&error);
    }
}

fn pin_heads(
    path: &Path,
    report: &mut Report,
    seen: &Pins,
    cache: Option<&CacheFolder>,
) -> Result<(), PinsError> {
    let heads = report.logs().iter().filter_map(LogReport::verified);
    let mut heads: Vec<_> = heads.cloned().collect();
    if heads.is_empty() {
        return Ok(());
    }
    // Before the pins name it: after a crash, they name the one before, which is still there.
    if let Some(folder) = cache {
        for head in &mut heads {
            keep_cache(folder, head);
        }
    }
    let mut taken = Vec::new();
    let mut named = Vec::new();
    let updated = pins::update(path, |pins| {
        taken.extend(heads.iter().map(|head| pins.take(head, seen)));
        named.extend(heads.iter().map(|head| pins.cache_of(head.origin())));
    });
    for (head, taken) in heads.iter().zip(taken) {
        report.take_in(head.origin(), taken);
    }
    if let (Ok(()), Some(folder)) = (&updated, cache) {
        for (head, named) in heads.iter().zip(named) {
            let before = seen.cache_of(head.origin());
            before
                .filter(|_| before != named)
                .into_iter()
                .for_each(|old| folder.remove(old));
        }
    }
    updated
}

/// Keeps what the next run need not read again. Where that fails, the next run reads it, and the verdict is the same.
fn keep_cache(folder: &CacheFolder, head: &mut VerifiedHead) {
    let kept = head.cache().map(|file| folder.keep(file));
    if let Some(Err(error)) = kept {
        let hint = "make room there, or name another folder with --cache";
        Usage::new(error.to_string(), hint).complain();
        head.forget_cache();
    }
}
