//! Whether added statements deny a caller the bucket's policy, so that it could not repair it any more.
//!
//! A statement that is about others, or whose condition compares anything but `aws:PrincipalArn`, does not count: it may be meant for another network
//! or another time.

use serde_json::Value;

use super::extra::{Added, parse, values};
use super::pattern::matches;
use super::principal::Principal;
use super::resources::bucket_arn;

const PRINCIPAL_ARN: &str = "aws:PrincipalArn";
const IS_ONE_OF: &[&str] = &["ArnEquals", "ArnLike", "StringEquals", "StringLike"];
const IS_NONE_OF: &[&str] = &[
    "ArnNotEquals",
    "ArnNotLike",
    "StringNotEquals",
    "StringNotLike",
];

/// The first statement of `extra` that denies the caller the policy of a bucket, by its Sid or its number. What cannot be read
/// has errors of its own.
pub fn denies_caller(extra: &str, bucket: &str, caller_arn: &str) -> Option<String> {
    let caller = Caller {
        arn: caller_arn,
        principal: Principal::of_caller(caller_arn)?,
    };
    let bucket = bucket_arn(caller.principal.partition(), bucket);
    let document = parse(extra).ok()?;
    let added = (1..).zip(&document);
    let mut added = added.filter_map(|(number, one)| Added::of(one, number).ok());
    let found = added.find(|one| one.denies_policy(&bucket) && caller.is_meant(one));
    found.map(|one| one.name)
}

struct Caller<'a> {
    /// Of the user, or of the session.
    arn: &'a str,
    principal: Principal,
}

impl Caller<'_> {
    fn is_meant(&self, statement: &Added<'_>) -> bool {
        let named = statement.principals();
        let by_name = named.iter().any(|one| self.is_named(one));
        by_name
            && statement
                .members
                .get("Condition")
                .is_none_or(|all| self.meets(all))
    }

    /// In a deny, an account means all its principals.
    fn is_named(&self, principal: &str) -> bool {
        let (partition, account) = (self.principal.partition(), self.principal.account());
        let root = format!("arn:{partition}:iam::{account}:root");
        ["*", account, &root, self.arn].contains(&principal) || self.is_same(principal)
    }

    fn is_same(&self, arn: &str) -> bool {
        Principal::parse(arn).is_ok_and(|one| one == self.principal)
    }

    fn meets(&self, condition: &Value) -> bool {
        let mut operators = condition.as_object().into_iter().flatten();
        operators.all(|(operator, keys)| {
            let mut keys = keys.as_object().into_iter().flatten();
            keys.all(|(key, found)| self.compares(operator, key, &values(found)))
        })
    }

    /// The path of a role is not known, so that a name counts under any path.
    fn compares(&self, operator: &str, key: &str, patterns: &[&str]) -> bool {
        let operator = operator.strip_suffix("IfExists").unwrap_or(operator);
        let name = self.principal.to_string();
        let is_listed = patterns
            .iter()
            .any(|one| matches(one.as_bytes(), name.as_bytes()) || self.is_same(one));
        let is_met = (IS_ONE_OF.contains(&operator) && is_listed)
            || (IS_NONE_OF.contains(&operator) && !is_listed);
        key.eq_ignore_ascii_case(PRINCIPAL_ARN) && is_met
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SESSION: &str = "arn:aws:sts::123456789012:assumed-role/terraform/run-1";
    const ROLE: &str = "arn:aws:iam::123456789012:role/ci/terraform";

    fn denied(members: &str) -> bool {
        let statement = format!(r#"{{"Sid":"X","Effect":"Deny",{members}}}"#);
        let extra = format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#);
        let found = denies_caller(&extra, "trail", SESSION);
        assert!(found.is_none() || found.as_deref() == Some("\"X\""));
        found.is_some()
    }

    fn policy_of(principal: &str, condition: &str) -> bool {
        denied(&format!(
            r#""Principal":{{"AWS":[{principal:?}]}},"Action":"s3:PutBucketPolicy","Resource":"arn:aws:s3:::trail"{condition}"#
        ))
    }

    #[test]
    fn deny_that_names_the_caller_counts_whatever_it_calls_it() {
        for principal in [
            ROLE,
            SESSION,
            "arn:aws:iam::123456789012:role/terraform",
            "arn:aws:iam::123456789012:root",
            "123456789012",
            "*",
        ] {
            assert!(policy_of(principal, ""), "{principal}");
        }
        for principal in [
            "arn:aws:iam::123456789012:role/terraform-plan",
            "arn:aws:iam::123456789012:user/terraform",
            "arn:aws:iam::210987654321:role/terraform",
        ] {
            assert!(!policy_of(principal, ""), "{principal}");
        }
    }

    #[test]
    fn condition_on_the_principal_is_read_and_any_other_is_not() {
        let when = |condition: &str| policy_of("*", &format!(r#","Condition":{{{condition}}}"#));
        for condition in [
            r#""ArnLike":{"aws:PrincipalArn":"arn:aws:iam::123456789012:role/*terraform"}"#,
            r#""StringEquals":{"aws:principalarn":["x","arn:aws:iam::123456789012:role/ci/terraform"]}"#,
            r#""ArnNotLikeIfExists":{"aws:PrincipalArn":"arn:aws:iam::123456789012:role/other"}"#,
        ] {
            assert!(when(condition), "{condition}");
        }
        for condition in [
            r#""ArnLike":{"aws:PrincipalArn":"arn:aws:iam::123456789012:role/other"}"#,
            r#""ArnNotEquals":{"aws:PrincipalArn":"arn:aws:iam::123456789012:role/terraform"}"#,
            r#""StringNotEquals":{"aws:SourceVpce":"vpce-1"}"#,
            r#""ArnLike":{"aws:PrincipalArn":"*"},"Bool":{"aws:ViaAWSService":"false"}"#,
        ] {
            assert!(!when(condition), "{condition}");
        }
    }

    #[test]
    fn deny_of_anything_else_and_what_allows_do_not_count() {
        for rest in [
            r#""Action":"s3:PutObject","Resource":"arn:aws:s3:::trail""#,
            r#""Action":"s3:*","Resource":"arn:aws:s3:::trail/*""#,
        ] {
            assert!(
                !denied(&format!(r#""Principal":{{"AWS":{ROLE:?}}},{rest}"#)),
                "{rest}"
            );
        }
        let extra = format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":{{"AWS":{ROLE:?}}},"Action":"s3:*","Resource":"arn:aws:s3:::trail"}}}}"#
        );
        assert_eq!(denies_caller(&extra, "trail", SESSION), None);
        assert_eq!(denies_caller("x", "trail", SESSION), None);
    }
}
