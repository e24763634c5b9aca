use std::io::Cursor;

use super::super::record::{Batch, Close, Encoder, Opening};
use super::*;

const OPENING: Opening<'_> = Opening {
    segment: 42,
    origin: "acme.example/audit/payments",
    lines: b"{\"format\":1}\n",
};

/// Names of the batches of a file, and its end.
type Found = Result<(Vec<String>, Tail), WalFault>;

fn read(bytes: &[u8]) -> Found {
    let mut reader = Reader::new(Cursor::new(bytes)).unwrap();
    let mut names = Vec::new();
    loop {
        match reader.next_record() {
            Ok(Some(Record::Batch(batch))) => {
                names.push(String::from_utf8(batch.name.to_vec()).unwrap());
            }
            Ok(Some(Record::Opening(_) | Record::Close(_))) => {}
            Ok(None) => return Ok((names, reader.tail())),
            Err(ReadError::Fault(fault)) => return Err(fault),
            Err(ReadError::Io(error)) => panic!("{error}"),
        }
    }
}

/// What is left of a file whose record at a place was changed.
fn salvaged(bytes: &[u8]) -> (String, usize) {
    let mut reader = Reader::new(Cursor::new(bytes)).unwrap();
    let (mut names, mut skipped) = (String::new(), 0_usize);
    loop {
        match reader.next_record() {
            Ok(Some(Record::Batch(batch))) => {
                names.push_str(str::from_utf8(batch.name).unwrap());
            }
            Ok(Some(Record::Opening(_) | Record::Close(_))) => {}
            Ok(None) => return (names, skipped),
            Err(ReadError::Fault(_)) => {
                if !reader.skip().unwrap() {
                    return (names, skipped);
                }
                skipped = skipped.saturating_add(1);
            }
            Err(ReadError::Io(error)) => panic!("{error}"),
        }
    }
}

#[test]
fn records_behind_one_that_was_changed_are_found() {
    let whole = groups(7).concat();
    assert_eq!(salvaged(&whole), ("abcde".to_owned(), 0));
    let place = |name: &str| {
        // The source is behind the name.
        let wanted = [name.as_bytes(), b"\x03\0ada"].concat();
        let mut all = whole.windows(wanted.len());
        all.position(|bytes| bytes == wanted).unwrap()
    };
    for (changed, left) in [("a", "bcde"), ("b", "acde"), ("c", "abde"), ("e", "abcd")] {
        let mut bytes = whole.clone();
        bytes[place(changed)] ^= 1;
        assert_eq!(salvaged(&bytes), (left.to_owned(), 1), "{changed}");
        assert!(read(&bytes).is_err(), "{changed}");
    }
    // A header as well as a body.
    let mut bytes = whole.clone();
    bytes[groups(7)[0].len() + 1] ^= 1;
    assert_eq!(salvaged(&bytes), ("bcde".to_owned(), 1));
    // The opening record, unless nobody can know which file it was.
    for (at, left) in [(0, ("abcde", 1)), (60, ("abcde", 1)), (FILE_AT, ("", 0))] {
        let mut bytes = whole.clone();
        bytes[usize::try_from(at).unwrap()] ^= 1;
        assert_eq!(salvaged(&bytes), (left.0.to_owned(), left.1), "{at}");
        assert!(read(&bytes).is_err(), "{at}");
    }
}

fn batch(encoder: &mut Encoder, name: &str, bytes: usize) {
    let lines = format!("{}\n", "x".repeat(bytes));
    encoder.batch(&Batch {
        name: name.as_bytes(),
        source: b"ada",
        note: b"",
        count: 1,
        lines: lines.as_bytes(),
    });
}

fn take(encoder: &mut Encoder) -> Vec<u8> {
    let bytes = encoder.group().to_vec();
    encoder.synced();
    bytes
}

/// The groups of a file: the opening, one batch, three, one, and the close record.
fn groups(file: u64) -> Vec<Vec<u8>> {
    let mut encoder = Encoder::new(file);
    let mut groups = Vec::new();
    encoder.opening(&OPENING);
    groups.push(take(&mut encoder));
    batch(&mut encoder, "a", 100);
    groups.push(take(&mut encoder));
    for name in ["b", "c", "d"] {
        batch(&mut encoder, name, 1500);
    }
    groups.push(take(&mut encoder));
    batch(&mut encoder, "e", 700);
    groups.push(take(&mut encoder));
    encoder.close(&Close { line: b"{}\n" });
    groups.push(take(&mut encoder));
    groups
}

fn names(found: &Found) -> String {
    found
        .as_ref()
        .map_or_else(ToString::to_string, |(names, _)| names.concat())
}

