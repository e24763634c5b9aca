//! Many messages side by side, one in each lane of a vector. A lane that comes to the end of its message takes the next one, so messages of
//! different lengths keep all lanes busy, until there is no next one.

use crate::Digest;
use crate::constants::digest;
use crate::message::Unfinished;

/// What hashes one block in each of several lanes.
pub(crate) trait Lanes<'m> {
    /// How many lanes there are, at most 32.
    const COUNT: u32;

    /// Puts a message into a lane, in place of what was there.
    fn put(&mut self, lane: usize, message: &Unfinished<'m>);

    /// Takes what is in a lane out of it. The lane hashes nothing until the next message is put there.
    fn take(&mut self, lane: usize) -> Unfinished<'m>;

    /// The words of a lane.
    fn words(&self, lane: usize) -> [u32; 8];

    /// Goes on with each lane by one block. A bit for each lane whose message is done; those without a message count as done.
    fn compress(&mut self) -> u32;
}

/// The eight words of each lane: a row for each word.
#[repr(align(64))]
pub(crate) struct States<const N: usize>(pub(crate) [[u32; N]; 8]);

impl<const N: usize> States<N> {
    pub(crate) fn set(&mut self, lane: usize, words: &[u32; 8]) {
        for (row, word) in self.0.iter_mut().zip(words) {
            if let Some(place) = row.get_mut(lane) {
                *place = *word;
            }
        }
    }

    pub(crate) fn of(&self, lane: usize) -> [u32; 8] {
        let word = |row: &[u32; N]| row.get(lane).copied().unwrap_or_default();
        self.0.each_ref().map(word)
    }
}

/// Hashes as long as more than `few` lanes are busy, and hands out what is not finished then.
pub(crate) fn hash_all<'m, 'd, L: Lanes<'m>>(
    mut lanes: L,
    mut queue: impl Iterator<Item = (Unfinished<'m>, &'d mut Digest)>,
    few: u32,
) -> impl Iterator<Item = (Unfinished<'m>, &'d mut Digest)> {
    let mut digests: [Option<&'d mut Digest>; 32] = [const { None }; 32];
    let mut busy = 0u32;
    for (lane, place) in digests
        .iter_mut()
        .enumerate()
        .take(usize::try_from(L::COUNT).unwrap_or(0))
    {
        let Some((message, digest)) = queue.next() else {
            break;
        };
        lanes.put(lane, &message);
        *place = Some(digest);
        busy |= bit(lane);
    }
    // With all lanes among the few, the queue would be forgotten.
    let few = few.min(L::COUNT.saturating_sub(1));
    while busy.count_ones() > few {
        let mut done = lanes.compress() & busy;
        while done != 0 {
            let lane = usize::try_from(done.trailing_zeros()).unwrap_or(usize::MAX);
            done &= done.wrapping_sub(1);
            let next = queue.next();
            let Some(place) = digests.get_mut(lane) else {
                break;
            };
            let (next, next_digest) = next.unzip();
            if let Some(digest_of_done) = std::mem::replace(place, next_digest) {
                *digest_of_done = digest(&lanes.words(lane));
            }
            if let Some(message) = next {
                lanes.put(lane, &message);
            } else {
                lanes.take(lane);
                busy &= !bit(lane);
            }
        }
    }
    let left = digests.into_iter().enumerate();
    left.filter_map(move |(lane, digest)| digest.map(|digest| (lanes.take(lane), digest)))
}

fn bit(lane: usize) -> u32 {
    u32::try_from(lane)
        .ok()
        .and_then(|lane| 1u32.checked_shl(lane))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::avx2::{Avx2, Eight};
    use crate::avx512::{Avx512, Sixteen};
    use crate::message::{Message, Padding, Unfinished};
    use crate::sha_ni::ShaNi;
    use crate::{pair, portable};

    /// Numbers that look random, the same in each run.
    fn numbers() -> impl FnMut() -> u64 {
        let mut state = 0x2545_f491_4f6c_dd1du64;
        move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        }
    }

    /// Messages in any state, with lengths that no message in memory can have.
    fn unfinished<'m>(bytes: &'m [u8], next: &mut impl FnMut() -> u64) -> Unfinished<'m> {
        let length = usize::try_from(next() % 300).unwrap();
        let padding = if next().is_multiple_of(5) {
            Padding::AllButLength
        } else {
            Padding::Untouched
        };
        let whole = padding == Padding::Untouched;
        let message = Message {
            before: (whole && next().is_multiple_of(2)).then_some(0x5a),
            rest: if whole { &bytes[..length] } else { &[] },
            bits: next() | 1 << 63,
            padding,
        };
        Unfinished {
            message,
            words: std::array::from_fn(|_| u32::try_from(next() >> 32).unwrap()),
        }
    }

    /// Compares `hash`, which gets the number of lanes that it may leave.
    fn agrees<'m>(bytes: &'m [u8], hash: impl Fn(&[Unfinished<'m>], u32) -> Vec<Digest>) {
        let mut next = numbers();
        for round in 0..400 {
            let count = usize::try_from(next() % 60).unwrap();
            let jobs: Vec<_> = (0..count).map(|_| unfinished(bytes, &mut next)).collect();
            let expected: Vec<_> = jobs.iter().map(|job| portable::finish(*job)).collect();
            let few = u32::try_from(next() % 17).unwrap();
            let found = hash(&jobs, few);
            let wrong = (0..count).find(|n| found[*n] != expected[*n]);
            assert!(
                wrong.is_none(),
                "round {round}, {few} left, {wrong:?} of {count}: {:?}",
                wrong.map(|n| jobs[n])
            );
        }
    }

    fn run<'m, L: Lanes<'m>>(lanes: L, jobs: &[Unfinished<'m>], few: u32) -> Vec<Digest> {
        let mut digests = vec![[0; 32]; jobs.len()];
        // What is left is taken out in the middle of its messages, and goes on elsewhere.
        for (job, digest) in hash_all(lanes, jobs.iter().copied().zip(&mut digests), few) {
            *digest = portable::finish(job);
        }
        digests
    }

    #[test]
    fn lanes_agree_with_sha2_in_any_state_and_at_any_length_field() {
        let mut next = numbers();
        let bytes: Vec<u8> = (0..300).map(|_| next().to_le_bytes()[0]).collect();
        if let Some(avx2) = Avx2::detect() {
            agrees(&bytes, |jobs, few| run(Eight::new(avx2), jobs, few));
        }
        if let Some(avx512) = Avx512::detect() {
            agrees(&bytes, |jobs, few| run(Sixteen::new(avx512), jobs, few));
        }
        if let Some(sha) = ShaNi::detect() {
            agrees(&bytes, |jobs, _| {
                let mut digests = vec![[0; 32]; jobs.len()];
                pair::hash_all(sha, jobs.iter().copied().zip(&mut digests));
                digests
            });
        }
    }
}
