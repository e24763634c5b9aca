//! A service that is killed over and over under the load of several senders, over Forward and over HTTP: each sends its batches until they are
//! acknowledged, one after the other, and loses one of five acknowledgements. In the end, the log has each event once, in the order of its
//! sender.
//!
//! Half of the kills come at some moment. The others are aimed at a system call, in turn, as those of `append` are (`seal::kills`). Every other
//! service acknowledges what is in the store.
//!
//! `AUDITLOG_SERVICE_KILLS` asks for more of them, `AUDITLOG_KILL_SEED` for others.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt as _;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::seal::bench::{Bench, signal};
use crate::seal::kills::{TARGETS, aimed};
use crate::seal::random::{Random, asked};
use crate::seal::senders::{Answer, Forward, http};
use crate::seal::service::{Service, TOKEN, free_port, into_folder, table_of, token};

/// Kills in one log. A longer one is read for longer at each start.
const KILLS_A_LOG: u64 = 100;

/// The first ones send over Forward, the others over HTTP.
const SENDERS: usize = 5;
const OVER_FORWARD: usize = 3;

/// Events have numbers. Each sender has a range of its own.
const RANGE: u32 = 1_000_000;

/// Between two attempts of a sender.
const PACE: Duration = Duration::from_millis(5);

/// A kill that is aimed comes after so many of all calls at most, of whatever they are for.
const PATIENCE: Duration = Duration::from_mins(2);

/// All senders, and how many events each has begun to send.
struct Load {
    seed: u64,
    http: SocketAddr,
    forward: SocketAddr,
    sent: [AtomicU32; SENDERS],
    /// No more batches are begun.
    stop: AtomicBool,
    /// Nothing is sent any more.
    over: AtomicBool,
}

/// A test that fails waits for no sender.
struct Over<'l>(&'l Load);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.over.store(true, Ordering::SeqCst);
    }
}

impl Load {
    /// Sends batches, each until it is acknowledged.
    fn send(&self, sender: usize) {
        let mut random = Random::new(self.seed ^ (sender as u64 + 1));
        let mut forward = Forward::to(self.forward);
        for batch in 0_u32.. {
            if self.stop.load(Ordering::SeqCst) {
                return;
            }
            let count = 1 + u32::try_from(random.below(20)).unwrap();
            let first = self.sent[sender].fetch_add(count, Ordering::SeqCst);
            let begin = u32::try_from(sender).unwrap() * RANGE + first;
            let events: Vec<u32> = (begin..begin + count).collect();
            let name = format!("{sender}-{batch}");
            let id = (sender as u128) << 64 | u128::from(batch);
            loop {
                let answer = match random.below(5) {
                    0 => Answer::Lost,
                    _ => Answer::Awaited,
                };
                let is_acknowledged = if sender < OVER_FORWARD {
                    forward.sends(id, &events, answer)
                } else {
                    http(self.http, TOKEN, &name, &lines(&events), answer)
                };
                thread::sleep(PACE);
                if is_acknowledged {
                    break;
                }
                if self.over.load(Ordering::SeqCst) {
                    return;
                }
            }
        }
    }

    /// All numbers, in the order of each sender.
    fn expected(&self) -> Vec<Vec<u32>> {
        let senders = (0..).zip(&self.sent);
        let numbers = senders.map(|(sender, sent)| {
            let begin = sender * RANGE;
            (begin..begin + sent.load(Ordering::SeqCst)).collect()
        });
        numbers.collect()
    }
}

fn lines(events: &[u32]) -> String {
    let line = |number: &u32| format!("{{\"record\":{{\"id\":{number}}}}}\n");
    events.iter().map(line).collect()
}

/// The numbers that are in the log, by their sender, in its order.
fn found(bench: &Bench) -> Vec<Vec<u32>> {
    let mut found = vec![Vec::new(); SENDERS];
    for event in bench.verified() {
        let event: Value = serde_json::from_str(&event).unwrap();
        let number = u32::try_from(event["record"]["id"].as_u64().unwrap()).unwrap();
        found[usize::try_from(number / RANGE).unwrap()].push(number);
    }
    found
}

/// One log, and the services that write to it one after the other.
struct Story<'s> {
    bench: &'s Bench,
    load: &'s Load,
    random: Random,
    aims: usize,
    /// How often a kill met its target.
    met: BTreeMap<&'static str, u64>,
}

