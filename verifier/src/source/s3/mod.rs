//! A bucket. All use of the AWS SDK is in this folder.
//!
//! Every request names the account that owns the bucket, so that a bucket of the same name that somebody else made after
//! ours was deleted is refused. Every request has a time limit, and so has every body: the SDK has none of its own.

mod again;
mod archive;
mod bound;
mod canary;
mod causes;
mod client;
mod clock;
mod endless;
mod error;
mod list;
mod objects;
mod options;
mod patience;
mod profile;
mod read;
mod seconds;
mod settings;
mod store;
mod turns;
mod whole;

use super::{Bucket, ClockReading, Listed, Listing, Object, ReadError, Source, Storage, Version};

pub use canary::S3Canary;
pub use objects::S3Objects;
pub(crate) use objects::{Condition, Written};
pub use options::{Payer, S3Options};
pub use store::S3;

impl Source for S3 {
    fn name(&self) -> String {
        format!("s3://{}/{}", self.options.bucket, self.scope)
    }

    fn has_storage(&self) -> bool {
        true
    }

    fn scope(&self) -> &str {
        &self.scope
    }

    fn read_ahead(&self) -> Option<usize> {
        Some(self.options.read_ahead)
    }

    fn bucket(&self) -> Result<Option<Bucket>, ReadError> {
        let settings = self.in_time(
            "the configuration of the bucket was not read",
            self.settings(),
        );
        settings.map(Some)
    }

    fn list(&self, _prefixes: &[&str], each: &mut dyn FnMut(Listed)) -> Result<Listing, ReadError> {
        self.in_time("the versions were not listed", self.list_all(each))
    }

    fn read(&self, key: &str, version: &Version) -> Result<Object, ReadError> {
        self.in_time(
            &format!("{key} was not read"),
            self.read_if_answered(key, version),
        )
    }

    fn look(&self, key: &str, version: &Version) -> Result<Storage, ReadError> {
        self.in_time(
            &format!("the lock of {key} was not read"),
            self.look_if_answered(key, version),
        )
    }

    fn clock(&self) -> Option<ClockReading> {
        self.clock.furthest()
    }
}
