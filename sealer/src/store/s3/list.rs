//! One listing of versions: complete and in order, or an error.

use aws_sdk_s3::operation::list_object_versions::ListObjectVersionsOutput;
use aws_sdk_s3::primitives::DateTime;
use aws_sdk_s3::types::{DeleteMarkerEntry, ObjectVersion};

use super::Bucket;
use super::whole::Whole;
use crate::error::{AwsFault, Error};
use crate::limits::{MAX_LISTED_VERSIONS, MAX_SHORT_PAGES, SHORT_PAGE};
use crate::store::clock::timestamp;
use crate::store::{Version, VersionKind};

const LIST: &str = "S3 ListObjectVersions";

/// Where a page begins: behind a key, and behind a version of it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Marker {
    key: String,
    version: Option<String>,
}

/// What makes a listing complete, checked from page to page.
struct Pages<'a> {
    bucket: &'a Bucket,
    prefix: &'a str,
    listed: usize,
    short: u64,
    after: Option<Marker>,
    circle: Circle,
}

impl Bucket {
    pub(super) async fn each_version(
        &self,
        prefix: &str,
        visit: &mut dyn FnMut(Version<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut pages = Pages {
            bucket: self,
            prefix,
            listed: 0,
            short: 0,
            after: None,
            circle: Circle::default(),
        };
        loop {
            let page = pages.next().await?;
            pages.visit(&page, visit)?;
            if !pages.goes_on(&page)? {
                return Ok(());
            }
        }
    }
}

impl Pages<'_> {
    async fn next(&self) -> Result<ListObjectVersionsOutput, AwsFault> {
        let after = self.after.as_ref();
        let whole = Whole::default();
        let request = self.bucket.client.list_object_versions();
        let page = request
            .bucket(&self.bucket.place.bucket)
            .expected_bucket_owner(&self.bucket.place.account)
            .prefix(self.prefix)
            .set_key_marker(after.map(|marker| marker.key.clone()))
            .set_version_id_marker(after.and_then(|marker| marker.version.clone()))
            .customize()
            .interceptor(whole.clone())
            .send()
            .await
            .map_err(|error| self.bucket.place.fault(LIST, self.url(), &error))?;
        if !whole.is_whole() {
            return Err(self.unlike_s3("the listing is not one whole document"));
        }
        if page.name() != Some(self.bucket.place.bucket.as_str()) {
            return Err(self.unlike_s3("the listing is of another bucket"));
        }
        if page.prefix().is_some_and(|prefix| prefix != self.prefix) {
            return Err(self.unlike_s3("the listing is of another prefix"));
        }
        Ok(page)
    }

    fn url(&self) -> String {
        self.bucket.place.url(self.prefix)
    }

    fn lacks(&self, what: &'static str) -> AwsFault {
        AwsFault::incomplete(LIST, self.url(), what)
    }

    fn unlike_s3(&self, what: &'static str) -> AwsFault {
        AwsFault::unlike_s3(LIST, self.url(), what)
    }

    fn visit(
        &mut self,
        page: &ListObjectVersionsOutput,
        visit: &mut dyn FnMut(Version<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        // S3 lists objects and markers apart; within a page, the order of keys is made here.
        let objects = page.versions().iter().map(|one| self.object(one));
        let markers = page.delete_markers().iter().map(|one| self.marker(one));
        let mut all = objects
            .chain(markers)
            .collect::<Result<Vec<_>, AwsFault>>()?;
        all.sort_by_key(|version| version.key);
        self.listed = self.listed.saturating_add(all.len());
        if self.listed > MAX_LISTED_VERSIONS {
            return Err(self.unlike_s3("the listing has too many versions").into());
        }
        all.into_iter().try_for_each(visit)
    }

    fn object<'v>(&self, version: &'v ObjectVersion) -> Result<Version<'v>, AwsFault> {
        self.listed(VersionKind::Object, version.key(), version.last_modified())
    }

    fn marker<'v>(&self, marker: &'v DeleteMarkerEntry) -> Result<Version<'v>, AwsFault> {
        self.listed(
            VersionKind::DeleteMarker,
            marker.key(),
            marker.last_modified(),
        )
    }

    fn listed<'v>(
        &self,
        kind: VersionKind,
        key: Option<&'v str>,
        modified: Option<&DateTime>,
    ) -> Result<Version<'v>, AwsFault> {
        let key = key.ok_or_else(|| self.lacks("Key"))?;
        self.is_under_the_prefix(key)?;
        let modified = modified.and_then(timestamp);
        Ok(Version {
            key,
            kind,
            modified: Some(modified.ok_or_else(|| self.lacks("LastModified"))?),
        })
    }

    /// A listing of something else would pass for a log that is new.
    fn is_under_the_prefix(&self, key: &str) -> Result<(), AwsFault> {
        if key.starts_with(self.prefix) {
            return Ok(());
        }
        Err(self.unlike_s3("the listing has a key outside the prefix"))
    }

    /// A store may go on and on with pages that hold nothing.
    fn counts_short(&mut self, entries: usize) -> Result<(), AwsFault> {
        self.short = self.short.saturating_add(u64::from(entries < SHORT_PAGE));
        if self.short > MAX_SHORT_PAGES {
            return Err(self
                .unlike_s3("the listing never ends: too many of its pages have hardly any entry"));
        }
        Ok(())
    }

    /// Whether another page follows. `IsTruncated` that is absent could mean either; taken for the end, it would hide the
    /// head, and the sealer would write over it.
    fn goes_on(&mut self, page: &ListObjectVersionsOutput) -> Result<bool, AwsFault> {
        if !page
            .is_truncated()
            .ok_or_else(|| self.lacks("IsTruncated"))?
        {
            return Ok(false);
        }
        self.counts_short(
            page.versions()
                .len()
                .saturating_add(page.delete_markers().len()),
        )?;
        let next = Marker {
            key: page
                .next_key_marker()
                .ok_or_else(|| self.lacks("NextKeyMarker"))?
                .to_owned(),
            version: page.next_version_id_marker().map(str::to_owned),
        };
        let last = self.after.as_ref();
        if last.is_some_and(|last| next.key < last.key) || self.circle.is_closed_by(&next) {
            return Err(self.unlike_s3("the listing goes back instead of on"));
        }
        self.after = Some(next);
        Ok(true)
    }
}

/// Finds a circle among pages, of any length and in constant memory (Brent's algorithm): one marker is kept for comparison,
/// each time for twice as many pages. Between keys the order shows a circle; within a key, versions have none.
#[derive(Default)]
struct Circle {
    kept: Option<Marker>,
    pages: u64,
}

impl Circle {
    fn is_closed_by(&mut self, next: &Marker) -> bool {
        if self.kept.as_ref() == Some(next) {
            return true;
        }
        self.pages = self.pages.saturating_add(1);
        if self.pages.is_power_of_two() {
            self.kept = Some(next.clone());
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_circle_of_any_length_is_found_and_nothing_else_is() {
        let marker = |number: usize| Marker {
            key: "log/000000000000.jsonl.zst".to_owned(),
            version: Some(number.to_string()),
        };
        for (before, length) in [(0, 1), (0, 2), (3, 1), (5, 7), (100, 33)] {
            let mut circle = Circle::default();
            let pages = (0..before).chain((before..before + length).cycle());
            let found = pages
                .take(1000)
                .position(|page| circle.is_closed_by(&marker(page)));
            assert!(found.is_some_and(|found| found >= length), "{length}");
        }
        let mut circle = Circle::default();
        assert!((0..10_000).all(|page| !circle.is_closed_by(&marker(page))));
    }
}
