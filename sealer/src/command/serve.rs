//! `auditlog-seal run`: the service.

use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use auditlog_sealer::error::{Error, MachineError};
use auditlog_sealer::level::Level;
use auditlog_sealer::service::{Destination, Intake, Router, Status};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::arguments::{ConfigArguments, Now};
use super::config::Config;
use super::handles;
use super::input::FailedInput;
use super::journal::{Entry, OfLog, say, say_of_input, write_as};
use super::listeners::Listeners;
use super::one_log::{Ended, OneLog};
use super::output::{complain_in_keys, complain_of, print};
use super::secrets::{Before, Secrets};
use super::systemd::Manager;

/// Checks a configuration, and what it names. Nothing is written.
pub(crate) fn check(arguments: &ConfigArguments, now: Now) -> Result<(), Error> {
    let (config, mut mistakes) = Config::checked(&arguments.config)?;
    let mut failed = Vec::new();
    if let Some(config) = &config {
        failed = config.look_at_logs(&mut mistakes, now);
        for warning in config.look(&mut mistakes) {
            say(&Entry::new(Level::Warning, &warning));
        }
    }
    let last = failed.pop();
    failed.iter().for_each(complain_in_keys);
    if let Err(mistake) = mistakes.into_result() {
        last.iter().for_each(complain_in_keys);
        return Err(mistake);
    }
    last.map_or_else(|| print("the configuration is valid\n"), Err)
}

pub(crate) fn run(arguments: &ConfigArguments, now: Now) -> Result<(), Error> {
    let config = Arc::new(Config::read(&arguments.config)?);
    write_as(config.log_format, now);
    let ending = Arc::new(AtomicBool::new(false));
    let asked = Arc::new(AtomicU64::new(0));
    let (mut logs, mut destinations) = (Vec::new(), Vec::new());
    for log in &config.logs {
        let (intake, offers) = Intake::to_one_of(config.logs.len());
        let status = Arc::new(Status::new(log.name()));
        destinations.push(Destination {
            name: log.name().to_owned(),
            intake,
            status: Arc::clone(&status),
            max_event_bytes: log.max_event_bytes(),
            stored: log.ack.room(config.logs.len()),
        });
        let one = OneLog {
            label: (config.logs.len() > 1).then(|| log.name().to_owned()),
            arguments: config.append(log)?,
            ack: log.ack,
            spool_max: log.spool_max_bytes,
            names_hours: i64::from(log.names_hours),
            offers,
            status,
            ending: Arc::clone(&ending),
            asked: Arc::clone(&asked),
            now,
        };
        // What somebody reads before the first attempt has it, too. An error is that of the first attempt.
        _ = one.find_origin();
        logs.push(one);
    }
    let router = Router::new(destinations, config.routes());
    let connections = handles::of_each_listener(handles::raise(), config.listeners());
    let router = router.with_connections(connections);
    let router = Arc::new(router.saying(|line| say(&Entry::of_line(line))));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(MachineError::NoThread)?;
    runtime.block_on(async {
        let before = Before::look(&config);
        let mut inputs = Listeners::bind(&config, &router, now)?;
        let guards = std::mem::take(&mut inputs.guards);
        let secrets = Secrets::new(config, before, guards, &router, Arc::clone(&asked));
        tokio::spawn(secrets.keep());
        let manager = Manager::found().map(Arc::new);
        let keeping = manager.as_ref().map(|manager| {
            let manager = Arc::clone(manager);
            tokio::spawn(manager.keep(Arc::clone(&router)))
        });
        drop(router);
        let (tell, told) = mpsc::unbounded_channel();
        for log in logs {
            log.start(tell.clone())?;
        }
        drop(tell);
        let stopping = || {
            manager.as_ref().inspect(|manager| manager.stopping());
            // It holds the way to the logs, which end when nobody has it.
            keeping.as_ref().inspect(|keeping| keeping.abort());
        };
        until_it_ends(inputs, &ending, asked, told, stopping).await
    })
}

