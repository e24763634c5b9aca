//! Who may do what with the bucket and its logs: the bucket policy that the configuration asks for.

use std::collections::BTreeSet;

use tf_provider::{AttributePath, Diagnostic, Object, Result, Value};

use super::history::History;
use super::model::{BucketModel, DeliveryModel, LogModel};
use super::path::path_of;
use super::place::Place;
use super::ratchet::Reading;
use crate::aws::{
    BucketPolicy, Clients, Delivery, LogAccess, ObjectEncryption, PolicyError, Principal,
    Unenforced, partition, unenforced,
};
use crate::diagnostic::nested;
use crate::lockout::Lockout;
use crate::trust::spans::{LockBounds, bounds};

/// The policy that a complete declaration asks for.
///
/// # Errors
/// A principal that a policy cannot recognise, with its path.
pub(super) fn bucket_policy(
    model: &BucketModel,
    history: &History,
    place: Place<'_>,
) -> Result<BucketPolicy> {
    let notice = model.notice()?;
    let partition = partition(place.clients.region());
    let logs = model.logs.iter().flatten().map(|(name, log)| {
        let spans = history.lock_of(name);
        log_access(name, log, (partition, bounds(spans, place.now, notice)))
    });
    Ok(BucketPolicy {
        partition: partition.to_owned(),
        account: model.account_id.known().cloned().unwrap_or_default(),
        bucket: model.name()?.to_owned(),
        logs: logs.collect::<Result<_>>()?,
        declared_prefixes: model.declared_prefixes.clone().unwrap_or_default(),
        administrators: principals(
            model.administrators.as_ref(),
            partition,
            &AttributePath::from("administrators"),
        )?,
        break_glass: principals(
            model.break_glass.as_ref(),
            partition,
            &AttributePath::from("break_glass"),
        )?,
        encryption: model
            .encryption
            .as_ref()
            .map_or(ObjectEncryption::SseS3, |kms| ObjectEncryption::SseKms {
                key_arn: Some(kms.kms_key_arn.clone()),
            }),
        deliveries: model
            .log_delivery
            .as_ref()
            .map_or_else(Vec::new, deliveries),
        extra: model.extra_policy_json.clone(),
    })
}

/// What the planned policy does to the rights of those who read a log.
pub(super) fn reading(
    (prior, history): (&BucketModel, &History),
    planned: &BucketPolicy,
    place: Place<'_>,
) -> Reading {
    let found = prior.policy.known().map_or("", String::as_str);
    let before = bucket_policy(prior, history, place).ok();
    if planned.opens_reading(before.as_ref(), found) {
        Reading::Opened
    } else {
        Reading::Kept
    }
}

/// Checks that the account is known where the policy needs it: it says which principals are of another account, and whose logs a
/// service may deliver.
///
/// # Errors
/// The first argument that needs it.
pub(super) fn check_account(model: &BucketModel) -> Result {
    if model.account_id.known().is_some() {
        return Ok(());
    }
    let stated = |(name, log): (&String, &LogModel)| {
        let lists = [("writers", &log.writers), ("readers", &log.readers)];
        let stated = lists.into_iter().find(|(_, list)| list.is_some());
        stated.map(|(list, _)| path_of(name).attribute(list))
    };
    let delivery = model.log_delivery.as_ref();
    let delivery = delivery.map(|_| AttributePath::from("log_delivery"));
    let path = model.logs.iter().flatten().find_map(stated).or(delivery);
    path.map_or(Ok(()), |path| {
        let detail = "The bucket policy needs the account for it, and the provider does not know it. Remove \
                      `skip_requesting_account_id` and `skip_credentials_validation` from the provider block, so that the provider \
                      asks STS, or leave the argument out: then IAM alone decides.";
        Err(nested("The account of the bucket is not known", detail, &path).into())
    })
}

/// The same as one JSON document.
///
/// # Errors
/// What S3 would refuse, or what would weaken the policy, at the attribute.
pub(super) fn render(policy: &BucketPolicy) -> Result<String> {
    policy.render().map_err(|error| {
        let path = match &error {
            PolicyError::TooLarge { .. } => "logs",
            PolicyError::Extra(_) => "extra_policy_json",
            PolicyError::DeliveryOverlaps { .. }
            | PolicyError::LoadBalancersNeedSseS3
            | PolicyError::NotATrail { .. }
            | PolicyError::NotAnAccount { .. } => "log_delivery",
        };
        let detail = format!("{error}.\n\n{}", error.hint());
        Diagnostic::error("The bucket policy cannot be made", capital(&detail))
            .at(path)
            .into()
    })
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters
        .next()
        .map(|letter| letter.to_uppercase().to_string());
    first.unwrap_or_default() + letters.as_str()
}

/// Nobody writes a log that has ended. Its writers may still read it where it has readers.
fn log_access(
    name: &str,
    log: &LogModel,
    (partition, lock): (&str, LockBounds),
) -> Result<LogAccess> {
    let at = |attribute: &str| path_of(name).attribute(attribute);
    let mut writers = principals(log.writers.as_ref(), partition, &at("writers"))?;
    let mut readers = principals(log.readers.as_ref(), partition, &at("readers"))?;
    if log.ended.is_some() {
        let former = writers.replace(Vec::new());
        if let Some(readers) = &mut readers {
            readers.extend(former.into_iter().flatten());
        }
    }
    Ok(LogAccess {
        prefix: log.prefix.known().cloned().unwrap_or_default(),
        writers,
        readers,
        lock,
    })
}

