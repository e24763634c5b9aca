//! Finding the segment of an index or of a time without reading the whole log.

use auditlog_chain::timestamp::Timestamp;

use super::{Segment, Trail, TrailError};

/// Where what is looked for is, seen from a segment.
enum Side {
    Before,
    Here,
    After,
}

/// Segments that are asked one by one where those around them were not accepted. Stops a log whose old segments are in an archive from being asked
/// for all of them.
const MOST_ASKED: usize = 256;

impl Trail<'_> {
    /// The segment that has the line with this index; `None` where no segment that is there has it.
    ///
    /// # Errors
    ///
    /// Where a segment that may have it was not accepted. One that is wrong elsewhere does not matter.
    pub fn segment_of_index(&self, index: u64) -> Result<Option<Segment>, TrailError> {
        let numbers: Vec<u64> = self.numbers().collect();
        let (mut low, mut high) = (0, numbers.len());
        let (mut refused, mut passed) = (None, numbers.len());
        while low < high {
            let middle = low.midpoint(high);
            let (at, segment) = match self.read_at(&numbers, middle) {
                Ok(segment) => (middle, segment),
                // On which side to go on, the next one that is accepted says.
                Err(error) => {
                    refused = refused.or(Some(error));
                    let Some(found) = self.accepted_after(&numbers, middle, high) else {
                        high = middle;
                        continue;
                    };
                    found
                }
            };
            match side(&segment, index) {
                Side::Here => return Ok(Some(segment)),
                Side::After => low = at.saturating_add(1),
                Side::Before => (passed, high) = (at, middle),
            }
        }
        // Neither those before have it, nor those after.
        let Some(refused) = refused.filter(|_| low < passed) else {
            return Ok(None);
        };
        // Not all of those that were passed over may be refused.
        for at in (low..passed).take(MOST_ASKED) {
            if let Ok(segment) = self.read_at(&numbers, at)
                && matches!(side(&segment, index), Side::Here)
            {
                return Ok(Some(segment));
            }
        }
        Err(refused)
    }

    /// The numbers of the segments that may have lines of this time or later: from the first one that was sealed at it or later. Where that is
    /// unknown, because a segment was not accepted, it is one of them.
    pub fn numbers_from(&self, from: Timestamp) -> Vec<u64> {
        let mut numbers: Vec<u64> = self.numbers().collect();
        let (mut low, mut high, mut refused) = (0, numbers.len(), None);
        while low < high {
            let middle = low.midpoint(high);
            let read = self.read_at(&numbers, middle).ok();
            if read.is_none() {
                refused = Some(middle);
            }
            let found = read.map(|segment| (middle, segment));
            match found.or_else(|| self.accepted_after(&numbers, middle, high)) {
                Some((at, segment)) if segment.checked().sealed() < from => {
                    low = at.saturating_add(1);
                }
                // All before it were sealed before that.
                Some((at, segment)) if at > middle && segment.checked().sealed_before() < from => {
                    (low, high) = (at, at);
                }
                Some(_) | None => high = middle,
            }
        }
        // The next segment that is accepted may say that the refused ones were sealed earlier.
        if refused == Some(low)
            && let Some((at, segment)) = self.accepted_after(&numbers, low, numbers.len())
            && segment.checked().sealed_before() < from
        {
            low = at;
        }
        numbers.split_off(low)
    }

    fn read_at(&self, numbers: &[u64], at: usize) -> Result<Segment, TrailError> {
        self.read(numbers.get(at).copied().unwrap_or_default())
    }

    /// After a segment that was not accepted, the first one that is, if those in between are not; without asking each: the old segments of a log may
    /// all be in an archive.
    fn accepted_after(
        &self,
        numbers: &[u64],
        refused: usize,
        end: usize,
    ) -> Option<(usize, Segment)> {
        let last = end.checked_sub(1)?;
        let (mut bad, mut step) = (refused, 1_usize);
        let mut good = loop {
            if bad >= last {
                return None;
            }
            let at = bad.saturating_add(step).min(last);
            if let Ok(segment) = self.read_at(numbers, at) {
                break (at, segment);
            }
            (bad, step) = (at, step.saturating_mul(2));
        };
        while good.0.saturating_sub(bad) > 1 {
            let middle = bad.midpoint(good.0);
            match self.read_at(numbers, middle) {
                Ok(segment) => good = (middle, segment),
                Err(_) => bad = middle,
            }
        }
        Some(good)
    }
}

fn side(segment: &Segment, index: u64) -> Side {
    let checked = segment.checked();
    if index < checked.first_index() {
        Side::Before
    } else if index < checked.size() {
        Side::Here
    } else {
        Side::After
    }
}
