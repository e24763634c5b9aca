//! Ctrl-C and SIGTERM.

use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::thread;

use auditlog_sealer::error::{Error, MachineError};
use auditlog_sealer::input::Message;

/// What the thread that handles signals shares with the run.
#[derive(Default)]
pub(crate) struct Signals {
    /// The person wants to stop.
    pub(crate) interrupted: AtomicBool,
    /// The summary is out: from here on the exit status is what the run makes it, or the same input would be given again.
    pub(crate) over: AtomicBool,
}

/// Hears Ctrl-C and SIGTERM. The first one stops the reading; the second one ends the process at once: what was accepted
/// is in the spool.
pub(crate) fn listen(signals: &Arc<Signals>, input: Sender<Message>) -> Result<(), Error> {
    use tokio::signal::unix::{SignalKind, signal};
    let failed = MachineError::NoSignals;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(failed)?;
    let (mut interrupt, mut terminate) = {
        let _inside = runtime.enter();
        (
            signal(SignalKind::interrupt()).map_err(failed)?,
            signal(SignalKind::terminate()).map_err(failed)?,
        )
    };
    let signals = Arc::clone(signals);
    thread::spawn(move || {
        runtime.block_on(async {
            loop {
                let status = tokio::select! {
                    _ = interrupt.recv() => 130,
                    _ = terminate.recv() => 143,
                };
                let again = signals.interrupted.swap(true, Ordering::SeqCst);
                if again && !signals.over.load(Ordering::SeqCst) {
                    process::exit(status);
                }
                // A run that is past its input no longer handles it; it is about to end anyway.
                _ = input.send(Message::Interrupt);
            }
        });
    });
    Ok(())
}
