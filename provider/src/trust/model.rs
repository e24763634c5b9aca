//! Spans and the end of a log, as configurations write them.

use auditlog_chain::policy::{Ended, LockMode, LockSpan, SilenceSpan};
use auditlog_chain::timestamp::Timestamp;
use tf_provider::{Attribute, AttributePath, Fields, Type, model};

use super::duration::{format_duration, parse_duration};
use super::values::{Misfit, optional, parse_origin, parse_root, parse_time, placed};

/// The most days that S3 accepts.
const MAX_DAYS: u32 = 36_500;

model! {
    /// The lock that was declared from a time on.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct LockSpanModel {
        /// RFC 3339.
        pub from: String,
        /// `GOVERNANCE` or `COMPLIANCE`.
        pub mode: String,
        /// 1 to 36,500.
        pub days: u32,
    }

    /// The silence that was declared from a time on.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct SilenceSpanModel {
        /// RFC 3339.
        pub from: String,
        /// A duration such as `25h`.
        pub max_silence: String,
    }

    /// The declared end of a log.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct EndedModel {
        /// Number of its last segment.
        pub segment: u64,
        /// Number of its lines.
        pub size: u64,
        /// RFC 6962 root over them, base64.
        pub root: String,
        /// When its last segment was sealed, RFC 3339.
        pub sealed: String,
        /// When its last segment was stored, RFC 3339.
        pub stored: Option<String>,
        /// Origin of the log that continues it.
        pub successor: Option<String>,
    }
}

impl LockSpanModel {
    /// The span as the trust policy has it.
    ///
    /// # Errors
    ///
    /// Names the first value that is not of the right form; `path` is where this object is.
    pub fn span(&self, path: &AttributePath) -> Result<LockSpan, Misfit> {
        let at = |name: &str| path.clone().attribute(name);
        let mode = LockMode::parse(&self.mode)
            .ok_or_else(|| format!("{:?} is not a lock mode.", self.mode));
        Ok(LockSpan {
            from: placed(parse_time(&self.from), at("from"))?,
            mode: placed(mode, at("mode"))?,
            retention_days: self.days,
        })
    }

    /// The spans of a list.
    ///
    /// # Errors
    ///
    /// Names the first value that is not of the right form; `path` is where the list is.
    pub fn spans(list: &[Self], path: &AttributePath) -> Result<Vec<LockSpan>, Misfit> {
        let list = list.iter().enumerate();
        list.map(|(at, one)| one.span(&path.clone().index(at)))
            .collect()
    }
}

impl From<&LockSpan> for LockSpanModel {
    fn from(span: &LockSpan) -> Self {
        Self {
            from: span.from.to_rfc3339(),
            mode: span.mode.as_str().to_owned(),
            days: span.retention_days,
        }
    }
}

impl SilenceSpanModel {
    /// The span as the trust policy has it.
    ///
    /// # Errors
    ///
    /// Names the first value that is not of the right form; `path` is where this object is.
    pub fn span(&self, path: &AttributePath) -> Result<SilenceSpan, Misfit> {
        let at = |name: &str| path.clone().attribute(name);
        Ok(SilenceSpan {
            from: placed(parse_time(&self.from), at("from"))?,
            seconds: placed(parse_silence(&self.max_silence), at("max_silence"))?,
        })
    }

    /// The spans of a list.
    ///
    /// # Errors
    ///
    /// Names the first value that is not of the right form; `path` is where the list is.
    pub fn spans(list: &[Self], path: &AttributePath) -> Result<Vec<SilenceSpan>, Misfit> {
        let list = list.iter().enumerate();
        list.map(|(at, one)| one.span(&path.clone().index(at)))
            .collect()
    }
}

impl From<&SilenceSpan> for SilenceSpanModel {
    fn from(span: &SilenceSpan) -> Self {
        Self {
            from: span.from.to_rfc3339(),
            max_silence: format_duration(span.seconds),
        }
    }
}

impl EndedModel {
    /// The end as the trust policy has it.
    ///
    /// # Errors
    ///
    /// Names the first value that is not of the right form; `path` is where this object is.
    pub fn policy(&self, path: &AttributePath) -> Result<Ended, Misfit> {
        let at = |name: &str| path.clone().attribute(name);
        Ok(Ended {
            segment: self.segment,
            size: self.size,
            root: placed(parse_root(&self.root), at("root"))?,
            sealed: placed(parse_time(&self.sealed), at("sealed"))?,
            stored: optional(self.stored.as_deref(), parse_time, at("stored"))?,
            successor: optional(self.successor.as_deref(), parse_origin, at("successor"))?,
        })
    }
}

