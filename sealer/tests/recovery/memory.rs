//! A store in memory that fails where the test says so.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};

use auditlog_chain::builder::{Resumed, SegmentBuilder};
use auditlog_chain::origin::Origin;
use auditlog_chain::segment::{Expected, FORMAT, check_segment};
use auditlog_sealer::error::{Error, FileFault, StoreError};
use auditlog_sealer::store::{Clock, ClockReading, Created, Store, Uptime, Version, VersionKind};

/// The log.
pub(crate) const ORIGIN: &str = "acme.example/audit/payments";

/// What a store does with a create.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    Honest,
    /// It does not answer, and has not done it.
    Away,
    /// It does not answer whoever asks for its time.
    Unasked,
    /// Its clock is an hour ahead of ours.
    Ahead,
    /// It does not lock what it is given.
    Unlocked,
    /// Whoever creates something panics, as a bug does.
    Panics,
    /// It has done it and does not answer.
    Mute,
    /// It has done it, was asked again by the SDK, and says that the name is taken.
    Repeated,
    /// It has not done it, and says that the name is taken.
    Contradicts,
    /// Somebody was quicker, with the same lines under a signature that is not valid.
    Forged,
    /// It does not know the condition: it makes a second version.
    Careless,
    /// The same, and it lists nothing.
    Unlisted,
}

/// A store in memory; each key with all its versions.
pub(crate) struct Memory {
    objects: Mutex<BTreeMap<String, Vec<Vec<u8>>>>,
    mood: Mutex<Mood>,
    creates: AtomicUsize,
    /// The store's clock and ours; `None` where it has none.
    clocks: Mutex<Option<[Clock; 2]>>,
    read: Mutex<Option<ClockReading>>,
}

impl Memory {
    pub(crate) fn new() -> Self {
        Self {
            objects: Mutex::default(),
            mood: Mutex::new(Mood::Honest),
            creates: AtomicUsize::new(0),
            clocks: Mutex::default(),
            read: Mutex::default(),
        }
    }

    /// From now on, it has a clock, which is compared with ours at each answer.
    pub(crate) fn has_clock(&self, theirs: Clock, ours: Clock) {
        *self.clocks.lock().unwrap() = Some([theirs, ours]);
        self.check().unwrap();
    }

    fn check_clock(&self, mood: Mood) -> Result<(), Error> {
        let Some([theirs, ours]) = self.clocks.lock().unwrap().clone() else {
            return Ok(());
        };
        let ahead = if mood == Mood::Ahead { 3600 } else { 0 };
        let reading = ClockReading {
            theirs: theirs().saturating_add_seconds(ahead),
            ours: ours(),
            at: Uptime::now(),
        };
        *self.read.lock().unwrap() = Some(reading);
        if reading.is_off(reading.ours, reading.at) {
            return Err(StoreError::ClockSkew {
                place: self.place().to_owned(),
                theirs: reading.theirs,
                ours: reading.ours,
                allowed_seconds: 300,
            }
            .into());
        }
        Ok(())
    }

    pub(crate) fn objects(&self) -> MutexGuard<'_, BTreeMap<String, Vec<Vec<u8>>>> {
        self.objects.lock().unwrap()
    }

    pub(crate) fn set(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    /// How often something was to be created.
    pub(crate) fn creates(&self) -> usize {
        self.creates.load(Ordering::SeqCst)
    }

    pub(crate) fn keys(&self) -> Vec<String> {
        self.objects().keys().cloned().collect()
    }
}

impl Store for Memory {
    fn place(&self) -> &'static str {
        "memory"
    }

    fn reading(&self) -> Option<ClockReading> {
        *self.read.lock().unwrap()
    }

    fn check(&self) -> Result<(), Error> {
        let mood = *self.mood.lock().unwrap();
        match mood {
            Mood::Unasked => Err(lost()),
            Mood::Unlocked => Err(StoreError::NotLocked {
                bucket: self.place().to_owned(),
            }
            .into()),
            _ => self.check_clock(mood),
        }
    }

    fn list(
        &self,
        folder: &str,
        visit: &mut dyn FnMut(Version<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        for (key, versions) in &*self.objects() {
            for _ in versions
                .iter()
                .filter(|_| key.starts_with(&format!("{folder}/")))
            {
                visit(Version {
                    key,
                    kind: VersionKind::Object,
                    modified: None,
                })?;
            }
        }
        Ok(())
    }

    fn versions(&self, key: &str) -> Result<usize, Error> {
        if *self.mood.lock().unwrap() == Mood::Unlisted {
            return Err(lost());
        }
        Ok(self.objects().get(key).map_or(0, Vec::len))
    }

    fn read(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        let objects = self.objects();
        Ok(objects
            .get(key)
            .and_then(|versions| versions.last().cloned()))
    }

    fn create(&self, key: &str, bytes: &[u8]) -> Result<Created, Error> {
        self.creates.fetch_add(1, Ordering::SeqCst);
        let mood = *self.mood.lock().unwrap();
        if mood == Mood::Away {
            return Err(lost());
        }
        if mood == Mood::Contradicts {
            return Ok(Created::Exists);
        }
        assert!(mood != Mood::Panics, "as a bug does");
        let mut objects = self.objects();
        let versions = objects.entry(key.to_owned()).or_default();
        if mood == Mood::Forged {
            versions.push(with_another_signature(bytes));
        }
        if versions.is_empty() || matches!(mood, Mood::Careless | Mood::Unlisted) {
            versions.push(bytes.to_vec());
        } else {
            return Ok(Created::Exists);
        }
        match mood {
            Mood::Mute => Err(lost()),
            Mood::Repeated => Ok(Created::Exists),
            Mood::Honest
            | Mood::Away
            | Mood::Unasked
            | Mood::Ahead
            | Mood::Unlocked
            | Mood::Panics
            | Mood::Contradicts
            | Mood::Forged
            | Mood::Careless
            | Mood::Unlisted => Ok(Created::New),
        }
    }
}

fn lost() -> Error {
    let fault = FileFault::of("the store cannot be reached", Path::new("memory"));
    StoreError::File(fault(ErrorKind::TimedOut.into())).into()
}

/// The same segment 2, signed by nobody.
fn with_another_signature(object: &[u8]) -> Vec<u8> {
    let origin = Origin::parse(ORIGIN).unwrap();
    let expected = Expected {
        origin: &origin,
        segment: 2,
        format: FORMAT,
    };
    let checked = check_segment(object, expected).unwrap();
    let text = String::from_utf8(zstd::stream::decode_all(object).unwrap()).unwrap();
    let (lines, _) = text.split_once("{\"checkpoint\"").unwrap();
    let resumed = SegmentBuilder::resume(checked.before(), lines.as_bytes(), &[]).unwrap();
    let Resumed::Closed(closed) = resumed else {
        panic!("the segment is not closed")
    };
    let mut signatures = checked.signed_checkpoint().signatures.clone();
    *signatures[0].signature.last_mut().unwrap() ^= 1;
    closed.finish(signatures).unwrap()
}
