//! A real domain controller of Active Directory: Samba's, provisioned anew, on a loopback address of its own, because
//! the ports of a domain controller are fixed.
//!
//! The people are in `seed`; who may do what is `delegation`. The server's own audit log is the ground truth of what was
//! really written and of how often somebody tried to sign in (`audit`).

mod audit;
mod seed;
mod tools;

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};

pub use audit::{Change, SignIn};
pub use seed::{INITIAL_PASSWORD, PEOPLE_DN, usual_people};
pub use tools::Bind;

use crate::ldif;
use crate::process::{Child, Scratch};
use crate::skip::Missing;
use crate::{packages, tls, wait};

/// What has to be installed.
pub const PACKAGES: &[&str] = &[
    "samba",
    "samba-ad-dc",
    "samba-ad-provision",
    "samba-dsdb-modules",
    "samba-vfs-modules",
    "winbind",
    "krb5-user",
    "ldap-utils",
];

pub const DOMAIN_DN: &str = "DC=example,DC=test";
/// What the server calls itself.
pub const HOST: &str = "dc1.example.test";
/// Who may do everything. For tests, never for the operator.
pub const ADMINISTRATOR: &str = "administrator@example.test";
/// The operator's identity, with the delegated rights of [`seed::DELEGATION`] on [`PEOPLE_DN`] and no others.
pub const OPERATOR: &str = "readmit@example.test";
/// An identity without any right but to read.
pub const READER: &str = "reader@example.test";

/// LDAP, LDAPS and the global catalog.
const FIXED_PORTS: [u16; 4] = [389, 636, 3268, 3269];
const READY_TIMEOUT: Duration = Duration::from_secs(60);
const STOP_TIMEOUT: Duration = Duration::from_secs(20);

/// A running domain controller. Ended on drop, by process id, and when this process is killed.
pub struct Samba {
    // Before the folder, so that it has ended when that is removed.
    server: Mutex<Option<Child>>,
    authority: tls::Authority,
    secret: String,
    address: String,
    scratch: Scratch,
}

impl Samba {
    /// Installs the packages where that is possible, provisions the domain, starts it and fills it with the usual people
    /// and these.
    ///
    /// # Errors
    /// [`Missing`] where this process is not root: a domain controller listens on fixed ports and sets file ownership.
    pub fn start(more: &[&str]) -> Result<Self> {
        if !packages::is_root() {
            return Err(Missing("a Samba domain controller needs root, for its ports; run this as root".into()).into());
        }
        packages::ensure(PACKAGES)?;
        let scratch = Scratch::new("readmit-samba-")?;
        let authority = tls::Authority::new("readmit test domain", scratch.path())?;
        let address = free_address()?;
        let identity = authority.issue("dc1", &[HOST, &address], scratch.path())?;
        let samba = Self {
            server: Mutex::new(None),
            authority,
            // Complexity asks for three kinds of characters.
            secret: format!("S-{}", tls::random_secret()?),
            address,
            scratch,
        };
        samba.provision(&identity)?;
        samba.start_again()?;
        samba.fill(more).context("fill the domain")?;
        Ok(samba)
    }

    /// `ldaps://127.A.B.C`, with a certificate of [`Self::ca_file`].
    pub fn url(&self) -> String {
        format!("ldaps://{}", self.address)
    }

    /// The loopback address.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The PEM file of the authority that signed the server's certificate.
    pub fn ca_file(&self) -> &Path {
        self.authority.file()
    }

    /// The password of [`ADMINISTRATOR`], [`OPERATOR`] and [`READER`].
    pub fn secret(&self) -> &str {
        &self.secret
    }

