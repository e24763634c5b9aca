//! Where a run keeps what the next one needs: a path, or a place in a bucket.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// A place that was asked for.
#[derive(Clone, Debug)]
pub(super) enum KeptPlace {
    /// A file or folder.
    Path(PathBuf),
    /// What is in a bucket.
    Bucket {
        /// Its name.
        bucket: String,
        /// The key, or the prefix.
        key: String,
    },
}

impl KeptPlace {
    /// The path, where it is one.
    pub(super) fn path(&self) -> Option<&Path> {
        match self {
            Self::Path(path) => Some(path),
            Self::Bucket { .. } => None,
        }
    }

    /// Parses an argument.
    pub(super) fn parse(text: OsString) -> Result<Self, String> {
        let place = text.to_str().and_then(|text| text.strip_prefix("s3://"));
        let Some(place) = place else {
            return Ok(Self::Path(text.into()));
        };
        let (bucket, key) = place.split_once('/').unwrap_or((place, ""));
        if bucket.is_empty() {
            return Err("expected a path or s3://BUCKET/KEY".to_owned());
        }
        Ok(Self::Bucket {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
        })
    }

    /// Parses the place of an object, which has a key.
    pub(super) fn parse_object(text: OsString) -> Result<Self, String> {
        match Self::parse(text)? {
            Self::Bucket { key, .. } if key.is_empty() || key.ends_with('/') => {
                Err("expected the key of an object, such as s3://BUCKET/pins.json".to_owned())
            }
            place => Ok(place),
        }
    }
}
