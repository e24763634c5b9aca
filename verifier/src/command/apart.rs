//! What a run writes is apart from what it verifies. A report or a pins file in the verified folder would be a finding of the next run, and whoever
//! verifies must not change the evidence.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};

use super::usage::Usage;

/// As many symbolic links as Linux follows. Stops a circle of them.
const MAX_LINKS: u32 = 40;

/// Refuses an option whose file or folder would be written in the folder that is verified.
pub(super) fn check<'p>(
    target: Option<&OsStr>,
    option: &str,
    paths: impl IntoIterator<Item = &'p Path>,
) -> Result<(), Usage> {
    // A bucket, or a folder that does not exist: nothing can be written there.
    let Some(folder) = target.and_then(|target| identity(Path::new(target))) else {
        return Ok(());
    };
    for path in paths {
        let real = followed(Path::new("."), path, MAX_LINKS);
        let mut around = real.ancestors();
        if around.any(|folder_of| identity(folder_of) == Some(folder)) {
            let message = format!(
                "{option} {} is in the folder that is read, which must not be written to",
                path.display()
            );
            return Err(Usage::new(message, "name a place outside of that folder"));
        }
    }
    Ok(())
}

/// What a folder is, by whatever name.
fn identity(folder: &Path) -> Option<(u64, u64)> {
    let metadata = fs::metadata(folder).ok()?;
    metadata.is_dir().then(|| (metadata.dev(), metadata.ino()))
}

/// Where a path leads from a folder. What does not exist yet is where it would be made, also behind a link.
fn followed(from: &Path, path: &Path, links: u32) -> PathBuf {
    let mut real = fs::canonicalize(from).unwrap_or_else(|_| from.to_owned());
    for part in path.components() {
        match part {
            Component::CurDir => continue,
            Component::ParentDir => _ = real.pop(),
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => real.push(part),
        }
        let Ok(next) = fs::read_link(&real) else {
            continue;
        };
        let Some(links) = links.checked_sub(1) else {
            return real;
        };
        real = followed(real.parent().unwrap_or(Path::new("/")), &next, links);
    }
    real
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_path_into_the_folder_is_found_by_whatever_way_it_leads_there() {
        let place = tempfile::tempdir().unwrap();
        let at = |name: &str| place.path().join(name);
        for folder in ["audit/logs", "beside", "audit-2"] {
            fs::create_dir_all(at(folder)).unwrap();
        }
        fs::write(at("audit/logs/segment"), "").unwrap();
        symlink("audit/logs", at("link")).unwrap();
        symlink(at("link"), at("beside/chain")).unwrap();
        symlink("../audit/new.html", at("beside/dangling.html")).unwrap();
        symlink("circle", at("circle")).unwrap();
        symlink("audit", at("also")).unwrap();
        for target in ["audit", "also", "audit/logs/.."] {
            let target = at(target).into_os_string();
            let check = |path: &str| check(Some(&target), "--report", [at(path).as_path()]);
            for inside in [
                "audit",
                "audit/a.html",
                "audit/logs/segment",
                "audit/new/folder/a.html",
                "also/a.html",
                "link/a.html",
                "beside/chain/a.html",
                "beside/dangling.html",
                "beside/../audit/a.html",
                "absent/../audit/a.html",
            ] {
                assert!(check(inside).is_err(), "{inside}");
            }
            for outside in [
                "a.html",
                "beside/a.html",
                "audit-2/a.html",
                "audit/../a.html",
                "link/../../a.html",
                "circle",
                "circle/a.html",
            ] {
                assert!(check(outside).is_ok(), "{outside}");
            }
        }
        let inside = at("audit/a.html");
        for target in [None, Some(OsStr::new("s3://acme-audit/audit"))] {
            assert!(check(target, "--report", [inside.as_path()]).is_ok());
        }
    }
}
