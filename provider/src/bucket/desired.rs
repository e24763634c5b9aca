//! What the configuration means: the one place that plan, create, update and read share.

use auditlog_chain::timestamp::Timestamp;
use tf_provider::{AttributePath, Diagnostic, Field, Result};

use super::access::{bucket_policy, check_account, render};
use super::document::document;
use super::given;
use super::history::{History, Wanted};
use super::lock::declared;
use super::logs;
use super::model::{BucketModel, SSE_KMS, SSE_S3};
use super::place::Place;
use super::reach::reach;
use super::storage::{checked_storage, rule_lines, wanted_logging, wanted_storage};
use crate::aws::{
    BucketSettings, Encryption, OWNERSHIP, PublicAccessBlock, Tags, VERSIONING, partition,
};
use crate::tags::{self, MAX_TAGS};

/// A declaration with everything that follows from it.
#[derive(Debug, Clone)]
pub(super) struct Desired {
    /// The state once it is applied, except for what only S3 knows.
    pub(super) model: BucketModel,
    pub(super) history: History,
}

/// Fills in every computed attribute that is not known yet; one that is known (from the plan) stays.
///
/// # Errors
/// What is wrong with the declaration, at the attribute.
pub(super) fn desired(
    mut model: BucketModel,
    before: &History,
    place: Place<'_>,
) -> Result<Desired> {
    let name = model.name()?.to_owned();
    logs::complete(&name, &mut model);
    let history = history(&model, before, place.now)?;
    let partition = partition(place.clients.region());
    let keep = |field: &mut Field<String>, value: &dyn Fn() -> String| {
        if field.known().is_none() {
            *field = Field::Known(value());
        }
    };
    keep(&mut model.id, &|| name.clone());
    keep(&mut model.arn, &|| format!("arn:{partition}:s3:::{name}"));
    keep(&mut model.region, &|| place.clients.region().to_owned());
    if model.account_id.is_unknown() {
        model.account_id = place.clients.account_id().map(str::to_owned).into();
    }
    model.tags_all = Field::Known(tags::wanted(
        place.clients.default_tags(),
        model.tags.as_ref(),
    ));
    model.versioning = Field::Known(VERSIONING.to_owned());
    model.object_lock_enabled = Field::Known(true);
    model.public_access_block = Field::Known(PublicAccessBlock::ALL);
    model.object_ownership = Field::Known(OWNERSHIP.to_owned());
    let kms = model.encryption.is_some();
    model.sse_algorithm = Field::Known(if kms { SSE_KMS } else { SSE_S3 }.to_owned());
    check_account(&model)?;
    if model.policy.known().is_none() {
        model.policy = Field::Known(render(&bucket_policy(&model, &history, place)?)?);
    }
    if model.lifecycle_rules.known().is_none() {
        let longest = history.longest(place.now);
        let storage = wanted_storage(model.storage.as_ref(), longest, reach(&model));
        model.lifecycle_rules = Field::Known(rule_lines(&storage));
    }
    model.foreign = Field::Known(model.foreign.into_known().unwrap_or_default());
    model.drift = Field::Known(Vec::new());
    model.event_hold = model.event_hold.into_known().into();
    history.fill(&mut model);
    fill_trust_policy(&mut model, &history, place.now)?;
    Ok(Desired { model, history })
}

/// The settings of S3 that a complete declaration asks for. `others_tags` is the number of tags that are left alone and count for
/// the limit of S3.
///
/// # Errors
/// The declaration is not complete, or S3 would take it and it would harm.
pub(super) fn settings(
    desired: &Desired,
    now: Timestamp,
    others_tags: usize,
) -> Result<BucketSettings> {
    let model = &desired.model;
    let encryption =
        model
            .encryption
            .as_ref()
            .map_or(Encryption::SseS3, |kms| Encryption::SseKms {
                key_arn: Some(kms.kms_key_arn.clone()),
                bucket_key: kms.bucket_key_enabled,
            });
    let tags = model.tags_all.known().cloned().unwrap_or_default();
    let marks = marks(&desired.history, now)?;
    check_number(tags.len(), marks.len(), others_tags)?;
    Ok(BucketSettings {
        retention: model.retention()?,
        encryption,
        storage: checked_storage(
            model.storage.as_ref(),
            desired.history.longest(now),
            reach(model),
        )?,
        logging: wanted_logging(model.logging.as_ref()),
        policy: model.policy.known().cloned().unwrap_or_default(),
        tags,
        marks,
    })
}

