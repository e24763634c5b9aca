//! Where cargo built the example provider, and whether it is the one of these sources.

use std::path::{Path, PathBuf};

/// The example. `cargo test` builds it before it runs any test, but not when it is given the name of a test: an old one
/// would then be tested in its place.
pub(crate) fn example() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let path = test.parent().unwrap().parent().unwrap().join("examples/fs");
    let remedy = "run `cargo build -p tf-provider --examples`";
    let built =
        std::fs::metadata(&path).unwrap_or_else(|_| panic!("no {}: {remedy}", path.display()));
    let built = built.modified().unwrap();
    for source in sources(&std::fs::read_to_string(path.with_extension("d")).unwrap()) {
        let changed = std::fs::metadata(&source).and_then(|source| source.modified());
        let fresh = changed.is_ok_and(|changed| changed <= built);
        assert!(fresh, "{} is older than {source}: {remedy}", path.display());
    }
    path
}

/// The Rust sources that cargo's dependency file names. It is written as a Makefile: a space inside a path
/// follows a backslash.
fn sources(dependencies: &str) -> Vec<String> {
    let paths = dependencies.replace("\\ ", "\0");
    let paths = paths.split_whitespace().map(|path| path.replace('\0', " "));
    let is_source = |path: &String| Path::new(path).extension().is_some_and(|kind| kind == "rs");
    paths.skip(1).filter(is_source).collect()
}

#[test]
fn a_source_in_a_folder_with_a_space_is_one_path() {
    let dependencies = "/a\\ b/target/fs: /a\\ b/src/lib.rs /a\\ b/proto/x.proto /c/build.rs\n";
    assert_eq!(sources(dependencies), ["/a b/src/lib.rs", "/c/build.rs"]);
}
