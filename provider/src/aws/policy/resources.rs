//! The resources that statements name, in as few bytes as possible.

use std::collections::{BTreeMap, BTreeSet};

/// The ARN of the bucket.
pub(super) fn bucket_arn(partition: &str, bucket: &str) -> String {
    format!("arn:{partition}:s3:::{bucket}")
}

/// The objects under prefixes of logs, as the ARNs of `bucket`.
///
/// A folder replaces the logs in it if it holds two or more of them, every log of the folder is meant, and nothing else is
/// declared inside: with the default prefixes `logs/NAME`, one ARN is enough for all logs. It covers keys of the folder that
/// belong to no log, too, where nothing may be written anyway.
pub(super) fn cover(
    bucket: &str,
    wanted: &BTreeSet<&str>,
    logs: &BTreeSet<&str>,
    others: &[String],
) -> Vec<String> {
    let mut folders: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for prefix in wanted {
        folders.entry(folder(prefix)).or_default().push(prefix);
    }
    let mut found = Vec::new();
    for (folder, prefixes) in folders {
        if prefixes.len() > 1 && is_whole(folder, wanted, logs, others) {
            found.push(format!("{bucket}/{folder}*"));
        } else {
            found.extend(prefixes.iter().map(|prefix| format!("{bucket}/{prefix}/*")));
        }
    }
    found
}

/// What a log's prefix begins with, up to its last `/`; empty at the top of the bucket.
fn folder(prefix: &str) -> &str {
    prefix
        .rfind('/')
        .map_or("", |at| prefix.get(..=at).unwrap_or_default())
}

fn is_whole(
    folder: &str,
    wanted: &BTreeSet<&str>,
    logs: &BTreeSet<&str>,
    others: &[String],
) -> bool {
    // At the top of the bucket, what was never declared would be covered as well.
    let foreign_log = |log: &&&str| log.starts_with(folder) && !wanted.contains(**log);
    let overlaps =
        |other: &&String| other.starts_with(folder) || folder.starts_with(other.as_str());
    !folder.is_empty()
        && logs.iter().find(foreign_log).is_none()
        && others.iter().find(overlaps).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covered(wanted: &[&str], logs: &[&str], others: &[&str]) -> Vec<String> {
        let set = |all: &[&'static str]| all.iter().copied().collect::<BTreeSet<_>>();
        let leak = |all: &[&str]| -> Vec<&'static str> {
            all.iter()
                .map(|text| &*Box::leak((*text).to_owned().into_boxed_str()))
                .collect()
        };
        let (wanted, logs) = (leak(wanted), leak(logs));
        let others: Vec<_> = others.iter().map(ToString::to_string).collect();
        cover("b", &set(&wanted), &set(&logs), &others)
    }

    #[test]
    fn folder_replaces_all_of_its_logs() {
        assert_eq!(
            covered(
                &["logs/a", "logs/b", "x/c"],
                &["logs/a", "logs/b", "x/c"],
                &["archive/"]
            ),
            ["b/logs/*", "b/x/c/*"]
        );
    }

    #[test]
    fn folder_with_anything_else_in_it_does_not() {
        let each = ["b/logs/a/*", "b/logs/b/*"];
        assert_eq!(
            covered(&["logs/a", "logs/b"], &["logs/a", "logs/b", "logs/c"], &[]),
            each
        );
        assert_eq!(
            covered(
                &["logs/a", "logs/b"],
                &["logs/a", "logs/b", "logs/x/c"],
                &[]
            ),
            each
        );
        assert_eq!(
            covered(
                &["logs/a", "logs/b"],
                &["logs/a", "logs/b"],
                &["logs/archive/"]
            ),
            each
        );
        assert_eq!(
            covered(&["logs/a", "logs/b"], &["logs/a", "logs/b"], &["log"]),
            each
        );
    }

    #[test]
    fn top_of_the_bucket_replaces_no_log() {
        assert_eq!(covered(&["a", "b"], &["a", "b"], &[]), ["b/a/*", "b/b/*"]);
    }
}
