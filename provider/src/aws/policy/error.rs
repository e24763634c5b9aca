//! Why a policy cannot be rendered.

/// S3 refuses a bucket policy above this size.
pub(super) const BUCKET_POLICY_BYTES: usize = 20_480;
/// KMS refuses a key policy above this size.
pub(super) const KEY_POLICY_BYTES: usize = 32_768;

/// Why a policy cannot be rendered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// Larger than AWS accepts.
    #[error("the policy has {bytes} bytes, and AWS accepts at most {limit}")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The most that is accepted.
        limit: usize,
        /// The bytes that each part takes, the largest part first.
        parts: Vec<(&'static str, usize)>,
    },
    /// A principal of another partition, whose credentials do not work here.
    #[error("{principal} belongs to the partition {found:?}, and the policy to {expected:?}")]
    OtherPartition {
        /// The principal.
        principal: String,
        /// Its partition.
        found: String,
        /// The policy's.
        expected: String,
    },
    /// A service delivers into a log.
    #[error("a service delivers its logs under {delivery:?}, which overlaps the log under {log:?}")]
    DeliveryOverlaps {
        /// Where it delivers.
        delivery: String,
        /// The log's prefix.
        log: String,
    },
    /// Load balancers cannot write here.
    #[error(
        "Application Load Balancers write access logs with SSE-S3 alone, and the bucket is encrypted with SSE-KMS"
    )]
    LoadBalancersNeedSseS3,
    /// Not the ARN of a trail.
    #[error("{found:?} is not the ARN of a trail")]
    NotATrail {
        /// The text.
        found: String,
    },
    /// Not an account.
    #[error("{found:?} is not an account of twelve digits")]
    NotAnAccount {
        /// The text.
        found: String,
    },
}

impl PolicyError {
    /// What a person can do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::TooLarge { parts, .. } => shorten(parts),
            Self::OtherPartition { .. } => {
                "Name principals of the partition that the bucket or the key is in.".to_owned()
            }
            Self::DeliveryOverlaps { .. } => {
                "Give the delivery a prefix of its own, outside of every log.".to_owned()
            }
            Self::LoadBalancersNeedSseS3 => {
                "Deliver the access logs to another bucket, or leave out `encryption.kms_key_arn`."
                    .to_owned()
            }
            Self::NotATrail { .. } => {
                "Name trails such as \"arn:aws:cloudtrail:eu-central-1:123456789012:trail/audit\"."
                    .to_owned()
            }
            Self::NotAnAccount { .. } => "Name accounts such as \"123456789012\".".to_owned(),
        }
    }
}

fn shorten(parts: &[(&'static str, usize)]) -> String {
    let sizes: Vec<_> = parts
        .iter()
        .map(|(part, bytes)| format!("{part} {bytes}"))
        .collect();
    format!(
        "Bytes by part: {}. It gets shorter if logs share their writers, readers and `object_lock`, if all logs are under one \
         folder such as \"logs/\" with nothing else in it, if roles and prefixes have shorter names, and if \
         `extra_policy_json` says less. Or divide the logs among several buckets.",
        sizes.join(", ")
    )
}
