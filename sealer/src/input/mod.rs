//! Reading events as JSON Lines, in whole batches, on a thread of its own: while one batch is chained and synced, the next
//! one is read, and a person who wants to stop is heard although nothing comes.

use std::io::{self, ErrorKind, Read};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use auditlog_chain::hash::Hash;

use crate::limits::MAX_INPUT_LINE_BYTES;

mod name;
mod position;

pub use name::{FileHead, FileName, FollowedName, GivenName, InputName, hash_of_beginning};
pub use position::{Position, Running};

/// Bytes of a buffer: one longest line, and as much again.
const BUFFER_BYTES: usize = 2 * MAX_INPUT_LINE_BYTES;

/// Buffers in turn: one being read into, one waiting, one being chained.
const BUFFERS: usize = 3;

/// What comes from the reader, or from the person.
#[derive(Debug)]
pub enum Message {
    /// Whole lines; the last one of the input may be without its newline.
    Lines(Lines),
    /// The next line is longer than [`MAX_INPUT_LINE_BYTES`]; the rest of it was not read.
    LineTooLong,
    /// The input has ended.
    End,
    /// The input cannot be read.
    Failed(io::Error),
    /// The person wants to stop.
    Interrupt,
}

/// A buffer of whole lines. Hand it back with [`Input::recycle`].
#[derive(Debug)]
pub struct Lines {
    buffer: Vec<u8>,
    filled: usize,
    start: u64,
    before: Running,
    after: Running,
}

impl Lines {
    /// The bytes of the lines, newlines included.
    pub fn as_bytes(&self) -> &[u8] {
        self.buffer.get(..self.filled).unwrap_or_default()
    }

    /// Hashes the lines here, on the reader's thread.
    fn after(start: u64, before: Running, buffer: Vec<u8>, filled: usize) -> Self {
        let mut after = before.clone();
        after.update(buffer.get(..filled).unwrap_or_default());
        Self {
            buffer,
            filled,
            start,
            before,
            after,
        }
    }

    /// Bytes of the input before these lines.
    pub const fn start(&self) -> u64 {
        self.start
    }

    /// The hash of the input up to a place in these lines: `length` bytes after [`Lines::start`].
    pub fn hash_at(&self, length: usize) -> Hash {
        if length == self.filled {
            return self.after.hash();
        }
        let mut running = self.before.clone();
        running.update(self.as_bytes().get(..length).unwrap_or_default());
        running.hash()
    }
}

/// An input that is being read.
#[derive(Debug)]
pub struct Input {
    messages: Receiver<Message>,
    sender: Sender<Message>,
    spent: Sender<Vec<u8>>,
}

impl Input {
    /// Begins to read. The thread ends with the input, or with the process.
    pub fn start(reader: impl Read + Send + 'static) -> Self {
        let (sender, messages) = channel();
        let (spent, free) = channel();
        for _ in 0..BUFFERS {
            // The other end is alive: it is handed to the thread below.
            _ = spent.send(Vec::new());
        }
        let to_main = sender.clone();
        thread::spawn(move || {
            let last = read_all(reader, &free, &to_main);
            // A sealer that has stopped for another reason does not listen any more.
            _ = to_main.send(last);
        });
        Self {
            messages,
            sender,
            spent,
        }
    }

    /// Where an interruption can be sent to.
    pub fn sender(&self) -> Sender<Message> {
        self.sender.clone()
    }

    /// Waits for the next message, at most so long; `None` where none came in time.
    pub fn wait(&self, at_most: Duration) -> Option<Message> {
        match self.messages.recv_timeout(at_most) {
            Ok(message) => Some(message),
            Err(RecvTimeoutError::Timeout) => None,
            // We hold a sender ourselves, so the channel stays open.
            Err(RecvTimeoutError::Disconnected) => Some(Message::End),
        }
    }

    /// The next message, if it is there already.
    pub fn poll(&self) -> Option<Message> {
        self.messages.try_recv().ok()
    }

    /// Gives a buffer back to the reader.
    pub fn recycle(&self, lines: Lines) {
        // A reader that has ended needs no more buffers.
        _ = self.spent.send(lines.buffer);
    }
}

