//! What attributes beside each other ask of one another.

use crate::{Diagnostic, Object};

/// Which attributes and blocks of one object go together. What is not known yet may turn out to be set or not, so it breaks
/// no rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    ExactlyOne(Vec<String>),
    AtLeastOne(Vec<String>),
    AtMostOne(Vec<String>),
    Together(Vec<String>),
    Requires(String, Vec<String>),
    Conflicts(String, Vec<String>),
}

/// A broken rule: what is wrong, and the attribute at which that shows, if there is one.
#[derive(Debug)]
pub(crate) struct Broken {
    pub(crate) summary: &'static str,
    pub(crate) detail: String,
    pub(crate) at: Option<String>,
}

const MISSING: &str = "Missing argument";
const CONFLICT: &str = "Conflicting arguments";

impl Rule {
    /// All names, the one that asks for something first.
    pub(crate) fn names(&self) -> Vec<&str> {
        let (first, rest) = match self {
            Self::ExactlyOne(names)
            | Self::AtLeastOne(names)
            | Self::AtMostOne(names)
            | Self::Together(names) => (None, names),
            Self::Requires(name, others) | Self::Conflicts(name, others) => (Some(name), others),
        };
        first.into_iter().chain(rest).map(String::as_str).collect()
    }

    /// The rule in Markdown, as a sentence.
    pub(crate) fn sentence(&self) -> String {
        let names = |names: &[String]| listed(names, '`');
        match self {
            Self::ExactlyOne(all) => format!("Set exactly one of {}.", names(all)),
            Self::AtLeastOne(all) => format!("Set at least one of {}.", names(all)),
            Self::AtMostOne(all) => format!("Set at most one of {}.", names(all)),
            Self::Together(all) => format!("Set {} together or not at all.", names(all)),
            Self::Requires(name, others) => format!("`{name}` also needs {}.", names(others)),
            Self::Conflicts(name, others) => format!("`{name}` conflicts with {}.", names(others)),
        }
    }

    pub(crate) fn check(&self, object: &Object) -> Option<Broken> {
        match self {
            Self::ExactlyOne(names) => {
                none_of(names, object, "exactly").or_else(|| several_of(names, object, "exactly"))
            }
            Self::AtLeastOne(names) => none_of(names, object, "at least"),
            Self::AtMostOne(names) => several_of(names, object, "at most"),
            Self::Together(names) => partly(names, object),
            Self::Requires(name, others) => lacking(name, others, object),
            Self::Conflicts(name, others) => conflicting(name, others, object),
        }
    }
}

impl Broken {
    /// As a diagnostic without a path, for the object of this name.
    pub(crate) fn diagnostic(self, object: &str) -> Diagnostic {
        let place = if object.is_empty() {
            String::new()
        } else {
            format!(" in {object}")
        };
        Diagnostic::error(format!("{}{place}", self.summary), self.detail)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Presence {
    Set,
    Left,
    Unknown,
}

/// A block that is not written is an empty list, or null.
fn presence(object: &Object, name: &str) -> Presence {
    let value = object.value(name);
    if value.is_unknown() {
        Presence::Unknown
    } else if value.is_null() {
        Presence::Left
    } else {
        Presence::Set
    }
}

fn those<'a>(names: &'a [String], object: &Object, wanted: Presence) -> Vec<&'a String> {
    let names = names.iter();
    names
        .filter(|name| presence(object, name) == wanted)
        .collect()
}

fn none_of(names: &[String], object: &Object, how_many: &str) -> Option<Broken> {
    let left = those(names, object, Presence::Left);
    (left.len() == names.len()).then(|| Broken {
        summary: MISSING,
        detail: format!(
            "Set {how_many} one of {}. None of them is set.",
            listed(names, '"')
        ),
        at: None,
    })
}

fn several_of(names: &[String], object: &Object, how_many: &str) -> Option<Broken> {
    let set = those(names, object, Presence::Set);
    let second = set.get(1)?;
    let detail = format!(
        "Set {how_many} one of {}. Now {} are set.",
        listed(names, '"'),
        listed(&set, '"')
    );
    Some(Broken {
        summary: CONFLICT,
        detail,
        at: Some((*second).clone()),
    })
}

fn partly(names: &[String], object: &Object) -> Option<Broken> {
    let set = those(names, object, Presence::Set);
    let left = those(names, object, Presence::Left);
    let (first, _) = (set.first()?, left.first()?);
    let verb = if left.len() == 1 { "is" } else { "are" };
    let detail = format!(
        "Set {} together or not at all. Now {} {verb} not set.",
        listed(names, '"'),
        listed(&left, '"')
    );
    Some(Broken {
        summary: MISSING,
        detail,
        at: Some((*first).clone()),
    })
}

fn lacking(name: &str, others: &[String], object: &Object) -> Option<Broken> {
    let left = those(others, object, Presence::Left);
    if presence(object, name) != Presence::Set || left.is_empty() {
        return None;
    }
    let verb = if left.len() == 1 { "is" } else { "are" };
    Some(Broken {
        summary: MISSING,
        detail: format!(
            "{name:?} also needs {}, which {verb} not set.",
            listed(&left, '"')
        ),
        at: Some(name.to_owned()),
    })
}

