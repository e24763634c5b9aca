//! Whether this machine's clock is right, as far as the store's clock says.
//!
//! A wrong time goes into entries and into signatures, and stays there for as long as the segment is locked. Times never decrease (F15), so a
//! clock that was ahead for a moment would also give its time to all that comes after. So the clock is looked at before anything is chained
//! or closed, and not only when a segment is stored, which an outage of the store may put off for hours.

use super::Sealer;
use crate::error::{Error, StoreError};
use crate::limits::MAX_SKEW_SECONDS;
use crate::store::Uptime;

impl Sealer {
    /// By how many seconds our clock is ahead of the store's, by its last answer; `None` where the store has no clock of its own.
    pub fn clock_ahead_seconds(&self) -> Option<i64> {
        let reading = self.setup.store.reading()?;
        Some(reading.ahead_seconds((self.setup.clock)(), Uptime::now()))
    }

    /// Whether our clock agrees with what the store's must be at by now. Nobody is asked, so this takes no time.
    pub fn clock_agrees(&self) -> bool {
        let reading = self.setup.store.reading();
        let now = || (self.setup.clock)();
        reading.is_none_or(|reading| !reading.is_off(now(), Uptime::now()))
    }

    /// The same, where the store is asked in case of doubt, which may take as long as any call of it.
    ///
    /// # Errors
    ///
    /// Where the clocks differ by more than they may. Where the store does not answer, what it said last counts.
    pub fn check_clock(&self) -> Result<(), Error> {
        let Some(before) = self.setup.store.reading().filter(|_| !self.clock_agrees()) else {
            return Ok(());
        };
        match self.setup.store.check() {
            Err(error) if !error.is_of_the_clock() => Err(StoreError::ClockSkew {
                place: self.setup.store.place().to_owned(),
                theirs: before.theirs_now(Uptime::now()),
                ours: (self.setup.clock)(),
                allowed_seconds: MAX_SKEW_SECONDS,
            }
            .into()),
            done => done,
        }
    }
}
