//! The provider's documentation is what schemas, templates and examples say, and the examples are valid.

use std::fs;
use std::path::{Path, PathBuf};

use auditlog_tests::{Command, Terraform, binary, root};

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn pages_are_what_make_docs_writes() {
    let provider = Command::new(binary("terraform-provider-auditlog"));
    let run = provider.arg("--docs").arg(root()).arg("--check").run();
    let found = format!("{}{}", run.stdout, run.stderr);
    assert_eq!((found.as_str(), run.status), ("", 0), "run make docs");
}

/// What an optional argument says of itself where nothing is set.
const WITHOUT_IT: [&str; 5] = [
    "Default: ",
    "Required ",
    "Exactly one of it and",
    "Not supported.",
    "that is not listed",
];

/// The lines of a page about optional arguments that do not say what happens without them. A `signing_key` is given as a whole.
fn silent_about_default(page: &Path) -> Vec<String> {
    let text = read(page);
    let sections = text.split("\n##").filter(|section| {
        let title = section.lines().next().unwrap_or_default();
        !title.contains("signing_key.") && !title.contains("signing_key`")
    });
    let optional = sections.filter_map(|section| {
        let (_, optional) = section.split_once("Optional")?;
        Some(optional.split("Read-Only:").next().unwrap_or_default())
    });
    let lines = optional.flat_map(str::lines);
    let arguments = lines.filter(|line| line.starts_with("- "));
    let silent = arguments.filter(|line| !WITHOUT_IT.iter().any(|said| line.contains(said)));
    silent
        .map(|line| format!("{}: {line}", page.display()))
        .collect()
}

#[test]
fn every_optional_argument_says_what_happens_without_it() {
    let pages = ["resources", "data-sources"].map(|folder| root().join("docs").join(folder));
    let pages = pages
        .iter()
        .flat_map(|folder| fs::read_dir(folder).expect("pages"));
    let mut pages: Vec<PathBuf> = pages.map(|page| page.expect("a page").path()).collect();
    pages.push(root().join("docs/index.md"));
    assert!(pages.len() > 5, "{pages:?}");
    let silent: Vec<String> = pages
        .iter()
        .flat_map(|page| silent_about_default(page))
        .collect();
    assert!(silent.is_empty(), "{}", silent.join("\n"));
}

/// How an argument says what a change of it does.
const CHANGED: [&str; 8] = [
    "A change",
    "a change corrects it",
    "Another ",
    "or another text",
    "A prefix that the name does not begin with",
    "cannot change",
    "cannot be removed",
    "is not taken back",
];

/// Parts of an argument that is changed as a whole, and says so itself.
const PARTS: [&str; 12] = [
    "compromised",
    "lock_spans",
    "log_delivery",
    "logging",
    "logs.ended",
    "logs.lock_spans",
    "logs.max_silence_spans",
    "logs.signing_key",
    "lost",
    "rotation",
    "storage",
    "trust_policy_archive object_lock",
];

/// The arguments of a resource's page that do not say what a change of them does.
fn silent_about_change(page: &Path) -> Vec<String> {
    let text = read(page);
    let resource = page
        .file_stem()
        .expect("a name")
        .to_string_lossy()
        .into_owned();
    let (_, schema) = text.split_once("## Schema").expect("a schema");
    let sections = schema.split("### Nested Schema for `").enumerate();
    let sections = sections.filter(|(at, section)| {
        let name = section.split('`').next().unwrap_or_default();
        let of_this = format!("{resource} {name}");
        let is_part = |part: &&str| {
            name == *part || name.starts_with(&format!("{part}.")) || of_this == *part
        };
        *at == 0 || !PARTS.iter().any(is_part)
    });
    let lines = sections.flat_map(|(_, section)| {
        let arguments = section.split("Read-Only").next().unwrap_or_default();
        arguments.lines().filter(|line| line.starts_with("- `"))
    });
    let silent = lines.filter(|line| !CHANGED.iter().any(|said| line.contains(said)));
    silent
        .map(|line| format!("{}: {line}", page.display()))
        .collect()
}

