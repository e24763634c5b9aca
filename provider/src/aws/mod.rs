//! Plain functions over the AWS SDK. Nothing in here knows Terraform.

mod archive;
mod bucket;
mod caller;
mod cancel;
mod clients;
mod credentials;
mod gone;
mod key;
mod key_memo;
mod network;
mod owner;
mod place;
mod policy;
mod profile;
mod proxies;
mod roles;
mod session;
mod settings;
mod shared;
mod stop;
mod tags;

pub use archive::{
    ArchivePlace, Archived, Put, Retention, lengthen, put_archived, read_archived,
    read_archived_bytes,
};
pub use bucket::{
    ABORT_DAYS, Age, BucketParts, BucketSettings, CREATION_TAG, DefaultRetention, Encryption,
    Leaves, Logging, Made, OWNERSHIP, Period, PublicAccessBlock, Reach, Rule, SseC, Storage,
    StorageRefusal, StoredVersion, Transition, VERSIONING, after_retention, bucket_creation_date,
    check_encryption_key, check_key_region, check_storage, converge_bucket, create_bucket,
    creation_tag, delete_bucket, empty_bucket, first_under, first_version, holds_versions,
    is_archive, is_followed, is_same_key, left_behind, obstacle_to_create, read_bucket,
    read_strength, read_version, refuses_access_logs, remaining, storage_classes,
};
pub use cancel::Cancel;
pub use clients::Clients;
pub(crate) use key::MAX_KEYS;
pub use key::{
    AliasHolder, CREATED_TAG, Deletion, Freshness, Grant, KEY_USAGE, KeyParts, KeySettings,
    MadeKey, NewKey, RETAINED_TAG, Signing, Stray, Usability, alias_holder, change_key, create_key,
    delete_alias, find_strays, point_alias, put_key_policy, read_key, read_key_policy,
    read_new_key, schedule_deletion, tag,
};
pub use key_memo::Extent;
pub(crate) use key_memo::{Planned, Waiting};
pub(crate) use place::Place;
pub use place::partition;
pub use policy::{
    BucketPolicy, Delivery, Enforced, ExtraError, IamScope, KeyPolicy, KeyPolicyState, LogAccess,
    ObjectEncryption, PolicyError, Principal, PrincipalError, Unenforced, admits, denials,
    denies_caller, denies_signing, foreign_denials, format_tls_only_policy, is_own_key_policy,
    policies_agree, policy_changes, unenforced,
};
pub use proxies::ProxySettings;
pub use session::{AssumeRole, Session, Token, WebIdentity};
pub use settings::{
    Endpoints, Metadata, Retries, Settings, StaticCredentials, Timeouts, Validation,
};
pub(crate) use tags::is_reserved;
pub use tags::{IgnoredTags, OWN_PREFIX, Tags, is_providers_own, merge_tags, own_tags};
