//! One log of the service, on a thread of its own: finds its head, takes batches, and tries again where something can be mended.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use auditlog_sealer::error::{Cause, Error, MachineError, Trouble};
use auditlog_sealer::follow::{Memory, Remembering};
use auditlog_sealer::seal::{Notice, Sealer};
use auditlog_sealer::service::{Ack, Answer, Offer, Part, Status, Writer};
use auditlog_sealer::spool::Peek;
use tokio::sync::mpsc::UnboundedSender;

use super::append::{Prepared, named_log, prepare_with, spool_identity};
use super::arguments::{AppendArguments, Now};
use super::keeper::{Keeper, Watched};
use super::report::notice_of;

/// Between two attempts to find the head of a log.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// How long the thread waits at most before it looks whether the service is ending.
const LOOK: Duration = Duration::from_millis(200);

/// One log of the service.
pub(super) struct OneLog {
    /// Its name, where there are several.
    pub(super) label: Option<String>,
    pub(super) arguments: AppendArguments,
    pub(super) ack: Ack,
    pub(super) spool_max: u64,
    /// How far names of batches are read back from a log that the spool has not seen.
    pub(super) names_hours: i64,
    pub(super) offers: Receiver<Offer>,
    pub(super) status: Arc<Status>,
    pub(super) ending: Arc<AtomicBool>,
    /// How often somebody has asked for the policy and the keys to be read again.
    pub(super) asked: Arc<AtomicU64>,
    pub(super) now: Now,
}

/// A log that has stopped.
pub(super) struct Ended {
    pub(super) label: Option<String>,
    pub(super) origin: String,
    pub(super) done: Result<(), Error>,
}

