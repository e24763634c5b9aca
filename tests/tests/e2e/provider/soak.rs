//! Applies and destroys with random faults, and killed at random moments: each is repaired by the next one, or by untaint and
//! the next one, and nothing is left behind that can sign.
//!
//! CI takes a sample; `make soak` runs more: `AUDITLOG_APPLIES` is how many, `AUDITLOG_APPLY_SEED` which.

use std::fs;
use std::ops::Range;
use std::path::Path;
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use auditlog_tests::{Answer, Endpoint, Engine, Fault, Proxy, Run, Terraform};
use aws_sdk_kms::types::{KeyState, KeyUsageType};

use crate::provider::stack::values;
use crate::seal::bench as seal;
use crate::seal::random::{Random, asked};

const BUCKET: &str = "auditlog_bucket.audit";
const KEY: &str = "auditlog_signing_key.audit";
/// Whoever runs Terraform, as the endpoint names it.
const CALLER: &str = "arn:aws:iam::000000000000:root";
/// What the name of the log's only writer begins with; a policy names it with any path.
const WRITER: &str = "/sealer-";

/// Of a thousand requests, so many go wrong.
const FAULTS_PER_MILLE: u64 = 80;
/// What Terraform remembers, and what it remembered before the last run that changed anything.
const STATE_FILES: [&str; 2] = ["terraform.tfstate", "terraform.tfstate.backup"];
/// Longer than any apply takes, even on a machine under load.
const PATIENCE: Duration = Duration::from_mins(5);

/// What is done while things go wrong.
#[derive(Clone, Copy, Debug)]
enum Change {
    Create,
    Update,
    Destroy,
}

impl Change {
    const ALL: [Self; 3] = [Self::Create, Self::Update, Self::Destroy];

    /// The change of a case: all of them in turn.
    fn of(case: u64) -> Self {
        Self::ALL[turn(case, Self::ALL.len())]
    }

    /// About so many requests the change needs, when nothing goes wrong.
    fn requests(self) -> usize {
        match self {
            Self::Create => 60,
            Self::Update => 50,
            Self::Destroy => 40,
        }
    }

    /// The retention that it declares.
    fn days(self) -> u32 {
        match self {
            Self::Create | Self::Destroy => 3,
            Self::Update => 4,
        }
    }

    fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Create | Self::Update => &["apply", "-no-color", "-auto-approve"],
            Self::Destroy => &["destroy", "-no-color", "-auto-approve"],
        }
    }
}

/// Who is stopped, and how.
#[derive(Clone, Copy, Debug)]
enum Stop {
    KillProvider,
    KillTerraform,
    Interrupt,
    InterruptTwice,
}

impl Stop {
    const ALL: [Self; 4] = [
        Self::KillProvider,
        Self::KillTerraform,
        Self::Interrupt,
        Self::InterruptTwice,
    ];

    /// The stop of a case: each of them once with each change, then again.
    fn of(case: u64) -> Self {
        Self::ALL[turn(case / Change::ALL.len() as u64, Self::ALL.len())]
    }
}

fn turn(case: u64, all: usize) -> usize {
    usize::try_from(case % all as u64).unwrap()
}

/// The line that a warning prints where a key that can sign has the alias: a create was stopped after its last call.
fn disarming_line(run: &Run) -> Option<&str> {
    let (_, warning) = run.stdout.split_once("The key waits for its alias")?;
    let line = warning.lines().find(|line| line.contains("disarm = ["));
    Some(line.expect("the line to paste").trim_matches([' ', '│']))
}

/// What the next apply says of a bucket that is finished, but in no state.
const FINISHED_BEFORE: &str = "already exists, and is not one that";

/// Of so many applies, at most one needs a person who names the key that was left behind, and one who imports the bucket.
const APPLIES_FOR_EACH_CONSENT: u64 = 20;

fn pick(random: &mut Random, end: usize) -> usize {
    usize::try_from(random.below(end as u64)).unwrap()
}

