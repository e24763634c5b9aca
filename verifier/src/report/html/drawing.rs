//! One log, drawn along time: segments, gaps, findings, keys and their spans, and until when locks keep what was written.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use auditlog_chain::policy::{KeyPolicy, LogPolicy, TrustPolicy};
use auditlog_chain::timestamp::Timestamp;

use super::super::markup::Markup;
use super::super::words::entries_word;
use super::super::{LogReport, Report};
use super::scale::Scale;
use crate::fault::Fault;
use crate::holes::WhyAbsent;
use crate::keys::key_id;
use crate::place::Place;
use crate::storage::kept_until;
use crate::timeline::{Period, Stretch};
use crate::undecided::Undecided;

/// The drawing's width, and where moments begin and end in it.
const WIDTH: i64 = 2000;
const LEFT: i64 = 300;
const RIGHT: i64 = 1960;

/// Keys that have a row of their own; the others are in the table.
const MAX_KEYS: usize = 12;

/// Findings that are closer than this are drawn as one.
const MARK_UNITS: i64 = 8;

/// Where the rows of the keys begin.
const KEYS_TOP: i64 = 186;

/// Height of the lower drawing, in which the ends of locks are.
const LOCKS_HEIGHT: i64 = 240;

/// What is drawn of one log.
pub(super) struct Drawing<'r> {
    report: &'r Report,
    log: &'r LogReport,
    declared: &'r LogPolicy,
    policy: &'r TrustPolicy,
    stretches: Vec<&'r Stretch>,
    time: Scale,
}

impl<'r> Drawing<'r> {
    /// Of a log of the report, as the policy declares it.
    pub(super) fn new(
        report: &'r Report,
        log: &'r LogReport,
        declared: &'r LogPolicy,
        policy: &'r TrustPolicy,
    ) -> Self {
        let stretches: Vec<&Stretch> = log.timeline.stretches().collect();
        let times = stretches.iter().filter_map(|one| one.times);
        let around = times.reduce(|one, other| Period {
            from: one.from.min(other.from),
            until: one.until.max(other.until),
        });
        let from = around.map_or(declared.began, |around| around.from);
        let until = around.map_or(report.at, |around| around.until);
        let time = Scale::new(from.min(declared.began), until.max(report.at), LEFT, RIGHT);
        Self {
            report,
            log,
            declared,
            policy,
            stretches,
            time,
        }
    }

    pub(super) fn write(&self, page: &mut Markup) {
        let keys = self.declared.verifier_keys.len().min(MAX_KEYS);
        let keys = i64::try_from(keys).unwrap_or(0);
        let axis = keys.saturating_mul(44).saturating_add(KEYS_TOP + 36);
        let locks_top = axis.saturating_add(70);
        let has_locks = self.stretches.iter().any(|one| one.kept_until.is_some());
        let height = if has_locks {
            locks_top.saturating_add(LOCKS_HEIGHT).saturating_add(30)
        } else {
            axis.saturating_add(50)
        };
        let label = format!(
            "{}: segments, findings, keys and locks along time",
            self.log.origin
        );
        let view = format!("0 0 {WIDTH} {height}");
        page.fixed("<figure>\n");
        page.open(
            "svg",
            &[
                ("xmlns", "http://www.w3.org/2000/svg"),
                ("viewBox", &view),
                ("role", "img"),
                ("aria-label", &label),
            ],
        );
        page.fixed("\n");
        self.write_segments(page);
        self.write_gaps(page);
        self.write_marks(page);
        self.write_keys(page);
        self.write_axis(page, axis);
        if has_locks {
            self.write_locks(page, locks_top);
        }
        page.close("svg").fixed("\n");
        page.fixed("</figure>\n");
    }

    fn write_segments(&self, page: &mut Markup) {
        label(page, 60, "segments");
        let lane = (LEFT, RIGHT.saturating_sub(LEFT));
        rect(page, "lane", lane, (24, 50), None);
        for one in &self.stretches {
            let Some(times) = one.times else { continue };
            let class = if one.sound < one.segments {
                "unsound"
            } else {
                "segment"
            };
            rect(page, class, self.across(times), (24, 50), Some(&about(one)));
        }
    }

    fn write_gaps(&self, page: &mut Markup) {
        for ((x, width, class), gap) in self.gaps() {
            let (first, last) = (gap.first, gap.last);
            let more = match gap.count {
                1 => String::new(),
                count => format!(", {count} gaps in all"),
            };
            let title = format!("absent: {first} to {last} ({}){more}", gap.why);
            rect(page, class, (x, width), (18, 62), Some(&title));
        }
    }

