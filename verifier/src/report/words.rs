//! Words that several parts of the text use.

/// A word, in the plural unless the count is 1.
pub(super) fn plural(count: u64, word: &str) -> String {
    if count == 1 {
        word.to_owned()
    } else {
        format!("{word}s")
    }
}

/// The word for so many entries.
pub fn entries_word(count: u64) -> &'static str {
    if count == 1 { "entry" } else { "entries" }
}

/// Where plain readers do not see what was verified.
pub(super) fn shadowed(count: u64) -> String {
    let keys = plural(count, "key");
    format!("plain readers see something else at {count} {keys}")
}
