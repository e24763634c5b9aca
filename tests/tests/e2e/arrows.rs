//! Which crate may know which: the arrows of the workspace, read from `cargo metadata`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use auditlog_tests::{Command, Run, root};

/// Each crate and the crates of the workspace that it may use, in code, tests and build scripts alike.
///
/// The verifier and the sealer do not see each other, so that one bug cannot hide in both. Nothing but the provider
/// knows Terraform, and its plugin framework knows nothing of audit logs.
const ALLOWED: &[(&str, &[&str])] = &[
    ("sha256-lanes", &[]),
    ("auditlog-chain", &["sha256-lanes"]),
    ("auditlog-verifier", &["auditlog-chain"]),
    ("auditlog-sealer", &["auditlog-chain"]),
    ("tf-provider", &[]),
    (
        "terraform-provider-auditlog",
        &["auditlog-chain", "auditlog-verifier", "tf-provider"],
    ),
    (
        "auditlog-tests",
        &[
            "sha256-lanes",
            "auditlog-chain",
            "auditlog-verifier",
            "auditlog-sealer",
            "tf-provider",
            "terraform-provider-auditlog",
        ],
    ),
];

/// Rooms without an owner.
const NO_SUCH_CRATE: &[&str] = &[
    "utils", "util", "common", "helpers", "helper", "shared", "misc",
];

type Arrows = BTreeMap<String, BTreeSet<String>>;

/// Runs Cargo on the workspace, with the home folder that the tests were built with.
pub(crate) fn cargo(arguments: &[&str]) -> Run {
    let cargo = std::env::var_os("CARGO").expect("cargo names itself to the tests it runs");
    let (mut command, _home) = Command::new(cargo).into_inner();
    command.args(arguments).current_dir(root());
    for kept in ["HOME", "CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN"] {
        command.envs(std::env::var_os(kept).map(|value| (kept, value)));
    }
    Run::from_output(&command.output().expect("cargo runs")).ok()
}

fn arrows() -> Arrows {
    // Offline: the lock file and the sources are there, or this test had not been built.
    let run = cargo(&["metadata", "--format-version=1", "--no-deps", "--offline"]);
    let metadata = run.json();
    let packages = metadata["packages"].as_array().expect("packages");
    let name = |value: &serde_json::Value| value["name"].as_str().expect("a name").to_owned();
    let members: BTreeSet<String> = packages.iter().map(name).collect();
    let known = |package: &serde_json::Value| {
        let dependencies = package["dependencies"].as_array().expect("dependencies");
        dependencies
            .iter()
            .map(name)
            .filter(|dependency| members.contains(dependency))
            .collect()
    };
    packages
        .iter()
        .map(|package| (name(package), known(package)))
        .collect()
}

/// Every arrow that is not allowed, as a sentence; and every crate that nobody has placed.
fn violations(arrows: &Arrows) -> Vec<String> {
    let allowed: BTreeMap<&str, &[&str]> = ALLOWED.iter().copied().collect();
    let mut found = Vec::new();
    for (from, to) in arrows {
        let last_word = from.rsplit('-').next().unwrap_or(from);
        if NO_SUCH_CRATE.contains(&last_word) {
            found.push(format!("{from} is a room without an owner"));
        }
        let Some(allowed) = allowed.get(from.as_str()) else {
            found.push(format!("{from} has no place among the arrows"));
            continue;
        };
        found.extend(
            to.iter()
                .filter(|to| !allowed.contains(&to.as_str()))
                .map(|to| format!("{from} must not use {to}")),
        );
    }
    found
}

#[test]
fn every_crate_uses_only_what_it_may() {
    let arrows = arrows();
    for (name, _) in ALLOWED {
        assert!(
            arrows.contains_key(*name),
            "{name} is gone from the workspace"
        );
    }
    assert_eq!(violations(&arrows), Vec::<String>::new());
}

#[test]
fn a_forbidden_arrow_is_found() {
    let mut arrows = arrows();
    arrows
        .get_mut("auditlog-sealer")
        .unwrap()
        .insert("auditlog-verifier".to_owned());
    arrows
        .get_mut("auditlog-chain")
        .unwrap()
        .insert("tf-provider".to_owned());
    arrows.insert("auditlog-helpers".to_owned(), BTreeSet::new());
    let expected = [
        "auditlog-chain must not use tf-provider",
        "auditlog-helpers is a room without an owner",
        "auditlog-helpers has no place among the arrows",
        "auditlog-sealer must not use auditlog-verifier",
    ];
    assert_eq!(violations(&arrows), expected);
}

/// The Rust files of a folder and of those in it, except what cargo builds.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let of = |path: PathBuf| match path.file_name().and_then(|name| name.to_str()) {
        Some(name) if path.is_dir() && name != "target" && !name.starts_with('.') => {
            rust_files(&path)
        }
        Some(_) if path.extension().is_some_and(|end| end == "rs") => vec![path],
        _ => Vec::new(),
    };
    paths.flat_map(of).collect()
}

