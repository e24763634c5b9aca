//! What `auditlog_bucket` does at plan time: checks, what is always so, and warnings.

use tf_provider::{AttributePath, Diagnostic, Object, Plan, Result, Value};

use crate::aws::{
    Clients, DefaultRetention, OWNERSHIP, VERSIONING, format_tls_only_policy, partition,
};
use crate::bucket::{ObjectLock, PublicAccessBlock, SSE_KMS, SSE_S3, parse_lock};

/// Whether `object_lock` has exactly one of days and years, as far as it is known.
///
/// # Errors
/// None or both.
pub(crate) fn check_one_period(config: &Object) -> Result {
    let Value::Object(lock) = config.value("object_lock") else {
        return Ok(());
    };
    // Terraform finds the line of an attribute, but of nothing inside it
    let path = AttributePath::from("object_lock");
    let (days, years) = (lock.value("days"), lock.value("years"));
    if days.is_null() && years.is_null() {
        let detail = "Set days or years: a lock without a period protects nothing.";
        return Err(Diagnostic::error("No retention", detail).at(path).into());
    }
    // what is not known yet may turn out to be null
    let set = |value: &Value| !value.is_null() && !value.is_unknown();
    if set(days) && set(years) {
        let detail = "Set days or years, not both: S3 takes one of them.";
        return Err(Diagnostic::error("Two retentions", detail).at(path).into());
    }
    Ok(())
}

/// Sets what the provider sees to. Where the bucket has drifted from it, this is what makes the plan a change.
pub(crate) fn plan_constants(plan: &mut Plan, clients: Option<&Clients>) {
    let all = PublicAccessBlock::from(crate::aws::PublicAccessBlock::ALL);
    plan.planned.set("versioning", VERSIONING);
    plan.planned.set("object_lock_enabled", true);
    plan.planned.set("object_ownership", OWNERSHIP);
    plan.planned.set("public_access_block", &all);
    let encryption = plan.planned.value("encryption");
    let algorithm = if encryption.is_unknown() {
        Value::Unknown
    } else if encryption.is_null() {
        Value::from(SSE_S3)
    } else {
        Value::from(SSE_KMS)
    };
    plan.planned.set("sse_algorithm", algorithm);
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

/// A weaker default is allowed, since it touches no object that is there; but it is never done in silence.
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
                "From COMPLIANCE to GOVERNANCE: objects written from now on can be deleted by whoever holds \
                 s3:BypassGovernanceRetention. Objects that are there keep their lock.",
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
                    "From {was} days to {becomes}: objects written from now on are locked for less long. Objects that \
                     are there keep their lock."
                ),
            )
            .at(path),
        );
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock(days: Option<u32>, years: Option<u32>) -> Object {
        let lock = Object::new()
            .with("mode", "GOVERNANCE")
            .with("days", days)
            .with("years", years);
        Object::new().with("object_lock", lock)
    }

    fn path(result: Result) -> String {
        result.unwrap_err().iter().next().unwrap().path.to_string()
    }

    #[test]
    fn exactly_one_period_is_asked_for() {
        assert!(check_one_period(&lock(Some(1), None)).is_ok());
        assert!(check_one_period(&lock(None, Some(1))).is_ok());
        assert_eq!(path(check_one_period(&lock(None, None))), "object_lock");
        assert_eq!(
            path(check_one_period(&lock(Some(1), Some(1)))),
            "object_lock"
        );
    }

    #[test]
    fn period_that_is_not_known_yet_may_be_the_one_or_not() {
        for years in [None, Some(1)] {
            assert!(check_one_period(&with_unknown_days(years)).is_ok());
        }
    }

    fn with_unknown_days(years: Option<u32>) -> Object {
        let mut config = lock(None, years);
        let Value::Object(mut unknown) = config.value("object_lock").clone() else {
            unreachable!()
        };
        unknown.set("days", Value::Unknown);
        config.set("object_lock", unknown);
        config
    }
}
