//! Whether a page of a listing arrived whole. `IsTruncated` comes before the entries, and the SDK takes a page that was cut
//! between two entries: the newest segments would be hidden.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_sdk_s3::config::interceptors::AfterDeserializationInterceptorContextRef;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;

/// Looks at the end of each answer to one request.
#[derive(Clone, Debug, Default)]
pub(super) struct Whole {
    last: Arc<AtomicBool>,
}

impl Whole {
    /// Whether the last answer was a page with its end, and nothing after it.
    pub(super) fn is_whole(&self) -> bool {
        self.last.load(Ordering::SeqCst)
    }
}

impl Intercept for Whole {
    fn name(&self) -> &'static str {
        "Whole"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let body = context.response().body().bytes().map(<[u8]>::trim_ascii);
        let text = body.map(String::from_utf8_lossy).unwrap_or_default();
        let mut ends = text.match_indices("</ListVersionsResult>");
        let first = ends.next().map(|(at, end)| at.saturating_add(end.len()));
        self.last.store(first == Some(text.len()), Ordering::SeqCst);
        Ok(())
    }
}
