//! `auditlog-verify` over a network that fails: a proxy between it and a real endpoint makes things go wrong.

use std::os::unix::process::ExitStatusExt as _;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use auditlog_tests::{Answer, Command, Engine, Fault, Proxy, Reply, Run};
use tokio::sync::OnceCell;

use crate::support::log::ORIGIN;
use crate::verify::s3::{World, faults};

/// So many that a store which fails again and again is given up on.
const SEGMENTS: usize = 12;

/// What the requests for the listing, for any object and for the bytes of one of them have in common.
const LISTING: &str = "?versions";
const OBJECTS: &str = ".jsonl.zst";
const FIFTH: &str = "000000000005.jsonl.zst?x-id=GetObject";
const SEVENTH: &str = "000000000007.jsonl.zst?x-id=GetObject";

/// A good bucket that no test of this file changes.
async fn world() -> &'static World {
    static WORLD: OnceCell<World> = OnceCell::const_new();
    WORLD
        .get_or_init(async || World::of(Engine::Ministack.start(), SEGMENTS).await)
        .await
}

async fn way() -> Proxy {
    Proxy::to(world().await.endpoint.url())
}

async fn command(way: &Proxy, timeout_seconds: &str) -> Command {
    let command = world().await.command();
    let command = command.args(["--endpoint-url", way.url()]);
    command.args(["--timeout", timeout_seconds])
}

/// As short as a machine under load allows: some of the tests wait for as long as the verifier does.
async fn verify(way: &Proxy) -> Run {
    run_apart(command(way, "2").await.args(["--output", "json"])).await
}

/// Runs a command while other tasks go on.
async fn run_apart(command: Command) -> Run {
    let run = tokio::task::spawn_blocking(move || command.run()).await;
    run.expect("the verifier")
}

/// Verifies over a way on which this goes wrong with each request of that kind.
async fn verify_with(text: &str, fault: Fault) -> Run {
    let way = way().await;
    way.from_now_on("GET", text, fault);
    verify(&way).await
}

#[track_caller]
fn no_verdict(run: &Run, code: &str, message: &str, hint: &str) {
    assert_eq!(run.status, 2, "{run}");
    let json = run.json();
    assert_eq!(json["fault_count"], 0, "{run}");
    let undecided = &json["undecided"][0];
    let says = |field: &str, part: &str| {
        undecided[field]
            .as_str()
            .is_some_and(|text| text.contains(part))
    };
    assert_eq!(undecided["code"], code, "{run}");
    assert!(says("message", message), "{message}: {run}");
    assert!(says("hint", hint), "{hint}: {run}");
}

