//! `watch`: changes of directories and files.

mod common;

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
};

use common::*;
use rustix::process::Signal;

const WATCH: &str = env!("CARGO_BIN_EXE_watch");

/// Starts it, and waits until it watches.
fn watch(paths: &[&Path], args: &[&str]) -> Program {
    let program = Program::start(
        Command::new(WATCH)
            .args(args)
            .args(paths)
            .stdin(Stdio::null()),
    );
    for path in paths {
        program.expect(&[&format!("watching {}", path.display())]);
    }
    program
}

#[test]
fn each_change_of_a_directory_is_a_line_until_it_is_gone() {
    let scratch = Scratch::new("changes");
    let dir = scratch.path();
    let mut program = watch(&[dir], &[]);
    let (a, b) = (dir.join("a"), dir.join("b"));
    let say = |verb: &str, path: &Path| program.expect(&[&format!("{verb} {}", path.display())]);

    fs::write(&a, "hello").unwrap();
    say("created", &a);
    say("written", &a);
    fs::set_permissions(&a, Permissions::from_mode(0o600)).unwrap();
    say("attributes of", &a);
    fs::rename(&a, &b).unwrap();
    say("moved from", &a);
    say("moved to", &b);
    fs::remove_file(&b).unwrap();
    say("deleted", &b);
    fs::create_dir(&a).unwrap();
    say("created", &a);
    // In a directory of the directory.
    fs::create_dir(a.join("unseen")).unwrap();
    fs::remove_dir_all(&a).unwrap();
    say("deleted", &a);

    fs::remove_dir(dir).unwrap();
    say("no longer watched:", dir);
    assert_eq!(program.wait().code(), Some(0));
}

#[test]
fn files_and_directories_are_watched_side_by_side() {
    let scratch = Scratch::new("side-by-side");
    let (file, dir) = (scratch.path().join("file"), scratch.path().join("dir"));
    fs::write(&file, "").unwrap();
    fs::create_dir(&dir).unwrap();
    let mut program = watch(&[&file, &dir], &["--changes", "3"]);
    let inside = dir.join("inside");
    fs::write(&inside, "").unwrap();
    fs::write(&file, "").unwrap();
    for (verb, path) in [
        ("created", &inside),
        ("written", &inside),
        ("written", &file),
    ] {
        program.expect(&[&format!("{verb} {}", path.display())]);
    }
    assert_eq!(program.wait().code(), Some(0));
}

#[test]
fn a_name_cannot_command_the_terminal() {
    let scratch = Scratch::new("names");
    let dir = scratch.path();
    let program = watch(&[dir], &[]);
    fs::create_dir(dir.join("two\nlines \x1b[31mred")).unwrap();
    let dir = dir.display();
    program.expect(&[&format!("created {dir}/two\\nlines \\u{{1b}}[31mred")]);
}

#[test]
fn many_changes_at_once_all_come_in_their_order() {
    let scratch = Scratch::new("many");
    let dir = scratch.path();
    let program = watch(&[dir], &[]);
    for number in 0..2_000 {
        fs::write(dir.join(number.to_string()), "").unwrap();
    }
    for number in 0..2_000 {
        for verb in ["created", "written"] {
            program.expect(&[&format!("{verb} {}/{number}", dir.display())]);
        }
    }
}

#[test]
fn changes_that_the_queue_has_no_room_for_are_said_to_be_lost() {
    let limit = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap();
    let limit: usize = limit.trim().parse().unwrap();
    if limit > 100_000 {
        eprintln!("skipped: the queue has room for {limit} changes");
        return;
    }
    let scratch = Scratch::new("lost");
    let dir = scratch.path();
    let program = watch(&[dir], &[]);
    program.signal(Signal::STOP);
    // Two changes each.
    for number in 0..=limit / 2 {
        fs::write(dir.join(number.to_string()), "").unwrap();
    }
    program.signal(Signal::CONT);
    let mut seen = 0;
    while program.line() != "the queue was full: some changes are lost" {
        seen += 1;
    }
    assert!((1..=limit).contains(&seen), "{seen} of {limit}");
    // It goes on.
    fs::rename(dir.join("0"), dir.join("new")).unwrap();
    while program.line() != format!("moved to {}/new", dir.display()) {}
}

#[test]
fn a_path_that_is_not_there_is_an_error_line_and_exit_code_1() {
    let output = run(Command::new(WATCH).arg("/not/there"), b"");
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.starts_with("error: /not/there: "), "{error}");
}
