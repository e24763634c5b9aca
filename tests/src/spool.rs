//! What a sealer has accepted, as its spool shows it.

use std::path::Path;
use std::time::{Duration, Instant};
use std::{fs, thread};

/// What the write-ahead files of a spool hold, as far as it is text.
#[must_use]
pub fn written_ahead(spool: &Path) -> String {
    let Ok(entries) = fs::read_dir(spool) else {
        return String::new();
    };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let files = paths.filter(|path| path.extension() == Some("wal".as_ref()));
    // A file may be stored and removed meanwhile.
    let text = files.filter_map(|path| fs::read(path).ok());
    text.map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .collect()
}

/// Waits until the spool has a text: it was accepted.
#[track_caller]
pub fn accepted(spool: &Path, text: &str) {
    let begun = Instant::now();
    while !written_ahead(spool).contains(text) {
        assert!(
            begun.elapsed() < Duration::from_mins(1),
            "{text} is not accepted"
        );
        thread::yield_now();
    }
}
