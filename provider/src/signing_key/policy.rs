//! The key policy of each version.

use std::collections::BTreeSet;

use auditlog_chain::keys::KeySpec;
use tf_provider::{AttributePath, Diagnostic, Result};

use crate::aws::{KeyPolicy, KeyPolicyState, Principal, Signing};
use crate::lockout::Lockout;

/// Who may do what with a key, as stated.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Access<'a> {
    pub(crate) signers: Option<&'a BTreeSet<String>>,
    pub(crate) verifiers: Option<&'a BTreeSet<String>>,
    pub(crate) administrators: Option<&'a BTreeSet<String>>,
}

impl Access<'_> {
    /// Why the caller could not change a key any more under its policy; nothing where it could.
    ///
    /// # Errors
    /// A principal that a policy cannot recognise.
    pub(crate) fn locked_out(&self, caller: Option<&str>) -> Result<Option<Lockout>> {
        let stated = principals(None, "administrators", self.administrators)?;
        Ok(Lockout::by_administrators("key", stated.as_deref(), caller))
    }

    /// The policy of a key in this account.
    ///
    /// # Errors
    /// A principal that a policy cannot recognise, or more of them than fit.
    pub(crate) fn render(
        &self,
        (partition, account): (&str, &str),
        spec: KeySpec,
        signing: Signing,
    ) -> Result<String> {
        let policy = KeyPolicy {
            partition: partition.to_owned(),
            account: account.to_owned(),
            signers: principals(Some(partition), "signers", self.signers)?,
            verifiers: principals(Some(partition), "verifiers", self.verifiers)?,
            administrators: principals(Some(partition), "administrators", self.administrators)?,
            algorithm: algorithm(spec).to_owned(),
            state: match signing {
                Signing::Allowed => KeyPolicyState::Signing,
                Signing::Denied => KeyPolicyState::Retired,
            },
        };
        policy.render().map_err(|error| {
            let detail = format!(
                "The key policy cannot be made: {error}.\n\n{}",
                error.hint()
            );
            Diagnostic::error("Impossible key policy", detail)
                .at(self.longest())
                .into()
        })
    }

    /// The argument that takes most room.
    fn longest(&self) -> &'static str {
        let lists = [
            ("signers", self.signers),
            ("verifiers", self.verifiers),
            ("administrators", self.administrators),
        ];
        let bytes = |list: &BTreeSet<String>| list.iter().map(String::len).sum::<usize>();
        let longest = lists
            .into_iter()
            .rev()
            .max_by_key(|(_, list)| list.map_or(0, bytes));
        longest.map_or("signers", |(argument, _)| argument)
    }
}

/// Partition and account that an ARN names.
pub(crate) fn place_of(arn: &str) -> Option<(&str, &str)> {
    let mut parts = arn.split(':');
    let (partition, account) = (parts.nth(1)?, parts.nth(2)?);
    (!account.is_empty()).then_some((partition, account))
}

fn principals(
    partition: Option<&str>,
    argument: &'static str,
    stated: Option<&BTreeSet<String>>,
) -> Result<Option<Vec<Principal>>> {
    let parse = |arn: &String| match partition {
        Some(partition) => Principal::parse_in(partition, arn),
        None => Principal::parse(arn),
    };
    let parsed = stated.map(|list| list.iter().map(parse).collect());
    parsed.transpose().map_err(|error| {
        let detail = format!("{error}.\n\n{}", error.hint());
        let path = AttributePath::from(argument);
        Diagnostic::error(format!("Invalid value for {path}"), detail)
            .at(path)
            .into()
    })
}

/// The one algorithm that the sealer signs with, as KMS names it.
const fn algorithm(spec: KeySpec) -> &'static str {
    match spec {
        KeySpec::EccNistEdwards25519 => "ED25519_SHA_512",
        KeySpec::EccNistP256 => "ECDSA_SHA_256",
        KeySpec::EccNistP384 => "ECDSA_SHA_384",
        KeySpec::Rsa2048 | KeySpec::Rsa3072 | KeySpec::Rsa4096 => "RSASSA_PKCS1_V1_5_SHA_256",
        KeySpec::MlDsa44 | KeySpec::MlDsa65 | KeySpec::MlDsa87 => "ML_DSA_SHAKE_256",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn place_is_what_the_arn_names() {
        let arn = "arn:aws-cn:kms:cn-north-1:123456789012:key/1";
        assert_eq!(place_of(arn), Some(("aws-cn", "123456789012")));
        assert_eq!(place_of("1234"), None);
    }

    #[test]
    fn retired_key_has_a_policy_that_lets_nobody_sign() {
        let signers = ["arn:aws:iam::123456789012:role/sealer".to_owned()].into();
        let access = Access {
            signers: Some(&signers),
            ..Access::default()
        };
        let render = |signing| {
            let place = ("aws", "123456789012");
            access.render(place, KeySpec::EccNistP256, signing).unwrap()
        };
        let (signing, retired) = (render(Signing::Allowed), render(Signing::Denied));
        assert!(signing.contains("ECDSA_SHA_256"), "{signing}");
        assert!(retired.contains("AuditlogRetired"), "{retired}");
    }
}
