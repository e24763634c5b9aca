//! Random histories of two states that want one alias: what always holds of the keys in KMS, and of the versions in the states.
//!
//! `AUDITLOG_KEY_HISTORIES` is how many, `AUDITLOG_KEY_SEED` which.

use std::collections::{BTreeMap, BTreeSet};

use auditlog_tests::{Endpoint, Engine, Fault, Proxy, REGION};
use aws_sdk_kms::types::KeyState;
use terraform_provider_auditlog::provider::Auditlog;
use tf_provider::harness::{Capability, Change, Client, Harness, Instance};
use tf_provider::{Diagnostics, Object, Value};

use crate::seal::random::{Random, asked};

const RESOURCE: &str = "auditlog_signing_key";
const ALIAS: &str = "alias/one";
const STEPS: u64 = 14;

/// What a state does.
#[derive(Clone, Copy, Debug)]
enum Step {
    Apply,
    Rotate,
    Lose,
    Compromise,
    Replace,
    Import,
    Destroy,
}

impl Step {
    fn any(random: &mut Random) -> Self {
        match random.below(10) {
            0..3 => Self::Apply,
            3..5 => Self::Rotate,
            5 => Self::Lose,
            6 => Self::Compromise,
            7 => Self::Replace,
            8 => Self::Import,
            _ => Self::Destroy,
        }
    }
}

/// One state: what Terraform has of the key, and what its configuration says.
#[derive(Clone, Default)]
struct Side {
    kept: Option<Object>,
    tainted: bool,
    trigger: u64,
    lost: BTreeMap<String, Value>,
    compromised: BTreeMap<String, Value>,
}

impl Side {
    fn config(&self) -> Object {
        let signers = BTreeSet::from(["arn:aws:iam::000000000000:role/sealer".to_owned()]);
        let rotation = Object::new().with("trigger", self.trigger.to_string());
        let mut config = Object::new()
            .with("alias", ALIAS)
            .with("signers", signers)
            .with("rotation", rotation);
        for (name, said) in [("lost", &self.lost), ("compromised", &self.compromised)] {
            if !said.is_empty() {
                config.set(name, Value::Map(said.clone()));
            }
        }
        config
    }

    /// The versions by number: key id, state, and what must never change again.
    fn versions(&self) -> BTreeMap<u64, Version> {
        let Some(kept) = &self.kept else {
            return BTreeMap::new();
        };
        let Value::Map(versions) = kept.value("versions") else {
            return BTreeMap::new();
        };
        let versions = versions.iter().map(|(number, version)| {
            let Value::Object(version) = version else {
                panic!("{version:?}")
            };
            let text = |name: &str| version.get::<Option<String>>(name).unwrap();
            let version = Version {
                key_id: text("key_id").unwrap(),
                state: text("state").unwrap(),
                spans: ["valid_from", "retired_at", "lost_at"].map(text),
                is_compromised: !version.value("compromised").is_null(),
            };
            (number.parse().unwrap(), version)
        });
        versions.collect()
    }
}

#[derive(Clone, Debug)]
struct Version {
    key_id: String,
    state: String,
    spans: [Option<String>; 3],
    is_compromised: bool,
}

/// How a run ended.
#[derive(Debug)]
enum Ran {
    Done,
    /// The provider refused it, or KMS.
    Refused(Diagnostics),
    /// It was killed, and no state was written.
    Killed,
}

struct World {
    endpoint: Endpoint,
    way: Proxy,
    sides: [Side; 2],
    /// Keys that a killed create left behind after they could sign: no state knows them, and each is reported.
    orphans: BTreeSet<String>,
    /// Successors that a killed rotation left behind, by the state whose next run denies them.
    successors: BTreeMap<String, usize>,
    client: Client,
}

