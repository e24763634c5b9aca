//! How much of each input was accepted: `inputs.json`, and ahead of it the records of the write-ahead files.

use auditlog_chain::hash::Hash;
use auditlog_chain::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

use crate::input::{FileHead, InputName, Position};
use crate::limits::MAX_INPUTS;

/// What was accepted of an input, all of it, up to some moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accepted {
    /// The input.
    pub name: InputName,
    /// The input as a person knows it, such as the path of the file.
    pub shown: String,
    /// The hash of the resolved path of a file, so that each way to write the path is the same place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Hash>,
    /// How far it was accepted.
    pub position: Position,
    /// Up to this byte, a log may have its events already, in a place that nobody remembers.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub doubtful: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives it so")]
const fn is_zero(bytes: &u64) -> bool {
    *bytes == 0
}

/// Whether an input was read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reading {
    /// A run was stopped before the end.
    Unfinished,
    /// It had no more events when it was read last.
    Finished,
}

/// An input of which something was accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownInput {
    /// What was accepted from it.
    pub accepted: Accepted,
    /// How many of its events a summary has reported.
    pub reported: u64,
    /// Whether it was read to its end.
    pub reading: Reading,
}

impl KnownInput {
    /// Events that were accepted and that no summary has reported.
    pub const fn unreported(&self) -> u64 {
        self.accepted.position.events.saturating_sub(self.reported)
    }
}

/// All inputs that the spool remembers, the one that was used last at the end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "the names are those in the file")]
pub struct Inputs {
    inputs: Vec<KnownInput>,
    /// When the log was found to be older than the spool. What was accepted before that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lost: Option<Timestamp>,
    /// Since when the names of all batches are known, where some from before are not: they were read back from the log only so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    names_since: Option<Timestamp>,
}

impl Inputs {
    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &KnownInput> {
        self.inputs.iter()
    }

    /// When the log was found to be older than the spool: what was accepted before that is not known.
    pub const fn lost(&self) -> Option<Timestamp> {
        self.lost
    }

    /// Since when the names of all batches are known; `None` where none was lost.
    pub const fn names_since(&self) -> Option<Timestamp> {
        self.names_since
    }

    /// The log is older than the spool, and the names of its batches are known since then. Says whether that is new.
    pub(crate) const fn lose(&mut self, now: Timestamp, names_since: Option<Timestamp>) -> bool {
        let is_new = self.lost.is_none();
        if is_new {
            (self.lost, self.names_since) = (Some(now), names_since);
        }
        is_new
    }

    /// The input with this name.
    pub fn find(&self, name: &InputName) -> Option<&KnownInput> {
        self.iter().find(|known| known.accepted.name == *name)
    }

    /// The file that begins like this one and is in the same place. Of several, the one of which the most bytes were accepted.
    pub fn find_file(&self, head: &FileHead) -> Option<&KnownInput> {
        let is_it = |known: &&KnownInput| match &known.accepted.name {
            InputName::File(name) => head.has(name),
            InputName::Given(_) | InputName::Unnamed(_) | InputName::Followed(_) => false,
        };
        self.iter()
            .filter(is_it)
            .max_by_key(|known| known.accepted.position.bytes)
    }

    /// Remembers how far an input was accepted. Positions are absolute, so doing it twice is doing it once.
    pub(crate) fn accept(&mut self, accepted: Accepted) {
        let known = self.take(&accepted.name);
        let reported = match accepted.name {
            // The service reports each event in its metrics, and no summary does.
            InputName::Followed(_) => accepted.position.events,
            InputName::Given(_) | InputName::File(_) | InputName::Unnamed(_) => {
                known.map_or(0, |known| known.reported)
            }
        };
        self.inputs.push(KnownInput {
            accepted,
            reported,
            reading: Reading::Unfinished,
        });
        while self.inputs.len() > MAX_INPUTS {
            self.inputs.remove(self.least_needed());
        }
    }

    /// A followed file that is not there any more, or the input that was used least recently.
    fn least_needed(&self) -> usize {
        let is_gone = |known: &KnownInput| {
            let is_followed = matches!(known.accepted.name, InputName::Followed(_));
            is_followed && known.reading == Reading::Finished
        };
        self.inputs.iter().position(is_gone).unwrap_or(0)
    }

    /// Whether all up to this place was accepted.
    pub(crate) fn has(&self, accepted: &Accepted) -> bool {
        let known = self.find(&accepted.name);
        known.is_some_and(|known| accepted.position.bytes <= known.accepted.position.bytes)
    }

    /// Inputs that had been read to their end have been, where nothing was accepted since: their records came before that.
    pub(super) fn finish_as(&mut self, before: &Self) {
        for known in &before.inputs {
            let accepted = &known.accepted;
            let now = self.find(&accepted.name);
            let is_there = now.is_some_and(|now| now.accepted.position == accepted.position);
            if known.reading == Reading::Finished && is_there {
                self.finish(&accepted.name);
            }
        }
    }

    fn take(&mut self, name: &InputName) -> Option<KnownInput> {
        let is_it = |known: &KnownInput| known.accepted.name == *name;
        let at = self.inputs.iter().position(is_it)?;
        Some(self.inputs.remove(at))
    }