/// Checks that S3 takes all tags: those of the configuration, one for each log, a few of the bucket, and those of others.
fn check_number(tags: usize, marks: usize, others: usize) -> Result {
    // the creation tag
    let ours = tags.saturating_add(marks).saturating_add(1);
    let all = ours.saturating_add(others);
    if all <= MAX_TAGS {
        return Ok(());
    }
    let ignored = (others > 0)
        .then(|| format!(" {others} are tags of others that `ignore_tags` leaves in place."));
    let ignored = ignored.unwrap_or_default();
    let detail = format!(
        "The bucket would have {all} tags, and S3 allows {MAX_TAGS}. {tags} are those of `tags` and `default_tags`.{ignored} The rest are the \
         provider's own: one for each log, two for the bucket, and one more for each log whose lock changed often. Remove tags, or divide \
         the logs among several buckets."
    );
    Err(Diagnostic::error("Too many tags", detail).at("logs").into())
}

/// The tags that hold the history.
fn marks(history: &History, now: Timestamp) -> Result<Tags> {
    history.tags(now).map_err(|error| {
        let detail = format!("{error}. Wait until the earliest have ended, or change less often.");
        let path = AttributePath::from("object_lock");
        Diagnostic::error("Too many changes of the lock", detail)
            .at(path)
            .into()
    })
}

/// What was declared, with what this declaration adds.
fn history(model: &BucketModel, before: &History, now: Timestamp) -> Result<History> {
    let wanted = Wanted {
        lock: declared(model.retention()?),
        notice: model.notice()?,
        logs: logs::wanted(model)?,
    };
    let mut history = before.declare(&wanted, now);
    given::take(model, &wanted, &mut history)?;
    Ok(history)
}

fn fill_trust_policy(model: &mut BucketModel, history: &History, now: Timestamp) -> Result {
    if model.trust_policy.known().is_some() {
        return Ok(());
    }
    let rendered = document(model, history, now)?;
    let (json, digest) = rendered
        .map(|rendered| (rendered.json, rendered.sha256))
        .unzip();
    model.trust_policy = json.into();
    model.trust_policy_sha256 = digest.into();
    Ok(())
}

#[cfg(test)]
mod tests {
    use auditlog_chain::policy::{LockMode, LockSpan};
    use tf_provider::Object;

    use super::*;
    use crate::aws::{Cancel, Clients, Settings};

    async fn offline() -> Clients {
        let settings = Settings {
            region: Some("eu-central-1".to_owned()),
            skip_requesting_account_id: true,
            ..Settings::default()
        };
        Clients::connect(&settings, Cancel::default())
            .await
            .unwrap()
    }

    fn span(day: u32, retention_days: u32) -> LockSpan {
        LockSpan {
            from: Timestamp::EPOCH.saturating_add_days(day),
            mode: LockMode::Governance,
            retention_days,
        }
    }

    fn model() -> BucketModel {
        let lock = Object::new()
            .with("mode", "GOVERNANCE")
            .with("days", 3)
            .with("notice", "1d");
        let storage = Object::new().with("expiration", "after_retention");
        let model = Object::new()
            .with("bucket", "acme-audit")
            .with("object_lock", lock)
            .with("storage", storage);
        model.decode().unwrap()
    }

    #[tokio::test]
    async fn rules_of_a_saved_plan_stay_when_an_old_span_ends_before_the_apply() {
        let clients = &offline().await;
        let before = History {
            lock: vec![span(0, 30), span(10, 3)],
            ..History::default()
        };
        let rules = |model: BucketModel, day: u32| {
            let now = Timestamp::EPOCH.saturating_add_days(day);
            let desired = desired(model, &before, Place { clients, now }).unwrap();
            desired.model
        };
        let planned = rules(model(), 11);
        let much_later = rules(model(), 200);
        assert_ne!(planned.lifecycle_rules, much_later.lifecycle_rules);
        assert_eq!(
            rules(planned.clone(), 200).lifecycle_rules,
            planned.lifecycle_rules
        );
    }

    #[test]
    fn tags_of_others_count_for_the_limit() {
        assert!(check_number(5, 4, 40).is_ok());
        let said = check_number(5, 4, 41).unwrap_err();
        let said = &said.iter().next().unwrap().detail;
        assert!(said.starts_with("The bucket would have 51 tags"), "{said}");
        assert!(
            said.contains("41 are tags of others that `ignore_tags` leaves"),
            "{said}"
        );
    }
}