    fn provision(&self, identity: &tls::Identity) -> Result<()> {
        let dir = self.dir();
        let output = Command::new("samba-tool")
            .args(["domain", "provision", "--realm=EXAMPLE.TEST", "--domain=EXAMPLE"])
            .args(["--server-role=dc", "--dns-backend=NONE", "--host-name=dc1"])
            .arg(format!("--host-ip={}", self.address))
            .arg(format!("--adminpass={}", self.secret))
            .arg(format!("--targetdir={}", dir.display()))
            .args(["--option=bind interfaces only=yes"])
            .arg(format!("--option=interfaces={}/8", self.address))
            .output()
            .context("run samba-tool")?;
        if !output.status.success() {
            bail!(
                "samba-tool domain provision failed: {}",
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        // LDAP alone of all services; and everything that would lie in the system's folders in ours.
        let own = [
            "server services = ldap".to_owned(),
            format!(
                "log level = 1 auth_json_audit:3@{d}/auth.json dsdb_json_audit:5@{d}/changes.json",
                d = dir.display()
            ),
            format!("log file = {}/samba.log", dir.display()),
            format!("pid directory = {}/run", dir.display()),
            format!("ncalrpc dir = {}/ncalrpc", dir.display()),
            format!("tls cafile = {}", self.authority.file().display()),
            format!("tls certfile = {}", identity.certificate.display()),
            format!("tls keyfile = {}", identity.key.display()),
        ];
        let file = self.config();
        let text = std::fs::read_to_string(&file).with_context(|| format!("read {}", file.display()))?;
        let kept = text.lines().filter(|line| {
            let name = line.split('=').next().unwrap_or_default().trim();
            !["server services", "log file", "logging"].contains(&name)
        });
        let kept: Vec<&str> = kept.collect();
        let text = kept
            .join("\n")
            .replacen("[global]", &format!("[global]\n{}", own.join("\n")), 1);
        tls::write(&file, &text)
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
        let mut command = Command::new("/usr/sbin/samba");
        // One process for all, so that ending it ends everything.
        command.args(["--foreground", "--no-process-group", "--model=single"]);
        command.arg(format!("--configfile={}", self.config().display()));
        let mut child = Child::spawn("samba", &mut command, &self.dir().join("samba.out"))?;
        wait::until_ok("samba to answer", READY_TIMEOUT, || {
            if child.exit_status()?.is_some() {
                return Ok(()); // reported below, at once
            }
            let bind = self.bind(ADMINISTRATOR, &self.secret)?;
            match bind.code {
                0 => Ok(()),
                _ => bail!("{ADMINISTRATOR} cannot sign in: {}", bind.text),
            }
        })
        .with_context(|| format!("the end of its log:\n{}", child.log_tail()))?;
        child.check_running()?;
        *slot = Some(child);
        Ok(())
    }

    /// Sends a signal by name: `STOP` freezes the server, `CONT` lets it go on.
    pub fn signal(&self, name: &str) -> Result<()> {
        self.slot().as_mut().context("samba is stopped")?.signal(name)
    }

    fn dir(&self) -> &Path {
        self.scratch.path()
    }

    fn config(&self) -> PathBuf {
        self.dir().join("etc/smb.conf")
    }

    /// A test that panicked while it held the lock has not broken the server.
    fn slot(&self) -> MutexGuard<'_, Option<Child>> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The DN of a person by name, without regard to whether they exist.
pub fn person_dn(name: &str) -> String {
    format!("CN={},{PEOPLE_DN}", ldif::escape_dn_value(name))
}

/// A loopback address on which nothing listens at a domain controller's ports. Two processes start at unrelated ones.
fn free_address() -> Result<String> {
    let nanos = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| elapsed.subsec_nanos());
    let start = nanos.wrapping_add(std::process::id().wrapping_mul(7919));
    for offset in 0..64u32 {
        let [_, a, b, c] = start.wrapping_add(offset.wrapping_mul(65_537)).to_be_bytes();
        // 127.0.0.1 is everybody's.
        let address = format!("127.{}.{b}.{}", 64 + a % 64, 1 + c % 254);
        if FIXED_PORTS
            .iter()
            .all(|port| TcpListener::bind((address.as_str(), *port)).is_ok())
        {
            return Ok(address);
        }
    }
    bail!("no loopback address with free ports {FIXED_PORTS:?} was found; may this process listen below 1024?")
}
