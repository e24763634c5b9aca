//! `auditlog-seal run`: the service of one log.

use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use auditlog_sealer::error::{Error, MachineError};
use auditlog_sealer::seal::Sealer;
use auditlog_sealer::service::{Ages, HttpInput, Intake, Status, Writer, serve};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{oneshot, watch};

use super::append::{self, Prepared, prepare};
use super::arguments::{ConfigArguments, Now};
use super::config::Config;
use super::output::print;

/// Checks a configuration, and what it names. Nothing is written.
pub(crate) fn check(arguments: &ConfigArguments, now: Now) -> Result<(), Error> {
    let config = Config::read(&arguments.config)?;
    append::check(&config.append()?, now)?;
    print("the configuration is valid\n")
}

pub(crate) fn run(arguments: &ConfigArguments, now: Now) -> Result<(), Error> {
    let config = Config::read(&arguments.config)?;
    let (prepared, ()) = prepare(&config.append()?, now, || Ok(()))?;
    let (intake, offers) = Intake::new();
    let status = Arc::new(Status::new(prepared.setup.log.origin.as_str()));
    let input = Arc::new(HttpInput {
        tokens: config.tokens()?,
        intake,
        status: Arc::clone(&status),
    });
    let clock = Arc::clone(&prepared.setup.clock);
    let (ack, spool_max) = (config.ack(), config.spool_max());
    let Prepared {
        setup,
        spool,
        max_age,
    } = prepared;
    let ending = Arc::new(AtomicBool::new(false));
    let is_ending = Arc::clone(&ending);
    let (tell, told) = oneshot::channel();
    let write = move || {
        let sealer = Sealer::find(setup, spool);
        let sealer = sealer.and_then(|mut sealer| {
            sealer.take_up_earlier()?;
            Ok(sealer)
        });
        let done = sealer.and_then(|sealer| {
            let writer = Writer {
                sealer,
                offers,
                ages: Ages {
                    open_seconds: max_age.open_seconds,
                    silent_seconds: max_age.silent_seconds,
                },
                ack,
                spool_max,
                clock,
                status,
                ending: is_ending,
            };
            writer.run()
        });
        // A service that was stopped in another way has ended.
        _ = tell.send(done);
    };
    let builder = thread::Builder::new().name("chain".to_owned());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(MachineError::NoThread)?;
    runtime.block_on(async {
        let listen = config.http.listen;
        let listener = TcpListener::bind(listen).await;
        let listener = listener.map_err(|source| MachineError::NoPort { listen, source })?;
        builder.spawn(write).map_err(MachineError::NoThread)?;
        until_it_ends(listener, input, &ending, told).await
    })
}

/// Serves until a signal comes or the log has stopped.
async fn until_it_ends(
    listener: TcpListener,
    input: Arc<HttpInput>,
    is_ending: &AtomicBool,
    mut told: oneshot::Receiver<Result<(), Error>>,
) -> Result<(), Error> {
    let failed = MachineError::NoSignals;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let (end, ending) = watch::channel(false);
    let serving = tokio::spawn(serve(listener, input, ending));
    let early = tokio::select! {
        _ = interrupt.recv() => None,
        _ = terminate.recv() => None,
        done = &mut told => Some(done),
    };
    _ = end.send(true);
    tokio::spawn(async move {
        let status = tokio::select! {
            _ = interrupt.recv() => 130,
            _ = terminate.recv() => 143,
        };
        process::exit(status);
    });
    // All that was accepted is on the disk, so a listener that failed loses nothing.
    _ = serving.await;
    is_ending.store(true, Ordering::SeqCst);
    let done = match early {
        Some(done) => done,
        None => told.await,
    };
    done.unwrap_or_else(|_| Err(MachineError::Stopped.into()))
}
