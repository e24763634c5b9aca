//! `storage` and `logging`: where objects go with time, when they are deleted, and where access logs go.

use std::collections::BTreeSet;

use tf_provider::{
    Attribute, AttributePath, Diagnostic, Fields, Nested, Object, Result, Type, Value, model,
};

use crate::aws::{
    Clients, Logging, Reach, Storage, Transition, after_retention, check_storage, is_archive,
    refuses_access_logs, storage_classes,
};

/// The word for an expiration that follows the retention.
const AFTER_RETENTION: &str = "after_retention";
const MAX_DAYS: u32 = 200 * 365;

model! {
    /// Changes of storage class, and deletion.
    #[derive(Debug, Clone, PartialEq)]
    pub struct StorageModel {
        transitions: Option<Vec<TransitionModel>>,
        expiration: Option<String>,
        segment_bytes: Option<u64>,
    }

    /// One change of storage class.
    #[derive(Debug, Clone, PartialEq)]
    pub struct TransitionModel {
        days: u32,
        storage_class: String,
    }

    /// Where access logs go.
    #[derive(Debug, Clone, PartialEq)]
    pub struct LoggingModel {
        target_bucket: String,
        target_prefix: String,
    }
}

/// The attribute `storage`.
pub(super) fn storage_attribute() -> Attribute {
    Attribute::optional(Nested::single(storage_fields())).description(
        "Storage classes and expiration, as lifecycle rules of the bucket. Default: objects stay in STANDARD and never expire. \
         The rules are for all objects of the bucket, and where `declared_prefixes` are set for the logs and for `log_delivery` alone: what is \
         below a declared prefix is never moved or deleted. \
         Incomplete uploads are always aborted after 7 days. A change replaces the lifecycle rules, which hold for the objects that are there too.",
    )
}

fn storage_fields() -> Fields {
    let transition = Fields::new()
        .attribute(
            "days",
            Attribute::required(Type::Number)
                .description("Days after an object was stored.")
                .range("days", 0..=MAX_DAYS),
        )
        .attribute(
            "storage_class",
            Attribute::required(Type::String)
                .description(
                    "Storage class. Objects in `GLACIER` and `DEEP_ARCHIVE` cannot be verified until they are restored. `INTELLIGENT_TIERING` has a \
                     monthly charge for each object; S3 neither moves nor charges objects below 128 KB for it.",
                )
                .one_of(storage_classes()),
        );
    Fields::new()
        .attribute(
            "transitions",
            Attribute::optional(Nested::list(transition)).description(
                "Changes of storage class. A plan refuses a stay that is shorter than AWS charges for, and what S3 would refuse. Default: none. \
                 A change replaces the rules in place; objects that were moved stay where they are.",
            ),
        )
        .attribute(
            "expiration",
            Attribute::optional(Type::String)
                .description(
                    "When objects are deleted: `after_retention` (two days after the longest retention still in force) or a \
                     number of days as `400d`, not earlier than that. Default: never. A change replaces the rules in place; what was deleted \
                     is gone.",
                )
                .validate(|text: String| parse_expiration(&text).map(drop)),
        )
        .attribute(
            "segment_bytes",
            Attribute::optional(Type::Number)
                .description(
                    "Expected size of a stored segment in bytes. With it, a plan refuses transitions that S3 never makes, because \
                     it does not move objects below 128 KB. Changes nothing in S3. Default: none.",
                )
                .range("bytes", 1..=u32::MAX),
        )
}

/// The attribute `logging`.
pub(super) fn logging_attribute() -> Attribute {
    let fields = Fields::new()
        .attribute(
            "target_bucket",
            Attribute::required(Type::String).description(
                "Bucket that receives the access logs. It must be in the same region and account, and must not have Object \
                 Lock with a default retention: S3 does not deliver to such a bucket.",
            ),
        )
        .attribute(
            "target_prefix",
            Attribute::optional(Type::String)
                .default("")
                .description("What the names of the access logs begin with. Default: nothing."),
        );
    Attribute::optional(Nested::single(fields))
        .description("Server access logs of the bucket. Default: none are written. A change is made in place; access logs that were delivered stay.")
}

/// An expiration as it is configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expiration {
    AfterRetention,
    Days(u32),
}

