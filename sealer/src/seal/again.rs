//! Chaining again what waits for a key that may not sign any more (section "A new key" of sealing.md).
//!
//! Segments that were closed and never signed are provisional. Where their key was retired, lost or compromised meanwhile, their entries are
//! chained again under the key that signs now: under a key line, and with their times. The first segment is closed now, so that the old
//! key need not sign it, and takes as much as a segment can. What does not fit into it gets the time of its closing, since times never
//! decrease (F15).

use auditlog_chain::line::parse_line;
use auditlog_chain::timestamp::Timestamp;

use super::Sealer;
use super::chain::Chain;
use super::notice::Notice;
use super::waiting::Waiting;
use crate::error::{Error, KeyError, Trouble};
use crate::spool::Series;
use crate::wal::{Batch, Record};

impl Sealer {
    /// Whether a segment waits for a key that may not sign any more, and another one may.
    pub fn must_chain_again(&self) -> bool {
        self.shipping.is_unsigned() && self.setup.check_keys().is_ok()
    }

    /// Chains again what waits and was never signed, under the key that signs now.
    ///
    /// # Errors
    ///
    /// Where the disk is full or fails: all is then as before, unless [`Sealer::must_be_dropped`]. Where the first of them may have
    /// been signed.
    pub fn chain_again(&mut self) -> Result<(), Error> {
        self.shipping.first_is_tried();
        self.sync()?;
        self.close()?;
        let was_running = self.shipping.pause();
        let done = self.chain_unsigned_again();
        if was_running && !self.must_be_dropped {
            // Without that thread, nothing is stored any more.
            self.must_be_dropped = true;
            self.shipping.start()?;
            self.must_be_dropped = false;
        }
        done
    }

    /// Whether only some files may have been replaced, or nothing stores segments any more. Whoever opens the spool next replaces the
    /// others, and removes what was written behind them since.
    pub const fn must_be_dropped(&self) -> bool {
        self.must_be_dropped
    }

    fn chain_unsigned_again(&mut self) -> Result<(), Error> {
        let Some((head, log_key)) = self.shipping.before_unsigned() else {
            return Ok(());
        };
        let first = head.next_segment;
        if self.spool.has_frames(first)? {
            return Err(self.may_be_signed(first));
        }
        let chain = Chain::new(&self.setup, &self.spool, head, log_key, Series::Again);
        let (chain, waiting) = match self.written_again(chain, first) {
            Ok(written) => written,
            Err(error) => {
                self.spool.drop_other_series()?;
                return Err(error);
            }
        };
        let last = chain.head().next_segment.saturating_sub(1);
        self.must_be_dropped = true;
        self.spool.replace_from(first, last)?;
        self.must_be_dropped = false;
        self.chain = chain;
        self.chain.takes_their_place();
        self.shipping.replace_unsigned(waiting);
        self.notify(Notice::ChainedAgain { first, last });
        Ok(())
    }

    /// Somebody has to look at it, which is reported once.
    fn may_be_signed(&mut self, segment: u64) -> Error {
        let error = Error::from(KeyError::MayBeSigned { segment });
        if self.doubtful.replace(segment) != Some(segment) {
            self.notify(Notice::Waits {
                segment,
                reason: error.with_hint(),
                cause: Trouble::of(&error).cause,
            });
        }
        error
    }

    /// Writes the entries of the segments from `first` on into another series of files.
    fn written_again(&self, mut chain: Chain, first: u64) -> Result<(Chain, Vec<Waiting>), Error> {
        let mut waiting = Vec::new();
        for kept in self.spool.look_again()? {
            if kept.segment < first {
                continue;
            }
            let mut reader = self.spool.read_wal(kept.segment)?;
            let fault = |error| self.spool.read_fault(kept.segment, error);
            while let Some(record) = reader.next_record().map_err(fault)? {
                if let Record::Batch(batch) = record {
                    self.append_again(&mut chain, &batch, &mut waiting)?;
                }
            }
        }
        if waiting.is_empty() && !chain.is_open() {
            chain.open((self.setup.clock)())?;
        }
        close_again(&mut chain, &mut waiting)?;
        Ok((chain, waiting))
    }

    fn append_again(
        &self,
        chain: &mut Chain,
        batch: &Batch<'_>,
        waiting: &mut Vec<Waiting>,
    ) -> Result<(), Error> {
        // An index may take more digits than before.
        let slack = usize::try_from(batch.count).unwrap_or(usize::MAX);
        let bytes = batch.lines.len().saturating_add(slack.saturating_mul(16));
        if !chain.has_room_for(bytes) {
            close_again(chain, waiting)?;
        }
        if !chain.is_open() {
            chain.open(first_time(batch).unwrap_or((self.setup.clock)()))?;
        }
        chain.append_again(batch)?;
        if chain.is_group_full() {
            chain.sync()?;
        }
        Ok(())
    }
}

fn close_again(chain: &mut Chain, waiting: &mut Vec<Waiting>) -> Result<(), Error> {
    chain.sync()?;
    if let Some(mut closed) = chain.close()? {
        // It is compressed again when it is signed.
        closed.forget_frames();
        waiting.push(closed);
    }
    Ok(())
}

/// When the first entry of a batch was accepted.
fn first_time(batch: &Batch<'_>) -> Option<Timestamp> {
    let line = batch.lines.split(|byte| *byte == b'\n').next()?;
    parse_line(line).ok().map(|line| line.time)
}
