//! What runs the ranges of a plan on many machines, run for real: the job for Spark in `verifier/engines/spark/`, and the Jobs for Kubernetes in
//! `verifier/engines/kubernetes/`.

mod kubernetes;
mod planned;
mod reading;
mod spark;
#[expect(dead_code, reason = "the tests of the commands use the rest")]
mod support;
