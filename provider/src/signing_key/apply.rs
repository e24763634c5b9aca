//! Creates and updates: the steps, in the order that leaves nothing behind that could sign.
//!
//! A key is made with a policy that denies signing. If we crash after that, the next apply makes another key, and the one
//! that nobody knows signs nothing. A new version is made and kept in the state before the alias moves; if we crash before,
//! the next apply finishes it, and if the state was not written either, it is a stray and reported.

use std::collections::BTreeSet;

use auditlog_chain::keys::KeySpec;
use auditlog_chain::timestamp::Timestamp;
use tf_provider::{Context, Diagnostic, Field, Result};

use super::claim::{Claim, Standing, standing};
use super::context::{
    check_account, check_caller, check_place, clients, key_failed, key_id, now, unknown_account,
};
use super::current::of_versions;
use super::declared::checked;
use super::disarm::{Named, named};
use super::due::Due;
use super::handover;
use super::history::{History, Presence, State};
use super::marks::first_marks;
use super::model::SigningKey;
use super::plan::{Why, why};
use super::policy::{Access, place_of};
use super::predecessors::predecessors;
use super::state::{self, Found, declared as found_key, seen, settings, settled, shared_tags};
use super::strays::{Known, report_strays};
use crate::account::Account;
use crate::aws::{
    Clients, Freshness, KeyParts, NewKey, Signing, change_key, create_key, partition, point_alias,
    read_key, read_new_key,
};
use crate::error::Error;

/// Makes the first version.
pub(crate) async fn create(cx: &Context<Account>, planned: SigningKey) -> Result<SigningKey> {
    let clients = &clients(cx, &planned)?;
    check_caller(clients, &planned)?;
    check_account(clients)?;
    checked(&planned, &History::default(), now())?;
    let not_made =
        |error: Error| error.diagnostic("The key was not created", error.attribute("key_spec"));
    if !clients.claim_alias(&planned.alias) {
        let alias = planned.alias.clone();
        return Err(not_made(Error::AliasTwice { alias }).into());
    }
    let known = predecessors(cx);
    let left = named(cx, clients, (&planned, &BTreeSet::new(), &known.keys)).await?;
    // before anything is made: an alias that belongs to somebody else would leave a key without one
    let claim = (Claim::New(&known), left.ids());
    let standing = standing(clients, &planned.alias, claim)
        .await
        .map_err(not_made)?;
    left.disarm(clients, &planned).await?;
    let holder = match &standing {
        Standing::Waits(holder) => Some(holder.key_id.as_str()),
        Standing::Ours(_) => None,
    };
    let known = Known {
        own: &known.keys,
        other: holder,
    };
    report_strays(cx, clients, &planned, known, Freshness::OfThisRun).await;
    let mut history = History::default();
    let found = make(cx, clients, &planned, &mut history).await?;
    cx.keep(&of_versions(planned.clone(), &history));
    let failed = |rest| move |error: Error| unfinished(&error, rest);
    match &standing {
        Standing::Ours(from) => {
            point_alias(clients, &planned.alias, &found.key_id, from.as_deref())
                .await
                .map_err(failed(ALIAS_AND_POLICY))?;
            history.finish(now(), 0);
        }
        Standing::Waits(_) => history.wait(),
    }
    // last of all: a key that can sign is one whose create was finished, and keeps its alias
    let wanted = settings(clients, &planned, &history, 1)?;
    change_key(clients, &found, &wanted)
        .await
        .map_err(failed("its key policy"))?;
    if let Standing::Waits(holder) = &standing {
        handover::wait(cx, clients, (&planned, &history), holder)?;
    }
    settled(planned, clients, &history)
}

/// What a first version lacks as long as nothing but the key was made.
const ALIAS_AND_POLICY: &str = "its alias, its key policy";

fn unfinished(error: &Error, rest: &str) -> Diagnostic {
    let diagnostic = error.diagnostic(
        "The key was created, but not finished",
        error.attribute("key_id"),
    );
    to_finish(diagnostic, rest)
}

/// Terraform taints what a failed create leaves.
fn to_finish(mut diagnostic: Diagnostic, rest: &str) -> Diagnostic {
    diagnostic.detail = format!(
        "{}\n\nThe key is in the state, and nobody can sign with it. Still to be done: {rest}. The next apply replaces it. To have it \
         finished instead, run `terraform untaint` with the address of this resource, and apply again.",
        diagnostic.detail
    );
    diagnostic
}

