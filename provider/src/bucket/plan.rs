//! What `auditlog_bucket` plans: the settings that are always the same, and warnings.

use tf_provider::{AttributePath, Diagnostic, Object, Plan, Value};

use super::model::{SSE_C_BLOCKED, SSE_C_UNSUPPORTED, SSE_KMS, SSE_S3};
use crate::aws::{
    Clients, DefaultRetention, OWNERSHIP, PublicAccessBlock, VERSIONING, format_tls_only_policy,
    partition,
};
use crate::retention::{ObjectLock, parse_lock};

/// Sets the attributes that the configuration cannot change. Where the bucket differs from them, this makes the plan a change.
pub(crate) fn plan_constants(plan: &mut Plan, clients: Option<&Clients>) {
    plan.planned.set("versioning", VERSIONING);
    plan.planned.set("object_lock_enabled", true);
    plan.planned.set("object_ownership", OWNERSHIP);
    plan.planned
        .set("public_access_block", PublicAccessBlock::ALL);
    let encryption = plan.planned.value("encryption");
    let algorithm = if encryption.is_unknown() {
        Value::Unknown
    } else if encryption.is_null() {
        Value::from(SSE_S3)
    } else {
        Value::from(SSE_KMS)
    };
    plan.planned.set("sse_algorithm", algorithm);
    plan_sse_c(plan);
    plan_kept(plan);
    let (Some(clients), Value::String(bucket)) = (clients, plan.planned.value("bucket").clone())
    else {
        plan.planned.set("policy", Value::Unknown);
        return;
    };
    let partition = partition(clients.region());
    plan.planned
        .set("policy", format_tls_only_policy(partition, &bucket));
    if plan.is_create() {
        plan.planned
            .set("arn", format!("arn:{partition}:s3:::{bucket}"));
        plan.planned.set("region", clients.region());
        plan.planned
            .set("account_id", clients.account_id().map(str::to_owned));
        plan.planned.set("id", bucket);
    }
}

/// Whether the endpoint keeps the block is known once it was put and read again.
fn plan_sse_c(plan: &mut Plan) {
    let prior = plan
        .prior
        .as_ref()
        .map(|prior| prior.value("sse_c").clone());
    let settled = prior.filter(|prior| {
        *prior == Value::from(SSE_C_BLOCKED) || *prior == Value::from(SSE_C_UNSUPPORTED)
    });
    plan.planned.set("sse_c", settled.unwrap_or(Value::Unknown));
}

/// What others have set up stays as it is; a new bucket has none of it.
fn plan_kept(plan: &mut Plan) {
    let kept = |name: &str| plan.prior.as_ref().map(|prior| prior.value(name).clone());
    let (hold, foreign) = (kept("event_hold"), kept("foreign"));
    plan.planned.set("event_hold", hold.unwrap_or_default());
    let none = || Value::List(Vec::new());
    let foreign = foreign.filter(|foreign| !foreign.is_null());
    plan.planned.set("foreign", foreign.unwrap_or_else(none));
}

/// A weaker default is allowed, since it does not change the objects that are there; but it is never done in silence.
pub(crate) fn weakenings(plan: &Plan) -> Vec<Diagnostic> {
    let Some(prior) = &plan.prior else {
        return Vec::new();
    };
    let path = AttributePath::from("object_lock");
    let retention = |object: &Object| -> Option<DefaultRetention> {
        object
            .get::<Option<ObjectLock>>("object_lock")
            .ok()
            .flatten()
            .and_then(|lock| parse_lock(&lock))
    };
    let (Some(before), Some(after)) = (retention(prior), retention(&plan.planned)) else {
        return Vec::new();
    };
    let mut warnings = Vec::new();
    if after.mode < before.mode {
        warnings.push(
            Diagnostic::warning(
                "The lock of new objects becomes weaker",
                "From COMPLIANCE to GOVERNANCE: objects written from now on can be deleted by everybody with the \
                 permission s3:BypassGovernanceRetention. Existing objects keep their lock.",
            )
            .at(path.clone()),
        );
    }
    let (was, becomes) = (before.period.days(), after.period.days());
    if becomes < was {
        warnings.push(
            Diagnostic::warning(
                "The lock of new objects becomes shorter",
                format!(
                    "From {was} days to {becomes}: objects written from now on are locked for a shorter time. Existing objects keep \
                     their lock."
                ),
            )
            .at(path),
        );
    }
    warnings
}
