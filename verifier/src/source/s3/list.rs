//! One listing of all versions (V4): complete, or no listing at all.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use auditlog_chain::timestamp::Timestamp;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::list_object_versions::{
    ListObjectVersionsError, ListObjectVersionsOutput,
};
use aws_sdk_s3::types::{DeleteMarkerEntry, EncodingType, ObjectVersion};

use super::bound::{Bound, MAX_PAGE_BYTES};
use super::clock::LastDate;
use super::endless::{Endless, Next, Watch};
use super::error::UNLIKE_S3;
use super::seconds::whole_seconds;
use super::store::S3;
use super::whole::Whole;
use crate::source::{Listed, Listing, Marker, ReadError, Undated, Version};

impl S3 {
    pub(super) async fn list_all(
        &self,
        each: &mut dyn FnMut(Listed),
    ) -> Result<Listing, ReadError> {
        let mut next = None;
        let (mut watch, read) = (Watch::default(), Arc::default());
        let mut begun = None;
        loop {
            let (page, date) = self.page(next.as_ref(), &read).await?;
            let begun = *begun.get_or_insert(date);
            let entries = page
                .versions()
                .len()
                .saturating_add(page.delete_markers().len());
            watch
                .page(entries, read.load(Ordering::Relaxed))
                .map_err(|endless| never_ends(&endless))?;
            let encoded = page.encoding_type() == Some(&EncodingType::Url);
            for version in page.versions() {
                each(listed_version(version, encoded)?);
            }
            for marker in page.delete_markers() {
                each(listed_marker(marker, encoded)?);
            }
            // Absent, it could mean either. Taken for the end, it would hide what comes after.
            if !page.is_truncated().ok_or_else(|| lacks("IsTruncated"))? {
                return Ok(Listing { begun, ended: date });
            }
            let key = page
                .next_key_marker()
                .ok_or_else(|| lacks("NextKeyMarker"))?;
            let id = page.next_version_id_marker().map(str::to_owned);
            let after = (decoded(key, encoded)?, id);
            watch
                .goes_on(&after)
                .map_err(|endless| never_ends(&endless))?;
            next = Some(after);
        }
    }

    /// A page, and the `Date` of the answer that it came in, or when it arrived.
    async fn page(
        &self,
        next: Option<&Next>,
        read: &Arc<AtomicU64>,
    ) -> Result<(ListObjectVersionsOutput, Option<Timestamp>), ReadError> {
        let Answer { page, date, whole } = self
            .patiently(|| self.answer(next, read))
            .await
            .map_err(|error| self.failed("list the versions", "s3:ListBucketVersions", &error))?;
        if !whole.is_whole() {
            let reason = "the store's listing is not one whole document".to_owned();
            return Err(unlike_s3(reason));
        }
        let name = page.name().unwrap_or_default();
        if name != self.options.bucket {
            let reason = format!("the store's listing is of bucket `{name}`");
            return Err(unlike_s3(reason));
        }
        if !self.is_of_scope(&page)? {
            let prefix = page.prefix().unwrap_or_default();
            let reason = format!("the store's listing is of prefix `{prefix}`");
            return Err(unlike_s3(reason));
        }
        Ok((page, date.last()))
    }

    async fn answer(
        &self,
        next: Option<&Next>,
        read: &Arc<AtomicU64>,
    ) -> Result<Answer, SdkError<ListObjectVersionsError, HttpResponse>> {
        let watch = self.clock.watch();
        let date = watch.date();
        let whole = Whole::default();
        let page = self
            .client
            .list_object_versions()
            .bucket(&self.options.bucket)
            .expected_bucket_owner(&self.options.account)
            .set_request_payer(self.payer())
            .prefix(&self.scope)
            .encoding_type(EncodingType::Url)
            .set_key_marker(next.map(|(key, _)| key.clone()))
            .set_version_id_marker(next.and_then(|(_, id)| id.clone()))
            .customize()
            .interceptor(watch)
            .interceptor(Bound::counted(MAX_PAGE_BYTES, read))
            .interceptor(whole.clone())
            .send()
            .await?;
        Ok(Answer { page, date, whole })
    }
}

/// What came for a page.
struct Answer {
    page: ListObjectVersionsOutput,
    date: LastDate,
    whole: Whole,
}

