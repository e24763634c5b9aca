//! The ratchet: nothing becomes weaker unless `allow_weakening` names exactly that change.
//!
//! A bucket that is stronger than its configuration, because somebody changed it, counts as what it is. One that somebody weakened
//! counts as what was declared. The refusal says which of the two it is: what others have changed is not this change.

#[cfg(test)]
mod histories;

use tf_provider::{Diagnostic, Object};

use super::history::History;
use super::lock::{declared as as_lock, of_value};
use super::model::{SSE_KMS, SSE_S3};
use super::strength::{Strength, Weakening, of_span, stronger};
use crate::aws::{DefaultRetention, Enforced, foreign_denials, format_tls_only_policy};

/// The argument.
pub(super) const ALLOW: &str = "allow_weakening";

/// What is known of a bucket before a change, and what the change does to its policy.
#[derive(Debug, Clone, Copy)]
pub(super) struct Before<'a> {
    /// The state, which says what was found.
    pub(super) state: &'a Object,
    /// What was declared.
    pub(super) history: &'a History,
    /// The encryption that was applied; `None` where nothing was, as after an import.
    pub(super) encryption: Option<&'a str>,
    pub(super) reading: Reading,
}

/// What a change does to the rights of those who read a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// They may read the logs that they could read before, or those that a list names.
    Kept,
    /// They may read all logs, because a statement for each no longer fits into the policy.
    Opened,
}

impl Before<'_> {
    fn declared_lock(&self) -> Option<DefaultRetention> {
        self.history.lock.last().map(of_span)
    }

    /// The logs that were declared, each with a lock of its own. One that had its own once follows the bucket since.
    fn logs(&self) -> impl Iterator<Item = (&str, Option<DefaultRetention>)> {
        let bucket = self.declared_lock().map(as_lock);
        self.history.logs.iter().map(move |(name, log)| {
            let own = log.lock.as_ref().and_then(|spans| spans.last());
            let own = own.map(of_span);
            let own = own.filter(|own| Some(as_lock(*own)) != bucket);
            (name.as_str(), own)
        })
    }

    fn found_lock(&self) -> Option<DefaultRetention> {
        of_value(self.state.value("object_lock"))
    }

    fn applied_encryption(&self) -> Option<&'static str> {
        let is_s3 = |applied| if applied == SSE_S3 { SSE_S3 } else { SSE_KMS };
        self.encryption.map(is_s3)
    }

    /// Encryption by KMS that was found, with a key that the state names or without one.
    fn found_kms(&self) -> Option<&'static str> {
        let algorithm = self.state.value("sse_algorithm").as_str();
        algorithm
            .filter(|algorithm| algorithm.starts_with("aws:"))
            .map(|_| SSE_KMS)
    }

    /// What was declared; where that is not known, what was found.
    fn declared(&self) -> Strength {
        let lock = self.declared_lock().or(self.found_lock());
        let strength = Strength::with_lock(self.state, lock);
        strength
            .encrypted(self.applied_encryption().or(self.found_kms()))
            .declared(self.logs())
    }

    /// The stronger of what was declared and what was found.
    fn strongest(&self) -> Strength {
        let lock = stronger(self.found_lock(), self.declared_lock());
        let applied = self.applied_encryption();
        let kms = applied.filter(|applied| *applied == SSE_KMS);
        let kms = kms.or(self.found_kms());
        let strength = Strength::with_lock(self.state, lock);
        strength.encrypted(kms).declared(self.logs())
    }

    /// Lists of principals are in the state, once anything was applied. Before, the policy says them.
    fn with_policy(&self, strength: Strength, planned: &Object) -> Strength {
        match (self.encryption, self.state.value("policy").as_str()) {
            (None, Some(policy)) => strength
                .enforced(&Enforced::of(policy), planned)
                .denied(foreign_denials(policy, &self.tls_only())),
            _ => strength,
        }
    }

    /// What the policy of every bucket has.
    fn tls_only(&self) -> String {
        let arn = self.state.value("arn").as_str().unwrap_or_default();
        let partition = arn.split(':').nth(1).unwrap_or("aws");
        let bucket = self.state.value("bucket").as_str().unwrap_or_default();
        format_tls_only_policy(partition, bucket)
    }

    /// What others have changed, a line each.
    fn changes_of_others(&self, weakenings: &[&Weakening]) -> Vec<String> {
        let about = |subjects: &[&str]| {
            let mut found = weakenings.iter();
            found.any(|one| subjects.contains(&one.subject.as_str()))
        };
        let locks = self.found_lock().zip(self.declared_lock());
        let lock = locks.filter(|_| about(&["retention", "mode"]));
        let lock = lock.map(|(found, was)| {
            let (found, was) = (as_lock(found), as_lock(was));
            format!("- default retention is {found}, but {was} was declared")
        });
        let kms = about(&["encryption"]).then(|| self.encryption_of_others());
        lock.into_iter().chain(kms).collect()
    }

    fn encryption_of_others(&self) -> String {
        let algorithm = self.state.value("sse_algorithm").as_str();
        let algorithm = algorithm.unwrap_or(SSE_KMS);
        let key = self.state.value("encryption").as_object();
        let key = key.and_then(|kms| kms.value("kms_key_arn").as_str());
        match key {
            Some(key) => format!(
                "- encryption is {SSE_KMS} with the key {key}, but {SSE_S3} was declared. Check who may use and delete that key: \
                 without it, nobody can read what is stored now"
            ),
            None => format!("- encryption is {algorithm}, but {SSE_S3} was declared"),
        }
    }
}

