//! A place in a file, with all that is needed to go on from it.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use memchr::memmem::rfind;

use crate::input::{Position, Running};

/// Bytes before a place that are compared before more is taken. Stops a file that was truncated and written again from passing for one
/// that has grown.
const WINDOW_BYTES: usize = 1024;

/// Bytes that are read at a time while a beginning is hashed.
const READ_BYTES: usize = 1 << 20;

/// Bytes of a file in which another one is looked for. Stops a large file from holding up the others.
pub(super) const SEARCHED_BYTES: u64 = 64 << 20;

/// A place in a file or in another input: all before it was accepted.
#[derive(Clone, Debug, Default)]
pub struct Place {
    events: u64,
    lines: u64,
    bytes: u64,
    running: Running,
    /// The bytes right before it.
    window: Vec<u8>,
}

impl Place {
    /// Bytes before it.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Lines before it.
    pub const fn lines(&self) -> u64 {
        self.lines
    }

    /// What the spool keeps of it.
    pub fn position(&self) -> Position {
        Position {
            events: self.events,
            lines: self.lines,
            bytes: self.bytes,
            hash: self.running.hash(),
        }
    }

    /// Whether it is behind a part of a line.
    pub(super) fn is_in_line(&self) -> bool {
        self.window.last().is_some_and(|last| *last != b'\n')
    }

    /// Goes over bytes of which so many are events and lines.
    pub(crate) fn advance(&mut self, bytes: &[u8], lines: u64, events: u64) {
        self.running.update(bytes);
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.bytes = self.bytes.saturating_add(length);
        self.lines = self.lines.saturating_add(lines);
        self.events = self.events.saturating_add(events);
        let kept = bytes.len().saturating_sub(WINDOW_BYTES);
        let new = bytes.get(kept..).unwrap_or_default();
        let both = self.window.len().saturating_add(new.len());
        let over = both.saturating_sub(WINDOW_BYTES).min(self.window.len());
        self.window.drain(..over);
        self.window.extend_from_slice(new);
    }

    /// Takes over what was counted before it, where only the bytes were read.
    pub(crate) const fn count_as(&mut self, position: &Position) {
        self.events = position.events;
        self.lines = position.lines;
    }

    /// Whether a file still has the bytes right before it.
    pub(super) fn is_in(&self, file: &File) -> io::Result<bool> {
        let length = u64::try_from(self.window.len()).unwrap_or(u64::MAX);
        let mut found = vec![0; self.window.len()];
        let at = self.bytes.saturating_sub(length);
        Ok(read_full_at(file, &mut found, at)? == found.len() && found == self.window)
    }

    /// Where the bytes right before it end in another file, the last of several times; `None` where the file does not have them. Of a large
    /// file, the beginning is looked at.
    pub(super) fn end_of_window_in(&self, file: &File) -> io::Result<Option<u64>> {
        let (mut at, mut last) = (0u64, None);
        let overlap = self.window.len().saturating_sub(1);
        let mut buffer = vec![0; READ_BYTES.saturating_add(overlap)];
        while at < SEARCHED_BYTES {
            let filled = read_full_at(file, &mut buffer, at)?;
            let found = buffer.get(..filled).unwrap_or_default();
            if let Some(found) = rfind(found, &self.window) {
                let end = found.saturating_add(self.window.len());
                last = Some(at.saturating_add(u64::try_from(end).unwrap_or(u64::MAX)));
            }
            if filled < buffer.len() {
                break;
            }
            at = at.saturating_add(u64::try_from(READ_BYTES).unwrap_or(u64::MAX));
        }
        Ok(last)
    }

