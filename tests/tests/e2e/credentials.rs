//! How the three commands sign in to AWS: profiles, `credential_process` and SSO, as AWS's own tools do.

use std::fs;
use std::path::PathBuf;

use auditlog_tests::{Command, Endpoint, Engine, REGION, Run, Terraform, command};
use serde_json::json;

use crate::arrows::cargo;
use crate::readme;

/// An endpoint that knows its callers, and shared files with profiles of one that may do everything.
struct World {
    endpoint: Endpoint,
    files: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let endpoint = Engine::Ministack.start_guarded();
        // Of the endpoint's owner: a policy that asks for TLS, as the bucket's does, refuses others at an endpoint without.
        let (access_key, secret_key) = ("test", "test");
        let files = tempfile::tempdir().expect("a temporary folder");
        let process =
            json!({ "Version": 1, "AccessKeyId": access_key, "SecretAccessKey": secret_key });
        let answer = files.path().join("answer.json");
        fs::write(&answer, process.to_string()).expect("an answer");
        let config = format!(
            "[profile keys]\naws_access_key_id = {access_key}\naws_secret_access_key = {secret_key}\n\n\
             [profile process]\ncredential_process = cat {}\n\n\
             [profile sso]\nsso_session = audit\nsso_account_id = 000000000000\nsso_role_name = reader\n\n\
             [profile assumed]\nrole_arn = arn:aws:iam::000000000000:role/reader\nsource_profile = sso\n\n\
             [sso-session audit]\nsso_region = {REGION}\nsso_start_url = https://acme.example/start\n",
            answer.display(),
        );
        fs::write(files.path().join("config"), config).expect("a configuration");
        Self { endpoint, files }
    }

    /// The variables of a shell in which somebody once exported the keys of another account.
    fn env(&self) -> Vec<(String, String)> {
        let mut env = self.endpoint.env_with("AKIAIOSFODNN7EXAMPLE", "wrong");
        let config = self.path("config").display().to_string();
        env.push(("AWS_CONFIG_FILE".to_owned(), config));
        env
    }

    fn path(&self, name: &str) -> PathBuf {
        self.files.path().join(name)
    }

    fn terraform(&self, profile: &str) -> Terraform {
        let terraform = Terraform::in_empty_folder(&self.env());
        terraform.write("main.tf", &main_tf(profile));
        terraform.init();
        terraform
    }

    /// The README's trail, and its trust policy beside it.
    fn applied(&self) -> Terraform {
        let terraform = self.terraform("keys");
        terraform.apply().ok();
        let policy = terraform.run(&["output", "-raw", "trust_policy"]).ok();
        terraform.write("trust-policy.json", &policy.stdout);
        terraform
    }

    fn seal(&self, terraform: &Terraform) -> Command {
        command("auditlog-seal")
            .envs(self.env())
            .args(["append", "--kms-key", "alias/acme-audit", "--policy"])
            .arg(terraform.path().join("trust-policy.json"))
            .arg("--spool")
            .arg(self.path("spool"))
            .input("{\"paid\":1}\n")
    }

    fn verify(&self, terraform: &Terraform) -> Command {
        command("auditlog-verify")
            .envs(self.env())
            .arg("--policy")
            .arg(terraform.path().join("trust-policy.json"))
    }
}

/// The README's configuration under this profile.
fn main_tf(profile: &str) -> String {
    let main_tf = readme::main_tf();
    let (before, after) = main_tf
        .split_once("provider \"auditlog\" {\n")
        .expect("a provider block");
    format!("{before}provider \"auditlog\" {{\n  profile = \"{profile}\"\n{after}")
}

