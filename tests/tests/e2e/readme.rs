//! What the README tells a newcomer to do works as it stands there.

use std::fs;

use auditlog_tests::{Engine, Terraform, root};

/// The fenced block of this language, or for `""` the one without a language, that contains a word.
fn block(language: &str, word: &str) -> String {
    let readme = fs::read_to_string(root().join("README.md")).expect("README.md");
    // Every second part stands between two fences; its first line is the language.
    let blocks = readme
        .split("```")
        .skip(1)
        .step_by(2)
        .filter_map(|block| block.split_once('\n'));
    let mut found = blocks.filter(|(name, text)| *name == language && text.contains(word));
    let (_, text) = found
        .next()
        .unwrap_or_else(|| panic!("no block of {language:?} with {word:?}"));
    text.to_owned()
}

/// The configuration of its first use.
pub(crate) fn main_tf() -> String {
    block("hcl", "auditlog_bucket")
}

#[test]
fn the_first_use_works_as_written() {
    let endpoint = Engine::Ministack.start();
    let terraform = Terraform::in_empty_folder(&endpoint.env());
    terraform.write("main.tf", &main_tf());
    terraform.write("events.jsonl", "{\"paid\":1}\n{\"paid\":2}\n");
    let run = terraform.shell(&block("", "terraform init")).ok();
    assert!(
        terraform.path().join("pins.json").is_file(),
        "no heads are pinned: {run}"
    );
    assert_eq!(
        terraform.plan().status,
        0,
        "the declaration is what is there"
    );
}

#[test]
fn it_names_the_pinned_endpoints() {
    let pins =
        fs::read_to_string(root().join("tests/requirements.txt")).expect("tests/requirements.txt");
    let readme = fs::read_to_string(root().join("README.md")).expect("README.md");
    for (name, package) in [("MiniStack", "ministack=="), ("moto", "moto==")] {
        let mut pinned = pins.lines().filter_map(|line| line.strip_prefix(package));
        let version = pinned.next().expect("a pin");
        assert!(
            readme.contains(&format!("{name} {version}")),
            "README.md names another version of {name} than {version}"
        );
    }
}

#[test]
fn every_path_it_names_exists() {
    let readme = fs::read_to_string(root().join("README.md")).expect("README.md");
    let linked = readme
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next());
    for path in linked.filter(|path| !path.contains("://")) {
        assert!(
            root().join(path).exists(),
            "README.md links {path}, which is not there"
        );
    }
}
