//! Finds out that a listing broke off. The SDK reads the entries that are there, so a page that was cut between two of them
//! would hide the rest: `IsTruncated` comes before the entries.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_sdk_s3::config::interceptors::AfterDeserializationInterceptorContextRef;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;

/// The one end of a page.
const END: &[u8] = b"</ListVersionsResult>";

/// Watches the answers to one request for a page of a listing.
#[derive(Clone, Debug, Default)]
pub(super) struct Whole(Arc<AtomicBool>);

impl Whole {
    /// Whether the last answer was one whole document.
    pub(super) fn is_whole(&self) -> bool {
        self.0.load(Ordering::Relaxed)
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
        let body = context.response().body().bytes().unwrap_or_default();
        self.0.store(is_one_document(body), Ordering::Relaxed);
        Ok(())
    }
}

fn is_one_document(body: &[u8]) -> bool {
    let body = body.trim_ascii_end();
    let before = body.strip_suffix(END);
    before.is_some_and(|before| !before.windows(END.len()).any(|part| part == END))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_ends_once_and_at_its_end() {
        let page = b"<ListVersionsResult><IsTruncated>false</IsTruncated></ListVersionsResult>";
        assert!(is_one_document(page));
        assert!(is_one_document(&[page.as_slice(), b"\n"].concat()));
        assert!((0..page.len()).all(|length| !is_one_document(&page[..length])));
        assert!(!is_one_document(&[page.as_slice(), page].concat()));
        assert!(!is_one_document(&[page.as_slice(), b"<x/>"].concat()));
    }
}
