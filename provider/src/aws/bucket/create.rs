//! Creates a bucket, or takes over one whose create was killed before Terraform could write it down.
//!
//! If the provider or Terraform is killed during a create, the bucket exists and no state knows it. The creation tag, which is
//! part of the create call, says for what the bucket was made. The next apply takes such a bucket over and finishes it, but
//! only where nothing can have been written to it and nobody else has set anything up on it. Everything else is imported by a
//! person who has looked at it.

use aws_sdk_s3::error::BuildError;
use aws_sdk_s3::primitives::DateTime;
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration, ObjectOwnership};

use super::answer::format_seconds;
use super::converge::BUSY;
use super::lifecycle::{Rule, Storage};
use super::model::{BucketParts, BucketSettings, CREATION_TAG};
use super::put::sdk_tags;
use super::read::{all_tags, bucket_head, read_bucket};
use super::versions::holds_anything;
use crate::aws::clients::Clients;
use crate::aws::gone::{Presence, confirm_bucket};
use crate::aws::policy::policies_agree;
use crate::aws::tags::Tags;
use crate::error::{Error, NotOurs};

/// How a bucket came to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Made {
    /// By this run.
    New,
    /// By an earlier run that was killed; what its creation tag says.
    TakenOver(String),
}

/// The tag of a bucket that is created now for this resource.
pub fn creation_tag(bucket: &str, now: DateTime) -> (String, String) {
    let time = format_seconds(now).unwrap_or_default();
    (
        CREATION_TAG.to_owned(),
        format!("{} {time}", purpose(bucket)),
    )
}

/// What the creation tag begins with.
pub(super) fn purpose(bucket: &str) -> String {
    format!("auditlog_bucket/{bucket}")
}

/// Makes the bucket, with Object Lock on, ACLs off and its tags, and nothing else yet. The tags are part of the call, because
/// an organisation can refuse a bucket without certain tags.
///
/// It looks first: in us-east-1, S3 answers a create of a bucket that one has already with success, and Terraform would take
/// over a bucket that it did not make.
///
/// # Errors
/// [`Error::BucketExists`] and [`Error::BucketTaken`] where the name is in use; else what S3 said.
pub async fn create_bucket(
    clients: &Clients,
    bucket: &str,
    wanted: &BucketSettings,
) -> Result<Made, Error> {
    if !clients.claim(bucket) {
        return Err(Error::BucketTwice {
            bucket: bucket.to_owned(),
        });
    }
    match bucket_head(clients, bucket).await {
        // one 404 may be a proxy's, and in us-east-1 the create of a bucket that is there succeeds
        Ok(None) => match confirm_bucket(clients, bucket).await {
            Ok(Presence::Gone) => {}
            Ok(Presence::There) => return take_over(clients, bucket, wanted).await,
            Err(error) => return Err(name_in_use(bucket, error)),
        },
        Ok(Some(_)) => return take_over(clients, bucket, wanted).await,
        Err(error) => return Err(name_in_use(bucket, error)),
    }
    let Err(error) = create(clients, bucket, wanted).await else {
        return Ok(Made::New);
    };
    let refused = error.status().is_some_and(|status| status < 500);
    let head = match error.code() {
        Some("BucketAlreadyOwnedByYou" | "BucketAlreadyExists") => {
            let head = bucket_head(clients, bucket).await;
            head.map_err(|error| name_in_use(bucket, error))?
        }
        Some(_) if refused => return Err(error),
        // no answer of S3 to the create: the bucket may exist all the same
        _ => bucket_head(clients, bucket).await.ok().flatten(),
    };
    match (head, error.code()) {
        // Our own create got through, its answer was lost, and the SDK tried again. S3 may not show the bucket yet.
        (Some(_), _) | (None, Some("BucketAlreadyOwnedByYou")) => {
            take_over(clients, bucket, wanted).await
        }
        (None, Some("BucketAlreadyExists")) => Err(taken(bucket)),
        (None, _) => Err(error),
    }
}

