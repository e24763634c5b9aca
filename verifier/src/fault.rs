//! What can be wrong with the evidence. Never mixed with what could not be [decided](crate::undecided::Undecided), and never with
//! a [note](crate::note::Note).

use auditlog_chain::fault as chain;
use auditlog_chain::policy::{FoundMissing, LockMode, Position};
use auditlog_chain::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

use crate::told::{self, Told};
use crate::word::{self, Word};

/// What is wrong with the evidence. Each has a stable [code](Fault::code) and both sides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// A segment is wrong in itself, or does not go on where its predecessor ended (V7, V8, V12).
    #[serde(serialize_with = "told::serialize", skip_deserializing)]
    Chain(chain::Fault),
    /// The same, found by another machine, or by an earlier run that this one takes over.
    #[serde(rename = "chain")]
    Told(Told),
    /// A declared log has no segment at all (V6).
    LogEmpty {
        /// The log's prefix.
        prefix: String,
    },
    /// Segments are absent, and their retention has not run out (A3).
    SegmentMissing {
        /// Number of the first that is absent.
        first: u64,
        /// Number of the last that is absent.
        last: u64,
        /// Until when the last of them had to be kept, where a later segment shows it.
        kept_until: Option<Timestamp>,
        /// The range with the log on both sides, as an entry of the policy has to name it.
        loss: Box<FoundMissing>,
    },
    /// A segment does not have the size and root that the policy names for the end of the log (V10).
    EndMismatch {
        /// What the policy says.
        expected: Position,
        /// What was found.
        found: Position,
    },
    /// A signature, or a key line, is of a key that the policy does not authorise for the log (V11).
    KeyUnknown {
        /// Ids of the keys that it does authorise, in hex.
        expected: Vec<String>,
        /// The key: its id in hex, or as a verifier key.
        found: String,
    },
    /// A segment was sealed or stored when its key could not sign, or could sign no more (V14).
    KeyOutsideSpan {
        /// Id of the key in hex.
        key_id: String,
        /// Which of the segment's times: `sealed` or `stored`.
        #[serde(with = "word")]
        what: Word,
        /// Number of the segment.
        segment: u64,
        /// When it was sealed.
        sealed: Timestamp,
        /// From when on the key may sign.
        valid_from: Timestamp,
        /// From when on it may not.
        retired_at: Option<Timestamp>,
        /// The time.
        found: Timestamp,
    },
    /// A segment after the last good one is signed by a compromised key (V15).
    KeyCompromised {
        /// Id of the key in hex.
        key_id: String,
        /// Number of the last good segment.
        expected: u64,
        /// Number of the segment.
        found: u64,
    },
    /// The log does not hold the last good segment that the policy names for a compromised key (V15).
    LastGoodMismatch {
        /// What the policy says.
        expected: Position,
        /// What was found; `None` where the log ends before it.
        found: Option<Position>,
    },
    /// A segment has more than one version (V17).
    SecondVersion {
        /// How many versions the object has.
        found: usize,
    },
    /// A delete marker hides a segment that had to be kept (V17).
    HiddenByDeleteMarker {
        /// Until when the object had to be kept.
        expected: Timestamp,
        /// When the marker was set.
        found: Timestamp,
    },
    /// An object is neither a segment of a declared log nor under a declared prefix (V5).
    ObjectUnaccounted {
        /// What it is: an object, a delete marker, a file, a folder, a symbolic link.
        #[serde(with = "word")]
        what: Word,
    },
    /// A version is not locked (V18).
    LockMissing {
        /// The declared mode.
        expected: LockMode,
        /// Until when it should be locked.
        until: Timestamp,
    },
    /// A version is locked in a weaker mode than was declared (V18).
    LockModeWeaker {
        /// The declared mode.
        expected: LockMode,
        /// The mode as the store has it.
        found: String,
        /// Until when it is locked.
        until: Timestamp,
    },
    /// A version's lock ends before the declared retention does (V18).
    LockTooShort {
        /// Until when it should be locked, at least.
        expected: Timestamp,
        /// Until when it is.
        found: Timestamp,
    },
    /// A segment was uploaded in parts: its `LastModified` is the upload's beginning (V19).
    ObjectMultipart {
        /// Its `ETag`.
        found: String,
    },
    /// A segment is a replica: its `LastModified` is the source's (V19).
    ObjectReplica,
    /// The bucket does not keep versions (V20).
    BucketVersioning {
        /// Its state.
        found: String,
    },
    /// Object Lock of the bucket is not as declared (V20).
    BucketLock {
        /// What was declared.
        expected: String,
        /// What is.
        found: String,
    },
    /// A segment says that it was sealed after it was stored (V21).
    SealedAfterStored {
        /// Number of the segment.
        segment: u64,
        /// `LastModified`.
        stored: Timestamp,
        /// The latest that `sealed` can be.
        expected: Timestamp,
        /// `sealed`.
        found: Timestamp,
    },
    /// A segment was stored before its predecessor, by more than the skew (V22).
    StoredOrder {
        /// Number of the segment.
        segment: u64,
        /// When it was sealed, where it is sound.
        sealed: Option<Timestamp>,
        /// The earliest that `LastModified` can be.
        expected: Timestamp,
        /// `LastModified`.
        found: Timestamp,
    },
    /// A segment says that it was sealed in the future (V23).
    SealedInFuture {
        /// The latest that `sealed` can be.
        expected: Timestamp,
        /// `sealed`.
        found: Timestamp,
    },
    /// A version or a delete marker is dated in the future (V23).
    StoredInFuture {
        /// The latest that it can be.
        expected: Timestamp,
        /// Its date.
        found: Timestamp,
    },
    /// The log was silent for longer than declared (A2).
    SilenceExceeded {
        /// Where in the log, in words.
        place: Silence,
        /// The last sign of life.
        from: Timestamp,
        /// The next one, or when silence is judged.
        until: Timestamp,
        /// Until when the log had to be heard of.
        deadline: Timestamp,
    },
    /// The log ends before the head that an earlier run pinned (A5).
    HeadRolledBack {
        /// The pinned head.
        expected: Position,
        /// Number of the last segment.
        found: u64,
        /// What is absent up to the pinned segment, as an entry of the policy has to name it; `None` where the last segment is not
        /// sound.
        loss: Option<Box<FoundMissing>>,
    },
    /// The pinned segment has another size or root than an earlier run saw, or what follows it does not continue from it (A4, A5).
    HeadForked {
        /// The pinned head.
        expected: Position,
        /// What was found.
        found: Position,
    },
}

