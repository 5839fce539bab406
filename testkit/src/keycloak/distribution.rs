//! The program itself: Keycloak's distribution from Maven Central, fetched with maven, made ready once and kept in
//! `<target>/keycloak`.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::{announce, packages, workspace};

const VERSION: &str = "26.7.3";
/// Settings that Keycloak bakes in, so that it starts in a fraction of the time: nothing outlives a server.
const BUILD: &[&str] = &["build", "--db=dev-mem"];
/// For a Java that runs for half a minute: compiling what is hot once more takes longer than it saves. The build takes 15 s
/// of a core where it took 32.
const SHORT_LIVED: &str = "-XX:TieredStopAtLevel=1 -XX:-UseG1GC -XX:+UseSerialGC";

/// The folder of a distribution that is ready to be started with `--optimized`. The first time this takes minutes.
///
/// # Errors
/// [`crate::skip::Missing`] where maven and a JRE are not there and cannot be installed; any other error where the
/// download or its preparation fails.
pub(super) fn ensure() -> Result<PathBuf> {
    if !has("mvn") || !has("java") {
        packages::ensure(&["maven", "default-jre-headless"])?;
    }
    let root = workspace::target_dir().join("keycloak");
    std::fs::create_dir_all(&root).with_context(|| format!("make the folder {}", root.display()))?;
    let home = root.join(format!("keycloak-{VERSION}"));
    let stamp = home.join("readmit.stamp");
    let is_ready = || std::fs::read_to_string(&stamp).is_ok_and(|built| built == BUILD.join(" "));
    if is_ready() {
        return Ok(home);
    }
    let _lock = lock(&root.join("lock"))?;
    // Another process may have done it while we waited.
    if !is_ready() {
        make(&root, &home)?;
        std::fs::write(&stamp, BUILD.join(" ")).with_context(|| format!("write {}", stamp.display()))?;
    }
    Ok(home)
}

fn make(root: &Path, home: &Path) -> Result<()> {
    let began = Instant::now();
    announce(&format!(
        "fetching Keycloak {VERSION} into {}; the first time this takes 1 to 3 minutes",
        root.display()
    ));
    if home.exists() {
        std::fs::remove_dir_all(home).with_context(|| format!("remove the unfinished {}", home.display()))?;
    }
    let repository = root.join("maven");
    run(Command::new("mvn")
        .args(["--quiet", "--batch-mode", "dependency:get", "-Dtransitive=false"])
        .arg(format!(
            "-Dartifact=org.keycloak:keycloak-quarkus-dist:{VERSION}:tar.gz"
        ))
        .arg(format!("-Dmaven.repo.local={}", repository.display())))?;
    let archive = repository.join(format!(
        "org/keycloak/keycloak-quarkus-dist/{VERSION}/keycloak-quarkus-dist-{VERSION}.tar.gz"
    ));
    run(Command::new("tar").arg("-xzf").arg(&archive).arg("-C").arg(root))?;
    run(Command::new(home.join("bin/kc.sh"))
        .args(BUILD)
        .env("JAVA_OPTS_APPEND", SHORT_LIVED))?;
    // What is unpacked is what is kept.
    std::fs::remove_dir_all(&repository).with_context(|| format!("remove {}", repository.display()))?;
    announce(&format!("Keycloak is ready after {} s", began.elapsed().as_secs()));
    Ok(())
}

fn run(command: &mut Command) -> Result<()> {
    let program = command.get_program().display().to_string();
    let output = command.output().with_context(|| format!("run {program}"))?;
    if !output.status.success() {
        let text = [output.stdout, output.stderr].concat();
        bail!(
            "{program} failed with {}:\n{}",
            output.status,
            String::from_utf8_lossy(&text)
        );
    }
    Ok(())
}

fn has(program: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(program).is_file()))
}

/// Held until the file is dropped; the kernel lets go of it when the process dies.
pub(super) fn lock(path: &Path) -> Result<File> {
    let file = File::create(path).with_context(|| format!("create the lock file {}", path.display()))?;
    file.lock().with_context(|| format!("lock {}", path.display()))?;
    Ok(file)
}
