//! `auditlog-seal` stopped and killed at random moments, alone and among other writers of its log. The moments come from a
//! seed; `make soak` tries many.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::process::Child;
use std::thread;

use auditlog_tests::{Command, Run, accepted};

use crate::seal::bench::{Bench, Remote, each_once, ended, events, numbered, signal, start};
use crate::seal::random::{Random, asked};

/// `AUDITLOG_KILL_CASES` and `AUDITLOG_KILL_SEED` ask for more than the sample that every run takes.
fn seeds() -> impl Iterator<Item = u64> {
    let (cases, seed) = (
        asked("AUDITLOG_KILL_CASES", 1),
        asked("AUDITLOG_KILL_SEED", 1),
    );
    (0..cases).map(move |case| seed.wrapping_mul(1_000_003).wrapping_add(case))
}

/// Runs the command and interrupts it at some moment in one of the ways there are. Longer than that, it is left alone.
fn interrupted(random: &mut Random, append: Command, below_millis: u64) -> Run {
    let run = start(append);
    random.pause(below_millis);
    match random.below(4) {
        0 => signal(&run.0, "INT"),
        1 => signal(&run.0, "TERM"),
        2 => signal(&run.0, "KILL"),
        _ => {
            // The second one ends it at once.
            signal(&run.0, "INT");
            random.pause(20);
            signal(&run.0, "TERM");
        }
    }
    ended(run)
}

/// Interrupts one run after another until one is quick enough, and says how many were not.
fn until_done(seed: u64, millis: u64, append: &dyn Fn() -> Command) -> u32 {
    let (mut random, mut below) = (Random::new(seed), millis);
    let mut stopped = 0;
    loop {
        let run = interrupted(&mut random, append(), below);
        match run.status {
            0 => return stopped,
            // A signal has ended it, in the kernel or in the command.
            -1 | 130 | 143 => {}
            1 => assert!(run.stderr.starts_with("error: interrupted: "), "{run}"),
            _ => panic!("{run}"),
        }
        stopped += 1;
        below += millis / 4;
    }
}

#[test]
fn stopped_and_killed_at_any_moment_each_event_is_in_the_folder_once() {
    for seed in seeds() {
        let bench = Bench::new();
        let count = 6000;
        fs::write(bench.path("events.jsonl"), numbered(count).join("\n")).unwrap();
        let stopped = until_done(seed, 40, &|| {
            let run = bench.append().args(["--max-segment-events", "70"]);
            run.arg(bench.path("events.jsonl"))
        });
        assert!(stopped > 0, "seed {seed}: no run was stopped");
        each_once(&bench.verified(), count);
    }
}

#[test]
fn stopped_and_killed_at_any_moment_each_event_is_in_the_bucket_once() {
    for seed in seeds() {
        let remote = Remote::new();
        let count = 2500;
        let input = remote.bench.path("events.jsonl");
        fs::write(&input, numbered(count).join("\n")).unwrap();
        let stopped = until_done(seed, 400, &|| {
            let run = remote.append().args(["--max-segment-events", "20"]);
            run.arg(&input)
        });
        assert!(stopped > 0, "seed {seed}: no run was stopped");
        each_once(&remote.verified(), count);
    }
}

const WRITERS: u64 = 3;
const EVENTS_EACH: u32 = 30;

fn own_events(writer: u64) -> Vec<String> {
    let event = |n| format!("{{\"writer\":{writer},\"n\":{n}}}");
    (0..EVENTS_EACH).map(event).collect()
}

/// A writer among others, and the person beside it who does what the hints say.
fn write_among_others(remote: &Remote, mut random: Random, writer: u64) {
    let mut left = own_events(writer);
    let mut overtaken = 0;
    loop {
        let spool = format!("spool-{writer}-{overtaken}");
        let input = remote.bench.path(&format!("{spool}.jsonl"));
        fs::write(&input, left.join("\n")).unwrap();
        let append = remote.append_from(&spool);
        let append = append.args(["--max-segment-events", "5", "--output", "json"]);
        let append = append.arg(&input);
        let run = if random.below(2) == 0 {
            let run = start(append);
            random.pause(600);
            signal(&run.0, "KILL");
            ended(run)
        } else {
            append.run()
        };
        match run.status {
            0 => return,
            -1 => {}
            _ => {
                let reasons = ["another writer has the log", "does not continue the log"];
                let known = reasons.iter().any(|reason| run.stderr.contains(reason));
                assert!(known, "{run}");
                // As the hint says: the spool is left alone from here on, and what the log does not have is appended.
                let objects = remote.objects();
                let stored = events(&objects, &remote.bench.verifier_key("key.pem"));
                let stored: BTreeSet<String> = stored.into_iter().collect();
                left.retain(|event| !stored.contains(event));
                overtaken += 1;
            }
        }
    }
}

