//! Statements that a person adds to the policy of an audit bucket.
//!
//! A deny of ours wins over every allow, so an addition cannot lift one. It can still weaken what the policy says where a list of
//! principals was left out, make the bucket public, or lock Terraform out. What is refused:
//!
//! - an allow to everybody, and one that says whom, what or where it does *not* allow, because nobody can see how far it goes
//! - an allow to write, replicate, unlock, hide or destroy segments, or to change the bucket's configuration
//! - a deny for everybody of the bucket's policy itself, without a condition
//! - a name of a statement that is ours or there twice
//! - anything that S3 would refuse or read otherwise: another bucket, another version, an unknown element
//! - delivery by AWS Config, which fails on a bucket with Object Lock

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::access::{CONFIGURATION, DESTRUCTION};
use super::error::ExtraError;
use super::model::BucketPolicy;
use super::pattern::{action_matches, may_match_below};
use super::principal::is_unique_id;
use super::resources::bucket_arn;
use super::statement::{VERSION, is_own_name};
use super::writes::{LOCK, REPLICATE};

const CONFIG: &str = "config.amazonaws.com";
const LEGAL_HOLD: &[&str] = &["s3:PutObjectLegalHold"];
/// Without these, Terraform can neither read nor repair the policy.
const POLICY: &[&str] = &[
    "s3:DeleteBucketPolicy",
    "s3:GetBucketPolicy",
    "s3:PutBucketPolicy",
];

const DOCUMENT: &[&str] = &["Id", "Statement", "Version"];
const STATEMENT: &[&str] = &[
    "Action",
    "Condition",
    "Effect",
    "NotAction",
    "NotPrincipal",
    "NotResource",
    "Principal",
    "Resource",
    "Sid",
];

/// The statements of `extra`, checked.
///
/// # Errors
/// [`ExtraError`] for a document that is not a policy, and for a statement that is refused.
pub(super) fn statements(policy: &BucketPolicy, extra: &str) -> Result<Vec<Value>, ExtraError> {
    let document = parse(extra)?;
    let mut names = BTreeSet::new();
    for (number, statement) in (1..).zip(&document) {
        let statement = Added::of(statement, number)?;
        statement.check_name(&mut names)?;
        statement.check_places(policy)?;
        match statement.text("Effect") {
            "Allow" => statement.check_allow(policy)?,
            "Deny" => statement.check_deny(policy)?,
            _ => return Err(statement.malformed("its Effect is neither Allow nor Deny")),
        }
    }
    Ok(document)
}

pub(super) fn parse(text: &str) -> Result<Vec<Value>, ExtraError> {
    let document: Value = serde_json::from_str(text).map_err(|error| ExtraError::NotJson {
        reason: error.to_string(),
    })?;
    let malformed = |reason: &str| ExtraError::NotAPolicy {
        reason: reason.to_owned(),
    };
    let Value::Object(mut members) = document else {
        return Err(malformed("it is not an object"));
    };
    if let Some(unknown) = members.keys().find(|key| !DOCUMENT.contains(&key.as_str())) {
        return Err(malformed(&format!(
            "{unknown:?} is not an element of a policy"
        )));
    }
    match members.get("Version").and_then(Value::as_str) {
        Some(VERSION) => {}
        _ => return Err(malformed(&format!("its Version is not {VERSION:?}"))),
    }
    match members.remove("Statement") {
        Some(Value::Array(statements)) => Ok(statements),
        Some(single @ Value::Object(_)) => Ok(vec![single]),
        _ => Err(malformed("it has no Statement")),
    }
}

/// A statement, and what a person calls it.
pub(super) struct Added<'a> {
    pub(super) name: String,
    pub(super) members: &'a Map<String, Value>,
}

impl<'a> Added<'a> {
    pub(super) fn of(statement: &'a Value, number: usize) -> Result<Self, ExtraError> {
        let Some(members) = statement.as_object() else {
            return Err(ExtraError::NotAPolicy {
                reason: format!("statement number {number} is not an object"),
            });
        };
        let sid = members
            .get("Sid")
            .and_then(Value::as_str)
            .filter(|sid| !sid.is_empty());
        let name = sid.map_or_else(|| format!("number {number}"), |sid| format!("{sid:?}"));
        let added = Self { name, members };
        let mut unknown = members
            .keys()
            .filter(|key| !STATEMENT.contains(&key.as_str()));
        match unknown.next() {
            Some(unknown) => {
                Err(added.malformed(&format!("{unknown:?} is not an element of a statement")))
            }
            None => Ok(added),
        }
    }

