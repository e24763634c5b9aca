//! Connections of one listener, no more than a stated number at a time.
//!
//! Where there are as many, a sender that has shown nothing yet makes room for the next one, the oldest first: connections that stay idle do
//! not shut out a sender that has something to say. One that has shown who it is, or has sent something whole, is never closed for another.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

use super::tls::Stream;
use crate::level::Line;

/// How long open connections may take when the service ends.
const END_PATIENCE: Duration = Duration::from_secs(20);

/// How long a sender may take to end its side.
const LAST_PATIENCE: Duration = Duration::from_secs(1);

/// How long a sender has to show itself, however many others come. Stops a flood from closing each connection at once.
const GRACE: Duration = Duration::from_millis(500);

/// Between two lines about connections that were closed.
const PAUSE: Duration = Duration::from_mins(1);

/// Takes a line for people.
pub type SayLine = Arc<dyn Fn(&Line<'_>) + Send + Sync>;

/// The seats of one listener.
pub struct Seats {
    input: String,
    table: Arc<Table>,
    said: Option<Said>,
    say: Option<SayLine>,
}

/// When something was said last, and how many connections were closed before.
struct Said {
    at: Instant,
    closed: u64,
}

impl Seats {
    /// Seats of an input, at most so many.
    pub fn new(input: &str, most: usize, say: Option<SayLine>) -> Self {
        Self {
            input: input.to_owned(),
            table: Arc::new(Table {
                most: most.max(1),
                guests: Mutex::default(),
                closed: AtomicU64::default(),
            }),
            said: None,
            say,
        }
    }

    /// How many are taken, and how many connections were closed for want of one.
    pub fn table(&self) -> Arc<Table> {
        Arc::clone(&self.table)
    }

    /// Says that connections are closed, once a minute.
    fn say_closed(&mut self, now: Instant) {
        let closed = self.table.closed();
        let before = self.said.as_ref().map_or(0, |said| said.closed);
        let is_early = |said: &Said| now.saturating_duration_since(said.at) < PAUSE;
        if closed == before || self.said.as_ref().is_some_and(is_early) {
            return;
        }
        self.said = Some(Said { at: now, closed });
        let (input, most) = (&self.input, self.table.most);
        let more = closed.saturating_sub(before);
        self.say(&format!(
            "the input {input} has {most} connections, which is its limit: {more} others were closed or refused"
        ));
    }

    /// Says that no connection can be accepted, once a minute.
    fn say_failed(&mut self, why: &std::io::Error, now: Instant) {
        let is_early = |said: &Said| now.saturating_duration_since(said.at) < PAUSE;
        if self.said.as_ref().is_some_and(is_early) {
            return;
        }
        let closed = self.table.closed();
        self.said = Some(Said { at: now, closed });
        let input = &self.input;
        self.say(&format!(
            "the input {input} cannot accept connections now: {why}"
        ));
    }

    fn say(&self, line: &str) {
        if let Some(say) = &self.say {
            say(&Line::warning(&self.input, line));
        }
    }
}

/// Who has a seat.
#[derive(Debug)]
pub struct Table {
    most: usize,
    guests: Mutex<Guests>,
    /// Connections that were closed for want of a seat.
    closed: AtomicU64,
}

#[derive(Debug, Default)]
struct Guests {
    known: usize,
    /// Senders that have shown nothing, the oldest first.
    strangers: BTreeMap<u64, Stranger>,
    next: u64,
}

#[derive(Debug)]
struct Stranger {
    since: Instant,
    close: oneshot::Sender<()>,
}

impl Table {
    /// Connections that are open.
    pub fn open(&self) -> usize {
        let guests = self.guests();
        guests.known.saturating_add(guests.strangers.len())
    }

    /// Connections that were closed for want of a seat.
    pub fn closed(&self) -> u64 {
        self.closed.load(Ordering::Relaxed)
    }

    fn guests(&self) -> MutexGuard<'_, Guests> {
        self.guests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a seat; `None` where nobody makes room. The receiver is told when the seat is for another.
    fn sit(self: &Arc<Self>, now: Instant) -> Option<(Seat, oneshot::Receiver<()>)> {
        let mut guests = self.guests();
        if guests.known.saturating_add(guests.strangers.len()) >= self.most {
            self.closed.fetch_add(1, Ordering::Relaxed);
            guests.make_room(now)?;
        }
        let number = guests.next;
        guests.next = number.saturating_add(1);
        let (close, closed) = oneshot::channel();
        guests
            .strangers
            .insert(number, Stranger { since: now, close });
        drop(guests);
        let table = Arc::clone(self);
        let is_known = AtomicBool::new(false);
        Some((
            Seat {
                table,
                number,
                is_known,
            },
            closed,
        ))
    }
}

impl Guests {
    /// The oldest stranger goes, unless it has just come.
    fn make_room(&mut self, now: Instant) -> Option<()> {
        let oldest = self.strangers.first_entry()?;
        let had = now.saturating_duration_since(oldest.get().since);
        if had < GRACE {
            return None;
        }
        // One that has just gone has made room, too.
        _ = oldest.remove().close.send(());
        Some(())
    }
}

/// The seat of one connection, until it is dropped.
#[derive(Debug)]
pub struct Seat {
    table: Arc<Table>,
    number: u64,
    is_known: AtomicBool,
}

impl Seat {
    /// The sender has shown who it is, or has sent something whole. From now on, its connection is not closed for another.
    pub fn keep(&self) {
        if self.is_known.load(Ordering::Relaxed) {
            return;
        }
        let mut guests = self.table.guests();
        // One that was asked to go is about to.
        if guests.strangers.remove(&self.number).is_some() {
            guests.known = guests.known.saturating_add(1);
            self.is_known.store(true, Ordering::Relaxed);
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut guests = self.table.guests();
        if self.is_known.load(Ordering::Relaxed) {
            guests.known = guests.known.saturating_sub(1);
        } else {
            guests.strangers.remove(&self.number);
        }
    }
}

/// Hands each connection to `serve`, until `ending` is true. Returns when all of them have ended, or have had their time to.
pub async fn serve_each<F, Served>(
    listener: TcpListener,
    mut seats: Seats,
    mut ending: watch::Receiver<bool>,
    serve: F,
) where
    F: Fn(TcpStream, watch::Receiver<bool>, Seat) -> Served,
    Served: Future<Output = ()> + Send + 'static,
{
    let (all, each) = watch::channel(());
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = ended(&mut ending) => break,
        };
        let now = Instant::now();
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(why) => {
                // Such as too many open files: others end meanwhile.
                seats.say_failed(&why, now);
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let seat = seats.table.sit(now);
        seats.say_closed(now);
        let Some((seat, closed)) = seat else {
            continue;
        };
        let served = serve(stream, ending.clone(), seat);
        let each = each.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = served => {}
                // It is not told where the sender has shown itself.
                Ok(()) = closed => {}
            }
            drop(each);
        });
    }
    drop((listener, each));
    _ = tokio::time::timeout(END_PATIENCE, all.closed()).await;
}

