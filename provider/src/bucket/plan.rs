//! What `auditlog_bucket` plans.

use std::collections::BTreeMap;

use auditlog_chain::policy::LockMode;
use auditlog_chain::timestamp::Timestamp;
use tf_provider::{
    AttributePath, Context, Diagnostic, Diagnostics, Field, Object, Plan, Result, ToValue as _,
    Value, ValueError,
};

use super::access::{bucket_policy, lockout_by_list, lockout_by_statement, not_enforced, reading};
use super::began;
use super::changes;
use super::desired::{Desired, desired, settings};
use super::given;
use super::history::History;
use super::lock::of_value;
use super::logs::complete;
use super::memory::{applied_encryption, clock, declared, now, others_tags};
use super::model::{BucketModel, SSE_C_BLOCKED, SSE_C_UNSUPPORTED};
use super::partial::{Extent, known_part};
use super::path::{logs_of, path_of};
use super::place::Place;
use super::ratchet::{self, Reading};
use super::storage::archive_warning;
use crate::account::Account;
use crate::aws::{BucketPolicy, DefaultRetention, policies_agree};
use crate::diagnostic::nested;
use crate::lockout::Lockout;
use crate::tags;

/// What is computed from the configuration, and shown where all of that is known.
const DERIVED: [&str; 11] = [
    "arn",
    "id",
    "account_id",
    "tags_all",
    "versioning",
    "object_lock_enabled",
    "public_access_block",
    "object_ownership",
    "sse_algorithm",
    "lifecycle_rules",
    "policy",
];

/// What a declaration adds to, so that it is known only once it is applied.
const DECLARED: [&str; 2] = ["lock_spans", "log_spans"];
const LOCK: &str = "object_lock";
const EXPORTED: [&str; 2] = ["trust_policy", "trust_policy_sha256"];

pub(super) fn plan(cx: &Context<Account>, plan: &mut Plan) -> Result {
    tags::plan(plan, cx.data())?;
    plan_sse_c(plan);
    plan_kept(plan);
    plan_name(plan);
    let before = before(cx, plan);
    let mut wrong = Diagnostics::new();
    wrong.take(check_given(cx, plan, &before));
    wrong.take(began::check_past(&plan.config, now()));
    let declared = plan_declaration(cx, plan, &before);
    let reading = declared.as_ref().map_or(Reading::Kept, |reading| *reading);
    let judged = check_ratchet(cx, plan, &before, reading);
    let is_refused = judged.is_err();
    wrong.take(judged);
    for warning in irreversible(plan, now()) {
        cx.warn(warning);
    }
    plan_region(cx, plan);
    // a weakening and what is wrong with it are two errors, and both count
    wrong.take(declared.map(|_| ()));
    if let (true, Some(prior)) = (is_refused, &plan.prior)
        && let Some(warning) = changes::announced(prior, &plan.planned)
    {
        cx.warn(warning);
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong) }
}

/// Everything that follows from the configuration, where all of that is known; where it is not, what can be checked all the same.
fn plan_declaration(cx: &Context<Account>, plan: &mut Plan, before: &History) -> Result<Reading> {
    let part = known_part(&plan.config, &plan.planned, plan.prior.as_ref());
    // a value that cannot be read is wrong, whatever else is not known yet
    let model = part.state.decode().map_err(|error| unreadable(&error))?;
    if part.extent != Extent::Whole || cx.data().known().is_none() {
        unknown(plan);
    }
    if cx.data().known().is_none() {
        return Ok(Reading::Kept);
    }
    let declaration = Declaration {
        model,
        extent: part.extent,
    };
    declaration.plan(cx, plan, before)
}

fn unreadable(error: &ValueError) -> Diagnostic {
    let detail = format!("Expected {}, found {}.", error.expected, error.found);
    nested("Value of the wrong kind", &detail, &error.path)
}

/// What a configuration declares, as far as it is known.
struct Declaration {
    model: BucketModel,
    extent: Extent,
}

