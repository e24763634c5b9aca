//! The keys from one of which a new key may get its alias, from the plan to the create.

use std::collections::BTreeSet;

use tf_provider::Context;

use super::claim::{Knowledge, Predecessors};
use crate::account::Account;

/// Private data of a create: the keys that the state has under the same alias.
const PREDECESSORS: &str = "predecessors";

/// Keeps the keys that the state has under the alias: with `create_before_destroy`, the new key waits for one of them. The plan
/// that Terraform makes again in the apply gets them from the first one, from Terraform 1.16 on.
pub(crate) fn keep_predecessors(cx: &Context<Account>, mut keys: BTreeSet<String>) {
    let earlier = cx.planned_private(PREDECESSORS).unwrap_or_default();
    keys.extend(parse_predecessors(&earlier).keys);
    let json = serde_json::json!({ "keys": keys, "whole": cx.keeps_planned_private() });
    cx.set_private(PREDECESSORS, json.to_string());
}

/// What the plan of a create kept.
pub(crate) fn predecessors(cx: &Context<Account>) -> Predecessors {
    parse_predecessors(&cx.private(PREDECESSORS).unwrap_or_default())
}

fn parse_predecessors(bytes: &[u8]) -> Predecessors {
    let json: serde_json::Value = serde_json::from_slice(bytes).unwrap_or_default();
    let keys = json.get("keys").and_then(serde_json::Value::as_array);
    let keys = keys.into_iter().flatten();
    let whole = json.get("whole").and_then(serde_json::Value::as_bool);
    Predecessors {
        keys: keys
            .filter_map(|key| key.as_str().map(str::to_owned))
            .collect(),
        knowledge: if whole == Some(true) {
            Knowledge::Whole
        } else {
            Knowledge::Partial
        },
    }
}
