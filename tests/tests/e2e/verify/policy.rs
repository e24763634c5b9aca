//! `auditlog-verify` with a trust policy that is not one: no verdict, the file and what is wrong in it, and what to do.

use std::fs::{self, File};

use auditlog_tests::{Command, command};
use serde_json::{Value, json};

use crate::verify::folder::{Folder, faults, no_verdict};

const RENDERED: &str = "`terraform output -raw trust_policy` wrote, unchanged";

struct Policy {
    folder: Folder,
    good: Value,
}

impl Policy {
    fn new() -> Self {
        let folder = Folder::new();
        let text = fs::read(folder.path("policy.json")).expect("the policy");
        let good = serde_json::from_slice(&text).expect("JSON");
        Self { folder, good }
    }

    /// The good policy with one value replaced, by its JSON pointer.
    fn with(&self, pointer: &str, value: Value) -> Vec<u8> {
        let mut policy = self.good.clone();
        *policy.pointer_mut(pointer).expect("a value there") = value;
        serde_json::to_vec(&policy).expect("JSON")
    }

    fn verify(&self, text: &[u8]) -> Command {
        let path = self.folder.path("spoilt.json");
        fs::write(&path, text).expect("a file");
        self.verify_with("spoilt.json")
    }

    fn verify_with(&self, name: &str) -> Command {
        let path = self.folder.path(name);
        let verify = command("auditlog-verify").arg("--policy").arg(path);
        verify.arg(self.folder.bucket())
    }
}

#[test]
fn a_policy_that_is_not_a_document_is_named_with_the_remedy() {
    let policy = Policy::new();
    let good = serde_json::to_vec(&policy.good).expect("JSON");
    let cut = &good[..good.len() / 2];
    let nested = [vec![b'['; 200_000], vec![b']'; 200_000]].concat();
    for (text, error) in [
        (
            &b""[..],
            "spoilt.json: the trust policy cannot be read: EOF",
        ),
        (b"\0\x01\x02\xff\xfe", "line 1 column 1"),
        (
            b"{\"trust_policy\":1,\"lock\":\"\xff\"}",
            "invalid unicode code point",
        ),
        (b"\xef\xbb\xbf{}", "line 1 column 1"),
        (b"[]", "line 1"),
        (b"{}", "missing field `trust_policy`"),
        (b"{\"trust_policy\":\"1\"}", "invalid type: string"),
        (cut, "EOF while parsing"),
        (&nested, "line 1"),
        (&[&good[..], b"{}"].concat(), "trailing characters"),
    ] {
        no_verdict(policy.verify(text), error, RENDERED);
    }
    let text = String::from_utf8(good).expect("text");
    let outputs =
        json!({ "trust_policy": { "sensitive": false, "type": "string", "value": text } });
    for wrapped in [json!(text), outputs] {
        no_verdict(
            policy.verify(wrapped.to_string().as_bytes()),
            "spoilt.json: the trust policy is inside the output of `terraform output -json`",
            "write the file with `terraform output -raw trust_policy`",
        );
    }
    let newer = policy.with("/trust_policy", json!(7));
    no_verdict(
        policy.verify(&newer),
        "spoilt.json: the trust policy has version 7, this program knows 1",
        "newer",
    );
    let elsewhere = policy.with("/store", json!({ "gcs": { "bucket": "acme-audit" } }));
    no_verdict(
        policy.verify(&elsewhere),
        "spoilt.json: the trust policy has a store of the kind `gcs`, this program knows s3",
        "newer",
    );
}

#[test]
fn a_policy_that_is_not_a_file_is_named_with_the_remedy() {
    let policy = Policy::new();
    no_verdict(
        policy.verify_with("absent"),
        "absent: No such file",
        RENDERED,
    );
    no_verdict(
        policy.verify_with("bucket"),
        "bucket: Is a directory",
        RENDERED,
    );
    let huge = File::create(policy.folder.path("huge")).expect("a file");
    // Sparse, and beyond what any machine could hold.
    huge.set_len(1 << 40).expect("a large file");
    no_verdict(
        policy.verify_with("huge"),
        "huge: the trust policy has more than 16777216 bytes",
        RENDERED,
    );
    no_verdict(
        policy.verify_with("/dev/zero"),
        "more than 16777216 bytes",
        RENDERED,
    );
    std::os::unix::fs::symlink("loop", policy.folder.path("loop")).expect("a link");
    no_verdict(
        policy.verify_with("loop"),
        "/loop: Too many levels",
        RENDERED,
    );
    // A pipe is as good as a file.
    let text = serde_json::to_vec(&policy.good).expect("JSON");
    policy.verify_with("/dev/stdin").input(text).run().ok();
}

