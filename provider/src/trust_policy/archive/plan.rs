//! What is known of an archived policy before it is written.

use auditlog_chain::hash::Hash;
use auditlog_chain::policy::{LockMode, TrustPolicy};
use auditlog_chain::timestamp::Timestamp;
use tf_provider::{AttributePath, Diagnostic, Field, FromValue as _, Object, Plan, Result, Value};

use super::lock::{declared_lock, is_locked};
use super::model::{ArchiveModel, object_key, sha256};
use crate::aws::Archived;
use crate::diagnostic::nested;
use crate::trust::spans::Lock;
use crate::trust::values::{Misfit, parse_time};

/// Whether the policy declares the prefix, where both are known: otherwise the verifier would report the archive.
pub(super) fn check_declared(config: &Object) -> Result {
    let known = |name: &str| config.get::<Field<String>>(name).ok()?.into_known();
    let (Some(bucket), Some(prefix), Some(json)) =
        (known("bucket"), known("prefix"), known("trust_policy"))
    else {
        return Ok(());
    };
    let Ok(policy) = TrustPolicy::parse(json.as_bytes()) else {
        return Ok(());
    };
    let store = policy.document().store.as_ref();
    let is_of_policy = store.is_some_and(|store| store.s3().bucket == bucket);
    if !is_of_policy || policy.declares(&object_key(&prefix, &json)) {
        return Ok(());
    }
    let detail = format!(
        "The policy does not declare this prefix, so the verifier would report the archive as object-unaccounted. Add {prefix:?} to \
         `declared_prefixes` of the bucket."
    );
    Err(Misfit {
        summary: "Prefix is not declared",
        path: AttributePath::from("prefix"),
        detail,
    }
    .into())
}

/// Whether a lock that nobody can end is acknowledged, where it is known.
pub(super) fn check_acknowledged(config: &Object) -> Result {
    let lock = config.value("object_lock").as_object();
    let Some((lock, locked)) = lock.and_then(|lock| Some((lock, compliance(lock)?))) else {
        return Ok(());
    };
    let given = lock.value("acknowledge_irreversible");
    let needed = commitment(locked);
    if given.is_unknown() || given.as_str().is_some_and(|given| given.contains(&needed)) {
        return Ok(());
    }
    let detail = format!(
        "object_lock locks the archived policies in COMPLIANCE mode. Nobody can delete them earlier, neither an administrator nor AWS. \
         If this is what you want, set this in object_lock:\n\n    acknowledge_irreversible = {needed:?}"
    );
    let path = AttributePath::from("object_lock").attribute("acknowledge_irreversible");
    Err(nested("Irreversible lock that is not acknowledged", &detail, &path).into())
}

/// A lock in COMPLIANCE mode, where it is known.
fn compliance(lock: &Object) -> Option<Lock> {
    let mode = LockMode::parse(lock.value("mode").as_str()?)?;
    let days = lock.get::<u32>("days").ok()?;
    (mode == LockMode::Compliance).then_some(Lock { mode, days })
}

fn commitment(lock: Lock) -> String {
    format!("{} {} days", lock.mode.as_str(), lock.days)
}

/// Says until when nobody can delete what is archived under a new lock. The lock that the policy declares was announced with the
/// bucket.
pub(super) fn irreversible(plan: &Plan, now: Timestamp) -> Option<Diagnostic> {
    let of = |state: &Object| compliance(state.value("object_lock").as_object()?);
    let lock = of(&plan.planned)?;
    if plan.prior.as_ref().and_then(of) == Some(lock) {
        return None;
    }
    let until = now.saturating_add_days(lock.days).to_rfc3339();
    let detail = format!(
        "Mode COMPLIANCE, {} days: an archived policy cannot be deleted for {} days after its write, by nobody, and the bucket cannot be \
         deleted before. One that is written now is locked until {until}.",
        lock.days, lock.days
    );
    Some(Diagnostic::warning("Irreversible lock", detail).at("object_lock"))
}

/// A new archive is in the provider's region, unless it names its own.
pub(super) fn place(plan: &mut Plan, region: &str) {
    if plan.is_create() && plan.config.value("region").is_null() {
        plan.planned.set("region", region);
    }
}

/// Sets what follows from the policy. Everything else is known after apply, unless the object is there as it should be.
pub(super) fn plan(plan: &mut Plan) {
    let known = |name: &str| plan.planned.get::<Field<String>>(name).ok()?.into_known();
    let (Some(prefix), Some(policy)) = (known("prefix"), known("trust_policy")) else {
        for name in [
            "key",
            "sha256",
            "version_id",
            "stored",
            "mode",
            "retain_until",
        ] {
            plan.planned.set(name, Value::Unknown);
        }
        return;
    };
    plan.planned.set("key", object_key(&prefix, &policy));
    plan.planned.set("sha256", sha256(&policy));
    let fields = ["version_id", "stored", "mode", "retain_until"];
    let there = plan
        .prior
        .as_ref()
        .filter(|prior| is_there(prior, &plan.planned));
    for name in fields {
        let value = there.map_or(Value::Unknown, |prior| prior.value(name).clone());
        plan.planned.set(name, value);
    }
}

