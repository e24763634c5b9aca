//! Reads a file record by record, in bounded memory, and says what its end is.

use std::io::{self, ErrorKind, Read, Seek, SeekFrom};

use super::HEADER_BYTES;
use super::fault::WalFault;
use super::record::{Header, Kind, Record};

/// What a disk writes as a whole or not at all.
const SECTOR_BYTES: u64 = 512;

/// Bytes that are searched at a time for what follows a tail.
const WINDOW_BYTES: usize = 1 << 16;

/// Where the file identifier is in a header.
const FILE_AT: u64 = 24;

/// Bytes that an opening record has at most. It is the only record of the first group, so data behind them was synced after it.
const MAX_OPENING_BYTES: u64 = 1 << 16;

/// Reads one file.
pub struct Reader<R> {
    input: R,
    length: u64,
    at: u64,
    file: u64,
    /// The group of the next record, and its place in it.
    group: u64,
    place: u16,
    /// Records of the group that was begun; none between groups.
    records: u16,
    body: Vec<u8>,
    ended: Ended,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    No,
    Tail,
    Closed,
}

/// What is behind the last whole record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tail {
    /// Bytes of all whole records.
    pub whole: u64,
    /// The number of the file that its records have.
    pub file: u64,
    /// The group that a writer goes on with.
    pub next_group: u64,
    /// Whether there was a close record.
    pub closed: bool,
}

/// Why the next record cannot be given.
#[derive(Debug)]
pub enum ReadError {
    /// The file cannot be read.
    Io(io::Error),
    /// The file is not a whole one.
    Fault(WalFault),
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<WalFault> for ReadError {
    fn from(fault: WalFault) -> Self {
        Self::Fault(fault)
    }
}

impl<R: Read + Seek> Reader<R> {
    /// At the beginning of a file.
    ///
    /// # Errors
    ///
    /// Where its length cannot be found.
    pub fn new(mut input: R) -> io::Result<Self> {
        let length = input.seek(SeekFrom::End(0))?;
        input.seek(SeekFrom::Start(0))?;
        Ok(Self {
            input,
            length,
            at: 0,
            file: 0,
            group: 0,
            place: 0,
            records: 0,
            body: Vec::new(),
            ended: Ended::No,
        })
    }

    /// What is behind the records so far.
    pub fn tail(&self) -> Tail {
        Tail {
            whole: self.at,
            file: self.file,
            // A group of which only the beginning is there goes on as the next one.
            next_group: self.group.saturating_add(u64::from(self.place > 0)),
            closed: self.ended == Ended::Closed,
        }
    }

    /// The next whole record; `None` where the rest is what a crash has left, or where the file was closed.
    ///
    /// # Errors
    ///
    /// Where the file cannot be read, or was changed after it was written.
    pub fn next_record(&mut self) -> Result<Option<Record<'_>>, ReadError> {
        if self.ended != Ended::No {
            return Ok(None);
        }
        let Some((header, kind)) = self.whole_record()? else {
            self.ended = Ended::Tail;
            return Ok(None);
        };
        let at = self.at;
        let length = u64::try_from(self.body.len()).unwrap_or(u64::MAX);
        let record = Record::parse(kind, &self.body, at)?;
        let is_first = at == 0;
        if is_first != (kind == Kind::Opening) {
            let fault = if is_first {
                WalFault::NotWal
            } else {
                WalFault::OutOfOrder { at }
            };
            return Err(fault.into());
        }
        self.at = at.saturating_add(size_of_header()).saturating_add(length);
        self.file = header.file;
        self.records = header.records;
        self.place = header.place.saturating_add(1);
        if self.place >= header.records {
            (self.place, self.group) = (0, header.group.saturating_add(1));
        }
        if kind == Kind::Close {
            self.ended = Ended::Closed;
        }
        Ok(Some(record))
    }

