//! Which cases catch which patch of `sweep/patches`: the files `NAME.caught`, one name of a case a line, sorted. They say
//! what failed when the whole sweep was run with the patch; samples hold some of each. `docs/sweep.md` says how one is made.

use anyhow::{Context, Result};
use std::{collections::BTreeMap, fs, path::PathBuf};
use testkit::workspace;

/// Where patches and lists lie.
pub fn folder() -> PathBuf {
    workspace::root().join("sweep/patches")
}

/// The lists that are there, by the name of the patch.
///
/// # Errors
/// When they cannot be read.
pub fn lists() -> Result<BTreeMap<String, Vec<String>>> {
    let folder = folder();
    let entries = fs::read_dir(&folder).with_context(|| format!("list {}", folder.display()))?;
    let mut lists = BTreeMap::new();
    for entry in entries {
        let path = entry.context("list patches")?.path();
        if path.extension().is_some_and(|extension| extension == "caught") {
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let text = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
            lists.insert(name, text.lines().map(str::to_owned).collect());
        }
    }
    Ok(lists)
}
