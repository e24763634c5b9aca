//! Pins in an object of a bucket: replaced only where nobody else has replaced them since they were read.

use super::document::{self, MAX_PINS_BYTES};
use super::error::PinsError;
use super::file::parse;
use super::{KeptPins, Pins};
use crate::source::{Condition, ReadError, S3Objects, Written};

/// How often pins are read again because another run has written them. Stops two runs that keep each other from ending.
const TRIES: usize = 20;

/// Pins in an object.
#[derive(Debug)]
pub struct PinsObject {
    bucket: S3Objects,
    key: String,
}

/// Pins as they were read, and what must be so for others to take their place.
struct Read {
    pins: Pins,
    etag: Option<String>,
}

impl PinsObject {
    /// The object with this key.
    pub const fn new(bucket: S3Objects, key: String) -> Self {
        Self { bucket, key }
    }

    fn read(&self) -> Result<Read, PinsError> {
        let limit = MAX_PINS_BYTES.saturating_add(1);
        let kept = self.bucket.read(&self.key, limit);
        let Some(kept) = kept.map_err(PinsError::ReadObject)? else {
            let (pins, etag) = (Pins::default(), None);
            return Ok(Read { pins, etag });
        };
        let pins = parse(self.address().as_ref(), &kept.bytes)?;
        let etag = Some(kept.etag);
        Ok(Read { pins, etag })
    }

    fn address(&self) -> String {
        self.bucket.address(&self.key)
    }

    fn write(&self, pins: &Pins, etag: Option<&str>) -> Result<Written, PinsError> {
        let condition = etag.map_or(Condition::Absent, Condition::Unchanged);
        let text = document::format(pins)
            .map_err(|error| PinsError::WriteObject(ReadError::new(error.to_string())))?;
        let written = self.bucket.write(&self.key, &text, condition);
        written.map_err(PinsError::WriteObject)
    }
}

impl KeptPins for PinsObject {
    fn load(&self) -> Result<Pins, PinsError> {
        self.read().map(|read| read.pins)
    }

    fn update(&self, change: &mut dyn FnMut(&mut Pins)) -> Result<(), PinsError> {
        for _ in 0..TRIES {
            let Read { pins, etag } = self.read()?;
            let mut changed = pins.clone();
            change(&mut changed);
            // Our own write, of which the answer was lost, is there already.
            if changed == pins {
                return Ok(());
            }
            if self.write(&changed, etag.as_deref())? == Written::Done {
                return Ok(());
            }
        }
        Err(PinsError::Contended {
            address: self.address(),
            tries: TRIES,
        })
    }
}
