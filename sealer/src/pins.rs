//! The verifier's pins: heads that an earlier verification has seen. The sealer only reads them, for the head of its own log.

use std::fmt;
use std::path::Path;

use auditlog_chain::hash::Hash;
use auditlog_chain::origin::Origin;
use auditlog_chain::policy::Position;
use auditlog_chain::timestamp::Timestamp;
use serde::de::{Error as _, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::error::{Error, PinsError};
use crate::limits::MAX_PINS_BYTES;

/// The one version of the document that this program knows.
const PINS_VERSION: u64 = 1;

/// Reads the pinned head of a log; `None` where the file has none for it.
///
/// # Errors
///
/// Where the file cannot be read, or does not hold pins.
pub fn read_pin(path: &Path, origin: &Origin) -> Result<Option<Position>, Error> {
    let bytes = crate::read_at_most("the pins cannot be read", path, MAX_PINS_BYTES)
        .map_err(PinsError::Unreadable)?;
    Ok(parse(path, &bytes, origin)?)
}

fn parse(path: &Path, bytes: &[u8], origin: &Origin) -> Result<Option<Position>, PinsError> {
    let malformed = |source| PinsError::Malformed {
        path: path.to_owned(),
        source,
    };
    let Version { pins: found } = serde_json::from_slice(bytes).map_err(malformed)?;
    if found != PINS_VERSION {
        return Err(PinsError::Unsupported {
            path: path.to_owned(),
            expected: PINS_VERSION,
            found,
        });
    }
    let document: Document = serde_json::from_slice(bytes).map_err(malformed)?;
    let pin = document.logs.0.into_iter().find(|(log, _)| log == origin);
    Ok(pin.map(|(_, pin)| Position {
        segment: pin.segment,
        size: pin.size,
        root: pin.root,
    }))
}

#[derive(Deserialize)]
struct Version {
    pins: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(rename = "pins")]
    _version: IgnoredAny,
    logs: Logs,
}

/// Each log once: of two pins, only their writer knows which one counts.
struct Logs(Vec<(Origin, Pin)>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pin {
    segment: u64,
    size: u64,
    root: Hash,
    #[serde(rename = "sealed")]
    _sealed: Timestamp,
    #[serde(rename = "stored", default)]
    _stored: Option<Timestamp>,
}

impl<'de> Deserialize<'de> for Logs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Logs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the heads of logs by their origins")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Logs, A::Error> {
                let mut known = std::collections::BTreeSet::new();
                let mut logs = Vec::new();
                while let Some((origin, pin)) = map.next_entry::<Origin, Pin>()? {
                    if !known.insert(origin.clone()) {
                        let twice = format_args!("the log {origin} is listed twice");
                        return Err(A::Error::custom(twice));
                    }
                    logs.push((origin, pin));
                }
                Ok(Logs(logs))
            }
        }
        deserializer.deserialize_map(Each)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pin(text: &str) -> Result<Option<Position>, String> {
        let origin = Origin::parse("acme.example/audit/payments").unwrap();
        parse(Path::new("pins.json"), text.as_bytes(), &origin).map_err(|error| error.to_string())
    }

    #[test]
    fn the_head_of_the_log_is_read() {
        let root = Hash::from_bytes([7; 32]).to_base64();
        let one = |origin: &str| {
            format!(
                r#""{origin}":{{"segment":42,"size":99,"root":"{root}","sealed":"2026-01-01T00:00:00Z","stored":"2026-01-01T00:00:01Z"}}"#
            )
        };
        let (ours, other) = (one("acme.example/audit/payments"), one("acme.example/b"));
        let found = pin(&format!(r#"{{"pins":1,"logs":{{{other},{ours}}}}}"#));
        let found = found.unwrap().unwrap();
        assert_eq!((found.segment, found.size), (42, 99));
        assert_eq!(
            pin(&format!(r#"{{"pins":1,"logs":{{{other}}}}}"#)).unwrap(),
            None
        );
        for bad in [
            format!(r#"{{"pins":1,"logs":{{{ours},{ours}}}}}"#),
            r#"{"pins":2,"logs":{}}"#.to_owned(),
            r#"{"state":1,"logs":{}}"#.to_owned(),
            r#"{"pins":1,"logs":{},"more":1}"#.to_owned(),
            r#"{"pins":1,"logs":{"acme.example/b":{"segment":1}}}"#.to_owned(),
            String::new(),
        ] {
            assert!(pin(&bad).is_err(), "{bad}");
        }
    }
}
