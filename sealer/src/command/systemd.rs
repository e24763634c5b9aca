//! What a service manager is told: that the service is ready, that it goes round, and that it ends (`sd_notify(3)`).

use std::env;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use auditlog_sealer::error::Cause;
use auditlog_sealer::service::{Part, Router};
use tokio::time::sleep;

/// Between two looks at the logs before the service is ready.
const LOOK: Duration = Duration::from_millis(100);

/// How often a start that is not over asks for two minutes more.
const EXTEND: Duration = Duration::from_secs(30);

/// A service manager that has asked to be told.
pub(super) struct Manager {
    socket: UnixDatagram,
    at: PathBuf,
    watchdog: Option<Duration>,
}

impl Manager {
    /// The one that the environment names, if there is one.
    pub(super) fn found() -> Option<Self> {
        let at = env::var_os("NOTIFY_SOCKET").filter(|path| !path.is_empty())?;
        let micros = env::var("WATCHDOG_USEC").ok();
        let micros = micros.and_then(|text| text.parse().ok());
        Some(Self {
            socket: UnixDatagram::unbound().ok()?,
            at: at.into(),
            watchdog: micros.map(Duration::from_micros),
        })
    }

    fn say(&self, text: &str) {
        // A manager that has ended receives nothing.
        _ = self.socket.send_to(text.as_bytes(), &self.at);
    }

    /// Says that the service is ready once each log has found its head, or waits for somebody to mend something; then that it is alive,
    /// for as long as the thread of each log goes round.
    pub(super) async fn keep(self: Arc<Self>, router: Arc<Router>) {
        let has_started = || {
            router.logs().iter().all(|log| {
                let trouble = log.status.trouble_of(Part::Accepting);
                trouble.is_none_or(|trouble| trouble.cause != Cause::Start)
            })
        };
        self.starts(has_started, EXTEND).await;
        let Some(watchdog) = self.watchdog else {
            return;
        };
        loop {
            let logs = router.logs();
            if logs.iter().all(|log| log.status.is_alive(watchdog)) {
                self.say("WATCHDOG=1");
            }
            sleep(watchdog / 4).await;
        }
    }

    /// Says that the service is ready, once it is. Until then, it asks for more time: a spool of a long outage takes longer to read than a
    /// manager waits, which would start it again and again.
    async fn starts(&self, has_started: impl Fn() -> bool, pause: Duration) {
        let mut asked = Instant::now();
        while !has_started() {
            if asked.elapsed() >= pause {
                self.say("EXTEND_TIMEOUT_USEC=120000000");
                asked = Instant::now();
            }
            sleep(LOOK).await;
        }
        self.say("READY=1");
    }

    /// Says that the service ends.
    pub(super) fn stopping(&self) {
        self.say("STOPPING=1");
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn start_that_takes_long_asks_for_more_time() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().join("notify");
        let heard = UnixDatagram::bind(&at).unwrap();
        let manager = Manager {
            socket: UnixDatagram::unbound().unwrap(),
            at,
            watchdog: None,
        };
        let looks = Cell::new(0);
        let has_started = || looks.replace(looks.get() + 1) == 2;
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_time().build().unwrap();
        runtime.block_on(manager.starts(has_started, Duration::ZERO));
        let next = || {
            let mut bytes = [0; 64];
            let length = heard.recv(&mut bytes).unwrap();
            String::from_utf8_lossy(&bytes[..length]).into_owned()
        };
        let more = "EXTEND_TIMEOUT_USEC=120000000";
        assert_eq!([next(), next(), next()], [more, more, "READY=1"]);
    }
}