/// Makes a key that signs nothing yet, as the next version.
async fn make(
    cx: &Context<Account>,
    clients: &Clients,
    planned: &SigningKey,
    history: &mut History,
) -> Result<KeyParts> {
    let new = new_key(clients, planned, history)?;
    let made = create_key(clients, &new).await.map_err(|error| {
        error.diagnostic("The key was not created", error.attribute("key_spec"))
    })?;
    let is_first = history.is_empty();
    let failed = |failure: Diagnostic| {
        if is_first {
            to_finish(failure, ALIAS_AND_POLICY)
        } else {
            failure
        }
    };
    if is_first {
        // KMS would make a second key if it were asked again: this one must be in the state, whatever happens
        cx.keep(&SigningKey {
            id: made.key_id.clone().into(),
            key_id: made.key_id.clone().into(),
            ..planned.clone()
        });
    }
    let found = read_new_key(clients, &made.key_id).await.map_err(|error| {
        failed(error.diagnostic("The key was created, but cannot be read", "key_id"))
    })?;
    if made.lost_answers > 0 {
        let mut known = history.key_ids();
        known.insert(made.key_id.clone());
        report_strays(cx, clients, planned, Known::own(&known), Freshness::Now).await;
    }
    let public_key = found.public_key.as_ref();
    let declared = public_key.and_then(|spki| found_key(&found, spki));
    let declared = declared.ok_or_else(|| failed(no_public_key(&made.key_id)))?;
    history.begin(&made.key_id, declared);
    Ok(found)
}

fn no_public_key(key_id: &str) -> Diagnostic {
    let detail = format!(
        "KMS does not return the public key of {key_id}, because the key is disabled. Enable it and apply again:\n\n\
         aws kms enable-key --key-id {key_id}"
    );
    Diagnostic::error("The public key is not known", detail).at("key_id")
}

fn new_key(clients: &Clients, planned: &SigningKey, history: &History) -> Result<NewKey> {
    let spec = KeySpec::parse(&planned.key_spec).ok_or_else(|| {
        let detail = format!("{:?} is not a spec of a key that signs.", planned.key_spec);
        Diagnostic::error("Unknown key_spec", detail).at("key_spec")
    })?;
    let mut tags = shared_tags(clients, planned);
    let number = history.next_number();
    tags.extend(first_marks(
        &planned.alias,
        number,
        history.previous(number),
        planned.trigger(),
    ));
    Ok(NewKey {
        spec,
        description: planned.description.clone(),
        tags,
        policy: first_policy(clients, planned.access(), (history, spec))?,
    })
}

/// The policy that a key is made with: it denies signing. The account is the provider's, or that of the versions so far.
fn first_policy(
    clients: &Clients,
    access: Access<'_>,
    (history, spec): (&History, KeySpec),
) -> Result<String> {
    let current = history.current();
    let arn = current.and_then(|(_, version)| version.declared.arn.as_deref());
    let provider = || Some((partition(clients.region()), clients.account_id()?));
    let place = arn.and_then(place_of).or_else(provider);
    let place = place.ok_or_else(unknown_account)?;
    // the one that it gets last of all is larger: what KMS would not take is refused before there is a key
    access.render(place, spec, Signing::Allowed)?;
    access.render(place, spec, Signing::Denied)
}

/// Changes the keys of all versions, and makes a new one where that is planned.
pub(crate) async fn update(
    cx: &Context<Account>,
    prior: SigningKey,
    planned: SigningKey,
) -> Result<SigningKey> {
    let clients = &clients(cx, &prior)?;
    check_place(clients, &prior)?;
    check_caller(clients, &planned)?;
    let mut work = Update::start(cx, clients, &prior, planned).await?;
    let done = work.run(&prior).await;
    if done.is_err() {
        tracing::debug!("keeping what was changed");
        work.keep_what_is_there(&prior).await;
    } else {
        Due::default().keep(cx);
    }
    done?;
    settled(work.planned, clients, &work.history)
}

struct Update<'a> {
    cx: &'a Context<Account>,
    clients: &'a Clients,
    planned: SigningKey,
    history: History,
    due: Due,
    why: Option<Why>,
}

impl<'a> Update<'a> {
    async fn start(
        cx: &'a Context<Account>,
        clients: &'a Clients,
        prior: &SigningKey,
        planned: SigningKey,
    ) -> Result<Self> {
        let known = state::known_history(prior.versions.known())?;
        let mut history = match known {
            Some(history) => history,
            None => first_history(clients, prior).await?,
        };
        history.declare(&checked(&planned, &history, now())?);
        let due = Due::known(cx);
        let why = why(&planned, prior, &history, &due)?;
        Ok(Self {
            cx,
            clients,
            planned,
            history,
            due,
            why,
        })
    }