/// Ends the keeper with what it keeps.
struct Ending(Arc<AtomicBool>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Says of a log that it has stopped, also where its thread has panicked.
struct Farewell {
    to: UnboundedSender<Ended>,
    label: Option<String>,
    status: Arc<Status>,
    done: Option<Result<(), Error>>,
}

impl Drop for Farewell {
    fn drop(&mut self) {
        let done = self.done.take();
        let done = done.unwrap_or_else(|| Err(MachineError::Stopped.into()));
        self.status.set(Part::Accepting, Some(stopped(&done)));
        // A restart by the watchdog would not mend this log, and would stop the others.
        self.status.rests();
        // A service that was stopped in another way has ended.
        _ = self.to.send(Ended {
            label: self.label.take(),
            origin: self.status.origin(),
            done,
        });
    }
}

impl OneLog {
    /// Starts its thread.
    pub(super) fn start(self, tell: UnboundedSender<Ended>) -> Result<(), Error> {
        let builder = thread::Builder::new().name("chain".to_owned());
        let run = move || {
            let mut farewell = Farewell {
                to: tell,
                label: self.label.clone(),
                status: Arc::clone(&self.status),
                done: None,
            };
            farewell.done = Some(self.run());
            drop(farewell);
            // A log that has stopped at its start may have something that waits, too.
            if !self.status.knows_what_waits() {
                self.look_into_spool(None);
            }
        };
        builder.spawn(run).map_err(MachineError::NoThread)?;
        Ok(())
    }

    /// Runs until the service ends, or the log cannot go on without a person.
    fn run(&self) -> Result<(), Error> {
        let (mut pause, mut peek) = (FIRST_PAUSE, None);
        loop {
            let begun = Instant::now();
            match self.attempt() {
                Err(error) if error.can_be_mended() && !self.is_ending() => {
                    if begun.elapsed() > LONGEST_PAUSE {
                        pause = FIRST_PAUSE;
                    }
                    self.refuse(&error);
                    peek = self.look_into_spool(peek);
                    self.rest(pause);
                    pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
                }
                done => return done,
            }
        }
    }

    fn attempt(&self) -> Result<(), Error> {
        let notify = Arc::new(notice_of(self.label.clone(), Arc::clone(&self.status)));
        let before = Watched::look(&self.arguments, &self.asked, self.now);
        self.find_origin()?;
        let (prepared, ()) = prepare_with(&self.arguments, self.now, notify, |_| Ok(()))?;
        let Prepared {
            setup,
            spool,
            max_age,
        } = prepared;
        self.status.found_waiting(spool.kept(), (self.now)());
        let clock = Arc::clone(&setup.clock);
        let (tell, updates) = channel();
        let keeper = Keeper {
            arguments: self.arguments.clone(),
            now: self.now,
            setup: setup.clone(),
            status: Arc::clone(&self.status),
            tell,
            asked: Arc::clone(&self.asked),
            stop: Arc::new(AtomicBool::new(false)),
            before,
        };
        let _ending = Ending(Arc::clone(&keeper.stop));
        let has_seen = spool.stored_head()?.is_some();
        let mut sealer = Sealer::find(setup, spool)?;
        let is_new = !has_seen && sealer.stored().is_some();
        if is_new {
            let since = sealer.read_names(self.names_hours.saturating_mul(3600))?;
            // The next attempt may find that the spool knows the log by then.
            sealer.spool().lose_memory((self.now)(), since)?;
        }
        sealer.take_up_earlier()?;
        // After another attempt of this process, the spool has seen the log.
        let before = self.status.remembering();
        let was_new = before.is_some_and(|known| known.memory == Memory::Lost);
        self.status.remembers(Remembering {
            inputs: sealer.spool().inputs(),
            memory: if is_new || was_new {
                Memory::Lost
            } else {
                Memory::Kept
            },
        });
        keeper.start()?;
        let writer = Writer {
            sealer,
            offers: &self.offers,
            updates: &updates,
            ages: max_age.into(),
            ack: self.ack,
            spool_max: self.spool_max,
            clock,
            status: Arc::clone(&self.status),
            ending: Arc::clone(&self.ending),
        };
        writer.run()
    }

    /// The origin is known before a key or a service is asked, which may take long or fail.
    pub(super) fn find_origin(&self) -> Result<(), Error> {
        let (log, _) = named_log(&self.arguments, self.now)?;
        self.status.set_origin(log.origin.as_str());
        Ok(())
    }

    /// What was accepted before waits also while the log cannot start.
    fn look_into_spool(&self, before: Option<Peek>) -> Option<Peek> {
        let named = named_log(&self.arguments, self.now).ok();
        let peek = named.and_then(|(log, destination)| {
            let identity = spool_identity(&log, &destination);
            Peek::into_spool(self.arguments.spool.as_deref()?, &identity, before)
        });
        match &peek {
            Some(peek) => self.status.found_waiting(peek.kept(), (self.now)()),
            None => self.status.waiting_is_unknown(),
        }
        peek
    }

    fn is_ending(&self) -> bool {
        self.ending.load(Ordering::SeqCst)
    }

    /// Says why nothing is taken, once for each cause.
    fn refuse(&self, error: &Error) {
        if self.status.refuses(Trouble::of(error)) {
            notice_of(self.label.clone(), Arc::clone(&self.status))(Notice::Refuses {
                reason: error.with_hint(),
                cause: Trouble::of(error).cause,
            });
        }
    }

    /// Waits before the next attempt. Whoever has offered something meanwhile is asked to come again later.
    fn rest(&self, pause: Duration) {
        let begun = Instant::now();
        while begun.elapsed() < pause && !self.is_ending() {
            match self.offers.recv_timeout(LOOK) {
                Ok(offer) => (offer.answer)(Answer::Stopped),
                Err(RecvTimeoutError::Timeout) => {}
                // The service is ending, and says so soon.
                Err(RecvTimeoutError::Disconnected) => thread::sleep(LOOK),
            }
        }
    }
}

fn stopped(done: &Result<(), Error>) -> Trouble {
    match done {
        Ok(()) => Trouble {
            cause: Cause::Other,
            reason: "the service is ending".to_owned(),
        },
        Err(error) => Trouble {
            reason: format!("the log has stopped: {error}"),
            ..Trouble::of(error)
        },
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc::unbounded_channel;

    use super::*;

    #[test]
    fn log_whose_thread_has_panicked_is_shown_as_stopped() {
        let status = Arc::new(Status::new("log"));
        status.set(Part::Accepting, None);
        let (tell, mut told) = unbounded_channel();
        let farewell = Farewell {
            to: tell,
            label: None,
            status: Arc::clone(&status),
            done: None,
        };
        let panics = thread::spawn(move || {
            let _farewell = farewell;
            panic!("as a bug does");
        });
        assert!(panics.join().is_err());
        let expected = "the log has stopped: a thread of the service has ended unexpectedly";
        assert_eq!(status.trouble().as_deref(), Some(expected));
        assert!(status.is_alive(Duration::ZERO));
        let ended = told.try_recv().unwrap();
        let hint = ended.done.unwrap_err().hint();
        let expected = "what was accepted is in the spool: start the service again";
        assert_eq!(hint.as_deref(), Some(expected));
    }
}