/// Where a log was silent for too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Silence {
    /// From its declared beginning to its first segment.
    First,
    /// Between two segments.
    Between,
    /// From its last segment until now.
    Last,
}

impl From<chain::Fault> for Fault {
    fn from(fault: chain::Fault) -> Self {
        Self::Chain(fault)
    }
}

impl Fault {
    /// The stable name of the fault, also the name of its page in `docs/codes/`.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Chain(fault) => fault.code(),
            Self::Told(told) => told.code(),
            Self::LogEmpty { .. } => "log-empty",
            Self::SegmentMissing { .. } => "segment-missing",
            Self::EndMismatch { .. } => "end-mismatch",
            Self::KeyUnknown { .. } => "key-unknown",
            Self::KeyOutsideSpan { .. } => "key-outside-span",
            Self::KeyCompromised { .. } => "key-compromised",
            Self::LastGoodMismatch { .. } => "last-good-mismatch",
            Self::SecondVersion { .. } => "second-version",
            Self::HiddenByDeleteMarker { .. } => "hidden-by-delete-marker",
            Self::ObjectUnaccounted { .. } => "object-unaccounted",
            Self::LockMissing { .. } => "lock-missing",
            Self::LockModeWeaker { .. } => "lock-mode",
            Self::LockTooShort { .. } => "lock-too-short",
            Self::ObjectMultipart { .. } => "object-multipart",
            Self::ObjectReplica => "object-replica",
            Self::BucketVersioning { .. } => "bucket-versioning",
            Self::BucketLock { .. } => "bucket-lock",
            Self::SealedAfterStored { .. } => "sealed-after-stored",
            Self::StoredOrder { .. } => "stored-order",
            Self::SealedInFuture { .. } => "sealed-in-future",
            Self::StoredInFuture { .. } => "stored-in-future",
            Self::SilenceExceeded { .. } => "silence-exceeded",
            Self::HeadRolledBack { .. } => "head-rolled-back",
            Self::HeadForked { .. } => "head-forked",
        }
    }
}

#[cfg(test)]
mod tests {
    /// The codes that a source file's `code()` returns.
    fn codes(source: &str) -> Vec<&str> {
        let body = source.split_once("fn code(&self)").unwrap().1;
        let body = body.split_once("\n    }\n").unwrap().0;
        body.split('"').skip(1).step_by(2).collect()
    }

