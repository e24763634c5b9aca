//! The pins file's document: strict, so that it has one meaning only.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use auditlog_chain::hash::Hash;
use auditlog_chain::origin::Origin;
use auditlog_chain::policy::Position;
use auditlog_chain::timestamp::Timestamp;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::Pins;
use crate::pin::Pin;

/// The one version of the document that this program knows.
pub(crate) const PINS_VERSION: u64 = 1;

/// Largest document that is read, in bytes. Stops a file that does not hold pins from filling the memory.
pub(crate) const MAX_PINS_BYTES: usize = 16 << 20;

/// Why bytes are not a document of pins.
pub(crate) enum DocumentError {
    /// They are not, for this reason.
    Malformed(String),
    /// The document has a version that this program does not know.
    Unsupported(u64),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    pins: u64,
    #[serde(deserialize_with = "each_log_once")]
    logs: BTreeMap<Origin, JsonPin>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonPin {
    segment: u64,
    size: u64,
    root: Hash,
    sealed: Timestamp,
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    stored: Option<Timestamp>,
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    cache: Option<Hash>,
}

#[derive(Deserialize)]
struct Version {
    pins: u64,
}

pub(crate) fn parse(bytes: &[u8]) -> Result<Pins, DocumentError> {
    let malformed = |reason: String| DocumentError::Malformed(reason);
    if bytes.len() > MAX_PINS_BYTES {
        return Err(malformed(format!(
            "it has more than {MAX_PINS_BYTES} bytes"
        )));
    }
    let json = |error: serde_json::Error| malformed(error.to_string());
    let Object(Version { pins: found }) = serde_json::from_slice(bytes).map_err(json)?;
    if found != PINS_VERSION {
        return Err(DocumentError::Unsupported(found));
    }
    let Object(Document { logs, .. }) = serde_json::from_slice(bytes).map_err(json)?;
    let caches = logs
        .iter()
        .filter_map(|(origin, pin)| Some((origin.clone(), pin.cache?)));
    let caches = caches.collect();
    let heads = logs.into_iter().map(|(origin, pin)| (origin, pin.into()));
    let heads = heads.collect();
    Ok(Pins { heads, caches })
}

pub(crate) fn format(pins: &Pins) -> serde_json::Result<Vec<u8>> {
    let written = |(origin, pin): (&Origin, &Pin)| {
        let cache = pins.cache_of(origin);
        let pin = JsonPin {
            cache,
            ..JsonPin::from(*pin)
        };
        (origin.clone(), pin)
    };
    let logs = pins.heads.iter().map(written);
    let mut text = serde_json::to_vec_pretty(&Document {
        pins: PINS_VERSION,
        logs: logs.collect(),
    })?;
    text.push(b'\n');
    Ok(text)
}

impl From<JsonPin> for Pin {
    fn from(pin: JsonPin) -> Self {
        Self {
            position: Position {
                segment: pin.segment,
                size: pin.size,
                root: pin.root,
            },
            sealed: pin.sealed,
            stored: pin.stored,
        }
    }
}

impl From<Pin> for JsonPin {
    fn from(pin: Pin) -> Self {
        Self {
            segment: pin.position.segment,
            size: pin.position.size,
            root: pin.position.root,
            sealed: pin.sealed,
            stored: pin.stored,
            cache: None,
        }
    }
}

/// A value that is written as an object. A derived reader takes an array in its place, too.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OfMap<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for OfMap<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }
        deserializer.deserialize_map(OfMap(PhantomData))
    }
}

/// `null` is not another way to leave a field out.
fn not_null<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// A log that is named twice would hide one of its pins: which one, only the reader knows.
fn each_log_once<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<Origin, JsonPin>, D::Error> {
    struct Logs;
    impl<'de> Visitor<'de> for Logs {
        type Value = BTreeMap<Origin, JsonPin>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("the pins of logs by their origins")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut logs = BTreeMap::new();
            while let Some((origin, Object(pin))) = map.next_entry::<Origin, Object<JsonPin>>()? {
                if logs.contains_key(&origin) {
                    return Err(A::Error::custom(format_args!(
                        "log {origin} is named twice"
                    )));
                }
                logs.insert(origin, pin);
            }
            Ok(logs)
        }
    }
    deserializer.deserialize_map(Logs)
}
