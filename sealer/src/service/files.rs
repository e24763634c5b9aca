//! An input of the service that follows files.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};

use super::batch::{Batch, NotTaken};
use super::reached::Reached;
use super::router::{Pending, Router};
use crate::error::{Error, MachineError};
use crate::follow::{Follower, Portion, Remembering, Round, Settings};
use crate::listen::ended;
use crate::seal::Naming;

/// Between two looks whether the logs have found out what they know of an input; also the least that a log has to take or answer a batch.
const LOOK: Duration = Duration::from_millis(50);

/// How long a file is left alone whose log takes nothing.
const PAUSE: Duration = Duration::from_millis(500);

/// Files that are followed.
pub struct FilesInput {
    /// What routes call it.
    pub name: String,
    /// The tag of its batches.
    pub tag: Option<String>,
    /// Which files, and how.
    pub settings: Settings,
    /// Between two looks at them.
    pub poll: Duration,
    /// How long the logs have to answer what is offered together. What they do not answer in time is offered again.
    pub patience: Duration,
    /// Where events go.
    pub router: Arc<Router>,
    /// Called with what a person should look at.
    pub notify: Arc<dyn Fn(&str) + Send + Sync>,
}

/// Waits until all logs that the events of an input may be for know what they have of it; `None` where the service ends before.
pub(super) async fn remembering(
    router: &Router,
    name: &str,
    tag: Option<&str>,
    ending: &mut watch::Receiver<bool>,
) -> Option<Vec<Remembering>> {
    loop {
        if let Some(known) = router.remembering(name, tag) {
            return Some(known);
        }
        tokio::select! {
            () = sleep(LOOK) => {}
            () = ended(ending) => return None,
        }
    }
}

/// Follows files until `ending` is true. What was offered by then and not acknowledged is offered again by the next process.
///
/// # Errors
///
/// Where it has ended by itself.
pub async fn serve_files(
    input: Arc<FilesInput>,
    mut ending: watch::Receiver<bool>,
) -> Result<(), Error> {
    let known = remembering(
        &input.router,
        &input.name,
        input.tag.as_deref(),
        &mut ending,
    );
    let Some(known) = known.await else {
        return Ok(());
    };
    let settings = Settings {
        max_event_bytes: input
            .router
            .max_event_bytes(&input.name, input.tag.as_deref()),
        ..input.settings.clone()
    };
    let mut follower = Follower::new(settings, &known);
    drop(known);
    let mut held = Held::default();
    while !*ending.borrow() {
        let holding = held.now();
        let round = spawn_blocking(move || {
            let round = follower.round(&holding, Instant::now());
            (follower, round)
        });
        let Ok((moved, Round { portions, notices })) = round.await else {
            return Err(MachineError::Stopped.into());
        };
        follower = moved;
        for notice in notices {
            (input.notify)(&notice.to_string());
        }
        let is_idle = portions.is_empty();
        tokio::select! {
            () = input.hand_on(portions, &mut follower, &mut held) => {}
            () = ended(&mut ending) => return Ok(()),
        }
        let finished = follower.take_finished();
        input
            .router
            .finish(&input.name, input.tag.as_deref(), &finished);
        input
            .router
            .set_following(&input.name, follower.following());
        if is_idle {
            tokio::select! {
                () = sleep(input.poll) => {}
                () = ended(&mut ending) => return Ok(()),
            }
        }
    }
    Ok(())
}

/// Files whose log takes nothing now, and until when they are left alone.
#[derive(Default)]
struct Held(BTreeMap<u64, Instant>);

impl Held {
    fn now(&mut self) -> BTreeSet<u64> {
        let now = Instant::now();
        self.0.retain(|_, until| *until > now);
        self.0.keys().copied().collect()
    }

    fn hold(&mut self, file: u64) {
        let now = Instant::now();
        self.0.insert(file, now.checked_add(PAUSE).unwrap_or(now));
    }
}

impl FilesInput {
    /// Offers what is new in each file, and then waits for all answers, so that the files are synced together. A log that takes or answers
    /// nothing does not hold up the files of the others for long: what is offered again ends at the same byte, and is in the log once.
    async fn hand_on(&self, portions: Vec<Portion>, follower: &mut Follower, held: &mut Held) {
        let begun = Instant::now();
        let left = || self.patience.saturating_sub(begun.elapsed()).max(LOOK);
        let mut offered = Vec::new();
        for mut portion in portions {
            let batch = self.batch(&mut portion);
            let pending = timeout(left(), self.router.offer(&self.name, batch)).await;
            offered.push((portion, pending));
        }
        for (portion, pending) in offered {
            let taken = match pending {
                Ok(Ok(pending)) => Pending::answer_within(pending, left()).await,
                Ok(Err(not_taken)) => Err(not_taken),
                // There was no room for it.
                Err(_) => {
                    follower.not_accepted(&portion);
                    held.hold(portion.file);
                    continue;
                }
            };
            match taken {
                Ok(_) => {
                    follower.accepted(&portion);
                }
                Err(why) => {
                    follower.not_accepted(&portion);
                    held.hold(portion.file);
                    self.refused(&portion, &why, follower);
                }
            }
        }
    }

    fn batch(&self, portion: &mut Portion) -> Batch {
        let naming = if portion.is_doubtful {
            Naming::Doubtful
        } else {
            Naming::Unique
        };
        Batch {
            source: portion.source.clone(),
            name: portion.batch.clone(),
            naming,
            tag: self.tag.clone(),
            lines: std::mem::take(&mut portion.lines),
            reached: Some(Reached {
                accepted: portion.accepted.clone(),
            }),
        }
    }

    /// A log that takes nothing says so itself. What no route takes waits until somebody adds one.
    fn refused(&self, portion: &Portion, why: &NotTaken, follower: &mut Follower) {
        if matches!(why, NotTaken::Later { .. }) {
            return;
        }
        self.router.count_refused(&self.name);
        let reason =
            format!("{why}; it goes on once that is mended and the service is started again");
        if let Some(notice) = follower.refused(portion, reason) {
            (self.notify)(&notice.to_string());
        }
    }
}
