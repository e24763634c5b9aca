//! The rules of absence (A1 to A8) on a real bucket with an old log. No endpoint lets anybody forge `LastModified`, so on the way
//! to the verifier each listing gets the times at which the segments of an old log were stored.

use std::collections::BTreeMap;
use std::time::Duration;

use auditlog_chain::origin::Origin;
use auditlog_chain::policy::{Ended, LockSpan, PolicyDocument, SilenceSpan};
use auditlog_chain::segment::{Expected, FORMAT, check_segment};
use auditlog_chain::timestamp::Timestamp;
use auditlog_tests::{Command, Engine, Fault, Proxy, Reply, Run};

use crate::support::log::{BUCKET, Log, ORIGIN, now};
use crate::verify::s3::{World, faults};

const ALWAYS: usize = usize::MAX;
const DAY: i64 = 86_400;

/// Days for which the bucket locks by itself, and each object is locked: longer than any policy here declares.
const LOCKED_DAYS: u32 = 3000;

/// A bucket with a log that was sealed on these days, and the times at which each segment was stored.
pub(super) struct Old {
    pub(super) world: World,
    way: Proxy,
    stored: BTreeMap<usize, Timestamp>,
}

pub(super) fn days_ago(days: f64) -> Timestamp {
    #[expect(clippy::cast_possible_truncation, reason = "days of a test")]
    let seconds = (days * 86_400.0) as i64;
    let whole = i64::try_from(now().as_seconds()).expect("seconds");
    Timestamp::EPOCH.saturating_add_seconds(whole - seconds)
}

pub(super) fn silence(from: f64, days: u64) -> SilenceSpan {
    SilenceSpan {
        from: days_ago(from),
        seconds: days * 86_400,
    }
}

pub(super) fn lock(document: &mut PolicyDocument, spans: &[(f64, u32)]) {
    let mode = document.lock[0].mode;
    let span = |(from, retention_days): &(f64, u32)| LockSpan {
        from: days_ago(*from),
        mode,
        retention_days: *retention_days,
    };
    document.lock = spans.iter().map(span).collect();
}

impl Old {
    /// A log whose segments were sealed so many days ago, each stored a second later.
    async fn new(days: &[f64]) -> Self {
        Self::rotated(days, None).await
    }

    /// The same, with another key from the segment of this number on.
    pub(super) async fn rotated(days: &[f64], rotation: Option<usize>) -> Self {
        let sealed: Vec<Timestamp> = days.iter().map(|days| days_ago(*days)).collect();
        let mut log = Log::sealed_at(&[]);
        let since = days[0] + 1.0;
        log.policy.logs[0].began = days_ago(since);
        log.policy.keys[0].valid_from = days_ago(since);
        log.policy.logs[0].max_silence = vec![silence(since, 15)];
        lock(&mut log.policy, &[(since, 30)]);
        for (number, time) in sealed.iter().enumerate() {
            if rotation == Some(number) {
                log.rotate();
            }
            log.seal(*time);
        }
        let world = World::holding(Engine::Ministack.start(), log, LOCKED_DAYS).await;
        let way = Proxy::to(world.endpoint.url());
        let stored = sealed.iter().map(|sealed| sealed.saturating_add_seconds(1));
        let stored = stored.enumerate().collect();
        Self { world, way, stored }
    }

    /// Stores a segment that somebody with the key forged an hour ago, after a past of so many lines, sealed so many days ago.
    pub(super) async fn forge(&mut self, size: u64, days: f64) {
        let an_hour_ago = now().saturating_add_seconds(-3600);
        let log = &mut self.world.log;
        log.forge(size, days_ago(days), an_hour_ago);
        self.stored.insert(log.segments.len() - 1, an_hour_ago);
        let (key, object) = log.segments.last().expect("a segment").clone();
        self.world
            .put(&key, &object, i64::from(LOCKED_DAYS) + 1)
            .await;
    }

    pub(super) fn document(&mut self) -> &mut PolicyDocument {
        &mut self.world.log.policy
    }

    fn command(&self) -> Command {
        self.world
            .log
            .write_policy(&self.world.folder.path().join("policy.json"));
        self.way.heal();
        self.way.times(ALWAYS, "GET", "?versions", self.dated());
        let command = self.world.command();
        command.env("AWS_ENDPOINT_URL", self.way.url())
    }

    fn dated(&self) -> Fault {
        let stored = self.stored.clone();
        Fault::change(move |reply: &mut Reply| reply.change_text(|text| redated(text, &stored)))
    }

    /// Verifies over a listing of two pages: segment 0, and the rest with a later `Date`.
    fn verify_in_two_pages(&self, later: i64) -> Run {
        let later_page = Proxy::to(self.way.url());
        later_page.from_now_on("GET", "key-marker=", Fault::ShiftDate(later));
        let command = self.in_two_pages(|_| ());
        let command = command.env("AWS_ENDPOINT_URL", later_page.url());
        let run = command.run();
        assert_eq!(later_page.faults(), 1, "{run}");
        run
    }

