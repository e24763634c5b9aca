//! What lets AWS services deliver their logs, under prefixes of their own.
//!
//! Sources: "Amazon S3 bucket policy for `CloudTrail`", "Enable access logs for your Application Load Balancer" and "Enable access
//! logs for your Network Load Balancer". A service acts for anybody who configured it, so each statement names whose trails
//! and load balancers are meant.

use super::error::PolicyError;
use super::logs::Logs;
use super::model::{BucketPolicy, Delivery, ObjectEncryption};
use super::principal::is_account;
use super::statement::Statement;

const CLOUDTRAIL: &str = "cloudtrail.amazonaws.com";
const APPLICATION: &str = "logdelivery.elasticloadbalancing.amazonaws.com";
const NETWORK: &str = "delivery.logs.amazonaws.com";
const PUT: &[&str] = &["s3:PutObject"];
const CHECK: &[&str] = &["s3:GetBucketAcl"];
const SOURCE_ACCOUNT: &str = "aws:SourceAccount";
const SOURCE_ARN: &str = "aws:SourceArn";

/// The statements of every delivery.
///
/// # Errors
/// A delivery that cannot work, or whose prefix overlaps a log.
pub(super) fn deliveries(
    policy: &BucketPolicy,
    logs: &Logs<'_>,
) -> Result<Vec<Statement>, PolicyError> {
    let mut found = Vec::new();
    for (number, delivery) in (1..).zip(&policy.deliveries) {
        check_place(policy, delivery)?;
        let place = Place {
            policy,
            bucket: logs.bucket(),
            delivery,
            number,
        };
        found.extend(match delivery {
            Delivery::CloudTrail { trails, .. } => place.cloudtrail(trails)?,
            Delivery::LoadBalancers { accounts, .. } => place.load_balancers(accounts)?,
        });
    }
    Ok(found)
}

fn check_place(policy: &BucketPolicy, delivery: &Delivery) -> Result<(), PolicyError> {
    let prefix = delivery.declared_prefix();
    let overlaps = |log: &str| {
        let log = format!("{log}/");
        log.starts_with(&prefix) || prefix.starts_with(&log)
    };
    let mut logs = policy.logs.iter().map(|log| &log.prefix);
    match logs.find(|log| overlaps(log)) {
        Some(log) => Err(PolicyError::DeliveryOverlaps {
            delivery: prefix.clone(),
            log: log.clone(),
        }),
        None => Ok(()),
    }
}

struct Place<'a> {
    policy: &'a BucketPolicy,
    bucket: &'a str,
    delivery: &'a Delivery,
    number: usize,
}

impl Place<'_> {
    fn sid(&self, what: &str) -> String {
        format!("Auditlog{what}{}", self.number)
    }

    fn objects(&self, below: &str) -> String {
        format!(
            "{}/{}{below}*",
            self.bucket,
            self.delivery.declared_prefix()
        )
    }

    fn cloudtrail(&self, trails: &[String]) -> Result<Vec<Statement>, PolicyError> {
        if let Some(found) = trails.iter().find(|trail| !is_trail(trail)).cloned() {
            return Err(PolicyError::NotATrail { found });
        }
        let from = |statement: Statement| {
            if trails.is_empty() {
                statement.when(
                    "StringEquals",
                    SOURCE_ACCOUNT,
                    [self.policy.account.clone()],
                )
            } else {
                statement.when("StringEquals", SOURCE_ARN, trails.iter().cloned())
            }
        };
        let check = Statement::allow_service(self.sid("TrailCheck"), CLOUDTRAIL, CHECK);
        let put = Statement::allow_service(self.sid("Trail"), CLOUDTRAIL, PUT);
        Ok(vec![
            from(check).on([self.bucket.to_owned()]),
            from(owned(put)).on([self.objects("")]),
        ])
    }

    fn load_balancers(&self, accounts: &[String]) -> Result<Vec<Statement>, PolicyError> {
        if self.policy.encryption != ObjectEncryption::SseS3 {
            return Err(PolicyError::LoadBalancersNeedSseS3);
        }
        if let Some(found) = accounts
            .iter()
            .find(|account| !is_account(account))
            .cloned()
        {
            return Err(PolicyError::NotAnAccount { found });
        }
        let own = [self.policy.account.clone()];
        let accounts = if accounts.is_empty() { &own } else { accounts };
        let partition = &self.policy.partition;
        let objects: Vec<_> = accounts
            .iter()
            .map(|account| self.objects(&format!("{account}/")))
            .collect();
        let balancer = |account: &String| {
            format!("arn:{partition}:elasticloadbalancing:*:{account}:loadbalancer/*")
        };
        let logs = |account: &String| format!("arn:{partition}:logs:*:{account}:*");
        let network = |statement: Statement| {
            statement
                .when("StringEquals", SOURCE_ACCOUNT, accounts.iter().cloned())
                .when("ArnLike", SOURCE_ARN, accounts.iter().map(logs))
        };
        let check = Statement::allow_service(self.sid("NetworkCheck"), NETWORK, CHECK);
        Ok(vec![
            Statement::allow_service(self.sid("Balancer"), APPLICATION, PUT)
                .on(objects.clone())
                .when("ArnLike", SOURCE_ARN, accounts.iter().map(balancer)),
            network(check).on([self.bucket.to_owned()]),
            network(owned(Statement::allow_service(
                self.sid("Network"),
                NETWORK,
                PUT,
            )))
            .on(objects),
        ])
    }
}

/// The service says that the bucket's owner owns what it writes.
fn owned(statement: Statement) -> Statement {
    statement.when(
        "StringEquals",
        "s3:x-amz-acl",
        ["bucket-owner-full-control".to_owned()],
    )
}

fn is_trail(arn: &str) -> bool {
    let parts: Vec<&str> = arn.split(':').collect();
    match parts.as_slice() {
        ["arn", partition, "cloudtrail", region, account, trail] => {
            partition.starts_with("aws")
                && !region.is_empty()
                && is_account(account)
                && trail.starts_with("trail/")
                && !arn.contains(['*', '?'])
        }
        _ => false,
    }
}
