//! `auditlog-verify plan`: divides a verification into ranges for many machines.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use auditlog_chain::timestamp::Timestamp;
use auditlog_verifier::parts::{self, Plan};
use auditlog_verifier::pins::Pins;
use auditlog_verifier::verdict::Verdict;

use super::apart;
use super::declaration::Declaration;
#[cfg(feature = "s3")]
use super::groups::PinsBucketArguments;
use super::groups::{PlaceArguments, WhatArguments};
use super::kept::Way;
use super::outcome::Outcome;
use super::plan_folder::PlanFolder;
use super::target;
use super::usage::Usage;

/// List the logs once and divide them into ranges, for `part` and `merge`.
///
/// Exit codes: 0 the plan is written; 2 it is not.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The trust policy, as Terraform wrote it
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    #[command(flatten)]
    what: WhatArguments,
    /// Number of ranges: about as many as there are tasks
    #[arg(long, value_name = "NUMBER")]
    ranges: u64,
    /// Folder for the plan; it must not hold one
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    place: PlaceArguments,
    #[cfg(feature = "s3")]
    #[command(flatten)]
    pins_bucket: PinsBucketArguments,
}

pub(super) fn run(arguments: &Arguments, now: Timestamp) -> Result<Outcome, Usage> {
    let target = arguments.place.target.as_deref();
    apart::check(target, "--out", [arguments.out.as_path()])?;
    PlanFolder::check_free(&arguments.out)?;
    let declared = Declaration::read(&arguments.policy)?;
    let way = Way {
        declared: &[&declared],
        #[cfg(feature = "s3")]
        endpoint: &arguments.place.s3.endpoint,
        #[cfg(feature = "s3")]
        pins_bucket: &arguments.pins_bucket,
    };
    let pins = match &arguments.what.pins {
        Some(place) => way.pins(place)?.load()?,
        None => Pins::default(),
    };
    let mut place = arguments.place.clone();
    place.target = place.target.map(absolute);
    let source = target::open(&place, &declared.policy)?;
    let request = arguments.what.request(&declared, now);
    let ranges = arguments.ranges;
    let made = PlanFolder::write(&arguments.out, &declared.json, &mut |each| {
        parts::plan_into(&*source, &request, &pins, ranges, each)
    })?;
    let plan = Plan::parse(&made)?;
    let (ranges, digest) = (plan.ranges(), plan.digest());
    Ok(Outcome {
        output: format!(
            "plan sha256:{digest}: {ranges} ranges of {}\n",
            plan.target()
        ),
        verdict: Verdict::Verified,
    })
}

/// Workers run elsewhere: a folder is named from the root.
fn absolute(target: OsString) -> OsString {
    let is_bucket = target
        .to_str()
        .is_some_and(|text| text.starts_with("s3://"));
    let real = (!is_bucket)
        .then(|| fs::canonicalize(Path::new(&target)).ok())
        .flatten();
    real.map_or(target, PathBuf::into_os_string)
}