fn parse_expiration(text: &str) -> Result<Expiration, String> {
    if text == AFTER_RETENTION {
        return Ok(Expiration::AfterRetention);
    }
    let days = text.strip_suffix('d').and_then(|days| days.parse().ok());
    match days {
        Some(days) if (1..=MAX_DAYS).contains(&days) => Ok(Expiration::Days(days)),
        _ => Err(format!(
            "{text:?} is neither {AFTER_RETENTION:?} nor a number of days such as \"400d\"."
        )),
    }
}

/// What the configured storage means, given the longest retention of any span still in force.
pub(super) fn wanted_storage(
    storage: Option<&StorageModel>,
    longest_days: u32,
    reach: Reach,
) -> Storage {
    let Some(storage) = storage else {
        return Storage::default();
    };
    if matches!(&reach, Reach::Prefixes(prefixes) if prefixes.is_empty()) {
        return Storage::default();
    }
    let transitions = storage.transitions.iter().flatten();
    let mut transitions: Vec<Transition> = transitions
        .map(|transition| Transition {
            days: transition.days,
            storage_class: transition.storage_class.clone(),
        })
        .collect();
    transitions.sort();
    let expiration = storage.expiration.as_deref();
    let expiration = expiration.and_then(|text| parse_expiration(text).ok());
    Storage {
        transitions,
        expiration_days: expiration.map(|expiration| match expiration {
            Expiration::AfterRetention => after_retention(longest_days),
            Expiration::Days(days) => days,
        }),
        reach,
    }
}

/// `storage` for what was found: as the state had it where that means the same.
pub(super) fn seen_storage(
    (known, reach): (Option<&StorageModel>, Reach),
    longest_days: u32,
    found: &Storage,
) -> Option<StorageModel> {
    // which objects each rule is for is in `lifecycle_rules`
    if wanted_storage(known, longest_days, reach).moves_as(found) {
        return known.cloned();
    }
    let transitions = found.transitions.iter();
    let transitions: Vec<TransitionModel> = transitions
        .map(|transition| TransitionModel {
            days: transition.days,
            storage_class: transition.storage_class.clone(),
        })
        .collect();
    let expiration = found.expiration_days.map(|days| {
        if days == after_retention(longest_days) {
            AFTER_RETENTION.to_owned()
        } else {
            format!("{days}d")
        }
    });
    let segment_bytes = known.and_then(|known| known.segment_bytes);
    (!found.moves_as(&Storage::default()) || segment_bytes.is_some()).then(|| StorageModel {
        transitions: (!transitions.is_empty()).then_some(transitions),
        expiration,
        segment_bytes,
    })
}

pub(super) fn wanted_logging(logging: Option<&LoggingModel>) -> Option<Logging> {
    logging.map(|to| Logging {
        target_bucket: to.target_bucket.clone(),
        target_prefix: to.target_prefix.clone(),
    })
}

pub(super) fn seen_logging(found: Option<Logging>) -> Option<LoggingModel> {
    found.map(|to| LoggingModel {
        target_bucket: to.target_bucket,
        target_prefix: to.target_prefix,
    })
}

/// The rules of a bucket with this storage, as `lifecycle_rules` shows them.
pub(super) fn rule_lines(storage: &Storage) -> Vec<String> {
    storage.rules().iter().map(ToString::to_string).collect()
}

/// Refuses a storage that costs more than it saves or deletes too early, given the longest retention of any span still in
/// force.
///
/// # Errors
/// The first rule that the storage breaks.
pub(super) fn checked_storage(
    storage: Option<&StorageModel>,
    longest_days: u32,
    reach: Reach,
) -> Result<Storage> {
    let object_bytes = storage.and_then(|storage| storage.segment_bytes);
    // whatever it is for
    let configured = wanted_storage(storage, longest_days, Reach::Everything);
    check_storage(&configured, longest_days, object_bytes).map_err(|refused| {
        Diagnostic::error("Storage is refused", refused.to_string()).at("storage")
    })?;
    Ok(wanted_storage(storage, longest_days, reach))
}

/// What is not read at once any more.
pub(super) fn archive_warning(storage: &Storage) -> Option<Diagnostic> {
    let classes = storage.transitions.iter();
    let archives: BTreeSet<&str> = classes
        .map(|transition| transition.storage_class.as_str())
        .filter(|class| is_archive(class))
        .collect();
    let names = archives.into_iter().collect::<Vec<_>>().join(" and ");
    (!names.is_empty()).then(|| {
        Diagnostic::warning(
            "Archived objects cannot be verified at once",
            format!(
                "Objects in {names} must be restored before anybody can read them. Until then, auditlog-verify gives no verdict \
                 on them. GLACIER_IR can be read at once."
            ),
        )
        .at(AttributePath::from("storage"))
    })
}

