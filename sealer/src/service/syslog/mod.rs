//! A listener for syslog, over TCP or over RELP.

mod input;
mod relp;
mod tcp;
mod wire;

use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::doors::{enter, keep};
use crate::listen::{Seat, serve_each};
use input::Closed;
use wire::{Wire, WireError};

pub use input::{LargeMessages, SyslogInput, Transport};

/// Connections at a time. Stops idle ones from taking all file handles.
const MAX_CONNECTIONS: usize = 1000;

/// Takes messages until `ending` is true.
pub async fn serve_syslog(
    listener: TcpListener,
    input: Arc<SyslogInput>,
    ending: watch::Receiver<bool>,
) {
    let seats = input.router.seats(&input.name, MAX_CONNECTIONS);
    let converse = |stream, ending, seat| converse(Arc::clone(&input), stream, ending, seat);
    let keep = keep(&input.router, &input.name, &input.door, ending.clone());
    tokio::join!(serve_each(listener, seats, ending, converse), keep);
}

async fn converse(
    input: Arc<SyslogInput>,
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
    let source = subject.or_else(|| input.access.source.clone());
    let mut wire = Wire::new(stream, Arc::clone(&input.room.0), ending);
    let closed = match input.transport {
        Transport::Tcp => tcp::take_all(&input, &mut wire, source.as_ref(), &seat).await,
        Transport::Relp => relp::take_all(&input, wire, source.as_ref(), &seat).await,
    };
    match closed {
        Ok(()) | Err(Closed::Wire(WireError::BrokeOff)) => {}
        // The client sends again what was not answered.
        Err(Closed::Ending) if input.transport == Transport::Relp => {}
        Err(why) => {
            input.router.count_refused(&input.name);
            (input.notify)(&why.to_string());
        }
    }
}
