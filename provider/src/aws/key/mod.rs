//! KMS keys that sign checkpoints, and the alias that points at one of them.

mod alias;
mod change;
mod create;
mod delete;
mod model;
mod read;
mod stray;

use std::collections::BTreeSet;

use crate::aws::clients::Clients;
use crate::aws::key_memo::{Planned, Waiting};

pub use alias::{AliasHolder, alias_holder, delete_alias, point_alias};
pub use change::{change_key, put_key_policy, tag};
pub use create::{MadeKey, create_key};
pub use delete::schedule_deletion;
pub use model::{Deletion, Grant, KEY_USAGE, KeyParts, KeySettings, NewKey, Signing, Usability};
pub use read::{read_key, read_key_policy, read_new_key};
pub(crate) use stray::MAX_KEYS;
pub use stray::{Freshness, Stray, find_strays};

/// The tag that says for which alias a key was made.
pub const CREATED_TAG: &str = "auditlog:created";
/// The tag of a key that a destroy left behind on purpose.
pub const RETAINED_TAG: &str = "auditlog:retained";

/// The one name that a key policy has. KMS fills it in where it is missing, and not every other endpoint does.
const POLICY_NAME: &str = "default";
/// Codes that pass by themselves while a new key becomes known to all of KMS, or while it is being changed.
const SETTLING: &[&str] = &[
    "NotFoundException",
    "DependencyTimeoutException",
    "ConflictException",
];
/// The same for a key that exists: not to be found means gone.
const BUSY: &[&str] = &["DependencyTimeoutException", "ConflictException"];

impl Clients {
    /// Claims an alias for a new resource: false if another resource of this run has it.
    pub(crate) fn claim_alias(&self, alias: &str) -> bool {
        self.keys.claim(&self.region, alias)
    }

    /// Remembers the keys that the state has under an alias.
    pub(crate) fn remember_keys(&self, alias: &str, keys: BTreeSet<String>) {
        self.keys.remember(&self.region, alias, keys);
    }

    /// Whether this run has made the key.
    pub(crate) fn has_made(&self, key_id: &str) -> bool {
        self.keys.has_made(key_id)
    }

    /// Whether a resource of the state has the key, as far as this run has read or planned it.
    pub(crate) fn has_read(&self, key_id: &str) -> bool {
        self.keys.has_read(key_id)
    }

    /// Notes the move of a resource from one alias to another: false where the moves of this run end where they begin.
    pub(crate) fn plan_move(&self, from: &str, to: &str) -> bool {
        self.keys.plan_move(&self.region, from, to)
    }

    /// Notes that a resource wants signing with a key denied that is not its own.
    pub(crate) fn plan_disarm(&self, key_id: &str) {
        self.keys.plan_disarm(key_id);
    }

    /// Whether a resource of this run wants signing with the key denied.
    pub(crate) fn is_disarmed(&self, key_id: &str) -> bool {
        self.keys.is_disarmed(key_id)
    }

    /// Notes what is planned of an alias: false where more than one resource wants it.
    pub(crate) fn plan_alias(&self, alias: &str, planned: Planned) -> bool {
        self.keys.plan(&self.region, alias, planned)
    }

    /// Notes that a key of this configuration waits for an alias: the destroy of the key that has it hands it over.
    pub(crate) fn wait_for_alias(&self, alias: &str, waiting: Waiting) {
        self.keys.wait(&self.region, alias, waiting);
    }

    /// The key of this configuration that waits until `holder` gives up the alias.
    pub(crate) fn waiting_for(&self, alias: &str, holder: &str) -> Option<Waiting> {
        self.keys.waiting_for(&self.region, alias, holder)
    }

    /// The keys that the state has under an alias, as far as they were read in this run.
    pub(crate) fn remembered_keys(&self, alias: &str) -> BTreeSet<String> {
        self.keys.remembered(&self.region, alias)
    }
}
