//! Heartbeats over UDP: Fluentd sends a byte to the port of its events and waits for one.

use tokio::net::UdpSocket;
use tokio::sync::watch;

use crate::listen::ended;

/// Answers each heartbeat until `ending` is true.
pub async fn serve_heartbeats(socket: UdpSocket, mut ending: watch::Receiver<bool>) {
    let mut byte = [0; 1];
    loop {
        let received = tokio::select! {
            received = socket.recv_from(&mut byte) => received,
            () = ended(&mut ending) => return,
        };
        if let Ok((_, from)) = received {
            // An answer that is lost is asked for again.
            _ = socket.send_to(&[0], from).await;
        }
    }
}