/// One folder and one endpoint, used for one case after the other, each with names of its own.
struct World {
    endpoint: Endpoint,
    way: Proxy,
    terraform: Terraform,
    /// The symmetric key that encrypts the objects of each case.
    encryption: String,
    case: u64,
    /// How often a key that was left behind had to be named.
    consents: u64,
    /// How often all of a create was there, but not the state.
    finished_without_state: u64,
}

impl World {
    async fn new() -> Self {
        let endpoint = Engine::Ministack.start();
        let way = Proxy::to(endpoint.url());
        let mut env = endpoint.env();
        env.push(("AWS_ENDPOINT_URL".to_owned(), way.url().to_owned()));
        let terraform = Terraform::with_config(&env, "");
        terraform.init();
        let key = endpoint.kms().create_key().send().await.unwrap();
        Self {
            encryption: key.key_metadata.unwrap().arn.unwrap(),
            endpoint,
            way,
            terraform,
            case: 0,
            consents: 0,
            finished_without_state: 0,
        }
    }

    fn bucket(&self) -> String {
        format!("trail-{}", self.case)
    }

    /// A key with principals, and a bucket with each part that is put by a call of its own and with a log, whose key it is: the
    /// bucket waits for the key. An update changes both, the key policy and the bucket policy with them.
    fn configure(&self, days: u32) {
        self.configure_key(days, "");
    }

    /// The same with a further argument of the key.
    fn configure_key(&self, days: u32, more: &str) {
        let (bucket, case, encryption) = (self.bucket(), self.case, &self.encryption);
        self.terraform.write(
            "main.tf",
            &format!(
                r#"
provider "auditlog" {{
  attempt_timeout_seconds   = 5
  operation_timeout_seconds = 60
}}
resource "auditlog_signing_key" "audit" {{
  alias          = "alias/trail-{case}"
  description    = "for {days} days"
  signers        = ["arn:aws:iam::000000000000:role{WRITER}{days}"]
  administrators = ["{CALLER}"]
  {more}
}}
resource "auditlog_bucket" "audit" {{
  bucket         = "{bucket}"
  object_lock    = {{ mode = "GOVERNANCE", days = {days} }}
  encryption     = {{ kms_key_arn = "{encryption}" }}
  storage        = {{ expiration = "after_retention" }}
  administrators = ["{CALLER}"]
  break_glass    = []
  tags           = {{ days = "{days}" }}
  logs = {{
    payments = {{
      signing_key = auditlog_signing_key.audit.trust
      writers     = ["arn:aws:iam::000000000000:role{WRITER}{days}"]
      readers     = ["arn:aws:iam::111122223333:role/auditor-{days}"]
    }}
  }}
}}
"#
            ),
        );
    }

    /// A new case: nothing is there, or what an update or a destroy starts from.
    fn begin(&mut self, change: Change) {
        self.case += 1;
        self.configure(3);
        if !matches!(change, Change::Create) {
            self.terraform.apply().ok();
        }
        self.configure(change.days());
    }

    /// Puts the backup of the state in its place where Terraform was stopped between emptying the file and writing it: what its
    /// operator does then. A first apply has no backup. Says whether the state is still missing.
    fn recover_state(&self, change: Change) -> bool {
        let folder = self.terraform.path();
        let is_empty = |name| fs::metadata(folder.join(name)).map_or(0, |found| found.len()) == 0;
        let [state, backup] = STATE_FILES;
        if !is_empty(state) || matches!(change, Change::Create) || is_empty(backup) {
            return is_empty(state);
        }
        println!("Terraform emptied its state: the backup takes its place");
        fs::copy(folder.join(backup), folder.join(state)).unwrap();
        false
    }

    /// The next run ends clean: where what is half-made is kept, after untaint, and otherwise by replacing it. A key whose create
    /// was stopped after its last call keeps its alias until it is named. `false`: all was made, but Terraform lost its first state,
    /// so that the bucket has to be imported.
    fn repair(&mut self, change: Change, random: &mut Random, story: &str) -> bool {
        let without_state = self.recover_state(change);
        if random.below(2) == 0 {
            for address in [BUCKET, KEY] {
                // there is nothing to untaint where it is not tainted
                _ = self.terraform.run(&["untaint", address]);
            }
        }
        let mut run = self.terraform.run(change.arguments());
        if without_state && run.stderr.contains(FINISHED_BEFORE) {
            self.finished_without_state += 1;
            return false;
        }
        assert_eq!(run.status, 0, "{story}: {run}");
        if let Some(line) = disarming_line(&run).map(str::to_owned) {
            self.consents += 1;
            self.configure_key(change.days(), &line);
            run = self.terraform.run(change.arguments());
        }
        assert_eq!(run.status, 0, "{story}: {run}");
        true
    }

