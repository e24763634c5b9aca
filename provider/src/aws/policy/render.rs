//! The policy of an audit bucket as one document.

use serde_json::Value;

use super::access::{self, Reading};
use super::delivery::deliveries;
use super::error::{BUCKET_POLICY_BYTES, PolicyError};
use super::extra;
use super::logs::Logs;
use super::model::BucketPolicy;
use super::statement::{Statement, format_document};
use super::writes;

/// The policy document for a bucket: it refuses requests without TLS, or with TLS below 1.2.
pub fn format_tls_only_policy(partition: &str, bucket: &str) -> String {
    let bucket = super::resources::bucket_arn(partition, bucket);
    let statements: Vec<Value> = tls(&bucket).iter().map(Statement::to_json).collect();
    format_document(&statements)
}

/// Two statements, since a request without TLS has no `s3:TlsVersion`, and a numeric condition on an absent key
/// does not match.
fn tls(bucket: &str) -> Vec<Statement> {
    let deny = |sid| Statement::deny(sid, &["s3:*"]).on([bucket.to_owned(), format!("{bucket}/*")]);
    vec![
        deny("DenyPlainText").when("Bool", "aws:SecureTransport", ["false".to_owned()]),
        deny("DenyOldTls").when("NumericLessThan", "s3:TlsVersion", ["1.2".to_owned()]),
    ]
}

impl BucketPolicy {
    /// The policy as one JSON document, of at most 20,480 bytes.
    ///
    /// # Errors
    /// [`PolicyError`] where it would be larger, or where a part cannot work.
    pub fn render(&self) -> Result<String, PolicyError> {
        let document = document(&self.parts(Reading::OfEachLog)?);
        if document.len() <= BUCKET_POLICY_BYTES {
            return Ok(document);
        }
        let parts = self.parts(Reading::OfAllLogs)?;
        let document = self::document(&parts);
        if document.len() > BUCKET_POLICY_BYTES {
            let fit = self.logs_that_fit(Reading::OfAllLogs);
            return Err(too_large(document.len(), &parts, fit));
        }
        Ok(document)
    }

    /// Whether who reads one log reads the others too, as far as IAM lets it: there is room for one statement about reading alone.
    pub(super) fn readers_are_shared(&self) -> bool {
        let of = |reading| self.parts(reading).map(|parts| document(&parts));
        match (of(Reading::OfEachLog), of(Reading::OfAllLogs)) {
            (Ok(each), Ok(all)) => each.len() > BUCKET_POLICY_BYTES && each != all,
            _ => false,
        }
    }

    /// How many of the logs fit, in their order, and how many there are.
    fn logs_that_fit(&self, reading: Reading) -> (usize, usize) {
        let fits = |count: &usize| {
            let mut fewer = self.clone();
            fewer.logs.truncate(*count);
            document(&fewer.parts(reading).unwrap_or_default()).len() <= BUCKET_POLICY_BYTES
        };
        let all = self.logs.len();
        let fit = (0..all).rev().find(fits);
        (fit.unwrap_or_default(), all)
    }

    fn parts(&self, reading: Reading) -> Result<Parts, PolicyError> {
        let logs = Logs::of(self);
        let json = |statements: Vec<Statement>| statements.iter().map(Statement::to_json).collect();
        let mut parts = vec![
            ("TLS", json(tls(logs.bucket()))),
            ("administrators", json(access::configuration(self, &logs))),
        ];
        if !self.logs.is_empty() {
            parts.extend([
                ("break_glass", json(access::destruction(self, &logs))),
                ("write-once", json(writes::once(&logs))),
                ("object_lock", json(writes::locked(&logs))),
                ("encryption", json(writes::encrypted(self, &logs))),
                ("writers", json(access::writes(&logs))),
                ("readers", json(access::reads(self, &logs, reading))),
                ("other accounts", json(access::other_accounts(self, &logs))),
            ]);
        }
        parts.push(("log_delivery", json(deliveries(self, &logs)?)));
        if let Some(extra) = &self.extra {
            parts.push(("extra_policy_json", extra::statements(self, extra)?));
        }
        Ok(parts)
    }
}