/// Whether the state is of this policy, and locked as is wanted.
fn is_there(prior: &Object, planned: &Object) -> bool {
    let same = |name: &str| prior.value(name) == planned.value(name);
    let wanted = Value::Object(planned.clone());
    let Ok(wanted) = ArchiveModel::from_value(wanted, &AttributePath::root()) else {
        return false;
    };
    let Ok(lock) = declared_lock(&wanted) else {
        return false;
    };
    let text = |name: &str| prior.get::<Option<String>>(name).ok().flatten();
    let time = |name: &str| text(name).and_then(|text| parse_time(&text).ok());
    let found = Archived {
        version_id: None,
        sha256: Hash::from_bytes([0; 32]),
        stored: time("stored"),
        mode: text("mode"),
        retain_until: time("retain_until"),
        is_held: false,
    };
    same("bucket") && same("key") && same("sha256") && is_locked(&found, lock)
}

#[cfg(test)]
mod tests {
    use tf_provider::ToValue as _;

    use super::*;
    use crate::trust_policy::archive::model::ArchiveLock;

    fn object(model: &ArchiveModel) -> Object {
        Object::from_value(model.to_value(), &AttributePath::root()).unwrap()
    }

    fn state() -> ArchiveModel {
        let lock = ArchiveLock {
            mode: "GOVERNANCE".to_owned(),
            days: 30,
            acknowledge_irreversible: None,
        };
        let model = ArchiveModel {
            bucket: "trail".to_owned(),
            prefix: "policies/".to_owned(),
            trust_policy: "{}".to_owned(),
            object_lock: Some(lock),
            ..ArchiveModel::default()
        };
        let time = |text: &str| parse_time(text).ok();
        let found = Archived {
            version_id: Some("v".to_owned()),
            sha256: TrustPolicy::digest(b"{}"),
            stored: time("2026-01-01T00:00:00Z"),
            mode: Some("GOVERNANCE".to_owned()),
            retain_until: time("2026-02-01T00:00:00Z"),
            is_held: false,
        };
        model.with(found, "eu-central-1")
    }

    fn there(
        prior: impl FnOnce(&mut ArchiveModel),
        planned: impl FnOnce(&mut ArchiveModel),
    ) -> bool {
        let (mut before, mut after) = (state(), state());
        prior(&mut before);
        planned(&mut after);
        is_there(&object(&before), &object(&after))
    }

    #[test]
    fn object_that_is_as_it_should_be_is_left_alone_and_any_other_is_planned() {
        assert!(there(|_| {}, |_| {}));
        assert!(there(
            |_| {},
            |model| model.object_lock.as_mut().unwrap().days = 7
        ));
        assert!(!there(
            |_| {},
            |model| model.object_lock.as_mut().unwrap().days = 365
        ));
        assert!(!there(
            |_| {},
            |model| {
                model.object_lock.as_mut().unwrap().mode = "COMPLIANCE".to_owned();
            }
        ));
        assert!(!there(
            |model| model.sha256 = "00".to_owned().into(),
            |_| {}
        ));
        assert!(!there(|model| model.key = "x".to_owned().into(), |_| {}));
        assert!(!there(|model| model.retain_until = Field::Null, |_| {}));
        assert!(!there(|model| model.bucket = "other".to_owned(), |_| {}));
    }

    fn config(mode: &str, days: impl tf_provider::ToValue, acknowledged: &str) -> Object {
        let lock = Object::new()
            .with("mode", mode)
            .with("days", days)
            .with("acknowledge_irreversible", acknowledged);
        Object::new().with("object_lock", lock)
    }

    #[test]
    fn compliance_needs_an_acknowledgement_of_mode_and_days() {
        for accepted in [
            Object::new(),
            config("GOVERNANCE", 3, ""),
            config("COMPLIANCE", 3, "COMPLIANCE 3 days"),
            config("COMPLIANCE", Value::Unknown, ""),
        ] {
            assert!(check_acknowledged(&accepted).is_ok(), "{accepted:?}");
        }
        for given in ["", "COMPLIANCE", "COMPLIANCE 30 days"] {
            let found = check_acknowledged(&config("COMPLIANCE", 3, given)).unwrap_err();
            let one = found.iter().next().unwrap();
            let needed = "acknowledge_irreversible = \"COMPLIANCE 3 days\"";
            assert!(one.detail.contains(needed), "{}", one.detail);
        }
    }
}