/// What a person reads: Terraform wraps its lines and draws a border beside them.
fn flat(run: &Run) -> String {
    format!("{} {}", run.stdout, run.stderr)
        .replace('│', " ")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

#[track_caller]
fn says(run: &Run, status: i32, wanted: &[&str]) {
    assert_eq!(run.status, status, "{run}");
    for wanted in wanted {
        assert!(flat(run).contains(wanted), "{wanted:?} is not said: {run}");
    }
}

#[test]
fn profile_wins_over_key_variables_and_may_take_its_keys_from_a_process() {
    let world = World::new();
    let terraform = world.applied();
    for profile in ["keys", "process"] {
        terraform.write("main.tf", &main_tf(profile));
        let plan = terraform.plan();
        assert_eq!(plan.status, 0, "{profile}: {plan}");
        world
            .seal(&terraform)
            .args(["--profile", profile])
            .run()
            .ok();
        world
            .verify(&terraform)
            .args(["--profile", profile])
            .run()
            .ok();
    }
    // Without an argument the variables win, as they do for AWS's own tools.
    let named = [("AWS_PROFILE", "keys")];
    says(&world.seal(&terraform).envs(named).run(), 1, &[]);
    says(&world.verify(&terraform).envs(named).run(), 2, &[]);
}

#[test]
fn profile_that_is_not_defined_is_an_error_whatever_the_environment_has() {
    let world = World::new();
    let terraform = world.applied();
    terraform.write("main.tf", &main_tf("adit"));
    says(
        &terraform.plan(),
        1,
        &[
            "Unknown AWS profile",
            "do not define the profile \"adit\", which `profile` of the provider block names.",
            "They define: assumed, keys, process, sso.",
            "profile = \"adit\"",
        ],
    );
    let argument = ["--profile", "adit"];
    let unknown = "the shared configuration files do not define";
    says(
        &world.seal(&terraform).args(argument).run(),
        1,
        &["AWS profile adit: ", unknown, "aws configure list-profiles"],
    );
    says(
        &world.verify(&terraform).args(argument).run(),
        2,
        &[
            "does not define the profile adit",
            "aws configure list-profiles",
        ],
    );

    let named = [("AWS_PROFILE", "adit")];
    terraform.write("main.tf", &readme::main_tf());
    says(
        &terraform.command(&["plan", "-no-color"]).envs(named).run(),
        1,
        &["the environment variable AWS_PROFILE names"],
    );
    says(
        &world.seal(&terraform).envs(named).run(),
        1,
        &["AWS profile adit: "],
    );
    says(
        &world.verify(&terraform).envs(named).run(),
        2,
        &["does not define the profile adit"],
    );
}

#[test]
fn sso_session_that_has_expired_names_the_command_that_renews_it() {
    let world = World::new();
    let expired = json!({
        "startUrl": "https://acme.example/start", "region": REGION, "accessToken": "old", "expiresAt": "2026-01-01T00:00:00Z",
    });
    let cache = world.path("home/.aws/sso/cache");
    fs::create_dir_all(&cache).expect("a cache");
    // SHA-1 of the session's name.
    fs::write(
        cache.join("7876153ada8274a24c48647e87674701755f9d09.json"),
        expired.to_string(),
    )
    .expect("a token");
    let home = world.path("home");
    let terraform = world.applied();
    for profile in ["sso", "assumed"] {
        terraform.write("main.tf", &main_tf(profile));
        let plan = terraform.command(&["plan", "-no-color"]);
        let renew = "aws sso login --profile sso";
        let expired = ["has expired", renew];
        says(
            &plan.env("HOME", &home).run(),
            1,
            &["No AWS credentials", "has expired", renew],
        );
        let seal = world.seal(&terraform).args(["--profile", profile]);
        says(&seal.env("HOME", &home).run(), 1, &expired);
        let verify = world.verify(&terraform).args(["--profile", profile]);
        says(&verify.env("HOME", &home).run(), 2, &expired);
    }
}

#[test]
fn every_command_is_built_with_all_ways_to_sign_in() {
    for package in [
        "auditlog-sealer",
        "auditlog-verifier",
        "terraform-provider-auditlog",
    ] {
        // With the package alone: a build of the workspace would hide a feature that one of them lacks.
        let tree = cargo(&[
            "tree",
            "--offline",
            "--edges",
            "features",
            "--prefix",
            "none",
            "--package",
            package,
        ]);
        for feature in ["credentials-process", "sso"] {
            let line = format!("aws-config feature \"{feature}\"");
            assert!(
                tree.stdout.lines().any(|found| found.starts_with(&line)),
                "{package} lacks {feature}: {tree}"
            );
        }
    }
}
