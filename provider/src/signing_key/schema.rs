//! The schema of `auditlog_signing_key`.

use std::collections::BTreeSet;

use auditlog_chain::keys::KeySpec;
use tf_provider::{Attribute, Field, Fields, Nested, Schema, Type};

use super::destroy::{RETAIN, SCHEDULE_DELETION};
use super::disarm::{DISARM, check_ids};
use super::marks::fits;
use super::model::DEFAULT_GRACE_DAYS;
use crate::aws::Principal;
use crate::region;
use crate::tags;
use crate::trust::keys::{computed_compromised_fields, computed_trust_fields};
use crate::trust::values::{parse_root, parse_time};

/// Ed25519: the one signature type (C2SP 0x01) that every tool for signed notes verifies; signing twice gives the same
/// bytes; KMS has it in every region.
const DEFAULT_SPEC: KeySpec = KeySpec::EccNistEdwards25519;
/// The longest, and the default: a deletion by mistake should be noticed in time.
pub(crate) const MAX_WINDOW_DAYS: u32 = 30;
const MIN_WINDOW_DAYS: u32 = 7;
/// A hundred years.
const MAX_PERIOD_DAYS: u32 = 36_500;
const MAX_GRACE_DAYS: u32 = 365;
const MAX_DESCRIPTION_CHARS: usize = 8192;

pub(crate) fn schema() -> Schema {
    let schema = Schema::new()
        .version(1)
        .description("A KMS key that signs the checkpoints of logs, with all its versions.")
        .attribute(
            "alias",
            Attribute::required(Type::String)
                .validate(|alias: String| check_alias(&alias))
                .description("Alias of the key, with its `alias/`. It always points at the version that signs. Another alias is set before this one is removed."),
        )
        .attribute("region", region::attribute("It cannot change."))
        .attribute(
            "key_spec",
            Attribute::optional(Type::String)
                .default(DEFAULT_SPEC.as_str())
                .one_of(KeySpec::ALL.map(KeySpec::as_str))
                .description("Spec of the key, as KMS names it. Default: `ECC_NIST_EDWARDS25519`. Another spec makes a new version of that spec."),
        )
        .attribute(
            "description",
            Attribute::optional(Type::String).default("").validate(|text: String| check_description(&text)).description("Description of the key in KMS. Default: empty. A change is made in place, for all versions."),
        )
        .attribute("signers", principals("Roles and users who may sign, by their ARNs: the sealers. The key policy denies signing to all others, grants included. Default: IAM alone decides. A change replaces the key policy in place."))
        .attribute("verifiers", principals("Roles and users who may verify signatures with KMS, and read the public key, the key policy, grants and tags, by their ARNs. With `administrators`, the role of plans that only reads belongs here. Default: IAM alone decides. A change replaces the key policy in place."))
        .attribute("administrators", principals("Roles and users who may change, rotate and delete the key, by their ARNs. The one that runs Terraform must be among them. Default: IAM alone decides. A change replaces the key policy in place."))
        .attribute(
            "rotation",
            Attribute::optional(Nested::single(rotation_fields()))
                .description("When a new version is made. Default: only where `key_spec` changes, or where the version that signs is lost, compromised or gone. A change of the period or of the grace makes no new version by itself."),
        )
        .attribute(
            "lost",
            Attribute::optional(Nested::map(lost_fields()))
                .description("Versions that cannot be used any more, by their number: a rotation away from one needs no signature of it, and signing with it is denied. An entry cannot be removed. Default: none. An entry for the version that signs makes a new version."),
        )
        .attribute(
            "compromised",
            Attribute::optional(Nested::map(compromise_fields()))
                .description("Versions with which somebody else may have signed, by their number: their signatures count up to `last_good`, and their keys are disabled. An entry cannot be removed. Default: none. An entry for the version that signs makes a new version."),
        )
        .attribute(
            "on_destroy",
            Attribute::optional(Type::String)
                .default(RETAIN)
                .one_of([RETAIN, SCHEDULE_DELETION])
                .description("What a destroy does with the keys: `retain` keeps them and denies signing, `schedule_deletion` has KMS delete them. Default: `retain`. A change must be applied before the destroy."),
        )
        .attribute(
            "deletion_window_in_days",
            Attribute::optional(Type::Number)
                .default(MAX_WINDOW_DAYS)
                .range("days", MIN_WINDOW_DAYS..=MAX_WINDOW_DAYS)
                .description("Days that KMS waits before it deletes the keys after a destroy with `schedule_deletion`, 7 to 30. Default: 30. A change must be applied before the destroy."),
        )
        .attribute(
            DISARM,
            Attribute::optional(Type::list(Type::String))
                .validate(|entries: Vec<Field<String>>| check_ids(&entries))
                .description("Ids or ARNs of keys that an interrupted create of this alias left behind and that can sign. Signing with them is denied before anything else is changed, and the alias moves from them to the key of this resource, in a create and in an update. Where the alias cannot move, nothing is denied. A key of another alias, one that a destroy retained, one whose key policy is not the provider's, and one that another resource of the same configuration has are refused. An entry that disarms nothing gives a warning. Default: none. A change denies signing with the keys that it adds; a removed entry changes nothing."),
        );
    computed(tags::add_to(schema))
}

