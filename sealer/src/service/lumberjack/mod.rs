//! A listener for the Lumberjack protocol of Beats and Logstash.

mod window;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use auditlog_chain::builder::Source;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::batch::{Batch, NotTaken};
use super::doors::{enter, keep};
use super::router::{Pending, Router};
use crate::listen::{Door, Seat, serve_each};
use window::Window;
use wire::{Arrived, Wire, WireError};

pub use wire::WindowRoom;

/// Connections at a time. Stops idle ones from taking all file handles.
const MAX_CONNECTIONS: usize = 1000;

/// Between two offers of what a log does not take now.
const RETRY: Duration = Duration::from_millis(100);

/// One listener.
pub struct LumberjackInput {
    /// What routes call it.
    pub name: String,
    /// The name in the log of a sender without a certificate.
    pub source: Option<Source>,
    /// Where connections come in.
    pub door: Door,
    /// The member of each event that no other event has, beside `@metadata._id`.
    pub event_id: Option<String>,
    /// Where events go.
    pub router: Arc<Router>,
    /// Memory for windows.
    pub room: WindowRoom,
    /// Called with why a connection was closed.
    pub notify: Arc<dyn Fn(&str) + Send + Sync>,
}

/// Why a connection is closed.
#[derive(Debug, thiserror::Error)]
enum Closed {
    #[error(transparent)]
    Wire(#[from] WireError),
    #[error(transparent)]
    NotTaken(#[from] NotTaken),
    /// The service ends. The sender sends again.
    #[error("the service is ending")]
    Ending,
}

/// Takes windows until `ending` is true.
pub async fn serve_lumberjack(
    listener: TcpListener,
    input: Arc<LumberjackInput>,
    ending: watch::Receiver<bool>,
) {
    let seats = input.router.seats(&input.name, MAX_CONNECTIONS);
    let converse = |stream, ending, seat| converse(Arc::clone(&input), stream, ending, seat);
    let keep = keep(&input.router, &input.name, &input.door, ending.clone());
    tokio::join!(serve_each(listener, seats, ending, converse), keep);
}

async fn converse(
    input: Arc<LumberjackInput>,
    stream: TcpStream,
    ending: watch::Receiver<bool>,
    seat: Seat,
) {
    let entered = enter(&input.router, &input.name, &input.door, stream).await;
    let Some((stream, subject)) = entered else {
        return;
    };
    if subject.is_some() {
        seat.keep();
    }
    let source = subject.or_else(|| input.source.clone());
    let mut wire = Wire::new(stream, ending.clone());
    match input.take_all(&mut wire, source, &ending, &seat).await {
        Ok(()) | Err(Closed::Ending | Closed::Wire(WireError::BrokeOff | WireError::Ending)) => {}
        Err(why) => {
            input.router.count_refused(&input.name);
            (input.notify)(&why.to_string());
        }
    }
    if *ending.borrow() {
        wire.end().await;
    }
}

impl LumberjackInput {
    /// Takes what comes over one connection, window by window. Where the service ends, what is whole is taken, and acknowledged.
    async fn take_all(
        &self,
        wire: &mut Wire,
        source: Option<Source>,
        ending: &watch::Receiver<bool>,
        seat: &Seat,
    ) -> Result<(), Closed> {
        while let Some(arrived) = wire
            .next_window(&self.room, self.event_id.as_deref())
            .await?
        {
            seat.keep();
            let Arrived { window, .. } = &arrived;
            let (version, sequence) = (window.version, window.sequence);
            let taken = self.take(arrived, source.as_ref(), ending);
            wire.while_alive(version, taken).await??;
            wire.acknowledge(version, sequence).await?;
        }
        Ok(())
    }

    /// Takes all parts of a window. It returns once all of them are safe.
    async fn take(
        &self,
        arrived: Arrived,
        source: Option<&Source>,
        ending: &watch::Receiver<bool>,
    ) -> Result<(), Closed> {
        let Arrived { window, .. } = arrived;
        let mut pending = Vec::new();
        for batch in batches(window, source) {
            pending.push(self.offer(batch, ending).await?);
        }
        for pending in pending {
            pending.answer().await?;
        }
        Ok(())
    }

    /// Offers a part, for as long as it takes: meanwhile nothing is read from this sender, and it gets no acknowledgement.
    async fn offer(&self, batch: Batch, ending: &watch::Receiver<bool>) -> Result<Pending, Closed> {
        loop {
            match self.router.offer(&self.name, batch.clone()).await {
                Err(NotTaken::Later { .. }) if *ending.borrow() => return Err(Closed::Ending),
                Err(NotTaken::Later { .. }) => tokio::time::sleep(RETRY).await,
                offered => return Ok(offered?),
            }
        }
    }
}

fn batches(window: Window, source: Option<&Source>) -> impl Iterator<Item = Batch> {
    let (naming, source) = (window.naming(), source.cloned());
    let parts = window.into_parts().into_iter();
    parts.map(move |(name, lines)| Batch {
        source: source.clone(),
        name,
        naming,
        lines,
        ..Batch::default()
    })
}