/// What a change needs: errors for what is not allowed, and warnings for entries that allow nothing.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Judged {
    pub(super) refused: Option<Diagnostic>,
    pub(super) stale: Option<Diagnostic>,
}

/// Judges a change by what `allow_weakening` names.
pub(super) fn judge(before: &Before<'_>, planned: &Object) -> Judged {
    // Another bucket is not a weaker one; this one is deleted only if it is empty.
    if before.state.value("bucket") != planned.value("bucket") {
        return Judged::default();
    }
    let after = Strength::of(planned).of_ended(planned);
    let weakenings = |strength| {
        let mut found = before.with_policy(strength, planned).weakenings(&after);
        let opened = before.reading == Reading::Opened;
        found.extend(opened.then(Weakening::of_reading));
        found
    };
    let found = weakenings(before.strongest());
    let Some(allowed) = allowed(planned) else {
        return Judged::default();
    };
    let missing = found.iter().any(|one| !allowed.contains(&one.entry));
    let is_found = |entry: &&String| found.iter().any(|one| one.entry == **entry);
    let stale: Vec<&String> = allowed.iter().filter(|one| !is_found(one)).collect();
    let own = weakenings(before.declared());
    Judged {
        refused: missing.then(|| refusal(before, &found, &own, &allowed)),
        stale: (!stale.is_empty()).then(|| stale_entries(&stale)),
    }
}

/// The entries; none where they are not known yet.
fn allowed(planned: &Object) -> Option<Vec<String>> {
    let entries: Option<Vec<String>> = planned.get(ALLOW).ok()?;
    Some(entries.unwrap_or_default())
}

fn refusal(
    before: &Before<'_>,
    found: &[Weakening],
    own: &[Weakening],
    allowed: &[String],
) -> Diagnostic {
    let is_own = |one: &&Weakening| own.iter().any(|own| own.subject == one.subject);
    let missing = found.iter().filter(|one| !allowed.contains(&one.entry));
    let (own, others): (Vec<&Weakening>, Vec<&Weakening>) = missing.partition(is_own);
    let mut parts = Vec::new();
    if !others.is_empty() {
        parts.push(format!(
            "The bucket is not as it was applied last, because others changed it or an apply was interrupted:\n{}\n\nThat is stronger than what is declared, so to return to the \
             declaration weakens the bucket:\n{}\n\nNothing is applied until you decide. To keep what others have set, declare it.",
            before.changes_of_others(&others).join("\n"),
            lines(&others)
        ));
    }
    if !own.is_empty() {
        let text = lines(&own);
        parts.push(format!(
            "This change weakens what protects the logs:\n{text}"
        ));
    }
    let entries: Vec<String> = found.iter().map(|one| format!("{:?}", one.entry)).collect();
    parts.push(format!(
        "If this is what you want, name exactly this change:\n\n    {ALLOW} = [{}]",
        entries.join(", ")
    ));
    Diagnostic::error("The bucket would become weaker", parts.join("\n\n")).at(ALLOW)
}

