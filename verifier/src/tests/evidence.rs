//! Evidence packs: accepted as they were made, and refused as soon as anything in them is changed.

use std::collections::BTreeMap;

use auditlog_chain::policy::{Compromised, TrustPolicy};

use super::proof::{policy, trail};
use super::world::{Key, World, at};
use crate::evidence::{CheckedPack, Pack, PackError, Segments, check_pack, read, write};
use crate::proof::check::{Proven, Refused};

/// A pack with the entries of segments 1 and 3.
pub(super) fn pack(world: &World, segments: Segments) -> Vec<u8> {
    let (policy, memory) = (policy(&world.policy), world.folder());
    let trail = trail(&policy, &memory);
    let mut pack = Pack::new(&policy.document().logs[0], segments);
    pack.describe(policy.format().as_bytes(), "text\n", "{}\n");
    for (number, indexes) in [(1, [4, 5]), (3, [12, 13])] {
        pack.add(&trail.read(number).unwrap(), &indexes).unwrap();
    }
    pack.finish().unwrap()
}

fn check(policy: &TrustPolicy, pack: &[u8]) -> Result<CheckedPack, PackError> {
    check_pack(policy, policy.format().as_bytes(), pack)
}

type Files = BTreeMap<String, Vec<u8>>;

/// Makes the list of digests again, as somebody would who changed a file.
fn listed(mut files: Files) -> Vec<u8> {
    files.remove("SHA256SUMS");
    let line = |(name, bytes): (&String, &Vec<u8>)| {
        format!("{}  {name}\n", TrustPolicy::digest(bytes).to_hex())
    };
    let sums: String = files.iter().map(line).collect();
    files.insert("SHA256SUMS".to_owned(), sums.into_bytes());
    write(&files).unwrap()
}

#[test]
fn a_pack_is_accepted_with_and_without_segments() {
    for key in [Key::ed25519(), Key::p256()] {
        let world = World::new(key, 5);
        let policy = policy(&world.policy);
        for (segments, files) in [(Segments::LeftOut, 20), (Segments::Included, 22)] {
            let pack = pack(&world, segments);
            let checked = check(&policy, &pack).unwrap();
            let indexes: Vec<u64> = checked.proven.iter().map(Proven::index).collect();
            assert_eq!(indexes, [4, 5, 12, 13]);
            assert_eq!((checked.files, checked.same_policy), (files, true));
            let other = check_pack(&policy, b"{}", &pack).unwrap();
            assert!(!other.same_policy);
            let stranger = World::new(Key::ed25519(), 5);
            let refused = check(&self::policy(&stranger.policy), &pack);
            assert!(
                matches!(refused, Err(PackError::Proof { .. })),
                "{refused:?}"
            );
        }
    }
}

/// Whoever changes the list of digests too can still change nothing but what nothing proves.
#[test]
fn every_changed_missing_or_added_file_is_refused() {
    let world = World::new(Key::ed25519(), 5);
    let policy = policy(&world.policy);
    let files = read(&pack(&world, Segments::Included)).unwrap();
    assert_eq!(listed(files.clone()), write(&files).unwrap());
    for name in files.keys() {
        let is_unproved = ["policy.json", "report.json", "report.txt"].contains(&name.as_str());
        for at in [0, 1, files[name].len() / 2, files[name].len() - 1] {
            let mut changed = files.clone();
            changed.get_mut(name).unwrap()[at] ^= 1;
            assert!(
                check(&policy, &write(&changed).unwrap()).is_err(),
                "{name}, byte {at}"
            );
            let accepted = check(&policy, &listed(changed)).is_ok();
            assert_eq!(
                accepted,
                is_unproved || name == "SHA256SUMS",
                "{name}, byte {at}"
            );
        }
        let mut without = files.clone();
        without.remove(name);
        assert!(
            check(&policy, &write(&without).unwrap()).is_err(),
            "{name} removed"
        );
        // An entry can be left out with its proof, but neither without the other.
        assert_eq!(
            check(&policy, &listed(without)).is_ok(),
            name == "SHA256SUMS",
            "{name} removed"
        );
    }
    for name in [
        "extra",
        "entries/0000000000000099.json",
        "keys/00000000.pem",
        "../outside",
        "/etc/passwd",
    ] {
        let mut more = files.clone();
        more.insert(name.to_owned(), b"{}".to_vec());
        assert!(check(&policy, &listed(more)).is_err(), "{name} added");
    }
    let mut renamed = files.clone();
    let entry = renamed.remove("entries/0000000000000004.json").unwrap();
    renamed.insert("entries/0000000000000005.json".to_owned(), entry);
    assert!(check(&policy, &listed(renamed)).is_err());
}

#[test]
fn every_changed_byte_of_the_zip_is_refused() {
    let world = World::new(Key::p256(), 5);
    let policy = policy(&world.policy);
    let pack = pack(&world, Segments::LeftOut);
    for at in (0..pack.len())
        .step_by(11)
        .chain(pack.len() - 2000..pack.len())
    {
        let mut changed = pack.clone();
        changed[at] ^= 1 << (at % 8);
        assert!(check(&policy, &changed).is_err(), "byte {at}");
    }
    for at in [0, 1, 100, pack.len() / 2, pack.len() - 1] {
        assert!(check(&policy, &pack[..at]).is_err(), "cut at {at}");
    }
    assert!(check(&policy, &[b"prefix", &pack[..]].concat()).is_err());
    assert!(check(&policy, &[&pack[..], b"suffix"].concat()).is_err());
}