    async fn run(&mut self, prior: &SigningKey) -> Result {
        self.history.retire(&self.due.retire);
        let own = self.history.key_ids();
        let named = named(
            self.cx,
            self.clients,
            (&self.planned, &own, &BTreeSet::new()),
        )
        .await?;
        let known = prior.trust.known().map(|trust| trust.alias.clone());
        let was_ours = known.as_ref() == Some(&self.planned.alias);
        // before anything is made: an alias that belongs to somebody else would leave a key without one
        let mut standing = self.standing(was_ours, &named).await?;
        named.disarm(self.clients, &self.planned).await?;
        for number in self.present() {
            self.converge(number).await?;
        }
        if let Standing::Waits(holder) = &standing {
            let new = (&self.planned, &self.history);
            handover::wait(self.cx, self.clients, new, holder)?;
            // its destroy may have come before it could know who waits
            standing = self.standing(was_ours, &named).await?;
        }
        match standing {
            Standing::Waits(_) => return Ok(()),
            Standing::Ours(from) if self.why.is_some() => self.rotate(from.as_deref()).await?,
            Standing::Ours(from) => self.point(from.as_deref()).await?,
        }
        let former = known.filter(|_| !was_ours);
        self.drop_alias(former.as_deref()).await
    }

    async fn standing(&self, was_ours: bool, named: &Named) -> Result<Standing> {
        let versions = &self.history.key_ids();
        let claim = if self.history.waits() {
            Claim::Waiting { versions }
        } else {
            Claim::Kept { versions, was_ours }
        };
        let claim = (claim, named.ids());
        let standing = standing(self.clients, &self.planned.alias, claim).await;
        standing.map_err(|e| key_failed(&e).into())
    }

    /// The versions that KMS still has.
    fn present(&self) -> Vec<u32> {
        let there = self
            .history
            .versions()
            .filter(|(_, version)| version.is_there());
        there.map(|(number, _)| number).collect()
    }

    async fn converge(&mut self, number: u32) -> Result {
        let version = self.history.versions().find(|(other, _)| *other == number);
        let Some(key_id) = version.map(|(_, version)| version.key_id.clone()) else {
            return Ok(());
        };
        let found = read_key(self.clients, &key_id)
            .await
            .map_err(|e| key_failed(&e))?;
        match found {
            Some(found) if found.deletion.is_none() => {
                let wanted = settings(self.clients, &self.planned, &self.history, number)?;
                change_key(self.clients, &found, &wanted)
                    .await
                    .map_err(|e| key_failed(&e).into())
            }
            _ if self.is_current(number) && self.why.is_none() => Err(gone(&key_id).into()),
            // the next read finds it, and says so
            _ => Ok(()),
        }
    }

    fn is_current(&self, number: u32) -> bool {
        self.history
            .current()
            .is_some_and(|(current, _)| current == number)
    }

    /// Points the alias at the version that signs.
    async fn point(&self, from: Option<&str>) -> Result {
        let Some((_, current)) = self.history.current() else {
            return Ok(());
        };
        if from == Some(current.key_id.as_str()) {
            return Ok(());
        }
        self.point_at(&current.key_id, from).await
    }

    async fn point_at(&self, key_id: &str, from: Option<&str>) -> Result {
        point_alias(self.clients, &self.planned.alias, key_id, from)
            .await
            .map_err(|e| key_failed(&e).into())
    }

    /// Makes the successor, lets it sign, and moves the alias in one step. A first version gets the alias before it may sign: until
    /// then, another state may take the alias.
    async fn rotate(&mut self, from: Option<&str>) -> Result {
        let known = self.history.key_ids();
        report_strays(
            self.cx,
            self.clients,
            &self.planned,
            Known::own(&known),
            Freshness::OfThisRun,
        )
        .await;
        let found = self.successor().await?;
        let mut after = self.history.clone();
        after.finish(now(), self.planned.grace_days());
        let Some((number, _)) = after.current() else {
            return Ok(());
        };
        let before = self.history.current().map(|(number, _)| number);
        let before = before.filter(|before| *before != number);
        if before.is_none() {
            // as in a create: without the alias, nobody may sign with it
            self.point_at(&found.key_id, from).await?;
        }
        let wanted = settings(self.clients, &self.planned, &after, number)?;
        change_key(self.clients, &found, &wanted)
            .await
            .map_err(|e| key_failed(&e))?;
        if before.is_some() {
            self.point_at(&found.key_id, from).await?;
        }
        self.history = after;
        match before {
            Some(before) if self.present().contains(&before) => self.converge(before).await,
            _ => Ok(()),
        }
    }