/// The statements of each part.
type Parts = Vec<(&'static str, Vec<Value>)>;

fn document(parts: &Parts) -> String {
    let statements: Vec<Value> = parts.iter().flat_map(|(_, part)| part.clone()).collect();
    format_document(&statements)
}

fn too_large(
    bytes: usize,
    parts: &[(&'static str, Vec<Value>)],
    logs: (usize, usize),
) -> PolicyError {
    let size = |statements: &[Value]| statements.iter().map(|one| one.to_string().len()).sum();
    let mut parts: Vec<(&str, usize)> = parts
        .iter()
        .map(|(part, statements)| (*part, size(statements)))
        .collect();
    parts.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
    PolicyError::TooLarge {
        bytes,
        limit: BUCKET_POLICY_BYTES,
        parts,
        logs: Some(logs),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::aws::Principal;
    use crate::aws::policy::model::{Delivery, LogAccess, ObjectEncryption};
    use crate::aws::policy::samples::{self, ACCOUNT, log, role};

    fn policy(logs: Vec<LogAccess>) -> BucketPolicy {
        samples::policy("acme-audit-production", logs)
    }

    fn statements(policy: &BucketPolicy) -> Vec<Value> {
        let document: Value = serde_json::from_str(&policy.render().unwrap()).unwrap();
        assert_eq!(document["Version"], "2012-10-17");
        document["Statement"].as_array().unwrap().clone()
    }

    fn sids(policy: &BucketPolicy) -> Vec<String> {
        let sid = |statement: &Value| statement["Sid"].as_str().unwrap().to_owned();
        statements(policy).iter().map(sid).collect()
    }

    fn many(number: usize) -> Vec<LogAccess> {
        let one = |at| {
            let (writer, reader) = (
                format!("acme-audit-sealer-payments-{at:02}"),
                format!("acme-audit-reader-payments-{at:02}"),
            );
            log(&format!("logs/payments-eu-{at:02}"), &writer, &reader)
        };
        (0..number).map(one).collect()
    }

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

    #[test]
    fn bucket_without_logs_and_lists_only_demands_tls() {
        let bare = BucketPolicy {
            administrators: None,
            ..policy(Vec::new())
        };
        assert_eq!(sids(&bare), ["DenyPlainText", "DenyOldTls"]);
        assert_eq!(
            bare.render().unwrap(),
            format_tls_only_policy("aws", "acme-audit-production")
        );
    }

    #[test]
    fn list_that_was_left_out_has_no_statement() {
        let full = sids(&policy(many(1)));
        for sid in [
            "AuditlogConfiguration",
            "AuditlogDestruction",
            "AuditlogWrite1",
            "AuditlogRead",
        ] {
            assert!(full.contains(&sid.to_owned()), "{sid}: {full:?}");
        }
        let mut open = policy(many(1));
        (open.administrators, open.break_glass) = (None, None);
        (open.logs[0].writers, open.logs[0].readers) = (None, None);
        let left: Vec<_> = sids(&open);
        assert!(full.starts_with(&["DenyPlainText".to_owned()]));
        assert_eq!(left.len(), full.len() - 4, "{left:?}");
        assert_eq!(crate::aws::policy::unenforced(&open).len(), 4);
        assert_eq!(crate::aws::policy::unenforced(&policy(many(1))), []);
    }

    #[test]
    fn empty_list_lets_nobody_in() {
        let mut ended = policy(many(1));
        ended.logs[0].writers = Some(Vec::new());
        let statements = statements(&ended);
        let write = statements
            .iter()
            .find(|one| one["Sid"] == "AuditlogWrite1")
            .unwrap();
        assert_eq!(
            write["Condition"],
            json!({ "BoolIfExists": { "aws:PrincipalIsAWSService": "false" } })
        );
    }

    #[test]
    fn thirty_logs_with_a_writer_and_a_reader_each_fit() {
        let document = policy(many(30)).render().unwrap();
        assert!(document.len() < 20_480, "{}", document.len());
    }

    #[test]
    fn logs_of_equal_writers_and_lock_share_statements() {
        let mut logs = many(30);
        for log in &mut logs {
            (log.writers, log.readers) = (Some(vec![role("sealer")]), Some(vec![role("auditor")]));
        }
        let document = policy(logs).render().unwrap();
        assert!(document.len() < 4_500, "{}", document.len());
    }

    #[test]
    fn policy_that_is_too_large_says_how_large_and_what_to_shorten() {
        let error = policy(many(80)).render().unwrap_err();
        let PolicyError::TooLarge {
            bytes,
            limit,
            parts,
            logs,
        } = &error
        else {
            panic!("{error}");
        };
        assert!(*bytes > 20_480 && *limit == 20_480);
        assert_eq!(parts.first().unwrap().0, "writers");
        assert_eq!(
            error.to_string(),
            format!(
                "the policy has {bytes} bytes, and AWS accepts at most 20480: {} of the 80 logs fit, in the order of their names",
                logs.unwrap().0
            )
        );
        let (fit, _) = logs.unwrap();
        assert!(policy(many(fit)).render().is_ok() && policy(many(fit + 1)).render().is_err());
        assert!(
            error.hint().starts_with("Bytes by part: writers "),
            "{}",
            error.hint()
        );
    }

    #[test]
    fn further_statements_follow_ours() {
        let mut more = policy(many(1));
        more.extra = Some(
            r#"{"Version":"2012-10-17","Statement":{"Sid":"Vpc","Effect":"Deny","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::acme-audit-production/x"}}"#.to_owned(),
        );
        assert_eq!(sids(&more).last().unwrap(), "Vpc");
        more.extra = Some("{}".to_owned());
        assert!(matches!(more.render(), Err(PolicyError::Extra(_))));
    }

    #[test]
    fn services_deliver_under_their_own_prefix_alone() {
        let mut delivered = policy(many(1));
        delivered.deliveries = vec![
            Delivery::CloudTrail {
                prefix: "cloudtrail".to_owned(),
                trails: vec!["arn:aws:cloudtrail:eu-central-1:123456789012:trail/audit".to_owned()],
            },
            Delivery::LoadBalancers {
                prefix: String::new(),
                accounts: Vec::new(),
            },
        ];
        let found = statements(&delivered);
        let of = |sid: &str| found.iter().find(|one| one["Sid"] == sid).unwrap();
        assert_eq!(
            *of("AuditlogTrail1"),
            json!({
                "Sid": "AuditlogTrail1",
                "Effect": "Allow",
                "Principal": { "Service": "cloudtrail.amazonaws.com" },
                "Action": "s3:PutObject",
                "Resource": "arn:aws:s3:::acme-audit-production/cloudtrail/AWSLogs/*",
                "Condition": { "StringEquals": {
                    "aws:SourceArn": "arn:aws:cloudtrail:eu-central-1:123456789012:trail/audit",
                    "s3:x-amz-acl": "bucket-owner-full-control",
                } },
            })
        );
        assert_eq!(
            of("AuditlogBalancer2")["Resource"],
            format!("arn:aws:s3:::acme-audit-production/AWSLogs/{ACCOUNT}/*")
        );
        assert_eq!(
            of("AuditlogNetwork2")["Condition"]["StringEquals"]["aws:SourceAccount"],
            ACCOUNT
        );
    }

    #[test]
    fn delivery_that_cannot_work_is_refused() {
        let refusal = |change: &dyn Fn(&mut BucketPolicy), delivery| {
            let mut policy = policy(many(1));
            policy.deliveries = vec![delivery];
            change(&mut policy);
            policy.render().unwrap_err().to_string()
        };
        let trail = |prefix: &str| Delivery::CloudTrail {
            prefix: prefix.to_owned(),
            trails: Vec::new(),
        };
        let balancers = |account: &str| Delivery::LoadBalancers {
            prefix: String::new(),
            accounts: vec![account.to_owned()],
        };
        assert_eq!(
            refusal(&|_| (), trail("logs/payments-eu-00")),
            "a service delivers its logs under \"logs/payments-eu-00/AWSLogs/\", which overlaps the log under \"logs/payments-eu-00\""
        );
        assert_eq!(
            refusal(
                &|policy| policy.encryption = ObjectEncryption::SseKms { key_arn: None },
                balancers(ACCOUNT)
            ),
            "Application Load Balancers write access logs with SSE-S3 alone, and the bucket is encrypted with SSE-KMS"
        );
        assert_eq!(
            refusal(&|_| (), balancers("12")),
            "\"12\" is not an account of twelve digits"
        );
        let other = Delivery::CloudTrail {
            prefix: String::new(),
            trails: vec!["arn:aws:s3:::x".to_owned()],
        };
        assert_eq!(
            refusal(&|_| (), other),
            "\"arn:aws:s3:::x\" is not the ARN of a trail"
        );
    }

    #[test]
    fn thirty_logs_fit_wherever_they_are() {
        let mut scattered = policy(many(30));
        for (number, log) in (0..).zip(&mut scattered.logs) {
            log.prefix = format!("team-{number:02}/payments");
        }
        let document = scattered.render().unwrap();
        assert!(document.len() < 20_480, "{}", document.len());
        // a few locks of their own cost little
        for log in scattered.logs.iter_mut().take(3) {
            log.lock.max_days = 400;
        }
        let document = scattered.render().unwrap();
        assert!(document.len() < 20_480, "{}", document.len());
    }

    /// The numbers that the documentation of `logs` gives.
    #[test]
    fn logs_that_fit_are_as_many_as_the_documentation_says() {
        let fit = |change: &dyn Fn(usize, &mut LogAccess), bucket: &str| {
            let mut policy = samples::policy(bucket, many(90));
            for (number, log) in policy.logs.iter_mut().enumerate() {
                change(number, log);
            }
            [Reading::OfAllLogs, Reading::OfEachLog].map(|reading| policy.logs_that_fit(reading).0)
        };
        let named = |account: &str, name: &str, number: usize| {
            let arn = format!("arn:aws:iam::{account}:role/{name:x<61}{number:03}");
            Some(vec![Principal::parse(&arn).unwrap()])
        };
        let longest = |number: usize, log: &mut LogAccess| {
            log.prefix = format!("logs/{:x<61}{number:03}", "l");
            (log.writers, log.readers) = (
                named(ACCOUNT, "writer", number),
                named(ACCOUNT, "reader", number),
            );
        };
        let foreign = |number: usize, log: &mut LogAccess| {
            let arn = format!("arn:aws:iam::210987654321:role/acme-audit-reader-{number:02}");
            log.readers = Some(vec![Principal::parse(&arn).unwrap()]);
        };
        let fits = [
            fit(&|_, _| (), "acme-audit-production"),
            fit(&foreign, "acme-audit-production"),
            fit(&longest, &"b".repeat(63)),
        ];
        let page = include_str!("../../../../templates/resources/bucket.md.tmpl");
        let [[usual, few], [foreign, _], [longest, fewest]] = fits;
        for said in [
            format!(
                "{usual} logs fit, {foreign} where each reader is of another account, and {longest} with"
            ),
            format!("up to {few} such logs, {fewest} with the longest names"),
        ] {
            assert!(page.contains(&said), "{said:?} is not on the page");
        }
    }

    #[test]
    fn readers_are_those_of_each_log_where_that_fits() {
        let readers = |policy: &BucketPolicy| {
            let found = statements(policy).into_iter();
            let reads =
                found.filter(|one| one["Sid"].as_str().unwrap().starts_with("AuditlogRead"));
            let admitted = |one: Value| one["Condition"]["ArnNotLike"]["aws:PrincipalArn"].clone();
            reads.map(admitted).collect::<Vec<_>>()
        };
        let few = policy(many(2));
        let of = |at: usize| {
            let [reader, writer] = ["reader", "sealer"]
                .map(|who| role(&format!("acme-audit-{who}-payments-{at:02}")).pattern());
            json!([reader, writer])
        };
        assert_eq!(readers(&few), [of(0), of(1)]);
        assert!(!few.readers_are_shared());
        let number = few
            .logs
            .len()
            .max(policy(many(90)).logs_that_fit(Reading::OfEachLog).0);
        let (fits, shared) = (policy(many(number)), policy(many(number + 1)));
        assert_eq!(readers(&fits).len(), number);
        assert_eq!(readers(&shared).len(), 1);
        assert!(!fits.readers_are_shared() && shared.readers_are_shared());
        let warned = crate::aws::policy::unenforced(&shared);
        assert_eq!(warned, [crate::aws::Unenforced::ReadersOfEachLog]);
        // those who share readers and writers take one statement
        let mut alike = policy(many(37));
        for log in &mut alike.logs {
            (log.writers, log.readers) = (Some(vec![role("sealer")]), Some(vec![role("auditor")]));
        }
        assert!(!alike.readers_are_shared());
    }

    #[test]
    fn fifteen_logs_with_a_reader_of_another_account_each_fit() {
        let mut foreign = policy(many(15));
        for (number, log) in (0..).zip(&mut foreign.logs) {
            let reader = format!("arn:aws:iam::210987654321:role/acme-audit-reader-{number:02}");
            log.readers = Some(vec![Principal::parse(&reader).unwrap()]);
        }
        let document = foreign.render().unwrap();
        assert!(document.len() < 20_480, "{}", document.len());
    }

    #[test]
    fn other_account_is_let_into_its_logs_and_not_into_their_folder() {
        let mut foreign = policy(many(2));
        for log in &mut foreign.logs {
            let reader = Principal::parse("arn:aws:iam::210987654321:role/auditor").unwrap();
            log.readers = Some(vec![reader]);
        }
        let found = statements(&foreign);
        let of = |sid: &str| &found.iter().find(|one| one["Sid"] == sid).unwrap()["Resource"];
        let object = |key: &str| format!("arn:aws:s3:::acme-audit-production/{key}");
        assert_eq!(*of("AuditlogRead2"), object("logs/payments-eu-01/*"));
        assert_eq!(
            *of("AuditlogReader1"),
            json!([
                object("logs/payments-eu-00/*"),
                object("logs/payments-eu-01/*")
            ])
        );
    }
}
