//! The cluster that the demo runs on: one of its own, or one that is there already and is left as it was found.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use testkit::assets;
use testkit::control_plane::{ControlPlane, Options};
use testkit::process::with_input;

/// Where the operator's objects lie.
pub(super) const NAMESPACE: &str = "readmit-system";

/// Who runs kubectl.
#[derive(Clone, Copy)]
pub(super) enum Who {
    /// The platform team.
    Admin,
    /// Somebody of the service desk, `oidc:bob@example.com` in group `desk`.
    Bob,
}

impl Who {
    pub(super) fn name(self) -> &'static str {
        match self {
            Who::Admin => "admin",
            Who::Bob => "bob",
        }
    }
}

/// A cluster to run on.
pub(super) enum Cluster {
    /// etcd and kube-apiserver, started for this.
    Own(Box<ControlPlane>),
    /// One that was there before.
    Existing(Existing),
}

/// A context of the user's own kubeconfig.
pub(super) struct Existing {
    kubectl: PathBuf,
    context: String,
    removal: Option<Removal>,
}

impl Cluster {
    /// Starts one that keeps its files in `dir`.
    pub(super) fn start(dir: &Path) -> Result<Self> {
        let options = Options {
            dir: Some(dir.join("cluster")),
            ..Options::default()
        };
        Ok(Cluster::Own(Box::new(ControlPlane::start(options)?)))
    }

    /// Takes the one of this context, after a look at whether it will do.
    ///
    /// # Errors
    /// When rights are missing, when it is too old, or when Readmit is there already.
    pub(super) fn existing(context: &str) -> Result<Self> {
        let on_path = Command::new("kubectl")
            .args(["version", "--client"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        let kubectl = match on_path {
            Ok(status) if status.success() => PathBuf::from("kubectl"),
            _ => assets::ensure()?.kubectl,
        };
        let cluster = Cluster::Existing(Existing {
            kubectl,
            context: context.to_owned(),
            removal: None,
        });
        cluster.check()?;
        Ok(cluster)
    }

    fn check(&self) -> Result<()> {
        let context = self.existing_context().unwrap_or_default().to_owned();
        for (what, args) in [
            ("everything", &["*", "*"][..]),
            ("impersonate users", &["impersonate", "users"][..]),
            ("impersonate groups", &["impersonate", "groups"][..]),
        ] {
            let asked = self
                .kubectl(Who::Admin)
                .args(["auth", "can-i", "--quiet", "--all-namespaces"])
                .args(args)
                .output()
                .context("run kubectl")?;
            if !asked.status.success() {
                bail!(
                    "context {context} does not do: it lets you not {what} (it must, since the demo installs CRDs, admission \
                     policies and RBAC), or it cannot be reached: {}",
                    String::from_utf8_lossy(&asked.stderr).trim()
                );
            }
        }
        let known = self.run(Who::Admin, &["api-resources", "-o", "name"])?;
        if !known
            .lines()
            .any(|line| line == "mutatingadmissionpolicies.admissionregistration.k8s.io")
        {
            bail!(
                "context {context} does not do: the demo needs MutatingAdmissionPolicy, that is Kubernetes 1.36 or later"
            );
        }
        let there = self.run(
            Who::Admin,
            &["get", "namespace", NAMESPACE, "--ignore-not-found", "-o", "name"],
        )?;
        if !there.trim().is_empty() || known.contains(".readmit.dev") {
            bail!(
                "context {context} does not do: it has Readmit already (namespace {NAMESPACE} or CRDs of readmit.dev), and the \
                 demo removes what it installs"
            );
        }
        Ok(())
    }

    fn existing_context(&self) -> Option<&str> {
        match self {
            Cluster::Own(_) => None,
            Cluster::Existing(existing) => Some(&existing.context),
        }
    }

    /// kubectl as somebody.
    pub(super) fn kubectl(&self, who: Who) -> Command {
        match self {
            Cluster::Own(plane) => plane.kubectl(who.name()),
            Cluster::Existing(existing) => {
                let mut command = Command::new(&existing.kubectl);
                command.args(["--context", &existing.context]).stdin(Stdio::null());
                if matches!(who, Who::Bob) {
                    command.args([
                        "--as=oidc:bob@example.com",
                        "--as-group=desk",
                        "--as-group=system:authenticated",
                    ]);
                }
                command
            }
        }
    }

    /// Runs kubectl and gives its standard output.
    ///
    /// # Errors
    /// When it fails; the text is its standard error.
    pub(super) fn run(&self, who: Who, args: &[&str]) -> Result<String> {
        let output = self.kubectl(who).args(args).output().context("run kubectl")?;
        checked(output, &format!("kubectl {} as {}", args.join(" "), who.name()))
    }

    /// `kubectl apply -f -`; gives its standard output.
    ///
    /// # Errors
    /// When it fails.
    pub(super) fn apply(&self, who: Who, manifests: &str) -> Result<String> {
        let output = with_input(self.kubectl(who).args(["apply", "-f", "-"]), manifests)?;
        checked(output, &format!("kubectl apply as {}", who.name()))
    }

    /// Installs what belongs to the product; on a cluster that is not ours, this is what will be removed again.
    ///
    /// # Errors
    /// When the API server refuses a part.
    pub(super) fn install(&mut self, dir: &Path, manifests: &str) -> Result<()> {
        let file = dir.join("installed.yaml");
        std::fs::write(&file, manifests).with_context(|| format!("write {}", file.display()))?;
        if let Cluster::Existing(existing) = self {
            existing.removal = Some(Removal::prepare(&existing.kubectl, &existing.context, &file)?);
        }
        self.apply(Who::Admin, manifests).map(drop)
    }

    /// A kubeconfig for the operator's own ServiceAccount, with a token by the TokenRequest API.
    ///
    /// # Errors
    /// When the token is refused.
    pub(super) fn operator_kubeconfig(&self, dir: &Path) -> Result<PathBuf> {
        let token = self.run(
            Who::Admin,
            &["create", "token", "readmit", "--namespace", NAMESPACE, "--duration=24h"],
        )?;
        let view = self.run(
            Who::Admin,
            &["config", "view", "--minify", "--flatten", "--raw", "-o", "json"],
        )?;
        let view: Value = serde_json::from_str(&view).context("kubectl config view")?;
        let config = serde_json::json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "operator",
            "clusters": [{"name": "demo", "cluster": view["clusters"][0]["cluster"]}],
            "users": [{"name": "operator", "user": {"token": token.trim()}}],
            "contexts": [{"name": "operator", "context": {"cluster": "demo", "user": "operator"}}],
        });
        let file = dir.join("operator.kubeconfig");
        testkit::tls::write(&file, &config.to_string())?;
        Ok(file)
    }

