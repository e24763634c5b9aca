//! The attributes of keys: given by a configuration, or computed by a resource.

use tf_provider::{Attribute, Fields, Nested, Type};

/// The attributes of a [`TrustModel`](super::TrustModel) where a configuration gives it, as the `signing_key` of a log.
pub fn trust_fields() -> Fields {
    trust(&Attribute::required, &Attribute::optional)
}

/// The attributes of a [`TrustModel`](super::TrustModel) where a resource computes it.
pub fn computed_trust_fields() -> Fields {
    trust(&Attribute::computed, &Attribute::computed)
}

/// The attributes of a [`CompromisedModel`](super::CompromisedModel) where a resource computes it.
pub fn computed_compromised_fields() -> Fields {
    compromised(&Attribute::computed, &Attribute::computed)
}

/// The attributes of a compromise where a configuration gives it.
pub(crate) fn given_compromised_fields() -> Fields {
    compromised(&Attribute::required, &Attribute::optional)
}

type Make = dyn Fn(tf_provider::Shape) -> Attribute;

fn trust(required: &Make, optional: &Make) -> Fields {
    let key = key(required, optional);
    Fields::new()
        .attribute(
            "alias",
            required(Type::String.into()).description("Alias of the key in KMS."),
        )
        .attribute(
            "keys",
            required(Nested::list(key).into())
                .description("All versions of the key, the newest last."),
        )
}

fn key(required: &Make, optional: &Make) -> Fields {
    let must = |text: &str| required(Type::String.into()).description(text);
    let may = |text: &str| optional(Type::String.into()).description(text);
    Fields::new()
        .attribute(
            "version",
            required(Type::Number.into()).description("Number of the version, from 1."),
        )
        .attribute("spec", must("Key spec, by the name of KMS."))
        .attribute("spki", must("Public key: base64 of its DER `SubjectPublicKeyInfo`."))
        .attribute("arn", may("ARN of the key in KMS."))
        .attribute("valid_from", must("Time from which the key may sign, RFC 3339."))
        .attribute("retired_at", may("Time from which the key must not sign, RFC 3339."))
        .attribute(
            "lost_at",
            may("Time at which the key was lost, RFC 3339. A rotation away from it then needs no signature of it."),
        )
        .attribute(
            "compromised",
            optional(Nested::single(compromised(required, optional)).into())
                .description("Since when somebody else may have signed with the key, and up to where its signatures count."),
        )
}

fn compromised(required: &Make, optional: &Make) -> Fields {
    let must = |text: &str| required(Type::String.into()).description(text);
    let number = |text: &str| required(Type::Number.into()).description(text);
    let last_good = Fields::new()
        .attribute("origin", must("Origin of the log."))
        .attribute(
            "segment",
            number("Number of the last segment that is known to be good."),
        )
        .attribute(
            "size",
            number("Number of lines of the log up to the end of that segment."),
        )
        .attribute("root", must("RFC 6962 root over these lines, base64."));
    Fields::new()
        .attribute("at", must("Time of the compromise, RFC 3339."))
        .attribute(
            "last_good",
            optional(Nested::list(last_good).into()).description(
                "Last good segment of each log. A log that is not listed gets no verdict.",
            ),
        )
}
