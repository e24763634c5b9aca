//! The zip around the files. Only the plainest kind is written and read: every file stored as it is, nothing between them and nothing around them, so
//! that no tool shows other files than another.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};

use rawzip::{CompressionMethod, Error, ZipArchive, ZipArchiveWriter};

/// Largest pack, in bytes. Stops a file that fills the memory of who checks it.
pub const MAX_PACK_BYTES: usize = 1 << 30;

/// Bytes around each file (APPNOTE 4.3.7, 4.3.9, 4.3.12), and at the end (4.3.16), without names.
const LOCAL_HEADER: usize = 30;
const DATA_DESCRIPTOR: usize = 16;
const CENTRAL_HEADER: usize = 46;
const END: usize = 22;

/// Whether a file is meant to be a pack.
pub fn is_pack(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04")
}

pub(crate) fn write(files: &BTreeMap<String, Vec<u8>>) -> Option<Vec<u8>> {
    if length(files)? > MAX_PACK_BYTES {
        return None;
    }
    // Nothing but memory is written to, and names and sizes are within the format's limits.
    zip_of(files).ok()
}

fn zip_of(files: &BTreeMap<String, Vec<u8>>) -> Result<Vec<u8>, Error> {
    let mut zip = ZipArchiveWriter::new(Vec::new());
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

/// The files; an error where it is another kind of zip.
pub(crate) fn read(bytes: &[u8]) -> Result<BTreeMap<String, Vec<u8>>, String> {
    let files = files_of(bytes).map_err(|error| error.to_string())?;
    let count = files.len();
    let files: BTreeMap<String, Vec<u8>> = files.into_iter().collect();
    if files.len() < count {
        return Err("it has two files of one name".to_owned());
    }
    if length(&files) == Some(bytes.len()) {
        Ok(files)
    } else {
        Err("it has bytes that belong to no file".to_owned())
    }
}

fn files_of(bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>, Error> {
    let zip = ZipArchive::from_slice(bytes)?;
    let mut entries = zip.entries();
    let mut files = Vec::new();
    while let Some(entry) = entries.next_entry()? {
        let name = entry.file_path().try_normalize()?.as_ref().to_owned();
        let found = zip.get_entry(entry.wayfinder())?;
        let mut content = Vec::new();
        found
            .verifying_reader(found.data())
            .read_to_end(&mut content)?;
        let local = found.local_header();
        let methods = [entry.compression_method(), local.compression_method()];
        let is_plain = methods == [CompressionMethod::STORE; 2]
            && entry.file_path().as_ref() == name.as_bytes()
            && local.file_path().as_ref() == name.as_bytes();
        if !is_plain {
            return Err(std::io::Error::other("a file is not stored as it is").into());
        }
        files.push((name, content));
    }
    Ok(files)
}

/// How long a zip of these files is.
fn length(files: &BTreeMap<String, Vec<u8>>) -> Option<usize> {
    let around = LOCAL_HEADER
        .checked_add(DATA_DESCRIPTOR)?
        .checked_add(CENTRAL_HEADER)?;
    files.iter().try_fold(END, |sum, (name, bytes)| {
        let names = name.len().checked_mul(2)?;
        sum.checked_add(around)?
            .checked_add(names)?
            .checked_add(bytes.len())
    })
}
