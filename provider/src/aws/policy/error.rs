//! Why a policy cannot be rendered.

/// S3 refuses a bucket policy above this size.
pub(super) const BUCKET_POLICY_BYTES: usize = 20_480;
/// KMS refuses a key policy above this size.
pub(super) const KEY_POLICY_BYTES: usize = 32_768;

/// Why a policy cannot be rendered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// Larger than AWS accepts.
    #[error("the policy has {bytes} bytes, and AWS accepts at most {limit}{}", fitting(*.logs))]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The most that is accepted.
        limit: usize,
        /// The bytes that each part takes, the largest part first; empty for a key, whose parts are its principals.
        parts: Vec<(&'static str, usize)>,
        /// How many logs fit, and how many there are; nothing for a key.
        logs: Option<(usize, usize)>,
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
    /// Further statements that are refused.
    #[error("{0}")]
    Extra(#[from] ExtraError),
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
            Self::TooLarge { parts, .. } if parts.is_empty() => {
                "Name fewer principals: a role that several programs assume takes the room of one."
                    .to_owned()
            }
            Self::TooLarge { parts, .. } => shorten(parts),
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
            Self::Extra(error) => error.hint(),
            Self::NotAnAccount { .. } => "Name accounts such as \"123456789012\".".to_owned(),
        }
    }
}

/// Why further statements are refused. A statement is called by its Sid or its number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExtraError {
    /// Not JSON.
    #[error("not JSON: {reason}")]
    NotJson {
        /// What the parser says.
        reason: String,
    },
    /// JSON, and not a policy that S3 would accept.
    #[error("not a policy: {reason}")]
    NotAPolicy {
        /// What is wrong.
        reason: String,
    },
    /// A name that is ours, or there twice.
    #[error("the name {statement} of a statement is taken")]
    NameTaken {
        /// The name.
        statement: String,
    },
    /// About another bucket.
    #[error("the statement {statement} is about {resource:?}, which is not in the bucket")]
    OtherBucket {
        /// The statement.
        statement: String,
        /// What it is about.
        resource: String,
    },
    /// Allows something to everybody.
    #[error("the statement {statement} allows something to everybody")]
    Public {
        /// The statement.
        statement: String,
    },
    /// Allows something by an exclusion.
    #[error("the statement {statement} allows something by {element}")]
    Unbounded {
        /// The statement.
        statement: String,
        /// The element.
        element: &'static str,
    },
    /// Allows what the policy protects.
    #[error("the statement {statement} allows {action}, which the policy protects")]
    Protected {
        /// The statement.
        statement: String,
        /// The first such action.
        action: &'static str,
    },
    /// Denies everybody what Terraform needs.
    #[error("the statement {statement} denies everybody the bucket's policy")]
    LocksOut {
        /// The statement.
        statement: String,
    },
    /// Names a principal that does not exist any more.
    #[error(
        "the statement {statement} names {id:?}, the id of a principal that may have been deleted"
    )]
    DeletedPrincipal {
        /// The statement.
        statement: String,
        /// The id.
        id: String,
    },
    /// Lets AWS Config deliver.
    #[error(
        "the statement {statement} lets AWS Config deliver, which fails on a bucket with Object Lock"
    )]
    ConfigDelivery {
        /// The statement.
        statement: String,
    },
}

impl ExtraError {
    /// What a person can do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::NotJson { .. } | Self::NotAPolicy { .. } => {
                "Give a policy document such as `jsonencode({ Version = \"2012-10-17\", Statement = [ … ] })`."
            }
            Self::NameTaken { .. } => {
                "Give each statement another Sid; those that begin with \"Auditlog\" are the provider's own."
            }
            Self::OtherBucket { .. } => "Name this bucket's ARN, or objects in it.",
            Self::Public { .. } => "Name the principals. An audit bucket is never public.",
            Self::Unbounded { .. } => "Say whom, what and where it allows: Principal, Action and Resource.",
            Self::Protected { .. } => {
                "Use `writers`, `break_glass` and `administrators` for that, and `declared_prefixes` for other objects."
            }
            Self::LocksOut { .. } => {
                "Add a condition, or leave out s3:GetBucketPolicy, s3:PutBucketPolicy and s3:DeleteBucketPolicy: without them, only \
                 the account's root user could repair the bucket."
            }
            Self::DeletedPrincipal { .. } => {
                "Name the principal by its ARN, or name its account and compare aws:PrincipalArn."
            }
            Self::ConfigDelivery { .. } => {
                "Deliver to another bucket: AWS Config does not support buckets with a default retention."
            }
        }
        .to_owned()
    }
}

fn fitting(logs: Option<(usize, usize)>) -> String {
    let text = |(fit, all)| format!(": {fit} of the {all} logs fit, in the order of their names");
    logs.map(text).unwrap_or_default()
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
