//! One statement of a policy document, and how it is written.

use serde_json::{Map, Value, json};

/// The only version in which policies are written; an older one reads variables as text.
pub(super) const VERSION: &str = "2012-10-17";

/// Whether a statement has a name of ours. Nobody else may use one.
pub(super) fn is_own_name(sid: &str) -> bool {
    sid.starts_with("Auditlog") || matches!(sid, "DenyPlainText" | "DenyOldTls")
}

#[derive(Debug, Clone, Copy)]
enum Effect {
    Allow,
    Deny,
}

/// Whom a statement is about.
#[derive(Debug, Clone)]
enum Who {
    /// Everybody; only ever denied something.
    Everyone,
    /// Accounts, each as twelve digits; the conditions narrow it to principals.
    Accounts(Vec<String>),
    /// A service of AWS.
    Service(&'static str),
    /// The identity that the document belongs to.
    Bearer,
}

/// Where a statement holds, as ARNs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// In these.
    In(Vec<String>),
    /// Everywhere but in these; only ever denied something.
    Outside(Vec<String>),
}

/// One statement.
#[derive(Debug, Clone)]
pub(super) struct Statement {
    sid: String,
    effect: Effect,
    who: Who,
    actions: Vec<&'static str>,
    place: Place,
    conditions: Vec<(&'static str, &'static str, Vec<String>)>,
}

impl Statement {
    fn new(sid: impl Into<String>, effect: Effect, who: Who, actions: &[&'static str]) -> Self {
        Self {
            sid: sid.into(),
            effect,
            who,
            actions: actions.to_vec(),
            place: Place::In(Vec::new()),
            conditions: Vec::new(),
        }
    }

    /// A statement that denies the actions to everybody, as far as conditions do not narrow it.
    pub(super) fn deny(sid: impl Into<String>, actions: &[&'static str]) -> Self {
        Self::new(sid, Effect::Deny, Who::Everyone, actions)
    }

    /// A statement that lets the accounts allow the actions.
    pub(super) fn allow_accounts(
        sid: impl Into<String>,
        accounts: Vec<String>,
        actions: &[&'static str],
    ) -> Self {
        Self::new(sid, Effect::Allow, Who::Accounts(accounts), actions)
    }

    /// A statement that lets a service do something.
    pub(super) fn allow_service(
        sid: impl Into<String>,
        service: &'static str,
        actions: &[&'static str],
    ) -> Self {
        Self::new(sid, Effect::Allow, Who::Service(service), actions)
    }

    /// A statement of an identity's own policy.
    pub(super) fn allow_bearer(sid: impl Into<String>, actions: &[&'static str]) -> Self {
        Self::new(sid, Effect::Allow, Who::Bearer, actions)
    }

    /// What it is about.
    pub(super) fn on(self, resources: impl IntoIterator<Item = String>) -> Self {
        self.at(Place::In(resources.into_iter().collect()))
    }

    /// Where it holds.
    pub(super) fn at(mut self, place: Place) -> Self {
        self.place = place;
        self
    }

    /// A condition; all of a statement's must hold, each with any of its values.
    pub(super) fn when(
        mut self,
        operator: &'static str,
        key: &'static str,
        values: impl IntoIterator<Item = String>,
    ) -> Self {
        self.conditions
            .push((operator, key, values.into_iter().collect()));
        self
    }

    pub(super) fn to_json(&self) -> Value {
        let mut statement = Map::new();
        let mut set = |key: &str, value: Value| statement.insert(key.to_owned(), value);
        set("Sid", json!(self.sid));
        set(
            "Effect",
            json!(match self.effect {
                Effect::Allow => "Allow",
                Effect::Deny => "Deny",
            }),
        );
        match &self.who {
            Who::Everyone => drop(set("Principal", json!("*"))),
            Who::Accounts(accounts) => drop(set("Principal", json!({ "AWS": short(accounts) }))),
            Who::Bearer => {}
            Who::Service(service) => drop(set("Principal", json!({ "Service": service }))),
        }
        set("Action", short(&self.actions));
        match &self.place {
            Place::In(resources) => set("Resource", short(resources)),
            Place::Outside(resources) => set("NotResource", short(resources)),
        };
        if !self.conditions.is_empty() {
            set("Condition", self.conditions());
        }
        Value::Object(statement)
    }

    fn conditions(&self) -> Value {
        let mut operators: Map<String, Value> = Map::new();
        for (operator, key, values) in &self.conditions {
            let keys = operators.entry(*operator).or_insert_with(|| json!({}));
            if let Value::Object(keys) = keys {
                keys.insert((*key).to_owned(), short(values));
            }
        }
        Value::Object(operators)
    }
}

/// A list, or the one value in it: a policy has little room.
fn short<T: AsRef<str>>(values: &[T]) -> Value {
    match values {
        [single] => json!(single.as_ref()),
        many => many.iter().map(AsRef::as_ref).collect(),
    }
}

/// The document of these statements, without any space.
pub(super) fn format_document(statements: &[Value]) -> String {
    json!({ "Version": VERSION, "Statement": statements }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statement_is_written_as_aws_reads_it() {
        let statement = Statement::deny("One", &["s3:PutObject"])
            .on(["arn:aws:s3:::trail/*".to_owned()])
            .when(
                "ArnNotLike",
                "aws:PrincipalArn",
                ["a".to_owned(), "b".to_owned()],
            )
            .when("Null", "s3:if-none-match", ["true".to_owned()])
            .when("Null", "s3:object-lock-mode", ["false".to_owned()]);
        assert_eq!(
            statement.to_json(),
            json!({
                "Sid": "One",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:PutObject",
                "Resource": "arn:aws:s3:::trail/*",
                "Condition": {
                    "ArnNotLike": { "aws:PrincipalArn": ["a", "b"] },
                    "Null": { "s3:if-none-match": "true", "s3:object-lock-mode": "false" },
                },
            })
        );
    }
}