/// That one segment was not read, and all others were.
#[track_caller]
fn all_but_one(run: &Run, reason: &str, hint: &str) {
    no_verdict(run, "segment-unreadable", reason, hint);
    let json = run.json();
    let object = "logs/payments/000000000005.jsonl.zst";
    assert_eq!(json["undecided"][0]["object"], object, "{run}");
    assert_eq!(json["undecided_count"], 1, "{run}");
    assert_eq!(json["logs"][0]["segments"], SEGMENTS - 1, "{run}");
    assert_eq!(json["logs"][0]["last_segment"], SEGMENTS - 1, "{run}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_names_the_owner_that_the_policy_declares() {
    let way = way().await;
    verify(&way).await.ok();
    let heads = way.heads();
    assert!(heads.len() > SEGMENTS, "{heads:?}");
    let owner = "x-amz-expected-bucket-owner: 000000000000\r\n";
    for head in heads {
        assert!(head.to_lowercase().contains(owner), "{head}");
    }
    // What S3 answers to the name of another owner.
    let refused = Fault::Answer(Answer::refusal("403 Forbidden", "AccessDenied"));
    let hint = "allow s3:ListBucketVersions, and check that account 000000000000 owns the bucket";
    no_verdict(
        &verify_with("", refused).await,
        "listing-unreadable",
        "HTTP 403: ",
        hint,
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_gone_after_the_listing_is_given_up_on() {
    let way = way().await;
    way.from_now_on("GET", OBJECTS, Fault::HangUp);
    let run = verify(&way).await;
    no_verdict(
        &run,
        "segment-unreadable",
        "cannot read logs/payments/000000000000",
        "--endpoint-url",
    );
    let json = run.json();
    assert_eq!(json["undecided_count"], SEGMENTS, "{run}");
    // Several are requested at once, so the one that is left out need not be the last.
    let left_out = json["undecided"].as_array().unwrap().iter();
    let mut left_out = left_out.filter_map(|one| one["message"].as_str());
    let reason = "jsonl.zst was not requested, because the 8 objects before it got no answer";
    assert!(left_out.any(|message| message.contains(reason)), "{run}");
    assert!(way.faults() < 3 * SEGMENTS, "{}", way.faults());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_segment_that_the_store_is_silent_about_is_named_and_all_others_are_judged() {
    all_but_one(
        &verify_with(FIFTH, Fault::Silence).await,
        "cannot read logs/payments/000000000005",
        "did not answer in time",
    );
    no_verdict(
        &verify_with("", Fault::Silence).await,
        "listing-unreadable",
        "cannot list the versions of bucket acme-audit: no answer came in time",
        "did not answer in time",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_trickles_is_not_waited_for() {
    all_but_one(
        &verify_with(FIFTH, Fault::Trickle(Duration::from_millis(50))).await,
        "the body did not arrive within 2 seconds",
        "verify again",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_cut_off_is_asked_for_again() {
    let way = way().await;
    way.times(2, "GET", FIFTH, Fault::CutAnswer);
    verify(&way).await.ok();
    assert_eq!(way.faults(), 2);
    all_but_one(
        &verify_with(FIFTH, Fault::CutAnswer).await,
        "cannot read logs/payments/000000000005.jsonl.zst of bucket acme-audit: ",
        "verify again",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_another_length_than_was_listed_gives_no_verdict() {
    let longer = Fault::change(|reply| {
        reply.remove_headers("x-amz-checksum");
        reply.body.push(0);
    });
    let run = verify_with(FIFTH, longer).await;
    all_but_one(&run, "bytes, but the store sent more", "verify again");
    let shorter = Fault::change(|reply| {
        reply.remove_headers("x-amz-checksum");
        reply.body.truncate(100);
    });
    let run = verify_with(FIFTH, shorter).await;
    all_but_one(&run, "bytes, but the store sent 100", "verify again");
}

/// The SDK tries three times. A bucket that is throttled for longer is read all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_asks_for_fewer_requests_is_asked_until_it_answers() {
    let slow = || Fault::Answer(Answer::SLOW_DOWN);
    let too_many = || Fault::Answer(Answer::refusal("429 Too Many Requests", "TooManyRequests"));
    let way = way().await;
    way.times(4, "GET", LISTING, slow());
    way.times(2, "GET", "?object-lock", too_many());
    way.times(4, "GET", FIFTH, slow());
    for number in 6..12 {
        let object = format!("{number:012}.jsonl.zst?x-id=GetObject");
        way.times(3, "GET", &object, too_many());
    }
    run_apart(command(&way, "20").await).await.ok();
    assert_eq!(way.faults(), 4 + 2 + 4 + 6 * 3);
}

/// More requests are refused than the SDK would try again for all objects together.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_refuses_half_of_the_requests_for_hundreds_of_objects_is_read_to_the_end() {
    let world = World::of(Engine::Ministack.start(), 200).await;
    let way = Proxy::to(world.endpoint.url());
    let mut asked = 0_u32;
    way.decide(move |_, _| {
        asked += 1;
        asked
            .is_multiple_of(2)
            .then_some(Fault::Answer(Answer::SLOW_DOWN))
    });
    let command = world.command().args(["--endpoint-url", way.url()]);
    let run = run_apart(command.args(["--output", "json"])).await.ok();
    assert_eq!(run.json()["logs"][0]["segments"], 200, "{run}");
    assert!(way.faults() > 200, "{}", way.faults());
}

/// A store that has nothing else to say is given up on: for one object, and at once for those after it.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_only_asks_for_fewer_requests_is_given_up_on_in_the_end() {
    let hint = "the store asks for fewer requests: verify again later";
    let way = way().await;
    way.from_now_on("GET", FIFTH, Fault::Answer(Answer::SLOW_DOWN));
    let command_of_a_second = async || command(&way, "1").await.args(["--output", "json"]);
    let run = run_apart(command_of_a_second().await).await;
    all_but_one(&run, "HTTP 503: ", hint);
    way.heal();
    way.from_now_on("GET", OBJECTS, Fault::Answer(Answer::empty("429 Slow")));
    let before = way.faults();
    let run = run_apart(command_of_a_second().await).await;
    no_verdict(&run, "segment-unreadable", "HTTP 429", hint);
    assert_eq!(run.json()["undecided_count"], SEGMENTS, "{run}");
    // Four at once until the patience ends, then four that are asked for once, and no more.
    let requests = way.faults() - before;
    assert!((8..=36).contains(&requests), "{requests}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_refusal_says_what_to_do() {
    let elsewhere = "the bucket is in region eu-west-1, but the policy names eu-central-1";
    let credentials = "the credentials are wrong or have expired";
    for (answer, hint) in [
        (Answer::PERMANENT_REDIRECT, elsewhere),
        (Answer::WRONG_REGION, elsewhere),
        (
            Answer::refusal("403 Forbidden", "InvalidAccessKeyId"),
            credentials,
        ),
        (
            Answer::refusal("403 Forbidden", "SignatureDoesNotMatch"),
            credentials,
        ),
        (
            Answer::refusal("400 Bad Request", "ExpiredToken"),
            credentials,
        ),
        (Answer::TIME_TOO_SKEWED, "set the clock"),
        (
            Answer::refusal("404 Not Found", "NoSuchBucket"),
            "the bucket was deleted",
        ),
        (
            Answer::refusal("502 Bad Gateway", "InternalError"),
            "verify again later",
        ),
    ] {
        let code = answer.code;
        let run = verify_with("", Fault::Answer(answer)).await;
        no_verdict(&run, "listing-unreadable", code, hint);
    }
}

/// An archive: it says what it has, and does not hand it out.
#[tokio::test(flavor = "multi_thread")]
async fn a_segment_in_an_archive_is_judged_by_its_lock_and_named_with_the_command_that_restores_it()
{
    const HEAD: &str = "000000000005.jsonl.zst?";
    let archived = || Fault::Answer(Answer::refusal("403 Forbidden", "InvalidObjectState"));
    let restore = "aws s3api restore-object --bucket acme-audit --key logs/payments/000000000005.jsonl.zst --version-id ";
    let way = way().await;
    way.from_now_on("GET", FIFTH, archived());
    let class = |reply: &mut Reply| reply.set_header("x-amz-storage-class", "DEEP_ARCHIVE");
    way.once("HEAD", HEAD, Fault::change(class));
    let run = verify(&way).await;
    all_but_one(
        &run,
        "000000000005.jsonl.zst is archived (DEEP_ARCHIVE)",
        restore,
    );

    way.once(
        "HEAD",
        HEAD,
        Fault::change(|reply| reply.set_header("x-amz-restore", "ongoing-request=\"true\"")),
    );
    all_but_one(&verify(&way).await, "is archived", "it is being restored");

    // What S3 has moved there by itself is restored without days.
    let by_itself = |reply: &mut Reply| {
        reply.set_header("x-amz-storage-class", "INTELLIGENT_TIERING");
        reply.set_header("x-amz-archive-status", "DEEP_ARCHIVE_ACCESS");
    };
    way.once("HEAD", HEAD, Fault::change(by_itself));
    let run = verify(&way).await;
    all_but_one(&run, "(INTELLIGENT_TIERING)", "--restore-request '{}'`");

    let short = "2026-01-01T00:00:00Z";
    way.once(
        "HEAD",
        HEAD,
        Fault::change(|reply| reply.set_header("x-amz-object-lock-retain-until-date", short)),
    );
    let run = verify(&way).await;
    faults(&run, &["lock-too-short"]);
    assert_eq!(
        run.json()["undecided"][0]["code"],
        "segment-unreadable",
        "{run}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_requester_pays_header_is_on_each_charged_request() {
    let way = way().await;
    let command = command(&way, "20").await.args(["--output", "json"]);
    let run = run_apart(command.arg("--requester-pays")).await;
    assert_eq!(run.status, 0, "{run}");
    let heads = way.heads();
    let costs = |head: &&String| head.contains("x-id=GetObject") || head.contains("?versions");
    let costly: Vec<_> = heads.iter().filter(costs).collect();
    assert!(costly.len() > SEGMENTS, "{heads:?}");
    for head in costly {
        assert!(head.contains("x-amz-request-payer: requester"), "{head}");
    }
}

/// Says that the listing goes on behind a key.
fn goes_on_behind(key: &'static str) -> Fault {
    let next = format!("<IsTruncated>true</IsTruncated><NextKeyMarker>logs/{key}</NextKeyMarker>");
    Fault::change(move |reply| {
        reply.change_text(|text| text.replace("<IsTruncated>false</IsTruncated>", &next));
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_that_never_ends_gives_no_verdict() {
    let reason = "the store's listing never ends: what follows logs/x is listed again and again";
    let run = verify_with(LISTING, goes_on_behind("x")).await;
    no_verdict(&run, "listing-unreadable", reason, "--endpoint-url");
    let way = way().await;
    way.from_now_on("GET", "key-marker=logs%2Fx", goes_on_behind("y"));
    way.from_now_on("GET", LISTING, goes_on_behind("x"));
    let run = verify(&way).await;
    no_verdict(&run, "listing-unreadable", "never ends", "--endpoint-url");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_that_goes_on_with_new_keys_and_no_entries_gives_no_verdict() {
    let pages = AtomicUsize::new(0);
    let endless = Fault::change(move |reply| {
        let page = pages.fetch_add(1, Ordering::SeqCst);
        let more = "<IsTruncated>true</IsTruncated><NextKeyMarker>logs/x";
        let next = format!("{more}{page:09}</NextKeyMarker>");
        reply.change_text(|text| text.replace("<IsTruncated>false</IsTruncated>", &next));
    });
    let way = way().await;
    way.from_now_on("GET", LISTING, endless);
    let run = verify(&way).await;
    let reason = "never ends: more than 256 pages had hardly any entry";
    no_verdict(&run, "listing-unreadable", reason, "what answers in place");
    assert_eq!(way.faults(), 257);
}

/// So many bytes of white space are before the body, and no checksum shows it.
fn padded(bytes: usize) -> Fault {
    Fault::change(move |reply| {
        reply.remove_headers("x-amz-checksum");
        reply.body.splice(0..0, std::iter::repeat_n(b' ', bytes));
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_longer_than_any_of_s3_is_not_read_to_its_end() {
    let too_long = "the answer has more bytes than S3 ever sends";
    let hint = "what answers in place of S3";
    let run = verify_with(LISTING, padded(9 << 20)).await;
    no_verdict(&run, "listing-unreadable", too_long, hint);
    for setting in ["?versioning", "?object-lock"] {
        let run = verify_with(setting, padded(2 << 20)).await;
        no_verdict(&run, "bucket-unreadable", too_long, hint);
    }
    let way = way().await;
    way.from_now_on("GET", "?retention", padded(2 << 20));
    let unlocked = Fault::change(|reply| reply.remove_headers("x-amz-object-lock"));
    way.from_now_on("GET", FIFTH, unlocked);
    no_verdict(&verify(&way).await, "lock-unreadable", too_long, hint);
    // The same holds for errors.
    let refused = Answer::refusal("403 Forbidden", "AccessDenied").padded(2 << 20);
    let run = verify_with(FIFTH, Fault::Answer(refused)).await;
    all_but_one(&run, too_long, hint);
}

/// Removes two texts and what is between them, once.
fn without(reply: &mut Reply, begin: &str, end: &str) {
    reply.change_text(|text| {
        let (before, rest) = text.split_once(begin).expect("the field");
        let (_, after) = rest.split_once(end).expect("its end");
        format!("{before}{after}")
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_that_leaves_something_out_gives_no_verdict() {
    for (field, reason) in [
        ("IsTruncated", "leaves out IsTruncated"),
        ("Size", "leaves out Size of logs/payments/000000000000"),
        ("LastModified", "leaves out LastModified of logs/payments/"),
        ("Key", "leaves out Key"),
    ] {
        let (begin, end) = (format!("<{field}>"), format!("</{field}>"));
        let spoilt = Fault::change(move |reply| without(reply, &begin, &end));
        let run = verify_with(LISTING, spoilt).await;
        no_verdict(
            &run,
            "listing-unreadable",
            reason,
            "what answers in place of S3",
        );
    }
    let endless = Fault::change(|reply| {
        reply.change_text(|text| text.replace("<IsTruncated>false", "<IsTruncated>true"));
    });
    no_verdict(
        &verify_with(LISTING, endless).await,
        "listing-unreadable",
        "leaves out NextKeyMarker",
        "what answers in place of S3",
    );
}

/// Says something else, and that all is well.
fn says(body: &'static str) -> Fault {
    Fault::change(|reply| reply.body = body.into())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_not_a_listing_gives_no_verdict() {
    for body in [
        "",
        "all is well",
        "<html><body>Sign in</body></html>",
        "<ListVersionsResult><Version>",
        "{}",
    ] {
        let run = verify_with(LISTING, says(body)).await;
        no_verdict(
            &run,
            "listing-unreadable",
            "",
            "what answers in place of S3",
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_cannot_be_read_give_no_verdict_and_the_logs_are_judged() {
    let way = way().await;
    way.from_now_on("GET", "?object-lock", says("<html/>"));
    way.from_now_on("GET", "?versioning", says("<html/>"));
    let run = verify(&way).await;
    no_verdict(
        &run,
        "bucket-unreadable",
        "cannot read the versioning of bucket acme-audit: the answer is not one of S3's: ",
        "what answers in place of S3",
    );
    assert_eq!(run.json()["logs"][0]["verdict"], "verified", "{run}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_goes_before_what_could_not_be_read() {
    let way = way().await;
    let denied = Answer::refusal("403 Forbidden", "AccessDenied");
    way.from_now_on("GET", FIFTH, Fault::Answer(denied));
    let changed = Fault::change(|reply| {
        reply.remove_headers("x-amz-checksum");
        reply.body[20] ^= 1;
    });
    way.from_now_on("GET", SEVENTH, changed);
    let run = verify(&way).await;
    assert_eq!(run.status, 1, "{run}");
    let json = run.json();
    assert_eq!(
        (&json["fault_count"], &json["undecided_count"]),
        (&1.into(), &1.into()),
        "{run}"
    );
    assert_eq!(
        json["faults"][0]["object"], "logs/payments/000000000007.jsonl.zst",
        "{run}"
    );
    assert_eq!(
        json["undecided"][0]["object"], "logs/payments/000000000005.jsonl.zst",
        "{run}"
    );
    assert_eq!(json["undecided"][0]["log"], ORIGIN, "{run}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_not_the_stores_gives_no_verdict_and_no_fault_is_forgiven() {
    let run = verify_with("", Fault::ShiftDate(3600)).await;
    no_verdict(
        &run,
        "clock-differs",
        "they differ by more than 300 seconds",
        "set the clock of this machine",
    );
    assert_eq!(run.json()["logs"][0]["verdict"], "no_verdict", "{run}");
    // By a `Date` an hour back, the store's own segments are in the future.
    let run = verify_with("", Fault::ShiftDate(-3600)).await;
    faults(&run, &["stored-in-future"; SEGMENTS]);
    assert_eq!(run.json()["undecided"][0]["code"], "clock-differs", "{run}");
    let folder = tempfile::tempdir().expect("a folder");
    let pins = folder.path().join("pins.json");
    let straight = way().await;
    let good = command(&straight, "60").await.arg("--pins").arg(&pins);
    run_apart(good).await.ok();
    for seconds in [-3600, 3600] {
        // One answer of many is enough, and a fault stays a fault. Below the pin, nothing is passed over.
        let way = way().await;
        way.from_now_on("GET", FIFTH, Fault::ShiftDate(seconds));
        let hidden = Fault::change(|reply| without(reply, "<Version>", "</Version>"));
        way.from_now_on("GET", LISTING, hidden);
        let verify = command(&way, "60").await.arg("--pins").arg(&pins);
        let run = run_apart(verify.args(["--output", "json"])).await;
        faults(&run, &["segment-missing"]);
        assert_eq!(run.json()["undecided"][0]["code"], "clock-differs", "{run}");
    }
    let run = verify_with("", Fault::change(|reply| reply.remove_headers("date"))).await;
    assert_eq!(run.ok().json()["not_checked"][0]["code"], "clock");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verifier_that_is_ended_in_the_middle_changes_nothing_and_does_not_succeed() {
    for (signal, number) in [("-INT", 2), ("-TERM", 15), ("-KILL", 9)] {
        let way = way().await;
        way.once("GET", FIFTH, Fault::Silence);
        let folder = tempfile::tempdir().expect("a folder");
        let pins = folder.path().join("pins.json");
        std::fs::write(&pins, r#"{"pins":1,"logs":{}}"#).expect("a file");
        let command = command(&way, "60").await.arg("--pins").arg(&pins);
        let (command, _home) = command.into_inner();
        // Whoever runs the tests in the background has made them ignore Ctrl-C, and all that they start.
        let (mut reset, _other) = Command::new("env").into_inner();
        let child = reset
            .arg("--default-signal=INT")
            .arg(command.get_program())
            .args(command.get_args())
            .envs(
                command
                    .get_envs()
                    .filter_map(|(name, value)| Some((name, value?))),
            )
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let child = child.expect("the verifier");
        way.wait_for_faults(1);
        Command::new("kill")
            .arg(signal)
            .arg(child.id().to_string())
            .run()
            .ok();
        let output = child.wait_with_output().expect("its end");
        assert_eq!(output.status.signal(), Some(number));
        assert_eq!(output.stdout, b"");
        assert_eq!(
            std::fs::read_dir(folder.path()).expect("a folder").count(),
            1
        );
        let kept = std::fs::read_to_string(&pins).expect("the pins");
        assert_eq!(kept, r#"{"pins":1,"logs":{}}"#);
    }
}
