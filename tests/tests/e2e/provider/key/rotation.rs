//! New versions: by a trigger, by a spec, by age; and what is declared about old ones.

use auditlog_tests::Engine;
use serde_json::Value;

use super::{ADDRESS, ALIAS, describe, holder, id, key, key_of, said, signs, states, tag, text};
use crate::provider::stack::{Stack, values};
use crate::support::engines::on_each_engine;

on_each_engine! {
    ;
    // a rotation moves the alias
    ministack:
    trigger_and_spec_make_new_versions.await,
    age_makes_a_new_version_and_the_old_one_retires.await,
    lost_and_compromised_versions_stay_declared.await,
    import_finds_all_versions,
    versions_that_the_tags_do_not_lead_to_are_not_imported.await,
    retired_version_is_not_imported_as_the_one_that_signs.await,
    grace_period_goes_on_after_a_cancelled_deletion.await,
}

fn triggered(engine: Engine, trigger: &str, more: &str) -> String {
    key(
        engine,
        &format!("{ALIAS}\nrotation = {{ trigger = {trigger:?} }}\n{more}"),
    )
}

async fn trigger_and_spec_make_new_versions(engine: Engine) {
    let stack = Stack::applied(engine, &triggered(engine, "a", ""));
    let first = id(&stack);
    stack.configure(&triggered(engine, "b", ""));
    let plan = stack.terraform.plan();
    said(
        &plan,
        &[
            "The signing key is rotated",
            "Version 2 takes over from version 1, because rotation.trigger changed. The old one may sign for 7 days more.",
        ],
    );
    stack.terraform.apply().ok();
    stack.assert_no_changes();
    let after = values(&stack.terraform, ADDRESS);
    let second = text(&after["key_id"]);
    assert_ne!(first, second);
    assert_eq!(states(&after), ["grace", "current"]);
    assert_eq!(after["trust"]["keys"].as_array().unwrap().len(), 2);
    assert_eq!(
        after["versions"]["1"]["key_id"].as_str(),
        Some(first.as_str())
    );
    assert!(after["versions"]["1"]["retired_at"].is_string());
    assert!(signs(&stack, &first).await && signs(&stack, &second).await);
    assert_eq!(holder(&stack, "alias/one").await, Some(second.clone()));
    assert_eq!(tag(&stack, &second, "auditlog:previous").await, Some(first));

    let spec = "key_spec = \"ECC_NIST_P384\"";
    stack.configure(&key_of(
        spec,
        &format!("{ALIAS}\nrotation = {{ trigger = \"b\" }}"),
    ));
    assert_eq!(stack.planned(ADDRESS).actions, ["update"]);
    stack.terraform.apply().ok();
    stack.assert_no_changes();
    let after = values(&stack.terraform, ADDRESS);
    assert_eq!(states(&after), ["grace", "grace", "current"]);
    assert_eq!(after["trust"]["keys"][2]["spec"], "ECC_NIST_P384");
}

/// Makes every time of the state and of the tags a year older, as a year would.
async fn a_year_later(stack: &Stack) {
    let path = stack.terraform.path().join("terraform.tfstate");
    let mut state: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let attributes = &mut state["resources"][0]["instances"][0]["attributes"];
    let earlier = |time: &mut Value| {
        if let Some(text) = time.as_str() {
            let year: u32 = text[..4].parse().unwrap();
            *time = format!("{}{}", year - 1, &text[4..]).into();
        }
    };
    for name in ["creation_date", "rotation_due"] {
        earlier(&mut attributes[name]);
    }
    let kms = stack.endpoint.kms();
    for version in attributes["versions"].as_object_mut().unwrap().values_mut() {
        earlier(&mut version["valid_from"]);
        earlier(&mut version["retired_at"]);
        if let Some(at) = version["retired_at"].as_str() {
            let tag = aws_sdk_kms::types::Tag::builder()
                .tag_key("auditlog:retired-at")
                .tag_value(at);
            let id = version["key_id"].as_str().unwrap();
            kms.tag_resource()
                .key_id(id)
                .tags(tag.build().unwrap())
                .send()
                .await
                .unwrap();
        }
    }
    for key in attributes["trust"]["keys"].as_array_mut().unwrap() {
        earlier(&mut key["valid_from"]);
        earlier(&mut key["retired_at"]);
    }
    stack
        .terraform
        .write("terraform.tfstate", &state.to_string());
}

