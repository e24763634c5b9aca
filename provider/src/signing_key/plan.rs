//! The plan of a signing key. It is a function of configuration, state and private data alone: Terraform makes it twice. The clock only
//! refuses declarations of the future, and what is past stays past.

use std::collections::BTreeSet;

use auditlog_chain::keys::KeySpec;
use auditlog_chain::timestamp::Timestamp;
use tf_provider::{Context, Diagnostic, Field, Object, Plan, Result, ToValue as _, Value};

use super::context::{check_account, clients, now};
use super::declared::{check, declarations, softened};
use super::disarm::check_named;
use super::due::{Due, Rotation};
use super::history::{History, Need, State};
use super::model::SigningKey;
use super::others_tags;
use super::policy::place_of;
use super::predecessors::keep_predecessors;
use super::state::known_history;
use super::stated::Stated;
use crate::account::Account;
use crate::aws::{Clients, KEY_USAGE, Planned, partition};
use crate::error::Error;
use crate::tags;

/// Private data of a plan: that the resource was there. The second plan of a replacement, as a create, finds it.
const WAS_THERE: &str = "was_there";

/// Why a new version is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// `key_spec` changed.
    Spec,
    /// `rotation.trigger` changed.
    Trigger,
    /// The version that signs has reached its age.
    Age,
    /// The version that signs cannot go on.
    Need(Need),
    /// An apply before this one made the successor, and did not finish it.
    Unfinished,
}

/// Whether a new version is made, as far as the values are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Successor {
    No,
    Yes(Why),
    /// A value is known only after apply.
    Maybe,
}

pub(crate) fn plan(cx: &Context<Account>, plan: &mut Plan) -> Result {
    tags::plan(plan, cx.data())?;
    others_tags::check(cx, plan)?;
    plan_region(cx, plan)?;
    plan.planned.set("usage", KEY_USAGE);
    plan.planned.set("drift", Vec::<String>::new());
    let access = Stated::of(&plan.planned)?;
    access.warn(cx);
    let caller = cx.data().known().and_then(Clients::caller_arn);
    if let Some(found) = access.access().locked_out(caller)? {
        cx.warn(found.announced());
    }
    match &plan.prior {
        None => plan_create(cx, plan, &access),
        Some(prior) => {
            let prior: SigningKey = prior.clone().decode()?;
            plan_update(cx, plan, &prior, &access)
        }
    }
}

/// A new key is made in the provider's region, unless it names its own. A key never moves.
fn plan_region(cx: &Context<Account>, plan: &mut Plan) -> Result {
    let named = !plan.config.value("region").is_null();
    if let (true, false, Some(clients)) = (plan.is_create(), named, cx.data().known()) {
        plan.planned.set("region", clients.region());
    }
    let before = plan.prior.as_ref().map(|prior| prior.get("region"));
    let before: Option<Field<String>> = before.transpose()?;
    let after: Field<String> = plan.planned.get("region")?;
    match (before.and_then(Field::into_known), after.into_known()) {
        (Some(before), Some(after)) if before != after => Err(moved(&before, &after).into()),
        (_, _) => Ok(()),
    }
}

fn moved(before: &str, after: &str) -> Diagnostic {
    let detail = format!(
        "The key is in {before:?}, and a key of KMS cannot move to {after:?}. Set it back. For a key there, add a second \
         resource and declare both keys for the log: `keys = concat(auditlog_signing_key.OLD.trust.keys, \
         auditlog_signing_key.NEW.trust.keys)`."
    );
    Diagnostic::error("The region of a key does not change", detail).at("region")
}

fn plan_create(cx: &Context<Account>, plan: &mut Plan, access: &Stated) -> Result {
    if let Field::Known(declared) = declarations(&plan.planned)? {
        check(&declared, &History::default(), now())?;
    }
    plan.planned.set("foreign_grants", Vec::<String>::new());
    let spec = planned_spec(&plan.planned)?;
    let region: Field<String> = plan.planned.get("region")?;
    let account = cx.data().known();
    let account = account.map(|one| {
        let region = region.known();
        region.map_or_else(|| one.clone(), |region| one.in_region(region))
    });
    let account = account.as_ref();
    if let Some(clients) = account {
        check_account(clients)?;
    }
    if let Some(clients) = account {
        check_named(clients, &plan.planned, &BTreeSet::new())?;
    }
    let place = account.and_then(|one| Some((partition(one.region()), one.account_id()?)));
    let policy = match (place, spec) {
        (Some(place), Some(spec)) => access.render(place, spec)?,
        (_, _) => Value::Unknown,
    };
    plan.planned.set("policy", policy);
    if period(&plan.planned)? == Field::Null {
        plan.planned.set("rotation_due", Value::Null);
    }
    if let (Some(clients), Field::Known(alias)) =
        (account, plan.planned.get::<Field<String>>("alias")?)
    {
        if cx.private(WAS_THERE).is_none() {
            check_alias(clients, &alias, Planned::New)?;
        }
        keep_predecessors(cx, clients.remembered_keys(&alias));
    }
    Ok(())
}

