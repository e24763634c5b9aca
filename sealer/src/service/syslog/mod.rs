//! A listener for syslog, over TCP or over RELP.

mod input;
mod relp;
mod tcp;
mod wire;

use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::listen::serve_each;
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
    let converse = |stream, ending| converse(Arc::clone(&input), stream, ending);
    serve_each(listener, MAX_CONNECTIONS, ending, converse).await;
}

async fn converse(input: Arc<SyslogInput>, stream: TcpStream, ending: watch::Receiver<bool>) {
    let Some((stream, subject)) = input.door.enter(stream).await else {
        return;
    };
    let source = subject.or_else(|| input.access.source.clone());
    let mut wire = Wire::new(stream, Arc::clone(&input.room.0), ending);
    let closed = match input.transport {
        Transport::Tcp => tcp::take_all(&input, &mut wire, source.as_ref()).await,
        Transport::Relp => relp::take_all(&input, wire, source.as_ref()).await,
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
