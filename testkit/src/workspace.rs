//! Where things lie in the checkout: the workspace itself and its target directory.

use std::path::{Path, PathBuf};

/// The folder of this crate's sources.
pub(crate) fn crate_dir() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The folder of the workspace.
pub fn root() -> &'static Path {
    crate_dir().parent().unwrap_or_else(|| crate_dir())
}

/// The workspace's target directory: `CARGO_TARGET_DIR` where it is set, else `target` in the workspace.
pub fn target_dir() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        // Cargo reads a relative one from where it was called, which for tests is not our working directory; the
        // workspace is the only place from which that works for everybody.
        Some(dir) => root().join(dir),
        None => root().join("target"),
    }
}