impl World {
    fn new(random: &mut Random) -> Self {
        let endpoint = Engine::Ministack.start();
        let newest = Client::newest();
        Self {
            way: Proxy::to(endpoint.url()),
            endpoint,
            sides: [Side::default(), Side::default()],
            orphans: BTreeSet::new(),
            successors: BTreeMap::new(),
            client: if random.below(2) == 0 {
                newest
            } else {
                newest.without(Capability::PlannedPrivate)
            },
        }
    }

    /// A new process of the provider, as each run of Terraform has one.
    async fn provider(&self) -> Harness<Auditlog> {
        let url = self.way.url();
        let endpoints = Object::new().with("kms", url).with("sts", url);
        let config = Object::new()
            .with("region", REGION)
            .with("access_key", "test")
            .with("secret_key", "test")
            .with("max_retries", 1)
            .with("attempt_timeout_seconds", 20)
            .with("operation_timeout_seconds", 20)
            .with("endpoints", endpoints);
        let started = Harness::start_for(Auditlog, config, self.client.clone()).await;
        started.map_err(|found| format!("{found:?}")).unwrap()
    }

    /// One run. Killed, it ends at a request that is still carried out, and the state stays as it was.
    async fn run(&mut self, who: usize, step: Step, kill: Option<u64>) -> Ran {
        let provider = self.provider().await;
        let mut key = provider.resource(RESOURCE).unwrap();
        if let Some(kept) = &self.sides[who].kept {
            key.set_state(kept.clone()).unwrap();
        }
        if let Some(mut left) = kill {
            self.way.decide(move |_, _| {
                left = left.saturating_sub(1);
                match left {
                    0 => Some(Fault::HangUp),
                    1 => Some(Fault::LoseAnswer),
                    _ => None,
                }
            });
        }
        let faults = self.way.faults();
        let done = steps(&self.sides[who], step, &mut key, &provider).await;
        self.way.heal();
        if self.way.faults() > faults {
            return Ran::Killed;
        }
        let side = &mut self.sides[who];
        side.kept = key.state().cloned();
        side.tainted = key.is_tainted();
        done.map_or_else(Ran::Refused, |()| Ran::Done)
    }

    /// The keys with which somebody can sign.
    async fn live(&self) -> BTreeSet<String> {
        let kms = self.endpoint.kms();
        let mut live = BTreeSet::new();
        let mut pages = kms.list_keys().into_paginator().items().send();
        while let Some(key) = pages.next().await {
            let id = key.unwrap().key_id.unwrap();
            let found = kms.describe_key().key_id(&id).send().await.unwrap();
            if found.key_metadata.unwrap().key_state != Some(KeyState::Enabled) {
                continue;
            }
            let policy = kms.get_key_policy().key_id(&id).policy_name("default");
            let policy = policy.send().await.unwrap().policy.unwrap();
            if !policy.contains("AuditlogRetired") {
                live.insert(id);
            }
        }
        live
    }

    async fn holder(&self) -> Option<String> {
        let found = self
            .endpoint
            .kms()
            .describe_key()
            .key_id(ALIAS)
            .send()
            .await;
        Some(found.ok()?.key_metadata?.key_id)
    }

    fn known(&self) -> BTreeMap<String, String> {
        let versions = self
            .sides
            .iter()
            .flat_map(|side| side.versions().into_values());
        versions
            .map(|version| (version.key_id, version.state))
            .collect()
    }

    /// After a kill: what can sign and is in no state. The successor of a known key is not excused: the next apply denies it.
    async fn excuse(&mut self, who: usize) {
        let known = self.known();
        for key in self.live().await {
            let tags = self.endpoint.kms().list_resource_tags().key_id(&key);
            let tags = tags.send().await.unwrap().tags.unwrap_or_default();
            let previous = tags.iter().find(|tag| tag.tag_key == "auditlog:previous");
            let successor = previous.is_some_and(|tag| known.contains_key(&tag.tag_value));
            if known.contains_key(&key) || self.successors.contains_key(&key) {
                continue;
            }
            if successor {
                self.successors.insert(key, who);
            } else {
                self.orphans.insert(key);
            }
        }
    }

