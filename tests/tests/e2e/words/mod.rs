//! Plain English: no document, comment, message or name of a test has one of the turns in `list.txt`.

use std::fs;
use std::path::{Path, PathBuf};

use auditlog_tests::root;

/// Folders that a program or somebody else filled, and this one, which quotes the turns.
const SKIPPED_FOLDERS: &[&str] = &["target", ".git", ".terraform", "proto", "words"];

/// Files that a program or somebody else wrote.
const SKIPPED_FILES: &[&str] = &["Cargo.lock", "LICENSE"];

/// Files that a person reads: by ending, the empty one included (Makefile, scripts).
const ENDINGS: &[&str] = &[
    "", "rs", "md", "py", "tf", "hcl", "toml", "yml", "yaml", "json", "txt", "sh", "tmpl", "conf",
    "service", "rego", "css", "mjs",
];

/// A word or a mark of punctuation, and the line on which it is.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Word {
    text: String,
    line: usize,
}

#[derive(Default)]
struct List {
    /// Words in a row, and what to write instead.
    turns: Vec<(Vec<String>, String)>,
    allowed: Vec<Vec<String>>,
}

impl List {
    fn parse(text: &str) -> Self {
        let mut list = Self::default();
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        for line in lines.map(str::trim) {
            if let Some(phrase) = line.strip_prefix("+ ") {
                list.allowed.push(phrase_of(phrase));
            } else if let Some((turn, instead)) = line.split_once(": ") {
                list.turns.push((phrase_of(turn), instead.to_owned()));
            }
        }
        list
    }

    /// Each turn in the text, with its line and what to write instead.
    fn findings(&self, text: &str) -> Vec<String> {
        let words = words(text);
        let mut found = Vec::new();
        for (at, first) in words.iter().enumerate() {
            let mut turns = self
                .turns
                .iter()
                .filter(|(turn, _)| begins(&words[at..], turn));
            if let Some((turn, instead)) = turns.next().filter(|_| !self.is_allowed(&words, at)) {
                let (line, turn) = (first.line, turn.join(" "));
                found.push(format!("{line}: \"{turn}\" (instead: {instead})"));
            }
        }
        found
    }

    /// Whether a phrase that is good English begins here or one word or two before.
    fn is_allowed(&self, words: &[Word], at: usize) -> bool {
        let begins_at = |start: usize| {
            self.allowed
                .iter()
                .any(|phrase| begins(&words[start..], phrase))
        };
        (at.saturating_sub(2)..=at).any(begins_at)
    }
}

fn phrase_of(text: &str) -> Vec<String> {
    words(text).into_iter().map(|word| word.text).collect()
}

fn begins(words: &[Word], phrase: &[String]) -> bool {
    words.len() >= phrase.len()
        && words
            .iter()
            .zip(phrase)
            .all(|(word, wanted)| word.text == *wanted)
}

/// The words of a text in lower case, over the ends of lines and the signs of comments. The name of a function is its words.
fn words(text: &str) -> Vec<Word> {
    let lines = text.lines().enumerate();
    lines
        .flat_map(|(at, line)| words_of_line(at + 1, line))
        .collect()
}

fn words_of_line(number: usize, line: &str) -> Vec<Word> {
    let line = line.trim_start().trim_start_matches(['/', '!', '#', '*']);
    let mut found: Vec<Word> = Vec::new();
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '\'';
        let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        let length = if end == 0 { first.len_utf8() } else { end };
        let name = found
            .last()
            .is_some_and(|word| word.text == "fn" || word.text == "def");
        let text = lower_case(rest[..length].trim());
        let parts = if name {
            text.split('_').collect()
        } else {
            vec![text.as_str()]
        };
        let parts = parts.into_iter().filter(|part| !part.is_empty());
        found.extend(parts.map(|part| Word {
            text: part.to_owned(),
            line: number,
        }));
        rest = &rest[length..];
    }
    found
}

/// `None` is a word of Rust and of Python, and not of a sentence.
fn lower_case(word: &str) -> String {
    if word == "None" {
        word.to_owned()
    } else {
        word.to_lowercase()
    }
}

/// All files that a person reads.
fn files() -> Vec<PathBuf> {
    let mut found = Vec::new();
    add_files(root(), &mut found);
    found
}

fn add_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        let ending = path
            .extension()
            .and_then(|ending| ending.to_str())
            .unwrap_or_default();
        // A vector is data; its description is in cases/.
        let is_vector = folder.ends_with("tests/vectors") && name != "cases";
        if path.is_dir() && !is_vector && !SKIPPED_FOLDERS.contains(&name) {
            add_files(&path, found);
        } else if path.is_file() && ENDINGS.contains(&ending) && !SKIPPED_FILES.contains(&name) {
            found.push(path);
        }
    }
}

#[test]
fn every_text_is_plain_english() {
    let list = List::parse(include_str!("list.txt"));
    let mut found = Vec::new();
    let files = files();
    assert!(files.len() > 1000, "{} files", files.len());
    for file in files {
        let path = file
            .strip_prefix(root())
            .expect("below the root")
            .display()
            .to_string();
        let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{path}: {error}"));
        let findings = list.findings(&text);
        found.extend(findings.iter().map(|finding| format!("{path}:{finding}")));
    }
    assert!(
        found.is_empty(),
        "{} turns to reword:\n{}",
        found.len(),
        found.join("\n")
    );
}

#[test]
fn a_turn_is_found_over_lines_and_in_names_and_not_in_good_english() {
    let list = List::parse("is no: is not a\nis none: is not one\n+ there is no\n+ is no longer\n");
    let found = |text: &str| list.findings(text).len();
    for text in [
        "it is no file",
        "/// it is\n    /// no file",
        "fn what_is_no_file_is_refused()",
        "# is\n# no",
    ] {
        assert_eq!(found(text), 1, "{text}");
    }
    for text in [
        "there is no file",
        "it is no longer here",
        "it is. No file",
        "is_no_file",
        "this no",
    ] {
        assert_eq!(found(text), 0, "{text}");
    }
}
