//! What a probe came to, in words and as JSON.

use std::fmt::Write as _;

use serde::Serialize;

use super::attempts::{Attempt, Outcome, Probe, Promise};
use crate::report::plain;
use crate::verdict::Verdict;

/// The permissions that a probe needs, and a verification does not.
const PERMISSIONS: &str = "s3:PutObject, s3:PutObjectRetention, s3:DeleteObject, s3:DeleteObjectVersion, s3:GetObjectVersion, s3:GetObjectRetention";

impl Promise {
    fn words(self) -> &'static str {
        match self {
            Self::Lock => "a version is locked as the write asked",
            Self::CreateOnce => "an object is created once",
            Self::Overwrite => "a write over an object leaves its version alone",
            Self::Delete => "a locked version cannot be deleted",
            Self::Shorten => "a lock cannot be shortened",
        }
    }
}

#[derive(Serialize)]
struct JsonProbe<'p> {
    probe: u64,
    verdict: Verdict,
    exit: u8,
    target: &'p str,
    key: &'p str,
    version_id: Option<&'p str>,
    mode: &'static str,
    locked_until: String,
    promises: Vec<JsonPromise<'p>>,
}

#[derive(Serialize)]
struct JsonPromise<'p> {
    code: &'static str,
    /// `held`, `broken` or `not-shown`.
    outcome: &'static str,
    answer: &'p str,
    reason: Option<&'p str>,
    hint: Option<&'p str>,
}

impl Attempt {
    fn parts(&self) -> (&'static str, Option<&str>, Option<&str>) {
        match &self.outcome {
            Outcome::Held => ("held", None, None),
            Outcome::Broken(reason) => ("broken", Some(reason), None),
            Outcome::NotShown(error) => ("not-shown", Some(&error.reason), error.hint.as_deref()),
        }
    }
}

impl Probe {
    /// The result for people. `target` is the bucket.
    pub fn to_text(&self, target: &str) -> String {
        let mut out = String::new();
        let until = self.lock.until.to_rfc3339();
        let version = self.version_id.as_deref().unwrap_or_default();
        // Writing to a string cannot fail.
        _ = writeln!(out, "target   {}", plain(target));
        _ = writeln!(
            out,
            "canary   {}, version {}",
            plain(&self.key),
            plain(version)
        );
        _ = writeln!(
            out,
            "locked   {} until {until}; nobody needs it after that\n",
            self.lock.mode
        );
        for one in &self.attempts {
            let (outcome, reason, hint) = one.parts();
            let answer = plain(&one.answer);
            _ = writeln!(
                out,
                "{outcome:<9} {}: {} (answer: {answer})",
                one.promise.code(),
                one.promise.words()
            );
            if let Some(reason) = reason {
                _ = writeln!(out, "  found:    {}", plain(reason));
            }
            if let Some(hint) = hint {
                _ = writeln!(out, "  hint:     {}", plain(hint));
            }
        }
        _ = writeln!(out, "\n{}", self.last_line());
        out
    }

    fn last_line(&self) -> String {
        let count = |is: &str| {
            self.attempts
                .iter()
                .filter(|one| one.parts().0 == is)
                .count()
        };
        let (held, broken, not_shown) = (count("held"), count("broken"), count("not-shown"));
        let verdict = match self.verdict() {
            Verdict::Verified => "all promises held",
            Verdict::Fault => "a promise is broken: do not keep audit logs in this store",
            Verdict::NoVerdict => "not everything was shown",
        };
        let needs = match not_shown {
            0 => String::new(),
            _ => format!("; a probe needs {PERMISSIONS}"),
        };
        format!("{verdict}: {held} held, {broken} broken, {not_shown} not shown{needs}")
    }

    /// The result for programs: one JSON document, ended by LF.
    pub fn to_json(&self, target: &str) -> String {
        let promises = self.attempts.iter().map(|one| {
            let (outcome, reason, hint) = one.parts();
            JsonPromise {
                code: one.promise.code(),
                outcome,
                answer: &one.answer,
                reason,
                hint,
            }
        });
        let json = JsonProbe {
            probe: 1,
            verdict: self.verdict(),
            exit: self.verdict().exit_code(),
            target,
            key: &self.key,
            version_id: self.version_id.as_deref(),
            mode: self.lock.mode.as_str(),
            locked_until: self.lock.until.to_rfc3339(),
            promises: promises.collect(),
        };
        let mut text = serde_json::to_string_pretty(&json).unwrap_or_default();
        text.push('\n');
        text
    }
}
