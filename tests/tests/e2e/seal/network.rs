//! `auditlog-seal` on a way to the store on which things go wrong: nothing that was accepted is lost or sealed twice, and
//! what went wrong is named.

use std::io::Write as _;
use std::process::Child;
use std::thread;
use std::time::Duration;

use auditlog_tests::{Answer, Command, Fault, Run, accepted, command};
use aws_sdk_kms::types::{KeySpec, KeyUsageType};

use crate::seal::bench::{
    BUCKET, INTO_THE_BUCKET, ORIGIN, Remote, each_once, ended, numbered, start, wait,
};

/// The hint where nobody answers.
const UNREACHABLE: &str = "\nhint: check the endpoint and the network, and run the command again: what was accepted is in the spool\n";

/// A sealer that has accepted the events 1 and 2, and waits for more.
struct Waiting {
    run: (Child, tempfile::TempDir),
}

impl Waiting {
    fn on(remote: &Remote, append: Command) -> Self {
        let mut run = start(append);
        let stdin = run.0.stdin.as_mut().unwrap();
        stdin.write_all(b"1\n2\n").unwrap();
        accepted(&remote.bench.path("spool"), "\"event\":2}");
        Self { run }
    }

    /// Ends its input: it seals, or cannot.
    fn seal(mut self) -> Run {
        drop(self.run.0.stdin.take());
        ended(self.run)
    }
}

#[test]
fn a_put_whose_answer_does_not_come_is_found_to_be_ours() {
    let remote = Remote::new();
    // Lost, broken off, and never given though the connection stays.
    for (segment, fault) in [
        (1, Fault::LoseAnswer),
        (2, Fault::CutAnswer),
        (3, Fault::HoldAnswer),
    ] {
        let key = format!("payments/{segment:012}");
        remote.way.once("PUT", &key, fault);
        let run = remote.append().args(["--timeout", "3"]);
        let run = run.input(format!("{segment}\n")).run().ok();
        assert!(run.stdout.contains(&format!("{segment}) of ")), "{run}");
        assert_eq!(remote.way.requests("PUT", &key), 2);
        // The name was taken: what has it was read.
        assert_eq!(
            remote
                .way
                .requests("GET", &format!("{key}.jsonl.zst?x-id=GetObject")),
            1
        );
    }
    assert_eq!(remote.way.faults(), 3);
    assert_eq!(remote.verified(), ["1", "2", "3"]);
}

#[test]
fn a_request_that_breaks_off_in_the_middle_is_sent_again() {
    let remote = Remote::new();
    let text = "x".repeat(900_000);
    let event = format!("{{\"n\":1,\"random\":\"{text}\"}}");
    remote.way.once("PUT", "000000000001", Fault::CutRequest);
    remote.append().input(event.clone()).run().ok();
    assert_eq!(remote.way.faults(), 1);
    assert_eq!(remote.verified(), [event]);
}

#[test]
fn a_head_that_breaks_off_while_it_is_read_is_read_again() {
    let remote = Remote::new();
    remote.append().input("1\n").run().ok();
    remote.way.times(2, "GET", "000000000001", Fault::CutAnswer);
    remote.append().input("2\n").run().ok();
    assert_eq!(remote.way.faults(), 2);
    remote
        .way
        .from_now_on("GET", "000000000002", Fault::CutAnswer);
    let run = remote.append().input("3\n").run();
    assert_eq!((run.status, run.stdout.as_str()), (1, ""), "{run}");
    let expected = "error: S3 GetObject s3://audit/payments/000000000002.jsonl.zst: no answer: ";
    assert!(run.stderr.starts_with(expected), "{run}");
    assert!(run.stderr.ends_with(UNREACHABLE), "{run}");
    assert_eq!(remote.verified(), ["1", "2"]);
}

#[test]
fn an_answer_that_comes_drop_by_drop_is_not_waited_for_for_ever() {
    let remote = Remote::new();
    remote.append().input("1\n").run().ok();
    let drops = Fault::Trickle(Duration::from_millis(50));
    for (text, call) in [
        (
            "000000000001",
            "S3 GetObject s3://audit/payments/000000000001.jsonl.zst",
        ),
        ("versions", "S3 ListObjectVersions s3://audit/payments/"),
    ] {
        remote.way.from_now_on("GET", text, drops.clone());
        let run = remote.append().args(["--timeout", "1"]).input("2\n").run();
        assert_eq!((run.status, run.stdout.as_str()), (1, ""), "{run}");
        assert_eq!(
            run.stderr,
            format!("error: {call}: no answer came in time{UNREACHABLE}")
        );
        remote.way.heal();
    }
    remote.append().input("2\n").run().ok();
    assert_eq!(remote.verified(), ["1", "2"]);
}

/// Runs each case on a thread of its own: most of their time they wait for an answer.
fn at_once<T: Send>(cases: impl IntoIterator<Item = T>, run: impl Fn(T) + Sync) {
    let run = &run;
    thread::scope(|scope| {
        for case in cases {
            scope.spawn(move || run(case));
        }
    });
}