/// A pack describes one log: entries of another one, proved as they may be, would be checked by hand with the wrong keys.
#[test]
fn a_pack_with_entries_of_two_logs_is_refused() {
    let world = World::new(Key::ed25519(), 5);
    let policy = policy(&world.policy);
    let mut files = read(&pack(&world, Segments::LeftOut)).unwrap();
    let name = "proofs/0000000000000012.tlog-proof";
    let proof = String::from_utf8(files[name].clone()).unwrap();
    let other = proof.replace("/audit/payments", "/audit/orders");
    assert_ne!(other, proof);
    files.insert(name.to_owned(), other.into_bytes());
    let refused = check(&policy, &listed(files)).unwrap_err();
    assert!(
        refused
            .to_string()
            .ends_with("entries of more than one log"),
        "{refused}"
    );
}

/// What cannot be decided about one entry hides nothing that is wrong with another file.
#[test]
fn a_proof_that_is_undecided_does_not_hide_a_changed_file() {
    let mut world = World::new(Key::ed25519(), 5);
    let files = read(&pack(&world, Segments::LeftOut)).unwrap();
    world.policy.keys[0].compromised = Some(Compromised {
        at: at(0),
        last_good: Vec::new(),
    });
    let policy = policy(&world.policy);
    let undecided = check(&policy, &listed(files.clone())).unwrap_err();
    let is_undecided = |error: &PackError| {
        let why = |why: &Refused| matches!(why, Refused::Undecided(_));
        matches!(error, PackError::Proof { why: found, .. } if why(found))
    };
    assert!(is_undecided(&undecided), "{undecided:?}");
    for name in ["entries/0000000000000013.json", "README.md", "policy.json"] {
        let mut changed = files.clone();
        changed.get_mut(name).unwrap()[0] ^= 1;
        let refused = check(&policy, &listed(changed)).unwrap_err();
        assert_eq!(
            is_undecided(&refused),
            name == "policy.json",
            "{name}: {refused:?}"
        );
    }
}

/// A zip in parts: the files, and what the central directory says of them.
struct Zip {
    files: Vec<u8>,
    directory: Vec<u8>,
    count: u16,
}

impl Zip {
    fn of(name: &str, bytes: &[u8]) -> Self {
        let zip = write(&Files::from([(name.to_owned(), bytes.to_vec())])).unwrap();
        let (files, rest) = zip.split_at(30 + name.len() + bytes.len() + 16);
        let (directory, end) = rest.split_at(46 + name.len());
        assert_eq!(end.len(), 22);
        Self {
            files: files.to_vec(),
            directory: directory.to_vec(),
            count: 1,
        }
    }

    /// The same with a file that is inside of its first one, at this place.
    fn sharing(mut self, inner: &Self, at: usize) -> Self {
        let mut entry = inner.directory.clone();
        entry[42..46].copy_from_slice(&u32::try_from(at).unwrap().to_le_bytes());
        self.directory.extend(entry);
        self.count += 1;
        self
    }

    fn with(mut self, more: &[u8]) -> Self {
        self.files.extend(more);
        self
    }

    fn bytes(&self) -> Vec<u8> {
        let length = |part: &[u8]| u32::try_from(part.len()).unwrap().to_le_bytes();
        let count = self.count.to_le_bytes();
        let mut zip = [&self.files[..], &self.directory, b"PK\x05\x06\0\0\0\0"].concat();
        for part in [
            &count[..],
            &count,
            &length(&self.directory),
            &length(&self.files),
            &[0; 2],
        ] {
            zip.extend(part);
        }
        zip
    }
}

#[test]
fn bytes_that_no_file_or_two_files_have_are_refused() {
    let inner = Zip::of("b", &[b'x'; 1000]);
    let outer = || Zip::of("a", &inner.files);
    let files = read(&outer().bytes()).unwrap();
    assert_eq!(files["a"], inner.files);
    let why = |zip: &Zip| read(&zip.bytes()).unwrap_err();
    let other = "it is another zip than its files give";
    // The inner file is counted twice, and as many bytes are hidden behind the files.
    let shared = outer().sharing(&inner, 31);
    let room = shared.with(&inner.files);
    assert_eq!(why(&room), other);
    let shared = outer().sharing(&inner, 31);
    assert_eq!(why(&shared), "its files have more bytes than it has");
    let twice = Zip::of("a", b"x");
    let twice = Zip::of("a", b"x").sharing(&twice, 0);
    assert_eq!(why(&twice), "it has two files of one name");
    assert_eq!(why(&Zip::of("a", b"x").with(b"hidden")), other);
    let mut link = Zip::of("a", b"/etc/passwd");
    // Made on Unix, as a symbolic link.
    link.directory[5] = 3;
    link.directory[38..42].copy_from_slice(&(0o120_777_u32 << 16).to_le_bytes());
    assert_eq!(why(&link), other);
}

/// A pack of many entries has more files than the first zips had room for.
#[test]
fn a_pack_with_more_than_65_535_files_is_read() {
    let files: Files = (0..65_600u32)
        .map(|at| (format!("{at:06}"), Vec::new()))
        .collect();
    let zip = write(&files).unwrap();
    assert!(read(&zip).is_ok_and(|found| found == files));
}

/// Another version of the library must not make other bytes: packs that were handed over would be refused.
#[test]
fn the_zip_of_the_same_files_is_always_the_same() {
    let files = Files::from([
        ("a/b.json".to_owned(), b"{}".to_vec()),
        ("c".to_owned(), Vec::new()),
    ]);
    let zip = write(&files).unwrap();
    assert_eq!(
        TrustPolicy::digest(&zip).to_hex(),
        "441ef8469f1f158ade3c81dfb57e60e20b4d81dce57465ee6f21bc5abe550387"
    );
}
