//! A real kube-apiserver with its etcd, without nodes and without controllers: nothing is garbage-collected, no
//! namespace ever finishes deleting, and no ServiceAccount is made by itself.

pub mod calls;
mod client;
mod flags;
mod people;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};

pub use people::{Person, usual as usual_people};

use crate::assets::{self, Assets};
use crate::process::{Child, Scratch};
use crate::{ports, tls, wait};

/// Generous, because other tests may have both cores.
const READY_TIMEOUT: Duration = Duration::from_secs(90);
const STOP_TIMEOUT: Duration = Duration::from_secs(20);

/// How much of each request the API server's audit log holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditLevel {
    /// Who did what to which object.
    Metadata,
    /// And with which body, answers included.
    RequestResponse,
}

/// How to start. The default is a throw-away server for one test process.
#[derive(Debug, Clone)]
pub struct Options {
    /// A folder to keep everything in, without data of an earlier run; `None` for a temporary one.
    pub dir: Option<PathBuf>,
    pub people: Vec<Person>,
    /// `false` imitates Kubernetes 1.33 to 1.35, where MutatingAdmissionPolicy has no v1 API and is off.
    pub mutating_admission_policies: bool,
    /// Writes `audit.log`, one JSON object a line.
    pub audit: Option<AuditLevel>,
    /// Further flags of kube-apiserver.
    pub api_server_flags: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            dir: None,
            people: people::usual(),
            mutating_admission_policies: true,
            audit: None,
            api_server_flags: Vec::new(),
        }
    }
}

/// A running control plane. Ended on drop, by process id, and when this process is killed.
pub struct ControlPlane {
    // The servers come before the folder, so that they are gone when it is removed.
    api_server: Mutex<Option<Child>>,
    etcd: Mutex<Option<Child>>,
    assets: Assets,
    authority: tls::Authority,
    identity: tls::Identity,
    tokens: Vec<(String, String)>,
    options: Options,
    ports: Ports,
    dir: PathBuf,
    _scratch: Option<Scratch>,
}

struct Ports {
    api: u16,
    etcd: u16,
    etcd_peer: u16,
}

/// One for all tests of this process, started at the first call with the default options.
///
/// # Panics
/// When it cannot be started. Call [`crate::assets::ensure`] through [`crate::skip::unless_missing`] first where a
/// machine without Go should skip.
pub fn shared() -> &'static ControlPlane {
    static SHARED: OnceLock<ControlPlane> = OnceLock::new();
    SHARED.get_or_init(|| {
        ControlPlane::start(Options::default()).unwrap_or_else(|error| panic!("start the control plane: {error:#}"))
    })
}

impl ControlPlane {
    /// Starts both servers and waits until the API server is ready and the namespace `default` is there.
    pub fn start(options: Options) -> Result<Self> {
        let assets = assets::ensure()?;
        let scratch = if options.dir.is_none() {
            Some(Scratch::new("readmit-control-plane-")?)
        } else {
            None
        };
        let dir = match (&options.dir, &scratch) {
            (Some(dir), _) => dir.clone(),
            (None, Some(scratch)) => scratch.path().to_owned(),
            (None, None) => unreachable!("one of them was just made"),
        };
        std::fs::create_dir_all(&dir).with_context(|| format!("make the folder {}", dir.display()))?;
        if dir.join("etcd").exists() {
            bail!(
                "{} holds the data of an earlier control plane; stop that one and remove the folder",
                dir.display()
            );
        }
        let authority = tls::Authority::new("readmit test control plane", &dir)?;
        let identity = authority.issue(
            "api-server",
            &["127.0.0.1", "localhost", "kubernetes.default.svc"],
            &dir,
        )?;
        tls::write_key_pair(&dir.join("service-account.key"), &dir.join("service-account.pub"))?;
        let (token_file, tokens) = people::token_file(&options.people)?;
        tls::write(&dir.join("tokens.csv"), &token_file)?;
        flags::write_audit_policy(&options, &dir)?;
        let plane = Self {
            api_server: Mutex::new(None),
            etcd: Mutex::new(None),
            assets,
            authority,
            identity,
            tokens,
            options,
            ports: Ports {
                api: ports::free(),
                etcd: ports::free(),
                etcd_peer: ports::free(),
            },
            dir,
            _scratch: scratch,
        };
        plane.write_kubeconfigs()?;
        plane.start_etcd()?;
        plane.start_api_server()?;
        Ok(plane)
    }

