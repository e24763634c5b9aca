//! What no plan may take away: a bucket that holds anything, logs whose segments are there, and the keys
//! that may have signed them.
//!
//! The plan looks, which changes nothing. What cannot be looked at counts as there, and the refusal says so.

use tf_provider::{Context, Diagnostic, Diagnostics, Object, Plan, Result, Value};

use super::destroy::{EMPTY, FORGET};
use super::ended::{self, Compared};
use super::losses::{losses, resurrected};
use super::path::path_of;
use crate::account::Account;
use crate::aws::{Clients, Leaves, holds_versions, obstacle_to_create};
use crate::diagnostic::nested;
use crate::error::Error;

/// Refuses a plan that takes away what is there.
///
/// # Errors
/// The bucket or the log, at the attribute, with what to do.
pub(super) async fn check(cx: &Context<Account>, plan: &Plan, clients: &Clients) -> Result {
    let Some(prior) = &plan.prior else {
        return check_create(cx, plan, clients).await;
    };
    let Value::String(bucket) = prior.value("bucket") else {
        return Ok(());
    };
    if let Some(name) = replaced_by(prior, &plan.planned) {
        return check_replacement(clients, bucket, name).await;
    }
    check_logs(cx, (prior, &plan.planned), (clients, bucket)).await
}

/// A `-replace` looks like a create to a provider. Where the bucket is there and a destroy would leave it, neither can succeed.
///
/// The create looks again. So a look that fails is a warning, and does not keep the plan waiting.
async fn check_create(cx: &Context<Account>, plan: &Plan, clients: &Clients) -> Result {
    let (name, on_destroy) = (
        plan.planned.value("bucket"),
        plan.planned.value("on_destroy"),
    );
    let leaves = match on_destroy.as_str() {
        Some(EMPTY) | None => return Ok(()),
        Some(FORGET) => Leaves::Everything,
        Some(_) => Leaves::WhatIsHeld,
    };
    let Some(name) = name.as_str() else {
        return Ok(());
    };
    let error = match obstacle_to_create(&clients.hasty(), name, leaves).await {
        Ok(None) => return Ok(()),
        Ok(Some(error)) => error,
        Err(error) => {
            cx.warn(not_looked(&error));
            return Ok(());
        }
    };
    let mut refused = error.diagnostic("The bucket exists already", "bucket");
    let detail = format!(
        "A bucket of this name cannot be created. A replacement (`-replace`, or `terraform taint`) would fail after its first half, \
         because `on_destroy` leaves the bucket in place: plan without it.\n\n{}",
        refused.detail
    );
    refused.detail = detail;
    Err(refused.into())
}

fn not_looked(error: &Error) -> Diagnostic {
    let detail = format!(
        "Whether a bucket of this name exists is not known. The apply looks again before it creates one.\n\n{}",
        error.diagnostic("", "bucket").detail
    );
    Diagnostic::warning("The name of the bucket was not checked", detail).at("bucket")
}

/// What is checked of logs, and once more before a write: the plan may not have known the values.
///
/// # Errors
/// As [`check`].
pub(super) async fn check_logs(
    cx: &Context<Account>,
    (prior, planned): (&Object, &Object),
    (clients, bucket): (&Clients, &str),
) -> Result {
    let mut found = Diagnostics::new();
    for loss in losses(prior, planned) {
        let look = look(clients, bucket, &loss.prefix).await;
        found.extend(look.why(&loss.prefix).map(|why| loss.refusal(&why)));
    }
    for (name, log) in resurrected(prior, planned) {
        let compared = match log {
            Some(log) => ended::compare(clients, bucket, log).await,
            None => Compared::Agrees,
        };
        match compared {
            Compared::Differs(_) => cx.warn(taken_back(&name)),
            Compared::Agrees | Compared::Unreadable(_) => found.push(goes_on(&name)),
        }
    }
    if found.is_empty() { Ok(()) } else { Err(found) }
}

