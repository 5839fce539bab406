//! `cargo xtask sweep`: builds the operator with failpoints, runs the crash sweep and judges it.

mod caught;

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use testkit::workspace;

use crate::test::suite::cargo;

/// Which cases, and how.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Only cases of this name, or whose name contains it; may be repeated
    #[arg(long = "case", value_name = "NAME")]
    cases: Vec<String>,
    /// Everything that is left to chance follows from it
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only this sample of the eight (0 to 7); the seed has a say in what it holds
    #[arg(long, value_name = "K")]
    shard: Option<u64>,
    /// How many cases run at once, each on servers of its own
    #[arg(long)]
    lanes: Option<usize>,
    /// Run the whole sweep with each of these patches of sweep/patches, and write which cases catch it to NAME.caught; takes
    /// as long as the whole sweep, and the checkout stays as it is
    #[arg(long, value_name = "NAME", num_args = 1.., conflicts_with_all = ["cases", "shard", "list"])]
    caught: Vec<String>,
    /// Print the names of the cases, and run none
    #[arg(long)]
    list: bool,
}

/// Runs the cases; the exit code is the checker's.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    if !arguments.caught.is_empty() {
        return caught::run(arguments).map(|()| ExitCode::SUCCESS);
    }
    let mut build = cargo();
    build.args(["build", "--package", "sweep", "--features", "failpoints", "--bins"]);
    if !build.status().context("run cargo build")?.success() {
        bail!("the sweep does not compile; see cargo's messages above");
    }
    let programs = workspace::target_dir().join("debug");
    let histories = workspace::target_dir().join("sweep");
    let mut runner = Command::new(programs.join("sweep-run"));
    runner.arg("--program").arg(programs.join("readmit-failpoints"));
    runner.arg("--out").arg(&histories);
    runner.args(["--seed", &arguments.seed.to_string()]);
    for case in &arguments.cases {
        runner.args(["--case", case]);
    }
    if let Some(shard) = arguments.shard {
        runner.args(["--shard", &shard.to_string()]);
    }
    if let Some(lanes) = arguments.lanes {
        runner.args(["--lanes", &lanes.to_string()]);
    }
    if arguments.list {
        runner.arg("--list");
        return Ok(exit(runner.status().context("run sweep-run")?.success()));
    }
    let carried_out = runner.status().context("run sweep-run")?.success();
    let good = judge(&programs, &histories)?;
    Ok(exit(carried_out && good))
}

/// Whether the checker finds nothing wrong. It says what it finds.
fn judge(programs: &Path, histories: &Path) -> Result<bool> {
    let mut checker = Command::new(programs.join("sweep-check"));
    let status = checker.arg(histories).status().context("run sweep-check")?;
    Ok(status.success())
}

fn exit(success: bool) -> ExitCode {
    if success { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
