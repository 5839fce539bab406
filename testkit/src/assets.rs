//! The programs of the control plane: found in `KUBEBUILDER_ASSETS`, or built from the Go module in `controlplane/` and
//! kept in `<target>/controlplane/bin`.
//!
//! Only go.mod and go.sum are committed, no program; nothing here looks up a version.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::skip::Missing;
use crate::{announce, workspace};

/// A folder that holds `kube-apiserver`, `etcd` and `kubectl`; then nothing is built.
pub const ASSETS_VARIABLE: &str = "KUBEBUILDER_ASSETS";

const KUBERNETES_VERSION: &str = "1.36.3";

/// Where the programs lie.
#[derive(Debug, Clone)]
pub struct Assets {
    pub kube_apiserver: PathBuf,
    pub etcd: PathBuf,
    pub kubectl: PathBuf,
}

/// The control plane's programs, built first if they are missing or older than go.mod and go.sum.
///
/// # Errors
/// When `KUBEBUILDER_ASSETS` is set and lacks one of them, when Go is missing or too old ([`Missing`]), or when the
/// build fails.
pub fn ensure() -> Result<Assets> {
    let dir = match std::env::var_os(ASSETS_VARIABLE) {
        Some(dir) => PathBuf::from(dir),
        None => servers().ensure()?,
    };
    let find = |program: &str| {
        let file = dir.join(program);
        if !file.is_file() {
            bail!(
                "{ASSETS_VARIABLE} names {}, which has no {program}; unset it to build the programs",
                dir.display()
            );
        }
        Ok(file)
    };
    Ok(Assets {
        kube_apiserver: find("kube-apiserver")?,
        etcd: find("etcd")?,
        kubectl: find("kubectl")?,
    })
}

/// The helm program, built first if it is missing or out of date.
///
/// # Errors
/// When Go is missing or too old ([`Missing`]), or when the build fails.
pub fn helm() -> Result<PathBuf> {
    Ok(helm_alone().ensure()?.join("helm"))
}

/// The controller that the benchmark measures Readmit against, built from `bench/peer`; quick where nothing changed.
///
/// # Errors
/// When Go is missing or too old ([`Missing`]), or when the build fails.
pub fn bench_peer() -> Result<PathBuf> {
    check_go()?;
    let file = workspace::target_dir().join("bench/peer");
    // Its source is ours and changes, so that Go's own cache is what says whether it is current.
    go_build(&workspace::root().join("bench/peer"), "-s -w", &file, &["."])?;
    Ok(file)
}

/// Programs of the Go module in `controlplane/` that are built together.
struct Programs {
    /// For files about them.
    name: &'static str,
    programs: Vec<Program>,
    ldflags: String,
    /// For the announcement: how long it takes with nothing cached.
    minutes: &'static str,
}

struct Program {
    name: &'static str,
    package: &'static str,
    /// What go calls it.
    built: &'static str,
}

const fn program(name: &'static str, package: &'static str, built: &'static str) -> Program {
    Program { name, package, built }
}

fn servers() -> Programs {
    // Without these the API server calls itself v0.0.0, and clients that look at its version refuse it.
    let version = "k8s.io/component-base/version";
    let mut parts = KUBERNETES_VERSION.split('.');
    let (major, minor) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    Programs {
        name: "kubernetes",
        programs: vec![
            program(
                "kube-apiserver",
                "k8s.io/kubernetes/cmd/kube-apiserver",
                "kube-apiserver",
            ),
            program("kubectl", "k8s.io/kubernetes/cmd/kubectl", "kubectl"),
            program("etcd", "go.etcd.io/etcd/server/v3", "server"),
        ],
        ldflags: format!(
            "-s -w -X {version}.gitVersion=v{KUBERNETES_VERSION} -X {version}.gitMajor={major} -X {version}.gitMinor={minor}"
        ),
        minutes: "4 to 8",
    }
}

fn helm_alone() -> Programs {
    Programs {
        name: "helm",
        programs: vec![program("helm", "helm.sh/helm/v4/cmd/helm", "helm")],
        ldflags: "-s -w".into(),
        minutes: "1 to 2",
    }
}

impl Programs {
    /// Gives the folder that they lie in.
    fn ensure(&self) -> Result<PathBuf> {
        let source = workspace::crate_dir().join("controlplane");
        let bin = workspace::target_dir().join("controlplane/bin");
        std::fs::create_dir_all(&bin).with_context(|| format!("make the folder {}", bin.display()))?;
        let stamp = self.stamp(&source)?;
        let stamp_file = bin.join(format!("{}.stamp", self.name));
        if self.is_current(&bin, &stamp_file, &stamp) {
            return Ok(bin);
        }
        let _lock = lock(&bin.join(format!("{}.lock", self.name)))?;
        // Another process may have built them while we waited for the lock.
        if !self.is_current(&bin, &stamp_file, &stamp) {
            self.build(&source, &bin)?;
            std::fs::write(&stamp_file, stamp).with_context(|| format!("write {}", stamp_file.display()))?;
        }
        Ok(bin)
    }

