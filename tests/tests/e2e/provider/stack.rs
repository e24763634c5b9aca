//! One endpoint and one Terraform folder with the provider: what the tests of the provider start from.

use auditlog_tests::{Endpoint, Engine, REGION, Run, Terraform};
use serde_json::Value;
use terraform_provider_auditlog::provider::Auditlog;
use tf_provider::Object;
use tf_provider::harness::{Client, Harness};

/// An endpoint and a folder that is initialised.
pub(crate) struct Stack {
    pub(crate) endpoint: Endpoint,
    pub(crate) terraform: Terraform,
}

impl Stack {
    /// With this text as `main.tf`.
    pub(crate) fn new(engine: Engine, main_tf: &str) -> Self {
        let endpoint = engine.start();
        let env = endpoint.env();
        Self::with_env(endpoint, &env, main_tf)
    }

    /// On an endpoint that runs, with these variables for the provider.
    pub(crate) fn with_env(endpoint: Endpoint, env: &[(String, String)], main_tf: &str) -> Self {
        let terraform = Terraform::with_config(env, main_tf);
        terraform.init();
        Self {
            endpoint,
            terraform,
        }
    }

    /// The same, applied.
    pub(crate) fn applied(engine: Engine, main_tf: &str) -> Self {
        let stack = Self::new(engine, main_tf);
        stack.terraform.apply().ok();
        stack
    }

    pub(crate) fn configure(&self, main_tf: &str) {
        self.terraform.write("main.tf", main_tf);
    }

    #[track_caller]
    pub(crate) fn assert_no_changes(&self) {
        assert_no_changes(&self.terraform);
    }

    /// What a plan would do with a resource.
    #[track_caller]
    pub(crate) fn planned(&self, address: &str) -> Change {
        Change::of(&self.terraform.plan_json(), address)
    }
}

/// It failed, and says all of this; Terraform wraps its lines.
#[track_caller]
pub(crate) fn said(run: &Run, wanted: &[&str]) {
    assert_eq!(run.status, 1, "{run}");
    let text = run.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    for wanted in wanted {
        assert!(text.contains(wanted), "{wanted:?} is not said: {run}");
    }
}

#[track_caller]
pub(crate) fn assert_no_changes(terraform: &Terraform) {
    let run = terraform.plan();
    assert_eq!(run.status, 0, "{run}");
}

/// One resource in a plan.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) actions: Vec<String>,
    /// The attributes that differ or are not known yet, sorted.
    pub(crate) attributes: Vec<String>,
}

impl Change {
    #[track_caller]
    pub(crate) fn of(plan: &Value, address: &str) -> Self {
        let changes = plan["resource_changes"].as_array().expect("changes");
        let change = changes.iter().find(|change| change["address"] == address);
        let change = &change.unwrap_or_else(|| panic!("no {address} in {plan}"))["change"];
        let actions = change["actions"].as_array().expect("actions");
        let mut attributes: Vec<String> = change["after"]
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(name, after)| change["before"][name.as_str()] != **after)
            .map(|(name, _)| name.clone())
            .chain(unknown(&change["after_unknown"]))
            .collect();
        attributes.sort();
        attributes.dedup();
        Self {
            actions: actions
                .iter()
                .map(|action| action.as_str().expect("a name").to_owned())
                .collect(),
            attributes,
        }
    }
}

/// The attributes that are known only after apply.
fn unknown(after_unknown: &Value) -> impl Iterator<Item = String> {
    let attributes = after_unknown.as_object().into_iter().flatten();
    attributes
        .filter(|(_, unknown)| **unknown == Value::Bool(true))
        .map(|(name, _)| name.clone())
}

/// The errors and warnings of `terraform validate -json`, each with the line of the configuration that it points at.
pub(crate) fn diagnostics(run: &Run) -> Vec<(String, String)> {
    let json = run.json();
    let list = json["diagnostics"].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().trim().to_owned();
    list.iter()
        .map(|one| {
            let summary = format!("{}: {}", text(&one["summary"]), text(&one["detail"]));
            (summary, text(&one["snippet"]["code"]))
        })
        .collect()
}

/// A state's values of a resource; `Null` if it is not there.
pub(crate) fn values(terraform: &Terraform, address: &str) -> Value {
    let state = terraform.state();
    let resources = state["values"]["root_module"]["resources"].as_array();
    let found = resources
        .into_iter()
        .flatten()
        .find(|resource| resource["address"] == address);
    found.map_or(Value::Null, |resource| resource["values"].clone())
}

/// The provider in this process, with these further arguments, for tests of the protocol itself.
pub(crate) async fn harness(
    endpoint: &Endpoint,
    client: Client,
    mut config: Object,
) -> Harness<Auditlog> {
    let url = endpoint.url();
    let endpoints = Object::new()
        .with("s3", url)
        .with("kms", url)
        .with("sts", url);
    config.set("region", REGION);
    config.set("access_key", "test");
    config.set("secret_key", "test");
    config.set("endpoints", endpoints);
    let started = Harness::start_for(Auditlog, config, client).await;
    started
        .map_err(|found| format!("{found:?}"))
        .expect("a provider")
}
