//! An audit bucket: what it is and should be, how it is read, put, converged and emptied.

mod abac;
mod answer;
mod converge;
mod create;
mod empty;
mod encryption_key;
mod foreign;
mod left;
mod lifecycle;
mod model;
mod put;
mod read;
mod segment;
mod storage;
mod versions;

pub use converge::{Age, converge_bucket};
pub use create::{Leaves, Made, create_bucket, creation_tag, obstacle_to_create};
pub use empty::empty_bucket;
pub use encryption_key::{check_encryption_key, check_key_region, is_same_key};
pub use left::left_behind;
pub use lifecycle::{ABORT_DAYS, Reach, Rule, Storage, Transition};
pub use model::{
    BucketParts, BucketSettings, CREATION_TAG, DefaultRetention, Encryption, Logging, OWNERSHIP,
    Period, PublicAccessBlock, SseC, VERSIONING, remaining,
};
pub use read::{bucket_creation_date, read_bucket, read_strength, refuses_access_logs};
pub use segment::{StoredVersion, first_under, first_version, is_followed, read_version};
pub use storage::{StorageRefusal, after_retention, check_storage, is_archive, storage_classes};
pub use versions::{delete_bucket, holds_versions};