fn computed(schema: Schema) -> Schema {
    let once = |text: &str| {
        Attribute::computed(Type::String)
            .use_state_for_unknown()
            .description(text)
    };
    schema
        .attribute("id", once("Same as `key_id`."))
        .attribute("key_id", once("Id of the version that signs, as KMS names it."))
        .attribute("arn", once("ARN of the version that signs."))
        .attribute("usage", once("Always `SIGN_VERIFY`."))
        .attribute(
            "creation_date",
            once("Time at which the version that signs was made, RFC 3339."),
        )
        .attribute(
            "public_key_pem",
            once("Public key of the version that signs as PEM (`SubjectPublicKeyInfo`)."),
        )
        .attribute("public_key_spki", once("Same public key in base64 of its DER."))
        .attribute("policy", Attribute::computed(Type::String).description("Key policy of the version that signs, as JSON."))
        .attribute("rotation_due", Attribute::computed(Type::String).description("Time from which a plan makes a new version by age, RFC 3339. Null without `rotation.period_in_days`."))
        .attribute("drift", Attribute::computed(Type::list(Type::String)).description("What differs from the declaration and has no attribute of its own, by version. The next apply corrects it."))
        .attribute("foreign_grants", Attribute::computed(Type::list(Type::String)).description("Grants on the keys. The provider makes none, and removes none."))
        .attribute(
            "versions",
            Attribute::computed(Nested::map(version_fields()))
                .use_state_for_unknown()
                .description("All versions of the key by their number, from `\"1\"`. A version is never removed."),
        )
        .attribute(
            "trust",
            Attribute::computed(Nested::single(computed_trust_fields()))
                .use_state_for_unknown()
                .description("Alias and public keys of all versions, for the `signing_key` of a log. It changes only where a version does."),
        )
}

fn principals(description: &str) -> Attribute {
    Attribute::optional(Type::set(Type::String))
        .description(description)
        .validate(|arns: BTreeSet<String>| {
            let mut wrong = arns.iter().filter_map(|arn| Principal::parse(arn).err());
            let first = wrong.next();
            first.map_or(Ok(()), |error| Err(format!("{error}. {}", error.hint())))
        })
}

fn rotation_fields() -> Fields {
    let days = |most: u32| Attribute::optional(Type::Number).range("days", 0..=most);
    Fields::new()
        .attribute(
            "period_in_days",
            Attribute::optional(Type::Number)
                .range("days", 1..=MAX_PERIOD_DAYS)
                .description("Age of the version that signs, in days, from which a plan makes a new one. Default: no age."),
        )
        .attribute(
            "grace_in_days",
            days(MAX_GRACE_DAYS)
                .default(DEFAULT_GRACE_DAYS)
                .description("Days for which the old version may sign beside the new one, so that sealers can change over. Default: 7. A change counts from the next rotation on."),
        )
        .attribute(
            "trigger",
            Attribute::optional(Type::String)
                .validate(|text: String| check_trigger(&text))
                .description("Any text. Setting it, or another text, makes a new version. Default: none."),
        )
}

