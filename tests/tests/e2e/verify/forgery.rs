//! What whoever can sign and delete, an administrator under GOVERNANCE, makes of a real bucket: everything up to a pinned head is
//! removed, and one new segment claims a past that has expired.

use std::fs;

use auditlog_chain::policy::Compromised;

use crate::support::log::ORIGIN;
use crate::verify::absence::{Old, days_ago, lock, silence};
use crate::verify::s3::faults;

impl Old {
    /// Pins the head, then removes the segments from `first` on, and forges one after them with this claim: lines, and the days
    /// since the last of them was sealed.
    async fn rewrite(&mut self, first: usize, size: u64, days: f64) {
        faults(&self.pinned(), &[]);
        for segment in first..self.world.log.segments.len() {
            self.world.remove(segment).await;
        }
        self.forge(size, days).await;
    }

    /// The pinned head is found forked, what was before it missing, and the pin stays where it was.
    #[track_caller]
    fn is_found_below_the_pin(&self) {
        let pins = self.world.folder.path().join("pins.json");
        let kept = fs::read_to_string(&pins).expect("the pins");
        faults(&self.pinned(), &["segment-missing", "head-forked"]);
        assert_eq!(fs::read_to_string(&pins).expect("the pins"), kept);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_log_that_is_younger_than_its_retention_has_expired() {
    let mut old = Old::rotated(&[5.0, 4.0, 3.0, 2.0, 1.0], None).await;
    old.rewrite(0, 60, 100.0).await;
    old.is_found_below_the_pin();
    // Also without a pin.
    faults(&old.verify(), &["segment-missing"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_after_a_segment_that_is_still_there_expires_before_it() {
    let days = [9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0];
    let mut old = Old::rotated(&days, None).await;
    old.rewrite(3, 60, 100.0).await;
    old.is_found_below_the_pin();
    faults(
        &old.verify(),
        &["segment-missing", "sealed-before-mismatch"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_span_with_a_long_silence_makes_nothing_expire() {
    let days = [
        90.0, 81.0, 73.0, 65.0, 57.0, 49.0, 41.0, 33.0, 25.0, 17.0, 9.0, 1.0,
    ];
    let mut old = Old::rotated(&days, None).await;
    let document = old.document();
    // A silence of 45 days before the forgery would leave nothing that is younger than the retention.
    document.logs[0].max_silence = vec![silence(91.0, 45), silence(80.0, 10)];
    lock(document, &[(91.0, 30)]);
    old.rewrite(0, 60, 85.0).await;
    old.is_found_below_the_pin();
    faults(&old.verify(), &["segment-missing"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compromised_key_that_signed_a_rotation_gives_no_verdict_when_its_own_segments_have_expired()
 {
    let days = [60.0, 50.0, 40.0, 25.0, 12.0, 1.0];
    let mut old = Old::rotated(&days, Some(3)).await;
    for expired in 0..3 {
        old.world.remove(expired).await;
    }
    faults(&old.verify(), &[]);
    old.document().keys[0].compromised = Some(Compromised {
        at: days_ago(2.0),
        last_good: Vec::new(),
    });
    let run = old.pinned();
    let json = run.json();
    assert_eq!((run.status, &json["verdict"]), (2, &"no_verdict".into()));
    assert_eq!(json["fault_count"], 0, "{run}");
    assert_eq!(json["undecided"][0]["code"], "no-last-good", "{run}");
    assert_eq!(json["undecided"][0]["log"], ORIGIN, "{run}");
    let pins = old.world.folder.path().join("pins.json");
    assert!(!pins.exists(), "a head is pinned without a verdict");
}
