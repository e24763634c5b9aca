//! The policy of a signing key.
//!
//! Sources: "Key policies in AWS KMS", "Default key policy" and KMS's page of the Service Authorization Reference.
//!
//! The usual statement for the root user lets every IAM administrator of the account sign, and a grant needs no statement at
//! all. So the account is named for each thing by itself, narrowed to the principals who may do it, and signing is denied to
//! all others: a deny also covers grants.

use std::collections::BTreeSet;

use super::access::admit;
use super::error::{KEY_POLICY_BYTES, PolicyError};
use super::principal::Principal;
use super::statement::{Statement, format_document};

/// Everything that the policy of a signing key says.
///
/// A list of principals that is `None` was left out: IAM alone decides. A list without an entry lets nobody in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPolicy {
    /// Partition of the key, such as `aws`.
    pub partition: String,
    /// Account that owns the key, twelve digits.
    pub account: String,
    /// Who may sign.
    pub signers: Option<Vec<Principal>>,
    /// Who may verify signatures with KMS and read the public key.
    pub verifiers: Option<Vec<Principal>>,
    /// Who may change the key.
    pub administrators: Option<Vec<Principal>>,
    /// The one signing algorithm, as KMS names it.
    pub algorithm: String,
    /// Whether the key still signs.
    pub state: KeyPolicyState,
}

/// Whether a key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyPolicyState {
    /// Signers sign.
    Signing,
    /// Nobody signs any more, and everything else stays as it is.
    Retired,
}

const ADMINISTER: &[&str] = &[
    "kms:CancelKeyDeletion",
    "kms:CreateAlias",
    "kms:DeleteAlias",
    "kms:DescribeKey",
    "kms:DisableKey",
    "kms:EnableKey",
    "kms:GetKeyPolicy",
    "kms:GetPublicKey",
    "kms:ListGrants",
    "kms:ListResourceTags",
    "kms:PutKeyPolicy",
    "kms:RevokeGrant",
    "kms:ScheduleKeyDeletion",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:UpdateAlias",
    "kms:UpdateKeyDescription",
];
const SIGN: &[&str] = &["kms:Sign"];
const SEE: &[&str] = &["kms:DescribeKey", "kms:GetPublicKey"];
/// What a plan reads is among it: IAM cannot give it where the key policy names nobody else.
const VERIFY: &[&str] = &[
    "kms:DescribeKey",
    "kms:GetKeyPolicy",
    "kms:GetPublicKey",
    "kms:ListGrants",
    "kms:ListResourceTags",
    "kms:Verify",
];
/// What the root user keeps, so that a key whose administrators are gone can be had back.
const RECOVER: &[&str] = &["kms:DescribeKey", "kms:PutKeyPolicy"];

impl KeyPolicy {
    /// The policy as one JSON document, of at most 32,768 bytes.
    ///
    /// # Errors
    /// [`PolicyError`] where it would be larger.
    pub fn render(&self) -> Result<String, PolicyError> {
        let statements = self.statements();
        let statements: Vec<_> = statements
            .into_iter()
            .map(|one| one.on(["*".to_owned()]).to_json())
            .collect();
        let document = format_document(&statements);
        if document.len() > KEY_POLICY_BYTES {
            return Err(PolicyError::TooLarge {
                bytes: document.len(),
                limit: KEY_POLICY_BYTES,
                parts: Vec::new(),
                logs: None,
            });
        }
        Ok(document)
    }

    fn statements(&self) -> Vec<Statement> {
        let mut found = vec![self.root()];
        found.extend(self.allow(
            "AuditlogAdminister",
            ADMINISTER,
            self.administrators.as_deref(),
        ));
        found.extend(self.allow("AuditlogVerify", VERIFY, self.verifiers.as_deref()));
        found.extend(self.allow("AuditlogSigner", SEE, self.signers.as_deref()));
        match self.state {
            KeyPolicyState::Signing => found.extend(self.signing()),
            KeyPolicyState::Retired => found.push(Statement::deny("AuditlogRetired", SIGN)),
        }
        found.push(Statement::deny("AuditlogGrant", &["kms:CreateGrant"]));
        found
    }

