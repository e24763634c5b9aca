//! `auditlog-seal append`: what it was called for, before it begins.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use auditlog_chain::builder::{Level, Source};
use auditlog_chain::hash::leaf_hash;
use auditlog_chain::policy::{self, LogPolicy, S3Store, TrustPolicy, span_at};
use auditlog_chain::timestamp::Timestamp;
use auditlog_sealer::error::{Error, KeyError, MachineError, UsageError};
use auditlog_sealer::fencing::Fencing;
use auditlog_sealer::input::Input;
use auditlog_sealer::pins::read_pin;
use auditlog_sealer::seal::{KnownHead, Limits, Notice, Notify, Renewal, Sealer, Setup, may_sign};
use auditlog_sealer::spool::{LostInputs, Spool};
use auditlog_sealer::store::{Bucket, BucketSettings, Folder, Lock, LockSource, Store};
use auditlog_sealer::target::{
    Destination, declared_kms_keys, destination_of_policy, log_of_policy, log_without_policy,
    read_policy,
};
use aws_lc_rs::rand;

use super::arguments::{AppendArguments, Now};
use super::aws::LazyAws;
use super::events::{Change, Events};
use super::keys::Signers;
use super::output::complain;
use super::report::notice;
use super::run::{Ended, MaxAge, Reported, Run};
use super::signals::{Signals, listen};

pub(crate) fn run(arguments: &AppendArguments, now: Now) -> Result<(), Error> {
    let Ended {
        spool,
        done,
        reported,
    } = append(arguments, now)?;
    // If we crash before this, or the disk is full, the next summary reports the same events again. All of them are sealed
    // or in the spool, so the exit status does not change.
    let kept = reported.map(|Reported { kept, of }| spool.reported_all_but(kept, of.as_ref()));
    if let Some(Err(unkept)) = kept {
        complain(&unkept);
    }
    done
}

/// What a sealer works with, as the options say.
pub(super) struct Prepared {
    pub(super) setup: Setup,
    pub(super) spool: Spool,
    pub(super) max_age: MaxAge,
}

/// What the options name: files that are there, and a key that may sign.
struct Named {
    policy: Option<Arc<TrustPolicy>>,
    log: LogPolicy,
    destination: Destination,
    signers: Signers,
    known_head: KnownHead,
    aws: LazyAws,
}

impl Named {
    fn of(arguments: &AppendArguments, now: Now) -> Result<Self, Error> {
        let policy = declared(arguments, now)?;
        let (log, destination) = target(arguments, policy.as_ref())?;
        must_be_elsewhere(arguments.spool.as_deref(), &log, &destination)?;
        let bucket = bucket_of(policy.as_ref());
        let mut aws = arguments
            .aws
            .lazy(bucket.map(|bucket| bucket.region.as_str()));
        Ok(Self {
            signers: Signers::of(arguments, policy.as_ref(), &log, &mut aws, now)?,
            known_head: known_head(arguments, &log)?,
            policy: policy.map(Arc::new),
            log,
            destination,
            aws,
        })
    }
}

/// Finds out all that the options ask for, but where the log ends. `events` is opened as soon as the options are known to be right.
fn prepare<T>(
    arguments: &AppendArguments,
    now: Now,
    events: impl FnOnce() -> Result<T, Error>,
) -> Result<(Prepared, T), Error> {
    prepare_with(arguments, now, Arc::new(notice), |_| events())
}

/// The same, with somebody who takes what a person should look at. `found` is called with the log as soon as the options are known to be right.
pub(super) fn prepare_with<T>(
    arguments: &AppendArguments,
    now: Now,
    notify: Notify,
    found: impl FnOnce(&LogPolicy) -> Result<T, Error>,
) -> Result<(Prepared, T), Error> {
    let Named {
        policy,
        log,
        destination,
        signers,
        known_head,
        mut aws,
    } = Named::of(arguments, now)?;
    let events = found(&log)?;
    let spool = open_spool(arguments, &log, &destination)?;
    let store = store(
        arguments,
        &destination,
        policy.as_deref(),
        &log,
        &spool,
        &mut aws,
        now,
    )?;
    if let Some(weak) = store.weak_default() {
        notify(Notice::WeakDefault(weak));
    }
    let max_age = max_age(arguments, &log, now);
    let setup = Setup {
        store,
        log,
        policy,
        signer: Arc::new(signers.now),
        previous: signers.previous.into_iter().map(Arc::new).collect(),
        clock: Arc::new(now),
        limits: Limits {
            events: arguments.max_segment_events,
            bytes: usize::try_from(arguments.max_segment_bytes).unwrap_or(usize::MAX),
            level: Level::new(arguments.compression_level).unwrap_or_default(),
        },
        fencing: fencing(arguments),
        known_head,
        notify,
    };
    let prepared = Prepared {
        setup,
        spool,
        max_age,
    };
    Ok((prepared, events))
}

