//! What is measured: the operator, or the peer. Each is started anew for its turn and ended after it.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use testkit::process::Child;
use testkit::{http, ports, wait};

use crate::lab::Lab;
use crate::load::{Kind, Load};
use crate::process;
use crate::sandbox::TOKEN;
use crate::watch::{Until, Watch};

/// Nothing that is awaited takes so long; nothing new for so long means that something hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// As README's figure of the peer has it.
const PEER_WORKERS: &str = "64";
/// Requests of a subject's first seconds, which are not measured: connections are made, caches filled.
const WARM_UP: usize = 100;
/// Requests of the first seconds after identity came into force are not trusted (READMIT_ENFORCEMENT_MARGIN, and times
/// of creation are cut to whole seconds).
const ENFORCEMENT_MARGIN: Duration = Duration::from_millis(11_500);

/// Which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    Operator,
    Peer,
}

impl Who {
    /// The kind that it acts on.
    pub(crate) fn kind(self, lab: &Lab) -> Kind {
        match self {
            Who::Operator => Kind::Unlock,
            Who::Peer => lab.peer_kind,
        }
    }
}

/// A running one.
pub(crate) struct Subject {
    who: Who,
    child: Child,
}

impl Subject {
    /// Starts one.
    pub(crate) fn start(lab: &Lab, who: Who) -> Result<Self> {
        match who {
            Who::Operator => operator(lab),
            Who::Peer => peer(lab),
        }
    }

    /// Starts one and lets it do its first requests.
    pub(crate) fn warmed_up(lab: &mut Lab, who: Who) -> Result<Self> {
        let mut subject = Self::start(lab, who)?;
        let load = Load::new(who.kind(lab), &lab.round(), WARM_UP);
        subject.finish(lab, &load)?;
        Ok(subject)
    }

    /// Makes requests about locked accounts, waits for the end of all and checks it upstream; gives how long that took.
    pub(crate) fn finish(&mut self, lab: &Lab, load: &Load) -> Result<Duration> {
        lab.sandbox.seed(&load.logins(), true)?;
        let done = lab.runtime.block_on(async {
            let mut watch = Watch::begin(&lab.watching, load.kind, Until::Outcome("Succeeded")).await?;
            let begun = Instant::now();
            let seen = watch.all(load, PATIENCE);
            let ((), seen) = tokio::try_join!(load.burst(&lab.asking), seen)?;
            let last = seen.into_iter().max().unwrap_or(begun);
            anyhow::Ok(last.duration_since(begun))
        });
        let taken = self.explained(done)?;
        lab.sandbox.check_unlocked(&load.login_prefix(), load.count)?;
        Ok(taken)
    }

    /// An error, with the end of the subject's log.
    pub(crate) fn explained<T>(&mut self, result: Result<T>) -> Result<T> {
        self.child.check_running()?;
        result.with_context(|| format!("{:?}; the end of its log:\n{}", self.who, log_tail(&self.child)))
    }

    /// CPU time that it used so far.
    pub(crate) fn cpu_time(&self) -> Result<Duration> {
        process::cpu_time(self.child.pid())
    }

    /// Its resident set in MB.
    pub(crate) fn resident_mb(&self) -> Result<f64> {
        process::resident_mb(self.child.pid())
    }

    /// Ends it in an orderly way, so that the lease is free.
    pub(crate) fn stop(mut self) -> Result<()> {
        self.child.terminate(Duration::from_secs(40)).map(drop)
    }
}

/// The operator with its production settings.
fn operator(lab: &Lab) -> Result<Subject> {
    let listen = format!("127.0.0.1:{}", ports::free());
    let mut command = Command::new(&lab.programs.operator);
    command
        .env("KUBECONFIG", lab.plane.kubeconfig("operator"))
        .env("READMIT_NAMESPACE", "readmit-system")
        .env("READMIT_LISTEN", &listen)
        .env("NO_PROXY", "127.0.0.1,localhost");
    let mut child = Child::spawn("the operator", &mut command, &lab.dir().join("operator.log"))?;
    let url = format!("http://{listen}");
    let ready = wait::until_ok("the operator to be ready and to lead", PATIENCE, || {
        child.check_running()?;
        http::call("GET", &url, "/readyz", None)?;
        let metrics = http::call("GET", &url, "/metrics", None)?;
        ensure!(metrics.contains("readmit_leading 1"), "it does not lead yet");
        Ok(())
    });
    ready.with_context(|| format!("the end of its log:\n{}", log_tail(&child)))?;
    Ok(Subject {
        who: Who::Operator,
        child,
    })
}

fn peer(lab: &Lab) -> Result<Subject> {
    let kind = match lab.peer_kind {
        Kind::Unlock | Kind::Reset => "AccountUnlockRequest.v1alpha1.readmit.dev",
        Kind::Bare => "Unlock.v1.bench.example",
    };
    let mut command = Command::new(&lab.programs.peer);
    command
        .env("KUBECONFIG", lab.plane.kubeconfig("operator"))
        .args(["-kind", kind, "-upstream", &lab.sandbox.url, "-token", TOKEN])
        .args(["-workers", PEER_WORKERS]);
    if lab.terse || lab.peer_kind == Kind::Bare {
        command.arg("-terse");
    }
    let child = Child::spawn("the peer", &mut command, &lab.dir().join("peer.log"))?;
    Ok(Subject { who: Who::Peer, child })
}

/// Starts the operator for the first time on this API server, waits until requests are trusted, and stops it.
pub(crate) fn enforce_identity(lab: &Lab) -> Result<()> {
    crate::progress!("the operator's first start: requests are trusted after {ENFORCEMENT_MARGIN:?}");
    let subject = Subject::start(lab, Who::Operator)?;
    std::thread::sleep(ENFORCEMENT_MARGIN);
    lab.plane.kubectl_as(
        "admin",
        &["wait", "directory/okta", "--for=condition=Ready", "--timeout=30s"],
    )?;
    subject.stop()
}

/// The end of its log without the audit log, which is long and tells of single requests.
fn log_tail(child: &Child) -> String {
    let log = child.log();
    let lines: Vec<&str> = log.lines().filter(|line| !line.contains(r#""log":"audit""#)).collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}
