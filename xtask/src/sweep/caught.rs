//! `cargo xtask sweep --caught NAME`: which cases of the whole sweep catch a patch of `sweep/patches`. Written to
//! `NAME.caught` are those that fail twice: a case that a busy machine failed once is no witness.
//!
//! The patch is put into a worktree of its own, so that the checkout stays as it is, with a target folder of its own: cargo
//! takes the crates of two worktrees for the same, and these know where they were built.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use testkit::workspace;

use super::Arguments;
use crate::test::suite::cargo;

/// Programs with the patch in them.
struct Patched {
    name: String,
    programs: PathBuf,
}

/// Runs the whole sweep with each patch, and what failed once more, and writes the lists. All of them are built first, so that
/// other builds may go on meanwhile.
///
/// # Errors
/// Where a patch does not apply or compile, or where no case failed both times.
pub(super) fn run(arguments: &Arguments) -> Result<()> {
    let patches = arguments.caught.iter().map(|name| Patched::build(name));
    let patches = patches.collect::<Result<Vec<_>>>()?;
    let errors: Vec<String> = patches
        .iter()
        .filter_map(|patched| patched.list(arguments).err())
        .map(|error| format!("{error:#}"))
        .collect();
    if !errors.is_empty() {
        bail!("{}", errors.join("\n"));
    }
    Ok(())
}

impl Patched {
    /// The programs are copied away, since the next build of the sweep puts others into their place.
    fn build(name: &str) -> Result<Self> {
        let tree = workspace::target_dir().join("patched/tree");
        checked(git(workspace::root()).args(["worktree", "prune"]))?;
        if !tree.exists() {
            checked(git(workspace::root()).args(["worktree", "add", "--detach"]).arg(&tree))?;
        }
        let head = checked(git(workspace::root()).args(["rev-parse", "HEAD"]))?;
        checked(git(&tree).args(["checkout", "--force", "--detach", head.trim()]))?;
        let patch = workspace::root().join(format!("sweep/patches/{name}.patch"));
        checked(git(&tree).arg("apply").arg(patch))?;
        let target = workspace::target_dir().join("patched/target");
        let mut build = cargo();
        build.current_dir(&tree).env("CARGO_TARGET_DIR", &target);
        build.args([
            "build",
            "--quiet",
            "--locked",
            "--package",
            "sweep",
            "--features",
            "failpoints",
        ]);
        for program in PROGRAMS {
            build.args(["--bin", program]);
        }
        if !build.status().context("run cargo build")?.success() {
            bail!("{name} does not compile; see cargo's messages above");
        }
        let programs = workspace::target_dir().join("patched").join(name);
        std::fs::create_dir_all(&programs).with_context(|| format!("make the folder {}", programs.display()))?;
        for program in PROGRAMS {
            std::fs::copy(target.join("debug").join(program), programs.join(program))
                .with_context(|| format!("keep {program}"))?;
        }
        let name = name.to_owned();
        Ok(Self { name, programs })
    }

    fn list(&self, arguments: &Arguments) -> Result<()> {
        let name = &self.name;
        let once = self.failed("all", arguments, &BTreeSet::new())?;
        println!("{name}: {} cases failed once", once.len());
        let again = match once.is_empty() {
            true => BTreeSet::new(),
            false => self.failed("again", arguments, &once)?,
        };
        let caught: Vec<&str> = once.intersection(&again).map(String::as_str).collect();
        if caught.is_empty() {
            bail!("no case catches {name} twice");
        }
        let file = workspace::root().join(format!("sweep/patches/{name}.caught"));
        std::fs::write(&file, caught.join("\n") + "\n").with_context(|| format!("write {}", file.display()))?;
        println!("{name}: {} cases failed twice, see {}", caught.len(), file.display());
        Ok(())
    }

    /// The names of the cases that the checker finds fault with, of these or of all.
    fn failed(&self, what: &str, arguments: &Arguments, cases: &BTreeSet<String>) -> Result<BTreeSet<String>> {
        let histories = self.programs.join(what);
        // What an earlier run left there says nothing about this one.
        if histories.exists() {
            std::fs::remove_dir_all(&histories).with_context(|| format!("empty {}", histories.display()))?;
        }
        let mut runner = Command::new(self.programs.join("sweep-run"));
        runner.arg("--program").arg(self.programs.join("readmit-failpoints"));
        runner
            .arg("--out")
            .arg(&histories)
            .args(["--seed", &arguments.seed.to_string()]);
        if let Some(lanes) = arguments.lanes {
            runner.args(["--lanes", &lanes.to_string()]);
        }
        // The worktree has no control plane of its own.
        runner.env("CARGO_TARGET_DIR", workspace::target_dir());
        for case in cases {
            runner.args(["--case", case]);
        }
        // Cases that could not be carried out have no whole history, and so are found fault with.
        runner.stdout(Stdio::null()).status().context("run sweep-run")?;
        let checker = Command::new(self.programs.join("sweep-check")).arg(&histories).output();
        let said = checker.with_context(|| format!("judge the histories of {}", self.name))?;
        let said = String::from_utf8_lossy(&said.stdout).into_owned();
        let failed = said.lines().filter_map(|line| line.strip_prefix("FAILED "));
        Ok(failed.map(|name| name.trim().to_owned()).collect())
    }
}

const PROGRAMS: [&str; 3] = ["readmit-failpoints", "sweep-run", "sweep-check"];

fn git(folder: &Path) -> Command {
    let mut command = Command::new("git");
    command.current_dir(folder);
    command
}

fn checked(command: &mut Command) -> Result<String> {
    let output = command.output().context("run git")?;
    if !output.status.success() {
        bail!("{command:?} failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
