//! An honest history: what was declared, when each segment was sealed and stored, and what a lifecycle removed.
//!
//! It is honest by construction, and no rule of the verifier is called to make it: segments are sealed well within
//! `max_silence`, each is locked as the sealer of `docs/guides/sealing.md` locks it, and nothing is removed while it is locked.

use super::random::Random;

pub(super) const HOUR: i64 = 3600;
pub(super) const DAY: i64 = 24 * HOUR;

/// The retention or the `max_silence`, in seconds, from a moment on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Since {
    pub(super) from: i64,
    pub(super) seconds: i64,
}

/// What holds at a time; before the first span, the first one does.
pub(super) fn at(spans: &[Since], time: i64) -> i64 {
    let begun = spans.iter().rev().find(|span| span.from <= time);
    begun.or(spans.first()).unwrap().seconds
}

/// Whether the log was silent for longer than one span allowed while that span was in force: then every reading of the
/// policy calls it silent.
pub(super) fn surely_silent(spans: &[Since], from: i64, until: i64) -> bool {
    let ends = spans.iter().skip(1).map(|span| span.from).chain([i64::MAX]);
    spans.iter().zip(ends).enumerate().any(|(nr, (span, end))| {
        let begin = if nr == 0 { from } else { from.max(span.from) };
        until.min(end) - begin > span.seconds
    })
}

/// A segment of the honest log.
#[derive(Clone, Debug)]
pub(super) struct Made {
    pub(super) sealed: i64,
    pub(super) stored: i64,
    /// Until when the sealer locked it.
    pub(super) locked_until: i64,
    /// An event hold in place of a retain-until.
    pub(super) held: Option<Hold>,
    /// When a lifecycle, or a person, removed it after its lock.
    pub(super) expired_at: Option<i64>,
    /// When the lifecycle set a delete marker over it before it removed it.
    pub(super) marked_at: Option<i64>,
}

/// An event hold: S3 keeps the version until it is lifted, and from then on for its duration.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hold {
    pub(super) seconds: i64,
    pub(super) lifted_at: Option<i64>,
    /// Whether the version has a retain-until of its own beside it.
    pub(super) beside: bool,
}

/// Segments that were lost by accident, and that the policy acknowledges from then on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lost {
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) at: i64,
}

/// One run of the verifier.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    pub(super) begun: i64,
    pub(super) ended: i64,
    pub(super) clocks: Clocks,
}

/// What the store's answers say of the time, and what this machine's clock says.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Clocks {
    /// Seconds by which our clock is ahead of the store's.
    pub(super) ours_ahead: i64,
    /// Whether an answer has a `Date`.
    pub(super) no_date: bool,
    /// Seconds by which each `Date` is not true.
    pub(super) shifted: i64,
}

#[derive(Clone, Debug)]
pub(super) struct History {
    pub(super) bucket: bool,
    pub(super) compliance: bool,
    pub(super) began: i64,
    pub(super) skew: i64,
    pub(super) lock: Vec<Since>,
    pub(super) silence: Vec<Since>,
    pub(super) segments: Vec<Made>,
    /// Number of the segment that announces the second key.
    pub(super) rotated_at: Option<u64>,
    /// When the log was declared ended, with its last segment.
    pub(super) ended_at: Option<i64>,
    pub(super) silences: Vec<(i64, i64)>,
    pub(super) lost: Option<Lost>,
    pub(super) runs: Vec<Run>,
}

impl History {
    /// When a segment counts as made: by the store, in a folder by the signer.
    pub(super) fn moment(&self, number: u64) -> i64 {
        let made = self.made(number);
        if self.bucket {
            made.stored
        } else {
            made.sealed
        }
    }

    pub(super) fn made(&self, number: u64) -> &Made {
        &self.segments[usize::try_from(number).unwrap()]
    }

    pub(super) fn count(&self) -> u64 {
        u64::try_from(self.segments.len()).unwrap()
    }

