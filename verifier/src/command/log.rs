//! One log of a source, for the subcommands that read it segment by segment.

use std::path::{Path, PathBuf};

use auditlog_chain::origin::Origin;
use auditlog_chain::policy::LogPolicy;
use auditlog_verifier::report::plain;
use auditlog_verifier::source::Source;
use auditlog_verifier::trail::{Trail, TrailError};

use super::apart;
use super::declaration::Declaration;
use super::groups::{PlaceArguments, origin};
use super::outcome::Outcome;
use super::target;
use super::usage::Usage;

/// Seconds by which clocks may differ, as for a verification that does not say otherwise.
const MAX_SKEW_SECONDS: u32 = 300;

#[derive(clap::Args)]
pub(super) struct LogArguments {
    /// The trust policy, as Terraform wrote it
    #[arg(long, value_name = "FILE")]
    pub(super) policy: PathBuf,
    /// The log; by default the only one that the policy declares
    #[arg(long = "log", value_name = "ORIGIN", value_parser = origin)]
    pub(super) log: Option<Origin>,
    #[command(flatten)]
    pub(super) place: PlaceArguments,
}

impl LogArguments {
    /// Refuses to write into the folder of the log.
    pub(super) fn check_apart(&self, out: &Path) -> Result<(), Usage> {
        apart::check(self.place.target.as_deref(), "--out", [out])
    }
}

/// A log and where it is stored.
pub(super) struct OpenLog {
    pub(super) declared: Declaration,
    at: usize,
    source: Box<dyn Source>,
}

impl OpenLog {
    /// The log alone: nothing else of a bucket is listed.
    pub(super) fn open(arguments: &LogArguments) -> Result<Self, Usage> {
        let declared = Declaration::read(&arguments.policy)?;
        let at = choose(&declared, arguments.log.as_ref())?;
        let logs = &declared.policy.document().logs;
        let prefix = logs.get(at).map(|log| log.prefix.as_str());
        let source = target::open_within(&arguments.place, &declared.policy, prefix)?;
        Ok(Self {
            declared,
            at,
            source,
        })
    }

    /// The log in its whole bucket, for a verification.
    pub(super) fn open_whole(arguments: &LogArguments) -> Result<Self, Usage> {
        let declared = Declaration::read(&arguments.policy)?;
        let at = choose(&declared, arguments.log.as_ref())?;
        let source = target::open(&arguments.place, &declared.policy)?;
        Ok(Self {
            declared,
            at,
            source,
        })
    }

    /// What the policy says of the log.
    pub(super) fn log(&self) -> Result<&LogPolicy, Usage> {
        let log = self.declared.policy.document().logs.get(self.at);
        log.ok_or_else(|| Usage::new("the trust policy does not declare a log", "declare one"))
    }

    pub(super) fn source(&self) -> &dyn Source {
        &*self.source
    }

    pub(super) fn trail(&self) -> Result<Trail<'_>, Stop> {
        let log = self.log()?;
        Ok(Trail::open(
            &*self.source,
            &self.declared.policy,
            log,
            MAX_SKEW_SECONDS,
        )?)
    }
}

fn choose(declared: &Declaration, asked: Option<&Origin>) -> Result<usize, Usage> {
    let logs = &declared.policy.document().logs;
    let known = || {
        let known: Vec<&str> = logs.iter().map(|log| log.origin.as_str()).collect();
        known.join(", ")
    };
    match (asked, logs.len()) {
        (None, 1) => Ok(0),
        (None, _) => Err(Usage::new(
            "the trust policy declares more than one log",
            &format!("name one with --log: {}", known()),
        )),
        (Some(asked), _) => logs
            .iter()
            .position(|log| log.origin == *asked)
            .ok_or_else(|| {
                let message = format!("the trust policy does not declare a log {asked}");
                Usage::new(message, &format!("it declares {}", known()))
            }),
    }
}

/// What of the listing is disowned, in words; `None` where nothing is.
pub(super) fn disowned(trail: &Trail<'_>) -> Option<String> {
    let end = trail.declared_end()?;
    let (versions, are) = match trail.disowned() {
        0 => return None,
        1 => ("1 version".to_owned(), "is"),
        count => (format!("{count} versions"), "are"),
    };
    Some(format!(
        "{versions} after the declared end of the log, segment {end}, {are} disowned and not read"
    ))
}

/// Why a subcommand stopped: it was asked for something that it cannot do, or did not accept what it read.
pub(super) enum Stop {
    Usage(Usage),
    Trail(Box<TrailError>),
}

impl From<Usage> for Stop {
    fn from(usage: Usage) -> Self {
        Self::Usage(usage)
    }
}

impl From<TrailError> for Stop {
    fn from(error: TrailError) -> Self {
        Self::Trail(Box::new(error))
    }
}

/// How a subcommand ends that stopped. A fault is its result; anything else is an error.
pub(super) fn ended(result: Result<Outcome, Stop>) -> Result<Outcome, Usage> {
    match result {
        Ok(outcome) => Ok(outcome),
        Err(Stop::Usage(usage)) => Err(usage),
        Err(Stop::Trail(error)) => match *error {
            TrailError::Wrong(_) => Ok(Outcome {
                output: format!("fault {}\n", plain(&error.to_string())),
                verdict: error.verdict(),
            }),
            _ => Err(Usage {
                message: error.to_string(),
                hint: error.hint().map(str::to_owned),
            }),
        },
    }
}
