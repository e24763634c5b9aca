//! The line of each key of a configuration.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::DeValue;

/// Keys, and numbers of tables, with `.` between them, such as `http.0.token.1.file`, and the line of each.
#[derive(Debug, Default)]
pub(super) struct Lines(BTreeMap<String, usize>);

impl Lines {
    /// Those of a text that was parsed.
    pub(super) fn of_tree(text: &str, root: &Spanned<DeValue<'_>>) -> Self {
        let mut lines = Self::default();
        lines.add(text, "", root.get_ref());
        lines
    }

    fn add(&mut self, text: &str, way: &str, value: &DeValue<'_>) {
        match value {
            DeValue::Table(table) => {
                for (key, value) in table {
                    let way = join(way, key.get_ref());
                    self.add(text, &way, value.get_ref());
                    self.0.insert(way, line_of(text, key.span().start));
                }
            }
            DeValue::Array(array) => {
                for (number, value) in array.iter().enumerate() {
                    let way = join(way, &number.to_string());
                    self.add(text, &way, value.get_ref());
                    self.0.insert(way, line_of(text, value.span().start));
                }
            }
            DeValue::String(_)
            | DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_) => {}
        }
    }

    /// The line of a key; where it is not there, that of the table that it would be in.
    pub(super) fn of(&self, way: &str) -> Option<usize> {
        let mut way = way;
        loop {
            if let Some(line) = self.0.get(way) {
                return Some(*line);
            }
            (way, _) = way.rsplit_once('.')?;
        }
    }
}

/// The way to a key of a table.
pub(super) fn join(way: &str, key: &str) -> String {
    if way.is_empty() {
        key.to_owned()
    } else {
        format!("{way}.{key}")
    }
}

/// The line that has this byte, from 1.
pub(super) fn line_of(text: &str, at: usize) -> usize {
    let before = text.as_bytes().get(..at).unwrap_or_default();
    before.split(|byte| *byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use toml::de::DeTable;

    use super::*;

    #[test]
    fn each_key_has_its_line_and_what_is_absent_that_of_its_table() {
        let text = "a = 1\n[[http]]\nlisten = [\n 1,\n 2]\n\n[[http.token]]\nfile = 1\n\
            [[http]]\ntls = { key = 1 }\n[http.x]\ny.z = 1\n";
        let root = DeTable::parse(text).unwrap();
        let root = Spanned::new(root.span(), DeValue::Table(root.into_inner()));
        let lines = Lines::of_tree(text, &root);
        for (way, line) in [
            ("a", Some(1)),
            ("a.b.c", Some(1)),
            ("http.0", Some(2)),
            ("http.0.name", Some(2)),
            ("http.0.listen", Some(3)),
            ("http.0.listen.1", Some(5)),
            ("http.0.token.0", Some(7)),
            ("http.0.token.0.file", Some(8)),
            ("http.0.token.0.env", Some(7)),
            ("http.1", Some(9)),
            ("http.1.tls.key", Some(10)),
            ("http.1.tls.none", Some(10)),
            ("http.1.x.y.z", Some(12)),
            ("none", None),
            ("", None),
        ] {
            assert_eq!(lines.of(way), line, "{way}");
        }
    }
}
