//! The modules inside each crate have arrows too, and no cycle: read from `mod`, `use` and the paths in code.

mod mentions;
mod tokens;
mod tree;

use std::collections::BTreeSet;
use std::path::PathBuf;

use auditlog_tests::root;

use crate::arrows::cargo;
use tree::{Tree, Uses};

/// The root file of each tree of modules: of each library, program, example and test.
fn roots() -> Vec<PathBuf> {
    let run = cargo(&["metadata", "--format-version=1", "--no-deps", "--offline"]);
    let metadata = run.json();
    let packages = metadata["packages"].as_array().expect("packages");
    let targets = packages
        .iter()
        .flat_map(|package| package["targets"].as_array().expect("targets"));
    let file = |target: &serde_json::Value| target["src_path"].as_str().expect("a path").into();
    targets.map(file).collect()
}

/// The root files of the libraries.
fn libraries() -> Vec<PathBuf> {
    let libraries: Vec<PathBuf> = roots()
        .into_iter()
        .filter(|file| file.ends_with("src/lib.rs"))
        .collect();
    assert!(libraries.len() > 5, "{libraries:?}");
    libraries
}

/// A module, and all that it uses, directly or through others.
fn reached<'a>(uses: &'a Uses, from: &'a str) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::from([from]);
    let mut open = vec![from];
    while let Some(next) = open.pop().and_then(|module| uses.get(module)) {
        open.extend(
            next.iter()
                .map(String::as_str)
                .filter(|to| found.insert(to)),
        );
    }
    found
}

/// Each use that is part of a cycle.
fn cycles(uses: &Uses) -> Vec<String> {
    let mut found = Vec::new();
    for (from, to) in uses {
        let circular = to
            .iter()
            .filter(|to| reached(uses, to).contains(from.as_str()));
        found.extend(circular.map(|to| format!("{from} -> {to}")));
    }
    found
}

/// Each tree, and the uses in it that form cycles.
fn all_cycles() -> Vec<(PathBuf, Vec<String>)> {
    let roots = roots();
    assert!(roots.len() > 20, "{roots:?}");
    let of = |file: PathBuf| (file.clone(), cycles(&Tree::read(&file).uses()));
    roots.into_iter().map(of).collect()
}

#[test]
fn modules_form_no_cycle() {
    for (file, cycles) in all_cycles() {
        assert!(
            cycles.is_empty(),
            "{} has a cycle of modules:\n{}",
            file.display(),
            cycles.join("\n")
        );
    }
}

#[test]
fn each_use_of_a_cycle_is_named_and_no_other() {
    let uses = |all: &[(&str, &[&str])]| -> Uses {
        let set = |to: &[&str]| to.iter().map(|to| (*to).to_owned()).collect();
        all.iter()
            .map(|(from, to)| ((*from).to_owned(), set(to)))
            .collect()
    };
    let free = uses(&[("a", &["b", "c"]), ("b", &["c"]), ("c", &[])]);
    assert_eq!(cycles(&free), [""; 0]);
    let circular = uses(&[
        ("a", &["b", "c"]),
        ("b", &["d"]),
        ("c", &[]),
        ("d", &["a", "c"]),
    ]);
    assert_eq!(cycles(&circular), ["a -> b", "b -> d", "d -> a"]);
}

/// The uses among the modules right below a crate's root: what is in a folder counts for the folder.
fn folded(uses: &Uses) -> Uses {
    let top = |module: &String| module.split("::").next().unwrap_or_default().to_owned();
    let mut folded = Uses::new();
    for (from, to) in uses.iter().filter(|(from, _)| *from != "crate") {
        let from = top(from);
        let to = to.iter().filter(|to| *to != "crate").map(top);
        let to: Vec<_> = to.filter(|to| *to != from).collect();
        folded.entry(from).or_default().extend(to);
    }
    folded
}

/// The modules in layers: each uses only modules of the lines above its own, or others of its own line that use it too.
fn layers(uses: &Uses) -> String {
    let mut lines = String::new();
    let mut placed = BTreeSet::new();
    while placed.len() < uses.len() {
        let is_next = |module: &&String| {
            let mut below = reached(uses, module);
            below.retain(|other| !reached(uses, other).contains(module.as_str()));
            !placed.contains(*module) && below.iter().all(|other| placed.contains(*other))
        };
        let layer: BTreeSet<String> = uses.keys().filter(is_next).cloned().collect();
        let names: Vec<_> = layer.iter().map(String::as_str).collect();
        lines += &names.join(" ");
        lines.push('\n');
        placed.extend(layer);
    }
    lines
}

/// A folder is a room: two that use each other have to be read together, though no file in them is in a cycle.
#[test]
fn folders_form_no_cycle() {
    for file in libraries() {
        let cycles = cycles(&folded(&Tree::read(&file).uses()));
        assert!(
            cycles.is_empty(),
            "{} has a cycle of folders:\n{}",
            file.display(),
            cycles.join("\n")
        );
    }
}

#[test]
fn the_architecture_shows_the_layers_of_each_library() {
    let document =
        std::fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let shown = libraries()
        .into_iter()
        .filter(|file| !file.starts_with(root().join("tests")));
    for file in shown {
        let layers = layers(&folded(&Tree::read(&file).uses()));
        let file = file.strip_prefix(root()).expect("below the root").display();
        let block = format!("`{file}`:\n\n```text\n{layers}```\n");
        assert!(
            document.contains(&block),
            "ARCHITECTURE.md must show this:\n\n{block}"
        );
    }
}

#[test]
fn a_layer_uses_only_those_above_it() {
    let set = |to: &[&str]| to.iter().map(|to| (*to).to_owned()).collect();
    let uses = [
        ("a", set(&["b", "c"])),
        ("b", set(&["d"])),
        ("c", set(&[])),
        ("d", set(&["b", "c"])),
    ];
    let uses: Uses = uses.map(|(from, to)| (from.to_owned(), to)).into();
    assert_eq!(layers(&uses), "c\nb d\na\n");
}