    /// The key that an earlier apply made for this and did not finish; or a new one.
    async fn successor(&mut self) -> Result<KeyParts> {
        if let Some((number, version)) = self.history.unfinished() {
            let key_id = version.key_id.clone();
            let found = read_key(self.clients, &key_id)
                .await
                .map_err(|e| key_failed(&e))?;
            match found.filter(|found| found.deletion.is_none()) {
                Some(found) => return Ok(found),
                None => self.history.found(number, Presence::Gone, now()),
            }
        }
        make(self.cx, self.clients, &self.planned, &mut self.history).await
    }

    /// Removes the alias that the key had before, if it still points at one of its versions.
    async fn drop_alias(&self, former: Option<&str>) -> Result {
        let Some(former) = former.filter(|former| !former.is_empty()) else {
            return Ok(());
        };
        let failed = |error: Error| key_failed(&error);
        let found = crate::aws::alias_holder(self.clients, former)
            .await
            .map_err(failed)?;
        let ours = self.history.key_ids();
        let Some(found) = found.filter(|found| ours.contains(&found.key_id)) else {
            return Ok(());
        };
        let waiting = handover::give_up_alias(self.clients, former, &found.key_id).await;
        if let Some(waiting) = waiting.map_err(failed)? {
            handover::arm(self.clients, &waiting)
                .await
                .map_err(failed)?;
        }
        Ok(())
    }

    /// After a failure, the state is what is there, and not what was planned.
    async fn keep_what_is_there(&self, prior: &SigningKey) {
        let known = SigningKey {
            versions: Field::Known(self.history.models()),
            ..prior.clone()
        };
        let alias = prior.trust.known().map(|trust| trust.alias.clone());
        let known = SigningKey {
            alias: alias.unwrap_or_else(|| prior.alias.clone()),
            ..known
        };
        let mut found = Found::new();
        for (number, version) in self.history.versions() {
            if let Ok(Some(parts)) = read_key(self.clients, &version.key_id).await {
                found.insert(number, parts);
            }
        }
        let state = seen(&known, self.clients, &self.history, &found);
        let state = state.unwrap_or_else(|_| of_versions(known, &self.history));
        self.cx.keep(&state);
    }
}

/// The history of a key whose public key the state does not have: it was imported while it was disabled.
async fn first_history(clients: &Clients, prior: &SigningKey) -> Result<History> {
    let id = key_id(prior)?;
    let found = read_key(clients, id).await.map_err(|e| key_failed(&e))?;
    let found = found.ok_or_else(|| gone(id))?;
    let spki = found.public_key.clone().ok_or_else(|| no_public_key(id))?;
    let declared = found_key(&found, &spki).ok_or_else(|| no_public_key(id))?;
    let mut history = History::default();
    history.insert(1, &found.key_id, declared, first_state(prior, &found));
    Ok(history)
}

/// Whether the only key of a state is the one that signs, or one whose create was interrupted.
pub(crate) fn first_state(known: &SigningKey, found: &KeyParts) -> State {
    let marked = super::marks::parse_marks(&found.tags).alias.is_some();
    if marked && !found.aliases.contains(&known.alias) {
        State::Unfinished
    } else {
        State::Current
    }
}

fn gone(id: &str) -> Diagnostic {
    let detail = format!("The key {id} is gone, or waits for its deletion. Plan again.");
    Diagnostic::error("No such key", detail).at("key_id")
}

/// The keys of a history, by what they are in KMS.
pub(crate) async fn look(
    clients: &Clients,
    history: &mut History,
    now: Timestamp,
) -> std::result::Result<Found, Error> {
    let keys: Vec<(u32, String)> = history
        .versions()
        .map(|(number, version)| (number, version.key_id.clone()))
        .collect();
    let mut found = Found::new();
    for (number, key_id) in keys {
        let Some(parts) = read_key(clients, &key_id).await? else {
            history.found(number, Presence::Gone, now);
            continue;
        };
        let going = parts.deletion.is_some();
        history.found(
            number,
            if going {
                Presence::Going
            } else {
                Presence::There
            },
            now,
        );
        found.insert(number, parts);
    }
    let left: BTreeSet<u32> = history.versions().map(|(number, _)| number).collect();
    found.retain(|number, _| left.contains(number));
    Ok(found)
}
