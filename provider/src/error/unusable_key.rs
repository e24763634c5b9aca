//! A KMS key that S3 cannot encrypt with.

/// Why S3 cannot encrypt with a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnusableKey {
    /// S3 uses keys of the bucket's own region only.
    #[error("the key is in the region {key}, but the bucket is in {bucket}")]
    OtherRegion {
        /// Region of the key.
        key: String,
        /// Region of the bucket.
        bucket: String,
    },
    /// It is an asymmetric key, or one for MACs.
    #[error("the key is of spec {0}, but S3 encrypts with symmetric keys only (SYMMETRIC_DEFAULT)")]
    NotSymmetric(String),
    /// It is disabled, or waits for its deletion.
    #[error("the state of the key is {0}, so S3 can neither encrypt nor decrypt with it")]
    NotEnabled(String),
}
