//! What the three programs need of IAM: policies for their roles, and nothing beyond the calls that they make.
//!
//! In its own account, a role needs such a policy beside the bucket's and the key's, because those name accounts and limit.
//! Source: S3's and KMS's pages of the Service Authorization Reference, which also say what each call needs. The tests
//! compare these documents with recorded calls.

use serde_json::Value;

use super::access::{CALLS_ON_BUCKET, READER_OF_OBJECTS, WRITER_OF_OBJECTS};
use super::resources::bucket_arn;
use super::statement::{Statement, format_document};

/// What the documents are about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IamScope {
    /// Partition, such as `aws`.
    pub partition: String,
    /// Region of the keys.
    pub region: String,
    /// Account of buckets and keys, twelve digits.
    pub account: String,
    /// Names of the buckets.
    pub buckets: Vec<String>,
    /// Prefixes of the logs, without a `/` at their end; without one, everything in the buckets.
    pub log_prefixes: Vec<String>,
    /// Prefixes that the trust policy is archived under, each ending in `/`.
    pub archive_prefixes: Vec<String>,
    /// Aliases of the signing keys, each with its `alias/`; without one, every alias.
    pub aliases: Vec<String>,
    /// ARNs of the keys that the sealer signs with.
    pub signing_keys: Vec<String>,
    /// ARNs of the keys that objects are encrypted with.
    pub encryption_keys: Vec<String>,
}

/// What the provider calls on a bucket: what it reads, and what it puts. `CreateBucket` with a lock and with tags needs a
/// permission for each.
const MANAGE_BUCKET: &[&str] = &[
    "s3:CreateBucket",
    "s3:DeleteBucket",
    "s3:DeleteBucketPolicy",
    // whether its tags are changed by `TagResource`
    "s3:GetBucketABAC",
    "s3:GetBucketLogging",
    "s3:GetBucketNotification",
    "s3:GetBucketObjectLockConfiguration",
    "s3:GetBucketOwnershipControls",
    "s3:GetBucketPolicy",
    "s3:GetBucketPublicAccessBlock",
    "s3:GetBucketTagging",
    "s3:GetBucketVersioning",
    "s3:GetEncryptionConfiguration",
    "s3:GetInventoryConfiguration",
    "s3:GetLifecycleConfiguration",
    "s3:GetReplicationConfiguration",
    "s3:ListBucket",
    "s3:ListBucketVersions",
    "s3:ListTagsForResource",
    "s3:PutBucketLogging",
    "s3:PutBucketObjectLockConfiguration",
    "s3:PutBucketOwnershipControls",
    "s3:PutBucketPolicy",
    "s3:PutBucketPublicAccessBlock",
    "s3:PutBucketTagging",
    "s3:PutBucketVersioning",
    "s3:PutEncryptionConfiguration",
    "s3:PutLifecycleConfiguration",
    "s3:TagResource",
    "s3:UntagResource",
];
/// What it asks of objects, where a bucket cannot be deleted: how long they are locked.
const SEE_LOCKS: &[&str] = &[
    "s3:GetObject",
    "s3:GetObjectLegalHold",
    "s3:GetObjectRetention",
    "s3:GetObjectVersion",
];
const ARCHIVE: &[&str] = &[
    "s3:GetObject",
    "s3:GetObjectVersion",
    "s3:PutObject",
    "s3:PutObjectRetention",
];
/// Calls that name no bucket and no key.
const LIST: &[&str] = &["kms:ListAliases", "kms:ListKeys", "s3:ListAllMyBuckets"];
const MANAGE_ALIAS: &[&str] = &["kms:CreateAlias", "kms:DeleteAlias", "kms:UpdateAlias"];
const MANAGE_KEY: &[&str] = &[
    "kms:CreateAlias",
    "kms:DeleteAlias",
    "kms:DescribeKey",
    "kms:DisableKey",
    "kms:EnableKey",
    "kms:GetKeyPolicy",
    "kms:GetPublicKey",
    "kms:ListGrants",
    "kms:ListResourceTags",
    "kms:PutKeyPolicy",
    "kms:ScheduleKeyDeletion",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:UpdateAlias",
    "kms:UpdateKeyDescription",
];
const SIGN: &[&str] = &["kms:DescribeKey", "kms:GetPublicKey", "kms:Sign"];

impl IamScope {
    /// For the role that runs Terraform.
    pub fn provider(&self) -> String {
        let mut found = vec![
            allow("List", LIST).on(["*".to_owned()]),
            allow("Buckets", MANAGE_BUCKET).on(self.buckets()),
            allow("Locks", SEE_LOCKS).on(self.objects(&["*".to_owned()])),
        ];
        let archives: Vec<_> = self
            .archive_prefixes
            .iter()
            .map(|prefix| format!("{prefix}*"))
            .collect();
        if !archives.is_empty() {
            found.push(allow("Archive", ARCHIVE).on(self.objects(&archives)));
        }
        found.extend([
            for_signing(allow("NewKey", &["kms:CreateKey"])).on(["*".to_owned()]),
            for_signing(allow("Keys", MANAGE_KEY)).on([self.kms("key/*")]),
            allow("Aliases", MANAGE_ALIAS).on(self.aliases()),
        ]);
        found.extend(self.encryption("Encryption", &["kms:DescribeKey"]));
        if !self.archive_prefixes.is_empty() {
            found.extend(
                self.encryption("ArchiveEncryption", &["kms:Decrypt", "kms:GenerateDataKey"]),
            );
        }
        document(&found)
    }