    /// A bucket that was left half-made does not let its writer in: the policy that does comes after all other parts.
    async fn check_half_made(&self, story: &str) {
        if !self.lets_the_writer_in().await {
            return;
        }
        let (s3, bucket) = (self.endpoint.s3(), self.bucket());
        let lock = s3.get_object_lock_configuration().bucket(&bucket);
        let lock = lock.send().await.expect(story);
        let rule = lock.object_lock_configuration.unwrap().rule;
        assert!(rule.is_some(), "{story}");
        let rules = s3.get_bucket_lifecycle_configuration().bucket(&bucket);
        let rules = rules.send().await.expect(story).rules;
        assert_eq!(rules.unwrap_or_default().len(), 3, "{story}");
        let encryption = s3.get_bucket_encryption().bucket(&bucket);
        let encryption = encryption.send().await.expect(story);
        let encryption = encryption.server_side_encryption_configuration.unwrap();
        let mut rules = encryption.rules.iter();
        let key = rules.find_map(|rule| {
            let default = rule.apply_server_side_encryption_by_default.as_ref()?;
            default.kms_master_key_id()
        });
        assert_eq!(key, Some(self.encryption.as_str()), "{story}");
        let tags = s3.get_bucket_tagging().bucket(&bucket).send().await;
        let tags = tags.expect(story).tag_set;
        assert!(tags.iter().any(|tag| tag.key == "auditlog:lock"), "{story}");
    }

    async fn lets_the_writer_in(&self) -> bool {
        let policy = self.endpoint.s3().get_bucket_policy();
        let policy = policy.bucket(self.bucket()).send().await;
        let policy = policy.ok().and_then(|found| found.policy);
        policy.is_some_and(|policy| policy.contains(WRITER))
    }

    async fn check(&self, change: Change, story: &str) {
        let destroyed = matches!(change, Change::Destroy);
        if destroyed {
            let state = self.terraform.run(&["state", "list"]).ok();
            assert_eq!(state.stdout, "", "{story}");
        } else {
            let plan = self.terraform.plan();
            assert_eq!(plan.status, 0, "{story}: {plan}");
            assert!(self.lets_the_writer_in().await, "{story}");
        }
        let listed = self.endpoint.s3().list_buckets().send().await.unwrap();
        let listed: Vec<&str> = listed
            .buckets()
            .iter()
            .filter_map(|one| one.name())
            .collect();
        let bucket = self.bucket();
        let expected: &[&str] = if destroyed { &[] } else { &[&bucket] };
        assert_eq!(listed, expected, "{story}");
        let known = values(&self.terraform, KEY);
        let known: Vec<&str> = known["key_id"].as_str().into_iter().collect();
        assert_eq!(self.keys_that_sign().await, known, "{story}");
    }

    /// The keys whose state and policy let somebody sign.
    async fn keys_that_sign(&self) -> Vec<String> {
        let kms = self.endpoint.kms();
        let mut signing = Vec::new();
        let mut pages = kms.list_keys().into_paginator().items().send();
        while let Some(key) = pages.next().await {
            let id = key.unwrap().key_id.unwrap();
            let described = kms.describe_key().key_id(&id).send().await.unwrap();
            let described = described.key_metadata.unwrap();
            if described.key_usage != Some(KeyUsageType::SignVerify)
                || described.key_state != Some(KeyState::Enabled)
            {
                continue;
            }
            let policy = kms
                .get_key_policy()
                .key_id(&id)
                .policy_name("default")
                .send()
                .await
                .unwrap();
            if !policy.policy.unwrap().contains("AuditlogRetired") {
                signing.push(id);
            }
        }
        signing
    }

