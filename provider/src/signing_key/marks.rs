//! The history in the tags of the keys, so that an import by the alias finds all of it.
//!
//! Each key names its own number, its spans and its predecessor. What does not fit into a tag is left out: a configuration
//! declares it again.

use std::collections::BTreeMap;

use auditlog_chain::hash::Hash;
use auditlog_chain::origin::Origin;
use auditlog_chain::policy::{Compromised, LastGood};
use auditlog_chain::timestamp::Timestamp;

use super::history::History;
use crate::aws::{CREATED_TAG, OWN_PREFIX, Tags};

const VERSION: &str = "auditlog:version";
const PREVIOUS: &str = "auditlog:previous";
const RETIRED_AT: &str = "auditlog:retired-at";
const LOST_AT: &str = "auditlog:lost-at";
const COMPROMISED_AT: &str = "auditlog:compromised-at";
const TRIGGER: &str = "auditlog:trigger";
/// Followed by a number from 1.
const LAST_GOOD: &str = "auditlog:last-good-";

/// Logs whose last good segment is kept in tags: a key has room for 50 tags of all kinds.
const MAX_LAST_GOOD: usize = 10;
const MAX_VALUE_CHARS: usize = 256;
/// The most tags of the provider's own that a key ever has: the seven names above, the one that a destroy adds, and those of the last
/// good segments.
pub(crate) const MAX_MARKS: usize = 8 + MAX_LAST_GOOD;

/// What the tags of a key say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Marks {
    pub(crate) alias: Option<String>,
    pub(crate) number: Option<u32>,
    pub(crate) previous: Option<String>,
    pub(crate) retired_at: Option<Timestamp>,
    pub(crate) lost_at: Option<Timestamp>,
    pub(crate) compromised: Option<Compromised>,
    pub(crate) trigger: Option<String>,
}

impl Marks {
    /// Whether it is a first version about which nothing was declared since it was made.
    pub(crate) const fn is_first(&self) -> bool {
        matches!(self.number, Some(1))
            && self.retired_at.is_none()
            && self.lost_at.is_none()
            && self.compromised.is_none()
    }
}

/// The tags of one version.
pub(crate) fn format_marks(
    history: &History,
    number: u32,
    alias: &str,
    trigger: Option<&str>,
) -> Tags {
    let mut tags = first_marks(alias, number, history.previous(number), trigger);
    let Some((_, version)) = history.versions().find(|(other, _)| *other == number) else {
        return tags;
    };
    let declared = &version.declared;
    let compromised = declared.compromised.as_ref();
    let times = [
        (RETIRED_AT, declared.retired_at),
        (LOST_AT, declared.lost_at),
        (
            COMPROMISED_AT,
            compromised.map(|compromised| compromised.at),
        ),
    ];
    let known = times.into_iter().filter_map(|(name, at)| Some((name, at?)));
    tags.extend(known.map(|(name, at)| (name.to_owned(), at.to_rfc3339())));
    let good = compromised
        .into_iter()
        .flat_map(|compromised| &compromised.last_good);
    let good = good
        .map(format_good)
        .filter(|text| fits(text))
        .take(MAX_LAST_GOOD);
    let good = good
        .zip(1_u32..)
        .map(|(text, at)| (format!("{LAST_GOOD}{at}"), text));
    tags.extend(good);
    tags
}

/// The tags that a key is made with.
pub(crate) fn first_marks(
    alias: &str,
    number: u32,
    previous: Option<&str>,
    trigger: Option<&str>,
) -> Tags {
    let texts = [
        (CREATED_TAG, Some(alias.to_owned())),
        (VERSION, Some(number.to_string())),
        (PREVIOUS, previous.map(str::to_owned)),
        (TRIGGER, trigger.map(str::to_owned)),
    ];
    texts
        .into_iter()
        .filter_map(|(name, text)| Some((name.to_owned(), text?)))
        .collect()
}

/// Reads what [`format_marks`] wrote; what has another form counts as absent.
pub(crate) fn parse_marks(tags: &Tags) -> Marks {
    let text = |name: &str| tags.get(name).cloned();
    let time = |name: &str| Timestamp::parse_rfc3339(tags.get(name)?);
    let good: BTreeMap<_, _> = tags
        .iter()
        .filter_map(|(name, text)| Some((name.strip_prefix(LAST_GOOD)?, parse_good(text)?)))
        .collect();
    Marks {
        alias: text(CREATED_TAG),
        number: text(VERSION)
            .and_then(|number| number.parse().ok())
            .filter(|number| *number > 0),
        previous: text(PREVIOUS),
        retired_at: time(RETIRED_AT),
        lost_at: time(LOST_AT),
        compromised: time(COMPROMISED_AT).map(|at| Compromised {
            at,
            last_good: good.into_values().collect(),
        }),
        trigger: text(TRIGGER),
    }
}

