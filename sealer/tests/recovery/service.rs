//! The service of one log while something is wrong: it refuses, says why, and goes on by itself.

use std::fs;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use auditlog_chain::builder::{Batch, StoredBatch};
use auditlog_sealer::error::{Cause, Error, MachineError};
use auditlog_sealer::seal::{Limits, Naming, Renewal, Sealer, Setup};
use auditlog_sealer::service::{Ack, Ages, Answer, Intake, Offer, Part, Status, Update, Writer};
use auditlog_sealer::store::{Clock, LockSource};

use crate::keys::Say;
use crate::memory::Mood;
use crate::{Bench, signer};

/// The thread of a log, and the way to it.
struct Service {
    intake: Intake,
    tell: Sender<Update>,
    status: Arc<Status>,
    ending: Arc<AtomicBool>,
    said: Arc<Mutex<Vec<String>>>,
    thread: JoinHandle<Result<(), Error>>,
}

impl Service {
    fn start(bench: &Bench, spool_max: u64) -> Self {
        Self::with(bench, bench.setup(), spool_max)
    }

    /// Each event closes a segment.
    fn with(bench: &Bench, setup: Setup, spool_max: u64) -> Self {
        let limits = Limits {
            events: 1,
            ..Limits::default()
        };
        Self::limited(bench, setup, spool_max, limits)
    }

    fn limited(bench: &Bench, setup: Setup, spool_max: u64, limits: Limits) -> Self {
        let said: Arc<Mutex<Vec<String>>> = Arc::default();
        let says = Arc::clone(&said);
        let setup = Setup {
            limits,
            notify: Arc::new(move |notice| says.lock().unwrap().push(notice.to_string())),
            ..setup
        };
        let clock = setup.clock.clone();
        let mut sealer = Sealer::find(setup, bench.spool()).unwrap();
        sealer.take_up_earlier().unwrap();
        let (intake, offers) = Intake::new();
        let (tell, updates) = channel();
        let status = Arc::new(Status::new("acme.example/log"));
        let ending = Arc::new(AtomicBool::new(false));
        let of_writer = Arc::clone(&status);
        let is_ending = Arc::clone(&ending);
        let run = move || {
            let writer = Writer {
                sealer,
                offers: &offers,
                updates: &updates,
                ages: Ages {
                    open_seconds: 300,
                    silent_seconds: None,
                },
                ack: Ack::Synced,
                spool_max,
                clock,
                status: of_writer,
                ending: is_ending,
            };
            writer.run()
        };
        Self {
            intake,
            tell,
            status,
            ending,
            said,
            thread: thread::spawn(run),
        }
    }

    fn offer(&self, event: &str) -> Receiver<Answer> {
        self.offer_as(None, event)
    }

    fn offer_as(&self, name: Option<&str>, event: &str) -> Receiver<Answer> {
        self.offer_with(name, Naming::Unique, event)
    }

    fn offer_with(&self, name: Option<&str>, naming: Naming, event: &str) -> Receiver<Answer> {
        let mut events = StoredBatch::default();
        events.push_json(event.as_bytes()).unwrap();
        let (tell, told) = channel();
        let offer = Offer {
            source: None,
            name: name.and_then(Batch::parse),
            naming,
            events,
            reached: None,
            since: Instant::now(),
            answer: Box::new(move |answer| _ = tell.send(answer)),
            permit: None,
        };
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().build().unwrap();
        let offered = runtime.block_on(self.intake.offer(offer, Duration::from_secs(5)));
        assert!(offered.is_ok());
        told
    }

    #[track_caller]
    fn until(&self, is: impl Fn(Option<&str>) -> bool) {
        let begun = Instant::now();
        while !is(self.status.trouble().as_deref()) {
            let trouble = self.status.trouble();
            assert!(begun.elapsed() < Duration::from_secs(30), "{trouble:?}");
            thread::yield_now();
        }
    }

    #[track_caller]
    fn until_storing(&self, expected: Option<Cause>) {
        let begun = Instant::now();
        let cause = || {
            self.status
                .trouble_of(Part::Storing)
                .map(|trouble| trouble.cause)
        };
        while cause() != expected {
            assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", cause());
            thread::yield_now();
        }
    }

