//! Evidence packs: accepted as they were made, and refused as soon as anything in them is changed.

use std::collections::BTreeMap;

use auditlog_chain::policy::TrustPolicy;

use super::proof::{policy, trail};
use super::world::{Key, World};
use crate::evidence::{CheckedPack, Pack, PackError, Segments, check_pack, read, write};
use crate::proof::check::Proven;

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
fn every_changed_byte_of_the_zip_is_refused_or_changes_no_file() {
    let world = World::new(Key::p256(), 5);
    let policy = policy(&world.policy);
    let pack = pack(&world, Segments::LeftOut);
    let files = read(&pack).unwrap();
    let mut accepted = 0;
    for at in (0..pack.len()).step_by(11) {
        let mut changed = pack.clone();
        changed[at] ^= 1 << (at % 8);
        if check(&policy, &changed).is_ok() {
            // Only what no file is made of, such as the time of a file.
            assert_eq!(read(&changed).as_ref(), Ok(&files), "byte {at}");
            accepted += 1;
        }
    }
    assert!(accepted < pack.len() / 30, "{accepted}");
    for at in [0, 1, 100, pack.len() / 2, pack.len() - 1] {
        assert!(check(&policy, &pack[..at]).is_err(), "cut at {at}");
    }
    assert!(check(&policy, &[b"prefix", &pack[..]].concat()).is_err());
    assert!(check(&policy, &[&pack[..], b"suffix"].concat()).is_err());
}
