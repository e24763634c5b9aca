//! Arguments and result.

use auditlog_verifier::place::Place;
use auditlog_verifier::report::{LogReport, Report};
use auditlog_verifier::verdict::Verdict;
use tf_provider::{Field, model};

model! {
    /// Arguments and result.
    #[derive(Debug, Clone)]
    pub struct VerificationModel {
        pub(super) trust_policy: String,
        pub(super) origins: Option<Vec<String>>,
        pub(super) folder: Option<String>,
        pub(super) depth: Option<String>,
        pub(super) segments: Option<u64>,
        pub(super) timeout: Option<String>,
        pub(super) max_megabytes: Option<u64>,
        verified: Field<bool>,
        verdict: Field<String>,
        exit_code: Field<u64>,
        summary: Field<String>,
        logs: Field<Vec<VerifiedLogModel>>,
        faults: Field<Vec<FindingModel>>,
        undecided: Field<Vec<FindingModel>>,
        not_checked: Field<Vec<String>>,
        report: Field<String>,
    }

    /// What was seen of one log.
    #[derive(Debug, Clone)]
    pub struct VerifiedLogModel {
        origin: String,
        verdict: String,
        segments: u64,
        entries: u64,
        last_segment: Option<u64>,
        size: Option<u64>,
        root: Option<String>,
        sealed: Option<String>,
        stored: Option<String>,
    }

    /// A fault, or something undecided.
    #[derive(Debug, Clone)]
    pub struct FindingModel {
        code: String,
        message: String,
        log: Option<String>,
        object: Option<String>,
    }
}

/// Findings of a kind in the state; `report` lists more of them, and counts all.
const MAX_FINDINGS: usize = 100;

impl VerificationModel {
    pub(super) fn with(self, report: &Report) -> Self {
        let verdict = report.verdict();
        let faults = report.faults().iter().take(MAX_FINDINGS);
        let faults = faults.map(|one| finding(one.what.code(), &one.what, &one.place));
        let undecided = report.undecided().iter().take(MAX_FINDINGS);
        let undecided = undecided.map(|one| finding(one.what.code(), &one.what, &one.place));
        let not_checked = report.not_checked().iter().map(ToString::to_string);
        Self {
            verified: (verdict == Verdict::Verified).into(),
            verdict: word(verdict).to_owned().into(),
            exit_code: u64::from(verdict.exit_code()).into(),
            summary: report.last_line().into(),
            logs: report.logs().iter().map(log).collect::<Vec<_>>().into(),
            faults: faults.collect::<Vec<_>>().into(),
            undecided: undecided.collect::<Vec<_>>().into(),
            not_checked: not_checked.collect::<Vec<_>>().into(),
            report: report.to_json().into(),
            ..self
        }
    }
}

/// The verdict as the JSON report writes it.
const fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Verified => "verified",
        Verdict::Fault => "fault",
        Verdict::NoVerdict => "no_verdict",
    }
}

fn finding(code: &str, what: &dyn ToString, place: &Place) -> FindingModel {
    FindingModel {
        code: code.to_owned(),
        message: what.to_string(),
        log: place.log.as_ref().map(ToString::to_string),
        object: place.object.clone(),
    }
}

fn log(log: &LogReport) -> VerifiedLogModel {
    VerifiedLogModel {
        origin: log.origin.to_string(),
        verdict: word(log.verdict).to_owned(),
        segments: log.segments,
        entries: log.entries,
        last_segment: log.head.map(|head| head.position.segment),
        size: log.head.map(|head| head.position.size),
        root: log.head.map(|head| head.position.root.to_base64()),
        sealed: log.head.map(|head| head.sealed.to_rfc3339()),
        stored: log.head.and_then(|head| Some(head.stored?.to_rfc3339())),
    }
}
