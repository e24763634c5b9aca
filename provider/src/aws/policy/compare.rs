//! Whether two policies mean the same, and where they differ.
//!
//! AWS returns a policy otherwise than it was put: lists in another order, a list of one as its value, an account as the ARN
//! of its root user. None of that is drift. The names of statements mean nothing either. A principal that was deleted comes back
//! as its unique id, which is a difference: the statement does not match anybody any more.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::principal::is_account;
use super::statement::is_own_name;

/// Whether two policy documents mean the same.
pub fn policies_agree(one: &str, other: &str) -> bool {
    matches!((Meaning::of(one), Meaning::of(other)), (Some(one), Some(other)) if one == other)
}

/// How `found` differs from `wanted`, a line for each statement; empty where they mean the same.
pub fn policy_changes(found: &str, wanted: &str) -> Vec<String> {
    let Some(wanted) = Meaning::of(wanted) else {
        return Vec::new();
    };
    let Some(found) = Meaning::of(found) else {
        return vec!["the document cannot be read".to_owned()];
    };
    let lost = wanted
        .statements
        .iter()
        .filter(|(one, _)| !found.statements.contains_key(*one));
    let new = found
        .statements
        .iter()
        .filter(|(one, _)| !wanted.statements.contains_key(*one));
    let mut changes: Vec<String> = lost
        .map(|(_, name)| format!("the statement {name} is missing or was changed"))
        .chain(new.map(|(_, name)| format!("the statement {name} is not declared")))
        .collect();
    if found.version != wanted.version {
        changes.push(format!("the version is {}", found.version));
    }
    changes
}

/// What a document denies: each statement by its meaning, and what a person calls it.
pub fn denials(document: &str) -> BTreeMap<String, String> {
    denials_but(document, |_| false)
}

/// The same without the statements that this provider names as its own, and without those that `ours` has too.
pub fn foreign_denials(document: &str, ours: &str) -> BTreeMap<String, String> {
    let ours = denials(ours);
    let mut found = denials_but(document, is_own_name);
    found.retain(|meaning, _| !ours.contains_key(meaning));
    found
}

