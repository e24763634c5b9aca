//! A service whose disk fails once while segments are chained again: it accepts more, the machine stops, and nothing that was accepted
//! is lost.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use auditlog_chain::keys::KeySpec;
use auditlog_sealer::error::Error;
use auditlog_sealer::seal::{Naming, Notice, Sealer, Setup};
use auditlog_sealer::service::{Ack, Ages, Answer, Intake, Offer, Status, Writer};
use auditlog_sealer::signer::{LocalKey, Signer};

use crate::again::{RETIRED, batch_of, finish_with, left_behind, rotated, spool};
use crate::disk::{Loss, Machine};
use crate::{EVENTS, World};

/// One machine, and what outlives it.
#[derive(Clone)]
struct Story {
    world: World,
    machine: Machine,
    next: Arc<Signer>,
    /// Whether segments were chained again.
    is_chained: Arc<AtomicBool>,
    ending: Arc<AtomicBool>,
}

impl Story {
    /// One attempt of the service.
    fn attempt(&self, offers: &Receiver<Offer>) -> Result<(), Error> {
        let is_chained = Arc::clone(&self.is_chained);
        let setup = Setup {
            notify: Arc::new(move |notice| {
                let is_it = matches!(notice, Notice::ChainedAgain { .. });
                is_chained.fetch_or(is_it, Ordering::SeqCst);
            }),
            ..rotated(&self.world, &self.machine, &self.next)
        };
        let clock = Arc::clone(&setup.clock);
        let mut sealer = Sealer::find(setup, spool(&self.machine)?)?;
        sealer.take_up_earlier()?;
        let (_tell, updates) = channel();
        let writer = Writer {
            sealer,
            offers,
            updates: &updates,
            ages: Ages {
                open_seconds: 1_000_000,
                silent_seconds: None,
            },
            ack: Ack::Synced,
            spool_max: u64::MAX,
            clock,
            status: Arc::new(Status::new("log")),
            ending: Arc::clone(&self.ending),
        };
        writer.run()
    }

    /// Tries again as a service does.
    fn serve(&self, offers: &Receiver<Offer>) {
        while let Err(error) = self.attempt(offers) {
            if self.ending.load(Ordering::SeqCst) {
                return;
            }
            assert!(error.can_be_mended(), "{error}");
        }
    }

    /// Sends one more event, until it is acknowledged.
    fn send(intake: &Intake) {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().build().unwrap();
        let mut answer = None;
        while !matches!(answer, Some(Answer::Accepted | Answer::Repeat)) {
            let (source, name, events) = batch_of(EVENTS);
            let (tell, told) = channel();
            let offer = Offer {
                source,
                name,
                naming: Naming::Unique,
                events,
                reached: None,
                since: Instant::now(),
                answer: Box::new(move |answer| _ = tell.send(answer)),
                permit: None,
            };
            let offered = runtime.block_on(intake.offer(offer, Duration::from_secs(5)));
            assert!(offered.is_ok());
            answer = told.recv().ok();
        }
    }

    /// The service runs until one more event is acknowledged, and the machine stops there.
    fn run(&self) {
        let (intake, offers) = Intake::new();
        thread::scope(|scope| {
            scope.spawn(move || self.serve(&offers));
            let begun = Instant::now();
            while !self.is_chained.load(Ordering::SeqCst) && !self.machine.has_failed() {
                assert!(begun.elapsed() < Duration::from_mins(1));
                thread::sleep(Duration::from_millis(1));
            }
            Self::send(&intake);
            self.machine.stop_after(0);
            self.ending.store(true, Ordering::SeqCst);
            drop(intake);
        });
    }
}

#[test]
fn disk_that_fails_once_while_segments_are_chained_again_loses_nothing_that_is_accepted_then() {
    let next = LocalKey::generate(KeySpec::EccNistEdwards25519).unwrap();
    let next = Arc::new(Signer::Local(next));
    let before = World::new();
    let machine = left_behind(&before, &next);
    before.clock_is_at(RETIRED + 1);
    let begin = || Story {
        world: before.copy(),
        machine: machine.restarted(Loss::Nothing),
        next: Arc::clone(&next),
        is_chained: Arc::default(),
        ending: Arc::default(),
    };
    let well = begin();
    well.run();
    let calls = well.machine.calls();
    assert!(calls > 30, "{calls} calls");
    let failing = Mutex::new(0..calls);
    let tell = || {
        while let Some(failing) = { failing.lock().unwrap().next() } {
            let story = begin();
            story.machine.fail_once_after(failing);
            story.run();
            for loss in [Loss::Nothing, Loss::Unsynced] {
                let world = story.world.copy();
                let again = story.machine.restarted(loss);
                let told = format!("failed at call {failing}, lost {loss:?}");
                let run = finish_with(EVENTS + 1, &world, &again, &next);
                run.unwrap_or_else(|error| panic!("{told}: {error}"));
                world.has_events(EVENTS + 1, &told);
            }
        }
    };
    // They wait for the most part.
    thread::scope(|scope| {
        for _ in 0..32 {
            scope.spawn(tell);
        }
    });
}
