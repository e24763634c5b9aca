//! Arguments of the AWS provider that this one does not support. They are refused with the reason, because an argument that
//! is ignored would have been relied on.

use tf_provider::{Attribute, Field, Schema, Type};

pub(super) fn add_to(schema: Schema) -> Schema {
    schema
        .attribute(
            "insecure",
            refused::<bool>(
                Type::Bool,
                "TLS certificates are always checked: what answers in the name of AWS could otherwise hide what it stores. Use `custom_ca_bundle` to trust another authority.",
                |insecure| !insecure,
            ),
        )
        .attribute(
            "s3_us_east_1_regional_endpoint",
            refused::<String>(
                Type::String,
                "The regional endpoint is always used, also in us-east-1, so only `regional` is accepted.",
                |endpoint| endpoint == "regional",
            ),
        )
        .attribute(
            "tag_policy_compliance",
            refused::<String>(
                Type::String,
                "Tag policies are not checked at plan, so only `disabled` is accepted. AWS checks those that it enforces.",
                |compliance| compliance == "disabled",
            ),
        )
        .attribute(
            "user_agent",
            refused::<Vec<Field<String>>>(
                Type::list(Type::String),
                "Nothing can be added to the user agent, so only an empty list is accepted.",
                Vec::is_empty,
            ),
        )
}

/// Refuses every value but those that ask for what is done anyway.
fn refused<T: tf_provider::FromValue + 'static>(
    ty: Type,
    why: &'static str,
    harmless: fn(&T) -> bool,
) -> Attribute {
    Attribute::optional(ty)
        .description(format!("Not supported. {why}"))
        .validate(move |value: T| {
            if harmless(&value) {
                return Ok(());
            }
            Err(format!(
                "The AWS provider has this argument, and this provider does not support it. {why}"
            ))
        })
}
