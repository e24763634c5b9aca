//! `auditlog-verify` over a network that fails: between it and a real endpoint stands a way that loses, cuts, delays and
//! changes what goes through.

mod way;

use std::os::unix::process::ExitStatusExt as _;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use auditlog_tests::{Command, Engine, Run};
use tokio::sync::OnceCell;

pub(crate) use self::way::{Answer, Asked, Fate, Way};
use crate::verify_log::ORIGIN;
use crate::verify_s3::{World, faults};

/// So many that a store which fails again and again is given up on.
const SEGMENTS: usize = 12;

/// What is done to an answer.
type Change = fn(&mut Answer);

/// A good bucket that no test of this file changes.
async fn world() -> &'static World {
    static WORLD: OnceCell<World> = OnceCell::const_new();
    WORLD
        .get_or_init(async || World::of(Engine::Ministack.start(), SEGMENTS).await)
        .await
}

async fn command(way: &Way, timeout_seconds: &str) -> Command {
    let command = world().await.command();
    let command = command.args(["--endpoint-url", way.endpoint()]);
    command.args(["--timeout-seconds", timeout_seconds])
}

async fn verify(fate: impl Fn(&Asked) -> Fate + Send + Sync + 'static) -> Run {
    let way = Way::to(world().await.endpoint.url(), fate);
    // As short as a machine under load allows: some of the tests wait for as long as the verifier does.
    let command = command(&way, "2").await;
    let run = tokio::task::spawn_blocking(move || command.args(["--report", "json"]).run()).await;
    run.expect("the verifier")
}

/// The one fate for what is looked for, the first so many times; everything else passes.
fn first(times: usize, mut what: impl FnMut(&Asked) -> Option<Fate>) -> impl FnMut(&Asked) -> Fate {
    let mut seen = 0;
    move |asked| match what(asked) {
        Some(fate) if seen < times => {
            seen += 1;
            fate
        }
        _ => Fate::Pass,
    }
}

/// A fate that counts needs to be asked by one request at a time.
fn one_by_one(fate: impl FnMut(&Asked) -> Fate + Send) -> impl Fn(&Asked) -> Fate + Send + Sync {
    let fate = Mutex::new(fate);
    move |asked| fate.lock().expect("no panic")(asked)
}

#[track_caller]
fn no_verdict(run: &Run, what: &str, reason: &str, hint: &str) {
    assert_eq!(run.status, 2, "{run}");
    let json = run.json();
    assert_eq!(json["fault_count"], 0, "{run}");
    let unread = &json["unread"][0];
    let says = |field: &str, part: &str| {
        unread[field]
            .as_str()
            .is_some_and(|text| text.contains(part))
    };
    assert!(says("what", what), "{what}: {run}");
    assert!(says("reason", reason), "{reason}: {run}");
    assert!(says("hint", hint), "{hint}: {run}");
}

