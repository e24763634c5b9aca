//! `lock_spans` and `max_silence_spans` as the configuration gives them: the history of a bucket, or of a log, that is not managed yet.
//!
//! Once something was declared, the spans follow from `object_lock` and `max_silence` and their changes alone. Otherwise a list could
//! declare a weaker lock than `object_lock`, or a longer silence than `max_silence`, and no `allow_weakening` would name it.

use auditlog_chain::policy::{LockSpan, SilenceSpan, Span};
use auditlog_chain::timestamp::Timestamp;
use tf_provider::{AttributePath, Diagnostic, Diagnostics, FromValue, Object, Result};

use super::history::{History, Wanted, WantedLog, parse_spans};
use super::model::{BucketModel, GivenSilenceModel, LogModel};
use super::path::{logs_of, path_of};
use crate::diagnostic::nested;
use crate::trust::duration::format_duration;
use crate::trust::model::LockSpanModel;
use crate::trust::spans::Lock;

/// What to do where the tags say something else than was declared.
pub(super) const WAY_OUT: &str = "If an import has read a tag that somebody changed: remove that tag from the bucket (`auditlog:lock` holds \
     the locks of the bucket, `auditlog:log:NAME` and `auditlog:log-lock:NAME` hold a log), run `terraform state rm` for this resource, and \
     import the bucket again with the values of the last trust policy: `lock_spans` for the bucket, and `began`, `lock_spans` and \
     `max_silence_spans` in `logs` for a log.";

const LOCKS: &str = "lock_spans";
const SILENCES: &str = "max_silence_spans";

/// Checks the spans that a configuration gives, as far as they are known, against those that were declared `before`. Without a
/// clock, spans that have not begun are found later.
///
/// # Errors
/// They differ from what was declared, or one has not begun.
pub(super) fn check(config: &Object, before: &History, now: Option<Timestamp>) -> Result {
    let mut found = Diagnostics::new();
    let bucket = Given::<LockSpan>::new(AttributePath::from(LOCKS));
    let declared = (!before.lock.is_empty()).then_some(before.lock.as_slice());
    found.take(bucket.check(config, declared, now));
    for (name, log) in logs_of(config) {
        let before = before.logs.get(name);
        let own = before.map(|log| log.lock.as_deref().unwrap_or_default());
        found.take(Given::<LockSpan>::of_log(name).check(log, own, now));
        let silences = before.map(|log| log.max_silence.as_slice());
        found.take(Given::<SilenceSpan>::of_log(name).check(log, silences, now));
    }
    if found.is_empty() { Ok(()) } else { Err(found) }
}

/// Takes the spans that are given, or that the plan knew, into a history.
///
/// # Errors
/// They are not in order, or the last one is not what is declared now.
pub(super) fn take(model: &BucketModel, wanted: &Wanted, history: &mut History) -> Result {
    if let Some(given) = model.lock_spans.known() {
        let bucket = Given::<LockSpan>::new(AttributePath::from(LOCKS));
        history.lock = bucket.accepted(given, wanted.lock)?;
    }
    for (name, log) in model.logs.iter().flatten() {
        take_log(name, log, wanted, history)?;
    }
    Ok(())
}

fn take_log(name: &str, log: &LogModel, wanted: &Wanted, history: &mut History) -> Result {
    let (Some(declared), Some(history)) = (wanted.logs.get(name), history.logs.get_mut(name))
    else {
        return Ok(());
    };
    let WantedLog {
        lock,
        silence_seconds,
        ..
    } = declared;
    if let Some(given) = &log.lock_spans {
        let lock = lock.unwrap_or(wanted.lock);
        history.lock = Some(Given::<LockSpan>::of_log(name).accepted(given, lock)?);
    }
    if let Some(given) = &log.max_silence_spans {
        let silences = Given::<SilenceSpan>::of_log(name);
        history.max_silence = silences.accepted(given, *silence_seconds)?;
    }
    Ok(())
}

/// A span that a configuration can give.
trait Givable: Span + PartialEq {
    type Model: FromValue;
    type Value: Copy + PartialEq;
    /// The argument, that which declares the last span, and both of them in the words of errors.
    const ARGUMENT: &'static str;
    const DECLARED_BY: &'static str;
    const SUMMARY: &'static str;
    const HISTORY: &'static str;

    fn parse(given: &[Self::Model]) -> Option<Vec<Self>>;
    fn value(self) -> Self::Value;
    fn describe(value: &Self::Value) -> String;
}

impl Givable for LockSpan {
    type Model = LockSpanModel;
    type Value = Lock;
    const ARGUMENT: &'static str = LOCKS;
    const DECLARED_BY: &'static str = "object_lock";
    const SUMMARY: &'static str = "Lock spans that do not fit";
    const HISTORY: &'static str = "locks";

    fn parse(given: &[LockSpanModel]) -> Option<Vec<Self>> {
        parse_spans(given)
    }

    fn value(self) -> Lock {
        Lock::from(self)
    }

    fn describe(lock: &Lock) -> String {
        lock.to_string()
    }
}

