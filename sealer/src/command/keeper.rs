//! Keeps one log of the service up to date: reads the policy and the keys again when they change, and looks at the bucket's lock.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::thread;
use std::time::{Duration, Instant};

use auditlog_sealer::error::{Error, MachineError, PolicyError, Trouble};
use auditlog_sealer::seal::{Notice, Renewal, Setup};
use auditlog_sealer::service::{Ages, Part, Status, Update};
use auditlog_sealer::store::WeakDefault;

use super::append::{keys_at, renewal};
use super::arguments::{AppendArguments, Now};

/// Between two looks at the files.
const LOOK: Duration = Duration::from_millis(500);

/// Between two looks at the bucket's lock, while all is well and while it is not.
const LOCK_CHECK: Duration = Duration::from_mins(15);
const LOCK_CHECK_AGAIN: Duration = Duration::from_secs(30);

/// Between two attempts to use keys whose service does not answer.
const TRY_AGAIN: Duration = Duration::from_secs(10);

/// Keeps one log up to date.
pub(super) struct Keeper {
    pub(super) arguments: AppendArguments,
    pub(super) now: Now,
    /// What counts now.
    pub(super) setup: Setup,
    pub(super) status: Arc<Status>,
    pub(super) tell: Sender<Update>,
    /// How often somebody has asked for all to be read again.
    pub(super) asked: Arc<AtomicU64>,
    pub(super) stop: Arc<AtomicBool>,
}

/// What a file was when it was looked at; `None` where it cannot be.
type Seen = Option<(u64, u64, i64, i64)>;

/// What decides whether all is read again.
#[derive(Clone, PartialEq, Eq)]
struct State {
    files: Vec<Seen>,
    keys: Vec<String>,
    asked: u64,
}

impl Keeper {
    pub(super) fn start(self) -> Result<(), Error> {
        let builder = thread::Builder::new().name("keeper".to_owned());
        builder
            .spawn(move || self.run())
            .map_err(MachineError::NoThread)?;
        Ok(())
    }

    fn run(mut self) {
        let mut state = self.state();
        let (mut tried, mut again) = (Instant::now(), false);
        let (mut asked_lock, mut weak) = (Instant::now(), self.setup.store.weak_default());
        while !self.stop.load(Ordering::SeqCst) {
            let found = self.state();
            if found != state || (again && tried.elapsed() >= TRY_AGAIN) {
                again = self.renew(found.asked != state.asked);
                (state, tried) = (self.state_with(found), Instant::now());
            }
            let is_well = self.status.trouble_of(Part::Locking).is_none();
            let pause = if is_well {
                LOCK_CHECK
            } else {
                LOCK_CHECK_AGAIN
            };
            if asked_lock.elapsed() >= pause {
                self.check_lock(&mut weak);
                asked_lock = Instant::now();
            }
            thread::sleep(LOOK);
        }
    }

    fn state(&self) -> State {
        let arguments = &self.arguments;
        let files = [
            arguments.policy.as_deref(),
            arguments.key.key_file.as_deref(),
            arguments.previous_key_file.as_deref(),
        ];
        State {
            files: files.into_iter().flatten().map(look).collect(),
            keys: keys_at(&self.setup, (self.now)()),
            asked: self.asked.load(Ordering::SeqCst),
        }
    }

    /// The keys are those of the policy that counts now.
    fn state_with(&self, found: State) -> State {
        State {
            keys: keys_at(&self.setup, (self.now)()),
            ..found
        }
    }

    /// Reads all again, and hands it on if it can be used. Says whether to try again soon.
    fn renew(&mut self, was_asked: bool) -> bool {
        match renewal(&self.arguments, self.now, &self.setup) {
            Ok((renewal, ages)) => {
                self.status.set(Part::Renewing, None);
                self.hand_on(renewal, ages.into());
                false
            }
            Err(error @ Error::Policy(PolicyError::LogEnded { .. })) => {
                // The thread of the log may have ended too.
                _ = self.tell.send(Update::Ended(error));
                false
            }
            Err(error) => {
                let is_new = self.status.set(Part::Renewing, Some(Trouble::of(&error)));
                if is_new || was_asked {
                    let reason = error.with_hint();
                    (self.setup.notify)(Notice::NotRenewed { reason });
                }
                error.can_be_mended()
            }
        }
    }

    fn hand_on(&mut self, renewal: Renewal, ages: Ages) {
        (self.setup.log, self.setup.policy) = (renewal.log.clone(), renewal.policy.clone());
        self.setup.signer = Arc::clone(&renewal.signer);
        let update = Update::Renewed {
            renewal: Box::new(renewal),
            ages,
        };
        _ = self.tell.send(update);
        (self.setup.notify)(Notice::Renewed);
    }

    /// A bucket may lose its lock while nothing is stored into it.
    fn check_lock(&self, weak: &mut Option<WeakDefault>) {
        match self.setup.store.check_lock() {
            Ok(found) => {
                if let Some(found) = found.as_ref().filter(|found| Some(*found) != weak.as_ref()) {
                    (self.setup.notify)(Notice::WeakDefault(found.clone()));
                }
                *weak = found;
                if self.status.set(Part::Locking, None) {
                    (self.setup.notify)(Notice::LocksAgain);
                }
            }
            Err(error) if error.is_of_the_lock() => {
                if self.status.set(Part::Locking, Some(Trouble::of(&error))) {
                    let reason = error.with_hint();
                    (self.setup.notify)(Notice::NotLocked { reason });
                }
            }
            // Whoever stores segments says that the store does not answer.
            Err(_) => {}
        }
    }
}

fn look(path: &Path) -> Seen {
    let found = fs::metadata(path).ok()?;
    Some((found.ino(), found.len(), found.mtime(), found.mtime_nsec()))
}
