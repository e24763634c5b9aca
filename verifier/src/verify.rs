//! The verification, step by step in the order of the rules in `docs/guides/verification.md` (V1 to V31).

use auditlog_chain::segment::FORMAT;

use crate::cache::{Cache, Document, LogCache, Piece, block_size};
use crate::conclude::{Found, conclude};
use crate::declared::check_declared;
use crate::explained::Explained;
use crate::log_plan::LogPlan;
use crate::look::{Read, Stretch, look_at};
use crate::looks::look_again;
use crate::merge::{Merged, finish};
use crate::pins::Pins;
use crate::progress::Progress;
use crate::range::log::Log;
use crate::range::result::RangeResult;
use crate::record::Record;
use crate::report::Report;
use crate::request::{Request, RequestError};
use crate::run::Run;
use crate::source::Source;
use crate::state::State;
use crate::survey::{Survey, choose_logs, survey};
use crate::target::Target;

/// Verifies the chosen logs. Whatever is found is in the report; progress goes to `progress`.
///
/// # Errors
///
/// Where the request does not fit the policy or the source. Nothing has been read then.
pub fn verify(
    source: &dyn Source,
    request: &Request<'_>,
    pins: &Pins,
    progress: &mut dyn FnMut(Progress),
) -> Result<Report, RequestError> {
    verify_by(source, request, pins, None, progress)
}

/// Verifies the chosen logs, and does not read again what an earlier run found nothing wrong with, where the pins name the cache
/// that says so. The verified heads have the caches for the next run. A source without versions has no cache.
///
/// # Errors
///
/// Where the request does not fit the policy or the source. Nothing has been read then.
pub fn verify_with_cache(
    source: &dyn Source,
    request: &Request<'_>,
    pins: &Pins,
    cache: &dyn Cache,
    progress: &mut dyn FnMut(Progress),
) -> Result<Report, RequestError> {
    let use_of = UseOf {
        cache,
        block_size: &block_size,
    };
    verify_by(source, request, pins, Some(&use_of), progress)
}

/// A cache, and how large its blocks are in a log with so many segments.
pub(crate) struct UseOf<'c> {
    pub(crate) cache: &'c dyn Cache,
    pub(crate) block_size: &'c dyn Fn(usize) -> u64,
}

pub(crate) fn verify_by(
    source: &dyn Source,
    request: &Request<'_>,
    pins: &Pins,
    cache: Option<&UseOf<'_>>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Report, RequestError> {
    // V2: the logs to verify.
    let chosen = choose_logs(source, request)?;
    let mut record = Record::default();
    // V1: the declaration, at this time.
    check_declared(request, &chosen, &mut record)?;
    // V4, V5: the plan; every object is accounted for. A store that does not list gets no other request.
    let explained = Explained::new(request.policy);
    let survey = survey(source, request, &chosen, pins, &explained, &mut record);
    let (mut logs, mut ends) = (Vec::new(), Vec::new());
    let mut begun = request.now;
    let mut cached_segments = None;
    if let Some(survey) = &survey {
        begun = survey.moments.begun;
        ends = survey.plans.iter().map(LogPlan::ends).collect();
        // V6 to V19, V21 to V23, A1 to A8: the logs, and beside them how the bucket is configured.
        let known = (pins, &explained, cache);
        let (state, (merged, cached)) = State::beside(source, || {
            look_at_logs(source, request, survey, known, progress)
        });
        (logs, cached_segments) = (merged, cached);
        // V20, V29: the bucket and the clock.
        state.judge(request, survey.moments.ended, &mut record);
    }
    // V27, V28: the verdict.
    let found = Found {
        record,
        logs,
        begun,
        run: Run::Whole { cached_segments },
    };
    let mut report = conclude(&Target::of(source), request, &chosen, found);
    for (log, ends) in report.logs.iter_mut().zip(ends) {
        log.ends = ends;
    }
    Ok(report)
}

