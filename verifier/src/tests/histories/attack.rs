//! What somebody does who is not honest: an administrator who may lift GOVERNANCE locks, a holder of the key, or both.

use std::sync::Arc;

use auditlog_chain::hash::leaf_hash;
use auditlog_chain::segment::Head;
use auditlog_chain::tree::CompactRange;

use super::honest::{Clocks, DAY, HOUR, History, Hold, Run, at};
use super::place::{Mark, Place, Signed, Thing, close, time};
use super::random::Random;

/// An attack, in words for whoever reads a failure, and what it must come to.
#[derive(Clone, Debug)]
pub(super) struct Attack {
    pub(super) what: String,
    /// When it began.
    pub(super) at: i64,
    pub(super) must: Must,
    /// A segment that has to be in sight for that.
    pub(super) beside: Option<u64>,
    /// What the store's answers say of the time from then on.
    pub(super) clocks: Clocks,
}

/// What an attack must come to by itself; what was removed is judged beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Must {
    /// A fault, wherever it is looked at while this is so.
    Fault,
    /// Nothing but what follows from what it removed.
    Depends,
    /// It changes nothing: the verdict stays "verified".
    Verify,
    /// No run is verified, whatever it sees.
    Never,
}

/// Changes a place, or does nothing where the attack makes no sense there.
pub(super) fn attack(
    random: &mut Random,
    history: &mut History,
    signed: &Signed,
    place: &mut Place,
) -> Option<Attack> {
    let count = history.count();
    let target = random.number(1, count - 1);
    let at = history.moment(target) + random.between(10, 20 * DAY);
    let kind = random.number(0, 16);
    let bucket_only = matches!(kind, 6..=12 | 14 | 16);
    if bucket_only && !history.bucket {
        return None;
    }
    match kind {
        0 | 1 => Some(cut_tail(random, history, place, target, at)),
        2 | 3 => Some(cut_middle(random, history, place, target, at)),
        4 | 5 => forge(random, history, signed, place, target, at),
        6 => Some(replay(random, history, place, target, at)),
        7 => second_version(history, place, target, at),
        8 => mark(random, history, place, target, at),
        9 => Some(stray_mark(random, history, place, at)),
        10 => weaken(random, history, place, target),
        11 => Some(from_the_future(history, place, at)),
        12 => Some(after_the_end(random, history, place)?),
        16 => Some(false_dates(random, at)),
        13 | 15 => rewrite(random, history, signed, place, target, at),
        _ => gone_while_reading(history, place, target, at),
    }
}

/// The store's `Date` is moved: whoever could do that unnoticed could hide a silence, or let segments expire (V29).
fn false_dates(random: &mut Random, at: i64) -> Attack {
    let by = random.one_of(&[310, 3 * HOUR, 30 * DAY, 300 * DAY]);
    let shifted = random.one_of(&[by, -by]);
    Attack {
        must: Must::Never,
        clocks: Clocks {
            shifted,
            ..Clocks::default()
        },
        ..depends(format!("each Date is {shifted} seconds off"), at)
    }
}

fn depends(what: String, at: i64) -> Attack {
    Attack {
        what,
        at,
        must: Must::Depends,
        beside: None,
        clocks: Clocks::default(),
    }
}

fn cut_tail(
    random: &mut Random,
    history: &mut History,
    place: &mut Place,
    from: u64,
    at: i64,
) -> Attack {
    history.compliance = false;
    let what = if random.chance(70) {
        place.stop_sealer(at);
        "and the sealer is gone"
    } else {
        "and the sealer goes on"
    };
    place.remove(|number| number >= from, at);
    depends(
        format!("segments from {from} on are removed at {at}, {what}"),
        at,
    )
}

fn cut_middle(
    random: &mut Random,
    history: &mut History,
    place: &mut Place,
    last: u64,
    at: i64,
) -> Attack {
    history.compliance = false;
    let first = if random.chance(40) {
        0
    } else {
        random.number(0, last)
    };
    place.remove(|number| (first..=last).contains(&number), at);
    depends(
        format!("segments {first} to {last} are removed at {at}"),
        at,
    )
}

/// Removes the tail, and puts the same bytes back one after the other, never silent for long.
fn replay(
    random: &mut Random,
    history: &mut History,
    place: &mut Place,
    from: u64,
    begun: i64,
) -> Attack {
    history.compliance = false;
    place.stop_sealer(begun);
    place.remove(|number| number >= from, begun);
    let back: Vec<Thing> = place
        .things
        .iter()
        .filter(|thing| thing.number >= from)
        .cloned()
        .collect();
    let mut stored = begun;
    for thing in back {
        stored += at(&history.silence, stored) / random.between(3, 6);
        place.things.push(Thing {
            id: format!("again{}", thing.number),
            stored,
            dated: None,
            gone_at: None,
            locked_until: Some(stored + at(&history.lock, stored) + DAY),
            held: None,
            ..thing
        });
    }
    depends(
        format!("segments from {from} on are removed at {begun} and put back slowly"),
        begun,
    )
}