    pub(super) fn longest_silence(&self) -> i64 {
        self.silence.iter().map(|span| span.seconds).max().unwrap()
    }

    /// When the honest log is over.
    pub(super) fn last(&self) -> i64 {
        self.moment(self.count() - 1)
    }
}

/// Makes one.
pub(super) fn history(random: &mut Random) -> History {
    let bucket = random.chance(65);
    let began = 10 * DAY;
    let skew = 300;
    let mut silence = vec![Since {
        from: began - random.between(0, 5) * DAY,
        seconds: some_silence(random),
    }];
    let count = random.number(3, 24);
    let mut sealed = Sealing::new(random, bucket, began, &mut silence, count);
    for _ in 1..count {
        sealed.step(random, &mut silence);
    }
    let Sealing {
        times, silences, ..
    } = sealed;
    let lock = retentions(random, began, &silence, &times);
    let times = before_each_lengthening(random, times, &lock, &silences);
    let compliance = random.chance(40);
    let mut segments: Vec<Made> = times
        .iter()
        .map(|(sealed, stored)| made(random, *sealed, *stored, &lock))
        .collect();
    let longest = lock.iter().map(|span| span.seconds).max().unwrap();
    lifecycle(random, bucket, longest, &mut segments);
    let count = u64::try_from(segments.len()).unwrap();
    let mut history = History {
        bucket,
        compliance,
        began,
        skew,
        lock,
        silence,
        rotated_at: random.chance(25).then(|| random.number(1, count - 1)),
        ended_at: None,
        segments,
        silences,
        lost: None,
        runs: Vec::new(),
    };
    if random.chance(25) {
        history.ended_at = Some(history.last().max(history.segments.last().unwrap().stored) + HOUR);
    }
    if random.chance(12) && count > 5 {
        let first = random.number(1, count - 4);
        let last = random.number(first, count - 3);
        let at = history.moment(last + 1) + random.between(10, 20 * DAY);
        history.lost = Some(Lost { first, last, at });
        if !bucket {
            // A limit: no entry knows when the segment before a loss was made in a folder, so nothing before it may be gone.
            let before = history
                .segments
                .iter_mut()
                .take(usize::try_from(first).unwrap());
            before.for_each(|made| made.expired_at = None);
        }
    }
    history.runs = runs(random, &history);
    history
}

fn some_silence(random: &mut Random) -> i64 {
    random.one_of(&[25 * HOUR, 25 * HOUR, 2 * DAY, 7 * DAY, 60 * DAY, 365 * DAY])
}

/// The sealer while the log is made.
struct Sealing {
    bucket: bool,
    /// By how much the store's clock is ahead of the sealer's.
    ahead: i64,
    count: u64,
    times: Vec<(i64, i64)>,
    silences: Vec<(i64, i64)>,
}

impl Sealing {
    fn new(
        random: &mut Random,
        bucket: bool,
        began: i64,
        silence: &mut [Since],
        count: u64,
    ) -> Self {
        let first = began + random.between(1, silence[0].seconds / 4);
        let ahead = if bucket { random.between(-100, 100) } else { 0 };
        let stored = first + ahead + random.between(0, 5);
        Self {
            bucket,
            ahead,

            count,
            times: vec![(first, stored)],
            silences: Vec::new(),
        }
    }

    fn step(&mut self, random: &mut Random, silence: &mut Vec<Since>) {
        let (sealed, stored) = *self.times.last().unwrap();
        let last = sealed.max(stored);
        let current = at(silence, last);
        if silence.len() < 3 && silence.last().unwrap().from <= last && random.chance(8) {
            let from = last + random.between(0, current / 2);
            silence.push(Since {
                from,
                seconds: some_silence(random),
            });
        }
        if self.bucket && random.chance(8) && silence.last().unwrap().from < last {
            return self.outage_of_the_store(random, last, current);
        }
        if random.chance(4) {
            return self.outage_of_the_sealer(random, last, silence);
        }
        let mut next = last + random.between(current / 10, current / 2).max(10);
        let change = silence.last().unwrap();
        if change.from > last && change.from < next {
            next = next.min(change.from + random.between(change.seconds / 10, change.seconds / 2));
        }
        self.add(random, next);
    }