fn read_all(mut reader: impl Read, free: &Receiver<Vec<u8>>, to_main: &Sender<Message>) -> Message {
    let mut carried: Vec<u8> = Vec::new();
    let (mut start, mut before) = (0u64, Running::new());
    loop {
        let Ok(mut buffer) = free.recv() else {
            return Message::End;
        };
        // Only new buffers are filled with zeros.
        buffer.resize(BUFFER_BYTES, 0);
        let mut filled = carried.len();
        if let Some(start) = buffer.get_mut(..filled) {
            start.copy_from_slice(&carried);
        }
        carried.clear();
        let (end, ended) = loop {
            if filled > MAX_INPUT_LINE_BYTES {
                return Message::LineTooLong;
            }
            let room = buffer.get_mut(filled..).unwrap_or_default();
            let read = match reader.read(room) {
                Ok(0) => break (filled, true),
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Message::Failed(error),
            };
            let new = buffer.get(filled..filled.saturating_add(read));
            let newline = new.and_then(|new| new.iter().rposition(|byte| *byte == b'\n'));
            let before = filled;
            filled = filled.saturating_add(read);
            if let Some(newline) = newline {
                break (before.saturating_add(newline).saturating_add(1), false);
            }
        };
        carried.extend_from_slice(buffer.get(end..filled).unwrap_or_default());
        let lines = Lines::after(start, before, buffer, end);
        start = start.saturating_add(u64::try_from(end).unwrap_or(u64::MAX));
        before = lines.after.clone();
        if !lines.as_bytes().is_empty() && to_main.send(Message::Lines(lines)).is_err() {
            return Message::End;
        }
        if ended {
            return Message::End;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives a few bytes at a time, as a pipe may.
    struct Drops(Vec<u8>, usize);

    impl Read for Drops {
        fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
            let n = self.1.min(self.0.len()).min(room.len());
            room[..n].copy_from_slice(&self.0[..n]);
            self.0.drain(..n);
            Ok(n)
        }
    }

    fn all(reader: impl Read + Send + 'static) -> (Vec<u8>, Message) {
        let input = Input::start(reader);
        let mut seen = Vec::new();
        loop {
            let message = input.wait(Duration::from_mins(1)).unwrap();
            let Message::Lines(lines) = message else {
                return (seen, message);
            };
            seen.extend_from_slice(lines.as_bytes());
            input.recycle(lines);
        }
    }

    #[test]
    fn lines_come_whole_however_they_are_read() {
        let text: Vec<u8> = (0..500)
            .flat_map(|n| format!("{n}\n").into_bytes())
            .collect();
        for step in [1, 3, 64, 100_000] {
            let input = Input::start(Drops(text.clone(), step));
            let mut seen = Vec::new();
            while let Some(Message::Lines(lines)) = input.wait(Duration::from_mins(1)) {
                assert_eq!(lines.as_bytes().last(), Some(&b'\n'));
                assert_eq!(lines.start(), u64::try_from(seen.len()).unwrap());
                let part = lines.as_bytes().len() / 2;
                let before = [&seen, &lines.as_bytes()[..part]].concat();
                assert_eq!(lines.hash_at(part), Running::of(&before));
                seen.extend_from_slice(lines.as_bytes());
                assert_eq!(lines.hash_at(lines.as_bytes().len()), Running::of(&seen));
                input.recycle(lines);
            }
            assert_eq!(seen, text);
        }
    }

    #[test]
    fn the_last_line_may_be_without_its_newline() {
        let (seen, last) = all(Drops(b"1\n2".to_vec(), 1));
        assert_eq!(seen, b"1\n2");
        assert!(matches!(last, Message::End));
        assert!(matches!(all(io::empty()), (seen, Message::End) if seen.is_empty()));
    }

    #[test]
    fn a_line_without_end_is_refused_without_being_read_to_its_end() {
        let endless = b"1\n".chain(io::repeat(b'x'));
        let (seen, last) = all(endless);
        assert_eq!(seen, b"1\n");
        assert!(matches!(last, Message::LineTooLong));
    }
}
