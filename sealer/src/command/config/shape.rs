//! Reads a configuration to its end, whatever is wrong with it: a value that cannot be read is taken out, and one that is missing is put in,
//! so that what is behind it is read too. A configuration with a mistake is never used.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue, Error, ValueDeserializer};

use super::lines::{Lines, join, line_of};
use super::message::{Said, remedy};
use super::mistake::Mistake;
use super::nearest::{alike, nearest};

/// What was read.
pub(super) struct Shaped<T> {
    /// `None` where the text is not TOML.
    pub(super) value: Option<T>,
    pub(super) lines: Lines,
    /// Keys whose values were taken out or put in.
    pub(super) amended: BTreeSet<String>,
    pub(super) mistakes: Vec<Mistake>,
}

/// Keys that a table must have: a value that can be read, and one that a person would write.
const NEEDED: [(&str, &str, &str); 10] = [
    ("policy", "-", "policy = \"trust-policy.json\""),
    ("spool", "-", "spool = \"/var/lib/auditlog/NAME\""),
    ("listen", "127.0.0.1:0", "listen = \"127.0.0.1:PORT\""),
    ("transport", "tcp", "transport = \"tcp\" or \"relp\""),
    ("log", "-", "log = \"NAME\""),
    (
        "source",
        "-",
        "source = \"NAME\", the name of the sender in the log",
    ),
    ("name", "-", "name = \"NAME\""),
    ("certificate", "-", "certificate = \"FILE\""),
    ("key", "-", "key = \"FILE\""),
    ("paths", "", "paths = [\"/var/log/app/*.log\"]"),
];

/// Reads a text.
pub(super) fn shape<T: DeserializeOwned>(text: &str) -> Shaped<T> {
    let (root, errors) = DeTable::parse_recoverable(text);
    let root = Spanned::new(root.span(), DeValue::Table(root.into_inner()));
    let mut shaping = Shaping {
        text,
        root,
        put: BTreeSet::new(),
        amended: BTreeSet::new(),
        mistakes: Vec::new(),
    };
    let mut value = None;
    if errors.is_empty() {
        value = shaping.read();
    } else {
        shaping.refuse(&errors);
    }
    Shaped {
        value,
        lines: Lines::of_tree(text, &shaping.root),
        amended: shaping.amended,
        mistakes: shaping.mistakes,
    }
}

struct Shaping<'t> {
    text: &'t str,
    root: Spanned<DeValue<'t>>,
    /// Keys whose values were put in.
    put: BTreeSet<String>,
    amended: BTreeSet<String>,
    mistakes: Vec<Mistake>,
}

