//! Reports on several trust policies in one document, in the order in which the policies were given. A policy without a report is in it too, so that
//! nobody takes the document for one on fewer policies.

use auditlog_chain::policy::TrustPolicy;
use auditlog_chain::timestamp::Timestamp;

use super::Report;
use super::plain::plain;
use crate::verdict::Verdict;

/// What became of several trust policies that one run verified in their turn.
#[derive(Clone, Debug)]
pub struct Several<'p>(pub Vec<OfPolicy<'p>>);

/// What became of one of them.
#[derive(Clone, Debug)]
pub struct OfPolicy<'p> {
    /// The file of the policy, as it was named.
    pub file: String,
    /// The report and the policy, or why the policy has no report.
    pub result: Result<(Report, &'p TrustPolicy), NoReport>,
}

/// Why a policy has no report: it could not be read, or what it declares could not be looked at.
#[derive(Clone, Debug)]
pub struct NoReport {
    /// What is wrong.
    pub error: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// The time of this machine when it was to be verified.
    pub now: Timestamp,
}

impl Several<'_> {
    /// The worst verdict. A policy without a report has none.
    pub fn verdict(&self) -> Verdict {
        let verdicts = self.0.iter().map(OfPolicy::verdict);
        verdicts.fold(Verdict::Verified, Verdict::worst)
    }

    /// The reports for people, one after the other.
    pub fn to_text(&self) -> String {
        let texts = self.0.iter().map(OfPolicy::to_text);
        texts.collect::<Vec<_>>().join("\n")
    }

    /// A list of JSON documents, ended by LF.
    pub fn to_json(&self) -> String {
        let documents = self.0.iter().map(OfPolicy::to_json);
        let documents: Vec<String> = documents.collect();
        format!("[\n{}\n]\n", documents.join(",\n"))
    }
}

impl OfPolicy<'_> {
    pub(super) fn verdict(&self) -> Verdict {
        match &self.result {
            Ok((report, _)) => report.verdict(),
            Err(_) => Verdict::NoVerdict,
        }
    }

    fn to_text(&self) -> String {
        match &self.result {
            Ok((report, _)) => report.to_text(),
            Err(why) => format!(
                "policy   {}\n\n{}\nno verdict: nothing was verified\n",
                plain(&self.file),
                why.to_text()
            ),
        }
    }

    fn to_json(&self) -> String {
        match &self.result {
            Ok((report, _)) => report.to_json().trim_end().to_owned(),
            Err(NoReport { error, hint, .. }) => {
                let of = serde_json::json!({ "policy": self.file, "error": error, "hint": hint });
                format!("{of:#}")
            }
        }
    }
}

impl NoReport {
    /// The words of standard error.
    pub(super) fn to_text(&self) -> String {
        let hint = self.hint.as_deref();
        let hint = hint.map(|hint| format!("hint: {}\n", plain(hint)));
        format!(
            "error: {}\n{}",
            plain(&self.error),
            hint.unwrap_or_default()
        )
    }
}
