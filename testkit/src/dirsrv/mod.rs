//! A real 389 Directory Server (2.3 or later) in a folder of its own: no instance of the system is made or touched.
//!
//! People and groups are those of [`crate::slapd`]. The server's audit log is the ground truth of what was really
//! changed, its access log of what was tried; both are read in `logs`.

mod files;
mod logs;
mod seed;
mod tools;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};

pub use logs::{Change, Send};
pub use seed::{CONFIG_RIGHTS, RIGHTS};

use crate::process::{Child, Scratch};
use crate::slapd::{User, usual_users};
use crate::{packages, ports, tls, wait, watchdog};

/// What has to be installed.
pub const PACKAGES: &[&str] = &[
    "389-ds-base",
    "python3-lib389",
    "libnss3-tools",
    "ldap-utils",
    "openssl",
];

pub const SUFFIX: &str = crate::slapd::SUFFIX;
/// The root of the server: outside access rules and password policies. For tests, never for the operator.
pub const ROOT_DN: &str = "cn=Directory Manager";
/// The operator's identity, with the rights that are documented and no more.
pub const OPERATOR_DN: &str = crate::slapd::OPERATOR_DN;
/// An identity that may read all state and write nothing.
pub const READER_DN: &str = crate::slapd::READER_DN;

const READY_TIMEOUT: Duration = Duration::from_secs(60);
const STOP_TIMEOUT: Duration = Duration::from_secs(60);

/// How to start. The default is a throw-away server with the usual people.
#[derive(Debug, Clone)]
pub struct Options {
    pub users: Vec<User>,
    /// Attributes of cn=config, set once the directory is filled, on top of a lock after three wrong passwords,
    /// forced changes after resets and tracked update times.
    pub config: Vec<(String, String)>,
    /// The access rules (`aci`) of the suffix; [`RIGHTS`] unless a test takes rights away.
    pub rights: Vec<String>,
    /// The access rules of cn=config.
    pub config_rights: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        let own = |rules: &[&str]| rules.iter().map(|rule| (*rule).to_owned()).collect();
        Self {
            users: usual_users(),
            config: Vec::new(),
            rights: own(RIGHTS),
            config_rights: own(CONFIG_RIGHTS),
        }
    }
}

/// A running server. Ended on drop, by process id, and when this process is killed.
pub struct Dirsrv {
    // Before the folder, so that it has ended when that is removed.
    server: Mutex<Option<Child>>,
    authority: tls::Authority,
    secret: String,
    plain_port: u16,
    tls_port: u16,
    dir: Scratch,
}

impl Dirsrv {
    /// Installs the packages where that is possible, starts the server and fills it.
    pub fn start(options: &Options) -> Result<Self> {
        packages::ensure(PACKAGES)?;
        let dir = Scratch::new("readmit-dirsrv-")?;
        let authority = tls::Authority::new("readmit test directory", dir.path())?;
        let dirsrv = Self {
            server: Mutex::new(None),
            authority,
            secret: tls::random_secret()?,
            plain_port: ports::free(),
            tls_port: ports::free(),
            dir,
        };
        watchdog::watch_path(&dirsrv.semaphore());
        files::create(&dirsrv).context("make an instance of 389 Directory Server")?;
        dirsrv.start_again()?;
        dirsrv
            .add(&seed::text(options, &dirsrv.secret))
            .context("fill the directory")?;
        dirsrv.modify(&seed::settings(options)).context("set cn=config")?;
        Ok(dirsrv)
    }

    /// `ldap://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("ldap://127.0.0.1:{}", self.plain_port)
    }

    /// `ldaps://127.0.0.1:PORT`, with a certificate of [`Self::ca_file`].
    pub fn tls_url(&self) -> String {
        format!("ldaps://127.0.0.1:{}", self.tls_port)
    }

    /// The PEM file of the authority that signed the server's certificate.
    pub fn ca_file(&self) -> &Path {
        self.authority.file()
    }

    /// The password of [`ROOT_DN`] and of the service identities.
    pub fn secret(&self) -> &str {
        &self.secret
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The folder of the configuration, called as no other server's on this machine: of two with one semaphore that start
    /// at the same moment, one may end with status 1 and say nothing.
    fn config_dir(&self) -> PathBuf {
        self.path(&self.config_name())
    }

    fn config_name(&self) -> String {
        format!("etc-{}", self.tls_port)
    }

    /// The file of the semaphore that a running server has for its statistics, and names by its configuration's folder. It
    /// lies where those of all servers of a machine do.
    pub fn semaphore(&self) -> PathBuf {
        PathBuf::from(format!("/dev/shm/sem.{}.stats", self.config_name()))
    }

    /// Ends the server; the data stays, and [`Self::start_again`] brings it back at the same address.
    pub fn stop(&self) -> Result<()> {
        match self.slot().take() {
            Some(mut child) => child.terminate(STOP_TIMEOUT).map(drop),
            None => Ok(()),
        }
    }

    /// Starts the server and waits until it answers. Harmless if it runs.
    pub fn start_again(&self) -> Result<()> {
        let mut slot = self.slot();
        if slot.is_some() {
            return Ok(());
        }
        let mut command = Command::new("/usr/sbin/ns-slapd");
        // With a level of debugging it stays in the foreground.
        command
            .arg("-D")
            .arg(self.config_dir())
            .arg("-i")
            .arg(self.path("run/pid"))
            .args(["-d", "0"]);
        let mut child = Child::spawn("ns-slapd", &mut command, &self.path("ns-slapd.log"))?;
        wait::until_ok("ns-slapd to answer", READY_TIMEOUT, || {
            if child.exit_status()?.is_some() {
                return Ok(()); // reported below, at once
            }
            let bind = self.bind(ROOT_DN, &self.secret)?;
            if bind.code == 0 {
                Ok(())
            } else {
                bail!("{ROOT_DN} cannot sign in: {}", bind.text)
            }
        })
        .and_then(|()| child.check_running())
        .with_context(|| format!("the end of what it said:\n{}\n{}", child.log_tail(), self.errors()))?;
        *slot = Some(child);
        Ok(())
    }

    /// Sends a signal by name: `STOP` freezes the server (it accepts connections and says nothing), `CONT` lets it
    /// go on.
    pub fn signal(&self, name: &str) -> Result<()> {
        self.slot().as_mut().context("ns-slapd is stopped")?.signal(name)
    }

    /// A test that panicked while it held the lock has not broken the server.
    fn slot(&self) -> MutexGuard<'_, Option<Child>> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Dirsrv {
    fn drop(&mut self) {
        self.slot().take();
        // One that was killed leaves it behind; one that ended in an orderly way has removed it.
        let _ = std::fs::remove_file(self.semaphore());
        watchdog::forget_path(&self.semaphore());
    }
}