    /// The API server's host name, which the operator must not reach through the sandbox's proxy.
    ///
    /// # Errors
    /// When kubectl does not tell.
    pub(super) fn host(&self) -> Result<String> {
        let path = "jsonpath={.clusters[0].cluster.server}";
        let server = self.run(Who::Admin, &["config", "view", "--minify", "-o", path])?;
        let authority = server.split("://").nth(1).unwrap_or(&server);
        let authority = authority.split('/').next().unwrap_or_default();
        Ok(authority
            .rsplit_once(':')
            .map_or(authority, |(host, _)| host)
            .to_owned())
    }

    /// Leaves it as it is; gives the processes to end, and the shell command that removes what was installed.
    ///
    /// # Errors
    /// When it cannot be left.
    pub(super) fn leave(self, dir: &Path) -> Result<(Vec<u32>, String)> {
        match self {
            Cluster::Own(plane) => Ok((plane.leave_running()?, String::new())),
            Cluster::Existing(mut existing) => {
                existing.removal.take().map(Removal::call_off).transpose()?;
                let file = dir.join("installed.yaml");
                let (kubectl, context) = (existing.kubectl.display(), &existing.context);
                let file = file.display();
                Ok((
                    Vec::new(),
                    format!("'{kubectl}' --context '{context}' delete --ignore-not-found -f '{file}'\n"),
                ))
            }
        }
    }

    /// How a reader calls kubectl as bob.
    pub(super) fn how_to_kubectl(&self) -> String {
        match self {
            Cluster::Own(plane) => {
                let kubectl = plane.kubectl("bob");
                format!(
                    "export KUBECONFIG={}    # or admin.kubeconfig beside it\nalias kubectl={}",
                    plane.kubeconfig("bob").display(),
                    kubectl.get_program().display()
                )
            }
            Cluster::Existing(existing) => format!(
                "alias kubectl='{} --context {} --as=oidc:bob@example.com --as-group=desk'",
                existing.kubectl.display(),
                existing.context
            ),
        }
    }
}

fn checked(output: std::process::Output, what: &str) -> Result<String> {
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        bail!("{what} failed ({}): {}", output.status, text.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Removes what was installed, however this process ends: a shell that waits for the end of a pipe of ours. The
/// manifests are open in it, so that the folder may be gone by then.
struct Removal(Child);

impl Removal {
    /// `read` fails at the end of the pipe, and succeeds where it is called off.
    const SCRIPT: &str = r#"trap '' INT TERM HUP; exec 3<"$3"; read -r _ && exit 0
"$1" --context "$2" delete --ignore-not-found --timeout=120s -f - <&3 >/dev/null"#;

    fn prepare(kubectl: &Path, context: &str, manifests: &Path) -> Result<Self> {
        let shell = Command::new("/bin/sh")
            .args(["-c", Self::SCRIPT, "removal"])
            .arg(kubectl)
            .arg(context)
            .arg(manifests)
            .stdin(Stdio::piped())
            .spawn();
        shell.map(Removal).context("start /bin/sh")
    }

    fn call_off(mut self) -> Result<()> {
        use std::io::Write;
        let mut pipe = self.0.stdin.take().context("its standard input is a pipe")?;
        writeln!(pipe, "leave").context("tell the shell")
    }
}

impl Drop for Removal {
    fn drop(&mut self) {
        // Closing the pipe starts the removal, unless it was called off.
        drop(self.0.stdin.take());
        match self.0.wait() {
            Ok(status) if status.success() => {}
            _ => eprintln!(
                "demo: not all of what was installed could be removed from the cluster, see kubectl's message above; look \
                 at namespace {NAMESPACE} and at what is named readmit"
            ),
        }
    }
}
