//! What the lock keeps, what it does not, and that the verifier sees the rest.

use aws_sdk_s3::types::ObjectLockRetentionMode::{Compliance, Governance};
use aws_sdk_s3::types::{ObjectLockLegalHold, ObjectLockLegalHoldStatus, ObjectLockMode};

use super::{DAY, RETENTION_DAYS, World, answered, in_days, key};

fn denied<T>() -> Result<T, (u16, String)> {
    Err((403, "AccessDenied".to_owned()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sealed_log_verifies_and_each_object_is_locked() {
    let world = World::new("sealed", Compliance).await;
    let first = world.append().input("1\n2\n").run().ok();
    assert!(
        first
            .stdout
            .starts_with("sealed 2 events in 2 segments (0 to 1) of "),
        "{first}"
    );
    world.append().input("3\n").run().ok();
    let pins = world.folder.path().join("pins.json");
    for _ in 0..2 {
        let run = world.verify().arg("--pins").arg(&pins).run().ok();
        assert_eq!(run.stderr, "", "{run}");
        let last = run.stdout.lines().last().unwrap();
        assert!(
            last.starts_with(
                "verified: acme.example/audit/payments: 3 entries in segments 0 to 2, "
            ),
            "{last}"
        );
        assert!(!last.contains("not checked"), "{last}");
    }
    for segment in 0..3 {
        let object = world.head(segment).await;
        assert_eq!(object.object_lock_mode(), Some(&ObjectLockMode::Compliance));
        let stored = object.last_modified().unwrap().secs();
        let until = object.object_lock_retain_until_date().unwrap();
        let days_31 = stored + i64::from(RETENTION_DAYS + 1) * DAY;
        assert!(
            (days_31 - 60..=days_31).contains(&until.secs()),
            "{until:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_version_is_not_deleted() {
    for (bucket, mode) in [
        ("keep-governance", Governance),
        ("keep-compliance", Compliance),
    ] {
        let world = World::sealed(bucket, mode.clone()).await;
        let version = &world.versions(1).await[0];
        let delete = |bypass| world.delete(1, Some(version), bypass);
        assert_eq!(delete(false).await, denied());
        world.found(&[]);
        if mode == Compliance {
            assert_eq!(delete(true).await, denied());
            world.found(&[]);
        } else {
            // Who may bypass GOVERNANCE deletes: the chain shows it.
            world.pin();
            assert!(delete(true).await.is_ok());
            world.found(&["segment-missing"]);
            world.sealer_stops(&format!(
                "error: {} is missing, though later segments are present, and neither expiry nor the trust policy explains it\n\
                 hint: nothing was written; check the log with auditlog-verify, and acknowledge the loss in the trust policy once it is \
                 explained\n",
                key(1)
            ));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn retention_is_lengthened_and_not_shortened() {
    for (bucket, mode) in [
        ("short-governance", Governance),
        ("short-compliance", Compliance),
    ] {
        let world = World::sealed(bucket, mode.clone()).await;
        let retain = |mode, days, bypass| world.retain(2, mode, in_days(days), bypass);
        assert_eq!(retain(mode.clone(), 5, false).await, denied());
        if mode == Compliance {
            assert_eq!(retain(Compliance, 5, true).await, denied());
            assert_eq!(retain(Governance, 40, true).await, denied());
            world.found(&[]);
        }
        assert_eq!(retain(mode.clone(), 40, false).await, Ok(()));
        world.found(&[]);
        if mode == Governance {
            assert_eq!(retain(Governance, 5, true).await, Ok(()));
            world.found(&["lock-too-short"]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_legal_hold_keeps_what_may_otherwise_be_deleted() {
    let world = World::sealed("hold", Governance).await;
    let version = &world.versions(2).await[0];
    let hold = |status| {
        let hold = ObjectLockLegalHold::builder().status(status).build();
        let put = world.s3.put_object_legal_hold().bucket(&world.bucket);
        put.key(key(2)).legal_hold(hold).send()
    };
    answered(hold(ObjectLockLegalHoldStatus::On).await).unwrap();
    assert_eq!(world.delete(2, Some(version), true).await, denied());
    // The lock is not weaker for it, and the log goes on.
    world.found(&[]);
    world.append().input("5\n").run().ok();
    world.pin();
    answered(hold(ObjectLockLegalHoldStatus::Off).await).unwrap();
    assert!(world.delete(2, Some(version), true).await.is_ok());
    world.found(&["segment-missing"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delete_marker_hides_an_object_and_is_found() {
    let world = World::sealed("hidden", Compliance).await;
    let marker = world.delete(2, None, false).await.unwrap().unwrap();
    let report = world.found(&["hidden-by-delete-marker"]);
    assert!(report["faults"].to_string().contains(&key(2)), "{report}");
    world.sealer_stops(&format!(
        "error: {} is hidden by a delete marker\n\
         hint: find out who deleted it; aws s3api delete-object --version-id MARKER restores it\n",
        key(2)
    ));
    // What it hid is still there.
    assert!(world.delete(2, Some(&marker), false).await.is_ok());
    world.found(&[]);
    world.append().input("5\n").run().ok();
    world.found(&[]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_version_is_found_though_its_bytes_are_the_same() {
    let world = World::sealed("twice", Compliance).await;
    let bytes = world.bytes(2).await;
    world.put(2, bytes, None).await;
    world.found(&["second-version"]);
    world.sealer_stops(&format!(
        "error: {} has 2 versions or more\n\
         hint: nothing was written; check the log with auditlog-verify\n",
        key(2)
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_weaker_than_declared_is_found() {
    let world = World::sealed("weaker", Governance).await;
    let bytes = world.bytes(2).await;
    let version = world.versions(2).await.remove(0);
    world.delete(2, Some(&version), true).await.unwrap();
    world
        .put(
            2,
            bytes.clone(),
            Some((ObjectLockMode::Governance, in_days(29))),
        )
        .await;
    world.found(&["lock-too-short"]);

    let version = world.versions(2).await.remove(0);
    world.delete(2, Some(&version), true).await.unwrap();
    world.set_default(None).await.unwrap();
    world.put(2, bytes, None).await;
    world.found(&["bucket-lock", "lock-missing"]);

    // What is locked with GOVERNANCE, and was declared to be with COMPLIANCE.
    let mut policy = world.policy();
    policy["lock"][0]["mode"] = "COMPLIANCE".into();
    world.write_policy(&policy);
    world.found(&["bucket-lock", "lock-mode", "lock-mode", "lock-missing"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn weaker_default_does_not_weaken_the_segments_of_an_old_policy() {
    let world = World::sealed("shortened", Compliance).await;
    world.set_default(Some((Governance, 5))).await.unwrap();
    let run = world.append().input("5\n").run().ok();
    assert!(
        run.stderr.starts_with(
            "warning: the default retention of the bucket shortened is GOVERNANCE for 5 days, but the trust policy declares \
             COMPLIANCE for 30 days. "
        ),
        "{run}"
    );
    world.found(&["bucket-lock"]);
    assert_eq!(
        world.retain(3, Compliance, in_days(29), true).await,
        denied()
    );
    let version = &world.versions(3).await[0];
    assert_eq!(world.delete(3, Some(version), true).await, denied());
}

#[tokio::test(flavor = "multi_thread")]
async fn stronger_default_locks_the_segments_of_an_old_policy() {
    let world = World::sealed("lengthened", Governance).await;
    world.set_default(Some((Compliance, 40))).await.unwrap();
    assert_eq!(world.append().input("5\n").run().ok().stderr, "");
    world.found(&[]);
    assert_eq!(
        world.retain(3, Compliance, in_days(39), true).await,
        denied()
    );
    assert_eq!(world.retain(2, Governance, in_days(31), true).await, Ok(()));
}