    /// What is absent, by where it is drawn. There are at most as many places as there are stretches, three times over.
    fn gaps(&self) -> BTreeMap<(i64, i64, &'static str), Gap> {
        let mut gaps = BTreeMap::new();
        let mut add = |first: u64, last: u64, class: &'static str, why: &'static str| {
            let (x, width) = self.across(self.between(first, last));
            let gap = Gap {
                first,
                last,
                why,
                count: 0,
            };
            let gap = gaps.entry((x, width, class)).or_insert(gap);
            gap.last = gap.last.max(last);
            gap.count = gap.count.saturating_add(1);
        };
        for hole in self.log.holes.listed() {
            match hole.why {
                WhyAbsent::Expired => add(hole.first, hole.last, "gap-expired", "expired"),
                WhyAbsent::Acknowledged => {
                    add(hole.first, hole.last, "gap-acknowledged", "acknowledged");
                }
            }
        }
        let scope = Some(&self.log.origin);
        for found in self.report.faults_of(scope) {
            if let Fault::SegmentMissing { first, last, .. } = found.what {
                add(first, last, "gap-missing", "missing");
            }
        }
        for found in self.report.undecided_of(scope) {
            if let Undecided::AbsenceUnknown { first, last } = found.what {
                add(first, last, "gap-expired", "undecided");
            }
        }
        gaps
    }

    /// The time between the segments around absent ones; where they are drawn with their neighbours, that of these.
    fn between(&self, first: u64, last: u64) -> Period {
        let around = |one: &&&Stretch| one.first < first && one.last > last;
        if let Some(times) = self.stretches.iter().find(around).and_then(|one| one.times) {
            return times;
        }
        let before = self.stretches.iter().rev().find(|one| one.last < first);
        let after = self.stretches.iter().find(|one| one.first > last);
        let from = before.and_then(|one| one.times).map(|times| times.until);
        let until = after.and_then(|one| one.times).map(|times| times.from);
        let from = from.unwrap_or(self.time.from());
        Period {
            from,
            until: until.unwrap_or(self.time.until()).max(from),
        }
    }

    fn write_marks(&self, page: &mut Markup) {
        label(page, 120, "findings");
        for ((x, class), mark) in self.marks() {
            let title = match mark.count {
                1 => mark.code.to_owned(),
                count => format!("{} and others, {count} in all", mark.code),
            };
            let (left, right) = (x.saturating_sub(11), x.saturating_add(11));
            // A row for each kind: one must not hide the other.
            let top = match class {
                "mark-bad" => 84_i64,
                "mark-open" => 107,
                "mark-warn" => 130,
                _ => 153,
            };
            let bottom = top.saturating_add(20);
            let points = format!("{x},{top} {right},{bottom} {left},{bottom}");
            page.open("polygon", &[("class", class), ("points", &points)]);
            page.element("title", &[], &title)
                .close("polygon")
                .fixed("\n");
        }
    }

    fn marks(&self) -> BTreeMap<(i64, &'static str), Mark> {
        let mut marks = BTreeMap::<_, Mark>::new();
        let mut add = |place: &Place, at: Option<Timestamp>, class, code| {
            let at = at.or_else(|| self.time_of(place));
            let Some(x) = at.map(|at| self.time.at(at)) else {
                return;
            };
            let x = x.div_euclid(MARK_UNITS).saturating_mul(MARK_UNITS);
            let mark = marks.entry((x, class)).or_insert(Mark { code, count: 0 });
            mark.count = mark.count.saturating_add(1);
        };
        let scope = Some(&self.log.origin);
        for one in self.report.faults_of(scope) {
            add(
                &one.place,
                silent_until(&one.what),
                "mark-bad",
                one.what.code(),
            );
        }
        let acknowledged = self.report.acknowledged().iter();
        for one in acknowledged.filter(|one| one.place.log.as_ref() == scope) {
            let fault = &one.what.fault;
            add(&one.place, silent_until(fault), "mark-warn", fault.code());
        }
        for one in self.report.undecided_of(scope) {
            add(&one.place, None, "mark-open", one.what.code());
        }
        for one in self.report.notes_of(scope) {
            add(&one.place, None, "mark-note", one.what.code());
        }
        marks
    }

    /// When the segment at a place was written, as far as it is drawn.
    fn time_of(&self, place: &Place) -> Option<Timestamp> {
        let number = self.declared.segment_of_key(place.object.as_deref()?)?;
        let within = |one: &&&Stretch| one.first <= number && number <= one.last;
        let stretch = self.stretches.iter().find(within);
        match stretch.and_then(|one| one.times) {
            Some(times) => Some(times.from),
            None => Some(self.between(number, number).from),
        }
    }

