//! `auditlog-seal` with a folder and a key file: what it writes, what it says and how it ends.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;

use auditlog_tests::{Run, command};

use crate::seal::bench::{Bench, INTO_THE_BUCKET, ORIGIN, events, events_under};

#[test]
fn a_log_is_created_with_an_empty_segment_and_continued() {
    let bench = Bench::new();
    let first = bench
        .append()
        .input("{\"a\":1}\n\n  {\"b\": [1, 2]} \r\n\"x\"")
        .run()
        .ok();
    let second = bench
        .append()
        .args(["--output", "json", "--source", "web-1"])
        .input("4\n")
        .run()
        .ok();
    let verify = command("auditlog-verify").arg("--policy");
    let verify = verify
        .arg(bench.path("policy.json"))
        .arg(bench.path("audit"));
    verify.run().ok();
    let key = bench.verifier_key("key.pem");
    let sealed = events(&bench.objects(), &key);
    assert_eq!(sealed, ["{\"a\":1}", "{\"b\": [1, 2]}", "\"x\"", "4"]);

    let json = second.json();
    let root = json["root"].as_str().unwrap();
    let place = bench.path("audit/payments").display().to_string();
    let expected = format!(
        "{{\"origin\":\"{ORIGIN}\",\"destination\":\"{place}\",\"input\":\"standard input\",\"resumable\":false,\"segments\":1,\"first_segment\":2,\"last_segment\":2,\"events\":1,\"size\":11,\
         \"root\":\"{root}\",\"verifier_key\":\"{key}\",\"recovered\":0,\"recovered_from\":[],\"skipped\":0,\"kept\":0,\"lost\":0}}\n"
    );
    assert_eq!(second.stdout, expected);
    assert_eq!(second.stderr, "");
    let (head, rest) = first.stdout.split_once("root ").unwrap();
    assert_eq!(
        head,
        format!("sealed 3 events in 2 segments (0 to 1) of {ORIGIN}\nsize 8, ")
    );
    assert_eq!(
        rest.split_once('\n').unwrap().1,
        format!(
            "stored in {place}\nsigned by {key}\n\
             standard input has no name, so it cannot be resumed: --input NAME gives it one\n"
        )
    );
    let last = zstd::stream::decode_all(bench.objects()[2].as_slice()).unwrap();
    assert!(
        String::from_utf8(last)
            .unwrap()
            .contains("\"source\":\"web-1\",\"event\":4}")
    );
}

#[test]
fn an_empty_input_writes_an_empty_segment() {
    let bench = Bench::new();
    let created = bench.append().run().ok();
    assert!(
        created
            .stdout
            .starts_with("sealed 0 events in 1 segment (0) of "),
        "{created}"
    );
    let alive = bench.append().input("\n \n").run().ok();
    assert!(
        alive
            .stdout
            .starts_with("sealed 0 events in 1 segment (1) of "),
        "{alive}"
    );
    assert_eq!(
        events(&bench.objects(), &bench.verifier_key("key.pem")),
        [""; 0]
    );
    assert_eq!(bench.objects().len(), 2);
}

#[test]
fn a_line_that_is_not_an_event_stops_the_run_and_what_came_before_is_sealed() {
    let bench = Bench::new();
    let run = bench.append().input("1\n\n2\n{\"a\":1} x\n5\n").run();
    assert_eq!(run.status, 1);
    assert_eq!(
        run.stderr,
        "error: line 4: the event is not exactly one JSON value: trailing characters at byte 9\n\
         hint: every event before line 4 is sealed, nothing from line 4 on: correct it, and go on with it\n"
    );
    assert!(
        run.stdout
            .starts_with("sealed 2 events in 2 segments (0 to 1) of "),
        "{run}"
    );

    let not_utf8 = bench.append().input(b"3\n\"\xff\"\n".to_vec()).run();
    assert_eq!(not_utf8.status, 1);
    assert!(
        not_utf8
            .stderr
            .starts_with("error: line 2: the event is not UTF-8 from byte 1 on\n"),
        "{not_utf8}"
    );

    let mut long = b"4\n\"".to_vec();
    long.resize(3 << 20, b'x');
    let long = bench.append().input(long).run();
    assert_eq!(long.status, 1);
    assert!(
        long.stderr
            .starts_with("error: line 2: longer than 1052672 bytes\n"),
        "{long}"
    );
    let sealed = events(&bench.objects(), &bench.verifier_key("key.pem"));
    assert_eq!(sealed, ["1", "2", "3", "4"]);
}

