//! Checks that are no suites: format, lints, licences and known faults of dependencies.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use testkit::workspace;

use super::jobs::{Count, Job};
use super::load;
use super::suite;

/// The product with its own features alone.
pub(super) const CHECK: &str = "cargo check -p readmit";

/// Format and lints, in parallel with the suites. Clippy builds on one core, beside suites that wait.
pub(super) fn jobs(exhaustive: bool) -> Vec<Job> {
    let mut jobs = vec![
        cargo("cargo fmt --check", &["fmt", "--all", "--check"]),
        cargo(
            "cargo clippy",
            &[
                "clippy",
                "--workspace",
                "--all-targets",
                "--jobs=1",
                "--quiet",
                "--",
                "-D",
                "warnings",
            ],
        ),
    ];
    if exhaustive {
        // As the Dockerfile builds it.
        jobs.push(cargo(CHECK, &["check", "--package", "readmit", "--locked", "--quiet"]));
    }
    jobs
}

fn cargo(name: &str, args: &[&str]) -> Job {
    let mut command = suite::cargo();
    command.args(args);
    Job {
        name: name.to_owned(),
        load: load::of(name),
        command,
        count: Count::One,
    }
}

/// What `cargo deny` looks at, in two calls: what it needs no network for, and the list of known faults.
const DENY: &[(&str, &[&str])] = &[
    ("cargo deny", &["bans", "licenses", "sources"]),
    ("cargo deny advisories", &["advisories"]),
];

/// `cargo deny`, the one check that may be skipped where everything is required: it, or its list of known faults, cannot
/// be had everywhere. Gives the jobs, and the skips with their reasons.
pub(super) fn deny(install: bool) -> (Vec<Job>, Vec<Skip>) {
    let (mut jobs, mut skips) = (Vec::new(), Vec::new());
    let program = match deny_program(install) {
        Ok(program) => program,
        Err(error) => {
            let why = format!("{error:#}");
            skips.extend(DENY.iter().map(|(name, _)| Skip { name, why: why.clone() }));
            return (jobs, skips);
        }
    };
    for (name, what) in DENY {
        if what.contains(&"advisories")
            && let Err(why) = fetch_advisories(&program)
        {
            let why = format!("its list of known faults cannot be had here: {why:#}");
            skips.push(Skip { name, why });
            continue;
        }
        let mut command = Command::new(&program);
        command.current_dir(workspace::root()).arg("check");
        if what.contains(&"advisories") {
            // As it was fetched above: what the network does now is no failure.
            command.arg("--disable-fetch");
        }
        command.args(*what);
        jobs.push(Job {
            name: (*name).to_owned(),
            load: load::of(name),
            command,
            count: Count::One,
        });
    }
    (jobs, skips)
}

/// A check that cannot be run here.
pub(super) struct Skip {
    pub(super) name: &'static str,
    pub(super) why: String,
}

/// cargo-deny on the path, or the workspace's own.
fn deny_program(install: bool) -> Result<PathBuf> {
    let root = workspace::target_dir().join("tools");
    let own = root.join("bin/cargo-deny");
    for program in [PathBuf::from("cargo-deny"), own.clone()] {
        let asked = Command::new(&program)
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        if asked.is_ok_and(|status| status.success()) {
            return Ok(program);
        }
    }
    if !install {
        bail!("cargo-deny is not installed; `cargo install --locked cargo-deny`, or run with --exhaustive");
    }
    let installed = suite::cargo()
        .args(["install", "--quiet", "--locked", "cargo-deny", "--root"])
        .arg(&root)
        .status()
        .context("run cargo install")?;
    if !installed.success() {
        bail!("cargo-deny could not be installed; see cargo's messages above");
    }
    Ok(own)
}

fn fetch_advisories(program: &PathBuf) -> Result<()> {
    let output = Command::new(program)
        .current_dir(workspace::root())
        .args(["fetch", "db"])
        .output()
        .context("run cargo deny fetch")?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        let last = text
            .lines()
            .rfind(|line| !line.trim().is_empty())
            .unwrap_or("no message");
        bail!("{}", last.trim());
    }
    Ok(())
}
