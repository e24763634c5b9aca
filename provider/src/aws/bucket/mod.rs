//! An audit bucket: what it is and should be, how it is read, put, converged and emptied.

mod converge;
mod model;
mod put;
mod read;
mod versions;

pub use converge::{Age, converge_bucket, create_bucket};
pub use model::{
    BucketParts, BucketSettings, DefaultRetention, Encryption, OWNERSHIP, Period,
    PublicAccessBlock, VERSIONING,
};
pub use read::{bucket_creation_date, read_bucket};
pub use versions::delete_bucket;