#[test]
fn every_argument_of_a_resource_says_what_a_change_of_it_does() {
    let pages = fs::read_dir(root().join("docs/resources")).expect("pages");
    let pages: Vec<PathBuf> = pages.map(|page| page.expect("a page").path()).collect();
    assert!(pages.len() >= 3, "{pages:?}");
    let silent: Vec<String> = pages
        .iter()
        .flat_map(|page| silent_about_change(page))
        .collect();
    assert!(silent.is_empty(), "{}", silent.join("\n"));
}

/// The examples of the pages, below `examples/`: that of the provider first.
fn examples() -> Vec<PathBuf> {
    let folders = ["resources", "data-sources", "functions"];
    let folders = folders.map(|name| root().join("examples").join(name));
    let of_one = folders
        .iter()
        .filter_map(|folder| fs::read_dir(folder).ok());
    let of_one = of_one
        .flatten()
        .map(|entry| entry.expect("a folder").path());
    let mut found: Vec<_> = of_one.filter_map(|folder| example_in(&folder)).collect();
    found.sort();
    found.insert(0, root().join("examples/provider/provider.tf"));
    found
}

fn example_in(folder: &Path) -> Option<PathBuf> {
    let names = ["resource.tf", "data-source.tf", "function.tf"];
    let files = names.map(|name| folder.join(name));
    files.into_iter().find(|file| file.exists())
}

#[test]
fn every_example_is_valid() {
    let terraform = Terraform::with_config(&[], "");
    terraform.init();
    let examples = examples();
    assert!(examples.len() >= 4, "{examples:?}");
    for example in examples {
        let name = if example.ends_with("provider.tf") {
            "versions.tf"
        } else {
            "main.tf"
        };
        terraform.write(name, &read(&example));
        terraform.validate().ok();
        terraform.run(&["fmt", "-check", "-diff"]).ok();
    }
}

#[test]
fn tested_module_passes_its_tests_without_aws_and_without_credentials() {
    let module = root().join("examples/tested-module");
    let terraform = Terraform::in_empty_folder(&[]);
    let copy = Command::new("cp").arg("-R").arg(module.join("."));
    copy.arg(terraform.path()).run().ok();
    terraform.init();
    let run = terraform.run(&["test", "-no-color"]).ok();
    assert!(run.stdout.contains("Success! 2 passed, 0 failed."), "{run}");
    terraform
        .run(&["fmt", "-check", "-recursive", "-diff"])
        .ok();
}

/// Where a destroy is part of it: first tries, the guide that ends one, the demo, and a module that its own test destroys. A module
/// cannot take `prevent_destroy` from a variable.
const UNDONE: [&str; 6] = [
    "README.md",
    "docs/guides/operations.md",
    "examples/demo/",
    "examples/stacks/quickstart/",
    "examples/tested-module/",
    "terraform/audit-trail/",
];

/// The files of a folder, and of those in it, that show a configuration.
fn configurations(folder: &Path, found: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).expect("a folder");
    for path in entries.map(|entry| entry.expect("an entry").path()) {
        let name = path.extension().unwrap_or_default();
        if path.is_dir() {
            configurations(&path, found);
        } else if name == "md" || name == "tf" {
            found.push(path);
        }
    }
}

/// A destroy by mistake must not cost what the key has signed.
#[test]
fn keys_of_docs_and_examples_are_not_destroyed_by_mistake() {
    let mut files = vec![root().join("README.md")];
    for folder in ["docs", "examples", "terraform"] {
        configurations(&root().join(folder), &mut files);
    }
    let (mut kept, mut undone) = (0, 0);
    for file in files {
        let text = read(&file);
        let name = file.strip_prefix(root()).expect("a path in the project");
        let name = name.to_string_lossy();
        let keys = text.split("\nresource \"auditlog_signing_key\"").skip(1);
        let starts = text.starts_with("resource \"auditlog_signing_key\"");
        for key in keys.chain(starts.then_some(text.as_str())) {
            let block = key.split("\n}\n").next().unwrap_or_default();
            let is_kept = block.contains("prevent_destroy = true");
            let is_undone = UNDONE.iter().any(|one| name.starts_with(one));
            assert_ne!(is_kept, is_undone, "{name}: {block}");
            kept += usize::from(is_kept);
            undone += usize::from(is_undone);
        }
    }
    assert!(kept >= 15 && undone >= UNDONE.len(), "{kept} {undone}");
}