    /// What holds after each run that ended well.
    async fn check(&self, who: usize, story: &str) {
        let (known, live) = (self.known(), self.live().await);
        let may_sign = |key: &&String| {
            let state = known.get(*key).map(String::as_str);
            matches!(state, Some("current" | "grace"))
        };
        let others = self.sides[1 - who].versions();
        let killed = |key: &&String| others.values().any(|version| version.key_id == **key);
        for key in &live {
            let excused = self.orphans.contains(key) || self.successors.contains_key(key);
            let excused = excused || killed(&key);
            assert!(
                may_sign(&key) || excused,
                "{key} can sign: {story}\n{known:?}"
            );
        }
        let current = known
            .iter()
            .filter(|(key, state)| *state == "current" && live.contains(*key));
        assert!(current.count() <= 1, "two live keys: {story}\n{known:?}");
        let versions = self.sides[who].versions();
        for version in versions.values() {
            let denied = version.is_compromised || version.spans[2].is_some();
            assert!(
                !(denied && live.contains(&version.key_id)),
                "{version:?} can sign: {story}"
            );
        }
        if let Some(newest) = versions.values().next_back()
            && newest.state == "current"
        {
            assert_eq!(
                self.holder().await.as_ref(),
                Some(&newest.key_id),
                "{story}"
            );
            assert!(
                live.contains(&newest.key_id),
                "{newest:?} cannot sign: {story}"
            );
        }
    }

    /// The next plan has nothing to do, unless the key waits for the other one.
    async fn check_settled(&self, who: usize, story: &str) {
        let side = &self.sides[who];
        let Some(kept) = &side.kept else { return };
        let provider = self.provider().await;
        let mut key = provider.resource(RESOURCE).unwrap();
        key.set_state(kept.clone()).unwrap();
        key.refresh().await.unwrap();
        let planned = key.plan(&side.config()).await.unwrap();
        let waits = side
            .versions()
            .values()
            .any(|version| version.state == "waiting");
        assert!(
            waits || planned.change == Change::Nothing,
            "{planned:?}: {story}"
        );
    }
}

async fn steps<'a>(
    side: &Side,
    step: Step,
    key: &mut Instance<'a, Auditlog>,
    provider: &'a Harness<Auditlog>,
) -> Result<(), Diagnostics> {
    let config = side.config();
    match step {
        Step::Import => {
            *key = provider.resource(RESOURCE).unwrap();
            key.import(ALIAS).await?;
            key.apply(&config).await?;
        }
        Step::Replace if side.kept.is_some() && !side.tainted => {
            key.refresh().await?;
            if key.state().is_some() {
                let mut new = provider.resource(RESOURCE).unwrap();
                new.apply(&config).await?;
                key.destroy().await?;
                *key = new;
                key.refresh().await?;
            }
        }
        Step::Destroy if side.kept.is_some() => {
            key.refresh().await?;
            if key.state().is_some() {
                key.destroy().await?;
            }
        }
        Step::Destroy => {}
        _ if side.tainted => {
            key.destroy().await?;
            key.apply(&config).await?;
        }
        _ => {
            if side.kept.is_some() {
                key.refresh().await?;
            }
            key.apply(&config).await?;
        }
    }
    Ok(())
}

/// What was there stays: no version goes, and no span that was set moves.
fn check_growth(before: &Side, after: &Side, story: &str) {
    let after = after.versions();
    for (number, old) in before.versions() {
        if matches!(old.state.as_str(), "unfinished" | "waiting") {
            continue;
        }
        let new = after
            .get(&number)
            .unwrap_or_else(|| panic!("version {number} is gone: {story}"));
        assert_eq!(old.key_id, new.key_id, "{story}");
        for (old, new) in old.spans.iter().zip(&new.spans) {
            assert!(old.is_none() || old == new, "a span moved: {story}");
        }
        assert!(!old.is_compromised || new.is_compromised, "{story}");
    }
}