#[test]
fn full_segments_are_closed_by_events_and_by_bytes() {
    let bench = Bench::new();
    let input = "0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n";
    let run = bench
        .append()
        .args(["--max-segment-events", "3"])
        .input(input)
        .run()
        .ok();
    assert!(
        run.stdout
            .starts_with("sealed 10 events in 5 segments (0 to 4) of "),
        "{run}"
    );
    let run = bench
        .append()
        .args(["--max-segment-bytes", "1"])
        .input(input)
        .run()
        .ok();
    assert!(
        run.stdout
            .starts_with("sealed 10 events in 10 segments (5 to 14) of "),
        "{run}"
    );
    let sealed = events(&bench.objects(), &bench.verifier_key("key.pem"));
    let expected: Vec<String> = (0..10).chain(0..10).map(|n: u32| n.to_string()).collect();
    assert_eq!(sealed, expected);
}

#[test]
fn events_come_from_a_file_too() {
    let bench = Bench::new();
    fs::write(bench.path("events.jsonl"), "1\n2\n").unwrap();
    bench
        .append()
        .arg(bench.path("events.jsonl"))
        .input("3\n")
        .run()
        .ok();
    bench.append().arg("-").input("3\n").run().ok();
    assert_eq!(
        events(&bench.objects(), &bench.verifier_key("key.pem")),
        ["1", "2", "3"]
    );
    let missing = bench.append().arg(bench.path("none.jsonl")).run();
    assert_eq!(missing.status, 1);
    let expected = format!(
        "error: {}: the events cannot be read: No such file or directory (os error 2)\n",
        bench.path("none.jsonl").display()
    );
    assert!(missing.stderr.starts_with(&expected), "{missing}");
    let folder = bench.append().arg(bench.path("audit")).run();
    assert!(
        folder
            .stderr
            .contains("the events cannot be read: is a directory"),
        "{folder}"
    );
    assert_eq!(bench.objects().len(), 3);
}

#[test]
fn without_a_policy_origin_and_prefix_say_which_log() {
    let bench = Bench::new();
    let append = || bench.append_with("key.pem").args(["--origin", ORIGIN]);
    append().input("1\n").run().ok();
    append().input("2\n").run().ok();
    assert_eq!(
        events(&bench.objects(), &bench.verifier_key("key.pem")),
        ["1", "2"]
    );
    let other = append()
        .args(["--prefix", "elsewhere/pay"])
        .arg("--spool")
        .arg(bench.path("spool-2"));
    // The last --spool does not count twice: clap refuses it.
    assert_eq!(other.run().status, 2);
}

#[test]
fn a_log_is_not_put_inside_another_one() {
    let bench = Bench::new();
    bench.append().input("1\n").run().ok();
    let inside = |prefix: &str| {
        let run = command("auditlog-seal").args(["append", "--key-file"]);
        let run = run.arg(bench.path("key.pem"));
        let run = run.args(["--origin", "acme.example/other", "--prefix", prefix]);
        let run = run.arg("--to").arg(bench.path("audit"));
        run.arg("--spool").arg(bench.path("other")).run()
    };
    for prefix in ["payments/other", "payments/other/deep"] {
        let run = inside(prefix);
        assert_eq!((run.status, run.stdout.as_str()), (1, ""), "{run}");
        let expected = format!(
            "error: the prefix {prefix} is inside that of another log, which has payments/000000000000.jsonl.zst\n\
             hint: nothing was written: give the log a prefix of its own with --prefix, or in the trust policy\n"
        );
        assert_eq!(run.stderr, expected);
    }
    inside("others/payments").ok();
    // The log is as it was, and goes on.
    bench.append().input("2\n").run().ok();
    assert_eq!(
        events(&bench.objects(), &bench.verifier_key("key.pem")),
        ["1", "2"]
    );
}

#[test]
fn what_cannot_be_meant_is_a_usage_error() {
    let bench = Bench::new();
    let policy = fs::read_to_string(bench.path("policy.json")).unwrap();
    let refused = |run: Run, status: i32, expected: &str| {
        assert_eq!(run.status, status, "{run}");
        assert!(run.stderr.contains(expected), "{run}");
        assert_eq!(run.stdout, "");
    };
    refused(
        bench.append().args(["--log", "acme.example/none"]).run(),
        2,
        "error: the trust policy has no log acme.example/none; its logs: acme.example/audit/payments\n\
         hint: name one of them with --log ORIGIN\n",
    );
    refused(
        bench.append().args(["--origin", ORIGIN]).run(),
        2,
        "cannot be used with",
    );
    refused(bench.append_with("key.pem").run(), 2, "--origin <ORIGIN>");
    refused(
        bench.append().args(["--source", "tab\there"]).run(),
        2,
        "expected a source of ",
    );
    refused(
        bench.append_with("key.pem").args(["--origin", "a b"]).run(),
        2,
        ", found \"a b\"",
    );
    let no_place = command("auditlog-seal")
        .args(["append", "--key-file"])
        .arg(bench.path("key.pem"));
    refused(
        no_place
            .arg("--policy")
            .arg(bench.path("policy.json"))
            .run(),
        2,
        "the destination is unknown",
    );

    fs::write(
        bench.path("policy.json"),
        policy.replace("\"format\": 1", "\"format\": 2"),
    )
    .unwrap();
    refused(
        bench.append().run(),
        2,
        "the trust policy names format 2 for the log, but this program writes format 1",
    );
    fs::write(bench.path("policy.json"), "{}").unwrap();
    refused(
        bench.append().run(),
        2,
        "policy.json: the trust policy cannot be read: missing field `trust_policy`",
    );
    assert!(!bench.path("audit").exists());
}