#[test]
fn a_store_that_is_gone_in_the_middle_of_a_run_gets_each_event_once_when_it_is_back() {
    let cases = [
        (Fault::HangUp, "no answer: "),
        (Fault::Silence, "no answer came in time\n"),
        (
            Fault::Trickle(Duration::from_millis(100)),
            "no answer came in time\n",
        ),
        (
            Fault::Answer(Answer::SLOW_DOWN),
            "SlowDown (HTTP 503): Please reduce your request rate.\n",
        ),
    ];
    at_once(cases, |(fault, expected)| {
        let remote = Remote::new();
        remote.append().input("0\n").run().ok();
        let waiting = Waiting::on(&remote, remote.append().args(["--timeout", "1"]));
        remote.way.from_now_on("", "", fault);
        let failed = waiting.seal();
        assert_eq!(failed.status, 1, "{failed}");
        let error = "error: S3 PutObject s3://audit/payments/000000000002.jsonl.zst: ";
        let error = format!("{error}{expected}");
        assert!(failed.stderr.starts_with(&error), "{failed}");
        let hint = "what was accepted is in the spool\n";
        assert!(failed.stderr.ends_with(hint), "{failed}");
        let sealed = format!("sealed 0 events of {ORIGIN}, and wrote no segment\n");
        assert!(failed.stdout.starts_with(&sealed), "{failed}");
        let kept =
            "kept 2 events in the spool: accepted and not sealed, the next append seals them\n";
        assert!(failed.stdout.ends_with(kept), "{failed}");

        remote.way.heal();
        let next = remote.append().input("3\n").run().ok();
        let recovered = "\nrecovered 2 events of an interrupted run (standard input of 20";
        assert!(next.stdout.contains(recovered), "{next}");
        assert_eq!(remote.verified(), ["0", "1", "2", "3"]);
    });
}

#[test]
fn a_store_that_asks_to_slow_down_is_asked_again() {
    let remote = Remote::new();
    for call in [
        "versioning",
        "object-lock",
        "versions",
        "000000000000",
        "000000000001",
    ] {
        remote
            .way
            .times(3, "", call, Fault::Answer(Answer::SLOW_DOWN));
    }
    remote.append().input("1\n").run().ok();
    // Segment 0 is put twice, and its second PUT is not one of the first three.
    assert_eq!(remote.way.faults(), 15);
    assert_eq!(remote.verified(), ["1"]);
}

#[test]
fn a_key_service_that_is_gone_in_the_middle_of_a_run_signs_what_was_closed_when_it_is_back() {
    let cases = [
        (Fault::HangUp, "no answer: "),
        (Fault::Silence, "no answer came in time\n"),
        (Fault::LoseAnswer, "no answer: "),
    ];
    at_once(cases, |(fault, expected)| {
        let remote = Remote::new();
        let create = remote.endpoint.kms().create_key();
        let create = create.key_usage(KeyUsageType::SignVerify);
        let key = wait(create.key_spec(KeySpec::EccNistP256).send()).unwrap();
        let key = key.key_metadata.unwrap().arn.unwrap();
        let append = || {
            let run = command("auditlog-seal").envs(remote.endpoint.env());
            let run = run.env("AWS_ENDPOINT_URL", remote.way.url());
            let run = run.args(INTO_THE_BUCKET).args(["--kms-key", &key]);
            run.args(["--timeout", "1", "--spool"])
                .arg(remote.bench.path("spool"))
        };
        append().run().ok();
        let waiting = Waiting::on(&remote, append());
        remote.way.from_now_on("POST", "TrentService.Sign", fault);
        let failed = waiting.seal();
        assert_eq!(failed.status, 1, "{failed}");
        let error = format!("error: KMS Sign {key}: {expected}");
        assert!(failed.stderr.starts_with(&error), "{failed}");
        assert!(failed.stderr.ends_with(UNREACHABLE), "{failed}");
        assert!(
            failed.stdout.contains("kept 2 events in the spool"),
            "{failed}"
        );
        assert_eq!(remote.objects().len(), 1);

        remote.way.heal();
        let next = append().input("3\n").run().ok();
        assert!(next.stdout.contains("recovered 2 events"), "{next}");
        assert_eq!(texts(&remote), ["1", "2", "3"]);
    });
}

/// The events, whoever signed them.
fn texts(remote: &Remote) -> Vec<String> {
    let lines = |object: &Vec<u8>| zstd::stream::decode_all(object.as_slice()).unwrap();
    let objects = remote.objects();
    let text: Vec<u8> = objects.iter().flat_map(lines).collect();
    let text = String::from_utf8(text).unwrap();
    let event = |line: &str| {
        Some(
            line.split_once(",\"event\":")?
                .1
                .strip_suffix('}')?
                .to_owned(),
        )
    };
    text.lines().filter_map(event).collect()
}

