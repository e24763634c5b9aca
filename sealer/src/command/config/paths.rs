//! Paths that two parts of a service must not share: what two inputs follow, and the spools.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};

use crate::command::input::{Looked, Wrong};

/// What inputs follow, as it is written.
#[derive(Default)]
pub(super) struct Paths<'c>(BTreeMap<&'c str, &'c str>);

impl<'c> Paths<'c> {
    /// Adds the paths of an input. No two have the same one, and none is in a spool.
    pub(super) fn add(
        &mut self,
        input: &'c str,
        paths: &'c [String],
        spools: &[PathBuf],
    ) -> Vec<Wrong> {
        let mut wrong = Vec::new();
        for (number, path) in paths.iter().enumerate() {
            let at = format!("paths.{number}");
            if let Some(other) = self.0.insert(path, input) {
                wrong.push(twice(&at, path, other));
            }
            if let Some(spool) = in_a_spool(&plain_folder(path), spools) {
                wrong.push(of_a_spool(&at, path, spool));
            }
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
    /// Adds what an input will read. No two read the same file, and none is of a spool.
    pub(super) fn add(
        &mut self,
        input: &'c str,
        looked: &Looked,
        spools: &[PathBuf],
    ) -> Vec<Wrong> {
        let mut wrong = Vec::new();
        for (at, path, found) in &looked.files {
            let other = self.0.insert((found.dev(), found.ino()), input);
            if let Some(other) = other.filter(|other| *other != input) {
                wrong.push(twice(at, &path.display().to_string(), other));
            }
            if let Some(spool) = in_a_spool(path, spools) {
                wrong.push(of_a_spool(at, &path.display().to_string(), spool));
            }
        }
        wrong
    }
}

fn twice(at: &str, path: &str, other: &str) -> Wrong {
    let what =
        format!("{path} is also under the input {other}: its events would be in a log twice");
    Wrong::new(at, what, "remove it from one of them")
}

fn in_a_spool<'s>(path: &Path, spools: &'s [PathBuf]) -> Option<&'s Path> {
    let mut spools = spools.iter().map(PathBuf::as_path);
    spools.find(|spool| path.starts_with(spool))
}

/// What the sealer writes itself never ends.
fn of_a_spool(at: &str, path: &str, spool: &Path) -> Wrong {
    let spool = spool.display();
    let what = format!("{path} is in the spool {spool}, which the service itself writes");
    Wrong::new(at, what, "follow files elsewhere")
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
    fn paths_of_two_inputs_and_of_a_spool_are_refused() {
        let paths = |paths: &[&str]| -> Vec<String> {
            paths.iter().map(|path| (*path).to_owned()).collect()
        };
        let (one, other) = (
            paths(&["/l/a.log", "/l/*.log"]),
            paths(&[
                "/l/b.log", "/l/*.log", "/s/*.wal", "/s/x/y", "/sp/*", "/*/*.wal",
            ]),
        );
        let spools = [PathBuf::from("/s")];
        let mut all = Paths::default();
        assert!(all.add("one", &one, &spools).is_empty());
        let expected = [
            "paths.1: /l/*.log is also under the input one: its events would be in a log twice",
            "paths.2: /s/*.wal is in the spool /s, which the service itself writes",
            "paths.3: /s/x/y is in the spool /s, which the service itself writes",
        ];
        assert_eq!(said(all.add("other", &other, &spools)), expected);
    }

    #[test]
    fn files_of_two_inputs_and_of_a_spool_are_refused() {
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
        let spools = [folder.path().join("s")];
        let mut all = Files::default();
        // Two patterns of one input may match the same file.
        assert!(
            all.add("one", &looked(&["a", "a", "b"]), &spools)
                .is_empty()
        );
        let wrong = said(all.add("other", &looked(&["c", "b", "s/1.wal"]), &spools));
        assert!(
            wrong[0].contains("/b is also under the input one"),
            "{wrong:?}"
        );
        assert!(wrong[1].contains("/s/1.wal is in the spool"), "{wrong:?}");
        assert_eq!(wrong.len(), 2);
    }
}