fn principals(
    arns: Option<&BTreeSet<String>>,
    partition: &str,
    path: &AttributePath,
) -> Result<Option<Vec<Principal>>> {
    let Some(arns) = arns else { return Ok(None) };
    let parse = |arn: &String| {
        Principal::parse_in(partition, arn).map_err(|error| {
            let detail = format!("{} {}", capital(&format!("{error}.")), error.hint());
            nested("Principal that a policy cannot recognise", &detail, path).into()
        })
    };
    arns.iter().map(parse).collect::<Result<_>>().map(Some)
}

/// Refuses a delivery that AWS does not make.
///
/// # Errors
/// AWS Config, which does not support Object Lock with a default retention.
pub(super) fn check_delivery(config: &Object) -> Result {
    let Value::Object(delivery) = config.value("log_delivery") else {
        return Ok(());
    };
    if delivery.value("config").is_null() {
        return Ok(());
    }
    let path = AttributePath::from("log_delivery").attribute("config");
    let detail = "AWS Config does not deliver to a bucket that has Object Lock with a default retention, and this one always has. Give the \
                  delivery channel of AWS Config another bucket.";
    Err(nested("AWS Config cannot deliver here", detail, &path).into())
}

/// Where services of AWS deliver their logs.
pub(super) fn deliveries(model: &DeliveryModel) -> Vec<Delivery> {
    let trails = model.cloudtrail.as_ref().map(|to| Delivery::CloudTrail {
        prefix: to.prefix.clone(),
        trails: to.trails.iter().flatten().cloned().collect(),
    });
    let balancers = model.load_balancers.as_ref();
    let balancers = balancers.map(|to| Delivery::LoadBalancers {
        prefix: to.prefix.clone(),
        accounts: to.accounts.iter().flatten().cloned().collect(),
    });
    trails.into_iter().chain(balancers).collect()
}

/// One warning about everything that IAM alone decides.
pub(super) fn not_enforced(policy: &BucketPolicy) -> Option<Diagnostic> {
    let found = unenforced(policy);
    let (shared, left_out): (Vec<_>, Vec<_>) = found
        .into_iter()
        .partition(|one| *one == Unenforced::ReadersOfEachLog);
    let lines = |found: Vec<Unenforced>| {
        let line = |one: Unenforced| format!("- {}: {one}.", one.argument());
        found.into_iter().map(line).collect::<Vec<_>>().join("\n")
    };
    let mut said = Vec::new();
    if !left_out.is_empty() {
        said.push(format!(
            "Where these arguments are left out, IAM alone decides:\n{}\n\nSet them to the ARNs of roles or users, or to [] for nobody.",
            lines(left_out)
        ));
    }
    if !shared.is_empty() {
        said.push(format!(
            "{}\n\nLet logs share readers and writers, limit them in IAM, or divide the logs among several buckets.",
            lines(shared)
        ));
    }
    let summary = "Not enforced by the bucket policy";
    (!said.is_empty()).then(|| Diagnostic::warning(summary, said.join("\n\n")))
}

/// Whether the caller may still change the bucket under its list of administrators.
///
/// # Errors
/// A principal that a policy cannot recognise.
pub(super) fn lockout_by_list(model: &BucketModel, clients: &Clients) -> Result<Option<Lockout>> {
    let path = AttributePath::from("administrators");
    let partition = partition(clients.region());
    let stated = principals(model.administrators.as_ref(), partition, &path)?;
    let stated = stated.as_deref();
    Ok(Lockout::by_administrators(
        "bucket",
        stated,
        clients.caller_arn(),
    ))
}

/// Whether the added statements leave the caller the policy of the bucket.
///
/// # Errors
/// The bucket has no name.
pub(super) fn lockout_by_statement(
    model: &BucketModel,
    clients: &Clients,
) -> Result<Option<Lockout>> {
    let caller = clients.caller_arn();
    let bucket = model.name()?;
    let extra = model.extra_policy_json.as_deref().zip(caller);
    Ok(extra.and_then(|(extra, caller)| Lockout::by_statements(extra, bucket, caller)))
}

#[cfg(test)]
mod tests {
    use auditlog_chain::policy::LockMode;
    use tf_provider::Field;

    use super::*;
    use crate::trust::model::EndedModel;

    const SEALER: &str = "arn:aws:iam::123456789012:role/sealer";
    const AUDITOR: &str = "arn:aws:iam::123456789012:role/auditor";

    fn ended(writers: Option<&str>, readers: Option<&str>) -> LogAccess {
        let set = |arn: Option<&str>| arn.map(|arn| BTreeSet::from([arn.to_owned()]));
        let log = LogModel {
            origin: Field::Unknown,
            prefix: Field::Known("logs/payments".to_owned()),
            signing_key: Field::Unknown,
            writers: set(writers),
            readers: set(readers),
            max_silence: "25h".to_owned(),
            object_lock: None,
            lock_spans: None,
            max_silence_spans: None,
            began: Field::Unknown,
            ended: Some(EndedModel {
                segment: 0,
                size: 1,
                root: String::new(),
                sealed: String::new(),
                stored: None,
                successor: None,
            }),
        };
        let lock = LockBounds {
            modes: vec![LockMode::Governance],
            min_days: 1,
            max_days: 3,
        };
        log_access("payments", &log, ("aws", lock)).unwrap()
    }

    #[test]
    fn ended_log_is_written_by_nobody_and_read_by_whom_it_was() {
        let parse = |arn| Principal::parse(arn).unwrap();
        for writers in [None, Some(SEALER)] {
            let access = ended(writers, None);
            assert_eq!((access.writers, access.readers), (Some(Vec::new()), None));
        }
        let access = ended(Some(SEALER), Some(AUDITOR));
        assert_eq!(access.writers, Some(Vec::new()));
        assert_eq!(access.readers, Some(vec![parse(AUDITOR), parse(SEALER)]));
        let readers = ended(None, Some(AUDITOR)).readers;
        assert_eq!(readers, Some(vec![parse(AUDITOR)]));
    }
}