    fn write_keys(&self, page: &mut Markup) {
        let mut top = KEYS_TOP;
        for key in self.declared.verifier_keys.iter().take(MAX_KEYS) {
            let id = key_id(key);
            label(page, top.saturating_add(26), &format!("key {id}"));
            if let Some(said) = self.policy.key(key) {
                self.write_span(page, said, top);
            }
            let signed = self.log.timeline.keys().find(|(signer, _)| *signer == id);
            if let Some((_, signed)) = signed {
                let title = format!(
                    "signed {} segments, from {} to {}",
                    signed.segments, signed.first, signed.last
                );
                let rows = (top.saturating_add(8), 20);
                rect(
                    page,
                    "signed",
                    self.across(signed.sealed),
                    rows,
                    Some(&title),
                );
            }
            top = top.saturating_add(44);
        }
    }

    /// From when to when the policy lets a key sign, and when it was lost or compromised.
    fn write_span(&self, page: &mut Markup, said: &KeyPolicy, top: i64) {
        let until = said.retired_at.unwrap_or(self.time.until());
        let title = match said.retired_at {
            Some(retired) => format!("may sign from {} to {}", said.valid_from, retired),
            None => format!("may sign from {}", said.valid_from),
        };
        if said.valid_from < self.time.until() && until > self.time.from() {
            let span = Period {
                from: said.valid_from,
                until: until.max(said.valid_from),
            };
            rect(page, "span", self.across(span), (top, 36), Some(&title));
        }
        let compromised = said.compromised.as_ref().map(|one| one.at);
        for (at, what) in [(said.lost_at, "lost"), (compromised, "compromised")] {
            if let Some(at) = at {
                let (x, bottom) = (self.time.at(at), top.saturating_add(40));
                let title = format!("{what} at {at}");
                line(page, "lost-key", (x, top), (x, bottom), Some(&title));
            }
        }
    }

    fn write_axis(&self, page: &mut Markup, y: i64) {
        line(page, "axis", (LEFT, y), (RIGHT, y), None);
        let ticks = self.time.ticks(5);
        let last = ticks.len().saturating_sub(1);
        for (at, time) in ticks.into_iter().enumerate() {
            let x = self.time.at(time);
            line(page, "axis", (x, y), (x, y.saturating_add(10)), None);
            let class = match at {
                _ if at == last && at > 0 => "faint end",
                0 => "faint",
                _ => "faint middle",
            };
            text(
                page,
                class,
                (x, y.saturating_add(34)),
                &self.time.label(time),
            );
        }
    }

    /// The ends of locks over the time of writing, and what was declared.
    fn write_locks(&self, page: &mut Markup, top: i64) {
        let bottom = top.saturating_add(LOCKS_HEIGHT);
        let ends = self.lock_ends();
        let Some((from, until)) = ends.first().zip(ends.last()) else {
            return;
        };
        let scale = Scale::new(*from, *until, bottom, top.saturating_add(14));
        label(page, top.saturating_add(22), "locked until");
        line(page, "axis", (LEFT, bottom), (RIGHT, bottom), None);
        line(page, "axis", (LEFT, top), (LEFT, bottom), None);
        for (time, y) in [(*until, top.saturating_add(54)), (*from, bottom)] {
            text(page, "faint", (0, y), &scale.label(time));
        }
        for one in &self.stretches {
            let (Some(times), Some(kept)) = (one.times, one.kept_until) else {
                continue;
            };
            let (above, below) = (scale.at(kept.until), scale.at(kept.from));
            let rows = (
                above.saturating_sub(5),
                below.saturating_sub(above).max(0).saturating_add(10),
            );
            rect(page, "kept", self.across(times), rows, Some(&about(one)));
        }
        let points = self.required(&scale);
        page.empty("polyline", &[("class", "required"), ("points", &points)]);
        page.fixed("\n");
    }

    /// All ends of locks that are drawn, found and declared, in order.
    fn lock_ends(&self) -> Vec<Timestamp> {
        let found = self.stretches.iter().filter_map(|one| one.kept_until);
        let mut ends: Vec<_> = found.flat_map(|kept| [kept.from, kept.until]).collect();
        ends.extend(self.declared_ends().into_iter().map(|(_, end)| end));
        ends.sort_unstable();
        ends
    }

    /// What was declared for the times of the stretches.
    fn declared_ends(&self) -> Vec<(Timestamp, Timestamp)> {
        let spans = self.policy.lock_of(self.declared);
        let times = self.stretches.iter().filter_map(|one| one.times);
        let times = times.flat_map(|times| [times.from, times.until]);
        times.map(|time| (time, kept_until(spans, time))).collect()
    }

    fn required(&self, scale: &Scale) -> String {
        let mut points = String::new();
        for (time, end) in self.declared_ends() {
            // Writing to a string cannot fail.
            _ = write!(points, "{},{} ", self.time.at(time), scale.at(end));
        }
        points
    }

    /// Where a period begins, and how wide it is: wide enough to be seen.
    fn across(&self, period: Period) -> (i64, i64) {
        let (from, until) = (self.time.at(period.from), self.time.at(period.until));
        (from, until.saturating_sub(from).max(4))
    }
}