fn conflicting(name: &str, others: &[String], object: &Object) -> Option<Broken> {
    let set = those(others, object, Presence::Set);
    if presence(object, name) != Presence::Set || set.is_empty() {
        return None;
    }
    Some(Broken {
        summary: CONFLICT,
        detail: format!(
            "{name:?} conflicts with {}. Set only one side.",
            listed(&set, '"')
        ),
        at: Some(name.to_owned()),
    })
}

/// `"a", "b" and "c"`.
fn listed(names: &[impl AsRef<str>], quote: char) -> String {
    let quoted = |name: &dyn AsRef<str>| format!("{quote}{}{quote}", name.as_ref());
    match names {
        [] => String::new(),
        [one] => quoted(one),
        [first @ .., last] => {
            let first: Vec<_> = first.iter().map(|name| quoted(name)).collect();
            format!("{} and {}", first.join(", "), quoted(last))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Value;

    fn names<const N: usize>(names: [&str; N]) -> Vec<String> {
        names.map(str::to_owned).into()
    }

    fn object(set: &[&str], unknown: &[&str]) -> Object {
        let set = set
            .iter()
            .map(|name| ((*name).to_owned(), Value::from("x")));
        let unknown = unknown
            .iter()
            .map(|name| ((*name).to_owned(), Value::Unknown));
        set.chain(unknown).collect()
    }

    fn broken(rule: &Rule, set: &[&str], unknown: &[&str]) -> Option<(String, Option<String>)> {
        let broken = rule.check(&object(set, unknown))?;
        let shown = broken.at.clone();
        let diagnostic = broken.diagnostic("lock");
        Some((
            format!("{}: {}", diagnostic.summary, diagnostic.detail),
            shown,
        ))
    }

    fn fails(rule: &Rule, set: &[&str], text: &str, at: Option<&str>) {
        assert_eq!(
            broken(rule, set, &[]),
            Some((text.to_owned(), at.map(str::to_owned)))
        );
    }

    #[test]
    fn exactly_one_is_neither_none_nor_several() {
        let rule = Rule::ExactlyOne(names(["days", "years", "preset"]));
        let all = "Set exactly one of \"days\", \"years\" and \"preset\".";
        assert_eq!(broken(&rule, &["years"], &[]), None);
        let none = format!("Missing argument in lock: {all} None of them is set.");
        fails(&rule, &[], &none, None);
        let two =
            format!("Conflicting arguments in lock: {all} Now \"days\" and \"preset\" are set.");
        fails(&rule, &["days", "preset"], &two, Some("preset"));
    }

    #[test]
    fn at_least_and_at_most_one_are_the_halves_of_it() {
        let least = Rule::AtLeastOne(names(["a", "b"]));
        assert_eq!(broken(&least, &["a", "b"], &[]), None);
        let text =
            "Missing argument in lock: Set at least one of \"a\" and \"b\". None of them is set.";
        fails(&least, &[], text, None);
        let most = Rule::AtMostOne(names(["a", "b"]));
        assert_eq!(broken(&most, &[], &[]), None);
        let text = "Conflicting arguments in lock: Set at most one of \"a\" and \"b\". Now \"a\" and \"b\" are set.";
        fails(&most, &["a", "b"], text, Some("b"));
    }

    #[test]
    fn one_that_needs_or_excludes_others_says_which() {
        let needs = Rule::Requires("token".to_owned(), names(["key", "secret"]));
        assert_eq!(broken(&needs, &["key"], &[]), None);
        assert_eq!(broken(&needs, &["token", "key", "secret"], &[]), None);
        let text = "Missing argument in lock: \"token\" also needs \"secret\", which is not set.";
        fails(&needs, &["token", "key"], text, Some("token"));
        let conflicts = Rule::Conflicts("profile".to_owned(), names(["key", "secret"]));
        assert_eq!(broken(&conflicts, &["key", "secret"], &[]), None);
        let text =
            "Conflicting arguments in lock: \"profile\" conflicts with \"key\". Set only one side.";
        fails(&conflicts, &["profile", "key"], text, Some("profile"));
    }

    #[test]
    fn together_is_all_or_nothing() {
        let rule = Rule::Together(names(["a", "b", "c"]));
        assert_eq!(broken(&rule, &[], &[]), None);
        assert_eq!(broken(&rule, &["a", "b", "c"], &[]), None);
        let text = "Missing argument in lock: Set \"a\", \"b\" and \"c\" together or not at all. Now \"a\" and \"c\" are not set.";
        fails(&rule, &["b"], text, Some("b"));
    }

    #[test]
    fn what_is_not_known_yet_breaks_no_rule() {
        let two = || names(["a", "b"]);
        let rules = [
            Rule::ExactlyOne(two()),
            Rule::AtLeastOne(two()),
            Rule::AtMostOne(two()),
            Rule::Together(two()),
            Rule::Requires("a".to_owned(), names(["b"])),
            Rule::Conflicts("a".to_owned(), names(["b"])),
        ];
        for rule in rules {
            for (set, unknown) in [
                (&["a"][..], &["b"][..]),
                (&["b"], &["a"]),
                (&[], &["a", "b"]),
            ] {
                assert_eq!(broken(&rule, set, unknown), None, "{rule:?} {set:?}");
            }
        }
    }
}
