//! No byte outside of a message is read: a page before it and a page after it may not be.

#![cfg(unix)]
#![expect(unsafe_code, reason = "maps and protects pages")]

use sha2::{Digest as _, Sha256};
use sha256_lanes::{Digest, Hasher, Kind};

/// Readable memory between two pages that end the process when they are read.
struct Guarded {
    start: *mut u8,
    page: usize,
    pages: usize,
}

impl Guarded {
    fn new(pages: usize) -> Self {
        // SAFETY: asks for a number.
        let page = usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap();
        let length = (pages + 2) * page;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        // SAFETY: a new mapping, at an address that the kernel chooses.
        let start =
            unsafe { libc::mmap(std::ptr::null_mut(), length, libc::PROT_NONE, flags, -1, 0) };
        assert_ne!(start, libc::MAP_FAILED);
        // SAFETY: within the mapping.
        let inner = unsafe { start.byte_add(page) };
        // SAFETY: within the mapping, which nothing else uses.
        let changed =
            unsafe { libc::mprotect(inner, pages * page, libc::PROT_READ | libc::PROT_WRITE) };
        assert_eq!(changed, 0);
        Self {
            start: inner.cast(),
            page,
            pages,
        }
    }

    fn bytes(&mut self) -> &mut [u8] {
        // SAFETY: these pages are mapped, readable and writable, zero at first, and borrowed from `self` alone.
        unsafe { std::slice::from_raw_parts_mut(self.start, self.pages * self.page) }
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        // SAFETY: the mapping that `new` made; nobody borrows from it any more.
        let freed = unsafe {
            libc::munmap(
                self.start.byte_sub(self.page).cast(),
                (self.pages + 2) * self.page,
            )
        };
        assert_eq!(freed, 0);
    }
}

fn check(before: Option<u8>, messages: &[&[u8]]) {
    let expected = |message: &&[u8]| -> Digest {
        Sha256::new()
            .chain_update(before.as_slice())
            .chain_update(message)
            .finalize()
            .into()
    };
    let expected: Vec<Digest> = messages.iter().map(expected).collect();
    for hasher in Kind::ALL.into_iter().filter_map(Hasher::of) {
        let mut digests = vec![[0; 32]; messages.len()];
        hasher.hash_all(before, messages, &mut digests);
        assert_eq!(digests, expected, "{}", hasher.kind());
        assert_eq!(
            hasher.hash(before, messages[0]),
            expected[0],
            "{}",
            hasher.kind()
        );
    }
}

#[test]
fn messages_of_every_length_begin_and_end_at_a_protected_page() {
    let mut guarded = Guarded::new(2);
    let bytes = guarded.bytes();
    for (n, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::try_from(n * 31 % 251).unwrap();
    }
    let all = bytes.len();
    for before in [None, Some(0), Some(1)] {
        for length in 0..=1024 {
            let (first, last) = (&bytes[..length], &bytes[all - length..]);
            check(before, &[last]);
            check(before, &[first]);
            // In every lane, with others beside it.
            check(before, &[last; 17]);
            check(
                before,
                &[
                    first,
                    last,
                    &bytes[7..][..length / 2],
                    last,
                    first,
                    last,
                    last,
                    first,
                    last,
                    first,
                    last,
                    last,
                    last,
                    first,
                    last,
                    first,
                    last,
                ],
            );
        }
    }
}
