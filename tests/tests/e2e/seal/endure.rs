//! One service over a long time: a steady load, an outage of the store and of KMS, faults of each kind on every way to them, and the steady load
//! again. Every event that was acknowledged is in the bucket once, and memory and handles are at the end what they were at the beginning.
//!
//! CI runs a minute of faults, and some seconds of each of the others. `make soak` asks for more: `AUDITLOG_STEADY_SECONDS`, `AUDITLOG_OUTAGE_SECONDS` and `AUDITLOG_FAULT_SECONDS`;
//! `AUDITLOG_FAULT_SEED` asks for other faults. Before it looks at the memory for hours, it sends `AUDITLOG_WARM_BATCHES` as fast as it can:
//! every 131,072 chunks, their names are sorted into a file. The memory grows until that has happened a few times, since what is freed then is
//! not given back at once, and not from then on.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use auditlog_tests::{Answer as Reply, Fault, Proxy};

use crate::seal::bench::ORIGIN;
use crate::seal::crowd::{handles, memory_kib};
use crate::seal::keeper::World;
use crate::seal::random::{Random, asked};
use crate::seal::senders::{Answer, Forward};
use crate::seal::service::{Service, free_port};

const SENDERS: u64 = 3;

/// Between two chunks of a sender.
const PACE: Duration = Duration::from_millis(20);

/// Between two looks at a service.
const LOOK: Duration = Duration::from_millis(250);

/// How long a queue may take to be stored once all is well again.
const PATIENCE: Duration = Duration::from_mins(2);

/// More than this is more than chance, in KiB: names of batches are remembered, and the memory of what was freed is not given back at once.
const MEMORY_TOLERANCE_KIB: u64 = 16 << 10;
const HANDLES_TOLERANCE: usize = 8;

/// Senders, and the number of the next event.
struct Load {
    at: SocketAddr,
    next: AtomicU32,
    /// Whether senders wait between two chunks.
    paced: AtomicBool,
    stop: AtomicBool,
}

impl Load {
    /// Sends chunks, each until it is acknowledged. Of five acknowledgements, one is lost.
    fn send(&self, sender: u64) {
        let mut random = Random::new(sender);
        let mut forward = Forward::to(self.at);
        for chunk in 0_u64.. {
            if self.stop.load(Ordering::SeqCst) {
                return;
            }
            let count = 1 + u32::try_from(random.below(20)).unwrap();
            let first = self.next.fetch_add(count, Ordering::SeqCst);
            let events: Vec<u32> = (first..first + count).collect();
            let id = u128::from(sender) << 64 | u128::from(chunk);
            let mut answer = || match random.below(5) {
                0 => Answer::Lost,
                _ => Answer::Awaited,
            };
            while !forward.sends(id, &events, answer()) {
                thread::sleep(PACE);
            }
            if self.paced.load(Ordering::SeqCst) {
                thread::sleep(PACE);
            }
        }
    }
}

/// What a service takes at a moment.
struct Sample {
    memory_kib: u64,
    handles: usize,
}

/// Looks at a service for so long. Its memory is at no moment more than it may be.
fn watch(service: &Service, way: &Proxy, seconds: u64) -> Vec<Sample> {
    let (begun, mut samples) = (Instant::now(), Vec::new());
    while begun.elapsed() < Duration::from_secs(seconds) {
        let process = service.child.id();
        let memory_kib = memory_kib(process, "VmRSS");
        assert!(memory_kib < 256 << 10, "{memory_kib} KiB");
        let handles = handles(process);
        samples.push(Sample {
            memory_kib,
            handles,
        });
        // The way would remember each request.
        way.forget();
        thread::sleep(LOOK);
    }
    samples
}

/// The middle of what was seen in a part of the time.
fn middle(samples: &[Sample]) -> (u64, usize) {
    let mut memory: Vec<u64> = samples.iter().map(|of| of.memory_kib).collect();
    let mut handles: Vec<usize> = samples.iter().map(|of| of.handles).collect();
    memory.sort_unstable();
    handles.sort_unstable();
    (memory[memory.len() / 2], handles[handles.len() / 2])
}

#[track_caller]
fn must_be_flat(earlier: &[Sample], later: &[Sample]) {
    let ((memory, handles), (later_memory, later_handles)) = (middle(earlier), middle(later));
    println!("{memory} KiB and {handles} handles, then {later_memory} KiB and {later_handles}");
    assert!(
        later_memory <= memory + MEMORY_TOLERANCE_KIB,
        "memory grows: {memory} KiB, then {later_memory} KiB"
    );
    assert!(
        later_handles <= handles + HANDLES_TOLERANCE,
        "handles grow: {handles}, then {later_handles}"
    );
}

/// Waits until no more than the last segments wait.
#[track_caller]
fn until_drained(service: &Service) {
    let begun = Instant::now();
    let waiting = || service.metric("waiting_segments").unwrap_or(u64::MAX);
    while waiting() > 3 {
        assert!(begun.elapsed() < PATIENCE, "{} segments wait", waiting());
        thread::sleep(LOOK);
    }
}

