//! `auditlog-verify prove`: writes the inclusion proof of an entry, and the entry beside it.

use std::path::{Path, PathBuf};

use auditlog_chain::timestamp::Timestamp;
use auditlog_verifier::proof::check::check_proof;
use auditlog_verifier::proof::tlog;
use auditlog_verifier::search::{First, Query, Wanted, find, first};
use auditlog_verifier::trail::{Segment, Trail, TrailError};
use auditlog_verifier::verdict::Verdict;

use super::absent;
use super::cores::cores;
use super::groups::time;
use super::log::{LogArguments, OpenLog, Stop, ended};
use super::outcome::Outcome;
use super::proof_files::write_new;
use super::proven;
use super::usage::Usage;

/// Prove that an entry is in a log: writes a C2SP tlog-proof, with the entry beside it.
///
/// What is read of the log is verified with the trust policy. Exit codes: 0 proved; 1 a fault was found in what was read; 2 nothing was proved.
#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    log: LogArguments,
    #[command(flatten)]
    which: Which,
    /// Folder to write to
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,
}

#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct Which {
    /// The entry with this index
    #[arg(long, value_name = "INDEX")]
    index: Option<u64>,
    /// The first entry of this time or later (RFC 3339)
    #[arg(long, value_name = "TIME", value_parser = time)]
    time: Option<Timestamp>,
    /// The only entry that has this value at this JSON pointer, such as /user/name=ada
    #[arg(long = "where", value_name = "POINTER=VALUE")]
    wanted: Option<Wanted>,
}

pub(super) fn run(arguments: &Arguments) -> Result<Outcome, Usage> {
    ended(prove(arguments))
}

fn prove(arguments: &Arguments) -> Result<Outcome, Stop> {
    arguments.log.check_apart(&arguments.out)?;
    let open = OpenLog::open(&arguments.log)?;
    let trail = open.trail()?;
    let chosen = choose(&arguments.which, &trail)?;
    let index = chosen.index;
    let Some(segment) = trail.segment_of_index(index)? else {
        let message = format!("no segment that is there has an entry with index {index}");
        return Err(Usage::new(message, "look for the entry with `auditlog-verify find`").into());
    };
    let files = Files::of(&segment, index)?;
    let proved = check_proof(&open.declared.policy, files.proof.as_bytes(), &files.line);
    let proved = match proved {
        Ok(proved) => proved,
        Err(why) => return Ok(proven::refused(&why)?),
    };
    let stem = format!("{}-{index}", name_of(&open)?);
    let written = files.write(&arguments.out, &stem)?;
    Ok(Outcome {
        output: format!(
            "{}{}wrote:   {}\nwrote:   {}\ncheck:   auditlog-verify check --policy {} {}\n",
            proven::inclusion(&proved),
            chosen.limits(),
            written.proof.display(),
            written.entry.display(),
            arguments.log.policy.display(),
            written.proof.display(),
        ),
        verdict: Verdict::Verified,
    })
}

/// The last part of the log's prefix, which is the log's name.
pub(super) fn name_of(open: &OpenLog) -> Result<&str, Usage> {
    let prefix = open.log()?.prefix.as_str();
    Ok(prefix.rsplit_once('/').map_or(prefix, |(_, name)| name))
}

/// The entry that was chosen, and what is not known of the choice.
struct Chosen {
    index: u64,
    /// Absent segments that may have had another entry to choose.
    gaps: Vec<(u64, u64)>,
    /// What such an entry would be.
    other: &'static str,
}

impl Chosen {
    fn limits(&self) -> String {
        let meaning = format!("{} may have been there", self.other);
        let lines = absent::lines(self.gaps.iter(), &meaning).into_iter();
        lines.fold(String::new(), |text, line| {
            format!("{text}limit:   absent: {line}\n")
        })
    }
}

fn choose(which: &Which, trail: &Trail<'_>) -> Result<Chosen, Stop> {
    if let Some(index) = which.index {
        return Ok(Chosen {
            index,
            gaps: Vec::new(),
            other: "",
        });
    }
    let query = Query {
        from: which.time,
        wanted: which.wanted.iter().cloned().collect(),
        ..Query::default()
    };
    match which.time {
        Some(time) => first_at(trail, &query, time),
        None => only_one(trail, &query),
    }
}

/// The first entry of a time or later.
fn first_at(trail: &Trail<'_>, query: &Query, time: Timestamp) -> Result<Chosen, Stop> {
    let First { index, gaps } = first(trail, query)?.ok_or_else(|| {
        let message = format!("no segment that is there has an entry of {time} or later");
        Usage::new(message, "name an earlier time")
    })?;
    let other = "an earlier entry of this time or later";
    Ok(Chosen { index, gaps, other })
}

/// The only entry with a value.
fn only_one(trail: &Trail<'_>, query: &Query) -> Result<Chosen, Stop> {
    let mut found = find(trail, query, cores(), SHOWN);
    // One that is wrong counts before one that could not be read.
    let is_wrong = |(_, error): &(u64, TrailError)| error.verdict() == Verdict::Fault;
    let worst = found.refused.iter().position(is_wrong).unwrap_or_default();
    if let Some((_, error)) = found.refused.drain(..).nth(worst) {
        return Err(error.into());
    }
    match (found.count, found.matches.first()) {
        (1, Some(only)) => Ok(Chosen {
            index: only.index,
            gaps: found.gaps,
            other: "another entry with this value",
        }),
        (0, _) => {
            let message = "no entry that is there has this value at this place";
            Err(Usage::new(message, "look for it with `auditlog-verify find`").into())
        }
        (count, _) => {
            let indexes: Vec<String> = found
                .matches
                .iter()
                .map(|one| one.index.to_string())
                .collect();
            let message = format!("{count} entries have this value at this place");
            let hint = format!(
                "name one with --index; the first are {}",
                indexes.join(", ")
            );
            Err(Usage::new(message, &hint).into())
        }
    }
}

/// How many indexes a hint shows.
const SHOWN: usize = 10;

/// A proof and its entry, as they are written.
pub(super) struct Files {
    pub(super) proof: String,
    pub(super) line: Vec<u8>,
}

/// Where they were written.
struct Written {
    proof: PathBuf,
    entry: PathBuf,
}

impl Files {
    fn of(segment: &Segment, index: u64) -> Result<Self, Usage> {
        let proof = segment.proofs().and_then(|proofs| proofs.prove(index));
        let line = segment.line(index);
        let (Some(proof), Some((line, _))) = (proof, line) else {
            let message = format!(
                "segment {} does not have index {index}",
                segment.checked().number()
            );
            return Err(Usage::new(message, "read a copy that nobody writes to"));
        };
        Ok(Self {
            proof: proof.format(),
            line,
        })
    }

    fn write(&self, folder: &Path, stem: &str) -> Result<Written, Usage> {
        let proof = folder.join(format!("{stem}.{}", tlog::EXTENSION));
        let entry = folder.join(format!("{stem}.json"));
        write_new(&entry, &self.line, "folder")?;
        write_new(&proof, self.proof.as_bytes(), "folder")?;
        Ok(Written { proof, entry })
    }
}
