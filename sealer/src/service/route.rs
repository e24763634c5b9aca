//! Which log a batch is for: by the input that it came from, by its tag, or by a field of each event.

use auditlog_chain::builder::{StoredBatch, StoredPayload};
use auditlog_chain::line::Payload;
use serde_json::Value;

use super::pointer::value_at;

/// A route to a log. It takes what all its conditions hold for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Name of the log.
    pub log: String,
    /// Name of the input that a batch must come from.
    pub input: Option<String>,
    /// Pattern that its tag must match.
    pub tag: Option<TagPattern>,
    /// What an event must have.
    pub field: Option<FieldIs>,
}

impl Route {
    /// Whether it takes events that come from an input with a tag, or those of them that have its field.
    pub fn is_for(&self, input: &str, tag: Option<&str>) -> bool {
        let input_fits = self.input.as_deref().is_none_or(|name| name == input);
        let tag_fits = |pattern: &TagPattern| match tag {
            Some(tag) => pattern.matches(tag),
            None => pattern.matches_none(),
        };
        input_fits && self.tag.as_ref().is_none_or(tag_fits)
    }
}

/// A pattern of tags, as Fluentd has them: `*` is one part, `**` is any number of parts, also none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagPattern(Vec<String>);

impl TagPattern {
    /// Parses a pattern; `None` where a part is empty, or has a `*` beside other characters.
    pub fn parse(text: &str) -> Option<Self> {
        let is_part =
            |part: &str| !part.is_empty() && (!part.contains('*') || matches!(part, "*" | "**"));
        let parts: Vec<String> = text.split('.').map(str::to_owned).collect();
        parts
            .iter()
            .all(|part| is_part(part))
            .then_some(Self(parts))
    }

    /// Whether no tag at all matches: it has no part.
    fn matches_none(&self) -> bool {
        self.0.iter().all(|part| part == "**")
    }

    /// Whether a tag matches.
    pub fn matches(&self, tag: &str) -> bool {
        let parts: Vec<&str> = tag.split('.').collect();
        // Whether the pattern so far matches the first n parts, for each n.
        let mut reached = vec![false; parts.len().saturating_add(1)];
        if let Some(first) = reached.first_mut() {
            *first = true;
        }
        for expected in &self.0 {
            let mut next = vec![false; reached.len()];
            let mut any_before = false;
            for (number, slot) in next.iter_mut().enumerate() {
                let before = number.checked_sub(1);
                let was = |at: Option<usize>| at.and_then(|at| reached.get(at)) == Some(&true);
                any_before |= was(Some(number));
                let part = before.and_then(|at| parts.get(at));
                *slot = match expected.as_str() {
                    "**" => any_before,
                    "*" => was(before),
                    text => was(before) && part.is_some_and(|part| *part == text),
                };
            }
            reached = next;
        }
        reached.last() == Some(&true)
    }
}

/// What an event must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldIs {
    /// Where the field is, as a JSON Pointer (RFC 6901) such as `/kubernetes/namespace_name`.
    pub pointer: String,
    /// The text that it must have; of a number or of `true`, its JSON.
    pub equals: String,
}

impl FieldIs {
    fn holds(&self, event: &str) -> bool {
        let found = value_at(event, &self.pointer);
        // What is in an array or an object is not compared.
        let found = found.filter(|text| !text.starts_with(['{', '[']));
        match found.map(serde_json::from_str) {
            Some(Ok(Value::String(text))) => text == self.equals,
            Some(Ok(found @ (Value::Number(_) | Value::Bool(_)))) => {
                let text = found.to_string();
                text == self.equals
            }
            Some(Ok(Value::Null | Value::Array(_) | Value::Object(_)) | Err(_)) | None => false,
        }
    }
}

/// Where the events of a batch go.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Way<'r> {
    /// All to one log.
    Whole(&'r str),
    /// Each event to the log of its own number.
    Each(Vec<&'r str>),
}

/// The logs to which routes may lead from an input with a tag.
pub(super) fn leads_to<'r>(routes: &'r [Route], input: &str, tag: Option<&str>) -> Vec<&'r str> {
    let routes = routes.iter().filter(|route| route.is_for(input, tag));
    routes.map(|route| route.log.as_str()).collect()
}