fn second_version(
    history: &History,
    place: &mut Place,
    number: u64,
    stored: i64,
) -> Option<Attack> {
    let thing = place
        .things
        .iter()
        .find(|thing| thing.number == number)?
        .clone();
    if thing.gone_at.is_some() || is_disowned(history, number, stored) {
        return None;
    }
    let id = format!("second{number}");
    let locked_until = Some(stored + at(&history.lock, stored) + DAY);
    place.things.push(Thing {
        id,
        stored,
        locked_until,
        honest: false,
        bytes: Arc::new(b"garbage".to_vec()),
        ..thing
    });
    Some(Attack {
        what: format!("a second version of segment {number} at {stored}"),
        at: stored,
        must: Must::Fault,
        beside: None,
        clocks: Clocks::default(),
    })
}

fn is_disowned(history: &History, number: u64, stored: i64) -> bool {
    let last = history.count() - 1;
    history.ended_at.is_some() && (number > last || stored > history.made(last).stored)
}

fn mark(
    random: &mut Random,
    history: &History,
    place: &mut Place,
    number: u64,
    set: i64,
) -> Option<Attack> {
    let made = history.made(number);
    let kept_until = made.stored + at(&history.lock, made.stored);
    let there = place
        .things
        .iter()
        .any(|thing| thing.number == number && thing.gone_at.is_none());
    if !there || set > kept_until - HOUR {
        return None;
    }
    place.marks.push(Mark {
        number,
        id: format!("mark{}", random.number(0, 99)),
        set,
    });
    Some(Attack {
        what: format!("a delete marker over segment {number} at {set}, kept until {kept_until}"),
        at: set,
        must: Must::Depends,
        beside: None,
        clocks: Clocks::default(),
    })
}

fn stray_mark(random: &mut Random, history: &History, place: &mut Place, set: i64) -> Attack {
    let number = random.one_of(&[history.count(), history.count() + 7, 999_999_999_999]);
    place.marks.push(Mark {
        number,
        id: "stray".to_owned(),
        set,
    });
    let must = if history.ended_at.is_some() {
        Must::Depends
    } else {
        Must::Fault
    };
    Attack {
        what: format!("a stray delete marker on segment {number} at {set}"),
        at: set,
        must,
        beside: None,
        clocks: Clocks::default(),
    }
}

fn weaken(
    random: &mut Random,
    history: &History,
    place: &mut Place,
    number: u64,
) -> Option<Attack> {
    let stored = history.made(number).stored;
    let declared = at(&history.lock, stored);
    let compliance = history.compliance;
    let thing = place
        .things
        .iter_mut()
        .find(|thing| thing.number == number && thing.gone_at.is_none())?;
    let what = match random.number(0, 3) {
        0 if compliance => {
            thing.mode = "GOVERNANCE";
            "in a weaker mode"
        }
        1 => {
            let hold = Hold {
                seconds: HOUR,
                lifted_at: None,
                beside: false,
            };
            (thing.held, thing.locked_until) = (Some(hold), None);
            "under a hold of an hour"
        }
        2 => {
            (thing.held, thing.locked_until) = (None, None);
            "not at all"
        }
        _ => {
            (thing.held, thing.locked_until) = (None, Some(thing.stored + declared - 1));
            "for a second less than declared"
        }
    };
    // A hold may still reach far enough, seen from a later run.
    let must = if what.contains("hold") {
        Must::Depends
    } else {
        Must::Fault
    };
    Some(Attack {
        what: format!("segment {number} is locked {what}"),
        at: stored - 20,
        must,
        beside: None,
        clocks: Clocks::default(),
    })
}

fn from_the_future(history: &History, place: &mut Place, at_time: i64) -> Attack {
    let last = history.count() - 1;
    let bytes = place.things[0].bytes.clone();
    place.things.push(Thing {
        number: last + 1,
        id: "future".to_owned(),
        sealed: at_time,
        stored: at_time,
        dated: Some(at_time + 300 * DAY),
        gone_at: None,
        bytes,
        mode: "COMPLIANCE",
        locked_until: Some(at_time + 40_000 * DAY),
        held: None,
        honest: false,
    });
    Attack {
        what: "a version that is dated in the future".to_owned(),
        at: at_time,
        must: Must::Depends,
        beside: None,
        clocks: Clocks::default(),
    }
}

