//! States of earlier versions of the schema.

use tf_provider::{Object, Value};

use super::lock::DEFAULT_NOTICE;
use crate::trust::model::LockSpanModel;

/// Brings a state of version 0 to version 1. What was declared then is one span, since the bucket was made: so the
/// documentation of that version had it in the trust policy.
pub(super) fn from_version_0(mut state: Object) -> Object {
    if let Some(Value::Object(mut lock)) = state.remove("object_lock") {
        let span = span(&lock, &state);
        lock.set("notice", DEFAULT_NOTICE);
        state.set("object_lock", lock);
        state.set("lock_spans", span.map(|span| vec![span]));
    }
    state
}

fn span(lock: &Object, state: &Object) -> Option<LockSpanModel> {
    let days: Option<u32> = lock.get("days").ok()?;
    let years: Option<u32> = lock.get("years").ok()?;
    let of_years = |years: u32| crate::aws::Period::Years(years).days();
    Some(LockSpanModel {
        from: state.get("creation_date").ok()?,
        mode: lock.get("mode").ok()?,
        days: days.or(years.map(of_years))?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lock_of_version_0_is_one_span_since_the_bucket_was_made() {
        let lock = Object::new()
            .with("mode", "GOVERNANCE")
            .with("days", None::<u32>)
            .with("years", 2);
        let state = Object::new()
            .with("creation_date", "2026-01-01T00:00:00Z")
            .with("object_lock", lock);
        let spans: Vec<LockSpanModel> = from_version_0(state).get("lock_spans").unwrap();
        assert_eq!((spans.len(), spans[0].days), (1, 730));
        assert_eq!(spans[0].from, "2026-01-01T00:00:00Z");
    }

    #[test]
    fn bucket_without_a_lock_has_no_span() {
        let state = Object::new().with("object_lock", Value::Null);
        assert!(from_version_0(state).value("lock_spans").is_null());
    }
}
