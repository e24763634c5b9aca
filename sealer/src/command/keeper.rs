//! Keeps one log of the service up to date: reads the policy and the keys again when they change, and looks at the bucket's lock.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::thread;
use std::time::{Duration, Instant};

use auditlog_chain::timestamp::Timestamp;
use auditlog_sealer::error::{Cause, Error, MachineError, PolicyError, Trouble};
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
    /// What there was before the start has read any of it: what has changed since is read again.
    pub(super) before: Watched,
}

/// What a file was when it was looked at; `None` where it cannot be.
type Seen = Option<(u64, u64, i64, i64)>;

/// What somebody can change, and when it was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Watched {
    files: Vec<Seen>,
    asked: u64,
    at: Timestamp,
}

impl Watched {
    /// Looks at what the options name.
    pub(super) fn look(arguments: &AppendArguments, asked: &AtomicU64, now: Now) -> Self {
        let files = [
            arguments.policy.as_deref(),
            arguments.key.key_file.as_deref(),
            arguments.previous_key_file.as_deref(),
        ];
        Self {
            at: now(),
            asked: asked.load(Ordering::SeqCst),
            files: files.into_iter().flatten().map(look).collect(),
        }
    }
}

/// What decides whether all is read again.
#[derive(Clone, Debug, PartialEq, Eq)]
struct State {
    files: Vec<Seen>,
    /// The keys that sign at that moment, by the policy that counts now.
    keys: Vec<String>,
    asked: u64,
}

impl State {
    fn of(watched: Watched, setup: &Setup) -> Self {
        Self {
            keys: keys_at(setup, watched.at),
            files: watched.files,
            asked: watched.asked,
        }
    }
}

/// How the bucket locks what it is given.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Locking {
    /// As declared.
    Declared,
    /// Each segment names its lock, and the bucket's own is weaker than declared: the next verification finds that.
    Weak(WeakDefault),
    /// Not at all, and nothing is stored.
    Absent { trouble: Trouble, reason: String },
}

impl Locking {
    fn known(setup: &Setup) -> Self {
        let weak = setup.store.weak_default();
        weak.map_or(Self::Declared, Self::Weak)
    }

    fn trouble(&self) -> Option<Trouble> {
        match self {
            Self::Declared => None,
            Self::Weak(weak) => Some(Trouble {
                cause: Cause::Lock,
                reason: weak.to_string(),
            }),
            Self::Absent { trouble, .. } => Some(trouble.clone()),
        }
    }

    /// What a person should know, after what was known before.
    fn notice_after(&self, before: &Self) -> Option<Notice> {
        match (before, self) {
            (before, found) if before == found => None,
            (_, Self::Weak(weak)) => Some(Notice::WeakDefault(weak.clone())),
            (_, Self::Absent { reason, .. }) => Some(Notice::NotLocked {
                reason: reason.clone(),
            }),
            (Self::Weak(_), Self::Declared) => Some(Notice::StrongDefault),
            (Self::Absent { .. }, Self::Declared) => Some(Notice::LocksAgain),
            (Self::Declared, Self::Declared) => None,
        }
    }
}

/// Says that the policy and the keys are watched no more, where the thread has panicked.
struct Farewell(Arc<Status>);

