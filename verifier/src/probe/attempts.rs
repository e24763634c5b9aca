//! The attempts, one after the other, and what each of them showed.
//!
//! A refusal alone shows nothing: it may come from a missing permission. It counts where the store allows the caller the same request on something that
//! no lock protects: deleting a delete marker, or lengthening the lock.

use crate::source::{Answer, Canary, CanaryLock, ReadError, Seen};
use crate::verdict::Verdict;

/// For how long less the probe tries to lock the canary.
const SHORTER_SECONDS: i64 = -12 * 3600;

/// By how much it lengthens the lock, which a store must allow: whoever may not do that may not shorten it either, lock or no lock.
const LONGER_SECONDS: i64 = 60;

/// What the canary holds, and what is put over it.
const FIRST: &[u8] =
    b"a canary of auditlog-verify probe: it may be deleted once its lock has ended\n";
const SECOND: &[u8] = b"what auditlog-verify probe tried to put in place of its canary\n";

/// What a store promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promise {
    /// A version is locked as the write asked.
    Lock,
    /// An object is created once (P5).
    CreateOnce,
    /// A write over an object leaves its version alone.
    Overwrite,
    /// A locked version cannot be deleted.
    Delete,
    /// A lock cannot be shortened.
    Shorten,
}

impl Promise {
    /// A short name that never changes.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Lock => "lock-kept",
            Self::CreateOnce => "create-once",
            Self::Overwrite => "overwrite-keeps",
            Self::Delete => "delete-refused",
            Self::Shorten => "shorten-refused",
        }
    }
}

/// Whether a promise holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It holds.
    Held,
    /// It does not; what was seen.
    Broken(String),
    /// What was seen does not show whether it holds; why.
    NotShown(ReadError),
}

/// One promise that was tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The promise.
    pub promise: Promise,
    /// Whether it holds.
    pub outcome: Outcome,
    /// What the store answered, in words.
    pub answer: String,
}

/// What a probe came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// Key of the canary.
    pub key: String,
    /// Its version id, where it was put.
    pub version_id: Option<String>,
    /// Its lock, lengthened where the store allowed it.
    pub lock: CanaryLock,
    /// The promises, in the order in which they were tried.
    pub attempts: Vec<Attempt>,
}

impl Probe {
    /// A broken promise is a fault; otherwise anything that was not shown gives no verdict.
    pub fn verdict(&self) -> Verdict {
        let any = |is: fn(&Outcome) -> bool| self.attempts.iter().any(|one| is(&one.outcome));
        if any(|outcome| matches!(outcome, Outcome::Broken(_))) {
            Verdict::Fault
        } else if self.attempts.is_empty() || any(|outcome| matches!(outcome, Outcome::NotShown(_)))
        {
            Verdict::NoVerdict
        } else {
            Verdict::Verified
        }
    }
}

/// Puts a canary and tries what the store promises.
///
/// # Errors
///
/// Where the canary could not be put: nothing was tried then.
pub fn probe(store: &dyn Canary, key: &str, lock: CanaryLock) -> Result<Probe, ReadError> {
    let version_id = match store.create(key, FIRST, lock) {
        Answer::Done(Some(version_id)) => version_id,
        Answer::Done(None) => return Err(no_version(key)),
        Answer::Refused { status, code } => return Err(not_put(key, status, &code)),
        Answer::Failed(error) => return Err(error),
    };
    let mut tried = Tried {
        store,
        key,
        version_id: &version_id,
        lock,
        last: Some(Seen {
            bytes: FIRST.to_vec(),
            lock: Some((lock.mode.as_str().to_owned(), lock.until)),
        }),
    };
    let attempts = vec![
        tried.lock(),
        tried.create_twice(),
        tried.overwrite(),
        tried.delete(),
        tried.shorten(),
    ];
    Ok(Probe {
        key: key.to_owned(),
        version_id: Some(version_id.clone()),
        lock: tried.lock,
        attempts,
    })
}

fn no_version(key: &str) -> ReadError {
    ReadError::new(format!("the store put {key} and did not name a version"))
        .with_hint("enable versioning: without it, no lock can be kept")
}

fn not_put(key: &str, status: u16, code: &str) -> ReadError {
    let reason = format!("cannot put the canary {key}: HTTP {status} {code}");
    ReadError::new(reason.trim_end()).with_hint(
        "allow s3:PutObject and s3:PutObjectRetention under this prefix, and check that the bucket has Object Lock",
    )
}

