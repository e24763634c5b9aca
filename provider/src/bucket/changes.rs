//! What a plan changes, in words. Terraform shows no differences of a plan that is refused, so that the refusal of one change would hide
//! what somebody else has changed.

use std::collections::{BTreeMap, BTreeSet};

use tf_provider::{AttributePath, Diagnostic, Object, Value};

use super::ratchet::ALLOW;

/// Longer texts, such as policies, are named and not printed.
const MAX_SHOWN_CHARS: usize = 60;

/// Values of tags may be sensitive. Terraform hides them in its own output, and does not tell a provider.
const HIDDEN: [&str; 2] = ["tags", "tags_all"];

/// Names every difference whose value is known, beside the refusal of one of them.
pub(super) fn announced(prior: &Object, planned: &Object) -> Option<Diagnostic> {
    let mut lines = Vec::new();
    for (name, after) in planned.iter().filter(|(name, _)| name.as_str() != ALLOW) {
        let (at, before) = (AttributePath::from(name.as_str()), prior.value(name));
        if HIDDEN.contains(&name.as_str()) {
            let changes = before != after && after.is_wholly_known();
            lines.extend(changes.then(|| format!("- {at}")));
        } else {
            compare(&at, before, after, &mut lines);
        }
    }
    if lines.is_empty() {
        return None;
    }
    let detail = format!(
        "Terraform does not show the differences of a plan that is refused. This one would change, of what is known now:\n\n{}",
        lines.join("\n")
    );
    Some(Diagnostic::warning("What the refused plan would change", detail).at(ALLOW))
}

fn compare(at: &AttributePath, before: &Value, after: &Value, lines: &mut Vec<String>) {
    match (before, after) {
        (before, after) if before == after => {}
        (Value::Object(before), Value::Object(after)) => {
            for (name, after) in after {
                let at = at.clone().attribute(name.as_str());
                compare(&at, before.value(name), after, lines);
            }
        }
        (Value::Map(before), Value::Map(after)) => {
            let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
            for name in names {
                let of = |map: &BTreeMap<String, Value>| map.get(name).cloned().unwrap_or_default();
                let at = at.clone().key(name.as_str());
                compare(&at, &of(before), &of(after), lines);
            }
        }
        (_, Value::Unknown) => {}
        (before, after) => lines.push(line(at, before, after)),
    }
}

fn line(path: &AttributePath, before: &Value, after: &Value) -> String {
    match (shown(before), shown(after)) {
        (Some(before), Some(after)) => format!("- {path}: {before} -> {after}"),
        (_, _) => format!("- {path}"),
    }
}

/// A value that fits into a line.
fn shown(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some("null".to_owned()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Number(value) => Some(value.to_string()),
        Value::String(text) if text.chars().count() <= MAX_SHOWN_CHARS => Some(format!("{text:?}")),
        Value::String(_)
        | Value::Unknown
        | Value::List(_)
        | Value::Set(_)
        | Value::Map(_)
        | Value::Object(_)
        | Value::Tuple(_)
        | Value::Dynamic(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(days: i64, versioning: &str, policy: &str, blocked: bool) -> Object {
        let block = Object::new().with("block_public_acls", blocked);
        let lock = Object::new().with("days", days).with("mode", "GOVERNANCE");
        Object::new()
            .with("object_lock", Value::Object(lock))
            .with("versioning", versioning)
            .with("policy", policy)
            .with("public_access_block", Value::Object(block))
            .with("tags", Value::Null)
    }

    fn logs(silence: &str) -> Value {
        let log = Object::new()
            .with("max_silence", silence)
            .with("signing_key", Value::Unknown);
        Value::Map([("payments".to_owned(), Value::Object(log))].into())
    }

    #[test]
    fn every_known_difference_is_named_with_both_values() {
        let long = "x".repeat(61);
        let prior = bucket(30, "Suspended", &long, false).with("logs", logs("25h"));
        let planned = bucket(10, "Enabled", &format!("{long}y"), true)
            .with("trust_policy", Value::Unknown)
            .with("logs", logs("26h"))
            .with(
                ALLOW,
                Value::List(vec![Value::from("retention 30d -> 10d")]),
            );
        let found = announced(&prior, &planned).unwrap();
        let lines: Vec<&str> = found.detail.lines().skip(2).collect();
        assert_eq!(
            lines,
            [
                "- logs[\"payments\"].max_silence: \"25h\" -> \"26h\"",
                "- object_lock.days: 30 -> 10",
                "- policy",
                "- public_access_block.block_public_acls: false -> true",
                "- versioning: \"Suspended\" -> \"Enabled\"",
            ]
        );
    }

    #[test]
    fn values_of_tags_are_not_printed() {
        let tagged = |token: &str| {
            let tags: Value = Value::Map([("token".to_owned(), Value::from(token))].into());
            let bucket = bucket(30, "Enabled", "", true).with("tags", &tags);
            bucket.with("tags_all", &tags)
        };
        let found = announced(&tagged("secret-1"), &tagged("secret-2")).unwrap();
        let lines: Vec<&str> = found.detail.lines().skip(2).collect();
        assert_eq!(lines, ["- tags", "- tags_all"]);
        assert_eq!(announced(&tagged("secret-1"), &tagged("secret-1")), None);
    }

    #[test]
    fn plan_without_differences_gives_no_warning() {
        let same = bucket(30, "Enabled", "", true);
        assert_eq!(announced(&same, &same.clone()), None);
    }
}