impl Givable for SilenceSpan {
    type Model = GivenSilenceModel;
    type Value = u64;
    const ARGUMENT: &'static str = SILENCES;
    const DECLARED_BY: &'static str = "max_silence";
    const SUMMARY: &'static str = "Silence spans that do not fit";
    const HISTORY: &'static str = "silences";

    fn parse(given: &[GivenSilenceModel]) -> Option<Vec<Self>> {
        GivenSilenceModel::spans(given, &AttributePath::root()).ok()
    }

    fn value(self) -> u64 {
        self.seconds
    }

    fn describe(seconds: &u64) -> String {
        format_duration(*seconds)
    }
}

/// The place of an argument that gives spans.
struct Given<S> {
    path: AttributePath,
    /// Whose history it is.
    whose: &'static str,
    kind: std::marker::PhantomData<S>,
}

impl<S: Givable> Given<S> {
    fn new(path: AttributePath) -> Self {
        Self {
            path,
            whose: "bucket",
            kind: std::marker::PhantomData,
        }
    }

    fn of_log(name: &str) -> Self {
        Self {
            whose: "log",
            ..Self::new(path_of(name).attribute(S::ARGUMENT))
        }
    }

    fn check(&self, config: &Object, before: Option<&[S]>, now: Option<Timestamp>) -> Result {
        let Ok(Some(given)) = config.get::<Option<Vec<S::Model>>>(S::ARGUMENT) else {
            return Ok(());
        };
        let Some(given) = S::parse(&given) else {
            return Err(self.wrong(NOT_IN_ORDER).into());
        };
        let refused = match before {
            None => self.begins_later(&given, now),
            Some(before) => (given != before).then(|| self.differs()),
        };
        refused.map_or(Ok(()), |refused| Err(refused.into()))
    }

    fn differs(&self) -> Diagnostic {
        self.wrong(&format!(
            "The spans of this {whose} are declared already, and these are others. `{argument}` is for the import of a bucket, for a \
             {whose} whose {history} changed before. Leave it out: a change of {declared_by} adds its span itself.\n\n{WAY_OUT}",
            whose = self.whose,
            argument = S::ARGUMENT,
            history = S::HISTORY,
            declared_by = S::DECLARED_BY,
        ))
    }

    /// What is declared must be in force: what is stored before its span begins would be accepted with an earlier, perhaps weaker one.
    fn begins_later(&self, given: &[S], now: Option<Timestamp>) -> Option<Diagnostic> {
        let later = given
            .iter()
            .find(|span| now.is_some_and(|now| span.from() > now))?;
        Some(self.wrong(&format!(
            "The span of {} begins at {}, in the future. Give only spans that have begun: `{}` says which {} the {} had.",
            S::describe(&later.value()),
            later.from().to_rfc3339(),
            S::ARGUMENT,
            S::HISTORY,
            self.whose
        )))
    }

    fn accepted(&self, given: &[S::Model], declared: S::Value) -> Result<Vec<S>> {
        let spans = S::parse(given)
            .filter(|spans| spans.is_sorted_by(|one, next| one.from() < next.from()))
            .ok_or_else(|| self.wrong(NOT_IN_ORDER))?;
        let last = spans.last().map(|last| last.value());
        match last {
            Some(last) if last == declared => Ok(spans),
            Some(last) => Err(self
                .wrong(&format!(
                    "The last span is {}, but {} is {}. On an import, give the value of {1} as the last span. Once the bucket is \
                     imported, leave `{}` out.",
                    S::describe(&last),
                    S::DECLARED_BY,
                    S::describe(&declared),
                    S::ARGUMENT,
                ))
                .into()),
            None => Err(self.wrong("Give at least one span.").into()),
        }
    }

    fn wrong(&self, detail: &str) -> Diagnostic {
        if self.whose == "log" {
            return nested(S::SUMMARY, detail, &self.path);
        }
        Diagnostic::error(S::SUMMARY, detail).at(self.path.clone())
    }
}

