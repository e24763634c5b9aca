//! Paths that two parts of a service must not share: what two inputs follow, and what the service itself writes.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};

use auditlog_sealer::follow::name_matches;

use crate::command::input::{Looked, Wrong};

/// What the service itself writes: whoever follows it never comes to an end.
#[derive(Default)]
pub(super) struct Own {
    /// The spools.
    pub(super) spools: Vec<PathBuf>,
    /// The folders in which logs have a folder of segments each.
    pub(super) stores: Vec<PathBuf>,
}

impl Own {
    /// What is wrong with a path that is given as `shown`, is in a folder, and may have the name of a segment.
    fn mistake(&self, at: &str, shown: &str, folder: &Path, may_be_segment: bool) -> Option<Wrong> {
        let is_below = |above: &&PathBuf| folder.starts_with(above);
        let spool = self.spools.iter().find(is_below);
        let stores = self.stores.iter().filter(|_| may_be_segment);
        let store = || {
            stores
                .clone()
                .find(|above| is_below(above) && folder != *above)
        };
        let (kind, found) = match spool {
            Some(spool) => ("the spool", spool),
            None => ("the log in", store()?),
        };
        let found = found.display();
        let what = format!("{shown} is in {kind} {found}, which the service itself writes");
        Some(Wrong::new(at, what, "follow files elsewhere"))
    }
}

/// The name of a segment, for patterns that are to match none.
const SEGMENT: &str = "000000000000.jsonl.zst";

/// What inputs follow, as it is written.
#[derive(Default)]
pub(super) struct Paths<'c>(BTreeMap<&'c str, &'c str>);

impl<'c> Paths<'c> {
    /// Adds the paths of an input. No two have the same one, and none is our own.
    pub(super) fn add(&mut self, input: &'c str, paths: &'c [String], own: &Own) -> Vec<Wrong> {
        let mut wrong = Vec::new();
        for (number, path) in paths.iter().enumerate() {
            let at = format!("paths.{number}");
            if let Some(other) = self.0.insert(path, input) {
                wrong.push(twice(&at, path, other));
            }
            let may_be_segment = Path::new(path)
                .file_name()
                .is_some_and(|name| name_matches(name, SEGMENT.as_ref()));
            wrong.extend(own.mistake(&at, path, &plain_folder(path), may_be_segment));
        }
        wrong
    }
}

/// The folder of a pattern up to its first `*` or `?`.
fn plain_folder(pattern: &str) -> PathBuf {
    let folder = Path::new(pattern).parent().unwrap_or(Path::new("/"));
    let is_plain = |part: &Component<'_>| {
        let part = part.as_os_str().as_encoded_bytes();
        !part.contains(&b'*') && !part.contains(&b'?')
    };
    folder.components().take_while(is_plain).collect()
}

/// The files that are there, by device and inode.
#[derive(Default)]
pub(super) struct Files<'c>(BTreeMap<(u64, u64), &'c str>);

impl<'c> Files<'c> {
    /// Adds what an input will read. No two read the same file, and none is our own.
    pub(super) fn add(&mut self, input: &'c str, looked: &Looked, own: &Own) -> Vec<Wrong> {
        let mut wrong = Vec::new();
        for (at, path, found) in &looked.files {
            let other = self.0.insert((found.dev(), found.ino()), input);
            if let Some(other) = other.filter(|other| *other != input) {
                wrong.push(twice(at, &path.display().to_string(), other));
            }
            let folder = path.parent().unwrap_or(path);
            let shown = path.display().to_string();
            let is_segment = path
                .file_name()
                .is_some_and(|name| name_matches("????????????.jsonl.zst".as_ref(), name));
            wrong.extend(own.mistake(at, &shown, folder, is_segment));
        }
        wrong
    }
}

fn twice(at: &str, path: &str, other: &str) -> Wrong {
    let what =
        format!("{path} is also under the input {other}: its events would be in a log twice");
    Wrong::new(at, what, "remove it from one of them")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(wrong: Vec<Wrong>) -> Vec<String> {
        let wrong = wrong.into_iter();
        wrong
            .map(|Wrong { at, what, .. }| format!("{at}: {what}"))
            .collect()
    }

    #[test]
    fn paths_of_two_inputs_and_those_that_the_service_writes_are_refused() {
        let paths = |paths: &[&str]| -> Vec<String> {
            paths.iter().map(|path| (*path).to_owned()).collect()
        };
        let (one, other) = (
            paths(&["/l/a.log", "/l/*.log"]),
            paths(&[
                "/l/b.log",
                "/l/*.log",
                "/s/*.wal",
                "/s/x/y",
                "/sp/*",
                "/*/*.wal",
                "/to/*",
                "/to/p/*.log",
                "/to/p/*",
                "/to/p/*.zst",
            ]),
        );
        let own = Own {
            spools: vec![PathBuf::from("/s")],
            stores: vec![PathBuf::from("/to")],
        };
        let mut all = Paths::default();
        assert!(all.add("one", &one, &own).is_empty());
        let expected = [
            "paths.1: /l/*.log is also under the input one: its events would be in a log twice",
            "paths.2: /s/*.wal is in the spool /s, which the service itself writes",
            "paths.3: /s/x/y is in the spool /s, which the service itself writes",
            "paths.8: /to/p/* is in the log in /to, which the service itself writes",
            "paths.9: /to/p/*.zst is in the log in /to, which the service itself writes",
        ];
        assert_eq!(said(all.add("other", &other, &own)), expected);
    }

    #[test]
    fn files_of_two_inputs_and_those_that_the_service_writes_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let looked = |names: &[&str]| {
            let mut looked = Looked::default();
            for name in names {
                let path = folder.path().join(name);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(&path, "").unwrap();
                let found = std::fs::metadata(&path).unwrap();
                looked.files.push(("paths.0".to_owned(), path, found));
            }
            looked
        };
        let own = Own {
            spools: vec![folder.path().join("s")],
            stores: vec![folder.path().join("to")],
        };
        let mut all = Files::default();
        // Two patterns of one input may match the same file.
        assert!(all.add("one", &looked(&["a", "a", "b"]), &own).is_empty());
        let segment = "to/p/000000000012.jsonl.zst";
        let files = ["c", "b", "s/1.wal", "to/p/a.log", segment];
        let wrong = said(all.add("other", &looked(&files), &own));
        assert!(
            wrong[0].contains("/b is also under the input one"),
            "{wrong:?}"
        );
        assert!(wrong[1].contains("/s/1.wal is in the spool"), "{wrong:?}");
        assert!(
            wrong[2].contains("12.jsonl.zst is in the log in"),
            "{wrong:?}"
        );
        assert_eq!(wrong.len(), 3);
    }
}
