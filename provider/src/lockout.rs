//! A policy that would lock out the caller who puts it.

use tf_provider::Diagnostic;

use crate::aws::{Principal, admits, denies_caller};

/// That the caller could not change something any more, or may not be able to because nobody knows who it is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Lockout {
    argument: &'static str,
    detail: String,
}

impl Lockout {
    /// Whether a policy for these administrators lets the caller change `what`; nothing where it does, or where nobody is stated.
    pub(crate) fn by_administrators(
        what: &str,
        administrators: Option<&[Principal]>,
        caller: Option<&str>,
    ) -> Option<Self> {
        let detail = left_out(what, administrators?, caller)?;
        let argument = "administrators";
        Some(Self { argument, detail })
    }

    /// Whether statements that are added to a bucket's policy deny the caller that policy.
    pub(crate) fn by_statements(extra: &str, bucket: &str, caller: &str) -> Option<Self> {
        let statement = denies_caller(extra, bucket, caller)?;
        let detail = format!(
            "Terraform runs as {caller}, and the statement {statement} denies it the bucket's policy. With this policy it could not change \
             the bucket any more, and only the account's root user could repair it. Leave this caller out of the statement, or leave out \
             s3:GetBucketPolicy, s3:PutBucketPolicy and s3:DeleteBucketPolicy."
        );
        let argument = "extra_policy_json";
        Some(Self { argument, detail })
    }

    /// The error of an apply.
    pub(crate) fn refused(self) -> Diagnostic {
        Diagnostic::error("Terraform would lock itself out", self.detail).at(self.argument)
    }

    /// The warning of a plan: plans run under roles that may only read, so that the apply alone refuses.
    pub(crate) fn announced(self) -> Diagnostic {
        Diagnostic::warning("An apply by this caller will be refused", self.detail)
            .at(self.argument)
    }
}

fn left_out(what: &str, stated: &[Principal], caller: Option<&str>) -> Option<String> {
    let Some(caller) = caller else {
        return Some(format!(
            "The provider does not know as whom Terraform runs, so it cannot check that the caller is among `administrators`. If it were \
             not, it could not change the {what} any more, and only the account's root user could repair it. Remove \
             `skip_requesting_account_id` and `skip_credentials_validation` from the provider block, so that the provider asks STS, or \
             leave `administrators` out."
        ));
    };
    let role =
        Principal::of_caller(caller).map_or_else(|| caller.to_owned(), |role| role.to_string());
    (!admits(stated, caller)).then(|| {
        format!(
            "Terraform runs as {caller}, which is not among `administrators`. With this policy it could not change the {what} any more, \
             and only the account's root user could repair it. Add {role:?}, or run Terraform as one of them."
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SESSION: &str = "arn:aws:sts::123456789012:assumed-role/terraform/session";

    fn found(administrators: Option<&[&str]>, caller: Option<&str>) -> Option<String> {
        let parse = |arn: &&str| Principal::parse(arn).unwrap();
        let parsed: Option<Vec<_>> = administrators.map(|list| list.iter().map(parse).collect());
        let found = Lockout::by_administrators("key", parsed.as_deref(), caller);
        found.map(|found| found.detail)
    }

    #[test]
    fn caller_outside_of_the_stated_administrators_is_locked_out() {
        let text = found(Some(&[]), Some(SESSION)).unwrap();
        assert!(text.contains("change the key any more"), "{text}");
        let role = "arn:aws:iam::123456789012:role/terraform";
        assert!(text.contains(&format!("Add {role:?}")), "{text}");
        assert_eq!(found(Some(&[role]), Some(SESSION)), None);
    }

    #[test]
    fn nobody_is_locked_out_where_nobody_is_stated() {
        assert_eq!(found(None, Some(SESSION)), None);
        assert_eq!(found(None, None), None);
    }

    #[test]
    fn caller_who_is_not_known_may_be_locked_out() {
        let text = found(Some(&["arn:aws:iam::123456789012:role/terraform"]), None).unwrap();
        assert!(
            text.starts_with("The provider does not know as whom Terraform runs"),
            "{text}"
        );
        assert!(text.contains("change the key any more"), "{text}");
    }
}
