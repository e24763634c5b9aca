//! Policy documents of buckets and keys, rendered and compared. Pure: nothing in here calls AWS.

mod access;
mod compare;
mod delivery;
mod error;
mod key;
mod model;
mod principal;
mod render;
mod resources;
mod statement;
mod writes;

pub use compare::policies_agree;
pub use error::PolicyError;
pub use key::{KeyPolicy, KeyPolicyState};
pub use model::{
    BucketPolicy, Delivery, LockBounds, LogAccess, ObjectEncryption, Unenforced, unenforced,
};
pub use principal::{Principal, PrincipalError, admits};
pub use render::format_tls_only_policy;