impl From<&Ended> for EndedModel {
    fn from(ended: &Ended) -> Self {
        Self {
            segment: ended.segment,
            size: ended.size,
            root: ended.root.to_base64(),
            sealed: ended.sealed.to_rfc3339(),
            stored: ended.stored.map(Timestamp::to_rfc3339),
            successor: ended.successor.as_ref().map(ToString::to_string),
        }
    }
}

/// A silence in seconds.
///
/// # Errors
///
/// A sentence for the user, where the text is not a duration, or is one of 0 seconds.
pub fn parse_silence(text: &str) -> Result<u64, String> {
    match parse_duration(text)? {
        0 => Err(format!(
            "{text:?} is not a silence that a log could keep: it must be at least one second."
        )),
        seconds => Ok(seconds),
    }
}

/// The mode of a lock.
pub fn mode_attribute() -> Attribute {
    Attribute::required(Type::String)
        .description(
            "`GOVERNANCE` (can be bypassed with a special permission) or `COMPLIANCE` (by nobody).",
        )
        .one_of(["GOVERNANCE", "COMPLIANCE"])
}

/// The attributes of a [`LockSpanModel`].
pub fn lock_span_fields() -> Fields {
    Fields::new()
        .attribute("from", time("Time from which the lock is declared, RFC 3339. The first span holds before it too."))
        .attribute("mode", mode_attribute())
        .attribute(
            "days",
            Attribute::required(Type::Number)
                .description("Days for which a new object is locked, 1 to 36500.")
                .range("days", 1..=MAX_DAYS),
        )
}

/// The attributes of a [`SilenceSpanModel`].
pub fn silence_span_fields() -> Fields {
    Fields::new()
        .attribute("from", time("Time from which the silence is declared, RFC 3339. The first span holds before it too."))
        .attribute(
            "max_silence",
            Attribute::required(Type::String)
                .description("How long the log may go without a new segment, such as `25h`.")
                .validate(|text: String| parse_silence(&text).map(drop)),
        )
}

/// The attributes of an [`EndedModel`]; `stored` is optional or required.
pub fn ended_fields(stored: Attribute) -> Fields {
    let number = |text: &str| Attribute::required(Type::Number).description(text);
    Fields::new()
        .attribute("segment", number("Number of the last segment."))
        .attribute("size", number("Number of lines of the log."))
        .attribute(
            "root",
            Attribute::required(Type::String)
                .description("RFC 6962 root over its lines, base64, as the verifier prints it.")
                .validate(|root: String| parse_root(&root).map(drop)),
        )
        .attribute(
            "sealed",
            time("Time at which the last segment was sealed, RFC 3339."),
        )
        .attribute(
            "stored",
            stored.validate(|text: String| parse_time(&text).map(drop)),
        )
        .attribute(
            "successor",
            Attribute::optional(Type::String)
                .description("Origin of the log that continues it. Default: none.")
                .validate(|origin: String| parse_origin(&origin).map(drop)),
        )
}

fn time(description: &str) -> Attribute {
    Attribute::required(Type::String)
        .description(description)
        .validate(|text: String| parse_time(&text).map(drop))
}

#[cfg(test)]
mod tests {
    use auditlog_chain::hash::Hash;

    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).unwrap()
    }

    #[test]
    fn spans_and_ends_read_back() {
        let path = AttributePath::from("logs").index(0);
        let lock = LockSpan {
            from: at("2026-01-01T00:00:00.5Z"),
            mode: LockMode::Compliance,
            retention_days: 36_500,
        };
        assert_eq!(LockSpanModel::from(&lock).span(&path), Ok(lock));
        let silence = SilenceSpan {
            from: at("2026-01-01T00:00:00Z"),
            seconds: 90_000,
        };
        assert_eq!(SilenceSpanModel::from(&silence).span(&path), Ok(silence));
        let ended = Ended {
            segment: 9,
            size: 99,
            root: Hash::from_bytes([9; 32]),
            sealed: at("2026-02-01T00:00:00Z"),
            stored: None,
            successor: auditlog_chain::origin::Origin::parse("acme.example/next"),
        };
        assert_eq!(EndedModel::from(&ended).policy(&path), Ok(ended));
    }

    #[test]
    fn value_of_the_wrong_form_is_named_with_its_place() {
        let list = [SilenceSpanModel {
            from: "2026-01-01T00:00:00Z".to_owned(),
            max_silence: "0h".to_owned(),
        }];
        let misfit = SilenceSpanModel::spans(&list, &AttributePath::from("x")).unwrap_err();
        assert_eq!(misfit.path.to_string(), "x[0].max_silence");
        assert!(
            misfit.detail.contains("at least one second"),
            "{}",
            misfit.detail
        );
    }
}