async fn age_makes_a_new_version_and_the_old_one_retires(engine: Engine) {
    let config = key(
        engine,
        &format!("{ALIAS}\nrotation = {{ period_in_days = 300, grace_in_days = 30 }}"),
    );
    let stack = Stack::applied(engine, &config);
    let first = id(&stack);
    let due = values(&stack.terraform, ADDRESS)["rotation_due"].clone();
    assert!(due.is_string(), "{due}");
    a_year_later(&stack).await;
    let plan = stack.terraform.plan();
    assert_eq!(plan.status, 2, "{plan}");
    said(&plan, &["because it has reached rotation.period_in_days"]);
    stack.terraform.apply().ok();
    stack.assert_no_changes();
    assert_eq!(
        states(&values(&stack.terraform, ADDRESS)),
        ["grace", "current"]
    );
    assert!(signs(&stack, &first).await);

    a_year_later(&stack).await;
    let before = values(&stack.terraform, ADDRESS)["trust"].clone();
    stack.configure(&key(
        engine,
        &format!("{ALIAS}\nrotation = {{ grace_in_days = 30 }}"),
    ));
    let change = stack.planned(ADDRESS);
    assert_eq!(change.attributes, ["rotation", "rotation_due", "versions"]);
    stack.terraform.apply().ok();
    stack.assert_no_changes();
    let after = values(&stack.terraform, ADDRESS);
    assert_eq!(states(&after), ["retired", "current"]);
    assert_eq!(
        after["trust"], before,
        "when it retires was fixed at the rotation"
    );
    assert!(!signs(&stack, &first).await);
    assert!(describe(&stack, &first).await.unwrap().enabled);
}

async fn lost_and_compromised_versions_stay_declared(engine: Engine) {
    let stack = Stack::applied(engine, &triggered(engine, "a", ""));
    let first = id(&stack);
    let unknown = "lost = { \"2\" = { at = \"2026-01-01T00:00:00Z\" } }";
    stack.configure(&triggered(engine, "a", unknown));
    let refused = stack.terraform.plan();
    assert_eq!(refused.status, 1, "{refused}");
    said(
        &refused,
        &["Version 2 does not exist: the newest is 1.", "lost = {"],
    );

    let root = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let good =
        format!("{{ \"acme.example/audit\" = {{ segment = 7, size = 99, root = {root:?} }} }}");
    let compromised = format!(
        "compromised = {{ \"1\" = {{ at = \"2026-01-01T00:00:00Z\", last_good = {good} }} }}"
    );
    stack.configure(&triggered(engine, "a", &compromised));
    let plan = stack.terraform.plan();
    said(
        &plan,
        &["because it was declared compromised. Nobody may sign with the old one from then on."],
    );
    stack.terraform.apply().ok();
    stack.assert_no_changes();
    let after = values(&stack.terraform, ADDRESS);
    assert_eq!(states(&after), ["compromised", "current"]);
    let good = &after["trust"]["keys"][0]["compromised"]["last_good"][0];
    assert_eq!(good["origin"], "acme.example/audit");
    assert!(!signs(&stack, &first).await);
    assert!(!describe(&stack, &first).await.unwrap().enabled);

    let lost = "lost = { \"1\" = { at = \"2026-01-02T00:00:00Z\" } }";
    stack.configure(&triggered(engine, "a", &format!("{compromised}\n{lost}")));
    assert_eq!(
        stack.planned(ADDRESS).attributes,
        ["lost", "trust", "versions"]
    );
    stack.terraform.apply().ok();
    stack.assert_no_changes();
    for (left, gone) in [(lost, "compromised"), (compromised.as_str(), "lost")] {
        stack.configure(&triggered(engine, "a", left));
        let refused = stack.terraform.plan();
        assert_eq!(refused.status, 1, "{refused}");
        let summary = format!("An entry of {gone} was removed");
        said(&refused, &[&summary, "cannot be removed"]);
    }
}

fn import_finds_all_versions(engine: Engine) {
    let lost = "lost = { \"1\" = { at = \"2026-01-02T00:00:00Z\" } }";
    let stack = Stack::applied(engine, &triggered(engine, "a", ""));
    for (trigger, more) in [("b", ""), ("c", lost)] {
        stack.configure(&triggered(engine, trigger, more));
        stack.terraform.apply().ok();
    }
    let original = values(&stack.terraform, ADDRESS);
    assert_eq!(states(&original), ["retired", "grace", "current"]);
    // by the alias, by the version that signs, and by the first one
    let first = text(&original["versions"]["1"]["arn"]);
    for name in ["alias/one", &text(&original["key_id"]), &first] {
        stack.terraform.run(&["state", "rm", ADDRESS]).ok();
        let import = stack.terraform.import(ADDRESS, name).ok();
        said(
            &import,
            &[
                "All versions were imported",
                &text(&original["versions"]["1"]["fingerprint"]),
            ],
        );
        stack.assert_no_changes();
        assert_eq!(values(&stack.terraform, ADDRESS), original);
    }
}

