//! `auditlog-verify TARGET --policy FILE`: verifies logs.

use std::path::Path;
use std::time::Instant;

use auditlog_chain::timestamp::Timestamp;
use auditlog_verifier::cache::{KeptCache, NoCache};
use auditlog_verifier::page::read_latest;
use auditlog_verifier::progress::ProgressLine;
use auditlog_verifier::report::{PageContext, Report};
use auditlog_verifier::source::Source;
use auditlog_verifier::verdict::Verdict;
use auditlog_verifier::verify::{verify, verify_with_cache};

use super::apart::{self, Input};
use super::declaration::Declaration;
use super::files::{OpenReport, ReportPath};
use super::form::Output;
use super::groups::{CacheArguments, ReportArguments, VerifyArguments};
use super::heads::keep_heads;
use super::kept::Way;
use super::kept_place::KeptPlace;
use super::outcome::Outcome;
use super::target;
use super::usage::Usage;
use super::version::VERSION;

/// Verifies what was asked for, by this machine's clock, one trust policy after the other. The worst exit code counts.
pub(super) fn run(arguments: &VerifyArguments, now: Timestamp) -> Result<Outcome, Usage> {
    let begun = Instant::now();
    check_apart(arguments)?;
    if let [only] = arguments.policies.as_slice() {
        let only = Declaration::read(only)?;
        return write(&arguments.report, &only, || {
            report(arguments, (&only, &[&only]), now)
        });
    }
    check_several(arguments)?;
    let policies = arguments.policies.iter();
    let read: Vec<_> = policies.map(|path| Declaration::read(path)).collect();
    let declared: Vec<&Declaration> = read.iter().flatten().collect();
    let mut outputs = Vec::new();
    let mut verdict = Verdict::Verified;
    for (path, one) in arguments.policies.iter().zip(&read) {
        // What takes hours must not be judged by the time at which the first one began.
        let elapsed = i64::try_from(begun.elapsed().as_secs()).unwrap_or(i64::MAX);
        let now = now.saturating_add_seconds(elapsed);
        let outcome = one.as_ref().map_err(Usage::clone).and_then(|one| {
            write(&arguments.report, one, || {
                report(arguments, (one, &declared), now)
            })
        });
        match outcome {
            Ok(outcome) => {
                verdict = verdict.worst(outcome.verdict);
                outputs.push(outcome.output);
            }
            Err(usage) => {
                usage.complain();
                verdict = verdict.worst(Verdict::NoVerdict);
                outputs.extend(without_report(path, &usage, arguments.report.output));
            }
        }
    }
    let output = together(&outputs, arguments.report.output);
    Ok(Outcome { output, verdict })
}

/// What is in the list of JSON documents for a policy that has no report.
fn without_report(policy: &Path, usage: &Usage, form: Output) -> Option<String> {
    let policy = policy.display().to_string();
    let (error, hint) = (&usage.message, &usage.hint);
    let json = serde_json::json!({ "policy": policy, "error": error, "hint": hint });
    matches!(form, Output::Json).then(|| format!("{json:#}"))
}

/// Refuses to write in the folder that is verified, and over what is read.
fn check_apart(arguments: &VerifyArguments) -> Result<(), Usage> {
    let target = arguments.place.target.as_deref();
    apart::check(
        target,
        "--pins",
        arguments.what.pins.as_ref().and_then(KeptPlace::path),
    )?;
    apart::check(
        target,
        "--cache",
        arguments.cache.place.as_ref().and_then(KeptPlace::path),
    )?;
    arguments.report.check_apart_from(target)?;
    let pins = arguments.what.pins.as_ref().and_then(KeptPlace::path);
    let cache = arguments.cache.place.as_ref().and_then(KeptPlace::path);
    let policies = arguments.policies.iter();
    let mut inputs: Vec<Input<'_>> = policies.map(|path| Input::File("--policy", path)).collect();
    inputs.extend(pins.map(|path| Input::File("--pins", path)));
    inputs.extend(cache.map(|path| Input::Folder("--cache", path)));
    arguments.report.check_apart_from_inputs(&inputs)
}

/// What cannot be said of several trust policies at once.
fn check_several(arguments: &VerifyArguments) -> Result<(), Usage> {
    let ReportArguments { output, reports } = &arguments.report;
    let (message, hint) = if !arguments.what.logs.is_empty() {
        (
            "--log names a log of one trust policy, and there are several",
            "leave out --log, or give the policy of this log alone",
        )
    } else if !reports.is_empty() || matches!(output, Output::Junit | Output::Html) {
        (
            "a file, JUnit XML and HTML hold the report on one trust policy, and there are several",
            "verify one policy after the other, each with a report of its own",
        )
    } else {
        return Ok(());
    };
    Err(Usage::new(message, hint))
}

/// The reports on several trust policies: texts one after the other, JSON documents as a list.
fn together(outputs: &[String], form: Output) -> String {
    match form {
        Output::Json => {
            let all: Vec<&str> = outputs.iter().map(|output| output.trim_end()).collect();
            format!("[\n{}\n]\n", all.join(",\n"))
        }
        Output::Text | Output::Junit | Output::Html => outputs.join("\n"),
    }
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
    (declared, all): (&Declaration, &[&Declaration]),
    now: Timestamp,
) -> Result<Report, Usage> {
    let way = Way {
        declared: all,
        #[cfg(feature = "s3")]
        endpoint: &arguments.place.s3.endpoint,
        #[cfg(feature = "s3")]
        pins_bucket: &arguments.pins_bucket,
    };
    let kept = arguments.what.pins.as_ref().map(|place| way.pins(place));
    let kept = kept.transpose()?;
    let pins = kept.as_ref().map(|kept| kept.load());
    let pins = pins.transpose()?.unwrap_or_default();
    let source = target::open(&arguments.place, &declared.policy)?;
    let request = arguments.what.request(declared, now);
    let cache = cache_of(&arguments.cache, &way, &*source)?;
    let mut line = ProgressLine::new(Instant::now());
    let mut progress = |progress| line.show(progress, Instant::now());
    let report = match &cache {
        None => verify(&*source, &request, &pins, &mut progress),
        Some(_) if arguments.cache.full => {
            verify_with_cache(&*source, &request, &pins, &NoCache, &mut progress)
        }
        Some(cache) => verify_with_cache(&*source, &request, &pins, &**cache, &mut progress),
    };
    line.clear();
    if let Some(error) = cache.as_ref().and_then(|cache| cache.unread()) {
        let hint = "check what may be read there; the verdict does not depend on it";
        Usage::new(format!("{error}; everything is read again"), hint).note();
    }
    let mut report = report?;
    if let Some(kept) = &kept {
        keep_heads(&**kept, &mut report, &pins, cache.as_deref());
    }
    if arguments.report.has_page() {
        let skew = request.max_skew_seconds;
        read_latest(&mut report, &*source, request.policy, skew);
    }
    Ok(report)
}

/// The cache that was asked for. Only versions of a bucket cannot change under their names.
fn cache_of(
    arguments: &CacheArguments,
    way: &Way<'_>,
    source: &dyn Source,
) -> Result<Option<Box<dyn KeptCache>>, Usage> {
    let Some(place) = &arguments.place else {
        return Ok(None);
    };
    if !source.has_storage() {
        let message = "--cache needs a bucket: a file can change under its name";
        return Err(Usage::new(message, "leave out --cache to verify a folder"));
    }
    way.cache(place).map(Some)
}