fn check_trigger(text: &str) -> Result<(), String> {
    if !text.is_empty() && fits(text) {
        return Ok(());
    }
    Err(format!(
        "{text:?} does not fit into a tag: 1 to 256 letters, digits, spaces and + - = . _ : / @."
    ))
}

fn lost_fields() -> Fields {
    Fields::new().attribute("at", time("Time at which it was lost, RFC 3339."))
}

fn compromise_fields() -> Fields {
    let number = |text: &str| Attribute::required(Type::Number).description(text);
    let good = Fields::new()
        .attribute(
            "segment",
            number("Number of the last segment that is known to be good."),
        )
        .attribute(
            "size",
            number("Number of lines of the log up to the end of that segment."),
        )
        .attribute(
            "root",
            Attribute::required(Type::String)
                .validate(|root: String| parse_root(&root).map(drop))
                .description("RFC 6962 root over these lines, base64."),
        );
    Fields::new()
        .attribute("at", time("Time from which somebody else may have signed, RFC 3339."))
        .attribute(
            "last_good",
            Attribute::optional(Nested::map(good))
                .description("Last good segment of each log, by the log's origin. Default: none, and a log that is not listed gets no verdict."),
        )
}

fn time(description: &str) -> Attribute {
    Attribute::required(Type::String)
        .validate(|text: String| parse_time(&text).map(drop))
        .description(description)
}

fn version_fields() -> Fields {
    let text = |text: &str| Attribute::computed(Type::String).description(text);
    Fields::new()
        .attribute("key_id", text("Id of the key in KMS."))
        .attribute("arn", text("ARN of the key in KMS."))
        .attribute("key_spec", text("Spec of the key, as KMS names it."))
        .attribute("public_key_pem", text("Public key as PEM (`SubjectPublicKeyInfo`)."))
        .attribute("public_key_spki", text("Public key in base64 of its DER."))
        .attribute("fingerprint", text("SHA-256 of the public key's DER, in hex."))
        .attribute("valid_from", text("Time from which it may sign, RFC 3339: its creation."))
        .attribute("retired_at", text("Time from which it must not sign, RFC 3339."))
        .attribute("lost_at", text("Time at which it was lost, RFC 3339."))
        .attribute(
            "compromised",
            Attribute::computed(Nested::single(computed_compromised_fields()))
                .description("Since when somebody else may have signed with it, and up to where its signatures count."),
        )
        .attribute("state", text("State: `unfinished`, `waiting` (for the alias, which the key that it replaces still has), `current` (signs), `grace` (may sign until `retired_at`), `retired`, `compromised`, `deletion_scheduled` or `gone`."))
}

pub(crate) fn check_alias(alias: &str) -> Result<(), String> {
    let Some(name) = alias.strip_prefix("alias/") else {
        return Err(format!(
            "{alias:?} does not begin with \"alias/\": write \"alias/{alias}\"."
        ));
    };
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '-');
    if name.is_empty() || alias.len() > 256 || !name.chars().all(allowed) {
        return Err(format!(
            "{alias:?} is not an alias: \"alias/\" and a name of letters, digits, slashes, underscores and hyphens, at most 256 characters."
        ));
    }
    if name.starts_with("aws/") {
        return Err(format!(
            "{alias:?} begins with \"alias/aws/\", which AWS reserves."
        ));
    }
    Ok(())
}

fn check_description(text: &str) -> Result<(), String> {
    let chars = text.chars().count();
    if chars <= MAX_DESCRIPTION_CHARS {
        return Ok(());
    }
    Err(format!(
        "It has {chars} characters; KMS takes {MAX_DESCRIPTION_CHARS} at most."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alias_needs_its_prefix() {
        assert_eq!(check_alias("alias/acme/audit-1"), Ok(()));
        for wrong in ["audit", "alias/", "alias/a b", "alias/aws/audit"] {
            assert!(check_alias(wrong).is_err(), "{wrong}");
        }
    }
}