/// What goes wrong with a request to S3, whose operation is empty, or to KMS.
fn fault(random: &mut Random, method: &str, operation: &str) -> Option<Fault> {
    let is_put = method == "PUT";
    Some(match random.below(16) {
        0 => Fault::HangUp,
        1 => Fault::CutRequest,
        2 => Fault::LoseAnswer,
        3 => Fault::CutAnswer,
        4 => Fault::HoldAnswer,
        5 => Fault::Trickle(Duration::from_millis(random.below(4))),
        6 if operation.is_empty() => Fault::Answer(Reply::SLOW_DOWN),
        6 => Fault::Answer(Reply::kms_refusal("400 Bad Request", "ThrottlingException")),
        7 => Fault::Answer(Reply::empty("503 Service Unavailable")),
        8 if is_put => Fault::Answer(Reply::refusal(
            "412 Precondition Failed",
            "PreconditionFailed",
        )),
        9 if is_put => Fault::Answer(Reply::refusal("409 Conflict", "ConditionalRequestConflict")),
        8 | 9 if operation.is_empty() => {
            Fault::Answer(Reply::refusal("500 Internal Server Error", "InternalError"))
        }
        8 | 9 => Fault::Answer(Reply::kms_refusal(
            "500 Internal Server Error",
            "KMSInternalException",
        )),
        _ => return None,
    })
}

#[test]
fn outage_and_faults_under_load_lose_and_double_nothing_and_leave_memory_and_handles_flat() {
    let steady = asked("AUDITLOG_STEADY_SECONDS", 4);
    let outage = asked("AUDITLOG_OUTAGE_SECONDS", 4);
    let faulty = asked("AUDITLOG_FAULT_SECONDS", 60);
    let warm = asked("AUDITLOG_WARM_BATCHES", 0);
    let mut random = Random::new(asked("AUDITLOG_FAULT_SEED", 1));
    let world = World::new();
    let (bench, way) = (&world.remote.bench, &world.remote.way);
    let key = world.key();
    world.give(&world.policy(&key).to_string());
    let path = |name: &str| bench.path(name).display().to_string();
    // A segment of a listing takes its time, and so does one of a request.
    let segment_seconds = 1 + (2 * steady + outage + faulty) / 600;
    let logs = format!(
        "[[logs]]\npolicy = \"{}\"\nspool = \"{}\"\nmax_segment_seconds = {segment_seconds}\ntimeout = 1\n",
        path("policy.json"),
        path("spool")
    );
    let forward = free_port();
    let inputs = format!("\n[[forward]]\nlisten = \"{forward}\"\n");
    let mut service = Service::of_logs_with(bench, &logs, &inputs, &world.environment);
    service.until_ready();
    let load = Load {
        at: forward,
        next: AtomicU32::new(0),
        paced: AtomicBool::new(warm == 0),
        stop: AtomicBool::new(false),
    };
    let (first, last) = thread::scope(|scope| {
        for sender in 0..SENDERS {
            let load = &load;
            scope.spawn(move || load.send(sender));
        }
        while service.metric("accepted_batches_total").unwrap() < warm {
            _ = watch(&service, way, 1);
        }
        load.paced.store(true, Ordering::SeqCst);
        let first = watch(&service, way, steady);
        // Nothing is answered, and more and more waits.
        way.from_now_on("", "", Fault::HangUp);
        _ = watch(&service, way, outage);
        let waiting = service.metric("waiting_segments").unwrap();
        assert!(waiting >= 2, "{waiting} segments wait");
        assert_eq!(service.get("/readyz").unwrap().status, 200);
        way.heal();
        until_drained(&service);
        way.decide(move |method, operation| fault(&mut random, method, operation));
        let before = way.faults();
        _ = watch(&service, way, faulty);
        way.heal();
        println!("{} faults", way.faults() - before);
        until_drained(&service);
        let last = watch(&service, way, steady);
        load.stop.store(true, Ordering::SeqCst);
        (first, last)
    });
    let metric = |name: &str| service.metric(name).unwrap();
    for cause in ["store", "kms", "key", "other"] {
        let name = format!("problem{{log=\"{ORIGIN}\",cause=\"{cause}\"}}");
        assert_eq!(metric(&name), 0, "{cause}");
    }
    println!("{} batches came again", metric("repeated_batches_total"));
    service.end().ok();
    let verify = auditlog_tests::command("auditlog-verify").envs(world.remote.endpoint.env());
    let verify = verify.arg("--policy").arg(bench.path("policy.json"));
    verify.run().ok();
    let sent = load.next.load(Ordering::SeqCst);
    let mut times = vec![0; usize::try_from(sent).unwrap()];
    for event in world.events() {
        let (_, id) = event.split_once("\"record\":{\"id\":").unwrap();
        let id: usize = id.trim_end_matches('}').parse().unwrap();
        times[id] += 1;
    }
    let wrong: Vec<_> = (0..sent)
        .zip(&times)
        .filter(|(_, times)| **times != 1)
        .collect();
    assert!(
        wrong.is_empty(),
        "{} of {sent}, such as {:?}",
        wrong.len(),
        wrong.first()
    );
    println!("{sent} events, each of them once");
    // Judged last, so that what was lost or doubled is named in any case.
    let half = last.len() / 2;
    must_be_flat(&last[..half], &last[half..]);
    must_be_flat(&first, &last);
}
