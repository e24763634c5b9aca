//! `auditlog-verify TARGET --policy FILE`: verifies logs.

use std::path::PathBuf;
use std::time::Instant;

use auditlog_chain::timestamp::Timestamp;
use auditlog_verifier::cache::{KeptCache, NoCache};
use auditlog_verifier::page::read_latest;
use auditlog_verifier::progress::ProgressLine;
use auditlog_verifier::report::{NoReport, OfPolicy, Report, Several};
use auditlog_verifier::source::Source;
use auditlog_verifier::verify::{verify, verify_with_cache};

use super::apart::{self, Input};
use super::declaration::Declaration;
use super::groups::{CacheArguments, VerifyArguments};
use super::heads::keep_heads;
use super::kept::Way;
use super::kept_place::KeptPlace;
use super::outcome::Outcome;
use super::target;
use super::usage::Usage;
use super::written::{Reported, write};

/// Verifies what was asked for, by this machine's clock. With several trust policies, the worst exit code counts.
pub(super) fn run(arguments: &VerifyArguments, now: Timestamp) -> Result<Outcome, Usage> {
    check_apart(arguments)?;
    if let [only] = arguments.policies.as_slice() {
        let only = Declaration::read(only)?;
        return write(&arguments.report, || {
            let report = report(arguments, (&only, &[&only]), now)?;
            Ok(Reported::One(Box::new(report), &only))
        });
    }
    check_several(arguments)?;
    let policies = arguments.policies.iter();
    let read: Vec<_> = policies.map(|path| Declaration::read(path)).collect();
    write(&arguments.report, || {
        Ok(Reported::Several(several(arguments, &read, now)))
    })
}

/// Verifies one trust policy after the other. One that cannot be verified does not keep the others from it.
fn several<'p>(
    arguments: &VerifyArguments,
    read: &'p [Result<Declaration, Usage>],
    first: Timestamp,
) -> Several<'p> {
    let begun = Instant::now();
    let declared: Vec<&Declaration> = read.iter().flatten().collect();
    let one = |(path, one): (&PathBuf, &'p Result<Declaration, Usage>)| {
        // What takes hours must not be judged by the time at which the first one began.
        let elapsed = i64::try_from(begun.elapsed().as_secs()).unwrap_or(i64::MAX);
        let now = first.saturating_add_seconds(elapsed);
        let result = one.as_ref().map_err(Usage::clone).and_then(|one| {
            let report = report(arguments, (one, &declared), now)?;
            Ok((report, &one.policy))
        });
        OfPolicy {
            file: path.display().to_string(),
            result: result.map_err(|usage| without_report(usage, now)),
        }
    };
    Several(arguments.policies.iter().zip(read).map(one).collect())
}

fn without_report(usage: Usage, now: Timestamp) -> NoReport {
    usage.complain();
    let (error, hint) = (usage.message, usage.hint);
    NoReport { error, hint, now }
}

/// Refuses to write in the folder that is verified, and over what is read.
fn check_apart(arguments: &VerifyArguments) -> Result<(), Usage> {
    let target = arguments.place.target.as_deref();
    apart::check(
        target,
        "--pins",
        arguments.what.pins.as_ref().and_then(KeptPlace::path),
    )?;
    apart::check(
        target,
        "--cache",
        arguments.cache.place.as_ref().and_then(KeptPlace::path),
    )?;
    arguments.report.check_apart_from(target)?;
    let pins = arguments.what.pins.as_ref().and_then(KeptPlace::path);
    let cache = arguments.cache.place.as_ref().and_then(KeptPlace::path);
    let policies = arguments.policies.iter();
    let mut inputs: Vec<Input<'_>> = policies.map(|path| Input::File("--policy", path)).collect();
    inputs.extend(pins.map(|path| Input::File("--pins", path)));
    inputs.extend(cache.map(|path| Input::Folder("--cache", path)));
    arguments.report.check_apart_from_inputs(&inputs)
}

/// What cannot be asked of several trust policies at once.
fn check_several(arguments: &VerifyArguments) -> Result<(), Usage> {
    if arguments.what.logs.is_empty() {
        return Ok(());
    }
    let message = "--log names a log of one trust policy, and there are several";
    let hint = "leave out --log, or give the policy of this log alone";
    Err(Usage::new(message, hint))
}

fn report(
    arguments: &VerifyArguments,
    (declared, all): (&Declaration, &[&Declaration]),
    now: Timestamp,
) -> Result<Report, Usage> {
    let way = Way {
        declared: all,
        #[cfg(feature = "s3")]
        endpoint: &arguments.place.s3.endpoint,
        #[cfg(feature = "s3")]
        pins_bucket: &arguments.pins_bucket,
    };
    let kept = arguments.what.pins.as_ref().map(|place| way.pins(place));
    let kept = kept.transpose()?;
    let pins = kept.as_ref().map(|kept| kept.load());
    let pins = pins.transpose()?.unwrap_or_default();
    let source = target::open(&arguments.place, &declared.policy)?;
    let request = arguments.what.request(declared, now);
    let cache = cache_of(&arguments.cache, &way, &*source)?;
    let mut line = ProgressLine::new(Instant::now());
    let mut progress = |progress| line.show(progress, Instant::now());
    let report = match &cache {
        None => verify(&*source, &request, &pins, &mut progress),
        Some(_) if arguments.cache.full => {
            verify_with_cache(&*source, &request, &pins, &NoCache, &mut progress)
        }
        Some(cache) => verify_with_cache(&*source, &request, &pins, &**cache, &mut progress),
    };
    line.clear();
    if let Some(error) = cache.as_ref().and_then(|cache| cache.unread()) {
        let hint = "check what may be read there; the verdict does not depend on it";
        Usage::new(format!("{error}; everything is read again"), hint).note();
    }
    let mut report = report?;
    if let Some(kept) = &kept {
        keep_heads(&**kept, &mut report, &pins, cache.as_deref());
    }
    if arguments.report.has_page() {
        let skew = request.max_skew_seconds;
        read_latest(&mut report, &*source, request.policy, skew);
    }
    Ok(report)
}

/// The cache that was asked for. Only versions of a bucket cannot change under their names.
fn cache_of(
    arguments: &CacheArguments,
    way: &Way<'_>,
    source: &dyn Source,
) -> Result<Option<Box<dyn KeptCache>>, Usage> {
    let Some(place) = &arguments.place else {
        return Ok(None);
    };
    if !source.has_storage() {
        let message = "--cache needs a bucket: a file can change under its name";
        return Err(Usage::new(message, "leave out --cache to verify a folder"));
    }
    way.cache(place).map(Some)
}
