//! `[[routes]]`: which log a batch is for.

use std::collections::BTreeSet;

use auditlog_sealer::service::{FieldIs, Route, TagPattern};
use serde::Deserialize;

use super::Log;

/// A route, as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Table {
    log: String,
    input: Option<String>,
    tag: Option<String>,
    field: Option<String>,
    equals: Option<String>,
}

impl Table {
    /// The key that is wrong, and why.
    pub(super) fn mistake(
        &self,
        logs: &[Log],
        inputs: &BTreeSet<&str>,
    ) -> Option<(&'static str, String)> {
        let names: Vec<&str> = logs.iter().map(Log::name).collect();
        let is_input = |name: &String| inputs.contains(name.as_str());
        let is_pattern = |text: &String| TagPattern::parse(text).is_some();
        let is_pointer = |text: &String| text.starts_with('/');
        if !names.contains(&self.log.as_str()) {
            let reason = format!("no log has the name {}: {}", self.log, names.join(", "));
            return Some(("log", reason));
        }
        if let Some(name) = self.input.as_ref().filter(|name| !is_input(name)) {
            let known: Vec<&str> = inputs.iter().copied().collect();
            let reason = format!("no input has the name {name}: {}", known.join(", "));
            return Some(("input", reason));
        }
        if self.tag.as_ref().is_some_and(|text| !is_pattern(text)) {
            let expected = "a tag pattern has parts with a single . between them; * is one part, ** any number of them";
            return Some(("tag", expected.to_owned()));
        }
        if self.field.as_ref().is_some_and(|text| !is_pointer(text)) {
            let expected = "a field is a JSON Pointer such as /service";
            return Some(("field", expected.to_owned()));
        }
        if self.field.is_some() != self.equals.is_some() {
            return Some(("field", "field and equals belong together".to_owned()));
        }
        None
    }

    pub(super) fn route(&self) -> Route {
        let field = self.field.clone().zip(self.equals.clone());
        Route {
            log: self.log.clone(),
            input: self.input.clone(),
            // What is not a pattern was refused.
            tag: self.tag.as_deref().and_then(TagPattern::parse),
            field: field.map(|(pointer, equals)| FieldIs { pointer, equals }),
        }
    }
}
