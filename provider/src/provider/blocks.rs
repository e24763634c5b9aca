//! The blocks of roles.

use tf_provider::{Attribute, Fields, Type};

use super::attributes::{text, texts};
use crate::tags;
use crate::trust::duration::parse_duration;

/// Limits of STS, in seconds and in characters.
const SESSION_SECONDS: std::ops::RangeInclusive<u64> = 900..=43_200;

pub(super) fn assume_role() -> Fields {
    session()
        .attribute("external_id", text("Identifier that the role's trust policy may demand, 2 to 1224 characters. Default: none.").length(2..=1224))
        .attribute("source_identity", text("Name of whoever works with the role, as CloudTrail records it, 2 to 64 characters. Default: none.").length(2..=64))
        .attribute("tags", tags::attribute("Tags of the session, for conditions of policies. Default: none."))
        .attribute("transitive_tag_keys", texts("Keys of `tags` that the sessions of roles assumed with this one keep. Default: none."))
}

pub(super) fn web_identity() -> Fields {
    session()
        .attribute("web_identity_token", text("Token of the identity provider, 4 to 20000 characters. Exactly one of it and `web_identity_token_file`.").length(4..=20_000).sensitive())
        .attribute("web_identity_token_file", text("File with the token of the identity provider. It is read each time that credentials are asked for. Exactly one of it and `web_identity_token`."))
        .exactly_one_of(["web_identity_token", "web_identity_token_file"])
}

fn session() -> Fields {
    Fields::new()
        .attribute("role_arn", Attribute::required(Type::String).description("ARN of the role. A block whose `role_arn` is an empty text has no effect.").validate(|arn: String| check_role(&arn)))
        .attribute("session_name", text("Name of the session, as CloudTrail records it, 2 to 64 characters. Default: `terraform-provider-auditlog`.").length(2..=64))
        .attribute("duration", text("How long credentials last, `15m` to `12h`: a whole number and one unit. The provider asks for new ones before they expire. Default: what STS gives, an hour.").validate(|text: String| check_duration(&text)))
        .attribute("policy", text("Policy that narrows the role's rights, JSON. Default: none.").validate(|policy: String| check_json(&policy)))
        .attribute("policy_arns", texts("ARNs of managed policies that narrow the role's rights, 10 at most. Default: none.").length(..=10))
}

fn check_role(arn: &str) -> Result<(), String> {
    let shaped = arn.starts_with("arn:") && arn.contains(":iam::") && arn.contains(":role/");
    if shaped || arn.is_empty() {
        return Ok(());
    }
    Err(format!(
        "{arn:?} is not the ARN of a role, such as \"arn:aws:iam::123456789012:role/terraform\"."
    ))
}

fn check_duration(text: &str) -> Result<(), String> {
    let seconds = parse_duration(text)?;
    if SESSION_SECONDS.contains(&seconds) {
        return Ok(());
    }
    Err(format!("{text:?} is not between 15m and 12h."))
}

fn check_json(policy: &str) -> Result<(), String> {
    serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(policy)
        .map(drop)
        .map_err(|error| format!("The policy is not a JSON object: {error}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_lasts_from_a_quarter_of_an_hour_to_half_a_day() {
        for duration in ["15m", "900s", "1h", "12h"] {
            assert_eq!(check_duration(duration), Ok(()));
        }
        for wrong in ["14m", "13h", "1d", "1h30m", "an hour"] {
            assert!(check_duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_a_role_can_be_assumed() {
        assert_eq!(
            check_role("arn:aws-cn:iam::123456789012:role/path/x"),
            Ok(())
        );
        for wrong in ["terraform", "arn:aws:sts::123456789012:assumed-role/x/y"] {
            assert!(check_role(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn policy_of_a_session_is_json() {
        assert_eq!(check_json("{}"), Ok(()));
        assert!(check_json("[]").is_err() && check_json("{").is_err());
    }
}