    fn end(self) -> Result<(), Error> {
        self.ending.store(true, Ordering::SeqCst);
        drop(self.intake);
        self.thread.join().unwrap()
    }
}

#[test]
fn service_whose_clock_is_wrong_refuses_until_it_is_right_again() {
    let bench = Bench::new();
    bench
        .store
        .has_clock(bench.clock.clone(), bench.clock.clone());
    let service = Service::start(&bench, u64::MAX);
    assert_eq!(service.offer("1").recv(), Ok(Answer::Accepted));
    service.until(|trouble| trouble.is_none());
    bench.store.set(Mood::Ahead);
    let accepted = service.offer("2");
    service.until(|trouble| trouble.is_some_and(|text| text.starts_with("the clock of memory is")));
    let creates = bench.store.creates();
    bench.store.set(Mood::Honest);
    service.until(|trouble| trouble.is_none());
    assert_eq!(accepted.recv(), Ok(Answer::Accepted));
    assert_eq!(service.offer("3").recv(), Ok(Answer::Accepted));
    assert!(bench.store.creates() > creates);
    let said = Arc::clone(&service.said);
    service.end().unwrap();
    assert_eq!(bench.events(), ["1", "2", "3"]);
    let said = said.lock().unwrap();
    let refused =
        "no events are accepted now, and senders are asked to come again later: the clock";
    let texts = said.iter().filter(|text| !text.starts_with("segment "));
    let texts: Vec<_> = texts.collect();
    assert!(texts[0].starts_with(refused), "{texts:?}");
    assert_eq!(texts[1..], ["events are accepted again"], "{texts:?}");
}

/// A clock that the test sets, so many seconds ahead of another one.
fn clock_ahead(of: &Clock) -> (Clock, Arc<AtomicI64>) {
    let (of, ahead) = (of.clone(), Arc::new(AtomicI64::new(0)));
    let seconds = Arc::clone(&ahead);
    let clock: Clock =
        Arc::new(move || of().saturating_add_seconds(seconds.load(Ordering::SeqCst)));
    (clock, ahead)
}

#[test]
fn clock_that_is_set_ahead_for_a_moment_gives_its_time_to_nothing_also_in_an_outage() {
    for mood in [Mood::Honest, Mood::Unasked, Mood::Away] {
        for ahead_seconds in [3600, 400 * 86_400, -3600] {
            let bench = Bench::new();
            let (clock, ahead) = clock_ahead(&bench.clock);
            bench.store.has_clock(bench.clock.clone(), clock.clone());
            let setup = Setup {
                clock: clock.clone(),
                ..bench.setup()
            };
            let service = Service::with(&bench, setup, u64::MAX);
            assert_eq!(service.offer("1").recv(), Ok(Answer::Accepted));
            service.until(|trouble| trouble.is_none());
            bench.store.set(mood);
            ahead.store(ahead_seconds, Ordering::SeqCst);
            let accepted = service.offer("2");
            service.until(|trouble| {
                trouble.is_some_and(|text| text.starts_with("the clock of memory is"))
            });
            assert!(accepted.try_recv().is_err());
            ahead.store(0, Ordering::SeqCst);
            assert_eq!(accepted.recv(), Ok(Answer::Accepted));
            service.until(|trouble| trouble.is_none());
            assert_eq!(service.offer("3").recv(), Ok(Answer::Accepted));
            bench.store.set(Mood::Honest);
            service.end().unwrap();
            assert_eq!(bench.events(), ["1", "2", "3"]);
            let head = bench.start().unwrap().head().sealed.unwrap();
            assert!(head <= (bench.clock)(), "{head}");
        }
    }
}

#[test]
fn service_that_ends_while_its_clock_is_ahead_closes_nothing_under_its_time() {
    let bench = Bench::new();
    let (clock, ahead) = clock_ahead(&bench.clock);
    bench.store.has_clock(bench.clock.clone(), clock.clone());
    let setup = || Setup {
        clock: clock.clone(),
        ..bench.setup()
    };
    let many = Limits::default();
    let service = Service::limited(&bench, setup(), u64::MAX, many);
    assert_eq!(service.offer("1").recv(), Ok(Answer::Accepted));
    ahead.store(3600, Ordering::SeqCst);
    // An open segment is old by this clock, and is not closed for that.
    service.until(|trouble| trouble.is_some());
    assert!(service.end().is_err());
    ahead.store(0, Ordering::SeqCst);
    Service::with(&bench, setup(), u64::MAX).end().unwrap();
    assert_eq!(bench.events(), ["1"]);
    let head = bench.start().unwrap().head().sealed.unwrap();
    assert!(head <= (bench.clock)(), "{head}");
}