#[test]
fn records_are_read_as_they_were_written() {
    let all = groups(7).concat();
    let found = read(&all);
    assert_eq!(names(&found), "abcde");
    let tail = found.unwrap().1;
    assert!(tail.closed);
    assert_eq!(usize::try_from(tail.whole).unwrap(), all.len());
    let mut reader = Reader::new(Cursor::new(&all)).unwrap();
    assert_eq!(
        reader.next_record().unwrap(),
        Some(Record::Opening(OPENING))
    );
}

#[test]
fn file_that_is_cut_anywhere_gives_its_whole_records_with_and_without_preallocation() {
    let groups = groups(7);
    let all = groups.concat();
    for length in 0..all.len() {
        for zeros in [0, 1, 3000] {
            let mut cut = all[..length].to_vec();
            cut.resize(length + zeros, 0);
            let found = read(&cut);
            let expected = "abcde";
            let whole = names(&found);
            assert!(expected.starts_with(&whole), "{length}: {whole}");
            // The writer goes on behind the whole records.
            let tail = found.unwrap().1;
            let mut encoder = Encoder::after(tail.file, tail.next_group);
            if tail.whole == 0 {
                encoder = Encoder::new(7);
                encoder.opening(&OPENING);
                cut = take(&mut encoder);
            } else {
                cut.truncate(tail.whole.try_into().unwrap());
            }
            batch(&mut encoder, "f", 10);
            cut.extend(take(&mut encoder));
            batch(&mut encoder, "g", 10);
            cut.extend(take(&mut encoder));
            assert_eq!(names(&read(&cut)), format!("{whole}fg"), "{length}");
        }
    }
}

#[test]
fn changed_byte_is_found_unless_it_is_in_the_last_group_and_looks_unwritten() {
    let groups = groups(7);
    let all = groups[..4].concat();
    let last = groups[..3].concat().len();
    for at in 0..all.len() {
        let mut changed = all.clone();
        changed[at] ^= 0x40;
        let found = read(&changed);
        assert!(found.is_err() || at >= last, "{at}: {}", names(&found));
        if found.is_ok() {
            assert_eq!(names(&found), "abcd", "{at}");
        }
    }
}

#[test]
fn sectors_that_were_not_written_are_a_tail_in_the_last_group_and_a_loss_before_it() {
    let groups = groups(7);
    let before = groups[..2].concat().len();
    let last = groups[..3].concat();
    let more = groups[..4].concat();
    for sector in 0..last.len().div_ceil(512) {
        let (begin, end) = (sector * 512, (sector + 1) * 512);
        let zeroed = |all: &[u8]| {
            let mut zeroed = all.to_vec();
            let (begin, end) = (begin.max(before), end.min(last.len()));
            if let Some(bytes) = zeroed.get_mut(begin..end) {
                bytes.fill(0);
            }
            zeroed
        };
        if end <= before {
            continue;
        }
        let found = read(&zeroed(&last));
        assert!(
            "abcd".starts_with(&names(&found)) && found.is_ok(),
            "{sector}: {found:?}"
        );
        assert!(
            matches!(read(&zeroed(&more)), Err(WalFault::Lost { .. })),
            "{sector}"
        );
    }
}

#[test]
fn record_of_another_file_is_foreign() {
    let (ours, other) = (groups(7), groups(8));
    let mixed = [ours[0].clone(), ours[1].clone(), other[2].clone()].concat();
    let at = u64::try_from(ours[..2].concat().len()).unwrap();
    assert_eq!(read(&mixed), Err(WalFault::Foreign { at }));
    let repeated = [ours[0].clone(), ours[1].clone(), ours[1].clone()].concat();
    assert_eq!(read(&repeated), Err(WalFault::OutOfOrder { at }));
    let skipped = [ours[0].clone(), ours[1].clone(), ours[3].clone()].concat();
    assert_eq!(read(&skipped), Err(WalFault::OutOfOrder { at }));
}

#[test]
fn file_that_is_not_ours_is_named() {
    assert_eq!(
        read(b"{\"index\":1}\n, and so on, for longer than a header\n"),
        Err(WalFault::NotWal)
    );
    let mut other = groups(7).concat();
    other[HEADER_BYTES + 12] = 9;
    let sum = Header::sum_of(
        other.first_chunk().unwrap(),
        &other[HEADER_BYTES..groups(7)[0].len()],
    );
    other[4..8].copy_from_slice(&sum.to_le_bytes());
    let expected = super::super::VERSION;
    assert_eq!(read(&other), Err(WalFault::Version { expected, found: 9 }));
    assert_eq!(names(&read(b"")), "");
    let empty = vec![0; 5000];
    assert_eq!(read(&empty).unwrap().1.whole, 0);
    let mut lost = vec![0; 100_000];
    lost[90_000] = 1;
    assert_eq!(read(&lost), Err(WalFault::Lost { at: 0 }));
}
