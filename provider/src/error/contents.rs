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
    /// Of the locked ones, how many are under an event hold.
    pub event_holds: u64,
    /// Of the versions seen, how many did not show their lock, because a permission is missing.
    pub unreadable: u64,
    /// When the last retention ends, RFC 3339.
    pub last_until: Option<String>,
    /// Whether every version in the bucket was looked at.
    pub complete: bool,
}

impl fmt::Display for Contents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at_least = if self.complete { "" } else { "at least " };
        if self.locked == 0 {
            write!(
                f,
                "the bucket {:?} is not empty: it holds {at_least}{} and {}",
                self.bucket,
                counted(self.versions, "object version"),
                counted(self.delete_markers, "delete marker"),
            )?;
            return match self.unreadable {
                0 => f.write_str(", none of them locked"),
                _ => self.write_unreadable(f),
            };
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
        if self.event_holds > 0 {
            write!(
                f,
                "; {} under an event hold, whose retention begins when it is removed",
                self.event_holds
            )?;
        }
        self.write_unreadable(f)
    }
}

impl Contents {
    /// What is not known is not unlocked.
    fn write_unreadable(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.unreadable == 0 {
            return Ok(());
        }
        write!(
            f,
            "; the locks of {} could not be read, because s3:GetObjectRetention or s3:GetObjectLegalHold is missing",
            counted(self.unreadable, "object version")
        )
    }

    /// Whether anything is, or may be, locked in a way that no bypass ends.
    pub(crate) fn cannot_be_deleted(&self) -> bool {
        let held = self.compliance > 0 || self.legal_holds > 0 || self.event_holds > 0;
        held || self.unreadable > 0 || !self.complete
    }

    /// What to do where a bucket cannot be emptied.
    pub(super) fn empty_hint(&self) -> String {
        if self.unreadable > 0 {
            return format!(
                "Nothing was deleted, because a lock that cannot be read may be COMPLIANCE or a hold. {SEE_LOCKS}, and destroy again. To \
                 remove the bucket from the state and keep it, set `on_destroy = \"forget\"`, apply, and destroy."
            );
        }
        let until = self.last_until.as_deref().unwrap_or("the holds end");
        format!(
            "Nothing was deleted. {} of these versions are under COMPLIANCE, {} under a legal hold and {} under an event hold: \
             neither you nor AWS can delete the first, and a hold must be removed by a person. The last lock ends at {until}. To \
             remove the bucket from the state and keep it, set `on_destroy = \"forget\"`, apply, and destroy.",
            self.compliance, self.legal_holds, self.event_holds
        )
    }
}

/// What shows the locks. The bucket policy of this provider never denies it.
const SEE_LOCKS: &str = "Give the role of Terraform the permissions s3:GetObjectRetention and s3:GetObjectLegalHold on the objects";

/// The first version that S3 refused to delete while a bucket was emptied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    /// The bucket's name.
    pub bucket: String,
    /// Versions and markers that were deleted before.
    pub deleted: u64,
    /// The object's key.
    pub key: String,
    /// S3's code.
    pub code: String,
    /// S3's message.
    pub message: String,
}

impl fmt::Display for Leftover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "S3 refused to delete {:?} in the bucket {:?}: {}: {}; {} deleted before",
            self.key,
            self.bucket,
            self.code,
            self.message.trim_end_matches('.'),
            match self.deleted {
                1 => "1 version was".to_owned(),
                deleted => format!("{deleted} versions were"),
            }
        )
    }
}

impl Leftover {
    pub(super) fn hint(&self) -> String {
        format!(
            "A version under COMPLIANCE or a hold cannot be deleted. For one under GOVERNANCE, the credentials need the permissions \
             s3:DeleteObjectVersion and s3:BypassGovernanceRetention. `aws s3api head-object --bucket {} --key {}` shows the lock. \
             What was deleted is gone; a further destroy goes on from here.",
            self.bucket, self.key
        )
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
        if self.locked == 0 && self.unreadable > 0 {
            return format!(
                "{SEE_LOCKS}, and destroy again to see what is locked and until when. To keep the bucket, set `on_destroy` to \"forget\", \
                 apply, and destroy."
            );
        }
        if self.locked == 0 {
            return format!(
                "Delete every version and every delete marker yourself (`aws s3api list-object-versions --bucket {}` lists \
                 them), or set `on_destroy` to \"empty\" to delete them all, or to \"forget\" to keep the bucket, apply, and \
                 destroy.",
                self.bucket
            );
        }
        let by_hand = match (self.compliance, self.locked.saturating_sub(self.compliance)) {
            (0, _) => {
                "2. The locks are GOVERNANCE: set `on_destroy = \"empty\"`, apply, and destroy. The credentials need \
                 s3:BypassGovernanceRetention."
            }
            (_, 0) => {
                "2. The locks are COMPLIANCE: nobody can end them early, neither you nor AWS. They end early only with \
                 the AWS account."
            }
            (_, _) => {
                "2. Versions under GOVERNANCE can be deleted by hand by a principal with s3:BypassGovernanceRetention \
                 (`aws s3api delete-object --version-id … --bypass-governance-retention`); nobody can \
                 delete those under COMPLIANCE."
            }
        };
        format!(
            "The bucket exists to prevent this. You can:\n\
             1. Wait until the last lock has ended, and then empty and destroy the bucket.\n\
             {by_hand}\n\
             3. Keep the bucket and remove it from Terraform's state: `on_destroy = \"forget\"`, or a `removed` block with \
             `destroy = false`, or `terraform state rm`."
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
            event_holds: 0,
            unreadable: 0,
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
    fn lock_that_cannot_be_read_is_not_said_to_be_absent() {
        let unread = Contents {
            locked: 0,
            unreadable: 2,
            last_until: None,
            ..contents()
        };
        assert_eq!(
            unread.to_string(),
            "the bucket \"trail\" is not empty: it holds 5 object versions and 1 delete marker; the locks of 2 object versions \
             could not be read, because s3:GetObjectRetention or s3:GetObjectLegalHold is missing"
        );
    }

    #[test]
    fn what_no_bypass_ends_is_not_emptied() {
        assert!(!contents().cannot_be_deleted());
        let hold = |legal_holds, event_holds, compliance| Contents {
            compliance,
            legal_holds,
            event_holds,
            ..contents()
        };
        for held in [hold(1, 0, 0), hold(0, 1, 0), hold(0, 0, 1)] {
            assert!(held.cannot_be_deleted());
            let hint = Error::CannotEmpty(Box::new(held)).hint().unwrap();
            assert!(
                hint.contains("ends at 2033-01-01T00:00:00Z") && hint.contains("\"forget\""),
                "{hint}"
            );
        }
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

    #[test]
    fn lock_that_cannot_be_read_is_not_emptied_and_no_way_to_that_is_named() {
        let unread = Contents {
            locked: 0,
            unreadable: 2,
            last_until: None,
            ..contents()
        };
        assert!(unread.cannot_be_deleted());
        for hint in [unread.hint(), unread.empty_hint()] {
            assert!(
                hint.contains("s3:GetObjectRetention and s3:GetObjectLegalHold"),
                "{hint}"
            );
            assert!(!hint.contains("\"empty\""), "{hint}");
        }
        assert!(!contents().cannot_be_deleted());
    }
}
