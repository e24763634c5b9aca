//! Mode and retention of a lock, as the bucket and the trust policy have them.

use auditlog_chain::policy::LockMode;
use tf_provider::{
    Attribute, AttributePath, Diagnostic, Fields, Number, Object, Result, Type, Value, model,
};

use crate::aws::{DefaultRetention, Period};
use crate::range::check_range;

model! {
    /// Default retention for objects that set none.
    #[derive(Debug, Clone, PartialEq)]
    pub struct ObjectLock {
        mode: String,
        days: Option<u32>,
        years: Option<u32>,
    }
}

/// Mode, days and years, as the bucket and the trust policy have them.
pub(crate) fn period_attributes(fields: Fields) -> Fields {
    fields
        .attribute(
            "mode",
            Attribute::required(Type::String)
                .description("`GOVERNANCE` (can be bypassed with a special permission) or `COMPLIANCE` (by nobody).")
                .one_of(["GOVERNANCE", "COMPLIANCE"]),
        )
        .attribute("days", period("Days, 1 to 36500.", Period::MAX_DAYS, "days"))
        .attribute("years", period("Years of 365 days, 1 to 100.", Period::MAX_YEARS, "years"))
}

fn period(description: &str, most: u32, unit: &'static str) -> Attribute {
    Attribute::optional(Type::Number)
        .description(description)
        .validate(move |number: Number| check_range(&number, 1..=most, unit))
}

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
        let detail = "Set days or years, not both: S3 accepts only one of them.";
        return Err(Diagnostic::error("Two retentions", detail).at(path).into());
    }
    Ok(())
}

pub(crate) fn parse_lock(lock: &ObjectLock) -> Option<DefaultRetention> {
    Some(DefaultRetention {
        mode: LockMode::parse(&lock.mode)?,
        period: lock
            .days
            .map(Period::Days)
            .or(lock.years.map(Period::Years))?,
    })
}

impl From<DefaultRetention> for ObjectLock {
    fn from(retention: DefaultRetention) -> Self {
        let (days, years) = match retention.period {
            Period::Days(days) => (Some(days), None),
            Period::Years(years) => (None, Some(years)),
        };
        Self {
            mode: retention.mode.as_str().to_owned(),
            days,
            years,
        }
    }
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