impl S3 {
    /// Whether the page is of the prefix that was asked for. Some stores do not encode it.
    fn is_of_scope(&self, page: &ListObjectVersionsOutput) -> Result<bool, ReadError> {
        let Some(found) = page.prefix() else {
            return Ok(true);
        };
        let encoded = page.encoding_type() == Some(&EncodingType::Url);
        Ok(found == self.scope || decoded(found, encoded)? == self.scope)
    }
}

fn listed_version(version: &ObjectVersion, encoded: bool) -> Result<Listed, ReadError> {
    let key = decoded(version.key().ok_or_else(|| lacks("Key"))?, encoded)?;
    let bytes = version
        .size()
        .and_then(|size| u64::try_from(size).ok())
        .ok_or_else(|| lacks_of("Size", &key))?;
    let stored = whole_seconds(version.last_modified());
    let stored = stored.ok_or_else(|| lacks_of("LastModified", &key))?;
    let in_parts = version
        .e_tag()
        .filter(|tag| tag.contains('-'))
        .map(Box::from);
    let id = version_id(version.version_id(), &key)?;
    Ok(Listed::Version {
        key,
        version: Version {
            id: Some(id),
            stored: Some(stored),
            bytes,
            undated: in_parts.map(|shown_by| Box::new(Undated::InParts { shown_by })),
            is_latest: version.is_latest() == Some(true),
        },
    })
}

fn listed_marker(marker: &DeleteMarkerEntry, encoded: bool) -> Result<Listed, ReadError> {
    let key = decoded(marker.key().ok_or_else(|| lacks("Key"))?, encoded)?;
    let set = whole_seconds(marker.last_modified());
    let set = set.ok_or_else(|| lacks_of("LastModified", &key))?;
    let id = version_id(marker.version_id(), &key)?;
    Ok(Listed::Marker {
        key,
        marker: Marker {
            id: Some(id),
            set,
            is_latest: marker.is_latest() == Some(true),
        },
    })
}

/// Without it, the current version would be read in place of the one that is listed.
fn version_id(id: Option<&str>, key: &str) -> Result<String, ReadError> {
    let id = id.filter(|id| !id.is_empty()).map(str::to_owned);
    id.ok_or_else(|| lacks_of("VersionId", key))
}

fn never_ends(endless: &Endless) -> ReadError {
    let why = match endless {
        Endless::Circle(key) => format!("what follows {key} is listed again and again"),
        Endless::Entries(most) => {
            let reason = format!("the listing has more than {most} versions and delete markers");
            let hint = "verify a part of the bucket: s3://BUCKET/PREFIX";
            return ReadError::new(reason).with_hint(hint);
        }
        Endless::ShortPages(most) => format!("more than {most} pages had hardly any entry"),
        Endless::Bytes(most) => format!("it has more than {most} bytes"),
    };
    unlike_s3(format!("the store's listing never ends: {why}"))
}

fn lacks(what: &str) -> ReadError {
    unlike_s3(format!("the store's listing leaves out {what}"))
}

fn lacks_of(what: &str, key: &str) -> ReadError {
    unlike_s3(format!("the store's listing leaves out {what} of {key}"))
}

/// An answer that S3 never gives.
fn unlike_s3(reason: String) -> ReadError {
    ReadError::new(reason).with_hint(UNLIKE_S3)
}

/// A key of the listing. Keys are requested in percent-encoding, since XML cannot contain every character of a key.
fn decoded(text: &str, encoded: bool) -> Result<String, ReadError> {
    if !encoded {
        return Ok(text.to_owned());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                let value = digit().zip(digit()).map(|(high, low)| (high << 4) | low);
                value
                    .and_then(|value| u8::try_from(value).ok())
                    .ok_or_else(garbled)?
            }
            plain => plain,
        });
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn garbled() -> ReadError {
    unlike_s3("the store's listing has a key that is not in percent-encoding".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_decoded_as_s3_encodes_them() {
        assert_eq!(
            decoded("logs/a%3Db/x+y%0A%C3%A4", true).unwrap(),
            "logs/a=b/x y\nä"
        );
        assert_eq!(decoded("a%3Db+c", false).unwrap(), "a%3Db+c");
        for bad in ["%", "%4", "%zz", "%+1", "%4 "] {
            assert!(decoded(bad, true).is_err(), "{bad}");
        }
    }
}