    fn signing(&self) -> Vec<Statement> {
        let algorithm = |statement: Statement, operator| {
            statement.when(operator, "kms:SigningAlgorithm", [self.algorithm.clone()])
        };
        let mut found: Vec<_> = self
            .allow("AuditlogSign", SIGN, self.signers.as_deref())
            .map(|allow| algorithm(allow, "StringEquals"))
            .into_iter()
            .collect();
        if let Some(signers) = &self.signers {
            found.push(super::access::all_but(
                Statement::deny("AuditlogOthers", SIGN),
                signers,
            ));
        }
        found.push(algorithm(
            Statement::deny("AuditlogAlgorithm", SIGN),
            "StringNotEquals",
        ));
        found
    }

    /// The root user alone: not the account, which the same ARN means where nothing narrows it.
    fn root(&self) -> Statement {
        let root = format!("arn:{}:iam::{}:root", self.partition, self.account);
        Statement::allow_accounts("AuditlogRoot", vec![self.account.clone()], RECOVER).when(
            "ArnEquals",
            "aws:PrincipalArn",
            [root],
        )
    }

    /// Allows what IAM allows too: to the principals, or to everybody of the account where nobody was stated.
    fn allow(
        &self,
        sid: &str,
        actions: &[&'static str],
        principals: Option<&[Principal]>,
    ) -> Option<Statement> {
        match principals {
            None => Some(Statement::allow_accounts(
                sid,
                vec![self.account.clone()],
                actions,
            )),
            Some([]) => None,
            Some(stated) => {
                let stated: BTreeSet<&Principal> = stated.iter().collect();
                Some(admit(sid.to_owned(), actions, &stated))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::aws::policy::samples::{ACCOUNT, role};

    fn policy() -> KeyPolicy {
        KeyPolicy {
            partition: "aws".to_owned(),
            account: ACCOUNT.to_owned(),
            signers: Some(vec![role("sealer")]),
            verifiers: Some(vec![role("auditor")]),
            administrators: Some(vec![role("terraform")]),
            algorithm: "ED25519_SHA_512".to_owned(),
            state: KeyPolicyState::Signing,
        }
    }

    fn statements(policy: &KeyPolicy) -> Vec<Value> {
        let document: Value = serde_json::from_str(&policy.render().unwrap()).unwrap();
        document["Statement"].as_array().unwrap().clone()
    }

    fn sids(policy: &KeyPolicy) -> Vec<String> {
        let sid = |one: &Value| one["Sid"].as_str().unwrap().to_owned();
        statements(policy).iter().map(sid).collect()
    }

    #[test]
    fn signing_is_allowed_to_the_account_narrowed_to_its_signers() {
        let found = statements(&policy());
        let sign = found
            .iter()
            .find(|one| one["Sid"] == "AuditlogSign")
            .unwrap();
        assert_eq!(
            *sign,
            json!({
                "Sid": "AuditlogSign",
                "Effect": "Allow",
                "Principal": { "AWS": ACCOUNT },
                "Action": "kms:Sign",
                "Resource": "*",
                "Condition": {
                    "ArnLike": { "aws:PrincipalArn": "arn:aws:iam::123456789012:role*/sealer" },
                    "StringEquals": { "kms:SigningAlgorithm": "ED25519_SHA_512" },
                },
            })
        );
    }

    #[test]
    fn retired_key_differs_in_signing_alone() {
        let mut retired = policy();
        retired.state = KeyPolicyState::Retired;
        let signing = ["AuditlogSign", "AuditlogOthers", "AuditlogAlgorithm"];
        let kept: Vec<_> = sids(&policy())
            .into_iter()
            .filter(|sid| !signing.contains(&sid.as_str()))
            .collect();
        let mut expected = sids(&retired);
        expected.retain(|sid| sid != "AuditlogRetired");
        assert_eq!(kept, expected);
    }

    #[test]
    fn nobody_signs_where_the_list_of_signers_is_empty() {
        let mut nobody = policy();
        nobody.signers = Some(Vec::new());
        let found = sids(&nobody);
        assert!(!found.contains(&"AuditlogSign".to_owned()), "{found:?}");
        assert!(found.contains(&"AuditlogOthers".to_owned()), "{found:?}");
    }

    #[test]
    fn principals_beyond_what_kms_accepts_are_refused() {
        let mut many = policy();
        many.signers = Some((0..400).map(|at| role(&format!("sealer-{at}"))).collect());
        let error = many.render().unwrap_err();
        assert!(
            error.to_string().ends_with("AWS accepts at most 32768"),
            "{error}"
        );
        assert!(
            error.hint().starts_with("Name fewer principals"),
            "{}",
            error.hint()
        );
    }
}