impl Shaping<'_> {
    /// What is not TOML: one mistake of each line, as the others of it may come from the first.
    fn refuse(&mut self, errors: &[Error]) {
        let mut lines = BTreeSet::new();
        for error in errors {
            let at = error.span().map_or(self.text.len(), |span| span.start);
            if lines.insert(line_of(self.text, at)) {
                self.add(
                    at,
                    error.message().to_owned(),
                    "correct this line: it is not TOML",
                );
            }
        }
    }

    fn add(&mut self, at: usize, what: String, remedy: impl Into<String>) {
        let line = Some(line_of(self.text, at));
        let remedy = remedy.into();
        self.mistakes.push(Mistake { line, what, remedy });
    }

    /// Each attempt takes one value out or puts one in, so this ends.
    fn read<T: DeserializeOwned>(&mut self) -> Option<T> {
        loop {
            let error = match T::deserialize(ValueDeserializer::from(self.root.clone())) {
                Ok(value) => return Some(value),
                Err(error) => error,
            };
            let span = error.span().unwrap_or_default();
            let said = Said::of(error.message());
            if self.amend(&said, &span).is_none() {
                self.add(span.start, said.to_string(), remedy(""));
                return None;
            }
        }
    }

    /// Corrects what the parser has said, and notes it. `None` where that cannot be done.
    fn amend(&mut self, said: &Said, span: &Range<usize>) -> Option<()> {
        match said {
            Said::Missing(key) => self.put_in(said, key, span),
            Said::Unknown { key, known } => self.rename(key, known, span),
            Said::Wrong(message) => self.take_out(message, span),
        }
    }

    fn put_in(&mut self, said: &Said, key: &str, span: &Range<usize>) -> Option<()> {
        let table = way_to(&self.root, span, Wanted::Table)?;
        let way = join(&table, key);
        let (_, value, example) = NEEDED.iter().find(|(name, _, _)| *name == key)?;
        if !self.put.insert(way.clone()) {
            return None;
        }
        if self.amended.insert(way) {
            self.add(span.start, said.to_string(), format!("add {example}"));
        }
        let value = match *value {
            "" => DeValue::Array(DeArray::new()),
            text => DeValue::String(Cow::Borrowed(text)),
        };
        let key = Spanned::new(span.clone(), Cow::Owned(key.to_owned()));
        table_at(&mut self.root, &table)?.insert(key, Spanned::new(span.clone(), value));
        Some(())
    }

    /// The nearest key that may be there gets the value, unless it has one.
    fn rename(&mut self, key: &str, known: &[String], span: &Range<usize>) -> Option<()> {
        let way = way_to(&self.root, span, Wanted::Any)?;
        let (table, _) = way.rsplit_once('.').unwrap_or(("", &way));
        let names: Vec<&str> = known.iter().map(String::as_str).collect();
        let meant = nearest(key, &names);
        let remedy = match meant.or_else(|| alike(key, &names)) {
            Some(meant) => format!("write {meant} in its place, if that is what is meant"),
            None => format!("remove it, or write one of {}", names.join(", ")),
        };
        let table = table_at(&mut self.root, table)?;
        let (_, value) = table.remove_entry(key)?;
        let first = value.get_ref().as_array().and_then(|array| array.first());
        let is_table = first.unwrap_or(&value).get_ref().is_table();
        let kind = if is_table { "table" } else { "key" };
        if let Some(meant) = meant.filter(|meant| !table.contains_key(*meant)) {
            let meant = Cow::Owned(meant.to_owned());
            table.insert(Spanned::new(span.clone(), meant), value);
        }
        self.add(span.start, format!("unknown {kind} {key}"), remedy);
        Some(())
    }

    fn take_out(&mut self, message: &str, span: &Range<usize>) -> Option<()> {
        let mut way = way_to(&self.root, span, Wanted::Any)?;
        // A part of a list is not taken out alone.
        while let Some((before, last)) = way.rsplit_once('.')
            && is_number(last)
        {
            let length = before.len();
            way.truncate(length);
        }
        let (table, key) = way.rsplit_once('.').unwrap_or(("", &way));
        self.add(span.start, format!("{key}: {message}"), remedy(key));
        table_at(&mut self.root, table)?.remove_entry(key)?;
        self.amended.insert(way);
        Some(())
    }
}

fn is_number(part: &str) -> bool {
    part.bytes().all(|byte| byte.is_ascii_digit())
}

/// What is looked for at a span of the text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// A table.
    Table,
    /// A key or a value.
    Any,
}

/// The way to what has this span.
fn way_to(value: &Spanned<DeValue<'_>>, span: &Range<usize>, wanted: Wanted) -> Option<String> {
    let of = |way: &str, value: &Spanned<DeValue<'_>>| {
        let inside = way_to(value, span, wanted).map(|rest| join(way, &rest));
        let is_wanted = wanted == Wanted::Any || value.get_ref().is_table();
        let is_it = is_wanted && value.span() == *span;
        inside.or_else(|| is_it.then(|| way.to_owned()))
    };
    match value.get_ref() {
        DeValue::Table(table) => table.iter().find_map(|(key, value)| {
            let is_key = wanted == Wanted::Any && key.span() == *span;
            let way: &str = key.get_ref();
            is_key.then(|| way.to_owned()).or_else(|| of(way, value))
        }),
        DeValue::Array(array) => {
            let mut each = array.iter().enumerate();
            each.find_map(|(number, value)| of(&number.to_string(), value))
        }
        DeValue::String(_)
        | DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_) => None,
    }
}