#[test]
fn segment_that_waits_for_its_time_refuses_nobody() {
    let bench = Bench::new();
    // This store has no clock, as a folder has none.
    let (clock, ahead) = clock_ahead(&bench.clock);
    let setup = Setup {
        clock: clock.clone(),
        ..bench.setup()
    };
    let service = Service::with(&bench, setup, u64::MAX);
    bench.until_it_has(1);
    bench.store.set(Mood::Unasked);
    ahead.store(3600, Ordering::SeqCst);
    assert_eq!(service.offer("1").recv(), Ok(Answer::Accepted));
    ahead.store(0, Ordering::SeqCst);
    bench.store.set(Mood::Honest);
    service.until_storing(Some(Cause::Clock));
    for event in ["2", "3"] {
        let told = service.offer(event).recv_timeout(Duration::from_secs(30));
        assert_eq!(told, Ok(Answer::Accepted));
    }
    assert!(service.status.trouble().is_none());
    // Its time has come.
    ahead.store(3600, Ordering::SeqCst);
    service.end().unwrap();
    assert_eq!(bench.events(), ["1", "2", "3"]);
}

#[test]
fn another_cause_has_a_line_of_its_own_and_so_has_its_end() {
    let bench = Bench::new();
    let service = Service::start(&bench, u64::MAX);
    bench.until_it_has(1);
    let said = |part: &str| {
        let said = service.said.lock().unwrap();
        said.iter().filter(|text| text.contains(part)).count()
    };
    let until_it_said = |part: &str| {
        let begun = Instant::now();
        while said(part) == 0 {
            assert!(begun.elapsed() < Duration::from_secs(30), "{part}");
            thread::yield_now();
        }
    };
    bench.store.set(Mood::Unasked);
    assert_eq!(service.offer("1").recv(), Ok(Answer::Accepted));
    until_it_said("the store cannot be reached");
    // It is back, and has lost its lock.
    bench.store.set(Mood::Unlocked);
    until_it_said("Object Lock of the bucket memory is not enabled");
    bench.store.set(Mood::Honest);
    until_it_said("segments are stored again");
    assert_eq!(said(" cannot be stored now"), 2);
    service.end().unwrap();
}

#[test]
fn service_that_is_ended_while_its_queue_is_full_ends_and_keeps_what_it_accepted() {
    let bench = Bench::new();
    let service = Service::start(&bench, 1);
    bench.store.set(Mood::Away);
    assert_eq!(service.offer("1").recv(), Ok(Answer::Accepted));
    service.until(|trouble| trouble.is_some_and(|text| text.starts_with("the spool is as large")));
    assert!(service.end().is_err());
    bench.store.set(Mood::Honest);
    Service::start(&bench, 1).end().unwrap();
    assert_eq!(bench.events(), ["1"]);
}

/// What a policy and keys come to for a log that runs.
fn renewed(setup: Setup) -> Update {
    let renewal = Renewal {
        log: setup.log,
        policy: setup.policy,
        signer: setup.signer,
        previous: setup.previous,
        lock: LockSource::Default,
    };
    Update::Renewed {
        renewal: Box::new(renewal),
        ages: Ages {
            open_seconds: 300,
            silent_seconds: None,
        },
    }
}

