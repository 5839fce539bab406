//! The instance's folder: made by dscreate with every path set to a place inside, then completed before the first
//! start with what dscreate would do online (the root's password, logs) and with a certificate.
//!
//! dscreate ends with an error, since it looks for the instance below /etc/dirsrv; the folder is complete all the same.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::{Dirsrv, SUFFIX};
use crate::tls;

/// Folders that dscreate expects or forgets.
const FOLDERS: &[&str] = &["init", "var", "tmp", "inst"];
/// The certificate's name in the server's store.
const CERTIFICATE: &str = "Server-Cert";

pub(super) fn create(dirsrv: &Dirsrv) -> Result<()> {
    let dir = dirsrv.dir.path();
    for folder in FOLDERS {
        std::fs::create_dir_all(dir.join(folder)).with_context(|| format!("make the folder {folder}"))?;
    }
    let inf = dir.join("instance.inf");
    tls::write(&inf, &answers(dirsrv)?)?;
    let output = Command::new("/usr/sbin/dscreate")
        .arg("from-file")
        .arg(&inf)
        .output()
        .context("run dscreate")?;
    let dse = dirsrv.config_dir().join("dse.ldif");
    if !dse.exists() {
        bail!(
            "dscreate made no instance:\n{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    certificate(dirsrv)?;
    let text = std::fs::read_to_string(&dse).context("read dse.ldif")?;
    let hashed = run(Command::new("/usr/bin/pwdhash").args(["-s", "SSHA512", dirsrv.secret()]))?;
    tls::write(&dse, &complete(&text, dirsrv, hashed.trim())?)
}

fn answers(dirsrv: &Dirsrv) -> Result<String> {
    let dir = dirsrv.dir.path().display();
    let name = |option: &str| run(Command::new("id").arg(option));
    let (user, group) = (name("-un")?, name("-gn")?);
    Ok(format!(
        "[general]
config_version = 2
full_machine_name = localhost
strict_host_checking = False
selinux = False
systemd = False
start = False
[slapd]
instance_name = readmit
root_password = {secret}
user = {user}
group = {group}
self_sign_cert = False
port = {plain}
secure_port = {secure}
backup_dir = {dir}/bak
cert_dir = {config}
config_dir = {config}
schema_dir = {config}/schema
db_dir = {dir}/db
db_home_dir = {dir}/dbhome
initconfig_dir = {dir}/init
inst_dir = {dir}/inst
ldapi = {dir}/socket
ldif_dir = {dir}/ldif
local_state_dir = {dir}/var
lock_dir = {dir}/lock
log_dir = {dir}/log
run_dir = {dir}/run
tmp_dir = {dir}/tmp
[backend-userroot]
suffix = {SUFFIX}
",
        config = dirsrv.config_dir().display(),
        secret = dirsrv.secret(),
        user = user.trim(),
        group = group.trim(),
        plain = dirsrv.plain_port,
        secure = dirsrv.tls_port,
    ))
}

/// Puts a certificate of the test's authority into the server's store.
fn certificate(dirsrv: &Dirsrv) -> Result<()> {
    let dir = dirsrv.dir.path();
    let identity = dirsrv.authority.issue("dirsrv", &["127.0.0.1", "localhost"], dir)?;
    let (store, bundle) = (dirsrv.config_dir(), dir.join("dirsrv.p12"));
    run(Command::new("openssl")
        .args([
            "pkcs12",
            "-export",
            "-name",
            CERTIFICATE,
            "-passout",
            "pass:x",
            "-inkey",
        ])
        .arg(&identity.key)
        .arg("-in")
        .arg(&identity.certificate)
        .arg("-out")
        .arg(&bundle))?;
    run(Command::new("certutil")
        .args(["-N", "--empty-password", "-d"])
        .arg(&store))?;
    run(Command::new("pk12util")
        .args(["-W", "x", "-K", "", "-i"])
        .arg(&bundle)
        .arg("-d")
        .arg(&store))?;
    run(Command::new("certutil")
        .args(["-A", "-n", "authority", "-t", "CT,,", "-i"])
        .arg(dirsrv.ca_file())
        .arg("-d")
        .arg(&store))?;
    Ok(())
}

/// The configuration with logs, TLS and a hash of the root's password: the server takes none in the clear from a file.
fn complete(dse: &str, dirsrv: &Dirsrv, hashed: &str) -> Result<String> {
    let unfolded = dse.replace("\n ", "");
    let without = ["nsslapd-rootpw:", "nsslapd-auditfaillog:"];
    let kept: Vec<&str> = unfolded
        .trim()
        .lines()
        .filter(|line| !without.iter().any(|name| line.starts_with(name)))
        .collect();
    let (head, rest) = kept
        .iter()
        .position(|line| *line == "dn: cn=config")
        .map(|at| kept.split_at(at + 1))
        .context("dse.ldif has no cn=config")?;
    let log = dirsrv.path("log");
    Ok(format!(
        "{head}
nsslapd-rootpw: {hashed}
nsslapd-security: on
nsslapd-secureport: {secure}
nsslapd-listenhost: 127.0.0.1
nsslapd-securelistenhost: 127.0.0.1
nsslapd-accesslog-logbuffering: off
nsslapd-auditlog-logging-enabled: on
nsslapd-auditfaillog-logging-enabled: on
nsslapd-auditfaillog: {log}/auditfail
{rest}

dn: cn=RSA,cn=encryption,cn=config
objectClass: top
objectClass: nsEncryptionModule
cn: RSA
nsSSLPersonalitySSL: {CERTIFICATE}
nsSSLActivation: on
nsSSLToken: internal (software)
",
        head = head.join("\n"),
        rest = rest.join("\n"),
        secure = dirsrv.tls_port,
        log = log.display(),
    ))
}

fn run(command: &mut Command) -> Result<String> {
    let program = Path::new(command.get_program()).display().to_string();
    let output = command.output().with_context(|| format!("run {program}"))?;
    if !output.status.success() {
        bail!(
            "{program} ended with {}: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
