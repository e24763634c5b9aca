//! How answers of S3 are read: what is absent, and dates.

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::RequestId;
use aws_sdk_s3::primitives::{DateTime, DateTimeFormat};

use crate::error::Error;

/// RFC 3339 in UTC, without a fraction.
pub(super) fn format_seconds(time: DateTime) -> Option<String> {
    DateTime::from_secs(time.secs())
        .fmt(DateTimeFormat::DateTime)
        .ok()
}

/// Turns "there is no such configuration" into `None`.
pub(super) fn absent<T, E>(
    operation: &'static str,
    bucket: &str,
    code: &str,
    answer: Result<T, SdkError<E>>,
) -> Result<Option<T>, Error>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    SdkError<E>: RequestId,
{
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.code() == Some(code) => Ok(None),
        Err(error) => Err(Error::call(operation, bucket, &error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_written_in_whole_seconds() {
        let time = DateTime::from_secs_and_nanos(1_700_000_000, 123_000_000);
        assert_eq!(
            format_seconds(time).as_deref(),
            Some("2023-11-14T22:13:20Z")
        );
    }
}
