//! A log in two ranges, the same in each run: a merge takes any bytes for the part of one of them.

use std::path::Path;
use std::sync::{LazyLock, OnceLock};
use std::{fs, io};

use auditlog_chain::hash::Hash;
use auditlog_chain::policy::{Position, TrustPolicy};
use auditlog_chain::timestamp::Timestamp;

use crate::parts::{OfRange, PartsError, Plan, Planned, merge, part, plan};
use crate::pins::Pins;
use crate::report::Report;
use crate::request::Request;
use crate::source::Folder;

/// A vector: a log of five segments.
const VECTOR: &str = "../tests/vectors/good--several-segments";

/// When it is verified.
const NOW: &str = "2024-01-01T04:11:00Z";

/// What a merge of it takes.
pub(crate) struct Parted {
    policy: TrustPolicy,
    digest: Hash,
    now: Timestamp,
    planned: Planned,
    parts: Vec<Vec<u8>>,
}

/// Made once; an error where the vector cannot be read.
static PARTED: LazyLock<Result<Parted, String>> = LazyLock::new(|| Parted::of(VECTOR));

impl Parted {
    /// The log.
    pub(crate) fn get() -> &'static Self {
        match &*PARTED {
            Ok(parted) => parted,
            Err(why) => unreachable!("{VECTOR}: {why}"),
        }
    }

    fn of(vector: &str) -> Result<Self, String> {
        let vector = Path::new(env!("CARGO_MANIFEST_DIR")).join(vector);
        let json =
            fs::read(vector.join("policy.json")).map_err(|error: io::Error| error.to_string())?;
        let policy = TrustPolicy::parse(&json).map_err(|error| error.to_string())?;
        let folder = Folder::open(vector.join("bucket")).map_err(|error| error.reason)?;
        let digest = TrustPolicy::digest(&json);
        let now = Timestamp::parse_rfc3339(NOW).ok_or("not a time")?;
        let request = Request {
            policy: &policy,
            policy_digest: digest,
            logs: &[],
            now,
            at: None,
            max_skew_seconds: 300,
            workers: 1,
        };
        let said = |error: PartsError| error.to_string();
        let planned = plan(&folder, &request, &Pins::default(), 2).map_err(said)?;
        let made = Plan::parse(&planned.plan).map_err(said)?;
        let lists = (0..).zip(&planned.lists);
        let of = |(range, list): (u64, &Vec<u8>)| {
            part(
                &made,
                (&policy, digest),
                (range, list),
                &folder,
                1,
                &mut |_| {},
            )
        };
        let parts = lists.map(of).collect::<Result<_, _>>().map_err(said)?;
        Ok(Self {
            policy,
            digest,
            now,
            planned,
            parts,
        })
    }

    /// The honest parts.
    #[cfg(test)]
    pub(crate) fn parts(&self) -> &[Vec<u8>] {
        &self.parts
    }

    /// The head where these bytes are in place of the part of a range.
    ///
    /// # Errors
    ///
    /// Where the merge does not take them.
    pub(crate) fn head_with(
        &self,
        range: u64,
        bytes: &[u8],
    ) -> Result<Option<Position>, PartsError> {
        let plan = Plan::parse(&self.planned.plan)?;
        let read = &mut |of: u64| {
            let at = usize::try_from(of).unwrap_or(usize::MAX);
            let honest = self.parts.get(at).map_or(&[][..], Vec::as_slice);
            Ok(OfRange {
                list: self.planned.lists.get(at).cloned().unwrap_or_default(),
                part: if of == range { bytes } else { honest }.to_vec(),
            })
        };
        let report = merge(&plan, (&self.policy, self.digest), read, self.now)?;
        // Each form of the report can be written, whatever was found.
        assert!(!report.to_text().is_empty() && !report.to_json().is_empty());
        Ok(head(&report))
    }

    /// The head of the honest parts.
    pub(crate) fn honest_head(&self) -> Option<Position> {
        static HEAD: OnceLock<Option<Position>> = OnceLock::new();
        let first = self.parts.first().map_or(&[][..], Vec::as_slice);
        *HEAD.get_or_init(|| self.head_with(0, first).ok()?)
    }
}

fn head(report: &Report) -> Option<Position> {
    let log = report.logs().first()?;
    log.verified().map(|head| head.pin().position)
}