impl Declaration {
    fn plan(mut self, cx: &Context<Account>, plan: &mut Plan, before: &History) -> Result<Reading> {
        let clients = cx
            .data()
            .clients_in(self.model.region.known().map(String::as_str))?;
        let place = Place {
            clients: &clients,
            now: clock(cx).unwrap_or(Timestamp::EPOCH),
        };
        if plan.planned.value("administrators").is_wholly_known() {
            let found = lockout_by_list(&self.model, place.clients)?;
            warn(cx, found.map(Lockout::announced));
        }
        let found = lockout_by_statement(&self.model, place.clients)?;
        warn(cx, found.map(Lockout::announced));
        if self.extent == Extent::WithoutLock {
            let bucket = self.model.name()?.to_owned();
            complete(&bucket, &mut self.model);
            let policy = bucket_policy(&self.model, before, place)?;
            warn(cx, not_enforced(&policy));
            return Ok(Reading::Kept);
        }
        let desired = desired(self.model, before, place)?;
        // another bucket has no tags of others yet
        let kept = if plan.is_create() { 0 } else { others_tags(cx) };
        let settings = settings(&desired, place.now, kept)?;
        warn(cx, without_account(&desired.model));
        warn(cx, archive_warning(&settings.storage));
        let policy = bucket_policy(&desired.model, &desired.history, place)?;
        warn(cx, not_enforced(&policy));
        if self.extent == Extent::Whole {
            show(plan, &desired, before);
        }
        Ok(reading_of(plan, before, (&policy, place)))
    }
}