#[test]
fn a_policy_with_a_value_that_cannot_be_is_named_by_its_place() {
    let policy = Policy::new();
    let log = policy.good["logs"][0].clone();
    let span = policy.good["lock"][0].clone();
    let mut below = log.clone();
    below["prefix"] = json!("logs/payments/2026");
    let another = "another.example/log";
    for (pointer, value, error) in [
        (
            "/store/s3/account",
            json!(""),
            "store.s3.account: must be twelve digits",
        ),
        (
            "/store/s3/account",
            json!(123_456_789_012_u64),
            "invalid type: integer",
        ),
        (
            "/store/s3/bucket",
            json!("acme/audit"),
            "store.s3.bucket: must be 3 to 255",
        ),
        (
            "/store/s3/region",
            json!("eu-central-1\r\nhost: x"),
            "store.s3.region: must be",
        ),
        ("/lock", json!([]), "lock: at least one span"),
        (
            "/lock",
            json!([span, span]),
            "lock: the spans must be ordered",
        ),
        (
            "/lock/0/retention_days",
            json!(0),
            "lock[0].retention_days: must be from 1 to 36500",
        ),
        (
            "/logs/0/max_silence/0/seconds",
            json!(1_u64 << 63),
            "logs[0].max_silence[0].seconds",
        ),
        (
            "/lock/0/mode",
            json!("NONE"),
            "`NONE` is not COMPLIANCE or GOVERNANCE",
        ),
        ("/lock/0/from", json!("yesterday"), "yesterday"),
        (
            "/logs",
            json!([log, log]),
            "logs[1].origin: two logs have the same origin",
        ),
        (
            "/logs/0/prefix",
            json!("../logs"),
            "logs[0].prefix: must be parts of",
        ),
        (
            "/logs/0/origin",
            json!(another),
            "logs[0].verifier_keys[0]: is a key of another origin",
        ),
        ("/logs/0/origin", json!("\u{1b}[2J"), "is not an origin"),
        ("/logs/0/verifier_keys", json!([]), "logs[0].verifier_keys"),
        (
            "/logs/0/verifier_keys/0",
            json!("acme.example+1+AAAA"),
            "is not a C2SP verifier key",
        ),
        ("/logs/0/format", json!(-1), "invalid value"),
    ] {
        let command = policy.verify(&policy.with(pointer, value));
        no_verdict(command, error, RENDERED);
    }
}

#[test]
fn a_policy_with_a_key_or_a_prefix_that_cannot_be_is_named_by_its_place() {
    let policy = Policy::new();
    for (pointer, value, error) in [
        ("/keys", json!([]), "its public key is not among `keys`"),
        (
            "/keys/0/spki",
            json!("no base64"),
            "`no base64` is not a public key: not canonical base64",
        ),
        (
            "/keys/0/spki",
            json!("AAAA"),
            "is not a public key: not a DER SubjectPublicKeyInfo",
        ),
        (
            "/keys/0/spec",
            json!("ECC_NIST_P256"),
            "keys[0].spec: is not the spec",
        ),
        (
            "/keys/0/spec",
            json!("ECC_SECG_P256K1"),
            "`ECC_SECG_P256K1` is not a key spec",
        ),
        (
            "/declared_prefixes",
            json!(["logs/"]),
            "logs[0].prefix: is under a declared prefix",
        ),
        (
            "/declared_prefixes",
            json!(["logs/payments/x/"]),
            "declared_prefixes[0]: is inside of a log",
        ),
        (
            "/declared_prefixes",
            json!(["archive"]),
            "declared_prefixes[0]: must be parts of letters, digits and -_.=@~",
        ),
    ] {
        let command = policy.verify(&policy.with(pointer, value));
        no_verdict(command, error, RENDERED);
    }
}

/// Where each object of a document begins, and its first field.
fn objects(text: &str) -> Vec<(usize, String)> {
    let begins = text.match_indices('{').map(|(at, _)| at + 1);
    let field = |at: usize| text[at..].split('"').nth(1).expect("a field").to_owned();
    begins.map(|at| (at, field(at))).collect()
}

