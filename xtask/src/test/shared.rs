//! The Keycloak of a run: its start takes a core for half a minute, and five suites need one.

use std::path::Path;
use std::thread::JoinHandle;
use std::time::Instant;

use anyhow::{Context, Result};
use testkit::keycloak::Keycloak;
use testkit::process::{Scratch, cpu_of_children};

use super::report;

/// Suites that attach to it.
const SUITES: &[&str] = &[
    "readmit tests/behaviours",
    "readmit tests/examples",
    "readmit tests/keycloak",
    "readmit tests/requests_keycloak",
    "readmit tests/secrets",
];

/// A server that is there or comes. Suites that need it wait for it.
pub(super) struct SharedKeycloak {
    folder: Scratch,
    server: JoinHandle<Result<Keycloak>>,
    began: Instant,
}

impl SharedKeycloak {
    /// Begins to start one where at least two of these suites need it; one alone starts its own.
    ///
    /// # Errors
    /// Where there is no place for its files.
    pub(super) fn begin<'a>(suites: impl Iterator<Item = &'a str>) -> Result<Option<Self>> {
        if suites.filter(|suite| SUITES.contains(suite)).count() < 2 {
            return Ok(None);
        }
        let folder = Scratch::new("readmit-shared-keycloak-")?;
        let path = folder.path().to_owned();
        Ok(Some(Self {
            folder,
            // Why it is not there it tells those who wait for it, and they their tests.
            server: std::thread::spawn(move || Keycloak::serve(&path)),
            began: Instant::now(),
        }))
    }

    /// What [`testkit::keycloak::FOLDER`] has to name.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Ends it, and says what it took.
    pub(super) fn end(self) -> Result<()> {
        let server = self
            .server
            .join()
            .ok()
            .context("the thread that starts Keycloak panicked")?;
        let before = cpu_of_children();
        drop(server);
        let cpu = cpu_of_children().saturating_sub(before);
        report::uncounted("Keycloak, for all who need it", self.began.elapsed(), cpu);
        Ok(())
    }
}