const NOT_IN_ORDER: &str = "Give each span a later `from` than the one before it.";

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use auditlog_chain::policy::LockMode;
    use tf_provider::Value;

    use super::*;
    use crate::bucket::history::LogHistory;
    use crate::bucket::identity::Identity;

    const NOW: &str = "2026-06-01T00:00:00Z";

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).unwrap()
    }

    fn config(spans: &[(&str, &str, u32)]) -> Object {
        let span = |(from, mode, days): &(&str, &str, u32)| LockSpanModel {
            from: (*from).to_owned(),
            mode: (*mode).to_owned(),
            days: *days,
        };
        let spans: Vec<LockSpanModel> = spans.iter().map(span).collect();
        Object::new().with(LOCKS, spans)
    }

    fn detail(result: Result) -> String {
        let found = result.unwrap_err();
        found.iter().next().unwrap().detail.clone()
    }

    fn managed() -> History {
        let lock = vec![LockSpan {
            from: at("2026-01-01T00:00:00Z"),
            mode: LockMode::Compliance,
            retention_days: 10,
        }];
        History {
            lock,
            ..History::default()
        }
    }

    const SOFTENED: [(&str, &str, u32); 2] = [
        ("2026-01-01T00:00:00Z", "GOVERNANCE", 3),
        ("2099-01-01T00:00:00Z", "COMPLIANCE", 10),
    ];

    #[test]
    fn spans_of_a_managed_bucket_are_not_given() {
        for given in [&SOFTENED[..], &SOFTENED[..1], &[]] {
            let said = detail(check(&config(given), &managed(), None));
            assert!(said.contains("for the import"), "{said}");
        }
    }

    #[test]
    fn spans_that_were_given_on_import_may_stay() {
        let same = config(&[("2026-01-01T01:00:00+01:00", "COMPLIANCE", 10)]);
        assert!(check(&same, &managed(), Some(at(NOW))).is_ok());
        assert!(check(&Object::new(), &managed(), Some(at(NOW))).is_ok());
        let unknown = Object::new().with(LOCKS, Value::Unknown);
        assert!(check(&unknown, &managed(), None).is_ok());
    }

    #[test]
    fn span_that_has_not_begun_is_not_given_on_import() {
        let said = detail(check(
            &config(&SOFTENED),
            &History::default(),
            Some(at(NOW)),
        ));
        assert!(
            said.contains("COMPLIANCE for 10 days begins at 2099"),
            "{said}"
        );
        assert!(check(&config(&SOFTENED[..1]), &History::default(), Some(at(NOW))).is_ok());
    }

    fn with_log(argument: &str, spans: impl tf_provider::ToValue) -> Object {
        let log = Object::new().with(argument, spans);
        let logs = BTreeMap::from([("a".to_owned(), Value::Object(log))]);
        Object::new().with("logs", Value::Map(logs))
    }

    fn silences(spans: &[(&str, &str)]) -> Object {
        let span = |(from, silence): &(&str, &str)| GivenSilenceModel {
            from: (*from).to_owned(),
            max_silence: (*silence).to_owned(),
        };
        let spans: Vec<GivenSilenceModel> = spans.iter().map(span).collect();
        with_log(SILENCES, spans)
    }

    fn with_managed_log() -> History {
        let log = LogHistory {
            began: at("2026-01-01T00:00:00Z"),
            lock: None,
            max_silence: vec![SilenceSpan {
                from: at("2026-01-01T00:00:00Z"),
                seconds: 3_600,
            }],
            identity: Identity::default(),
        };
        History {
            logs: [("a".to_owned(), log)].into(),
            ..managed()
        }
    }

    #[test]
    fn spans_of_a_managed_log_are_not_given_and_name_the_way_out() {
        let locks = config(&SOFTENED[..1]).value(LOCKS).clone();
        let longer = silences(&[("2026-01-01T00:00:00Z", "30d")]);
        for (given, path) in [
            (with_log(LOCKS, locks), "logs[\"a\"].lock_spans"),
            (longer, "logs[\"a\"].max_silence_spans"),
        ] {
            let said = detail(check(&given, &with_managed_log(), Some(at(NOW))));
            assert!(
                said.starts_with(&format!("At {path}: The spans of this log")),
                "{said}"
            );
            assert!(said.contains("terraform state rm"), "{said}");
            assert!(
                check(&given, &managed(), Some(at(NOW))).is_ok(),
                "a log of which nothing is known"
            );
        }
        let same = silences(&[("2026-01-01T00:00:00Z", "60m")]);
        assert!(check(&same, &with_managed_log(), Some(at(NOW))).is_ok());
    }

    #[test]
    fn silence_that_has_not_begun_or_is_not_the_last_one_is_not_given() {
        let late = silences(&[
            ("2026-01-01T00:00:00Z", "2h"),
            ("2099-01-01T00:00:00Z", "1h"),
        ]);
        let said = detail(check(&late, &managed(), Some(at(NOW))));
        assert!(said.contains("The span of 1h begins at 2099"), "{said}");
        let given = |spans: &[(&str, &str)]| -> Vec<GivenSilenceModel> {
            let logs = silences(spans);
            let (_, log) = logs_of(&logs).next().unwrap();
            log.get(SILENCES).unwrap()
        };
        let place = Given::<SilenceSpan>::of_log("a");
        let accepted = |spans: &[(&str, &str)]| place.accepted(&given(spans), 3_600);
        let found = accepted(&[("2026-01-01T00:00:00Z", "2h")]).unwrap_err();
        let said = &found.iter().next().unwrap().detail;
        assert!(
            said.contains("The last span is 2h, but max_silence is 1h."),
            "{said}"
        );
        let ok = accepted(&[
            ("2026-01-01T00:00:00Z", "2h"),
            ("2026-02-01T00:00:00Z", "1h"),
        ]);
        assert_eq!(ok.unwrap().len(), 2);
        let turned = accepted(&[
            ("2026-02-01T00:00:00Z", "2h"),
            ("2026-01-01T00:00:00Z", "1h"),
        ]);
        assert!(turned.is_err());
    }
}