    /// Says how often a key had to be named or a bucket imported, which is seldom: the moment between the last call and the state
    /// is short.
    fn check_consents(&self, cases: u64) {
        let consents = self.consents;
        let imports = self.finished_without_state;
        println!(
            "{consents} of {cases} needed the key that was left behind named in disarm, {imports} an import"
        );
        let most = cases.div_ceil(APPLIES_FOR_EACH_CONSENT);
        assert!(
            consents.max(imports) <= most,
            "of {cases}, more than {most}"
        );
    }

    /// Removes what the case has made, without Terraform.
    async fn end(&self) {
        let s3 = self.endpoint.s3();
        _ = s3.delete_bucket().bucket(self.bucket()).send().await;
        let kms = self.endpoint.kms();
        for key in self.keys_that_sign().await {
            let delete = kms.schedule_key_deletion().key_id(key);
            delete.pending_window_in_days(7).send().await.unwrap();
        }
        for name in STATE_FILES {
            _ = fs::remove_file(self.terraform.path().join(name));
        }
    }
}

#[tokio::test]
async fn fifty_buckets_and_fifty_keys_are_one_apply() {
    let world = World::new().await;
    world.terraform.write(
        "main.tf",
        r#"
resource "auditlog_signing_key" "many" {
  count = 50
  alias = "alias/trail-${count.index}"
}
resource "auditlog_bucket" "many" {
  count       = 50
  bucket      = "trail-${count.index}"
  object_lock = { mode = "GOVERNANCE", days = 1 }
}
"#,
    );
    let apply = ["apply", "-no-color", "-auto-approve", "-parallelism=100"];
    let run = world.terraform.run(&apply).ok();
    assert!(run.stdout.contains("100 added"), "{run}");
    let plan = world.terraform.plan();
    assert_eq!(plan.status, 0, "{plan}");
}

/// What goes wrong by itself now and then, and passes.
fn passing_fault(random: &mut Random, kms: bool) -> Fault {
    match (random.below(5), kms) {
        (0, _) => Fault::HangUp,
        (1, _) => Fault::LoseAnswer,
        (2, _) => Fault::CutAnswer,
        (3, false) => Fault::Answer(Answer::SLOW_DOWN),
        (_, false) => Fault::Answer(Answer::refusal(
            "500 Internal Server Error",
            "InternalError",
        )),
        (3, true) => Fault::Answer(Answer::kms_refusal(
            "400 Bad Request",
            "ThrottlingException",
        )),
        (_, true) => Fault::Answer(Answer::kms_refusal(
            "500 Internal Server Error",
            "KMSInternalException",
        )),
    }
}

/// In every other case, a few requests are denied from some point on, which no retry gets past: the run ends there, half-way.
fn denied_requests(random: &mut Random, change: Change) -> Range<usize> {
    let first = pick(random, 2 * change.requests());
    first..first + 3
}

fn denial(kms: bool) -> Fault {
    Fault::Answer(if kms {
        Answer::kms_refusal("400 Bad Request", "AccessDeniedException")
    } else {
        Answer::refusal("403 Forbidden", "AccessDenied")
    })
}

#[tokio::test]
async fn applies_with_random_faults_end_clean() {
    let seed = asked("AUDITLOG_APPLY_SEED", 1);
    let mut world = World::new().await;
    let mut clean_at_once = 0;
    let cases = asked("AUDITLOG_APPLIES", 30);
    for case in 0..cases {
        let mut random = Random::new(seed.wrapping_mul(1_000_003).wrapping_add(case));
        let change = Change::of(case);
        let story = format!("seed {seed}, case {case}, {change:?}");
        world.begin(change);
        let mut dice = Random::new(random.below(u64::MAX));
        let denied = denied_requests(&mut random, change);
        let mut at = 0;
        world.way.decide(move |_, operation| {
            at += 1;
            let kms = !operation.is_empty();
            if denied.contains(&at) {
                return Some(denial(kms));
            }
            let hit = dice.below(1000) < FAULTS_PER_MILLE;
            hit.then(|| passing_fault(&mut dice, kms))
        });
        let run = world.terraform.run(change.arguments());
        world.way.heal();
        if run.status == 0 {
            clean_at_once += 1;
        } else {
            let story = format!("{story}, after {run}");
            world.check_half_made(&story).await;
            if !world.repair(change, &mut random, &story) {
                world.end().await;
                continue;
            }
        }
        world.check(change, &story).await;
        world.end().await;
    }
    println!(
        "{cases} applies with {} faults: {clean_at_once} clean at once, the others by the next one",
        world.way.faults()
    );
    world.check_consents(cases);
}

