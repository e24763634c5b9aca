//! Writes what was found in the forms that were asked for.

use auditlog_verifier::report::{PageContext, Report, Several};
use auditlog_verifier::verdict::Verdict;

use super::declaration::Declaration;
use super::files::{OpenReport, ReportPath};
use super::form::Output;
use super::groups::ReportArguments;
use super::outcome::Outcome;
use super::usage::Usage;
use super::version::VERSION;

/// What was found, in one report or several. Every form shows all of it.
pub(super) enum Reported<'p> {
    /// With one trust policy.
    One(Box<Report>, &'p Declaration),
    /// With several, one after the other.
    Several(Several<'p>),
}

impl Reported<'_> {
    fn verdict(&self) -> Verdict {
        match self {
            Self::One(report, _) => report.verdict(),
            Self::Several(several) => several.verdict(),
        }
    }

    fn written(&self, form: Output) -> String {
        match self {
            Self::One(report, declared) => written(report, form, declared),
            Self::Several(several) => written_together(several, form),
        }
    }
}

/// Verifies, and writes what was found to where it was asked for.
pub(super) fn write<'p>(
    arguments: &ReportArguments,
    verify: impl FnOnce() -> Result<Reported<'p>, Usage>,
) -> Result<Outcome, Usage> {
    let files = arguments.reports.iter().map(ReportPath::open);
    let files: Vec<OpenReport> = files.collect::<Result<_, _>>()?;
    let found = verify()?;
    let mut verdict = found.verdict();
    for file in files {
        let text = found.written(file.of.form);
        if let Err(usage) = file.write(&text) {
            usage.complain();
            verdict = verdict.unread();
        }
    }
    Ok(Outcome {
        output: found.written(arguments.output),
        verdict,
    })
}

fn written(report: &Report, form: Output, declared: &Declaration) -> String {
    match form {
        Output::Text => report.to_text(),
        Output::Json => report.to_json(),
        Output::Junit => report.to_junit(),
        Output::Html => report.to_html(&PageContext {
            policy: &declared.policy,
            program: &program(),
        }),
    }
}

fn written_together(several: &Several<'_>, form: Output) -> String {
    match form {
        Output::Text => several.to_text(),
        Output::Json => several.to_json(),
        Output::Junit => several.to_junit(),
        Output::Html => several.to_html(&program()),
    }
}

fn program() -> String {
    format!("auditlog-verify {VERSION}")
}