/// Each log from its beginning, and how many segments were not read again.
fn look_at_logs(
    source: &dyn Source,
    request: &Request<'_>,
    survey: &Survey<'_>,
    known: (&Pins, &Explained<'_>, Option<&UseOf<'_>>),
    progress: &mut dyn FnMut(Progress),
) -> (Vec<Merged>, Option<u64>) {
    let (pins, explained, cache) = known;
    let (has_storage, moments) = (source.has_storage(), survey.moments);
    // What has no versions can change under its name.
    let cache = cache.filter(|_| has_storage);
    let plans = survey.plans.iter();
    let logs = plans.map(|plan| Log::new(request, moments, has_storage, plan.log, pins, explained));
    let logs: Vec<Log<'_>> = logs.collect();
    let all = logs.iter().zip(&survey.plans);
    let divided = all.map(|(log, plan)| Divided::of(source, (log, plan), pins, cache));
    let mut divided: Vec<Divided<'_>> = divided.collect();
    let cached = divided.iter().map(Divided::cached_segments).sum();
    let stretches = divided.iter_mut().flat_map(Divided::stretches).collect();
    let mut read = look_at(source, request.workers, stretches, progress).into_iter();
    let all = divided.into_iter().zip(&survey.plans);
    let merged = all.map(|(log, plan)| log.merge(&mut read, plan)).collect();
    (merged, cache.map(|_| cached))
}

/// A log, divided into what is known of it already and what has to be read.
struct Divided<'p> {
    log: &'p Log<'p>,
    pieces: Vec<(Piece<'p>, Option<RangeResult<'p>>)>,
    cache: Option<LogCache>,
}

impl<'p> Divided<'p> {
    fn of(
        source: &dyn Source,
        (log, plan): (&'p Log<'p>, &'p LogPlan<'p>),
        pins: &Pins,
        cache: Option<&UseOf<'_>>,
    ) -> Self {
        // Nobody can read a format that this program does not know.
        let is_known = plan.log.format == FORMAT;
        let mut cache = cache
            .filter(|_| is_known)
            .map(|used| used.of_log(log, plan, pins));
        let mut pieces = match &mut cache {
            Some(cache) => cache.pieces(log, &plan.slots),
            None if is_known => vec![Piece::of_all(&plan.slots)],
            None => Vec::new(),
        };
        look_again(source, log, &mut pieces);
        let with_range = |piece: Piece<'p>| {
            let range = piece.range(log);
            (piece, range)
        };
        let pieces = pieces.into_iter().map(with_range).collect();
        Self { log, pieces, cache }
    }

    fn cached_segments(&self) -> u64 {
        let known = self.pieces.iter().filter(|(_, range)| range.is_some());
        known.map(|(piece, _)| piece.segments()).sum()
    }

    /// What has to be read. A log that is one piece is read from its beginning; of a part of it, nobody knows yet what is before.
    fn stretches(&mut self) -> Vec<Stretch<'p>> {
        let begin = if self.cache.is_some() {
            RangeResult::anywhere
        } else {
            RangeResult::at_beginning
        };
        let unknown = self.pieces.iter_mut().filter(|(_, range)| range.is_none());
        let log = self.log;
        let stretch = |(piece, _): &mut (Piece<'p>, _)| Stretch {
            range: begin(log),
            slots: piece.take_slots(),
            read: Read::All,
        };
        unknown.map(stretch).collect()
    }

    /// Puts together what was known and what was read.
    fn merge(
        mut self,
        read: &mut dyn Iterator<Item = RangeResult<'p>>,
        plan: &'p LogPlan<'p>,
    ) -> Merged {
        let mut whole: Option<RangeResult<'p>> = None;
        for (piece, known) in self.pieces {
            let Some(range) = known.or_else(|| read.next()) else {
                continue;
            };
            let Some(cache) = &mut self.cache else {
                whole = Some(range);
                continue;
            };
            cache.keep(piece, &range);
            let so_far = whole.get_or_insert_with(|| RangeResult::at_beginning(self.log));
            so_far.append(range);
        }
        let whole = whole.unwrap_or_else(|| RangeResult::at_beginning(self.log));
        let mut merged = finish(whole, &plan.left_out);
        merged.cache = self.cache.map(|cache| cache.into_file(self.log));
        merged
    }
}

impl UseOf<'_> {
    /// What the cache holds of a log, where the pins say so.
    fn of_log(&self, log: &Log<'_>, plan: &LogPlan<'_>, pins: &Pins) -> LogCache {
        let origin = &plan.log.origin;
        let old = pins.cache_of(origin).and_then(|digest| {
            let bytes = self.cache.load(digest)?;
            Document::read(&bytes, digest, origin, log.moments.ended)
        });
        LogCache::new(old, (self.block_size)(plan.slots.len()))
    }
}
