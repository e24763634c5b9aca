//! One message after the other with the crate `sha2`.

use sha2::block_api::compress256;
use sha2::{Digest as _, Sha256};

use crate::Digest;
use crate::constants::digest;
use crate::message::Unfinished;

pub(crate) fn hash(before: Option<u8>, message: &[u8]) -> Digest {
    let mut sha = Sha256::new();
    if let Some(byte) = before {
        sha.update([byte]);
    }
    sha.update(message);
    sha.finalize().into()
}

/// Hashes what is left of a message.
pub(crate) fn finish(
    Unfinished {
        mut message,
        mut words,
    }: Unfinished<'_>,
) -> Digest {
    while !message.is_done() {
        let blocks = message.take_whole(usize::MAX);
        if blocks.is_empty() {
            compress256(&mut words, &[message.take().to_bytes()]);
        } else {
            compress256(&mut words, blocks);
        }
    }
    digest(&words)
}