#[test]
fn a_bucket_in_another_region_is_named_with_its_region() {
    let remote = Remote::new();
    for (answer, expected) in [
        (Answer::PERMANENT_REDIRECT, "PermanentRedirect (HTTP 301): "),
        (
            Answer::WRONG_REGION,
            "AuthorizationHeaderMalformed (HTTP 400): ",
        ),
    ] {
        remote.way.from_now_on("", "", Fault::Answer(answer));
        let run = remote.append().input("1\n").run();
        assert_eq!((run.status, run.stdout.as_str()), (1, ""), "{run}");
        let error = format!("error: S3 GetBucketVersioning s3://audit: {expected}");
        assert!(run.stderr.starts_with(&error), "{run}");
        let hint = "\nhint: the bucket is in another region: set --region to eu-west-1\n";
        assert!(run.stderr.ends_with(hint), "{run}");
        remote.way.heal();
    }
    assert!(remote.objects().is_empty());
}

#[test]
fn a_clock_that_is_off_stops_the_command_before_anything_is_written() {
    let remote = Remote::new();
    let hint = "\nhint: set this machine's clock (timedatectl status); a time in the future would stay a fault for as long as the object is locked\n";
    for seconds in [-310, 310] {
        remote.way.from_now_on("", "", Fault::ShiftDate(seconds));
        let run = remote.append().input("1\n").run();
        assert_eq!((run.status, run.stdout.as_str()), (1, ""), "{run}");
        assert!(
            run.stderr
                .starts_with("error: the clock of s3://audit is at "),
            "{run}"
        );
        let allowed = "; they may differ by at most 300 seconds";
        assert!(run.stderr.ends_with(&format!("{allowed}{hint}")), "{run}");
        remote.way.heal();
    }
    // Where it is off by more than a quarter of an hour, S3 itself refuses.
    let skewed = Fault::Answer(Answer::TIME_TOO_SKEWED);
    remote.way.from_now_on("", "", skewed);
    let run = remote.append().input("1\n").run();
    assert_eq!((run.status, run.stdout.as_str()), (1, ""), "{run}");
    assert!(
        run.stderr.contains("RequestTimeTooSkewed (HTTP 403)"),
        "{run}"
    );
    assert!(
        run.stderr.contains("\nhint: set this machine's clock: "),
        "{run}"
    );
    remote.way.heal();
    assert_eq!(remote.way.requests("PUT", ""), 0);
    assert!(remote.objects().is_empty());

    remote.way.from_now_on("", "", Fault::ShiftDate(-240));
    remote.append().input("1\n").run().ok();
    assert_eq!(remote.verified(), ["1"]);
}

#[test]
fn a_clock_that_is_found_off_in_the_middle_of_a_run_stops_it_and_its_events_are_kept() {
    let remote = Remote::new();
    let append = || remote.append().args(["--max-segment-events", "2"]);
    let mut run = start(append());
    let stdin = run.0.stdin.as_mut().unwrap();
    stdin.write_all(b"1\n").unwrap();
    accepted(&remote.bench.path("spool"), "\"event\":1}");
    // The answer to this PUT says it, and the next segment is not sealed.
    remote
        .way
        .from_now_on("PUT", "000000000001", Fault::ShiftDate(600));
    stdin.write_all(b"2\n3\n4\n").unwrap();
    let failed = ended(run);
    assert_eq!(failed.status, 1, "{failed}");
    assert!(
        failed
            .stderr
            .starts_with("error: the clock of s3://audit is at "),
        "{failed}"
    );
    assert!(
        failed
            .stdout
            .starts_with("sealed 2 events in 2 segments (0 to 1)"),
        "{failed}"
    );
    assert!(
        failed.stdout.contains("kept 2 events in the spool"),
        "{failed}"
    );

    remote.way.heal();
    let next = append().input("5\n").run().ok();
    // The summary of the run that was stopped has reported the other two.
    assert!(next.stdout.contains("recovered 2 events"), "{next}");
    assert_eq!(remote.verified(), ["1", "2", "3", "4", "5"]);
}

#[test]
fn a_sealer_that_is_killed_after_its_put_and_before_it_counts_seals_nothing_twice() {
    let remote = Remote::new();
    let append = || {
        remote
            .append()
            .args(["--input", "numbers", "--max-segment-events", "10"])
    };
    let input = numbered(30).join("\n");
    // The segment is in the store, and the sealer does not know it.
    for segment in 1..4 {
        let key = format!("payments/{segment:012}");
        remote.way.from_now_on("PUT", &key, Fault::HoldAnswer);
        let mut run = start(append().arg("-"));
        let mut stdin = run.0.stdin.take().unwrap();
        stdin.write_all(input.as_bytes()).unwrap();
        drop(stdin);
        remote.way.wait_for_faults(segment);
        if segment == 1 {
            // Two segments may be ahead of the store: whatever is in the second one, the next run seals.
            accepted(&remote.bench.path("spool"), "\"n\":19,");
        }
        run.0.kill().unwrap();
        ended(run);
        remote.way.heal();
        assert_eq!(remote.objects().len(), segment + 1);
    }
    let last = append().input(input).run().ok();
    assert!(
        last.stdout
            .contains("skipped 30 events of numbers: accepted before, and it has no new ones\n"),
        "{last}"
    );
    each_once(&remote.verified(), 30);
    let versions = wait(
        remote
            .endpoint
            .s3()
            .list_object_versions()
            .bucket(BUCKET)
            .send(),
    );
    assert_eq!(versions.unwrap().versions().len(), 4);
}
