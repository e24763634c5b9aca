//! One line about how far a verification is, for a person at a terminal.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

/// How far a verification is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Segments that were read.
    pub segments: u64,
    /// Segments to read.
    pub of: u64,
    /// Entries in them.
    pub entries: u64,
    /// Bytes of their objects, as they are stored.
    pub bytes: u64,
}

/// How often the line is written again.
const PERIOD: Duration = Duration::from_millis(200);

/// Writes the line on standard error, where that is a terminal; nothing otherwise. Uses no colour.
#[derive(Debug)]
pub struct ProgressLine {
    terminal: bool,
    begun: Instant,
    shown: Option<Instant>,
}

impl ProgressLine {
    /// A line that begins to count at `begun`.
    pub fn new(begun: Instant) -> Self {
        Self {
            terminal: io::stderr().is_terminal(),
            begun,
            shown: None,
        }
    }

    /// Shows how far the verification is, unless it was shown just now.
    pub fn show(&mut self, progress: Progress, now: Instant) {
        let due = self
            .shown
            .is_none_or(|shown| now.saturating_duration_since(shown) >= PERIOD);
        if self.terminal && due {
            self.shown = Some(now);
            let line = line(progress, now.saturating_duration_since(self.begun));
            // Nobody sees progress on a terminal that is gone. The report says the rest.
            _ = write!(io::stderr(), "\r\x1b[K{line}");
        }
    }

    /// Clears the line.
    pub fn clear(&self) {
        if self.shown.is_some() {
            _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

fn line(progress: Progress, elapsed: Duration) -> String {
    let Progress {
        segments,
        of,
        entries,
        bytes,
    } = progress;
    let millis = u64::try_from(elapsed.as_millis())
        .unwrap_or(u64::MAX)
        .max(1);
    let megabytes = tenths_of_megabytes(bytes, millis);
    let (whole, tenth) = (megabytes.div_euclid(10), megabytes.rem_euclid(10));
    let to_go = of.saturating_sub(segments).saturating_mul(millis);
    let left = to_go
        .checked_div(segments.saturating_mul(1000))
        .map_or_else(|| "?".to_owned(), minutes);
    let word = if entries == 1 { "entry" } else { "entries" };
    format!("{segments} of {of} segments, {entries} {word}, {whole}.{tenth} MB/s, {left} left")
}

/// Tenths of megabytes (10⁶ bytes) a second.
fn tenths_of_megabytes(bytes: u64, millis: u64) -> u64 {
    let per_second = bytes.saturating_mul(1000).checked_div(millis).unwrap_or(0);
    per_second.div_euclid(100_000)
}

/// Seconds as minutes and seconds.
fn minutes(seconds: u64) -> String {
    let minutes = seconds.div_euclid(60);
    format!("{minutes}:{:02}", seconds.rem_euclid(60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_has_rate_and_time_left() {
        let progress = Progress {
            segments: 10,
            of: 50,
            entries: 2000,
            bytes: 51_000_000,
        };
        let text = line(progress, Duration::from_secs(20));
        assert_eq!(text, "10 of 50 segments, 2000 entries, 2.5 MB/s, 1:20 left");
        assert!(
            line(
                Progress {
                    of: 3,
                    ..Progress::default()
                },
                Duration::ZERO
            )
            .ends_with("? left")
        );
    }
}