fn denials_but(document: &str, is_left_out: impl Fn(&str) -> bool) -> BTreeMap<String, String> {
    let document: Value = serde_json::from_str(document).unwrap_or_default();
    let statements = document.get("Statement").map(list).unwrap_or_default();
    let text = |statement: &Value, name: &str| {
        let text = statement.get(name).and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    let denials = (1..).zip(statements).filter(|(_, statement)| {
        text(statement, "Effect") == "Deny" && !is_left_out(&text(statement, "Sid"))
    });
    denials
        .map(|(number, one)| (statement(one), name_of(one, number)))
        .collect()
}

/// What a person calls a statement.
fn name_of(statement: &Value, number: usize) -> String {
    let sid = statement.get("Sid").and_then(Value::as_str);
    let sid = sid.filter(|sid| !sid.is_empty());
    sid.map_or_else(|| format!("number {number}"), |sid| format!("{sid:?}"))
}

/// What a document means: its version, and its statements without their names, in one form and in order.
struct Meaning {
    version: String,
    /// Each statement, and what a person calls it.
    statements: BTreeMap<String, String>,
}

impl PartialEq for Meaning {
    fn eq(&self, other: &Self) -> bool {
        self.version == other.version && self.statements.keys().eq(other.statements.keys())
    }
}

/// What a document without a version is read as.
const FIRST_VERSION: &str = "2008-10-17";

impl Meaning {
    fn of(text: &str) -> Option<Self> {
        let document: Value = serde_json::from_str(text).ok()?;
        let version = match document.get("Version") {
            None => FIRST_VERSION,
            Some(version) => version.as_str()?,
        };
        let statements = list(document.get("Statement")?);
        let statements = (1..)
            .zip(statements)
            .map(|(number, one)| (statement(one), name_of(one, number)));
        Some(Self {
            version: version.to_owned(),
            statements: statements.collect(),
        })
    }
}

/// A statement as text, equal for every statement of the same meaning.
fn statement(statement: &Value) -> String {
    let Some(members) = statement.as_object() else {
        return statement.to_string();
    };
    let mut found = BTreeMap::new();
    for (key, value) in members {
        let meaning = match key.as_str() {
            "Sid" => continue,
            "Condition" => conditions(value),
            "Principal" | "NotPrincipal" => principals(value),
            "Action" | "NotAction" => {
                format!("{:?}", texts(value, str::to_ascii_lowercase))
            }
            _ => format!("{:?}", texts(value, str::to_owned)),
        };
        if !(key == "Condition" && meaning.is_empty()) {
            found.insert(key, meaning);
        }
    }
    format!("{found:?}")
}

fn principals(value: &Value) -> String {
    let Some(kinds) = value.as_object() else {
        // "*" is another way to write { "AWS": "*" }
        return format!(
            "{:?}",
            BTreeMap::from([("AWS", texts(value, str::to_owned))])
        );
    };
    let kinds: BTreeMap<&str, BTreeSet<String>> = kinds
        .iter()
        .map(|(kind, them)| (kind.as_str(), texts(them, principal)))
        .collect();
    format!("{kinds:?}")
}

/// An account is written by its number or by the ARN of its root user.
fn principal(text: &str) -> String {
    let root = text.strip_prefix("arn:").and_then(|rest| {
        let (_, rest) = rest.split_once(":iam::")?;
        rest.strip_suffix(":root")
    });
    root.filter(|account| is_account(account))
        .unwrap_or(text)
        .to_owned()
}

/// Neither the names of operators nor those of keys have a case. An operator that is there twice counts with all its keys.
fn conditions(value: &Value) -> String {
    let mut found: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    for (operator, keys) in value.as_object().into_iter().flatten() {
        let operator = operator.to_ascii_lowercase();
        for (key, values) in keys.as_object().into_iter().flatten() {
            let values = texts(values, |value| one_case(&operator, value));
            found
                .entry((operator.clone(), key.to_ascii_lowercase()))
                .or_default()
                .extend(values);
        }
    }
    if found.is_empty() {
        return String::new();
    }
    format!("{found:?}")
}

fn one_case(operator: &str, value: &str) -> String {
    let operator = operator.rsplit(':').next().unwrap_or(operator);
    let operator = operator.strip_suffix("ifexists").unwrap_or(operator);
    match operator {
        "bool" | "null" => value.to_ascii_lowercase(),
        _ => value.to_owned(),
    }
}

/// The values of a list, or the one value that is written in place of it.
fn list(value: &Value) -> Vec<&Value> {
    value
        .as_array()
        .map_or_else(|| vec![value], |values| values.iter().collect())
}

fn texts(value: &Value, form: impl Fn(&str) -> String) -> BTreeSet<String> {
    let text = |value: &Value| match value.as_str() {
        Some(text) => form(text),
        None => form(&value.to_string()),
    };
    list(value).into_iter().map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::policy::render::format_tls_only_policy;

    fn statement(members: &str) -> String {
        format!(r#"{{"Version":"2012-10-17","Statement":[{{{members}}}]}}"#)
    }

    fn same(one: &str, other: &str) -> bool {
        policies_agree(&statement(one), &statement(other))
    }

    #[test]
    fn order_and_single_values_make_no_difference() {
        assert!(policies_agree(
            r#"{"Version":"2012-10-17","Statement":[{"Action":"s3:*","Resource":["b","a"],"Condition":{"Bool":{"x":false}}}]}"#,
            r#"{"Statement":{"Resource":["a","b"],"Condition":{"Bool":{"x":"false"}},"Action":["s3:*"]},"Version":"2012-10-17"}"#,
        ));
    }

    #[test]
    fn another_effect_is_another_policy() {
        let ours = format_tls_only_policy("aws", "trail");
        assert!(!policies_agree(
            &ours,
            &ours.replacen("Deny\"", "Allow\"", 1)
        ));
        assert!(!policies_agree(&ours, "not json"));
    }

    #[test]
    fn account_is_the_arn_of_its_root_user() {
        for root in [
            "arn:aws:iam::123456789012:root",
            "arn:aws-cn:iam::123456789012:root",
        ] {
            assert!(same(
                r#""Principal":{"AWS":["123456789012"]}"#,
                &format!(r#""Principal":{{"AWS":{root:?}}}"#)
            ));
        }
        assert!(same(r#""Principal":"*""#, r#""Principal":{"AWS":["*"]}"#));
        assert!(!same(r#""Principal":"*""#, r#""NotPrincipal":"*""#));
        assert!(!same(
            r#""Principal":{"AWS":"123456789012"}"#,
            r#""Principal":{"AWS":"arn:aws:iam::123456789012:user/root"}"#
        ));
    }

    #[test]
    fn deleted_role_is_a_difference() {
        let wanted =
            statement(r#""Sid":"In","Principal":{"AWS":"arn:aws:iam::123456789012:role/auditor"}"#);
        let found = statement(r#""Sid":"In","Principal":{"AWS":"AROAIDPPEZS35WEXAMPLE"}"#);
        assert!(!policies_agree(&found, &wanted));
        assert_eq!(
            policy_changes(&found, &wanted),
            [
                "the statement \"In\" is missing or was changed",
                "the statement \"In\" is not declared"
            ]
        );
    }

    #[test]
    fn case_of_actions_operators_and_keys_makes_no_difference() {
        assert!(same(
            r#""Action":["s3:PutObject","S3:getobject"],"Condition":{"StringEquals":{"aws:PrincipalArn":"A"},"BOOL":{"aws:SecureTransport":"False"}}"#,
            r#""Action":["s3:GetObject","s3:putobject"],"Condition":{"stringequals":{"AWS:principalarn":["A"]},"Bool":{"aws:securetransport":false}}"#,
        ));
        // values and resources have one
        assert!(!same(r#""Resource":"A""#, r#""Resource":"a""#));
        assert!(!same(
            r#""Condition":{"StringEquals":{"k":"A"}}"#,
            r#""Condition":{"StringEquals":{"k":"a"}}"#
        ));
    }

    #[test]
    fn numbers_and_bools_are_text() {
        assert!(same(
            r#""Condition":{"NumericLessThan":{"k":[30,1.2]},"NullIfExists":{"x":true}}"#,
            r#""Condition":{"NumericLessThan":{"k":["1.2","30"]},"NullIfExists":{"x":"True"}}"#,
        ));
        assert!(!same(
            r#""Condition":{"NumericLessThan":{"k":30}}"#,
            r#""Condition":{"NumericLessThan":{"k":31}}"#
        ));
    }

    #[test]
    fn operator_of_two_cases_counts_with_all_its_keys() {
        assert!(same(
            r#""Condition":{"StringEquals":{"a":"1"},"stringEquals":{"b":"2"}}"#,
            r#""Condition":{"StringEquals":{"a":"1","b":"2"}}"#,
        ));
        assert!(same(
            r#""Effect":"Deny","Condition":{}"#,
            r#""Effect":"Deny""#
        ));
        assert!(!same(
            r#""Condition":{"StringEquals":{"a":"1"}}"#,
            r#""Condition":{"StringEqualsIfExists":{"a":"1"}}"#
        ));
    }

    #[test]
    fn names_and_repetitions_make_no_difference_but_the_version_does() {
        let once = r#"{"Version":"2012-10-17","Statement":[{"Sid":"A","Effect":"Deny"}]}"#;
        let twice = r#"{"Version":"2012-10-17","Id":"x","Statement":[{"Effect":"Deny"},{"Sid":"B","Effect":"Deny"}]}"#;
        assert!(policies_agree(once, twice));
        let old = once.replace("2012", "2008");
        assert!(!policies_agree(once, &old));
        assert_eq!(policy_changes(&old, once), ["the version is 2008-10-17"]);
        assert!(policies_agree(&old, r#"{"Statement":{"Effect":"Deny"}}"#));
    }

    #[test]
    fn denials_are_known_by_their_meaning() {
        let vpc = |sid: &str, actions: &str| {
            statement(&format!(
                r#""Sid":"{sid}","Effect":"Deny","Principal":"*","Action":{actions},"Resource":"arn:aws:s3:::trail/*""#
            ))
        };
        let (one, other) = (vpc("Vpc", r#""s3:*""#), vpc("", r#"["S3:*"]"#));
        let names = |document: &str| denials(document).into_values().collect::<Vec<_>>();
        assert_eq!(names(&one), ["\"Vpc\""]);
        assert_eq!(names(&other), ["number 1"]);
        assert!(denials(&one).keys().eq(denials(&other).keys()));
        assert!(denials(&one.replace("Deny", "Allow")).is_empty());
        assert!(denials("x").is_empty());
        let ours = format_tls_only_policy("aws", "trail");
        assert!(foreign_denials(&ours, "").is_empty());
        let renamed = ours.replace("DenyPlainText", "Tls");
        assert!(foreign_denials(&renamed, &ours).is_empty());
        assert_eq!(foreign_denials(&renamed, "").len(), 1);
    }

    #[test]
    fn changes_are_named_by_statement() {
        let wanted = format_tls_only_policy("aws", "trail");
        assert_eq!(policy_changes(&wanted, &wanted), [""; 0]);
        let found = wanted.replace("1.2", "1.0");
        assert_eq!(
            policy_changes(&found, &wanted),
            [
                "the statement \"DenyOldTls\" is missing or was changed",
                "the statement \"DenyOldTls\" is not declared"
            ]
        );
        assert_eq!(policy_changes("", &wanted), ["the document cannot be read"]);
    }
}
