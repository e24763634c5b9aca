//! Principals as a person states them, and the pattern by which a policy recognises them.
//!
//! A policy never names a role itself: IAM replaces the ARN of a deleted role by an id that never comes back, so a role
//! of the same name that is made again would stay locked out. Statements name accounts instead, and compare
//! `aws:PrincipalArn`, which is the role's ARN for every session of it.

use std::fmt;

/// A role, an IAM user or the root user of an account.
///
/// The path of a role or a user is not kept: names are unique in an account, and some programs leave the path out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Principal {
    partition: String,
    account: String,
    identity: Identity,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Identity {
    Root,
    Role(String),
    User(String),
}

/// Why a text is not a principal that a policy can recognise.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PrincipalError {
    /// Not the ARN of a role, a user or the root user.
    #[error("{found:?} is not the ARN of an IAM role, an IAM user or a root user")]
    NotAPrincipal {
        /// The text.
        found: String,
    },
    /// The ARN of one session of a role.
    #[error("{found:?} is a session of a role, and a policy that names it does not match the role")]
    Session {
        /// The text.
        found: String,
        /// The ARN of the session's role, without its path.
        role: String,
    },
    /// An id that IAM shows in place of an ARN.
    #[error("{found:?} is the id of a principal that may have been deleted, not an ARN")]
    UniqueId {
        /// The text.
        found: String,
    },
    /// A principal of another partition, whose credentials do not work here.
    #[error("{found:?} belongs to the partition {partition:?}, and the policy to {expected:?}")]
    OtherPartition {
        /// The text.
        found: String,
        /// Its partition.
        partition: String,
        /// The policy's.
        expected: String,
    },
    /// A pattern.
    #[error("{found:?} has a wildcard, and would match principals that nobody stated")]
    Wildcard {
        /// The text.
        found: String,
    },
}

impl PrincipalError {
    /// What a person can do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Session { role, .. } => format!("Name the role: {role:?}."),
            Self::UniqueId { .. } => {
                "Create the role or the user again if it is gone, and name it by its ARN."
                    .to_owned()
            }
            Self::OtherPartition { .. } => {
                "Name principals of the partition that the bucket or the key is in.".to_owned()
            }
            Self::NotAPrincipal { .. } | Self::Wildcard { .. } => {
                "Name each principal in full, such as \"arn:aws:iam::123456789012:role/sealer\"."
                    .to_owned()
            }
        }
    }
}

impl Principal {
    /// Parses the ARN of a role, a user or a root user, of any partition.
    ///
    /// # Errors
    /// [`PrincipalError`] for anything else, with the role's ARN where the text is one of its sessions.
    pub fn parse(arn: &str) -> Result<Self, PrincipalError> {
        if arn.contains(['*', '?']) {
            let found = arn.to_owned();
            return Err(PrincipalError::Wildcard { found });
        }
        let principal = Arn::split(arn).and_then(|parts| match parts.service {
            "iam" => parts.principal(),
            _ => None,
        });
        principal.ok_or_else(|| refused(arn))
    }

    /// Parses the same for a policy of this partition.
    ///
    /// # Errors
    /// As [`parse`](Self::parse), and for a principal of another partition.
    pub fn parse_in(partition: &str, arn: &str) -> Result<Self, PrincipalError> {
        let principal = Self::parse(arn)?;
        if principal.partition == partition {
            return Ok(principal);
        }
        Err(PrincipalError::OtherPartition {
            found: arn.to_owned(),
            partition: principal.partition,
            expected: partition.to_owned(),
        })
    }

    /// The principal that a caller's ARN, as `sts:GetCallerIdentity` returns it, has in `aws:PrincipalArn`.
    pub fn of_caller(arn: &str) -> Option<Self> {
        let parts = Arn::split(arn)?;
        match parts.service {
            "sts" => parts.role_of_session(),
            "iam" => parts.principal(),
            _ => None,
        }
    }

    /// Its account, twelve digits.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// Its partition, such as `aws`.
    pub fn partition(&self) -> &str {
        &self.partition
    }

