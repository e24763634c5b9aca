//! The lock as the configuration has it: a mode, and a period or a preset.

use auditlog_chain::policy::LockMode;
use tf_provider::{AttributePath, Diagnostic, Diagnostics, Object, Result, Value};

use super::model::{BucketModel, LockModel, LogLockModel};
use super::path::{logs_of, path_of};
use crate::aws::{DefaultRetention, Period};
use crate::diagnostic::nested;
use crate::trust::duration::parse_duration;
use crate::trust::preset::Preset;
use crate::trust::spans::Lock;

/// How long before it begins a stronger lock is announced, where the configuration does not say.
pub(super) const DEFAULT_NOTICE: &str = "1d";

/// The longest notice, in days. A span that was weakened is kept for in storage and bucket policy for 30 days after its end
/// ([`longest`](crate::trust::spans::longest)): a day more than a sealer with the old file may lock with it.
const MAX_NOTICE_DAYS: u64 = 29;

/// Checks that a text is a notice.
///
/// # Errors
/// It is not a duration, or a longer one.
pub(super) fn check_notice(text: &str) -> Result<(), String> {
    let most = MAX_NOTICE_DAYS.saturating_mul(86_400);
    match parse_duration(text)? {
        seconds if seconds > most => Err(format!(
            "{text:?} is longer than {MAX_NOTICE_DAYS} days. Until it is over, the stronger lock does not hold."
        )),
        _ => Ok(()),
    }
}

/// A mode and a period as written: exactly one of days and years, or a preset, which sets a minimum and a default.
struct Written<'a> {
    mode: &'a str,
    days: Option<u32>,
    years: Option<u32>,
    preset: Option<&'a str>,
}

impl Written<'_> {
    fn retention(&self) -> Result<DefaultRetention, String> {
        let mode = LockMode::parse(self.mode)
            .ok_or_else(|| format!("{:?} is not a lock mode.", self.mode))?;
        let minimum = self.preset.map(minimum_days).transpose()?;
        let period = match (self.days, self.years, minimum) {
            (Some(days), None, _) => Period::Days(days),
            (None, Some(years), _) => Period::Years(years),
            (None, None, Some(minimum)) => Period::Days(minimum),
            (None, None, None) => {
                return Err(
                    "Set days, years or preset: a lock without a period protects nothing.".into(),
                );
            }
            (Some(_), Some(_), _) => {
                return Err("Set days or years, not both: S3 accepts only one of them.".into());
            }
        };
        match minimum {
            Some(minimum) if period.days() < minimum => Err(format!(
                "{} days are shorter than the {minimum} days of the preset {:?}.",
                period.days(),
                self.preset.unwrap_or_default()
            )),
            Some(_) | None => Ok(DefaultRetention { mode, period }),
        }
    }
}

fn minimum_days(name: &str) -> Result<u32, String> {
    let preset = Preset::parse(name).ok_or_else(|| format!("{name:?} is not a preset."))?;
    Ok(preset.days)
}

impl LockModel {
    /// The bucket's default retention.
    pub(super) fn retention(&self) -> Result<DefaultRetention, String> {
        let written = Written {
            mode: &self.mode,
            days: self.days,
            years: self.years,
            preset: self.preset.as_deref(),
        };
        written.retention()
    }

    /// Seconds between the apply of a stronger lock and its beginning.
    pub(super) fn notice_seconds(&self) -> Result<u64, String> {
        parse_duration(&self.notice)
    }

    /// The lock of a bucket as it was found. What the configuration says about it is kept where it means what was found.
    pub(super) fn seen(known: Option<&Self>, found: DefaultRetention) -> Self {
        if let Some(known) = known
            && known.retention() == Ok(found)
        {
            return known.clone();
        }
        let (days, years) = match found.period {
            Period::Days(days) => (Some(days), None),
            Period::Years(years) => (None, Some(years)),
        };
        Self {
            mode: found.mode.as_str().to_owned(),
            days,
            years,
            preset: None,
            acknowledge_irreversible: match known {
                Some(known) => known.acknowledge_irreversible.clone(),
                // imported: what the configuration will have to say
                None => commitment(found),
            },
            notice: known.map_or_else(|| DEFAULT_NOTICE.to_owned(), |known| known.notice.clone()),
        }
    }
}

