//! What a read found to be due by the clock. It is kept in private data, so that a plan need not look at the clock.

use std::collections::BTreeSet;

use auditlog_chain::timestamp::Timestamp;
use serde_json::{Value, json};
use tf_provider::Context;

use super::history::History;

const NAME: &str = "due";

/// What is due.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Due {
    pub(crate) rotation: Rotation,
    /// Versions whose grace period has ended.
    pub(crate) retire: BTreeSet<u32>,
}

/// Whether the version that signs has reached its age.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Rotation {
    #[default]
    Later,
    Now,
}

impl Due {
    /// What is due at `now`.
    pub(crate) fn at(now: Timestamp, history: &History, period_days: Option<u32>) -> Self {
        let due = period_days.and_then(|days| history.due(days));
        Self {
            rotation: if due.is_some_and(|due| due <= now) {
                Rotation::Now
            } else {
                Rotation::Later
            },
            retire: history.ended(now),
        }
    }

    /// What the last read found.
    pub(crate) fn known<D>(cx: &Context<D>) -> Self {
        cx.private(NAME)
            .map_or_else(Self::default, |bytes| Self::parse(&bytes))
    }

    pub(crate) fn keep<D>(&self, cx: &Context<D>) {
        cx.set_private(NAME, self.format());
    }

    fn format(&self) -> Vec<u8> {
        let rotation = self.rotation == Rotation::Now;
        json!({ "rotation_due": rotation, "retire": self.retire })
            .to_string()
            .into_bytes()
    }

    /// What has another form counts as not due: the next read finds out.
    fn parse(bytes: &[u8]) -> Self {
        let json: Value = serde_json::from_slice(bytes).unwrap_or_default();
        let rotation = json.get("rotation_due").and_then(Value::as_bool);
        let retire = json
            .get("retire")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        let retire = retire.filter_map(|number| u32::try_from(number.as_u64()?).ok());
        Self {
            rotation: if rotation == Some(true) {
                Rotation::Now
            } else {
                Rotation::Later
            },
            retire: retire.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_survives_private_data() {
        let due = Due {
            rotation: Rotation::Now,
            retire: [1, 3].into(),
        };
        assert_eq!(Due::parse(&due.format()), due);
        assert_eq!(Due::parse(&Due::default().format()), Due::default());
        assert_eq!(Due::parse(b"\xff"), Due::default());
    }
}
