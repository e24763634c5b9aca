//! Takes the place of the AWS provider where a test needs a state that holds its resources, and there is no network to install it.
//!
//! It has the resources of the upgrade guide with the arguments that the guide uses. It calls nothing: a resource is what its
//! configuration says. What it is asked to destroy, it writes to the file that `AWS_SUBSTITUTE_DESTROYED` names, so that a test can
//! check that nothing was.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::process::ExitCode;

use tf_provider::{
    Attribute, Block, ConfigureContext, Context, Diagnostic, Field, Fields, Object, Provider,
    Registry, Resource, Result, Schema, Type, model,
};

fn main() -> ExitCode {
    if std::env::args_os()
        .nth(1)
        .is_some_and(|argument| argument == "--version")
    {
        println!("terraform-provider-aws 6.0.0");
        return ExitCode::SUCCESS;
    }
    tf_provider::serve(Aws)
}

struct Aws;

model! {
    /// The provider block.
    struct Config {
        region: Field<String>,
    }
}

impl Provider for Aws {
    type Config = Config;
    type Data = ();

    fn schema(&self) -> Schema {
        Schema::new().attribute(
            "region",
            Attribute::optional(Type::String).description("Region."),
        )
    }

    fn register(&self, registry: &mut Registry<()>) {
        registry.resource(Bucket);
        registry.resource(Versioning);
        registry.resource(ObjectLock);
        registry.resource(AccessBlock);
        registry.resource(Key);
        registry.resource(Alias);
    }

    async fn configure(&self, _: &ConfigureContext, _: Config) -> Result<()> {
        Ok(())
    }
}

/// A resource that is what its configuration says, with these arguments.
macro_rules! resource {
    ($resource:ident, $name:literal, $schema:expr) => {
        struct $resource;

        impl Resource for $resource {
            const NAME: &'static str = $name;
            type Data = ();
            type Model = Object;

            fn schema(&self) -> Schema {
                let id = Attribute::computed(Type::String)
                    .use_state_for_unknown()
                    .description("Id.");
                $schema.attribute("id", id)
            }

            async fn create(&self, _: &Context<()>, planned: Object) -> Result<Object> {
                Ok(known(planned))
            }

            async fn read(&self, _: &Context<()>, state: Object) -> Result<Option<Object>> {
                Ok(Some(state))
            }

            async fn update(&self, _: &Context<()>, _: Object, planned: Object) -> Result<Object> {
                Ok(planned)
            }

            async fn delete(&self, _: &Context<()>, _: Object) -> Result {
                record($name)
            }
        }
    };
}

resource!(
    Bucket,
    "aws_s3_bucket",
    Schema::new()
        .attribute("bucket", required())
        .attribute("object_lock_enabled", flag())
);
resource!(
    Versioning,
    "aws_s3_bucket_versioning",
    Schema::new().attribute("bucket", required()).block(
        "versioning_configuration",
        Block::single(Fields::new().attribute("status", required())).description("Versioning."),
    )
);
resource!(
    ObjectLock,
    "aws_s3_bucket_object_lock_configuration",
    Schema::new().attribute("bucket", required()).block(
        "rule",
        Block::single(
            Fields::new().block(
                "default_retention",
                Block::single(Fields::new().attribute("mode", required()).attribute(
                    "days",
                    Attribute::optional(Type::Number).description("Days.")
                ),)
                .description("Retention."),
            ),
        )
        .description("Rule."),
    )
);
resource!(
    AccessBlock,
    "aws_s3_bucket_public_access_block",
    Schema::new()
        .attribute("bucket", required())
        .attribute("block_public_acls", flag())
        .attribute("block_public_policy", flag())
        .attribute("ignore_public_acls", flag())
        .attribute("restrict_public_buckets", flag())
);
resource!(
    Key,
    "aws_kms_key",
    Schema::new()
        .attribute("key_usage", required())
        .attribute("customer_master_key_spec", required())
        .attribute(
            "key_id",
            Attribute::computed(Type::String)
                .use_state_for_unknown()
                .description("Id.")
        )
);
resource!(
    Alias,
    "aws_kms_alias",
    Schema::new()
        .attribute("name", required())
        .attribute("target_key_id", required())
);

fn required() -> Attribute {
    Attribute::required(Type::String).description("As in the AWS provider.")
}

fn flag() -> Attribute {
    Attribute::optional(Type::Bool).description("As in the AWS provider.")
}

/// What is known only after apply: the bucket's name, or a word in its place.
fn known(mut planned: Object) -> Object {
    let name = planned.value("bucket").clone();
    for computed in ["id", "key_id"] {
        if planned.value(computed).is_unknown() && planned.contains(computed) {
            if name.is_null() {
                planned.set(computed, "substitute");
            } else {
                planned.set(computed, name.clone());
            }
        }
    }
    planned
}

fn record(name: &str) -> Result {
    let failed = |error: String| Diagnostic::error("Nothing may be destroyed here", error);
    let file =
        std::env::var("AWS_SUBSTITUTE_DESTROYED").map_err(|error| failed(error.to_string()))?;
    let opened = OpenOptions::new().create(true).append(true).open(file);
    let mut file = opened.map_err(|error| failed(error.to_string()))?;
    writeln!(file, "{name}").map_err(|error| failed(error.to_string()).into())
}