#[test]
fn a_field_that_appears_twice_is_refused_at_every_level() {
    let policy = Policy::new();
    let root = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let mut full = policy.good.clone();
    full["logs"][0]["ended"] = json!({
        "segment": 3, "size": 15, "root": root, "sealed": "2026-01-01T00:00:00Z", "stored": "2026-01-01T00:00:00Z",
    });
    let good = json!([{ "origin": "a.example/b", "segment": 1, "size": 5, "root": root }]);
    full["keys"][0]["compromised"] = json!({ "at": "2026-01-01T00:00:00Z", "last_good": good });
    let text = full.to_string();
    let objects = objects(&text);
    assert_eq!(objects.len(), 10, "{text}");
    for (at, field) in objects {
        let (before, after) = text.split_at(at);
        let twice = format!("{before}\"{field}\":{},{after}", value_of(after));
        let command = policy.verify(twice.as_bytes());
        no_verdict(command, &format!("duplicate field `{field}`"), RENDERED);
    }
}

/// The first value of an object, so that nothing but the repetition is wrong.
fn value_of(fields: &str) -> String {
    let value = &fields[fields.find(':').expect("a colon") + 1..];
    let mut values = serde_json::Deserializer::from_str(value).into_iter::<Value>();
    values.next().expect("a value").expect("JSON").to_string()
}

#[test]
fn nothing_that_a_policy_says_moves_the_cursor() {
    let policy = Policy::new();
    let mut odd = policy.good.clone();
    odd["\u{1b}[2J\n\u{202e}"] = json!(true);
    let run = policy.verify(odd.to_string().as_bytes()).run();
    assert_eq!(run.status, 2, "{run}");
    assert!(
        run.stderr
            .contains("unknown field `\\u{1b}[2J\\n\\u{202e}`"),
        "{run}"
    );
    assert_eq!(run.stderr.lines().count(), 2, "{run}");
}

#[test]
fn the_policy_of_another_log_finds_faults_and_never_a_good_log() {
    let policy = Policy::new();
    let other = Folder::new();
    let verify = |name: &str| {
        let verify = command("auditlog-verify")
            .arg("--policy")
            .arg(other.path(name));
        verify.arg(policy.folder.bucket()).run()
    };
    // The same names, and another key.
    let run = verify("policy.json");
    assert_eq!(run.status, 1, "{run}");
    assert!(run.stdout.contains("fault key-unknown"), "{run}");
    let mut elsewhere = policy.good.clone();
    elsewhere["logs"][0]["prefix"] = json!("elsewhere");
    elsewhere["logs"][0]["began"] = json!("2020-01-01T00:00:00Z");
    let command = policy.verify(elsewhere.to_string().as_bytes());
    faults(&command.run(), &["log-empty"]);
}

#[test]
fn a_wrong_policy_file_gets_the_same_status_and_words_from_both_commands() {
    let policy = Policy::new();
    let good = serde_json::to_string(&policy.good).expect("JSON");
    // Until a minute ago, a cut could not be distinguished from expiry, and what was stored then is still there.
    let mut short = policy.good.clone();
    let spans = short["logs"][0]["max_silence"]
        .as_array_mut()
        .expect("spans");
    spans.insert(
        0,
        json!({ "from": "2020-01-01T00:00:00Z", "seconds": 864_000 }),
    );
    for (text, error, hint) in [
        (
            short.to_string(),
            "logs[0].max_silence: the retention is shorter than twice this",
            "",
        ),
        (
            json!(good).to_string(),
            "the trust policy is inside the output of `terraform output -json`",
            "write the file with `terraform output -raw trust_policy`",
        ),
        (
            "{}".to_owned(),
            "the trust policy cannot be read: missing field `trust_policy`",
            "",
        ),
        (
            r#"{"trust_policy":2}"#.to_owned(),
            "the trust policy has version 2, this program knows 1",
            "use a newer auditlog-",
        ),
    ] {
        no_verdict(policy.verify(text.as_bytes()), error, hint);
        let path = policy.folder.path("spoilt.json");
        let seal = command("auditlog-seal").args(["append", "--key-file", "absent.pem"]);
        no_verdict(seal.arg("--policy").arg(path), error, hint);
    }
}
