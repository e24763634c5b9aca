//! Time: how long operations may take, and what is tried again.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::{
    Attribute, AttributePath, Context, Diagnostic, Diagnostics, Fields, FromValue, Nested, Object,
    Plannable, Reads, Result, ToValue, Type, Value, ValueError,
};

impl<D> Context<D> {
    /// Does work until it is finished, until `limit`, or until the user interrupts it. Unfinished work is dropped.
    ///
    /// # Errors
    /// That of the work, or that it took too long or was interrupted.
    pub async fn within<T>(
        &self,
        limit: Duration,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        tokio::select! {
            // What is done in time counts, even if the interrupt came at the same moment.
            biased;
            done = work => done,
            () = self.cancellation().cancelled() => Err(interrupted().into()),
            () = tokio::time::sleep(limit) => Err(took_too_long(limit).into()),
        }
    }
}

fn interrupted() -> Diagnostic {
    Diagnostic::error(
        "Interrupted",
        "Terraform was interrupted, so the wait ended.",
    )
}

fn took_too_long(limit: Duration) -> Diagnostic {
    let detail = format!("It was not finished after {}.", format_duration(limit));
    Diagnostic::error("Timeout", detail)
}

/// Tries something again until it succeeds, fails for good, the time is up or Terraform is interrupted.
///
/// The pauses double from `first` to `most`. An attempt that has begun is never cut off, so that none is left half done;
/// [`Context::within`] does that for what only looks.
///
/// ```
/// use std::time::Duration;
/// use tf_provider::{Attempt, Context, Diagnostic, Result, Retry};
///
/// # async fn delete() -> Result<(), u16> { Ok(()) }
/// async fn delete_with_patience(cx: &Context<()>) -> Result {
///     let retry = Retry::within(Duration::from_secs(300));
///     retry.run(cx, || async {
///         match delete().await {
///             Ok(()) => Ok(()),
///             Err(409) => Err(Attempt::again(Diagnostic::error("Still in use", "Something is attached to it."))),
///             Err(status) => Err(Diagnostic::error("Not deleted", format!("Status {status}.")).into()),
///         }
///     }).await
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Retry {
    limit: Duration,
    first: Duration,
    most: Duration,
}

/// Why an attempt failed. What `?` makes of an error is final.
#[derive(Clone, Debug)]
pub enum Attempt {
    /// Another attempt may succeed.
    Again(Diagnostics),
    /// No other will.
    Final(Diagnostics),
}

impl Attempt {
    /// Another attempt may succeed; if there is none any more, this is the reason.
    pub fn again(reason: impl Into<Diagnostics>) -> Self {
        Self::Again(reason.into())
    }
}

impl<E: Into<Diagnostics>> From<E> for Attempt {
    fn from(error: E) -> Self {
        Self::Final(error.into())
    }
}

impl Retry {
    /// For so long at most, with pauses from half a second to ten.
    pub fn within(limit: Duration) -> Self {
        Self {
            limit,
            first: Duration::from_millis(500),
            most: Duration::from_secs(10),
        }
    }

    /// With other pauses.
    #[must_use]
    pub fn pauses(self, first: Duration, most: Duration) -> Self {
        Self {
            first,
            most,
            ..self
        }
    }

    /// Runs attempts. There is at least one.
    ///
    /// # Errors
    /// The final one; or that the time was up or that Terraform was interrupted, with the reason of the last attempt.
    pub async fn run<T, D, F>(self, cx: &Context<D>, mut attempt: impl FnMut() -> F) -> Result<T>
    where
        F: Future<Output = Result<T, Attempt>>,
    {
        let start = Instant::now();
        let mut pause = self.first;
        loop {
            let reason = match attempt().await {
                Ok(done) => return Ok(done),
                Err(Attempt::Final(error)) => return Err(error),
                Err(Attempt::Again(reason)) => reason,
            };
            let left = self.limit.saturating_sub(start.elapsed());
            if left.is_zero() {
                return Err(given_up(took_too_long(self.limit), reason));
            }
            tokio::select! {
                () = cx.cancellation().cancelled() => return Err(given_up(interrupted(), reason)),
                () = tokio::time::sleep(pause.min(left)) => {}
            }
            pause = pause.saturating_mul(2).min(self.most);
        }
    }
}

fn given_up(why: Diagnostic, reason: Diagnostics) -> Diagnostics {
    [why].into_iter().chain(reason).collect()
}

/// How long operations may take, as the user sets it: `timeouts = { create = "5m" }`.
///
/// In the schema, [`Timeouts::attribute`]; in the model, a field of this type under the same name.
///
/// ```
/// use std::time::Duration;
/// use tf_provider::{Object, Schema, Timeouts, model};
///
/// model! {
///     struct Server { timeouts: Timeouts }
/// }
///
/// let schema = Schema::new().attribute("timeouts", Timeouts::attribute(["create", "delete"]));
///
/// let timeouts = Object::new().with("create", "1h30m");
/// let server: Server = Object::new().with("timeouts", timeouts).decode()?;
/// assert_eq!(server.timeouts.of("create", Duration::from_secs(60)), Duration::from_secs(5400));
/// assert_eq!(server.timeouts.of("delete", Duration::from_secs(60)), Duration::from_secs(60));
/// # Ok::<(), tf_provider::ValueError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timeouts(Option<BTreeMap<String, Value>>);

