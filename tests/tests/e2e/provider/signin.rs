//! Roles, retries, proxies and endpoints: what the AWS provider's users set, and what follows from it on the wire.

use auditlog_tests::{Answer, Endpoint, Engine, Fault, Proxy, Terraform};

use crate::provider::stack::{diagnostics, said, values};

const BUCKET: &str = r#"
resource "auditlog_bucket" "audit" {
  bucket      = "trail"
  object_lock = { mode = "GOVERNANCE", days = 1 }
}
"#;

/// One endpoint, the way to it, and a configuration with this in its provider block.
struct World {
    endpoint: Endpoint,
    way: Proxy,
    terraform: Terraform,
}

impl World {
    fn new(provider: &str) -> Self {
        Self::guarded(Engine::Ministack.start(), provider)
    }

    fn guarded(endpoint: Endpoint, provider: &str) -> Self {
        let way = Proxy::to(endpoint.url());
        let mut env = endpoint.env();
        env.push(("AWS_ENDPOINT_URL".to_owned(), way.url().to_owned()));
        let terraform = Terraform::with_config(&env, &config(provider));
        terraform.init();
        Self {
            endpoint,
            way,
            terraform,
        }
    }

    fn configure(&self, provider: &str) {
        self.terraform.write("main.tf", &config(provider));
    }
}

fn config(provider: &str) -> String {
    format!("provider \"auditlog\" {{\n{provider}\n}}\n{BUCKET}")
}

const CHAIN: &str = r#"
  assume_role {
    role_arn            = "arn:aws:iam::111111111111:role/first"
    session_name        = "terraform"
    external_id         = "forty-two"
    duration            = "20m"
    source_identity     = "somebody"
    policy              = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "*", Resource = "*" }] })
    policy_arns         = ["arn:aws:iam::aws:policy/ReadOnlyAccess"]
    tags                = { team = "audit" }
    transitive_tag_keys = ["team"]
  }
  assume_role {
    role_arn = "arn:aws:iam::222222222222:role/second"
  }
  sts_region = "eu-west-1"
"#;

#[test]
fn roles_are_assumed_in_a_chain_with_all_that_their_blocks_say() {
    let world = World::new(CHAIN);
    world.terraform.apply().ok();
    let bucket = values(&world.terraform, "auditlog_bucket.audit");
    assert_eq!(bucket["account_id"], "222222222222");
    let calls = world.way.bodies("Action=AssumeRole");
    assert_eq!(calls.len() % 2, 0, "{calls:?}");
    let (first, second) = (&calls[0], &calls[1]);
    for said in [
        "RoleArn=arn%3Aaws%3Aiam%3A%3A111111111111%3Arole%2Ffirst",
        "RoleSessionName=terraform&",
        "ExternalId=forty-two",
        "DurationSeconds=1200",
        "SourceIdentity=somebody",
        "Policy=%7B%22Statement%22",
        "PolicyArns.member.1.arn=arn%3Aaws%3Aiam%3A%3Aaws%3Apolicy%2FReadOnlyAccess",
        "Tags.member.1.Key=team&Tags.member.1.Value=audit",
        "TransitiveTagKeys.member.1=team",
    ] {
        assert!(first.contains(said), "{said:?} is not in {first}");
    }
    assert!(!second.contains("111111111111") && second.contains("role%2Fsecond"));
    assert!(second.contains("RoleSessionName=terraform-provider-auditlog"));
    let heads = world.way.heads();
    let of_sts = |head: &&String| head.contains("/sts/aws4_request");
    let region = |head: &&String| head.contains("/eu-west-1/sts/");
    let sts: Vec<_> = heads.iter().filter(of_sts).collect();
    assert!(!sts.is_empty() && sts.iter().all(region));
}

#[test]
fn credentials_that_expire_during_an_apply_are_asked_for_again() {
    let world = World::new(CHAIN);
    // they are never good for longer than the SDK wants them to be
    world.way.from_now_on(
        "POST",
        "",
        Fault::change(|reply| {
            reply.change_text(|text| match text.split_once("<Expiration>") {
                Some((before, after)) => {
                    let (_, after) = after.split_once("</Expiration>").expect("its end");
                    format!("{before}<Expiration>2026-01-01T00:00:00Z</Expiration>{after}")
                }
                None => text.to_owned(),
            });
        }),
    );
    world.terraform.apply().ok();
    let calls = world.way.bodies("Action=AssumeRole").len();
    assert!(calls > 8, "{calls} calls");
}

#[test]
fn role_that_cannot_be_assumed_is_named_with_what_it_needs() {
    let world = World::guarded(Engine::Ministack.start_guarded(), CHAIN);
    said(
        &world.terraform.plan(),
        &[
            "Role not assumed",
            "The role arn:aws:iam::111111111111:role/first cannot be assumed: AssumeRole on arn:aws:iam::111111111111:role/first failed: AccessDenied",
            "the role's trust policy must name them",
        ],
    );
}

