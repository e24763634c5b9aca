//! Secrets of senders, which are read again when their files change, and on SIGHUP.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use auditlog_sealer::level::Level;
use auditlog_sealer::listen::Guard;
use auditlog_sealer::service::{Router, SecretsState};
use tokio::task::spawn_blocking;

use super::config::{Config, apart};
use super::input::{Guards, Input, Wrong};
use super::journal::{Entry, say, say_of_input};

/// Between two looks at the files.
const LOOK: Duration = Duration::from_millis(500);

/// What a file was when it was looked at; `None` where it cannot be.
type Seen = Option<(u64, u64, i64, i64)>;

/// The files of each input that has secrets in files, as they were before the secrets were read: what has changed since is read again.
pub(super) struct Before(BTreeMap<String, Vec<Seen>>);

impl Before {
    pub(super) fn look(config: &Config) -> Self {
        let inputs = config.with_secret_files();
        Self(
            inputs
                .map(|input| (input.name().to_owned(), look(input)))
                .collect(),
        )
    }
}

/// Keeps the secrets of all inputs up to date.
pub(super) struct Secrets {
    config: Arc<Config>,
    inputs: BTreeMap<String, OfInput>,
    /// Whoever holds it keeps the logs from ending.
    router: Weak<Router>,
    /// How often somebody has asked for all to be read again, and how often that was done.
    asked: Arc<AtomicU64>,
    answered: u64,
}

/// The secrets of one input.
struct OfInput {
    guard: Guard,
    seen: Vec<Seen>,
    /// How often the files, as they are, could not be used.
    failures: u8,
}

/// Whether somebody has asked for all to be read again.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    Yes,
    No,
}

impl Secrets {
    pub(super) fn new(
        config: Arc<Config>,
        before: Before,
        mut guards: Guards,
        router: &Arc<Router>,
        asked: Arc<AtomicU64>,
    ) -> Self {
        let guarded = before.0.into_iter().filter_map(|(name, seen)| {
            let guard = guards.remove(&name)?;
            router.set_secrets(&name, SecretsState::Used);
            let of_input = OfInput {
                guard,
                seen,
                failures: 0,
            };
            Some((name, of_input))
        });
        Self {
            inputs: guarded.collect(),
            answered: asked.load(Ordering::SeqCst),
            router: Arc::downgrade(router),
            config,
            asked,
        }
    }

    /// Looks at the files until the service has ended.
    pub(super) async fn keep(mut self) {
        while !self.inputs.is_empty() && self.router.strong_count() > 0 {
            // A file may be on a disk that does not answer.
            let looking = spawn_blocking(move || {
                self.look();
                self
            });
            let Ok(looked) = looking.await else {
                return;
            };
            self = looked;
            tokio::time::sleep(LOOK).await;
        }
    }

    fn look(&mut self) {
        let asked = self.asked.load(Ordering::SeqCst);
        let was_asked = if asked == self.answered {
            Asked::No
        } else {
            Asked::Yes
        };
        self.answered = asked;
        for input in self.config.with_secret_files() {
            if let Some(of_input) = self.inputs.get_mut(input.name())
                && let Some(state) = of_input.renew(input, was_asked)
                && let Some(router) = self.router.upgrade()
            {
                router.set_secrets(input.name(), state);
            }
        }
    }
}

impl OfInput {
    /// Reads the secrets again where their files have changed. `None` where there is nothing new.
    ///
    /// Where one cannot be used, all of this input from before are used on. Files are replaced one after the other, so what cannot be
    /// used is read once more before somebody hears of it.
    fn renew(&mut self, input: &dyn Input, asked: Asked) -> Option<SecretsState> {
        let seen = look(input);
        if seen != self.seen {
            self.failures = 0;
        } else if self.failures != 1 && asked == Asked::No {
            return None;
        }
        self.seen = seen;
        match apart(input.secrets()) {
            Ok(access) => {
                self.failures = 0;
                self.guard.replace(access);
                let name = input.name();
                let text = format!(
                    "the input {name} has read its secrets again, and uses them for new requests and connections"
                );
                say_of_input(Level::Info, name, &text);
                Some(SecretsState::Used)
            }
            Err(wrong) => {
                self.failures = self.failures.saturating_add(1);
                (self.failures > 1 || asked == Asked::Yes).then(|| {
                    self.failures = self.failures.max(2);
                    say_unusable(input.name(), &wrong);
                    SecretsState::Unusable
                })
            }
        }
    }
}

fn say_unusable(input: &str, wrong: &[Wrong]) {
    let all: Vec<&str> = wrong.iter().map(|wrong| wrong.what.as_str()).collect();
    let message = format!(
        "the secrets of the input {input} cannot be used; those from before are used until that is corrected: {}",
        all.join("; ")
    );
    say(&Entry {
        input: Some(input),
        hint: wrong.first().map(|wrong| wrong.remedy.as_str()),
        ..Entry::new(Level::Warning, &message)
    });
}

fn look(input: &dyn Input) -> Vec<Seen> {
    let seen = |path: &Path| {
        let found = fs::metadata(path).ok()?;
        Some((found.ino(), found.len(), found.ctime(), found.ctime_nsec()))
    };
    input.secret_files().into_iter().map(seen).collect()
}
