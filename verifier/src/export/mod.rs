//! A log as [C2SP tlog-tiles](https://c2sp.org/tlog-tiles), so that tools for transparency logs can read it. The lines are the entries, so the tree and
//! its root are the same, and the checkpoint is the one of the last segment, as it was signed.

mod error;
mod tiles;

use std::path::{Path, PathBuf};

use auditlog_chain::segment::Head;
use auditlog_chain::tree::TreeHead;

pub use error::{ExportError, MAX_ENTRY_BYTES};
use tiles::Tiles;

use crate::place::{Place, Placed};
use crate::range::before::neighbour_fault;
use crate::trail::{Segment, Trail, TrailError};

/// What was exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exported {
    /// The tree.
    pub head: TreeHead,
    /// Number of the last segment.
    pub last_segment: u64,
    /// Number of files.
    pub files: u64,
}

/// Writes the lines up to the end of a segment, by default of the last one, into a new folder. Whatever is read is verified, with as many checks at once as
/// there are workers, and compared with the segment before it.
///
/// The folder gets its name when it is complete; until then it has `.unfinished` behind it.
///
/// # Errors
///
/// Where the log is not there from its beginning, was not accepted, has a line that does not fit, or the folder cannot be written.
pub fn export(
    trail: &Trail<'_>,
    to: Option<u64>,
    workers: usize,
    folder: &Path,
) -> Result<Exported, ExportError> {
    let last = to
        .or_else(|| trail.numbers().next_back())
        .ok_or(ExportError::Empty)?;
    let gap = trail.gaps().into_iter().find(|(first, _)| *first <= last);
    if let Some((first, last)) = gap {
        return Err(ExportError::Absent { first, last });
    }
    if folder.symlink_metadata().is_ok() {
        return Err(ExportError::FolderExists {
            path: folder.to_owned(),
        });
    }
    let unfinished = unfinished(folder);
    let written = write(trail, last, workers, &unfinished).and_then(|exported| {
        let renamed = std::fs::rename(&unfinished, folder);
        renamed.map_err(|error| ExportError::write(folder, &error))?;
        Ok(exported)
    });
    if written.is_err() && !matches!(written, Err(ExportError::FolderExists { .. })) {
        // Half an export is useless, and the error says why it is not whole.
        _ = std::fs::remove_dir_all(&unfinished);
    }
    written
}

fn unfinished(folder: &Path) -> PathBuf {
    let mut name = folder.as_os_str().to_owned();
    name.push(".unfinished");
    PathBuf::from(name)
}

fn write(
    trail: &Trail<'_>,
    last: u64,
    workers: usize,
    folder: &Path,
) -> Result<Exported, ExportError> {
    let mut tiles = Tiles::create(folder)?;
    let mut head = Head::of_new_log(trail.origin().clone());
    let mut checkpoint = String::new();
    trail.read_each(0..=last, workers, |segment| {
        continues(trail, &head, &segment)?;
        add(&mut tiles, &segment)?;
        head = segment.checked().head().clone();
        checkpoint = segment.checked().signed_checkpoint().note();
        Ok::<(), ExportError>(())
    })?;
    let files = tiles.finish(&checkpoint)?;
    let (size, root) = (head.range.size(), head.range.root());
    Ok(Exported {
        head: TreeHead { size, root },
        last_segment: last,
        files,
    })
}

fn continues(trail: &Trail<'_>, head: &Head, segment: &Segment) -> Result<(), TrailError> {
    let number = segment.checked().number();
    let Some(fault) = neighbour_fault(&head.into(), &segment.checked().before().into()) else {
        return Ok(());
    };
    let place = Place {
        log: Some(trail.origin().clone()),
        object: Some(trail.key_of(number)),
        ..Place::default()
    };
    Err(TrailError::Wrong(Box::new(Placed {
        what: fault.into(),
        place,
    })))
}

fn add(tiles: &mut Tiles, segment: &Segment) -> Result<(), ExportError> {
    let mut result = Ok(());
    segment.visit(&mut |line| {
        if result.is_ok() {
            result = tiles.append(line.line.index, line.bytes);
        }
    });
    result
}
