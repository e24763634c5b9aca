//! Reading many segments: some at once, since a store answers after a while, and in their order.

use std::iter::Peekable;

use auditlog_chain::limits::MAX_OBJECT_BYTES;

use super::{Segment, Trail, TrailError};
use crate::budget::Budgets;
use crate::parallel;

/// Most segments that are read at once or wait for their turn. Their bytes have a limit of their own.
const MOST_WAITING: usize = 1024;

impl Trail<'_> {
    /// Reads and verifies segments, with as many checks at once as there are workers, and hands them over in their order, until one is not accepted.
    ///
    /// # Errors
    ///
    /// The first one of a segment that was not accepted, or of `each`.
    pub fn read_each<E: From<TrailError>>(
        &self,
        numbers: impl Iterator<Item = u64>,
        workers: usize,
        mut each: impl FnMut(Segment) -> Result<(), E>,
    ) -> Result<(), E> {
        let budgets = Budgets::new(workers, self.read_ahead());
        let mut numbers = numbers.peekable();
        let mut result = Ok(());
        while result.is_ok() && numbers.peek().is_some() {
            let batch = self.batch(&mut numbers);
            parallel::in_order(
                budgets.readers().min(batch.len()),
                batch.into_iter(),
                |number| {
                    let fetched = self.fetch(number)?;
                    let _turn = budgets.check();
                    self.check(fetched)
                },
                |read| {
                    if result.is_ok() {
                        result = read.map_err(E::from).and_then(&mut each);
                    }
                },
            );
        }
        result
    }

    /// The next segments, as many as may be in memory at once, and at least one.
    fn batch(&self, numbers: &mut Peekable<impl Iterator<Item = u64>>) -> Vec<u64> {
        let mut room = self
            .read_ahead()
            .unwrap_or(MAX_OBJECT_BYTES.saturating_mul(2));
        let mut batch: Vec<u64> = numbers.next().into_iter().collect();
        room = room.saturating_sub(batch.iter().map(|number| self.bytes_of(*number)).sum());
        while batch.len() < MOST_WAITING
            && let Some(number) = numbers.next_if(|number| self.bytes_of(*number) <= room)
        {
            room = room.saturating_sub(self.bytes_of(number));
            batch.push(number);
        }
        batch
    }
}
