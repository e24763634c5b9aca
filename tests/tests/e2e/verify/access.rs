//! `auditlog-verify` as somebody who may not do everything: an endpoint that holds its users to their rights.

use std::collections::BTreeSet;

use auditlog_tests::{Command, Engine, Fault, Proxy, Run, command, root};
use serde_json::json;

use crate::support::log::BUCKET;
use crate::verify::s3::World;

const BUCKET_ACTIONS: [&str; 3] = [
    "s3:ListBucketVersions",
    "s3:GetBucketVersioning",
    "s3:GetBucketObjectLockConfiguration",
];
const OBJECT_ACTIONS: [&str; 2] = ["s3:GetObjectVersion", "s3:GetObjectRetention"];

#[test]
fn the_guide_names_each_permission_and_that_of_an_encrypted_bucket() {
    let guide = std::fs::read_to_string(root().join("docs/guides/verification.md")).unwrap();
    let (_, permissions) = guide.split_once("\n## Permissions\n").unwrap();
    let (permissions, _) = permissions.split_once("\n\nNo action").unwrap();
    let named = permissions.split('`').filter(|word| word.contains(':'));
    let all = BUCKET_ACTIONS.into_iter().chain(OBJECT_ACTIONS);
    let all: BTreeSet<&str> = all.chain(["kms:Decrypt"]).collect();
    assert_eq!(named.collect::<BTreeSet<&str>>(), all);
}

/// An endpoint that knows users, and a bucket in it.
struct Guarded {
    world: World,
}

struct User {
    id: String,
    secret: String,
}

impl Guarded {
    async fn new() -> Self {
        Self {
            world: World::of(Engine::Ministack.start_guarded(), 2).await,
        }
    }

    /// A user with all permissions that the guide names, except one.
    fn user_without(&self, lacking: &str) -> User {
        let statement = |actions: &[&str], resource: &str| {
            let allowed: Vec<&&str> = actions
                .iter()
                .filter(|action| **action != lacking)
                .collect();
            let resource = format!("arn:aws:s3:::{BUCKET}{resource}");
            json!({ "Effect": "Allow", "Action": allowed, "Resource": resource })
        };
        let statements = [
            statement(&BUCKET_ACTIONS, ""),
            statement(&OBJECT_ACTIONS, "/*"),
        ];
        let policy = json!({ "Version": "2012-10-17", "Statement": statements });
        let (id, secret) = self.world.endpoint.user(&policy);
        User { id, secret }
    }

    fn command(&self, user: &User) -> Command {
        let command = self.world.command().args(["--output", "json"]);
        command.envs(self.world.endpoint.env_with(&user.id, &user.secret))
    }
}

#[track_caller]
fn no_verdict(run: &Run, code: &str, hint: &str) {
    assert_eq!(run.status, 2, "{run}");
    let json = run.json();
    assert_eq!(json["fault_count"], 0, "{run}");
    let all = json["undecided"].as_array().expect("a list");
    let says = |part: &serde_json::Value, text: &str| {
        part.as_str().is_some_and(|part| part.contains(text))
    };
    let found = all
        .iter()
        .any(|one| says(&one["code"], code) && says(&one["hint"], hint));
    assert!(found, "{code}, {hint}: {run}");
}

/// The guide's list of permissions is enough, and without any one of them the report names it.
#[tokio::test(flavor = "multi_thread")]
async fn the_permissions_of_the_guide_are_enough_and_each_that_is_lacking_is_named() {
    let guarded = Guarded::new().await;
    let user = guarded.user_without("nothing");
    guarded.command(&user).run().ok();
    for (lacking, what) in [
        ("s3:ListBucketVersions", "listing-unreadable"),
        ("s3:GetBucketVersioning", "bucket-unreadable"),
        ("s3:GetBucketObjectLockConfiguration", "bucket-unreadable"),
        ("s3:GetObjectVersion", "segment-unreadable"),
    ] {
        let user = guarded.user_without(lacking);
        no_verdict(
            &guarded.command(&user).run(),
            what,
            &format!("allow {lacking}"),
        );
    }
    // S3 leaves the lock out of the object's answer for who may not read it; this endpoint does not.
    let user = guarded.user_without("s3:GetObjectRetention");
    let way = Proxy::to(guarded.world.endpoint.url());
    let unlocked = Fault::change(|reply| reply.remove_headers("x-amz-object-lock"));
    way.from_now_on("GET", "", unlocked);
    let run = guarded
        .command(&user)
        .args(["--endpoint-url", way.url()])
        .run();
    no_verdict(&run, "lock-unreadable", "allow s3:GetObjectRetention");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_credentials_are_reported() {
    let guarded = Guarded::new().await;
    let mut user = guarded.user_without("nothing");
    let hint = "the credentials are wrong or have expired: `aws sts get-caller-identity`";
    user.secret.push('x');
    no_verdict(&guarded.command(&user).run(), "listing-unreadable", hint);
    user.id = "AKIA0000000000000000".to_owned();
    no_verdict(&guarded.command(&user).run(), "listing-unreadable", hint);
    let expired = guarded
        .command(&user)
        .env("AWS_SESSION_TOKEN", "of another time");
    no_verdict(&expired.run(), "listing-unreadable", hint);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_of_sso_that_has_expired_is_renewed_by_the_command_of_its_profile() {
    let world = World::of(Engine::Ministack.start(), 1).await;
    let config = world.folder.path().join("config");
    let text = "[profile audit]\nsso_session = work\nsso_account_id = 000000000000\nsso_role_name = auditor\nregion = eu-central-1\n\
                [sso-session work]\nsso_start_url = https://acme.example/start\nsso_region = eu-central-1\n";
    std::fs::write(&config, text).expect("a file");
    let verify = command("auditlog-verify")
        .env("AWS_ENDPOINT_URL", world.endpoint.url())
        .env("AWS_CONFIG_FILE", &config)
        .args(["--output", "json", "--profile", "audit", "--policy"])
        .arg(world.folder.path().join("policy.json"));
    let hint = "sign in again: `aws sso login --profile audit`";
    no_verdict(&verify.run(), "listing-unreadable", hint);
}