    /// For the role of the sealer.
    pub fn sealer(&self) -> String {
        let mut found = vec![
            allow("Segments", WRITER_OF_OBJECTS).on(self.objects(&self.logs())),
            allow("Buckets", CALLS_ON_BUCKET).on(self.buckets()),
        ];
        if !self.signing_keys.is_empty() {
            found.push(allow("Sign", SIGN).on(self.signing_keys.iter().cloned()));
        }
        found.extend(self.encryption("Encryption", &["kms:Decrypt", "kms:GenerateDataKey"]));
        document(&found)
    }

    /// For the role that runs the verifier.
    pub fn auditor(&self) -> String {
        let mut found = vec![
            allow("Segments", READER_OF_OBJECTS).on(self.objects(&self.logs())),
            allow("Buckets", CALLS_ON_BUCKET).on(self.buckets()),
        ];
        found.extend(self.encryption("Encryption", &["kms:Decrypt"]));
        document(&found)
    }

    fn buckets(&self) -> Vec<String> {
        self.buckets
            .iter()
            .map(|bucket| bucket_arn(&self.partition, bucket))
            .collect()
    }

    fn logs(&self) -> Vec<String> {
        if self.log_prefixes.is_empty() {
            return vec!["*".to_owned()];
        }
        self.log_prefixes
            .iter()
            .map(|prefix| format!("{prefix}/*"))
            .collect()
    }

    fn objects(&self, keys: &[String]) -> Vec<String> {
        let buckets = self.buckets();
        let in_each = |key: &String| {
            buckets
                .iter()
                .map(move |bucket| format!("{bucket}/{key}"))
                .collect::<Vec<_>>()
        };
        keys.iter().flat_map(in_each).collect()
    }

    fn aliases(&self) -> Vec<String> {
        if self.aliases.is_empty() {
            return vec![self.kms("alias/*")];
        }
        self.aliases.iter().map(|alias| self.kms(alias)).collect()
    }

    fn kms(&self, resource: &str) -> String {
        let Self {
            partition,
            region,
            account,
            ..
        } = self;
        format!("arn:{partition}:kms:{region}:{account}:{resource}")
    }

    fn encryption(&self, sid: &str, actions: &[&'static str]) -> Option<Statement> {
        let keys =
            (!self.encryption_keys.is_empty()).then(|| self.encryption_keys.iter().cloned())?;
        Some(allow(sid, actions).on(keys))
    }
}

fn allow(sid: &str, actions: &[&'static str]) -> Statement {
    Statement::allow_bearer(sid, actions)
}

/// Signing keys alone, and not the other keys of the account.
fn for_signing(statement: Statement) -> Statement {
    statement.when("StringEquals", "kms:KeyUsage", ["SIGN_VERIFY".to_owned()])
}

fn document(statements: &[Statement]) -> String {
    let statements: Vec<Value> = statements.iter().map(Statement::to_json).collect();
    format_document(&statements)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn scope() -> IamScope {
        IamScope {
            partition: "aws".to_owned(),
            region: "eu-central-1".to_owned(),
            account: "123456789012".to_owned(),
            buckets: vec!["trail".to_owned()],
            ..IamScope::default()
        }
    }

    fn statements(document: &str) -> Vec<Value> {
        let document: Value = serde_json::from_str(document).unwrap();
        document["Statement"].as_array().unwrap().clone()
    }

    #[test]
    fn sealer_writes_under_its_prefixes_and_signs_with_its_keys() {
        let key = "arn:aws:kms:eu-central-1:123456789012:key/1".to_owned();
        let scope = IamScope {
            log_prefixes: vec!["logs/a".to_owned(), "logs/b".to_owned()],
            signing_keys: vec![key.clone()],
            ..scope()
        };
        let found = statements(&scope.sealer());
        assert_eq!(
            found[0],
            json!({
                "Sid": "Segments",
                "Effect": "Allow",
                "Action": ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject", "s3:PutObjectRetention"],
                "Resource": ["arn:aws:s3:::trail/logs/a/*", "arn:aws:s3:::trail/logs/b/*"],
            })
        );
        assert_eq!(found[2]["Resource"], key);
        assert_eq!(found.len(), 3);
    }

    #[test]
    fn documents_fit_a_managed_policy() {
        let scope = IamScope {
            archive_prefixes: vec!["archive/".to_owned()],
            aliases: vec!["alias/acme-audit".to_owned()],
            encryption_keys: vec!["arn:aws:kms:eu-central-1:123456789012:key/2".to_owned()],
            ..scope()
        };
        for document in [scope.provider(), scope.sealer(), scope.auditor()] {
            assert!(document.len() < 6_144, "{}", document.len());
        }
    }

    #[test]
    fn scope_that_names_nothing_covers_all_of_the_buckets() {
        let found = statements(&scope().auditor());
        assert_eq!(found[0]["Resource"], "arn:aws:s3:::trail/*");
        assert_eq!(found.len(), 2);
        let found = statements(&scope().provider());
        let of = |sid: &str| found.iter().find(|one| one["Sid"] == sid);
        assert_eq!(
            of("Aliases").unwrap()["Resource"],
            "arn:aws:kms:eu-central-1:123456789012:alias/*"
        );
        assert!(of("Archive").is_none() && of("Encryption").is_none());
    }
}
