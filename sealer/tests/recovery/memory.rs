//! A store in memory that fails where the test says so.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use auditlog_chain::builder::{Resumed, SegmentBuilder};
use auditlog_chain::origin::Origin;
use auditlog_chain::segment::{Expected, FORMAT, check_segment};
use auditlog_sealer::error::{Error, KeyError};
use auditlog_sealer::store::{Created, Store, Version, VersionKind};

use crate::ORIGIN;

/// What a store does with a create.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    Honest,
    /// It does not answer, and has not done it.
    Away,
    /// It has done it and does not answer.
    Mute,
    /// It has done it, was asked again by the SDK, and says that the name is taken.
    Repeated,
    /// Somebody was quicker, with the same lines under a signature that is not valid.
    Forged,
    /// It does not know the condition: it makes a second version.
    Careless,
}

/// A store in memory; each key with all its versions.
pub(crate) struct Memory {
    pub(crate) objects: RefCell<BTreeMap<String, Vec<Vec<u8>>>>,
    pub(crate) mood: Cell<Mood>,
    pub(crate) creates: Cell<usize>,
}

impl Memory {
    pub(crate) fn new() -> Self {
        Self {
            objects: RefCell::default(),
            mood: Cell::new(Mood::Honest),
            creates: Cell::new(0),
        }
    }

    pub(crate) fn keys(&self) -> Vec<String> {
        self.objects.borrow().keys().cloned().collect()
    }
}

impl Store for Memory {
    fn place(&self) -> &'static str {
        "memory"
    }

    fn check(&self) -> Result<(), Error> {
        Ok(())
    }

    fn list(
        &self,
        folder: &str,
        visit: &mut dyn FnMut(Version<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        for (key, versions) in &*self.objects.borrow() {
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
        Ok(self.objects.borrow().get(key).map_or(0, Vec::len))
    }

    fn read(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        let objects = self.objects.borrow();
        Ok(objects
            .get(key)
            .and_then(|versions| versions.last().cloned()))
    }

    fn create(&self, key: &str, bytes: &[u8]) -> Result<Created, Error> {
        self.creates.set(self.creates.get() + 1);
        let lost = || {
            Error::Key(KeyError::SigningFailed {
                key: "the answer".to_owned(),
            })
        };
        let mood = self.mood.get();
        if mood == Mood::Away {
            return Err(lost());
        }
        let mut objects = self.objects.borrow_mut();
        let versions = objects.entry(key.to_owned()).or_default();
        if mood == Mood::Forged {
            versions.push(with_another_signature(bytes));
        }
        if versions.is_empty() || mood == Mood::Careless {
            versions.push(bytes.to_vec());
        } else {
            return Ok(Created::Exists);
        }
        match mood {
            Mood::Mute => Err(lost()),
            Mood::Repeated => Ok(Created::Exists),
            Mood::Honest | Mood::Away | Mood::Forged | Mood::Careless => Ok(Created::New),
        }
    }
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