#[test]
fn a_key_that_the_policy_does_not_let_sign_is_refused_before_anything_is_written() {
    let bench = Bench::new();
    let policy = fs::read_to_string(bench.path("policy.json")).unwrap();
    let mut later: serde_json::Value = serde_json::from_str(&policy).unwrap();
    later["keys"][0]["valid_from"] = "2900-01-01T00:00:00Z".into();
    let mut retired: serde_json::Value = serde_json::from_str(&policy).unwrap();
    retired["keys"][0]["valid_from"] = "2001-01-01T00:00:00Z".into();
    retired["keys"][0]["retired_at"] = "2002-01-01T00:00:00Z".into();
    for (policy, expected) in [
        (
            &later,
            " is valid only from 2900-01-01T00:00:00.000000Z; it is now ",
        ),
        (
            &retired,
            " was retired at 2002-01-01T00:00:00.000000Z; it is now ",
        ),
    ] {
        fs::write(bench.path("policy.json"), policy.to_string()).unwrap();
        let run = bench.append().input("1\n").run();
        assert_eq!(run.status, 1);
        assert!(run.stderr.contains(expected), "{run}");
    }
    fs::write(bench.path("policy.json"), policy).unwrap();
    bench.keygen("other.pem");
    let other = bench
        .append_with("other.pem")
        .arg("--policy")
        .arg(bench.path("policy.json"))
        .run();
    assert_eq!(other.status, 2);
    let expected = format!(
        "error: the signing key {} is not one of the log's keys: {}\n",
        bench.verifier_key("other.pem"),
        bench.verifier_key("key.pem")
    );
    assert!(other.stderr.starts_with(&expected), "{other}");
    assert!(!bench.path("audit").exists());
}

#[test]
fn a_lost_key_is_left_without_its_signature_only_where_the_policy_says_so() {
    let bench = Bench::new();
    bench.keygen("new.pem");
    bench.append().input("1\n").run().ok();
    let (old, new) = (bench.verifier_key("key.pem"), bench.verifier_key("new.pem"));
    let mut policy: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(bench.path("policy.json")).unwrap()).unwrap();
    policy["logs"][0]["verifier_keys"]
        .as_array_mut()
        .unwrap()
        .push(new.to_string().into());
    let mut second = policy["keys"][0].clone();
    second["spki"] = serde_json::to_value(new.public_key()).unwrap();
    policy["keys"].as_array_mut().unwrap().push(second);
    fs::write(bench.path("policy.json"), policy.to_string()).unwrap();
    let append = || {
        bench
            .append_with("new.pem")
            .arg("--policy")
            .arg(bench.path("policy.json"))
    };

    let refused = append().input("2\n").run();
    assert_eq!(
        refused.stderr,
        format!(
            "error: the log is signed by {old}, but the given key is {new}\n\
             hint: to rotate, give the old key too: --previous-key-file or --previous-kms-key\n"
        )
    );
    assert_eq!(refused.status, 1);
    policy["keys"][0]["lost_at"] = policy["keys"][0]["valid_from"].clone();
    fs::write(bench.path("policy.json"), policy.to_string()).unwrap();
    append().input("2\n").run().ok();
    append().input("3\n").run().ok();
    let sealed = events_under(&bench.objects(), |number| {
        vec![if number < 2 { &old } else { &new }]
    });
    assert_eq!(sealed, ["1", "2", "3"]);
}

#[test]
fn a_log_that_was_tampered_with_is_not_continued() {
    let bench = Bench::new();
    bench.append().input("1\n").run().ok();
    bench.append().input("2\n").run().ok();
    let log = bench.path("audit/payments");
    let (one, two) = (
        log.join("000000000001.jsonl.zst"),
        log.join("000000000002.jsonl.zst"),
    );
    let refused = |expected: &str| {
        let run = bench.append().input("3\n").run();
        assert_eq!(run.status, 1, "{run}");
        assert!(run.stderr.contains(expected), "{run}");
    };
    let whole = fs::read(&two).unwrap();
    fs::write(&two, &whole[..whole.len() - 1]).unwrap();
    refused("payments/000000000002.jsonl.zst, the newest segment, is not valid: ");
    fs::write(&two, fs::read(&one).unwrap()).unwrap();
    refused("the segment says that it is number 1, its place is 2");
    fs::write(&two, &whole).unwrap();
    fs::rename(&one, bench.path("away")).unwrap();
    refused(
        "error: payments/000000000001.jsonl.zst is missing, though later segments are present, and neither expiry nor the trust policy explains it\n",
    );
    fs::rename(bench.path("away"), &one).unwrap();
    fs::write(log.join("notes.txt"), "").unwrap();
    refused("error: payments/notes.txt is under the log's prefix, but is not a segment\n");
    fs::remove_file(log.join("notes.txt")).unwrap();
    bench.append().input("3\n").run().ok();
}