async fn create(clients: &Clients, bucket: &str, wanted: &BucketSettings) -> Result<(), Error> {
    const OPERATION: &str = "CreateBucket";
    let mut tags = wanted.tags.clone();
    tags.extend(wanted.marks.clone());
    let configuration = configuration(&clients.region, &tags)
        .map_err(|error| Error::unbuildable(OPERATION, bucket, &error))?;
    clients
        .settle(OPERATION, bucket, BUSY, || async {
            clients
                .s3
                .create_bucket()
                .bucket(bucket)
                .object_lock_enabled_for_bucket(true)
                .object_ownership(ObjectOwnership::BucketOwnerEnforced)
                .create_bucket_configuration(configuration.clone())
                .send()
                .await
                .map(drop)
                .map_err(|error| Error::call(OPERATION, bucket, &error))
        })
        .await
}

/// us-east-1 is what S3 means without a location, and it refuses to be named.
fn configuration(region: &str, tags: &Tags) -> Result<CreateBucketConfiguration, BuildError> {
    let location = (region != "us-east-1").then(|| BucketLocationConstraint::from(region));
    let tags = Some(sdk_tags(tags)?).filter(|tags| !tags.is_empty());
    Ok(CreateBucketConfiguration::builder()
        .set_location_constraint(location)
        .set_tags(tags)
        .build())
}

/// What an answer to HEAD says of a name that is to be used.
fn name_in_use(bucket: &str, error: Error) -> Error {
    match (error.status(), error.bucket_region()) {
        (Some(403), _) => taken(bucket),
        (Some(301 | 400), Some(region)) => Error::BucketElsewhere {
            bucket: bucket.to_owned(),
            region: region.to_owned(),
        },
        _ => error,
    }
}

fn taken(bucket: &str) -> Error {
    Error::BucketTaken {
        bucket: bucket.to_owned(),
    }
}

/// Takes over a bucket that exists, if nothing speaks against it.
async fn take_over(
    clients: &Clients,
    bucket: &str,
    wanted: &BucketSettings,
) -> Result<Made, Error> {
    let exists = |why| Error::BucketExists {
        bucket: bucket.to_owned(),
        why,
    };
    // without the account, S3 was not asked whose bucket it is
    if clients.account_id().is_none() {
        return Err(exists(NotOurs::UnknownAccount));
    }
    let found = clients
        .settle("HeadBucket", bucket, &["NoSuchBucket"], || async {
            read_bucket(clients, bucket)
                .await?
                .ok_or_else(|| Error::no_such_bucket("HeadBucket", bucket))
        })
        .await?;
    let tag = check(bucket, &found, wanted).map_err(exists)?;
    if holds_anything(clients, bucket).await? {
        return Err(exists(NotOurs::NotEmpty));
    }
    tracing::info!(bucket, "taking over a bucket whose create was not finished");
    Ok(Made::TakenOver(tag))
}

/// Why a create of this name cannot succeed, whether it is planned in place of a bucket that is deleted first or not: the bucket is
/// there, and `leaves` says what a destroy would leave of it.
///
/// # Errors
/// It cannot be looked at.
pub async fn obstacle_to_create(
    clients: &Clients,
    bucket: &str,
    leaves: Leaves,
) -> Result<Option<Error>, Error> {
    let head = bucket_head(clients, bucket).await;
    if head.map_err(|error| name_in_use(bucket, error))?.is_none() {
        return Ok(None);
    }
    let exists = |why| Error::BucketExists {
        bucket: bucket.to_owned(),
        why,
    };
    if holds_anything(clients, bucket).await? {
        return Ok(Some(exists(NotOurs::NotEmpty)));
    }
    if leaves == Leaves::WhatIsHeld {
        return Ok(None);
    }
    let tags = all_tags(clients, bucket).await?;
    let untagged = !tags.contains_key(CREATION_TAG);
    Ok(untagged.then(|| exists(NotOurs::NoCreationTag)))
}

/// What a destroy leaves of a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leaves {
    /// A bucket that holds anything.
    WhatIsHeld,
    /// All of it.
    Everything,
}