    /// Every code, and the word for what it is.
    fn all_codes() -> Vec<(&'static str, &'static str)> {
        let sources = [
            ("fault", include_str!("fault.rs")),
            ("fault", include_str!("../../chain/src/fault.rs")),
            ("undecided", include_str!("undecided.rs")),
            ("note", include_str!("note.rs")),
        ];
        let of = |(kind, source)| codes(source).into_iter().map(move |code| (code, kind));
        let all: Vec<_> = sources.into_iter().flat_map(of).collect();
        assert!(all.len() > 60, "{all:?}");
        all
    }

    fn docs(path: &str) -> std::path::PathBuf {
        std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../docs")
            .join(path)
    }

    #[test]
    fn every_code_has_its_page_and_no_page_is_left_over() {
        let known = all_codes();
        for (code, kind) in &known {
            let page = docs(&format!("codes/{code}.md"));
            let text =
                std::fs::read_to_string(&page).unwrap_or_else(|_| panic!("no page {page:?}"));
            let begin = format!("# {code}\n\n");
            assert!(text.starts_with(&begin), "{code}");
            let what = text
                .strip_prefix(&begin)
                .unwrap()
                .split('*')
                .nth(1)
                .unwrap();
            assert_eq!(what.to_lowercase(), *kind, "{code}");
            let parts: Vec<&str> = text.split("\n## ").skip(1).collect();
            let titles = ["What was seen", "What it usually means", "What to do"];
            assert_eq!(parts.len(), titles.len(), "{code}");
            for (part, title) in parts.iter().zip(titles) {
                let rest = part
                    .strip_prefix(title)
                    .unwrap_or_else(|| panic!("{code}: {part}"));
                assert!(rest.trim().ends_with(['.', '`']), "{code}: {title}");
            }
        }
        for page in std::fs::read_dir(docs("codes")).unwrap() {
            let name = page.unwrap().file_name().into_string().unwrap();
            let code = name.strip_suffix(".md").unwrap();
            assert!(known.iter().any(|(known, _)| *known == code), "{name}");
        }
        let mut names: Vec<&str> = known.iter().map(|(code, _)| *code).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), known.len(), "two things have one code");
    }

    #[test]
    fn every_code_has_its_line_in_the_guide() {
        let guide = std::fs::read_to_string(docs("guides/faults.md")).unwrap();
        let mut listed = Vec::new();
        for (title, kind) in [
            ("Faults", "fault"),
            ("Undecided", "undecided"),
            ("Notes", "note"),
        ] {
            let table = guide.split_once(&format!("\n## {title}\n")).unwrap().1;
            let table = table.split("\n## ").next().unwrap();
            let lines = table.lines().filter(|line| line.starts_with("| [`"));
            listed.extend(lines.map(|line| (line.split('`').nth(1).unwrap().to_owned(), kind)));
        }
        let mut known: Vec<_> = all_codes()
            .into_iter()
            .map(|(code, kind)| (code.to_owned(), kind))
            .collect();
        listed.sort_unstable();
        known.sort_unstable();
        assert_eq!(listed, known);
    }

    #[test]
    fn the_schema_of_the_report_lists_every_code() {
        let text = std::fs::read(docs("report.schema.json")).unwrap();
        let schema: serde_json::Value = serde_json::from_slice(&text).unwrap();
        for kind in ["fault", "undecided", "note"] {
            let listed = schema["$defs"][format!("{kind}_code")]["enum"]
                .as_array()
                .unwrap();
            let mut listed: Vec<_> = listed.iter().map(|code| code.as_str().unwrap()).collect();
            let known = all_codes().into_iter().filter(|(_, of)| *of == kind);
            let mut known: Vec<_> = known.map(|(code, _)| code).collect();
            listed.sort_unstable();
            known.sort_unstable();
            assert_eq!(listed, known, "docs/report.schema.json: {kind}_code");
        }
    }

    #[test]
    fn every_code_of_the_chain_can_be_told() {
        let codes = codes(include_str!("../../chain/src/fault.rs"));
        assert_eq!(codes, auditlog_chain::fault::CODES);
    }

    #[test]
    fn every_other_code_has_its_line_in_the_guide() {
        let guide = include_str!("../../docs/guides/verification.md");
        for (title, source) in [
            ("undecided", include_str!("undecided.rs")),
            ("note", include_str!("note.rs")),
            ("not checked", include_str!("not_checked.rs")),
        ] {
            let table = guide.split_once(&format!("\n| {title} | |\n| --- | --- |\n"));
            let table = table.unwrap().1.split_once("\n\n").unwrap().0;
            let described = table.lines().map(|line| line.split('`').nth(1).unwrap());
            let (mut described, mut known) = (described.collect::<Vec<_>>(), codes(source));
            described.sort_unstable();
            known.sort_unstable();
            assert_eq!(described, known, "left: described as {title}, right: known");
        }
    }
}
