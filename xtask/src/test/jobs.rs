//! Runs jobs side by side, as the schedule allows, and prints a row for each when it ends.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::Value;

use super::load::Load;
use super::report;
use super::schedule::Schedule;
use super::tally::Tally;

/// A command that is counted.
pub(super) struct Job {
    pub(super) name: String,
    pub(super) load: Load,
    pub(super) command: Command,
    pub(super) count: Count,
}

/// How a job's tests are counted.
#[derive(Clone, Copy)]
pub(super) enum Count {
    /// The command is one test.
    One,
    /// By the lines that test programs print.
    Tests,
}

/// So long may nothing be printed.
const QUIET: Duration = Duration::from_secs(300);

/// How jobs are run.
pub(super) struct Runner {
    /// A folder for logs, skips and accounts.
    pub(super) logs: PathBuf,
    pub(super) require_all: bool,
}

/// How a job ended.
struct Ended {
    tally: Tally,
    status: String,
    output: String,
    skips: Vec<String>,
    left: Vec<String>,
    time: Duration,
    cpu: Duration,
}

impl Runner {
    /// Runs them all, whatever becomes of some, and gives the sum.
    ///
    /// # Errors
    /// Where one could not even be started.
    pub(super) fn all(&self, jobs: Vec<Job>) -> Result<Tally> {
        let loads: Vec<Load> = jobs.iter().map(|job| job.load).collect();
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let mut schedule = Schedule::new(&loads, cores);
        let mut jobs: Vec<Option<Job>> = jobs.into_iter().map(Some).collect();
        let (mut total, mut running) = (Tally::default(), BTreeMap::new());
        let (sender, receiver) = mpsc::channel();
        std::thread::scope(|scope| {
            while !schedule.is_done() {
                while let Some(number) = schedule.start() {
                    let job = jobs[number].take().context("a job starts once")?;
                    running.insert(number, job.name.clone());
                    let sender = sender.clone();
                    scope.spawn(move || {
                        let (name, ended) = (job.name.clone(), self.run(job));
                        // Nobody listens any more where another job could not be run.
                        drop(sender.send((number, name, ended)));
                    });
                }
                let (number, name, ended) = next(&receiver, &running)?;
                running.remove(&number);
                schedule.ended(number);
                let ended = ended.with_context(|| format!("run {name}"))?;
                tell(&name, &ended);
                total += ended.tally;
            }
            Ok(total)
        })
    }

    fn run(&self, job: Job) -> Result<Ended> {
        let file = |suffix: &str| {
            self.logs
                .join(format!("{}.{suffix}", job.name.replace(['/', ' '], "-")))
        };
        let (log, skips, account) = (file("log"), file("skips"), file("account"));
        for old in [&skips, &account] {
            remove_if_there(old)?;
        }
        let mut command = confined(&job.command, &account);
        command.env(testkit::skip::SKIPS_FILE, &skips);
        let output = std::fs::File::create(&log).with_context(|| format!("create {}", log.display()))?;
        let errors = output.try_clone().context("duplicate the handle of the log file")?;
        let began = Instant::now();
        let status = command.stdin(Stdio::null()).stdout(output).stderr(errors).status();
        let status = status.context("run it")?;
        let time = began.elapsed();
        let output = String::from_utf8_lossy(&std::fs::read(&log).context("read the log file")?).into_owned();
        // The file is there only if a test was skipped.
        let noted = std::fs::read_to_string(&skips).unwrap_or_default();
        let skips: Vec<String> = noted.lines().map(|line| line.replace('\t', ": ")).collect();
        let (cpu, left) = read_account(&account);
        let tally = match job.count {
            Count::One => Tally::one(status.success()),
            Count::Tests => Tally::of_libtest(&output, status.success()).with_skips(skips.len(), self.require_all),
        };
        Ok(Ended {
            tally: tally.with_left_behind(left.len()),
            status: status.to_string(),
            output,
            skips,
            left,
            time,
            cpu,
        })
    }
}

/// The next job that ends. While none does, it is said now and then which are awaited: one may hang.
fn next<T>(receiver: &mpsc::Receiver<T>, running: &BTreeMap<usize, String>) -> Result<T> {
    loop {
        match receiver.recv_timeout(QUIET) {
            Err(mpsc::RecvTimeoutError::Timeout) => {
                let names: Vec<&str> = running.values().map(String::as_str).collect();
                println!("    still running: {}", names.join(", "));
            }
            ended => return ended.context("a job that runs tells its end"),
        }
    }
}

/// The same command with somebody above it who keeps its account; see [`crate::test::confine`].
fn confined(command: &Command, account: &Path) -> Command {
    // Not by its path, where another program stands once cargo has built this one anew.
    let mut confined = Command::new("/proc/self/exe");
    confined.arg("confine").arg("--report").arg(account).arg("--");
    confined.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => confined.env(name, value),
            None => confined.env_remove(name),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        confined.current_dir(folder);
    }
    confined
}

/// CPU time, and processes that outlived the job. Nothing where it was killed itself: then the job has failed.
fn read_account(file: &Path) -> (Duration, Vec<String>) {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let account: Value = serde_json::from_str(&text).unwrap_or_default();
    let left = account["left"].as_array().map(Vec::as_slice).unwrap_or_default();
    let left = left.iter().filter_map(|line| line.as_str().map(str::to_owned));
    let cpu = Duration::from_secs_f64(account["cpu"].as_f64().unwrap_or_default());
    (cpu, left.collect())
}

fn tell(name: &str, ended: &Ended) {
    report::row(name, &ended.tally, ended.time, ended.cpu);
    for skip in &ended.skips {
        println!("    skipped {skip}");
    }
    for process in &ended.left {
        println!("    left running, and killed: {process}");
    }
    if ended.tally.failed > 0 {
        let (status, output) = (&ended.status, &ended.output);
        println!("---- output of {name} ({status}) ----\n{output}---- end of {name} ----");
    }
}

fn remove_if_there(file: &Path) -> Result<()> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("remove {}", file.display()))
        }
        _ => Ok(()),
    }
}