/// Refuses access logs that S3 would never deliver.
///
/// # Errors
/// The target is the bucket itself, whose lock keeps them out.
pub(super) fn check_logging(config: &Object) -> Result {
    let Value::Object(logging) = config.value("logging") else {
        return Ok(());
    };
    match (logging.value("target_bucket"), config.value("bucket")) {
        (Value::String(target), Value::String(bucket)) if target == bucket => {
            let detail = "S3 does not deliver access logs to a bucket that has Object Lock with a default retention, so not to \
                          this one. Set `target_bucket` to another bucket.";
            Err(Diagnostic::error("Locked target of access logs", detail)
                .at("logging")
                .into())
        }
        _ => Ok(()),
    }
}

/// Refuses a target whose lock keeps access logs out: at plan, and again before the first write, since S3 accepts it. What is
/// not there yet, or may not be looked at, is not judged.
///
/// # Errors
/// The target has Object Lock with a default retention.
pub(super) async fn check_target(
    clients: &Clients,
    before: Option<&Object>,
    after: &Object,
) -> Result {
    let logging =
        |object: &Object| -> Option<LoggingModel> { object.get("logging").ok().flatten() };
    let Some(to) = logging(after) else {
        return Ok(());
    };
    if before.and_then(logging).as_ref() == Some(&to) {
        return Ok(());
    }
    match refuses_access_logs(clients, &to.target_bucket).await {
        Ok(true) => Err(locked_target(&to.target_bucket).into()),
        Ok(false) | Err(_) => Ok(()),
    }
}

fn locked_target(bucket: &str) -> Diagnostic {
    Diagnostic::error(
        "Locked target of access logs",
        format!(
            "S3 does not deliver access logs to the bucket {bucket:?}, because it has Object Lock with a default retention. Set \
             `target_bucket` to another bucket."
        ),
    )
    .at("logging")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(expiration: Option<&str>) -> StorageModel {
        StorageModel {
            transitions: None,
            expiration: expiration.map(str::to_owned),
            segment_bytes: None,
        }
    }

    fn wanted(storage: &StorageModel) -> Storage {
        wanted_storage(Some(storage), 365, Reach::Everything)
    }

    #[test]
    fn storage_of_nothing_has_no_rule_and_stays_as_it_is_written() {
        let nothing = || Reach::Prefixes(BTreeSet::new());
        let known = model(Some("400d"));
        let none = wanted_storage(Some(&known), 365, nothing());
        assert_eq!(none, Storage::default());
        assert_eq!(
            seen_storage((Some(&known), nothing()), 365, &none),
            Some(known)
        );
    }

    #[test]
    fn expiration_is_a_word_or_days() {
        assert_eq!(
            parse_expiration("after_retention"),
            Ok(Expiration::AfterRetention)
        );
        assert_eq!(parse_expiration("400d"), Ok(Expiration::Days(400)));
        for wrong in ["", "400", "0d", "d", "-1d", "1.5d", "90000d", "never"] {
            assert!(parse_expiration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn expiration_after_the_retention_leaves_two_days() {
        let after = wanted(&model(Some("after_retention")));
        assert_eq!(after.expiration_days, Some(367));
        assert_eq!(wanted(&model(None)), Storage::default());
    }

    #[test]
    fn storage_that_means_the_same_is_kept_as_it_is_written() {
        for written in ["after_retention", "367d"] {
            let known = model(Some(written));
            let found = wanted(&known);
            assert_eq!(
                seen_storage((Some(&known), Reach::Everything), 365, &found),
                Some(known)
            );
        }
        // imported
        let found = wanted(&model(Some("367d")));
        assert_eq!(
            seen_storage((None, Reach::Everything), 365, &found),
            Some(model(Some("after_retention")))
        );
        assert_eq!(
            seen_storage((None, Reach::Everything), 365, &Storage::default()),
            None
        );
    }

    #[test]
    fn storage_that_was_changed_shows_what_is_there() {
        let known = model(Some("after_retention"));
        let found = Storage {
            transitions: Vec::new(),
            expiration_days: Some(30),
            reach: Reach::Everything,
        };
        assert_eq!(
            seen_storage((Some(&known), Reach::Everything), 365, &found),
            Some(model(Some("30d")))
        );
        assert_eq!(
            seen_storage((Some(&known), Reach::Everything), 365, &Storage::default()),
            None
        );
    }
}
