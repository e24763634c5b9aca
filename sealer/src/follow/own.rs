//! What the service itself writes: whoever follows it never comes to an end.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::pattern::name_matches;

/// Names of segments, whole and unfinished.
const SEGMENTS: [&str; 2] = ["????????????.jsonl.zst", ".????????????.jsonl.zst.*"];

/// Where the service writes.
#[derive(Clone, Debug, Default)]
pub struct Own {
    /// The spools.
    pub spools: Vec<PathBuf>,
    /// The folders in which logs have a folder of segments each.
    pub stores: Vec<PathBuf>,
}

impl Own {
    /// The folder of a file that the service writes; `None` for another file. Whatever links lead there, a folder is known by its place on
    /// the disk.
    pub fn folder_of(&self, path: &Path) -> Option<PathBuf> {
        let path = fs::canonicalize(path).ok()?;
        let folder = path.parent()?;
        let is_in_spool = is_in(folder, &self.spools);
        let is_segment = || path.file_name().is_some_and(is_of_segment);
        let of_log = || {
            folder
                .parent()
                .is_some_and(|above| is_in(above, &self.stores))
        };
        (is_in_spool || is_segment() && of_log()).then(|| folder.to_owned())
    }
}

/// Whether a name is one that a log gives to its files.
pub fn is_of_segment(name: &OsStr) -> bool {
    let mut names = SEGMENTS.iter();
    names.any(|pattern| name_matches(pattern.as_ref(), name))
}

fn is_in(folder: &Path, own: &[PathBuf]) -> bool {
    let own: Vec<_> = own.iter().filter_map(|own| place_of(own)).collect();
    let mut above = folder.ancestors();
    above.any(|above| place_of(above).is_some_and(|above| own.contains(&above)))
}

fn place_of(folder: &Path) -> Option<(u64, u64)> {
    let found = fs::metadata(folder).ok()?;
    Some((found.dev(), found.ino()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn files_of_the_service_are_known_whatever_leads_to_them() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for name in [
            "to/p/000000000001.jsonl.zst",
            "to/p/.000000000002.jsonl.zst.1.w.unfinished",
            "to/p/a.log",
            "to/000000000001.jsonl.zst",
            "spool/names.log",
            "other/000000000001.jsonl.zst",
        ] {
            fs::create_dir_all(root.join(name).parent().unwrap()).unwrap();
            fs::write(root.join(name), "").unwrap();
        }
        symlink(root.join("to/p"), root.join("link")).unwrap();
        symlink("spool/names.log", root.join("names")).unwrap();
        symlink(root.join("to"), root.join("as-it-is-written")).unwrap();
        let own = Own {
            spools: vec![root.join("spool")],
            stores: vec![root.join("as-it-is-written"), root.join("not-there-yet")],
        };
        for (path, expected) in [
            ("to/p/000000000001.jsonl.zst", Some("to/p")),
            ("to/p/.000000000002.jsonl.zst.1.w.unfinished", Some("to/p")),
            ("link/000000000001.jsonl.zst", Some("to/p")),
            ("names", Some("spool")),
            ("spool/names.log", Some("spool")),
            ("to/p/a.log", None),
            ("to/000000000001.jsonl.zst", None),
            ("other/000000000001.jsonl.zst", None),
            ("not-there", None),
        ] {
            let found = own.folder_of(&root.join(path));
            let expected = expected.map(|name| fs::canonicalize(root.join(name)).unwrap());
            assert_eq!(found, expected, "{path}");
        }
    }
}
