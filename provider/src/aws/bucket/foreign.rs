//! What others have set up on a bucket and this provider leaves alone: replication, notifications and inventory.
//!
//! Each is read and shown by name. Nothing here writes.

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::RequestId;
use aws_sdk_s3::operation::get_bucket_notification_configuration::GetBucketNotificationConfigurationOutput;
use aws_sdk_s3::types::ReplicationRule;

use super::answer::absent;
use crate::aws::clients::Clients;
use crate::error::Error;

/// All of it, sorted, each as one line.
pub(super) async fn foreign(clients: &Clients, bucket: &str) -> Result<Vec<String>, Error> {
    let (replication, notifications, inventories) = tokio::try_join!(
        replication(clients, bucket),
        notifications(clients, bucket),
        inventories(clients, bucket),
    )?;
    let mut all = [replication, notifications, inventories].concat();
    all.sort();
    Ok(all)
}

/// An endpoint that is not AWS may not know such a configuration; then there is none.
fn supported<T, E>(
    operation: &'static str,
    bucket: &str,
    answer: Result<T, SdkError<E>>,
) -> Result<Option<T>, Error>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    SdkError<E>: RequestId,
{
    let status = |error: &SdkError<E>| error.raw_response().map(|raw| raw.status().as_u16());
    match answer {
        Err(error) if matches!(status(&error), Some(405 | 501)) => Ok(None),
        // it answered another question: the SDK cannot read a listing of objects as this
        Err(error) if error.code().is_none() && status(&error) == Some(200) => Ok(None),
        answer => absent(operation, bucket, "NoSuchConfiguration", answer),
    }
}

async fn replication(clients: &Clients, bucket: &str) -> Result<Vec<String>, Error> {
    let answer = clients
        .s3
        .get_bucket_replication()
        .bucket(bucket)
        .send()
        .await;
    if let Err(error) = &answer
        && error.code() == Some("ReplicationConfigurationNotFoundError")
    {
        return Ok(Vec::new());
    }
    let found = supported("GetBucketReplication", bucket, answer)?
        .and_then(|answer| answer.replication_configuration);
    let rules = found.into_iter().flat_map(|found| found.rules);
    Ok(rules.map(|rule| replication_line(&rule)).collect())
}

fn replication_line(rule: &ReplicationRule) -> String {
    let target = rule.destination.as_ref().map_or("", |to| &to.bucket);
    let id = rule.id.as_deref().unwrap_or_default();
    format!("replication {id} to {target}").replace("  ", " ")
}

async fn notifications(clients: &Clients, bucket: &str) -> Result<Vec<String>, Error> {
    let answer = clients
        .s3
        .get_bucket_notification_configuration()
        .bucket(bucket)
        .send()
        .await;
    let found = supported("GetBucketNotificationConfiguration", bucket, answer)?;
    Ok(found
        .map(|found| notification_lines(&found))
        .unwrap_or_default())
}

fn notification_lines(found: &GetBucketNotificationConfigurationOutput) -> Vec<String> {
    let topics = found.topic_configurations().iter().map(|to| &to.topic_arn);
    let queues = found.queue_configurations().iter().map(|to| &to.queue_arn);
    let functions = found.lambda_function_configurations().iter();
    let functions = functions.map(|to| &to.lambda_function_arn);
    let mut lines: Vec<String> = topics
        .chain(queues)
        .chain(functions)
        .map(|arn| format!("notification to {arn}"))
        .collect();
    if found.event_bridge_configuration.is_some() {
        lines.push("notification to EventBridge".to_owned());
    }
    lines
}

async fn inventories(clients: &Clients, bucket: &str) -> Result<Vec<String>, Error> {
    let mut lines = Vec::new();
    let mut token = None;
    loop {
        let answer = clients
            .s3
            .list_bucket_inventory_configurations()
            .bucket(bucket)
            .set_continuation_token(token)
            .send()
            .await;
        let Some(page) = supported("ListBucketInventoryConfigurations", bucket, answer)? else {
            return Ok(lines);
        };
        let found = page.inventory_configuration_list().iter();
        lines.extend(found.map(|found| format!("inventory {}", found.id)));
        token = page
            .next_continuation_token
            .filter(|_| page.is_truncated == Some(true));
        if token.is_none() {
            return Ok(lines);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_s3::types::{Destination, EventBridgeConfiguration, ReplicationRuleStatus};

    #[test]
    fn replication_is_shown_with_its_target() {
        let to = Destination::builder().bucket("arn:aws:s3:::copy");
        let rule = |id: Option<&str>| {
            ReplicationRule::builder()
                .set_id(id.map(str::to_owned))
                .status(ReplicationRuleStatus::Enabled)
                .destination(to.clone().build().unwrap())
                .build()
                .unwrap()
        };
        assert_eq!(
            replication_line(&rule(Some("all"))),
            "replication all to arn:aws:s3:::copy"
        );
        assert_eq!(
            replication_line(&rule(None)),
            "replication to arn:aws:s3:::copy"
        );
    }

    #[test]
    fn event_bridge_is_a_notification_too() {
        let found = GetBucketNotificationConfigurationOutput::builder()
            .event_bridge_configuration(EventBridgeConfiguration::builder().build())
            .build();
        assert_eq!(notification_lines(&found), ["notification to EventBridge"]);
    }
}