    fn malformed(&self, reason: &str) -> ExtraError {
        ExtraError::NotAPolicy {
            reason: format!("statement {}: {reason}", self.name),
        }
    }

    fn text(&self, element: &str) -> &str {
        self.members
            .get(element)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    fn has(&self, element: &str) -> bool {
        self.members.contains_key(element)
    }

    fn check_name(&self, names: &mut BTreeSet<&'a str>) -> Result<(), ExtraError> {
        let sid = self
            .members
            .get("Sid")
            .and_then(Value::as_str)
            .unwrap_or_default();
        if is_own_name(sid) || (!sid.is_empty() && !names.insert(sid)) {
            return Err(ExtraError::NameTaken {
                statement: self.name.clone(),
            });
        }
        Ok(())
    }

    /// S3 refuses a policy that speaks of anything but its bucket.
    fn check_places(&self, policy: &BucketPolicy) -> Result<(), ExtraError> {
        let bucket = bucket_arn(&policy.partition, &policy.bucket);
        let within = |resource: &&str| {
            resource
                .strip_prefix(&bucket)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let places = self
            .values("Resource")
            .into_iter()
            .chain(self.values("NotResource"));
        match places.into_iter().find(|place| !within(place)) {
            Some(resource) => Err(ExtraError::OtherBucket {
                statement: self.name.clone(),
                resource: resource.to_owned(),
            }),
            None => Ok(()),
        }
    }

    fn check_allow(&self, policy: &BucketPolicy) -> Result<(), ExtraError> {
        let unbounded = ["NotPrincipal", "NotAction", "NotResource"];
        if let Some(element) = unbounded.into_iter().find(|element| self.has(element)) {
            return Err(ExtraError::Unbounded {
                statement: self.name.clone(),
                element,
            });
        }
        let principals = self.principals();
        if principals.contains(&"*") {
            return Err(ExtraError::Public {
                statement: self.name.clone(),
            });
        }
        if let Some(id) = principals.iter().find(|principal| is_unique_id(principal)) {
            return Err(ExtraError::DeletedPrincipal {
                statement: self.name.clone(),
                id: (*id).to_owned(),
            });
        }
        if principals.contains(&CONFIG) && self.acts(&["s3:PutObject"]).is_some() {
            return Err(ExtraError::ConfigDelivery {
                statement: self.name.clone(),
            });
        }
        match self.protected(policy) {
            Some(action) => Err(ExtraError::Protected {
                statement: self.name.clone(),
                action,
            }),
            None => Ok(()),
        }
    }

    /// The first action that the policy protects, and that this statement allows where it protects it.
    fn protected(&self, policy: &BucketPolicy) -> Option<&'static str> {
        let bucket = bucket_arn(&policy.partition, &policy.bucket);
        let places = self.values("Resource");
        let on_bucket = places.contains(&bucket.as_str());
        let prefixes = policy
            .logs
            .iter()
            .map(|log| format!("{bucket}/{}/", log.prefix));
        let mut on_logs =
            prefixes.filter(|prefix| places.iter().any(|place| may_match_below(place, prefix)));
        let on_logs = on_logs.next().is_some();
        let object = [LOCK, DESTRUCTION, REPLICATE, LEGAL_HOLD];
        let object = object.into_iter().filter(|_| on_logs);
        let whole = [CONFIGURATION].into_iter().filter(|_| on_bucket);
        whole.chain(object).find_map(|actions| self.acts(actions))
    }

    fn check_deny(&self, policy: &BucketPolicy) -> Result<(), ExtraError> {
        let bucket = bucket_arn(&policy.partition, &policy.bucket);
        let everybody = self.is_for_everybody(policy) && !self.has("Condition");
        if everybody && self.denies_policy(&bucket) {
            return Err(ExtraError::LocksOut {
                statement: self.name.clone(),
            });
        }
        Ok(())
    }

    /// Whether it denies reading or changing the policy of the bucket with this ARN, to whomever.
    pub(super) fn denies_policy(&self, bucket: &str) -> bool {
        let mut places = self.values("Resource").into_iter();
        let on_bucket = self.has("NotResource") || places.any(|place| place == bucket);
        let on_policy = self.has("NotAction") || self.acts(POLICY).is_some();
        self.text("Effect") == "Deny" && on_bucket && on_policy
    }

    /// In a deny, an account means all its principals, and all but some may leave out Terraform's role.
    fn is_for_everybody(&self, policy: &BucketPolicy) -> bool {
        let root = format!("arn:{}:iam::{}:root", policy.partition, policy.account);
        let all = ["*", policy.account.as_str(), root.as_str()];
        let named = self.principals();
        self.has("NotPrincipal") || all.iter().any(|one| named.contains(one))
    }

    fn acts(&self, actions: &[&'static str]) -> Option<&'static str> {
        let patterns = self.values("Action");
        let named = |action: &&&str| {
            patterns
                .iter()
                .any(|pattern| action_matches(pattern, action))
        };
        actions.iter().find(named).copied()
    }

    pub(super) fn principals(&self) -> Vec<&str> {
        match self.members.get("Principal") {
            Some(Value::Object(kinds)) => kinds.values().flat_map(values).collect(),
            Some(other) => values(other),
            None => Vec::new(),
        }
    }

    fn values(&self, element: &str) -> Vec<&str> {
        self.members.get(element).map(values).unwrap_or_default()
    }
}

pub(super) fn values(value: &Value) -> Vec<&str> {
    let values = value
        .as_array()
        .map_or(std::slice::from_ref(value), Vec::as_slice);
    values.iter().filter_map(Value::as_str).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::policy::samples::policy_of;

    fn refusal(statement: &str) -> String {
        let extra = format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#);
        let refused = statements(&policy_of(&["logs/payments"]), &extra);
        refused.map_or_else(|error| error.to_string(), |_| "accepted".to_owned())
    }

    const PARTNER: &str = r#""Principal":{"AWS":"arn:aws:iam::210987654321:role/partner"}"#;

    #[test]
    fn reading_by_a_named_principal_is_accepted() {
        for statement in [
            format!(r#"{{"Effect":"Allow",{PARTNER},"Action":"s3:GetObject","Resource":"arn:aws:s3:::trail/logs/*"}}"#),
            format!(r#"{{"Effect":"Allow",{PARTNER},"Action":"s3:PutObject","Resource":"arn:aws:s3:::trail/archive/*"}}"#),
            r#"{"Sid":"Vpc","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::trail/*","Condition":{"StringNotEquals":{"aws:SourceVpce":"vpce-1"}}}"#.to_owned(),
            r#"{"Effect":"Deny","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::trail/archive/*"}"#.to_owned(),
        ] {
            assert_eq!(refusal(&statement), "accepted", "{statement}");
        }
    }

    #[test]
    fn allow_of_what_the_policy_protects_is_refused() {
        for (action, place, found) in [
            ("s3:PutObject", "trail/logs/payments/*", "s3:PutObject"),
            ("s3:Put*", "trail/*", "s3:PutObject"),
            ("S3:deleteobject", "trail/logs/*", "s3:DeleteObject"),
            ("s3:*", "trail/*", "s3:PutObject"),
            (
                "s3:PutObjectLegalHold",
                "trail/logs/payments/000000000000.jsonl.zst",
                "s3:PutObjectLegalHold",
            ),
            ("s3:ReplicateObject", "trail/*", "s3:ReplicateObject"),
            ("s3:PutBucketPolicy", "trail", "s3:PutBucketPolicy"),
            ("s3:PutLifecycle*", "trail", "s3:PutLifecycleConfiguration"),
        ] {
            let statement = format!(
                r#"{{"Sid":"X","Effect":"Allow",{PARTNER},"Action":["s3:ListBucket","{action}"],"Resource":"arn:aws:s3:::{place}"}}"#
            );
            assert_eq!(
                refusal(&statement),
                format!("the statement \"X\" allows {found}, which the policy protects")
            );
        }
    }

    #[test]
    fn allow_to_everybody_is_refused() {
        for principal in [
            r#""*""#,
            r#"{"AWS":"*"}"#,
            r#"{"AWS":["123456789012","*"]}"#,
        ] {
            let statement = format!(
                r#"{{"Effect":"Allow","Principal":{principal},"Action":"s3:GetObject","Resource":"arn:aws:s3:::trail/*","Condition":{{"IpAddress":{{"aws:SourceIp":"192.0.2.0/24"}}}}}}"#
            );
            assert_eq!(
                refusal(&statement),
                "the statement number 1 allows something to everybody"
            );
        }
    }

    #[test]
    fn allow_without_an_end_is_refused() {
        for (element, members) in [
            ("NotPrincipal", r#""NotPrincipal":{"AWS":"123456789012"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::trail/*""#.to_owned()),
            ("NotAction", format!(r#"{PARTNER},"NotAction":"s3:PutObject","Resource":"arn:aws:s3:::trail/*""#)),
            ("NotResource", format!(r#"{PARTNER},"Action":"s3:GetObject","NotResource":"arn:aws:s3:::trail/*""#)),
        ] {
            assert_eq!(
                refusal(&format!(r#"{{"Effect":"Allow",{members}}}"#)),
                format!("the statement number 1 allows something by {element}")
            );
        }
    }

    #[test]
    fn deny_that_locks_everybody_out_is_refused() {
        for members in [
            r#""Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::trail""#,
            r#""Principal":{"AWS":"*"},"Action":["s3:PutBucketPolicy"],"Resource":["arn:aws:s3:::trail"]"#,
            r#""Principal":{"AWS":"123456789012"},"Action":"s3:*","Resource":"arn:aws:s3:::trail""#,
            r#""Principal":{"AWS":["arn:aws:iam::123456789012:root"]},"Action":"s3:*","Resource":"arn:aws:s3:::trail""#,
            r#""NotPrincipal":{"AWS":"arn:aws:iam::123456789012:role/x"},"Action":"s3:*","Resource":"arn:aws:s3:::trail""#,
            r#""Principal":"*","NotAction":"s3:GetObject","NotResource":"arn:aws:s3:::trail/logs/*""#,
        ] {
            assert_eq!(
                refusal(&format!(r#"{{"Effect":"Deny",{members}}}"#)),
                "the statement number 1 denies everybody the bucket's policy"
            );
        }
    }

    #[test]
    fn delivery_by_aws_config_is_refused() {
        assert_eq!(
            refusal(
                r#"{"Sid":"Config","Effect":"Allow","Principal":{"Service":"config.amazonaws.com"},"Action":"s3:PutObject","Resource":"arn:aws:s3:::trail/archive/*"}"#
            ),
            "the statement \"Config\" lets AWS Config deliver, which fails on a bucket with Object Lock"
        );
    }

    #[test]
    fn names_of_ours_and_repeated_ones_are_refused() {
        let deny = |sid: &str| {
            format!(
                r#"{{"Sid":"{sid}","Effect":"Deny","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::trail/x"}}"#
            )
        };
        for sid in ["AuditlogRead", "DenyOldTls"] {
            assert_eq!(
                refusal(&deny(sid)),
                format!("the name {sid:?} of a statement is taken")
            );
        }
        assert_eq!(
            refusal(&format!("{},{}", deny("A"), deny("A"))),
            "the name \"A\" of a statement is taken"
        );
    }

    #[test]
    fn what_s3_refuses_or_reads_otherwise_is_refused() {
        for (statement, expected) in [
            (
                r#"{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::other/*"}"#,
                "the statement number 1 is about \"arn:aws:s3:::other/*\", which is not in the bucket",
            ),
            (
                r#"{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::trailer"}"#,
                "the statement number 1 is about \"arn:aws:s3:::trailer\", which is not in the bucket",
            ),
            (
                r#"{"Effect":"deny"}"#,
                "not a policy: statement number 1: its Effect is neither Allow nor Deny",
            ),
            (
                r#"{"Effect":"Deny","Actions":"x"}"#,
                "not a policy: statement number 1: \"Actions\" is not an element of a statement",
            ),
            (
                r#"{"Effect":"Allow","Principal":{"AWS":"AROAIDPPEZS35WEXAMPLE"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::trail/*"}"#,
                "the statement number 1 names \"AROAIDPPEZS35WEXAMPLE\", the id of a principal that may have been deleted",
            ),
            ("3", "not a policy: statement number 1 is not an object"),
        ] {
            assert_eq!(refusal(statement), expected);
        }
        let whole = |extra: &str| {
            statements(&policy_of(&["a"]), extra)
                .unwrap_err()
                .to_string()
        };
        assert_eq!(whole("[]"), "not a policy: it is not an object");
        assert_eq!(
            whole(r#"{"Statement":[]}"#),
            "not a policy: its Version is not \"2012-10-17\""
        );
        assert_eq!(
            whole(r#"{"Version":"2012-10-17"}"#),
            "not a policy: it has no Statement"
        );
        assert_eq!(
            whole(r#"{"Version":"2012-10-17","Rules":1}"#),
            "not a policy: \"Rules\" is not an element of a policy"
        );
        assert!(whole("{").starts_with("not JSON: "));
    }
}
