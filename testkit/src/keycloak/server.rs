//! A server of this process: its program, its mail server and its certificates.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::http::get;
use super::{Place, distribution, realm};
use crate::mail::MailServer;
use crate::process::{Child, Scratch};
use crate::{ports, tls, wait};

/// Keycloak starts in a quarter of a minute on an idle machine with two cores, and in minutes on a busy one.
pub(super) const READY_TIMEOUT: Duration = Duration::from_secs(420);
/// The client that administers the server.
pub(super) const ADMINISTRATOR: &str = "administrator";

/// The processes, ended on drop.
pub(super) struct Server {
    // Before the folder, so that they have ended when that is removed.
    _keycloak: Child,
    _mail: MailServer,
    scratch: Scratch,
}

impl Server {
    /// Fetches what is missing, starts the servers and waits until they answer.
    pub(super) fn start() -> Result<(Self, Place)> {
        let distribution = distribution::ensure()?;
        let scratch = Scratch::new("readmit-keycloak-")?;
        let mail = MailServer::start(scratch.path())?;
        let authority = tls::Authority::new("readmit test sign-in", scratch.path())?;
        let identity = authority.issue("keycloak", &["127.0.0.1", "localhost"], scratch.path())?;
        let place = Place {
            http_port: ports::free(),
            https_port: ports::free(),
            mail_port: mail.port(),
            secret: tls::random_secret()?,
            ca_pem: authority.pem().to_owned(),
            log: scratch.path().join("keycloak.log"),
            mails: mail.folder().to_owned(),
        };
        let home = scratch.path().join("home");
        furnish(&distribution, &home)?;
        bring_master(&home)?;
        let mut keycloak = Child::spawn("keycloak", &mut command(&home, &place, &identity), &place.log)?;
        wait::until_ok("Keycloak to answer", READY_TIMEOUT, || {
            match keycloak.exit_status()? {
                Some(_) => Ok(()), // reported below, at once
                None => place.check_answers(),
            }
        })
        .with_context(|| format!("the end of its log:\n{}", keycloak.log_tail()))?;
        keycloak.check_running()?;
        let server = Self {
            _keycloak: keycloak,
            _mail: mail,
            scratch,
        };
        Ok((server, place))
    }

    /// A folder that ends with it.
    pub(super) fn folder(&self) -> &Path {
        self.scratch.path()
    }
}

impl Place {
    /// Fails where the server there does not answer.
    pub(super) fn check_answers(&self) -> Result<()> {
        let page = format!("http://127.0.0.1:{}/realms/master", self.http_port);
        match get(&page)?.status {
            200 => Ok(()),
            status => bail!("{page} answers {status}"),
        }
    }
}

/// The whole command line. Its settings that are baked in stand in `distribution`.
fn command(home: &Path, place: &Place, identity: &tls::Identity) -> Command {
    let mut command = java(home);
    command
        .args([
            "start",
            "--optimized",
            "--import-realm",
            "--http-enabled=true",
            "--hostname-strict=false",
        ])
        // Without this it looks for others to form a cluster with.
        .args([
            "--cache=local",
            "--http-host=127.0.0.1",
            "--http-access-log-enabled=true",
        ])
        .arg("--http-access-log-pattern=access|%s|%r|%{i,User-Agent}")
        .arg(format!("--http-port={}", place.http_port))
        .arg(format!("--https-port={}", place.https_port))
        .arg(format!("--https-certificate-file={}", identity.certificate.display()))
        .arg(format!("--https-certificate-key-file={}", identity.key.display()))
        // A person would have to fill in a profile first, in a realm that was brought.
        .env("KC_BOOTSTRAP_ADMIN_CLIENT_ID", ADMINISTRATOR)
        .env("KC_BOOTSTRAP_ADMIN_CLIENT_SECRET", &place.secret);
    command
}

/// A home of its own for a server: the distribution's folders by link, and one for what it writes.
fn furnish(distribution: &Path, home: &Path) -> Result<()> {
    std::fs::create_dir_all(home.join("data")).with_context(|| format!("make the folder {}", home.display()))?;
    for folder in ["bin", "conf", "lib", "providers", "themes"] {
        std::os::unix::fs::symlink(distribution.join(folder), home.join(folder))
            .with_context(|| format!("link {folder} into {}", home.display()))?;
    }
    Ok(())
}

/// The administrators' realm, which the server would make more slowly. The administrator is added by itself.
fn bring_master(home: &Path) -> Result<()> {
    let folder = home.join("data/import");
    std::fs::create_dir_all(&folder).with_context(|| format!("make the folder {}", folder.display()))?;
    tls::write(&folder.join("master-realm.json"), &realm::cheap("master").to_string())
}

/// The server's program without its script, which would stay between us and it. The options are the script's, but for
/// those that make a short life shorter.
fn java(home: &Path) -> Command {
    let mut command = Command::new("java");
    command
        .args(["-Xms128m", "-Xmx640m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dfile.encoding=UTF-8"])
        .args(["-Duser.language=en", "-Duser.country=US", "-Duser.timezone=UTC"])
        .args(["--add-opens=java.base/java.util=ALL-UNNAMED", "--add-opens=java.base/java.lang=ALL-UNNAMED"])
        .args([
            "--add-opens=java.base/java.util.concurrent=ALL-UNNAMED",
            "--add-opens=java.base/java.security=ALL-UNNAMED",
        ])
        .arg("-Djava.util.concurrent.ForkJoinPool.common.threadFactory=io.quarkus.bootstrap.forkjoin.QuarkusForkJoinWorkerThreadFactory")
        .arg("-Djava.util.logging.manager=org.jboss.logmanager.LogManager")
        .arg(format!("-Dkc.home.dir={}", home.display()))
        .arg(format!("-Djboss.server.config.dir={}", home.join("conf").display()))
        .arg("-cp")
        .arg(home.join("lib/quarkus-run.jar"))
        .arg("io.quarkus.bootstrap.runner.QuarkusEntryPoint");
    command
}