    pub fn api_url(&self) -> String {
        format!("https://127.0.0.1:{}", self.ports.api)
    }

    /// Where etcd listens, in the clear. Its JSON gateway stands under `/v3/`.
    pub fn etcd_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.etcd)
    }

    /// The PEM file of the authority that signed the API server's certificate.
    pub fn ca_file(&self) -> &Path {
        self.authority.file()
    }

    /// The folder of etcd's database and write-ahead log.
    pub fn etcd_data_dir(&self) -> PathBuf {
        self.dir.join("etcd")
    }

    /// Where the audit log is written if [`Options::audit`] asked for one.
    pub fn audit_log(&self) -> PathBuf {
        self.dir.join("audit.log")
    }

    /// The folder with kubeconfigs, logs and data.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Ends the API server; etcd keeps the data. [`Self::start_api_server`] brings it back at the same address.
    pub fn stop_api_server(&self) -> Result<()> {
        stop(&self.api_server)
    }

    /// Starts the API server and waits until it is ready. Harmless if it runs.
    pub fn start_api_server(&self) -> Result<()> {
        let mut slot = lock(&self.api_server);
        if slot.is_some() {
            return Ok(());
        }
        let mut command = Command::new(&self.assets.kube_apiserver);
        command.args(flags::api_server(self));
        let mut child = Child::spawn("kube-apiserver", &mut command, &self.dir.join("kube-apiserver.log"))?;
        wait::until_ok("the API server to become ready", READY_TIMEOUT, || {
            if child.exit_status()?.is_some() || self.etcd_has_ended()? {
                return Ok(()); // reported below, at once
            }
            self.kubectl_as("admin", &["get", "--raw", "/readyz"])?;
            // Made by the API server itself a moment after it says that it is ready.
            self.kubectl_as("admin", &["get", "namespace", "default"]).map(drop)
        })
        .with_context(|| format!("the end of its log:\n{}", child.log_tail()))?;
        lock(&self.etcd).as_mut().map_or(Ok(()), Child::check_running)?;
        child.check_running()?;
        *slot = Some(child);
        Ok(())
    }

    pub fn restart_api_server(&self) -> Result<()> {
        self.stop_api_server()?;
        self.start_api_server()
    }

    /// Sends a signal to the API server by name: `STOP` freezes it, `CONT` lets it go on.
    pub fn signal_api_server(&self, name: &str) -> Result<()> {
        lock(&self.api_server)
            .as_mut()
            .context("the API server is stopped")?
            .signal(name)
    }

    /// The API server's process id, while it runs.
    pub fn api_server_pid(&self) -> Option<u32> {
        lock(&self.api_server).as_ref().map(Child::pid)
    }

    /// What the API server has logged.
    pub fn api_server_log(&self) -> String {
        lock(&self.api_server).as_ref().map(Child::log).unwrap_or_default()
    }

    /// Ends both servers in an orderly way. A temporary folder is removed when the value is dropped.
    pub fn stop(&self) -> Result<()> {
        stop(&self.api_server)?;
        stop(&self.etcd)
    }

    /// Lets both servers live on after this process and gives their process ids; only with [`Options::dir`], since a
    /// temporary folder would be gone.
    pub fn leave_running(self) -> Result<Vec<u32>> {
        if self.options.dir.is_none() {
            bail!("a control plane in a temporary folder cannot be left running; set Options::dir");
        }
        let children = [lock(&self.api_server).take(), lock(&self.etcd).take()];
        Ok(children.into_iter().flatten().map(Child::leave_running).collect())
    }

    fn etcd_has_ended(&self) -> Result<bool> {
        Ok(lock(&self.etcd)
            .as_mut()
            .map(Child::exit_status)
            .transpose()?
            .flatten()
            .is_some())
    }

    fn start_etcd(&self) -> Result<()> {
        let mut command = Command::new(&self.assets.etcd);
        command.args(flags::etcd(self));
        let child = Child::spawn("etcd", &mut command, &self.dir.join("etcd.log"))?;
        // The API server waits for it by itself.
        *lock(&self.etcd) = Some(child);
        Ok(())
    }
}

fn stop(slot: &Mutex<Option<Child>>) -> Result<()> {
    match lock(slot).take() {
        Some(mut child) => child.terminate(STOP_TIMEOUT).map(drop),
        None => Ok(()),
    }
}

/// A test that panicked while it held the lock has not broken the server.
fn lock(slot: &Mutex<Option<Child>>) -> MutexGuard<'_, Option<Child>> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}