#[test]
fn web_identity_takes_its_token_from_the_block_or_a_file() {
    let world = World::new(
        "  assume_role_with_web_identity {\n    role_arn                = \"arn:aws:iam::333333333333:role/ci\"\n    session_name            = \"ci\"\n    duration                = \"1h\"\n    web_identity_token_file = \"token\"\n  }",
    );
    let token = "the token file token cannot be read: No such file";
    said(&world.terraform.plan(), &["Role not assumed", &token[1..]]);
    world.terraform.write("token", "from-a-file\n");
    let run = world.terraform.plan();
    let calls = world.way.bodies("Action=AssumeRoleWithWebIdentity");
    let call = calls.first().unwrap_or_else(|| panic!("no call: {run}"));
    for said in [
        "WebIdentityToken=from-a-file&",
        "RoleSessionName=ci",
        "DurationSeconds=3600",
        "role%2Fci",
    ] {
        assert!(call.contains(said), "{said:?} is not in {call}");
    }
    world.configure("  assume_role_with_web_identity {\n    role_arn           = \"arn:aws:iam::333333333333:role/ci\"\n    web_identity_token = \"from-the-block\"\n  }");
    world.terraform.plan();
    assert!(
        !world
            .way
            .bodies("WebIdentityToken=from-the-block")
            .is_empty()
    );
}

#[test]
fn retries_end_as_configured() {
    let world = World::new("  max_retries = 2");
    let slow = || Fault::Answer(Answer::SLOW_DOWN);
    let attempts = |provider: &str| {
        world.configure(provider);
        world.way.heal();
        world.way.from_now_on("HEAD", "/trail", slow());
        let before = world.way.requests("HEAD", "/trail");
        assert_eq!(world.terraform.apply().status, 1);
        world.way.requests("HEAD", "/trail") - before
    };
    // The plan looks for the bucket, the plan inside the apply does, both twice at the most, and the apply does.
    assert_eq!(attempts("  max_retries = 0"), 3);
    assert_eq!(attempts("  max_retries = 2"), 2 + 2 + 3);
    // One retry costs fourteen tokens. A plan and an apply are two processes with tokens of their own, and a look of a plan gives
    // them back.
    assert_eq!(
        attempts(
            "  max_retries                        = 4\n  token_bucket_rate_limiter_capacity = 14"
        ),
        2 + 2 + 2
    );
    assert_eq!(
        attempts("  max_retries = 1\n  retry_mode  = \"adaptive\""),
        6
    );
}

#[test]
fn proxy_is_used_for_all_but_the_named_hosts() {
    let world = World::new("");
    let endpoints = "  endpoints {\n    s3  = \"http://aws.example\"\n    kms = \"http://aws.example\"\n    sts = \"http://aws.example\"\n  }\n  s3_use_path_style = true\n  max_retries       = 0";
    let proxy = format!("{endpoints}\n  http_proxy = \"{}\"", world.way.url());
    world.configure(&proxy);
    world.terraform.apply().ok();
    let through = |head: &String| head.contains(" http://aws.example/");
    assert!(world.way.heads().iter().any(through));

    world.configure(&format!("{proxy}\n  no_proxy   = \"aws.example\""));
    said(
        &world.terraform.plan(),
        &["AWS STS cannot be reached", "http://aws.example"],
    );
}

#[test]
fn environment_names_a_proxy_too() {
    let world = World::new(
        "  endpoints {\n    s3  = \"http://aws.example\"\n    kms = \"http://aws.example\"\n    sts = \"http://aws.example\"\n  }\n  s3_use_path_style = true",
    );
    let plan = world.terraform.command(&["plan", "-no-color"]);
    plan.env("HTTP_PROXY", world.way.url()).run().ok();
    let through = |head: &String| head.contains(" http://aws.example/");
    assert!(world.way.heads().iter().any(through));
    let plan = world.terraform.command(&["plan", "-no-color"]);
    let run = plan.env("HTTPS_PROXY", "ftp://aws.example").run();
    said(&run, &["Unusable argument", "`https_proxy` cannot be used"]);
}

#[test]
fn endpoint_without_sts_is_accepted_where_the_block_says_so() {
    let world =
        World::new("  endpoints {\n    sts = \"http://127.0.0.1:9\"\n  }\n  max_retries = 0");
    said(&world.terraform.plan(), &["AWS STS cannot be reached"]);
    world.configure("  endpoints {\n    sts = \"http://127.0.0.1:9\"\n  }\n  max_retries = 0\n  skip_credentials_validation = true");
    world.terraform.apply().ok();
    let bucket = values(&world.terraform, "auditlog_bucket.audit");
    assert_eq!(bucket["account_id"], serde_json::Value::Null);
    world.configure("  endpoints {\n    sts = \"http://127.0.0.1:9\"\n  }\n  max_retries = 0\n  skip_credentials_validation = true\n  allowed_account_ids = [\"111111111111\"]");
    said(&world.terraform.plan(), &["AWS STS cannot be reached"]);
    assert!(!world.endpoint.url().is_empty());
}