/// What the planned policy does to the rights of those who read a log, where the bucket is there.
fn reading_of(
    plan: &Plan,
    history: &History,
    (planned, place): (&BucketPolicy, Place<'_>),
) -> Reading {
    let prior = plan.prior.as_ref().and_then(|prior| prior.decode().ok());
    prior.map_or(Reading::Kept, |prior| {
        reading((&prior, history), planned, place)
    })
}

/// The trust policy names the account, so that there is none without it.
fn without_account(model: &BucketModel) -> Option<Diagnostic> {
    let has_logs = model.logs.as_ref().is_some_and(|logs| !logs.is_empty());
    (has_logs && model.account_id.known().is_none()).then(|| {
        let detail = "The provider does not know the account, which the trust policy names, so `trust_policy` will be null. Remove \
                      `skip_requesting_account_id` and `skip_credentials_validation` from the provider block, so that the provider \
                      asks STS.";
        Diagnostic::warning("No trust policy", detail).at("logs")
    })
}

fn warn(cx: &Context<Account>, warning: Option<Diagnostic>) {
    if let Some(warning) = warning {
        cx.warn(warning);
    }
}

/// A prefix that the name of the bucket does not begin with needs another bucket.
fn plan_name(plan: &mut Plan) {
    let prior = plan.prior.as_ref();
    let name = prior.and_then(|prior| prior.value("bucket").as_str());
    let prefix = plan.config.value("bucket_prefix").as_str();
    if let (Some(name), Some(prefix)) = (name, prefix)
        && !name.starts_with(prefix)
    {
        plan.planned.set("bucket", Value::Unknown);
        plan.require_replace("bucket_prefix");
    }
}

/// A new bucket is made in the provider's region, unless it names its own.
fn plan_region(cx: &Context<Account>, plan: &mut Plan) {
    let named = !plan.config.value("region").is_null();
    if let (true, false, Some(clients)) = (plan.is_create(), named, cx.data().known()) {
        plan.planned.set("region", clients.region());
    }
}

/// What was declared before: as it was applied, even if the bucket's tags say something else now.
fn before(cx: &Context<Account>, plan: &Plan) -> History {
    let Some(prior) = &plan.prior else {
        return History::default();
    };
    let state = || {
        prior
            .decode()
            .map(|model| History::of(&model))
            .unwrap_or_default()
    };
    declared(cx).unwrap_or_else(state)
}

fn show(plan: &mut Plan, desired: &Desired, before: &History) {
    let Value::Object(whole) = desired.model.to_value() else {
        return;
    };
    for name in DERIVED {
        plan.planned.set(name, whole.value(name));
    }
    // S3 may return a policy in another order; only another meaning is a change.
    let prior = plan
        .prior
        .as_ref()
        .map(|prior| prior.value("policy").clone());
    if let (Some(Value::String(prior)), Value::String(wanted)) = (prior, whole.value("policy"))
        && policies_agree(&prior, wanted)
    {
        plan.planned.set("policy", prior);
    }
    show_logs(plan, &desired.model, before);
    let logs = || desired.model.logs.iter().flatten();
    let keys_known = logs().all(|(_, log)| !log.signing_key.is_unknown());
    let adds = [
        desired.history.lock != before.lock,
        desired.history.logs != before.logs || !keys_known,
    ];
    for (name, adds) in DECLARED.into_iter().zip(adds) {
        if plan.config.value(name).is_null() {
            plan.planned.set(name, known_if(!adds, whole.value(name)));
        }
    }
    let known = logs().next().is_none() || (keys_known && adds == [false, false]);
    for name in EXPORTED {
        plan.planned.set(name, known_if(known, whole.value(name)));
    }
}

fn known_if(known: bool, value: &Value) -> Value {
    if known { value.clone() } else { Value::Unknown }
}

/// The logs with the names that follow from the configuration; a log that is new begins when it is applied.
fn show_logs(plan: &mut Plan, model: &BucketModel, before: &History) {
    let Some(mut logs) = model.logs.clone() else {
        return;
    };
    let configured = plan.config.value("logs").clone();
    for (name, log) in &mut logs {
        let said = configured.as_map().and_then(|logs| logs.get(name));
        let said = matches!(said, Some(Value::Object(log)) if !log.value("began").is_null());
        if !said && !before.logs.contains_key(name) {
            log.began = Field::Unknown;
        }
    }
    plan.planned.set("logs", logs);
}

/// Where something that the configuration says is not known yet, nothing that follows from it is.
fn unknown(plan: &mut Plan) {
    let kept = ["arn", "id", "account_id", "tags_all"];
    let derived = DERIVED.into_iter().filter(|name| !kept.contains(name));
    for name in derived.chain(DECLARED).chain(EXPORTED) {
        let computed = plan.config.value(name).is_null();
        if computed {
            plan.planned.set(name, Value::Unknown);
        }
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
    // what others have done to the provider's own tags is put back
    plan.planned.set("drift", none());
}

/// Each lock that nobody can end, where it is new: of the bucket, and of the logs that have their own. The plan is the same whatever
/// the time is; only the text has a date.
fn irreversible(plan: &Plan, now: Timestamp) -> Vec<Diagnostic> {
    let before = plan.prior.as_ref().map(locks).unwrap_or_default();
    let new = locks(&plan.planned)
        .into_iter()
        .filter(|(path, lock)| lock.mode == LockMode::Compliance && before.get(path) != Some(lock));
    new.map(|(path, lock)| announced(&path, lock, now))
        .collect()
}

/// The locks that are known, by the path of their attribute.
fn locks(state: &Object) -> BTreeMap<String, DefaultRetention> {
    let bucket = (AttributePath::from(LOCK), state.value(LOCK));
    let logs = logs_of(state);
    let logs = logs.map(|(name, log)| (path_of(name).attribute(LOCK), log.value(LOCK)));
    let locks = std::iter::once(bucket).chain(logs);
    let known = locks.filter_map(|(path, lock)| Some((path.to_string(), of_value(lock)?)));
    known.collect()
}

fn announced(path: &str, lock: DefaultRetention, now: Timestamp) -> Diagnostic {
    let days = lock.period.days();
    let until = now.saturating_add_days(days).to_rfc3339();
    let at = (path != LOCK).then(|| format!("At {path}: "));
    let detail = format!(
        "{}Mode COMPLIANCE, {days} days: nothing that is written from now on can be deleted for {days} days after its write, by nobody, \
         and the bucket cannot be deleted before. An object that is written now is locked until {until}.",
        at.unwrap_or_default()
    );
    let top = if path == LOCK { LOCK } else { "logs" };
    Diagnostic::warning("Irreversible lock", detail).at(top)
}

/// Checks the spans that the configuration gives; another bucket has none yet.
///
/// # Errors
/// They are not those that were declared.
fn check_given(cx: &Context<Account>, plan: &Plan, before: &History) -> Result {
    let same = plan
        .prior
        .as_ref()
        .filter(|prior| prior.value("bucket") == plan.planned.value("bucket"));
    let none = History::default();
    given::check(&plan.config, same.map_or(&none, |_| before), clock(cx))
}

/// Judges what would become weaker.
///
/// # Errors
/// A weakening that `allow_weakening` does not name.
fn check_ratchet(cx: &Context<Account>, plan: &Plan, before: &History, reading: Reading) -> Result {
    let Some(prior) = &plan.prior else {
        return Ok(());
    };
    let encryption = applied_encryption(cx);
    let before = ratchet::Before {
        state: prior,
        history: before,
        encryption: encryption.as_deref(),
        reading,
    };
    let judged = ratchet::judge(&before, &plan.planned);
    if let Some(stale) = judged.stale {
        cx.warn(stale);
    }
    judged.refused.map_or(Ok(()), |refused| Err(refused.into()))
}