/// Finds where a batch goes: each event to the log of the first route that takes it.
///
/// # Errors
///
/// The number of the first event that no route takes, from 1; `None` where no route is for this input and tag.
pub(super) fn find<'r>(
    routes: &'r [Route],
    input: &str,
    tag: Option<&str>,
    events: &StoredBatch,
) -> Result<Way<'r>, Option<usize>> {
    let routes: Vec<&Route> = routes
        .iter()
        .filter(|route| route.is_for(input, tag))
        .collect();
    let first = routes.first().ok_or(None)?;
    if first.field.is_none() {
        return Ok(Way::Whole(&first.log));
    }
    let mut logs = Vec::with_capacity(events.len());
    for (number, payload) in (1..).zip(events.iter()) {
        let event = json_of(&payload);
        let takes = |field: &FieldIs| event.is_some_and(|event| field.holds(event));
        let mut taking = routes.iter();
        let route = taking.find(|route| route.field.as_ref().is_none_or(takes));
        logs.push(route.ok_or(Some(number))?.log.as_str());
    }
    match logs.first() {
        Some(only) if logs.iter().all(|log| log == only) => Ok(Way::Whole(only)),
        Some(_) => Ok(Way::Each(logs)),
        None => Ok(Way::Whole(&first.log)),
    }
}

