//! Skipping a test whose server this machine cannot have, visibly.
//!
//! The standard test harness knows no skip at run time: a test that returns early counts as passed. So a skip is
//! noted in the file that `TESTKIT_SKIPS` names (`cargo xtask test` sets it, and takes the skips off the passed), and
//! is a failure where `TESTKIT_REQUIRE_ALL` is `1`.

use std::fs::OpenOptions;
use std::io::Write;

use anyhow::Result;

/// Names the file to which skips are noted, one line each: the test, a tab, the reason.
pub const SKIPS_FILE: &str = "TESTKIT_SKIPS";
/// `1` turns a skip into a failure.
pub const REQUIRE_ALL: &str = "TESTKIT_REQUIRE_ALL";

/// Something that a test needs is not on this machine and could not be put there. The message says what to install.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Missing(pub String);

/// The value, or `None` when the calling test is to return because what it needs is [`Missing`].
///
/// # Panics
/// On any other error, which is a fault and no reason to skip, and on a skip where all tests are required.
pub fn unless_missing<T>(result: Result<T>) -> Option<T> {
    let error = match result {
        Ok(value) => return Some(value),
        Err(error) => error,
    };
    let missing = error.chain().any(|cause| cause.is::<Missing>());
    let required = std::env::var(REQUIRE_ALL).is_ok_and(|v| v == "1");
    assert!(missing && !required, "{error:#}");
    note(&format!("{error:#}"));
    None
}

fn note(reason: &str) {
    let thread = std::thread::current();
    let line = format!("{}\t{}\n", thread.name().unwrap_or("?"), reason.replace('\n', " "));
    crate::announce(&format!("skipped {}", line.trim_end()));
    if let Some(file) = std::env::var_os(SKIPS_FILE) {
        let written = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&file)
            .and_then(|mut f| f.write_all(line.as_bytes()));
        written.unwrap_or_else(|e| panic!("note a skip in {}: {e}", file.display()));
    }
}

#[cfg(test)]
mod tests {
    use anyhow::{Context, anyhow};

    use super::*;

    #[test]
    fn what_is_there_is_given() {
        assert_eq!(unless_missing(Ok(7)), Some(7));
    }

    #[test]
    #[should_panic(expected = "slapd crashed")]
    fn a_fault_is_no_skip() {
        unless_missing::<()>(Err(anyhow!("slapd crashed")));
    }

    #[test]
    fn missing_is_found_below_context() {
        let error = Err::<(), _>(Missing("install slapd".into()))
            .context("start OpenLDAP")
            .expect_err("an error");
        assert!(error.chain().any(|cause| cause.is::<Missing>()));
    }
}
