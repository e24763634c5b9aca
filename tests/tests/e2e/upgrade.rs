//! The upgrade guide, as written, with a substitute for the AWS provider.

use std::fs;
use std::path::Path;

use auditlog_tests::{Command, Endpoint, Engine, REGION, Terraform, binary, root};
use aws_sdk_kms::types::{KeySpec, KeyUsageType};
use aws_sdk_s3::types::CreateBucketConfiguration;

/// The two configurations of the guide: before and after.
fn configurations() -> [String; 2] {
    let guide = fs::read_to_string(root().join("docs/guides/upgrade.md")).expect("the guide");
    let blocks = guide.split("\n```terraform\n").skip(1);
    let blocks = blocks.filter_map(|block| block.split_once("\n```"));
    let blocks: Vec<String> = blocks.map(|(text, _)| format!("{text}\n")).collect();
    blocks.try_into().expect("two configurations")
}

const VERSIONS: &str = "terraform {\n  required_providers {\n    auditlog = { source = \"auditlog/auditlog\" }\n    aws      = { source = \"hashicorp/aws\" }\n  }\n}\n";

/// The bucket and the key that the AWS provider made.
async fn made_before(endpoint: &Endpoint) {
    let place = CreateBucketConfiguration::builder().location_constraint(REGION.into());
    let create = endpoint.s3().create_bucket().bucket("acme-audit-8f3a");
    let create = create.create_bucket_configuration(place.build());
    let created = create.object_lock_enabled_for_bucket(true).send().await;
    created.expect("a bucket");
    let kms = endpoint.kms();
    let create = kms.create_key().key_usage(KeyUsageType::SignVerify);
    let created = create.key_spec(KeySpec::EccNistP256).send().await;
    let key = created.expect("a key").key_metadata.expect("it").key_id;
    let alias = kms.create_alias().alias_name("alias/acme-audit");
    let named = alias.target_key_id(key).send().await;
    named.expect("an alias");
}

/// A mirror with both providers.
fn mirror(folder: &Path) {
    let place = Command::new("bash")
        .arg(root().join("provider/place"))
        .arg(binary("terraform-provider-auditlog"))
        .arg(folder);
    place.run().ok();
    let registry = folder.join("registry.terraform.io");
    let versions = fs::read_dir(registry.join("auditlog/auditlog")).expect("versions");
    let version = versions.flatten().next().expect("a version").path();
    let platform = fs::read_dir(version).expect("platforms");
    let platform = platform.flatten().next().expect("a platform").file_name();
    let aws = registry.join("hashicorp/aws/6.0.0").join(platform);
    fs::create_dir_all(&aws).expect("a folder");
    let substitute = binary("aws_substitute");
    fs::copy(substitute, aws.join("terraform-provider-aws_v6.0.0")).expect("the substitute");
}

/// Which resources a plan destroys.
fn destroyed(terraform: &Terraform) -> Vec<String> {
    let plan = terraform.plan_json();
    let changes = plan["resource_changes"].as_array().expect("changes");
    let deletes = |change: &&serde_json::Value| {
        let actions = change["change"]["actions"].as_array();
        actions.is_some_and(|actions| actions.iter().any(|action| action == "delete"))
    };
    let gone = changes.iter().filter(deletes);
    let address = |change: &serde_json::Value| change["address"].as_str().map(str::to_owned);
    gone.filter_map(address).collect()
}

#[tokio::test]
async fn bucket_and_key_of_the_aws_provider_move_as_the_guide_says() {
    let [before, after] = configurations();
    let endpoint = Engine::Ministack.start();
    made_before(&endpoint).await;
    let folder = tempfile::tempdir().expect("a folder");
    mirror(folder.path());
    let record = folder.path().join("destroyed");
    let mut env = endpoint.env();
    env.push((
        "AWS_SUBSTITUTE_DESTROYED".to_owned(),
        record.display().to_string(),
    ));
    let terraform = Terraform::in_empty_folder(&env);
    terraform.install_from(folder.path());
    terraform.write("versions.tf", VERSIONS);
    terraform.write("main.tf", &before);
    terraform.init();
    terraform.apply().ok();

    terraform.write("main.tf", &after);
    terraform.init();
    assert_eq!(destroyed(&terraform), Vec::<String>::new());
    let run = terraform.apply().ok();
    assert!(run.stdout.contains("2 imported"), "{run}");
    assert_eq!(terraform.plan().status, 0);
    assert!(!record.exists(), "{:?}", fs::read_to_string(&record));
    let addresses = terraform.run(&["state", "list"]).ok().stdout;
    assert_eq!(
        addresses,
        "auditlog_bucket.audit\nauditlog_signing_key.audit\n"
    );
    let policy = terraform.output("trust_policy");
    assert!(
        policy
            .as_str()
            .is_some_and(|policy| policy.contains("acme-audit-8f3a"))
    );
}

#[tokio::test]
async fn removed_block_that_is_missing_shows_in_the_plan() {
    let [before, after] = configurations();
    let endpoint = Engine::Ministack.start();
    made_before(&endpoint).await;
    let folder = tempfile::tempdir().expect("a folder");
    mirror(folder.path());
    let terraform = Terraform::in_empty_folder(&endpoint.env());
    terraform.install_from(folder.path());
    terraform.write("versions.tf", VERSIONS);
    terraform.write("main.tf", &before);
    terraform.init();
    terraform.apply().ok();
    let block = "removed {\n  from = aws_s3_bucket_public_access_block.audit\n  lifecycle { destroy = false }\n}\n";
    assert!(after.contains(block));
    terraform.write("main.tf", &after.replace(block, ""));
    terraform.init();
    let left = destroyed(&terraform);
    assert_eq!(left, ["aws_s3_bucket_public_access_block.audit"]);
}
