//! `auditlog-seal append`: from lines to segments.

use std::env;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use auditlog_chain::builder::{Source, StoredPayload};
use auditlog_chain::hash::leaf_hash;
use auditlog_chain::policy::{self, LockSpan, LogPolicy, TrustPolicy, span_at};
use auditlog_chain::timestamp::Timestamp;
use auditlog_sealer::error::{Error, FileFault, InputError, MachineError, PolicyError, UsageError};
use auditlog_sealer::input::{Input, Lines, MAX_INPUT_LINE_BYTES, Message};
use auditlog_sealer::seal::{Fencing, Limits, Sealer, Setup};
use auditlog_sealer::spool::Spool;
use auditlog_sealer::store::{Bucket, DeclaredLock, Folder, Store};
use auditlog_sealer::target::{
    Destination, destination_of_policy, log_of_policy, log_without_policy, read_policy,
};
use aws_lc_rs::rand;

use super::report::{Progress, Summary};
use super::signals::{Signals, listen};
use super::{AppendArguments, LazyAws, Now, signer};

/// Longer than any input stays open.
const FOR_EVER: Duration = Duration::from_hours(24 * 365);

pub(crate) fn run(arguments: &AppendArguments, now: Now) -> Result<(), Error> {
    let (mut spool, ending) = append(arguments, now)?;
    // Between this and the exit status lies as little as can be: whoever is killed here is taken for not having ended, and
    // has forgotten how far it came.
    let (stopped, told) = match ending {
        Ending::Whole => return spool.forget_run(),
        Ending::Stopped(stopped, told) => (stopped, told),
    };
    let kept = match told {
        Told::Forget => spool.forget_run(),
        Told::Keep => spool.tell_run(),
        Told::Nothing => Ok(()),
    };
    if let Err(unkept) = kept {
        crate::complain(&unkept);
    }
    Err(stopped)
}

/// How a run has ended.
enum Ending {
    /// All that came is sealed, and told.
    Whole,
    /// Something stopped it.
    Stopped(Error, Told),
}

/// What the record of a run that was stopped becomes.
enum Told {
    /// The summary was seen, and what follows is another input.
    Forget,
    /// The summary was seen, and the same input may be given again.
    Keep,
    /// The next run counts on: an event is recovered once, and told once.
    Nothing,
}

