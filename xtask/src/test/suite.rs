//! The suites of the workspace: what `cargo test` would run, found by asking cargo, each a program of its own.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use testkit::workspace;

/// A test program.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Suite {
    /// As in `testkit tests/slapd`, `readmit unit`.
    pub(crate) name: String,
    file: PathBuf,
    package_dir: PathBuf,
}

/// What a suite is made from, known without building anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// The name of the suite.
    pub(crate) suite: String,
    package: String,
    /// As cargo's options name it: `--lib`, or `--test NAME`.
    options: Vec<String>,
}

/// Every target of the workspace with tests, in the order of their names.
pub(crate) fn targets() -> Result<Vec<Target>> {
    let output = cargo()
        .args(["metadata", "--no-deps", "--format-version=1"])
        .stderr(Stdio::inherit())
        .output()
        .context("run cargo metadata")?;
    if !output.status.success() {
        bail!("cargo metadata failed; see its messages above");
    }
    let metadata: Value = serde_json::from_slice(&output.stdout).context("cargo metadata prints JSON")?;
    let mut targets: Vec<Target> = list(&metadata["packages"]).iter().flat_map(of_package).collect();
    targets.sort_by(|a, b| a.suite.cmp(&b.suite));
    Ok(targets)
}

fn of_package(package: &Value) -> Vec<Target> {
    let targets = list(&package["targets"]).iter();
    let tested = targets.filter(|target| target["test"] == true);
    let target = |target: &Value| {
        let (package, name) = (package["name"].as_str()?, target["name"].as_str()?);
        let kind = target["kind"][0].as_str()?;
        let options = match kind {
            "test" | "bin" | "example" => vec![format!("--{kind}"), name.to_owned()],
            _ => vec!["--lib".to_owned()],
        };
        Some(Target {
            suite: suite_name(package, kind, name),
            package: package.to_owned(),
            options,
        })
    };
    tested.filter_map(target).collect()
}

/// Builds the programs of these targets and of no more than cargo builds along with them; all targets are built where
/// they are `all`. Compiler messages go to standard error.
pub(crate) fn build(targets: &[Target], all: bool) -> Result<Vec<Suite>> {
    let mut command = cargo();
    command.args([
        "test",
        "--no-run",
        "--quiet",
        "--message-format=json-render-diagnostics",
    ]);
    if all {
        command.arg("--workspace");
    } else {
        let packages: BTreeSet<&str> = targets.iter().map(|target| target.package.as_str()).collect();
        for package in packages {
            command.args(["--package", package]);
        }
        let options: BTreeSet<&[String]> = targets.iter().map(|target| target.options.as_slice()).collect();
        command.args(options.into_iter().flatten());
    }
    let build = command
        .stderr(Stdio::inherit())
        .output()
        .context("run cargo test --no-run")?;
    if !build.status.success() {
        bail!("the tests do not compile; see cargo's messages above");
    }
    let messages = String::from_utf8_lossy(&build.stdout);
    let mut suites: Vec<Suite> = messages.lines().filter_map(program).collect();
    // Two packages may have targets of one name, of which one is not wanted.
    suites.retain(|suite| targets.iter().any(|target| target.suite == suite.name));
    let is_built = |target: &&Target| suites.iter().any(|suite| suite.name == target.suite);
    let missing: Vec<&str> = targets
        .iter()
        .filter(|target| !is_built(target))
        .map(|target| target.suite.as_str())
        .collect();
    if !missing.is_empty() {
        bail!("cargo did not build {}; does it need a feature?", missing.join(", "));
    }
    Ok(suites)
}

impl Suite {
    /// The command that runs it; further arguments go to the test harness.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.file);
        // As cargo does it.
        command
            .current_dir(&self.package_dir)
            .env("CARGO_MANIFEST_DIR", &self.package_dir);
        absolute_target_dir(&mut command);
        command
    }
}

/// The cargo that runs us, in the workspace.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(workspace::root());
    absolute_target_dir(&mut command);
    command
}

/// A relative CARGO_TARGET_DIR means another folder in each working directory.
fn absolute_target_dir(command: &mut Command) {
    if std::env::var_os("CARGO_TARGET_DIR").is_some() {
        command.env("CARGO_TARGET_DIR", workspace::target_dir());
    }
}

/// One of cargo's messages, if it is about a test program that was built.
fn program(message: &str) -> Option<Suite> {
    let message: Value = serde_json::from_str(message).ok()?;
    if message["reason"] != "compiler-artifact" || message["profile"]["test"] != true {
        return None;
    }
    let file = PathBuf::from(message["executable"].as_str()?);
    let package_dir = PathBuf::from(message["manifest_path"].as_str()?).parent()?.to_owned();
    let package = package_name(message["package_id"].as_str()?);
    let target = &message["target"];
    let name = suite_name(package, target["kind"][0].as_str()?, target["name"].as_str()?);
    Some(Suite {
        name,
        file,
        package_dir,
    })
}

fn suite_name(package: &str, kind: &str, target: &str) -> String {
    match kind {
        "test" => format!("{package} tests/{target}"),
        "bin" => format!("{package} bin/{target}"),
        "example" => format!("{package} examples/{target}"),
        _ => format!("{package} unit"),
    }
}

/// The name in a package id: `path+file:///a/readmit#0.1.0`, or `path+file:///a/b#readmit@0.1.0` where the folder is
/// called otherwise.
fn package_name(id: &str) -> &str {
    let (path, version) = id.rsplit_once('#').unwrap_or((id, ""));
    match version.split_once('@') {
        Some((name, _)) => name,
        None => path.rsplit('/').next().unwrap_or(path),
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_packages_as_people_do() {
        assert_eq!(package_name("path+file:///a/testkit#0.1.0"), "testkit");
        assert_eq!(package_name("path+file:///a/checkout#readmit@0.1.0"), "readmit");
    }

    #[test]
    fn only_test_programs_are_suites() {
        let artifact = |test: bool| {
            let message = serde_json::json!({
                "reason": "compiler-artifact", "package_id": "path+file:///a/testkit#0.1.0",
                "manifest_path": "/a/testkit/Cargo.toml", "target": {"kind": ["test"], "name": "slapd"},
                "profile": {"test": test}, "executable": "/a/target/debug/deps/slapd-1",
            });
            program(&message.to_string())
        };
        assert_eq!(
            artifact(true).map(|suite| suite.name).as_deref(),
            Some("testkit tests/slapd")
        );
        assert!(artifact(false).is_none());
        assert!(program("not json").is_none());
    }

    #[test]
    fn targets_are_named_like_the_suites_that_are_made_from_them() {
        let package = serde_json::json!({"name": "testkit", "targets": [
            {"name": "testkit", "kind": ["lib"], "test": true}, {"name": "slapd", "kind": ["test"], "test": true},
            {"name": "tool", "kind": ["bin"], "test": false},
        ]});
        let targets = of_package(&package);
        let found: Vec<(&str, String)> = targets
            .iter()
            .map(|target| (target.suite.as_str(), target.options.join(" ")))
            .collect();
        assert_eq!(
            found,
            [
                ("testkit unit", "--lib".to_owned()),
                ("testkit tests/slapd", "--test slapd".to_owned())
            ]
        );
    }
}
