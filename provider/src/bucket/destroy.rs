//! What becomes of a bucket whose resource is destroyed: `on_destroy`.

use std::time::SystemTime;

use tf_provider::{Attribute, Context, Diagnostic, Result, Type};

use super::model::BucketModel;
use crate::account::Account;
use crate::aws::{Clients, delete_bucket, empty_bucket};

/// The default: a bucket that holds anything stays.
pub(super) const REFUSE: &str = "refuse";
/// The bucket stays, whatever it holds.
pub(super) const FORGET: &str = "forget";
/// All that it holds is deleted before it.
pub(super) const EMPTY: &str = "empty";

/// The attribute `on_destroy`.
pub(super) fn attribute() -> Attribute {
    Attribute::optional(Type::String)
        .default(REFUSE)
        .one_of([REFUSE, FORGET, EMPTY])
        .description(
            "What a destroy does with the bucket: `refuse` deletes it only if it is empty, `forget` leaves it as it is and removes \
             it from the state, `empty` deletes all objects, bypassing GOVERNANCE, and then the bucket. Objects under COMPLIANCE or \
             a hold cannot be deleted, so `empty` is refused as long as there are any. Default: `refuse`. A change must be applied \
             before the destroy.",
        )
}

/// Says at plan time what will be lost or left behind.
pub(super) fn announce(cx: &Context<Account>, state: &BucketModel) {
    let bucket = state.bucket.known().cloned().unwrap_or_default();
    let warning = match state.on_destroy.as_deref() {
        Some(EMPTY) => Diagnostic::warning(
            "All objects of the bucket will be deleted",
            format!(
                "The bucket {bucket:?} has `on_destroy = \"empty\"`: the provider replaces the bucket policy by one that denies \
                 nothing but old TLS, deletes every object version that GOVERNANCE or nothing locks, and then the bucket. This \
                 cannot be undone."
            ),
        ),
        Some(FORGET) => Diagnostic::warning(
            "The bucket will stay",
            format!(
                "The bucket {bucket:?} has `on_destroy = \"forget\"`: it is removed from the state, and stays in S3 with its \
                 objects, locks and policy."
            ),
        ),
        _ => return,
    };
    cx.warn(warning.at("on_destroy"));
}

pub(super) async fn destroy(clients: &Clients, state: &BucketModel) -> Result {
    let (bucket, now) = (state.name()?, SystemTime::now());
    let done = match state.on_destroy.as_deref() {
        Some(FORGET) => return Ok(()),
        Some(EMPTY) => match empty_bucket(clients, bucket, now).await {
            Ok(()) => delete_bucket(clients, bucket, now).await,
            failed => failed,
        },
        _ => delete_bucket(clients, bucket, now).await,
    };
    done.map_err(|error| {
        error
            .diagnostic("The bucket was not deleted", "bucket")
            .into()
    })
}