    /// The input gets another name, and keeps what was reported of it.
    pub(super) fn rename(&mut self, old: &InputName, new: Accepted) {
        let reported = self.take(old).map_or(0, |known| known.reported);
        self.accept(new);
        if let Some(renamed) = self.inputs.last_mut() {
            renamed.reported = reported;
        }
    }

    /// A summary has reported everything, except for the newest `kept` events of one input. What has no name and is reported
    /// cannot come again.
    pub(super) fn report_all_but(&mut self, kept: u64, of: Option<&InputName>) {
        for known in &mut self.inputs {
            let is_of = Some(&known.accepted.name) == of;
            let kept = if is_of { kept } else { 0 };
            let reported = known.accepted.position.events.saturating_sub(kept);
            known.reported = reported.max(known.reported);
        }
        self.inputs.retain(|known| {
            known.unreported() > 0 || !matches!(known.accepted.name, InputName::Unnamed(_))
        });
    }

    /// An input was read to its end. It is now the one that was used last.
    pub(crate) fn finish(&mut self, name: &InputName) {
        if let Some(known) = self.take(name) {
            self.inputs.push(KnownInput {
                reading: Reading::Finished,
                ..known
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::{FollowedName, GivenName, Running};

    fn accepted(name: InputName, events: u64) -> Accepted {
        Accepted {
            name,
            shown: "an input".to_owned(),
            place: None,
            doubtful: 0,
            position: Position {
                events,
                lines: events,
                bytes: events,
                hash: Running::of(b""),
            },
        }
    }

    fn given(name: &str) -> InputName {
        InputName::Given(GivenName::parse(name).unwrap())
    }

    #[test]
    fn the_last_thousand_inputs_are_remembered() {
        let mut inputs = Inputs::default();
        inputs.accept(accepted(given("first"), 1));
        for number in 0..MAX_INPUTS - 1 {
            inputs.accept(accepted(given(&number.to_string()), 1));
        }
        // It is used again, so another one is the oldest.
        inputs.accept(accepted(given("first"), 2));
        inputs.accept(accepted(given("one more"), 1));
        assert_eq!(inputs.iter().count(), MAX_INPUTS);
        assert_eq!(inputs.find(&given("0")), None);
        let first = inputs.find(&given("first")).unwrap();
        assert_eq!(first.accepted.position.events, 2);
    }

    #[test]
    fn what_was_reported_is_not_reported_again() {
        let mut inputs = Inputs::default();
        let unnamed = InputName::Unnamed(Timestamp::EPOCH);
        inputs.accept(accepted(unnamed.clone(), 3));
        inputs.accept(accepted(given("b"), 10));
        inputs.report_all_but(4, Some(&given("b")));
        assert_eq!(inputs.find(&unnamed), None);
        assert_eq!(inputs.find(&given("b")).unwrap().unreported(), 4);
        inputs.accept(accepted(given("b"), 12));
        assert_eq!(inputs.find(&given("b")).unwrap().unreported(), 6);
        inputs.report_all_but(0, None);
        assert_eq!(inputs.find(&given("b")).unwrap().unreported(), 0);
    }

    #[test]
    fn a_renamed_input_keeps_what_was_reported_of_it() {
        let mut inputs = Inputs::default();
        inputs.accept(accepted(given("old"), 3));
        inputs.report_all_but(1, Some(&given("old")));
        inputs.rename(&given("old"), accepted(given("new"), 3));
        assert_eq!(inputs.find(&given("old")), None);
        assert_eq!(inputs.find(&given("new")).unwrap().unreported(), 1);
    }

    #[test]
    fn what_was_accepted_up_to_a_place_is_known() {
        let mut inputs = Inputs::default();
        assert!(!inputs.has(&accepted(given("b"), 1)));
        inputs.accept(accepted(given("b"), 3));
        let has = |events| inputs.has(&accepted(given("b"), events));
        assert!(has(2) && has(3) && !has(4));
    }

    #[test]
    fn a_followed_file_that_is_gone_is_forgotten_before_any_other_input() {
        let file = tempfile::tempfile().unwrap();
        let head = FileHead::read(&file).unwrap();
        let followed = |truncated| {
            let input = GivenName::parse("audit").unwrap();
            let file = head.name();
            InputName::Followed(FollowedName {
                input,
                file,
                truncated,
            })
        };
        let mut inputs = Inputs::default();
        inputs.accept(accepted(given("quiet"), 1));
        inputs.accept(accepted(followed(0), 1));
        inputs.accept(accepted(followed(1), 1));
        inputs.finish(&followed(1));
        for number in 0..MAX_INPUTS - 3 {
            inputs.accept(accepted(given(&number.to_string()), 1));
        }
        inputs.accept(accepted(given("one more"), 1));
        assert_eq!(inputs.find(&followed(1)), None);
        inputs.accept(accepted(given("and another"), 1));
        assert_eq!(inputs.find(&given("quiet")), None);
        assert_eq!(inputs.find(&followed(0)).unwrap().unreported(), 0);
    }

    #[test]
    fn a_finished_input_that_grows_is_unfinished_again() {
        let mut inputs = Inputs::default();
        inputs.accept(accepted(given("b"), 1));
        inputs.finish(&given("b"));
        let reading = |inputs: &Inputs| inputs.find(&given("b")).unwrap().reading;
        assert_eq!(reading(&inputs), Reading::Finished);
        inputs.accept(accepted(given("b"), 2));
        assert_eq!(reading(&inputs), Reading::Unfinished);
    }
}