    fn add(&mut self, random: &mut Random, sealed: i64) {
        let stored = sealed + self.ahead + random.between(0, 5);
        // Two clocks of the store may be a second apart.
        let before = self.times.last().unwrap().1;
        self.times.push((sealed, stored.max(before - 1)));
    }

    /// Segments queue up, and are stored one after the other in the end.
    fn outage_of_the_store(&mut self, random: &mut Random, last: i64, current: i64) {
        let queued = random.number(1, 3).min(self.count);
        let step = current / 12;
        let end = last + step * i64::try_from(queued + 1).unwrap();
        for number in 1..=i64::try_from(queued).unwrap() {
            let sealed = last + step * number;
            let stored = end + self.ahead.max(0) + number / 2 - random.between(0, 1);
            self.times.push((sealed, stored));
        }
    }

    /// The log is silent for too long, and a person explains it.
    fn outage_of_the_sealer(&mut self, random: &mut Random, last: i64, silence: &[Since]) {
        let longest = silence.iter().map(|span| span.seconds).max().unwrap();
        let next = last + longest + random.between(longest / 10, longest);
        self.add(random, next);
        let [.., before, after] = self.times.as_slice() else {
            return;
        };
        let period = if self.bucket {
            (before.1, after.1)
        } else {
            (before.0, after.0)
        };
        self.silences.push(period);
    }
}

/// Retention is at least twice each `max_silence` that is in force at the same time.
fn retentions(
    random: &mut Random,
    began: i64,
    silence: &[Since],
    times: &[(i64, i64)],
) -> Vec<Since> {
    let over = times.last().unwrap().1;
    let mut froms = vec![began - 6 * DAY];
    for _ in 0..random.one_of(&[0, 0, 1, 1, 2]) {
        froms.push(random.between(began + DAY, over.max(began + 2 * DAY)));
    }
    froms.sort_unstable();
    froms.dedup();
    let ends: Vec<i64> = froms.iter().skip(1).copied().chain([i64::MAX]).collect();
    let spans = froms.iter().zip(ends).map(|(from, end)| {
        let silences = silence.iter().zip(
            silence
                .iter()
                .skip(1)
                .map(|next| next.from)
                .chain([i64::MAX]),
        );
        let met = silences
            .enumerate()
            .filter(|(nr, (span, until))| (*nr == 0 || span.from < end) && *until > *from);
        let longest = met.map(|(_, (span, _))| span.seconds).max().unwrap();
        let fewest = (2 * longest).div_euclid(DAY) + 1;
        let days = fewest * random.one_of(&[1, 1, 2, 4]) + random.between(0, 3);
        Since {
            from: *from,
            seconds: days * DAY,
        }
    });
    spans.collect()
}

/// Where a longer retention was declared ahead, the sealer is running: it stores a segment on the day before.
fn before_each_lengthening(
    random: &mut Random,
    times: Vec<(i64, i64)>,
    lock: &[Since],
    silences: &[(i64, i64)],
) -> Vec<(i64, i64)> {
    let mut times = times;
    for pair in lock.windows(2) {
        let from = pair[1].from;
        let silent = silences
            .iter()
            .any(|(begin, end)| *begin <= from && from <= *end + DAY);
        if pair[1].seconds <= pair[0].seconds || silent {
            continue;
        }
        let after = times
            .iter()
            .position(|(sealed, stored)| *sealed >= from || *stored >= from);
        let Some(after) = after.filter(|after| *after > 0) else {
            continue;
        };
        let last = times[after - 1].0.max(times[after - 1].1);
        if last < from - DAY + 200 {
            let stored = from - random.between(600, 20 * HOUR);
            let sealed = stored.min(times[after].0 - 1);
            times.insert(after, (sealed, stored));
        }
    }
    times
}