/// What the options name now, for a sealer that runs. Where no key of the policy may sign now, the one that signs stays: it signs
/// nothing until another one may.
pub(super) fn renewal(
    arguments: &AppendArguments,
    now: Now,
    before: &Setup,
) -> Result<(Renewal, MaxAge), Error> {
    let policy = declared(arguments, now)?;
    let (log, _) = target(arguments, policy.as_ref())?;
    must_be_in_its_place(&log, before)?;
    let bucket = bucket_of(policy.as_ref());
    must_be_in_its_bucket(bucket, before)?;
    let region = bucket.map(|bucket| bucket.region.as_str());
    let mut aws = arguments.aws.lazy(region);
    let (signer, previous) = match Signers::of(arguments, policy.as_ref(), &log, &mut aws, now) {
        Ok(Signers { now, previous }) => (Arc::new(now), previous),
        Err(Error::Usage(UsageError::NoKey) | Error::Key(KeyError::NotValid { .. })) => {
            (Arc::clone(&before.signer), Vec::new())
        }
        Err(error) => return Err(error),
    };
    if let Some(policy) = &policy {
        let key = signer.verifier_key(&log.origin);
        match may_sign(policy, &log, &key, now()) {
            // The policy is right, and the key signs nothing.
            Ok(()) | Err(Error::Key(KeyError::NotValid { .. })) => {}
            Err(error) => return Err(error),
        }
    }
    let renewal = Renewal {
        lock: lock_source(arguments, policy.as_ref(), &log),
        signer,
        previous: previous.into_iter().map(Arc::new).collect(),
        policy: policy.map(Arc::new),
        log,
    };
    let ages = max_age(arguments, &renewal.log, now);
    Ok((renewal, ages))
}

/// A log that is stored elsewhere is another log for the spool.
fn must_be_in_its_place(log: &LogPolicy, before: &Setup) -> Result<(), Error> {
    let (expected, found) = (&before.log, log);
    let same = (&expected.origin, &expected.prefix) == (&found.origin, &found.prefix);
    if same && expected.format == found.format {
        return Ok(());
    }
    Err(UsageError::OtherPlace {
        expected: format!("{} under {}", expected.origin, expected.prefix),
        found: format!("{} under {}", found.origin, found.prefix),
    }
    .into())
}

fn bucket_of(policy: Option<&TrustPolicy>) -> Option<&S3Store> {
    let store = policy.and_then(|policy| policy.document().store.as_ref());
    store.map(policy::Store::s3)
}

/// The bucket was opened at the start, in its region and as that of its owner.
fn must_be_in_its_bucket(found: Option<&S3Store>, before: &Setup) -> Result<(), Error> {
    let expected = bucket_of(before.policy.as_deref());
    if found == expected {
        return Ok(());
    }
    let shown = |bucket: Option<&S3Store>| {
        bucket.map_or_else(
            || "no bucket".to_owned(),
            |bucket| {
                let S3Store {
                    bucket,
                    region,
                    account,
                } = bucket;
                format!("s3://{bucket} of {account} in {region}")
            },
        )
    };
    Err(UsageError::OtherStore {
        expected: shown(expected),
        found: shown(found),
    }
    .into())
}

/// The keys in KMS that the policy lets sign at a time: where they change, another one signs.
pub(super) fn keys_at(before: &Setup, now: Timestamp) -> Vec<String> {
    let policy = before.policy.as_deref();
    let keys = policy.map(|policy| declared_kms_keys(policy, &before.log, now));
    let keys = keys.into_iter().flatten();
    keys.map(str::to_owned).collect()
}