/// Garbage and delete markers behind the declared end: they are disowned, and the log stays what it was.
fn after_the_end(random: &mut Random, history: &History, place: &mut Place) -> Option<Attack> {
    let ended = history.ended_at?;
    for nr in 0..random.number(1, 4) {
        let number = random.number(0, history.count() + 2);
        let stored = ended + random.between(1, 30 * DAY);
        place.things.push(Thing {
            number,
            id: format!("garbage{nr}"),
            sealed: stored,
            stored,
            dated: None,
            gone_at: None,
            bytes: Arc::new(b"garbage".to_vec()),
            mode: "GOVERNANCE",
            locked_until: None,
            held: None,
            honest: false,
        });
    }
    let number = history.count() + random.number(0, 3);
    place.marks.push(Mark {
        number,
        id: "behind".to_owned(),
        set: ended + DAY,
    });
    Some(Attack {
        what: "garbage and delete markers after the end".to_owned(),
        at: ended,
        must: Must::Verify,
        beside: None,
        clocks: Clocks::default(),
    })
}

fn gone_while_reading(
    history: &mut History,
    place: &mut Place,
    number: u64,
    at_time: i64,
) -> Option<Attack> {
    let made = history.made(number);
    let kept_until = made.stored + at(&history.lock, made.stored);
    if !history.bucket || kept_until < at_time + DAY {
        return None;
    }
    history.compliance = false;
    // Nobody can remove what is locked in COMPLIANCE mode, so it was locked in the other one.
    for thing in &mut place.things {
        thing.mode = "GOVERNANCE";
    }
    place.stop_sealer(at_time);
    Some(depends(format!("READ {number}"), at_time))
}

/// A head that a forger claims to continue.
fn forged_head(number: u64, size: u64, sealed: i64) -> Head {
    let roots = (0..size.count_ones())
        .map(|nr| leaf_hash(format!("forged {nr}").as_bytes()))
        .collect();
    Head {
        origin: super::super::world::origin(),
        next_segment: number,
        range: CompactRange::from_roots(size, roots).unwrap(),
        last_leaf: leaf_hash(b"forged"),
        sealed: Some(time(sealed)),
    }
}

/// With the key: removes a range, and writes what comes after it again, claiming whatever suits.
fn forge(
    random: &mut Random,
    history: &mut History,
    signed: &Signed,
    place: &mut Place,
    last: u64,
    begun: i64,
) -> Option<Attack> {
    history.compliance = false;
    if is_disowned(history, last, begun) {
        return None;
    }
    let first = if random.chance(40) {
        0
    } else {
        random.number(1, last)
    };
    place.stop_sealer(begun);
    place.remove(|number| number >= first, begun);
    let next = last + 1;
    let left = first.checked_sub(1);
    let claims = [
        history.moment(last),
        history.made(last).sealed,
        begun - HOUR,
        begun - 400 * DAY,
        history.began - 300 * DAY,
        left.map_or(0, |left| history.made(left).sealed),
    ];
    let claim = random.one_of(&claims).max(-300 * DAY).min(begun - 10);
    let border = left.map_or((0, 3), |left| {
        (
            left,
            signed.heads[usize::try_from(left).unwrap() + 1]
                .range
                .size(),
        )
    });
    let fewest = border.1 + 2 * (last - border.0);
    let real = signed.heads[usize::try_from(next).unwrap()].range.size();
    let size = random.one_of(&[real, real, real, fewest, fewest - 1, 7_000_000_000]);
    let impossible = size < fewest
        || size == 7_000_000_000
        || left.is_some_and(|left| claim < history.made(left).sealed);
    let head = forged_head(next, size, claim);
    let seals = random.number(1, 4);
    forgeries(random, history, signed, place, head, begun, seals);
    let what = format!(
        "with the key, segments from {first} on are removed at {begun}; {next} is forged, after {claim} and size {size}"
    );
    let must = if impossible && is_gap(place, first) {
        Must::Fault
    } else {
        Must::Depends
    };
    Some(Attack {
        what,
        at: begun,
        must,
        beside: left,
        clocks: Clocks::default(),
    })
}

/// Whether something honest is left just before the forged gap, which A4 compares with.
fn is_gap(place: &Place, first: u64) -> bool {
    first == 0
        || place
            .things
            .iter()
            .any(|thing| thing.number + 1 == first && thing.gone_at.is_none())
}

/// With the key: rewrites the log from a segment on.
fn rewrite(
    random: &mut Random,
    history: &mut History,
    signed: &Signed,
    place: &mut Place,
    first: u64,
    begun: i64,
) -> Option<Attack> {
    history.compliance = false;
    if is_disowned(history, first, begun) {
        return None;
    }
    place.stop_sealer(begun);
    place.remove(|number| number >= first, begun);
    let head = signed.heads[usize::try_from(first).unwrap()].clone();
    let seals = random.number(1, 6);
    forgeries(random, history, signed, place, head, begun, seals);
    Some(depends(
        format!("with the key, the log is rewritten from segment {first} on, at {begun}"),
        begun,
    ))
}

