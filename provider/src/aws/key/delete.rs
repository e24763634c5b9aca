//! Schedules the deletion of a key.

use super::BUSY;
use super::read::{deletion, find};
use crate::aws::clients::Clients;
use crate::error::Error;

/// Schedules the key's deletion. A key that is gone or going already is well.
///
/// # Errors
/// What KMS said.
pub async fn schedule_deletion(
    clients: &Clients,
    key: &str,
    window_days: u32,
) -> Result<(), Error> {
    const OPERATION: &str = "ScheduleKeyDeletion";
    let scheduled = clients
        .settle(OPERATION, key, BUSY, || async {
            let request = clients.kms.schedule_key_deletion().key_id(key);
            let window = i32::try_from(window_days).ok();
            let answer = request.set_pending_window_in_days(window).send().await;
            answer
                .map(drop)
                .map_err(|error| Error::call(OPERATION, key, &error))
        })
        .await;
    match scheduled {
        Err(error) if error.code() == Some("NotFoundException") => Ok(()),
        // the answer to an earlier attempt was lost
        Err(error) if error.code() == Some("KMSInvalidStateException") => {
            match find(clients, key).await? {
                Some(metadata) if deletion(&metadata).is_none() => Err(error),
                _ => Ok(()),
            }
        }
        done => done,
    }
}