#[test]
fn writers_that_are_killed_and_overtaken_lose_and_double_nothing_in_a_bucket() {
    for seed in seeds() {
        let remote = Remote::new();
        remote.append().run().ok();
        thread::scope(|scope| {
            for writer in 0..WRITERS {
                let (remote, random) = (&remote, Random::new(seed.wrapping_mul(31) + writer));
                scope.spawn(move || write_among_others(remote, random, writer));
            }
        });
        let sealed = remote.verified();
        for writer in 0..WRITERS {
            let own = format!("{{\"writer\":{writer},");
            let own = sealed.iter().filter(|event| event.starts_with(&own));
            let (own, expected): (Vec<_>, _) = (own.collect(), own_events(writer));
            let differs = own
                .iter()
                .zip(&expected)
                .position(|(one, other)| *one != other);
            let lengths = (own.len(), expected.len());
            assert_eq!(differs, None, "seed {seed}, writer {writer}: {lengths:?}");
        }
        assert_eq!(sealed.len() as u64, WRITERS * u64::from(EVENTS_EACH));
    }
}

#[test]
fn of_two_writers_of_a_bucket_one_wins_and_the_other_stops_and_keeps_its_events() {
    let remote = Remote::new();
    remote.append().run().ok();
    let waiting = ["one", "two"].map(|name| {
        let mut run = start(remote.append_from(name));
        let stdin = run.0.stdin.as_mut().unwrap();
        stdin.write_all(format!("\"{name}\"\n").as_bytes()).unwrap();
        accepted(&remote.bench.path(name), name);
        run
    });
    // Both have read the same head, and now both seal.
    let runs = thread::scope(|scope| {
        let seal = |mut run: (Child, tempfile::TempDir)| {
            scope.spawn(move || {
                drop(run.0.stdin.take());
                ended(run)
            })
        };
        waiting.map(seal).map(|run| run.join().unwrap())
    });
    let winner = usize::from(runs[0].status != 0);
    let (won, lost) = (&runs[winner], &runs[1 - winner]);
    let errors = |run: &Run| {
        let (warning, errors) = run.stderr.split_once('\n').expect("a warning");
        assert!(
            warning.starts_with("warning: the log goes on after segment 0"),
            "{run}"
        );
        errors.to_owned()
    };
    assert_eq!((won.status, errors(won).as_str()), (0, ""), "{won}");
    assert_eq!(lost.status, 1, "{lost}");
    let loser = ["one", "two"][1 - winner];
    let spool = remote.bench.path(loser);
    let error = "error: another writer has the log: payments/000000000001.jsonl.zst has the root ";
    assert!(errors(lost).starts_with(error), "{lost}");
    let hint = format!(
        "hint: stop one of the two writers. Our events stay in {}: ",
        spool.display()
    );
    assert!(lost.stderr.contains(&hint), "{lost}");
    assert!(lost.stdout.contains("kept 1 event in the spool"), "{lost}");
    let names = ["\"one\"", "\"two\""];
    assert_eq!(remote.verified(), [names[winner]]);

    // It stays so until a person has looked. Then its event is appended again, as the hint says.
    let again = remote.append_from(loser).run();
    assert!(again.stderr.starts_with(error), "{again}");
    let advice = "move that folder away, print them with auditlog-seal spool --events FOLDER, and append those";
    assert!(again.stderr.contains(advice), "{again}");
    let moved = remote.bench.path("moved away");
    fs::rename(&spool, &moved).unwrap();
    let printed = auditlog_tests::command("auditlog-seal").args(["spool", "--events"]);
    let printed = printed.arg(&moved).run().ok().stdout;
    assert_eq!(printed, format!("{}\n", names[1 - winner]));
    remote.append_from(loser).input(printed).run().ok();
    assert_eq!(remote.verified(), [names[winner], names[1 - winner]]);
}
