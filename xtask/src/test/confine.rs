//! Runs one command in a process of its own that takes in whatever the command leaves behind: the command's CPU time
//! counts that of every server it started, however that ended, and a process that outlives it is told, and ended.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, getpid, getppid, kill_process, set_child_subreaper, wait};
use serde_json::json;
use testkit::process::cpu_of_children;

/// So long may servers that were told to end take to do so: the watchdog of testkit kills them when their test program
/// has ended.
const PATIENCE: Duration = Duration::from_secs(20);

/// Between two looks at what has ended.
const TICK: Duration = Duration::from_millis(20);

/// The command, and where its account goes.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// A file for what it took: JSON with `cpu`, in seconds, and `left`, the processes that outlived it
    #[arg(long)]
    report: PathBuf,
    /// The command and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<OsString>,
}

/// Runs it; the exit code is the command's, or 1 where a signal ended it.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let parent = getppid();
    set_child_subreaper(Some(getpid())).context("become the parent of orphans")?;
    let (program, rest) = arguments.command.split_first().context("a command")?;
    let child = Command::new(program).args(rest).spawn();
    let child = child.with_context(|| format!("start {}", program.display()))?;
    let child = Pid::from_child(&child);
    let status = reap_until(child, parent)?;
    let left = reap_the_rest();
    let report = json!({"cpu": cpu_of_children().as_secs_f64(), "left": left});
    std::fs::write(&arguments.report, report.to_string())
        .with_context(|| format!("write {}", arguments.report.display()))?;
    if let Some(signal) = status.terminating_signal() {
        eprintln!("{} was ended by signal {signal}", program.display());
    }
    Ok(ExitCode::from(
        status
            .exit_status()
            .and_then(|code| u8::try_from(code).ok())
            .unwrap_or(1),
    ))
}

/// Waits for the command, and meanwhile for orphans. If whoever started this process was killed alone, nobody waits for the
/// result, and nobody else ends what runs here.
fn reap_until(child: Pid, parent: Option<Pid>) -> Result<WaitStatus> {
    loop {
        match wait(WaitOptions::NOHANG).context("wait for the command")? {
            Some((pid, status)) if pid == child => return Ok(status),
            Some(_) => {}
            None if getppid() != parent => {
                kill_children(&mut Vec::new());
                bail!("whoever started this is gone");
            }
            None => std::thread::sleep(TICK),
        }
    }
}

/// Waits for what the command left; gives what did not end by itself, which is killed.
fn reap_the_rest() -> Vec<String> {
    let end = Instant::now() + PATIENCE;
    let mut left = Vec::new();
    loop {
        match wait(WaitOptions::NOHANG) {
            Ok(Some(_)) => {}
            // Nobody has ended, and somebody is there.
            Ok(None) if Instant::now() < end => std::thread::sleep(TICK),
            Ok(None) => kill_children(&mut left),
            // Nobody is there.
            Err(_) => return left,
        }
    }
}

/// Kills every child, and adds those to the list that are not on it.
fn kill_children(left: &mut Vec<String>) {
    for (pid, name) in children() {
        let line = format!("{name} ({})", pid.as_raw_nonzero());
        // It may end just now.
        let _ = kill_process(pid, Signal::KILL);
        if !left.contains(&line) {
            left.push(line);
        }
    }
    std::thread::sleep(TICK);
}

/// The children of this process, with the names of their programs (proc(5): the parent's id follows the state, which
/// follows the name in parentheses).
fn children() -> Vec<(Pid, String)> {
    let me = getpid().as_raw_nonzero().to_string();
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let child = |entry: std::fs::DirEntry| {
        let pid = Pid::from_raw(entry.file_name().to_str()?.parse().ok()?)?;
        let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
        let (name, rest) = stat.split_once('(')?.1.rsplit_once(") ")?;
        (rest.split(' ').nth(1)? == me).then(|| (pid, name.to_owned()))
    };
    entries.filter_map(child).collect()
}
