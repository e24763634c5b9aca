//! Work on all cores, results in order, memory bounded: a worker that is ahead of the slowest by a whole window waits.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

/// Results that may wait for an earlier one, per worker. They are small: the worker drops whatever is large.
const WINDOW: usize = 16;

struct Shared<I, R> {
    jobs: I,
    /// Number of jobs handed out, and of results taken.
    begun: usize,
    taken: usize,
    exhausted: bool,
    /// `None` is the result of a worker that panicked, so that nobody waits for it forever.
    done: BTreeMap<usize, Option<R>>,
}

struct Board<I, R> {
    shared: Mutex<Shared<I, R>>,
    room: Condvar,
    ready: Condvar,
}

impl<I, R> Board<I, R> {
    fn lock(&self) -> MutexGuard<'_, Shared<I, R>> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, number: usize, result: Option<R>) {
        self.lock().done.insert(number, result);
        self.ready.notify_all();
    }
}

/// Puts "no result" on the board unless the worker comes to its end.
struct Alarm<'b, I, R> {
    board: &'b Board<I, R>,
    number: usize,
    armed: bool,
}

impl<I, R> Drop for Alarm<'_, I, R> {
    fn drop(&mut self) {
        if self.armed {
            self.board.put(self.number, None);
        }
    }
}

/// Does `work` on every job with this many workers and hands the results to `each` in the order of the jobs.
pub(crate) fn in_order<J, R: Send>(
    workers: usize,
    jobs: impl Iterator<Item = J> + Send,
    work: impl Fn(J) -> R + Sync,
    mut each: impl FnMut(R),
) {
    if workers <= 1 {
        return jobs.map(work).for_each(each);
    }
    let window = workers.saturating_mul(WINDOW);
    let shared = Shared {
        jobs,
        begun: 0,
        taken: 0,
        exhausted: false,
        done: BTreeMap::new(),
    };
    let board = Board {
        shared: Mutex::new(shared),
        room: Condvar::new(),
        ready: Condvar::new(),
    };
    let worker = || {
        while let Some((number, job)) = take_job(&board, window) {
            let mut alarm = Alarm {
                board: &board,
                number,
                armed: true,
            };
            let result = work(job);
            alarm.armed = false;
            board.put(number, Some(result));
        }
    };
    thread::scope(|scope| {
        // A limit of the system may leave room for few of them: those that started do all the work.
        let mut started = (0..workers).map_while(|nr| start(scope, nr, worker));
        if started.by_ref().count() == 0 {
            while let Some((number, job)) = take_job(&board, window) {
                board.put(number, Some(work(job)));
                take_result(&board).into_iter().for_each(&mut each);
            }
        }
        while let Some(result) = take_result(&board) {
            each(result);
        }
    });
}

/// Starts a worker; `None` where the system does not.
fn start<'s>(
    scope: &'s thread::Scope<'s, '_>,
    nr: usize,
    worker: impl FnOnce() + Send + 's,
) -> Option<()> {
    #[cfg(test)]
    if tests::ROOM.with(|room| nr >= room.get()) {
        return None;
    }
    let builder = thread::Builder::new().name(format!("worker-{nr}"));
    builder.spawn_scoped(scope, worker).ok().map(drop)
}

fn take_job<J, I: Iterator<Item = J>, R>(board: &Board<I, R>, window: usize) -> Option<(usize, J)> {
    let mut shared = board.lock();
    while !shared.exhausted && shared.begun.saturating_sub(shared.taken) >= window {
        shared = board
            .room
            .wait(shared)
            .unwrap_or_else(PoisonError::into_inner);
    }
    let job = if shared.exhausted {
        None
    } else {
        shared.jobs.next()
    };
    let Some(job) = job else {
        shared.exhausted = true;
        board.ready.notify_all();
        board.room.notify_all();
        return None;
    };
    let number = shared.begun;
    shared.begun = number.saturating_add(1);
    Some((number, job))
}

fn take_result<I, R>(board: &Board<I, R>) -> Option<R> {
    let mut shared = board.lock();
    loop {
        let next = shared.taken;
        if let Some(result) = shared.done.remove(&next) {
            shared.taken = next.saturating_add(1);
            if result.is_none() {
                // The panic continues when the scope ends; the other workers stop at their next job.
                shared.exhausted = true;
                board.room.notify_all();
            }
            // There is room for one more job.
            board.room.notify_one();
            return result;
        }
        if shared.exhausted && shared.taken >= shared.begun {
            return None;
        }
        shared = board
            .ready
            .wait(shared)
            .unwrap_or_else(PoisonError::into_inner);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn results_come_in_the_order_of_the_jobs() {
        for workers in [0, 1, 3, 8] {
            let mut seen = Vec::new();
            in_order(
                workers,
                0..1000u64,
                |job| job.wrapping_mul(7),
                |result| seen.push(result),
            );
            assert_eq!(seen, (0..1000u64).map(|job| job * 7).collect::<Vec<_>>());
        }
        in_order(
            2,
            std::iter::empty::<u8>(),
            |job| job,
            |_| panic!("there is no job"),
        );
    }

    thread_local! {
        /// For how many workers the system has room.
        pub(super) static ROOM: Cell<usize> = const { Cell::new(usize::MAX) };
    }

    #[test]
    fn work_is_done_by_the_workers_that_could_be_started_or_by_none() {
        for room in 0..3 {
            ROOM.set(room);
            let mut seen = Vec::new();
            in_order(8, 0..1000u64, |job| job, |result| seen.push(result));
            assert_eq!(seen, (0..1000u64).collect::<Vec<_>>());
        }
        ROOM.set(usize::MAX);
    }

    #[test]
    fn no_more_results_wait_than_the_window_holds() {
        let waiting = AtomicUsize::new(0);
        let most = AtomicUsize::new(0);
        in_order(
            4,
            0..2000usize,
            |_| most.fetch_max(waiting.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst),
            |_| {
                waiting.fetch_sub(1, Ordering::SeqCst);
            },
        );
        assert!(most.into_inner() <= 4 * WINDOW + 1);
    }

    #[test]
    #[should_panic(expected = "scoped thread panicked")]
    fn a_worker_that_panics_stops_everything() {
        in_order(2, 0..100, |job| assert!(job != 50, "on purpose"), |()| {});
    }
}
