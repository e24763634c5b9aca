//! The names of batches while many of them are sorted into a file: whatever stops, each name that was relied on is known.

use std::sync::Arc;

use auditlog_chain::timestamp::Timestamp;
use auditlog_sealer::disk::Disk;
use auditlog_sealer::names::{Events, Fingerprint, Known, Names, Summing, Window};

use crate::disk::{Loss, Machine};

/// Names before one more makes a sorted file of them.
const MANY: u64 = (1 << 18) - 1;

fn name(number: u64) -> Fingerprint {
    let content = Summing::default().end();
    Fingerprint::of(b"sender", &number.to_be_bytes(), content)
}

fn open(machine: &Machine) -> std::io::Result<Names> {
    let disk: Arc<dyn Disk> = Arc::new(machine.clone());
    Names::open(disk, Window::default())
}

#[test]
fn names_that_are_sorted_into_a_file_are_known_whatever_stops() {
    let now = Timestamp::from_micros(1_800_000_000_000_000).unwrap();
    let before = Machine::new();
    let all: Vec<_> = (0..MANY).map(name).collect();
    open(&before).unwrap().take_over(&all, now).unwrap();
    let before = before.restarted(Loss::Nothing);
    // Takes over four more, and returns how many are relied on then.
    let more = |machine: &Machine| {
        let Ok(mut names) = open(machine) else {
            return MANY;
        };
        let taken = |number: &u64| names.take_over(&[name(*number)], now).is_ok();
        MANY + (MANY..MANY + 4).take_while(taken).count() as u64
    };
    let whole = before.restarted(Loss::Nothing);
    assert_eq!(more(&whole), MANY + 4);
    let sorted = whole.names().unwrap();
    assert!(sorted.contains(&"00000001.names".to_owned()), "{sorted:?}");
    let calls = whole.calls();
    assert!(calls > 10, "{calls} calls");
    for stop in 0..calls {
        let machine = before.restarted(Loss::Nothing);
        machine.stop_after(stop);
        let taken = more(&machine);
        for loss in [
            Loss::Nothing,
            Loss::Unsynced,
            Loss::Some(1),
            Loss::Disordered(2),
            Loss::Disordered(3),
        ] {
            let again = machine.restarted(loss);
            let mut names = open(&again).unwrap_or_else(|error| panic!("{stop} {loss:?}: {error}"));
            let known =
                |number| names.look_up(&name(number), now).unwrap() == Known::Within(Events::Same);
            let lost = (0..taken)
                .step_by(257)
                .chain(MANY - 1..taken)
                .find(|number| !known(*number));
            assert_eq!(
                lost, None,
                "{taken} were taken, stopped before call {stop}, lost {loss:?}"
            );
            // It goes on.
            names.take_over(&[name(MANY + 9)], now).unwrap();
        }
    }
}

#[test]
fn first_name_is_there_after_a_loss_of_power_though_a_call_has_failed_before() {
    let now = Timestamp::from_micros(1_800_000_000_000_000).unwrap();
    for failing in 0..4 {
        let machine = Machine::new();
        let mut names = open(&machine).unwrap();
        machine.fail_once_after(failing);
        while names.take_over(&[name(1)], now).is_err() {}
        let again = open(&machine.restarted(Loss::Unsynced)).unwrap();
        let known = again.look_up(&name(1), now).unwrap();
        assert_eq!(
            known,
            Known::Within(Events::Same),
            "call {failing} has failed"
        );
    }
}
