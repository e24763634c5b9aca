//! Checks of a configuration of which not everything is known yet: what depends on a resource is not, when it is validated.

use tf_provider::{AttributePath, Field, FromValue, Object, Result, Value};

use super::declared::DEFAULT_SILENCE;
use crate::trust::document::{TOO_SHORT, check_retention};
use crate::trust::model::parse_silence;
use crate::trust::values::Misfit;

/// Whether the last lock of each log keeps objects for at least twice as long as the log may be silent then.
pub(super) fn check_silences(config: &Object) -> Result {
    let Value::List(logs) = config.value("logs") else {
        return Ok(());
    };
    for (at, log) in logs.iter().enumerate() {
        let Value::Object(log) = log else { continue };
        let Some((seconds, path)) = silence(config, log, at) else {
            continue;
        };
        let Some(days) = retention_days(config, log) else {
            continue;
        };
        let checked = check_retention(&[days], &[seconds]);
        checked.map_err(|detail| Misfit {
            summary: TOO_SHORT,
            path,
            detail,
        })?;
    }
    Ok(())
}

/// How long a log may be silent at last, and the argument that says so.
fn silence(config: &Object, log: &Object, at: usize) -> Option<(u64, AttributePath)> {
    let place = |name: &str| AttributePath::from("logs").index(at).attribute(name);
    let spans = log.value("max_silence_spans");
    let (text, path) = if !spans.is_null() {
        let text = known(last(spans)?, "max_silence")?;
        (text, place("max_silence_spans"))
    } else if !log.value("max_silence").is_null() {
        (known(log, "max_silence")?, place("max_silence"))
    } else if config.value("max_silence").is_null() {
        let path = AttributePath::from("max_silence");
        (DEFAULT_SILENCE.to_owned(), path)
    } else {
        let path = AttributePath::from("max_silence");
        (known(config, "max_silence")?, path)
    };
    Some((parse_silence(&text).ok()?, path))
}

fn retention_days(config: &Object, log: &Object) -> Option<u32> {
    let own = log.value("lock_spans");
    let spans = if own.is_null() {
        config.value("lock_spans")
    } else {
        own
    };
    known(last(spans)?, "days")
}

fn last(spans: &Value) -> Option<&Object> {
    let Value::List(spans) = spans else {
        return None;
    };
    let Some(Value::Object(span)) = spans.last() else {
        return None;
    };
    Some(span)
}

/// A value that is known and of the right type; the attribute's own validators report the others.
fn known<T: FromValue>(object: &Object, name: &str) -> Option<T> {
    object.get::<Field<T>>(name).ok()?.into_known()
}
