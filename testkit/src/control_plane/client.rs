//! Access to the control plane: kubeconfig files, one a person, and kubectl as one of them.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, bail};

use super::ControlPlane;
use crate::process::with_input;
use crate::tls;

impl ControlPlane {
    /// The kubeconfig file of one of [`super::Options::people`].
    pub fn kubeconfig(&self, person: &str) -> PathBuf {
        self.dir.join(format!("{person}.kubeconfig"))
    }

    /// The token of one of [`super::Options::people`].
    pub fn token(&self, person: &str) -> Result<&str> {
        let found = self.tokens.iter().find(|(name, _)| name == person);
        found
            .map(|(_, token)| token.as_str())
            .with_context(|| format!("nobody is called {person} here"))
    }

    /// Writes a kubeconfig for any bearer token and gives its path; `name` must not be a person's.
    pub fn kubeconfig_with_token(&self, name: &str, token: &str) -> Result<PathBuf> {
        if self.tokens.iter().any(|(person, _)| person == name) {
            bail!("{name} is a person with a kubeconfig of their own; choose another name");
        }
        self.write_kubeconfig(name, &self.api_url(), token)
    }

    /// The same for a proxy in front of the API server.
    pub(crate) fn kubeconfig_at(&self, name: &str, url: &str, token: &str) -> Result<PathBuf> {
        self.write_kubeconfig(name, url, token)
    }

    pub(super) fn write_kubeconfigs(&self) -> Result<()> {
        self.tokens
            .iter()
            .try_for_each(|(person, token)| self.write_kubeconfig(person, &self.api_url(), token).map(drop))
    }

    fn write_kubeconfig(&self, name: &str, url: &str, token: &str) -> Result<PathBuf> {
        let file = self.kubeconfig(name);
        let ca = data_encoding::BASE64.encode(self.authority.pem().as_bytes());
        let text = format!(
            r#"apiVersion: v1
kind: Config
clusters: [{{name: test, cluster: {{server: "{url}", certificate-authority-data: "{ca}"}}}}]
users: [{{name: "{name}", user: {{token: "{token}"}}}}]
contexts: [{{name: "{name}", context: {{cluster: test, user: "{name}"}}}}]
current-context: "{name}"
"#
        );
        tls::write(&file, &text)?;
        Ok(file)
    }

    /// kubectl with a kubeconfig file, and a discovery cache of its own.
    pub fn kubectl_with(&self, kubeconfig: &Path) -> Command {
        let mut command = Command::new(&self.assets.kubectl);
        command
            .env("KUBECONFIG", kubeconfig)
            .env("KUBECACHEDIR", self.dir.join("kubectl-cache"))
            // What a developer has set for their own kubectl must not change the tests.
            .env("KUBERC", "off")
            .stdin(Stdio::null());
        command
    }

    /// kubectl as one of [`super::Options::people`].
    pub fn kubectl(&self, person: &str) -> Command {
        self.kubectl_with(&self.kubeconfig(person))
    }

    /// Runs kubectl and gives its standard output.
    ///
    /// # Errors
    /// When it exits with another code than 0; the text is its standard error.
    pub fn kubectl_as(&self, person: &str, args: &[&str]) -> Result<String> {
        let output = self.kubectl(person).args(args).output().context("run kubectl")?;
        checked(&output, || format!("kubectl {} as {person}", args.join(" ")))
    }

    /// `kubectl apply -f -`; the caller looks at status and texts.
    pub fn try_apply(&self, person: &str, manifests: &str) -> Result<Output> {
        with_input(self.kubectl(person).args(["apply", "-f", "-"]), manifests)
    }

    /// `kubectl create -f -`; the caller looks at status and texts.
    pub fn try_create(&self, person: &str, manifests: &str) -> Result<Output> {
        with_input(self.kubectl(person).args(["create", "-f", "-"]), manifests)
    }

    /// `kubectl apply -f -`, which must succeed; gives its standard output.
    pub fn apply(&self, person: &str, manifests: &str) -> Result<String> {
        checked(&self.try_apply(person, manifests)?, || {
            format!("kubectl apply as {person}")
        })
    }

    /// `kubectl create -f -`, which must succeed; gives its standard output.
    pub fn create(&self, person: &str, manifests: &str) -> Result<String> {
        checked(&self.try_create(person, manifests)?, || {
            format!("kubectl create as {person}")
        })
    }

    /// A token of a ServiceAccount that exists, by the TokenRequest API; it is valid for an hour.
    pub fn service_account_token(&self, namespace: &str, name: &str) -> Result<String> {
        let token = self.kubectl_as("admin", &["create", "token", name, "--namespace", namespace])?;
        Ok(token.trim().to_owned())
    }

    /// The API server's metrics in Prometheus text format.
    pub fn metrics(&self) -> Result<String> {
        self.kubectl_as("admin", &["get", "--raw", "/metrics"])
    }
}

fn checked(output: &Output, what: impl FnOnce() -> String) -> Result<String> {
    if !output.status.success() {
        bail!(
            "{} failed ({}): {}",
            what(),
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
