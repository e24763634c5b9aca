//! Reads segments on all cores, and gives the facts about them to the ranges that they belong to, in order.

use std::collections::BTreeSet;

use crate::budget::Budgets;
use crate::examine::{By, Examined, Job, examine};
use crate::facts::Seen;
use crate::log_plan::Slots;
use crate::parallel;
use crate::progress::Progress;
use crate::range::result::RangeResult;
use crate::source::Source;

/// The segments of one range to look at, and what is known of the range before.
pub(crate) struct Stretch<'p> {
    /// The range so far: at the beginning of its log, or anywhere in it.
    pub(crate) range: RangeResult<'p>,
    /// What the listing shows of its segments.
    pub(crate) slots: Slots<'p>,
    /// Which of them are read.
    pub(crate) read: Read,
}

/// Which segments are read. What the listing shows is enough of the others.
pub(crate) enum Read {
    /// All of them.
    All,
    /// Those with these numbers.
    Only(BTreeSet<u64>),
}

impl Read {
    fn by(&self, number: u64) -> By {
        match self {
            Self::Only(numbers) if !numbers.contains(&number) => By::Listing,
            Self::All | Self::Only(_) => By::Reading,
        }
    }
}

/// Looks at every segment of these stretches.
pub(crate) fn look_at<'p>(
    source: &dyn Source,
    workers: usize,
    stretches: Vec<Stretch<'p>>,
    progress: &mut dyn FnMut(Progress),
) -> Vec<RangeResult<'p>> {
    let of = stretches.iter().map(to_read).sum();
    let mut done = Progress {
        of,
        ..Progress::default()
    };
    progress(done);
    let budgets = Budgets::new(workers, source.read_ahead());
    let divided = stretches
        .into_iter()
        .map(|one| (one.range, (one.slots, one.read)));
    let (mut ranges, slots): (Vec<_>, Vec<_>) = divided.unzip();
    let jobs = jobs(&ranges, slots);
    parallel::in_order(
        budgets.readers(),
        jobs.into_iter().flatten(),
        |job| examine(source, &budgets, &job),
        |examined: Examined| {
            if !matches!(examined.facts.seen, Seen::Marked(_) | Seen::Listed) {
                done.segments = done.segments.saturating_add(1);
                done.entries = done.entries.saturating_add(examined.facts.events());
                done.bytes = done.bytes.saturating_add(examined.bytes);
            }
            if let Some(range) = ranges.get_mut(examined.range_at) {
                range.push(examined.facts);
            }
            progress(done);
        },
    );
    ranges
}

/// The keys to look at, range by range.
fn jobs<'p>(
    ranges: &[RangeResult<'p>],
    slots: Vec<(Slots<'p>, Read)>,
) -> Vec<impl Iterator<Item = Job<'p>> + Send + use<'p>> {
    let all = ranges.iter().zip(slots).enumerate();
    let jobs = all.map(|(range_at, (range, (slots, read)))| {
        let log = range.log();
        slots.into_each().map(move |(number, slot)| Job {
            range_at,
            log,
            number,
            slot,
            by: read.by(number),
        })
    });
    jobs.collect()
}

/// Number of segments to read.
fn to_read(stretch: &Stretch<'_>) -> u64 {
    let is_read = |number| stretch.read.by(number) == By::Reading;
    let all = stretch.slots.iter();
    let read = all.filter(|(number, slot)| slot.is_present() && is_read(*number));
    u64::try_from(read.count()).unwrap_or(u64::MAX)
}
