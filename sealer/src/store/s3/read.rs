//! Reading one object, whole.

use auditlog_chain::limits::MAX_OBJECT_BYTES;

use super::Bucket;
use crate::error::{AwsFault, Error, StoreError};

const GET_OBJECT: &str = "S3 GetObject";

/// How often an object is read whose body breaks off.
const READ_ATTEMPTS: u32 = 3;

impl Bucket {
    /// Reads an object. Of its body, the SDK bounds no time and repeats nothing; here both are as for any other call.
    pub(super) async fn object(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        let reading = async {
            for _ in 1..READ_ATTEMPTS {
                match self.read_once(key).await? {
                    Some(Err(_)) => {}
                    Some(Ok(whole)) => return Ok(Some(whole)),
                    None => return Ok(None),
                }
            }
            Ok(self.read_once(key).await?.transpose()?)
        };
        let read = tokio::time::timeout(self.patience, reading).await;
        read.unwrap_or_else(|_| Err(AwsFault::timed_out(GET_OBJECT, self.place.url(key)).into()))
    }

    /// The object, if there is one, and if its body does not break off.
    async fn read_once(&self, key: &str) -> Result<Option<Result<Vec<u8>, AwsFault>>, Error> {
        let request = self.client.get_object().bucket(&self.place.bucket);
        let request = request.expected_bucket_owner(&self.place.account);
        let mut answer = match request.key(key).send().await {
            Ok(answer) => answer,
            Err(error) => {
                let fault = self.place.fault(GET_OBJECT, self.place.url(key), &error);
                let absent = fault.status() == 404 && fault.code() == "NoSuchKey";
                return if absent { Ok(None) } else { Err(fault.into()) };
            }
        };
        let mut bytes = Vec::new();
        loop {
            match answer.body.try_next().await {
                Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
                Ok(None) => return Ok(Some(Ok(bytes))),
                Err(error) => {
                    let broken = AwsFault::broken(GET_OBJECT, self.place.url(key), &error);
                    return Ok(Some(Err(broken)));
                }
            }
            if bytes.len() > MAX_OBJECT_BYTES {
                return Err(StoreError::ObjectTooLarge {
                    url: self.place.url(key),
                    limit: MAX_OBJECT_BYTES,
                }
                .into());
            }
        }
    }
}
