//! The zip around the files. Only the plainest kind is written, every file stored as it is, and nothing is read but what is written: the same files
//! give the same bytes. So no tool can show other files than another, and nothing can be hidden between them or said about them, such as that one is a
//! symbolic link.

use std::collections::BTreeMap;
use std::io::{self, Read as _, Write};

use rawzip::{CompressionMethod, Error, ZipArchive, ZipArchiveWriter};

use crate::same::Same;

/// Largest pack, in bytes. Stops a file that fills the memory of who checks it.
pub const MAX_PACK_BYTES: usize = 1 << 30;

/// Whether a file is meant to be a pack.
pub fn is_pack(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04")
}

pub(crate) fn write(files: &BTreeMap<String, Vec<u8>>) -> Option<Vec<u8>> {
    let content = files
        .values()
        .try_fold(0usize, |sum, bytes| sum.checked_add(bytes.len()))?;
    if content > MAX_PACK_BYTES {
        return None;
    }
    // Nothing but memory is written to, and names are within the format's limits.
    let zip = zip_of(files, Vec::new()).ok()?;
    (zip.len() <= MAX_PACK_BYTES).then_some(zip)
}

fn zip_of<W: Write>(files: &BTreeMap<String, Vec<u8>>, to: W) -> Result<W, Error> {
    let mut zip = ZipArchiveWriter::new(to);
    for (name, bytes) in files {
        let file = zip
            .new_file(name)
            .compression_method(CompressionMethod::STORE);
        let (mut entry, config) = file.start()?;
        let mut writer = config.wrap(&mut entry);
        writer.write_all(bytes)?;
        let (_, descriptor) = writer.finish()?;
        entry.finish(descriptor)?;
    }
    zip.finish()
}

/// The files; an error where they do not give these bytes.
pub(crate) fn read(bytes: &[u8]) -> Result<BTreeMap<String, Vec<u8>>, String> {
    let files = files_of(bytes).map_err(|error| error.to_string())?;
    match zip_of(&files, Same(bytes)) {
        Ok(Same([])) => Ok(files),
        _ => Err("it is another zip than its files give".to_owned()),
    }
}

fn files_of(bytes: &[u8]) -> Result<BTreeMap<String, Vec<u8>>, Error> {
    let zip = ZipArchive::from_slice(bytes)?;
    let mut entries = zip.entries();
    let mut files = BTreeMap::new();
    let mut left = bytes.len();
    while let Some(entry) = entries.next_entry()? {
        let name = entry.file_path().try_normalize()?.as_ref().to_owned();
        if entry.compression_method() != CompressionMethod::STORE {
            return Err(refused("a file is not stored as it is"));
        }
        let found = zip.get_entry(entry.wayfinder())?;
        // Files that share their bytes could be a thousand times as large as the zip.
        left = left
            .checked_sub(found.data().len())
            .ok_or_else(|| refused("its files have more bytes than it has"))?;
        let mut content = Vec::new();
        found
            .verifying_reader(found.data())
            .read_to_end(&mut content)?;
        if files.insert(name, content).is_some() {
            return Err(refused("it has two files of one name"));
        }
    }
    Ok(files)
}

fn refused(why: &'static str) -> Error {
    io::Error::other(why).into()
}
