//! What is exported is checked by the crate `tlog_tiles`, a port of Go's `sumdb/tlog` that others wrote for certificate transparency. Nothing of ours
//! hashes, folds or walks the tree here: we only read files and cut bundles at their lengths.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use auditlog_chain::policy::TrustPolicy;
use tlog_tiles::{
    Checkpoint, Error, Hash, HashReader as _, Tile, TileHashReader, TileReader, check_record,
    check_tree, prove_record, prove_tree, record_hash, stored_hash_index, tree_hash,
};

use super::world::{Key, World, closed, opened};
use crate::export::export;
use crate::trail::Trail;

/// 256 hashes in a tile.
const HEIGHT: u8 = 8;

/// A folder with tiles, for the other implementation.
struct Tiles<'f>(&'f Path);

impl TileReader for Tiles<'_> {
    fn height(&self) -> u8 {
        HEIGHT
    }

    fn read_tiles(&self, tiles: &[Tile]) -> Result<Vec<Vec<u8>>, Error> {
        let read =
            |tile: &Tile| fs::read(self.0.join(path_of(tile))).map_err(|_| Error::InvalidTile);
        tiles.iter().map(read).collect()
    }

    fn save_tiles(&self, _: &[Tile], _: &[Vec<u8>]) {}
}

/// That crate names tiles as Go's module proxy does, with their height. C2SP has one height, and calls bundles `entries`.
fn path_of(tile: &Tile) -> String {
    let path = tile.path();
    let path = path.replacen("tile/8/", "tile/", 1);
    path.replacen("tile/data/", "tile/entries/", 1)
}

fn checkpoint(folder: &Path) -> Result<Checkpoint, String> {
    let note = fs::read_to_string(folder.join("checkpoint")).map_err(|error| error.to_string())?;
    let (text, _signatures) = note.split_once("\n\n").ok_or("the note has no end")?;
    Checkpoint::from_bytes(format!("{text}\n").as_bytes()).map_err(|error| error.to_string())
}

fn entries(bundle: &[u8]) -> Result<Vec<&[u8]>, String> {
    let (mut rest, mut entries) = (bundle, Vec::new());
    while let Some((length, more)) = rest.split_first_chunk::<2>() {
        let length = usize::from(u16::from_be_bytes(*length));
        let (entry, more) = more.split_at_checked(length).ok_or("an entry is cut")?;
        entries.push(entry);
        rest = more;
    }
    rest.is_empty()
        .then_some(entries)
        .ok_or("a length is cut".to_owned())
}

/// Every tile and bundle that a tree of this size has is there and leads to the root of the checkpoint, and nothing else is there.
fn fsck(folder: &Path) -> Result<u64, String> {
    let head = checkpoint(folder)?;
    let (size, root) = (head.size(), *head.hash());
    let said = |error: Error| error.to_string();
    let reader = Tiles(folder);
    let hashes = TileHashReader::new(size, root, &reader);
    if tree_hash(size, &hashes).map_err(said)? != root {
        return Err("the tiles lead to another root".to_owned());
    }
    let mut expected = BTreeSet::from(["checkpoint".to_owned()]);
    for tile in Tile::new_tiles(HEIGHT, 0, size) {
        // Reads the tile, and those above it up to the root; refuses hashes that do not lead there.
        let first = tile.level_index() << HEIGHT;
        let level = tile.level() * HEIGHT;
        let indexes: Vec<u64> = (first..first + u64::from(tile.width()))
            .map(|number| stored_hash_index(level, number))
            .collect();
        let proven = hashes.read_hashes(&indexes).map_err(said)?;
        let stored = fs::read(folder.join(path_of(&tile))).map_err(|error| error.to_string())?;
        let bytes: Vec<u8> = proven.iter().flat_map(|hash| hash.0).collect();
        if stored != bytes {
            return Err(format!("{} has other hashes", path_of(&tile)));
        }
        expected.insert(path_of(&tile));
        if tile.level() == 0 {
            let mut data = tile;
            data.set_is_data();
            let bundle =
                fs::read(folder.join(path_of(&data))).map_err(|error| error.to_string())?;
            let leaves: Vec<Hash> = entries(&bundle)?.into_iter().map(record_hash).collect();
            if leaves != proven {
                return Err(format!("{} has other entries", path_of(&data)));
            }
            expected.insert(path_of(&data));
        }
    }
    let found: BTreeSet<String> = files(folder).into_iter().collect();
    (found == expected)
        .then_some(size)
        .ok_or_else(|| format!("other files: {:?}", found.symmetric_difference(&expected)))
}

fn files(folder: &Path) -> Vec<String> {
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
    names
}

/// A log of segment 0 and segments with so many entries.
fn log(entries: &[usize]) -> World {
    let mut world = World::new(Key::ed25519(), 1);
    for (number, entries) in (1..).zip(entries) {
        let events = vec!["1"; *entries];
        let segment = closed(
            world.head(),
            None,
            &events,
            opened(number),
            opened(number) + 30,
        );
        let signature = world.key.sign(&segment);
        world.add(segment, vec![signature]);
    }
    world
}