    /// Verifies over a listing of two pages, of which the first takes seconds, by a store whose listing has no `Date`.
    fn verify_slowly_without_date(&self) -> Run {
        let slowly = Proxy::to(self.way.url());
        slowly.once("GET", "?versions", Fault::Trickle(Duration::from_millis(3)));
        let command = self.in_two_pages(|page| page.remove_headers("date"));
        let command = command.env("AWS_ENDPOINT_URL", slowly.url());
        let run = command.args(["--max-skew-seconds", "1"]).run();
        assert_eq!(slowly.faults(), 1, "{run}");
        run
    }

    /// The command, with a listing of two pages, each of which is edited.
    fn in_two_pages(&self, edit: fn(&mut Reply)) -> Command {
        let command = self.command().args(["--output", "json"]);
        let page = |cut: fn(&str) -> String| {
            let stored = self.stored.clone();
            Fault::change(move |reply: &mut Reply| {
                reply.change_text(|text| cut(&redated(text, &stored)));
                edit(reply);
            })
        };
        self.way.heal();
        self.way
            .times(ALWAYS, "GET", "key-marker=", page(str::to_owned));
        self.way
            .times(ALWAYS, "GET", "?versions", page(cut_after_the_first));
        command
    }

    pub(super) fn verify(&self) -> Run {
        self.command().args(["--output", "json"]).run()
    }

    pub(super) fn pinned(&self) -> Run {
        let pins = self.world.folder.path().join("pins.json");
        let command = self.command().arg("--pins").arg(pins);
        command.args(["--output", "json"]).run()
    }

    async fn mark(&self, key: &str) {
        let delete = self.world.s3.delete_object().bucket(BUCKET).key(key);
        delete.send().await.expect("a marker");
    }
}

/// The listing with the times at which the segments were stored. Versions that are put later keep their own.
fn redated(text: &str, stored: &BTreeMap<usize, Timestamp>) -> String {
    let mut blocks = text.split("<Version>");
    let mut all = blocks.next().unwrap_or_default().to_owned();
    let mut seen = BTreeMap::new();
    let blocks: Vec<&str> = blocks.collect();
    for block in &blocks {
        *seen.entry(number(block)).or_insert(0) += 1;
    }
    for block in blocks {
        let left = seen.get_mut(&number(block)).expect("it was counted");
        *left -= 1;
        // Of several versions, S3 lists the oldest last.
        let time = number(block).filter(|_| *left == 0);
        let time = time.and_then(|number| stored.get(&number));
        all += "<Version>";
        all += &time.map_or_else(|| block.to_owned(), |time| with_time(block, *time));
    }
    all
}

/// The listing up to its first version, after which more follow.
fn cut_after_the_first(text: &str) -> String {
    let (first, rest) = text.split_once("</Version>").expect("a version");
    let (_, end) = rest.rsplit_once("</Version>").expect("another one");
    let next = "<NextKeyMarker>logs/payments/000000000000.jsonl.zst</NextKeyMarker>";
    let goes_on = format!("<IsTruncated>true</IsTruncated>{next}");
    let text = format!("{first}</Version>{end}");
    text.replace("<IsTruncated>false</IsTruncated>", &goes_on)
}

fn number(block: &str) -> Option<usize> {
    let end = block.find(".jsonl.zst</Key>")?;
    block.get(end.checked_sub(12)?..end)?.parse().ok()
}

