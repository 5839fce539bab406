//! What `cargo xtask test` runs ends with it, also where it is killed alone and cannot end anything itself.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use testkit::process::Scratch;

/// The children of a process, as proc(5) tells them.
fn children(pid: &str) -> Vec<String> {
    let listed = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    listed
        .unwrap_or_default()
        .split_whitespace()
        .map(str::to_owned)
        .collect()
}

fn is_alive(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

#[track_caller]
fn until<T>(what: &str, probe: impl Fn() -> Option<T>) -> T {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(found) = probe() {
            return found;
        }
        assert!(Instant::now() < end, "waited 30 s for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_suite_ends_with_whoever_started_it() {
    let folder = Scratch::new("confine-").expect("a folder");
    // The shell stands for the runner: it starts one, tells its id, and waits to be killed.
    let script = r#""$0" confine --report "$1" -- sleep 600 & echo $!; wait"#;
    let mut shell = Command::new("sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_xtask")])
        .arg(folder.path().join("account"))
        .stdout(Stdio::piped())
        .spawn()
        .expect("a shell");
    let mut confined = String::new();
    let output = shell.stdout.take().expect("it is piped");
    BufReader::new(output).read_line(&mut confined).expect("an id");
    let confined = confined.trim();
    let suite = until("the suite to start", || children(confined).pop());
    shell.kill().expect("killed");
    shell.wait().expect("ended");
    until("the suite to end", || (!is_alive(&suite)).then_some(()));
    until("its keeper to end", || (!is_alive(confined)).then_some(()));
}
