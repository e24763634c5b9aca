//! What no two logs of a service may have in common.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::log::{Log, is_name};
use crate::command::input::Wrong;

/// The logs so far.
#[derive(Default)]
pub(super) struct Logs<'c> {
    names: BTreeSet<&'c str>,
    spools: BTreeSet<PathBuf>,
    identities: BTreeSet<(&'c Path, Option<&'c str>, Option<&'c str>)>,
}

/// Whether a log is the only one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Count {
    Only,
    Several,
}

impl<'c> Logs<'c> {
    /// Adds one. Returns all that is wrong with it.
    pub(super) fn add(&mut self, log: &'c Log, count: Count) -> Vec<Wrong> {
        let mut wrong = log.mistakes();
        wrong.extend(self.of_name(log, count));
        if !self.spools.insert(log.absolute_spool()) {
            let what = format!("two logs have the spool {}", log.spool().display());
            wrong.push(Wrong::new(
                "spool",
                what,
                "give each log a folder of its own",
            ));
        }
        if !self.identities.insert(log.identity()) {
            let what = "another of the [[logs]] is the same log: a log has one writer";
            wrong.push(Wrong::new(
                "origin",
                what,
                "remove one of the tables, or name another log",
            ));
        }
        wrong
    }

    fn of_name(&mut self, log: &'c Log, count: Count) -> Option<Wrong> {
        let name = log.name();
        let is_new = self.names.insert(name);
        if count == Count::Several && !log.has_name() {
            let what = "each of several logs needs a name";
            return Some(Wrong::new("name", what, "add name = \"NAME\""));
        }
        if !is_name(name) {
            let what = format!("{name:?} cannot be the name of a log");
            let remedy = "a name of a log has 1 to 64 letters, digits, - and _";
            return Some(Wrong::new("name", what, remedy));
        }
        let what = format!("two logs have the name {name}");
        (!is_new).then(|| Wrong::new("name", what, "give each log a name of its own"))
    }
}