    /// The places of a file at these positions, which must be in order; `None` where it is shorter, or does not have what was accepted.
    pub(super) fn at_each(file: &File, positions: &[Position]) -> io::Result<Option<Vec<Self>>> {
        let (mut place, mut places) = (Self::default(), Vec::new());
        let mut buffer = vec![0; READ_BYTES];
        for position in positions {
            while place.bytes < position.bytes {
                let left = position.bytes.saturating_sub(place.bytes);
                let left = usize::try_from(left).unwrap_or(READ_BYTES);
                let room = buffer.get_mut(..left.min(READ_BYTES)).unwrap_or_default();
                let filled = read_full_at(file, room, place.bytes)?;
                if filled == 0 {
                    return Ok(None);
                }
                place.advance(room.get(..filled).unwrap_or_default(), 0, 0);
            }
            if place.running.hash() != position.hash {
                return Ok(None);
            }
            place.count_as(position);
            places.push(place.clone());
        }
        Ok(Some(places))
    }
}

/// Fills a buffer from a place in a file, as far as the file goes.
pub(super) fn read_full_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    let mut filled: usize = 0;
    loop {
        let room = buffer.get_mut(filled..).unwrap_or_default();
        let at = at.saturating_add(u64::try_from(filled).unwrap_or(u64::MAX));
        match file.read_at(room, at) {
            Ok(0) => return Ok(filled),
            Ok(read) => filled = filled.saturating_add(read),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn place_is_found_again_in_a_file_that_has_grown_and_not_in_another_one() {
        let text: Vec<u8> = (0..2000)
            .flat_map(|n| format!("{n}\n").into_bytes())
            .collect();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&text).unwrap();
        let mut place = Place::default();
        let mut positions = vec![place.position()];
        let mut at = 0;
        for step in [1, 2, 700, 3000, 3] {
            place.advance(&text[at..at + step], 1, 1);
            at += step;
            positions.push(place.position());
            assert!(place.is_in(&file).unwrap());
            assert_eq!(place.window, text[at.saturating_sub(WINDOW_BYTES)..at]);
        }
        assert!(place.is_in_line() != text[..at].ends_with(b"\n"));
        let found = Place::at_each(&file, &positions).unwrap().unwrap();
        assert_eq!(found.last().unwrap().position(), place.position());
        assert_eq!(found.len(), positions.len());
        // Shorter, and changed.
        file.set_len(3000).unwrap();
        assert!(!place.is_in(&file).unwrap());
        assert!(Place::at_each(&file, &positions).unwrap().is_none());
        let mut other = text;
        other[5] ^= 1;
        std::os::unix::fs::FileExt::write_all_at(&file, &other, 0).unwrap();
        assert!(place.is_in(&file).unwrap());
        assert!(Place::at_each(&file, &positions).unwrap().is_none());
    }

    #[test]
    fn last_bytes_are_found_where_a_file_was_written_again() {
        let line = |number: usize| format!("{{\"line\":{number:060}}}\n").into_bytes();
        let text: Vec<u8> = (0..40_000).flat_map(line).collect();
        let mut place = Place::default();
        place.advance(&text, 1, 1);
        let end_in = |other: &[u8]| {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(other).unwrap();
            place.end_of_window_in(&file).unwrap()
        };
        let length = u64::try_from(text.len()).unwrap();
        // As it was, with more behind it, without its beginning, and with a line that is longer.
        assert_eq!(end_in(&text), Some(length));
        assert_eq!(end_in(&[&text[..], b"more\n"].concat()), Some(length));
        assert_eq!(end_in(&text[71..]), Some(length - 71));
        assert_eq!(end_in(&[b"edited", &text[..]].concat()), Some(length + 6));
        // Twice, and not at all.
        assert_eq!(end_in(&text.repeat(2)), Some(length * 2));
        assert_eq!(end_in(b""), None);
        assert_eq!(end_in(&text[..text.len() - 1]), None);
        // Wherever a part of the reading ends.
        for before in READ_BYTES - WINDOW_BYTES - 2..READ_BYTES + 2 {
            if before % 97 == 0 || before + 2 > READ_BYTES {
                let other = [&vec![b'x'; before], &place.window[..], b"y"].concat();
                let end = u64::try_from(before + WINDOW_BYTES).unwrap();
                assert_eq!(end_in(&other), Some(end), "{before}");
            }
        }
    }
}
