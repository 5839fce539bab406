//! `cargo xtask test`: format, lints, licences and every suite of the workspace, one row each, skips included.
//!
//! Suites start the servers that they need themselves; what those are made of is built and installed here first, beside
//! cargo, so that the minutes this takes are not counted as some test's.

mod checks;
pub(crate) mod confine;
mod jobs;
mod load;
mod report;
mod sample;
mod schedule;
mod shared;
pub(crate) mod suite;
mod tally;

use std::num::NonZero;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use testkit::process::cpu_of_children;
use testkit::{assets, dirsrv, packages, slapd, workspace};

use jobs::{Count, Job, Runner};
use shared::SharedKeycloak;
use suite::{Suite, Target};
use tally::Tally;

/// The crash sweep, of which a run holds a sample.
const SWEEP: &str = "sweep tests/cases";

/// Which sample it runs; who sets it chooses the sample.
const SHARD: &str = "SWEEP_SHARD";

/// Suites that only an exhaustive run holds, unless they are asked for by a word.
const EXHAUSTIVE: &[&str] = &["xtask tests/bench"];

/// What to run, and how strictly.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Fail where a test would be skipped, and run ignored tests too; only cargo-deny may be missing, which is printed
    #[arg(long)]
    require_all: bool,
    /// Run every case of the crash sweep, and what else is left out otherwise: the benchmark's test, a build of the product
    /// with its own features alone
    #[arg(long)]
    exhaustive: bool,
    /// Run only suites whose name contains one of these words, and no checks; only they are built
    words: Vec<String>,
}

/// Runs everything; the exit code is a failure if anything failed. The last line is always the sum.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let logs = workspace::target_dir().join("test-logs");
    std::fs::create_dir_all(&logs).with_context(|| format!("make the folder {}", logs.display()))?;
    let run = Run { arguments, logs };
    let total = run.all().unwrap_or_else(|error| {
        // What could not even be run is no pass.
        println!("stopped early: {error:#}");
        Tally::one(false)
    });
    println!("{total}");
    Ok(if total.failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// How many tests of a suite run at once; libtest reads it.
const THREADS: &str = "RUST_TEST_THREADS";

struct Run<'a> {
    arguments: &'a Arguments,
    logs: PathBuf,
}

impl Run<'_> {
    fn all(&self) -> Result<Tally> {
        let began = Instant::now();
        let targets = self.chosen()?;
        report::header();
        let keycloak = SharedKeycloak::begin(targets.iter().map(|target| target.suite.as_str()))?;
        let suites = self.build(&targets)?;
        let mut total = Tally::default();
        let mut jobs = Vec::new();
        if self.is_whole() {
            jobs.extend(checks::jobs(self.arguments.exhaustive));
            let (deny, skips) = checks::deny(self.arguments.exhaustive);
            jobs.extend(deny);
            for skip in skips {
                let tally = Tally::one_skipped();
                report::row(skip.name, &tally, Duration::ZERO, Duration::ZERO);
                println!("    skipped {}: {}", skip.name, skip.why);
                total += tally;
            }
        }
        jobs.extend(suites.iter().map(|suite| self.job(suite, keycloak.as_ref())));
        jobs.sort_by_key(|job| load::order(&job.name));
        let runner = Runner {
            logs: self.logs.clone(),
            require_all: self.arguments.require_all,
        };
        total += runner.all(jobs)?;
        keycloak.map_or(Ok(()), SharedKeycloak::end)?;
        report::uncounted("all of it", began.elapsed(), cpu_of_children());
        Ok(total)
    }

    fn is_whole(&self) -> bool {
        self.arguments.words.is_empty()
    }

    /// The targets that the words choose.
    fn chosen(&self) -> Result<Vec<Target>> {
        let (words, exhaustive) = (&self.arguments.words, self.arguments.exhaustive);
        let mut targets = suite::targets()?;
        targets.retain(|target| match words.as_slice() {
            [] => exhaustive || !EXHAUSTIVE.contains(&target.suite.as_str()),
            words => words.iter().any(|word| target.suite.contains(word)),
        });
        for word in words {
            if !targets.iter().any(|target| target.suite.contains(word)) {
                bail!("no suite name contains {word}");
            }
        }
        Ok(targets)
    }

    /// Builds the suites, and beside cargo what their servers are made of.
    fn build(&self, targets: &[Target]) -> Result<Vec<Suite>> {
        let (began, spent) = (Instant::now(), cpu_of_children());
        let suites = std::thread::scope(|scope| {
            let prepared = scope.spawn(|| if self.is_whole() { self.prepare() } else { Ok(()) });
            let suites = suite::build(targets, self.is_whole());
            let prepared = prepared
                .join()
                .unwrap_or_else(|_| Err(anyhow!("preparing servers panicked")));
            prepared.and(suites)
        })?;
        report::uncounted("building", began.elapsed(), cpu_of_children().saturating_sub(spent));
        Ok(suites)
    }

    /// Builds and installs what suites need; one that is run by its name sees to it by itself. What cannot be had here is
    /// said now; the suites that need it will skip, or fail where all are required.
    fn prepare(&self) -> Result<()> {
        let prepared = [
            packages::ensure(slapd::PACKAGES),
            packages::ensure(dirsrv::PACKAGES),
            assets::ensure().map(drop),
            assets::helm().map(drop),
        ];
        for error in prepared.into_iter().filter_map(Result::err) {
            if !error.chain().any(|cause| cause.is::<testkit::skip::Missing>()) {
                return Err(error);
            }
            let consequence = if self.arguments.require_all {
                "will fail"
            } else {
                "will be skipped"
            };
            eprintln!("tests that need it {consequence}: {error:#}");
        }
        Ok(())
    }

    fn job(&self, suite: &Suite, keycloak: Option<&SharedKeycloak>) -> Job {
        let mut command = suite.command();
        if let Some(keycloak) = keycloak {
            command.env(testkit::keycloak::FOLDER, keycloak.folder());
        }
        if std::env::var_os(THREADS).is_none() {
            command.env(THREADS, threads().to_string());
        }
        if self.arguments.require_all {
            command.env(testkit::skip::REQUIRE_ALL, "1");
            command.arg("--include-ignored");
        }
        if suite.name == SWEEP && self.arguments.exhaustive {
            command.env_remove(SHARD);
        } else if suite.name == SWEEP && std::env::var_os(SHARD).is_none() {
            let sample = sample::of_commit();
            command.env(SHARD, sample.shard.to_string());
            command.env("SWEEP_SEED", sample.seed.to_string());
            println!(
                "{SWEEP} runs sample {} (of 0 to 7) with seed {}, chosen by the commit; --exhaustive runs every case",
                sample.shard, sample.seed
            );
        }
        Job {
            name: suite.name.clone(),
            load: load::of(&suite.name),
            command,
            count: Count::Tests,
        }
    }
}

/// Tests wait for servers more than they compute: with one thread a core a third of the machine was idle, and the longest
/// suite took 220 s where it takes 126 s now (two cores).
fn threads() -> usize {
    2 * std::thread::available_parallelism().map_or(1, NonZero::get)
}