    /// Reads the record at the current place into `body`; `None` where there is a tail.
    fn whole_record(&mut self) -> Result<Option<(Header, Kind)>, ReadError> {
        self.input.seek(SeekFrom::Start(self.at))?;
        let mut bytes = [0; HEADER_BYTES];
        let filled = read_full(&mut self.input, &mut bytes)?;
        let header = Header::parse(&bytes);
        let kind = header.kind.filter(|_| header.is_plausible());
        let (Some(kind), true) = (kind, filled == HEADER_BYTES) else {
            let begun = bytes.get(..filled).unwrap_or_default();
            if !is_unwritten(begun, self.at) && filled == HEADER_BYTES {
                return Err(self.unexplained());
            }
            return self.tail_after(&header);
        };
        self.read_body(header.length)?;
        let whole = usize::try_from(header.length) == Ok(self.body.len());
        if !whole {
            return self.tail_after(&header);
        }
        if Header::sum_of(&bytes, &self.body) != header.sum {
            let all = [&bytes, self.body.as_slice()].concat();
            if !is_unwritten(&all, self.at) {
                return Err(self.unexplained());
            }
            return self.tail_after(&header);
        }
        let at = self.at;
        if at > 0 && header.file != self.file {
            return Err(WalFault::Foreign { at }.into());
        }
        if !self.follows(&header) {
            return Err(WalFault::OutOfOrder { at }.into());
        }
        Ok(Some((header, kind)))
    }

    /// Whether the record goes on where the one before it ended. Of a group that a crash has cut, the next one follows.
    fn follows(&self, header: &Header) -> bool {
        let goes_on = self.place > 0
            && (header.group, header.place, header.records)
                == (self.group, self.place, self.records);
        let next = self.group.saturating_add(u64::from(self.place > 0));
        let begins = (header.group, header.place) == (next, 0);
        header.place < header.records && (goes_on || begins)
    }

    fn unexplained(&self) -> ReadError {
        let at = self.at;
        if at == 0 {
            return WalFault::NotWal.into();
        }
        WalFault::Changed { at }.into()
    }

    /// Grows with what is read, so that a length alone takes no memory.
    fn read_body(&mut self, length: u32) -> io::Result<()> {
        self.body.clear();
        let limited = (&mut self.input).take(u64::from(length));
        let mut limited = io::BufReader::with_capacity(WINDOW_BYTES, limited);
        limited.read_to_end(&mut self.body)?;
        Ok(())
    }

    /// The rest of the file is a tail, unless a record of a later group is in it: that was written after this one was synced.
    fn tail_after(&mut self, header: &Header) -> Result<Option<(Header, Kind)>, ReadError> {
        let torn = self.at;
        if torn == 0 {
            self.file = header.file;
            if self.has_data_after(MAX_OPENING_BYTES)? {
                return Err(WalFault::Lost { at: torn }.into());
            }
        }
        let mut from = if self.file == 0 { self.length } else { torn };
        while let Some(begin) = self.find_header(from)? {
            if self.is_of_later_group(begin)? {
                return Err(WalFault::Lost { at: torn }.into());
            }
            from = begin.saturating_add(1);
        }
        Ok(None)
    }

    fn has_data_after(&mut self, from: u64) -> io::Result<bool> {
        self.input.seek(SeekFrom::Start(from))?;
        let mut window = vec![0; WINDOW_BYTES];
        loop {
            let filled = read_full(&mut self.input, &mut window)?;
            let found = window.get(..filled).unwrap_or_default();
            if filled == 0 || found.iter().any(|byte| *byte != 0) {
                return Ok(filled > 0);
            }
        }
    }

    /// The first place at or after `from` where a header of this file may begin.
    fn find_header(&mut self, from: u64) -> io::Result<Option<u64>> {
        let wanted = self.file.to_le_bytes();
        let mut at = from.saturating_add(FILE_AT);
        let mut window = vec![0; WINDOW_BYTES];
        while at < self.length {
            self.input.seek(SeekFrom::Start(at))?;
            let filled = read_full(&mut self.input, &mut window)?;
            let found = window.get(..filled).unwrap_or_default();
            let place = found.windows(wanted.len()).position(|one| one == wanted);
            if let Some(place) = place {
                let place = u64::try_from(place).unwrap_or(u64::MAX);
                return Ok(Some(at.saturating_add(place).saturating_sub(FILE_AT)));
            }
            if filled < window.len() {
                return Ok(None);
            }
            // The number may be on the border of two windows.
            let step = filled.saturating_sub(wanted.len());
            at = at.saturating_add(u64::try_from(step).unwrap_or(u64::MAX));
        }
        Ok(None)
    }

