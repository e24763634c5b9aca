//! Whether two policies mean the same.

use serde_json::Value;

/// Whether two policy documents say the same: key order, the order of lists, and a single value in place of a
/// list of one make no difference, since S3 is free to return them otherwise than they were put.
pub fn policies_agree(one: &str, other: &str) -> bool {
    let parsed = |text: &str| serde_json::from_str::<Value>(text).map(normal_form);
    matches!((parsed(one), parsed(other)), (Ok(one), Ok(other)) if one == other)
}

fn normal_form(value: Value) -> Value {
    match value {
        Value::Array(items) => {
            let mut items: Vec<Value> = items.into_iter().map(normal_form).collect();
            items.sort_by_key(Value::to_string);
            match <[Value; 1]>::try_from(items) {
                Ok([single]) => single,
                Err(items) => Value::Array(items),
            }
        }
        Value::Object(members) => Value::Object(
            members
                .into_iter()
                .map(|(k, v)| (k, normal_form(v)))
                .collect(),
        ),
        Value::Bool(flag) => Value::String(flag.to_string()),
        Value::Number(number) => Value::String(number.to_string()),
        other @ (Value::Null | Value::String(_)) => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::policy::format_tls_only_policy;

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
}
