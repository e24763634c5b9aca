//! Creates a bucket, and says what remains where that fails half-way.

use std::time::SystemTime;

use auditlog_chain::timestamp::Timestamp;
use tf_provider::{Context, Diagnostic, Diagnostics, Field, Result};

use super::desired::{desired, settings};
use super::encryption::check_key;
use super::history::History;
use super::memory::{declared, now, settled};
use super::model::BucketModel;
use super::name::is_made_for;
use super::place::Place;
use super::state::{named, seen};
use crate::account::Account;
use crate::aws::{
    Age, BucketParts, BucketSettings, CREATION_TAG, Clients, Made, Tags, bucket_creation_date,
    converge_bucket, create_bucket, creation_tag, left_behind, read_bucket, remaining,
};
use crate::error::Error;

/// What the creation tag said when the creation date was read. Another bucket of the same name has another.
const CREATED: &str = "created";

pub(super) async fn create(
    cx: &Context<Account>,
    clients: &Clients,
    planned: BucketModel,
) -> Result<BucketModel> {
    if let Some(prefix) = &planned.bucket_prefix {
        warn_of_left(cx, clients, prefix).await;
    }
    let mut settings = first_settings(clients, &planned)?;
    let name = planned.name()?.to_owned();
    check_key(cx, clients, &settings).await?;
    let (key, mut tag) = creation_tag(&name, SystemTime::now().into());
    settings.marks.insert(key, tag.clone());
    let made = create_bucket(clients, &name, &settings)
        .await
        .map_err(|error| error.diagnostic("The bucket was not created", "bucket"))?;
    // The bucket exists: from here on it must be in the state, whatever happens. A run that ends here leaves it tainted; it
    // is empty, so the next apply can replace it, and `terraform untaint` finishes it in place.
    cx.keep(&named(&name));
    if let Made::TakenOver(earlier) = made {
        cx.warn(taken_over(&name));
        settings
            .marks
            .insert(CREATION_TAG.to_owned(), earlier.clone());
        tag = earlier;
    }
    cx.set_private(CREATED, tag);
    match finish(cx, clients, planned, &mut settings).await {
        Ok(state) => Ok(state),
        Err(Unfinished::Declaration(wrong)) => Err(wrong),
        Err(Unfinished::Call(error)) => {
            Err(half_made(cx, clients, &name, &settings, error).await.into())
        }
    }
}

/// A create of a name from a prefix that was killed cannot be taken over by the next one, which has another name.
async fn warn_of_left(cx: &Context<Account>, clients: &Clients, prefix: &str) {
    let left = left_behind(clients, prefix, |name| is_made_for(prefix, name)).await;
    for bucket in left.unwrap_or_default() {
        let detail = format!(
            "The bucket {bucket:?} was made for this prefix and is not finished: a run was interrupted, or another one is creating it now. \
             If you do not need it, delete it:\n\n    aws s3api delete-bucket --bucket {bucket}\n\nTo finish it instead, apply once with \
             `bucket = {bucket:?}` in place of `bucket_prefix`."
        );
        cx.warn(Diagnostic::warning("An unfinished bucket was found", detail).at("bucket_prefix"));
    }
}

/// Why a bucket that exists is not finished.
enum Unfinished {
    Declaration(Diagnostics),
    Call(Error),
}

/// Everything after the bucket's create. What is declared begins at its creation, by the clock of S3, and is among what is
/// `wanted` from then on.
async fn finish(
    cx: &Context<Account>,
    clients: &Clients,
    planned: BucketModel,
    wanted: &mut BucketSettings,
) -> Result<BucketModel, Unfinished> {
    let name = planned.name().map_err(Unfinished::Declaration)?.to_owned();
    let date = bucket_creation_date(clients, &name)
        .await
        .map_err(Unfinished::Call)?;
    let created = Timestamp::parse_rfc3339(&date).unwrap_or_else(now);
    let place = Place {
        clients,
        now: created,
    };
    let mut desired =
        desired(planned, &History::default(), place).map_err(Unfinished::Declaration)?;
    if desired.model.creation_date.known().is_none() {
        desired.model.creation_date = Field::Known(date);
    }
    let creation = std::mem::take(&mut wanted.marks);
    *wanted = settings(&desired, created, 0).map_err(Unfinished::Declaration)?;
    wanted.marks.extend(creation);
    let sse_c = converge_bucket(clients, &name, wanted, Age::New)
        .await
        .map_err(Unfinished::Call)?;
    Ok(settled(cx, desired, sse_c))
}

