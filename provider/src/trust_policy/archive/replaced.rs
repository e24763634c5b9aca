//! What a person can do about an archived policy that somebody wrote over.

use auditlog_chain::policy::LockMode;
use auditlog_chain::timestamp::Timestamp;
use tf_provider::Diagnostic;

use super::model::ArchiveModel;
use crate::aws::Archived;

/// The key has our SHA-256, and the bytes do not.
pub(super) fn replaced(planned: &ArchiveModel, found: &Archived, now: Timestamp) -> Diagnostic {
    let place = planned.place();
    let version = found.version_id.as_deref().unwrap_or("null");
    let object = format!(
        "--bucket {} --key {} --version-id {version}",
        place.bucket, place.key
    );
    let detail = format!(
        "s3://{}/{} has other bytes, of SHA-256 {}: somebody wrote over it. Nothing was written. The archived policy is an older \
         version of the object. Find out who wrote the version {version}. {}\n\nOr set another `prefix` below the same declared prefix, \
         such as \"{}again/\", and apply again: the policy is archived there too, and both versions stay.",
        place.bucket,
        place.key,
        found.sha256.to_hex(),
        Lock::of(found, now).remedy(&object),
        planned.prefix
    );
    Diagnostic::error("The archived trust policy was replaced", detail).at("trust_policy")
}

/// What keeps a version from being deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lock {
    /// Nothing that the provider may see.
    None,
    Governance(Timestamp),
    Compliance(Timestamp),
    Held,
}

impl Lock {
    fn of(found: &Archived, now: Timestamp) -> Self {
        let mode = found.mode.as_deref().and_then(LockMode::parse);
        let until = found.retain_until.filter(|until| *until > now);
        match (mode, until) {
            (Some(LockMode::Compliance), Some(until)) => Self::Compliance(until),
            _ if found.is_held => Self::Held,
            (Some(LockMode::Governance), Some(until)) => Self::Governance(until),
            (_, _) => Self::None,
        }
    }

    fn remedy(self, object: &str) -> String {
        let delete = format!("aws s3api delete-object {object}");
        match self {
            Self::None => format!(
                "No lock of it is known: it has none, or the permission `s3:GetObjectRetention` is missing. Delete it, and apply again:\n\n{delete}"
            ),
            Self::Governance(until) => format!(
                "It is locked in GOVERNANCE mode until {}. With the permission `s3:BypassGovernanceRetention`, delete it, and apply \
                 again:\n\n{delete} --bypass-governance-retention",
                until.to_rfc3339()
            ),
            Self::Compliance(until) => format!(
                "It is locked in COMPLIANCE mode: nobody can delete it before {}.",
                until.to_rfc3339()
            ),
            Self::Held => format!(
                "It has a legal hold, which has no end: nobody can delete it before somebody removes the hold:\n\n\
                 aws s3api put-object-legal-hold {object} --legal-hold Status=OFF"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use auditlog_chain::hash::Hash;

    use super::*;

    const UNTIL: &str = "2026-02-01T00:00:00Z";

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).unwrap()
    }

    fn found(mode: Option<&str>) -> Archived {
        Archived {
            version_id: Some("v".to_owned()),
            sha256: Hash::from_bytes([0; 32]),
            stored: None,
            mode: mode.map(str::to_owned),
            retain_until: mode.map(|_| at(UNTIL)),
            is_held: false,
        }
    }

    fn said(found: &Archived, now: &str) -> String {
        let planned = ArchiveModel {
            bucket: "trail".to_owned(),
            prefix: "policies/".to_owned(),
            trust_policy: "{}".to_owned(),
            ..ArchiveModel::default()
        };
        let said = replaced(&planned, found, at(now)).detail;
        assert!(said.contains("such as \"policies/again/\""), "{said}");
        said
    }

    #[test]
    fn remedy_is_one_that_the_lock_allows() {
        let now = "2026-01-15T00:00:00Z";
        let governance = said(&found(Some("GOVERNANCE")), now);
        assert!(governance.contains("--version-id v --bypass-governance-retention"));
        assert!(governance.contains(UNTIL), "{governance}");

        let compliance = said(&found(Some("COMPLIANCE")), now);
        assert!(compliance.contains(&format!("nobody can delete it before {UNTIL}")));
        assert!(!compliance.contains("delete-object"), "{compliance}");
        let ended = said(&found(Some("COMPLIANCE")), "2026-02-01T00:00:00Z");
        assert!(ended.ends_with("stay.") && ended.contains("delete-object"));
        assert!(!ended.contains("--bypass"), "{ended}");

        let held = Archived {
            is_held: true,
            ..found(Some("GOVERNANCE"))
        };
        let held = said(&held, now);
        assert!(held.contains("--legal-hold Status=OFF"), "{held}");
        assert!(!held.contains("delete-object"), "{held}");

        let unknown = said(&found(None), now);
        assert!(unknown.contains("s3:GetObjectRetention") && unknown.contains("delete-object"));
    }
}