/// Whether all parts of a bucket are as an unfinished create leaves them; what its creation tag says.
fn check(bucket: &str, found: &BucketParts, wanted: &BucketSettings) -> Result<String, NotOurs> {
    let tag = found
        .marks
        .get(CREATION_TAG)
        .ok_or(NotOurs::NoCreationTag)?;
    if tag.split(' ').next() != Some(purpose(bucket).as_str()) {
        return Err(NotOurs::OtherPurpose(tag.clone()));
    }
    if !found.foreign.is_empty() {
        return Err(NotOurs::Foreign(found.foreign.clone()));
    }
    let ours = Storage::of_rules(&found.lifecycle).rules();
    let others = found.lifecycle.iter().filter(|rule| !ours.contains(rule));
    let others: Vec<String> = others.map(Rule::to_string).collect();
    if !others.is_empty() {
        return Err(NotOurs::Lifecycle(others));
    }
    match &found.policy {
        Some(policy) if !policies_agree(policy, &wanted.policy) => Err(NotOurs::Policy),
        _ => Ok(tag.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::bucket::model::tests::{as_wanted, wanted};

    fn half_made() -> BucketParts {
        let (key, value) = creation_tag("trail", DateTime::from_secs(1_700_000_000));
        BucketParts {
            marks: Tags::from([(key, value)]),
            lifecycle: Vec::new(),
            policy: None,
            ..as_wanted()
        }
    }

    #[test]
    fn us_east_1_names_no_location() {
        let location = |region| {
            let made = configuration(region, &Tags::new()).unwrap();
            made.location_constraint
        };
        assert_eq!(location("us-east-1"), None);
        assert_eq!(
            location("eu-central-1"),
            Some(BucketLocationConstraint::EuCentral1)
        );
    }

    #[test]
    fn unfinished_bucket_is_taken_over_at_any_stage() {
        let tag = "auditlog_bucket/trail 2023-11-14T22:13:20Z";
        let finished = BucketParts {
            marks: half_made().marks,
            ..as_wanted()
        };
        for found in [half_made(), finished] {
            assert_eq!(check("trail", &found, &wanted()).as_deref(), Ok(tag));
        }
    }

    #[test]
    fn bucket_that_may_be_of_another_hand_is_not_taken_over() {
        let untagged = BucketParts {
            marks: Tags::new(),
            ..half_made()
        };
        let replicated = BucketParts {
            foreign: vec!["replication to arn:aws:s3:::copy".to_owned()],
            ..half_made()
        };
        let open = BucketParts {
            policy: Some(r#"{"Version":"2012-10-17","Statement":[]}"#.to_owned()),
            ..half_made()
        };
        let expiring = BucketParts {
            lifecycle: vec![Rule::named("auditlog-cleanup")],
            ..half_made()
        };
        assert_eq!(
            check("trail", &untagged, &wanted()),
            Err(NotOurs::NoCreationTag)
        );
        assert!(matches!(
            check("other", &half_made(), &wanted()),
            Err(NotOurs::OtherPurpose(_))
        ));
        assert!(matches!(
            check("trail", &replicated, &wanted()),
            Err(NotOurs::Foreign(_))
        ));
        assert_eq!(check("trail", &open, &wanted()), Err(NotOurs::Policy));
        assert!(matches!(
            check("trail", &expiring, &wanted()),
            Err(NotOurs::Lifecycle(_))
        ));
    }

    #[test]
    fn answer_to_a_look_at_the_name_says_who_has_it() {
        let answered = |status, region: Option<&str>| {
            name_in_use(
                "trail",
                Error::refused("HeadBucket", "trail", status, region),
            )
        };
        assert!(matches!(answered(403, None), Error::BucketTaken { .. }));
        assert!(matches!(
            answered(301, Some("eu-west-1")),
            Error::BucketElsewhere { region, .. } if region == "eu-west-1"
        ));
        assert!(matches!(answered(400, None), Error::Call(_)));
        assert!(matches!(answered(500, None), Error::Call(_)));
    }
}