#[test]
fn what_is_in_the_way_is_named() {
    let bench = Bench::new();
    fs::write(bench.path("audit"), "").unwrap();
    let run = bench.append().input("1\n").run();
    assert_eq!(run.status, 1);
    let expected = format!(
        "error: {}: the folder cannot be used: not a directory\n",
        bench.path("audit").display()
    );
    assert!(run.stderr.starts_with(&expected), "{run}");
    fs::remove_file(bench.path("audit")).unwrap();

    fs::remove_dir_all(bench.path("spool")).unwrap();
    fs::write(bench.path("spool"), "").unwrap();
    let run = bench.append().input("1\n").run();
    assert_eq!(run.status, 1);
    assert!(
        run.stderr
            .contains("/spool: the folder cannot be made: File exists"),
        "{run}"
    );
    fs::remove_file(bench.path("spool")).unwrap();

    bench.append().input("1\n").run().ok();
    let other = bench
        .append_with("key.pem")
        .args(["--origin", "acme.example/other"])
        .run();
    assert_eq!(other.status, 2);
    assert!(
        other
            .stderr
            .contains("/spool belongs to acme.example/audit/payments in "),
        "{other}"
    );
    assert!(
        other
            .stderr
            .contains("hint: give each log and destination its own --spool\n"),
        "{other}"
    );
}

#[test]
fn an_endpoint_that_is_dead_silent_or_without_credentials_is_named() {
    let bench = Bench::new();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let dead = {
        let closed = TcpListener::bind("127.0.0.1:0").unwrap();
        closed.local_addr().unwrap()
    };
    let append = |endpoint: String, seconds: &str| {
        let run = command("auditlog-seal").args(INTO_THE_BUCKET);
        let run = run.args([
            "--region",
            "eu-central-1",
            "--timeout",
            seconds,
            "--endpoint-url",
            &endpoint,
        ]);
        run.arg("--key-file")
            .arg(bench.path("key.pem"))
            .input("1\n")
    };
    let signed = |run: auditlog_tests::Command| {
        run.env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .run()
    };
    let run = signed(append(
        format!("http://{}", silent.local_addr().unwrap()),
        "1",
    ));
    assert_eq!(run.status, 1, "{run}");
    assert_eq!(
        run.stderr,
        "error: S3 GetBucketVersioning s3://audit: no answer came in time\n\
         hint: check the endpoint and the network, and run the command again: what was accepted is in the spool\n"
    );
    let run = signed(append(format!("http://{dead}"), "5"));
    assert_eq!(run.status, 1, "{run}");
    assert!(
        run.stderr
            .starts_with("error: S3 GetBucketVersioning s3://audit: no answer: "),
        "{run}"
    );
    assert!(run.stderr.contains("Connection refused"), "{run}");
    let run = append(format!("http://{dead}"), "5").run();
    assert_eq!(run.status, 1, "{run}");
    assert!(
        run.stderr
            .starts_with("error: S3 GetBucketVersioning s3://audit: no credentials: "),
        "{run}"
    );
    assert!(
        run.stderr
            .contains("hint: set AWS_PROFILE or --profile, or sign in: "),
        "{run}"
    );
}

#[test]
fn a_key_is_made_once_and_for_its_owner_alone() {
    let bench = Bench::new();
    let path = bench.path("ml-dsa.pem");
    let keygen = || {
        command("auditlog-seal")
            .args(["keygen", "--spec", "ML_DSA_44", "--out"])
            .arg(&path)
    };
    let made = keygen().run().ok();
    assert!(
        made.stdout.starts_with("-----BEGIN PUBLIC KEY-----\n"),
        "{made}"
    );
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let again = keygen().run();
    assert_eq!(again.status, 2);
    assert!(
        again
            .stderr
            .contains("the key file cannot be made: File exists"),
        "{again}"
    );
    let unknown = command("auditlog-seal")
        .args(["keygen", "--spec", "ECC_SECG_P256K1", "--out", "x"])
        .run();
    assert_eq!(unknown.status, 2);
    assert!(
        unknown
            .stderr
            .contains("one of ECC_NIST_EDWARDS25519, ECC_NIST_P256, "),
        "{unknown}"
    );
}