    /// All that decides what comes out of the build, as text.
    fn stamp(&self, source: &Path) -> Result<String> {
        let mut stamp = format!("{}\n", self.ldflags);
        for program in &self.programs {
            stamp += &format!("{} {}\n", program.name, program.package);
        }
        for file in ["go.mod", "go.sum"] {
            let file = source.join(file);
            stamp += &std::fs::read_to_string(&file).with_context(|| format!("read {}", file.display()))?;
        }
        Ok(stamp)
    }

    fn is_current(&self, bin: &Path, stamp_file: &Path, stamp: &str) -> bool {
        self.programs.iter().all(|program| bin.join(program.name).is_file())
            && std::fs::read_to_string(stamp_file).is_ok_and(|built| built == stamp)
    }

    fn build(&self, source: &Path, bin: &Path) -> Result<()> {
        check_go()?;
        let began = Instant::now();
        let names: Vec<&str> = self.programs.iter().map(|program| program.name).collect();
        let names = names.join(", ");
        announce(&format!(
            "building {names} from Go modules into {}; the first time this takes {} minutes on two cores",
            bin.display(),
            self.minutes
        ));
        let new = bin.join(format!("{}.new", self.name));
        std::fs::create_dir_all(&new).with_context(|| format!("make the folder {}", new.display()))?;
        // In one go, so that the second core compiles while the first one links.
        let packages: Vec<&str> = self.programs.iter().map(|program| program.package).collect();
        go_build(source, &self.ldflags, &new.join(""), &packages)?;
        for program in &self.programs {
            // A program that runs cannot be overwritten, but it can be replaced.
            let file = bin.join(program.name);
            std::fs::rename(new.join(program.built), &file)
                .with_context(|| format!("put {} into place", file.display()))?;
        }
        announce(&format!("built {names} in {} s", began.elapsed().as_secs()));
        Ok(())
    }
}

/// Builds packages of the Go module in `source`; an `output` that ends with a slash is a folder.
fn go_build(source: &Path, ldflags: &str, output: &Path, packages: &[&str]) -> Result<()> {
    let status = Command::new("go")
        .args(["build", "-trimpath", "-ldflags", ldflags, "-o"])
        .arg(output)
        .args(packages)
        .current_dir(source)
        // Static programs that run on any Linux; a workspace file further up must not change the versions.
        .env("CGO_ENABLED", "0")
        .env("GOWORK", "off")
        .status()
        .context("run the go command")?;
    if !status.success() {
        bail!(
            "go build of {} failed with {status} (in {}); see its messages above",
            packages.join(", "),
            source.display()
        );
    }
    Ok(())
}

/// Go 1.21 and later fetch the toolchain that go.mod asks for; older ones do not even read that line.
fn check_go() -> Result<()> {
    let advice = format!(
        "the control plane for tests is built with Go: install Go 1.26 or later from https://go.dev/dl/ (Debian 12's own \
         package is too old), or set {ASSETS_VARIABLE} to a folder with kube-apiserver, etcd and kubectl \
         {KUBERNETES_VERSION}"
    );
    let Ok(output) = Command::new("go").args(["env", "GOVERSION"]).output() else {
        return Err(Missing(format!("there is no go command; {advice}")).into());
    };
    let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let minor = version
        .strip_prefix("go1.")
        .and_then(|rest| rest.split(['.', 'r', 'b']).next()?.parse::<u32>().ok());
    match minor {
        Some(minor) if minor >= 21 => Ok(()),
        _ => Err(Missing(format!(
            "the go command says its version is {version:?}, which is too old; {advice}"
        ))
        .into()),
    }
}

/// Held until the file is dropped; the kernel lets go of it when the process dies.
pub(crate) fn lock(path: &Path) -> Result<File> {
    let file = File::create(path).with_context(|| format!("create the lock file {}", path.display()))?;
    if file.try_lock().is_err() {
        announce(&format!("another test is building; waiting for {}", path.display()));
        file.lock().with_context(|| format!("lock {}", path.display()))?;
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_sum_file_asks_for_a_build() {
        let dir = tempfile::tempdir().expect("a folder");
        let helm = helm_alone();
        let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).expect("written");
        write("go.mod", "module x\n");
        write("go.sum", "one\n");
        write("helm", "program");
        let stamp = helm.stamp(dir.path()).expect("a stamp");
        let stamp_file = dir.path().join("helm.stamp");
        assert!(
            !helm.is_current(dir.path(), &stamp_file, &stamp),
            "without a stamp file"
        );
        write("helm.stamp", &stamp);
        assert!(helm.is_current(dir.path(), &stamp_file, &stamp));
        write("go.sum", "two\n");
        let changed = helm.stamp(dir.path()).expect("a stamp");
        assert!(!helm.is_current(dir.path(), &stamp_file, &changed));
    }

    #[test]
    fn the_version_is_that_of_the_module() {
        let go_mod = std::fs::read_to_string(workspace::crate_dir().join("controlplane/go.mod"));
        assert!(
            go_mod
                .expect("go.mod")
                .contains(&format!("k8s.io/kubernetes v{KUBERNETES_VERSION}\n"))
        );
    }
}
