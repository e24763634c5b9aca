//! One suite of hostile answers, against the sealer and the verifier alike: each has S3 code of its own, and neither may take
//! such an answer for the truth. The sealer must write nothing, the verifier must not say that all is well.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use auditlog_tests::{Answer, Command, Fault, Reply, Run, command};

use crate::seal::bench::{BUCKET, Remote, wait};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Who {
    Sealer,
    Verifier,
}

/// What an answer must lead to.
#[derive(Clone, Copy, Debug)]
enum Expected {
    /// The command ends as if all had been well.
    Recovers,
    /// The command fails, the verifier without a verdict, and the message has this text.
    Refuses(&'static str),
    /// The verifier takes the answer for evidence, and finds a fault with this text.
    FindsFault(&'static str),
    /// The answer is to a request that this command never sends.
    NotAsked,
}
use Expected::{FindsFault, NotAsked, Recovers, Refuses};

/// One hostile answer, to each request of this kind or to the first one.
struct Case {
    name: &'static str,
    method: &'static str,
    request: &'static str,
    times: usize,
    fault: Fault,
    sealer: Expected,
    verifier: Expected,
}

const ALWAYS: usize = usize::MAX;
const LISTING: &str = "?versions";
const OBJECT: &str = "x-id=GetObject";
const LOCK: &str = "?object-lock";
const VERSIONING: &str = "?versioning";

impl Case {
    fn of(name: &'static str, request: &'static str, fault: Fault) -> Self {
        Self {
            name,
            method: "GET",
            request,
            times: ALWAYS,
            fault,
            sealer: NotAsked,
            verifier: NotAsked,
        }
    }

    fn once(mut self) -> Self {
        self.times = 1;
        self
    }

    fn on_put(mut self) -> Self {
        self.method = "PUT";
        self.verifier = NotAsked;
        self
    }

    fn both(self, text: &'static str) -> Self {
        self.gives(Refuses(text), Refuses(text))
    }

    fn gives(mut self, sealer: Expected, verifier: Expected) -> Self {
        (self.sealer, self.verifier) = (sealer, verifier);
        self
    }
}

/// Replaces a text in the answer.
fn replaced(from: &'static str, to: &'static str) -> Fault {
    Fault::change(move |reply| {
        assert!(
            String::from_utf8_lossy(&reply.body).contains(from),
            "the answer has {from}"
        );
        reply.change_text(|text| text.replace(from, to));
    })
}

/// Takes a field out of the answer, once.
fn without(field: &'static str) -> Fault {
    Fault::change(move |reply: &mut Reply| {
        reply.change_text(|text| {
            let (before, rest) = text.split_once(&format!("<{field}>")).expect("the field");
            let (_, after) = rest
                .split_once(&format!("</{field}>"))
                .expect("the field's end");
            format!("{before}{after}")
        });
    })
}

/// Says that the listing is of another prefix than the one that was asked for.
fn of_another_prefix() -> Fault {
    Fault::change(|reply: &mut Reply| {
        reply.change_text(|text| {
            let begin = text.find("<Prefix").expect("the prefix");
            let rest = text.get(begin..).expect("its element");
            let empty = rest.find("/>").map(|at| at + 2);
            let whole = rest.find("</Prefix>").map(|at| at + "</Prefix>".len());
            let end = begin + empty.into_iter().chain(whole).min().expect("its end");
            let (before, after) = (&text[..begin], &text[end..]);
            format!("{before}<Prefix>orders/</Prefix>{after}")
        });
    })
}

/// Repeats the last entry of the listing.
fn with_the_last_version_twice() -> Fault {
    Fault::change(|reply: &mut Reply| {
        reply.change_text(|text| {
            let begin = text.rfind("<Version>").expect("a version");
            let end = text.rfind("</Version>").expect("its end") + "</Version>".len();
            let version = &text[begin..end];
            let (before, after) = (&text[..end], &text[end..]);
            format!("{before}{version}{after}")
        });
    })
}

/// Cuts the answer off before the last such text.
fn before_the_last(text: &'static str) -> Fault {
    Fault::change(move |reply: &mut Reply| {
        reply.change_text(|all| {
            let (before, _) = all.rsplit_once(text).expect("the text");
            before.to_owned()
        });
    })
}

/// A listing that goes on with new keys and hardly any entry.
fn endless() -> Fault {
    let pages = AtomicUsize::new(0);
    Fault::change(move |reply| {
        let page = pages.fetch_add(1, Ordering::SeqCst);
        let next = format!(
            "<IsTruncated>true</IsTruncated><NextKeyMarker>payments/x{page:09}</NextKeyMarker>"
        );
        reply.change_text(|text| text.replace("<IsTruncated>false</IsTruncated>", &next));
    })
}

fn body(text: &'static str) -> Fault {
    Fault::change(move |reply| reply.body = text.into())
}

fn refusal(status: &'static str, code: &'static str) -> Fault {
    Fault::Answer(Answer::refusal(status, code))
}

fn listings() -> Vec<Case> {
    const ENDS: &str = "<IsTruncated>false</IsTruncated>";
    vec![
        Case::of("IsTruncated is absent", LISTING, without("IsTruncated")).both("IsTruncated"),
        Case::of(
            "truncated without a marker",
            LISTING,
            replaced(ENDS, "<IsTruncated>true</IsTruncated>"),
        )
        .both("NextKeyMarker"),
        Case::of(
            "the same page again and again",
            LISTING,
            replaced(
                ENDS,
                "<IsTruncated>true</IsTruncated><NextKeyMarker>payments/x</NextKeyMarker>",
            ),
        )
        .gives(Refuses("goes back instead of on"), Refuses("never ends")),
        Case::of("new keys and no entries, without end", LISTING, endless()).both("never ends"),
        Case::of("Key is absent", LISTING, without("Key")).both("Key"),
        Case::of("LastModified is absent", LISTING, without("LastModified")).both("LastModified"),
        Case::of("not XML", LISTING, body("all is well")).gives(
            Refuses("the answer cannot be read"),
            Refuses("not one of S3's"),
        ),
        Case::of("nothing", LISTING, body("")).gives(
            Refuses("the answer cannot be read"),
            Refuses("not one of S3's"),
        ),
        Case::of(
            "a page to sign in",
            LISTING,
            body("<html><body>Sign in</body></html>"),
        )
        .gives(
            Refuses("the answer cannot be read"),
            Refuses("not one of S3's"),
        ),
        Case::of(
            "cut off in the middle",
            LISTING,
            body("<ListVersionsResult><Version>"),
        )
        .gives(
            Refuses("not one whole document"),
            Refuses("not one whole document"),
        ),
        Case::of(
            "cut off between two entries",
            LISTING,
            before_the_last("<Version>"),
        )
        .both("not one whole document"),
        Case::of(
            "two documents",
            LISTING,
            replaced("</ListVersionsResult>", "</ListVersionsResult><x/>"),
        )
        .both("not one whole document"),
        Case::of(
            "another bucket's listing",
            LISTING,
            replaced("<Name>", "<Name>another-"),
        )
        .gives(
            Refuses("of another bucket"),
            Refuses("listing is of bucket"),
        ),
        Case::of("VersionId is absent", LISTING, without("VersionId"))
            .gives(Recovers, Refuses("VersionId")),
        Case::of(
            "an empty listing without IsTruncated",
            LISTING,
            body("<ListVersionsResult><Name>audit</Name></ListVersionsResult>"),
        )
        .both("IsTruncated"),
        Case::of(
            "another folder's listing",
            LISTING,
            replaced("<Key>payments/", "<Key>orders/"),
        )
        .gives(
            Refuses("a key outside the prefix"),
            FindsFault("object-unaccounted"),
        ),
        Case::of("another prefix", LISTING, of_another_prefix()).gives(
            Refuses("of another prefix"),
            Refuses("listing is of prefix"),
        ),
        Case::of("one version twice", LISTING, with_the_last_version_twice()).gives(
            Refuses("has 2 versions or more"),
            Refuses("has one version of payments/"),
        ),
    ]
}

/// Answers to the request for a listing that are not one.
fn failed_listings() -> Vec<Case> {
    vec![
        Case::of("a body without end", LISTING, Fault::Endless).gives(
            Refuses("the answer is too long"),
            Refuses("more bytes than S3 ever sends"),
        ),
        Case::of("an answer that is lost once", LISTING, Fault::LoseAnswer)
            .once()
            .gives(Recovers, Recovers),
        Case::of("an answer that is always lost", LISTING, Fault::LoseAnswer).gives(
            Refuses("no answer: "),
            Refuses("the endpoint was not reached"),
        ),
        Case::of("cut off once", LISTING, Fault::CutAnswer)
            .once()
            .gives(Recovers, Recovers),
        Case::of(
            "a conflict",
            LISTING,
            refusal("409 Conflict", "OperationAborted"),
        )
        .both("409"),
        Case::of(
            "a condition that failed",
            LISTING,
            refusal("412 Precondition Failed", "PreconditionFailed"),
        )
        .both("412"),
    ]
}

fn objects() -> Vec<Case> {
    vec![
        Case::of("an object that is cut off once", OBJECT, Fault::CutAnswer)
            .once()
            .gives(Recovers, Recovers),
        Case::of("an object that is always cut off", OBJECT, Fault::CutAnswer).gives(
            Refuses("end of file before message length"),
            Refuses("end of file before message length"),
        ),
        Case::of(
            "an object whose answer is lost once",
            OBJECT,
            Fault::LoseAnswer,
        )
        .once()
        .gives(Recovers, Recovers),
        Case::of("an object without end", OBJECT, Fault::Endless).gives(
            Refuses("length limit exceeded"),
            Refuses("the store sent more"),
        ),
        Case::of("another object", OBJECT, body("{}")).gives(
            Refuses("body checksum mismatch"),
            Refuses("body checksum mismatch"),
        ),
        Case::of(
            "no such object",
            OBJECT,
            refusal("404 Not Found", "NoSuchKey"),
        )
        .gives(
            Refuses("is missing, though later segments are present"),
            FindsFault("segment-missing"),
        ),
        Case::of(
            "an archived object",
            OBJECT,
            refusal("403 Forbidden", "InvalidObjectState"),
        )
        // the verifier names the command that restores it
        .gives(Refuses("InvalidObjectState"), Refuses("restore-object")),
    ]
}

fn settings() -> Vec<Case> {
    let enabled = "<Status>Enabled</Status>";
    vec![
        Case::of(
            "versioning is suspended",
            VERSIONING,
            replaced(enabled, "<Status>Suspended</Status>"),
        )
        .gives(
            Refuses("versioning of the bucket audit is not enabled"),
            FindsFault("bucket-"),
        ),
        Case::of(
            "versioning without a status",
            VERSIONING,
            replaced(enabled, ""),
        )
        .gives(
            Refuses("versioning of the bucket audit is not enabled"),
            FindsFault("bucket-versioning"),
        ),
        Case::of("the lock of another world", LOCK, body("<html/>")).gives(
            Refuses("the answer cannot be read"),
            Refuses("not one of S3's"),
        ),
        Case::of(
            "no lock",
            LOCK,
            refusal("404 Not Found", "ObjectLockConfigurationNotFoundError"),
        )
        .gives(
            Refuses("Object Lock of the bucket audit is not enabled"),
            FindsFault("bucket-"),
        ),
        // the sealer warns, and locks each segment as declared
        Case::of("a lock without a rule", LOCK, without("Rule"))
            .gives(Recovers, FindsFault("bucket-")),
        Case::of("settings without end", VERSIONING, Fault::Endless).gives(
            Refuses("the answer is too long"),
            Refuses("more bytes than S3 ever sends"),
        ),
    ]
}

/// S3 refuses with 403 where another account owns the bucket.
fn owners() -> Vec<Case> {
    let foreign = || refusal("403 Forbidden", "AccessDenied");
    vec![
        Case::of("a foreign owner", "", foreign()).both("account 000000000000 owns the bucket"),
        Case::of("a foreign owner of the listing", LISTING, foreign())
            .both("account 000000000000 owns the bucket"),
        Case::of("a foreign owner of the objects", OBJECT, foreign()).gives(
            Refuses("account 000000000000 owns the bucket"),
            Refuses("AccessDenied"),
        ),
        Case::of("a foreign owner of a new object", "payments/", foreign())
            .on_put()
            .gives(Refuses("account 000000000000 owns the bucket"), NotAsked),
    ]
}

fn puts() -> Vec<Case> {
    let conflict = || refusal("409 Conflict", "ConditionalRequestConflict");
    let taken = || refusal("412 Precondition Failed", "PreconditionFailed");
    vec![
        Case::of("a conflict once", "payments/", conflict())
            .on_put()
            .once()
            .gives(Recovers, NotAsked),
        Case::of("a conflict without end", "payments/", conflict())
            .on_put()
            .gives(Refuses("ConditionalRequestConflict (HTTP 409)"), NotAsked),
        Case::of("a name that is taken, by nobody", "payments/", taken())
            .on_put()
            .gives(Refuses("and then said that it does not exist"), NotAsked),
        Case::of("a lost answer", "payments/", Fault::LoseAnswer)
            .on_put()
            .once()
            .gives(Recovers, NotAsked),
        Case::of("an answer without end", "payments/", Fault::Endless)
            .on_put()
            .once()
            .gives(Recovers, NotAsked),
    ]
}

/// A log of two events, and how many objects it has.
struct Log {
    remote: Remote,
}

impl Log {
    fn new() -> Self {
        let remote = Remote::new();
        remote.append().input("1\n2\n").run().ok();
        Self { remote }
    }

    fn objects(&self) -> usize {
        let s3 = self.remote.endpoint.s3();
        let listed = wait(s3.list_object_versions().bucket(BUCKET).send()).unwrap();
        listed.versions().len()
    }

    fn seal(&self) -> Run {
        Self::within_a_minute(self.remote.append().args(["--timeout", "3"]).input("3\n"))
    }

    fn verify(&self) -> Run {
        let verify = command("auditlog-verify").envs(self.remote.endpoint.env());
        let verify = verify.env("AWS_ENDPOINT_URL", self.remote.way.url());
        let verify = verify.args(VERIFY).arg("--policy");
        Self::within_a_minute(verify.arg(self.remote.bench.path("policy.json")))
    }

    fn within_a_minute(command: Command) -> Run {
        let begun = std::time::Instant::now();
        let run = command.run();
        assert!(begun.elapsed() < Duration::from_mins(1), "{run}");
        run
    }
}

const VERIFY: [&str; 4] = ["--timeout", "3", "--output", "json"];

#[track_caller]
fn ends_as(who: Who, expected: Expected, case: &Case, run: &Run) {
    let name = case.name;
    let (status, said) = match (expected, who) {
        (Recovers, _) => (0, true),
        (Refuses(text), Who::Sealer) => (
            1,
            run.stderr.contains(text) && run.stderr.contains("hint: "),
        ),
        (Refuses(text), Who::Verifier) => (2, reports(run, "undecided", text, "hint")),
        (FindsFault(text), _) => (1, reports(run, "faults", text, "help")),
        (NotAsked, _) => unreachable!("it is not run"),
    };
    assert_eq!(run.status, status, "{name}: {run}");
    assert!(said, "{name}, {expected:?}: {run}");
}

/// Whether the report has such a finding with this text and with advice.
fn reports(run: &Run, kind: &str, text: &str, advice: &str) -> bool {
    let report = run.json();
    let mut found = report[kind].as_array().into_iter().flatten();
    found.any(|one| one.to_string().contains(text) && one[advice].is_string())
}

#[track_caller]
fn each(cases: Vec<Case>) {
    let log = Log::new();
    let way = &log.remote.way;
    for case in cases {
        for (who, expected) in [(Who::Sealer, case.sealer), (Who::Verifier, case.verifier)] {
            if matches!(expected, NotAsked) {
                continue;
            }
            let (before, faults) = (log.objects(), way.faults());
            way.times(case.times, case.method, case.request, case.fault.clone());
            let run = match who {
                Who::Sealer => log.seal(),
                Who::Verifier => log.verify(),
            };
            assert!(
                way.faults() > faults,
                "{}: it did not ask: {run}",
                case.name
            );
            way.heal();
            ends_as(who, expected, &case, &run);
            let written = log.objects() - before;
            let may_write = who == Who::Sealer && matches!(expected, Recovers);
            assert!(may_write || written == 0, "{}: it wrote: {run}", case.name);
        }
        // What the sealer had accepted is sealed once the store is well again.
        log.remote.append().run().ok();
    }
    log.remote.verified();
}

#[test]
fn hostile_listings_are_refused_by_sealer_and_verifier() {
    each(listings());
    each(failed_listings());
}

#[test]
fn hostile_objects_are_refused_by_sealer_and_verifier() {
    each(objects());
}

#[test]
fn hostile_settings_are_refused_by_sealer_and_verifier() {
    each(settings());
}

#[test]
fn a_bucket_of_another_account_is_refused_by_sealer_and_verifier() {
    each(owners());
}

#[test]
fn hostile_answers_to_a_put_lose_and_double_nothing() {
    each(puts());
}

#[test]
fn every_request_names_the_owner_of_the_bucket() {
    let log = Log::new();
    log.verify().ok();
    let heads = log.remote.way.heads();
    assert!(heads.len() > 8, "{heads:?}");
    let owner = "x-amz-expected-bucket-owner: 000000000000\r\n";
    for head in heads {
        assert!(head.to_lowercase().contains(owner), "{head}");
    }
}