struct Gap {
    first: u64,
    last: u64,
    why: &'static str,
    count: u64,
}

struct Mark {
    code: &'static str,
    count: u64,
}

/// A silence is drawn where it ended.
const fn silent_until(fault: &Fault) -> Option<Timestamp> {
    if let Fault::SilenceExceeded { until, .. } = fault {
        Some(*until)
    } else {
        None
    }
}

/// A stretch in words.
fn about(one: &Stretch) -> String {
    let mut words = if one.first == one.last {
        format!("segment {}", one.first)
    } else {
        format!(
            "segments {} to {}, {} present",
            one.first, one.last, one.segments
        )
    };
    _ = write!(words, ", {} {}", one.entries, entries_word(one.entries));
    if one.sound < one.segments {
        let unsound = one.segments.saturating_sub(one.sound);
        _ = write!(words, ", {unsound} not sound");
    }
    if let Some(times) = one.times {
        _ = write!(
            words,
            ", from {} to {}",
            times.from.to_rfc3339(),
            times.until.to_rfc3339()
        );
    }
    if let Some(kept) = one.kept_until {
        _ = write!(words, ", locked until {}", kept.from.to_rfc3339());
    }
    words
}

fn label(page: &mut Markup, y: i64, words: &str) {
    text(page, "label", (0, y), words);
}

fn text(page: &mut Markup, class: &str, (x, y): (i64, i64), words: &str) {
    let (x, y) = (x.to_string(), y.to_string());
    page.element("text", &[("class", class), ("x", &x), ("y", &y)], words);
    page.fixed("\n");
}

fn line(page: &mut Markup, class: &str, from: (i64, i64), to: (i64, i64), title: Option<&str>) {
    let [x1, y1, x2, y2] = [from.0, from.1, to.0, to.1].map(|unit| unit.to_string());
    page.open(
        "line",
        &[
            ("class", class),
            ("x1", &x1),
            ("y1", &y1),
            ("x2", &x2),
            ("y2", &y2),
        ],
    );
    titled(page, title).close("line").fixed("\n");
}

fn rect(
    page: &mut Markup,
    class: &str,
    (x, width): (i64, i64),
    (y, height): (i64, i64),
    title: Option<&str>,
) {
    let [x, y, width, height] = [x, y, width, height].map(|unit| unit.to_string());
    page.open(
        "rect",
        &[
            ("class", class),
            ("x", &x),
            ("y", &y),
            ("width", &width),
            ("height", &height),
        ],
    );
    titled(page, title).close("rect").fixed("\n");
}

fn titled<'m>(page: &'m mut Markup, title: Option<&str>) -> &'m mut Markup {
    if let Some(title) = title {
        page.element("title", &[], title);
    }
    page
}

/// What hatches a gap; once a page.
pub(super) const HATCH: &str = "<svg class=\"hidden\" aria-hidden=\"true\"><defs><pattern id=\"hatch\" width=\"12\" height=\"12\" \
     patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\"><line x1=\"0\" y1=\"0\" x2=\"0\" y2=\"12\" \
     stroke=\"#8b949e\" stroke-width=\"5\"/></pattern></defs></svg>\n";

/// What the shapes and colours mean; once for the logs of a policy.
pub(super) const LEGEND: &str = "<ul class=\"legend\">\n\
     <li><svg class=\"swatch\" viewBox=\"0 0 14 10\"><rect class=\"segment\" width=\"14\" height=\"10\"/></svg>sound segments, ends of locks, time of signing</li>\n\
     <li><svg class=\"swatch\" viewBox=\"0 0 14 10\"><rect class=\"unsound\" width=\"14\" height=\"10\"/></svg>segments that are not sound</li>\n\
     <li><svg class=\"swatch\" viewBox=\"0 0 14 10\"><rect class=\"gap-missing\" width=\"14\" height=\"10\"/></svg>missing</li>\n\
     <li><svg class=\"swatch\" viewBox=\"0 0 14 10\"><rect class=\"gap-expired\" width=\"14\" height=\"10\"/></svg>expired</li>\n\
     <li><svg class=\"swatch\" viewBox=\"0 0 14 10\"><rect class=\"span\" width=\"14\" height=\"10\"/></svg>when a key may sign</li>\n\
     <li><span class=\"bad\">&#9650;</span> fault</li>\n<li><span class=\"warn\">&#9650;</span> acknowledged</li>\n\
     <li><span class=\"open\">&#9650;</span> undecided</li>\n<li><span class=\"muted\">&#9650;</span> note</li>\n\
     <li><svg class=\"swatch\" viewBox=\"0 0 14 10\"><line class=\"required\" x1=\"0\" y1=\"5\" x2=\"14\" y2=\"5\"/></svg>declared end of the lock</li>\n\
     </ul>\n";
