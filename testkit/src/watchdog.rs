//! Cleans up after this process however it ends: a shell that reads a pipe of ours, and at its end (a return from
//! main, a panic, SIGKILL: the kernel closes the pipe in every case) kills the processes and removes the folders
//! and files that it was told of and not told to forget.
//!
//! Statics are never dropped and a killed process drops nothing, so `Drop` alone would leave servers behind.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

/// `read` without `-r` would eat backslashes. Signals of a terminal are ignored: Ctrl-C is for the parent, whose end
/// is what counts. The processes get SIGKILL, for nobody is left who would wait for an orderly end; a server that was
/// told to end in an orderly way has been forgotten by then.
const SCRIPT: &str = r#"
trap '' INT TERM HUP
pids= paths=
while read -r verb what; do
  case $verb in
    pid) pids="$pids $what " ;;
    forget-pid) pids=$(printf %s "$pids" | sed "s/ $what //") ;;
    path) paths="$paths
$what" ;;
    forget-path) paths=$(printf '%s\n' "$paths" | grep -vxF -- "$what") ;;
  esac
done
for pid in $pids; do kill -CONT "$pid"; kill -KILL "$pid"; done
printf '%s\n' "$paths" | while read -r path; do
  [ -n "$path" ] || continue
  rm -rf -- "$path" || { sleep 1; rm -rf -- "$path"; }
done
"#;

struct Watchdog {
    stdin: ChildStdin,
    _shell: Child,
}

/// Has process `pid` killed when this process ends.
pub(crate) fn watch_process(pid: u32) {
    tell(&format!("pid {pid}"));
}

/// To be called before the process is reaped, since its id may then become another's.
pub(crate) fn forget_process(pid: u32) {
    tell(&format!("forget-pid {pid}"));
}

/// Has the folder or file removed when this process ends.
pub(crate) fn watch_path(path: &Path) {
    tell(&format!("path {}", path.display()));
}

pub(crate) fn forget_path(path: &Path) {
    tell(&format!("forget-path {}", path.display()));
}

fn tell(line: &str) {
    static WATCHDOG: OnceLock<Mutex<Watchdog>> = OnceLock::new();
    let mut watchdog = WATCHDOG
        .get_or_init(|| Mutex::new(start()))
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    writeln!(watchdog.stdin, "{line}").expect("the watchdog shell reads until we end");
}

fn start() -> Watchdog {
    let mut shell = Command::new("/bin/sh")
        .args(["-c", SCRIPT])
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("/bin/sh starts");
    let stdin = shell.stdin.take().expect("its standard input is a pipe");
    Watchdog { stdin, _shell: shell }
}