impl LogLockModel {
    /// The retention of the log's objects.
    pub(super) fn retention(&self) -> Result<DefaultRetention, String> {
        let written = Written {
            mode: &self.mode,
            days: self.days,
            years: self.years,
            preset: self.preset.as_deref(),
        };
        written.retention()
    }
}

/// Checks the lock of a bucket and of each log, as far as they are known.
///
/// # Errors
/// No period, two of them, or one that is shorter than the preset's.
pub(super) fn check(config: &Object) -> Result {
    let mut found = Diagnostics::new();
    let Value::Object(bucket) = config.value("object_lock") else {
        return Ok(());
    };
    let acknowledged = bucket.value("acknowledge_irreversible");
    let mut check = |lock: &Value, path: &AttributePath| {
        // what is not known yet may turn out to be null, and a wrong mode is reported at its attribute
        let known = known(lock).filter(|lock| LockMode::parse(&lock.mode).is_some());
        let Some(lock) = known else { return };
        match lock.retention() {
            Ok(retention) => found.extend(unacknowledged(retention, acknowledged, path)),
            Err(detail) => found.push(nested("Invalid retention", &detail, path)),
        }
    };
    check(
        config.value("object_lock"),
        &AttributePath::from("object_lock"),
    );
    for (name, log) in logs_of(config) {
        check(
            log.value("object_lock"),
            &path_of(name).attribute("object_lock"),
        );
    }
    if found.is_empty() { Ok(()) } else { Err(found) }
}

fn known(lock: &Value) -> Option<LogLockModel> {
    if let Value::Object(lock) = lock {
        lock.decode().ok()
    } else {
        None
    }
}

/// A lock of a configuration or a state, if all of it is known.
pub(super) fn of_value(lock: &Value) -> Option<DefaultRetention> {
    known(lock)?.retention().ok()
}

impl BucketModel {
    /// The bucket's default retention.
    ///
    /// # Errors
    /// There is none, or it is not of the right form.
    pub(super) fn retention(&self) -> Result<DefaultRetention> {
        let wrong = |detail: String| {
            let path = AttributePath::from("object_lock");
            Diagnostic::error("No retention", detail).at(path).into()
        };
        let missing = || wrong("The mode, and a period, must be known by now.".to_owned());
        let lock = self.object_lock.as_ref().ok_or_else(missing)?;
        lock.retention().map_err(wrong)
    }

    /// Seconds before something stricter begins.
    ///
    /// # Errors
    /// It is not a duration.
    pub(super) fn notice(&self) -> Result<u64> {
        let lock = self.object_lock.as_ref();
        let notice = lock.map_or(Ok(0), LockModel::notice_seconds);
        notice.map_err(|detail| {
            let path = AttributePath::from("object_lock").attribute("notice");
            nested("Invalid duration", &detail, &path).into()
        })
    }
}

/// What an acknowledgement of a lock that nobody can end must contain.
pub(super) fn commitment(retention: DefaultRetention) -> Option<String> {
    let days = retention.period.days();
    (retention.mode == LockMode::Compliance).then(|| format!("COMPLIANCE {days} days"))
}

