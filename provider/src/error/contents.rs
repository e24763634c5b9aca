//! What a bucket still holds that is to be destroyed.

use std::fmt;

/// Why a bucket cannot be deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents {
    /// The bucket's name.
    pub bucket: String,
    /// Object versions seen.
    pub versions: u64,
    /// Delete markers seen.
    pub delete_markers: u64,
    /// Of the versions seen, how many are under retention or a legal hold now.
    pub locked: u64,
    /// Of the locked ones, how many are under COMPLIANCE.
    pub compliance: u64,
    /// Of the locked ones, how many are under a legal hold.
    pub legal_holds: u64,
    /// When the last retention ends, RFC 3339.
    pub last_until: Option<String>,
    /// Whether every version in the bucket was looked at.
    pub complete: bool,
}

impl fmt::Display for Contents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at_least = if self.complete { "" } else { "at least " };
        if self.locked == 0 {
            return write!(
                f,
                "the bucket {:?} is not empty: it holds {at_least}{} and {}, none of them locked",
                self.bucket,
                counted(self.versions, "object version"),
                counted(self.delete_markers, "delete marker"),
            );
        }
        write!(
            f,
            "the bucket {:?} holds {at_least}{}",
            self.bucket,
            counted(self.locked, "locked object version")
        )?;
        if let Some(until) = &self.last_until {
            write!(f, "; the last is locked until {at_least}{until}")?;
        }
        if self.legal_holds > 0 {
            write!(
                f,
                "; {} under a legal hold, which has no end",
                self.legal_holds
            )?;
        }
        Ok(())
    }
}

fn counted(number: u64, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    }
}

impl Contents {
    pub(super) fn hint(&self) -> String {
        if self.locked == 0 {
            return format!(
                "The provider does not delete objects. Delete every version and every delete marker yourself \
                 (`aws s3api list-object-versions --bucket {}` lists them), or keep the bucket and remove it from \
                 Terraform's state with a `removed` block.",
                self.bucket
            );
        }
        let by_hand = match (self.compliance, self.locked.saturating_sub(self.compliance)) {
            (0, _) => {
                "2. The locks are GOVERNANCE: a principal with s3:BypassGovernanceRetention can delete the versions by \
                 hand (`aws s3api delete-object --version-id … --bypass-governance-retention`). The provider never does."
            }
            (_, 0) => {
                "2. The locks are COMPLIANCE: nobody can end them early, neither you nor AWS. They end early only with \
                 the AWS account."
            }
            (_, _) => {
                "2. Versions under GOVERNANCE can be deleted by hand by a principal with s3:BypassGovernanceRetention \
                 (`aws s3api delete-object --version-id … --bypass-governance-retention`); nobody can \
                 delete those under COMPLIANCE. The provider never does it."
            }
        };
        format!(
            "The bucket exists to prevent this. You can:\n\
             1. Wait until the last lock has ended, and then empty and destroy the bucket.\n\
             {by_hand}\n\
             3. Keep the bucket and remove it from Terraform's state: a `removed` block with `destroy = false`, or \
             `terraform state rm`."
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    fn contents() -> Contents {
        Contents {
            bucket: "trail".to_owned(),
            versions: 5,
            delete_markers: 1,
            locked: 3,
            compliance: 0,
            legal_holds: 0,
            last_until: Some("2033-01-01T00:00:00Z".to_owned()),
            complete: true,
        }
    }

    #[test]
    fn locked_bucket_says_how_many_and_until_when() {
        let error = Error::BucketNotEmpty(Box::new(contents()));
        assert_eq!(
            error.to_string(),
            "the bucket \"trail\" holds 3 locked object versions; the last is locked until 2033-01-01T00:00:00Z"
        );
        let hint = error.hint().unwrap();
        assert!(hint.contains("s3:BypassGovernanceRetention"), "{hint}");
        assert!(hint.contains("`removed` block"), "{hint}");
    }

    #[test]
    fn compliance_is_not_said_to_be_bypassable() {
        let error = Error::BucketNotEmpty(Box::new(Contents {
            compliance: 3,
            ..contents()
        }));
        let hint = error.hint().unwrap();
        assert!(!hint.contains("Bypass"), "{hint}");
        assert!(hint.contains("nobody can end them early"), "{hint}");
    }

    #[test]
    fn what_was_not_counted_to_the_end_is_a_lower_bound() {
        let text = Contents {
            complete: false,
            locked: 1,
            ..contents()
        }
        .to_string();
        assert_eq!(
            text,
            "the bucket \"trail\" holds at least 1 locked object version; the last is locked until at least \
             2033-01-01T00:00:00Z"
        );
    }

    #[test]
    fn unlocked_bucket_says_that_nothing_is_locked() {
        let text = Contents {
            locked: 0,
            last_until: None,
            ..contents()
        }
        .to_string();
        assert_eq!(
            text,
            "the bucket \"trail\" is not empty: it holds 5 object versions and 1 delete marker, none of them locked"
        );
    }
}