fn lines(weakenings: &[&Weakening]) -> String {
    let lines: Vec<String> = weakenings
        .iter()
        .map(|one| format!("- {}", one.entry))
        .collect();
    lines.join("\n")
}

fn stale_entries(stale: &[&String]) -> Diagnostic {
    let lines: Vec<String> = stale.iter().map(|one| format!("- {one}")).collect();
    Diagnostic::warning(
        "Weakening that is allowed and does not happen",
        format!(
            "Remove these entries of {ALLOW}, so that they do not allow a later change:\n{}",
            lines.join("\n")
        ),
    )
    .at(ALLOW)
}

#[cfg(test)]
mod tests {
    use auditlog_chain::policy::{LockMode, LockSpan};

    use super::*;
    use crate::bucket::strength::tests::{bucket, lock, with_log};

    fn before(state: &Object) -> Before<'_> {
        Before {
            state,
            history: &NOTHING,
            encryption: Some(SSE_S3),
            reading: Reading::Kept,
        }
    }

    static NOTHING: History = History {
        lock: Vec::new(),
        logs: std::collections::BTreeMap::new(),
    };

    const DECLARED: LockSpan = LockSpan {
        from: auditlog_chain::timestamp::Timestamp::EPOCH,
        mode: LockMode::Compliance,
        retention_days: 10,
    };

    fn refused(found: &Object, planned: &Object) -> String {
        let history = History {
            lock: vec![DECLARED],
            ..History::default()
        };
        let before = Before {
            history: &history,
            ..before(found)
        };
        let refused = judge(&before, planned).refused;
        refused.map(|refused| refused.detail).unwrap_or_default()
    }

    #[test]
    fn exactly_the_named_change_is_allowed_and_stale_entries_warn() {
        let (long, short) = (bucket("GOVERNANCE", 30), bucket("GOVERNANCE", 3));
        let allow = |entries: &[&str]| {
            let entries: Vec<String> = entries.iter().map(ToString::to_string).collect();
            judge(&before(&long), &short.clone().with(ALLOW, entries))
        };
        let refused = allow(&[]).refused.unwrap().detail;
        assert!(
            refused.contains("allow_weakening = [\"retention 30d -> 3d\"]"),
            "{refused}"
        );
        assert_eq!(allow(&["retention 30d -> 3d"]), Judged::default());
        let other = allow(&["retention 30d -> 1d"]);
        assert!(other.refused.is_some() && other.stale.is_some());
    }

    #[test]
    fn bucket_that_was_weakened_by_another_hand_counts_as_declared() {
        let weak = bucket("GOVERNANCE", 5);
        let both = r#"["retention 10d -> 5d", "mode COMPLIANCE -> GOVERNANCE"]"#;
        for found in [&weak, &Object::new()] {
            let said = refused(found, &weak);
            assert!(said.contains(both), "{said}");
            assert!(said.starts_with("This change weakens"), "{said}");
            assert_eq!(refused(found, &bucket("COMPLIANCE", 10)), "");
        }
        let own = with_log(bucket("COMPLIANCE", 10), Some(lock("COMPLIANCE", 5)));
        let said = refused(&with_log(weak, None), &own);
        assert!(
            said.contains(r#"logs["a"] retention 10d -> 5d"#),
            "{}",
            said
        );
    }

    #[test]
    fn longer_retention_of_others_is_not_called_this_change() {
        let said = refused(&bucket("GOVERNANCE", 30), &bucket("COMPLIANCE", 10));
        assert_eq!(
            said,
            "The bucket is not as it was applied last, because others changed it or an apply was interrupted:\n- default retention is GOVERNANCE for 30 days, but COMPLIANCE for \
             10 days was declared\n\nThat is stronger than what is declared, so to return to the declaration weakens the bucket:\n- \
             retention 30d -> 10d\n\nNothing is applied until you decide. To keep what others have set, declare it.\n\nIf this is \
             what you want, name exactly this change:\n\n    allow_weakening = [\"retention 30d -> 10d\"]"
        );
        let said = refused(&bucket("COMPLIANCE", 30), &bucket("GOVERNANCE", 10));
        let own = "This change weakens what protects the logs:\n- mode COMPLIANCE -> GOVERNANCE";
        assert!(
            said.starts_with("The bucket is not as") && said.contains(own),
            "{said}"
        );
        assert_eq!(
            refused(&bucket("COMPLIANCE", 30), &bucket("COMPLIANCE", 30)),
            ""
        );
    }

    #[test]
    fn key_of_others_is_named_and_one_that_others_removed_still_counts() {
        let kms = Object::new().with("kms_key_arn", "arn:aws:kms:eu-central-1:1:key/1");
        let (plain, encrypted) = (
            bucket("GOVERNANCE", 3),
            bucket("GOVERNANCE", 3).with("encryption", kms),
        );
        let entry = "encryption aws:kms -> AES256";
        let said = judge(&before(&encrypted), &plain).refused.unwrap().detail;
        assert!(
            said.starts_with("The bucket is not as") && said.contains(entry),
            "{said}"
        );
        assert!(
            said.contains("the key arn:aws:kms:eu-central-1:1:key/1"),
            "{said}"
        );
        let removed = Before {
            encryption: Some(SSE_KMS),
            ..before(&plain)
        };
        let said = judge(&removed, &plain).refused.unwrap().detail;
        assert!(
            said.starts_with("This change") && said.contains(entry),
            "{said}"
        );
        assert_eq!(judge(&removed, &encrypted), Judged::default());
    }

    #[test]
    fn encryption_by_kms_without_a_key_of_its_own_counts_as_kms() {
        let entry = "encryption aws:kms -> AES256";
        for algorithm in ["aws:kms", "aws:kms:dsse"] {
            let found = bucket("GOVERNANCE", 3).with("sse_algorithm", algorithm);
            let planned = bucket("GOVERNANCE", 3).with("sse_algorithm", SSE_S3);
            let said = judge(&before(&found), &planned).refused.unwrap().detail;
            let others = format!("- encryption is {algorithm}, but AES256 was declared");
            assert!(
                said.starts_with("The bucket is not as") && said.contains(&others),
                "{said}"
            );
            assert!(said.contains(entry), "{said}");
            let imported = Before {
                encryption: None,
                ..before(&found)
            };
            let said = judge(&imported, &planned).refused.unwrap().detail;
            assert!(
                said.starts_with("This change") && said.contains(entry),
                "{said}"
            );
            let key = Object::new().with("kms_key_arn", "arn:aws:kms:eu-central-1:1:key/1");
            let kept = planned.with("encryption", key);
            assert_eq!(judge(&imported, &kept), Judged::default());
        }
    }

    #[test]
    fn what_others_deny_in_an_imported_bucket_is_not_dropped_unnamed() {
        let vpc = r#"{"Sid":"Vpc","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"x"}"#;
        let tls = format_tls_only_policy("aws", "trail").replace("DenyPlainText", "Tls");
        let policy = tls.replacen('[', &format!("[{vpc},"), 1);
        let found = bucket("GOVERNANCE", 3)
            .with("bucket", "trail")
            .with("arn", "arn:aws:s3:::trail")
            .with("policy", policy);
        let imported = Before {
            encryption: None,
            ..before(&found)
        };
        let planned = bucket("GOVERNANCE", 3).with("bucket", "trail");
        let said = judge(&imported, &planned).refused.unwrap().detail;
        let line = "- policy extra_policy_json - \"Vpc\"";
        assert!(said.contains(line) && !said.contains("Tls"), "{said}");
        let extra = format!(r#"{{"Version":"2012-10-17","Statement":[{vpc}]}}"#);
        let kept = planned.with("extra_policy_json", extra);
        assert_eq!(judge(&imported, &kept), Judged::default());
    }

    #[test]
    fn policy_of_an_imported_bucket_is_not_dropped_unnamed() {
        let policy =
            r#"{"Statement":[{"Sid":"AuditlogDestruction","Effect":"Deny","Resource":"x"}]}"#;
        let found = bucket("GOVERNANCE", 3).with("policy", policy);
        let imported = Before {
            encryption: None,
            ..before(&found)
        };
        let planned = bucket("GOVERNANCE", 3);
        let said = judge(&imported, &planned).refused.unwrap().detail;
        assert!(
            said.contains("- policy break_glass -> not enforced"),
            "{said}"
        );
        // once it is applied, the state says what is declared
        assert_eq!(judge(&before(&found), &planned), Judged::default());
    }
}