/// Seals forged segments, the first one at `begun`, the others well within `max_silence`. Some who have both keys sign with either,
/// and announce no change.
fn forgeries(
    random: &mut Random,
    history: &History,
    signed: &Signed,
    place: &mut Place,
    head: Head,
    begun: i64,
    seals: u64,
) {
    let (mut head, mut stored) = (head, begun);
    // In a folder a forger dates what it likes.
    let mut sealed = if history.bucket || random.chance(50) {
        begun
    } else {
        begun - random.between(0, 20) * DAY
    };
    let alternates = random.chance(25);
    for _ in 0..seals {
        let number = head.next_segment;
        let before = head
            .sealed
            .map_or(0, |before| before.seconds_since(time(0)));
        let rotates = history.rotated_at == Some(number);
        let change = rotates.then(|| signed.keys[1].change(Some(&signed.keys[0])));
        sealed = sealed.max(before);
        let closed = close(&head, change, &["{\"user\":\"eve\"}"], sealed);
        let mut by = signed.key(history, number);
        if alternates {
            by = &signed.keys[usize::from(random.chance(50))];
        }
        let mut signatures = vec![by.sign(&closed)];
        if rotates {
            signatures.push(signed.keys[0].sign(&closed));
        }
        head = closed.head().clone();
        place.things.push(Thing {
            number,
            id: format!("forged{number}"),
            sealed,
            stored,
            dated: None,
            gone_at: None,
            bytes: Arc::new(closed.finish(signatures).unwrap()),
            mode: "GOVERNANCE",
            locked_until: Some(stored + at(&history.lock, stored) + DAY),
            held: None,
            honest: false,
        });
        let step = at(&history.silence, stored) / random.between(3, 6);
        stored += step;
        sealed += step;
    }
}

impl Attack {
    /// The segment that is removed after it was listed, and before it is read.
    pub(super) fn removed_while_reading(&self) -> Option<u64> {
        self.what.strip_prefix("READ ")?.parse().ok()
    }

    pub(super) fn is_stray_mark(&self) -> bool {
        self.what.starts_with("a stray delete marker")
    }

    /// Whether what was done is in sight: nothing of it is above the cut of a listing, and the segment is still there.
    pub(super) fn is_seen(&self, history: &History, place: &Place, run: Run) -> bool {
        let settled = place
            .things
            .iter()
            .all(|thing| thing.stored < run.begun - history.skew - 2 || thing.stored > run.ended);
        let touched = self.number();
        let there = touched.or(self.beside).is_none_or(|number| {
            place
                .seen(history, run)
                .iter()
                .any(|thing| thing.number == number && thing.honest)
        });
        settled && there
    }

    /// The segment that it is about.
    fn number(&self) -> Option<u64> {
        let words = ["a second version of segment ", "segment ", "READ "];
        let rest = words.iter().find_map(|word| self.what.strip_prefix(word))?;
        rest.split(' ').next()?.parse().ok()
    }

    /// What a run must see of attacks whose time matters.
    pub(super) fn must_show(&self, history: &History, place: &Place, run: Run) -> Option<String> {
        if self.what.contains("dated in the future") {
            let latest = run.ended + history.skew;
            let dated = |thing: &&Thing| thing.dated.is_some_and(|dated| dated > latest);
            let future = history.ended_at.is_none() && place.seen(history, run).iter().any(dated);
            return future.then(|| "a version is dated in the future".to_owned());
        }
        if let Some(number) = self.removed_while_reading() {
            let made = history.made(number);
            let kept = made.stored + at(&history.lock, made.stored) > run.ended + 1;
            return (kept && self.is_seen(history, place, run))
                .then(|| "a version is gone before its time".to_owned());
        }
        if self.what.starts_with("a delete marker") {
            let mark = place
                .marks
                .iter()
                .find(|mark| mark.id.starts_with("mark"))?;
            let made = history.made(mark.number);
            let kept = made.stored + at(&history.lock, made.stored);
            let there = place
                .seen(history, run)
                .iter()
                .any(|thing| thing.number == mark.number);
            let hidden = there && mark.set < run.begun && kept > run.ended + 1;
            return (hidden && is_settled(history, place, run))
                .then(|| "a marker hides what must be retained".to_owned());
        }
        if self.what.contains("under a hold") {
            let number = self.number()?;
            let made = history.made(number);
            let kept = made.stored + at(&history.lock, made.stored);
            let short = run.begun + HOUR < kept && self.is_seen(history, place, run);
            return short.then(|| "a hold is too short".to_owned());
        }
        None
    }
}

/// Whether nothing was stored so shortly before the run that A1 may pass it over.
fn is_settled(history: &History, place: &Place, run: Run) -> bool {
    place
        .things
        .iter()
        .all(|thing| thing.stored < run.begun - history.skew - 2 || thing.stored > run.ended)
}