struct Tried<'t> {
    store: &'t dyn Canary,
    key: &'t str,
    version_id: &'t str,
    lock: CanaryLock,
    /// What was there before the attempt, so that each broken promise is reported once; `None` where the version is gone.
    last: Option<Seen>,
}

/// How an attempt went, as far as the store says.
enum Said {
    Done,
    Refused(u16, String),
    Failed(ReadError),
}

impl<T> From<Answer<T>> for Said {
    fn from(answer: Answer<T>) -> Self {
        match answer {
            Answer::Done(_) => Self::Done,
            Answer::Refused { status, code } => Self::Refused(status, code),
            Answer::Failed(error) => Self::Failed(error),
        }
    }
}

impl Said {
    fn words(&self) -> String {
        match self {
            Self::Done => "done".to_owned(),
            Self::Refused(status, code) => format!("HTTP {status} {code}").trim_end().to_owned(),
            Self::Failed(error) => error.reason.clone(),
        }
    }
}

impl Tried<'_> {
    fn lock(&mut self) -> Attempt {
        let outcome = self.is_kept();
        attempt(Promise::Lock, outcome, "done".to_owned())
    }

    /// P5: the condition `If-None-Match: *` decides, and not the lock.
    fn create_twice(&mut self) -> Attempt {
        let said = Said::from(self.store.create(self.key, SECOND, self.lock));
        let outcome = match &said {
            Said::Done => Outcome::Broken(
                "a second object was created although there was one: two sealers could both extend a log"
                    .to_owned(),
            ),
            Said::Refused(409 | 412, _) => self.is_kept(),
            Said::Refused(..) => Outcome::NotShown(refused_otherwise(&said, "s3:PutObject")),
            Said::Failed(error) => Outcome::NotShown(error.clone()),
        };
        attempt(Promise::CreateOnce, outcome, said.words())
    }

    /// Whether the store takes the write or not, the first version must stay. A write that it does not take shows no more than that.
    fn overwrite(&mut self) -> Attempt {
        let said = Said::from(self.store.overwrite(self.key, SECOND, self.lock));
        let outcome = match (&said, self.is_kept()) {
            (Said::Refused(..), Outcome::Held) => Outcome::NotShown(
                ReadError::new(format!(
                    "the store refused the write, so that what one does was not seen: {}",
                    said.words()
                ))
                .with_hint("allow s3:PutObject without a condition under this prefix"),
            ),
            (Said::Failed(error), Outcome::Held | Outcome::NotShown(_)) => {
                Outcome::NotShown(error.clone())
            }
            (_, kept) => kept,
        };
        attempt(Promise::Overwrite, outcome, said.words())
    }

    fn delete(&mut self) -> Attempt {
        let said = Said::from(self.store.delete(self.key, self.version_id));
        let outcome = self.after(
            &said,
            "the store says that it deleted a locked version",
            Self::delete_a_marker,
        );
        attempt(Promise::Delete, outcome, said.words())
    }

    fn shorten(&mut self) -> Attempt {
        let lock = CanaryLock {
            until: self.lock.until.saturating_add_seconds(SHORTER_SECONDS),
            ..self.lock
        };
        let said = Said::from(self.store.set_lock(self.key, self.version_id, lock));
        let outcome = self.after(
            &said,
            "the store says that it shortened a lock",
            Self::lengthen,
        );
        attempt(Promise::Shorten, outcome, said.words())
    }

    /// What the lock forbids must be refused, and must not have happened. The refusal counts if the caller is `allowed` the same without a lock.
    fn after(
        &mut self,
        said: &Said,
        broken: &str,
        allowed: fn(&mut Self) -> Result<(), ReadError>,
    ) -> Outcome {
        match (said, self.is_kept()) {
            (Said::Failed(error), Outcome::Held | Outcome::NotShown(_)) => {
                Outcome::NotShown(error.clone())
            }
            (Said::Done, Outcome::Held | Outcome::NotShown(_)) => {
                Outcome::Broken(broken.to_owned())
            }
            (Said::Refused(..), Outcome::Held) => match (allowed(self), self.is_kept()) {
                (Err(error), Outcome::Held) => Outcome::NotShown(error),
                (_, kept) => kept,
            },
            (_, kept) => kept,
        }
    }

    /// A delete marker has no lock: deleting one takes the same permission as deleting the canary, and nothing else.
    fn delete_a_marker(&mut self) -> Result<(), ReadError> {
        let marker = match self.store.hide(self.key) {
            Answer::Done(Some(marker)) => marker,
            Answer::Done(None) => {
                return Err(ReadError::new(
                    "the store did not name the delete marker that it set over the canary",
                ));
            }
            other @ (Answer::Refused { .. } | Answer::Failed(_)) => {
                return Err(refused_too(
                    &Said::from(other),
                    "a delete marker over it",
                    "s3:DeleteObject",
                ));
            }
        };
        match Said::from(self.store.delete(self.key, &marker)) {
            Said::Done => Ok(()),
            said @ (Said::Refused(..) | Said::Failed(_)) => Err(refused_too(
                &said,
                "the deletion of a delete marker, which has no lock",
                "s3:DeleteObjectVersion",
            )),
        }
    }

    /// A longer lock is always allowed to whoever may set locks.
    fn lengthen(&mut self) -> Result<(), ReadError> {
        let longer = CanaryLock {
            until: self.lock.until.saturating_add_seconds(LONGER_SECONDS),
            ..self.lock
        };
        match Said::from(self.store.set_lock(self.key, self.version_id, longer)) {
            Said::Done => {}
            said @ (Said::Refused(..) | Said::Failed(_)) => {
                return Err(refused_too(&said, "a longer lock", "s3:PutObjectRetention"));
            }
        }
        if let Answer::Done(seen) = self.store.look(self.key, self.version_id)
            && seen
                .lock
                .as_ref()
                .is_some_and(|(_, until)| *until >= longer.until)
        {
            self.last = Some(seen);
            self.lock = longer;
            return Ok(());
        }
        Err(ReadError::new(
            "the store says that it lengthened the lock, and did not: its answers about locks show nothing",
        ))
    }

    /// Whether the canary is still there, with its bytes and its lock.
    fn is_kept(&mut self) -> Outcome {
        let Some(last) = self.last.clone() else {
            return Outcome::NotShown(ReadError::new(
                "the version has been gone since an earlier attempt",
            ));
        };
        match self.store.look(self.key, self.version_id) {
            Answer::Done(seen) => {
                let outcome = compare(&last, &seen);
                self.last = Some(seen);
                outcome
            }
            Answer::Refused { status: 404, .. } => {
                self.last = None;
                Outcome::Broken("the version is gone, although its lock has not ended".to_owned())
            }
            Answer::Refused { status, code } => {
                let said = Said::Refused(status, code);
                let permissions = "s3:GetObjectVersion and s3:GetObjectRetention";
                Outcome::NotShown(refused_otherwise(&said, permissions))
            }
            Answer::Failed(error) => Outcome::NotShown(error),
        }
    }
}

