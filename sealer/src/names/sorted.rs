//! A file of sorted names: 16 bytes of header, then 16 bytes for each name, with what its last batch had in it.
//!
//! The header is: version (2 bytes), zeros (2), CRC-32C of all that follows (4), and when the newest name was added in seconds since 1970 (8).
//! Numbers are little-endian.

use std::io::{self, Read as _, Seek as _, SeekFrom};

use auditlog_chain::timestamp::Timestamp;

use crc_fast::{CrcAlgorithm, Digest};

use super::filter::Filter;
use super::fingerprint::{Fingerprint, names_in};
use crate::disk::{Disk, DiskFile};

const VERSION: u16 = 1;
const HEADER_BYTES: usize = 16;
const ENDING: &str = ".names";

/// Names that are written at once.
const PART: usize = 1 << 14;

/// Largest file that is read. Stops a file that is not one from filling the memory.
const MAX_BYTES: u64 = 256 << 20;

pub(super) struct Sorted {
    number: u64,
    count: u64,
    newest: Timestamp,
    filter: Filter,
}

/// The number of a file of sorted names.
pub(super) fn number_of(name: &str) -> Option<u64> {
    let number = name.strip_suffix(ENDING)?.parse().ok()?;
    (file_name(number) == name).then_some(number)
}

fn file_name(number: u64) -> String {
    format!("{number:08}{ENDING}")
}

impl Sorted {
    /// Writes a file as a whole: if we crash, it is there or it is not. The names are sorted, and each is there once.
    pub(super) fn write(
        disk: &dyn Disk,
        number: u64,
        names: &[Fingerprint],
        newest: Timestamp,
    ) -> io::Result<Self> {
        let name = file_name(number);
        let new = format!("{name}.new");
        let written = disk.create(&new).and_then(|mut file| {
            write(&mut *file, names, newest)?;
            file.sync()
        });
        if let Err(error) = written.and_then(|()| disk.rename(&new, &name)) {
            // On a full disk, half a file would take the room that others need.
            _ = disk.remove(&new);
            return Err(error);
        }
        disk.sync_names()?;
        Ok(Self {
            number,
            count: u64::try_from(names.len()).unwrap_or(u64::MAX),
            newest,
            filter: Filter::of(names),
        })
    }

    pub(super) fn open(disk: &dyn Disk, number: u64) -> io::Result<Self> {
        let name = file_name(number);
        let invalid = |what: &str| {
            let reason = format!("{name}: {what}");
            io::Error::new(io::ErrorKind::InvalidData, reason)
        };
        let bytes = read(disk, &name)?;
        let header = bytes.split_first_chunk::<8>();
        let (header, rest) = header.ok_or_else(|| invalid("the file is too short"))?;
        let (version, sum) = header.split_at(4);
        if version != [1, 0, 0, 0] {
            return Err(invalid("the file has another version"));
        }
        if sum != sum_of(rest).to_le_bytes() {
            return Err(invalid("the file was changed after it was written"));
        }
        let (seconds, names) = rest
            .split_first_chunk::<8>()
            .ok_or_else(|| invalid("the file is too short"))?;
        let names: Vec<_> = names_in(names).collect();
        let seconds = i64::try_from(u64::from_le_bytes(*seconds)).unwrap_or(0);
        Ok(Self {
            number,
            count: u64::try_from(names.len()).unwrap_or(u64::MAX),
            newest: Timestamp::EPOCH.saturating_add_seconds(seconds),
            filter: Filter::of(&names),
        })
    }

    /// All its names, sorted.
    pub(super) fn names(&self, disk: &dyn Disk) -> io::Result<Vec<Fingerprint>> {
        let bytes = read(disk, &self.name())?;
        Ok(names_in(bytes.get(HEADER_BYTES..).unwrap_or_default()).collect())
    }

    pub(super) const fn number(&self) -> u64 {
        self.number
    }

    pub(super) fn name(&self) -> String {
        file_name(self.number)
    }

    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    /// When the newest name was added.
    pub(super) const fn newest(&self) -> Timestamp {
        self.newest
    }

    /// The last batch of a name in the file, which is looked at only where the filter does not know.
    pub(super) fn last(
        &self,
        disk: &dyn Disk,
        name: &Fingerprint,
    ) -> io::Result<Option<Fingerprint>> {
        if !self.filter.may_have(name) {
            return Ok(None);
        }
        let mut file = disk.open(&self.name())?;
        let (mut low, mut high) = (0u64, self.count);
        let size = u64::try_from(Fingerprint::BYTES).unwrap_or(0);
        let header = u64::try_from(HEADER_BYTES).unwrap_or(0);
        while low < high {
            let middle = low.midpoint(high);
            let at = middle.saturating_mul(size).saturating_add(header);
            file.seek(SeekFrom::Start(at))?;
            let mut bytes = [0; Fingerprint::BYTES];
            file.read_exact(&mut bytes)?;
            let found = Fingerprint::from_bytes(&bytes);
            match found.name().cmp(name.name()) {
                std::cmp::Ordering::Equal => return Ok(Some(found)),
                std::cmp::Ordering::Less => low = middle.saturating_add(1),
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        Ok(None)
    }
}

/// Part by part, as a copy of all names would take as much memory as they do.
fn write(file: &mut dyn DiskFile, names: &[Fingerprint], newest: Timestamp) -> io::Result<()> {
    let seconds = newest.as_seconds().to_le_bytes();
    let parts = || names.chunks(PART).map(bytes_of);
    let mut digest = Digest::new(CrcAlgorithm::Crc32Iscsi);
    digest.update(&seconds);
    for part in parts() {
        digest.update(&part);
    }
    let mut header = VERSION.to_le_bytes().to_vec();
    header.extend([0, 0]);
    header.extend(sum_in(&digest).to_le_bytes());
    header.extend(seconds);
    file.write_at(0, &header)?;
    let mut at = header.len();
    for part in parts() {
        file.write_at(u64::try_from(at).unwrap_or(u64::MAX), &part)?;
        at = at.saturating_add(part.len());
    }
    Ok(())
}

fn bytes_of(names: &[Fingerprint]) -> Vec<u8> {
    names.iter().flat_map(Fingerprint::bytes).collect()
}

fn read(disk: &dyn Disk, name: &str) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    disk.open(name)?.take(MAX_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn sum_of(bytes: &[u8]) -> u32 {
    let mut digest = Digest::new(CrcAlgorithm::Crc32Iscsi);
    digest.update(bytes);
    sum_in(&digest)
}

fn sum_in(digest: &Digest) -> u32 {
    u32::try_from(digest.finalize()).unwrap_or(u32::MAX)
}
