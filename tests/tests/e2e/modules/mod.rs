//! The modules inside each crate have arrows too, and no cycle: read from `mod`, `use` and the paths in code.

mod mentions;
mod tokens;
mod tree;

use std::collections::BTreeSet;

use auditlog_tests::root;

use tree::{Tree, Uses};

/// The root file of each tree of modules.
const ROOTS: &[&str] = &[
    "chain/src/lib.rs",
    "verifier/src/lib.rs",
    "verifier/src/main.rs",
    "sealer/src/lib.rs",
    "sealer/src/main.rs",
    "provider/src/lib.rs",
    "provider/tf-provider/src/lib.rs",
    "provider/tf-provider/examples/fs/main.rs",
    "tests/src/lib.rs",
    "tests/tests/e2e/main.rs",
    "tests/tests/ceph/main.rs",
];

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
fn all_cycles() -> Vec<(&'static str, Vec<String>)> {
    let of = |file: &&'static str| (*file, cycles(&Tree::read(&root().join(file)).uses()));
    ROOTS.iter().map(of).collect()
}

#[test]
fn modules_form_no_cycle() {
    for (file, cycles) in all_cycles() {
        assert!(
            cycles.is_empty(),
            "{file} has a cycle of modules:\n{}",
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
