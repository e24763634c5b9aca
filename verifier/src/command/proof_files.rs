//! Files that a subcommand reads and writes.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

use auditlog_verifier::regular;

use super::usage::Usage;

/// The bytes of a file of at most so many.
pub(super) fn read(path: &Path, limit: usize) -> Result<Vec<u8>, Usage> {
    let failed = |error: io::Error| {
        Usage::new(
            format!("cannot read {}: {error}", path.display()),
            "name a file that can be read",
        )
    };
    let file = open(path).map_err(failed)?;
    let bytes = regular::read_one_more(file, limit).map_err(failed)?;
    if bytes.len() > limit {
        let message = format!("{} has more than {limit} bytes", path.display());
        return Err(Usage::new(
            message,
            "name the file that auditlog-verify wrote",
        ));
    }
    Ok(bytes)
}

/// A path is read only where it is a file, and what is open already, such as standard input, whatever it is.
fn open(path: &Path) -> io::Result<File> {
    if path == Path::new("/dev/stdin") || path.starts_with("/dev/fd") {
        File::open(path)
    } else {
        regular::open(path)
    }
}

/// Writes a new file. `out` is what `--out` names: a file or a folder. One that is there is left alone, and is an error unless it has the same bytes.
pub(super) fn write_new(path: &Path, bytes: &[u8], out: &str) -> Result<(), Usage> {
    let failed = |error: io::Error| {
        Usage::new(
            format!("cannot write {}: {error}", path.display()),
            &format!("name another {out} with --out"),
        )
    };
    match File::create_new(path) {
        Ok(mut file) => {
            let written = file.write_all(bytes).and_then(|()| file.sync_all());
            written.map_err(|error| {
                // Half of a file must not pass for the whole.
                _ = fs::remove_file(path);
                failed(error)
            })
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            match regular::read(path, bytes.len()) {
                Ok(there) if there == bytes => Ok(()),
                _ => Err(failed(error)),
            }
        }
        Err(error) => Err(failed(error)),
    }
}