/// Adds what the step declares; `None` where there is nothing to declare it of.
fn declare(side: &mut Side, step: Step, random: &mut Random) -> Option<()> {
    match step {
        Step::Rotate => side.trigger += 1,
        Step::Lose | Step::Compromise => {
            let versions = side.versions();
            let finished = versions.iter().filter(|(_, version)| {
                !matches!(version.state.as_str(), "unfinished" | "waiting" | "gone")
            });
            let numbers: Vec<u64> = finished.map(|(number, _)| *number).collect();
            let end = u64::try_from(numbers.len()).unwrap();
            let at = random.below(end.max(1));
            let number = numbers.get(usize::try_from(at).unwrap())?.to_string();
            let at = Object::new().with("at", "2026-01-01T00:00:00Z");
            let said = match step {
                Step::Lose => &mut side.lost,
                _ => &mut side.compromised,
            };
            said.entry(number).or_insert(Value::Object(at));
        }
        Step::Apply | Step::Replace | Step::Import | Step::Destroy => {}
    }
    Some(())
}

/// A new key has no versions yet of which anything could be declared.
fn forget_declarations(side: &mut Side) {
    side.lost.clear();
    side.compromised.clear();
}

/// How many runs ended in which way.
#[derive(Debug, Default)]
struct Tally {
    done: u32,
    refused: u32,
    killed: u32,
    waited: u32,
}

async fn history(seed: u64, tally: &mut Tally) {
    let mut random = Random::new(seed);
    let mut world = World::new(&mut random);
    let mut story = format!("seed {seed}");
    for _ in 0..STEPS {
        let who = usize::try_from(random.below(2)).unwrap();
        let step = Step::any(&mut random);
        let before = world.sides[who].clone();
        let begins = before.kept.is_none() || before.tainted;
        if begins || matches!(step, Step::Replace) {
            forget_declarations(&mut world.sides[who]);
        }
        // an import is of what a killed create left behind, and of nothing that the other state has
        let holder = world
            .holder()
            .await
            .filter(|holder| world.orphans.contains(holder));
        if matches!(step, Step::Import) && (before.kept.is_some() || holder.is_none()) {
            continue;
        }
        if declare(&mut world.sides[who], step, &mut random).is_none() {
            continue;
        }
        let kill = (random.below(3) == 0).then(|| 1 + random.below(40));
        story = format!("{story}\n  {who}: {step:?}, killed at {kill:?}");
        let ran = world.run(who, step, kill).await;
        story = format!("{story}: {ran:?}");
        match ran {
            Ran::Done => {
                tally.done += 1;
                world.successors.retain(|_, side| *side != who);
            }
            Ran::Refused(found) => {
                // the other state has the alias
                let said = format!("{found:?}");
                assert!(said.contains("exists already and points at"), "{story}");
                tally.refused += 1;
                continue;
            }
            Ran::Killed => {
                world.excuse(who).await;
                tally.killed += 1;
                continue;
            }
        }
        if let (Step::Import, Some(holder)) = (step, holder) {
            world.orphans.remove(&holder);
        }
        let ends = begins || matches!(step, Step::Replace | Step::Destroy | Step::Import);
        if ends {
            forget_declarations(&mut world.sides[who]);
        } else {
            check_growth(&before, &world.sides[who], &story);
        }
        let versions = world.sides[who].versions();
        let waits = versions.values().any(|version| version.state == "waiting");
        tally.waited += u32::from(waits);
        world.check(who, &story).await;
        world.check_settled(who, &story).await;
    }
}

#[tokio::test]
async fn random_histories_leave_no_orphan_that_signs_and_one_live_key() {
    let seed = asked("AUDITLOG_KEY_SEED", 1);
    let mut tally = Tally::default();
    for number in 0..asked("AUDITLOG_KEY_HISTORIES", 3) {
        history(
            seed.wrapping_mul(1_000_003).wrapping_add(number),
            &mut tally,
        )
        .await;
    }
    println!("{tally:?}");
    assert!(
        tally.done > 0 && tally.killed > 0 && tally.waited > 0,
        "{tally:?}"
    );
}
