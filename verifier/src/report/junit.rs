//! The report for pipelines: `JUnit` XML as Jenkins reads it. A suite is a log or the bucket, a case is a group of rules.

use std::collections::BTreeMap;

use auditlog_chain::timestamp::Timestamp;

use super::last_line::log_line;
use super::markup::Markup;
use super::rules::{Outcome, Rules, Scope};
use super::several::{OfPolicy, Several};
use super::text::{acknowledged_text, fault_text, note_text, undecided_text};
use super::{LogReport, Report};
use crate::not_checked::NotChecked;
use crate::verdict::Verdict;

/// Findings that a case shows in full; the rest is counted.
const MAX_SHOWN: usize = 100;

/// The suite of what belongs to no log.
const BUCKET: &str = "bucket";

/// The case of the verdict, and what its error says.
const VERDICT: &str = "verdict";
const NO_VERDICT: &str = "no verdict";

/// The property with the file of the policy, where there are several.
const POLICY_FILE: &str = "policy_file";

impl Report {
    /// The report as `JUnit` XML.
    pub fn to_junit(&self) -> String {
        document(&self.suites(None))
    }

    /// The suites of this report; of one on several policies, with the file of the policy in their names.
    fn suites(&self, file: Option<&str>) -> Vec<Suite> {
        let bucket = Rules::OF_THE_BUCKET;
        let cases = self.cases(None, &bucket, self.verdict(), &self.last_line());
        let of_bucket = Suite {
            name: suite_name(file, BUCKET),
            cases,
            notes: self.remarks(None),
            properties: self.properties(file),
            now: self.now,
        };
        let of_logs = self.logs().iter().map(|log| self.suite(file, log));
        std::iter::once(of_bucket).chain(of_logs).collect()
    }

    fn suite(&self, file: Option<&str>, log: &LogReport) -> Suite {
        let scope = Some(&log.origin);
        Suite {
            name: suite_name(file, log.origin.as_str()),
            cases: self.cases(scope, &Rules::OF_A_LOG, log.verdict, &log_line(log)),
            notes: self.remarks(scope),
            properties: self.properties(file),
            now: self.now,
        }
    }

    fn properties(&self, file: Option<&str>) -> Vec<(&'static str, String)> {
        let file = file.map(|file| (POLICY_FILE, file.to_owned()));
        let digest = format!("sha256:{}", self.policy_digest);
        let all = [("policy", digest), ("target", self.target.clone())];
        file.into_iter().chain(all).collect()
    }

    /// One case for each group of rules, and one for the verdict: it is the only one that fails where a finding is not listed.
    fn cases(&self, scope: Scope<'_>, groups: &[Rules], verdict: Verdict, line: &str) -> Vec<Case> {
        let others = self.groups_with_findings(scope);
        let others = others.into_iter().filter(|group| !groups.contains(group));
        let groups = groups.iter().copied().chain(others);
        let mut cases: Vec<Case> = groups.map(|group| self.case(scope, group)).collect();
        cases.push(Case {
            name: VERDICT.to_owned(),
            result: match verdict {
                Verdict::Verified => CaseResult::Passed,
                Verdict::Fault => CaseResult::Failure("fault".to_owned(), line.to_owned()),
                Verdict::NoVerdict => CaseResult::Error(NO_VERDICT.to_owned(), line.to_owned()),
            },
        });
        cases
    }

    fn groups_with_findings(&self, scope: Scope<'_>) -> Vec<Rules> {
        let faults = self.faults_of(scope).map(|one| one.what.rules());
        let undecided = self.undecided_of(scope).map(|one| one.what.rules());
        let mut groups: Vec<Rules> = faults.chain(undecided).collect();
        groups.sort_unstable();
        groups.dedup();
        groups
    }

    fn case(&self, scope: Scope<'_>, group: Rules) -> Case {
        let result = match self.outcome(scope, group) {
            Outcome::Clean | Outcome::Acknowledged(_) => CaseResult::Passed,
            Outcome::NotJudged(why) => CaseResult::Skipped(why),
            Outcome::Faults(_) => {
                let found = self.faults_of(scope);
                let found = found.filter(|one| one.what.rules() == group);
                let (summary, detail) =
                    told(found.map(|one| (one.what.code(), || fault_text(one, self.at))));
                CaseResult::Failure(summary, detail)
            }
            Outcome::Undecided(_) => {
                let found = self.undecided_of(scope);
                let found = found.filter(|one| one.what.rules() == group);
                let (summary, detail) =
                    told(found.map(|one| (one.what.code(), || undecided_text(one))));
                CaseResult::Error(summary, detail)
            }
        };
        Case {
            name: format!("{} ({})", group.id(), group.numbers()),
            result,
        }
    }

    /// What is acknowledged, worth saying, or not checked.
    fn remarks(&self, scope: Scope<'_>) -> String {
        let acknowledged = self.acknowledged().iter();
        let acknowledged = acknowledged.filter(|one| one.place.log.as_ref() == scope);
        let not_checked = self.not_checked().iter().filter(|_| scope.is_none());
        let lines = acknowledged
            .map(acknowledged_text)
            .chain(self.notes_of(scope).map(note_text))
            .chain(not_checked.map(not_checked_text));
        lines.take(MAX_SHOWN).collect()
    }
}

