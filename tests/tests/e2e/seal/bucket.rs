//! `auditlog-seal` with a bucket and KMS keys.

use std::fs;
use std::io::Write as _;

use auditlog_chain::keys::PublicKey;
use auditlog_chain::origin::Origin;
use auditlog_chain::verifier_key::VerifierKey;
use auditlog_tests::{Command, Endpoint, Engine, Fault, Proxy, accepted, command};
use aws_sdk_kms::types::{KeySpec, KeyUsageType};
use aws_sdk_s3::types::ObjectLockRetentionMode::{self, Compliance, Governance};

use crate::seal::bench::{
    BUCKET, INTO_THE_BUCKET, ORIGIN, events, events_under, locked_bucket, wait,
};

/// A locked bucket, KMS, and a folder for what the sealer reads.
struct World {
    endpoint: Endpoint,
    folder: tempfile::TempDir,
}

impl World {
    fn new(mode: ObjectLockRetentionMode) -> Self {
        let endpoint = Engine::Ministack.start();
        locked_bucket(&endpoint, BUCKET, mode, 30);
        Self {
            endpoint,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn key(&self, spec: KeySpec) -> String {
        let create = self.endpoint.kms().create_key();
        let create = create.key_usage(KeyUsageType::SignVerify).key_spec(spec);
        let key = wait(create.send()).unwrap().key_metadata.unwrap();
        key.arn.unwrap()
    }

    fn verifier_key(&self, key: &str) -> VerifierKey {
        let spki = wait(self.endpoint.kms().get_public_key().key_id(key).send());
        let spki = spki.unwrap().public_key.unwrap();
        let key = PublicKey::from_spki_der(spki.as_ref()).unwrap();
        VerifierKey::new(Origin::parse(ORIGIN).unwrap(), key)
    }

    fn append(&self, key: &str) -> Command {
        command("auditlog-seal")
            .envs(self.endpoint.env())
            .args(INTO_THE_BUCKET)
            .args(["--kms-key", key, "--spool"])
            .arg(self.folder.path().join("spool"))
    }

    fn objects(&self) -> Vec<Vec<u8>> {
        self.objects_under("")
    }

    fn objects_under(&self, prefix: &str) -> Vec<Vec<u8>> {
        let s3 = self.endpoint.s3();
        wait(async {
            let listed = s3
                .list_object_versions()
                .bucket(BUCKET)
                .prefix(prefix)
                .send()
                .await
                .unwrap();
            assert!(listed.delete_markers().is_empty());
            let mut objects = Vec::new();
            for (number, version) in listed.versions().iter().enumerate() {
                let key = format!("payments/{number:012}.jsonl.zst");
                assert_eq!(version.key(), Some(key.as_str()));
                let object = s3
                    .get_object()
                    .bucket(BUCKET)
                    .key(key)
                    .send()
                    .await
                    .unwrap();
                objects.push(object.body.collect().await.unwrap().to_vec());
            }
            objects
        })
    }
}

#[test]
fn a_log_is_created_and_continued_under_each_kind_of_kms_key() {
    for spec in [
        KeySpec::EccNistP256,
        KeySpec::EccNistP384,
        KeySpec::EccNistEdwards25519,
        KeySpec::Rsa2048,
    ] {
        let world = World::new(Governance);
        let key = world.key(spec);
        let first = world
            .append(&key)
            .input("{\"n\":1}\n{\"n\":2}\n")
            .run()
            .ok();
        assert!(
            first.stdout.starts_with(&format!(
                "sealed 2 events in 2 segments (0 to 1) of {ORIGIN}\nsize 7, root "
            )),
            "{first}"
        );
        let second = world
            .append(&key)
            .args(["--output", "json"])
            .input("{\"n\":3}\n");
        let second = second.run().ok().json();
        let verifier_key = world.verifier_key(&key);
        assert_eq!(second["verifier_key"], verifier_key.to_string());
        assert_eq!(second["first_segment"], 2);
        assert_eq!(second["size"], 10);
        let sealed = events(&world.objects(), &verifier_key);
        assert_eq!(sealed, ["{\"n\":1}", "{\"n\":2}", "{\"n\":3}"]);
    }
}

#[test]
fn a_key_is_rotated_with_both_signatures() {
    let world = World::new(Governance);
    let (old, new) = (
        world.key(KeySpec::EccNistP256),
        world.key(KeySpec::EccNistP384),
    );
    world.append(&old).input("1\n").run().ok();

    let refused = world.append(&new).input("2\n").run();
    let (old_key, new_key) = (world.verifier_key(&old), world.verifier_key(&new));
    assert_eq!(refused.status, 1);
    // Without a policy nobody has named the key that signed the head.
    assert!(
        refused.stderr.contains(
            "payments/000000000001.jsonl.zst, the newest segment, is signed by an unknown key"
        ),
        "{refused}"
    );
    assert!(
        refused
            .stderr
            .contains("hint: give the trust policy, or the old key"),
        "{refused}"
    );

    let rotated = world.append(&new).args(["--previous-kms-key", &old]);
    rotated.input("2\n").run().ok();
    world.append(&new).input("3\n").run().ok();
    let sealed = events_under(&world.objects(), |number| match number {
        0 | 1 => vec![&old_key],
        2 => vec![&new_key, &old_key],
        _ => vec![&new_key],
    });
    assert_eq!(sealed, ["1", "2", "3"]);
}

#[test]
fn a_key_that_cannot_sign_is_refused_before_anything_is_written() {
    let world = World::new(Governance);
    let kms = world.endpoint.kms();
    let disabled = world.key(KeySpec::EccNistP256);
    wait(kms.disable_key().key_id(&disabled).send()).unwrap();
    let doomed = world.key(KeySpec::EccNistP256);
    wait(kms.schedule_key_deletion().key_id(&doomed).send()).unwrap();
    let cipher = wait(kms.create_key().send()).unwrap();
    let cipher = cipher.key_metadata.unwrap().arn.unwrap();
    for (key, expected) in [
        (disabled.as_str(), "its state is Disabled, not Enabled"),
        (&doomed, "its state is PendingDeletion, not Enabled"),
        (&cipher, "its usage is ENCRYPT_DECRYPT, not SIGN_VERIFY"),
        ("alias/none", "NotFoundException"),
    ] {
        let run = world.append(key).input("1\n").run();
        assert_eq!(run.status, 1, "{run}");
        assert!(run.stderr.contains(expected), "{run}");
        assert!(run.stderr.contains("\nhint: "), "{run}");
        assert_eq!(run.stdout, "");
    }
    assert!(world.objects().is_empty());
}

#[test]
fn a_policy_brings_bucket_lock_and_keys() {
    let world = World::new(Compliance);
    let (key, other) = (
        world.key(KeySpec::EccNistP256),
        world.key(KeySpec::EccNistP256),
    );
    let made = command("auditlog-seal").envs(world.endpoint.env());
    let made = made
        .args(["policy", "--origin", ORIGIN, "--kms-key", &key])
        .run()
        .ok();
    let mut policy = made.json();
    policy["store"] = serde_json::json!({
        "s3": { "bucket": BUCKET, "region": auditlog_tests::REGION, "account": "000000000000" },
    });
    let path = world.folder.path().join("policy.json");
    let append = |policy: &serde_json::Value, key: &str| {
        fs::write(&path, policy.to_string()).unwrap();
        let run = command("auditlog-seal").envs(world.endpoint.env());
        let run = run
            .args(["append", "--kms-key", key, "--policy"])
            .arg(&path);
        run.arg("--spool")
            .arg(world.folder.path().join("spool"))
            .input("1\n")
    };

    let refused = append(&policy, &other).run();
    assert_eq!(refused.status, 2);
    assert!(
        refused.stderr.contains("is not one of the log's keys: "),
        "{refused}"
    );
    let refused = append(&policy, &key).args(["--to", "s3://another"]).run();
    assert_eq!(refused.status, 2);
    assert_eq!(
        refused.stderr,
        "error: --to names the bucket another, but the trust policy names audit\n\
         hint: omit --to, or give the trust policy that was made for that destination\n"
    );
    assert!(world.objects().is_empty());

    append(&policy, &key).run().ok();
    append(&policy, &key)
        .args(["--to", "s3://audit/payments"])
        .run()
        .ok();
    assert_eq!(
        events(&world.objects(), &world.verifier_key(&key)),
        ["1", "1"]
    );
}

#[test]
fn without_a_policy_the_lock_may_be_said_and_must_not_be_stronger_than_the_buckets() {
    let world = World::new(Governance);
    let key = world.key(KeySpec::EccNistP256);
    let append = |mode: &str, days: &str| {
        let run = world.append(&key).args(["--lock-mode", mode]);
        run.args(["--retention-days", days]).input("1\n")
    };
    let refused = append("COMPLIANCE", "10").run();
    assert_eq!(refused.status, 1);
    assert_eq!(
        refused.stderr,
        "error: the default retention of the bucket audit is GOVERNANCE for 30 days, but COMPLIANCE for 10 days was declared\n\
         hint: give a lock that is not stronger than the bucket's, or strengthen the bucket's: aws s3api put-object-lock-configuration\n"
    );
    assert!(world.objects().is_empty());
    append("GOVERNANCE", "10").run().ok();
    let s3 = world.endpoint.s3();
    let object = s3
        .head_object()
        .bucket(BUCKET)
        .key("payments/000000000001.jsonl.zst");
    let object = wait(object.send()).unwrap();
    let made = object.last_modified().unwrap().secs();
    let until = object.object_lock_retain_until_date().unwrap().secs();
    let day = 86_400;
    assert!(
        (made + 10 * day..=made + 11 * day).contains(&until),
        "{made} to {until}"
    );
}

#[test]
fn what_an_outage_leaves_in_the_spool_is_sealed_first_and_once() {
    let world = World::new(Governance);
    let key = world.key(KeySpec::EccNistP256);
    world.append(&key).input("1\n").run().ok();
    // The endpoint is there for KMS and the head, and then the key is gone: the segment is closed and not signed.
    let kms = world.endpoint.kms();
    let mut running = {
        let (mut run, home) = world.append(&key).into_inner();
        let child = run
            .stdin(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped());
        (
            child.stdout(std::process::Stdio::piped()).spawn().unwrap(),
            home,
        )
    };
    let mut stdin = running.0.stdin.take().unwrap();
    stdin.write_all(b"2\n3\n").unwrap();
    accepted(&world.folder.path().join("spool"), "\"event\":3}");
    wait(kms.disable_key().key_id(&key).send()).unwrap();
    drop(stdin);
    let failed = auditlog_tests::Run::from_output(&running.0.wait_with_output().unwrap());
    assert_eq!(failed.status, 1, "{failed}");
    assert!(failed.stderr.contains("KMS Sign "), "{failed}");
    assert!(
        failed.stdout.contains("kept 2 events in the spool"),
        "{failed}"
    );
    assert_eq!(world.objects().len(), 2);

    wait(kms.enable_key().key_id(&key).send()).unwrap();
    let next = world.append(&key).input("4\n").run().ok();
    assert!(
        next.stdout
            .starts_with("sealed 1 event in 2 segments (2 to 3)"),
        "{next}"
    );
    assert!(
        next.stdout
            .contains("\nrecovered 2 events of an interrupted run (standard input of 20"),
        "{next}"
    );
    let sealed = events(&world.objects(), &world.verifier_key(&key));
    assert_eq!(sealed, ["1", "2", "3", "4"]);
}

#[test]
fn a_store_that_does_not_honour_the_condition_gets_no_event_unless_fenced() {
    let world = World::new(Governance);
    let key = world.key(KeySpec::EccNistP256);
    let careless = Proxy::to(world.endpoint.url());
    careless.from_now_on("PUT", "", Fault::DropHeader("if-none-match"));
    let append = |prefix: &str| {
        let run = world.append(&key).env("AWS_ENDPOINT_URL", careless.url());
        run.args(["--prefix", prefix])
            .arg("--output")
            .arg("json")
            .input("1\n")
    };
    let refused = append("refused").run();
    assert_eq!(
        refused.stderr,
        "error: s3://audit ignores If-None-Match: it wrote refused/000000000000.jsonl.zst a second time\n\
         hint: begin the log under another prefix with --fenced, which lists the versions after each create\n"
    );
    assert_eq!((refused.status, refused.stdout.as_str()), (1, ""));
    assert_eq!(careless.faults(), 2);

    fs::remove_dir_all(world.folder.path().join("spool")).unwrap();
    append("payments").arg("--fenced").run().ok();
    append("payments").arg("--fenced").run().ok();
    // Nothing was put twice: segments 0, 1 and 2.
    assert_eq!(careless.faults(), 5);
    let sealed = events(&world.objects_under("payments/"), &world.verifier_key(&key));
    assert_eq!(sealed, ["1", "1"]);
}

#[test]
fn the_policys_key_signs_by_default_and_is_rotated_by_default() {
    let world = World::new(Governance);
    let keys = [
        world.key(KeySpec::EccNistP256),
        world.key(KeySpec::EccNistP256),
    ];
    let [old, new] = keys.each_ref().map(|key| {
        let made = command("auditlog-seal").envs(world.endpoint.env());
        let made = made.args(["policy", "--origin", ORIGIN, "--kms-key", key]);
        made.run().ok().json()
    });
    let mut policy = old.clone();
    policy["store"] = serde_json::json!({
        "s3": { "bucket": BUCKET, "region": auditlog_tests::REGION, "account": "000000000000" },
    });
    let path = world.folder.path().join("policy.json");
    let append = |policy: &serde_json::Value, event: &str| {
        fs::write(&path, policy.to_string()).unwrap();
        let run = command("auditlog-seal").envs(world.endpoint.env());
        let run = run.args(["append", "--policy"]).arg(&path).arg("--spool");
        run.arg(world.folder.path().join("spool")).input(event)
    };
    append(&policy, "1\n").run().ok();

    // A key that is not valid yet does not sign; a newer one that is valid does, and the old one with it.
    let mut added = new["keys"][0].clone();
    let verifier_key = new["logs"][0]["verifier_keys"][0].clone();
    added["valid_from"] = "2900-01-01T00:00:00Z".into();
    policy["keys"] = serde_json::json!([old["keys"][0], added]);
    policy["logs"][0]["verifier_keys"] =
        serde_json::json!([old["logs"][0]["verifier_keys"][0], verifier_key]);
    append(&policy, "2\n").run().ok();
    policy["keys"][0]["valid_from"] = "2001-01-01T00:00:00Z".into();
    policy["keys"][1]["valid_from"] = "2002-01-01T00:00:00Z".into();
    append(&policy, "3\n").run().ok();
    policy["keys"][0]["retired_at"] = "2003-01-01T00:00:00Z".into();
    append(&policy, "4\n").run().ok();
    let [old, new] = keys.each_ref().map(|key| world.verifier_key(key));
    let sealed = events_under(&world.objects(), |number| match number {
        0..=2 => vec![&old],
        3 => vec![&new, &old],
        _ => vec![&new],
    });
    assert_eq!(sealed, ["1", "2", "3", "4"]);

    policy["keys"][1]["retired_at"] = "2003-01-01T00:00:00Z".into();
    let none = append(&policy, "5\n").run();
    let error = format!("error: the signing key {new} was retired at 2003-01-01T00:00:00.000000Z");
    let hint = "\nhint: give the key that is valid now, or a newer trust policy\n";
    assert!(none.stderr.starts_with(&error), "{none}");
    assert!(none.stderr.ends_with(hint), "{none}");
    assert_eq!(none.status, 1);
}
