//! Finding the segment of an index or of a time without reading the whole log.

use auditlog_chain::timestamp::Timestamp;

use super::{Segment, Trail, TrailError};

/// Where what is looked for is, seen from a segment.
enum Side {
    Before,
    Here,
    After,
}

impl Trail<'_> {
    /// The segment that has the line with this index; `None` where no segment that is there has it.
    ///
    /// # Errors
    ///
    /// Where a segment that may have it was not accepted. One that is wrong elsewhere does not matter.
    pub fn segment_of_index(&self, index: u64) -> Result<Option<Segment>, TrailError> {
        let mut numbers: Vec<u64> = self.numbers().collect();
        let mut refused = None;
        while !numbers.is_empty() {
            let middle = numbers.len() / 2;
            let number = numbers.get(middle).copied().unwrap_or_default();
            match self.read(number) {
                Ok(segment) => match side(&segment, index) {
                    Side::Here => return Ok(Some(segment)),
                    Side::Before => numbers.truncate(middle),
                    Side::After => drop(numbers.drain(..=middle)),
                },
                // Which side to go on is not known, so the others are asked.
                Err(error) => {
                    numbers.remove(middle);
                    refused = refused.or(Some(error));
                }
            }
        }
        refused.map_or(Ok(None), Err)
    }

    /// The numbers of the segments that may have lines of this time or later: from the first one that was sealed at it or later.
    ///
    /// # Errors
    ///
    /// Where a segment was not accepted.
    pub fn numbers_from(&self, from: Timestamp) -> Result<Vec<u64>, TrailError> {
        let mut numbers: Vec<u64> = self.numbers().collect();
        let (mut low, mut high) = (0, numbers.len());
        while low < high {
            let middle = low.midpoint(high);
            let number = numbers.get(middle).copied().unwrap_or_default();
            if self.read(number)?.checked().sealed() < from {
                low = middle.saturating_add(1);
            } else {
                high = middle;
            }
        }
        Ok(numbers.split_off(low))
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