    /// What `aws:PrincipalArn` is compared with: the name under any path or none.
    ///
    /// `role*/NAME` matches `role/NAME` and `role/PATH/NAME`, in one pattern of the two that a policy has little room for.
    /// Nothing else that `aws:PrincipalArn` can be begins with `role` or `user`.
    pub fn pattern(&self) -> String {
        self.arn("*/")
    }

    fn arn(&self, separator: &str) -> String {
        let resource = match &self.identity {
            Identity::Root => "root".to_owned(),
            Identity::Role(name) => format!("role{separator}{name}"),
            Identity::User(name) => format!("user{separator}{name}"),
        };
        format!("arn:{}:iam::{}:{resource}", self.partition, self.account)
    }
}

/// The ARN, without a path.
impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.arn("/"))
    }
}

/// Whether a policy that lets `stated` do something lets the caller do it, by the caller's own ARN.
///
/// This is the check before a policy is put: the caller must still be able to change it afterwards.
pub fn admits(stated: &[Principal], caller_arn: &str) -> bool {
    Principal::of_caller(caller_arn).is_some_and(|caller| stated.contains(&caller))
}

struct Arn<'a> {
    partition: &'a str,
    service: &'a str,
    account: &'a str,
    resource: &'a str,
}

impl<'a> Arn<'a> {
    fn split(arn: &'a str) -> Option<Self> {
        let mut parts = arn.splitn(6, ':');
        let mut next = || parts.next();
        let (scheme, partition, service) = (next()?, next()?, next()?);
        let (region, account, resource) = (next()?, next()?, next()?);
        let is_arn = scheme == "arn" && is_partition(partition) && region.is_empty();
        (is_arn && is_account(account)).then_some(Self {
            partition,
            service,
            account,
            resource,
        })
    }

    fn principal(&self) -> Option<Principal> {
        let identity = if self.resource == "root" {
            Identity::Root
        } else {
            let (kind, path) = self.resource.split_once('/')?;
            let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
            let name = Some(name).filter(|name| is_name(name) && is_path(folders))?;
            match kind {
                "role" => Identity::Role(name.to_owned()),
                "user" => Identity::User(name.to_owned()),
                _ => return None,
            }
        };
        Some(self.with(identity))
    }

    fn role_of_session(&self) -> Option<Principal> {
        let session = self.resource.strip_prefix("assumed-role/")?;
        let (role, _) = session.split_once('/')?;
        is_name(role).then(|| self.with(Identity::Role(role.to_owned())))
    }

    fn with(&self, identity: Identity) -> Principal {
        Principal {
            partition: self.partition.to_owned(),
            account: self.account.to_owned(),
            identity,
        }
    }
}

fn refused(text: &str) -> PrincipalError {
    let found = text.to_owned();
    let session = Arn::split(text).filter(|arn| arn.service == "sts");
    if let Some(role) = session.and_then(|arn| arn.role_of_session()) {
        let role = role.to_string();
        return PrincipalError::Session { found, role };
    }
    if is_unique_id(text) {
        return PrincipalError::UniqueId { found };
    }
    PrincipalError::NotAPrincipal { found }
}

/// Whether the text is an id such as `AROAEXAMPLEID`, which IAM shows for a role, and `AIDA…` for a user, once it is deleted.
pub(super) fn is_unique_id(text: &str) -> bool {
    let rest = ["AROA", "AIDA"]
        .iter()
        .find_map(|kind| text.strip_prefix(kind));
    rest.is_some_and(|rest| {
        rest.len() >= 8
            && rest
                .bytes()
                .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
    })
}

pub(super) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

fn is_partition(text: &str) -> bool {
    let rest = text.strip_prefix("aws");
    rest.is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'))
}

/// IAM's own rule for the names of roles and users.
fn is_name(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"+=,.@_-".contains(&b);
    (1..=64).contains(&text.len()) && text.bytes().all(allowed)
}