fn append(arguments: &AppendArguments, now: Now) -> Result<Ended, Error> {
    let source = source(arguments.source.as_deref())?;
    let open = || {
        let (events, name) = (arguments.events.as_deref(), arguments.input.name.clone());
        Ok(Events::open(events, name, change(arguments))?)
    };
    let (prepared, events) = prepare(arguments, now, open)?;
    let Prepared {
        setup,
        spool,
        max_age,
    } = prepared;
    let signals = Arc::new(Signals::default());
    let input = Input::start(events.reader);
    listen(&signals, input.sender())?;
    let sealer = Sealer::find(setup, spool)?;
    let most = usize::try_from(arguments.max_event_bytes).unwrap_or(usize::MAX);
    let mut run = Run::new(sealer, events.identity, source, now, max_age)?.with_events_of(most);
    if let Err(stopped) = run.finish_earlier() {
        return run.report_waiting(arguments.output, stopped);
    }
    let done = run.take_all(&input, &signals);
    let done = run.seal_what_was_accepted(done);
    Ok(run.report(arguments.output, &signals, done))
}

fn source(text: Option<&str>) -> Result<Option<Source>, Error> {
    let parse = |text: &str| {
        Source::parse(text).ok_or_else(|| {
            let expected =
                "a source of 1 to 255 characters of printable ASCII without quote and backslash";
            let found = text.to_owned();
            UsageError::Malformed { expected, found }.into()
        })
    };
    text.map(parse).transpose()
}

/// A spool among the segments of its log would be read as a part of it.
pub(super) fn must_be_elsewhere(
    spool: Option<&Path>,
    log: &LogPolicy,
    destination: &Destination,
) -> Result<(), Error> {
    let (Some(spool), Destination::Folder(folder)) = (spool, destination) else {
        return Ok(());
    };
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let (spool, folder) = (absolute(spool), absolute(folder));
    let of_log = folder.join(&log.prefix);
    if folder.starts_with(&spool) || spool.starts_with(&of_log) {
        let folder = of_log;
        return Err(UsageError::SpoolInLog { spool, folder }.into());
    }
    Ok(())
}

fn declared(arguments: &AppendArguments, now: Now) -> Result<Option<TrustPolicy>, Error> {
    let policy = arguments.policy.as_deref();
    policy.map(|path| read_policy(path, now())).transpose()
}

/// The log that the options name, and where it is stored. No key and no service is asked.
pub(super) fn named_log(
    arguments: &AppendArguments,
    now: Now,
) -> Result<(LogPolicy, Destination), Error> {
    target(arguments, declared(arguments, now)?.as_ref())
}

pub(super) fn target(
    arguments: &AppendArguments,
    policy: Option<&TrustPolicy>,
) -> Result<(LogPolicy, Destination), Error> {
    let to = arguments
        .to
        .as_deref()
        .map(Destination::parse)
        .transpose()?;
    if let Some(policy) = policy {
        let log = log_of_policy(policy, arguments.log.as_deref())?;
        let destination = destination_of_policy(policy, &log, to)?;
        return Ok((log, destination));
    }
    let to = to.ok_or(UsageError::NoDestination)?;
    let of_url = match &to {
        Destination::Bucket { prefix, .. } => prefix.as_deref(),
        Destination::Folder(_) => None,
    };
    let prefix = match (arguments.prefix.as_deref(), of_url) {
        (Some(one), Some(other)) if one != other => {
            return Err(UsageError::TwoPrefixes {
                to: other.to_owned(),
                prefix: one.to_owned(),
            }
            .into());
        }
        (given, of_url) => given.or(of_url),
    };
    // clap asks for an origin where there is no policy.
    let origin = arguments.origin.as_deref().unwrap_or_default();
    Ok((log_without_policy(origin, prefix)?, to))
}

/// What the options say of the head. A pin counts also where the spool knows the log.
pub(super) fn known_head(arguments: &AppendArguments, log: &LogPolicy) -> Result<KnownHead, Error> {
    let pins = arguments.pins.as_deref();
    let pin = pins.map(|pins| read_pin(pins, &log.origin)).transpose()?;
    Ok(match pin {
        Some(Some(head)) => KnownHead::Pinned(head),
        None | Some(None) if arguments.head_unknown => KnownHead::Unknown,
        Some(None) => KnownHead::NotPinned,
        None => KnownHead::Nothing,
    })
}

