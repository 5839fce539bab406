//! `cargo xtask test`: format, lints, licences and every suite of the workspace, one line each, skips included.
//!
//! Suites start the servers that they need themselves; what those are made of is built and installed here first, so
//! that the minutes this takes are not counted as some test's.

pub(crate) mod suite;
mod tally;

use std::io::Write;
use std::num::NonZero;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use testkit::{assets, dirsrv, packages, slapd, workspace};

use suite::Suite;
use tally::Tally;

/// What to run, and how strictly.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Fail where a test would be skipped, and run ignored tests too
    #[arg(long)]
    require_all: bool,
    /// Run only suites whose name contains one of these words, and no checks
    words: Vec<String>,
}

/// Runs everything; the exit code is a failure if anything failed. The last line is always the sum.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let logs = workspace::target_dir().join("test-logs");
    std::fs::create_dir_all(&logs).with_context(|| format!("make the folder {}", logs.display()))?;
    let mut run = Run {
        require_all: arguments.require_all,
        logs,
        total: Tally::default(),
    };
    if let Err(error) = run.all(&arguments.words) {
        // What could not even be run is no pass.
        println!("stopped early: {error:#}");
        run.total.failed += 1;
    }
    println!("{}", run.total);
    Ok(if run.total.failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// How many tests of a suite run at once; libtest reads it.
const THREADS: &str = "RUST_TEST_THREADS";

struct Run {
    require_all: bool,
    logs: PathBuf,
    total: Tally,
}

impl Run {
    fn all(&mut self, words: &[String]) -> Result<()> {
        self.prepare()?;
        println!(
            "{:<44}{:>6}{:>8}{:>8}{:>9}{:>9}",
            "suite", "run", "passed", "failed", "skipped", "seconds"
        );
        if words.is_empty() {
            self.checks()?;
        }
        let mut suites = suite::discover()?;
        suites.retain(|suite| words.is_empty() || words.iter().any(|word| suite.name.contains(word)));
        if suites.is_empty() {
            bail!("no suite is called like {}", words.join(" or "));
        }
        suites.iter().try_for_each(|suite| self.suite(suite))
    }

    /// Builds and installs what suites need (one that is run alone sees to it by itself). What cannot be had here is said now; the suites that need it will skip,
    /// or fail where all are required.
    fn prepare(&self) -> Result<()> {
        let prepared = [
            packages::ensure(slapd::PACKAGES),
            packages::ensure(dirsrv::PACKAGES),
            assets::ensure().map(drop),
            assets::helm().map(drop),
            assets::bench_peer().map(drop),
        ];
        for error in prepared.into_iter().filter_map(Result::err) {
            if !error.chain().any(|cause| cause.is::<testkit::skip::Missing>()) {
                return Err(error);
            }
            let consequence = if self.require_all {
                "will fail"
            } else {
                "will be skipped"
            };
            eprintln!("tests that need it {consequence}: {error:#}");
        }
        Ok(())
    }

    fn checks(&mut self) -> Result<()> {
        self.check("cargo fmt --check", &["fmt", "--all", "--check"])?;
        self.check(
            "cargo clippy",
            &[
                "clippy",
                "--workspace",
                "--all-targets",
                "--quiet",
                "--",
                "-D",
                "warnings",
            ],
        )?;
        let deny = suite::cargo()
            .args(["deny", "--version"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        if deny.is_ok_and(|status| status.success()) {
            self.check("cargo deny", &["deny", "check", "bans", "licenses", "sources"])?;
        } else {
            println!(
                "{:<44}not run: cargo-deny is not installed (cargo install cargo-deny)",
                "cargo deny"
            );
        }
        Ok(())
    }

    /// A cargo command that counts as one test.
    fn check(&mut self, name: &str, args: &[&str]) -> Result<()> {
        self.row(name, suite::cargo().args(args), |_, success| Tally::one(success))
    }

    fn suite(&mut self, suite: &Suite) -> Result<()> {
        let skips = self.logs.join("skips");
        remove_if_there(&skips)?;
        let mut command = suite.command();
        command.env(testkit::skip::SKIPS_FILE, &skips);
        if std::env::var_os(THREADS).is_none() {
            command.env(THREADS, threads().to_string());
        }
        if self.require_all {
            command.env(testkit::skip::REQUIRE_ALL, "1");
            command.arg("--include-ignored");
        }
        let require_all = self.require_all;
        // The file is there only if a test was skipped.
        let noted = || std::fs::read_to_string(&skips).unwrap_or_default();
        self.row(&suite.name, &mut command, |output, success| {
            Tally::of_libtest(output, success).with_skips(noted().lines().count(), require_all)
        })?;
        for line in noted().lines() {
            println!("    skipped {}", line.replace('\t', ": "));
        }
        Ok(())
    }

    /// Runs a command with its output in a log file, prints its line, and on failure the output.
    fn row(&mut self, name: &str, command: &mut Command, count: impl FnOnce(&str, bool) -> Tally) -> Result<()> {
        let log = self.logs.join(format!("{}.log", name.replace(['/', ' '], "-")));
        let file = std::fs::File::create(&log).with_context(|| format!("create {}", log.display()))?;
        let errors = file.try_clone().context("duplicate the handle of the log file")?;
        print!("{name:<44}");
        std::io::stdout().flush().context("write to standard output")?;
        let began = Instant::now();
        let status = command.stdin(Stdio::null()).stdout(file).stderr(errors).status();
        let status = status.with_context(|| format!("run {}", command.get_program().display()))?;
        let output = String::from_utf8_lossy(&std::fs::read(&log).context("read the log file")?).into_owned();
        let tally = count(&output, status.success());
        println!(
            "{:>6}{:>8}{:>8}{:>9}{:>9.1}",
            tally.passed + tally.failed,
            tally.passed,
            tally.failed,
            tally.skipped,
            began.elapsed().as_secs_f32()
        );
        if tally.failed > 0 {
            println!("---- output of {name} ({status}) ----\n{output}---- end of {name} ----");
        }
        self.total += tally;
        Ok(())
    }
}

/// Tests wait for servers more than they compute: with one thread a core a third of the machine was idle, and the longest
/// suite took 220 s where it takes 126 s now (two cores).
fn threads() -> usize {
    2 * std::thread::available_parallelism().map_or(1, NonZero::get)
}

fn remove_if_there(file: &std::path::Path) -> Result<()> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("remove {}", file.display()))
        }
        _ => Ok(()),
    }
}
