//! Whether a key policy is one that this provider has put.

use serde_json::Value;

/// The names of the statements in the policy of a signing key.
const NAMES: &[&str] = &[
    "AuditlogAdminister",
    "AuditlogAlgorithm",
    "AuditlogGrant",
    "AuditlogOthers",
    "AuditlogRetired",
    "AuditlogRoot",
    "AuditlogSign",
    "AuditlogSigner",
    "AuditlogVerify",
];

/// Whether each statement of a key policy has a name of ours, and none is missing that every key has.
pub fn is_own_key_policy(policy: &str) -> bool {
    let document: Value = serde_json::from_str(policy).unwrap_or_default();
    let statements = document.get("Statement").and_then(Value::as_array);
    let statements = statements.into_iter().flatten();
    let names = statements.map(|one| one.get("Sid").and_then(Value::as_str));
    let names: Option<Vec<&str>> = names.collect();
    names.is_some_and(|names| {
        let has = |name: &str| names.contains(&name);
        has("AuditlogRoot") && has("AuditlogGrant") && names.iter().all(|name| NAMES.contains(name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::policy::key::{KeyPolicy, KeyPolicyState};
    use crate::aws::policy::samples::{ACCOUNT, role};

    fn policy(state: KeyPolicyState, signers: Option<&str>) -> String {
        let policy = KeyPolicy {
            partition: "aws".to_owned(),
            account: ACCOUNT.to_owned(),
            signers: signers.map(|name| vec![role(name)]),
            verifiers: None,
            administrators: Some(vec![role("terraform")]),
            algorithm: "ED25519_SHA_512".to_owned(),
            state,
        };
        policy.render().unwrap()
    }

    #[test]
    fn every_policy_that_the_provider_renders_is_its_own() {
        for state in [KeyPolicyState::Signing, KeyPolicyState::Retired] {
            for signers in [None, Some("sealer")] {
                assert!(is_own_key_policy(&policy(state, signers)));
            }
        }
    }

    #[test]
    fn policy_with_a_statement_of_others_is_not() {
        let ours = policy(KeyPolicyState::Signing, None);
        let other = ours.replacen("\"Statement\":[", "\"Statement\":[{\"Sid\":\"Other\"},", 1);
        assert_ne!(ours, other);
        for text in [
            other.as_str(),
            "",
            "{}",
            r#"{"Statement":[]}"#,
            r#"{"Statement":[{"Effect":"Allow"}]}"#,
        ] {
            assert!(!is_own_key_policy(text), "{text}");
        }
    }
}