impl Timeouts {
    /// The attribute, with one under it for each of these operations.
    pub fn attribute(operations: impl IntoIterator<Item = &'static str>) -> Attribute {
        let fields = operations
            .into_iter()
            .fold(Fields::new(), |fields, operation| {
                let text = format!("How long {operation} may take, such as `30s` or `1h30m`.");
                let duration = Attribute::optional(Type::String)
                    .description(text)
                    .validate(|text: String| {
                        parse_duration(&text).map(drop).ok_or_else(|| {
                            format!("{text:?} is not a duration, such as \"30s\" or \"1h30m\".")
                        })
                    });
                fields.attribute(operation, duration)
            });
        Attribute::optional(Nested::single(fields)).description("How long operations may take.")
    }

    /// How long this operation may take; `default` where the configuration does not say.
    pub fn of(&self, operation: &str, default: Duration) -> Duration {
        let said = self.0.as_ref().and_then(|said| said.get(operation));
        if let Some(Value::String(text)) = said {
            // The schema has checked it.
            parse_duration(text).unwrap_or(default)
        } else {
            default
        }
    }
}

impl FromValue for Timeouts {
    fn from_value(value: Value, path: &AttributePath) -> Result<Self, ValueError> {
        let object = Option::<Object>::from_value(value, path)?;
        Ok(Self(object.map(|object| object.into_iter().collect())))
    }

    fn reads() -> Reads {
        Reads::Optional(Box::new(Reads::Object))
    }
}

impl Plannable for Timeouts {
    type Planned = Self;
}

impl ToValue for Timeouts {
    fn to_value(&self) -> Value {
        let object = self
            .0
            .as_ref()
            .map(|said| said.clone().into_iter().collect());
        object.map_or(Value::Null, Value::Object)
    }
}

/// Nanoseconds in a unit. One that another begins with comes after that.
const UNITS: [(&str, u64); 6] = [
    ("h", 3_600_000_000_000),
    ("ms", 1_000_000),
    ("m", 60_000_000_000),
    ("us", 1_000),
    ("ns", 1),
    ("s", 1_000_000_000),
];

/// Reads a duration as other providers have it: `1h30m`, `90s`, `1.5h`, `500ms`.
fn parse_duration(text: &str) -> Option<Duration> {
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() || text.is_empty() {
        let end = rest.find(|c: char| c.is_ascii_alphabetic())?;
        let (number, after) = rest.split_at_checked(end)?;
        let (unit, nanoseconds) = UNITS
            .into_iter()
            .find(|(unit, _)| after.starts_with(unit))?;
        total = total.checked_add(amount(number, nanoseconds)?)?;
        rest = after.strip_prefix(unit)?;
    }
    Some(total)
}

/// So many units of so many nanoseconds, to the nanosecond.
fn amount(number: &str, nanoseconds: u64) -> Option<Duration> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) || number.ends_with('.') {
        return None;
    }
    let whole = whole.parse::<u64>().ok()?.checked_mul(nanoseconds)?;
    let mut part = 0_u64;
    let mut unit = nanoseconds;
    for digit in fraction.bytes() {
        unit = unit.checked_div(10)?;
        let digit = u64::from(digit.checked_sub(b'0')?);
        part = part.checked_add(digit.checked_mul(unit)?)?;
    }
    Some(Duration::from_nanos(whole.checked_add(part)?))
}