#[test]
fn rotation_is_announced_at_once_and_what_waits_for_a_key_that_ended_is_chained_again() {
    let (bench, next) = (Bench::new(), signer());
    let never: Say = |_, _| {};
    let retired: Say = |key, at| key.retired_at = Some(at);
    let at = (bench.clock)();
    let service = Service::with(&bench, bench.declared(&next, never, at), u64::MAX);
    assert_eq!(service.offer("1").recv(), Ok(Answer::Accepted));
    bench.until_it_has(2);
    bench.store.set(Mood::Unasked);
    for event in ["2", "3", "4"] {
        assert_eq!(service.offer(event).recv(), Ok(Answer::Accepted));
    }
    let said = |part: &str| {
        let said = service.said.lock().unwrap();
        said.iter().any(|text| text.contains(part))
    };
    let until_it_said = |part: &str| {
        let begun = Instant::now();
        while !said(part) {
            assert!(begun.elapsed() < Duration::from_secs(30), "{part}");
            thread::yield_now();
        }
    };
    // The store is away: another key is announced at once, behind what waits.
    let rotated = || Setup {
        signer: next.clone(),
        ..bench.declared(&next, never, at)
    };
    service.tell.send(renewed(rotated())).unwrap();
    until_it_said("from now on, segments are signed by ");
    assert_eq!(service.offer("5").recv(), Ok(Answer::Accepted));
    // The old key ends before the store is back.
    let ended = Setup {
        signer: next.clone(),
        ..bench.declared(&next, retired, at)
    };
    service.tell.send(renewed(ended)).unwrap();
    assert_eq!(service.offer("6").recv(), Ok(Answer::Accepted));
    until_it_said("were chained again under the key that signs now");
    assert_eq!(service.offer("7").recv(), Ok(Answer::Accepted));
    bench.store.set(Mood::Honest);
    service.end().unwrap();
    assert_eq!(bench.events(), ["1", "2", "3", "4", "5", "6", "7"]);
    let checked = Setup {
        signer: next.clone(),
        ..bench.declared(&next, retired, at)
    };
    let sealer = Sealer::start(checked, bench.spool()).unwrap();
    let key = next.verifier_key(&sealer.head().origin);
    assert_eq!(sealer.log_key(), Some(key));
}

#[test]
fn service_goes_on_accepting_while_a_segment_waits_that_an_old_key_may_have_signed() {
    let (bench, next) = (Bench::new(), signer());
    let never: Say = |_, _| {};
    let retired: Say = |key, at| key.retired_at = Some(at);
    let at = (bench.clock)();
    let service = Service::with(&bench, bench.declared(&next, never, at), u64::MAX);
    bench.until_it_has(1);
    bench.store.set(Mood::Unasked);
    assert_eq!(service.offer("1").recv(), Ok(Answer::Accepted));
    // As an answer that was lost leaves it.
    fs::write(bench.folder.path().join("000000000001.frames"), "frames").unwrap();
    let ended = Setup {
        signer: next.clone(),
        ..bench.declared(&next, retired, at)
    };
    service.tell.send(renewed(ended)).unwrap();
    let doubt = "the answer to an earlier attempt to sign it was lost; ";
    let doubts = || {
        let said = service.said.lock().unwrap();
        said.iter().filter(|text| text.contains(doubt)).count()
    };
    let begun = Instant::now();
    while doubts() == 0 {
        assert!(begun.elapsed() < Duration::from_secs(30));
        thread::yield_now();
    }
    for event in ["2", "3"] {
        assert_eq!(service.offer(event).recv(), Ok(Answer::Accepted));
    }
    assert_eq!(doubts(), 1);
    assert!(service.end().is_err());
    assert_eq!(bench.store.objects().len(), 1);
    let kept: u64 = bench.spool().kept().iter().map(|kept| kept.events).sum();
    assert_eq!(kept, 3);
}

#[test]
fn failure_of_the_store_that_somebody_must_mend_refuses_nobody() {
    let bench = Bench::new();
    let service = Service::start(&bench, u64::MAX);
    bench.store.set(Mood::Unlocked);
    for event in ["1", "2"] {
        assert_eq!(service.offer(event).recv(), Ok(Answer::Accepted));
        service.until_storing(Some(Cause::Lock));
    }
    // A renewal brings an attempt at once, and its failure is there when the next batch is synced.
    for event in ["3", "4", "5", "6"] {
        service.tell.send(renewed(bench.setup())).unwrap();
        assert_eq!(service.offer(event).recv(), Ok(Answer::Accepted));
    }
    bench.store.set(Mood::Honest);
    service.until_storing(None);
    let said = Arc::clone(&service.said);
    service.end().unwrap();
    assert_eq!(bench.events(), ["1", "2", "3", "4", "5", "6"]);
    let said = said.lock().unwrap();
    let refusals = said
        .iter()
        .filter(|text| text.starts_with("no events are accepted"));
    assert_eq!(refusals.count(), 0, "{said:?}");
}

