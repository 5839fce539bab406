//! What runs beside the cluster: the sandbox that plays Okta, slapd, and the operator itself.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use testkit::process::Child;
use testkit::skip::Missing;
use testkit::slapd::{self, Slapd};
use testkit::{http, ports, wait};

use super::cluster::Cluster;
use crate::programs::{self, Profile};

const PATIENCE: Duration = Duration::from_secs(60);

/// The product's programs.
pub(super) struct Programs {
    pub(super) operator: PathBuf,
    sandbox: PathBuf,
}

impl Programs {
    /// Builds them; cargo's progress goes to standard error.
    pub(super) fn build() -> Result<Self> {
        let built = programs::Programs::build(&["readmit", "sandbox", "workspace-hack"], Profile::Dev)?;
        Ok(Self {
            operator: built.path("readmit")?,
            sandbox: built.path("readmit-sandbox")?,
        })
    }
}

/// A simulated Okta organisation, and the people of it as they sign in.
pub(super) struct Sandbox {
    pub(super) child: Child,
    control: String,
    proxy: String,
    ca: PathBuf,
}

impl Sandbox {
    /// Starts one with these people, all active with this password.
    pub(super) fn start(programs: &Programs, dir: &Path, token: &str, people: &[&str], password: &str) -> Result<Self> {
        let people: Vec<Value> = people
            .iter()
            .map(|login| json!({"login": login, "status": "ACTIVE", "password": password}))
            .collect();
        let seed = dir.join("people.json");
        std::fs::write(&seed, json!(people).to_string()).with_context(|| format!("write {}", seed.display()))?;
        let ca = dir.join("sandbox-ca.pem");
        let mut command = Command::new(&programs.sandbox);
        command
            .arg("--seed")
            .arg(&seed)
            .arg("--ca-file")
            .arg(&ca)
            .args(["--token", token]);
        let mut child = Child::spawn("the sandbox", &mut command, &dir.join("sandbox.log"))?;
        let addresses: Value = wait::until_ok("the sandbox to tell its addresses", PATIENCE, || {
            child.check_running()?;
            let log = child.log();
            serde_json::from_str(log.lines().next().unwrap_or_default()).context("not yet")
        })?;
        let address = |name: &str| {
            let found = addresses[name].as_str().map(str::to_owned);
            found.with_context(|| format!("the sandbox told no address {name}"))
        };
        Ok(Self {
            control: address("control")?,
            proxy: address("proxy")?,
            child,
            ca,
        })
    }

    /// Signs somebody in, and gives how that ended, such as `success` or `lockedOut`. `new` replaces a password that has
    /// to be changed.
    pub(super) fn sign_in(&self, login: &str, password: &str, new: Option<&str>) -> Result<String> {
        let mut body = json!({"login": login, "password": password});
        if let Some(new) = new {
            body["newPassword"] = json!(new);
        }
        let answer = http::json("POST", &self.control, "/_sandbox/sign-in", Some(&body))?;
        let outcome = answer["outcome"].as_str().map(str::to_owned);
        outcome.with_context(|| format!("the sandbox answered a sign-in with {answer}"))
    }

    /// How many calls by API that are no reads have arrived, by its ground-truth log.
    pub(super) fn writes(&self) -> Result<usize> {
        let entries = http::json("GET", &self.control, "/_sandbox/truth", None)?;
        let entries = entries.as_array().context("the truth is a list")?;
        let is_write = |entry: &&Value| entry["origin"] == "api" && entry["method"] != "GET";
        Ok(entries.iter().filter(is_write).count())
    }
}

/// An OpenLDAP server; `None`, with the reason said, where this machine cannot have one.
pub(super) fn slapd(dir: &Path) -> Result<Option<Slapd>> {
    let options = slapd::Options {
        dir: Some(dir.join("slapd")),
        ..slapd::Options::default()
    };
    match Slapd::start(options) {
        Ok(slapd) => Ok(Some(slapd)),
        Err(error) if error.chain().any(|cause| cause.is::<Missing>()) => {
            println!("   OpenLDAP is left out: {error:#}");
            Ok(None)
        }
        Err(error) => Err(error.context("start slapd")),
    }
}

/// The operator, under its own ServiceAccount's token, and with every https host but the API server led to the sandbox.
pub(super) fn operator(programs: &Programs, cluster: &Cluster, sandbox: &Sandbox, dir: &Path) -> Result<Child> {
    let listen = format!("127.0.0.1:{}", ports::free());
    let mut command = Command::new(&programs.operator);
    command
        .env("KUBECONFIG", cluster.operator_kubeconfig(dir)?)
        .env("HTTPS_PROXY", &sandbox.proxy)
        .env("NO_PROXY", format!("127.0.0.1,localhost,{}", cluster.host()?))
        .env("SSL_CERT_FILE", &sandbox.ca)
        .env("READMIT_NAMESPACE", super::cluster::NAMESPACE)
        .env("READMIT_LISTEN", &listen)
        .env("READMIT_LOG_FORMAT", "text");
    for lower in [
        "https_proxy",
        "no_proxy",
        "http_proxy",
        "all_proxy",
        "HTTP_PROXY",
        "ALL_PROXY",
    ] {
        command.env_remove(lower);
    }
    let mut child = Child::spawn("readmit", &mut command, &dir.join("operator.log"))?;
    let url = format!("http://{listen}");
    let ready = wait::until_ok("the operator to be ready and to lead", PATIENCE, || {
        child.check_running()?;
        http::call("GET", &url, "/readyz", None)?;
        let metrics = http::call("GET", &url, "/metrics", None)?;
        if !metrics.contains("readmit_leading 1") {
            bail!("it does not lead yet");
        }
        Ok(())
    });
    ready.with_context(|| format!("the end of its log:\n{}", child.log_tail()))?;
    Ok(child)
}
