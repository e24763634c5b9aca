//! The one mistake that is easy to make with a rendered policy: `terraform output -json` in place of `-raw`.

use std::collections::HashMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

/// An output as `terraform output -json` writes it, beside the others of its module.
#[derive(Deserialize)]
struct Output {
    #[serde(rename = "sensitive")]
    _sensitive: bool,
    #[serde(rename = "type")]
    _kind: IgnoredAny,
    #[serde(rename = "value")]
    _value: IgnoredAny,
}

/// Whether a document that is not a trust policy is what `terraform output -json` writes: all outputs of a module, or one of
/// them, which is then a policy in a JSON string.
pub(super) fn is_output_json(json: &[u8]) -> bool {
    if let Ok(text) = serde_json::from_slice::<String>(json) {
        return text.contains("\"trust_policy\"");
    }
    let outputs: Result<HashMap<String, Output>, _> = serde_json::from_slice(json);
    outputs.is_ok_and(|outputs| !outputs.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_output_and_all_outputs_are_recognised_and_nothing_else_is() {
        let all = br#"{"trust_policy":{"sensitive":false,"type":"string","value":"{}"},"n":{"sensitive":true,"type":["list","string"],"value":["a"]}}"#;
        assert!(is_output_json(all));
        assert!(is_output_json(br#""{\"trust_policy\": 1}\n""#));
        for other in [
            &b"{}"[..],
            b"",
            b"[]",
            br#""my notes""#,
            br#"{"trust_policy":1,"logs":[]}"#,
            br#"{"trust_policy":{"value":1}}"#,
        ] {
            assert!(!is_output_json(other), "{}", String::from_utf8_lossy(other));
        }
    }
}
