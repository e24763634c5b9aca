//! One way to hash, chosen once.

use std::sync::atomic::{AtomicU8, Ordering};

use crate::{Digest, Kind, portable};

#[cfg(target_arch = "x86_64")]
use crate::{
    avx2::{Avx2, Eight},
    avx512::{Avx512, Sixteen},
    message::Unfinished,
    pair,
    sha_ni::ShaNi,
    wide,
};

/// A way to hash that this processor has.
#[derive(Clone, Copy, Debug)]
pub struct Hasher(Way);

/// With what it takes. Few messages are hashed faster one or two at a time, where the processor can.
#[derive(Clone, Copy, Debug)]
enum Way {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    #[cfg(target_arch = "x86_64")]
    ShaNi(ShaNi),
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512, Option<ShaNi>),
}

/// So few busy lanes of AVX-512 are slower than two messages in turn with the SHA extensions.
#[cfg(target_arch = "x86_64")]
const FEW_OF_SIXTEEN: u32 = 8;

/// So few busy lanes are slower than one message after the other, without the SHA extensions.
#[cfg(target_arch = "x86_64")]
const FEW: u32 = 2;

/// The kind that [`Hasher::in_use`] has: its place in [`Kind::ALL`], or [`UNDECIDED`].
static IN_USE: AtomicU8 = AtomicU8::new(UNDECIDED);
const UNDECIDED: u8 = u8::MAX;

impl Hasher {
    /// The way of this kind; `None` where the processor does not have it.
    pub fn of(kind: Kind) -> Option<Self> {
        let way = match kind {
            Kind::Portable => Way::Portable,
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => Way::Avx2(Avx2::detect()?),
            #[cfg(target_arch = "x86_64")]
            Kind::ShaNi => Way::ShaNi(ShaNi::detect()?),
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => Way::Avx512(Avx512::detect()?, ShaNi::detect()),
            #[cfg(not(target_arch = "x86_64"))]
            Kind::Avx2 | Kind::ShaNi | Kind::Avx512 => return None,
        };
        Some(Self(way))
    }

    /// The fastest one that the processor has.
    pub fn best() -> Self {
        let mut fastest_first = Kind::ALL.into_iter().rev();
        fastest_first
            .find_map(Self::of)
            .unwrap_or(Self(Way::Portable))
    }

    /// The one that the process uses: the best one, unless [`Hasher::use_from_now_on`] was called.
    #[inline]
    pub fn in_use() -> Self {
        let kind = usize::from(IN_USE.load(Ordering::Relaxed));
        let chosen = Kind::ALL.get(kind).and_then(|kind| Self::of(*kind));
        chosen.unwrap_or_else(|| {
            let best = Self::best();
            best.use_from_now_on();
            best
        })
    }

    /// Makes it the one that the process uses. For comparisons: all give the same hashes.
    pub fn use_from_now_on(self) {
        let place = Kind::ALL.iter().position(|kind| *kind == self.kind());
        let place = place.and_then(|place| u8::try_from(place).ok());
        IN_USE.store(place.unwrap_or(UNDECIDED), Ordering::Relaxed);
    }

    /// Its kind.
    pub const fn kind(self) -> Kind {
        match self.0 {
            Way::Portable => Kind::Portable,
            #[cfg(target_arch = "x86_64")]
            Way::Avx2(_) => Kind::Avx2,
            #[cfg(target_arch = "x86_64")]
            Way::ShaNi(_) => Kind::ShaNi,
            #[cfg(target_arch = "x86_64")]
            Way::Avx512(..) => Kind::Avx512,
        }
    }

    /// SHA-256 of each message with the byte `before` in front of it. `digests` has a place for each message; what is beyond the shorter
    /// of the two is left alone.
    pub fn hash_all(self, before: Option<u8>, messages: &[&[u8]], digests: &mut [Digest]) {
        self.hash_each(before, messages.iter().copied(), digests);
    }

    /// The same for messages that are not in one slice.
    pub fn hash_each<'m>(
        self,
        before: Option<u8>,
        messages: impl Iterator<Item = &'m [u8]>,
        digests: &mut [Digest],
    ) {
        let jobs = messages.zip(digests);
        #[cfg(target_arch = "x86_64")]
        let jobs = match self.0 {
            Way::Portable => jobs,
            Way::ShaNi(sha) => return pair::hash_all(sha, begin(before, jobs)),
            Way::Avx2(avx2) => {
                return finish(wide::hash_all(Eight::new(avx2), begin(before, jobs), FEW));
            }
            Way::Avx512(avx512, None) => {
                return finish(wide::hash_all(
                    Sixteen::new(avx512),
                    begin(before, jobs),
                    FEW,
                ));
            }
            Way::Avx512(avx512, Some(sha)) => {
                let left =
                    wide::hash_all(Sixteen::new(avx512), begin(before, jobs), FEW_OF_SIXTEEN);
                return pair::hash_all(sha, left);
            }
        };
        for (message, digest) in jobs {
            *digest = portable::hash(before, message);
        }
    }

    /// SHA-256 of one message with the byte `before` in front of it.
    pub fn hash(self, before: Option<u8>, message: &[u8]) -> Digest {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Way::ShaNi(sha) | Way::Avx512(_, Some(sha)) => {
                pair::alone(sha, Unfinished::new(before, message))
            }
            #[cfg(target_arch = "x86_64")]
            Way::Avx2(_) | Way::Avx512(_, None) => portable::hash(before, message),
            Way::Portable => portable::hash(before, message),
        }
    }
}

#[cfg(target_arch = "x86_64")]
fn begin<'m, 'd>(
    before: Option<u8>,
    jobs: impl Iterator<Item = (&'m [u8], &'d mut Digest)>,
) -> impl Iterator<Item = (Unfinished<'m>, &'d mut Digest)> {
    jobs.map(move |(message, digest)| (Unfinished::new(before, message), digest))
}

#[cfg(target_arch = "x86_64")]
fn finish<'m, 'd>(left: impl Iterator<Item = (Unfinished<'m>, &'d mut Digest)>) {
    for (message, digest) in left {
        *digest = portable::finish(message);
    }
}