/// Serves until a signal comes, or all logs have stopped or all inputs have ended.
async fn until_it_ends(
    inputs: Listeners,
    is_ending: &AtomicBool,
    asked: Arc<AtomicU64>,
    mut told: mpsc::UnboundedReceiver<Ended>,
    stopping: impl FnOnce(),
) -> Result<(), Error> {
    let failed = MachineError::NoSignals;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut hangup = signal(SignalKind::hangup()).map_err(failed)?;
    tokio::spawn(async move {
        while hangup.recv().await.is_some() {
            asked.fetch_add(1, Ordering::SeqCst);
        }
    });
    let (end, ending) = watch::channel(false);
    let mut serving = inputs.serve(&ending);
    let mut stopped = Stopped::default();
    let mut failed = None;
    tokio::select! {
        () = all_inputs(&mut serving, &mut failed) => {}
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        () = stopped.all(&mut told) => {}
    }
    stopping();
    _ = end.send(true);
    tokio::spawn(async move {
        let status = tokio::select! {
            _ = interrupt.recv() => 130,
            _ = terminate.recv() => 143,
        };
        process::exit(status);
    });
    // All that was accepted is on the disk, so a listener that failed loses nothing.
    all_inputs(&mut serving, &mut failed).await;
    is_ending.store(true, Ordering::SeqCst);
    stopped.all(&mut told).await;
    stopped.into_result().and(failed.map_or(Ok(()), Err))
}

/// Waits until all inputs have ended. One of several that fails says so at once.
async fn all_inputs(
    serving: &mut JoinSet<Result<(), Box<FailedInput>>>,
    failed: &mut Option<Error>,
) {
    while let Some(ended) = serving.join_next().await {
        let failed_input = match ended {
            Ok(Ok(())) => continue,
            Ok(Err(failed_input)) => failed_input,
            Err(_) => Box::new(FailedInput {
                name: "of an unknown name".to_owned(),
                error: MachineError::Stopped.into(),
            }),
        };
        let FailedInput { name, error } = *failed_input;
        let is_last = serving.is_empty();
        *failed = Some(if is_last {
            error
        } else {
            let message = format!("the input {name} has ended; the others go on");
            say_of_input(Level::Error, &name, &message);
            complain_of(&error, None, Some(&name));
            MachineError::InputEnded { input: name }.into()
        });
    }
}

/// The logs that have stopped, and why.
#[derive(Default)]
struct Stopped {
    last: Option<Error>,
}

impl Stopped {
    /// Waits until all logs have stopped. One of several that stops for a reason says so at once.
    async fn all(&mut self, told: &mut mpsc::UnboundedReceiver<Ended>) {
        while let Some(ended) = told.recv().await {
            let Ended {
                label,
                origin,
                done,
            } = ended;
            let Err(error) = done else {
                continue;
            };
            let error = match label {
                Some(log) => {
                    let of_log = Some(OfLog {
                        label: Some(&log),
                        origin: &origin,
                    });
                    say(&Entry {
                        log: of_log,
                        ..Entry::new(Level::Error, "it has stopped; the other logs go on")
                    });
                    complain_of(&error, of_log, None);
                    MachineError::LogStopped { log }.into()
                }
                None => error,
            };
            self.last = Some(error);
        }
    }

    fn into_result(self) -> Result<(), Error> {
        self.last.map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn input_that_has_panicked_has_failed() {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let failed = runtime.unwrap().block_on(async {
            let (mut serving, mut failed) = (JoinSet::new(), None);
            serving.spawn(async { panic!("as a bug does") });
            all_inputs(&mut serving, &mut failed).await;
            failed.unwrap().to_string()
        });
        assert_eq!(failed, "a thread of the service has ended unexpectedly");
    }

    #[test]
    fn input_that_fails_beside_others_ends_alone_and_is_named_at_the_end() {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let (ended, said) = runtime.unwrap().block_on(async {
            let (mut serving, mut failed) = (JoinSet::new(), None);
            let (end, mut ending) = watch::channel(false);
            serving.spawn(async {
                Err(Box::new(FailedInput {
                    name: "stdin".to_owned(),
                    error: MachineError::Stopped.into(),
                }))
            });
            serving.spawn(async move {
                _ = ending.wait_for(|ending| *ending).await;
                Ok(())
            });
            {
                let mut all = std::pin::pin!(all_inputs(&mut serving, &mut failed));
                // The other one goes on.
                for _ in 0..10 {
                    tokio::select! {
                        biased;
                        () = &mut all => panic!("all have ended"),
                        () = tokio::task::yield_now() => {}
                    }
                }
                end.send(true).unwrap();
                all.await;
            }
            (serving.is_empty(), failed.unwrap().to_string())
        });
        assert!(ended);
        assert_eq!(said, "the input stdin had ended");
    }
}
