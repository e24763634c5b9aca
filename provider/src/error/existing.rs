//! Why a bucket that exists is not taken over by a create.

/// What speaks against taking over a bucket.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotOurs {
    /// The account of the credentials is not known, so the owner of the bucket is not either.
    #[error("the provider does not know its account (`skip_requesting_account_id`)")]
    UnknownAccount,
    /// Another program made it.
    #[error("it has no tag `auditlog:created`")]
    NoCreationTag,
    /// It was made for another resource.
    #[error("its tag `auditlog:created` says {0:?}")]
    OtherPurpose(String),
    /// Something may have been written to it that nobody has looked at.
    #[error("it holds object versions or delete markers")]
    NotEmpty,
    /// Others have set up replication, notifications or inventory.
    #[error("others have set up on it: {}", .0.join("; "))]
    Foreign(Vec<String>),
    /// It has lifecycle rules of others.
    #[error("it has lifecycle rules of others: {}", .0.join("; "))]
    Lifecycle(Vec<String>),
    /// Its policy may let somebody in.
    #[error("its policy is not the one of this configuration")]
    Policy,
}

/// The way to manage a bucket that exists.
pub(super) fn import_hint(bucket: &str) -> String {
    format!(
        "Look at the bucket. To manage it from here, add this block with the name of your resource, and run `terraform plan`, \
         which shows what differs from the configuration:\n\n\
         import {{\n  to = auditlog_bucket.NAME\n  id = {bucket:?}\n}}"
    )
}
