//! Which files an input follows: paths, with `*` and `?` in any part of them.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};

/// An absolute path. In each part, `*` is any characters, also none, and `?` is one byte. A name that begins with `.` matches only where the
/// part does too.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pattern(PathBuf);

impl Pattern {
    /// Parses a pattern; `None` where it is not an absolute path, or goes through `..`.
    pub fn parse(text: &str) -> Option<Self> {
        let path = Path::new(text);
        let is_part =
            |part: Component<'_>| matches!(part, Component::Normal(_) | Component::RootDir);
        let names_a_file = !text.ends_with('/') && path.file_name().is_some();
        (path.is_absolute() && names_a_file && path.components().all(is_part))
            .then(|| Self(path.to_owned()))
    }

    /// The path, where it is one file.
    pub fn path(&self) -> Option<&Path> {
        (!has_wildcard(self.0.as_os_str())).then_some(&self.0)
    }

    /// As it was written.
    pub fn as_path(&self) -> &Path {
        &self.0
    }

    /// The paths that match and are there, in order.
    ///
    /// # Errors
    ///
    /// Names the folder that cannot be listed. A path that cannot be looked at is found: it must not hide the others.
    pub fn find(&self) -> Result<Vec<PathBuf>, (PathBuf, io::Error)> {
        let mut found = vec![PathBuf::from("/")];
        for part in self.0.components() {
            let Component::Normal(part) = part else {
                continue;
            };
            let mut next = Vec::new();
            for before in found {
                if has_wildcard(part) {
                    next.extend(matching(&before, part)?);
                } else {
                    next.push(before.join(part));
                }
            }
            found = next;
        }
        let mut there = Vec::new();
        for path in found {
            match fs::metadata(&path) {
                Err(error) if is_absent(&error) => {}
                Ok(_) | Err(_) => there.push(path),
            }
        }
        there.sort();
        Ok(there)
    }
}

fn has_wildcard(text: &OsStr) -> bool {
    text.as_bytes()
        .iter()
        .any(|byte| matches!(byte, b'*' | b'?'))
}

/// Whether nothing is there.
pub(super) fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

fn matching(folder: &Path, part: &OsStr) -> Result<Vec<PathBuf>, (PathBuf, io::Error)> {
    let fault = |error| (folder.to_owned(), error);
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if is_absent(&error) => return Ok(Vec::new()),
        Err(error) => return Err(fault(error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(fault)?;
        if name_matches(part, &entry.file_name()) {
            found.push(entry.path());
        }
    }
    Ok(found)
}

/// Whether a name matches a part of a pattern, in which `*` is any number of characters and `?` is one.
pub fn name_matches(pattern: &OsStr, name: &OsStr) -> bool {
    matches(pattern.as_bytes(), name.as_bytes())
}

/// Whether a name matches, without going back further than to the last `*`.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    if name.first() == Some(&b'.') && pattern.first() != Some(&b'.') {
        return false;
    }
    let (mut at, mut of_name) = (0_usize, 0_usize);
    let mut star: Option<(usize, usize)> = None;
    while let Some(byte) = name.get(of_name) {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, of_name));
                at = at.saturating_add(1);
            }
            Some(expected) if *expected == b'?' || expected == byte => {
                at = at.saturating_add(1);
                of_name = of_name.saturating_add(1);
            }
            _ => {
                let Some((of_star, taken)) = star else {
                    return false;
                };
                star = Some((of_star, taken.saturating_add(1)));
                at = of_star.saturating_add(1);
                of_name = taken.saturating_add(1);
            }
        }
    }
    let rest = pattern.get(at..).unwrap_or_default();
    rest.iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks_match_within_a_name() {
        for (pattern, names, others) in [
            ("a.log", &["a.log"][..], &["a.log1", "b.log", ""][..]),
            (
                "*.log",
                &["a.log", "a.b.log"],
                &["a.log.1", ".log", ".a.log"],
            ),
            (
                "a*b*c",
                &["abc", "aXbYc", "abbcc", "abcbc"],
                &["ab", "acb", "abcd"],
            ),
            ("?.log", &["a.log"], &[".log", "ab.log"]),
            ("*", &["a"], &[".a"]),
            (".*", &[".a"], &["a"]),
            ("a*", &["a", "ab"], &["xa"]),
        ] {
            for name in names {
                assert!(
                    matches(pattern.as_bytes(), name.as_bytes()),
                    "{pattern} {name}"
                );
            }
            for name in others {
                assert!(
                    !matches(pattern.as_bytes(), name.as_bytes()),
                    "{pattern} {name}"
                );
            }
        }
    }

    #[test]
    fn many_stars_take_no_longer_than_names_allow() {
        let pattern = "*a".repeat(100) + "b";
        assert!(!matches(pattern.as_bytes(), "a".repeat(255).as_bytes()));
    }

    #[test]
    fn only_an_absolute_path_of_a_file_is_a_pattern() {
        for text in ["/var/log/app/*.log", "/var/log/*/audit.log", "/a"] {
            assert!(Pattern::parse(text).is_some(), "{text}");
        }
        for text in ["", "a.log", "./a", "/a/../b", "/", "/a/"] {
            assert_eq!(Pattern::parse(text), None, "{text}");
        }
    }

    #[test]
    fn files_are_found_through_folders() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["one/a.log", "two/b.log", "two/b.txt", "c.log"] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let found = |pattern: &str| {
            let pattern = folder.path().join(pattern).display().to_string();
            let found = Pattern::parse(&pattern).unwrap().find().unwrap();
            let shown = |path: &PathBuf| {
                let path = path.strip_prefix(folder.path()).unwrap();
                path.display().to_string()
            };
            found.iter().map(shown).collect::<Vec<String>>()
        };
        assert_eq!(found("*/*.log"), ["one/a.log", "two/b.log"]);
        assert_eq!(found("c.log"), ["c.log"]);
        assert!(found("none/*.log").is_empty());
        assert!(found("c.log/*.log").is_empty());
        assert!(found("d.log").is_empty());
    }
}