const fn change(arguments: &AppendArguments) -> Change {
    if arguments.input.changed {
        Change::Named
    } else {
        Change::Refused
    }
}

const fn lost_inputs(arguments: &AppendArguments) -> LostInputs {
    if arguments.input.unknown {
        LostInputs::Forget
    } else {
        LostInputs::Refuse
    }
}

const fn fencing(arguments: &AppendArguments) -> Fencing {
    if arguments.fenced {
        Fencing::ListVersions
    } else {
        Fencing::Condition
    }
}

/// What a spool says whose it is.
pub(super) fn spool_identity(log: &LogPolicy, destination: &Destination) -> String {
    let place = match destination {
        Destination::Folder(path) => std::path::absolute(path)
            .unwrap_or_else(|_| path.clone())
            .join(&log.prefix)
            .display()
            .to_string(),
        Destination::Bucket { name, .. } => format!("s3://{name}/{}", log.prefix),
    };
    format!("{} in {place}", log.origin)
}

fn open_spool(
    arguments: &AppendArguments,
    log: &LogPolicy,
    destination: &Destination,
) -> Result<Spool, Error> {
    let identity = spool_identity(log, destination);
    let folder = match &arguments.spool {
        Some(folder) => folder.clone(),
        None => default_spool(&identity)?,
    };
    let mut random = [0; 8];
    rand::fill(&mut random).map_err(|_| MachineError::NoRandomness)?;
    let name = format!("{:016x}", u64::from_be_bytes(random));
    Spool::open_with(&folder, &identity, &name, lost_inputs(arguments))
}

fn default_spool(identity: &str) -> Result<PathBuf, Error> {
    let set = |name| {
        env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let state = set("XDG_STATE_HOME").or_else(|| Some(set("HOME")?.join(".local/state")));
    let state = state.ok_or(UsageError::NoSpool)?;
    let hash = leaf_hash(identity.as_bytes()).to_hex();
    let (short, _) = hash.split_at_checked(32).unwrap_or((&hash, ""));
    Ok(state.join("auditlog/spool").join(short))
}

fn store(
    arguments: &AppendArguments,
    destination: &Destination,
    policy: Option<&TrustPolicy>,
    log: &LogPolicy,
    spool: &Spool,
    aws: &mut LazyAws,
    now: Now,
) -> Result<Arc<dyn Store>, Error> {
    let name = match destination {
        Destination::Folder(path) => return Ok(Arc::new(Folder::new(path, spool.writer()))),
        Destination::Bucket { name, .. } => name,
    };
    let declared_account = policy
        .and_then(|policy| policy.document().store.as_ref())
        .map(|store| store.s3().account.as_str());
    let account = declared_account.or(arguments.account.as_deref());
    let settings = BucketSettings {
        bucket: name,
        account: account.ok_or_else(|| UsageError::NoAccount {
            bucket: name.clone(),
        })?,
        lock: lock_source(arguments, policy, log),
        fencing: fencing(arguments),
    };
    let bucket = Bucket::open(aws.load()?, settings, Arc::new(now))?;
    Ok(Arc::new(bucket))
}

fn lock_source(
    arguments: &AppendArguments,
    policy: Option<&TrustPolicy>,
    log: &LogPolicy,
) -> LockSource {
    if let Some(policy) = policy {
        return LockSource::Policy {
            bucket: policy.document().lock.clone(),
            log: log.lock.clone(),
        };
    }
    match (arguments.lock_mode, arguments.retention_days) {
        (Some(mode), Some(retention_days)) => LockSource::Options(Lock {
            mode,
            retention_days,
        }),
        // clap asks for both or neither.
        _ => LockSource::Default,
    }
}

/// Half of the declared silence leaves as much again for the store and the key to come back.
fn max_age(arguments: &AppendArguments, log: &LogPolicy, now: Now) -> MaxAge {
    let span = span_at(&log.max_silence, now());
    let silence = span.map(|span| i64::try_from(span.seconds).unwrap_or(i64::MAX));
    let half = silence.map(|seconds| seconds.div_euclid(2).max(1));
    let asked = i64::from(arguments.max_segment_seconds);
    MaxAge {
        open_seconds: half.map_or(asked, |half| asked.min(half)),
        silent_seconds: half,
    }
}