/// The tags that are the provider's own.
pub(crate) fn own(tags: &Tags) -> Tags {
    let own = tags.iter().filter(|(name, _)| name.starts_with(OWN_PREFIX));
    own.map(|(name, text)| (name.clone(), text.clone()))
        .collect()
}

fn format_good(good: &LastGood) -> String {
    let (segment, size, root) = (good.segment, good.size, good.root.to_base64());
    format!("{segment} {size} {root} {}", good.origin)
}

fn parse_good(text: &str) -> Option<LastGood> {
    let mut parts = text.splitn(4, ' ');
    Some(LastGood {
        segment: parts.next()?.parse().ok()?,
        size: parts.next()?.parse().ok()?,
        root: Hash::parse_base64(parts.next()?)?,
        origin: Origin::parse(parts.next()?)?,
    })
}

/// Whether a text is one that a tag can have.
pub(crate) fn fits(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || " +-=._:/@".contains(c);
    text.len() <= MAX_VALUE_CHARS && text.chars().all(allowed)
}

#[cfg(test)]
mod tests {
    use auditlog_chain::keys::PublicKey;
    use auditlog_chain::policy::KeyPolicy;

    use super::super::history::Declared;
    use super::*;

    const PEM: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).unwrap()
    }

    fn key() -> KeyPolicy {
        let spki = PublicKey::from_pem(PEM).unwrap();
        KeyPolicy {
            spec: spki.spec(),
            spki,
            arn: None,
            valid_from: at("2026-01-01T00:00:00Z"),
            retired_at: None,
            lost_at: None,
            compromised: None,
        }
    }

    #[test]
    fn tags_of_a_key_say_what_it_was_marked_with() {
        let mut history = History::of_one("a", key());
        history.begin("b", key());
        history.finish(at("2026-02-01T00:00:00.5Z"), 7);
        let good = |origin: &str| LastGood {
            origin: Origin::parse(origin).unwrap(),
            segment: 7,
            size: 99,
            root: Hash::from_bytes([7; 32]),
        };
        let compromised = Compromised {
            at: at("2026-02-02T00:00:00Z"),
            last_good: vec![good("acme.example/audit/payments"), good("acme.example/~")],
        };
        history.declare(&Declared {
            lost: [(1, at("2026-02-03T00:00:00Z"))].into(),
            compromised: [(1, compromised.clone())].into(),
        });
        let first = format_marks(&history, 1, "alias/x", None);
        assert!(first.values().all(|text| fits(text)), "{first:?}");
        let expected = Marks {
            alias: Some("alias/x".to_owned()),
            number: Some(1),
            previous: None,
            retired_at: Some(at("2026-02-08T00:00:00.5Z")),
            lost_at: Some(at("2026-02-03T00:00:00Z")),
            // the other origin does not fit into a tag
            compromised: Some(Compromised {
                last_good: vec![good("acme.example/audit/payments")],
                ..compromised
            }),
            trigger: None,
        };
        assert_eq!(parse_marks(&first), expected);
        let second = parse_marks(&format_marks(&history, 2, "alias/x", Some("2027")));
        assert_eq!(second.previous.as_deref(), Some("a"));
        assert_eq!(second.trigger.as_deref(), Some("2027"));
    }

    #[test]
    fn fullest_history_has_the_number_of_tags_that_a_plan_leaves_room_for() {
        let mut history = History::of_one("a", key());
        history.begin("b", key());
        history.finish(at("2026-02-01T00:00:00Z"), 7);
        let good = |number: u64| LastGood {
            origin: Origin::parse(&format!("acme.example/{number}")).unwrap(),
            segment: 7,
            size: 99,
            root: Hash::from_bytes([7; 32]),
        };
        let compromised = Compromised {
            at: at("2026-02-02T00:00:00Z"),
            last_good: (0..20).map(good).collect(),
        };
        history.declare(&Declared {
            lost: [(2, at("2026-02-03T00:00:00Z"))].into(),
            compromised: [(2, compromised)].into(),
        });
        history.begin("c", key());
        history.finish(at("2026-03-01T00:00:00Z"), 7);
        let fullest = format_marks(&history, 2, "alias/x", Some("2027"));
        // and the one of a key that a destroy left
        assert_eq!(fullest.len() + 1, MAX_MARKS, "{fullest:?}");
    }

    #[test]
    fn tags_of_another_form_count_as_absent() {
        let tags = [(VERSION, "0"), (RETIRED_AT, "soon"), (COMPROMISED_AT, "")];
        let tags = tags.map(|(name, text)| (name.to_owned(), text.to_owned()));
        assert_eq!(parse_marks(&tags.into()), Marks::default());
    }
}
