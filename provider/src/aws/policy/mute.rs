//! Whether a key policy denies signing to everybody.

use serde_json::Value;

/// Whether a statement of the policy denies `kms:Sign` to everybody, without a condition. What cannot be read does not.
pub fn denies_signing(policy: &str) -> bool {
    let document: Value = serde_json::from_str(policy).unwrap_or_default();
    let statements = document.get("Statement").map(list).unwrap_or_default();
    statements.into_iter().any(denies_sign)
}

fn denies_sign(statement: &Value) -> bool {
    let names = |field: &str, name: &str| {
        let value = statement.get(field).map(list).unwrap_or_default();
        value.into_iter().any(|one| one.as_str() == Some(name))
    };
    let aws = statement.pointer("/Principal/AWS").map(list);
    let everybody = names("Principal", "*")
        || aws
            .into_iter()
            .flatten()
            .any(|one| one.as_str() == Some("*"));
    statement.get("Effect").and_then(Value::as_str) == Some("Deny")
        && everybody
        && names("Action", "kms:Sign")
        && names("Resource", "*")
        && statement.get("Condition").is_none()
}

/// A list, or one value for a list of one.
fn list(value: &Value) -> Vec<&Value> {
    value
        .as_array()
        .map_or_else(|| vec![value], |list| list.iter().collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn with(field: &str, value: Value) -> bool {
        let mut statement = json!({
            "Effect": "Deny", "Principal": "*", "Action": "kms:Sign", "Resource": "*",
        });
        statement[field] = value;
        denies_signing(&json!({ "Statement": [statement] }).to_string())
    }

    #[test]
    fn only_a_denial_to_everybody_without_a_condition_counts() {
        assert!(with("Sid", json!("any")));
        assert!(with("Principal", json!({ "AWS": ["*"] })));
        assert!(with("Action", json!(["kms:CreateGrant", "kms:Sign"])));
        assert!(!with("Effect", json!("Allow")));
        assert!(!with(
            "Principal",
            json!({ "AWS": "arn:aws:iam::123456789012:root" })
        ));
        assert!(!with("Action", json!("kms:CreateGrant")));
        assert!(!with(
            "Resource",
            json!("arn:aws:kms:eu-west-1:123456789012:key/1")
        ));
        assert!(!with("Condition", json!({ "Bool": { "a": "b" } })));
        assert!(!denies_signing("no policy"));
    }
}
