//! Whom the policy of a bucket leaves in, read back from the document. Of a bucket that was imported, nothing else says it.

use std::collections::BTreeSet;

use serde_json::Value;

use super::access::{Reading, sid};
use super::pattern::may_match_below;

/// What a found policy denies to all but some.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Enforced {
    /// Patterns of those who may change the bucket; `None` where that is up to IAM.
    pub administrators: Option<BTreeSet<String>>,
    /// Patterns of those who may delete, hide and bypass; `None` where that is up to IAM.
    pub break_glass: Option<BTreeSet<String>>,
    writes: Vec<String>,
    reads: Vec<String>,
    /// Those of [`Reading::OfEachLog`].
    reads_of_each: Vec<String>,
}

impl Enforced {
    /// Reads a policy that this provider has put. A document or a statement of others says nothing.
    pub fn of(policy: &str) -> Self {
        let document: Value = serde_json::from_str(policy).unwrap_or_default();
        let mut found = Self::default();
        let statements = document.get("Statement").and_then(Value::as_array);
        for statement in statements.into_iter().flatten() {
            found.add(statement);
        }
        found
    }

    fn add(&mut self, statement: &Value) {
        let text = |name| statement.get(name).and_then(Value::as_str);
        let name = text("Sid").unwrap_or_default();
        if text("Effect") != Some("Deny") {
            return;
        }
        let admitted = || texts(statement.pointer("/Condition/ArnNotLike/aws:PrincipalArn"));
        match name.trim_end_matches(|c: char| c.is_ascii_digit()) {
            sid::CONFIGURATION => self.administrators = Some(admitted().collect()),
            sid::DESTRUCTION => self.break_glass = Some(admitted().collect()),
            sid::WRITE => self.writes.extend(texts(statement.get("Resource"))),
            sid::READ if name == sid::READ => self.reads.extend(texts(statement.get("Resource"))),
            sid::READ => self.reads_of_each.extend(texts(statement.get("Resource"))),
            _ => {}
        }
    }

    /// Whether writes under the prefix of a log are denied to all but its writers.
    pub fn closes_writes(&self, prefix: &str) -> bool {
        covers(&self.writes, prefix)
    }

    /// Whether reads under the prefix of a log are denied to all but its readers.
    pub fn closes_reads(&self, prefix: &str) -> bool {
        self.reading_of(prefix).is_some()
    }

    /// For whom the statement is that closes reads under a prefix. One statement for all logs may be for the readers of each.
    pub(super) fn reading_of(&self, prefix: &str) -> Option<Reading> {
        let of = |resources, reading| covers(resources, prefix).then_some(reading);
        of(&self.reads_of_each, Reading::OfEachLog).or(of(&self.reads, Reading::OfAllLogs))
    }
}

fn covers(resources: &[String], prefix: &str) -> bool {
    let key = |resource: &String| {
        let (_, key) = resource.split_once(":::")?;
        key.split_once('/').map(|(_, key)| key.to_owned())
    };
    let log = format!("{prefix}/");
    resources
        .iter()
        .filter_map(key)
        .any(|key| may_match_below(&key, &log))
}

/// A text, or the texts of a list.
fn texts(value: Option<&Value>) -> impl Iterator<Item = String> {
    let many = value.and_then(Value::as_array).into_iter().flatten();
    let one = value.filter(|value| value.is_string());
    many.chain(one)
        .filter_map(|text| text.as_str().map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::policy::samples::{policy_of, role};

    #[test]
    fn lists_come_back_from_the_policy_that_they_made() {
        let mut policy = policy_of(&["logs/a", "logs/b", "else/c"]);
        policy.administrators = Some(vec![role("terraform"), role("ci")]);
        policy.break_glass = Some(Vec::new());
        policy.logs[1].readers = None;
        policy.logs[2].writers = None;
        let found = Enforced::of(&policy.render().unwrap());
        let patterns = [role("terraform").pattern(), role("ci").pattern()];
        assert_eq!(found.administrators, Some(BTreeSet::from(patterns)));
        assert_eq!(found.break_glass, Some(BTreeSet::new()));
        let closed = |log| (found.closes_writes(log), found.closes_reads(log));
        assert_eq!(closed("logs/a"), (true, true));
        assert_eq!(closed("logs/b"), (true, false));
        assert_eq!(closed("else/c"), (false, false));
    }

    #[test]
    fn lists_that_were_left_out_and_documents_of_others_say_nothing() {
        let mut policy = policy_of(&["logs/a"]);
        (policy.administrators, policy.break_glass) = (None, None);
        (policy.logs[0].writers, policy.logs[0].readers) = (None, None);
        for text in [policy.render().unwrap().as_str(), "x", "{}"] {
            assert_eq!(Enforced::of(text), Enforced::default());
        }
    }

    #[test]
    fn folder_covers_the_logs_in_it() {
        let found = Enforced::of(&policy_of(&["logs/a", "logs/b"]).render().unwrap());
        assert!(found.closes_writes("logs/b") && !found.closes_writes("archive/b"));
    }
}
