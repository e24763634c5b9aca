//! The modules of a crate as files, and which file uses which.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::mentions::{Mention, Names, Source};

/// Each file's module, and the modules that it uses.
pub(crate) type Uses = BTreeMap<String, BTreeSet<String>>;

/// A crate's modules, each by its path from the root. An inline module is part of its file.
#[derive(Default)]
pub(crate) struct Tree {
    files: BTreeMap<Names, Vec<Mention>>,
    modules: BTreeSet<Names>,
    /// `pub use`: a module and a name in it, and the path that the name is short for.
    exports: BTreeMap<(Names, String), Names>,
}

impl Tree {
    /// The modules under this root file, such as `src/lib.rs`.
    pub(crate) fn read(root: &Path) -> Self {
        let mut tree = Self::default();
        let folder = root.parent().expect("a file is in a folder");
        tree.add_file(root, folder, &Vec::new());
        tree
    }

    fn add_file(&mut self, file: &Path, folder: &Path, module: &Names) {
        let text = fs::read_to_string(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        for child in self.add_text(module, &text) {
            let (file, inner) = place(folder, module, &child);
            // Another path (`#[path]`) is a file of another tree, which is judged there. A file that is missing does not compile.
            if file.is_file() {
                self.add_file(&file, &inner, &child);
            }
        }
    }

    /// Adds one file, and returns the modules that have a file of their own below it.
    fn add_text(&mut self, module: &Names, text: &str) -> Vec<Names> {
        let source = Source::read(module, text);
        self.files.insert(module.clone(), source.mentions);
        self.modules.extend(source.modules);
        self.exports.extend(source.exports);
        source.children
    }

    /// Which file uses which. A parent that only passes on what its children hold does not use them.
    pub(crate) fn uses(&self) -> Uses {
        let used = |(file, mentions): (&Names, &Vec<Mention>)| {
            let to = mentions
                .iter()
                .filter_map(|mention| self.target(&mention.module, &mention.path, 0));
            let to = to.filter(|to| to != file).map(|to| name(&to)).collect();
            (name(file), to)
        };
        self.files.iter().map(used).collect()
    }

    /// The file that holds what a path names, or `None` for a path into another crate.
    fn target(&self, from: &Names, path: &Names, depth: usize) -> Option<Names> {
        let (first, mut rest) = path.split_first()?;
        let mut start = match first.as_str() {
            "crate" => Vec::new(),
            "self" => from.clone(),
            "super" => from.split_last()?.1.to_vec(),
            child => {
                let child = below(from, child);
                self.modules.contains(&child).then_some(child)?
            }
        };
        while let Some(("super", after)) = rest.split_first().map(|(a, b)| (a.as_str(), b)) {
            start.pop()?;
            rest = after;
        }
        Some(self.walk(start, rest, depth))
    }

    fn walk(&self, mut module: Names, mut rest: &[String], depth: usize) -> Names {
        while let Some((next, after)) = rest.split_first() {
            let child = below(&module, next);
            if !self.modules.contains(&child) {
                let exported = self.exported(&module, next, depth);
                return exported.unwrap_or_else(|| self.file_of(module));
            }
            module = child;
            rest = after;
        }
        self.file_of(module)
    }

    /// Where a name comes from that a module passes on.
    fn exported(&self, module: &Names, next: &str, depth: usize) -> Option<Names> {
        let path = self.exports.get(&(module.clone(), next.to_owned()))?;
        // `pub use f::f` of a module f names itself.
        (depth < 8).then(|| self.target(module, path, depth + 1))?
    }

    fn file_of(&self, mut module: Names) -> Names {
        while !self.files.contains_key(&module) && module.pop().is_some() {}
        module
    }
}

fn below(module: &[String], child: &str) -> Names {
    [module, &[child.to_owned()]].concat()
}

fn name(module: &Names) -> String {
    if module.is_empty() {
        "crate".to_owned()
    } else {
        module.join("::")
    }
}

/// The file of a child module, and the folder of its own children.
fn place(folder: &Path, module: &Names, child: &Names) -> (PathBuf, PathBuf) {
    let inner = folder.join(child[module.len()..].iter().collect::<PathBuf>());
    let file = inner.with_extension("rs");
    let file = if file.is_file() {
        file
    } else {
        inner.join("mod.rs")
    };
    (file, inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The uses in these files, each given by its module and its text.
    fn uses(files: &[(&str, &str)]) -> Vec<String> {
        let mut tree = Tree::default();
        for (module, text) in files {
            let module = module.split("::").filter(|name| !name.is_empty());
            tree.add_text(&module.map(str::to_owned).collect(), text);
        }
        let all = tree.uses();
        let each = all
            .iter()
            .flat_map(|(from, to)| to.iter().map(move |to| format!("{from} -> {to}")));
        each.collect()
    }

    #[test]
    fn a_use_counts_for_the_file_that_holds_the_item() {
        let files = [
            (
                "",
                "mod a; pub mod b; pub use a::{Thing, inner::Deep as Known};",
            ),
            ("a", "mod inner; mod quiet; pub struct Thing;"),
            ("a::inner", "use super::super::b::{self, X as Y};"),
            ("a::quiet", "use std::fmt; use serde::de;"),
            ("b", "use crate::Thing; use crate::{Known, b::Own};"),
        ];
        assert_eq!(uses(&files), ["a::inner -> b", "b -> a", "b -> a::inner"]);
    }

    #[test]
    fn paths_in_code_count_and_inline_modules_belong_to_their_file() {
        let files = [
            ("", "mod a; mod b; mod c; fn f() { a::g(crate::c::H) }"),
            (
                "a",
                "pub(crate) mod room { fn g() { super::super::b::h() } }",
            ),
            ("b", "impl crate::a::room::T for X {}"),
            ("c", "fn f(a: a::T) -> self::Own { }"),
        ];
        assert_eq!(
            uses(&files),
            ["a -> b", "b -> a", "crate -> a", "crate -> c"]
        );
    }

    #[test]
    fn tests_and_re_exports_do_not_count() {
        let files = [
            ("", "mod a; pub(crate) use a::T; #[cfg(test)] mod tests;"),
            (
                "a",
                "#[cfg(test)] mod tests { use crate::T; } #[cfg(test)] use crate::other;",
            ),
        ];
        assert_eq!(uses(&files), [""; 0]);
    }
}