fn with_time(block: &str, time: Timestamp) -> String {
    let (before, rest) = block.split_once("<LastModified>").expect("a time");
    let (_, after) = rest.split_once("</LastModified>").expect("its end");
    let time = time.to_rfc3339();
    format!("{before}<LastModified>{time}</LastModified>{after}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_was_cut_back_behind_a_shorter_silence_is_silent() {
    let mut old = Old::new(&[300.0, 299.0, 291.0]).await;
    let document = old.document();
    document.logs[0].max_silence = vec![silence(301.0, 365), silence(290.0, 1)];
    lock(document, &[(301.0, 730)]);
    faults(&old.verify(), &["silence-exceeded"]);
    // That the policy was loosened later excuses nothing.
    let mut old = Old::new(&[300.0, 299.0, 5.0, 1.0]).await;
    let document = old.document();
    document.logs[0].max_silence = vec![silence(301.0, 25), silence(10.0, 365)];
    lock(document, &[(301.0, 730)]);
    faults(&old.verify(), &["silence-exceeded"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_stored_after_a_longer_retention_began_does_not_expire_by_the_older_one() {
    let days = [
        100.0, 90.0, 80.0, 70.0, 61.0, 50.0, 40.0, 30.0, 20.0, 10.0, 1.0,
    ];
    let mut old = Old::new(&days).await;
    lock(old.document(), &[(101.0, 30), (60.0, 300)]);
    // It waited in the spool until after the change.
    old.stored.insert(4, days_ago(59.0));
    faults(&old.verify(), &[]);
    for expired in 0..3 {
        old.world.remove(expired).await;
    }
    let run = old.verify();
    faults(&run, &[]);
    let holes = &run.json()["logs"][0]["holes"];
    assert_eq!(holes[0]["why"], "expired", "{run}");
    assert_eq!(
        (&holes[0]["first"], &holes[0]["last"]),
        (&0.into(), &2.into()),
        "{run}"
    );
    old.world.remove(4).await;
    faults(&old.verify(), &["segment-missing"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_while_the_listing_runs_is_for_the_next_run_and_the_future_is_a_fault() {
    let mut old = Old::new(&[3.0, 2.0, 1.0]).await;
    // Dated by two clocks of the store.
    let second = old.stored[&1];
    old.stored.insert(0, second.saturating_add_seconds(1));
    faults(&old.verify(), &[]);
    old.stored.insert(2, now().saturating_add_seconds(100));
    let run = old.verify();
    faults(&run, &[]);
    assert_eq!(run.json()["logs"][0]["last_segment"], 1, "{run}");
    assert!(run.stdout.contains("\"passed-over\""), "{run}");
    // What counts is when the listing began, by its first answer.
    let run = old.verify_in_two_pages(250);
    faults(&run, &[]);
    assert_eq!(run.json()["logs"][0]["last_segment"], 1, "{run}");
    // Where the store does not say when the listing ended, our clock does.
    old.stored.insert(2, now().saturating_add_seconds(3));
    let run = old.verify_slowly_without_date();
    faults(&run, &[]);
    assert!(run.stdout.contains("\"passed-over\""), "{run}");
    old.stored.insert(2, now().saturating_add_seconds(DAY));
    faults(&old.verify(), &["stored-in-future"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_marker_where_nothing_ever_was_declares_nothing_missing() {
    let old = Old::new(&[3.0, 2.0, 1.0]).await;
    old.mark("logs/payments/999999999999.jsonl.zst").await;
    faults(&old.verify(), &["object-unaccounted"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_end_of_a_log_nothing_counts_and_the_report_says_what_readers_see() {
    let mut old = Old::new(&[100.0, 90.0, 80.0]).await;
    let (_, last) = old.world.log.segments[2].clone();
    let origin = Origin::parse(ORIGIN).expect("an origin");
    let expected = Expected {
        origin: &origin,
        segment: 2,
        format: FORMAT,
    };
    let head = check_segment(&last, expected).expect("a segment");
    old.document().logs[0].ended = Some(Ended {
        segment: 2,
        size: head.size(),
        root: head.root(),
        sealed: head.sealed(),
        stored: Some(days_ago(80.0).saturating_add_seconds(1)),
        successor: None,
    });
    faults(&old.verify(), &[]);
    // The whole log has expired, in any order, and the first segment is gone.
    old.world.remove(0).await;
    let (first, second) = (
        old.world.log.segments[0].0.clone(),
        old.world.log.segments[1].0.clone(),
    );
    old.stored.remove(&0);
    old.world.put(&first, b"garbage", 1).await;
    old.world.put(&second, b"garbage", 1).await;
    old.mark("logs/payments/000000000007.jsonl.zst").await;
    let run = old.verify();
    faults(&run, &[]);
    let json = run.json();
    assert_eq!(json["logs"][0]["shadowed"], 2, "{run}");
    let notes = json["notes"].as_array().expect("notes");
    let disowned = notes
        .iter()
        .find(|note| note["code"] == "versions-disowned");
    let message = &disowned.expect("a note")["message"];
    let expected = "the log ended with segment 2: 2 later versions and 1 delete marker disowned";
    assert_eq!(message, expected, "{run}");
    let text = old.command().run().ok();
    let line = text.stdout.lines().last().expect("a last line");
    assert!(line.contains("plain readers see something else"), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_went_back_behind_its_pin_has_the_entry_that_covers_it() {
    let mut old = Old::new(&[3.0, 2.0, 1.0]).await;
    faults(&old.pinned(), &[]);
    old.world.remove(2).await;
    let run = old.pinned();
    faults(&run, &["head-rolled-back"]);
    let entry = run.json()["faults"][0]["acknowledge"].clone();
    let entry = serde_json::from_value(entry).expect("an entry");
    old.document().acknowledged = vec![entry];
    let run = old.pinned();
    faults(&run, &[]);
    assert_eq!(run.json()["acknowledged_count"], 1, "{run}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silence_that_is_judged_in_the_past_says_so() {
    let old = Old::new(&[60.0, 50.0, 40.0]).await;
    faults(&old.verify(), &["silence-exceeded"]);
    let at = days_ago(35.0).to_rfc3339();
    let run = old.command().args(["--at", &at]).run().ok();
    let line = run.stdout.lines().last().expect("a last line");
    assert!(line.contains(&format!("silence judged at {at}")), "{line}");
}