fn exported(world: &World, to: Option<u64>, folder: &Path) -> PathBuf {
    let policy = TrustPolicy::check(world.policy.clone()).unwrap();
    let memory = world.folder();
    let trail = Trail::open(&memory, &policy, &policy.document().logs[0], 5).unwrap();
    let name = to.map_or_else(|| "all".to_owned(), |to| to.to_string());
    let out = folder.join(name);
    export(&trail, to, 2, &out).unwrap();
    out
}

#[test]
fn somebody_elses_reader_accepts_each_tile_and_bundle_of_an_export() {
    // Segment 0 has 3 lines, each other one its entries and 2 more. Sizes around full tiles, and one with a third level.
    for (entries, size) in [
        (&[][..], 3),
        (&[0], 5),
        (&[250], 255),
        (&[251], 256),
        (&[252], 257),
        (&[100, 200, 400], 709),
        (&[65_531], 65_536),
        (&[65_000, 1000], 66_007),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let out = exported(&log(entries), None, folder.path());
        assert_eq!(fsck(&out), Ok(size), "{entries:?}");
    }
}

/// V10: what came after the declared end is not exported, whatever it holds.
#[test]
fn an_export_of_an_ended_log_reaches_its_declared_end() {
    let mut world = log(&[100, 200, 400]);
    world.end_at(2);
    let folder = tempfile::tempdir().unwrap();
    let out = exported(&world, None, folder.path());
    assert_eq!(fsck(&out), Ok(3 + 102 + 202));
    world.segments.insert(3, b"garbage".to_vec());
    let other = tempfile::tempdir().unwrap();
    let out = exported(&world, None, other.path());
    assert_eq!(fsck(&out), Ok(3 + 102 + 202));
}

#[test]
fn somebody_elses_reader_proves_entries_and_consistency_from_an_export() {
    let world = log(&[100, 200, 400]);
    let folder = tempfile::tempdir().unwrap();
    let out = exported(&world, None, folder.path());
    let head = checkpoint(&out).unwrap();
    let reader = Tiles(&out);
    let hashes = TileHashReader::new(head.size(), *head.hash(), &reader);
    for index in [0, 2, 104, 105, 255, 256, 511, 708] {
        let proof = prove_record(head.size(), index, &hashes).unwrap();
        let leaf = hashes.read_hashes(&[stored_hash_index(0, index)]).unwrap()[0];
        check_record(&proof, head.size(), *head.hash(), index, leaf).unwrap();
    }
    for to in 0..3 {
        let earlier = checkpoint(&exported(&world, Some(to), folder.path())).unwrap();
        let proof = prove_tree(head.size(), earlier.size(), &hashes).unwrap();
        check_tree(
            &proof,
            head.size(),
            *head.hash(),
            earlier.size(),
            *earlier.hash(),
        )
        .unwrap();
    }
}

/// The check above is one: whatever is changed, removed or added is noticed.
#[test]
fn somebody_elses_reader_refuses_an_export_that_was_changed() {
    let folder = tempfile::tempdir().unwrap();
    let out = exported(&log(&[600]), None, folder.path());
    assert_eq!(fsck(&out), Ok(605));
    let all = files(&out);
    assert_eq!(all.len(), 1 + 3 + 1 + 3);
    for name in all.iter().filter(|name| *name != "checkpoint") {
        let path = out.join(name);
        let good = fs::read(&path).unwrap();
        for at in [0, good.len() / 2, good.len() - 1] {
            let mut bad = good.clone();
            bad[at] ^= 1;
            fs::write(&path, bad).unwrap();
            assert!(fsck(&out).is_err(), "{name} at {at}");
        }
        fs::write(&path, &good[..good.len() - 1]).unwrap();
        assert!(fsck(&out).is_err(), "{name} is cut");
        fs::remove_file(&path).unwrap();
        assert!(fsck(&out).is_err(), "{name} is gone");
        fs::write(&path, good).unwrap();
    }
    let path = out.join("checkpoint");
    let good = fs::read_to_string(&path).unwrap();
    let root = good.lines().nth(2).unwrap();
    let other = format!("AAAA{}", &root[4..]);
    for bad in [
        good.replacen("\n605\n", "\n604\n", 1),
        good.replacen("\n605\n", "\n606\n", 1),
        good.replacen(root, &other, 1),
    ] {
        fs::write(&path, &bad).unwrap();
        assert!(fsck(&out).is_err(), "{bad}");
    }
    fs::write(&path, good).unwrap();
    assert_eq!(fsck(&out), Ok(605));
    fs::write(out.join("tile/0/003"), []).unwrap();
    assert!(fsck(&out).unwrap_err().starts_with("other files: "));
}