fn append(arguments: &AppendArguments, now: Now) -> Result<(Spool, Ending), Error> {
    let source = source(arguments.source.as_deref())?;
    let policy = arguments.policy.as_deref().map(read_policy).transpose()?;
    let (log, destination) = target(arguments, policy.as_ref())?;
    let bucket = policy
        .as_ref()
        .and_then(|policy| policy.document().store.as_ref())
        .map(policy::Store::s3);
    let mut aws = arguments
        .aws
        .lazy(bucket.map(|bucket| bucket.region.as_str()));
    let signer_now = arguments.key.signer(&mut aws)?;
    let previous = signer(
        arguments.previous_key_file.as_deref(),
        arguments.previous_kms_key.as_deref(),
        &mut aws,
    )?;
    let events = open_events(arguments.events.as_deref())?;
    let spool = open_spool(arguments, &log, &destination)?;
    let store = store(
        arguments,
        &destination,
        policy.as_ref(),
        &log,
        &spool,
        &mut aws,
        now,
    )?;
    let max_age = max_age(arguments, &log, now);
    let setup = Setup {
        store: store.as_ref(),
        log,
        policy: policy.as_ref(),
        signer: &signer_now,
        previous: previous.as_ref(),
        clock: &now,
        limits: Limits {
            events: arguments.max_segment_events,
            bytes: usize::try_from(arguments.max_segment_bytes).unwrap_or(usize::MAX),
        },
        fencing: fencing(arguments),
    };
    let signals = Arc::new(Signals::default());
    let input = Input::start(events);
    listen(&signals, input.sender())?;
    let mut run = Run {
        sealer: Sealer::start(setup, spool)?,
        source,
        now,
        max_age,
        line: 0,
        to_skip: 0,
        skipped: 0,
    };
    if arguments.skip_recovered {
        let sealed = run.sealer.sealed();
        run.to_skip = sealed.recovered.saturating_add(sealed.told);
    } else {
        run.sealer.begin_input()?;
    }
    let done = run.take_all(&input, &signals);
    let done = run.seal_what_was_accepted(done);
    Ok(run.report(arguments, &signals, done))
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

fn target(
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

const fn fencing(arguments: &AppendArguments) -> Fencing {
    if arguments.fenced {
        Fencing::ListVersions
    } else {
        Fencing::Condition
    }
}

fn open_events(path: Option<&Path>) -> Result<Box<dyn io::Read + Send>, Error> {
    match path.filter(|path| *path != Path::new("-")) {
        None => Ok(Box::new(io::stdin())),
        Some(path) => {
            let unreadable = |source| {
                InputError::Unreadable(FileFault::of("the events cannot be read", path)(source))
            };
            let file = File::open(path).map_err(unreadable)?;
            if file.metadata().map_err(unreadable)?.is_dir() {
                return Err(unreadable(io::ErrorKind::IsADirectory.into()).into());
            }
            Ok(Box::new(file))
        }
    }
}

fn open_spool(
    arguments: &AppendArguments,
    log: &LogPolicy,
    destination: &Destination,
) -> Result<Spool, Error> {
    let place = match destination {
        Destination::Folder(path) => std::path::absolute(path)
            .unwrap_or_else(|_| path.clone())
            .join(&log.prefix)
            .display()
            .to_string(),
        Destination::Bucket { name, .. } => format!("s3://{name}/{}", log.prefix),
    };
    let identity = format!("{} in {place}", log.origin);
    let folder = match &arguments.spool {
        Some(folder) => folder.clone(),
        None => default_spool(&identity)?,
    };
    let mut random = [0; 8];
    rand::fill(&mut random).map_err(|_| MachineError::NoRandomness)?;
    let name = format!("{:016x}", u64::from_be_bytes(random));
    Spool::open(&folder, &identity, &name)
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
) -> Result<Box<dyn Store>, Error> {
    let name = match destination {
        Destination::Folder(path) => return Ok(Box::new(Folder::new(path, spool.writer()))),
        Destination::Bucket { name, .. } => name,
    };
    let declared = match policy {
        Some(policy) => Some(declared_lock(policy.lock_of(log), now)?),
        None => arguments
            .lock_mode
            .zip(arguments.retention_days)
            .map(|(mode, retention_days)| DeclaredLock {
                mode,
                retention_days,
            }),
    };
    let bucket = Bucket::open(
        aws.load()?,
        name,
        declared,
        fencing(arguments),
        Arc::new(now),
    )?;
    Ok(Box::new(bucket))
}

fn declared_lock(spans: &[LockSpan], now: Now) -> Result<DeclaredLock, Error> {
    let now = now();
    let first = spans.first().map_or(now, |span| span.from);
    match span_at(spans, now) {
        Some(span) if span.from <= now => Ok(DeclaredLock {
            mode: span.mode,
            retention_days: span.retention_days,
        }),
        _ => Err(PolicyError::NoSpan { now, first }.into()),
    }
}

/// What is sealed though it is not full.
#[derive(Clone, Copy)]
struct MaxAge {
    open_seconds: i64,
    silent_seconds: Option<i64>,
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

/// One run of `append`.
struct Run<'a> {
    sealer: Sealer<'a>,
    source: Option<Source>,
    now: Now,
    /// How old an open segment may become, and how long the log may be silent, in seconds.
    max_age: MaxAge,
    /// Lines of the input so far.
    line: u64,
    to_skip: u64,
    skipped: u64,
}

impl Run<'_> {
    fn take_all(&mut self, input: &Input, signals: &Signals) -> Result<(), Error> {
        let mut progress = Progress::new();
        loop {
            // What is there already is chained first and synced together.
            let message = if let Some(message) = input.poll() {
                message
            } else {
                self.sealer.accept()?;
                progress.show(self.sealer.accepted());
                self.seal_what_is_old()?;
                match input.wait(self.until_old()) {
                    Some(message) => message,
                    None => continue,
                }
            };
            if signals.interrupted.load(Ordering::SeqCst) {
                return Err(self.interrupted());
            }
            match message {
                Message::Lines(lines) => {
                    self.take(&lines)?;
                    input.recycle(lines);
                }
                Message::Interrupt => return Err(self.interrupted()),
                Message::LineTooLong => {
                    return Err(InputError::LineTooLong {
                        line: self.line.saturating_add(1),
                        limit: MAX_INPUT_LINE_BYTES,
                    }
                    .into());
                }
                Message::Failed(source) => {
                    let input = Path::new("the input");
                    let fault = FileFault::of("the events cannot be read", input)(source);
                    return Err(InputError::Unreadable(fault).into());
                }
                Message::End => return self.skipped_all(),
            }
        }
    }

    fn interrupted(&self) -> Error {
        if self.is_skipping() {
            return InputError::InterruptedEarly {
                expected: self.to_skip,
                found: self.skipped,
            }
            .into();
        }
        InputError::Interrupted { line: self.line }.into()
    }

    const fn is_skipping(&self) -> bool {
        self.skipped < self.to_skip
    }

    /// When something has to be sealed though no more events come.
    fn old_at(&self) -> Option<Timestamp> {
        let later = |time: Timestamp, seconds: i64| time.saturating_add_seconds(seconds);
        if let Some(opened) = self.sealer.opened() {
            return Some(later(opened, self.max_age.open_seconds));
        }
        let sealed = self.sealer.head().sealed?;
        Some(later(sealed, self.max_age.silent_seconds?))
    }

    fn until_old(&self) -> Duration {
        let micros = self.old_at().map(|old| {
            let left = old.as_micros().saturating_sub((self.now)().as_micros());
            u64::try_from(left).unwrap_or(0)
        });
        micros.map_or(FOR_EVER, Duration::from_micros)
    }

    fn seal_what_is_old(&mut self) -> Result<(), Error> {
        if self.old_at().is_some_and(|old| old <= (self.now)()) {
            self.sealer.heartbeat()?;
        }
        Ok(())
    }

    fn take(&mut self, lines: &Lines) -> Result<(), Error> {
        // One reading of the clock for a batch: its lines came together.
        let time = (self.now)();
        let bytes = lines.as_bytes();
        let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        for line in bytes.split(|byte| *byte == b'\n') {
            self.line = self.line.saturating_add(1);
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            if self.is_skipping() {
                self.skipped = self.skipped.saturating_add(1);
                continue;
            }
            if line.len() > MAX_INPUT_LINE_BYTES {
                return Err(InputError::LineTooLong {
                    line: self.line,
                    limit: MAX_INPUT_LINE_BYTES,
                }
                .into());
            }
            let payload = StoredPayload::event(line).map_err(|source| InputError::Refused {
                line: self.line,
                source,
            })?;
            self.sealer.append(&payload, self.source.as_ref(), time)?;
        }
        Ok(())
    }

    fn skipped_all(&self) -> Result<(), Error> {
        if self.is_skipping() {
            return Err(InputError::TooShort {
                expected: self.to_skip,
                found: self.skipped,
            }
            .into());
        }
        Ok(())
    }

    /// Whatever ended the reading, what came before it is sealed, unless sealing is what failed.
    fn seal_what_was_accepted(&mut self, done: Result<(), Error>) -> Result<(), Error> {
        match done {
            Ok(()) => {
                self.sealer.seal()?;
                if self.sealer.sealed().segments == 0 {
                    self.sealer.heartbeat()?;
                }
                Ok(())
            }
            Err(stopped) => {
                if stopped.is_of_the_input() {
                    self.sealer.seal()?;
                }
                Err(stopped)
            }
        }
    }

    fn report(
        self,
        arguments: &AppendArguments,
        signals: &Signals,
        done: Result<(), Error>,
    ) -> (Spool, Ending) {
        let summary = Summary::new(&self.sealer, self.skipped);
        let printed = summary.print(arguments.output);
        signals.over.store(true, Ordering::SeqCst);
        let ending = match (done, printed) {
            (Ok(()), Ok(())) => Ending::Whole,
            // Nobody has seen what was sealed: the next run tells it.
            (Ok(()), Err(untold)) => Ending::Stopped(untold, Told::Nothing),
            (Err(stopped), Err(untold)) => {
                crate::complain(&untold);
                Ending::Stopped(stopped, Told::Nothing)
            }
            (Err(stopped), Ok(())) => {
                let told = if summary.kept() > 0 || !stopped.is_of_the_input() {
                    Told::Nothing
                } else if self.is_skipping()
                    || matches!(&stopped, Error::Input(input) if input.is_interruption())
                {
                    Told::Keep
                } else {
                    Told::Forget
                };
                Ending::Stopped(stopped, told)
            }
        };
        (self.sealer.into_spool(), ending)
    }
}
