//! Tags of a bucket with attribute-based access control (ABAC), which S3 takes through S3 Control only.
//!
//! S3 refuses `PutBucketTagging` for such a bucket. The call is `TagResource` of S3 Control, another service with another host.
//! Its SDK has a hundred operations, of which two are needed, and would be the largest dependency after that of S3. So the
//! request of S3's SDK is turned into the other one before it is signed: both services sign alike, and retries, credentials,
//! proxies and timeouts stay as they are.

use std::fmt::Write as _;
use std::mem;

use aws_sdk_s3::config::http::HttpRequest;
use aws_sdk_s3::config::interceptors::{
    BeforeDeserializationInterceptorContextMut, BeforeTransmitInterceptorContextMut,
};
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_sdk_s3::primitives::SdkBody;
use aws_sdk_s3::types::{BucketAbacStatus, Tagging};

use super::read::all_tags;
use crate::aws::clients::Clients;
use crate::aws::place::partition;
use crate::aws::tags::Tags;
use crate::error::Error;

const TAG: &str = "S3Control.TagResource";
const UNTAG: &str = "S3Control.UntagResource";

/// Whether the bucket's tags decide about access. Without the right to know, they do not.
pub(super) async fn is_enabled(clients: &Clients, bucket: &str) -> bool {
    let answer = clients.s3.get_bucket_abac().bucket(bucket).send().await;
    let status = answer.ok().and_then(|answer| answer.abac_status);
    status.and_then(|abac| abac.status) == Some(BucketAbacStatus::Enabled)
}

/// Removes the tags that are not wanted and sets those that differ. The account must be known: it is part of the host.
///
/// # Errors
/// What S3 Control said.
pub(super) async fn put_tags(
    clients: &Clients,
    account: &str,
    bucket: &str,
    wanted: &Tags,
) -> Result<(), Error> {
    let found = all_tags(clients, bucket).await?;
    let differs = |(key, value): &(&String, &String)| found.get(*key) != Some(*value);
    let new: Vec<_> = wanted.iter().filter(differs).collect();
    let gone: Vec<_> = found
        .keys()
        .filter(|key| !wanted.contains_key(*key))
        .collect();
    let target = Target::new(clients, account, bucket);
    // first, since 50 tags are the limit, and a tag may be renamed
    if !gone.is_empty() {
        let call = target.call("DELETE", &untag_query(&gone), String::new());
        let delete = clients.s3.delete_bucket_tagging().bucket(bucket);
        let sent = delete.customize().interceptor(call).send().await;
        sent.map_err(|error| Error::call(UNTAG, bucket, &error))?;
    }
    if !new.is_empty() {
        let call = target.call("POST", "", tag_body(&new));
        // what it says is replaced
        let nothing = Tagging::builder()
            .set_tag_set(Some(Vec::new()))
            .build()
            .map_err(|error| Error::unbuildable(TAG, bucket, &error))?;
        let put = clients
            .s3
            .put_bucket_tagging()
            .bucket(bucket)
            .tagging(nothing);
        let sent = put.customize().interceptor(call).send().await;
        sent.map_err(|error| Error::call(TAG, bucket, &error))?;
    }
    Ok(())
}

/// The bucket as S3 Control names it.
struct Target {
    account: String,
    bucket: String,
    path: String,
    endpoint: Option<String>,
}

impl Target {
    fn new(clients: &Clients, account: &str, bucket: &str) -> Self {
        let arn = format!("arn:{}:s3:::{bucket}", partition(clients.region()));
        Self {
            account: account.to_owned(),
            bucket: bucket.to_owned(),
            path: format!("/v20180820/tags/{}", encode(&arn)),
            endpoint: clients.s3control_endpoint().map(str::to_owned),
        }
    }

    fn call(&self, method: &'static str, query: &str, body: String) -> ToS3Control {
        ToS3Control {
            method,
            account: self.account.clone(),
            bucket: self.bucket.clone(),
            path_and_query: format!("{}{query}", self.path),
            endpoint: self.endpoint.clone(),
            body,
        }
    }
}

/// Turns a request of S3 into one of S3 Control.
#[derive(Debug, Clone)]
struct ToS3Control {
    method: &'static str,
    account: String,
    bucket: String,
    path_and_query: String,
    endpoint: Option<String>,
    body: String,
}

impl ToS3Control {
    fn redirect(&self, request: &mut HttpRequest) -> Result<(), BoxError> {
        let origin = match &self.endpoint {
            Some(endpoint) => endpoint.trim_end_matches('/').to_owned(),
            None => origin(request.uri(), &self.bucket, &self.account),
        };
        request.set_method(self.method)?;
        request.set_uri(format!("{origin}{}", self.path_and_query))?;
        let headers = request.headers_mut();
        for of_s3 in [
            "content-md5",
            "x-amz-checksum-crc32",
            "x-amz-sdk-checksum-algorithm",
            "x-amz-expected-bucket-owner",
        ] {
            headers.remove(of_s3);
        }
        headers.insert("x-amz-account-id", self.account.clone());
        headers.insert("content-length", self.body.len().to_string());
        *request.body_mut() = SdkBody::from(self.body.clone());
        Ok(())
    }
}

