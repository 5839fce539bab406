//! The suites of the workspace: what `cargo test` would run, found by asking cargo, each a program of its own.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use testkit::workspace;

/// A test program, or all documentation tests together.
pub(crate) struct Suite {
    /// As in `testkit tests/slapd`, `readmit unit`.
    pub(crate) name: String,
    kind: Kind,
}

enum Kind {
    Program { file: PathBuf, package_dir: PathBuf },
    Documentation,
}

/// Builds all test programs and lists them, those of one package together. Compiler messages go to standard error.
pub(crate) fn discover() -> Result<Vec<Suite>> {
    let build = cargo()
        .args([
            "test",
            "--workspace",
            "--no-run",
            "--quiet",
            "--message-format=json-render-diagnostics",
        ])
        .stderr(Stdio::inherit())
        .output()
        .context("run cargo test --no-run")?;
    if !build.status.success() {
        bail!("the tests do not compile; cargo's messages stand above");
    }
    let messages = String::from_utf8_lossy(&build.stdout);
    let mut suites: Vec<Suite> = messages.lines().filter_map(program).collect();
    suites.sort_by(|a, b| a.name.cmp(&b.name));
    suites.push(Suite {
        name: "documentation".into(),
        kind: Kind::Documentation,
    });
    Ok(suites)
}

impl Suite {
    /// The command that runs it; further arguments go to the test harness.
    pub(crate) fn command(&self) -> Command {
        match &self.kind {
            Kind::Program { file, package_dir } => {
                let mut command = Command::new(file);
                // As cargo does it.
                command.current_dir(package_dir).env("CARGO_MANIFEST_DIR", package_dir);
                absolute_target_dir(&mut command);
                command
            }
            Kind::Documentation => {
                let mut command = cargo();
                command.args(["test", "--workspace", "--doc", "--quiet", "--"]);
                command
            }
        }
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
    let target = message["target"]["name"].as_str()?;
    let name = match message["target"]["kind"][0].as_str()? {
        "test" => format!("{package} tests/{target}"),
        "bin" => format!("{package} bin/{target}"),
        "example" => format!("{package} examples/{target}"),
        _ => format!("{package} unit"),
    };
    Some(Suite {
        name,
        kind: Kind::Program { file, package_dir },
    })
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
}
