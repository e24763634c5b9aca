//! What is kept in private data from one operation to the next: what was declared, and the time of the last read.
//!
//! A plan must not look at a clock, because Terraform makes it twice. It uses the time at which the bucket was read.

use std::time::SystemTime;

use auditlog_chain::timestamp::Timestamp;
use tf_provider::{Context, Field};

use super::desired::Desired;
use super::history::History;
use super::model::{BucketModel, SSE_KMS, SSE_S3};
use super::state::sse_c_after_put;
use crate::account::Account;
use crate::aws::{SseC, Tags, is_reserved};

const DECLARED: &str = "declared";
const CLOCK: &str = "read_at";
const ENCRYPTION: &str = "encryption";
const OTHERS_TAGS: &str = "others_tags";

/// What was declared by the last apply.
pub(super) fn declared(cx: &Context<Account>) -> Option<History> {
    serde_json::from_slice(&cx.private(DECLARED)?).ok()
}

pub(super) fn remember(cx: &Context<Account>, history: &History) {
    if let Ok(json) = serde_json::to_vec(history) {
        cx.set_private(DECLARED, json);
    }
}

/// The encryption that the last complete apply has put.
pub(super) fn applied_encryption(cx: &Context<Account>) -> Option<String> {
    String::from_utf8(cx.private(ENCRYPTION)?).ok()
}

/// The state after everything was done as planned.
pub(super) fn settled(cx: &Context<Account>, desired: Desired, sse_c: SseC) -> BucketModel {
    remember(cx, &desired.history);
    let kms = desired.model.encryption.is_some();
    cx.set_private(ENCRYPTION, if kms { SSE_KMS } else { SSE_S3 });
    BucketModel {
        sse_c: Field::Known(sse_c_after_put(sse_c).to_owned()),
        ..desired.model
    }
}

/// When the bucket was last read.
pub(super) fn clock(cx: &Context<Account>) -> Option<Timestamp> {
    let text = String::from_utf8(cx.private(CLOCK)?).ok()?;
    Timestamp::parse_rfc3339(&text)
}

pub(super) fn keep_clock(cx: &Context<Account>, now: Timestamp) {
    cx.set_private(CLOCK, now.to_rfc3339());
}

/// How many tags of others count for the limit of S3: those that `ignore_tags` names, and not those of AWS.
pub(super) fn others_tags(cx: &Context<Account>) -> usize {
    let text = cx.private(OTHERS_TAGS);
    let text = text.and_then(|text| String::from_utf8(text).ok());
    text.and_then(|text| text.parse().ok()).unwrap_or_default()
}

pub(super) fn keep_others_tags(cx: &Context<Account>, found: &Tags) {
    let counted = found.keys().filter(|key| !is_reserved(key)).count();
    cx.set_private(OTHERS_TAGS, counted.to_string());
}

/// The time now, to the second.
pub(super) fn now() -> Timestamp {
    let now = Timestamp::from_system_time(SystemTime::now()).unwrap_or(Timestamp::EPOCH);
    let seconds = i64::try_from(now.as_seconds()).unwrap_or(i64::MAX);
    Timestamp::EPOCH.saturating_add_seconds(seconds)
}