/// The tags lead from one version to the one before it.
async fn versions_that_the_tags_do_not_lead_to_are_not_imported(engine: Engine) {
    let stack = Stack::applied(engine, &triggered(engine, "a", ""));
    let first = id(&stack);
    stack.configure(&triggered(engine, "b", ""));
    stack.terraform.apply().ok();
    let second = id(&stack);
    stack.terraform.run(&["state", "rm", ADDRESS]).ok();
    let tag = async |key: &str, name: &str, value: &str| {
        let tag = aws_sdk_kms::types::Tag::builder().tag_key(name);
        let tag = tag.tag_value(value).build().unwrap();
        let put = stack.endpoint.kms().tag_resource().key_id(key).tags(tag);
        put.send().await.unwrap();
    };
    let refused = |texts: &[&str]| {
        let refused = stack.terraform.import(ADDRESS, "alias/one");
        assert_eq!(refused.status, 1, "{refused}");
        said(&refused, texts);
    };
    tag(&first, "auditlog:version", "2").await;
    let number = format!(
        "The tags of the key {first} say that it is version 2, which is not before its successor."
    );
    let correct = "Correct its tag auditlog:version, or remove the tag auditlog:previous";
    refused(&["The versions are not in order", &number, correct]);
    tag(&first, "auditlog:version", "1").await;
    let gone = "0a1b2c3d-4e5f-6789-abcd-ef0123456789";
    tag(&second, "auditlog:previous", gone).await;
    let missing = format!(
        "Version 2 names {gone} as the key before it, and KMS does not have that key any more."
    );
    refused(&[
        "A version is missing",
        &missing,
        "remove the tag auditlog:previous from version 2",
    ]);
    tag(&second, "auditlog:previous", &first).await;
    stack.terraform.import(ADDRESS, "alias/one").ok();
    stack.assert_no_changes();
}

async fn retired_version_is_not_imported_as_the_one_that_signs(engine: Engine) {
    let lost = "lost = { \"1\" = { at = \"2026-01-02T00:00:00Z\" } }";
    let stack = Stack::applied(engine, &triggered(engine, "a", ""));
    stack.configure(&triggered(engine, "b", lost));
    stack.terraform.apply().ok();
    let versions = values(&stack.terraform, ADDRESS)["versions"].clone();
    let key_id = |number: &str| text(&versions[number]["key_id"]);
    let (first, second) = (key_id("1"), key_id("2"));
    assert_eq!(versions["1"]["state"], "retired");
    // both are kept, and the alias that would lead from one to the other is gone
    stack.terraform.destroy().ok();
    let refused = stack.terraform.import(ADDRESS, &first);
    assert_eq!(refused.status, 1, "{refused}");
    let find = format!("--tag-filters Key=auditlog:previous,Values={first}");
    said(
        &refused,
        &[
            "The key is not the newest version",
            &format!("The key {first} is version 1, which was retired at"),
            &find,
        ],
    );
    stack.terraform.import(ADDRESS, &second).ok();
    stack.terraform.apply().ok();
    stack.assert_no_changes();
    let after = values(&stack.terraform, ADDRESS);
    assert_eq!(states(&after), ["retired", "current"]);
    assert!(after["versions"]["1"]["lost_at"].is_string());
    assert!(signs(&stack, &second).await && !signs(&stack, &first).await);
}

async fn grace_period_goes_on_after_a_cancelled_deletion(engine: Engine) {
    let stack = Stack::applied(engine, &triggered(engine, "a", ""));
    let first = id(&stack);
    stack.configure(&triggered(engine, "b", ""));
    stack.terraform.apply().ok();
    let kms = stack.endpoint.kms();
    let schedule = kms.schedule_key_deletion().key_id(&first);
    schedule.pending_window_in_days(7).send().await.unwrap();
    let trust = values(&stack.terraform, ADDRESS)["trust"].clone();
    let refresh = ["apply", "-no-color", "-auto-approve", "-refresh-only"];
    stack.terraform.run(&refresh).ok();
    let going = values(&stack.terraform, ADDRESS);
    assert_eq!(states(&going), ["deletion_scheduled", "current"]);
    kms.cancel_key_deletion()
        .key_id(&first)
        .send()
        .await
        .unwrap();
    // KMS leaves the key disabled
    stack.terraform.apply().ok();
    stack.assert_no_changes();
    let after = values(&stack.terraform, ADDRESS);
    assert_eq!(states(&after), ["grace", "current"]);
    assert_eq!(after["trust"], trust);
    assert!(signs(&stack, &first).await);
    assert!(describe(&stack, &first).await.unwrap().enabled);
}
