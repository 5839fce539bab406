//! `cargo xtask bench`: builds what is measured and what measures it, and hands over to `bench/`, which prints the
//! figures. What they mean, and what came of them, stands in docs/performance.md.

use std::process::{Command, ExitCode};

use anyhow::{Context, Result};
use testkit::{assets, workspace};

use crate::programs::{Profile, Programs};

/// What to measure, and how carefully.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// A tenth of it, once, and without 100,000 retained requests
    #[arg(long)]
    quick: bool,
    /// Development builds: says whether this command works, and nothing about speed
    #[arg(long)]
    dev: bool,
    /// Only these parts: burst (with steady), calls, memory, scale; the figures of others are null
    #[arg(long, value_name = "PART", value_delimiter = ',')]
    only: Vec<String>,
    /// Let the peer act on a bare kind of its own, without rules and admission policies, in the place of
    /// AccountUnlockRequests
    #[arg(long)]
    bare_kind: bool,
    /// Let the peer say in its status only how it ended, and not to which account, what was done and since when
    #[arg(long)]
    terse: bool,
}

/// Builds and measures. The figures go to standard output, everything else to standard error.
///
/// # Errors
/// When something cannot be built or started.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let profile = if arguments.dev { Profile::Dev } else { Profile::Release };
    eprintln!("bench: building the operator, the sandbox, the load generator and the peer ({profile:?})");
    // In one go, so that what they share is built once. What the load generator asks of it the operator asks too, so
    // that the operator has no other features than in the Dockerfile's build.
    let mut packages = vec!["readmit", "sandbox", "bench"];
    if arguments.dev {
        // Of libraries that are there already.
        packages.push("workspace-hack");
    }
    let built = Programs::build(&packages, profile)?;
    let peer = assets::bench_peer()?;
    let mut command = Command::new(built.path("readmit-bench")?);
    command
        .arg("--operator")
        .arg(built.path("readmit")?)
        .arg("--sandbox")
        .arg(built.path("readmit-sandbox")?)
        .arg("--peer")
        .arg(peer)
        .current_dir(workspace::root());
    if arguments.quick {
        command.arg("--quick");
    }
    if arguments.bare_kind {
        command.arg("--bare-kind");
    }
    if arguments.terse {
        command.arg("--terse");
    }
    for part in &arguments.only {
        command.args(["--only", part]);
    }
    let status = command.status().context("run the load generator")?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