/// An alias has one resource of a configuration. A new one would wait for the other for ever.
fn check_alias(clients: &Clients, alias: &str, planned: Planned) -> Result {
    if clients.plan_alias(alias, planned) {
        return Ok(());
    }
    let alias = alias.to_owned();
    let error = Error::AliasTwice { alias };
    Err(error.diagnostic("Two keys of one alias", "alias").into())
}

/// What the other resources of this configuration have and plan: an apply sees of them what came before.
fn check_others(
    clients: &Clients,
    (plan, prior): (&Plan, &SigningKey),
    history: &History,
) -> Result {
    let own = history.key_ids();
    check_named(clients, &plan.planned, &own)?;
    let Field::Known(alias) = plan.planned.get::<Field<String>>("alias")? else {
        return Ok(());
    };
    // one that this run has made was planned as a new one
    if own.iter().any(|key| clients.has_made(key)) {
        return Ok(());
    }
    let first = history.versions().next();
    let first = first.map(|(_, version)| &version.key_id);
    if let Some(first) = first.or(prior.key_id.known()) {
        check_alias(clients, &alias, Planned::Kept(first.clone()))?;
    }
    let from = own_alias(prior);
    if from.is_empty() || from == alias || clients.plan_move(from, &alias) {
        return Ok(());
    }
    Err(exchanged(from, &alias).into())
}

/// The alias that is the resource's own; the state's is empty while somebody has moved it.
fn own_alias(prior: &SigningKey) -> &str {
    let trust = prior.trust.known();
    trust.map_or(&prior.alias, |trust| &trust.alias)
}

/// Each of them finds the alias that it wants at the other one, whichever comes first.
fn exchanged(from: &str, to: &str) -> Diagnostic {
    let detail = format!(
        "This resource moves from {from:?} to {to:?}, which another resource of this configuration gives up for {from:?}, directly or \
         over others. A key keeps its alias until it moves to one that is free, so none of them can be the first. Move them one by one, \
         over a third alias, with an apply for each step: give this resource an alias that no key has, then give the other one {from:?}, \
         and last this resource {to:?}."
    );
    Diagnostic::error("Signing keys exchange their aliases", detail).at("alias")
}

fn plan_update(
    cx: &Context<Account>,
    plan: &mut Plan,
    prior: &SigningKey,
    access: &Stated,
) -> Result {
    let due = Due::known(cx);
    let mut history = known_history(prior.versions.known())?.unwrap_or_default();
    if cx.data().known().is_some() {
        // a replacement is planned a second time, as a create
        let clients = clients(cx, prior)?;
        clients.remember_keys(own_alias(prior), history.key_ids());
        cx.set_private(WAS_THERE, "");
        check_others(&clients, (plan, prior), &history)?;
    }
    plan.planned
        .set("foreign_grants", prior.foreign_grants.clone());
    let declared = match declarations(&plan.planned)? {
        Field::Known(declared) => {
            check(&declared, &history, now())?;
            if let Some(warning) = softened(&declared, &history) {
                cx.warn(warning);
            }
            Some(declared)
        }
        Field::Null | Field::Unknown => None,
    };
    history.declare(&declared.clone().unwrap_or_default());
    let successor = successor(&plan.planned, prior, &history, &due)?;
    if successor != Successor::No || declared.is_none() || history.is_empty() {
        plan_unknown(plan);
        if let Successor::Yes(why) = successor {
            announce(cx, &history, why, grace_days(&plan.planned)?);
        }
        return Ok(());
    }
    check_deletion(&history)?;
    history.retire(&due.retire);
    plan_known(plan, &history, access)
}

/// Everything that a new version changes.
fn plan_unknown(plan: &mut Plan) {
    for name in [
        "id",
        "key_id",
        "arn",
        "creation_date",
        "public_key_pem",
        "public_key_spki",
        "policy",
        "rotation_due",
        "versions",
        "trust",
    ] {
        plan.planned.set(name, Value::Unknown);
    }
}

fn plan_known(plan: &mut Plan, history: &History, access: &Stated) -> Result {
    plan.planned.set("versions", history.models());
    let trust = match plan.planned.get::<Field<String>>("alias")? {
        Field::Known(alias) => history.trust(&alias).to_value(),
        Field::Null | Field::Unknown => Value::Unknown,
    };
    plan.planned.set("trust", trust);
    let due = match period(&plan.planned)? {
        Field::Known(days) => history.due(days).map(Timestamp::to_rfc3339).to_value(),
        Field::Null => Value::Null,
        Field::Unknown => Value::Unknown,
    };
    plan.planned.set("rotation_due", due);
    let current = history.current().map(|(_, version)| &version.declared);
    let place = current.and_then(|key| place_of(key.arn.as_deref()?));
    let policy = match (place, current) {
        (Some(place), Some(key)) => access.render(place, key.spec)?,
        (_, _) => Value::Unknown,
    };
    plan.planned.set("policy", policy);
    Ok(())
}

