//! What services deliver beside the logs.

use terraform_provider_auditlog::aws::{BucketPolicy, Delivery, ObjectEncryption};

use super::judge::Expected::{Allowed, NotAllowed};
use super::judge::{Caller, OWNER, PARTNER, Request, check, unknown};

const TRAIL: &str = "arn:aws:cloudtrail:eu-central-1:111122223333:trail/audit";
const CLOUDTRAIL: Caller = Caller::Service("cloudtrail.amazonaws.com");
const APPLICATION: Caller = Caller::Service("logdelivery.elasticloadbalancing.amazonaws.com");
const NETWORK: Caller = Caller::Service("delivery.logs.amazonaws.com");

fn rendered() -> String {
    let policy = BucketPolicy {
        partition: "aws".to_owned(),
        account: OWNER.to_owned(),
        bucket: "trail".to_owned(),
        logs: Vec::new(),
        declared_prefixes: Vec::new(),
        administrators: Some(Vec::new()),
        break_glass: Some(Vec::new()),
        encryption: ObjectEncryption::SseS3,
        deliveries: vec![
            Delivery::CloudTrail {
                prefix: "ct".to_owned(),
                trails: vec![TRAIL.to_owned()],
            },
            Delivery::LoadBalancers {
                prefix: "lb".to_owned(),
                accounts: vec![OWNER.to_owned(), PARTNER.to_owned()],
            },
        ],
        extra: None,
    };
    policy.render().expect("a policy")
}

fn object(key: &str) -> String {
    format!("arn:aws:s3:::trail/{key}")
}

#[test]
fn aws_knows_each_action_and_condition_of_a_delivery() {
    assert_eq!(unknown(&rendered()), serde_json::json!([]));
}

#[test]
fn cloudtrail_delivers_for_the_declared_trail_alone() {
    let put = |key: &str, trail: &str| {
        Request::new(CLOUDTRAIL, "s3:PutObject", object(key))
            .with("s3:x-amz-acl", "bucket-owner-full-control")
            .with("aws:SourceArn", trail)
            .with("aws:SourceAccount", OWNER)
    };
    let check_acl = |trail: &str| {
        Request::new(CLOUDTRAIL, "s3:GetBucketAcl", "arn:aws:s3:::trail")
            .with("aws:SourceArn", trail)
    };
    let key = "ct/AWSLogs/111122223333/CloudTrail/eu-central-1/2026/01/01/x.json.gz";
    let other = TRAIL.replace("audit", "other");
    check(
        &rendered(),
        &[
            (put(key, TRAIL), Allowed),
            (check_acl(TRAIL), Allowed),
            (put(key, &other), NotAllowed),
            (check_acl(&other), NotAllowed),
            (put(key, TRAIL).without("s3:x-amz-acl"), NotAllowed),
            (put("logs/payments/x", TRAIL), NotAllowed),
        ],
    );
}

#[test]
fn load_balancers_of_the_declared_accounts_deliver() {
    let application = |account: &str| {
        let arn =
            format!("arn:aws:elasticloadbalancing:eu-central-1:{account}:loadbalancer/app/x/1");
        let key = object(&format!(
            "lb/AWSLogs/{account}/elasticloadbalancing/x.log.gz"
        ));
        Request::new(APPLICATION, "s3:PutObject", key).with("aws:SourceArn", arn)
    };
    let network = |account: &str| {
        let key = object(&format!(
            "lb/AWSLogs/{account}/elasticloadbalancing/x.log.gz"
        ));
        Request::new(NETWORK, "s3:PutObject", key)
            .with(
                "aws:SourceArn",
                format!("arn:aws:logs:eu-central-1:{account}:delivery-source:x"),
            )
            .with("aws:SourceAccount", account)
            .with("s3:x-amz-acl", "bucket-owner-full-control")
    };
    let acl = Request::new(NETWORK, "s3:GetBucketAcl", "arn:aws:s3:::trail")
        .with("aws:SourceAccount", PARTNER)
        .with(
            "aws:SourceArn",
            format!("arn:aws:logs:eu-central-1:{PARTNER}:*"),
        );
    check(
        &rendered(),
        &[
            (application(OWNER), Allowed),
            (application(PARTNER), Allowed),
            (application("777788889999"), NotAllowed),
            (network(PARTNER), Allowed),
            (network("777788889999"), NotAllowed),
            (network(PARTNER).without("s3:x-amz-acl"), NotAllowed),
            (acl, Allowed),
        ],
    );
}
