//! `auditlog-verify probe`: tries what a store promises about locks. The only subcommand that writes to the bucket.

use std::path::PathBuf;
use std::process;

use auditlog_chain::policy::{LockMode, TrustPolicy};
use auditlog_chain::timestamp::Timestamp;
use auditlog_verifier::probe::probe;
use auditlog_verifier::source::{CanaryLock, S3Canary};
use clap::ValueEnum;

use super::declaration::Declaration;
use super::groups::S3Arguments;
use super::outcome::Outcome;
use super::target::bucket_options;
use super::usage::Usage;

/// Try what the store promises about locks, on a canary object that stays for a day.
///
/// Puts an object under a declared prefix, locked for one day, and tries to create it twice, to overwrite it, to delete it and to
/// shorten its lock. A refusal counts if the store allows the caller to delete a delete marker and to lengthen the lock by a minute.
/// This is the only subcommand that writes to the bucket. It needs s3:PutObject, s3:PutObjectRetention, s3:DeleteObject,
/// s3:DeleteObjectVersion, s3:GetObjectVersion and s3:GetObjectRetention on that prefix, and never bypasses GOVERNANCE.
///
/// Exit codes: 0 all promises held; 1 a promise is broken; 2 not everything was shown.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The trust policy, as Terraform wrote it
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// Mode of the canary's lock; in COMPLIANCE, nobody can remove the canary for a day
    #[arg(long, value_enum, default_value_t = Mode::Governance)]
    mode: Mode,
    /// Form of the result on standard output
    #[arg(long, value_enum, default_value_t = Form::Text)]
    output: Form,
    #[command(flatten)]
    s3: S3Arguments,
    #[arg(
        value_name = "s3://BUCKET[/PREFIX]",
        help = "The bucket, and a declared prefix; by default the policy's bucket and the first prefix that it declares"
    )]
    target: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Mode {
    #[value(name = "GOVERNANCE")]
    Governance,
    #[value(name = "COMPLIANCE")]
    Compliance,
}

#[derive(Clone, Copy, ValueEnum)]
enum Form {
    /// Lines for people
    Text,
    /// One JSON document
    Json,
}

pub(super) fn run(arguments: &Arguments, now: Timestamp) -> Result<Outcome, Usage> {
    let declared = Declaration::read(&arguments.policy)?;
    let target = arguments.target.as_deref();
    if let Some(target) = target.filter(|target| !target.starts_with("s3://")) {
        let message = format!("expected s3://BUCKET[/PREFIX], not {target}");
        return Err(Usage::new(message, "a folder has no locks to try"));
    }
    let options = bucket_options(&arguments.s3, &declared.policy, target)?;
    let prefix = options.prefix.as_deref();
    let key = canary_key(&declared.policy, prefix, now)?;
    let name = format!("s3://{}/", options.bucket);
    let mode = match arguments.mode {
        Mode::Governance => LockMode::Governance,
        Mode::Compliance => LockMode::Compliance,
    };
    let store = S3Canary::open(options)?;
    let probed = probe(&store, &key, CanaryLock::of_a_day(mode, now))?;
    Ok(Outcome {
        output: match arguments.output {
            Form::Text => probed.to_text(&name),
            Form::Json => probed.to_json(&name),
        },
        verdict: probed.verdict(),
    })
}

/// A key that nobody else uses, under a declared prefix: a canary must not be a finding of the next verification.
fn canary_key(policy: &TrustPolicy, prefix: Option<&str>, now: Timestamp) -> Result<String, Usage> {
    let prefixes = &policy.document().declared_prefixes;
    let first = || prefixes.first().map(|prefix| prefix.trim_end_matches('/'));
    let prefix = prefix.map(|prefix| prefix.trim_matches('/')).or_else(first);
    let Some(prefix) = prefix else {
        return Err(Usage::new(
            "the trust policy does not declare a prefix for a canary",
            "declare one in `declared_prefixes` of the bucket, such as probe/, and render the policy again",
        ));
    };
    let key = format!(
        "{prefix}/auditlog-probe-{}-{}",
        now.as_micros(),
        process::id()
    );
    if policy.declares(&key) {
        return Ok(key);
    }
    Err(Usage::new(
        format!(
            "the trust policy does not declare the prefix {prefix}/, so a canary there would be a finding"
        ),
        &format!("name a declared prefix: {}", prefixes.join(", ")),
    ))
}
