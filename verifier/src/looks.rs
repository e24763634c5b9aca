//! Looks at locks again, without reading the objects.

use std::collections::BTreeSet;

use crate::cache::Piece;
use crate::log_plan::Slot;
use crate::parallel;
use crate::range::log::Log;
use crate::range::storage::kept;
use crate::source::Source;

/// Looks at once: each waits for the store and needs neither memory nor a core. With 50 ms for an answer, they are as many in a second as S3
/// answers for one prefix.
const LOOKS: usize = 256;

/// One lock to look at.
struct Look<'p> {
    piece: usize,
    number: u64,
    slot: &'p Slot,
}

/// Looks at the locks of the pieces where somebody may have weakened them. A piece with a lock that is not as it was is not used.
pub(crate) fn look_again(source: &dyn Source, log: &Log<'_>, pieces: &mut [Piece<'_>]) {
    let ended = log.moments.ended;
    let due = pieces.iter().enumerate();
    let due = due.filter(|(_, one)| one.needs_a_look(ended));
    let count: usize = due.clone().map(|(_, one)| one.slots.len()).sum();
    let looks = due.flat_map(|(piece, one)| {
        one.slots.iter().map(move |&(number, slot)| Look {
            piece,
            number,
            slot,
        })
    });
    let mut changed = BTreeSet::new();
    parallel::in_order(
        LOOKS.min(count),
        looks,
        |look| (look.piece, is_as_it_was(source, log, &look)),
        |(piece, is_as_it_was)| {
            if !is_as_it_was {
                changed.insert(piece);
            }
        },
    );
    for piece in changed {
        if let Some(piece) = pieces.get_mut(piece) {
            piece.forget();
        }
    }
}

fn is_as_it_was(source: &dyn Source, log: &Log<'_>, look: &Look<'_>) -> bool {
    let Some(version) = look.slot.versions.last() else {
        return false;
    };
    let key = log.policy_of.segment_key(look.number);
    let Ok(storage) = source.look(&key, version) else {
        return false;
    };
    let kept = kept(log, look.number, look.slot, version, Some(&storage));
    kept.is_clean()
}
