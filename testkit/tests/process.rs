//! Nothing outlives the process that started it.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use testkit::process::{Child, Scratch};
use testkit::wait;

const TIMEOUT: Duration = Duration::from_secs(10);

fn sleeper(dir: &Path) -> Child {
    Child::spawn("sleep", Command::new("sleep").arg("600"), &dir.join("log")).expect("it starts")
}

/// A zombie does not run: nobody but its parent, which may be a lazy init, can remove it.
fn runs(pid: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

/// This test starts itself again, in a process that it then kills with no chance to clean up.
#[test]
fn a_killed_parent_leaves_neither_processes_nor_folders() {
    const ROLE: &str = "TESTKIT_TEST_VICTIM";
    if let Some(note) = std::env::var_os(ROLE) {
        let scratch = Scratch::new("testkit-victim-").expect("a folder");
        let kept = sleeper(scratch.path());
        let frozen = &mut sleeper(scratch.path());
        frozen.signal("STOP").expect("frozen");
        let dropped = sleeper(scratch.path());
        let dropped_pid = dropped.pid();
        drop(dropped);
        let line = format!(
            "{} {} {dropped_pid} {}\n",
            kept.pid(),
            frozen.pid(),
            scratch.path().display()
        );
        std::fs::write(note, line).expect("noted");
        std::thread::sleep(Duration::from_secs(600));
    }
    let scratch = Scratch::new("testkit-parent-").expect("a folder");
    let note = scratch.path().join("note");
    let mut victim = Command::new(std::env::current_exe().expect("our own path"))
        .args(["--exact", "a_killed_parent_leaves_neither_processes_nor_folders"])
        .env(ROLE, &note)
        .stdout(Stdio::null())
        .spawn()
        .expect("it starts");
    let line = wait::until("the victim's note", TIMEOUT, || {
        std::fs::read_to_string(&note).ok().filter(|text| text.ends_with('\n'))
    });
    let line = line.expect("it is written");
    let parts: Vec<&str> = line.split_whitespace().collect();
    let [kept, frozen, dropped, dir] = parts[..] else {
        panic!("four parts: {line}")
    };
    assert!(runs(kept) && runs(frozen) && !runs(dropped) && Path::new(dir).exists());

    victim.kill().expect("killed");
    victim.wait().expect("reaped");
    wait::until("its processes to end", TIMEOUT, || {
        (!runs(kept) && !runs(frozen)).then_some(())
    })
    .expect("they end");
    wait::until("its folder to go", TIMEOUT, || (!Path::new(dir).exists()).then_some(())).expect("it goes");
}

#[test]
fn an_end_is_noticed_with_its_code_and_its_log() {
    let scratch = Scratch::new("testkit-").expect("a folder");
    let log = scratch.path().join("log");
    let mut shell = Command::new("sh");
    let mut child = Child::spawn("shell", shell.args(["-c", "echo out; echo err >&2; exit 7"]), &log).expect("starts");
    assert_eq!(child.wait(TIMEOUT).expect("it ends").code(), Some(7));
    let error = child.check_running().expect_err("it has ended").to_string();
    assert!(
        error.contains("exit status: 7") && error.contains("out\nerr"),
        "{error}"
    );
    child.signal("TERM").expect("harmless after the end");
}

#[test]
fn terminating_waits_and_then_kills() {
    let scratch = Scratch::new("testkit-").expect("a folder");
    let mut polite = sleeper(scratch.path());
    assert!(!polite.terminate(TIMEOUT).expect("it ends").success());
    assert!(!runs(&polite.pid().to_string()));

    let log = scratch.path().join("stubborn.log");
    let script = "trap '' TERM; echo ready; while :; do sleep 1; done";
    let mut stubborn = Child::spawn("stubborn", Command::new("sh").args(["-c", script]), &log).expect("it starts");
    wait::until("its trap", TIMEOUT, || stubborn.log().contains("ready").then_some(())).expect("it is set");
    let error = stubborn
        .terminate(Duration::from_millis(200))
        .expect_err("it ignores the signal");
    assert!(error.to_string().contains("was killed"), "{error:#}");
    assert!(!runs(&stubborn.pid().to_string()));
}

#[test]
fn one_that_is_left_running_lives_on() {
    let scratch = Scratch::new("testkit-").expect("a folder");
    let pid = sleeper(scratch.path()).leave_running().to_string();
    assert!(runs(&pid));
    assert!(Command::new("kill").arg(&pid).status().expect("kill runs").success());
}
