//! helm with the product's chart, apart from what a developer has set for their own helm.

use std::path::Path;
use std::process::{Command, Output};

use testkit::control_plane::ControlPlane;
use testkit::{assets, skip};

/// helm, with folders of its own.
pub struct Helm {
    program: std::path::PathBuf,
    home: tempfile::TempDir,
}

impl Helm {
    /// `None` where this machine cannot have it.
    pub fn new() -> Option<Self> {
        let program = skip::unless_missing(assets::helm())?;
        Some(Self {
            program,
            home: tempfile::tempdir().expect("a folder"),
        })
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        for folder in ["CACHE", "CONFIG", "DATA"] {
            command.env(format!("HELM_{folder}_HOME"), self.home.path().join(folder));
        }
        command
    }

    fn chart() -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("charts/readmit")
    }

    /// `helm template` without a server.
    pub fn template(&self, args: &[&str]) -> Output {
        let mut command = self.command();
        command
            .args(["template", "readmit"])
            .arg(Self::chart())
            .args(["--kube-version", "1.36.3"])
            .args(args);
        command.output().expect("run helm")
    }

    /// `helm install` or `helm upgrade` of the chart as release `readmit` into readmit-system, as an administrator.
    pub fn release(&self, plane: &ControlPlane, verb: &str, args: &[&str]) -> Output {
        let mut command = self.command();
        command
            .env("KUBECONFIG", plane.kubeconfig("admin"))
            .args([verb, "readmit"])
            .arg(Self::chart());
        command
            .args(["--namespace", "readmit-system"])
            .args(args)
            .output()
            .expect("run helm")
    }

    /// `helm uninstall` of that release.
    pub fn uninstall(&self, plane: &ControlPlane) -> Output {
        let mut command = self.command();
        command.env("KUBECONFIG", plane.kubeconfig("admin"));
        command
            .args(["uninstall", "readmit", "--namespace", "readmit-system"])
            .output()
            .expect("run helm")
    }
}
