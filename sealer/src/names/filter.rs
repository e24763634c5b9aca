//! A Bloom filter: a name that it does not have is not in the file behind it.

use super::fingerprint::{Fingerprint, NameHash};

/// Bits for each name, and how many of them a name sets: about one wrong answer in a hundred.
const BITS: u64 = 10;
const PROBES: u64 = 7;

/// What may be in a file.
#[derive(Debug)]
pub(super) struct Filter {
    words: Vec<u64>,
}

impl Filter {
    pub(super) fn of(names: &[Fingerprint]) -> Self {
        let count = u64::try_from(names.len()).unwrap_or(u64::MAX);
        let words = count.saturating_mul(BITS).div_ceil(64).max(1);
        let words = usize::try_from(words).unwrap_or(1);
        let mut filter = Self {
            words: vec![0; words],
        };
        for name in names {
            for (word, bit) in places(name, words) {
                if let Some(word) = filter.words.get_mut(word) {
                    *word |= bit;
                }
            }
        }
        filter
    }

    pub(super) fn may_have(&self, name: &Fingerprint) -> bool {
        places(name, self.words.len())
            .all(|(word, bit)| self.words.get(word).is_some_and(|word| word & bit != 0))
    }
}

/// The bits of a name in so many words: for each, which word it is in, and the word that has no other.
fn places(name: &Fingerprint, words: usize) -> impl Iterator<Item = (usize, u64)> + use<> {
    let (one, other) = halves(name.name());
    let bits = u64::try_from(words).unwrap_or(u64::MAX).saturating_mul(64);
    (0..PROBES).map(move |probe| {
        let place = one.wrapping_add(probe.wrapping_mul(other));
        let place = place.checked_rem(bits).unwrap_or(0);
        (usize::try_from(place >> 6).unwrap_or(0), 1 << (place & 63))
    })
}

/// Two numbers, each as random as the name is. A filter does not ask what the batch had in it.
fn halves(name: &NameHash) -> (u64, u64) {
    let number = |bytes: Option<&[u8; 8]>| bytes.copied().map_or(0, u64::from_le_bytes);
    (number(name.first_chunk()), number(name.last_chunk()))
}

#[cfg(test)]
mod tests {
    use super::super::content::Summing;
    use super::*;

    #[test]
    fn filter_has_each_of_its_names_and_about_one_in_a_hundred_others() {
        let name = |number: u32| {
            let content = Summing::default().end();
            Fingerprint::of(b"sender", &number.to_be_bytes(), content)
        };
        let names: Vec<_> = (0..50_000).map(name).collect();
        let filter = Filter::of(&names);
        assert!(names.iter().all(|name| filter.may_have(name)));
        let others = (50_000..100_000).map(name);
        let wrong = others.filter(|name| filter.may_have(name)).count();
        assert!((250..750).contains(&wrong), "{wrong} of 50,000");
    }
}