    /// Whether a whole record of a group after the torn one begins here.
    fn is_of_later_group(&mut self, begin: u64) -> io::Result<bool> {
        let header = self.header_of_whole(begin)?;
        Ok(header.is_some_and(|header| header.group > self.group))
    }

    /// The header of the whole record of this file that begins here, if one does.
    fn header_of_whole(&mut self, begin: u64) -> io::Result<Option<Header>> {
        self.input.seek(SeekFrom::Start(begin))?;
        let mut bytes = [0; HEADER_BYTES];
        if read_full(&mut self.input, &mut bytes)? < HEADER_BYTES {
            return Ok(None);
        }
        let header = Header::parse(&bytes);
        if !header.is_plausible() || header.file != self.file {
            return Ok(None);
        }
        self.read_body(header.length)?;
        let whole = usize::try_from(header.length) == Ok(self.body.len());
        Ok((whole && Header::sum_of(&bytes, &self.body) == header.sum).then_some(header))
    }

    /// Goes on at the next whole record behind one that was refused, and says whether there is one. This is for people who want what can still be
    /// read: a log never goes on behind a record that it does not have.
    ///
    /// # Errors
    ///
    /// Where the file cannot be read.
    pub fn skip(&mut self) -> io::Result<bool> {
        if self.ended != Ended::No {
            return Ok(false);
        }
        if self.at == 0 {
            // Whatever else is wrong with the opening record, its number may be right, and the others have the same.
            self.file = self.file_of_first()?;
        }
        if self.file == 0 {
            return Ok(false);
        }
        let mut from = self.at.saturating_add(1);
        while let Some(begin) = self.find_header(from)? {
            if let Some(header) = self.header_of_whole(begin)? {
                self.at = begin;
                (self.group, self.place, self.records) =
                    (header.group, header.place, header.records);
                return Ok(true);
            }
            from = begin.saturating_add(1);
        }
        Ok(false)
    }

    fn file_of_first(&mut self) -> io::Result<u64> {
        self.input.seek(SeekFrom::Start(0))?;
        let mut bytes = [0; HEADER_BYTES];
        let filled = read_full(&mut self.input, &mut bytes)?;
        let is_whole = filled == HEADER_BYTES;
        Ok(if is_whole {
            Header::parse(&bytes).file
        } else {
            0
        })
    }
}

fn size_of_header() -> u64 {
    u64::try_from(HEADER_BYTES).unwrap_or(u64::MAX)
}

/// Whether a crash explains bytes that should be a record: a disk that lost its power has not written some sector of them, which
/// then reads as zeros, or a process ended before it had written all of them. A record ends in a newline.
fn is_unwritten(bytes: &[u8], at: u64) -> bool {
    if bytes.last().is_none_or(|last| *last == 0) {
        return true;
    }
    let in_sector = at.checked_rem(SECTOR_BYTES).unwrap_or(0);
    let first = usize::try_from(SECTOR_BYTES.saturating_sub(in_sector)).unwrap_or(0);
    let (first, rest) = bytes.split_at_checked(first).unwrap_or((bytes, &[]));
    let sector = usize::try_from(SECTOR_BYTES).unwrap_or(usize::MAX);
    let is_zero = |piece: &[u8]| !piece.is_empty() && piece.iter().all(|byte| *byte == 0);
    is_zero(first) || rest.chunks(sector).any(is_zero)
}

fn read_full(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled: usize = 0;
    loop {
        let room = buffer.get_mut(filled..).unwrap_or_default();
        if room.is_empty() {
            return Ok(filled);
        }
        match input.read(room) {
            Ok(0) => return Ok(filled),
            Ok(read) => filled = filled.saturating_add(read),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests;