impl Drop for Farewell {
    fn drop(&mut self) {
        if thread::panicking() {
            let stopped = Trouble::of(&MachineError::Stopped.into());
            self.0.set(Part::Renewing, Some(stopped));
        }
    }
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
        let _farewell = Farewell(Arc::clone(&self.status));
        let mut state = State::of(self.before.clone(), &self.setup);
        let (mut tried, mut again) = (Instant::now(), false);
        // Whoever has opened the store has said it.
        let mut locking = Locking::known(&self.setup);
        let mut asked_lock = Instant::now();
        self.status.set(Part::Locking, locking.trouble());
        while !self.stop.load(Ordering::SeqCst) {
            let watched = Watched::look(&self.arguments, &self.asked, self.now);
            let found = State::of(watched.clone(), &self.setup);
            if found != state || (again && tried.elapsed() >= TRY_AGAIN) {
                again = self.renew(found.asked != state.asked);
                // The keys are those of the policy that counts now.
                (state, tried) = (State::of(watched, &self.setup), Instant::now());
            }
            let is_well = self.status.trouble_of(Part::Locking).is_none();
            let pause = if is_well {
                LOCK_CHECK
            } else {
                LOCK_CHECK_AGAIN
            };
            if asked_lock.elapsed() >= pause {
                self.check_lock(&mut locking);
                asked_lock = Instant::now();
            }
            thread::sleep(LOOK);
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
                    (self.setup.notify)(Notice::NotRenewed {
                        reason: error.with_hint(),
                        cause: Trouble::of(&error).cause,
                    });
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

    /// A bucket may lose its lock, or its default retention, while nothing is stored into it.
    fn check_lock(&self, known: &mut Locking) {
        let found = match self.setup.store.check_lock() {
            Ok(None) => Locking::Declared,
            Ok(Some(weak)) => Locking::Weak(weak),
            Err(error) if error.is_of_the_lock() => Locking::Absent {
                trouble: Trouble::of(&error),
                reason: error.with_hint(),
            },
            // Whoever stores segments says that the store does not answer.
            Err(_) => return,
        };
        self.status.set(Part::Locking, found.trouble());
        if let Some(notice) = found.notice_after(known) {
            (self.setup.notify)(notice);
        }
        *known = found;
    }
}

fn look(path: &Path) -> Seen {
    let found = fs::metadata(path).ok()?;
    Some((found.ino(), found.len(), found.mtime(), found.mtime_nsec()))
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use auditlog_chain::keys::KeySpec;
    use auditlog_chain::policy::LockMode;
    use auditlog_sealer::seal::Notify;
    use auditlog_sealer::signer::LocalKey;
    use auditlog_sealer::store::Lock;
    use clap::Parser as _;

    use super::super::append::{Prepared, prepare_with};
    use super::super::arguments::{Arguments, Command};
    use super::*;

    fn now() -> Timestamp {
        Timestamp::from_micros(1_800_000_000_000_000).unwrap()
    }

    fn parsed(words: &[&str]) -> Arguments {
        Arguments::try_parse_from(["auditlog-seal"].iter().chain(words)).unwrap()
    }

    #[test]
    fn each_change_of_the_lock_has_one_line_and_so_has_its_end() {
        let weak = |days| {
            let lock = |retention_days| Lock {
                mode: LockMode::Governance,
                retention_days,
            };
            Locking::Weak(WeakDefault {
                bucket: "audit".to_owned(),
                declared: lock(5),
                found: days_of(days).map(lock),
            })
        };
        let absent = || Locking::Absent {
            trouble: Trouble {
                cause: Cause::Lock,
                reason: "no lock".to_owned(),
            },
            reason: "no lock; turn it on".to_owned(),
        };
        let mut known = Locking::Declared;
        let mut said = Vec::new();
        for found in [
            Locking::Declared,
            weak(0),
            weak(0),
            weak(3),
            Locking::Declared,
            absent(),
            absent(),
            weak(3),
            absent(),
            Locking::Declared,
        ] {
            let notice = found.notice_after(&known);
            said.push(notice.map(|notice| notice.to_string().chars().take(50).collect::<String>()));
            assert_eq!(found.trouble().is_none(), found == Locking::Declared);
            known = found;
        }
        let said: Vec<_> = said.iter().map(Option::as_deref).collect();
        let (weak, strong) = (
            Some("the default retention of the bucket audit is absen"),
            Some("the default retention of the bucket is as the trus"),
        );
        let short = Some("the default retention of the bucket audit is GOVER");
        let lost = Some("the bucket does not lock what it is given, and not");
        let again = Some("the bucket locks what it is given again");
        assert_eq!(
            said,
            [
                None, weak, None, short, strong, lost, None, short, lost, again
            ]
        );
    }

    fn days_of(days: u32) -> Option<u32> {
        (days > 0).then_some(days)
    }

    #[test]
    fn change_before_the_log_is_found_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let (key, to, spool) = (path("key.pem"), path("audit"), path("spool"));
        let made = LocalKey::generate(KeySpec::EccNistEdwards25519).unwrap();
        made.write(Path::new(&key)).unwrap();
        let words = ["append", "--origin", "acme.example/log", "--to", &to];
        let files = ["--key-file", &key, "--spool", &spool];
        let Command::Append(arguments) = parsed(&[&words[..], &files].concat()).command else {
            panic!("it is append");
        };
        let asked = Arc::new(AtomicU64::new(0));
        let before = Watched::look(&arguments, &asked, now);
        assert_eq!(Watched::look(&arguments, &asked, now), before);
        // Somebody replaces the file while the start reads it.
        let same = fs::read(&key).unwrap();
        fs::remove_file(&key).unwrap();
        fs::write(&key, same).unwrap();
        let notify: Notify = Arc::new(|_| {});
        let (prepared, ()) = prepare_with(&arguments, now, notify, |_| Ok(())).unwrap();
        let Prepared { setup, .. } = prepared;
        let (tell, updates) = channel();
        let stop = Arc::new(AtomicBool::new(false));
        let keeper = Keeper {
            arguments: *arguments,
            now,
            setup,
            status: Arc::new(Status::new("log")),
            tell,
            asked,
            stop: Arc::clone(&stop),
            before,
        };
        keeper.start().unwrap();
        let update = updates.recv_timeout(Duration::from_secs(30));
        stop.store(true, Ordering::SeqCst);
        assert!(matches!(update, Ok(Update::Renewed { .. })));
    }
}
