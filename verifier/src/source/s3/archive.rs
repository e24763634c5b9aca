//! Versions in an archive (`GLACIER`, `DEEP_ARCHIVE`, the archive tiers of `INTELLIGENT_TIERING`): the store says how they are locked, and
//! hands out their bytes only once somebody has restored them.

use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::types::ObjectLockMode;

use super::bound::{Bound, MAX_ANSWER_BYTES};
use super::read::{Hold, lock_of, undated};
use super::store::S3;
use crate::source::{Object, ReadError, Storage, Version};

/// What `x-amz-restore` has while a copy is being made.
const UNDER_WAY: &str = "ongoing-request=\"true\"";

impl S3 {
    /// A version in an archive: what the store says of it, and how to get its bytes.
    pub(super) async fn archived(&self, key: &str, version: &Version) -> Object {
        let head = self
            .patiently(|| {
                self.client
                    .head_object()
                    .bucket(&self.options.bucket)
                    .expected_bucket_owner(&self.options.account)
                    .set_request_payer(self.payer())
                    .key(key)
                    .set_version_id(version.id.clone())
                    .customize()
                    .interceptor(self.clock.watch())
                    .interceptor(Bound::of(MAX_ANSWER_BYTES))
                    .send()
            })
            .await;
        let (storage, error) = match head {
            Ok(head) => (
                self.storage_in_archive(key, version, &head).await,
                self.in_archive(key, version, &head),
            ),
            Err(error) => {
                let doing = format!("look at {key}");
                let error = self.failed(&doing, "s3:GetObjectVersion", &error);
                let (lock, undated) = (Err(error.clone()), None);
                (Storage { lock, undated }, error)
            }
        };
        Object {
            bytes: Err(error),
            storage: Some(storage),
        }
    }

    async fn storage_in_archive(
        &self,
        key: &str,
        version: &Version,
        head: &HeadObjectOutput,
    ) -> Storage {
        let hold = Hold {
            event: head.object_lock_event_hold(),
            days: head.object_lock_event_hold_duration_days(),
            years: head.object_lock_event_hold_duration_years(),
        };
        let mode = head.object_lock_mode().map(ObjectLockMode::as_str);
        let lock = lock_of(mode, head.object_lock_retain_until_date(), &hold);
        let undated = undated(head.replication_status());
        self.storage_of(key, version, lock, undated).await
    }

    fn in_archive(&self, key: &str, version: &Version, head: &HeadObjectOutput) -> ReadError {
        let class = head
            .storage_class()
            .map_or("an archive", |class| class.as_str());
        let reason = format!("{key} is archived ({class})");
        if head
            .restore()
            .is_some_and(|restore| restore.contains(UNDER_WAY))
        {
            let hint = "it is being restored: verify again once that is done";
            return ReadError::new(reason).with_hint(hint);
        }
        let bucket = &self.options.bucket;
        // The store chose the id: what a person pastes must be one word.
        let id = quoted(version.id.as_deref().unwrap_or("null"));
        let key = quoted(key);
        // The archive tiers of INTELLIGENT_TIERING take no days: what is restored stays.
        let request = match head.archive_status() {
            Some(_) => "'{}'",
            None => "Days=7",
        };
        ReadError::new(reason).with_hint(format!(
            "restore it, and verify again: `aws s3api restore-object --bucket {bucket} --key {key} --version-id {id} --restore-request {request}`"
        ))
    }
}

/// One word of a shell, whatever is in it.
fn quoted(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte);
    if !text.is_empty() && text.bytes().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_one_word_of_a_shell_whatever_the_store_chose() {
        assert_eq!(
            quoted("logs/a/000000000001.jsonl.zst"),
            "logs/a/000000000001.jsonl.zst"
        );
        assert_eq!(
            quoted("3sL4kqtJlcpXroDTDmJ_rmSpXd3dIbrHY-MTRCxf"),
            "3sL4kqtJlcpXroDTDmJ_rmSpXd3dIbrHY-MTRCxf"
        );
        for id in [
            "1; curl x|sh",
            "$(id)",
            "`id`",
            "it's",
            "a\\'b",
            "",
            "a\nb",
            "*",
            "~",
            "\u{e9}",
            "' ; id; '",
        ] {
            let script = format!("printf %s {}", quoted(id));
            let shell = std::process::Command::new("sh")
                .args(["-c", &script])
                .output();
            assert_eq!(shell.unwrap().stdout, id.as_bytes(), "{id}");
        }
    }
}