#[test]
fn store_that_says_of_a_segment_that_it_exists_and_does_not_is_asked_again() {
    let bench = Bench::new();
    let service = Service::start(&bench, u64::MAX);
    bench.store.set(Mood::Contradicts);
    assert_eq!(service.offer("1").recv(), Ok(Answer::Accepted));
    service.until_storing(Some(Cause::Store));
    bench.store.set(Mood::Honest);
    service.until_storing(None);
    assert_eq!(service.offer("2").recv(), Ok(Answer::Accepted));
    service.end().unwrap();
    assert_eq!(bench.events(), ["1", "2"]);
}

#[test]
fn log_whose_shipper_has_panicked_stops_and_keeps_what_it_accepted() {
    let bench = Bench::new();
    let service = Service::start(&bench, u64::MAX);
    bench.store.set(Mood::Panics);
    assert_eq!(service.offer("1").recv(), Ok(Answer::Accepted));
    let stopped = service.thread.join().unwrap();
    assert!(
        matches!(stopped, Err(Error::Machine(MachineError::Stopped))),
        "{stopped:?}"
    );
    bench.store.set(Mood::Honest);
    Service::start(&bench, u64::MAX).end().unwrap();
    assert_eq!(bench.events(), ["1"]);
}

#[test]
fn names_of_a_long_queue_are_in_files_and_are_known_whatever_stops() {
    let bench = Bench::new();
    let service = Service::start(&bench, u64::MAX);
    bench.store.set(Mood::Away);
    let names = ["a", "b", "c", "d", "e"];
    for name in names {
        let accepted = service.offer_as(Some(name), "1");
        assert_eq!(accepted.recv(), Ok(Answer::Accepted));
    }
    // Those of the first two wait with their segments.
    let log = bench.folder.path().join("names.log");
    let begun = Instant::now();
    while fs::metadata(&log).map_or(0, |found| found.len()) < 3 * (16 + 16) {
        assert!(begun.elapsed() < Duration::from_secs(30));
        thread::yield_now();
    }
    assert!(service.end().is_err());
    let service = Service::start(&bench, u64::MAX);
    for name in names {
        let again = service.offer_as(Some(name), "1");
        assert_eq!(again.recv(), Ok(Answer::Repeat), "{name}");
    }
    bench.store.set(Mood::Honest);
    service.end().unwrap();
    assert_eq!(bench.events().len(), names.len());
    // The write-ahead files, which had all of them, are gone: only the files of names are left.
    let is_wal = |entry: fs::DirEntry| entry.path().extension().is_some_and(|end| end == "wal");
    let files = fs::read_dir(bench.folder.path()).unwrap();
    assert!(!files.map(Result::unwrap).any(is_wal));
    let service = Service::start(&bench, u64::MAX);
    for name in names {
        let again = service.offer_as(Some(name), "1");
        assert_eq!(again.recv(), Ok(Answer::Repeat), "{name}");
    }
    assert_eq!(
        service.offer_as(Some("f"), "1").recv(),
        Ok(Answer::Accepted)
    );
    service.end().unwrap();
    assert_eq!(bench.events().len(), names.len() + 1);
}

/// Filebeat writes the members of an event in another order when it sends a window again.
#[test]
fn batch_that_the_ids_of_its_events_name_is_the_same_in_another_order() {
    let bench = Bench::new();
    let service = Service::start(&bench, u64::MAX);
    let (first, again) = (r#"{"id":7,"n":1}"#, r#"{"n":1,"id":7}"#);
    let offer = |event| {
        service
            .offer_with(Some("ids"), Naming::EventIds, event)
            .recv()
    };
    assert_eq!(offer(first), Ok(Answer::Accepted));
    assert_eq!(offer(again), Ok(Answer::Repeat));
    service.end().unwrap();
    assert_eq!(bench.events(), [first]);
}

#[test]
fn batch_under_the_name_of_another_one_is_kept_marked_and_said() {
    let bench = Bench::new();
    let service = Service::start(&bench, u64::MAX);
    let offer = |event: &str| service.offer_as(Some("a"), event).recv().unwrap();
    for (event, expected) in [
        ("1", Answer::Accepted),
        ("1", Answer::Repeat),
        ("2", Answer::Accepted),
        ("2", Answer::Repeat),
        ("1", Answer::Accepted),
    ] {
        assert_eq!(offer(event), expected, "{event}");
    }
    let said: Vec<String> = service.said.lock().unwrap().clone();
    let said: Vec<&String> = said
        .iter()
        .filter(|text| text.contains("the last name was a."))
        .collect();
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].starts_with("1 batch came under the name of another one"));
    service.end().unwrap();
    let marked = bench
        .texts()
        .into_iter()
        .map(|line| line.contains("\"repeat\":\"suspected\""));
    assert_eq!(bench.events(), ["1", "2", "1"]);
    assert_eq!(marked.collect::<Vec<bool>>(), [false, true, true]);
    // Other runs know it as well.
    for event in ["3", "4"] {
        for expected in [Answer::Accepted, Answer::Repeat] {
            let service = Service::start(&bench, u64::MAX);
            let offered = service.offer_as(Some("a"), event).recv();
            assert_eq!(offered, Ok(expected), "{event}");
            service.end().unwrap();
        }
        assert_eq!(bench.events().pop().unwrap(), event);
        let last = bench.texts().pop().unwrap();
        assert!(last.contains("\"repeat\":\"suspected\""), "{last}");
    }
}

