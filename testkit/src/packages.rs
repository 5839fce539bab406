//! Debian packages that tests need: there, installed, or named in a message.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::skip::Missing;
use crate::{announce, assets, workspace};

/// Makes sure that the packages are installed, with apt-get where this process is root on a Debian system. No
/// service of theirs is started: tests run their own.
///
/// # Errors
/// [`Missing`], with the command to run, where they cannot be installed; any other error where installing fails.
pub fn ensure(packages: &[&str]) -> Result<()> {
    let missing: Vec<&str> = packages
        .iter()
        .copied()
        .filter(|package| !is_installed(package))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let list = missing.join(" ");
    if !has_program("apt-get") {
        return Err(Missing(format!(
            "this needs the programs of the Debian packages {list}; install them"
        ))
        .into());
    }
    if !is_root() {
        return Err(Missing(format!("packages are missing; as root run: apt-get install {list}")).into());
    }
    announce(&format!("installing the Debian packages {list}"));
    install(&missing)
}

fn is_installed(package: &str) -> bool {
    let query = Command::new("dpkg-query")
        .args(["-W", "-f", "${db:Status-Status}", package])
        .output();
    query.is_ok_and(|output| output.status.success() && output.stdout == b"installed")
}

fn has_program(name: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(name).is_file()))
}

pub(crate) fn is_root() -> bool {
    Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|output| output.stdout == b"0\n")
}

fn install(packages: &[&str]) -> Result<()> {
    // Several suites may install at once; the first to finish would let services start while another still installs.
    let _turn = assets::lock(&workspace::target_dir().join("packages.lock"))?;
    let _no_services = ServicesForbidden::new()?;
    let install = || {
        let mut args = vec!["install", "--yes", "--quiet", "--no-install-recommends"];
        args.extend(packages);
        apt_get(&args)
    };
    // The lists of a fresh container are empty and those of an old machine name packages that are gone.
    if install().is_ok() {
        return Ok(());
    }
    apt_get(&["update", "--quiet"])?;
    install()
}

fn apt_get(args: &[&str]) -> Result<()> {
    let output = Command::new("apt-get")
        .args(["-o", "DPkg::Lock::Timeout=300"])
        .args(args)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .output()
        .context("run apt-get")?;
    if !output.status.success() {
        let text = [output.stdout, output.stderr].concat();
        bail!(
            "apt-get {} failed with {}:\n{}",
            args.join(" "),
            output.status,
            String::from_utf8_lossy(&text)
        );
    }
    Ok(())
}

/// While this lives, packages that are installed start no service: a `policy-rc.d` that answers 101 is Debian's way
/// to say so (invoke-rc.d(8)). One that is there already is the machine's own decision and stays.
struct ServicesForbidden {
    ours: bool,
}

const POLICY: &str = "/usr/sbin/policy-rc.d";

impl ServicesForbidden {
    fn new() -> Result<Self> {
        use std::os::unix::fs::PermissionsExt;
        if Path::new(POLICY).exists() {
            return Ok(Self { ours: false });
        }
        std::fs::write(POLICY, "#!/bin/sh\nexit 101\n").with_context(|| format!("write {POLICY}"))?;
        let forbidden = Self { ours: true };
        std::fs::set_permissions(POLICY, PermissionsExt::from_mode(0o755))
            .with_context(|| format!("make {POLICY} executable"))?;
        Ok(forbidden)
    }
}

impl Drop for ServicesForbidden {
    fn drop(&mut self) {
        if self.ours
            && let Err(error) = std::fs::remove_file(POLICY)
        {
            announce(&format!(
                "{POLICY} could not be removed ({error}); remove it, or no service starts any more"
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_an_installed_package_from_none() {
        if has_program("dpkg-query") {
            assert!(is_installed("dpkg"));
        }
        assert!(!is_installed("no-such-package"));
    }
}
