//! The schema of `auditlog_signing_key`.

use auditlog_chain::keys::KeySpec;
use tf_provider::{Attribute, Fields, Nested, Schema, Type};

use crate::tags;
use crate::trust::keys::{computed_compromised_fields, computed_trust_fields};

/// Ed25519: the one signature type (C2SP 0x01) that every tool for signed notes verifies; signing twice gives the same
/// bytes; KMS has it in every region.
const DEFAULT_SPEC: KeySpec = KeySpec::EccNistEdwards25519;
/// The longest, and the default: a deletion by mistake should be noticed in time.
pub(crate) const MAX_WINDOW_DAYS: u32 = 30;
const MIN_WINDOW_DAYS: u32 = 7;
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
        .attribute(
            "key_spec",
            Attribute::optional(Type::String)
                .default(DEFAULT_SPEC.as_str())
                .one_of(KeySpec::ALL.map(KeySpec::as_str))
                .requires_replace()
                .description("Spec of the key, as KMS names it. Default: `ECC_NIST_EDWARDS25519`. Another spec makes another key."),
        )
        .attribute(
            "description",
            Attribute::optional(Type::String).default("").validate(|text: String| check_description(&text)).description("Description of the key in KMS. Default: empty."),
        )
        .attribute(
            "deletion_window_in_days",
            Attribute::optional(Type::Number)
                .default(MAX_WINDOW_DAYS)
                .range("days", MIN_WINDOW_DAYS..=MAX_WINDOW_DAYS)
                .description("Days that KMS waits before it deletes the key after a destroy, 7 to 30. Default: 30."),
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
        .attribute("state", text("State: `current` for the version that signs."))
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
