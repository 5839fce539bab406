//! Building the workspace's own programs for commands that run them. Cargo's progress goes to standard error.

use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::test::suite;

/// How cargo builds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    /// Quickly.
    Dev,
    /// As it is shipped.
    Release,
}

/// Programs that one call of cargo built.
pub(crate) struct Programs {
    messages: Vec<Value>,
}

impl Programs {
    /// Builds the programs of these packages.
    ///
    /// # Errors
    /// When they do not compile; cargo has said why by then.
    pub(crate) fn build(packages: &[&str], profile: Profile) -> Result<Self> {
        let mut command = suite::cargo();
        command.args(["build", "--bins", "--message-format=json-render-diagnostics"]);
        if profile == Profile::Release {
            command.arg("--release");
        }
        for package in packages {
            command.args(["--package", package]);
        }
        let output = command.stderr(Stdio::inherit()).output().context("run cargo")?;
        if !output.status.success() {
            bail!("{} could not be built; see cargo's messages above", packages.join(", "));
        }
        let messages = String::from_utf8_lossy(&output.stdout);
        let messages = messages.lines().filter_map(|line| serde_json::from_str(line).ok());
        Ok(Self {
            messages: messages.collect(),
        })
    }

    /// The file of a program.
    ///
    /// # Errors
    /// When the packages hold none of this name.
    pub(crate) fn path(&self, name: &str) -> Result<PathBuf> {
        let mut built = self.messages.iter();
        let built = built.find(|message| message["target"]["name"] == name && message["executable"].is_string());
        let path = built.and_then(|message| message["executable"].as_str().map(PathBuf::from));
        path.with_context(|| format!("cargo built no program {name}"))
    }
}