fn successor(
    planned: &Object,
    prior: &SigningKey,
    history: &History,
    due: &Due,
) -> Result<Successor> {
    if let Some(need) = history.needs_successor() {
        return Ok(Successor::Yes(Why::Need(need)));
    }
    if history.unfinished().is_some() {
        return Ok(Successor::Yes(Why::Unfinished));
    }
    let spec = planned.get::<Field<String>>("key_spec")?;
    let trigger = rotation::<String>(planned, "trigger")?;
    let period = period(planned)?;
    Ok(match (spec, trigger, period) {
        (Field::Known(spec), _, _) if is_other_spec(history, &spec) => Successor::Yes(Why::Spec),
        (_, Field::Known(trigger), _) if prior.trigger() != Some(trigger.as_str()) => {
            Successor::Yes(Why::Trigger)
        }
        (_, _, Field::Known(_)) if due.rotation == Rotation::Now => Successor::Yes(Why::Age),
        (Field::Unknown, _, _) | (_, Field::Unknown, _) | (_, _, Field::Unknown) => {
            Successor::Maybe
        }
        (_, _, _) => Successor::No,
    })
}

fn is_other_spec(history: &History, spec: &str) -> bool {
    let current = history.current();
    current.is_some_and(|(_, version)| version.declared.spec.as_str() != spec)
}

/// Why a new version is made, once everything is known.
///
/// # Errors
/// As [`plan`].
pub(crate) fn why(
    planned: &SigningKey,
    prior: &SigningKey,
    history: &History,
    due: &Due,
) -> Result<Option<Why>> {
    let Value::Object(planned) = planned.to_value() else {
        return Ok(None);
    };
    Ok(match successor(&planned, prior, history, due)? {
        Successor::Yes(why) => Some(why),
        Successor::No | Successor::Maybe => None,
    })
}

/// Says that a new version is made, why, and how long the old one may sign.
fn announce(cx: &Context<Account>, history: &History, why: Why, grace: Field<u32>) {
    let Some((number, _)) = history.current() else {
        return;
    };
    let next = history
        .unfinished()
        .map_or(history.next_number(), |(number, _)| number);
    if next == number {
        // the first version, whose create was interrupted
        return;
    }
    let reason = match why {
        Why::Spec => "key_spec changed",
        Why::Trigger => "rotation.trigger changed",
        Why::Age => "it has reached rotation.period_in_days",
        Why::Need(Need::Gone) => "KMS does not have its key any more",
        Why::Need(Need::Compromised) => "it was declared compromised",
        Why::Need(Need::Lost) => "it was declared lost",
        Why::Unfinished => "an earlier apply was interrupted",
    };
    let until = match (why, grace) {
        (Why::Need(_), _) => "Nobody may sign with the old one from then on.".to_owned(),
        (_, Field::Known(days)) => format!("The old one may sign for {days} days more."),
        (_, Field::Null | Field::Unknown) => {
            "The old one may sign for rotation.grace_in_days more.".to_owned()
        }
    };
    let detail = format!(
        "Version {next} takes over from version {number}, because {reason}. {until} Give sealers and verifiers the new trust \
         policy after the apply, and let each sealer announce the new key while it can still sign with the old one \
         (--previous-kms-key)."
    );
    cx.warn(Diagnostic::warning("The signing key is rotated", detail).at("versions"));
}

/// The key that signs will be deleted: that is for a person to decide.
fn check_deletion(history: &History) -> Result {
    let Some((number, version)) = history.current() else {
        return Ok(());
    };
    if version.state != State::DeletionScheduled {
        return Ok(());
    }
    let id = &version.key_id;
    let detail = format!(
        "Somebody scheduled the deletion of version {number}, the key {id}, so it cannot sign. If that was a mistake:\n\n\
         aws kms cancel-key-deletion --key-id {id}\n\n\
         The next apply enables the key again. If it is to go, set or change `rotation.trigger`: a new version is made."
    );
    Err(
        Diagnostic::error("The key that signs is scheduled for deletion", detail)
            .at("key_id")
            .into(),
    )
}

fn planned_spec(planned: &Object) -> Result<Option<KeySpec>> {
    let spec = planned.get::<Field<String>>("key_spec")?;
    Ok(spec.known().and_then(|spec| KeySpec::parse(spec)))
}

/// An attribute of `rotation`; null where there is none.
fn rotation<T: tf_provider::FromValue>(planned: &Object, name: &str) -> Result<Field<T>> {
    let value = planned.value("rotation");
    if let Value::Object(rotation) = value {
        return Ok(rotation.get::<Field<T>>(name)?);
    }
    Ok(if value.is_unknown() {
        Field::Unknown
    } else {
        Field::Null
    })
}

fn period(planned: &Object) -> Result<Field<u32>> {
    rotation(planned, "period_in_days")
}

fn grace_days(planned: &Object) -> Result<Field<u32>> {
    Ok(match rotation(planned, "grace_in_days")? {
        Field::Null => Field::Known(super::model::DEFAULT_GRACE_DAYS),
        known @ (Field::Known(_) | Field::Unknown) => known,
    })
}