/// An end that was declared stays: the verifier has judged by it.
fn goes_on(name: &str) -> Diagnostic {
    let detail = "The end of a log cannot be taken back. Add another log under another name, and name it as the successor. To correct a \
                  value of the end, change it in place.";
    let path = path_of(name).attribute("ended");
    nested("An ended log does not go on", detail, &path)
}

fn taken_back(name: &str) -> Diagnostic {
    let path = path_of(name).attribute("ended");
    let detail = format!(
        "At {path}: The declared end is not the one of a segment in the bucket, so it never was an end. The log goes on."
    );
    Diagnostic::warning("The declared end of a log is taken back", detail).at("logs")
}

/// What is under a prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Look {
    Empty,
    Holds,
    /// It cannot be listed, for this reason.
    Unknown(String),
}

impl Look {
    /// Why nothing may be taken away; nothing if it may.
    fn why(&self, prefix: &str) -> Option<String> {
        match self {
            Self::Empty => None,
            Self::Holds => Some(format!("There are objects under {prefix:?}")),
            Self::Unknown(error) => Some(format!(
                "Whether there are objects under {prefix:?} is not known, because they could not be listed: {error}"
            )),
        }
    }
}

async fn look(clients: &Clients, bucket: &str, prefix: &str) -> Look {
    match holds_versions(clients, bucket, prefix).await {
        Ok(true) => Look::Holds,
        Ok(false) => Look::Empty,
        Err(error) if error.code() == Some("NoSuchBucket") => Look::Empty,
        Err(error) => Look::Unknown(error.to_string()),
    }
}

/// The attribute whose change makes another bucket.
fn replaced_by(prior: &Object, planned: &Object) -> Option<&'static str> {
    let changed = |name: &&str| {
        let (before, after) = (prior.value(name), planned.value(name));
        !before.is_null() && before != after
    };
    let found = ["bucket", "region"].into_iter().find(changed)?;
    let prefixed = found == "bucket" && !planned.value("bucket_prefix").is_null();
    Some(if prefixed { "bucket_prefix" } else { found })
}

async fn check_replacement(clients: &Clients, bucket: &str, attribute: &str) -> Result {
    let (summary, why) = match look(clients, bucket, "").await {
        Look::Empty => return Ok(()),
        Look::Holds => (
            "A bucket that holds anything is not replaced",
            format!("The bucket {bucket:?} holds object versions or delete markers."),
        ),
        Look::Unknown(error) => (
            "A bucket that cannot be listed is not replaced",
            format!(
                "Whether the bucket {bucket:?} is empty is not known: {error}. Plan with the permission s3:ListBucketVersions."
            ),
        ),
    };
    let detail = format!(
        "{why} A change of `{attribute}` makes another bucket and deletes this one. Add a second resource for the new bucket, and end the \
         logs of this one with `ended`. To give this one up without deleting it, use a `removed` block with `destroy = false`."
    );
    Err(Diagnostic::error(summary, detail).at(attribute).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket() -> Object {
        Object::new()
            .with("bucket", "audit")
            .with("region", "eu-central-1")
    }

    #[test]
    fn another_name_or_region_is_another_bucket() {
        let before = bucket();
        assert_eq!(replaced_by(&before, &before), None);
        let elsewhere = bucket().with("region", "eu-west-1");
        assert_eq!(replaced_by(&before, &elsewhere), Some("region"));
        let unnamed = bucket().with("bucket", Value::Unknown);
        assert_eq!(replaced_by(&before, &unnamed), Some("bucket"));
        let prefixed = unnamed.with("bucket_prefix", "acme-");
        assert_eq!(replaced_by(&before, &prefixed), Some("bucket_prefix"));
    }

    #[test]
    fn what_is_there_and_what_cannot_be_looked_at_are_two_reasons() {
        assert_eq!(Look::Empty.why("logs/a/"), None);
        let why = |look: Look| look.why("logs/a/").unwrap();
        assert_eq!(why(Look::Holds), "There are objects under \"logs/a/\"");
        let unknown = why(Look::Unknown("AccessDenied".to_owned()));
        assert!(
            unknown.ends_with("could not be listed: AccessDenied"),
            "{unknown}"
        );
    }
}