#[test]
fn settings_that_exclude_each_other_are_not_called_a_failure_of_the_network() {
    let world = World::new("  use_fips_endpoint = true");
    said(
        &world.terraform.plan(),
        &[
            "Settings that do not fit together",
            "No request for GetCallerIdentity can be made from the settings: Invalid Configuration: FIPS",
            "Nothing was sent. Check `region`, `endpoints`, `use_fips_endpoint`",
        ],
    );
    assert!(world.way.heads().is_empty());
}

#[test]
fn metadata_service_is_asked_where_it_is_or_not_at_all() {
    let world = World::new("");
    let env = [
        ("AWS_REGION", "eu-central-1"),
        ("AWS_EC2_METADATA_DISABLED", "false"),
        ("AWS_ENDPOINT_URL", world.way.url()),
    ];
    let env = env.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let terraform = Terraform::with_config(&env, "");
    terraform.init();
    let answer = |text: &'static str| Fault::Answer(Answer::refusal("404 Not Found", text));
    world
        .way
        .from_now_on("PUT", "/latest/api/token", answer("NoToken"));
    let plan = |provider: &str| {
        terraform.write("main.tf", &config(provider));
        terraform.plan()
    };
    let endpoint = format!("  ec2_metadata_service_endpoint = \"{}\"", world.way.url());
    said(&plan(&endpoint), &["No AWS credentials"]);
    let asked = world.way.requests("PUT", "/latest/api/token");
    assert!(asked > 0, "{:?}", world.way.heads());
    let skipped = format!("{endpoint}\n  skip_metadata_api_check = \"true\"");
    said(&plan(&skipped), &["No AWS credentials"]);
    assert_eq!(world.way.requests("PUT", "/latest/api/token"), asked);

    // No endpoint is at the address that every machine of EC2 has, so what is looked at is the attempt.
    terraform.write(
        "main.tf",
        &config("  ec2_metadata_service_endpoint_mode = \"IPv6\""),
    );
    terraform.shell("! strace -f -qq -e trace=connect -o connects terraform plan");
    let connects = std::fs::read_to_string(terraform.path().join("connects"));
    let connects = connects.expect("sudo apt-get install strace");
    assert!(connects.contains("\"fd00:ec2::254\""), "{connects}");
}

/// Each `#` names the text that must be said about its line.
const WRONG: &str = r#"
resource "auditlog_bucket" "x" {
  bucket      = "trail"
  object_lock = { mode = "GOVERNANCE", days = 1 }
}

provider "auditlog" {
  insecure                       = true # TLS certificates are always checked
  s3_us_east_1_regional_endpoint = "legacy" # only `regional` is accepted
  tag_policy_compliance          = "error" # Tag policies are not checked at plan
  user_agent                     = ["x/1"] # Nothing can be added to the user agent
  retry_mode                     = "legacy" # "legacy" is not one of "standard", "adaptive"
  skip_metadata_api_check        = "yes" # "yes" is not one of "true", "false"
  sts_region                     = "Ireland" # "Ireland" is not an AWS region
  http_proxy                     = "proxy" # "proxy" is not an http:// or https:// URL
  max_retries                    = 51 # 51 is not
}
"#;

#[test]
fn unsupported_arguments_are_refused_with_the_reason() {
    let terraform = Terraform::with_config(&[], WRONG);
    terraform.init();
    let found = diagnostics(&terraform.validate());
    let lines = WRONG.lines().filter_map(|line| line.split_once(" # "));
    for (line, said) in lines.clone() {
        let hit =
            |(text, code): &(String, String)| text.contains(said) && code.starts_with(line.trim());
        assert!(
            found.iter().any(hit),
            "{said:?} is not said at {line:?}: {found:#?}"
        );
    }
    assert_eq!(found.len(), lines.count(), "{found:#?}");

    let accepted = "resource \"auditlog_bucket\" \"x\" {\n  bucket      = \"trail\"\n  object_lock = { mode = \"GOVERNANCE\", days = 1 }\n}\nprovider \"auditlog\" {\n  region = \"default\"\n  skip_region_validation = true\n  insecure = false\n  s3_us_east_1_regional_endpoint = \"regional\"\n  tag_policy_compliance = \"disabled\"\n  user_agent = []\n}\n";
    terraform.write("main.tf", accepted);
    assert_eq!(terraform.validate().status, 0);
}

#[test]
fn roles_are_checked_before_anything_is_called() {
    let wrong = r#"
provider "auditlog" {
  assume_role {
    role_arn = "terraform"
    duration = "5m"
    policy   = "{"
  }
  assume_role_with_web_identity {
    role_arn = "arn:aws:iam::111111111111:role/x"
  }
}
"#;
    let terraform = Terraform::with_config(&[], &format!("{BUCKET}{wrong}"));
    terraform.init();
    let found = diagnostics(&terraform.validate());
    for said in [
        "\"terraform\" is not the ARN of a role",
        "\"5m\" is not between 15m and 12h",
        "The policy is not a JSON object",
        "web_identity_token",
    ] {
        assert!(
            found.iter().any(|(text, _)| text.contains(said)),
            "{said:?}: {found:#?}"
        );
    }
    assert_eq!(found.len(), 4, "{found:#?}");
}