/// Whether a version is what it was, with a lock that is not weaker.
fn compare(last: &Seen, seen: &Seen) -> Outcome {
    if seen.bytes != last.bytes {
        return Outcome::Broken("the version has other bytes than were put".to_owned());
    }
    match (&last.lock, &seen.lock) {
        (Some(_), None) => Outcome::Broken("the version has no lock".to_owned()),
        (Some((mode, _)), Some((found, _))) if found != mode => {
            Outcome::Broken(format!("the version is locked in mode {found}, not {mode}"))
        }
        (Some((_, until)), Some((_, found))) if found < until => Outcome::Broken(format!(
            "the version is locked until {}, not until {}",
            found.to_rfc3339(),
            until.to_rfc3339()
        )),
        _ => Outcome::Held,
    }
}

fn refused_otherwise(said: &Said, permissions: &str) -> ReadError {
    ReadError::new(format!(
        "the store refused for another reason: {}",
        said.words()
    ))
    .with_hint(format!("allow {permissions}"))
}

/// The caller is refused what no lock forbids.
fn refused_too(said: &Said, what: &str, permission: &str) -> ReadError {
    let said = said.words();
    ReadError::new(format!(
        "the store refused {what}, too ({said}), so that the lock may not be what it refused for"
    ))
    .with_hint(format!("allow {permission} under this prefix"))
}

const fn attempt(promise: Promise, outcome: Outcome, answer: String) -> Attempt {
    Attempt {
        promise,
        outcome,
        answer,
    }
}
