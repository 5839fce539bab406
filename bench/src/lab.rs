//! What everything is measured on: one API server with both kinds, one sandbox, and clients of the people who ask.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::Value;
use testkit::control_plane::{ControlPlane, Options};
use testkit::process::Scratch;
use tokio::runtime::Runtime;

use crate::load::Kind;
use crate::sandbox::{Sandbox, TOKEN};

/// What the operator needs, as the chart grants it.
const OPERATOR: &str = include_str!("../../tests/support/operator-rights.yaml");
/// The desk that asks, and the peer's kind and rights.
const BENCH: &str = include_str!("manifests.yaml");

/// What was built.
pub(crate) struct Programs {
    pub(crate) operator: PathBuf,
    pub(crate) sandbox: PathBuf,
    pub(crate) peer: PathBuf,
}

/// What everything is measured on.
pub(crate) struct Lab {
    pub(crate) programs: Programs,
    pub(crate) sandbox: Sandbox,
    pub(crate) plane: ControlPlane,
    pub(crate) runtime: Runtime,
    /// Somebody of the service desk, who asks.
    pub(crate) asking: Client,
    /// Somebody who looks on, over connections of their own.
    pub(crate) watching: Client,
    /// The kind that the peer acts on.
    pub(crate) peer_kind: Kind,
    /// Whether the peer says in its status only how it ended.
    pub(crate) terse: bool,
    /// Rounds so far; names of requests and accounts begin with it.
    rounds: usize,
    // Last, so that servers are gone before it is removed.
    scratch: Scratch,
}

impl Lab {
    pub(crate) fn open(programs: Programs, bare_kind: bool, terse: bool) -> Result<Self> {
        let scratch = Scratch::new("readmit-bench-")?;
        crate::progress!("starting etcd and kube-apiserver");
        let plane = ControlPlane::start(Options::default())?;
        let sandbox = Sandbox::start(&programs.sandbox, scratch.path())?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .context("start a runtime")?;
        let client = |person: &str| runtime.block_on(client(&plane, person));
        let lab = Lab {
            asking: client("alice")?,
            watching: client("viewer")?,
            programs,
            sandbox,
            plane,
            runtime,
            peer_kind: if bare_kind { Kind::Bare } else { Kind::Unlock },
            terse,
            rounds: 0,
            scratch,
        };
        lab.install()?;
        Ok(lab)
    }

    fn install(&self) -> Result<()> {
        for printed in ["crds", "admission"] {
            let output = std::process::Command::new(&self.programs.operator)
                .arg(printed)
                .output();
            let output = output.with_context(|| format!("run {}", self.programs.operator.display()))?;
            ensure!(output.status.success(), "readmit {printed} failed ({})", output.status);
            self.plane.apply("admin", &String::from_utf8_lossy(&output.stdout))?;
        }
        self.plane.apply("admin", OPERATOR)?;
        let wait = ["wait", "--for=condition=Established", "--timeout=30s", "crd", "--all"];
        let bench = BENCH.replace("{URL}", &self.sandbox.url).replace("{TOKEN}", TOKEN);
        let (crd, rest) = bench.split_once("---\n").context("the CRD comes first")?;
        self.plane.apply("admin", crd)?;
        self.plane.kubectl_as("admin", &wait)?;
        self.plane.apply("admin", rest).map(drop)
    }

    /// Where logs go.
    pub(crate) fn dir(&self) -> &std::path::Path {
        self.scratch.path()
    }

    /// A name that no other round has.
    pub(crate) fn round(&mut self) -> String {
        self.rounds += 1;
        format!("r{}", self.rounds)
    }

    /// Removes all requests of a kind and all accounts, so that every round begins alike. No subject may run.
    pub(crate) fn clear(&mut self, kind: Kind) -> Result<()> {
        self.sandbox.restart()?;
        let path = kind.path();
        self.plane.kubectl_as("admin", &["delete", "--raw", path])?;
        testkit::wait::until_ok("the requests to be gone", std::time::Duration::from_secs(60), || {
            let list = self
                .plane
                .kubectl_as("admin", &["get", "--raw", &format!("{path}?limit=1")])?;
            let list: Value = serde_json::from_str(&list).context("a list")?;
            let count = list["items"].as_array().map_or(0, Vec::len);
            ensure!(count == 0, "some are left");
            Ok(())
        })
    }
}

/// Without retries: a create that was sent again would be measured once.
async fn client(plane: &ControlPlane, person: &str) -> Result<Client> {
    let kubeconfig = Kubeconfig::read_from(plane.kubeconfig(person)).context("read a kubeconfig")?;
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
        .await
        .context("make a configuration")?;
    config.default_retry = false;
    config.read_timeout = None;
    config.proxy_url = None;
    Client::try_from(config).context("make a client")
}
