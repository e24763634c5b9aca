//! Plain functions over the AWS SDK. Nothing in here knows Terraform.

mod bucket;
mod bucket_parts;
mod bucket_policy;
mod bucket_put;
mod bucket_read;
mod bucket_versions;
mod caller;
mod cancel;
mod clients;
mod credentials;
mod key;
mod place;
mod settings;
mod tags;

pub use bucket::{Age, converge_bucket, create_bucket};
pub use bucket_parts::{
    BucketParts, BucketSettings, DefaultRetention, Encryption, OWNERSHIP, Period,
    PublicAccessBlock, VERSIONING,
};
pub use bucket_policy::{format_tls_only_policy, policies_agree};
pub use bucket_read::{bucket_creation_date, read_bucket};
pub use bucket_versions::delete_bucket;
pub use cancel::Cancel;
pub use clients::Clients;
pub use key::{
    KEY_USAGE, KeyParts, KeySettings, change_key, create_key, delete_key, read_key, read_new_key,
};
pub(crate) use place::Place;
pub use place::partition;
pub use settings::{Endpoints, Settings, Timeouts};
pub use tags::{Tags, merge_tags, own_tags};