/// A file of the spool that a segment waits in has the events, and the files of names have their sums.
#[test]
fn batch_under_the_name_of_one_that_waits_is_kept_by_the_next_run() {
    let bench = Bench::new();
    let service = Service::start(&bench, u64::MAX);
    bench.store.set(Mood::Away);
    assert_eq!(
        service.offer_as(Some("a"), "1").recv(),
        Ok(Answer::Accepted)
    );
    assert!(service.end().is_err());
    let service = Service::start(&bench, u64::MAX);
    for (event, expected) in [
        ("1", Answer::Repeat),
        ("2", Answer::Accepted),
        ("2", Answer::Repeat),
    ] {
        let offered = service.offer_as(Some("a"), event).recv();
        assert_eq!(offered, Ok(expected), "{event}");
    }
    bench.store.set(Mood::Honest);
    service.end().unwrap();
    assert_eq!(bench.events(), ["1", "2"]);
}

/// Some senders give a chunk a new id each time they send it, and others give none.
#[test]
fn chunk_of_a_known_content_is_kept_and_marked_whatever_its_id_is() {
    let bench = Bench::new();
    let hash = |digit: &str| digit.repeat(32);
    let offer = |service: &Service, id: &str, naming, digit: &str| {
        let name = format!("{id}:{}", hash(digit));
        service
            .offer_with(Some(&name), naming, &format!("\"{digit}\""))
            .recv()
    };
    let (once, may_be_again) = (Naming::Chunk, Naming::Content);
    let service = Service::start(&bench, u64::MAX);
    for (id, naming, digit, expected) in [
        ("first", once, "a", Answer::Accepted),
        ("first", once, "a", Answer::Repeat),
        ("second", once, "a", Answer::Accepted),
        ("second", once, "a", Answer::Repeat),
        ("forward", may_be_again, "a", Answer::Accepted),
        // A sender that never sends anything twice is never marked, with ids and without.
        ("first", once, "b", Answer::Accepted),
        ("forward", may_be_again, "c", Answer::Accepted),
        ("forward", may_be_again, "d", Answer::Accepted),
        ("forward", may_be_again, "c", Answer::Accepted),
        ("third", once, "d", Answer::Accepted),
        // Keys of requests that end like this are names of their own.
        ("create", Naming::Unique, "e", Answer::Accepted),
        ("delete", Naming::Unique, "e", Answer::Accepted),
    ] {
        assert_eq!(
            offer(&service, id, naming, digit),
            Ok(expected),
            "{id} {digit}"
        );
    }
    service.end().unwrap();
    // Also after a restart.
    let service = Service::start(&bench, u64::MAX);
    assert_eq!(offer(&service, "fourth", once, "b"), Ok(Answer::Accepted));
    service.end().unwrap();
    let marked: Vec<String> = bench
        .texts()
        .into_iter()
        .zip(bench.events())
        .filter(|(line, _)| line.contains("\"repeat\":\"suspected\""))
        .map(|(_, event)| event)
        .collect();
    assert_eq!(marked, ["\"a\"", "\"a\"", "\"c\"", "\"d\"", "\"b\""]);
}
