//! `region`, which the provider block has and every resource.

use tf_provider::{Attribute, Type};

/// `region` of a resource: its own, or the provider's when it is created. It stays there when the provider's changes. `change`
/// says what another one does.
pub fn attribute(change: &str) -> Attribute {
    Attribute::optional_computed(Type::String)
        .use_state_for_unknown()
        .description(format!(
            "AWS region of the resource. Default: the region of the provider block when the resource is created. A resource \
             stays in its region when that of the provider block changes. {change}",
        ))
        .validate(|region: String| check(&region))
}

/// Checks that a text has the form of a region.
///
/// # Errors
/// What is wrong with it.
pub fn check(region: &str) -> Result<(), String> {
    let shaped = region.split('-').count() >= 3
        && region
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        && region.ends_with(|c: char| c.is_ascii_digit());
    if shaped {
        return Ok(());
    }
    Err(format!(
        "{region:?} is not an AWS region, such as \"eu-central-1\"."
    ))
}

/// Takes an import id apart: `NAME@REGION` as the AWS provider writes it, or the name alone.
pub fn split_id(id: &str) -> (&str, Option<&str>) {
    match id.rsplit_once('@') {
        Some((name, region)) if check(region).is_ok() => (name, Some(region)),
        _ => (id, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn region_has_the_form_of_one() {
        for region in ["eu-central-1", "us-gov-west-1", "us-isob-east-1"] {
            assert_eq!(check(region), Ok(()));
        }
        for wrong in [
            "",
            "Frankfurt",
            "eu-central",
            "EU-CENTRAL-1",
            "eu-central-1a",
        ] {
            assert!(check(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn import_id_may_name_its_region() {
        assert_eq!(split_id("trail"), ("trail", None));
        assert_eq!(split_id("trail@eu-west-1"), ("trail", Some("eu-west-1")));
        assert_eq!(split_id("alias/a@b"), ("alias/a@b", None));
        assert_eq!(
            split_id("alias/a@b@eu-west-1"),
            ("alias/a@b", Some("eu-west-1"))
        );
    }
}
