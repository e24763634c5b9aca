//! An archived policy that is there already: its object says all that the state needs, except for the lock that is declared.

use auditlog_chain::policy::TrustPolicy;
use tf_provider::{Diagnostic, Result};

use super::model::{ArchiveModel, object_key};
use crate::aws::{ArchivePlace, Clients, read_archived_bytes};
use crate::region::split_id;

/// Where an id says that a policy is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Sought<'a> {
    place: ArchivePlace,
    prefix: &'a str,
    pub(super) region: Option<&'a str>,
}

impl<'a> Sought<'a> {
    /// Takes `BUCKET/PREFIX/SHA256.json` apart, perhaps with `@REGION` after it.
    pub(super) fn parse(id: &'a str) -> Result<Self> {
        let (place, region) = split_id(id);
        let place = place.split_once('/').and_then(|(bucket, key)| {
            let name = key.rfind('/')?.saturating_add(1);
            let (prefix, _) = key.split_at(name);
            let (bucket, key) = (bucket.to_owned(), key.to_owned());
            Some((ArchivePlace { bucket, key }, prefix))
        });
        let (place, prefix) = place.ok_or_else(|| {
            let detail = format!("{id:?} is not BUCKET/PREFIX/SHA256.json, as `bucket` and `key` of the resource are.");
            Diagnostic::error("Not the place of an archived policy", detail)
        })?;
        Ok(Self {
            place,
            prefix,
            region,
        })
    }

    /// The state of what is there.
    ///
    /// # Errors
    /// Nothing is there, or something else than a trust policy under its digest.
    pub(super) async fn read(&self, clients: &Clients) -> Result<ArchiveModel> {
        let found = read_archived_bytes(clients, &self.place).await;
        let found = found
            .map_err(|error| error.diagnostic("The archived policy cannot be read", "bucket"))?;
        let ArchivePlace { bucket, key } = &self.place;
        let wrong = |detail: String| {
            Diagnostic::error(
                "Not an archived trust policy",
                format!("s3://{bucket}/{key} {detail}"),
            )
        };
        let (found, bytes) = found.ok_or_else(|| wrong("does not exist.".to_owned()))?;
        TrustPolicy::parse(&bytes)
            .map_err(|error| wrong(format!("is not a trust policy: {error}.")))?;
        let json = String::from_utf8(bytes).map_err(|_| wrong("is not text.".to_owned()))?;
        if object_key(self.prefix, &json) != *key {
            return Err(wrong(format!(
                "has the SHA-256 {}, which is not its name: somebody wrote over it.",
                found.sha256.to_hex()
            ))
            .into());
        }
        let model = ArchiveModel {
            bucket: bucket.clone(),
            prefix: self.prefix.to_owned(),
            trust_policy: json,
            ..ArchiveModel::default()
        };
        Ok(model.with(found, clients.region()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn id_is_the_place_of_the_object() {
        let sought = Sought::parse("trail/a/b/00ff.json@eu-west-1").unwrap();
        assert_eq!(sought.place.bucket, "trail");
        assert_eq!(sought.place.key, "a/b/00ff.json");
        assert_eq!((sought.prefix, sought.region), ("a/b/", Some("eu-west-1")));
        assert_eq!(Sought::parse("trail/a/00ff.json").unwrap().region, None);
        for wrong in ["trail", "trail/00ff.json", ""] {
            assert!(Sought::parse(wrong).is_err(), "{wrong}");
        }
    }
}
