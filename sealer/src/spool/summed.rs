//! Small records with a sum over them, so that no changed number is taken for what was written.

use std::path::Path;

use auditlog_chain::hash::Hash;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::error::{Error, SpoolError, SpoolRecord};
use crate::input::Running;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Summed<'a> {
    #[serde(borrow)]
    record: &'a RawValue,
    sum: Hash,
}

#[derive(Serialize)]
struct NewSummed<'a> {
    record: &'a RawValue,
    sum: Hash,
}

pub(super) fn format_summed<T: Serialize>(record: &T) -> Vec<u8> {
    // Names, numbers and hashes can always be written.
    let record = serde_json::value::to_raw_value(record).unwrap_or_default();
    let sum = Running::of(record.get().as_bytes());
    let record = &*record;
    serde_json::to_vec(&NewSummed { record, sum }).unwrap_or_default()
}

pub(super) fn parse_summed<T: serde::de::DeserializeOwned>(
    record: SpoolRecord,
    path: &Path,
    text: &[u8],
) -> Result<T, Error> {
    let not_whole = |source| {
        let path = path.to_owned();
        Error::from(SpoolError::Record {
            path,
            record,
            source,
        })
    };
    let found: Summed<'_> = serde_json::from_slice(text).map_err(not_whole)?;
    if Running::of(found.record.get().as_bytes()) != found.sum {
        let changed = "what it holds does not match its sum";
        return Err(not_whole(serde::de::Error::custom(changed)));
    }
    serde_json::from_str(found.record.get()).map_err(not_whole)
}

/// Records are replaced as wholes, so one that is torn or empty was not left by us. It is not guessed at: a count that is lost
/// would let events be sealed twice.
pub(super) fn parse_record<T: serde::de::DeserializeOwned>(
    record: SpoolRecord,
    path: &Path,
    text: &[u8],
) -> Result<T, Error> {
    serde_json::from_slice(text).map_err(|source| {
        let path = path.to_owned();
        SpoolError::Record {
            path,
            record,
            source,
        }
        .into()
    })
}
