//! Runs cases of the crash sweep and records their histories. Judging is for `sweep-check`.

use anyhow::{Context, Result, ensure};
use clap::Parser;
use std::{path::PathBuf, process::ExitCode, time::Instant};
use sweep::{
    case::Case,
    cases, caught,
    runner::{self, Plan},
    sample,
};

/// Runs cases of the crash sweep.
#[derive(Parser)]
#[command(name = "sweep-run")]
struct Arguments {
    /// The operator with failpoints (cargo build -p sweep --features failpoints --bin readmit-failpoints)
    #[arg(long)]
    program: PathBuf,
    /// Where histories and logs go
    #[arg(long)]
    out: PathBuf,
    /// Only cases of this name, or whose name contains it; may be repeated
    #[arg(long = "case", value_name = "NAME")]
    cases: Vec<String>,
    /// Everything that is left to chance follows from it
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only this sample of the eight; the seed has a say in what it holds
    #[arg(long, value_parser = clap::value_parser!(u64).range(..sample::SHARDS))]
    shard: Option<u64>,
    /// How many cases run at once, each on servers of its own
    #[arg(long, default_value_t = 8)]
    lanes: usize,
    /// Print the names of the cases, and run none
    #[arg(long)]
    list: bool,
}

impl Arguments {
    /// The cases of the sample, or all.
    fn part(&self) -> Result<Vec<Case>> {
        let all = cases::all();
        let Some(shard) = self.shard else { return Ok(all) };
        let caught: Vec<Vec<String>> = caught::lists()?.into_values().collect();
        Ok(sample::sample(&all, &caught, shard, self.seed))
    }

    fn what(&self) -> String {
        match self.shard {
            Some(shard) => format!("shard {shard}, seed {}", self.seed),
            None => format!("the whole sweep, seed {}", self.seed),
        }
    }
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let cases = runner::chosen(arguments.part()?, &arguments.cases);
    if arguments.list {
        cases.iter().for_each(|case| println!("{}", case.name));
        return Ok(ExitCode::SUCCESS);
    }
    ensure!(
        !cases.is_empty(),
        "no case is called like {}",
        arguments.cases.join(" or ")
    );
    let installed = rustls::crypto::aws_lc_rs::default_provider().install_default();
    ensure!(installed.is_ok(), "another TLS provider was installed before");
    testkit::assets::ensure().context("build the control plane")?;
    let (begun, count, what) = (Instant::now(), cases.len(), arguments.what());
    println!("runs {count} cases of {what}");
    let plan = Plan {
        program: arguments.program,
        folder: arguments.out,
        seed: arguments.seed,
        lanes: arguments.lanes,
        cases,
    };
    let report = runner::run(&plan)?;
    println!("ran {count} cases of {what} in {:.0} s", begun.elapsed().as_secs_f32());
    Ok(if report.broken.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