/// The workspace denies the lint; whoever wants an exception has to name it.
#[test]
fn one_crate_is_excepted_from_the_lint() {
    let lint = concat!("unsafe", "_code");
    let named = |path: &PathBuf| {
        let text = fs::read_to_string(path).expect("a Rust file");
        text.contains(lint)
    };
    let files = rust_files(root());
    let crates: BTreeSet<_> = files
        .iter()
        .filter(|path| named(path))
        .filter_map(|path| path.strip_prefix(root()).ok()?.iter().next())
        .collect();
    assert_eq!(Vec::from_iter(crates), ["sha256-lanes"]);
}

/// The Python files of a folder under `tests/` and of the folders in it, each with its text. A folder counts as a module too.
fn python_files(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().expect("a name").to_string_lossy();
        if path.join("__init__.py").exists() {
            found.insert(name.into_owned(), String::new());
            found.extend(python_files(&path));
        } else if path.extension().is_some_and(|kind| kind == "py") {
            let text = fs::read_to_string(&path).expect("a Python file");
            found.insert(name.into_owned(), text);
        }
    }
    found
}

/// The modules that a Python file imports.
fn imports(text: &str) -> BTreeSet<&str> {
    let names = text.lines().filter_map(|line| {
        let line = line.trim_start();
        line.strip_prefix("from ")
            .or_else(|| line.strip_prefix("import "))
    });
    names
        .filter_map(|rest| rest.split([' ', '.', ',']).next())
        .collect()
}

/// A mistake in the second opinion must not make the vectors that it is checked with. Only the mangler uses both sides,
/// because it compares them.
#[test]
fn the_vector_generator_and_the_second_opinion_import_nothing_from_each_other() {
    let folder = |name| python_files(&root().join("tests").join(name));
    let (generator, opinion) = (folder("vectors"), folder("second-opinion"));
    assert!(imports(&generator["generate"]).contains("cases"));
    let mut found = Vec::new();
    for (from, to) in [(&generator, &opinion), (&opinion, &generator)] {
        for (name, text) in from.iter().filter(|(name, _)| !name.starts_with("mangle")) {
            let both = imports(text);
            let foreign =
                |import: &&&str| to.contains_key(**import) && !from.contains_key(**import);
            let crossed = both.iter().filter(foreign);
            found.extend(crossed.map(|import| format!("{name} imports {import}")));
        }
    }
    // A name that both sides have for a file is only the other side's where its folder is on the path.
    let on_the_path = |name: &&String| generator[*name].contains("second-opinion");
    found.extend(generator.keys().filter(on_the_path).cloned());
    assert_eq!(found, Vec::<String>::new());
}

/// Documents that people read, with their text.
fn documents() -> Vec<(PathBuf, String)> {
    let folders = ["docs/guides", "docs/guides/senders"];
    let guides = folders.map(|folder| fs::read_dir(root().join(folder)).expect("guides"));
    let guides = guides.into_iter().flatten();
    let guides = guides.map(|guide| guide.expect("a guide").path());
    let guides = guides.filter(|path| path.is_file());
    let documents = [
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "CHANGELOG.md",
    ];
    let documents = documents.map(|name| root().join(name));
    let all = documents.into_iter().chain(guides);
    let text = |path: &PathBuf| fs::read_to_string(path).expect("a document");
    all.map(|path| (path.clone(), text(&path))).collect()
}

#[test]
fn every_path_that_a_document_links_exists() {
    for (document, text) in documents() {
        let linked = text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next());
        let local = linked.filter(|link| !link.contains("://"));
        let paths = local.filter_map(|link| link.split('#').next().filter(|path| !path.is_empty()));
        for path in paths {
            let target = document.with_file_name(path);
            assert!(
                target.exists(),
                "{} links {path}, which does not exist",
                document.display()
            );
        }
    }
}

/// What a line has between backticks and is of one word.
fn words_of_code(line: &str) -> impl Iterator<Item = &str> {
    let code = line.split('`').skip(1).step_by(2);
    code.filter(|word| !word.contains(char::is_whitespace))
}

/// `a/{b,c}.rs` is short for two paths.
fn expanded(word: &str) -> Vec<String> {
    let braces = word
        .split_once('{')
        .and_then(|(before, rest)| Some((before, rest.split_once('}')?)));
    let Some((before, (choices, after))) = braces else {
        return vec![word.to_owned()];
    };
    let choices = choices.split(',');
    choices
        .map(|choice| format!("{before}{choice}{after}"))
        .collect()
}

/// A word of code is a path where its first part is a folder of the repository.
#[test]
fn every_path_in_backticks_exists() {
    let is_of_the_tree = |path: &String| {
        let first = path.split_once('/').map(|(first, _)| first);
        first.is_some_and(|first| {
            !["", ".", "..", "target"].contains(&first) && root().join(first).is_dir()
        })
    };
    let mut absent = Vec::new();
    let mut checked = BTreeSet::new();
    for (document, text) in documents() {
        let words = text.lines().flat_map(words_of_code).flat_map(expanded);
        for path in words.filter(is_of_the_tree) {
            if !root().join(&path).exists() {
                absent.push(format!("{} names {path}", document.display()));
            }
            checked.insert(path);
        }
    }
    assert_eq!(absent, Vec::<String>::new());
    // One of two that are written as one word.
    assert!(
        checked.contains("tests/tests/e2e/reading.rs"),
        "{checked:?}"
    );
}