impl Story<'_> {
    fn service(&mut self, aim: Option<(&str, u64)>) -> Service {
        let ack = ["synced", "stored"][usize::try_from(self.random.below(2)).unwrap()];
        let table = table_of(self.bench, "", "policy.json", "spool");
        let folder = into_folder(self.bench);
        let log = format!("{table}{folder}\nmax_segment_events = 400\nack = \"{ack}\"\n");
        let forward = self.load.forward;
        let inputs = format!(
            "{}\n[[forward]]\nlisten = \"{forward}\"\n",
            token(self.bench)
        );
        std::fs::write(self.bench.path("token"), TOKEN).unwrap();
        Service::run_at(
            self.load.http,
            self.bench,
            &log,
            &inputs,
            &[],
            |command| match aim {
                Some((call, nth)) => aimed(command, call, nth, "signal=KILL"),
                None => command,
            },
        )
    }

    /// Kills a service at some moment, also while it starts.
    fn killed_at_some_moment(&mut self) {
        let mut service = self.service(None);
        self.random.pause(300);
        signal(&service.child, "KILL");
        must_be_killed(&mut service);
    }

    /// The same as it enters some system call.
    fn killed_at_a_call(&mut self) {
        let (call, calls) = TARGETS[self.aims % TARGETS.len()];
        self.aims += 1;
        let nth = 1 + self.random.below(calls).min(self.random.below(calls));
        let mut service = self.service(Some((call, nth)));
        must_be_killed(&mut service);
        *self.met.entry(call).or_default() += 1;
    }
}

/// Waits for the end of a service, which no other end is than by the signal: `strace` ends as what it traces.
#[track_caller]
fn must_be_killed(service: &mut Service) {
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = service.child.try_wait().unwrap() {
            break status;
        }
        assert!(begun.elapsed() < PATIENCE, "it goes on");
        thread::sleep(PACE);
    };
    assert_eq!(status.signal(), Some(9), "{status}");
}

#[test]
fn killed_over_and_over_under_the_load_of_several_senders_each_event_is_there_once() {
    let kills = asked("AUDITLOG_SERVICE_KILLS", 200);
    let seed = asked("AUDITLOG_KILL_SEED", 1);
    let (mut met, mut events) = (BTreeMap::<&str, u64>::new(), 0);
    for log in 0..kills.div_ceil(KILLS_A_LOG) {
        let bench = Bench::new();
        let seed = seed.wrapping_mul(1_000_003).wrapping_add(log);
        let load = Load {
            seed,
            http: free_port(),
            forward: free_port(),
            sent: [const { AtomicU32::new(0) }; SENDERS],
            stop: AtomicBool::new(false),
            over: AtomicBool::new(false),
        };
        let mut story = Story {
            bench: &bench,
            load: &load,
            random: Random::new(seed),
            aims: 0,
            met: BTreeMap::new(),
        };
        thread::scope(|scope| {
            let _over = Over(&load);
            let load = &load;
            let senders: Vec<_> = (0..SENDERS)
                .map(|sender| scope.spawn(move || load.send(sender)))
                .collect();
            for kill in 0..kills.min(KILLS_A_LOG) {
                match kill % 2 {
                    0 => story.killed_at_some_moment(),
                    _ => story.killed_at_a_call(),
                }
            }
            let mut service = story.service(None);
            service.until_ready();
            load.stop.store(true, Ordering::SeqCst);
            for sender in senders {
                sender.join().unwrap();
            }
            service.end().ok();
        });
        let (found, expected) = (found(&bench), load.expected());
        for (sender, (found, expected)) in found.iter().zip(&expected).enumerate() {
            let at = found
                .iter()
                .zip(expected)
                .position(|(one, other)| one != other);
            assert!(
                found == expected,
                "log {log}, sender {sender}: {} of {} events, the first that differs is {at:?}",
                found.len(),
                expected.len()
            );
            events += expected.len();
        }
        for (call, count) in story.met {
            *met.entry(call).or_default() += count;
        }
    }
    println!("{events} events, {kills} kills, of which these met a system call: {met:?}");
    for (call, _) in TARGETS.iter().take(usize::try_from(kills / 2).unwrap()) {
        assert!(met.contains_key(call), "no kill met {call}: {met:?}");
    }
}