/// What a bucket is created with. Its history begins with its creation, which is not known yet.
fn first_settings(clients: &Clients, planned: &BucketModel) -> Result<BucketSettings> {
    let now = now();
    let place = Place { clients, now };
    let desired = desired(planned.clone(), &History::default(), place)?;
    let settings = settings(&desired, now, 0)?;
    Ok(BucketSettings {
        marks: Tags::new(),
        ..settings
    })
}

fn taken_over(bucket: &str) -> Diagnostic {
    Diagnostic::warning(
        "A bucket of an interrupted run was taken over",
        format!(
            "The bucket {bucket:?} already existed. It is empty, and its tag {CREATION_TAG:?} says that an earlier run created it \
             for this resource and did not finish. This run finishes it."
        ),
    )
    .at("bucket")
}

/// Keeps what is there, and says what remains to be done.
async fn half_made(
    cx: &Context<Account>,
    clients: &Clients,
    bucket: &str,
    wanted: &BucketSettings,
    error: Error,
) -> Diagnostic {
    let found = read_bucket(clients, bucket).await.ok().flatten();
    let rest = found.as_ref().map(|found| remaining(found, wanted));
    if let Some(parts) = found {
        cx.keep(&seen(&named(bucket), clients, parts, (None, now())));
    }
    let rest = rest.map_or_else(
        || "What remains to be done could not be read.".to_owned(),
        |rest| format!("Still to be done: {}.", rest.join(", ")),
    );
    let mut failure = error.diagnostic("The bucket was created, but not finished", "bucket");
    failure.detail = format!(
        "{}\n\nThe bucket exists and is tainted in the state. {rest} Its policy comes last, so nobody was let in. To finish it in \
         place, run `terraform untaint` with the resource's address, and apply again. Without that, the next apply deletes the \
         empty bucket and creates it again.",
        failure.detail
    );
    failure
}

/// When the bucket was created: as the state has it, or read again for another bucket of the same name.
///
/// S3 may move its own date when the policy changes, so it is not read where the creation tag is the same.
pub(super) async fn followed_date(
    cx: &Context<Account>,
    clients: &Clients,
    state: &BucketModel,
    parts: &BucketParts,
) -> Result<String> {
    let found = parts.marks.get(CREATION_TAG);
    let noted = created(cx).filter(|tag| !tag.is_empty());
    if let (Field::Known(date), true) = (&state.creation_date, found == noted.as_ref())
        && found.is_some()
    {
        return Ok(date.clone());
    }
    let name = state.name()?;
    let read = bucket_creation_date(clients, name).await.map_err(|error| {
        error.diagnostic("The bucket's creation date cannot be read", "creation_date")
    })?;
    match state.creation_date.known() {
        // the same bucket, whose tag somebody has changed: the next apply puts it back
        Some(date) if noted.is_some() && (*date == read || is_declared(cx, &parts.marks)) => {
            Ok(date.clone())
        }
        _ => {
            cx.set_private(CREATED, found.map_or("", String::as_str));
            Ok(read)
        }
    }
}

/// What the creation tag said when the bucket was created, imported or found to be another one.
pub(super) fn created(cx: &Context<Account>) -> Option<String> {
    String::from_utf8(cx.private(CREATED)?).ok()
}

/// Whether the tags hold what was declared. Those of another bucket of the same name have other times.
fn is_declared(cx: &Context<Account>, found: &Tags) -> bool {
    let found = History::from_tags(found);
    !found.is_empty() && declared(cx).is_some_and(|declared| declared == found)
}