fn is_path(text: &str) -> bool {
    text.len() <= 510 && text.bytes().all(|b| b.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(arn: &str) -> String {
        Principal::parse(arn).unwrap().pattern()
    }

    #[test]
    fn path_makes_no_difference() {
        let bare = Principal::parse("arn:aws:iam::123456789012:role/sealer").unwrap();
        let deep = Principal::parse("arn:aws:iam::123456789012:role/a/b/sealer").unwrap();
        assert_eq!(bare, deep);
        assert_eq!(deep.to_string(), "arn:aws:iam::123456789012:role/sealer");
        assert_eq!(deep.pattern(), "arn:aws:iam::123456789012:role*/sealer");
    }

    #[test]
    fn root_users_and_users_of_every_partition_are_principals() {
        assert_eq!(
            pattern("arn:aws-cn:iam::123456789012:root"),
            "arn:aws-cn:iam::123456789012:root"
        );
        assert_eq!(
            pattern("arn:aws-us-gov:iam::123456789012:user/ops/jo.doe@acme"),
            "arn:aws-us-gov:iam::123456789012:user*/jo.doe@acme"
        );
    }

    #[test]
    fn principal_of_another_partition_is_refused() {
        let arn = "arn:aws-cn:iam::123456789012:role/auditor";
        let refused = Principal::parse_in("aws", arn).unwrap_err();
        assert_eq!(
            refused.to_string(),
            format!("{arn:?} belongs to the partition \"aws-cn\", and the policy to \"aws\"")
        );
        assert!(Principal::parse_in("aws-cn", arn).is_ok());
        assert!(Principal::parse_in("aws-cn", "*").is_err());
    }

    #[test]
    fn session_is_refused_and_its_role_suggested() {
        let arn = "arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_Admin_0123/jo@acme";
        let refused = Principal::parse(arn).unwrap_err();
        assert_eq!(
            refused.hint(),
            "Name the role: \"arn:aws:iam::123456789012:role/AWSReservedSSO_Admin_0123\"."
        );
        assert_eq!(
            refused.to_string(),
            format!(
                "{arn:?} is a session of a role, and a policy that names it does not match the role"
            )
        );
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "sealer",
            "arn:aws:iam::123456789012:group/admins",
            "arn:aws:iam::123456789012:role/",
            "arn:aws:iam::12345678901:role/sealer",
            "arn:aws:iam::123456789012:roles",
            "arn:aws:iam:eu-central-1:123456789012:role/sealer",
            "arn:aws:sts::123456789012:federated-user/jo",
            "arn:aws:iam::123456789012:saml-provider/x",
            "arn:x:iam::123456789012:root",
            "123456789012",
        ] {
            let refused = Principal::parse(text).unwrap_err();
            assert!(
                matches!(refused, PrincipalError::NotAPrincipal { .. }),
                "{text}"
            );
        }
        for text in ["*", "arn:aws:iam::123456789012:role/seal*"] {
            let refused = Principal::parse(text).unwrap_err();
            assert!(matches!(refused, PrincipalError::Wildcard { .. }), "{text}");
        }
        let refused = Principal::parse("AROAIDPPEZS35WEXAMPLE").unwrap_err();
        assert!(matches!(refused, PrincipalError::UniqueId { .. }));
    }

    #[test]
    fn caller_is_admitted_as_the_role_of_its_session() {
        let stated = [
            Principal::parse("arn:aws:iam::123456789012:role/ci/terraform").unwrap(),
            Principal::parse("arn:aws:iam::123456789012:user/jo").unwrap(),
        ];
        for caller in [
            "arn:aws:sts::123456789012:assumed-role/terraform/run-1",
            "arn:aws:iam::123456789012:user/ops/jo",
        ] {
            assert!(admits(&stated, caller), "{caller}");
        }
        for caller in [
            "arn:aws:sts::210987654321:assumed-role/terraform/run-1",
            "arn:aws:sts::123456789012:assumed-role/other/terraform",
            "arn:aws:sts::123456789012:federated-user/jo",
            "arn:aws:iam::123456789012:root",
            "arn:aws:iam::123456789012:role/jo",
            "",
        ] {
            assert!(!admits(&stated, caller), "{caller}");
        }
        assert!(!admits(&[], "arn:aws:iam::123456789012:root"));
    }
}
