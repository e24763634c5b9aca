//! Files that are copied and truncated.

use super::*;

#[test]
fn what_a_truncated_file_had_is_read_from_its_copy() {
    let mut plain = Plain::new();
    plain.write("a.log", 0..3);
    assert_eq!(plain.rounds().0, certain(0..3));
    plain.write("a.log", 3..5);
    fs::copy(plain.path("a.log"), plain.path("a.log.1")).unwrap();
    fs::write(plain.path("a.log"), "").unwrap();
    plain.write("a.log", 5..6);
    let (events, said) = plain.rounds();
    assert_eq!(events, certain(3..6));
    assert!(
        said.contains("what was not read of it is read from its copy"),
        "{said}"
    );
    // The copy is followed over a restart, and once.
    plain.write("a.log.1", 6..7);
    plain.start(Memory::Kept);
    assert_eq!(plain.rounds().0, certain(6..7));
    plain.now += LINGER;
    assert!(plain.rounds().0.is_empty());
    // Without a copy, a notice names what is lost.
    fs::write(plain.path("a.log"), "").unwrap();
    let (events, said) = plain.rounds();
    assert!(
        events.is_empty() && said.contains("a.log was truncated, and is read from its beginning"),
        "{said}"
    );
    assert!(said.contains("after byte 9 "), "{said}");
}

impl Plain {
    /// As logrotate does, with the times of the file or of now.
    fn copy_and_truncate(&self, name: &str, number: u64, keeps_times: bool) {
        let (path, copy) = (self.path(name), self.path(&format!("{name}.{number}")));
        file_clock_goes_on(self.folder.path());
        fs::copy(&path, &copy).unwrap();
        if keeps_times {
            let written = fs::metadata(&path).unwrap().modified().unwrap();
            File::options()
                .append(true)
                .open(&copy)
                .unwrap()
                .set_modified(written)
                .unwrap();
        }
        file_clock_goes_on(self.folder.path());
        File::options()
            .write(true)
            .open(&path)
            .unwrap()
            .set_len(0)
            .unwrap();
    }
}

/// Nothing of it was accepted, so that nothing but the time says whose copy it is.
#[test]
fn what_an_empty_file_had_for_a_moment_is_read_from_its_copy() {
    for keeps_times in [false, true] {
        let mut plain = Plain::new();
        plain.write("a.log", 0..0);
        assert_eq!(plain.rounds(), (Vec::new(), String::new()));
        // A new file, and one that was truncated before.
        file_clock_goes_on(plain.folder.path());
        plain.write("a.log", 0..3);
        plain.copy_and_truncate("a.log", 4, keeps_times);
        let (events, said) = plain.rounds();
        assert_eq!(events, certain(0..3), "{said}");
        assert!(
            said.contains("is read from its copy") && !said.contains("lost"),
            "{said}"
        );
        file_clock_goes_on(plain.folder.path());
        plain.write("a.log", 3..5);
        plain.copy_and_truncate("a.log", 3, keeps_times);
        plain.write("a.log", 5..6);
        assert_eq!(plain.rounds().0, certain(3..6));
        // Twice, and with something that was accepted before.
        plain.write("a.log", 6..7);
        plain.copy_and_truncate("a.log", 2, keeps_times);
        plain.write("a.log", 7..8);
        plain.copy_and_truncate("a.log", 1, keeps_times);
        plain.write("a.log", 8..9);
        let (events, said) = plain.rounds();
        assert_eq!(events, certain(6..9), "{said}");
        assert_eq!(said.matches("is read from its copy").count(), 2, "{said}");
        // The copies are followed over a restart, and none of them twice.
        plain.start(Memory::Kept);
        assert_eq!(plain.rounds().0, []);
        plain.now += LINGER;
        assert_eq!(plain.rounds(), (Vec::new(), String::new()));
        assert_eq!(plain.follower.as_ref().unwrap().following().files, 1);
    }
}

/// The first copy is known by what was accepted of the file, and what was written later is in another one.
#[test]
fn what_was_copied_and_truncated_while_nobody_looked_is_read_from_the_later_copy() {
    for (linger, new) in [(false, 0), (true, 0), (false, 1), (true, 1)] {
        let mut plain = Plain::new();
        plain.write("a.log", 0..3);
        assert_eq!(plain.rounds().0, certain(0..3));
        plain.copy_and_truncate("a.log", 2, false);
        assert_eq!(plain.rounds().0, []);
        if linger {
            plain.now += LINGER;
            plain.rounds();
        }
        for name in plain.follower.as_mut().unwrap().take_finished() {
            plain.log.inputs.finish(&name);
        }
        plain.follower = None;
        file_clock_goes_on(plain.folder.path());
        plain.write("a.log", 3..5);
        plain.copy_and_truncate("a.log", 1, false);
        // A backup of the first copy has nothing new.
        fs::copy(plain.path("a.log.2"), plain.path("a.log.9")).unwrap();
        plain.write("a.log", 5..5 + new);
        for expected in [certain(3..5 + new), Vec::new()] {
            plain.start(Memory::Kept);
            let (events, said) = plain.rounds();
            assert_eq!(events, expected, "{linger}, {new}: {said}");
        }
        plain.write("a.log", 7..8);
        assert_eq!(plain.rounds().0, certain(7..8));
    }
}

#[test]
fn file_that_was_emptied_again_without_a_copy_is_named() {
    let mut plain = Plain::new();
    plain.write("a.log", 0..0);
    // What was there before, and what is not named as a rotation names it.
    plain.write("a.log.1", 90..91);
    assert_eq!(plain.rounds(), (Vec::new(), String::new()));
    file_clock_goes_on(plain.folder.path());
    plain.write("a.log.lock", 91..92);
    plain.write("a.log.1.gz", 92..93);
    plain.write("a.log.1", 93..94);
    plain.write("a.log", 0..3);
    file_clock_goes_on(plain.folder.path());
    fs::write(plain.path("a.log"), "").unwrap();
    let (events, said) = plain.rounds();
    assert_eq!(events, [], "{said}");
    assert!(
        said.contains("a.log was changed while it was not looked at, and is empty as before"),
        "{said}"
    );
    assert_eq!(plain.rounds(), (Vec::new(), String::new()));
    // A rotation of the empty file loses nothing.
    plain.copy_and_truncate("a.log", 2, false);
    assert_eq!(plain.rounds(), (Vec::new(), String::new()));
    // A copy of what the file still has is a backup.
    file_clock_goes_on(plain.folder.path());
    plain.write("a.log", 3..5);
    file_clock_goes_on(plain.folder.path());
    fs::copy(plain.path("a.log"), plain.path("a.log.3")).unwrap();
    plain.write("a.log", 5..6);
    assert_eq!(plain.rounds(), (certain(3..6), String::new()));
}
