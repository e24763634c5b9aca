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
        let at = real(path);
        let mut around = at.ancestors();
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

/// What a run reads beside the logs, with the name that a person has for it.
#[derive(Clone, Copy)]
pub(super) enum Input<'p> {
    File(&'static str, &'p Path),
    Folder(&'static str, &'p Path),
}

impl Input<'_> {
    /// Where writing to a place would change this; what it is then, in words.
    fn is_changed_at(&self, at: &Path) -> Option<String> {
        match *self {
            Self::File(name, path) => {
                is_same(at, &real(path)).then(|| format!("the file of {name}"))
            }
            Self::Folder(name, path) => {
                let folder = real(path);
                let mut around = at.ancestors();
                around
                    .any(|folder_of| is_same(folder_of, &folder))
                    .then(|| format!("in the folder of {name}"))
            }
        }
    }
}

/// Refuses an option whose files would be written over what the run reads, or over one another.
pub(super) fn check_inputs(
    option: &str,
    paths: &[&Path],
    inputs: &[Input<'_>],
) -> Result<(), Usage> {
    let mut earlier: Vec<PathBuf> = Vec::new();
    for path in paths {
        let at = real(path);
        if let Some(what) = inputs.iter().find_map(|input| input.is_changed_at(&at)) {
            let message = format!(
                "{option} {} is {what}, which must not be written to",
                path.display()
            );
            return Err(Usage::new(message, "name another place"));
        }
        if earlier.iter().any(|other| is_same(other, &at)) {
            let message = format!("{option} {} is named twice", path.display());
            return Err(Usage::new(message, "name each file once"));
        }
        earlier.push(at);
    }
    Ok(())
}

/// Whether two places are one, by their paths or, where both exist, by what is there.
fn is_same(one: &Path, other: &Path) -> bool {
    let there = |path: &Path| fs::metadata(path).ok().map(|one| (one.dev(), one.ino()));
    one == other || there(one).is_some_and(|one| there(other) == Some(one))
}

/// Where a path leads from here.
fn real(path: &Path) -> PathBuf {
    followed(Path::new("."), path, MAX_LINKS)
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

    #[test]
    fn an_output_over_an_input_or_over_another_output_is_found() {
        let place = tempfile::tempdir().unwrap();
        let at = |name: &str| place.path().join(name);
        for folder in ["plan", "parts/of", "beside"] {
            fs::create_dir_all(at(folder)).unwrap();
        }
        for file in ["policy.json", "plan/plan.json", "free.json"] {
            fs::write(at(file), "").unwrap();
        }
        symlink("policy.json", at("link.json")).unwrap();
        symlink("../parts", at("beside/parts")).unwrap();
        fs::hard_link(at("policy.json"), at("hard.json")).unwrap();
        let (policy, pins) = (at("policy.json"), at("pins.json"));
        let (plan, parts, cache) = (at("plan"), at("parts"), at("cache"));
        let inputs = [
            Input::File("--policy", &policy),
            Input::File("--pins", &pins),
            Input::Folder("--cache", &cache),
            Input::Folder("the plan", &plan),
            Input::Folder("partial results", &parts),
        ];
        let check = |paths: &[&str]| {
            let paths: Vec<PathBuf> = paths.iter().map(|path| at(path)).collect();
            let paths: Vec<&Path> = paths.iter().map(PathBuf::as_path).collect();
            check_inputs("--report", &paths, &inputs).map_err(|usage| usage.message)
        };
        for (path, what) in [
            ("policy.json", "is the file of --policy, "),
            ("beside/../policy.json", "is the file of --policy, "),
            ("link.json", "is the file of --policy, "),
            ("hard.json", "is the file of --policy, "),
            ("pins.json", "is the file of --pins, "),
            ("cache/new.json", "is in the folder of --cache, "),
            ("plan/plan.json", "is in the folder of the plan, "),
            ("parts/of/a.json", "is in the folder of partial results, "),
            (
                "beside/parts/a.json",
                "is in the folder of partial results, ",
            ),
        ] {
            let refused = check(&["new.json", path]).unwrap_err();
            assert!(refused.contains(what), "{refused}");
        }
        for twice in ["new.json", "beside/../new.json"] {
            let refused = check(&["new.json", twice]).unwrap_err();
            assert!(refused.ends_with("new.json is named twice"), "{refused}");
        }
        assert_eq!(check(&["new.json", "free.json", "beside/new.json"]), Ok(()));
    }
}
