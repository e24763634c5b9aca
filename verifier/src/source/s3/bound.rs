//! No answer is read beyond what S3 sends. The SDK reads a listing, a setting or an error whole, so an answer without end would
//! fill the memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_sdk_s3::config::interceptors::BeforeDeserializationInterceptorContextMut;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_sdk_s3::primitives::SdkBody;
use http_body_util::{BodyExt as _, Limited};

/// Largest page of a listing, in bytes: 1,000 entries with the longest keys, each character percent-encoded, take half of it.
pub(super) const MAX_PAGE_BYTES: usize = 8 << 20;

/// Largest setting of a bucket or of an object, and largest error, in bytes.
pub(super) const MAX_ANSWER_BYTES: usize = 1 << 20;

/// Bounds the body of the answers to one request, over all of its attempts.
#[derive(Debug)]
pub(super) struct Bound {
    max_bytes: usize,
    read: Arc<AtomicU64>,
}

impl Bound {
    /// For answers of at most so many bytes.
    pub(super) fn of(max_bytes: usize) -> Self {
        Self::counted(max_bytes, &Arc::default())
    }

    /// The same, with each byte that is read counted.
    pub(super) fn counted(max_bytes: usize, read: &Arc<AtomicU64>) -> Self {
        Self {
            max_bytes,
            read: Arc::clone(read),
        }
    }

    fn around(&self, body: SdkBody) -> SdkBody {
        let read = Arc::clone(&self.read);
        let counted = body.map_frame(move |frame| {
            let bytes = frame.data_ref().map_or(0, |data| <[u8]>::len(data));
            read.fetch_add(u64::try_from(bytes).unwrap_or(u64::MAX), Ordering::Relaxed);
            frame
        });
        SdkBody::from_body_1_x(Limited::new(counted, self.max_bytes))
    }
}

impl Intercept for Bound {
    fn name(&self) -> &'static str {
        "Bound"
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let body = context.response_mut().body_mut();
        let whole = std::mem::replace(body, SdkBody::taken());
        *body = self.around(whole);
        Ok(())
    }
}
