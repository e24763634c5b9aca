//! All that is wrong with a configuration, each with its line and with what to do about it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use auditlog_sealer::error::{Error, UsageError};

use super::lines::Lines;
use crate::command::input::Wrong;
use crate::command::output::complain_in_keys;

/// One thing that is wrong. What has no line, such as a table that is missing, comes first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mistake {
    /// Its line, from 1.
    pub(super) line: Option<usize>,
    /// What is wrong.
    pub(super) what: String,
    /// What to do about it.
    pub(super) remedy: String,
}

impl Mistake {
    fn of(self, path: &Path) -> Error {
        let Self { line, what, remedy } = self;
        let path = path.to_owned();
        UsageError::Configuration {
            path,
            line,
            what,
            remedy,
        }
        .into()
    }
}

/// All of them.
#[derive(Debug)]
pub(in crate::command) struct Mistakes {
    path: PathBuf,
    lines: Lines,
    /// Keys that another value was put in the place of, so that the rest could be read. What is wrong with that value, nobody wrote.
    amended: BTreeSet<String>,
    found: Vec<Mistake>,
    /// Whether each table could be read.
    is_whole: bool,
}

impl Mistakes {
    pub(super) const fn new(
        path: PathBuf,
        lines: Lines,
        amended: BTreeSet<String>,
        found: Vec<Mistake>,
    ) -> Self {
        Self {
            is_whole: found.is_empty(),
            path,
            lines,
            amended,
            found,
        }
    }

    /// Adds one of the table that this way leads to.
    pub(super) fn add(&mut self, table: &str, wrong: Wrong) {
        let Wrong { at, what, remedy } = wrong;
        let way = format!("{table}.{at}");
        let is_amended = |amended: &String| {
            let rest = way.strip_prefix(amended.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        if !self.amended.iter().any(is_amended) {
            let line = self.lines.of(&way);
            self.found.push(Mistake { line, what, remedy });
        }
    }

    /// Adds several.
    pub(super) fn extend(&mut self, table: &str, wrong: impl IntoIterator<Item = Wrong>) {
        for each in wrong {
            self.add(table, each);
        }
    }

    /// Adds one of the whole file, unless a table of it could not be read.
    pub(super) fn add_of_file(&mut self, what: &str, remedy: String) {
        if self.is_whole {
            let what = what.to_owned();
            self.found.push(Mistake {
                line: None,
                what,
                remedy,
            });
        }
    }

    /// Shows all but the last one, which it returns.
    pub(in crate::command) fn into_result(mut self) -> Result<(), Error> {
        self.found.sort();
        self.found.dedup();
        let last = self.found.pop();
        for mistake in self.found {
            complain_in_keys(&mistake.of(&self.path));
        }
        last.map_or(Ok(()), |mistake| Err(mistake.of(&self.path)))
    }
}
