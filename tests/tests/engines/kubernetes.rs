//! The Jobs for Kubernetes: valid by its schemas, and their commands do what they are for, with the numbers that a cluster gives.

use std::path::{Path, PathBuf};

use auditlog_tests::{Command, Run, binary, engines, root};
use serde_json::Value;

use crate::planned::Planned;

/// In place of the 256 of the Jobs.
const RANGES: u64 = 8;

fn manifest(name: &str) -> PathBuf {
    root().join("verifier/engines/kubernetes").join(name)
}

fn job(name: &str) -> Value {
    let print = "import json, sys, yaml; print(json.dumps(yaml.safe_load(open(sys.argv[1]))))";
    let python = Command::new(engines()).args(["-c", print]);
    python.arg(manifest(name)).run().ok().json()
}

fn texts(list: &Value) -> Vec<String> {
    let list = list.as_array().expect("a list");
    let text = |one: &Value| one.as_str().expect("a text").to_owned();
    list.iter().map(text).collect()
}

/// Runs the command of a Job with its volumes in a folder, each named by where it is mounted.
fn run(job: &Value, volumes: &Path, index: Option<u64>) -> Run {
    let container = &job["spec"]["template"]["spec"]["containers"][0];
    let [program, subcommand] = &texts(&container["command"])[..] else {
        panic!("{container}");
    };
    let mut command = Command::new(binary(program)).arg(subcommand);
    for argument in texts(&container["args"]) {
        let mut here =
            argument.replace("s3://acme-audit", &volumes.join("bucket").to_string_lossy());
        here = here.replace("=256", &format!("={RANGES}"));
        for mount in container["volumeMounts"].as_array().expect("a list") {
            let path = mount["mountPath"].as_str().expect("a path");
            let volume = volumes.join(path.trim_start_matches('/'));
            let volume = volume.to_string_lossy();
            here = here.replace(&format!("={path}/"), &format!("={volume}/"));
            if here.starts_with(&format!("{path}/")) {
                here = here.replacen(path, &volume, 1);
            }
        }
        command = command.arg(here);
    }
    if let Some(index) = index {
        command = command.env("JOB_COMPLETION_INDEX", index.to_string());
    }
    command.run()
}

#[test]
fn every_manifest_is_valid() {
    for name in [
        "volumes.yaml",
        "plan.yaml",
        "part.yaml",
        "merge.yaml",
        "nightly.yaml",
    ] {
        let validate = Command::new(engines().with_file_name("kubernetes-validate"));
        validate.arg("--strict").arg(manifest(name)).run().ok();
    }
}

#[test]
fn the_jobs_give_the_verdict_of_one_machine() {
    let planned = Planned::bad();
    let (plan, part, merge) = (job("plan.yaml"), job("part.yaml"), job("merge.yaml"));
    let spec = &part["spec"];
    assert_eq!(spec["completionMode"], "Indexed");
    let planned_ranges = format!("--ranges={}", spec["completions"]);
    assert!(
        texts(&plan["spec"]["template"]["spec"]["containers"][0]["args"]).contains(&planned_ranges)
    );
    run(&plan, planned.root(), None).ok();
    for index in (0..RANGES).rev() {
        run(&part, planned.root(), Some(index)).ok();
    }
    let merged = run(&merge, planned.root(), None);
    assert_eq!(merged.status, 1, "{merged}");
    assert!(merged.stdout.contains("fault segment-missing"), "{merged}");
    // A pod that has no number is not taken for range 0.
    assert_eq!(run(&part, planned.root(), None).status, 2);
}
