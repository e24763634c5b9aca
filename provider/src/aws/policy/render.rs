//! The bucket policy that refuses everything but current TLS.

use serde_json::{Value, json};

/// The policy document for a bucket: it refuses requests without TLS, or with TLS below 1.2.
///
/// Two statements, since a request without TLS has no `s3:TlsVersion`, and a numeric condition on an absent key
/// does not match.
pub fn format_tls_only_policy(partition: &str, bucket: &str) -> String {
    let resources = json!([
        format!("arn:{partition}:s3:::{bucket}"),
        format!("arn:{partition}:s3:::{bucket}/*"),
    ]);
    let deny = |sid: &str, condition: Value| {
        json!({
            "Sid": sid,
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": resources,
            "Condition": condition,
        })
    };
    json!({
        "Version": "2012-10-17",
        "Statement": [
            deny("DenyPlainText", json!({ "Bool": { "aws:SecureTransport": "false" } })),
            deny("DenyOldTls", json!({ "NumericLessThan": { "s3:TlsVersion": "1.2" } })),
        ],
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policy_denies_plain_text_and_old_tls() {
        let policy: Value =
            serde_json::from_str(&format_tls_only_policy("aws-cn", "trail")).unwrap();
        let statements = policy["Statement"].as_array().unwrap();
        assert_eq!(statements.len(), 2);
        for statement in statements {
            assert_eq!(statement["Effect"], "Deny");
            assert_eq!(statement["Principal"], "*");
            assert_eq!(
                statement["Resource"],
                json!(["arn:aws-cn:s3:::trail", "arn:aws-cn:s3:::trail/*"])
            );
        }
        assert_eq!(
            statements[0]["Condition"]["Bool"]["aws:SecureTransport"],
            "false"
        );
        assert_eq!(
            statements[1]["Condition"]["NumericLessThan"]["s3:TlsVersion"],
            "1.2"
        );
    }
}