#[tokio::test]
async fn applies_that_are_killed_are_repaired_by_the_next_one() {
    let seed = asked("AUDITLOG_APPLY_SEED", 1);
    let mut world = World::new().await;
    let mut stopped: u64 = 0;
    let cases = asked("AUDITLOG_APPLIES", 30);
    for case in 0..cases {
        let mut random = Random::new(seed.wrapping_mul(1_000_033).wrapping_add(case));
        let (change, stop) = (Change::of(case), Stop::of(case));
        world.begin(change);
        let requests = pick(&mut random, change.requests());
        let story =
            format!("seed {seed}, case {case}, {change:?}, {stop:?} after {requests} requests");
        let run = stopped_run(&world, change, stop, requests);
        stopped += u64::from(run.status != 0);
        if run.status != 0 || !matches!(change, Change::Destroy) {
            let story = format!("{story}, after {run}");
            world.check_half_made(&story).await;
            if !world.repair(change, &mut random, &story) {
                world.end().await;
                continue;
            }
        }
        world.check(change, &story).await;
        world.end().await;
    }
    println!("{cases} applies, {stopped} of them stopped half-way: all clean in the end");
    world.check_consents(cases);
    assert!(
        2 * stopped > cases,
        "most of them end before they are stopped"
    );
}

/// Runs until so many requests came, stops it, and waits until nothing of it runs any more.
fn stopped_run(world: &World, change: Change, stop: Stop, requests: usize) -> Run {
    let start = world.way.total();
    let command = world.terraform.command(change.arguments());
    let mut run = seal::start(command);
    let begun = Instant::now();
    while !world
        .way
        .wait_for_requests(start + requests, Duration::from_millis(20))
        && run.0.try_wait().unwrap().is_none()
    {
        assert!(begun.elapsed() < PATIENCE, "it does not end");
    }
    stop_it(&run.0, stop, &world.terraform.path());
    let run = seal::ended(run);
    while !providers(&world.terraform.path()).is_empty() {
        assert!(begun.elapsed() < PATIENCE, "the provider does not end");
        thread::sleep(Duration::from_millis(10));
    }
    run
}

fn stop_it(terraform: &Child, stop: Stop, folder: &Path) {
    match stop {
        Stop::KillProvider => {
            for provider in providers(folder) {
                kill("KILL", &provider);
            }
        }
        Stop::KillTerraform => kill("KILL", &terraform.id().to_string()),
        Stop::Interrupt => kill("INT", &terraform.id().to_string()),
        Stop::InterruptTwice => {
            kill("INT", &terraform.id().to_string());
            // Terraform takes two interrupts for one until it has handled the first
            thread::sleep(Duration::from_millis(50));
            kill("INT", &terraform.id().to_string());
        }
    }
}

/// It may have ended by itself.
fn kill(signal: &str, process: &str) {
    let mut kill = std::process::Command::new("kill");
    kill.args(["-s", signal, process]);
    _ = kill.stderr(std::process::Stdio::null()).status();
}

/// The processes of the provider that run in this folder.
fn providers(folder: &Path) -> Vec<String> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    processes
        .filter(|process| {
            let program = fs::read_link(process.path().join("exe")).unwrap_or_default();
            let works_in = fs::read_link(process.path().join("cwd")).unwrap_or_default();
            works_in == folder && program.to_string_lossy().contains("terraform-provider")
        })
        .filter_map(|process| process.file_name().into_string().ok())
        .collect()
}
