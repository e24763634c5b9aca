//! The judge: `tests/iam/simulate.mjs`, and requests for it.

use std::collections::BTreeMap;

use auditlog_tests::{Command, iam, root};
use serde_json::{Value, json};

/// The account that owns the bucket and the key.
pub(super) const OWNER: &str = "111122223333";
/// An account that a log was opened to.
pub(super) const PARTNER: &str = "444455556666";
/// An account that nobody stated.
pub(super) const STRANGER: &str = "777788889999";

/// Whoever sends a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Caller {
    /// A session of a role, by account, path and name.
    Role(&'static str, &'static str, &'static str),
    /// A user, by account and name.
    User(&'static str, &'static str),
    /// The root user of an account.
    Root(&'static str),
    /// A service of AWS.
    Service(&'static str),
    /// Nobody: the request is not signed.
    Anonymous,
}

impl Caller {
    /// A role of the owner's account, without a path.
    pub(super) const fn own(name: &'static str) -> Self {
        Self::Role(OWNER, "", name)
    }

    fn principal(self) -> Option<String> {
        match self {
            Self::Role(account, _, name) => Some(format!(
                "arn:aws:sts::{account}:assumed-role/{name}/session"
            )),
            Self::User(..) | Self::Root(_) => self.arn(),
            Self::Service(name) => Some(name.to_owned()),
            Self::Anonymous => None,
        }
    }

    /// What `aws:PrincipalArn` is.
    fn arn(self) -> Option<String> {
        match self {
            Self::Role(account, path, name) => {
                Some(format!("arn:aws:iam::{account}:role/{path}{name}"))
            }
            Self::User(account, name) => Some(format!("arn:aws:iam::{account}:user/{name}")),
            Self::Root(account) => Some(format!("arn:aws:iam::{account}:root")),
            Self::Service(_) | Self::Anonymous => None,
        }
    }

    /// The root user has none, and may do everything in its account: here, a policy says so.
    fn has_policies(self) -> bool {
        matches!(self, Self::Role(..) | Self::User(..) | Self::Root(_))
    }
}

/// A request, allowed by all that its sender's own account says.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) caller: Caller,
    action: &'static str,
    resource: String,
    context: BTreeMap<&'static str, String>,
    identity: Value,
    owner: &'static str,
}

impl Request {
    pub(super) fn new(caller: Caller, action: &'static str, resource: impl Into<String>) -> Self {
        let mut context = BTreeMap::from([("aws:SecureTransport", "true".to_owned())]);
        if let Some(arn) = caller.arn() {
            context.insert("aws:PrincipalArn", arn);
        }
        if caller != Caller::Anonymous {
            let service = matches!(caller, Caller::Service(_));
            context.insert("aws:PrincipalIsAWSService", service.to_string());
        }
        if action.starts_with("s3:") {
            context.insert("s3:TlsVersion", "1.3".to_owned());
        }
        let everything = json!({ "Effect": "Allow", "Action": "*", "Resource": "*" });
        Self {
            caller,
            action,
            resource: resource.into(),
            context,
            identity: json!({ "Version": "2012-10-17", "Statement": [everything] }),
            owner: OWNER,
        }
    }

    /// The account that owns what the request is about.
    pub(super) fn owned_by(mut self, account: &'static str) -> Self {
        self.owner = account;
        self
    }

    /// Whether it is a call of this service.
    pub(super) fn is_of(&self, service: &str) -> bool {
        self.action.split(':').next() == Some(service)
    }

    /// Allowed by this policy of its sender's own alone.
    pub(super) fn by(mut self, identity: &Value) -> Self {
        self.identity = identity.clone();
        self
    }

    #[expect(
        clippy::needless_pass_by_value,
        reason = "a number or a text, as each test writes it"
    )]
    pub(super) fn with(mut self, key: &'static str, value: impl ToString) -> Self {
        self.context.insert(key, value.to_string());
        self
    }

    pub(super) fn without(mut self, key: &'static str) -> Self {
        assert!(self.context.remove(key).is_some(), "{key} was not there");
        self
    }

    fn json(&self, policy: &Value) -> Value {
        let identity = if self.caller.has_policies() {
            vec![&self.identity]
        } else {
            Vec::new()
        };
        json!({
            "policy": policy,
            "identity": identity,
            "principal": self.caller.principal(),
            "action": self.action,
            "resource": self.resource,
            "account": self.owner,
            "context": self.context,
        })
    }
}

/// What is expected of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    /// It is let in.
    Allowed,
    /// Nothing lets it in.
    NotAllowed,
    /// A statement of this name refuses it.
    DeniedBy(&'static str),
}

/// Judges each request by the policy, and fails with all of those that did not end as expected.
#[track_caller]
pub(super) fn check(policy: &str, cases: &[(Request, Expected)]) {
    let policy: Value = serde_json::from_str(policy).expect("a policy");
    let requests: Vec<_> = cases
        .iter()
        .map(|(request, _)| request.json(&policy))
        .collect();
    let verdicts = run(&[], &json!(requests));
    let verdicts = verdicts.as_array().expect("verdicts");
    assert_eq!(verdicts.len(), cases.len());
    let wrong: Vec<String> = cases
        .iter()
        .zip(verdicts)
        .filter(|((_, expected), verdict)| !is_as_expected(*expected, verdict))
        .map(|((request, expected), verdict)| format!("{expected:?}, but {verdict}: {request:?}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// A context key that was ignored would make a test that tests nothing.
fn is_as_expected(expected: Expected, verdict: &Value) -> bool {
    let named = |sid: &str| {
        let mut statements = verdict["statements"].as_array().into_iter().flatten();
        statements.any(|one| one == sid)
    };
    let result = &verdict["result"];
    verdict["ignored"] == json!([])
        && match expected {
            Expected::Allowed => result == "Allowed",
            Expected::NotAllowed => result == "ImplicitlyDenied",
            Expected::DeniedBy(sid) => result == "ExplicitlyDenied" && named(sid),
        }
}

/// The actions and condition keys of a policy that AWS does not know.
pub(super) fn unknown(policy: &str) -> Value {
    let policy: Value = serde_json::from_str(policy).expect("a policy");
    run(&["known"], &json!([policy]))[0].clone()
}

fn run(arguments: &[&str], input: &Value) -> Value {
    let judge = Command::new("node").install_with("is missing: sudo apt-get install nodejs npm");
    let judge = judge
        .arg(root().join("tests/iam/simulate.mjs"))
        .args(arguments);
    judge
        .current_dir(iam())
        .input(input.to_string())
        .run()
        .ok()
        .json()
}
