//! `readmit-bench`: measures the operator and a peer on one API server, and prints one JSON object. `cargo xtask bench`
//! builds everything and calls it; docs/performance.md says what is measured how, and what came of it.
//!
//! Both do the same job on the same machine, in turns: while one is measured the other is not running. Progress goes
//! to standard error.

mod calls;
mod lab;
mod load;
mod memory;
mod plan;
mod process;
mod report;
mod sandbox;
mod scale;
mod speed;
mod stats;
mod subject;
mod watch;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow};
use clap::{Parser, ValueEnum};

use lab::Lab;
use plan::Plan;
use report::Report;

/// What to run, and how much of it.
#[derive(Parser)]
#[command(name = "readmit-bench")]
struct Arguments {
    /// The operator's program
    #[arg(long)]
    operator: PathBuf,
    /// The sandbox's program
    #[arg(long)]
    sandbox: PathBuf,
    /// The peer's program
    #[arg(long)]
    peer: PathBuf,
    /// A tenth of it, once, and without the 100,000 retained requests
    #[arg(long)]
    quick: bool,
    /// Only these parts
    #[arg(long)]
    only: Vec<Part>,
    /// The peer acts on a kind of its own, and not on AccountUnlockRequests
    #[arg(long)]
    bare_kind: bool,
    /// The peer says in its status only how it ended, and not to which account, what was done and since when
    #[arg(long)]
    terse: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    Burst,
    Calls,
    Memory,
    Scale,
}

/// Says on standard error how far it is.
macro_rules! progress {
    ($($text:tt)*) => { eprintln!("bench: {}", format_args!($($text)*)) };
}
pub(crate) use progress;

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(report) => {
            println!("{report}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<Report> {
    let installed = rustls::crypto::aws_lc_rs::default_provider().install_default();
    installed.map_err(|_| anyhow!("another TLS provider was installed before ours"))?;
    let plan = if arguments.quick { Plan::quick() } else { Plan::full() };
    let wanted = |part| arguments.only.is_empty() || arguments.only.contains(&part);
    let programs = lab::Programs {
        operator: arguments.operator.clone(),
        sandbox: arguments.sandbox.clone(),
        peer: arguments.peer.clone(),
    };
    let mut lab =
        Lab::open(programs, arguments.bare_kind, arguments.terse).context("set up the API server and the sandbox")?;
    subject::enforce_identity(&lab).context("start the operator for the first time")?;
    let mut report = Report::default();
    if wanted(Part::Burst) {
        speed::measure(&mut lab, &plan, &mut report).context("measure bursts and steady load")?;
    }
    if wanted(Part::Calls) {
        calls::measure(&mut lab, &plan, &mut report).context("count calls")?;
    }
    if wanted(Part::Memory) {
        memory::measure(&mut lab, &plan, &mut report).context("measure memory")?;
    }
    if let (true, Some(retained)) = (wanted(Part::Scale), plan.retained) {
        scale::measure(&mut lab, retained, &mut report).context("measure with retained requests")?;
    }
    Ok(report)
}
