//! Files that somebody edits: what is there again is marked.

use std::fs;

use super::*;

/// The line that was edited has a number no more.
fn without_edited(mut events: Vec<(u64, bool)>) -> Vec<(u64, bool)> {
    events.retain(|(id, _)| *id != 7);
    events
}

/// Edits a file as programs do that write a new one, or write into it.
fn edited(how: &str) -> (Vec<(u64, bool)>, String) {
    let mut plain = Plain::new();
    plain.write("a.log", 0..200);
    assert_eq!(plain.rounds().0, certain(0..200));
    let path = plain.path("a.log");
    let text = fs::read_to_string(&path).unwrap();
    // A line that is not the last one has another text.
    let text = text.replace("{\"id\":7}", "{\"id\":7,\"edited\":true}");
    let new = plain.path("a.new");
    match how {
        "kept" => fs::rename(&path, plain.path("a.bak")).unwrap(),
        "linked" => fs::hard_link(&path, plain.path("other")).unwrap(),
        "removed" | "into it" => {}
        // Written into before it is edited, and not read meanwhile.
        "grown" => plain.write("a.log", 200..202),
        _ => panic!("{how}"),
    }
    let grown = if how == "grown" {
        "{\"id\":200}\n{\"id\":201}\n"
    } else {
        ""
    };
    let text = format!("{text}{grown}{{\"id\":202}}\n");
    if how == "into it" {
        fs::write(&path, "").unwrap();
        assert_eq!(plain.rounds().0, []);
        fs::write(&path, text).unwrap();
    } else {
        fs::write(&new, text).unwrap();
        fs::rename(&new, &path).unwrap();
    }
    plain.rounds()
}

#[test]
fn events_of_a_file_that_was_edited_are_marked_as_far_as_they_were_accepted() {
    for how in ["kept", "linked", "removed", "into it"] {
        let (events, said) = edited(how);
        assert_eq!(
            events,
            [without_edited(doubtful(0..200)), certain(202..203)].concat(),
            "{how}: {said}"
        );
        assert!(said.contains("marked as possible repeats"), "{said}");
    }
    let (events, said) = edited("grown");
    let expected = [
        certain(200..202),
        without_edited(doubtful(0..202)),
        certain(202..203),
    ]
    .concat();
    assert_eq!(events, expected, "{said}");
}

/// Writes a file again with another line in the place of one, as `how` says, and returns the events that come then.
fn rewritten(how: &str, lines: u64, edited: u64, by: &str) -> (Vec<(u64, bool)>, String) {
    let mut plain = Plain::new();
    plain.write("a.log", 0..lines);
    assert_eq!(plain.rounds().0, certain(0..lines));
    let path = plain.path("a.log");
    let text = fs::read_to_string(&path).unwrap();
    let text = text.replace(&format!("{{\"id\":{edited}}}"), by);
    let is_stopped = how.starts_with("stopped");
    if is_stopped {
        plain.follower = None;
    }
    if how.ends_with("in place") {
        fs::write(&path, text).unwrap();
    } else {
        if how.contains("kept") {
            fs::rename(&path, plain.path("a.bak")).unwrap();
        }
        fs::write(plain.path("a.new"), text).unwrap();
        fs::rename(plain.path("a.new"), &path).unwrap();
    }
    if is_stopped {
        plain.start(Memory::Kept);
    }
    plain.rounds()
}

#[test]
fn events_of_an_edited_file_are_marked_wherever_it_was_edited() {
    const LONGER: &str = "{\"id\":900,\"edited\":true}";
    for (how, lines, edited, by) in [
        ("stopped, in place", 200, 7, LONGER),
        ("stopped, in place", 20, 7, "{}"),
        ("stopped, new inode", 200, 7, LONGER),
        ("stopped, new inode", 200, 150, LONGER),
        ("stopped, new inode", 20, 19, LONGER),
        ("running, new inode", 200, 199, LONGER),
        ("running, new inode", 20, 7, LONGER),
        ("running, new inode, kept", 200, 199, LONGER),
        ("running, in place", 200, 199, "{}"),
        ("running, in place", 20, 7, "{}"),
    ] {
        let (events, said) = rewritten(how, lines, edited, by);
        let again = events.iter().filter(|(id, _)| *id < lines && *id != edited);
        let again: Vec<_> = again.copied().collect();
        let mut expected = doubtful(0..lines);
        expected.retain(|(id, _)| *id != edited);
        assert_eq!(again, expected, "{how}, {lines}, {edited}: {said}");
    }
}

/// It is kept under a name that no pattern has, so that it looks like a rotation.
#[test]
fn events_of_a_file_that_was_edited_at_both_ends_are_marked() {
    let mut plain = Plain::new();
    plain.write("a.log", 0..2000);
    assert_eq!(plain.rounds().0, certain(0..2000));
    let path = plain.path("a.log");
    let text = fs::read_to_string(&path).unwrap();
    let text = text.replace("{\"id\":7}", "{\"id\":7000}");
    let text = text.replace("{\"id\":1999}", "{\"id\":9000}");
    fs::rename(&path, plain.path("a.bak")).unwrap();
    fs::write(plain.path("a.new"), text).unwrap();
    fs::rename(plain.path("a.new"), &path).unwrap();
    let (events, said) = plain.rounds();
    assert_eq!(events.len(), 2000);
    assert!(events.iter().all(|(_, is_marked)| *is_marked), "{said}");
    // A rotation has other lines.
    fs::rename(&path, plain.path("a.old")).unwrap();
    plain.write("a.log", 10_000..12_000);
    let (events, said) = plain.rounds();
    assert_eq!((events.len(), said.as_str()), (2000, ""));
    assert!(events.iter().all(|(_, is_marked)| !is_marked));
}

/// A report that a program writes again and again, and a copy that a rotation leaves, with as many bytes each time.
#[test]
fn file_that_is_written_again_with_as_many_bytes_is_read_again() {
    for how in ["in place", "copied and truncated"] {
        let mut plain = Plain::new();
        plain.write("a.log", 10..11);
        assert_eq!(plain.rounds().0, certain(10..11));
        let path = plain.path("a.log");
        let mut expected = doubtful(11..12);
        if how == "copied and truncated" {
            fs::copy(&path, plain.path("a.log.1")).unwrap();
            expected = certain(11..12);
        }
        fs::write(&path, "{\"id\":11}\n").unwrap();
        let (events, said) = plain.rounds();
        assert_eq!(events, expected, "{how}: {said}");
        // Only touched.
        fs::write(&path, "{\"id\":11}\n").unwrap();
        assert_eq!(plain.rounds(), (Vec::new(), String::new()), "{how}");
    }
}

/// What is behind its beginning is not what was accepted: a person decides.
#[test]
fn file_whose_end_was_edited_to_as_many_bytes_is_named_as_changed() {
    let (events, said) = rewritten("running, in place", 200, 199, "{\"id\":999}");
    assert_eq!(events, []);
    assert!(said.contains("are not those that were accepted"), "{said}");
}
