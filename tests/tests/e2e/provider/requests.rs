//! What the provider asks of AWS, by the requests themselves.

use auditlog_tests::{Engine, Proxy, Terraform};

use crate::support::engines::on_each_engine;

on_each_engine! {
    every_request_about_a_bucket_names_its_owner,
}

const CONFIG: &str = r#"
resource "auditlog_bucket" "audit" {
  bucket      = "trail"
  object_lock = { mode = "GOVERNANCE", days = 1 }
}
"#;

fn every_request_about_a_bucket_names_its_owner(engine: Engine) {
    let endpoint = engine.start();
    let way = Proxy::to(endpoint.url());
    let mut env = endpoint.env();
    env.push(("AWS_ENDPOINT_URL".to_owned(), way.url().to_owned()));
    let terraform = Terraform::with_config(&env, CONFIG);
    terraform.init();
    terraform.apply().ok();
    assert_eq!(terraform.plan().status, 0);
    terraform.destroy().ok();

    let owner = format!("x-amz-expected-bucket-owner: {}", engine.account());
    let heads = way.heads();
    let about = heads.iter().filter(|head| head.contains(" /trail"));
    let (with, without): (Vec<_>, Vec<_>) = about.partition(|head| head.contains(&owner));
    assert!(with.len() > 20, "{with:#?}");
    // a bucket that is being created has no owner yet
    let create = "PUT /trail/ HTTP/1.1";
    let others: Vec<_> = without
        .iter()
        .filter(|head| !head.starts_with(create))
        .collect();
    assert_eq!(others, Vec::<&&String>::new());
}
