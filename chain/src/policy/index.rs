//! Lookups in a policy: by origin, by prefix and by key, each by hash. A policy of 16 MiB has tens of thousands of logs, and
//! what is asked once per log, or once per object of a listing, must not cost a walk along all of them.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use super::document::PolicyDocument;
use super::error::{PolicyError, wrong};
use super::position::Position;
use super::prefix::is_prefix;
use crate::keys::PublicKey;
use crate::origin::Origin;

/// Where the parts of a document are in its lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Index {
    logs: HashMap<Origin, usize>,
    prefixes: HashMap<String, usize>,
    keys: HashMap<PublicKey, usize>,
    /// By the place of the key.
    last_good: HashMap<usize, HashMap<Origin, Position>>,
    /// Without the `/` at the end.
    declared: HashSet<String>,
}

impl Index {
    /// Builds the index.
    ///
    /// # Errors
    ///
    /// Where two parts have one name, or two prefixes overlap.
    pub(super) fn of(document: &PolicyDocument) -> Result<Self, PolicyError> {
        let index = Self {
            logs: logs(document)?,
            prefixes: prefixes(document)?,
            keys: keys(document)?,
            last_good: last_good(document)?,
            declared: declared(document)?,
        };
        index.check_overlaps(document)?;
        Ok(index)
    }

    pub(super) fn log(&self, origin: &Origin) -> Option<usize> {
        self.logs.get(origin).copied()
    }

    pub(super) fn key(&self, key: &PublicKey) -> Option<usize> {
        self.keys.get(key).copied()
    }

    /// The last good segment of a log under the key at a place.
    pub(super) fn last_good(&self, key: usize, origin: &Origin) -> Option<Position> {
        self.last_good.get(&key)?.get(origin).copied()
    }

    /// The log whose prefix this is.
    pub(super) fn prefix(&self, prefix: &str) -> Option<usize> {
        self.prefixes.get(prefix).copied()
    }

    /// The log under whose prefix an object key is.
    pub(super) fn log_above(&self, key: &str) -> Option<usize> {
        above(key).find_map(|folder| self.prefix(folder))
    }

    /// Whether an object key is under a declared prefix.
    pub(super) fn declares(&self, key: &str) -> bool {
        above(key).any(|folder| self.declared.contains(folder))
    }

    fn check_overlaps(&self, document: &PolicyDocument) -> Result<(), PolicyError> {
        for (at, log) in document.logs.iter().enumerate() {
            if self.log_above(&log.prefix).is_some() {
                let reason = "two logs have prefixes that overlap";
                return wrong(format!("logs[{at}].prefix"), reason);
            }
            if self.declared.contains(&log.prefix) || self.declares(&log.prefix) {
                return wrong(format!("logs[{at}].prefix"), "is under a declared prefix");
            }
        }
        for (at, prefix) in document.declared_prefixes.iter().enumerate() {
            if self.log_above(prefix).is_some() {
                return wrong(format!("declared_prefixes[{at}]"), "is inside of a log");
            }
        }
        Ok(())
    }
}

/// The folders above a key, from the innermost to the outermost.
fn above(key: &str) -> impl Iterator<Item = &str> {
    key.rmatch_indices('/').filter_map(|(at, _)| key.get(..at))
}

fn logs(document: &PolicyDocument) -> Result<HashMap<Origin, usize>, PolicyError> {
    let mut found = HashMap::new();
    for (at, log) in document.logs.iter().enumerate() {
        match found.entry(log.origin.clone()) {
            Entry::Vacant(entry) => entry.insert(at),
            Entry::Occupied(_) => {
                return wrong(
                    format!("logs[{at}].origin"),
                    "two logs have the same origin",
                );
            }
        };
    }
    Ok(found)
}

fn prefixes(document: &PolicyDocument) -> Result<HashMap<String, usize>, PolicyError> {
    let mut found = HashMap::new();
    for (at, log) in document.logs.iter().enumerate() {
        let place = || format!("logs[{at}].prefix");
        if !is_prefix(&log.prefix) {
            let reason =
                "must be parts of letters, digits and -_.=@~, with a single / between them";
            return wrong(place(), reason);
        }
        if found.insert(log.prefix.clone(), at).is_some() {
            return wrong(place(), "two logs have prefixes that overlap");
        }
    }
    Ok(found)
}

fn keys(document: &PolicyDocument) -> Result<HashMap<PublicKey, usize>, PolicyError> {
    let mut found = HashMap::new();
    for (at, key) in document.keys.iter().enumerate() {
        if found.insert(key.spki.clone(), at).is_some() {
            return wrong(format!("keys[{at}].spki"), "the same key appears twice");
        }
    }
    Ok(found)
}

type LastGoodSegments = HashMap<Origin, Position>;

fn last_good(document: &PolicyDocument) -> Result<HashMap<usize, LastGoodSegments>, PolicyError> {
    let mut found = HashMap::new();
    for (at, key) in document.keys.iter().enumerate() {
        let named = key.compromised.iter().flat_map(|one| &one.last_good);
        let mut of_key = LastGoodSegments::new();
        for last in named {
            if of_key
                .insert(last.origin.clone(), last.position())
                .is_some()
            {
                let place = format!("keys[{at}].compromised.last_good");
                return wrong(place, "names a log twice");
            }
        }
        found.insert(at, of_key);
    }
    Ok(found)
}

fn declared(document: &PolicyDocument) -> Result<HashSet<String>, PolicyError> {
    let folder = |(at, declared): (usize, &String)| {
        let folder = declared.strip_suffix('/');
        folder.filter(|folder| is_prefix(folder)).map_or_else(
            || {
                let place = format!("declared_prefixes[{at}]");
                wrong(
                    place,
                    "must be parts of letters, digits and -_.=@~, with a single / between them and one at the end",
                )
            },
            |folder| Ok(folder.to_owned()),
        )
    };
    document
        .declared_prefixes
        .iter()
        .enumerate()
        .map(folder)
        .collect()
}
