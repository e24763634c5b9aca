//! Why a file is not a whole write-ahead file.

/// What is wrong, and where. Every place is in bytes from the beginning of the file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WalFault {
    /// The file does not begin with an opening record.
    #[error("it does not begin as a write-ahead file")]
    NotWal,
    /// The file is of another version of the format.
    #[error("it has version {found} of the format, this program reads version {expected}")]
    Version {
        /// What this program reads.
        expected: u16,
        /// What the file has.
        found: u16,
    },
    /// The record is of another file.
    #[error("the record at byte {at} belongs to another file")]
    Foreign {
        /// Where it begins.
        at: u64,
    },
    /// The record was changed, and no crash explains that.
    #[error("the record at byte {at} was changed after it was written")]
    Changed {
        /// Where it begins.
        at: u64,
    },
    /// Records that were synced later are there, and this one is not.
    #[error("the record at byte {at} is lost, although records after it are there")]
    Lost {
        /// Where it begins.
        at: u64,
    },
    /// The record is whole, but not the one that belongs here.
    #[error("the record at byte {at} does not follow the record before it")]
    OutOfOrder {
        /// Where it begins.
        at: u64,
    },
    /// The body of the record is not what its type says.
    #[error("the record at byte {at} is malformed: {what}")]
    Malformed {
        /// Where it begins.
        at: u64,
        /// What is wrong.
        what: &'static str,
    },
}