/// The table at the end of a way.
fn table_at<'v, 't>(root: &'v mut Spanned<DeValue<'t>>, way: &str) -> Option<&'v mut DeTable<'t>> {
    let mut value = root.get_mut();
    for part in way.split('.').filter(|part| !part.is_empty()) {
        value = match value {
            DeValue::Table(table) => table.get_mut(part)?.get_mut(),
            DeValue::Array(array) => array.get_mut(part.parse::<usize>().ok()?)?.get_mut(),
            _ => return None,
        };
    }
    match value {
        DeValue::Table(table) => Some(table),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::config::Config;

    fn said(text: &str) -> Vec<String> {
        let shaped = shape::<Config>(text);
        let each = shaped.mistakes.into_iter();
        let mut each: Vec<Mistake> = each.collect();
        each.sort();
        let is_read = shaped.value.is_some();
        assert!(is_read || !each.is_empty(), "{text}");
        each.into_iter()
            .map(|Mistake { line, what, remedy }| {
                format!("{}: {what}; {remedy}", line.unwrap_or(0))
            })
            .collect()
    }

    #[test]
    fn all_that_is_wrong_is_named_at_once() {
        let text = "[[logs]]\npolcy = \"p\"\nspool = 3\nack = \"soon\"\ncolour = \"red\"\n\
            [[htpp]]\nlisten = \"here\"\n[[htpp.token]]\nfile = \"f\"\n\
            [[forward]]\nlisten = \"127.0.0.1:1\"\nshared_key = \"s3cret\"\n\
            [[file]]\npaths = [1]\n[[syslog]]\ntransport = \"udp\"\n[[routes]]\n";
        let shaped = shape::<Config>(text);
        assert!(shaped.value.is_some());
        let expected = [
            "2: unknown key polcy; write policy in its place, if that is what is meant",
            "3: spool: invalid type: integer, expected a path; docs/guides/service.md describes each key",
            "4: ack: unknown variant `soon`, expected `synced` or `stored`; docs/guides/service.md describes each key",
            "5: unknown key colour; remove it, or write one of name, policy, origin, to, spool, key_file, kms_key, previous_key_file, \
             previous_kms_key, pins, head_unknown, fenced, max_segment_events, max_segment_bytes, max_segment_seconds, \
             max_event_bytes, compression_level, endpoint_url, path_style, region, profile, timeout, ack, spool_max_bytes, names_hours",
            "6: unknown table htpp; write http in its place, if that is what is meant",
            "7: listen: invalid socket address syntax; write an address and a port, such as 127.0.0.1:9880",
            "8: the key source is missing; add source = \"NAME\", the name of the sender in the log",
            "12: shared_key: invalid type: string, expected a table; write shared_key = { file = … } or { env = … }",
            "14: paths: invalid type: integer, expected text between quotes; write paths = [\"/var/log/app/*.log\"]",
            "15: the key listen is missing; add listen = \"127.0.0.1:PORT\"",
            "16: transport: unknown variant `udp`, expected `tcp` or `relp`; docs/guides/service.md describes each key",
            "17: the key log is missing; add log = \"NAME\"",
        ];
        assert_eq!(said(text), expected);
    }

    #[test]
    fn each_key_that_a_table_must_have_can_be_put_in() {
        for (text, keys) in [
            ("[[logs]]", &["policy", "spool"][..]),
            ("[[http]]", &["listen"]),
            ("[[forward]]", &["listen"]),
            ("[[lumberjack]]", &["listen"]),
            ("[[syslog]]", &["listen", "transport"]),
            ("[[file]]", &["paths"]),
            ("[[stdin]]", &[]),
            ("[[routes]]", &["log"]),
            ("[[http.token]]\n[[http]]", &[]),
            (
                "[[http]]\nlisten = \"[::1]:1\"\n[[http.token]]",
                &["source"],
            ),
            ("[[http]]\nlisten = \"[::1]:1\"\n[[http.user]]", &["name"]),
            (
                "[[http]]\nlisten = \"[::1]:1\"\n[[http.webhook]]",
                &["source"],
            ),
            (
                "[[http]]\nlisten = \"[::1]:1\"\n[http.tls]",
                &["certificate", "key"],
            ),
            (
                "[[forward]]\nlisten = \"[::1]:1\"\n[[forward.user]]",
                &["name"],
            ),
        ] {
            let shaped = shape::<Config>(text);
            let missing: Vec<&str> = shaped
                .mistakes
                .iter()
                .filter_map(|mistake| mistake.what.strip_prefix("the key "))
                .filter_map(|rest| rest.strip_suffix(" is missing"))
                .collect();
            if !keys.is_empty() {
                assert_eq!(missing, keys, "{text}");
            }
            assert!(
                shaped.value.is_some() || !shaped.mistakes.is_empty(),
                "{text}"
            );
        }
    }

    #[test]
    fn table_of_another_form_is_named_with_its_line() {
        for (text, expected) in [
            (
                "logs = 3",
                "1: logs: invalid type: integer, expected a list; docs/guides/service.md describes each key",
            ),
            (
                "\n[http]\nlisten = \"127.0.0.1:1\"",
                "2: http: invalid type: map, expected a list; docs/guides/service.md describes each key",
            ),
            (
                "[[http]]\nlisten = \"127.0.0.1:1\"\n[[http.tls]]\nkey = 1",
                "3: tls: invalid type: map, expected a path; write [http.tls] with certificate and key",
            ),
        ] {
            assert_eq!(said(text), [expected], "{text}");
        }
    }

    #[test]
    fn what_is_not_toml_is_named_line_by_line() {
        let remedy = "correct this line: it is not TOML";
        let expected = [
            format!("2: duplicate key; {remedy}"),
            format!("4: duplicate key; {remedy}"),
        ];
        assert_eq!(said("b = 1\nb = 2\nc = 1\nc = 2\n"), expected);
        assert!(said("a = 1\n[[logs]\n")[0].starts_with("2: unclosed array table"));
    }
}