/// That one segment was not read, and all others were.
#[track_caller]
fn all_but_one(run: &Run, reason: &str, hint: &str) {
    no_verdict(run, "logs/payments/000000000005.jsonl.zst", reason, hint);
    let json = run.json();
    assert_eq!(json["unread_count"], 1, "{run}");
    assert_eq!(json["logs"][0]["segments"], SEGMENTS - 1, "{run}");
    assert_eq!(json["logs"][0]["last_segment"], SEGMENTS - 1, "{run}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_names_the_owner_that_the_policy_declares() {
    let (send, seen) = mpsc::channel();
    let run = verify(move |asked| {
        let owner = asked.headers.get("x-amz-expected-bucket-owner").cloned();
        _ = send.send((owner, asked.target.clone()));
        Fate::Pass
    });
    run.await.ok();
    let seen: Vec<_> = seen.iter().collect();
    assert!(seen.len() > SEGMENTS, "{seen:?}");
    let owned = |owner: &Option<String>| owner.as_deref() == Some("000000000000");
    assert!(seen.iter().all(|(owner, _)| owned(owner)), "{seen:?}");
    // What S3 answers to the name of another owner.
    let refused = |_: &Asked| Fate::Answer(Answer::refusal("403 Forbidden", "AccessDenied"));
    let hint = "allow s3:ListBucketVersions, and see whether account 000000000000 owns the bucket";
    no_verdict(&verify(refused).await, "the listing", "HTTP 403: ", hint);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_gone_after_the_listing_is_given_up_on() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let run = verify(move |asked| {
        if asked.is_object() {
            count.fetch_add(1, Ordering::SeqCst);
            return Fate::Gone;
        }
        Fate::Pass
    });
    let run = run.await;
    no_verdict(
        &run,
        "000000000000.jsonl.zst",
        "cannot read logs/payments/000000000000",
        "--endpoint-url",
    );
    let json = run.json();
    assert_eq!(json["unread_count"], SEGMENTS, "{run}");
    let last = &json["unread"][SEGMENTS - 1];
    let reason = "000000000011.jsonl.zst was not asked for, since 8 objects before";
    assert!(
        last["reason"]
            .as_str()
            .is_some_and(|text| text.contains(reason)),
        "{run}"
    );
    assert!(asked.load(Ordering::SeqCst) < 3 * SEGMENTS, "{asked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_segment_that_the_store_is_silent_about_is_named_and_all_others_are_judged() {
    let silent = |asked: &Asked| {
        if asked.is_of(5) {
            Fate::Silent
        } else {
            Fate::Pass
        }
    };
    all_but_one(
        &verify(silent).await,
        "cannot read logs/payments/000000000005",
        "did not answer in time",
    );
    let run = verify(|_: &Asked| Fate::Silent).await;
    no_verdict(
        &run,
        "the listing",
        "cannot list its versions, in bucket acme-audit",
        "did not answer in time",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_trickles_is_not_waited_for() {
    let trickles = |asked: &Asked| {
        if asked.is_of(5) {
            Fate::Trickle
        } else {
            Fate::Pass
        }
    };
    all_but_one(
        &verify(trickles).await,
        "it did not come within 2 seconds",
        "verify again",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_cut_off_is_asked_for_again() {
    let cut = |asked: &Asked| asked.is_of(5).then_some(Fate::Cut);
    verify(one_by_one(first(2, cut))).await.ok();
    let run = verify(one_by_one(first(9, cut))).await;
    all_but_one(
        &run,
        "cannot read logs/payments/000000000005.jsonl.zst, in bucket acme-audit: ",
        "verify again",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_another_length_than_was_listed_is_no_verdict() {
    fn plain(answer: &mut Answer) {
        answer
            .headers
            .retain(|(name, _)| !name.starts_with("x-amz-checksum"));
    }
    let changed = |change: Change| {
        verify(move |asked: &Asked| {
            if asked.is_of(5) {
                Fate::Change(change)
            } else {
                Fate::Pass
            }
        })
    };
    let longer = changed(|answer| {
        plain(answer);
        answer.body.push(0);
    });
    all_but_one(&longer.await, "bytes, the store sent more", "verify again");
    let shorter = changed(|answer| {
        plain(answer);
        answer.body.truncate(100);
    });
    all_but_one(&shorter.await, "bytes, the store sent 100", "verify again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_asks_for_patience_is_asked_again() {
    let slow = |asked: &Asked| {
        let answer = || Answer::refusal("503 Slow Down", "SlowDown");
        (asked.is_of(5) || asked.is_listing()).then(|| Fate::Answer(answer()))
    };
    verify(one_by_one(first(2, slow))).await.ok();
    let busy = move |asked: &Asked| {
        if asked.is_of(5) {
            slow(asked).expect("an answer")
        } else {
            Fate::Pass
        }
    };
    all_but_one(
        &verify(busy).await,
        "HTTP 503: ",
        "overloaded or broken: verify again later",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn each_refusal_says_what_to_do() {
    for (status, code, hint) in [
        (
            "301 Moved Permanently",
            "PermanentRedirect",
            "not in region eu-central-1, where the policy has it",
        ),
        (
            "400 Bad Request",
            "AuthorizationHeaderMalformed",
            "not in region eu-central-1, where the policy has it",
        ),
        (
            "403 Forbidden",
            "InvalidAccessKeyId",
            "the credentials are wrong or have expired",
        ),
        (
            "403 Forbidden",
            "SignatureDoesNotMatch",
            "the credentials are wrong or have expired",
        ),
        (
            "400 Bad Request",
            "ExpiredToken",
            "the credentials are wrong or have expired",
        ),
        ("403 Forbidden", "RequestTimeTooSkewed", "set the clock"),
        ("404 Not Found", "NoSuchBucket", "the bucket was deleted"),
        ("502 Bad Gateway", "InternalError", "verify again later"),
    ] {
        let refused = move |_: &Asked| Fate::Answer(Answer::refusal(status, code));
        no_verdict(&verify(refused).await, "the listing", code, hint);
    }
    let archived = |asked: &Asked| {
        let answer = || Answer::refusal("403 Forbidden", "InvalidObjectState");
        if asked.is_of(5) {
            Fate::Answer(answer())
        } else {
            Fate::Pass
        }
    };
    all_but_one(
        &verify(archived).await,
        "InvalidObjectState",
        "aws s3api restore-object",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_that_never_ends_is_no_verdict() {
    fn again(answer: &mut Answer) {
        let next = "<IsTruncated>true</IsTruncated><NextKeyMarker>logs/x</NextKeyMarker>";
        answer.body = answer
            .text()
            .replace("<IsTruncated>false</IsTruncated>", next)
            .into();
    }
    fn other(answer: &mut Answer) {
        again(answer);
        answer.body = answer.text().replace("logs/x<", "logs/y<").into();
    }
    let endless = |asked: &Asked| {
        if asked.is_listing() {
            Fate::Change(again)
        } else {
            Fate::Pass
        }
    };
    let reason = "the store's listing never ends: what follows logs/x is listed again and again";
    no_verdict(
        &verify(endless).await,
        "the listing",
        reason,
        "--endpoint-url",
    );
    let in_turn = |asked: &Asked| {
        let change = if asked.target.contains("logs%2Fx") {
            other
        } else {
            again
        };
        if asked.is_listing() {
            Fate::Change(change)
        } else {
            Fate::Pass
        }
    };
    no_verdict(
        &verify(in_turn).await,
        "the listing",
        "never ends",
        "--endpoint-url",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_that_leaves_something_out_is_no_verdict() {
    fn without(answer: &mut Answer, field: &str) {
        let text = answer.text();
        let (before, rest) = text.split_once(&format!("<{field}>")).expect("the field");
        let (_, after) = rest.split_once(&format!("</{field}>")).expect("its end");
        answer.body = format!("{before}{after}").into();
    }
    let changes: [(&str, Change); 5] = [
        ("leaves out IsTruncated", |answer| {
            without(answer, "IsTruncated");
        }),
        ("leaves out Size of logs/payments/000000000000", |answer| {
            without(answer, "Size");
        }),
        ("leaves out LastModified of logs/payments/", |answer| {
            without(answer, "LastModified");
        }),
        ("leaves out Key", |answer| {
            let text = answer
                .text()
                .replace("<Key>logs%2Fpayments%2F000000000000.jsonl.zst</Key>", "");
            answer.body = text
                .replace("<Key>logs/payments/000000000000.jsonl.zst</Key>", "")
                .into();
        }),
        ("leaves out NextKeyMarker", |answer| {
            answer.body = answer
                .text()
                .replace("<IsTruncated>false", "<IsTruncated>true")
                .into();
        }),
    ];
    for (reason, change) in changes {
        let spoilt = move |asked: &Asked| {
            if asked.is_listing() {
                Fate::Change(change)
            } else {
                Fate::Pass
            }
        };
        no_verdict(
            &verify(spoilt).await,
            "the listing",
            reason,
            "what answers in place of S3",
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_that_is_none_is_no_verdict() {
    for body in [
        "",
        "all is well",
        "<html><body>Sign in</body></html>",
        "<ListVersionsResult><Version>",
        "{}",
    ] {
        let garbage = move |asked: &Asked| {
            if asked.is_listing() {
                Fate::Answer(Answer::of("200 OK", body))
            } else {
                Fate::Pass
            }
        };
        no_verdict(
            &verify(garbage).await,
            "the listing",
            "",
            "what answers in place of S3",
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_cannot_be_read_are_no_verdict_and_the_logs_are_judged() {
    let garbage = |asked: &Asked| {
        let settings = asked.target.contains("object-lock") || asked.target.contains("versioning");
        if settings {
            Fate::Answer(Answer::of("200 OK", "<html/>"))
        } else {
            Fate::Pass
        }
    };
    let run = verify(garbage).await;
    no_verdict(
        &run,
        "the bucket's configuration",
        "cannot read its versioning",
        "what answers in place of S3",
    );
    assert_eq!(run.json()["logs"][0]["verdict"], "verified", "{run}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_goes_before_what_could_not_be_read() {
    let run = verify(|asked: &Asked| match () {
        () if asked.is_of(5) => Fate::Answer(Answer::refusal("403 Forbidden", "AccessDenied")),
        () if asked.is_of(7) => Fate::Change(|answer| {
            answer
                .headers
                .retain(|(name, _)| !name.starts_with("x-amz-checksum"));
            answer.body[20] ^= 1;
        }),
        () => Fate::Pass,
    });
    let run = run.await;
    assert_eq!(run.status, 1, "{run}");
    let json = run.json();
    assert_eq!(
        (&json["fault_count"], &json["unread_count"]),
        (&1.into(), &1.into()),
        "{run}"
    );
    assert_eq!(
        json["faults"][0]["object"], "logs/payments/000000000007.jsonl.zst",
        "{run}"
    );
    assert_eq!(
        json["unread"][0]["what"], "logs/payments/000000000005.jsonl.zst",
        "{run}"
    );
    assert_eq!(json["unread"][0]["log"], ORIGIN, "{run}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_not_the_stores_gives_no_verdict_and_no_fault_is_forgiven() {
    for change in [
        |answer: &mut Answer| answer.date_off_by(-1),
        |answer: &mut Answer| answer.date_off_by(1),
    ] {
        let run = verify(move |_: &Asked| Fate::Change(change)).await;
        no_verdict(
            &run,
            "the time",
            "they differ by more than 300 seconds",
            "set the clock of this machine",
        );
        assert_eq!(run.json()["logs"][0]["verdict"], "no_verdict", "{run}");
        // One answer of many is enough, and a fault stays a fault.
        let run = verify(move |asked: &Asked| match () {
            () if asked.is_of(5) => Fate::Change(change),
            () if asked.is_listing() => Fate::Change(|answer| {
                let text = answer.text();
                let (before, rest) = text.split_once("<Version>").expect("a version");
                let (_, after) = rest.split_once("</Version>").expect("its end");
                answer.body = format!("{before}{after}").into();
            }),
            () => Fate::Pass,
        });
        let run = run.await;
        faults(&run, &["segment-missing"]);
        assert_eq!(run.json()["unread"][0]["what"], "the time", "{run}");
    }
    let run = verify(|_: &Asked| Fate::Change(|answer| answer.without("date")))
        .await
        .ok();
    assert_eq!(
        run.json()["not_checked"],
        serde_json::json!(["the clock of this machine"]),
        "{run}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verifier_that_is_ended_in_the_middle_changes_nothing_and_does_not_succeed() {
    for (signal, number) in [("-INT", 2), ("-TERM", 15), ("-KILL", 9)] {
        let (send, reached) = mpsc::channel();
        let way = Way::to(world().await.endpoint.url(), move |asked| {
            if asked.is_of(5) {
                _ = send.send(());
                return Fate::Silent;
            }
            Fate::Pass
        });
        let folder = tempfile::tempdir().expect("a folder");
        let state = folder.path().join("state.json");
        std::fs::write(&state, r#"{"state":1,"logs":{}}"#).expect("a file");
        let command = command(&way, "60").await.arg("--state").arg(&state);
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
        let reached = reached.recv_timeout(Duration::from_mins(1));
        reached.expect("the middle");
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
        let kept = std::fs::read_to_string(&state).expect("the state");
        assert_eq!(kept, r#"{"state":1,"logs":{}}"#);
    }
}
