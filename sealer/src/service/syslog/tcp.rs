//! Messages over TCP. The protocol has no acknowledgement: what a sender has written before a connection breaks may be lost, and it
//! does not learn of it. All that is read here is stored, and nothing more is read while a log takes nothing.

use std::time::Duration;

use auditlog_chain::builder::{Source, StoredBatch};

use super::input::{Closed, SyslogInput, tag_of};
use super::wire::{Ending, Got, Wire};
use crate::listen::Seat;
use crate::seal::Naming;
use crate::service::batch::{Batch, NotTaken};
use crate::syslog::{Framing, Rest, TooLong, parse, push};

/// How long a sender may have nothing to say. A sender whose connection was closed loses what it writes next, so that it is long.
const IDLE_PATIENCE: Duration = Duration::from_hours(24);

/// The same of a sender that has sent nothing yet.
const FIRST_PATIENCE: Duration = Duration::from_mins(10);

/// How long bytes may be on their way when the service ends, and how many times they may come.
const LAST_PATIENCE: Duration = Duration::from_millis(50);
const LAST_READS: usize = 64;

/// Messages that are taken at a time, and bytes of a batch of them.
const MESSAGES: usize = 1024;
const BATCH_BYTES: usize = 1 << 20;

/// Takes what comes over one connection.
pub(super) async fn take_all(
    input: &SyslogInput,
    wire: &mut Wire,
    source: Option<&Source>,
    seat: &Seat,
) -> Result<(), Closed> {
    let mut lines = Lines {
        input,
        source,
        seat: Some(seat),
        framing: Framing::default(),
        ending: wire.ending(),
        without_route: None,
    };
    let mut idle = FIRST_PATIENCE;
    loop {
        lines.take_whole(wire).await?;
        let got = wire.read(idle).await;
        idle = IDLE_PATIENCE;
        match got {
            Ok(Got::Bytes) => {}
            Ok(Got::End) => return lines.take_rest(wire, Last::Ended).await,
            Ok(Got::Ending) => {
                for _ in 0..LAST_READS {
                    if wire.read_last(LAST_PATIENCE).await != Got::Bytes {
                        break;
                    }
                    lines.take_whole(wire).await?;
                }
                return lines.take_rest(wire, Last::BrokeOff).await;
            }
            Err(error) => {
                lines.take_rest(wire, Last::BrokeOff).await?;
                return Err(error.into());
            }
        }
    }
}

/// How a connection ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    /// The sender has ended it.
    Ended,
    /// The sender would have sent more.
    BrokeOff,
}

struct Lines<'a> {
    input: &'a SyslogInput,
    source: Option<&'a Source>,
    seat: Option<&'a Seat>,
    framing: Framing,
    ending: Ending,
    /// Why the first message that no route takes was not taken. Those of other programs that were read are taken nevertheless.
    without_route: Option<NotTaken>,
}

