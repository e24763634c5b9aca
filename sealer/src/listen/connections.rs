//! Connections of one listener, no more than a stated number at a time.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

/// How long open connections may take when the service ends.
const END_PATIENCE: Duration = Duration::from_secs(20);

/// Hands each connection to `serve`, until `ending` is true. Returns when all of them have ended, or have had their time to.
pub async fn serve_each<F, Served>(
    listener: TcpListener,
    most: usize,
    mut ending: watch::Receiver<bool>,
    serve: F,
) where
    F: Fn(TcpStream, watch::Receiver<bool>) -> Served,
    Served: Future<Output = ()> + Send + 'static,
{
    let room = Arc::new(Semaphore::new(most));
    loop {
        let permit = tokio::select! {
            permit = Arc::clone(&room).acquire_owned() => permit,
            () = ended(&mut ending) => break,
        };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = ended(&mut ending) => break,
        };
        let Ok((stream, _)) = accepted else {
            // Such as too many open files: others end meanwhile.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let served = serve(stream, ending.clone());
        tokio::spawn(async move {
            served.await;
            drop(permit);
        });
    }
    drop(listener);
    let most = u32::try_from(most).unwrap_or(u32::MAX);
    _ = tokio::time::timeout(END_PATIENCE, room.acquire_many(most)).await;
}

/// Returns when the service ends.
pub(crate) async fn ended(ending: &mut watch::Receiver<bool>) {
    // Where nobody can say so any more, the service has ended.
    _ = ending.wait_for(|ending| *ending).await;
}