impl Several<'_> {
    /// The reports as one document of `JUnit` XML, with the suites of all policies.
    pub fn to_junit(&self) -> String {
        let suites: Vec<Suite> = self.0.iter().flat_map(suites_of).collect();
        document(&suites)
    }
}

/// The suites of one of several policies. Without a report, the case that has the verdict of the whole run has an error.
fn suites_of(one: &OfPolicy<'_>) -> Vec<Suite> {
    let file = Some(one.file.as_str());
    match &one.result {
        Ok((report, _)) => report.suites(file),
        Err(why) => vec![Suite {
            name: suite_name(file, BUCKET),
            cases: vec![Case {
                name: VERDICT.to_owned(),
                result: CaseResult::Error(NO_VERDICT.to_owned(), why.to_text()),
            }],
            notes: String::new(),
            properties: vec![(POLICY_FILE, one.file.clone())],
            now: why.now,
        }],
    }
}

/// The name of a suite. Pipelines know a case by its name and that of its suite: those of several policies must differ.
fn suite_name(file: Option<&str>, of: &str) -> String {
    file.map_or_else(|| of.to_owned(), |file| format!("{file}: {of}"))
}

fn document(suites: &[Suite]) -> String {
    let sum = |count: fn(&Suite) -> usize| suites.iter().map(count).sum::<usize>().to_string();
    let mut xml = Markup::default();
    xml.fixed("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    xml.open(
        "testsuites",
        &[
            ("name", "auditlog-verify"),
            ("tests", &sum(|suite| suite.cases.len())),
            ("failures", &sum(Suite::failures)),
            ("errors", &sum(Suite::errors)),
            ("time", "0"),
        ],
    );
    xml.fixed("\n");
    for suite in suites {
        suite.write(&mut xml);
    }
    xml.close("testsuites").fixed("\n");
    xml.finish()
}

fn not_checked_text(what: &NotChecked) -> String {
    format!("not checked: {what}\n")
}

struct Suite {
    name: String,
    cases: Vec<Case>,
    notes: String,
    properties: Vec<(&'static str, String)>,
    now: Timestamp,
}

impl Suite {
    fn write(&self, xml: &mut Markup) {
        let count = |count: usize| count.to_string();
        xml.open(
            "testsuite",
            &[
                ("name", &self.name),
                ("tests", &count(self.cases.len())),
                ("failures", &count(self.failures())),
                ("errors", &count(self.errors())),
                ("skipped", &count(self.skipped())),
                ("time", "0"),
                ("timestamp", &self.now.to_rfc3339()),
            ],
        );
        xml.fixed("\n<properties>");
        for (name, value) in &self.properties {
            xml.empty("property", &[("name", name), ("value", value)]);
        }
        xml.fixed("</properties>\n");
        for case in &self.cases {
            case.write(xml, &self.name);
        }
        if !self.notes.is_empty() {
            xml.open("system-out", &[]).lines(&self.notes);
            xml.close("system-out").fixed("\n");
        }
        xml.close("testsuite").fixed("\n");
    }

    fn failures(&self) -> usize {
        self.count(|result| matches!(result, CaseResult::Failure(..)))
    }

    fn errors(&self) -> usize {
        self.count(|result| matches!(result, CaseResult::Error(..)))
    }

    fn skipped(&self) -> usize {
        self.count(|result| matches!(result, CaseResult::Skipped(_)))
    }

    fn count(&self, is: fn(&CaseResult) -> bool) -> usize {
        self.cases.iter().filter(|case| is(&case.result)).count()
    }
}

struct Case {
    name: String,
    result: CaseResult,
}

enum CaseResult {
    Passed,
    /// A summary and the details.
    Failure(String, String),
    Error(String, String),
    Skipped(&'static str),
}

impl Case {
    fn write(&self, xml: &mut Markup, suite: &str) {
        let class = format!("auditlog.{suite}");
        let attributes = [
            ("classname", class.as_str()),
            ("name", &self.name),
            ("time", "0"),
        ];
        xml.open("testcase", &attributes);
        match &self.result {
            CaseResult::Passed => {}
            CaseResult::Failure(summary, detail) => {
                write_outcome(xml, "failure", summary, detail);
            }
            CaseResult::Error(summary, detail) => write_outcome(xml, "error", summary, detail),
            CaseResult::Skipped(why) => {
                xml.empty("skipped", &[("message", why)]);
            }
        }
        xml.close("testcase").fixed("\n");
    }
}

fn write_outcome(xml: &mut Markup, tag: &'static str, summary: &str, detail: &str) {
    xml.open(tag, &[("message", summary), ("type", tag)]);
    xml.lines(detail).close(tag);
}

/// How many there are of each code, and the first of them in full.
fn told<'f, T: Fn() -> String>(
    found: impl Iterator<Item = (&'static str, T)> + 'f,
) -> (String, String) {
    let mut counts = BTreeMap::<&str, u64>::new();
    let (mut detail, mut shown) = (String::new(), 0_usize);
    for (code, text) in found {
        let count = counts.entry(code).or_default();
        *count = count.saturating_add(1);
        if shown < MAX_SHOWN {
            shown = shown.saturating_add(1);
            detail.push_str(&text());
        }
    }
    let counts: Vec<String> = counts
        .iter()
        .map(|(code, count)| format!("{code}: {count}"))
        .collect();
    (counts.join(", "), detail)
}
