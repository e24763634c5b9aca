//! Messages two by two with the SHA extensions: the next one begins where one of the two ends.

use crate::Digest;
use crate::constants::{BLOCK, digest};
use crate::message::{Message, Unfinished};
use crate::sha_ni::ShaNi;

type Job<'m, 'd> = (Unfinished<'m>, &'d mut Digest);

/// Hashes all of them.
pub(crate) fn hash_all<'m, 'd>(sha: ShaNi, mut queue: impl Iterator<Item = Job<'m, 'd>>) {
    let mut waiting = None;
    while let Some(one) = waiting.take().or_else(|| queue.next()) {
        let Some(two) = queue.next() else {
            *one.1 = alone(sha, one.0);
            return;
        };
        waiting = until_one_is_done(sha, one, two);
    }
}

/// Hashes one message to its end.
pub(crate) fn alone(
    sha: ShaNi,
    Unfinished {
        mut message,
        mut words,
    }: Unfinished<'_>,
) -> Digest {
    while !message.is_done() {
        let blocks = message.take_whole(usize::MAX);
        if blocks.is_empty() {
            sha.one(&mut words, &[next(&mut message)]);
        } else {
            sha.one(&mut words, blocks);
        }
    }
    digest(&words)
}

/// Goes on with both; what is left is the one that is not done, if there is one.
fn until_one_is_done<'m, 'd>(
    sha: ShaNi,
    mut job: Job<'m, 'd>,
    mut other: Job<'m, 'd>,
) -> Option<Job<'m, 'd>> {
    let (one, two) = (&mut job.0, &mut other.0);
    while !one.message.is_done() && !two.message.is_done() {
        let both = [&mut one.words, &mut two.words];
        let whole = one.message.whole_blocks().min(two.message.whole_blocks());
        if whole == 0 {
            sha.two(both, [&[next(&mut one.message)], &[next(&mut two.message)]]);
        } else {
            sha.two(
                both,
                [one.message.take_whole(whole), two.message.take_whole(whole)],
            );
        }
    }
    let (one, two) = (unless_done(job), unless_done(other));
    one.or(two)
}

/// A block, copied.
fn next(message: &mut Message<'_>) -> [u8; BLOCK] {
    message.take().to_bytes()
}

fn unless_done<'m, 'd>((one, place): Job<'m, 'd>) -> Option<Job<'m, 'd>> {
    if !one.message.is_done() {
        return Some((one, place));
    }
    *place = digest(&one.words);
    None
}
