//! Paths that two parts of a service must not share: what two inputs follow, and what the service itself writes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};

use auditlog_sealer::follow::{Own, is_of_segment, name_matches};

use crate::command::input::{Looked, Wrong};

/// What is wrong with a path that is given as `shown`, and is in a folder of ours.
fn of_own(at: &str, shown: &str, kind: &str, found: &Path) -> Wrong {
    let found = found.display();
    let what = format!("{shown} is in {kind} {found}, which the service itself writes");
    Wrong::new(at, what, "follow files elsewhere")
}

/// What is wrong with a pattern that leads into a spool, or to whatever has the name of a segment below a store.
fn mistake(own: &Own, at: &str, shown: &str) -> Option<Wrong> {
    let patterns = [PathBuf::from(shown), resolved(shown)];
    let found = |own: &[PathBuf], is_led: fn(&Path, &Path) -> bool| {
        let mut own = own.iter();
        let is_own = |own: &&PathBuf| {
            let real = fs::canonicalize(own).unwrap_or_else(|_| (*own).clone());
            let mut ours = [own.as_path(), &real].into_iter();
            ours.any(|own| patterns.iter().any(|pattern| is_led(pattern, own)))
        };
        own.find(is_own).cloned()
    };
    if let Some(spool) = found(&own.spools, leads_into) {
        return Some(of_own(at, shown, "the spool", &spool));
    }
    let store = found(&own.stores, leads_to_segments)?;
    Some(of_own(at, shown, "the log in", &store))
}

fn leads_into(pattern: &Path, spool: &Path) -> bool {
    plain_folder(pattern).starts_with(spool)
}

fn leads_to_segments(pattern: &Path, store: &Path) -> bool {
    let (mut parts, mut depth) = (pattern.components(), 0_usize);
    let is_below = store.components().all(|own| {
        let part = parts.next();
        part.is_some_and(|part| name_matches(part.as_os_str(), own.as_os_str()))
    });
    // The folder of a log is at any depth below, and its files are in it. Where only `*` leads to the store, a folder with a name of its own
    // may well be that of another program; what is ours after all is not followed.
    let is_surely_below = plain_folder(pattern).starts_with(store);
    let mut may_be_ours = true;
    for part in parts {
        depth = depth.saturating_add(1);
        may_be_ours &= is_surely_below || !is_plain(part);
    }
    let name = pattern.file_name();
    is_below
        && depth > 1
        && may_be_ours
        && name.is_some_and(|name| name_matches(name, SEGMENT.as_ref()))
}

/// A pattern without the links that are in its folder now.
fn resolved(pattern: &str) -> PathBuf {
    let pattern = Path::new(pattern);
    let folder = plain_folder(pattern);
    let mut there = folder.ancestors();
    let real = there.find_map(|above| Some((above, fs::canonicalize(above).ok()?)));
    let resolved =
        real.and_then(|(above, real)| Some(real.join(pattern.strip_prefix(above).ok()?)));
    resolved.unwrap_or_else(|| pattern.to_owned())
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
            wrong.extend(mistake(own, &at, path));
        }
        wrong
    }
}

/// The folder of a pattern up to its first `*` or `?`.
fn plain_folder(pattern: &Path) -> PathBuf {
    let folder = pattern.parent().unwrap_or(Path::new("/"));
    let plain = folder.components().take_while(|part| is_plain(*part));
    plain.collect()
}

fn is_plain(part: Component<'_>) -> bool {
    let part = part.as_os_str().as_encoded_bytes();
    !part.contains(&b'*') && !part.contains(&b'?')
}

/// The files that are there, by device and inode.
#[derive(Default)]
pub(super) struct Files<'c>(BTreeMap<(u64, u64), &'c str>);

impl<'c> Files<'c> {
    /// Adds what an input will read. No two read the same file, and none is our own.
    pub(super) fn add(&mut self, input: &'c str, looked: &Looked, own: &Own) -> Vec<Wrong> {
        let (mut wrong, mut folders) = (Vec::new(), BTreeSet::new());
        for (at, path, found) in &looked.files {
            let other = self.0.insert((found.dev(), found.ino()), input);
            if let Some(other) = other.filter(|other| *other != input) {
                wrong.push(twice(at, &path.display().to_string(), other));
            }
            // One of many segments is enough.
            let folder = own.folder_of(path);
            let folder = folder.filter(|folder| folders.insert(folder.clone()));
            if let Some(folder) = folder {
                let kind = if path.file_name().is_some_and(is_of_segment) {
                    "the log in"
                } else {
                    "the spool"
                };
                let shown = path.display().to_string();
                wrong.push(of_own(at, &shown, kind, &folder));
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
                "/*/*/*",
                "/t?/*/*/*.zst",
                "/*/*",
                "/*/*/*.log",
                "/*/logs/*",
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
            "paths.10: /*/*/* is in the log in /to, which the service itself writes",
            "paths.11: /t?/*/*/*.zst is in the log in /to, which the service itself writes",
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