impl Intercept for ToS3Control {
    fn name(&self) -> &'static str {
        "ToS3Control"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.redirect(context.request_mut())
    }

    /// S3 Control wraps its errors once more than S3 does.
    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let body = context.response_mut().body_mut();
        let unwrapped = body.bytes().and_then(unwrapped);
        if let Some(error) = unwrapped {
            drop(mem::replace(body, SdkBody::from(error)));
        }
        Ok(())
    }
}

/// The host of S3 Control beside that of S3: same scheme, region, partition, FIPS and dual stack. An endpoint that is not
/// AWS's serves both.
fn origin(uri: &str, bucket: &str, account: &str) -> String {
    let (scheme, rest) = uri.split_once("://").unwrap_or(("https", uri));
    let host = rest.split(['/', '?']).next().unwrap_or_default();
    let of_s3 = host.strip_prefix(&format!("{bucket}.")).unwrap_or(host);
    match of_s3.strip_prefix("s3") {
        Some(rest) if of_s3.contains(".amazonaws.") || of_s3.contains(".api.") => {
            format!("{scheme}://{account}.s3-control{rest}")
        }
        _ => format!("{scheme}://{host}"),
    }
}

fn tag_body(tags: &[(&String, &String)]) -> String {
    let mut body =
        "<TagResourceRequest xmlns=\"http://awss3control.amazonaws.com/doc/2018-08-20/\"><Tags>"
            .to_owned();
    for (key, value) in tags {
        let (key, value) = (escape(key), escape(value));
        // writing to a text cannot fail
        _ = write!(body, "<Tag><Key>{key}</Key><Value>{value}</Value></Tag>");
    }
    body + "</Tags></TagResourceRequest>"
}

fn untag_query(keys: &[&String]) -> String {
    let pairs: Vec<_> = keys
        .iter()
        .map(|key| format!("tagKeys={}", encode(key)))
        .collect();
    format!("?{}", pairs.join("&"))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// Percent-encoding of everything but the unreserved characters of RFC 3986.
fn encode(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            other => _ = write!(encoded, "%{other:02X}"),
        }
    }
    encoded
}

/// The error inside, if the body is a wrapped one.
fn unwrapped(body: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?;
    let inside = text.split_once("<ErrorResponse")?.1;
    let error = inside.get(inside.find("<Error>")?..)?;
    let (error, _) = error.split_once("</Error>")?;
    Some(format!("{error}</Error>"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_of_s3_control_follows_that_of_s3() {
        let origin = |uri| origin(uri, "trail", "123456789012");
        for (s3, control) in [
            (
                "https://trail.s3.eu-central-1.amazonaws.com/?tagging",
                "https://123456789012.s3-control.eu-central-1.amazonaws.com",
            ),
            (
                "https://s3.eu-central-1.amazonaws.com/trail?tagging",
                "https://123456789012.s3-control.eu-central-1.amazonaws.com",
            ),
            (
                "https://trail.s3-fips.dualstack.us-east-1.amazonaws.com/?tagging",
                "https://123456789012.s3-control-fips.dualstack.us-east-1.amazonaws.com",
            ),
            (
                "https://trail.s3.cn-north-1.amazonaws.com.cn/",
                "https://123456789012.s3-control.cn-north-1.amazonaws.com.cn",
            ),
            (
                "http://127.0.0.1:4566/trail?tagging",
                "http://127.0.0.1:4566",
            ),
        ] {
            assert_eq!(origin(s3), control);
        }
    }

    #[test]
    fn tags_are_written_as_xml_and_as_a_query() {
        let (key, value) = ("a&b".to_owned(), "<x y>".to_owned());
        assert!(
            tag_body(&[(&key, &value)])
                .contains("<Tag><Key>a&amp;b</Key><Value>&lt;x y&gt;</Value></Tag>")
        );
        assert_eq!(
            untag_query(&[&key, &"c:d".to_owned()]),
            "?tagKeys=a%26b&tagKeys=c%3Ad"
        );
    }

    #[test]
    fn error_is_taken_out_of_its_wrapping() {
        let wrapped = b"<?xml version=\"1.0\"?><ErrorResponse xmlns=\"x\"><Error><Code>AccessDenied</Code></Error><RequestId>1</RequestId></ErrorResponse>";
        assert_eq!(
            unwrapped(wrapped).as_deref(),
            Some("<Error><Code>AccessDenied</Code></Error>")
        );
        assert_eq!(unwrapped(b"<Error><Code>AccessDenied</Code></Error>"), None);
        assert_eq!(unwrapped(b""), None);
    }
}
