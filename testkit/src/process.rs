//! Child processes that log to a file and never outlive the test: killed by id on drop, and by the
//! [watchdog](crate::watchdog) when this process is killed itself.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::{wait, watchdog};

/// A running (or ended) child.
pub struct Child {
    name: String,
    log: PathBuf,
    inner: std::process::Child,
    exited: Option<ExitStatus>,
    left_running: bool,
}

impl Child {
    /// Starts `command` with standard output and error appended to `log`, in a process group of its own, so that
    /// Ctrl-C in a terminal reaches only the parent. `name` is for messages.
    pub fn spawn(name: &str, command: &mut Command, log: &Path) -> Result<Self> {
        let out = append(log)?;
        let err = out.try_clone().context("duplicate the handle of the log file")?;
        let inner = command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .spawn()
            .with_context(|| format!("start {name} ({})", command.get_program().display()))?;
        watchdog::watch_process(inner.id());
        Ok(Self {
            name: name.to_owned(),
            log: log.to_owned(),
            inner,
            exited: None,
            left_running: false,
        })
    }

    pub fn pid(&self) -> u32 {
        self.inner.id()
    }

    pub fn log_file(&self) -> &Path {
        &self.log
    }

    /// Everything that it has written so far.
    pub fn log(&self) -> String {
        std::fs::read(&self.log).map_or_else(
            |e| format!("({e})"),
            |bytes| String::from_utf8_lossy(&bytes).into_owned(),
        )
    }

    /// The exit status, if it has ended.
    pub fn exit_status(&mut self) -> Result<Option<ExitStatus>> {
        if self.exited.is_none() && self.has_ended() {
            watchdog::forget_process(self.pid());
            self.exited = Some(self.inner.wait().with_context(|| format!("wait for {}", self.name))?);
        }
        Ok(self.exited)
    }

    /// Fails, with the end of the log, if it has ended. For use while waiting for it to become ready.
    pub fn check_running(&mut self) -> Result<()> {
        match self.exit_status()? {
            None => Ok(()),
            Some(status) => bail!(
                "{} ended with {status}; the end of {}:\n{}",
                self.name,
                self.log.display(),
                self.log_tail()
            ),
        }
    }

    /// Waits until it ends by itself.
    pub fn wait(&mut self, timeout: Duration) -> Result<ExitStatus> {
        let what = format!("{} to end", self.name);
        let ended = wait::until(&what, timeout, || self.exit_status().transpose());
        match ended {
            Ok(status) => status,
            Err(error) => Err(error.context(format!("the end of {}:\n{}", self.log.display(), self.log_tail()))),
        }
    }

    /// Sends a signal by name, such as `STOP`, `CONT` or `TERM`. A child that has ended
    /// already is left alone.
    pub fn signal(&mut self, name: &str) -> Result<()> {
        if self.exit_status()?.is_some() {
            return Ok(());
        }
        // Not reaped yet, so the id is still this child's. The shell has `kill` built in; the program of that name is
        // in a package that small systems lack.
        let script = format!("kill -{name} {}", self.pid());
        let status = Command::new("/bin/sh")
            .args(["-c", &script])
            .status()
            .context("run /bin/sh")?;
        if !status.success() {
            bail!("kill -{name} of {} (process {}) failed", self.name, self.pid());
        }
        Ok(())
    }

    /// SIGTERM, then waits for the end; after `timeout` SIGKILL, which is reported as an error.
    pub fn terminate(&mut self, timeout: Duration) -> Result<ExitStatus> {
        self.signal("TERM")?;
        let ended = self.wait(timeout);
        if ended.is_err() {
            self.kill();
        }
        ended.with_context(|| format!("{} did not end after SIGTERM and was killed", self.name))
    }

    /// SIGKILL, and waits for the end. Harmless if it has ended already.
    pub fn kill(&mut self) {
        if self.exited.is_some() {
            return;
        }
        // It may have ended just now: then killing fails and waiting succeeds.
        let _ = self.inner.kill();
        watchdog::forget_process(self.pid());
        self.exited = self.inner.wait().ok();
    }

    /// Lets it live on after this process, and gives its id. For a demo that leaves its servers up.
    pub fn leave_running(mut self) -> u32 {
        watchdog::forget_process(self.pid());
        self.left_running = true;
        self.pid()
    }

    /// The last 40 lines of the log.
    pub fn log_tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }

    /// Whether it is a zombie: ended, but not reaped. Asked before `wait`, so that the watchdog forgets the id while
    /// it is still this child's.
    fn has_ended(&self) -> bool {
        let Ok(stat) = std::fs::read_to_string(format!("/proc/{}/stat", self.pid())) else {
            return true;
        };
        // The state follows the command in parentheses, which may itself contain some.
        stat.rsplit_once(") ")
            .is_none_or(|(_, rest)| rest.starts_with(['Z', 'X']))
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if !self.left_running {
            self.kill();
        }
    }
}

/// Runs a command with a text as its standard input.
pub fn with_input(command: &mut Command, input: &str) -> Result<Output> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("start {}", command.get_program().display()))?;
    let mut stdin = child.stdin.take().context("its standard input is a pipe")?;
    let input = input.to_owned();
    // From a thread: a program that writes much before it has read all would otherwise wait for us and we for it.
    // One that ends without reading all of it tells why on its standard error.
    let writer = std::thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
    let output = child.wait_with_output().context("wait for the command's end")?;
    drop(writer.join());
    Ok(output)
}

/// The CPU time of all children of this process that have ended and were waited for, and of theirs.
pub fn cpu_of_children() -> Duration {
    // proc(5): cutime and cstime are the fields 16 and 17, the third follows the name in parentheses. In hundredths of a
    // second on every Linux (USER_HZ).
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit_once(") ").unwrap_or_default().1.split(' ').collect();
    let ticks = |at: usize| fields.get(at - 3).and_then(|field| field.parse::<u64>().ok());
    let ticks = ticks(16).unwrap_or_default() + ticks(17).unwrap_or_default();
    Duration::from_millis(10 * ticks)
}

fn append(log: &Path) -> Result<File> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(log)
        .with_context(|| format!("open the log file {}", log.display()))
}

/// A temporary folder, removed on drop and when this process is killed.
pub struct Scratch {
    dir: Option<tempfile::TempDir>,
}

impl Scratch {
    pub fn new(prefix: &str) -> Result<Self> {
        let dir = tempfile::Builder::new()
            .prefix(prefix)
            .tempdir()
            .context("make a temporary folder")?;
        watchdog::watch_path(dir.path());
        Ok(Self { dir: Some(dir) })
    }

    pub fn path(&self) -> &Path {
        self.dir.as_ref().expect("it is taken only on drop").path()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Some(dir) = self.dir.take() {
            let path = dir.path().to_owned();
            // What could not be removed now, the watchdog tries again.
            if dir.close().is_ok() {
                watchdog::forget_path(&path);
            }
        }
    }
}
