//! Pins the heads of a report, and keeps the caches that the pins name.

use auditlog_chain::hash::Hash;
use auditlog_verifier::cache::KeptCache;
use auditlog_verifier::head::{CacheFile, VerifiedHead};
use auditlog_verifier::pins::{KeptPins, Pins, PinsError, Taken};
use auditlog_verifier::report::{LogReport, Report};

use super::usage::Usage;

/// Pins the head of each log that verified. The report takes in what comes of it. `seen` are the pins that the run had read.
pub(super) fn keep_heads(
    kept: &dyn KeptPins,
    report: &mut Report,
    seen: &Pins,
    cache: Option<&dyn KeptCache>,
) {
    let heads = report.logs().iter().filter_map(LogReport::verified);
    let mut heads: Vec<_> = heads.cloned().collect();
    if heads.is_empty() {
        return;
    }
    // Before the pins name it: after a crash, they name the one before, which is still there.
    if let Some(cache) = cache {
        for head in &mut heads {
            keep_cache(cache, head);
        }
    }
    match pin(kept, &heads, seen) {
        Ok(pinned) => {
            for (head, (taken, named)) in heads.iter().zip(pinned) {
                report.take_in(head.origin(), taken);
                if let Some(cache) = cache {
                    remove_unnamed(cache, head, seen, named);
                }
            }
        }
        Err(error) => {
            report.add_pins_not_kept(&error);
            if let Some(cache) = cache {
                remove_all_unnamed(cache, &heads, seen, kept);
            }
        }
    }
}

/// Removes what the pins do not name after they could not be written. They may have been written all the same, and the answer lost. Where they
/// cannot be read either, nobody knows what they name, and everything stays.
fn remove_all_unnamed(
    cache: &dyn KeptCache,
    heads: &[VerifiedHead],
    seen: &Pins,
    kept: &dyn KeptPins,
) {
    let Ok(pins) = kept.load() else { return };
    for head in heads {
        remove_unnamed(cache, head, seen, pins.cache_of(head.origin()));
    }
}

/// Removes what the pins do not name of a log: the cache that the run began with, and the one that it kept.
fn remove_unnamed(cache: &dyn KeptCache, head: &VerifiedHead, seen: &Pins, named: Option<Hash>) {
    let before = seen.cache_of(head.origin());
    let ours = head.cache().map(CacheFile::digest);
    let both = before.into_iter().chain(ours);
    for digest in both.filter(|digest| Some(*digest) != named) {
        cache.remove(digest);
    }
}

/// What became of each head, and the cache that the pins name for its log then.
fn pin(
    kept: &dyn KeptPins,
    heads: &[VerifiedHead],
    seen: &Pins,
) -> Result<Vec<(Taken, Option<Hash>)>, PinsError> {
    let mut pinned = Vec::new();
    kept.update(&mut |pins| {
        let mut take = |head: &VerifiedHead| (pins.take(head, seen), pins.cache_of(head.origin()));
        pinned = heads.iter().map(&mut take).collect();
    })?;
    Ok(pinned)
}

/// Keeps what the next run need not read again. Where that fails, the next run reads it, and the verdict is the same.
fn keep_cache(cache: &dyn KeptCache, head: &mut VerifiedHead) {
    let kept = head.cache().map(|file| cache.keep(file));
    if let Some(Err(error)) = kept {
        let hint = "make room there, or name another place with --cache";
        Usage::new(error.to_string(), hint).complain();
        head.forget_cache();
    }
}
