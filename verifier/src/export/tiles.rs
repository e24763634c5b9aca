//! The files of C2SP tlog-tiles: tiles of 256 hashes at each level, and bundles of 256 entries.

use std::fs;
use std::path::{Path, PathBuf};

use auditlog_chain::hash::{Hash, leaf_hash};
use auditlog_chain::tree::CompactRange;

use super::error::ExportError;

/// Hashes in a full tile, and entries in a full bundle.
const WIDTH: usize = 256;

/// Writes tiles as leaves come; memory does not grow with the log.
pub(super) struct Tiles {
    folder: PathBuf,
    levels: Vec<Level>,
    bundle: Vec<u8>,
    files: u64,
}

/// The last tile of a level, as far as it is known.
#[derive(Default)]
struct Level {
    /// Number of full tiles before it.
    full: u64,
    hashes: Vec<Hash>,
}

impl Tiles {
    /// In a new folder.
    pub(super) fn create(folder: &Path) -> Result<Self, ExportError> {
        match fs::create_dir(folder) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                return Err(ExportError::FolderExists {
                    path: folder.to_owned(),
                });
            }
            Err(error) => return Err(ExportError::write(folder, &error)),
        }
        Ok(Self {
            folder: folder.to_owned(),
            levels: vec![Level::default()],
            bundle: Vec::new(),
            files: 0,
        })
    }

    /// Adds the line with this index.
    pub(super) fn append(&mut self, index: u64, line: &[u8]) -> Result<(), ExportError> {
        let Ok(length) = u16::try_from(line.len()) else {
            let found = line.len();
            return Err(ExportError::TooLong { index, found });
        };
        self.bundle.extend(length.to_be_bytes());
        self.bundle.extend(line);
        let number = self.levels.first().map_or(0, |level| level.full);
        if self.push(0, leaf_hash(line))? {
            let bundle = std::mem::take(&mut self.bundle);
            self.write(&format!("tile/entries/{}", path_of(number)), &bundle)?;
        }
        Ok(())
    }

    /// Adds a hash to a level; whether its tile is full now.
    fn push(&mut self, height: usize, hash: Hash) -> Result<bool, ExportError> {
        if self.levels.len() <= height {
            self.levels.push(Level::default());
        }
        let Some(level) = self.levels.get_mut(height) else {
            return Ok(false);
        };
        level.hashes.push(hash);
        if level.hashes.len() < WIDTH {
            return Ok(false);
        }
        let hashes = std::mem::take(&mut level.hashes);
        let number = level.full;
        level.full = number.saturating_add(1);
        self.write(
            &format!("tile/{height}/{}", path_of(number)),
            &bytes_of(&hashes),
        )?;
        self.push(height.saturating_add(1), root_of(&hashes))?;
        Ok(true)
    }

    /// Writes the partial tiles and the checkpoint, last, so that a reader never finds it without them; the number of files.
    pub(super) fn finish(mut self, checkpoint: &str) -> Result<u64, ExportError> {
        let levels = std::mem::take(&mut self.levels);
        for (height, level) in levels.iter().enumerate() {
            let width = level.hashes.len();
            if width == 0 {
                continue;
            }
            let partial = format!("{}.p/{width}", path_of(level.full));
            self.write(
                &format!("tile/{height}/{partial}"),
                &bytes_of(&level.hashes),
            )?;
            if height == 0 {
                let bundle = std::mem::take(&mut self.bundle);
                self.write(&format!("tile/entries/{partial}"), &bundle)?;
            }
        }
        self.write("checkpoint", checkpoint.as_bytes())?;
        Ok(self.files)
    }

    fn write(&mut self, name: &str, bytes: &[u8]) -> Result<(), ExportError> {
        let path = self.folder.join(name);
        let failed = |error: std::io::Error| ExportError::write(&path, &error);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(failed)?;
        }
        fs::write(&path, bytes).map_err(failed)?;
        self.files = self.files.saturating_add(1);
        Ok(())
    }
}

fn bytes_of(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(Hash::as_bytes).copied().collect()
}

/// The root over the hashes of a full tile.
fn root_of(hashes: &[Hash]) -> Hash {
    let mut range = CompactRange::empty();
    for hash in hashes {
        // 256 leaves never reach the limit of a tree.
        _ = range.append(*hash);
    }
    range.root()
}

/// The number of a tile in groups of three digits, all but the last after an `x`.
fn path_of(number: u64) -> String {
    let mut path = format!("{:03}", number % 1000);
    let mut rest = number / 1000;
    while rest > 0 {
        path = format!("x{:03}/{path}", rest % 1000);
        rest /= 1000;
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_a_tile_is_written_as_the_specification_has_it() {
        for (number, path) in [
            (0, "000"),
            (999, "999"),
            (1000, "x001/000"),
            (1_234_067, "x001/x234/067"),
            (1_000_000_000, "x001/x000/x000/000"),
        ] {
            assert_eq!(path_of(number), path);
        }
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names = Vec::new();
        let mut folders = vec![folder.to_owned()];
        while let Some(next) = folders.pop() {
            for entry in fs::read_dir(next).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    names.push(path.strip_prefix(folder).unwrap().display().to_string());
                }
            }
        }
        names.sort_unstable();
        names
    }

    /// The examples of the specification: trees of 256 and of 70,000 leaves.
    #[test]
    fn a_tree_has_the_tiles_that_the_specification_names() {
        let folder = tempfile::tempdir().unwrap();
        let mut tiles = Tiles::create(&folder.path().join("256")).unwrap();
        for index in 0..256u64 {
            tiles.append(index, &index.to_be_bytes()).unwrap();
        }
        assert_eq!(tiles.finish("note\n").unwrap(), 4);
        let expected = [
            "checkpoint",
            "tile/0/000",
            "tile/1/000.p/1",
            "tile/entries/000",
        ];
        assert_eq!(names(&folder.path().join("256")), expected);

        let large = folder.path().join("70000");
        let mut tiles = Tiles::create(&large).unwrap();
        let mut range = CompactRange::empty();
        for index in 0..70_000u64 {
            tiles.append(index, &index.to_be_bytes()).unwrap();
            range.append(leaf_hash(&index.to_be_bytes())).unwrap();
        }
        // 273 full tiles and one of 112 at level 0, one full and one of 17 at level 1, one of 1 at level 2.
        assert_eq!(
            tiles.finish("note\n").unwrap(),
            273 + 1 + 1 + 1 + 1 + 274 + 1
        );
        for (name, bytes) in [
            ("tile/0/272", 8192),
            ("tile/0/273.p/112", 112 * 32),
            ("tile/1/000", 8192),
            ("tile/1/001.p/17", 17 * 32),
            ("tile/2/000.p/1", 32),
            ("tile/entries/000", 256 * 10),
            ("tile/entries/273.p/112", 112 * 10),
        ] {
            assert_eq!(
                fs::metadata(large.join(name)).unwrap().len(),
                bytes,
                "{name}"
            );
        }
    }

    #[test]
    fn a_line_that_does_not_fit_is_refused_with_its_index() {
        let folder = tempfile::tempdir().unwrap();
        let mut tiles = Tiles::create(&folder.path().join("new")).unwrap();
        tiles.append(0, &vec![b'x'; 65_535]).unwrap();
        let error = tiles
            .append(1, &vec![b'x'; 65_536])
            .unwrap_err()
            .to_string();
        assert_eq!(
            error,
            "the line with index 1 has 65536 bytes, and C2SP tlog-tiles has room for 65535"
        );
    }
}