impl Lines<'_> {
    /// Takes all messages that are whole, and waits until they are on the disk.
    async fn take_whole(&mut self, wire: &mut Wire) -> Result<(), Closed> {
        loop {
            let mut batches = Batches::default();
            let (taken, more) = self.gather(wire.pending(), &mut batches)?;
            // A message that was read is stored, whoever comes.
            if let Some(seat) = self.seat.filter(|_| !batches.0.is_empty()) {
                seat.keep();
            }
            wire.take(taken);
            self.offer(batches).await?;
            match more {
                More::Whole => {}
                More::Partial => return self.all_had_a_route(),
                More::Never(why) => {
                    self.all_had_a_route()?;
                    return Err(why.into());
                }
            }
        }
    }

    fn all_had_a_route(&mut self) -> Result<(), Closed> {
        self.without_route
            .take()
            .map_or(Ok(()), |why| Err(why.into()))
    }

    fn gather(&mut self, pending: &[u8], to: &mut Batches) -> Result<(usize, More), Closed> {
        let mut taken = 0usize;
        for _ in 0..MESSAGES {
            let rest = pending.get(taken..).unwrap_or_default();
            match self.framing.next(rest) {
                Ok(Some((raw, bytes))) => {
                    self.add(raw, to)?;
                    taken = taken.saturating_add(bytes);
                }
                Ok(None) => {
                    // Line ends alone are not a part of a message: the sender has nothing to say.
                    let skipped = self.framing.skipped(rest);
                    return Ok((taken.saturating_add(skipped), More::Partial));
                }
                Err(why) => return Ok((taken, More::Never(why))),
            }
        }
        Ok((taken, More::Whole))
    }

    /// Takes what is there when nothing more comes. A message that is known to be cut is stored as the text that it is.
    async fn take_rest(&mut self, wire: &mut Wire, last: Last) -> Result<(), Closed> {
        let mut batches = Batches::default();
        match self.framing.rest(wire.pending()) {
            Some(Rest::Line(raw)) if last == Last::Ended => self.add(raw, &mut batches)?,
            Some(Rest::Line(raw) | Rest::Cut(raw)) => {
                let mut lines = StoredBatch::default();
                push(&mut lines, raw, None, self.input.most(None))?;
                batches.push(self.batch(None, lines));
            }
            None => {}
        }
        self.offer(batches).await?;
        self.all_had_a_route()
    }

    /// Messages of one program are in one batch, unless each is recognised by its id.
    fn add(&self, raw: &[u8], to: &mut Batches) -> Result<(), Closed> {
        let message = parse(raw);
        let message = message.as_ref();
        if self.input.has_id(message) {
            to.push(self.input.single(raw, message, self.source)?);
            return Ok(());
        }
        let tag = tag_of(message);
        if let Some(lines) = to.of(tag.as_deref()) {
            push(lines, raw, message, self.input.most(tag.as_deref()))?;
            return Ok(());
        }
        let mut lines = StoredBatch::default();
        push(&mut lines, raw, message, self.input.most(tag.as_deref()))?;
        to.push(self.batch(tag, lines));
        Ok(())
    }

    fn batch(&self, tag: Option<String>, lines: StoredBatch) -> Batch {
        Batch {
            source: self.source.cloned(),
            name: None,
            naming: Naming::Content,
            tag,
            reached: None,
            lines,
        }
    }

    /// All of them are offered before the first one is waited for, so that they are synced together. A sender does not send them again:
    /// one without a route does not take the others with it.
    async fn offer(&mut self, batches: Batches) -> Result<(), Closed> {
        let mut pending = Vec::new();
        for batch in batches.0 {
            match self.input.offer(batch, &self.ending).await {
                Ok(offered) => pending.push(offered),
                Err(Closed::NotTaken(why @ NotTaken::NoRoute { .. })) => {
                    self.without_route.get_or_insert(why);
                }
                Err(why) => return Err(why),
            }
        }
        for pending in pending {
            pending.answer().await?;
        }
        Ok(())
    }
}

/// What comes after the messages that were gathered.
enum More {
    /// Perhaps whole messages.
    Whole,
    /// A part of one, or nothing.
    Partial,
    /// Something that is never read.
    Never(TooLong),
}

#[derive(Default)]
struct Batches(Vec<Batch>);

impl Batches {
    fn push(&mut self, batch: Batch) {
        self.0.push(batch);
    }

    /// The last one, where it takes more of this tag.
    fn of(&mut self, tag: Option<&str>) -> Option<&mut StoredBatch> {
        let takes = |batch: &&mut Batch| {
            let is_same = batch.name.is_none() && batch.tag.as_deref() == tag;
            is_same && batch.lines.bytes() < BATCH_BYTES
        };
        self.0
            .last_mut()
            .filter(takes)
            .map(|batch| &mut batch.lines)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::watch;

    use super::super::input::{LargeMessages, Transport};
    use super::*;
    use crate::listen::{Access, Door};
    use crate::service::Router;

    #[test]
    fn line_ends_between_messages_are_taken_and_a_part_of_a_message_stays() {
        let input = SyslogInput {
            name: "syslog".to_owned(),
            transport: Transport::Tcp,
            access: Access::default(),
            door: Door::default(),
            event_id: None,
            router: Arc::new(Router::new(Vec::new(), Vec::new())),
            room: LargeMessages::default(),
            notify: Arc::new(|_: &str| {}),
        };
        let (_tell, ending) = watch::channel(false);
        for (bytes, whole, left) in [
            ("\n\n\n", 0, 0),
            ("<13>a: 1\n\n\n", 1, 0),
            ("<13>a: 1\n<13>a", 1, 5),
            ("7 <13>a: \n", 1, 0),
            ("7 <13>a: \n7 <1", 1, 4),
        ] {
            let mut lines = Lines {
                input: &input,
                source: None,
                seat: None,
                framing: Framing::default(),
                ending: Ending(ending.clone()),
                without_route: None,
            };
            let mut batches = Batches::default();
            let (taken, more) = lines.gather(bytes.as_bytes(), &mut batches).unwrap();
            assert!(matches!(more, More::Partial), "{bytes:?}");
            assert_eq!(
                (batches.0.len(), bytes.len() - taken),
                (whole, left),
                "{bytes:?}"
            );
        }
    }
}