/// Only JSON has fields.
fn json_of<'p>(payload: &'p StoredPayload<'_>) -> Option<&'p str> {
    match payload.as_payload() {
        Payload::Event(text) => Some(text),
        Payload::Text(_) | Payload::Base64(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> TagPattern {
        TagPattern::parse(text).unwrap()
    }

    #[test]
    fn pattern_matches_whole_parts() {
        for (text, tags, others) in [
            ("a.b", &["a.b"][..], &["a", "a.b.c", "a.bc", ""][..]),
            ("a.*", &["a.b", "a."], &["a", "a.b.c", "b.a"]),
            ("a.**", &["a", "a.b", "a.b.c"], &["ab", "b.a", ""]),
            ("**", &["", "a", "a.b"], &[]),
            ("**.c", &["c", "a.c", "a.b.c"], &["c.a", "ac"]),
            ("a.**.c", &["a.c", "a.b.c", "a.c.c"], &["a", "c", "a.c.d"]),
            ("*.*", &["a.b"], &["a", "a.b.c"]),
        ] {
            for tag in tags {
                assert!(pattern(text).matches(tag), "{text} {tag}");
            }
            for tag in others {
                assert!(!pattern(text).matches(tag), "{text} {tag}");
            }
        }
        for text in ["", "a..b", "a.b*", "***", "."] {
            assert_eq!(TagPattern::parse(text), None, "{text}");
        }
    }

    /// Matching by trying each number of parts.
    fn slowly(expected: &[String], parts: &[&str]) -> bool {
        match (expected.split_first(), parts.split_first()) {
            (None, None) => true,
            (Some((first, rest)), _) if first == "**" => {
                (0..=parts.len()).any(|taken| slowly(rest, &parts[taken..]))
            }
            (Some((first, rest)), Some((part, others))) => {
                (first == "*" || first == part) && slowly(rest, others)
            }
            (None, Some(_)) | (Some(_), None) => false,
        }
    }

    #[test]
    fn pattern_matches_what_a_slow_model_matches() {
        let choose = |number: usize, from: &[&str], length: usize| -> String {
            let mut rest = number;
            let mut parts = Vec::new();
            for _ in 0..length {
                parts.push(from[rest % from.len()]);
                rest /= from.len();
            }
            parts.join(".")
        };
        for lengths in 1..=4 {
            for number in 0..4_usize.pow(4) {
                let pattern = pattern(&choose(number, &["a", "b", "*", "**"], lengths));
                for tags in 1..=4 {
                    for tag in (0..16).map(|number| choose(number, &["a", "b"], tags)) {
                        let parts: Vec<&str> = tag.split('.').collect();
                        let expected = slowly(&pattern.0, &parts);
                        assert_eq!(pattern.matches(&tag), expected, "{pattern:?} {tag}");
                    }
                }
            }
        }
    }

    fn batch(events: &[&str]) -> StoredBatch {
        let mut batch = StoredBatch::default();
        for event in events {
            batch.push_json(event.as_bytes()).unwrap();
        }
        batch
    }

    fn route(log: &str) -> Route {
        Route {
            log: log.to_owned(),
            input: None,
            tag: None,
            field: None,
        }
    }

    fn with_field(log: &str, pointer: &str, equals: &str) -> Route {
        Route {
            field: Some(FieldIs {
                pointer: pointer.to_owned(),
                equals: equals.to_owned(),
            }),
            ..route(log)
        }
    }

    #[test]
    fn first_route_that_takes_a_batch_has_it() {
        let routes = [
            Route {
                input: Some("web".to_owned()),
                tag: TagPattern::parse("pay.**"),
                ..route("payments")
            },
            Route {
                input: Some("web".to_owned()),
                ..route("rest")
            },
        ];
        let one = batch(&["1"]);
        let found = |input, tag| find(&routes, input, tag, &one);
        assert_eq!(found("web", Some("pay.eu")), Ok(Way::Whole("payments")));
        assert_eq!(found("web", Some("other")), Ok(Way::Whole("rest")));
        assert_eq!(found("web", None), Ok(Way::Whole("rest")));
        assert_eq!(found("forward", Some("pay.eu")), Err(None));
        let reached = |input, tag| leads_to(&routes, input, tag);
        assert_eq!(reached("web", Some("pay.eu")), ["payments", "rest"]);
        assert_eq!(reached("web", None), ["rest"]);
        assert!(reached("forward", None).is_empty());
    }

    #[test]
    fn batch_without_a_tag_has_no_part_of_one() {
        let one = batch(&["1"]);
        for (text, is_for) in [("**", true), ("**.**", true), ("*", false), ("a.**", false)] {
            let routes = [Route {
                tag: TagPattern::parse(text),
                ..route("all")
            }];
            let found = find(&routes, "web", None, &one);
            assert_eq!(found.is_ok(), is_for, "{text}");
        }
    }

    #[test]
    fn events_are_divided_by_a_field_and_one_without_a_route_is_named() {
        let mut routes = vec![
            with_field("a", "/k/ns", "one"),
            with_field("b", "/k/ns", "2"),
        ];
        let all = batch(&[
            r#"{"k":{"ns":"one"}}"#,
            r#"{"k":{"ns":2}}"#,
            r#"{"k":{"ns":2,"ns":"one"}}"#,
        ]);
        let found = find(&routes, "web", None, &all);
        assert_eq!(found, Ok(Way::Each(vec!["a", "b", "a"])));
        let same = batch(&[r#"{"k":{"ns":2}}"#, r#"{"k":{"ns":2}}"#]);
        assert_eq!(find(&routes, "web", None, &same), Ok(Way::Whole("b")));
        let other = batch(&[r#"{"k":{"ns":2}}"#, r#"{"k":{"ns":null}}"#]);
        assert_eq!(find(&routes, "web", None, &other), Err(Some(2)));
        routes.push(route("rest"));
        let found = find(&routes, "web", None, &other);
        assert_eq!(found, Ok(Way::Each(vec!["b", "rest"])));
    }

    #[test]
    fn field_of_an_event_is_found_however_deep_the_event_is_nested() {
        let routes = [with_field("a", "/kind", "x"), route("rest")];
        for levels in [1, 126, 127] {
            let (open, close) = ("[".repeat(levels), "]".repeat(levels));
            let event = format!("{{\"deep\":{open}{close},\"kind\":\"x\"}}");
            let found = find(&routes, "web", None, &batch(&[&event]));
            assert_eq!(found.as_ref(), Ok(&Way::Whole("a")), "{levels}");
        }
    }
}
