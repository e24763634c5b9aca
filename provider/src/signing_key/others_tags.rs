//! How many tags of others a key has. It is kept in private data, so that a plan need not read the key.

use std::collections::BTreeMap;

use tf_provider::{Context, Diagnostic, Plan, Result};

use super::marks::MAX_MARKS;
use super::state::Found;
use crate::account::Account;
use crate::tags::MAX_TAGS;

const NAME: &str = "others_tags";
const SUMMARY: &str = "Too many tags";

/// The most that a version has.
pub(crate) fn keep(cx: &Context<Account>, found: &Found) {
    let most = found.values().map(|parts| parts.others_tags).max();
    cx.set_private(NAME, most.unwrap_or_default().to_string());
}

/// What the last read found.
fn known(cx: &Context<Account>) -> usize {
    let text = cx.private(NAME);
    let text = text.and_then(|text| String::from_utf8(text).ok());
    text.and_then(|text| text.parse().ok()).unwrap_or_default()
}

/// Checks that a key has room for its tags. Others may take that room later: a plan that leaves the tags alone only warns then.
///
/// # Errors
/// The key would have too many tags, and this plan changes them.
pub(crate) fn check(cx: &Context<Account>, plan: &Plan) -> Result {
    let tags = plan.planned.value("tags_all");
    let others = if plan.is_create() { 0 } else { known(cx) };
    let Some(detail) = shortage(tags.as_map().map_or(0, BTreeMap::len), others) else {
        return Ok(());
    };
    let before = plan.prior.as_ref().map(|prior| prior.value("tags_all"));
    if before == Some(tags) {
        cx.warn(Diagnostic::warning(SUMMARY, detail).at("tags"));
        return Ok(());
    }
    Err(Diagnostic::error(SUMMARY, detail).at("tags").into())
}

/// KMS allows 50 tags for a key. The history needs some of them later, when a key is rotated or declared compromised, and a call for tags
/// must not fail then.
fn shortage(number: usize, others: usize) -> Option<String> {
    let room = MAX_TAGS.saturating_sub(MAX_MARKS).saturating_sub(others);
    if number <= room {
        return None;
    }
    let ignored = (others > 0)
        .then(|| format!(" {others} are tags of others that `ignore_tags` leaves in place."));
    Some(format!(
        "The key would have {number} tags of `tags` and `default_tags`. KMS allows {MAX_TAGS}, of which the provider needs up to {MAX_MARKS} \
         for the history of the key.{} Remove tags until at most {room} are left.",
        ignored.unwrap_or_default()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_of_others_take_room_from_those_of_the_configuration() {
        assert!(shortage(32, 0).is_none() && shortage(33, 0).is_some());
        assert!(shortage(12, 20).is_none());
        let said = shortage(13, 20).unwrap();
        let wanted = " 20 are tags of others that `ignore_tags` leaves in place. Remove tags until at most 12 are left.";
        assert!(said.ends_with(wanted), "{said}");
    }
}
