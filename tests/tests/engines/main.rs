//! What runs the ranges of a plan on many machines, run for real: the job for Spark in `verifier/engines/spark/`, and the Jobs for Kubernetes in
//! `verifier/engines/kubernetes/`. And the sealer in Kubernetes, since the same tools check it.

mod kubernetes;
mod planned;
mod reading;
mod sealer;
mod spark;
#[expect(dead_code, reason = "the tests of the commands use the rest")]
mod support;