/// The longest retention that is declared for now or for within a day, and one day more (sealing guide).
fn made(random: &mut Random, sealed: i64, stored: i64, lock: &[Since]) -> Made {
    let soon = lock
        .iter()
        .filter(|span| stored < span.from && span.from <= stored + DAY);
    let seconds = soon
        .map(|span| span.seconds)
        .fold(at(lock, stored), i64::max);
    Made {
        sealed,
        stored,
        locked_until: stored + seconds + DAY,
        held: random.chance(10).then(|| Hold {
            seconds: seconds + DAY,
            lifted_at: random
                .chance(50)
                .then(|| stored + random.between(HOUR, 40 * DAY)),
            beside: random.chance(30),
        }),
        expired_at: None,
        marked_at: None,
    }
}

/// Removes segments by age, not earlier than the longest retention that was ever declared.
fn lifecycle(random: &mut Random, bucket: bool, longest: i64, segments: &mut [Made]) {
    let percent = random.one_of(&[0, 100, 100, 100, 60, 90]);
    let age = longest + DAY + random.one_of(&[HOUR, HOUR, DAY, 5 * DAY]);
    for made in segments {
        if random.chance(percent) && made.held.is_none() {
            let since = if bucket { made.stored } else { made.sealed };
            let at = since + age;
            made.expired_at = Some(at);
            made.marked_at = (bucket && random.chance(20)).then_some(at - HOUR / 2);
        }
    }
}

/// Runs at times at which the log is as it should be: not in an outage that is acknowledged only later.
fn runs(random: &mut Random, history: &History) -> Vec<Run> {
    let last = history.last();
    let changes = history.silence.iter().filter(|span| span.from > last);
    let alive = changes
        .map(|span| span.from + span.seconds / 2)
        .fold(last + at(&history.silence, last) / 3, i64::min);
    let horizon = history.ended_at.map_or(alive, |ended| {
        ended + random.between(HOUR, 3 * at(&history.lock, ended))
    });
    let first = history.moment(0) + HOUR;
    let mut all = Vec::new();
    for _ in 0..random.one_of(&[1, 2, 3, 4]) {
        let begun = if random.chance(40) {
            horizon
        } else if random.chance(15) {
            // The log gets its first segment meanwhile.
            history.moment(0)
                - random
                    .between(0, HOUR)
                    .min(history.moment(0) - history.began)
        } else {
            random.between(first, horizon.max(first))
        };
        let ended = begun + random.one_of(&[0, 1, 60, 1800, 2 * HOUR]);
        all.push(Run {
            begun,
            ended,
            clocks: clocks(random, ended - begun),
        });
    }
    all.sort_by_key(|run| run.begun);
    all.retain(|run| is_quiet(history, *run));
    all
}

/// Clocks that differ by no more than the skew. Without a `Date`, a run is judged by our clock at its start.
fn clocks(random: &mut Random, lasts: i64) -> Clocks {
    let no_date = lasts <= 60 && random.chance(10);
    let most = if no_date { 120 } else { 290 };
    let ahead = random.between(-most, most);
    Clocks {
        ours_ahead: random.one_of(&[0, ahead]),
        no_date,
        shifted: 0,
    }
}

/// Not in an acknowledged silence, and not while the log has just lost something that nobody has explained yet.
pub(super) fn is_quiet(history: &History, run: Run) -> bool {
    let in_silence = history
        .silences
        .iter()
        .any(|(from, until)| *from < run.ended && run.begun < *until + HOUR);
    let in_loss = history
        .lost
        .is_some_and(|lost| run.begun <= lost.at && lost.at <= run.ended);
    let ending = history
        .ended_at
        .is_some_and(|ended| run.begun <= ended && ended <= run.ended);
    !in_silence && !in_loss && !ending
}
