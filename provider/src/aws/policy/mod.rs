//! Policy documents of buckets and keys, rendered and compared. Pure: nothing in here calls AWS.

mod access;
mod compare;
mod delivery;
mod error;
mod extra;
mod found;
mod identity;
mod key;
mod logs;
mod model;
mod mute;
mod own_key;
mod own_role;
mod pattern;
mod principal;
mod reading;
mod render;
mod resources;
#[cfg(test)]
mod samples;
mod statement;
mod writes;

pub use compare::{denials, foreign_denials, policies_agree, policy_changes};
pub use error::{ExtraError, PolicyError};
pub use found::Enforced;
pub use identity::IamScope;
pub use key::{KeyPolicy, KeyPolicyState};
pub use model::{BucketPolicy, Delivery, LogAccess, ObjectEncryption, Unenforced, unenforced};
pub use mute::denies_signing;
pub use own_key::is_own_key_policy;
pub use own_role::denies_caller;
pub use principal::{Principal, PrincipalError, admits};
pub use render::format_tls_only_policy;
