//! A real OpenLDAP server (slapd 2.5 or later) with the password policy overlay, on a private configuration.
//!
//! The folder layout, the people and the policies are in `seed`; who may do what is in `config`. The access log
//! overlay is the ground truth of what was really written, the server's own log of how often somebody tried to sign in.

mod config;
pub(crate) mod seed;
mod tools;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};

pub use config::ACCESS;
pub use seed::{Policy, User, initial_password, named_policies, usual_users};
pub use tools::LoggedWrite;

use crate::process::{Child, Scratch};
pub use crate::{ldap::Bind, ldif::Entry};
use crate::{ldif, packages, ports, tls, wait};

/// What has to be installed.
pub const PACKAGES: &[&str] = &["slapd", "ldap-utils"];

pub const SUFFIX: &str = "dc=example,dc=test";
/// The root of the database: outside access rules and password quality. For tests, never for the operator.
pub const ROOT_DN: &str = "cn=admin,dc=example,dc=test";
/// The operator's identity as documented: *manage* on userPassword, write on the lock and on pwdReset.
pub const OPERATOR_DN: &str = "cn=readmit,ou=services,dc=example,dc=test";
/// An operator's identity that has only *write* on userPassword: to slapd it is a user among users.
pub const WRITER_DN: &str = "cn=readmit-writer,ou=services,dc=example,dc=test";
/// An identity that may read all state and write nothing.
pub const READER_DN: &str = "cn=readmit-reader,ou=services,dc=example,dc=test";

const READY_TIMEOUT: Duration = Duration::from_secs(30);
const STOP_TIMEOUT: Duration = Duration::from_secs(20);

/// How to start. The default is a throw-away server with the usual people.
#[derive(Debug, Clone)]
pub struct Options {
    /// A folder to keep everything in, without data of an earlier run; `None` for a temporary one.
    pub dir: Option<PathBuf>,
    /// What applies to everybody who has no policy of their own.
    pub default_policy: Policy,
    /// Further policies, to be chosen for a user by [`Slapd::set_policy`].
    pub policies: Vec<(String, Policy)>,
    pub users: Vec<User>,
    /// `ppolicy_hash_cleartext`: without it a modify of userPassword stores the password in the clear.
    pub hash_cleartext: bool,
    /// The `access` lines; [`ACCESS`] unless a test takes rights away.
    pub access: String,
    /// Further lines for the main database, such as `lastbind on` or another overlay.
    pub extra: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            dir: None,
            default_policy: Policy::usual(),
            policies: named_policies(),
            users: usual_users(),
            hash_cleartext: true,
            access: ACCESS.to_owned(),
            extra: String::new(),
        }
    }
}

/// A running server. Ended on drop, by process id, and when this process is killed.
pub struct Slapd {
    // Before the folder, so that it has ended when that is removed.
    server: Mutex<Option<Child>>,
    authority: tls::Authority,
    secret: String,
    plain_port: u16,
    tls_port: u16,
    dir: PathBuf,
    temporary: Option<Scratch>,
}

impl Slapd {
    /// Installs the packages where that is possible, starts the server and fills it.
    pub fn start(options: Options) -> Result<Self> {
        packages::ensure(PACKAGES)?;
        let temporary = if options.dir.is_none() {
            Some(Scratch::new("readmit-slapd-")?)
        } else {
            None
        };
        let dir = match (&options.dir, &temporary) {
            (Some(dir), _) => dir.clone(),
            (None, Some(scratch)) => scratch.path().to_owned(),
            (None, None) => unreachable!("one of them was just made"),
        };
        if dir.join("data").exists() {
            bail!(
                "{} holds the data of an earlier slapd; stop that one and remove the folder",
                dir.display()
            );
        }
        for folder in ["data", "log"] {
            let folder = dir.join(folder);
            std::fs::create_dir_all(&folder).with_context(|| format!("make the folder {}", folder.display()))?;
        }
        let authority = tls::Authority::new("readmit test directory", &dir)?;
        let identity = authority.issue("slapd", &["127.0.0.1", "localhost"], &dir)?;
        let secret = tls::random_secret()?;
        tls::write(
            &dir.join("slapd.conf"),
            &config::text(&options, &dir, &authority, &identity, &secret),
        )?;
        let slapd = Self {
            server: Mutex::new(None),
            authority,
            secret,
            plain_port: ports::free(),
            tls_port: ports::free(),
            dir,
            temporary,
        };
        slapd.start_again()?;
        slapd
            .add(&seed::text(&options, &slapd.secret))
            .context("fill the directory")?;
        Ok(slapd)
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

    /// The password of [`ROOT_DN`] and of the three service identities.
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// What the server has logged since the start (level `stats`: connections, operations, results).
    pub fn log(&self) -> Result<String> {
        let file = self.log_file();
        std::fs::read_to_string(&file).with_context(|| format!("read {}", file.display()))
    }

    fn log_file(&self) -> PathBuf {
        self.dir.join("slapd.log")
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
        let mut command = Command::new("/bin/sh");
        // slapd reserves memory for as many connections as it may open files, which in a container can be a billion.
        command.args([
            "-c",
            "ulimit -n 4096; exec /usr/sbin/slapd \"$@\"",
            "slapd",
            "-d",
            "stats",
            "-f",
        ]);
        command
            .arg(self.dir.join("slapd.conf"))
            .arg("-h")
            .arg(format!("{}/ {}/", self.url(), self.tls_url()));
        let mut child = Child::spawn("slapd", &mut command, &self.log_file())?;
        let root = (ROOT_DN, self.secret.as_str());
        wait::until_ok("slapd to answer", READY_TIMEOUT, || {
            if child.exit_status()?.is_some() {
                return Ok(()); // reported below, at once
            }
            let bind = self.bind(root.0, root.1)?;
            if bind.code != 0 {
                bail!("{ROOT_DN} cannot sign in: {}", bind.text)
            } else {
                Ok(())
            }
        })
        .with_context(|| format!("the end of its log:\n{}", child.log_tail()))?;
        child.check_running()?;
        *slot = Some(child);
        Ok(())
    }

    /// Sends a signal by name: `STOP` freezes the server (it accepts connections and says nothing), `CONT` lets it
    /// go on.
    pub fn signal(&self, name: &str) -> Result<()> {
        self.slot().as_mut().context("slapd is stopped")?.signal(name)
    }

    /// Lets the server live on after this process and gives its process id; only with [`Options::dir`].
    pub fn leave_running(self) -> Result<u32> {
        if self.temporary.is_some() {
            bail!("slapd in a temporary folder cannot be left running; set Options::dir");
        }
        let child = self.slot().take().context("slapd is stopped")?;
        Ok(child.leave_running())
    }

    /// A test that panicked while it held the lock has not broken the server.
    fn slot(&self) -> MutexGuard<'_, Option<Child>> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The DN of a person by uid, without regard to whether they exist.
pub fn user_dn(uid: &str) -> String {
    format!("uid={},ou=people,{SUFFIX}", ldif::escape_dn_value(uid))
}

/// The DN of one of [`Options::policies`], or of `default`.
pub fn policy_dn(name: &str) -> String {
    format!("cn={name},ou=policies,{SUFFIX}")
}

/// The DN of a group by name.
pub fn group_dn(name: &str) -> String {
    format!("cn={name},ou=groups,{SUFFIX}")
}