/// A duration as a user would write it, to the millisecond.
fn format_duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let parts = [
        (seconds.checked_div(3600), "h"),
        (
            seconds
                .checked_div(60)
                .and_then(|minutes| minutes.checked_rem(60)),
            "m",
        ),
        (seconds.checked_rem(60), "s"),
        (Some(u64::from(duration.subsec_millis())), "ms"),
    ];
    let parts = parts.into_iter().filter_map(|(amount, unit)| {
        let amount = amount.filter(|amount| *amount > 0)?;
        Some(format!("{amount}{unit}"))
    });
    let text: String = parts.collect();
    if text.is_empty() {
        "no time".to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::Cancellation;
    use crate::context::Private;

    fn context() -> (tokio::sync::watch::Sender<bool>, Context<()>) {
        let (switch, cancellation) = Cancellation::new();
        let cx = Context::new(
            Arc::new(()),
            Object::new(),
            Private::default(),
            cancellation,
            false,
        );
        (switch, cx)
    }

    fn at_once(limit: Duration) -> Retry {
        Retry::within(limit).pauses(Duration::from_millis(1), Duration::from_millis(2))
    }

    fn busy() -> Attempt {
        Attempt::again(Diagnostic::error("Busy", ""))
    }

    fn summaries<T: std::fmt::Debug>(result: Result<T>) -> Vec<String> {
        let found = result.unwrap_err().into_iter();
        found.map(|found| found.summary).collect()
    }

    const LONG: Duration = Duration::from_hours(1);

    #[tokio::test]
    async fn what_fails_for_now_is_tried_again() {
        let (_switch, cx) = context();
        let mut attempts = 0;
        let third = at_once(LONG).run(&cx, || {
            attempts += 1;
            let attempt = attempts;
            async move {
                if attempt == 3 {
                    Ok(attempt)
                } else {
                    Err(busy())
                }
            }
        });
        assert_eq!(third.await, Ok(3));
    }

    #[tokio::test]
    async fn what_fails_for_good_is_not_tried_again() {
        let (_switch, cx) = context();
        let mut attempts = 0;
        let failed = at_once(LONG).run(&cx, || {
            attempts += 1;
            async { Err::<(), _>(Diagnostic::error("Forbidden", "").into()) }
        });
        assert_eq!(summaries(failed.await), ["Forbidden"]);
        assert_eq!(attempts, 1);
    }

    #[tokio::test]
    async fn after_the_limit_the_last_reason_is_reported() {
        let (_switch, cx) = context();
        let late = at_once(Duration::from_millis(5)).run(&cx, || async { Err::<(), _>(busy()) });
        assert_eq!(summaries(late.await), ["Timeout", "Busy"]);
        let once = at_once(Duration::ZERO).run(&cx, || async { Ok(1) });
        assert_eq!(once.await, Ok(1), "there is one attempt at least");
    }

    #[tokio::test]
    async fn an_interrupt_ends_the_wait() {
        let (switch, cx) = context();
        let patient = Retry::within(LONG).pauses(LONG, LONG);
        let interrupted = patient.run(&cx, || {
            switch.send_replace(true);
            async { Err::<(), _>(busy()) }
        });
        assert_eq!(summaries(interrupted.await), ["Interrupted", "Busy"]);
        let never = std::future::pending::<Result>();
        assert_eq!(summaries(cx.within(LONG, never).await), ["Interrupted"]);
        assert_eq!(cx.within(LONG, async { Ok(1) }).await, Ok(1));
    }

    #[tokio::test]
    async fn work_that_takes_too_long_is_dropped() {
        let (_switch, cx) = context();
        let never = std::future::pending::<Result>();
        let late = cx.within(Duration::from_millis(15), never);
        let started = Instant::now();
        assert_eq!(
            late.await.unwrap_err().iter().next().unwrap().detail,
            "It was not finished after 15ms."
        );
        assert!(started.elapsed() >= Duration::from_millis(15));
    }

    #[test]
    fn durations_are_read_as_other_providers_have_them() {
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        for (text, expected) in [
            ("90s", seconds(90)),
            ("1h30m", seconds(5400)),
            ("1.5h", seconds(5400)),
            ("0.0000000001s", seconds(0)),
            ("250ms", Some(Duration::from_millis(250))),
            ("1m1us1ns", Some(Duration::from_nanos(60_000_001_001))),
            ("0s", seconds(0)),
        ] {
            assert_eq!(parse_duration(text), expected, "{text}");
        }
        for wrong in [
            "",
            "5",
            "s",
            "-5s",
            "5 s",
            "1.h",
            ".5h",
            "1x",
            "99999999999999999999h",
            "5s5",
            "5é",
        ] {
            assert_eq!(parse_duration(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn durations_are_written_as_a_person_would() {
        for text in ["1h30m", "5m", "1s500ms", "2h1s"] {
            assert_eq!(format_duration(parse_duration(text).unwrap()), text);
        }
        assert_eq!(format_duration(Duration::ZERO), "no time");
    }

    #[test]
    fn timeouts_come_back_as_they_were() {
        let ty = Timeouts::attribute(["create", "delete"]).ty();
        let root = AttributePath::root();
        let some = Object::new()
            .with("create", "5m")
            .with("delete", Value::Null);
        for value in [
            Value::Null,
            Value::Object(some.clone()),
            Value::Object(some.with("create", Value::Null)),
        ] {
            let timeouts = Timeouts::from_value(value.clone(), &root).unwrap();
            let back = crate::codec::conform(timeouts.to_value(), &ty, &root).unwrap();
            assert_eq!(back, value);
        }
    }

    #[test]
    fn a_timeout_that_is_not_a_duration_is_refused() {
        let fields = Fields::new().attribute("timeouts", Timeouts::attribute(["create"]));
        let config = Object::new().with("timeouts", Object::new().with("create", "soon"));
        let found = crate::validate::validate(&fields, &config);
        let found = found.iter().next().unwrap();
        assert_eq!(found.summary, "Invalid value for timeouts.create");
        assert_eq!(
            found.detail,
            r#""soon" is not a duration, such as "30s" or "1h30m"."#
        );
    }
}
