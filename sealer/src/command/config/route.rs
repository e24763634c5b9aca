//! `[[routes]]`: which log a batch is for.

use std::collections::BTreeSet;

use auditlog_sealer::service::{FieldIs, Route, TagPattern};
use serde::Deserialize;

use super::nearest::nearest;
use crate::command::input::Wrong;

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
    /// What is wrong with it, beside these logs and inputs.
    pub(super) fn mistakes(&self, logs: &[&str], inputs: &BTreeSet<&str>) -> Vec<Wrong> {
        let inputs: Vec<&str> = inputs.iter().copied().collect();
        [
            unknown("log", Some(&self.log), logs),
            unknown("input", self.input.as_ref(), &inputs),
            self.of_tag(),
            self.of_field(),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    fn of_tag(&self) -> Option<Wrong> {
        let tag = self.tag.as_ref();
        let tag = tag.filter(|text| TagPattern::parse(text).is_none())?;
        let remedy =
            "write parts with a single . between them; * is one part, ** any number of them";
        Some(Wrong::new(
            "tag",
            format!("{tag:?} is not a pattern of tags"),
            remedy,
        ))
    }

    fn of_field(&self) -> Option<Wrong> {
        let remedy = "write field = \"/service\" with equals = \"TEXT\"";
        match (&self.field, &self.equals) {
            (Some(field), _) if !field.starts_with('/') => Some(Wrong::new(
                "field",
                format!("{field:?} is not a JSON Pointer"),
                remedy,
            )),
            (Some(_), None) => Some(Wrong::new(
                "field",
                "a field needs equals beside it",
                remedy,
            )),
            (None, Some(_)) => Some(Wrong::new(
                "equals",
                "equals needs a field beside it",
                remedy,
            )),
            (Some(_), Some(_)) | (None, None) => None,
        }
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

/// A name that nothing has.
fn unknown(kind: &'static str, name: Option<&String>, known: &[&str]) -> Option<Wrong> {
    let name = name.filter(|name| !known.contains(&name.as_str()))?;
    let what = format!("no {kind} has the name {name}");
    let remedy = match nearest(name, known) {
        Some(meant) => format!("write {meant} in its place, if that is what is meant"),
        None => format!("write one of {}", known.join(", ")),
    };
    Some(Wrong::new(kind, what, remedy))
}