/// Returns when the service ends.
pub(crate) async fn ended(ending: &mut watch::Receiver<bool>) {
    // Where nobody can say so any more, the service has ended.
    _ = ending.wait_for(|ending| *ending).await;
}

/// Ends our side of a connection, and waits a moment for the other one: a connection that is closed while bytes wait to be read is reset, and
/// the sender would lose the answers that it has not read.
pub(crate) async fn end(mut stream: Stream) {
    let last = async {
        _ = stream.shutdown().await;
        let mut unread = [0; 4096];
        while matches!(stream.read(&mut unread).await, Ok(1..)) {}
    };
    _ = timeout(LAST_PATIENCE, last).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::Level;

    fn seats(most: usize) -> (Seats, Arc<Mutex<Vec<String>>>) {
        let said: Arc<Mutex<Vec<String>>> = Arc::default();
        let says = Arc::clone(&said);
        let say: SayLine = Arc::new(move |line: &Line<'_>| {
            assert_eq!((line.level, line.input), (Level::Warning, Some("forward")));
            says.lock().unwrap().push(line.text.to_owned());
        });
        (Seats::new("forward", most, Some(say)), said)
    }

    #[test]
    fn oldest_sender_that_has_shown_nothing_makes_room_after_its_grace() {
        let (seats, _) = seats(2);
        let table = seats.table();
        let begun = Instant::now();
        let (first, mut first_closed) = table.sit(begun).unwrap();
        let (_second, mut second_closed) = table.sit(begun + GRACE / 2).unwrap();
        assert!(table.sit(begun + GRACE / 2).is_none());
        let (_third, mut third_closed) = table.sit(begun + GRACE).unwrap();
        assert_eq!(first_closed.try_recv(), Ok(()));
        assert!(second_closed.try_recv().is_err() && third_closed.try_recv().is_err());
        assert_eq!((table.open(), table.closed()), (2, 2));
        // It has gone already, and takes nobody's seat with it.
        first.keep();
        drop(first);
        assert_eq!(table.open(), 2);
    }

    /// A connection over loopback: what the service has of it, and the sender's side.
    async fn connection() -> (Stream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let sender = TcpStream::connect(listener.local_addr().unwrap()).await;
        let (ours, _) = listener.accept().await.unwrap();
        (Box::new(ours), sender.unwrap())
    }

    #[tokio::test]
    async fn sender_reads_its_answer_and_then_the_end_though_nobody_reads_what_it_wrote_last() {
        let (mut ours, mut sender) = connection().await;
        sender.write_all(&[b'x'; 10_000]).await.unwrap();
        ours.write_all(b"answer").await.unwrap();
        let ends = async {
            let mut read = Vec::new();
            sender.read_to_end(&mut read).await.map(|_| read)
        };
        let ((), read) = tokio::join!(end(ours), ends);
        // Not the error of a connection that is reset.
        assert_eq!(read.unwrap(), b"answer");
    }

    #[tokio::test]
    async fn sender_that_does_not_end_its_side_is_not_waited_for_for_ever() {
        let (ours, _sender) = connection().await;
        let begun = Instant::now();
        end(ours).await;
        assert!(begun.elapsed() >= LAST_PATIENCE);
    }

    #[test]
    fn sender_that_has_shown_itself_keeps_its_seat() {
        let (seats, _) = seats(2);
        let table = seats.table();
        let begun = Instant::now();
        let (first, mut closed) = table.sit(begun).unwrap();
        first.keep();
        first.keep();
        for after in 1..100 {
            drop(table.sit(begun + GRACE * after));
        }
        let (second, _closed) = table.sit(begun).unwrap();
        second.keep();
        assert!(table.sit(begun + GRACE * 1000).is_none());
        assert!(!matches!(closed.try_recv(), Ok(())));
        drop((first, second));
        assert_eq!(table.open(), 0);
    }

    #[test]
    fn closed_connections_are_reported_once_a_minute_with_their_number() {
        let (mut seats, said) = seats(1);
        let begun = Instant::now();
        let _taken = seats.table.sit(begun);
        seats.say_closed(begun);
        for second in 0..60 {
            assert!(seats.table.sit(begun).is_none());
            seats.say_closed(begun + Duration::from_secs(second));
        }
        seats.say_closed(begun + PAUSE);
        seats.say_closed(begun + PAUSE * 2);
        let line = |closed| {
            format!(
                "the input forward has 1 connections, which is its limit: {closed} others were closed or refused"
            )
        };
        assert_eq!(*said.lock().unwrap(), [line(1), line(59)]);
    }

    /// Whoever comes, shows itself and goes in whatever order: there are never more than the limit, and nobody is counted twice.
    #[test]
    fn seats_are_never_more_than_their_limit_in_any_order() {
        let (seats, _) = seats(5);
        let (table, begun) = (seats.table(), Instant::now());
        let mut guests = Vec::new();
        for (step, number) in (0..5000_u32).zip(0_usize..) {
            match (step * step + step / 7) % 5 {
                0 | 1 => guests.extend(table.sit(begun + GRACE / 3 * step)),
                2 if !guests.is_empty() => guests[number % guests.len()].0.keep(),
                3 if !guests.is_empty() => drop(guests.swap_remove(number % guests.len())),
                _ => {}
            }
            guests.retain_mut(|(_, closed)| !matches!(closed.try_recv(), Ok(())));
            assert_eq!(table.open(), guests.len(), "{step}");
            assert!(table.open() <= 5, "{step}");
        }
        drop(guests);
        assert_eq!(table.open(), 0);
    }
}