fn unacknowledged(
    retention: DefaultRetention,
    acknowledged: &Value,
    lock: &AttributePath,
) -> Option<Diagnostic> {
    let needed = commitment(retention)?;
    let given = acknowledged.as_str();
    let given = acknowledged.is_unknown() || given.is_some_and(|given| given.contains(&needed));
    let detail = format!(
        "{lock} locks objects in COMPLIANCE mode. Nobody can delete them earlier, neither an administrator nor AWS, and their \
         storage is paid for until then. If this is what you want, set this in object_lock:\n\n    \
         acknowledge_irreversible = {needed:?}"
    );
    let path = AttributePath::from("object_lock").attribute("acknowledge_irreversible");
    (!given).then(|| nested("Irreversible lock that is not acknowledged", &detail, &path))
}

/// The same as a trust policy has it.
pub(super) fn declared(retention: DefaultRetention) -> Lock {
    Lock {
        mode: retention.mode,
        days: retention.period.days(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock(days: Option<u32>, years: Option<u32>, preset: Option<&str>) -> LockModel {
        LockModel {
            mode: "GOVERNANCE".to_owned(),
            days,
            years,
            preset: preset.map(str::to_owned),
            acknowledge_irreversible: None,
            notice: DEFAULT_NOTICE.to_owned(),
        }
    }

    fn days(lock: &LockModel) -> Result<u32, String> {
        lock.retention().map(|found| found.period.days())
    }

    #[test]
    fn period_is_days_or_years_or_what_the_preset_asks_for() {
        assert_eq!(days(&lock(Some(3), None, None)), Ok(3));
        assert_eq!(days(&lock(None, Some(2), None)), Ok(730));
        assert_eq!(days(&lock(None, None, Some("sec-17a-4"))), Ok(2192));
        assert_eq!(days(&lock(Some(4000), None, Some("sec-17a-4"))), Ok(4000));
    }

    #[test]
    fn no_period_two_periods_and_less_than_the_preset_are_refused() {
        for (wrong, why) in [
            (lock(None, None, None), "protects nothing"),
            (lock(Some(1), Some(1), None), "not both"),
            (lock(Some(2191), None, Some("sec-17a-4")), "2192 days"),
            (lock(None, None, Some("sox")), "not a preset"),
        ] {
            let text = days(&wrong).unwrap_err();
            assert!(text.contains(why), "{text}");
        }
    }

    #[test]
    fn notice_is_at_most_29_days() {
        for text in ["0s", "1d", "29d", "696h"] {
            assert_eq!(check_notice(text), Ok(()), "{text}");
        }
        for text in ["30d", "697h", "36500d"] {
            let wrong = check_notice(text).unwrap_err();
            assert!(wrong.contains("longer than 29 days"), "{wrong}");
        }
        assert!(check_notice("1w").is_err());
    }

    fn config(mode: &str, days: u32, acknowledged: &str) -> Object {
        let lock = Object::new()
            .with("mode", mode)
            .with("days", days)
            .with("acknowledge_irreversible", acknowledged);
        Object::new().with("object_lock", lock)
    }

    #[test]
    fn compliance_needs_an_acknowledgement_of_mode_and_days() {
        assert!(check(&config("GOVERNANCE", 3, "")).is_ok());
        assert!(check(&config("COMPLIANCE", 3, "COMPLIANCE 3 days")).is_ok());
        for given in ["", "COMPLIANCE", "COMPLIANCE 30 days"] {
            let found = check(&config("COMPLIANCE", 3, given)).unwrap_err();
            let one = found.iter().next().unwrap();
            assert!(
                one.detail
                    .contains("acknowledge_irreversible = \"COMPLIANCE 3 days\"")
            );
            assert_eq!(one.path.to_string(), "object_lock");
        }
    }

    #[test]
    fn found_lock_that_means_the_same_is_written_as_it_was() {
        let known = lock(None, None, Some("sec-17a-4"));
        let found = known.retention().unwrap();
        assert_eq!(LockModel::seen(Some(&known), found), known);
        let other = DefaultRetention {
            period: Period::Days(1),
            ..found
        };
        let seen = LockModel::seen(Some(&known), other);
        assert_eq!((seen.days, seen.preset), (Some(1), None));
    }
}
